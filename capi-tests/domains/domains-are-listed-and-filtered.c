/* Running and stopped domains, persistent and transient ones, in every way that they can be listed. */

#include "world.h"

/** The initials of the domains that the flags select. */
static const char *selected(virConnectPtr conn, unsigned int flags)
{
    static char letters[16];
    virDomainPtr *doms;
    int i, n;

    CHECK((n = virConnectListAllDomains(conn, &doms, flags)) >= 0);
    CHECK_INT(virConnectListAllDomains(conn, NULL, flags), n);
    for (i = 0; i < n; i++) {
        letters[i] = virDomainGetName(doms[i])[0];
        CHECK_INT(virDomainFree(doms[i]), 0);
    }
    CHECK(doms[n] == NULL);
    letters[n] = '\0';
    free(doms);
    return letters;
}

int main(void)
{
    virConnectPtr conn = open_fixture("<node>" FIXTURE_DOMAIN("paused", "") FIXTURE_DOMAIN("running", "")
                                      FIXTURE_DOMAIN("stopped", "") "</node>");
    virDomainPtr dom, transient;
    char *names[4];
    int ids[4];

    CHECK((transient = virDomainCreateXML(conn, "<domain type='test'><name>transient</name><memory>1024</memory>"
                                          "<os><type>hvm</type></os></domain>", 0)) != NULL);
    dom = domain_of(conn, "stopped");
    CHECK_INT(virDomainDestroy(dom), 0);
    CHECK_INT(virDomainFree(dom), 0);
    dom = domain_of(conn, "paused");
    CHECK_INT(virDomainSuspend(dom), 0);
    CHECK_INT(virDomainFree(dom), 0);

    CHECK_STR(selected(conn, 0), "prst");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_ACTIVE), "prt");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_INACTIVE), "s");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_ACTIVE | VIR_CONNECT_LIST_DOMAINS_INACTIVE), "prst");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_PERSISTENT), "prs");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_TRANSIENT), "t");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_RUNNING), "rt");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_PAUSED), "p");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_SHUTOFF), "s");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_OTHER), "");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_RUNNING | VIR_CONNECT_LIST_DOMAINS_SHUTOFF), "rst");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_RUNNING | VIR_CONNECT_LIST_DOMAINS_PERSISTENT), "r");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT), "");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT), "prst");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE), "");
    CHECK_STR(selected(conn, VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART), "prst");

    CHECK_INT(virConnectNumOfDomains(conn), 3);
    CHECK_INT(virConnectListDomains(conn, ids, 4), 3);
    CHECK(ids[0] > 0 && ids[1] > ids[0] && ids[2] > ids[1]);
    CHECK_INT(virConnectListDomains(conn, ids, 2), 2);
    CHECK_INT(virConnectListDomains(conn, NULL, 0), 0);
    CHECK_INT(virConnectNumOfDefinedDomains(conn), 1);
    CHECK_INT(virConnectListDefinedDomains(conn, names, 4), 1);
    CHECK_STR(names[0], "stopped");
    free(names[0]);
    CHECK_INT(virConnectListDefinedDomains(conn, names, 0), 0);

    quiet_errors();
    CHECK_INT(virConnectListDomains(conn, NULL, 1), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(virConnectListDomains(conn, ids, -1), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);

    /* A transient domain is gone when it stops, and its handle says so. */
    CHECK_INT(virDomainIsPersistent(transient), 0);
    CHECK_INT(virDomainDestroy(transient), 0);
    CHECK_STR(selected(conn, 0), "prs");
    CHECK_INT(virDomainIsActive(transient), -1);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN);
    CHECK_STR(virDomainGetName(transient), "transient");
    close_world(transient, conn);
    return 0;
}
