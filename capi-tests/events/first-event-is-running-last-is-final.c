/*
 * The first that is heard of a job is that it runs, the last how it ended, and nothing comes after that: whichever way it
 * ends.
 */

#include "watch.h"

#define COPY(path) "<disk type='file'><source file='" path "'/></disk>"

static struct watch watch;
static virConnectPtr conn;
static virDomainPtr dom;

/** What was heard must be the job's name with each of these words. */
static void check_heard(const char *name, const char *words)
{
    char wanted[1024] = "", all[256], *word, *rest;

    snprintf(all, sizeof(all), "%s", words);
    for (word = strtok_r(all, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "%s %s;", name, word);
    run_loop_for_what_waits();
    CHECK_STR(watch.seen, wanted);
    watch.seen[0] = '\0';
}

int main(void)
{
    char *name;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_fixture(FIXTURE("<jobs:speed unit='GiB'>1</jobs:speed>"
                                "<jobs:fault type='block-commit' at='50%' action='fail'/>"));
    dom = domain_of(conn, "test");
    watch_jobs(&watch, conn);

    name = start_short(dom, "vda", 0);
    watch_until(&watch, 2);
    check_heard(name, "running completed");
    free(name);

    name = start_endless(dom, "vda", 0);
    end_job(dom, name);
    check_heard(name = last_started(dom), "running aborted");
    free(name);

    CHECK_INT(virDomainBlockCopy(dom, "vda", COPY("/first"), NULL, 0, VIR_DOMAIN_BLOCK_COPY_REUSE_EXT), 0);
    name = last_started(dom);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    CHECK_INT(control(dom, name, FINALIZE), 0);
    check_heard(name, "running ready completed");
    free(name);

    CHECK_INT(virDomainBlockCopy(dom, "vda", COPY("/second"), NULL, 0, VIR_DOMAIN_BLOCK_COPY_REUSE_EXT), 0);
    name = last_started(dom);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    end_job(dom, name);
    check_heard(name = last_started(dom), "running ready aborted");
    free(name);

    CHECK_INT(virDomainBlockCommit(dom, "vdb", NULL, "vdb[1]", 0, 0), 0);
    name = last_started(dom);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_FAILED);
    check_heard(name, "running failed");
    free(name);

    name = start_endless(dom, "vda", VIR_DOMAIN_JOB_START_PERSIST);
    CHECK_INT(control(dom, name, PAUSE), 0);
    CHECK_INT(virDomainDestroy(dom), 0);
    check_heard(name, "running paused failed");
    CHECK_INT(control(dom, name, DISMISS), 0);
    check_heard(name, "");
    free(name);
    watch_end(&watch);
    close_world(dom, conn);
    return 0;
}
