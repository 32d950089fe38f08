/*
 * A disk may leave the domain while a job works on it, be it that the guest gave it up or a fault: the job is listed and
 * controlled by its name as before, though the older calls no longer find a disk to ask about. Whoever asks for the disk
 * to be detached under a job is refused, as by libvirt.
 */

#include "world.h"

#define VDB "<disk type='file' device='disk'><source file='/guest/vdb'/><target dev='vdb' bus='virtio'/></disk>"

static int has_vdb(virDomainPtr dom)
{
    char *xml;
    int found;

    CHECK((xml = virDomainGetXMLDesc(dom, 0)) != NULL);
    found = strstr(xml, "<target dev='vdb'") != NULL;
    free(xml);
    return found;
}

int main(void)
{
    virDomainBlockJobInfo info;
    virConnectPtr conn;
    virDomainPtr dom;
    char *name, *xml;

    quiet_errors();
    conn = open_fixture(FIXTURE("<jobs:speed unit='GiB'>1</jobs:speed>"
                                "<jobs:fault type='block-pull' disk='vdb' at='1B' action='unplug' times='1'/>"));
    dom = domain_of(conn, "test");
    CHECK_INT(virDomainBlockPull(dom, "vdb", 1000, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES), 0);
    name = last_started(dom);
    while (has_vdb(dom))
        a_moment();

    CHECK_INT(listed_state(dom, name), VIR_DOMAIN_JOB_STATE_RUNNING);
    CHECK((xml = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
    CHECK_HAS(xml, "<disk>vdb</disk>");
    free(xml);
    CHECK_INT(virDomainGetBlockJobInfo(dom, "vdb", &info, 0), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
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
    name = start_endless(dom, "vdb", 0);
    CHECK_INT(virDomainDetachDevice(dom, VDB), -1);
    CHECK_ERROR_SAYS(VIR_ERR_OPERATION_UNSUPPORTED, name);
    end_job(dom, name);
    CHECK_INT(virDomainDetachDevice(dom, VDB), 0);
    CHECK_INT(has_vdb(dom), 0);
    close_world(dom, conn);
    return 0;
}
