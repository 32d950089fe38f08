/*
 * Every function that takes flags refuses those that nobody has given a meaning, one by one and together, and does
 * nothing of what it was asked.
 */

#include "calls.h"

static void check_refused(const struct call *call, void *handle, unsigned int flags)
{
    int failed = call->fails(handle, flags);

    if (!failed || virGetLastErrorCode() != VIR_ERR_INVALID_ARG) {
        fprintf(stderr, "%s with flags 0x%x: failed %d, error %d: %s\n", call->name, flags, failed, virGetLastErrorCode(),
                virGetLastErrorMessage());
        exit(1);
    }
    CHECK_HAS(virGetLastErrorMessage(), "flags");
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    virDomainSnapshotPtr snapshot;
    void *handles[3];
    char *before, *after;
    int i, bit;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    snapshot = take_snapshot(dom, "one");
    CHECK((before = virDomainGetXMLDesc(dom, 0)) != NULL);
    handles[CONN] = conn;
    handles[DOMAIN] = dom;
    handles[SNAPSHOT] = snapshot;

    for (i = 0; i < CALLS; i++) {
        if (calls[i].known == NO_FLAGS)
            continue;
        for (bit = 0; bit < 32; bit++) {
            if (!(calls[i].known & (1U << bit)))
                check_refused(&calls[i], handles[calls[i].class], 1U << bit);
        }
        check_refused(&calls[i], handles[calls[i].class], ~calls[i].known);
    }
    CHECK(virConnectOpenAuth(DEFAULT_URI, NULL, 1U << 2) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "flags");
    CHECK(virConnectOpenAuth(DEFAULT_URI, NULL, 1U << 31) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "flags");

    CHECK((after = virDomainGetXMLDesc(dom, 0)) != NULL);
    CHECK_STR(after, before);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    CHECK_INT(virConnectNumOfDomains(conn), 1);
    CHECK_INT(virDomainSnapshotNum(dom, 0), 1);
    CHECK(access(A_FILE, F_OK) != 0);
    free(before);
    free(after);
    CHECK_INT(virDomainSnapshotFree(snapshot), 0);
    close_world(dom, conn);
    return 0;
}
