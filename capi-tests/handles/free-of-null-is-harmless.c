/* Releasing nothing does nothing: where libvirt calls that an error it is one here, and nothing worse. */

#include "world.h"

int main(void)
{
    quiet_errors();
    virDomainJobFree(NULL);
    virFreeError(NULL);
    virResetError(NULL);
    virDefaultErrorFunc(NULL);
    virTypedParamsFree(NULL, 0);
    virTypedParamsFree(NULL, 3);
    virTypedParamsClear(NULL, 0);
    virTypedParamsClear(NULL, 3);
    CHECK_NO_ERROR();

    CHECK_INT(virDomainFree(NULL), -1);
    CHECK_ERROR(VIR_ERR_INVALID_DOMAIN);
    CHECK_INT(virDomainSnapshotFree(NULL), -1);
    CHECK_ERROR(VIR_ERR_INVALID_DOMAIN_SNAPSHOT);
    CHECK_INT(virConnectClose(NULL), -1);
    CHECK_ERROR(VIR_ERR_INVALID_CONN);
    return 0;
}
