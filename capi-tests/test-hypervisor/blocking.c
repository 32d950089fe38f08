/*
 * blocking.c: calls that block are listed as jobs meanwhile, and another thread can end them
 */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define SAVED "blocking.save"

static virDomainPtr domain;

static void *save(void *result)
{
    *(int *)result = virDomainSave(domain, SAVED) < 0 ? virGetLastErrorCode() : VIR_ERR_OK;
    return NULL;
}

static void a_moment(void)
{
    const struct timespec ms = { 0, 2 * 1000 * 1000 };

    nanosleep(&ms, NULL);
}

/* The name of the domain's one job; waits until there is one. */
static char *job(void)
{
    int tries;

    for (tries = 0; tries < 5000; tries++, a_moment()) {
        virDomainJobPtr *jobs = NULL;
        char *name;

        if (virDomainJobList(domain, &jobs, VIR_DOMAIN_JOB_LIST_DOMAIN | VIR_DOMAIN_JOB_LIST_ACTIVE) <= 0) {
            free(jobs);
            continue;
        }
        CHECK_INT(jobs[0]->type, VIR_DOMAIN_JOB_TYPE_SAVE);
        name = strdup(jobs[0]->name);
        virDomainJobFree(jobs[0]);
        free(jobs);
        return name;
    }
    check_failed(__FILE__, __LINE__, "the save is listed");
    return NULL;
}

static int ended_by(int by_name)
{
    pthread_t thread;
    int result = -1;
    char *name;

    CHECK_INT(pthread_create(&thread, NULL, save, &result), 0);
    name = job();
    if (by_name) {
        CHECK_INT(virDomainJobControl(domain, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_PAUSE, 0), -1);
        CHECK_ERROR(VIR_ERR_OPERATION_UNSUPPORTED);
        CHECK_INT(virDomainJobControl(domain, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    } else {
        virDomainJobInfo info;

        CHECK_INT(virDomainGetJobInfo(domain, &info), 0);
        CHECK_INT(info.memTotal, 32 << 20);
        CHECK_INT(virDomainAbortJob(domain), 0);
    }
    free(name);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK(access(SAVED, F_OK) != 0);
    return result;
}

int main(void)
{
    virConnectPtr conn = virConnectOpen("test:///default");
    int state = 0;

    CHECK(conn);
    domain = virDomainLookupByName(conn, "test");
    CHECK(domain);
    CHECK_INT(ended_by(1), VIR_ERR_OPERATION_ABORTED);
    CHECK_INT(ended_by(0), VIR_ERR_OPERATION_ABORTED);
    CHECK_INT(virDomainGetState(domain, &state, NULL, 0), 0);
    CHECK_INT(state, VIR_DOMAIN_RUNNING);
    CHECK_INT(virDomainSave(domain, SAVED), 0);
    CHECK_INT(virDomainRestore(conn, SAVED), 0);
    unlink(SAVED);
    virDomainFree(domain);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
