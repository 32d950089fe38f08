/* An array of parameters that is not there has no parameters and no room, whatever its counts say. */

#include "world.h"

int main(void)
{
    virTypedParameterPtr params = NULL;
    int n = 0, room = 5, value = 0;

    quiet_errors();
    CHECK_INT(virTypedParamsAddInt(&params, &n, &room, "one", 1), 0);
    CHECK_INT(n, 1);
    CHECK(params != NULL && room >= 1);
    CHECK_INT(virTypedParamsGetInt(params, n, "one", &value), 1);
    CHECK_INT(value, 1);
    virTypedParamsFree(params, n);

    params = NULL;
    n = room = 3;
    CHECK_INT(virTypedParamsAddString(&params, &n, &room, "one", "text"), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(n, 3);
    CHECK(params == NULL);

    n = -1;
    CHECK_INT(virTypedParamsAddULLong(&params, &n, &room, "one", 1), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    n = 0;
    room = -1;
    CHECK_INT(virTypedParamsAddULLong(&params, &n, &room, "one", 1), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK(params == NULL);

    /* What is counted below zero is not there. */
    CHECK_INT(virTypedParamsGetInt(NULL, 5, "one", &value), 0);
    virTypedParamsClear(NULL, 5);
    virTypedParamsFree(NULL, 5);
    return 0;
}
