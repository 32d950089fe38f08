/* A domain runs, pauses, goes on, stops and starts; each call in the wrong state says so and changes nothing. */

#include "world.h"

static void check_state(virDomainPtr dom, int wanted, int wanted_reason)
{
    int state = -1, reason = -1;
    virDomainInfo info;

    CHECK_INT(virDomainGetState(dom, &state, &reason, 0), 0);
    CHECK_INT(state, wanted);
    CHECK_INT(reason, wanted_reason);
    CHECK_INT(virDomainGetState(dom, &state, NULL, 0), 0);
    CHECK_INT(virDomainGetInfo(dom, &info), 0);
    CHECK_INT(info.state, wanted);
    CHECK_INT(info.maxMem, 8388608);
    CHECK_INT(info.memory, 2097152);
    CHECK_INT(info.nrVirtCpu, 2);
    CHECK_INT(virDomainIsActive(dom), wanted != VIR_DOMAIN_SHUTOFF);
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    int autostart = -1;
    char *text;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    check_state(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_UNKNOWN);
    CHECK_INT(virDomainCreate(dom), -1);
    virResetLastError();
    CHECK_INT(virDomainResume(dom), -1);
    CHECK_HAS(virGetLastErrorMessage(), "not paused");
    check_state(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_UNKNOWN);

    CHECK_INT(virDomainSuspend(dom), 0);
    check_state(dom, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER);
    CHECK_INT(virDomainSuspend(dom), -1);
    CHECK_HAS(virGetLastErrorMessage(), "not running");
    CHECK_INT(virDomainResume(dom), 0);
    check_state(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_UNPAUSED);
    CHECK_INT(virDomainReset(dom, 0), 0);

    CHECK_INT(virDomainShutdown(dom), 0);
    check_state(dom, VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_SHUTDOWN);
    CHECK_INT(virDomainShutdown(dom), -1);
    virResetLastError();
    CHECK_INT(virDomainDestroy(dom), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);
    CHECK_INT(virDomainSuspend(dom), -1);
    virResetLastError();
    CHECK_INT(virDomainReset(dom, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);
    CHECK_INT(virDomainBlockPull(dom, "vda", 0, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);

    CHECK_INT(virDomainCreateWithFlags(dom, 0), 0);
    check_state(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
    CHECK_INT(virDomainDestroyFlags(dom, VIR_DOMAIN_DESTROY_GRACEFUL), 0);
    check_state(dom, VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_DESTROYED);

    CHECK_INT(virDomainIsPersistent(dom), 1);
    CHECK_INT(virDomainIsUpdated(dom), 0);
    CHECK_INT(virDomainGetMaxVcpus(dom), 2);
    CHECK_INT(virDomainGetMaxMemory(dom), 8388608);
    CHECK_INT(virDomainGetAutostart(dom, &autostart), 0);
    CHECK_INT(autostart, 0);
    CHECK_INT(virDomainHasManagedSaveImage(dom, 0), 0);
    CHECK((text = virDomainGetOSType(dom)) != NULL);
    CHECK_STR(text, "hvm");
    free(text);
    close_world(dom, conn);
    return 0;
}
