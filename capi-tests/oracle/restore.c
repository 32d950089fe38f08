/* Machines that are brought back from the files that they were saved to, and files that are none. */
#define _POSIX_C_SOURCE 200809L
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Save the machine to this file; it is gone then. */
static void save_to(struct machine *m, const char *file, unsigned int flags)
{
    CALL(virDomainSaveFlags(m->dom, path_of(m, file), NULL, flags));
    await_event("lifecycle stopped, detail 4");
    virDomainFree(m->dom);
    m->dom = NULL;
}

/* Bring it back; `event`: the last that this gives rise to. */
static void bring_back(struct machine *m, const char *file, const char *xml, unsigned int flags, const char *event)
{
    if (CALL(virDomainRestoreFlags(m->conn, path_of(m, file), xml, flags)) < 0)
        return;
    await_event(event);
    m->dom = virDomainLookupByName(m->conn, m->name);
    if (!m->dom)
        give_up("the machine is not there");
    show_state(m);
}

#define RUNS "lifecycle resumed, detail 2"
#define WAITS "lifecycle suspended, detail 4"

static void running(struct machine *m)
{
    machine_start_with_chain(m, 2);
    save_to(m, "image", 0);
    CALL(virDomainRestore(m->conn, path_of(m, "image")));
    await_event(RUNS);
    m->dom = virDomainLookupByName(m->conn, m->name);
    show_state(m);
    show_disks(m);
    show_file("image");
    CALL(virDomainSuspend(m->dom));
    await_event("lifecycle suspended, detail 0");
    CALL(virDomainResume(m->dom));
    await_event("lifecycle resumed, detail 0");
    show_state(m);
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 2);
}

static void suspended(struct machine *m)
{
    machine_start_suspended(m, 2);
    save_to(m, "image", 0);
    bring_back(m, "image", NULL, 0, WAITS);
    CALL(virDomainResume(m->dom));
    await_event("lifecycle resumed, detail 0");
    show_state(m);
    machine_destroy(m);
}

static void with_flags(struct machine *m)
{
    machine_start_with_chain(m, 1);
    save_to(m, "image", 0);
    CALL(virDomainRestoreFlags(m->conn, path_of(m, "image"), NULL, VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED));
    bring_back(m, "image", NULL, VIR_DOMAIN_SAVE_PAUSED, WAITS);
    save_to(m, "suspended", 0);
    bring_back(m, "suspended", NULL, 0, WAITS);
    save_to(m, "running", VIR_DOMAIN_SAVE_RUNNING);
    bring_back(m, "running", NULL, 0, RUNS);
    save_to(m, "paused", VIR_DOMAIN_SAVE_PAUSED);
    bring_back(m, "paused", NULL, 0, WAITS);
    machine_destroy(m);
    bring_back(m, "paused", NULL, VIR_DOMAIN_SAVE_RUNNING, RUNS);
    machine_destroy(m);
}

/* A copy of a file with other bytes at some place, and perhaps shorter. */
static void make_altered(const char *from, const char *to, long at, const char *bytes, size_t n, long length)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    int c;

    if (!in || !out)
        give_up("cannot copy %s", from);
    while ((c = getc(in)) != EOF)
        putc(c, out);
    if (fseek(out, at, SEEK_SET) != 0 || fwrite(bytes, 1, n, out) != n)
        give_up("cannot change %s", to);
    fclose(in);
    if (fclose(out) != 0 || (length >= 0 && truncate(to, length) != 0))
        give_up("cannot write %s", to);
}

static void refuse(struct machine *m, const char *file)
{
    CALL(virDomainRestore(m->conn, path_of(m, file)));
    CALL_POINTER(virDomainLookupByName(m->conn, m->name));
}

static void bad_images(struct machine *m)
{
    machine_start_with_chain(m, 1);
    save_to(m, "image", 0);
    refuse(m, "no-such-file");
    refuse(m, ".");
    make_empty_file("empty");
    refuse(m, "empty");
    make_altered("image", "short", 0, "", 0, 50);
    refuse(m, "short");
    make_altered("image", "partial", 0, "LibvirtQemudPart", 16, -1);
    refuse(m, "partial");
    make_altered("image", "other", 0, "Something", 9, -1);
    refuse(m, "other");
    make_altered("image", "newer", 16, "\3\0\0\0", 4, -1);
    refuse(m, "newer");
    make_altered("image", "packed", 28, "\115\0\0\0", 4, -1);
    refuse(m, "packed");
    make_altered("image", "nothing", 20, "\0\0\0\0", 4, -1);
    refuse(m, "nothing");
    make_altered("image", "cut", 0, "", 0, 1000);
    refuse(m, "cut");
    make_altered("image", "no-xml", 92, "x", 1, -1);
    refuse(m, "no-xml");
    make_altered("image", "torn", 0, "", 0, 200000);
    refuse(m, "torn");
    show_file("torn");
    bring_back(m, "image", NULL, 0, RUNS);
    machine_destroy(m);
}

