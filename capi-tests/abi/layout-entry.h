/* One line of a table of numbers, layouts and strings. */

#ifndef LAYOUT_ENTRY_H
#define LAYOUT_ENTRY_H

struct layout_entry {
    const char *name;
    long long value;
    const char *text;
};

#endif /* LAYOUT_ENTRY_H */
