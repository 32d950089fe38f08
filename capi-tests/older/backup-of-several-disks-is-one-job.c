/* A backup is one job however many disks it has: it names each, says how far each is, and describes itself. */

#include "world.h"

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    char *name, *xml;

    quiet_errors();
    conn = open_fixture(FIXTURE("<jobs:disk name='vdb' size='8MiB'/><jobs:speed unit='GiB'>1</jobs:speed>"));
    dom = domain_of(conn, "test");
    CHECK(virDomainBackupGetXMLDesc(dom, 0) == NULL);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN_BACKUP);

    CHECK_INT(virDomainBackupBegin(dom, "<domainbackup><disks><disk name='vda' type='file'><target file='/backup/a'/></disk>"
                                   "<disk name='vdb' type='file'><target file='/backup/b'/><driver type='raw'/></disk></disks>"
                                   "</domainbackup>", NULL, VIR_DOMAIN_JOB_START_PERSIST), 0);
    name = last_started(dom);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 1);
    CHECK((xml = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
    CHECK_HAS(xml, "<disk>vda</disk>\n    <disk>vdb</disk>");
    CHECK_HAS(xml, "<target disk='vda' type='file' format='qcow2'>/backup/a</target>");
    CHECK_HAS(xml, "<target disk='vdb' type='file' format='raw'>/backup/b</target>");
    CHECK_HAS(xml, "<disk name='vda'>");
    CHECK_HAS(xml, "<end>16777216</end>");
    CHECK_HAS(xml, "<disk name='vdb'>");
    CHECK_HAS(xml, "<end>8388608</end>");
    CHECK_HAS(xml, "<end>25165824</end>");
    free(xml);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK_INT(control(dom, name, DISMISS), 0);
    free(name);

    /* In pull mode it goes on until it is aborted. */
    CHECK_INT(virDomainBackupBegin(dom, A_PULL, NULL, 0), 0);
    name = last_started(dom);
    CHECK((xml = virDomainBackupGetXMLDesc(dom, 0)) != NULL);
    CHECK_HAS(xml, "<domainbackup mode='pull'");
    CHECK_HAS(xml, "<disk name='vda' backup='yes'");
    free(xml);
    CHECK_INT(virDomainJobWait(dom, name, 0, 20, 0), 0);
    CHECK_INT(virDomainAbortJob(dom), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
    CHECK(virDomainBackupGetXMLDesc(dom, 0) == NULL);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN_BACKUP);
    free(name);
    close_world(dom, conn);
    return 0;
}
