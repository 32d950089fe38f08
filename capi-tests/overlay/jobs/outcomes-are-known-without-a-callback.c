/*
 * A program whose event loop runs knows how jobs have ended between its calls, though it has registered no callback: those of
 * its own that it keeps, whoever ended them. What is started before anything else is asked has its name all the same.
 */

#include <pthread.h>

#include "overlay/jobs/machine.h"

static volatile int over;
static virDomainPtr dom;

static void *run_loop(void *opaque)
{
    (void)opaque;
    while (!over)
        CHECK_INT(virEventRunDefaultImpl(), 0);
    return NULL;
}

/** Another program sees to the job of a disk, which is over then. */
static void others(const char *disk, const char *how)
{
    run("for i in $(seq 300); do virsh -q -c \"$ORACLE_URI\" blockjob heard %s %s 2> /dev/null && exit 0; sleep 0.1; done; exit 1%s",
        disk, how, "");
}

/** The last job that was started, which nobody has asked for since then. */
static void ended(int state)
{
    char *job = last_started(dom);

    CHECK_INT(virDomainJobWait(dom, job, 0, SOON, 0), state);
    CHECK_INT(virDomainJobControl(dom, job, VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS, 0), 0);
    CHECK_STR(listed(dom, 0), "");
    free(job);
}

int main(void)
{
    const unsigned int keep = VIR_DOMAIN_JOB_START_PERSIST;
    char *job, *xml;
    virDomainPtr broken;
    virConnectPtr conn;
    pthread_t loop;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK_INT(pthread_create(&loop, NULL, run_loop, NULL), 0);
    conn = open_real();
    quiet_errors();
    dom = start_machine(conn, "heard", 2);

    start_copy(dom, "vda", file_in_dir("heard", "a"), SLOW, keep);
    others("vda", "--abort");
    ended(VIR_DOMAIN_JOB_STATE_ABORTED);

    start_copy(dom, "vda", file_in_dir("heard", "b"), 0, keep);
    others("vda", "--pivot");
    ended(VIR_DOMAIN_JOB_STATE_COMPLETED);

    CHECK_INT(virDomainBlockPull(dom, "vdb", 1, keep), 0);
    others("vdb", "--abort");
    ended(VIR_DOMAIN_JOB_STATE_ABORTED);

    /* One that fails, and why: what the base says of where its data are was overwritten. */
    broken = start_machine(conn, "broken", 1);
    run("dd if=/dev/zero bs=64k count=1 2> /dev/null | tr '\\000' '\\377' | dd of=%s bs=64k seek=4 conv=notrunc 2> /dev/null%s%s",
        file_in_dir("broken", "vda-base"), "", "");
    CHECK_INT(virDomainBlockPull(broken, "vda", 0, keep), 0);
    job = last_started(broken);
    CHECK_INT(virDomainJobWait(broken, job, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_FAILED);
    CHECK((xml = virDomainJobGetXMLDesc(broken, job, 0)) != NULL);
    CHECK_HAS(xml, "Input/output error");
    free(xml);
    free(job);
    end_machine(broken);

    end_machine(dom);
    CHECK_INT(virConnectClose(conn), 0);
    over = 1;
    CHECK(virEventAddTimeout(0, machine_tick, NULL, NULL) >= 0);
    CHECK_INT(pthread_join(loop, NULL), 0);
    return 0;
}
