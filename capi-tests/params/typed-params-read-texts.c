/* A text becomes a parameter of the type that is asked for, or an error; nothing is appended then. */

#include <limits.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

static virTypedParameterPtr params;
static int count, room;

static int add(int type, const char *text)
{
    return virTypedParamsAddFromString(&params, &count, &room, "x", type, text);
}

/** The last parameter, which must be of this type. */
static virTypedParameterPtr last(int type)
{
    CHECK(count > 0);
    CHECK_INT(params[count - 1].type, type);
    return &params[count - 1];
}

static void check_refused(int type, const char *text)
{
    int before = count;

    CHECK_INT(add(type, text), -1);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    virResetLastError();
    CHECK_INT(count, before);
}

int main(void)
{
    CHECK_INT(virInitialize(), 0);
    quiet_errors();
    CHECK_INT(add(VIR_TYPED_PARAM_INT, "-12"), 0);
    CHECK_INT(last(VIR_TYPED_PARAM_INT)->value.i, -12);
    CHECK_INT(add(VIR_TYPED_PARAM_INT, " 12"), 0);
    CHECK_INT(last(VIR_TYPED_PARAM_INT)->value.i, 12);
    CHECK_INT(add(VIR_TYPED_PARAM_UINT, "4294967295"), 0);
    CHECK_INT(last(VIR_TYPED_PARAM_UINT)->value.ui, UINT_MAX);
    CHECK_INT(add(VIR_TYPED_PARAM_LLONG, "-9223372036854775808"), 0);
    CHECK_INT(last(VIR_TYPED_PARAM_LLONG)->value.l, LLONG_MIN);
    CHECK_INT(add(VIR_TYPED_PARAM_ULLONG, "18446744073709551615"), 0);
    CHECK(last(VIR_TYPED_PARAM_ULLONG)->value.ul == ULLONG_MAX);
    CHECK_INT(add(VIR_TYPED_PARAM_DOUBLE, "1.25"), 0);
    CHECK(last(VIR_TYPED_PARAM_DOUBLE)->value.d == 1.25);
    CHECK_INT(add(VIR_TYPED_PARAM_BOOLEAN, "TRUE"), 0);
    CHECK_INT(last(VIR_TYPED_PARAM_BOOLEAN)->value.b, 1);
    CHECK_INT(add(VIR_TYPED_PARAM_BOOLEAN, "0"), 0);
    CHECK_INT(last(VIR_TYPED_PARAM_BOOLEAN)->value.b, 0);
    CHECK_INT(add(VIR_TYPED_PARAM_STRING, "as it is "), 0);
    CHECK_STR(last(VIR_TYPED_PARAM_STRING)->value.s, "as it is ");

    check_refused(VIR_TYPED_PARAM_INT, "");
    check_refused(VIR_TYPED_PARAM_INT, "12x");
    check_refused(VIR_TYPED_PARAM_INT, "2147483648");
    check_refused(VIR_TYPED_PARAM_UINT, "4294967296");
    check_refused(VIR_TYPED_PARAM_LLONG, "9223372036854775808");
    check_refused(VIR_TYPED_PARAM_ULLONG, "18446744073709551616");
    check_refused(VIR_TYPED_PARAM_DOUBLE, "one");
    check_refused(VIR_TYPED_PARAM_BOOLEAN, "yes");
    check_refused(VIR_TYPED_PARAM_BOOLEAN, "2");
    check_refused(VIR_TYPED_PARAM_INT, NULL);
    check_refused(0, "1");
    check_refused(8, "1");
    virTypedParamsFree(params, count);
    return 0;
}
