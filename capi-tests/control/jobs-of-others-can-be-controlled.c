/*
 * Jobs that somebody else started are controlled like those of this library, also those of a type that it does not know;
 * and one that waits to be finalized or dismissed by hand waits for these requests. While it waits to be finalized there
 * is nothing left to pause.
 */

#include "control/table.h"

static const struct row rows[] = {
    { "id='p' type='block-pull' disk='vda' bandwidth='1'", "running", { GONE, NEVER, PAUSED, NOT_NOW, NOT_NOW } },
    { "id='p' type='block-pull' disk='vda' bandwidth='1'", "paused", { GONE, NEVER, NOT_NOW, RUNNING, NOT_NOW } },
    { "id='c' type='block-copy' disk='vda'", "ready", { GONE, GONE, PAUSED, NOT_NOW, NOT_NOW } },
    { "id='c' type='block-copy' disk='vda' dismiss='manual'", "ready", { ABORTED, COMPLETED, PAUSED, NOT_NOW, NOT_NOW } },
    { "id='o' type='defragment' size='1GiB' bandwidth='1'", "running", { GONE, NEVER, PAUSED, NOT_NOW, NOT_NOW } },
    { "id='o' type='defragment' size='1GiB' bandwidth='1'", "paused", { GONE, NEVER, NOT_NOW, RUNNING, NOT_NOW } },
    { "id='o' type='defragment' dismiss='manual'", "completed", { NOT_NOW, NEVER, NOT_NOW, NOT_NOW, GONE } },
    { "id='o' type='defragment' dismiss='manual'", "failed", { NOT_NOW, NEVER, NOT_NOW, NOT_NOW, GONE } },
    { "id='b' type='block-backup' disk='vda' finalize='manual' dismiss='manual'", "ready",
      { ABORTED, COMPLETED, NOT_NOW, NOT_NOW, NOT_NOW } },
    { "id='b' type='block-backup' disk='vda' finalize='manual'", "ready", { GONE, GONE, NOT_NOW, NOT_NOW, NOT_NOW } },
    { "id='d' type='dump' size='1GiB' bandwidth='1'", "running", { GONE, NEVER, NEVER, NEVER, NOT_NOW } },
};

int main(void)
{
    CHECK_ROWS(rows);
    return 0;
}
