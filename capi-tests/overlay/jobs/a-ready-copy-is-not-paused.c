/*
 * A copy that is ready cannot be paused: libvirt would wait for ever when it is told to finalize it then. One that somebody
 * else has paused at the monitor goes on before it is finalized or aborted, so that libvirt stays usable.
 */

#include "overlay/jobs/machine.h"

static void monitor(const char *command, const char *id)
{
    run("virsh -q -c \"$ORACLE_URI\" qemu-monitor-command paused '{\"execute\":\"%s\",\"arguments\":{\"id\":\"%s\"}}' >/dev/null%s", command, id, "");
}

static char *ready_copy(virDomainPtr dom, const char *target)
{
    char *name;

    others_copy("paused", "vda", target, 0);
    name = only_job(dom);
    await_state(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    return name;
}

int main(void)
{
    virConnectPtr conn = open_real();
    virDomainPtr dom = start_machine(conn, "paused", 1);
    const char *pivoted = file_in_dir("paused", "copy");
    char *name;

    quiet_errors();
    name = ready_copy(dom, pivoted);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_PAUSE, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_UNSUPPORTED);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_FINALIZE, 0), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK(source_is(dom, pivoted) && !has_mirror(dom));
    free(name);

    /* Somebody else pauses it: that is seen, and the copy can still be resumed and aborted. */
    name = ready_copy(dom, file_in_dir("paused", "second"));
    monitor("job-pause", name);
    await_state(dom, name, VIR_DOMAIN_JOB_STATE_PAUSED);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_FINALIZE, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_RESUME, 0), 0);
    await_state(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    monitor("job-pause", name);
    await_state(dom, name, VIR_DOMAIN_JOB_STATE_PAUSED);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
    CHECK(source_is(dom, pivoted) && !has_mirror(dom));
    free(name);

    /* One that is on its way may be paused and resumed as often as one likes. */
    start_copy(dom, "vda", file_in_dir("paused", "third"), SLOW, 0);
    name = only_job(dom);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_PAUSE, 0), 0);
    await_state(dom, name, VIR_DOMAIN_JOB_STATE_PAUSED);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
    CHECK(!has_mirror(dom));
    CHECK_INT(virDomainBlockPull(dom, "vda", 0, 0), 0);

    free(name);
    end_machine(dom);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
