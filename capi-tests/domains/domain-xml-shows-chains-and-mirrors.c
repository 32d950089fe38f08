/*
 * The description of a running domain numbers the images of its disks, shows the copy that a job writes, and after the
 * job the disk as it is now; the inactive one is what the next start will be from.
 */

#include "world.h"

static void check_xml(virDomainPtr dom, unsigned int flags, const char *with, const char *without)
{
    char *xml;

    CHECK((xml = virDomainGetXMLDesc(dom, flags)) != NULL);
    if (with)
        CHECK_HAS(xml, with);
    if (without && strstr(xml, without)) {
        fprintf(stderr, "%s is in %s\n", without, xml);
        CHECK(!"it should not be");
    }
    free(xml);
}

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test");
    char *name;

    check_xml(dom, 0, "<domain type='test' id='1'>", "<mirror");
    check_xml(dom, 0, "<backingStore type='file' index='5'>", NULL);
    check_xml(dom, VIR_DOMAIN_XML_INACTIVE, "<domain type='test'>", " id='1'");
    check_xml(dom, VIR_DOMAIN_XML_INACTIVE, "<source file='/guest/diskimage1.snap5'/>", "index=");

    CHECK_INT(virDomainBlockCopy(dom, "vdb", "<disk type='file'><source file='/guest/copy'/><driver type='raw'/></disk>",
                                 NULL, 0, 0), 0);
    name = last_started(dom);
    check_xml(dom, 0, "<mirror type='file' file='/guest/copy' format='raw' job='copy'>", "ready='yes'");
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    check_xml(dom, 0, "<mirror type='file' file='/guest/copy' format='raw' job='copy' ready='yes'>", NULL);
    check_xml(dom, VIR_DOMAIN_XML_INACTIVE, "/guest/diskimage2", "<mirror");
    CHECK_INT(control(dom, name, FINALIZE), 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_COMPLETED);
    free(name);
    check_xml(dom, 0, "<source file='/guest/copy'", "/guest/diskimage2");
    check_xml(dom, 0, NULL, "<mirror");

    /* A pull of everything leaves no backing image. */
    name = start_short(dom, "vda", 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_COMPLETED);
    free(name);
    check_xml(dom, 0, "/guest/diskimage1.snap5", "/guest/diskimage1.snap4");

    /* A copy that is aborted leaves the disk as it was. */
    CHECK_INT(virDomainBlockCopy(dom, "vda", "<disk type='file'><source file='/guest/other'/></disk>", NULL, 0, 0), 0);
    name = last_started(dom);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    end_job(dom, name);
    check_xml(dom, 0, "/guest/diskimage1.snap5", "/guest/other");
    close_world(dom, conn);
    return 0;
}
