/* Where there is a real libvirt, calls of what the drop-in does not implement get there with all that they were given. */

#include "world.h"

#include "stand-in.h"

int virNodeGetInfo(virConnectPtr conn, void *info);

int main(int argc, char **argv)
{
    virConnectPtr ours = open_world("test:///default");
    virDomainPtr dom = domain_of(ours, "test");
    virConnectPtr real;
    struct large large;

    CHECK_INT(argc, 2);
    quiet_errors();

    /* Nothing of the real one is in the process yet. */
    CHECK(virStorageVolCreateXMLFrom(dom, 1, 2, 3, 4, 5, 6.5, 7.5, 8.5, 9.5, 10.5, 11.5, 12.5, 13.5, 14, 15.5, 'p') == 0);
    CHECK_ERROR(VIR_ERR_NO_SUPPORT);

    setenv("VIRT_JOBS_LIBVIRT", argv[1], 1);
    CHECK((real = virConnectOpen("stand-in:///")) != NULL);

    CHECK(virStorageVolCreateXMLFrom(real, 1, 2, 3, 4, 5, 6.5, 7.5, 8.5, 9.5, 10.5, 11.5, 12.5, 13.5, 14, 15.5, 'p') == 1L << 40);
    CHECK(virDomainGetHostname(real, 1.5f, 3.0) == 4.5);
    large = virDomainGetCPUStats(real, 5, 6.25);
    CHECK(large.words[0] == 1 && large.words[4] == 5 && large.number == 6.25);
    CHECK(virDomainPinVcpu(real, "dlddddddddddlllllll", 1.0, 2L, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13L, 14L,
                           15L, 16L, 17L, 18L, 19L) == 190);

    /* Handles of ours mean nothing there, nor what it lacks. */
    CHECK(virStorageVolCreateXMLFrom(dom, 1, 2, 3, 4, 5, 6.5, 7.5, 8.5, 9.5, 10.5, 11.5, 12.5, 13.5, 14, 15.5, 'p') == 0);
    CHECK_ERROR_SAYS(VIR_ERR_NO_SUPPORT, ": virStorageVolCreateXMLFrom");
    CHECK_INT(virNodeGetInfo(real, &large), -1);
    CHECK_ERROR_SAYS(VIR_ERR_NO_SUPPORT, ": virNodeGetInfo");

    CHECK_INT(virConnectClose(real), 0);
    virDomainFree(dom);
    CHECK_INT(virConnectClose(ours), 0);
    return 0;
}
