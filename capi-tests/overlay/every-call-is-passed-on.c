/* Every function that takes a handle passes one of the real libvirt's on to it: none refuses it, and what libvirt answers
 * is what the function answers. */
#define _GNU_SOURCE

#include "calls.h"
#include "real.h"

static virConnectPtr conn;
static virDomainPtr dom;
static virDomainSnapshotPtr snapshot;

/** A world as it is at the beginning, for a call that may change it. */
static void *begin(enum handle_class class)
{
    virErrorPtr of_conn;

    conn = open_world(REAL_WORLD);
    dom = domain_of(conn, "test");
    CHECK((snapshot = virDomainSnapshotCreateXML(dom, "<domainsnapshot><name>one</name></domainsnapshot>", 0)) != NULL);
    /* What we ask libvirt on our own behalf leaves no error with the application's connection. */
    of_conn = REAL(virConnGetLastError)(conn);
    CHECK(of_conn == NULL || of_conn->code == VIR_ERR_OK);
    switch (class) {
    case CONN:
        return conn;
    case DOMAIN:
        return dom;
    default:
        return snapshot;
    }
}

/** Gives everything up, with the functions of the real library, which know best what is left of it. */
static void end(const char *call)
{
    if (strcmp(call, "virDomainSnapshotFree") != 0)
        CHECK_INT(REAL(virDomainSnapshotFree)(snapshot), 0);
    if (strcmp(call, "virDomainSnapshotRef") == 0)
        CHECK_INT(REAL(virDomainSnapshotFree)(snapshot), 0);
    if (strcmp(call, "virDomainFree") != 0)
        CHECK_INT(REAL(virDomainFree)(dom), 0);
    if (strcmp(call, "virDomainRef") == 0)
        CHECK_INT(REAL(virDomainFree)(dom), 0);
    if (strcmp(call, "virConnectRef") == 0)
        CHECK_INT(REAL(virConnectClose)(conn), 1);
    REAL(virConnectClose)(conn);
}

static void check_passed_on(const struct call *call)
{
    void *handle = begin(call->class);
    int failed, code;

    if (strcmp(call->name, "virConnectClose") == 0)
        CHECK_INT(virConnectRef(conn), 0);
    virResetLastError();
    failed = call->fails(handle, 0);
    code = virGetLastErrorCode();
    if (code == refusal(call->class)) {
        fprintf(stderr, "%s refuses a handle of libvirt's: %s\n", call->name, virGetLastErrorMessage());
        exit(1);
    }
    CHECK_INT(REAL(virGetLastErrorCode)(), code);
    if (call->rights != QUIET)
        CHECK_INT(code != VIR_ERR_OK, failed);
    end(call->name);
}

/** What is written by hand above is seen to reach the object it is about. */
static void references_are_counted_once(void)
{
    begin(CONN);
    CHECK_INT(virDomainRef(dom), 0);
    CHECK_INT(REAL(virDomainFree)(dom), 0);
    CHECK_INT(virDomainSnapshotFree(snapshot), 0);
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(virConnectRef(conn), 0);
    CHECK_INT(virConnectClose(conn), 1);
    CHECK_INT(virConnectClose(conn), 0);
}

int main(void)
{
    int i;

    quiet_errors();
    need_real_library();
    for (i = 0; i < CALLS; i++) {
        /* What libvirt does not have is not passed on. */
        if (dlsym(real_library(), calls[i].name))
            check_passed_on(&calls[i]);
    }
    references_are_counted_once();
    unlink(A_FILE);
    return 0;
}
