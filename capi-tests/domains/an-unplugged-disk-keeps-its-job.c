/*
 * A disk can be taken out of the domain while a job works on it: the job is listed and controlled as before, by its name,
 * though the older calls no longer find a disk to ask about.
 */

#include "world.h"

#define VDB "<disk type='file' device='disk'><source file='/guest/diskimage2'/><target dev='vdb' bus='virtio'/></disk>"

int main(void)
{
    virDomainBlockJobInfo info;
    virConnectPtr conn;
    virDomainPtr dom;
    char *name, *xml;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    name = start_endless(dom, "vdb", 0);
    CHECK_INT(virDomainDetachDevice(dom, VDB), 0);
    CHECK((xml = virDomainGetXMLDesc(dom, 0)) != NULL);
    CHECK(strstr(xml, "vdb") == NULL);
    free(xml);

    CHECK_INT(listed_state(dom, name), VIR_DOMAIN_JOB_STATE_RUNNING);
    CHECK((xml = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
    CHECK_HAS(xml, "<disk>vdb</disk>");
    free(xml);
    CHECK_INT(virDomainGetBlockJobInfo(dom, "vdb", &info, 0), -1);
    virResetLastError();
    CHECK_INT(control(dom, name, PAUSE), 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_PAUSED);
    CHECK_INT(control(dom, name, RESUME), 0);
    CHECK_INT(virDomainJobSetSpeed(dom, name, 0, 0), 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_COMPLETED);
    free(name);

    CHECK_INT(virDomainDetachDevice(dom, VDB), -1);
    CHECK_ERROR(VIR_ERR_DEVICE_MISSING);
    CHECK_INT(virDomainAttachDevice(dom, VDB), 0);
    CHECK_INT(virDomainAttachDevice(dom, VDB), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_FAILED);
    end_job(dom, start_endless(dom, "vdb", 0));
    close_world(dom, conn);
    return 0;
}
