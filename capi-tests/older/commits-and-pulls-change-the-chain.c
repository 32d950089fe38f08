/* Each block job that completes leaves the chain of images that it was asked for; one that does not leaves it alone. */

#include "world.h"

/** The images of vda from the top, each by the end of its name. */
static const char *chain(virDomainPtr dom)
{
    static char images[256];
    char *xml, *at, *end;

    CHECK((xml = virDomainGetXMLDesc(dom, 0)) != NULL);
    CHECK((end = strstr(xml, "<target dev='vda'")) != NULL);
    *end = '\0';
    images[0] = '\0';
    for (at = xml; (at = strstr(at, "<source file='/guest/")); ) {
        at += strlen("<source file='/guest/");
        strncat(images, at, strcspn(at, "'"));
        strcat(images, " ");
    }
    free(xml);
    return images;
}

static void check_completes(virDomainPtr dom, const char *wanted)
{
    char *name = last_started(dom);

    CHECK_INT(virDomainJobWait(dom, name, VIR_DOMAIN_JOB_STATE_BIT(VIR_DOMAIN_JOB_STATE_READY), SOON, 0) > 0, 1);
    if (listed_state(dom, name) == VIR_DOMAIN_JOB_STATE_READY)
        CHECK_INT(control(dom, name, FINALIZE), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK_STR(chain(dom), wanted);
    free(name);
}

int main(void)
{
    static const char world[] = FIXTURE("<jobs:speed unit='GiB'>1</jobs:speed>");
    virConnectPtr conn;
    virDomainPtr dom;

    quiet_errors();
    conn = open_fixture(world);
    dom = domain_of(conn, "test");
    CHECK_STR(chain(dom), "vda vda.1 vda.2 ");
    end_job(dom, start_endless(dom, "vda", 0));
    CHECK_STR(chain(dom), "vda vda.1 vda.2 ");
    CHECK_INT(virDomainBlockCommit(dom, "vda", NULL, "vda[1]", 0, 0), 0);
    check_completes(dom, "vda vda.2 ");
    CHECK_INT(virDomainBlockPull(dom, "vda", 0, 0), 0);
    check_completes(dom, "vda ");
    close_world(dom, conn);

    conn = open_fixture(world);
    dom = domain_of(conn, "test");
    CHECK_INT(virDomainBlockRebase(dom, "vda", "vda[2]", 0, 0), 0);
    check_completes(dom, "vda vda.2 ");
    CHECK_INT(virDomainBlockCommit(dom, "vda", "/guest/vda.2", NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE), 0);
    check_completes(dom, "vda.2 ");
    close_world(dom, conn);

    conn = open_fixture(world);
    dom = domain_of(conn, "test");
    CHECK_INT(virDomainBlockCommit(dom, "vda", NULL, NULL, 0,
                                   VIR_DOMAIN_BLOCK_COMMIT_ACTIVE | VIR_DOMAIN_BLOCK_COMMIT_SHALLOW), 0);
    check_completes(dom, "vda.1 vda.2 ");
    CHECK_INT(virDomainBlockRebase(dom, "vda", "/guest/copy", 0,
                                   VIR_DOMAIN_BLOCK_REBASE_COPY | VIR_DOMAIN_BLOCK_REBASE_SHALLOW), 0);
    check_completes(dom, "copy vda.2 ");
    CHECK_INT(virDomainBlockCommit(dom, "vda", NULL, NULL, 0, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "active");
    CHECK_INT(virDomainBlockCommit(dom, "vda", NULL, "vda[9]", 0, 0), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(virDomainBlockRebase(dom, "vda", "/guest/nothing", 0, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "/guest/nothing");
    close_world(dom, conn);
    return 0;
}
