/* A function that the library does not implement fails with VIR_ERR_NO_SUPPORT and the value by which its kind tells. */

#include "world.h"

/* Our headers declare what is implemented; these are libvirt's. */
int virNodeGetInfo(virConnectPtr conn, void *info);
char *virConnectGetSysinfo(virConnectPtr conn, unsigned int flags);
void *virNetworkLookupByName(virConnectPtr conn, const char *name);
unsigned long long virNodeGetFreeMemory(virConnectPtr conn);
int virDomainGetPerfEvents(virDomainPtr dom, virTypedParameterPtr *params, int *count, unsigned int flags);
int virNodeDeviceNumOfCaps(void *device);
void virDomainFSInfoFree(void *info);
void virNetworkDHCPLeaseFree(void *lease);

static int reported;

static void count_reports(void *opaque, virErrorPtr error)
{
    CHECK(opaque == &reported && error->code == VIR_ERR_NO_SUPPORT);
    ++reported;
}

int main(void)
{
    virConnectPtr conn = open_world("test:///default");
    virDomainPtr dom = domain_of(conn, "test");
    virTypedParameterPtr params;
    int count;

    quiet_errors();

    CHECK_INT(virNodeGetInfo(conn, &params), -1);
    CHECK_INT(virGetLastErrorDomain(), VIR_FROM_DOMAIN);
    CHECK_STR(virGetLastErrorMessage(), "this function is not supported by the connection driver: virNodeGetInfo");
    CHECK_ERROR(VIR_ERR_NO_SUPPORT);
    CHECK(virConnectGetSysinfo(conn, 0) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_NO_SUPPORT, ": virConnectGetSysinfo");
    CHECK(virNetworkLookupByName(conn, "default") == NULL);
    CHECK_INT(virGetLastErrorDomain(), VIR_FROM_NETWORK);
    CHECK_ERROR(VIR_ERR_NO_SUPPORT);
    CHECK(virNodeGetFreeMemory(conn) == 0);
    CHECK_ERROR(VIR_ERR_NO_SUPPORT);
    CHECK_INT(virNodeDeviceNumOfCaps(NULL), -1);
    CHECK_INT(virGetLastErrorDomain(), VIR_FROM_NODEDEV);
    CHECK_ERROR(VIR_ERR_NO_SUPPORT);

    /* As with every other failure, the connection and its handler hear of it. */
    virConnSetErrorFunc(conn, &reported, count_reports);
    CHECK_INT(virDomainGetPerfEvents(dom, &params, &count, 0), -1);
    CHECK_INT(virConnGetLastError(conn)->code, VIR_ERR_NO_SUPPORT);
    CHECK_INT(reported, 1);
    virConnSetErrorFunc(conn, NULL, NULL);
    virResetLastError();

    /* What gives memory back has nothing to give back, and no way to say that it failed. */
    virDomainFSInfoFree(NULL);
    virNetworkDHCPLeaseFree(NULL);
    CHECK_NO_ERROR();

    virDomainFree(dom);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
