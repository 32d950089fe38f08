/*
 * A program that only asks now and then hears nothing of what happens in between. How a job ended that is gone is found out
 * all the same, as far as the disk or the program's own calls tell: COMPLETED and ABORTED are never guessed.
 */

#include "overlay/jobs/machine.h"

static virDomainPtr dom;

/** Another program aborts the job of a disk. */
static void others_abort(const char *disk)
{
    run("virsh -q -c \"$ORACLE_URI\" blockjob known %s --abort%s%s", disk, "", "");
}

/** Another program makes its result the disk's, once it is ready. */
static void others_pivot(const char *disk)
{
    run("for i in $(seq 300); do virsh -q -c \"$ORACLE_URI\" blockjob known %s --pivot 2> /dev/null && exit 0; sleep 0.1; done; exit 1%s%s",
        disk, "", "");
}

static void others_snapshot(const char *file)
{
    run("virsh -q -c \"$ORACLE_URI\" snapshot-create-as known --no-metadata --disk-only --diskspec vda,snapshot=no "
        "--diskspec vdb,file=\"$ORACLE_DIR\"/%s > \"$ORACLE_DIR\"/virsh.out%s%s", file, "", "");
}

/** Waits without asking for any job by its name. */
static void await_no_job(const char *disk)
{
    virDomainBlockJobInfo info;
    int i;

    for (i = 0; i < SOON / 10 && virDomainGetBlockJobInfo(dom, disk, &info, 0) == 1; i++)
        usleep(10000);
    CHECK_INT(virDomainGetBlockJobInfo(dom, disk, &info, 0), 0);
}

/** Waits for the end of the last job without asking for it by its name, then asks once. */
static void ended(const char *disk, const char *name, const char *state)
{
    char line[256] = "", *job;

    await_no_job(disk);
    job = last_started(dom);
    CHECK(strncmp(job, name, strlen(name)) == 0);
    CHECK_HAS(strncpy(line, listed(dom, 0), sizeof(line) - 1), job);
    CHECK_HAS(line, state);
    CHECK_INT(virDomainJobControl(dom, job, VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS, 0), 0);
    CHECK_STR(listed(dom, 0), "");
    free(job);
}

static void copies(void)
{
    char *job, *xml;

    start_copy(dom, "vda", file_in_dir("known", "a"), SLOW, VIR_DOMAIN_JOB_START_PERSIST);
    CHECK_HAS(listed(dom, 0), "block-copy-vda-1 3 running;");
    CHECK_INT(virDomainBlockJobAbort(dom, "vda", 0), 0);
    ended("vda", "block-copy-vda-", "aborted");

    /* Aborted by another program, or failed: that it has not completed is what can be known. */
    start_copy(dom, "vda", file_in_dir("known", "b"), SLOW, VIR_DOMAIN_JOB_START_PERSIST);
    CHECK_HAS(listed(dom, 0), " running;");
    others_abort("vda");
    job = last_started(dom);
    CHECK_INT(virDomainJobWait(dom, job, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_FAILED);
    CHECK((xml = virDomainJobGetXMLDesc(dom, job, 0)) != NULL);
    CHECK_HAS(xml, "without having completed");
    free(xml);
    free(job);
    ended("vda", "block-copy-vda-", "failed");

    /* Never seen while it ran. */
    start_copy(dom, "vda", file_in_dir("known", "c"), 0, VIR_DOMAIN_JOB_START_PERSIST);
    others_pivot("vda");
    ended("vda", "block-copy-vda-", "completed");
    CHECK(source_is(dom, file_in_dir("known", "c")));
}

static void commits_and_pulls(void)
{
    CHECK_INT(virDomainBlockPull(dom, "vdb", 1, VIR_DOMAIN_JOB_START_PERSIST), 0);
    CHECK_HAS(listed(dom, 0), " running;");
    others_abort("vdb");
    ended("vdb", "block-pull-vdb-", "failed");

    CHECK_INT(virDomainBlockCommit(dom, "vdb", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE | VIR_DOMAIN_JOB_START_PERSIST), 0);
    CHECK_INT(virDomainBlockJobAbort(dom, "vdb", 0), 0);
    ended("vdb", "block-commit-active-vdb-", "aborted");

    /* Down to the image that is below already: nothing to do, and nothing to be seen of it. */
    CHECK_INT(virDomainBlockRebase(dom, "vdb", file_in_dir("known", "vdb-base"), 0, VIR_DOMAIN_JOB_START_PERSIST), 0);
    ended("vdb", "block-pull-vdb-", "completed");

    CHECK_INT(virDomainBlockCommit(dom, "vdb", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE | VIR_DOMAIN_JOB_START_PERSIST), 0);
    others_pivot("vdb");
    ended("vdb", "block-commit-active-vdb-", "completed");

    /* An image is put on top before anybody asks. */
    others_snapshot("one");
    CHECK_INT(virDomainBlockPull(dom, "vdb", 0, VIR_DOMAIN_JOB_START_PERSIST), 0);
    await_no_job("vdb");
    others_snapshot("two");
    ended("vdb", "block-pull-vdb-", "completed");
}

int main(void)
{
    virConnectPtr conn = open_real();

    quiet_errors();
    dom = start_machine(conn, "known", 2);
    copies();
    commits_and_pulls();
    end_machine(dom);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
