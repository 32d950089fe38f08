/* Parameters of each type are appended to an array that grows as needed, and read back by name and type. */

#include <limits.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

#define MANY 200

int main(void)
{
    virTypedParameterPtr params = NULL, one;
    int count = 0, room = 0, i, number = 1;
    unsigned int ui = 0;
    long long l = 0;
    unsigned long long ul = 0;
    double d = 0;
    const char *text = NULL, *list[] = { "first", "second", NULL };
    char original[] = "original";

    CHECK_INT(virInitialize(), 0);
    CHECK_INT(virTypedParamsAddInt(&params, &count, &room, "int", INT_MIN), 0);
    CHECK_INT(virTypedParamsAddUInt(&params, &count, &room, "uint", UINT_MAX), 0);
    CHECK_INT(virTypedParamsAddLLong(&params, &count, &room, "llong", LLONG_MIN), 0);
    CHECK_INT(virTypedParamsAddULLong(&params, &count, &room, "ullong", ULLONG_MAX), 0);
    CHECK_INT(virTypedParamsAddDouble(&params, &count, &room, "double", -0.5), 0);
    CHECK_INT(virTypedParamsAddBoolean(&params, &count, &room, "boolean", 7), 0);
    CHECK_INT(virTypedParamsAddString(&params, &count, &room, "string", original), 0);
    CHECK_INT(virTypedParamsAddStringList(&params, &count, &room, "list", list), 0);
    CHECK_INT(count, 9);
    CHECK(room >= count);
    strcpy(original, "changed");

    CHECK_INT(virTypedParamsGetInt(params, count, "int", &number), 1);
    CHECK_INT(number, INT_MIN);
    CHECK_INT(virTypedParamsGetUInt(params, count, "uint", &ui), 1);
    CHECK_INT(ui, UINT_MAX);
    CHECK_INT(virTypedParamsGetLLong(params, count, "llong", &l), 1);
    CHECK_INT(l, LLONG_MIN);
    CHECK_INT(virTypedParamsGetULLong(params, count, "ullong", &ul), 1);
    CHECK(ul == ULLONG_MAX);
    CHECK_INT(virTypedParamsGetDouble(params, count, "double", &d), 1);
    CHECK(d == -0.5);
    CHECK_INT(virTypedParamsGetBoolean(params, count, "boolean", &number), 1);
    CHECK_INT(number, 1);
    CHECK_INT(virTypedParamsGetString(params, count, "string", &text), 1);
    CHECK_STR(text, "original");

    /* Of several with one name the first is found; what is not there is no error, and NULL only asks. */
    CHECK_INT(virTypedParamsGetString(params, count, "list", &text), 1);
    CHECK_STR(text, "first");
    CHECK_INT(virTypedParamsGetString(params, count, "list", NULL), 1);
    CHECK_INT(virTypedParamsGetInt(params, count, "missing", &number), 0);
    CHECK_INT(number, 1);
    CHECK_NO_ERROR();
    CHECK((one = virTypedParamsGet(params, count, "double")) == &params[4]);
    CHECK_INT(one->type, VIR_TYPED_PARAM_DOUBLE);
    CHECK(virTypedParamsGet(params, count, "missing") == NULL);
    CHECK(virTypedParamsGet(params, 4, "double") == NULL);
    CHECK(virTypedParamsGet(NULL, 0, "double") == NULL);

    for (i = 0; i < MANY; i++) {
        char name[16];

        snprintf(name, sizeof(name), "n%d", i);
        CHECK_INT(virTypedParamsAddInt(&params, &count, &room, name, i), 0);
    }
    CHECK_INT(count, 9 + MANY);
    CHECK_INT(virTypedParamsGetInt(params, count, "n199", &number), 1);
    CHECK_INT(number, 199);

    /* Cleared parameters can be freed, or cleared again. */
    virTypedParamsClear(params, count);
    virTypedParamsClear(params, count);
    virTypedParamsFree(params, count);
    return 0;
}
