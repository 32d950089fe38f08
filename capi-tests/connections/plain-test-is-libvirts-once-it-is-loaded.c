/*
 * In a process that has the real libvirt, test:///default is libvirt's own, so that programs see no change; ours is still
 * there by the name that is always ours.
 */
#define _GNU_SOURCE

#include <dlfcn.h>

#include "world.h"

/** Whether a connection shows the world of this library, which has a second disk. */
static int is_ours(virConnectPtr conn)
{
    virDomainPtr dom = domain_of(conn, "test");
    char *xml;
    int found;

    CHECK((xml = virDomainGetXMLDesc(dom, 0)) != NULL);
    found = strstr(xml, "/guest/diskimage2") != NULL;
    free(xml);
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(virConnectClose(conn), 0);
    return found;
}

int main(void)
{
    virConnectPtr conn;

    if (CHECK_SANITIZED)
        skip("a sanitizer lets nobody open a library with RTLD_DEEPBIND");
    CHECK_INT(is_ours(open_world("test:///default")), 1);
    if (!dlopen("libvirt.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND))
        skip("there is no libvirt.so.0");

    quiet_errors();
    if ((conn = virConnectOpen("test:///default")))
        CHECK_INT(is_ours(conn), 0);
    else
        CHECK_ERROR_SAYS(VIR_ERR_NO_CONNECT, "libvirt.so.0");
    CHECK_INT(is_ours(open_world(DEFAULT_URI)), 1);
    return 0;
}
