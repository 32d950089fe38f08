/*
 * The description of a job has its figures unless they are unwanted: then the hypervisor is not asked, and all else is
 * the same.
 */

#include "world.h"

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test");
    char *name = start_endless(dom, "vda", 0), *with, *without, *stats, *end;
    size_t before;

    CHECK((with = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
    CHECK((without = virDomainJobGetXMLDesc(dom, name, VIR_DOMAIN_JOB_XML_NO_STATS)) != NULL);
    CHECK_STR(without,
              "<job type='block-pull' state='running'>\n"
              "  <name>block-pull-vda-1</name>\n"
              "  <config>\n"
              "    <disk>vda</disk>\n"
              "    <bandwidth unit='bytes/s'>1</bandwidth>\n"
              "  </config>\n"
              "</job>\n");
    CHECK((stats = strstr(with, "  <stats>\n")) != NULL);
    CHECK((end = strstr(with, "  </stats>\n")) != NULL);
    CHECK_HAS(stats, "<current>");
    CHECK_HAS(stats, "<end>16777216</end>");
    CHECK_HAS(stats, "<elapsed unit='ms'>");
    CHECK_HAS(stats, "<started>");
    before = (size_t)(stats - with);
    CHECK(strncmp(with, without, before) == 0);
    CHECK_STR(end + strlen("  </stats>\n"), without + before);
    free(with);
    free(without);
    end_job(dom, name);
    close_world(dom, conn);
    return 0;
}
