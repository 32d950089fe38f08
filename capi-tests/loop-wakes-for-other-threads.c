/* A loop that waits notices timers, watches and removals of other threads. */

#include <pthread.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

static int timer, watch, fds[2];
static char called[64];

static void on_timer(int which, void *opaque)
{
    strcat(called, opaque);
    virEventUpdateTimeout(which, -1);
}

static void on_ready(int which, int fd, int events, void *opaque)
{
    (void)fd;
    (void)events;
    strcat(called, opaque);
    virEventUpdateHandle(which, 0);
}

static void on_free(void *opaque)
{
    (void)opaque;
    strcat(called, "free ");
}

static void *update_timer(void *opaque)
{
    usleep(20000);
    virEventUpdateTimeout(timer, *(int *)opaque);
    return NULL;
}

static void *add_handle(void *opaque)
{
    usleep(20000);
    watch = virEventAddHandle(fds[1], VIR_EVENT_HANDLE_WRITABLE, on_ready, opaque, on_free);
    return NULL;
}

static void *update_handle(void *opaque)
{
    (void)opaque;
    usleep(20000);
    virEventUpdateHandle(watch, VIR_EVENT_HANDLE_WRITABLE);
    return NULL;
}

static void *remove_handle(void *opaque)
{
    (void)opaque;
    usleep(20000);
    CHECK_INT(virEventRemoveHandle(watch), 0);
    return NULL;
}

static void *add_timer(void *opaque)
{
    usleep(20000);
    CHECK(virEventAddTimeout(1, on_timer, opaque, NULL) > 0);
    return NULL;
}

static void calls_after(void *(*function)(void *), void *opaque, const char *wanted)
{
    pthread_t thread;

    called[0] = '\0';
    CHECK_INT(pthread_create(&thread, NULL, function, opaque), 0);
    while (!called[0])
        CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_STR(called, wanted);
}

int main(void)
{
    static int now = 0, soon = 3;

    CHECK_INT(virInitialize(), 0);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK_INT(pipe(fds), 0);
    CHECK((timer = virEventAddTimeout(-1, on_timer, "timer ", NULL)) > 0);
    CHECK(virEventAddTimeout(3600000, on_timer, "in an hour ", NULL) > 0);

    calls_after(update_timer, &now, "timer ");
    calls_after(update_timer, &soon, "timer ");
    calls_after(add_timer, "added ", "added ");
    calls_after(add_handle, "handle ", "handle ");
    calls_after(update_handle, NULL, "handle ");
    calls_after(remove_handle, NULL, "free ");
    return 0;
}
