/* What moves the memory or a snapshot of the domain can be aborted, but neither paused nor finalized. */

#include "control/table.h"

#define ROWS(job) \
    { job, "running", { ABORTED, NEVER, NEVER, NEVER, NOT_NOW } }, \
    ENDED(job, NOT_NOW, NEVER, NEVER)

static const struct row rows[] = {
    ROWS("type='migration' bandwidth='1' persist='yes'"),
    ROWS("type='save' bandwidth='1' persist='yes'"),
    ROWS("type='restore' bandwidth='1' persist='yes'"),
    ROWS("type='dump' bandwidth='1' persist='yes'"),
    ROWS("type='snapshot' bandwidth='1' persist='yes'"),
    ROWS("type='snapshot-revert' bandwidth='1' persist='yes'"),
    ROWS("type='snapshot-delete' bandwidth='1' persist='yes'"),
    ROWS("type='migration-in' bandwidth='1' persist='yes'"),
};

int main(void)
{
    CHECK_ROWS(rows);
    return 0;
}
