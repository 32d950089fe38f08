/* What a callback adds or updates is called from the next round on, what it removes not even in this one. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

static char called[64];
static int removed, updated;

static void note(int timer, void *opaque)
{
    (void)timer;
    strcat(called, opaque);
}

static void change(int timer, void *opaque)
{
    note(timer, opaque);
    CHECK_INT(virEventRemoveTimeout(removed), 0);
    virEventUpdateTimeout(updated, 0);
    CHECK(virEventAddTimeout(0, note, "added ", NULL) > 0);
    CHECK_INT(virEventRemoveTimeout(timer), 0);
}

static void on_free(void *opaque)
{
    strcat(called, "free ");
    strcat(called, opaque);
}

static void round_calls(const char *wanted)
{
    called[0] = '\0';
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_STR(called, wanted);
}

int main(void)
{
    int other;

    CHECK_INT(virInitialize(), 0);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK(virEventAddTimeout(0, change, "first ", on_free) > 0);
    CHECK((removed = virEventAddTimeout(0, note, "removed ", on_free)) > 0);
    CHECK((updated = virEventAddTimeout(0, note, "updated ", on_free)) > 0);
    CHECK((other = virEventAddTimeout(0, note, "other ", on_free)) > 0);

    round_calls("first other ");
    virEventUpdateTimeout(other, -1);
    called[0] = '\0';
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK(strstr(called, "updated added ") == called);

    /* Whatever is still to be freed is freed once nothing else is to be done. */
    virEventUpdateTimeout(updated, -1);
    CHECK_INT(virEventRemoveTimeout(other), 0);
    CHECK_INT(virEventRemoveTimeout(updated + 2), 0);
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK(strstr(called, "free other ") != NULL);
    CHECK(strstr(called, "free removed ") != NULL);
    CHECK(strstr(called, "free first ") != NULL);
    return 0;
}
