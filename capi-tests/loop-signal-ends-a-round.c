/* A signal makes a waiting loop return without an error, so that a program can look at what its handler has noted. */

#include <signal.h>
#include <sys/time.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals = 1;
}

static void never(int timer, void *opaque)
{
    (void)timer;
    (void)opaque;
    CHECK(!"called");
}

int main(void)
{
    struct sigaction action;
    struct itimerval soon;

    memset(&action, 0, sizeof(action));
    memset(&soon, 0, sizeof(soon));
    action.sa_handler = on_signal;
    soon.it_value.tv_usec = soon.it_interval.tv_usec = 20000;

    CHECK_INT(virInitialize(), 0);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK(virEventAddTimeout(3600000, never, NULL, NULL) > 0);
    CHECK_INT(sigaction(SIGALRM, &action, NULL), 0);
    CHECK_INT(setitimer(ITIMER_REAL, &soon, NULL), 0);
    while (!signals)
        CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_NO_ERROR();
    return 0;
}
