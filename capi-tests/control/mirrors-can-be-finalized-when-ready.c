/*
 * A copy and an active commit wait, once they are ready, to be finalized or aborted; before that there is nothing to
 * finalize. They can be paused in either state, and go back to it.
 */

#include "control/table.h"

#define ROWS(job) \
    { job " bandwidth='1'", "running", { ABORTED, NOT_NOW, PAUSED, NOT_NOW, NOT_NOW } }, \
    { job " bandwidth='1'", "paused", { ABORTED, NOT_NOW, NOT_NOW, RUNNING, NOT_NOW } }, \
    { job, "ready", { ABORTED, COMPLETED, PAUSED, NOT_NOW, NOT_NOW } }, \
    ENDED(job, NOT_NOW, NOT_NOW, NOT_NOW)

static const struct row rows[] = {
    ROWS("type='block-copy' disk='vda' target='/guest/copy' persist='yes'"),
    ROWS("type='block-commit-active' disk='vda' base='vda[1]' persist='yes'"),
};

static void check_ready_again(const char *job)
{
    const struct row ready = { job, "ready", {0} };
    virConnectPtr conn;
    virDomainPtr dom;
    char *name;

    row = &ready;
    name = stage(&conn, &dom);
    CHECK_INT(control(dom, name, PAUSE), 0);
    CHECK_INT(listed_state(dom, name), PAUSED);
    CHECK_INT(control(dom, name, FINALIZE), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);
    CHECK_INT(control(dom, name, RESUME), 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    CHECK_INT(control(dom, name, PAUSE), 0);
    CHECK_INT(control(dom, name, ABORT), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), ABORTED);
    free(name);
    close_world(dom, conn);
}

int main(void)
{
    CHECK_ROWS(rows);
    check_ready_again("type='block-copy' disk='vda' target='/guest/copy'");
    check_ready_again("type='block-commit-active' disk='vda' base='vda[1]'");
    return 0;
}
