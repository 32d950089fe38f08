/* A connection that is closed while domains of it are held stays open for them; its last holder closes it. */

#include "world.h"

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test"), other = domain_of(conn, "test");
    char *name, *uri;

    CHECK_INT(virConnectClose(conn), 1);
    name = start_endless(dom, "vda", 0);
    CHECK_INT(virDomainJobList(other, NULL, 0), 1);
    CHECK((uri = virConnectGetURI(virDomainGetConnect(dom))) != NULL);
    CHECK_STR(uri, "test:///default");
    free(uri);
    CHECK_INT(virDomainFree(dom), 0);
    end_job(other, name);
    CHECK_INT(virDomainFree(other), 0);

    quiet_errors();
    CHECK_INT(virConnectIsAlive(conn), -1);
    CHECK_ERROR(VIR_ERR_INVALID_CONN);
    return 0;
}
