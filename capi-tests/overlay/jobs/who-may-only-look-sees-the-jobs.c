/*
 * A read-only connection lists the jobs by what libvirt's public calls tell, under the names that others see, and controls
 * none. A hypervisor without jobs has none; nothing of that reaches the error handler.
 */

#include "overlay/jobs/machine.h"

static int reports;

static void count(void *opaque, virErrorPtr error)
{
    (void)opaque, (void)error;
    reports++;
}

int main(void)
{
    virConnectPtr other = open_real(), conn = open_real_readonly(), world;
    virDomainPtr dom = start_machine(other, "looked-at", 2), mine = domain_of(conn, "looked-at"), test;
    char *name, *xml;

    virSetErrorFunc(NULL, count);
    others_copy("looked-at", "vda", file_in_dir("looked-at", "copy"), SLOW);
    name = only_job(mine);
    CHECK_HAS(name, "copy-vda-libvirt-");
    CHECK((xml = virDomainJobGetXMLDesc(mine, name, 0)) != NULL);
    CHECK_HAS(xml, "<bandwidth unit='bytes/s'>65536</bandwidth>");
    free(xml);
    /* On the other connection it is the same job. */
    CHECK_INT(virDomainJobList(dom, NULL, 0), 1);
    CHECK_HAS(listed(dom, 0), name);
    CHECK_INT(virDomainJobList(mine, NULL, 0), 1);
    CHECK_INT(reports, 0);
    CHECK_INT(virDomainJobControl(mine, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_DENIED);
    CHECK_INT(virDomainJobSetSpeed(mine, name, 0, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_DENIED);
    CHECK_INT(reports, 2);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_ABORTED);

    world = open_world("test:///default");
    test = domain_of(world, "test");
    CHECK_INT(virDomainJobList(test, NULL, VIR_DOMAIN_JOB_LIST_STATS), 0);
    CHECK_INT(reports, 2);
    CHECK_INT(virDomainJobControl(test, "job", VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), -1);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN_JOB);

    free(name);
    virDomainFree(test);
    virDomainFree(mine);
    end_machine(dom);
    virConnectClose(world);
    virConnectClose(conn);
    virConnectClose(other);
    return 0;
}
