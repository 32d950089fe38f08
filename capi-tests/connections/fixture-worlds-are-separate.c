/* Each connection to a fixture has a world of its own, though the file is the same. */

#include "world.h"

int main(void)
{
    char path[512], uri[512], *name, *text;
    virConnectPtr conn, other;
    virDomainPtr dom, namesake;

    write_fixture(FIXTURE(""), path, uri, sizeof(path));
    conn = open_world(uri);
    other = open_world(uri);
    CHECK_INT(unlink(path), 0);
    dom = domain_of(conn, "test");
    namesake = domain_of(other, "test");

    name = start_endless(dom, "vda", 0);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 1);
    CHECK_INT(virDomainJobList(namesake, NULL, 0), 0);
    CHECK_INT(virDomainDestroy(namesake), 0);
    CHECK_INT(virDomainIsActive(dom), 1);
    CHECK_INT(listed_state(dom, name), VIR_DOMAIN_JOB_STATE_RUNNING);

    CHECK((text = virConnectGetURI(conn)) != NULL);
    CHECK_HAS(text, path);
    CHECK(strncmp(text, "test://", 7) == 0);
    free(text);
    free(name);
    close_world(namesake, other);
    close_world(dom, conn);
    return 0;
}
