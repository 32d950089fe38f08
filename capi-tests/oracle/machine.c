/* A virtual machine with a few disks and nothing to run: it sits in its firmware. */
#define _POSIX_C_SOURCE 200809L
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XML_SIZE 16384

const char *path_of(const struct machine *m, const char *file)
{
    /* Some calls take several paths at once. */
    static char buffers[4][PATH_SIZE];
    static size_t next;
    char *path = buffers[next++ % 4];

    snprintf(path, PATH_SIZE, "%.400s/%.100s", m->dir, file);
    return path;
}

static size_t append_disk(char *xml, size_t used, const struct machine *m, const struct disk *disk)
{
    char source[PATH_SIZE + 32] = "";

    if (disk->file)
        snprintf(source, sizeof(source), "<source file='%s'/>", path_of(m, disk->file));
    return used + (size_t)snprintf(xml + used, XML_SIZE - used,
                                   "    <disk type='file' device='%s'><driver name='qemu' type='%s'/>%s"
                                   "<target dev='%s' bus='%s'/>%s</disk>\n",
                                   disk->file ? "disk" : "cdrom", disk->format ? disk->format : "qcow2", source,
                                   disk->target, disk->bus ? disk->bus : "virtio", disk->options ? disk->options : "");
}

/*
 * Without KVM: there is next to nothing to run, the same happens everywhere, and where virtualization is nested KVM
 * takes seconds for a firmware's real mode.
 */
char *machine_xml(const struct machine *m, const struct disk *disks, size_t n)
{
    char *xml = malloc(XML_SIZE);
    size_t used, i;

    if (!xml)
        give_up("out of memory");
    used = (size_t)snprintf(xml, XML_SIZE,
                            "<domain type='qemu'>\n"
                            "  <name>%s</name>\n"
                            "  <memory unit='MiB'>64</memory>\n"
                            "  <vcpu>1</vcpu>\n"
                            "  <os><type arch='x86_64' machine='pc'>hvm</type></os>\n"
                            "  <features><acpi/></features>\n"
                            "  <devices>\n"
                            "    <controller type='scsi' model='virtio-scsi'/>\n",
                            m->name);
    for (i = 0; i < n; i++)
        used = append_disk(xml, used, m, &disks[i]);
    snprintf(xml + used, XML_SIZE - used, "  </devices>\n</domain>\n");
    return xml;
}

void machine_start(struct machine *m, const struct disk *disks, size_t n, unsigned int flags)
{
    char *xml = machine_xml(m, disks, n);

    virResetLastError();
    m->dom = virDomainCreateXML(m->conn, xml, flags);
    free(xml);
    report_pointer("virDomainCreateXML", m->dom);
    if (!m->dom)
        give_up("no machine: %s", virGetLastErrorMessage());
    await_event("lifecycle started, detail 0");
}

static void start_with_chains(struct machine *m, size_t n, int layers, unsigned int flags)
{
    struct disk disks[2] = {{"vda", NULL, NULL, NULL, NULL}, {"vdb", NULL, NULL, NULL, NULL}};
    char tops[2][64];
    size_t i;

    for (i = 0; i < n; i++) {
        make_chain(m, disks[i].target, layers);
        snprintf(tops[i], sizeof(tops[i]), "%s-%d.qcow2", disks[i].target, layers - 1);
        disks[i].file = tops[i];
    }
    machine_start(m, disks, n, flags);
    if (flags & VIR_DOMAIN_START_PAUSED)
        await_event("lifecycle suspended, detail 0");
    show_disks(m);
}

void machine_start_with_chain(struct machine *m, int layers)
{
    start_with_chains(m, 1, layers, 0);
}

void machine_start_suspended(struct machine *m, int layers)
{
    start_with_chains(m, 1, layers, VIR_DOMAIN_START_PAUSED);
}

void machine_start_with_two_chains(struct machine *m, int layers)
{
    start_with_chains(m, 2, layers, VIR_DOMAIN_START_PAUSED);
}

