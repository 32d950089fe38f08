/* What the scenarios with snapshots share. */
#define _POSIX_C_SOURCE 200809L
#include "snapshots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void release_snapshot(virDomainSnapshotPtr snapshot)
{
    if (snapshot)
        virDomainSnapshotFree(snapshot);
}

const char *snapshot_xml(const struct machine *m, const char *name, const char *disk, const char *file)
{
    static char xml[2 * PATH_SIZE];

    snprintf(xml, sizeof(xml),
             "<domainsnapshot><name>%s</name><disks><disk name='%s' snapshot='external'><source file='%s'/></disk>"
             "</disks></domainsnapshot>",
             name, disk, path_of(m, file));
    return xml;
}

static void show_parent(virDomainSnapshotPtr snapshot)
{
    virDomainSnapshotPtr parent;

    virResetLastError();
    parent = virDomainSnapshotGetParent(snapshot, 0);
    if (parent) {
        say("  snapshot %s on %s%s", virDomainSnapshotGetName(snapshot), virDomainSnapshotGetName(parent),
            virDomainSnapshotIsCurrent(snapshot, 0) == 1 ? ", current" : "");
        virDomainSnapshotFree(parent);
        return;
    }
    say("  snapshot %s%s", virDomainSnapshotGetName(snapshot),
        virDomainSnapshotIsCurrent(snapshot, 0) == 1 ? ", current" : "");
}

static int by_name(const void *left, const void *right)
{
    return strcmp(virDomainSnapshotGetName(*(const virDomainSnapshotPtr *)left),
                  virDomainSnapshotGetName(*(const virDomainSnapshotPtr *)right));
}

void show_snapshots(const struct machine *m)
{
    virDomainSnapshotPtr *snapshots = NULL;
    int count = CALL(virDomainListAllSnapshots(m->dom, &snapshots, 0)), i;

    CALL(virDomainHasCurrentSnapshot(m->dom, 0));
    if (count <= 0)
        return;
    qsort(snapshots, (size_t)count, sizeof(*snapshots), by_name);
    for (i = 0; i < count; i++) {
        show_parent(snapshots[i]);
        virDomainSnapshotFree(snapshots[i]);
    }
    free(snapshots);
}

/* A line without the directory in it, or a note for what no two runs have in common. */
static void show_line(const struct machine *m, char *line)
{
    char *path = strstr(line, m->dir);

    if (strstr(line, "<creationTime>")) {
        say("  <creationTime/>");
        return;
    }
    if (path)
        memmove(path, path + strlen(m->dir), strlen(path + strlen(m->dir)) + 1);
    say("%s", line);
}

void show_snapshot(const struct machine *m, const char *name)
{
    virDomainSnapshotPtr snapshot = FIND(m, name);
    char *xml = snapshot ? virDomainSnapshotGetXMLDesc(snapshot, 0) : NULL;
    char *line, *rest = NULL;

    if (!xml) {
        say("no snapshot %s", name);
        release_snapshot(snapshot);
        return;
    }
    for (line = strtok_r(xml, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "  <domain", 9) == 0)
            break;
        show_line(m, line);
    }
    free(xml);
    virDomainSnapshotFree(snapshot);
}
