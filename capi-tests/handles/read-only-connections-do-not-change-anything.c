/* Over a read-only connection everything can be looked at, and every call that would change something is refused. */

#include "calls.h"

int main(void)
{
    virConnectPtr conn, writable;
    virDomainPtr dom, other;
    virDomainSnapshotPtr snapshot;
    void *handles[3];
    char *before, *after, *job;
    int i;

    quiet_errors();
    writable = open_world(DEFAULT_URI);
    other = domain_of(writable, "test");
    snapshot = take_snapshot(other, "one");
    CHECK_INT(virDomainSnapshotFree(snapshot), 0);
    job = start_endless(other, "vda", 0);
    CHECK((before = virDomainGetXMLDesc(other, 0)) != NULL);

    CHECK((conn = virConnectOpenReadOnly(DEFAULT_URI)) != NULL);
    dom = domain_of(conn, "test");
    CHECK((snapshot = virDomainSnapshotLookupByName(dom, "one", 0)) != NULL);
    handles[CONN] = conn;
    handles[DOMAIN] = dom;
    handles[SNAPSHOT] = snapshot;
    for (i = 0; i < CALLS; i++) {
        const struct call *call = &calls[i];
        int failed;

        if (call->rights == COUNTS)
            continue;
        failed = call->fails(handles[call->class], 0);
        if (call->rights == CHANGES && (!failed || virGetLastErrorCode() != VIR_ERR_OPERATION_DENIED)) {
            fprintf(stderr, "%s: failed %d, error %d: %s\n", call->name, failed, virGetLastErrorCode(), virGetLastErrorMessage());
            exit(1);
        }
        if (call->rights == CHANGES)
            CHECK_ERROR_SAYS(VIR_ERR_OPERATION_DENIED, call->name);
        if (call->rights == LOOKS && virGetLastErrorCode() == VIR_ERR_OPERATION_DENIED) {
            fprintf(stderr, "%s may not be called over a read-only connection\n", call->name);
            exit(1);
        }
    }
    CHECK(virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_SECURE) == NULL);
    CHECK_ERROR(VIR_ERR_OPERATION_DENIED);
    CHECK(virDomainSnapshotGetXMLDesc(snapshot, VIR_DOMAIN_SNAPSHOT_XML_SECURE) == NULL);
    CHECK_ERROR(VIR_ERR_OPERATION_DENIED);

    /* The job's name is no secret, and does not help. */
    CHECK_INT(control(dom, job, ABORT), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_DENIED);
    CHECK_INT(virDomainJobSetSpeed(dom, job, 1 << 20, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_DENIED);
    CHECK_INT(virDomainJobWait(dom, job, 0, 0, 0), 0);

    CHECK((after = virDomainGetXMLDesc(other, 0)) != NULL);
    CHECK_STR(after, before);
    CHECK_INT(virDomainJobList(other, NULL, 0), 1);
    CHECK_INT(virConnectNumOfDomains(writable), 1);
    CHECK_INT(virDomainSnapshotNum(other, 0), 1);
    CHECK(access(A_FILE, F_OK) != 0);
    end_job(other, job);
    free(before);
    free(after);
    CHECK_INT(virDomainSnapshotFree(snapshot), 0);
    close_world(dom, conn);
    close_world(other, writable);
    return 0;
}
