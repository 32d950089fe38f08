/* What the scenarios with snapshots share. */
#ifndef SNAPSHOTS_H
#define SNAPSHOTS_H

#include "oracle.h"

#define DISK_ONLY VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
#define NO_METADATA VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA

/* Take a snapshot described by this, print the result, and let the handle go. */
#define TAKE(m, xml, flags) release_snapshot(CALL_POINTER(virDomainSnapshotCreateXML((m)->dom, xml, flags)))
/* The snapshot of that name, or NULL; to be given to release_snapshot(). */
#define FIND(m, name) virDomainSnapshotLookupByName((m)->dom, name, 0)

void release_snapshot(virDomainSnapshotPtr snapshot);
/* A <domainsnapshot> with a disk whose new image is this file of the machine's directory; in a static buffer. */
const char *snapshot_xml(const struct machine *m, const char *name, const char *disk, const char *file);
/* The names of all snapshots, what each is based on, and which is the current one. */
void show_snapshots(const struct machine *m);
/* Print a snapshot's description but for the domain in it. */
void show_snapshot(const struct machine *m, const char *name);

#endif
