/*
 * Every function that takes a handle refuses what is not one of its class: NULL, one that was given up, one of another
 * class, and memory that has nothing to do with the library. It says so, and changes nothing.
 */

#include "calls.h"

static virConnectPtr conn;
static virDomainPtr dom;
static virDomainSnapshotPtr snapshot;

static void check_refused(const struct call *call, const char *what, void *handle)
{
    int failed = call->fails(handle, 0);

    if (!failed || (call->rights != QUIET && virGetLastErrorCode() != refusal(call->class))) {
        fprintf(stderr, "%s of a handle that is %s: failed %d, error %d\n", call->name, what, failed, virGetLastErrorCode());
        exit(1);
    }
    if (call->rights == QUIET)
        CHECK_NO_ERROR();
    else
        CHECK_ERROR_SAYS(refusal(call->class), call->name);
}

int main(void)
{
    static char zeros[4096], noise[4096];
    virConnectPtr freed_conn;
    virDomainPtr freed_dom, of_closed;
    virDomainSnapshotPtr freed_snapshot;
    void *freed[3], *live[3], *heap;
    int i, class;

    quiet_errors();
    memset(noise, 0xca, sizeof(noise));
    CHECK((heap = calloc(1, 4096)) != NULL);
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    snapshot = take_snapshot(dom, "one");

    freed_conn = open_world(DEFAULT_URI);
    of_closed = domain_of(freed_conn, "test");
    CHECK_INT(virConnectClose(freed_conn), 1);
    CHECK_INT(virDomainFree(of_closed), 0);
    freed_dom = domain_of(conn, "test");
    CHECK_INT(virDomainFree(freed_dom), 0);
    CHECK((freed_snapshot = virDomainSnapshotLookupByName(dom, "one", 0)) != NULL);
    CHECK_INT(virDomainSnapshotFree(freed_snapshot), 0);

    live[CONN] = conn;
    live[DOMAIN] = dom;
    live[SNAPSHOT] = snapshot;
    freed[CONN] = freed_conn;
    freed[DOMAIN] = freed_dom;
    freed[SNAPSHOT] = freed_snapshot;
    for (i = 0; i < CALLS; i++) {
        const struct call *call = &calls[i];

        check_refused(call, "NULL", NULL);
        for (class = CONN; class <= SNAPSHOT; class++) {
            check_refused(call, "freed", freed[class]);
            check_refused(call, "in the middle of an object", (char *)live[class] + 8);
            if (class != (int)call->class)
                check_refused(call, "of another class", live[class]);
        }
        check_refused(call, "zeroed memory", zeros);
        check_refused(call, "memory full of noise", noise);
        check_refused(call, "on the heap", heap);
        check_refused(call, "on the stack", freed);
        check_refused(call, "a small number", (void *)1);
        check_refused(call, "an address that nobody has", (void *)0xdead0000beefUL);
    }

    CHECK_INT(virConnectNumOfDomains(conn), 1);
    CHECK_INT(virDomainIsActive(dom), 1);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    CHECK_INT(virDomainSnapshotNum(dom, 0), 1);
    free(heap);
    CHECK_INT(virDomainSnapshotFree(snapshot), 0);
    close_world(dom, conn);
    return 0;
}
