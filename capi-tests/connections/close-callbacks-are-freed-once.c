/*
 * A close callback can be registered once at a time; its data are freed when it is unregistered, or when the connection
 * is closed, once.
 */

#include "world.h"

static int frees, closes;

static void on_close(virConnectPtr conn, int reason, void *opaque)
{
    (void)conn;
    (void)reason;
    (void)opaque;
    closes++;
}

static void another(virConnectPtr conn, int reason, void *opaque)
{
    on_close(conn, reason, opaque);
}

static void on_free(void *opaque)
{
    CHECK(opaque == &frees);
    frees++;
}

int main(void)
{
    virConnectPtr conn;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    CHECK_INT(virConnectRegisterCloseCallback(conn, NULL, NULL, NULL), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(virConnectUnregisterCloseCallback(conn, on_close), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);

    CHECK_INT(virConnectRegisterCloseCallback(conn, on_close, &frees, on_free), 0);
    CHECK_INT(virConnectRegisterCloseCallback(conn, on_close, &frees, on_free), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);
    CHECK_INT(virConnectUnregisterCloseCallback(conn, another), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);
    CHECK_INT(frees, 0);
    CHECK_INT(virConnectUnregisterCloseCallback(conn, on_close), 0);
    CHECK_INT(frees, 1);

    CHECK_INT(virConnectRegisterCloseCallback(conn, on_close, &frees, on_free), 0);
    CHECK_INT(virConnectClose(conn), 0);
    CHECK_INT(frees, 2);
    CHECK_INT(closes, 0);
    return 0;
}
