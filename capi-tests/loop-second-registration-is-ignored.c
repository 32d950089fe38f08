/* The first loop stays. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

static int calls;

static int add_timeout(int timeout, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
    (void)timeout;
    (void)cb;
    (void)opaque;
    (void)ff;
    CHECK(!"the second loop is used");
    return -1;
}

static void on_timer(int timer, void *opaque)
{
    (void)opaque;
    calls++;
    CHECK_INT(virEventRemoveTimeout(timer), 0);
}

int main(void)
{
    CHECK_INT(virInitialize(), 0);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    virEventRegisterImpl(NULL, NULL, NULL, add_timeout, NULL, NULL);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK_INT(virEventAddTimeout(0, on_timer, NULL, NULL), 1);
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(calls, 1);
    return 0;
}
