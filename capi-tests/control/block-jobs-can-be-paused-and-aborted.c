/* What works on disks and ends by itself can be aborted and paused, resumed when paused, and dismissed when ended. */

#include "control/table.h"

#define ROWS(job) \
    { job, "running", { ABORTED, NEVER, PAUSED, NOT_NOW, NOT_NOW } }, \
    { job, "paused", { ABORTED, NEVER, NOT_NOW, RUNNING, NOT_NOW } }, \
    ENDED(job, NOT_NOW, NEVER, NOT_NOW)

static const struct row rows[] = {
    ROWS("type='block-pull' disk='vda' bandwidth='1' persist='yes'"),
    ROWS("type='block-commit' disk='vda' top='vda[1]' base='vda[2]' bandwidth='1' persist='yes'"),
    ROWS("type='block-backup' disk='vda' bandwidth='1' persist='yes'"),
    ROWS("type='block-create' disk='vda' size='1MiB' bandwidth='1' persist='yes'"),
    ROWS("type='block-amend' disk='vda' size='1MiB' bandwidth='1' persist='yes'"),
};

int main(void)
{
    CHECK_ROWS(rows);
    return 0;
}
