/*
 * lifecycle.c: what a domain of test:///default does when it is started, stopped, saved and snapshotted
 *
 * Built on the system's libvirt and on this library; both must print the same.
 */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SAVED "lifecycle.save"

static char heard[256];
static int done;

static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *opaque)
{
    size_t used = strlen(heard);

    (void)conn;
    (void)domain;
    (void)opaque;
    snprintf(heard + used, sizeof(heard) - used, " %d/%d", event, detail);
    return 0;
}

static void on_timeout(int timer, void *opaque)
{
    (void)timer;
    (void)opaque;
    done = 1;
}

static void quiet(void *opaque, virErrorPtr error)
{
    (void)opaque;
    (void)error;
}

/* Events are there when the call returns; one round of the loop more than there is to do brings them all. */
static void listen(void)
{
    int timer = virEventAddTimeout(5, on_timeout, NULL, NULL);

    for (done = 0; !done;)
        virEventRunDefaultImpl();
    virEventRemoveTimeout(timer);
}

static void report(const char *what, int result, virDomainPtr domain)
{
    int state = -1, reason = -1;
    virErrorPtr error = virGetLastError();

    printf("%-28s %2d", what, result);
    if (result < 0 && error)
        printf(" error %d of %d", error->code, error->domain);
    virResetLastError();
    listen();
    if (virDomainGetState(domain, &state, &reason, 0) < 0)
        printf(" gone %d", virGetLastError()->code);
    else
        printf(" state %d/%d active %d", state, reason, virDomainIsActive(domain));
    virResetLastError();
    printf(" heard%s\n", *heard ? heard : " nothing");
    *heard = '\0';
}

#define REPORT(call) report(#call, (call), domain)

static int take(virDomainPtr domain, const char *xml, unsigned int flags)
{
    virDomainSnapshotPtr snapshot = virDomainSnapshotCreateXML(domain, xml, flags);

    if (!snapshot)
        return -1;
    virDomainSnapshotFree(snapshot);
    return 0;
}

static int revert(virDomainPtr domain, const char *name, unsigned int flags)
{
    virDomainSnapshotPtr snapshot = virDomainSnapshotLookupByName(domain, name, 0);
    int result = snapshot ? virDomainRevertToSnapshot(snapshot, flags) : -1;

    if (snapshot)
        virDomainSnapshotFree(snapshot);
    return result;
}

static int forget(virDomainPtr domain, const char *name)
{
    virDomainSnapshotPtr snapshot = virDomainSnapshotLookupByName(domain, name, 0);
    int result = snapshot ? virDomainSnapshotDelete(snapshot, 0) : -1;

    if (snapshot)
        virDomainSnapshotFree(snapshot);
    return result;
}

static void running(virDomainPtr domain)
{
    REPORT(virDomainResume(domain));
    REPORT(virDomainCreate(domain));
    REPORT(virDomainSuspend(domain));
    REPORT(virDomainSuspend(domain));
    REPORT(virDomainReset(domain, 0));
    REPORT(virDomainResume(domain));
    REPORT(virDomainReset(domain, 0));
    REPORT(virDomainShutdown(domain));
}

static void off(virDomainPtr domain)
{
    REPORT(virDomainShutdown(domain));
    REPORT(virDomainSuspend(domain));
    REPORT(virDomainResume(domain));
    REPORT(virDomainReset(domain, 0));
    REPORT(virDomainDestroy(domain));
    REPORT(virDomainSave(domain, SAVED));
    REPORT(virDomainCoreDump(domain, SAVED, 0));
    REPORT(virDomainCreate(domain));
    REPORT(virDomainSuspend(domain));
    REPORT(virDomainShutdown(domain));
    REPORT(virDomainCreate(domain));
    REPORT(virDomainDestroyFlags(domain, VIR_DOMAIN_DESTROY_GRACEFUL));
    REPORT(virDomainCreateWithFlags(domain, 0));
}

static void saved(virConnectPtr conn, virDomainPtr domain)
{
    REPORT(virDomainSave(domain, "/nonexistent/file"));
    REPORT(virDomainSave(domain, SAVED));
    REPORT(virDomainRestore(conn, SAVED));
    REPORT(virDomainRestore(conn, SAVED));
    REPORT(virDomainRestore(conn, "/nonexistent/file"));
    REPORT(virDomainRestore(conn, "/etc/passwd"));
    REPORT(virDomainCoreDump(domain, "/nonexistent/file", 0));
    REPORT(virDomainCoreDump(domain, SAVED, 0));
    REPORT(virDomainCoreDump(domain, SAVED, VIR_DUMP_CRASH));
    REPORT(virDomainCreate(domain));
    unlink(SAVED);
}

static void snapshots(virDomainPtr domain)
{
    REPORT(take(domain, "<domainsnapshot><name>one</name></domainsnapshot>", 0));
    REPORT(take(domain, "<domainsnapshot><name>one</name></domainsnapshot>", 0));
    REPORT(take(domain, "<domainsnapshot><name>two</name></domainsnapshot>", VIR_DOMAIN_SNAPSHOT_CREATE_HALT));
    REPORT(revert(domain, "one", 0));
    REPORT(revert(domain, "one", 0));
    REPORT(revert(domain, "one", VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED));
    REPORT(revert(domain, "two", VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING));
    REPORT(forget(domain, "one"));
    REPORT(forget(domain, "one"));
    REPORT(virDomainSnapshotNum(domain, 0));
}

static void created(virConnectPtr conn)
{
    const char *xml = "<domain type='test'><name>other</name><memory>1024</memory><os><type>hvm</type></os></domain>";
    virDomainPtr domain = virDomainCreateXML(conn, xml, 0);

    report("virDomainCreateXML", domain ? 0 : -1, domain);
    REPORT(virDomainIsPersistent(domain));
    report("virDomainCreateXML again", virDomainCreateXML(conn, xml, 0) ? 0 : -1, domain);
    REPORT(virDomainDestroy(domain));
    REPORT(virDomainDestroy(domain));
    virDomainFree(domain);
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr domain;

    virSetErrorFunc(NULL, quiet);
    virEventRegisterDefaultImpl();
    conn = virConnectOpen("test:///default");
    domain = conn ? virDomainLookupByName(conn, "test") : NULL;
    if (!domain)
        return 1;
    virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), NULL, NULL);
    printf("type %s persistent %d id %u\n", virConnectGetType(conn), virDomainIsPersistent(domain), virDomainGetID(domain));
    running(domain);
    off(domain);
    saved(conn, domain);
    snapshots(domain);
    created(conn);
    virDomainFree(domain);
    return 0;
}
