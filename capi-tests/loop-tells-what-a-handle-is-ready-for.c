/* A callback is told what its descriptor is ready for; a hang-up is told without being asked for, unless the watch rests. */

#include <sys/socket.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

static int seen;
static int ticks;

static void on_ready(int watch, int fd, int events, void *opaque)
{
    (void)watch;
    CHECK_INT(fd, *(int *)opaque);
    seen = events;
}

static void on_tick(int timer, void *opaque)
{
    (void)timer;
    (void)opaque;
    ticks++;
}

static void ready_for(int wanted)
{
    seen = 0;
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(seen, wanted);
}

int main(void)
{
    int fds[2];
    int watch;

    CHECK_INT(virInitialize(), 0);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);

    watch = virEventAddHandle(fds[0], VIR_EVENT_HANDLE_WRITABLE, on_ready, &fds[0], NULL);
    CHECK_INT(watch, 1);
    ready_for(VIR_EVENT_HANDLE_WRITABLE);
    CHECK_INT(write(fds[1], "x", 1), 1);
    virEventUpdateHandle(watch, VIR_EVENT_HANDLE_READABLE);
    ready_for(VIR_EVENT_HANDLE_READABLE);
    virEventUpdateHandle(watch, VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_WRITABLE);
    ready_for(VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_WRITABLE);

    close(fds[1]);
    virEventUpdateHandle(watch, VIR_EVENT_HANDLE_ERROR);
    ready_for(VIR_EVENT_HANDLE_HANGUP);
    virEventUpdateHandle(watch, 0);
    CHECK(virEventAddTimeout(0, on_tick, NULL, NULL) > 0);
    ready_for(0);
    CHECK_INT(ticks, 1);
    CHECK_INT(virEventRemoveHandle(watch), 0);
    return 0;
}
