/*
 * A program whose first question about jobs is for the one that it has started gets its name: that under which it is listed,
 * whatever it was started as; and if it has ended by then, one that no other job has.
 */

#include "overlay/jobs/machine.h"

static void first_question_after(virDomainPtr dom, const char *disk, const char *type)
{
    char *name = last_started(dom), *again = last_started(dom), line[256];

    CHECK_STR(again, name);
    CHECK_HAS(name, disk);
    snprintf(line, sizeof(line), "%s %s running;", name, type);
    CHECK_STR(listed(dom, 0), line);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
    CHECK_STR(listed(dom, 0), "");
    free(name);
    free(again);
}

/** Each life of the program asks for one thing first. */
static int life(int which)
{
    virConnectPtr conn = open_real();
    virDomainPtr dom;
    virDomainBlockJobInfo info;
    char *name, path[600];

    quiet_errors();
    CHECK((dom = virDomainLookupByName(conn, "asked")) != NULL);
    switch (which) {
    case 0:
        CHECK_INT(virDomainBlockPull(dom, "vda", 1, 0), 0);
        first_question_after(dom, "vda", "2");
        break;
    case 1:
        /* By the path of its source. */
        snprintf(path, sizeof(path), "%s", file_in_dir("asked", "vda"));
        start_copy(dom, path, file_in_dir("asked", "copy"), SLOW, 0);
        first_question_after(dom, "vda", "3");
        break;
    default:
        CHECK_INT(virDomainBlockPull(dom, "vda", 0, 0), 0);
        while (virDomainGetBlockJobInfo(dom, "vda", &info, 0) == 1)
            usleep(10000);
        name = last_started(dom);
        CHECK_STR(name, "block-pull-vda-1");
        CHECK_STR(listed(dom, 0), "");
        free(name);
        CHECK_INT(virDomainBlockPull(dom, "vda", 0, VIR_DOMAIN_JOB_START_PERSIST), 0);
        name = last_started(dom);
        CHECK_STR(name, "block-pull-vda-2");
        free(name);
    }
    virDomainFree(dom);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}

int main(int argc, char **argv)
{
    virConnectPtr conn;
    virDomainPtr dom;
    char self[512];
    int i;

    if (argc == 2)
        return life(atoi(argv[1]));
    conn = open_real();
    dom = start_machine(conn, "asked", 1);
    snprintf(self, sizeof(self), "%s", argv[0]);
    for (i = 0; i < 3; i++)
        run("%s %s%s", self, i == 0 ? "0" : i == 1 ? "1" : "2", "");
    end_machine(dom);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
