// The interface from C++: enums, callbacks and lists are used as a C++ compiler wants them.

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

static void on_job(virConnectPtr, virDomainPtr, const char *, virDomainJobType type, virDomainJobState state, void *opaque)
{
    if (type == VIR_DOMAIN_JOB_TYPE_BLOCK_PULL && state == VIR_DOMAIN_JOB_STATE_RUNNING)
        ++*static_cast<int *>(opaque);
}

int main()
{
    int started = 0;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    virConnectPtr conn = virConnectOpen("test+jobs:///default");
    virDomainPtr domain = virDomainLookupByName(conn, "test");
    CHECK(domain);
    int callback = virConnectDomainEventRegisterAny(conn, domain, VIR_DOMAIN_EVENT_ID_JOB_STATE,
                                                    VIR_DOMAIN_EVENT_CALLBACK(on_job), &started, nullptr);
    CHECK(callback >= 0);
    CHECK_INT(virDomainBlockPull(domain, "vda", 1, 0), 0);

    virDomainJobPtr *jobs = nullptr;
    CHECK_INT(virDomainJobList(domain, &jobs, 0), 1);
    virDomainJobType type = jobs[0]->type;
    CHECK_INT(type, VIR_DOMAIN_JOB_TYPE_BLOCK_PULL);
    CHECK_INT(virDomainJobControl(domain, jobs[0]->name, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    virDomainJobFree(jobs[0]);
    std::free(jobs);

    while (started == 0)
        CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, callback), 0);
    virDomainFree(domain);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
