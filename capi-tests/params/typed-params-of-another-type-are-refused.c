/* Asking for a parameter by another type than it has is an error that says so, and leaves the caller's place alone. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

int main(void)
{
    virTypedParameterPtr params = NULL;
    int count = 0, room = 0, number = 42;
    unsigned long long ul = 42;
    const char *text = "untouched";

    CHECK_INT(virInitialize(), 0);
    quiet_errors();
    CHECK_INT(virTypedParamsAddUInt(&params, &count, &room, "x", 1), 0);
    CHECK_INT(virTypedParamsGetInt(params, count, "x", &number), -1);
    CHECK(strstr(virGetLastErrorMessage(), "'int'") != NULL);
    CHECK(strstr(virGetLastErrorMessage(), "'uint'") != NULL);
    CHECK(strstr(virGetLastErrorMessage(), "'x'") != NULL);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(number, 42);
    CHECK_INT(virTypedParamsGetULLong(params, count, "x", &ul), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(ul, 42);
    CHECK_INT(virTypedParamsGetLLong(params, count, "x", NULL), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(virTypedParamsGetDouble(params, count, "x", NULL), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(virTypedParamsGetBoolean(params, count, "x", &number), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(virTypedParamsGetString(params, count, "x", &text), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_STR(text, "untouched");
    CHECK_INT(virTypedParamsGetUInt(params, count, "x", NULL), 1);
    virTypedParamsFree(params, count);
    return 0;
}
