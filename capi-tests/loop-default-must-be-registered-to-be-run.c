/* Running the default loop is an error, not an endless wait, when it is not the registered one. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

static int add_timeout(int timeout, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
    (void)timeout;
    (void)cb;
    (void)opaque;
    (void)ff;
    return -1;
}

static void on_timer(int timer, void *opaque)
{
    (void)timer;
    (void)opaque;
}

static void on_ready(int watch, int fd, int events, void *opaque)
{
    (void)watch;
    (void)fd;
    (void)events;
    (void)opaque;
}

int main(void)
{
    quiet_errors();
    CHECK_INT(virEventRunDefaultImpl(), -1);
    CHECK_ERROR(VIR_ERR_CONFIG_UNSUPPORTED);

    /* Nothing is not a loop. */
    virEventRegisterImpl(NULL, NULL, NULL, NULL, NULL, NULL);
    CHECK_INT(virEventRunDefaultImpl(), -1);
    CHECK_ERROR(VIR_ERR_CONFIG_UNSUPPORTED);

    virEventRegisterImpl(NULL, NULL, NULL, add_timeout, NULL, NULL);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK_INT(virEventRunDefaultImpl(), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);
    CHECK_INT(virEventAddTimeout(0, on_timer, NULL, NULL), -1);
    CHECK_ERROR(VIR_ERR_CONFIG_UNSUPPORTED);
    CHECK_INT(virEventAddHandle(0, 0, on_ready, NULL, NULL), -1);
    CHECK_ERROR(VIR_ERR_CONFIG_UNSUPPORTED);
    return 0;
}
