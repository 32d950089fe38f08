/*
 * JOB_STATE of a real connection: the first event of a job is RUNNING, each change is told once, the last event is a final
 * state. The callback gets one of libvirt's own domains; it may end its own registration, and its pointer is freed once.
 */

#include "overlay/jobs/machine.h"

static int freed, heard_of_other;
static struct watch once;

static void on_free(void *opaque)
{
    CHECK(opaque == &once);
    freed++;
}

static void end_at_first(virConnectPtr conn, virDomainPtr dom, const char *name, virDomainJobType type, virDomainJobState state, void *opaque)
{
    watch_on_state(conn, dom, name, type, state, opaque);
    CHECK_STR(virDomainGetName(dom), "told");
    CHECK(virDomainJobList(dom, NULL, 0) >= 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, once.id), 0);
}

static void on_other(virConnectPtr conn, virDomainPtr dom, const char *name, virDomainJobType type, virDomainJobState state, void *opaque)
{
    (void)conn, (void)dom, (void)name, (void)type, (void)state, (void)opaque;
    heard_of_other++;
}

/** The notes about one job. */
static const char *notes_of(const struct watch *watch, const char *name)
{
    static char notes[1024];
    char all[sizeof(watch->seen)], *note, *rest = all;

    strcpy(all, watch->seen);
    notes[0] = '\0';
    while ((note = strtok_r(rest, ";", &rest))) {
        if (strncmp(note, name, strlen(name)) == 0 && note[strlen(name)] == ' ')
            strcat(strcat(notes, note + strlen(name) + 1), ";");
    }
    return notes;
}

int main(void)
{
    virConnectPtr conn, second;
    virDomainPtr dom, quiet;
    struct watch all, twin;
    char *name, note[256];
    int other;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_real();
    second = open_real();
    quiet_errors();
    dom = start_machine(conn, "told", 2);
    quiet = start_machine(conn, "quiet", 1);
    others_copy("told", "vdb", file_in_dir("told", "before"), SLOW);

    watch_real(&all, conn, NULL);
    watch_real(&twin, second, NULL);
    memset(&once, 0, sizeof(once));
    once.conn = conn;
    once.id = virConnectDomainEventRegisterAny(conn, dom, REAL_JOB_STATE, VIR_DOMAIN_EVENT_CALLBACK(end_at_first), &once, on_free);
    CHECK(once.id >= 0);
    other = virConnectDomainEventRegisterAny(conn, quiet, REAL_JOB_STATE, VIR_DOMAIN_EVENT_CALLBACK(on_other), NULL, NULL);
    CHECK(other >= 0);
    CHECK_INT(virConnectDomainEventRegisterAny(conn, dom, REAL_JOB_STATE, VIR_DOMAIN_EVENT_CALLBACK(end_at_first), &once, NULL), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);

    start_copy(dom, "vda", file_in_dir("told", "copy"), SLOW, 0);
    CHECK((name = strdup(strtok(strstr(listed(dom, 0), "block-copy-vda"), " "))) != NULL);
    snprintf(note, sizeof(note), "%s running;", name);
    await_note(&all, note);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_PAUSE, 0), 0);
    snprintf(note, sizeof(note), "%s paused;", name);
    await_note(&all, note);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_RESUME, 0), 0);
    CHECK_INT(virDomainJobSetSpeed(dom, name, 0, 0), 0);
    snprintf(note, sizeof(note), "%s ready;", name);
    await_note(&all, note);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_FINALIZE, 0), 0);
    snprintf(note, sizeof(note), "%s completed;", name);
    await_note(&all, note);
    await_note(&twin, note);
    CHECK(source_is(dom, file_in_dir("told", "copy")));
    CHECK_STR(notes_of(&all, name), "running;paused;running;ready;completed;");
    CHECK_STR(notes_of(&twin, name), "running;paused;running;ready;completed;");
    CHECK_INT(once.events, 1);
    CHECK_INT(freed, 1);

    /* One that ran before, and ends with its domain. */
    CHECK_INT(virDomainDestroy(dom), 0);
    await_note(&all, "failed;");
    CHECK(strstr(all.seen, "copy-vdb") && !strstr(notes_of(&all, "copy-vdb-libvirt-1-format"), "running;"));
    CHECK_INT(heard_of_other, 0);

    watch_end(&all);
    watch_end(&twin);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, other), 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, other), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    free(name);
    virDomainFree(dom);
    end_machine(quiet);
    return 0;
}
