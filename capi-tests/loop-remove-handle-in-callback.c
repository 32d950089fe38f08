/* A watch may be removed in its own callback and in another one's: it is not called any more, and freed by the loop later. */

#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

static int watches[3];
static int calls[3];
static int frees[3];

static void on_ready(int watch, int fd, int events, void *opaque)
{
    int which = *(int *)opaque;
    char byte;

    CHECK_INT(watch, watches[which]);
    CHECK_INT(events & VIR_EVENT_HANDLE_READABLE, VIR_EVENT_HANDLE_READABLE);
    calls[which]++;
    if (which == 0) {
        CHECK_INT(virEventRemoveHandle(watches[0]), 0);
        CHECK_INT(virEventRemoveHandle(watches[0]), -1);
        CHECK_INT(virEventRemoveHandle(watches[1]), 0);
        CHECK_INT(frees[0] + frees[1], 0);
    } else {
        CHECK_INT(read(fd, &byte, 1), 1);
    }
}

static void on_free(void *opaque)
{
    frees[*(int *)opaque]++;
}

int main(void)
{
    static int which[3] = { 0, 1, 2 };
    int fds[2];
    int i;

    CHECK_INT(virInitialize(), 0);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK_INT(pipe(fds), 0);
    for (i = 0; i < 3; i++) {
        watches[i] = virEventAddHandle(fds[0], VIR_EVENT_HANDLE_READABLE, on_ready, &which[i], on_free);
        CHECK_INT(watches[i], i + 1);
    }

    CHECK_INT(write(fds[1], "x", 1), 1);
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(calls[0], 1);
    CHECK_INT(calls[1], 0);
    CHECK_INT(calls[2], 1);
    CHECK_INT(frees[0] + frees[1], 0);

    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(frees[0], 1);
    CHECK_INT(frees[1], 1);
    CHECK_INT(frees[2], 0);

    CHECK_INT(write(fds[1], "x", 1), 1);
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(calls[0] + calls[1], 1);
    CHECK_INT(calls[2], 2);

    CHECK_INT(virEventRemoveHandle(watches[2]), 0);
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(frees[2], 1);
    return 0;
}
