/* Whatever a path or a disk is called, the description of its job is well formed, and says it in full. */

#include "world.h"

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test");
    char *name, *xml;

    CHECK_INT(virDomainBlockCopy(dom, "vdb",
                                 "<disk type='file'><driver type='qcow2'/>"
                                 "<source file='/guest/&lt;a&gt; &amp; &apos;b&apos; &quot;c&quot; &#xe9;\xc3\xa9\xf0\x9f\x90\xa7'/></disk>",
                                 NULL, 0, 0), 0);
    name = last_started(dom);
    CHECK((xml = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
    CHECK_HAS(xml, "/guest/&lt;a&gt; &amp; ");
    CHECK_HAS(xml, "\xc3\xa9\xc3\xa9\xf0\x9f\x90\xa7</target>");
    CHECK(strstr(xml, "<a>") == NULL);
    free(xml);
    end_job(dom, name);
    close_world(dom, conn);
    return 0;
}
