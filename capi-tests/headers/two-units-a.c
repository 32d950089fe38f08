/* Two units include every header, twice; nothing in them is defined twice. */

#include <libvirt/libvirt-jobs.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libvirt/libvirt-jobs.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

int list_in_the_other_unit(virDomainPtr domain, virDomainJobPtr **jobs);

int main(void)
{
    virConnectPtr conn = virConnectOpen("test+jobs:///default");
    virDomainPtr domain = virDomainLookupByName(conn, "test");
    virDomainJobPtr *jobs = NULL;

    CHECK(domain);
    CHECK_INT(list_in_the_other_unit(domain, &jobs), 0);
    CHECK(jobs && !jobs[0]);
    free(jobs);
    virDomainFree(domain);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
