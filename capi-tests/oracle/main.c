/*
 * older-block-jobs [-v] URI DIRECTORY SCENARIO...
 * older-block-jobs -l
 *
 * Runs scenarios, each with a machine and images of its own below DIRECTORY, and prints what was seen.
 * -l lists the scenarios; -v adds the domain and text of errors (which differ between drivers).
 */
#define _XOPEN_SOURCE 700
#include "oracle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct scenario *const all[] = {
    pull_scenarios,      copy_scenarios, copy_variant_scenarios, commit_scenarios,       active_commit_scenarios,
    failure_scenarios,   busy_scenarios, control_scenarios,      argument_scenarios,     refusal_scenarios,
    lifecycle_scenarios, end_scenarios,  registration_scenarios, connection_scenarios,
    backup_scenarios,    disk_snapshot_scenarios, snapshot_scenarios, size_scenarios,
    memory_scenarios,    restore_scenarios,
};

#define GROUPS (sizeof(all) / sizeof(all[0]))

/* Errors are printed where they are looked at. */
static void ignore_error(void *unused, virErrorPtr error)
{
    (void)unused;
    (void)error;
}

static const struct scenario *find(const char *name)
{
    const struct scenario *s;
    size_t i;

    for (i = 0; i < GROUPS; i++) {
        for (s = all[i]; s->name; s++) {
            if (strcmp(s->name, name) == 0)
                return s;
        }
    }
    return NULL;
}

static int list(void)
{
    const struct scenario *s;
    size_t i;

    for (i = 0; i < GROUPS; i++) {
        for (s = all[i]; s->name; s++)
            puts(s->name);
    }
    return 0;
}

static void run(virConnectPtr conn, const char *uri, const char *directory, const struct scenario *s)
{
    static int number;
    struct machine m;

    memset(&m, 0, sizeof(m));
    m.uri = uri;
    m.conn = conn;
    snprintf(m.name, sizeof(m.name), "older-%d-%d", (int)getpid(), ++number);
    snprintf(m.dir, sizeof(m.dir), "%.300s/%.100s", directory, s->name);
    if (mkdir(m.dir, 0700) < 0 || chdir(m.dir) < 0)
        give_up("cannot make %s: %s", m.dir, strerror(errno));
    say("scenario %s", s->name);
    events_watch(&m);
    s->run(&m);
    show_late_events();
    events_unwatch(&m);
    say("end");
}

int main(int argc, char **argv)
{
    virConnectPtr conn;
    char *directory;
    int i;

    if (argc == 2 && strcmp(argv[1], "-l") == 0)
        return list();
    if (argc > 1 && strcmp(argv[1], "-v") == 0) {
        verbose = 1;
        argv++;
        argc--;
    }
    if (argc < 4) {
        fprintf(stderr, "usage: older-block-jobs [-v] URI DIRECTORY SCENARIO... | -l\n");
        return 2;
    }
    for (i = 3; i < argc; i++) {
        if (!find(argv[i])) {
            fprintf(stderr, "no scenario '%s'\n", argv[i]);
            return 2;
        }
    }
    directory = realpath(argv[2], NULL);
    if (!directory)
        give_up("no directory %s", argv[2]);
    virSetErrorFunc(NULL, ignore_error);
    events_start_loop();
    conn = virConnectOpen(argv[1]);
    if (!conn)
        give_up("cannot open the connection: %s", virGetLastErrorMessage());
    for (i = 3; i < argc; i++)
        run(conn, argv[1], directory, find(argv[i]));
    virConnectClose(conn);
    events_stop_loop();
    free(directory);
    return 0;
}
