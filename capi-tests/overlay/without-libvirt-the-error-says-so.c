/* Where there is no real libvirt, what it alone could open is refused with the name of what is missing; all else works. */

#include "world.h"

#define MISSING "/nonexistent/libvirt.so.0"

static void check_refused(const char *uri)
{
    CHECK(virConnectOpen(uri) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_NO_CONNECT, MISSING);
    CHECK(virConnectOpenReadOnly(uri) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_NO_CONNECT, MISSING);
    CHECK(virConnectOpenAuth(uri, virConnectAuthPtrDefault, 0) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_NO_CONNECT, MISSING);
}

int main(void)
{
    virDomainPtr dom;
    virConnectPtr conn;

    CHECK_INT(setenv("VIRT_JOBS_LIBVIRT", MISSING, 1), 0);
    CHECK_INT(unsetenv("LIBVIRT_DEFAULT_URI"), 0);
    quiet_errors();
    CHECK_INT(virInitialize(), 0);
    check_refused("qemu:///system");
    check_refused("qemu+ssh://host/system");
    check_refused("nobody:///");
    check_refused(NULL);
    CHECK_INT(setenv("LIBVIRT_DEFAULT_URI", "xen:///", 1), 0);
    check_refused(NULL);

    conn = open_world("test:///default");
    dom = domain_of(conn, "test");
    CHECK_STR(virDomainGetName(dom), "test");
    close_world(dom, conn);
    return 0;
}