void machine_destroy(struct machine *m)
{
    virResetLastError();
    if (report("virDomainDestroy", virDomainDestroy(m->dom)) == 0)
        await_event("lifecycle stopped, detail 1");
    virDomainFree(m->dom);
    m->dom = NULL;
}

/* ---- the live XML ---- */

/* The value of an attribute of the tag at `tag`, or NULL if it has none of that name. */
static const char *attribute(const char *tag, const char *name, char *value, size_t size)
{
    char start[32];
    const char *end = strchr(tag, '>'), *at, *stop;

    snprintf(start, sizeof(start), " %s='", name);
    at = strstr(tag, start);
    if (!at || !end || at > end)
        return NULL;
    at += strlen(start);
    stop = strchr(at, '\'');
    if (!stop || (size_t)(stop - at) >= size)
        return NULL;
    memcpy(value, at, (size_t)(stop - at));
    value[stop - at] = '\0';
    return value;
}

static int is_tag(const char *at, const char *name)
{
    size_t length = strlen(name);

    return strncmp(at + 1, name, length) == 0 && strchr(" />", at[1 + length]);
}

struct description {
    char target[16];
    char text[2048];
};

static void add(struct description *d, const char *format, const char *value)
{
    size_t used = strlen(d->text);

    snprintf(d->text + used, sizeof(d->text) - used, format, value);
}

static void add_mirror(struct description *d, const char *tag)
{
    char value[PATH_SIZE];

    add(d, "; mirror job=%s", attribute(tag, "job", value, sizeof(value)) ? value : "none");
    add(d, " ready=%s", attribute(tag, "ready", value, sizeof(value)) ? value : "none");
    add(d, " file=%s", attribute(tag, "file", value, sizeof(value)) ? base_name(value) : "none");
    add(d, " format=%s ->", attribute(tag, "format", value, sizeof(value)) ? value : "none");
}

static void add_backing(struct description *d, const char *tag)
{
    char value[PATH_SIZE];

    if (!attribute(tag, "type", value, sizeof(value))) {
        add(d, " <- %s", "nothing");
        return;
    }
    add(d, " <- [%s]", attribute(tag, "index", value, sizeof(value)) ? value : "none");
}

/*
 * One tag of a disk.  The format of the active layer stands before its file, in <driver>; the others' after theirs, in
 * <format>.  What is inside <mirror> is told like the chain of the disk.
 */
static void add_tag(struct description *d, const char *tag)
{
    char value[PATH_SIZE];

    if (is_tag(tag, "driver"))
        add(d, " %s", attribute(tag, "type", value, sizeof(value)) ? value : "no-format");
    else if (is_tag(tag, "format"))
        add(d, " (%s)", attribute(tag, "type", value, sizeof(value)) ? value : "no-format");
    else if (is_tag(tag, "backingStore"))
        add_backing(d, tag);
    else if (is_tag(tag, "mirror"))
        add_mirror(d, tag);
    else if (is_tag(tag, "target"))
        attribute(tag, "dev", d->target, sizeof(d->target));
    else if (is_tag(tag, "source")) {
        add(d, " %s", attribute(tag, "file", value, sizeof(value)) ? base_name(value) : "no-file");
        if (attribute(tag, "index", value, sizeof(value)))
            add(d, " [%s]", value);
    }
}

static const char *show_disk(const char *at)
{
    struct description d = {"", ""};

    for (at = strchr(at + 1, '<'); at && strncmp(at, "</disk>", 7) != 0; at = strchr(at + 1, '<'))
        add_tag(&d, at);
    say("  disk %s:%s", d.target, d.text);
    return at;
}

static void show_disks_of(const struct machine *m, unsigned int flags)
{
    char *xml = virDomainGetXMLDesc(m->dom, flags);
    const char *at = xml;

    if (!xml) {
        report_pointer("virDomainGetXMLDesc", NULL);
        return;
    }
    while (at && (at = strstr(at, "<disk ")))
        at = show_disk(at);
    free(xml);
}

void show_disks(const struct machine *m)
{
    show_disks_of(m, 0);
}

void show_inactive_disks(const struct machine *m)
{
    say("  inactive:");
    show_disks_of(m, VIR_DOMAIN_XML_INACTIVE);
}
