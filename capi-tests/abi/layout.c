/* Compares the table of our headers with that of libvirt's. */

#include <stdio.h>
#include <string.h>

#include "layout-entry.h"

extern const struct layout_entry layout_ours[];
extern const struct layout_entry layout_theirs[];

/* The one number that is meant to differ: libvirt has since given 25 to another event. */
static int differs_on_purpose(const struct layout_entry *ours, const struct layout_entry *theirs)
{
    return strcmp(ours->name, "VIR_DOMAIN_EVENT_ID_JOB_STATE") == 0 && ours->value == 25 && theirs->value == 0x10019;
}

int main(void)
{
    size_t i;
    int failed = 0;

    for (i = 0; layout_ours[i].name; i++) {
        const struct layout_entry *ours = &layout_ours[i];
        const struct layout_entry *theirs = &layout_theirs[i];

        if (ours->value != theirs->value && !differs_on_purpose(ours, theirs)) {
            fprintf(stderr, "%s: %lld in our headers, %lld with libvirt's\n", ours->name, ours->value, theirs->value);
            failed = 1;
        }
        if (ours->text && strcmp(ours->text, theirs->text) != 0) {
            fprintf(stderr, "%s: \"%s\" in our headers, \"%s\" with libvirt's\n", ours->name, ours->text, theirs->text);
            failed = 1;
        }
    }
    printf("%zu entries\n", i);
    if (i < 400) {
        fprintf(stderr, "too few: the list of constants is incomplete\n");
        failed = 1;
    }
    return failed;
}
