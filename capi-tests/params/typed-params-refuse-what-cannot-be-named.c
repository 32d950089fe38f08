/* A name that is too long for its field, or missing, is an error; the longest that fits is not, and nor is twice the same. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

int main(void)
{
    char name[VIR_TYPED_PARAM_FIELD_LENGTH + 1];
    virTypedParameterPtr params = NULL;
    int count = 0, room = 0, number = 0;

    CHECK_INT(virInitialize(), 0);
    quiet_errors();
    memset(name, 'n', sizeof(name));
    name[VIR_TYPED_PARAM_FIELD_LENGTH] = '\0';
    CHECK_INT(virTypedParamsAddInt(&params, &count, &room, name, 1), -1);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    virResetLastError();
    CHECK_INT(count, 0);
    name[VIR_TYPED_PARAM_FIELD_LENGTH - 1] = '\0';
    CHECK_INT(virTypedParamsAddInt(&params, &count, &room, name, 1), 0);
    CHECK_INT(virTypedParamsGetInt(params, count, name, &number), 1);
    CHECK_INT(number, 1);
    CHECK_INT(virTypedParamsAddInt(&params, &count, &room, name, 2), 0);
    CHECK_INT(count, 2);
    virTypedParamsFree(params, count);
    return 0;
}
