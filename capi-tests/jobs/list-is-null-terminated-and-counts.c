/* A listing is an array that ends with NULL; the call returns how many jobs are in it, the end not counted. */

#include "world.h"

static void check_count(virDomainPtr dom, int wanted)
{
    virDomainJobPtr *jobs = (virDomainJobPtr *)1;
    int i;

    CHECK_INT(virDomainJobList(dom, &jobs, 0), wanted);
    CHECK(jobs != NULL);
    for (i = 0; i < wanted; i++) {
        CHECK(jobs[i] != NULL);
        CHECK(jobs[i]->name != NULL);
        CHECK_INT(jobs[i]->type, VIR_DOMAIN_JOB_TYPE_BLOCK_PULL);
        CHECK_INT(jobs[i]->state, VIR_DOMAIN_JOB_STATE_RUNNING);
        CHECK(jobs[i]->data == NULL);
        CHECK_INT(jobs[i]->ndata, 0);
        virDomainJobFree(jobs[i]);
    }
    CHECK(jobs[wanted] == NULL);
    free(jobs);
}

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test");
    char *names[2];

    check_count(dom, 0);
    names[0] = start_endless(dom, "vda", 0);
    check_count(dom, 1);
    names[1] = start_endless(dom, "vdb", 0);
    check_count(dom, 2);
    end_job(dom, names[0]);
    end_job(dom, names[1]);
    check_count(dom, 0);
    close_world(dom, conn);
    return 0;
}
