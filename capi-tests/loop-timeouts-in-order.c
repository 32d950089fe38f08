/* Timers are called when they are due, those that are due together in the order of their last update. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

static char called[64];

static void note(int timer, void *opaque)
{
    (void)timer;
    strcat(called, opaque);
}

static void round_calls(const char *wanted)
{
    called[0] = '\0';
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_STR(called, wanted);
}

static void next_calls(const char *wanted)
{
    called[0] = '\0';
    while (!called[0])
        CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_STR(called, wanted);
}

int main(void)
{
    int a, b, never;

    CHECK_INT(virInitialize(), 0);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);

    CHECK_INT(never = virEventAddTimeout(-1, note, "never ", NULL), 1);
    CHECK_INT(a = virEventAddTimeout(0, note, "a ", NULL), 2);
    CHECK_INT(b = virEventAddTimeout(0, note, "b ", NULL), 3);
    round_calls("a b ");
    round_calls("a b ");
    virEventUpdateTimeout(a, 0);
    round_calls("b a ");
    virEventUpdateTimeout(a, -1);
    round_calls("b ");
    virEventUpdateTimeout(b, -1);

    virEventUpdateTimeout(a, 3600000);
    virEventUpdateTimeout(b, 10);
    next_calls("b ");
    next_calls("b ");
    virEventUpdateTimeout(b, 3600000);
    virEventUpdateTimeout(a, 10);
    next_calls("a ");

    CHECK_INT(virEventRemoveTimeout(a), 0);
    CHECK_INT(virEventRemoveTimeout(a), -1);
    virEventUpdateTimeout(a, 0);
    virEventUpdateTimeout(b, 0);
    next_calls("b ");
    CHECK_INT(virEventRemoveTimeout(b), 0);
    CHECK_INT(virEventRemoveTimeout(never), 0);
    CHECK_INT(virEventAddTimeout(-1, note, "never again ", NULL), 4);
    return 0;
}
