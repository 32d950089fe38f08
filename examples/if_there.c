/*
 * A program that is linked to libvirt alone, and knows jobs by name where libvirt-jobs.so.0 is preloaded:
 *
 *   if_there URI DOMAIN
 */
#include <stdio.h>
#include <stdlib.h>

#include <libvirt/libvirt.h>

/* NULL where nothing has them. */
#pragma weak virDomainJobList
#pragma weak virDomainJobFree
#include <libvirt/libvirt-jobs.h>

static int list(virDomainPtr domain)
{
    virDomainJobPtr *jobs;
    int n;

    if (!virDomainJobList) {
        printf("no jobs by name here\n");
        return 0;
    }
    if ((n = virDomainJobList(domain, &jobs, 0)) < 0)
        return n;
    for (int i = 0; i < n; i++) {
        printf("%s\n", jobs[i]->name);
        virDomainJobFree(jobs[i]);
    }
    free(jobs);
    return n;
}

int main(int argc, char **argv)
{
    virConnectPtr conn;
    virDomainPtr domain;
    int n = -1;

    if (argc != 3 || !(conn = virConnectOpen(argv[1])))
        return 1;
    if ((domain = virDomainLookupByName(conn, argv[2]))) {
        n = list(domain);
        virDomainFree(domain);
    }
    return virConnectClose(conn) < 0 || n < 0;
}
