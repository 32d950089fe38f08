/*
 * Saves, restores, dumps and snapshots that this program starts are told of by JOB_STATE once each, RUNNING and its end, also
 * if the loop runs only when all is over, when libvirt's own events about them come late.
 */

#include "overlay/jobs/machine.h"

int main(void)
{
    static const char *const snapshot_xml = "<domainsnapshot><name>told</name></domainsnapshot>";
    virDomainSnapshotPtr snapshot;
    virConnectPtr conn;
    virDomainPtr dom;
    struct watch watch;
    char saved[512], *copy;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_real();
    quiet_errors();
    snprintf(saved, sizeof(saved), "%s", file_in_dir("told", "saved"));
    dom = start_machine(conn, "told", 1);
    watch_real(&watch, conn, NULL);

    CHECK_INT(virDomainCoreDump(dom, file_in_dir("told", "dump"), 0), 0);
    CHECK_INT(virDomainCoreDumpWithFormat(dom, file_in_dir("told", "dump"), 0, VIR_DUMP_MEMORY_ONLY), 0);
    CHECK((snapshot = virDomainSnapshotCreateXML(dom, snapshot_xml, 0)) != NULL);
    CHECK_INT(virDomainSnapshotDelete(snapshot, 0), 0);
    virDomainSnapshotFree(snapshot);
    CHECK_INT(virDomainSave(dom, saved), 0);
    virDomainFree(dom);
    CHECK_INT(virDomainRestore(conn, saved), 0);
    await_note(&watch, "restore-6 completed;");
    CHECK_INT(virDomainRestore(conn, saved), -1);

    /* What is still to be told of them is: that the machine has gone and come. */
    dom = domain_of(conn, "told");
    start_copy(dom, "vda", file_in_dir("told", "copy"), 0, 0);
    await_note(&watch, "block-copy-vda-7 ready;");
    CHECK(strstr(watch.seen, "failed;") == NULL);
    CHECK((copy = strstr(watch.seen, "block-copy-vda-7")) != NULL);
    *copy = '\0';
    CHECK_STR(watch.seen,
              "dump-1 running;dump-1 completed;dump-2 running;dump-2 completed;snapshot-3 running;snapshot-3 completed;"
              "snapshot-delete-4 running;snapshot-delete-4 completed;save-5 running;save-5 completed;"
              "restore-6 running;restore-6 completed;");
    watch_end(&watch);
    end_machine(dom);
    return 0;
}
