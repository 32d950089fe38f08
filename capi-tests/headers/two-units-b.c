#include <libvirt/virterror.h>
#include <libvirt/libvirt-jobs.h>
#include <libvirt/virterror.h>
#include <libvirt/libvirt-jobs.h>

int list_in_the_other_unit(virDomainPtr domain, virDomainJobPtr **jobs);

int list_in_the_other_unit(virDomainPtr domain, virDomainJobPtr **jobs)
{
    return virDomainJobList(domain, jobs, VIR_DOMAIN_JOB_LIST_ACTIVE);
}