/* Replace the first `from` in `xml` by `to`, for the caller to free. */
static char *changed(const char *xml, const char *from, const char *to)
{
    const char *at = strstr(xml, from);
    char *text = malloc(strlen(xml) + strlen(to) + 1);

    if (!at || !text)
        give_up("no %s in the XML", from);
    sprintf(text, "%.*s%s%s", (int)(at - xml), xml, to, at + strlen(from));
    return text;
}

static void other_descriptions(struct machine *m)
{
    static const char *const changes[][2] = {
        {"<name>", "<name>x"},         {"<vcpu placement='static'>1<", "<vcpu placement='static'>2<"},
        {"'vda'", "'vdb'"},            {"<acpi/>", ""},
        {"<target", "<serial>x</serial><target"}, {"<uuid>", "<uuid>0"},
    };
    char *xml, *other;
    size_t i;

    machine_start_with_chain(m, 1);
    save_to(m, "image", 0);
    xml = CALL_POINTER(virDomainSaveImageGetXMLDesc(m->conn, path_of(m, "image"), 0));
    if (!xml)
        give_up("no XML");
    for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        other = changed(xml, changes[i][0], changes[i][1]);
        say("%s", changes[i][1][0] ? changes[i][1] : "without");
        CALL(virDomainRestoreFlags(m->conn, path_of(m, "image"), other, 0));
        free(other);
    }
    CALL(virDomainRestoreFlags(m->conn, path_of(m, "image"), "<domain", 0));
    other = changed(xml, "<uuid>", "<title>back</title><uuid>");
    bring_back(m, "image", other, 0, RUNS);
    free(other);
    machine_destroy(m);
    bring_back(m, "image", xml, VIR_DOMAIN_SAVE_PAUSED, WAITS);
    machine_destroy(m);
    free(xml);
}

static void changed_images(struct machine *m)
{
    char *xml, *other;

    machine_start_with_chain(m, 1);
    save_to(m, "image", 0);
    xml = CALL_POINTER(virDomainSaveImageGetXMLDesc(m->conn, path_of(m, "image"), VIR_DOMAIN_SAVE_IMAGE_XML_SECURE));
    CALL_POINTER(virDomainSaveImageGetXMLDesc(m->conn, path_of(m, "image"), 1 << 1));
    CALL_POINTER(virDomainSaveImageGetXMLDesc(m->conn, path_of(m, "no-such-file"), 0));
    if (!xml)
        give_up("no XML");
    other = changed(xml, "<vcpu placement='static'>1<", "<vcpu placement='static'>2<");
    CALL(virDomainSaveImageDefineXML(m->conn, path_of(m, "image"), other, 0));
    free(other);
    other = changed(xml, "<uuid>", "<title>changed</title><uuid>");
    CALL(virDomainSaveImageDefineXML(m->conn, path_of(m, "image"), other, VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED));
    CALL(virDomainSaveImageDefineXML(m->conn, path_of(m, "image"), other, VIR_DOMAIN_SAVE_PAUSED));
    free(other);
    free(xml);
    xml = CALL_POINTER(virDomainSaveImageGetXMLDesc(m->conn, path_of(m, "image"), 0));
    say("title %s", xml && strstr(xml, "<title>changed</title>") ? "changed" : "as it was");
    free(xml);
    bring_back(m, "image", NULL, 0, WAITS);
    machine_destroy(m);
}

static void running_already(struct machine *m)
{
    machine_start_with_chain(m, 1);
    save_to(m, "image", 0);
    bring_back(m, "image", NULL, 0, RUNS);
    CALL(virDomainRestore(m->conn, path_of(m, "image")));
    CALL(virDomainRestoreFlags(m->conn, path_of(m, "image"), NULL, 1 << 7));
    show_state(m);
    machine_destroy(m);
}

const struct scenario restore_scenarios[] = {
    {"restore-brings-a-running-machine-back", running},
    {"restore-brings-a-suspended-machine-back", suspended},
    {"restore-runs-or-not-as-it-is-told", with_flags},
    {"restore-refuses-files-that-are-no-images", bad_images},
    {"restore-with-another-description", other_descriptions},
    {"restore-from-an-image-that-was-changed", changed_images},
    {"restore-of-a-machine-that-runs", running_already},
    {NULL, NULL},
};
