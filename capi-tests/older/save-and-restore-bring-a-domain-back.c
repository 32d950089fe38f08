/* A saved domain is off, and comes back from its file as it was: running, or paused if that is asked for. */

#include "calls.h"

static void check_state(virDomainPtr dom, int wanted, int wanted_reason)
{
    int state = -1, reason = -1;

    CHECK_INT(virDomainGetState(dom, &state, &reason, 0), 0);
    CHECK_INT(state, wanted);
    CHECK_INT(reason, wanted_reason);
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    char *before, *after, *name;

    quiet_errors();
    conn = open_fixture(FIXTURE("<jobs:speed unit='GiB'>1</jobs:speed>"));
    dom = domain_of(conn, "test");
    CHECK((before = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE)) != NULL);

    CHECK_INT(virDomainSave(dom, "./saved"), 0);
    CHECK_INT(access("saved", F_OK), 0);
    CHECK_INT(virDomainGetID(dom), (unsigned int)-1);
    check_state(dom, VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_SAVED);
    CHECK_INT(virDomainSave(dom, "./saved"), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);
    CHECK_INT(virDomainRestore(conn, "./saved"), 0);
    CHECK((name = virDomainJobLastStarted(dom, 0)) != NULL);
    CHECK(strncmp(name, "restore-", 8) == 0);
    free(name);
    check_state(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_RESTORED);
    CHECK((after = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE)) != NULL);
    CHECK_STR(after, before);
    free(after);
    CHECK_INT(virDomainRestore(conn, "./saved"), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);

    CHECK_INT(virDomainSaveFlags(dom, "./saved", NULL, VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "mutually exclusive");
    CHECK_INT(virDomainSaveParams(dom, string_param(VIR_DOMAIN_SAVE_PARAM_FILE, "./saved"), 1, 0), 0);
    CHECK_INT(virDomainRestoreFlags(conn, "./saved", NULL, VIR_DOMAIN_SAVE_PAUSED), 0);
    check_state(dom, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER);
    CHECK_INT(virDomainResume(dom), 0);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);

    CHECK_INT(virDomainRestore(conn, "./no-such-file"), -1);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    virResetLastError();
    CHECK_INT(virDomainManagedSave(dom, 0), -1);
    CHECK_ERROR(VIR_ERR_NO_SUPPORT);
    CHECK_INT(virDomainCoreDump(dom, "./dumped", VIR_DUMP_LIVE), 0);
    CHECK_INT(access("dumped", F_OK), 0);
    CHECK_INT(virDomainIsActive(dom), 1);
    CHECK_INT(virDomainCoreDump(dom, "./dumped", VIR_DUMP_CRASH), 0);
    check_state(dom, VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_CRASHED);
    unlink("saved");
    unlink("dumped");
    free(before);
    close_world(dom, conn);
    return 0;
}
