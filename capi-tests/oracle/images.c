/* Disk images, made and judged by QEMU's own tools, which run in the machine's directory. */
#define _POSIX_C_SOURCE 200809L
#include "oracle.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX (3 + 2 * REGIONS)

extern char **environ;

/* Run a command with its output going to a file; its exit status. */
static int run(const char *output, char *const argv[])
{
    posix_spawn_file_actions_t actions;
    int status = -1, error;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0 || waitpid(pid, &status, 0) != pid)
        give_up("cannot run %s", argv[0]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void must_run(char *const argv[])
{
    if (run("tool.log", argv) != 0)
        give_up("%s %s failed", argv[0], argv[1]);
}

static void create(const char *file, const char *format, const char *backing)
{
    char size[16];
    char *with[] = {"qemu-img", "create", "-q", "-f", (char *)format, "-F", "qcow2", "-b", (char *)backing,
                    (char *)file, size, NULL};
    char *without[] = {"qemu-img", "create", "-q", "-f", (char *)format, (char *)file, size, NULL};

    snprintf(size, sizeof(size), "%dM", REGIONS * REGION_MIB);
    must_run(backing ? with : without);
}

void make_image(const struct machine *m, const char *file, const char *format, const char *backing)
{
    create(file, format, backing ? path_of(m, backing) : NULL);
}

void make_empty_file(const char *file)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd < 0)
        give_up("cannot make %s", file);
    close(fd);
}

/* Write one layer's pattern where that layer has data. */
static void fill(const char *file, const char *format, int layer)
{
    char command[64];
    char *argv[] = {"qemu-io", "-f", (char *)format, "-c", command, (char *)file, NULL};

    snprintf(command, sizeof(command), "write -P %d %dM %dM", layer + 1, layer * REGION_MIB,
             (REGIONS - 2 * layer) * REGION_MIB);
    must_run(argv);
}

static void make_layers(const struct machine *m, const char *disk, int layers, int relative)
{
    char file[64], backing[64] = "";
    int layer;

    for (layer = 0; layer < layers; layer++) {
        snprintf(file, sizeof(file), "%s-%d.qcow2", disk, layer);
        create(file, "qcow2", layer == 0 ? NULL : relative ? backing : path_of(m, backing));
        fill(file, "qcow2", layer);
        memcpy(backing, file, sizeof(backing));
    }
}

void make_chain(const struct machine *m, const char *disk, int layers)
{
    make_layers(m, disk, layers, 0);
}

void make_relative_chain(const struct machine *m, const char *disk, int layers)
{
    make_layers(m, disk, layers, 1);
}

/* What a disk with this many layers reads as. */
static void make_reference(int layers)
{
    int layer;

    create("reference.raw", "raw", NULL);
    for (layer = 0; layer < layers; layer++)
        fill("reference.raw", "raw", layer);
}

static void check_against_reference(const char *file, const char *format, const char *like)
{
    char *check[] = {"qemu-img", "check", "-U", "-q", "-f", (char *)format, (char *)file, NULL};
    char *compare[] = {"qemu-img", "compare", "-U", "-q", "-f", "raw", "-F", (char *)format,
                       "reference.raw", (char *)file, NULL};
    int sound = strcmp(format, "raw") == 0 || run("tool.log", check) == 0;

    say("%s: %s, %s %s", file, sound ? "sound" : "DAMAGED",
        run("tool.log", compare) == 0 ? "reads like" : "DOES NOT READ LIKE", like);
}

void check_image(const char *file, const char *format, int layers)
{
    char like[16];

    make_reference(layers);
    snprintf(like, sizeof(like), "%d layer%s", layers, layers == 1 ? "" : "s");
    check_against_reference(file, format, like);
}

/* ---- spoiled images ---- */

#define L1_TABLE_OFFSET 40 /* where the header has it, as a big-endian number of 64 bits */

static long big_endian(const unsigned char bytes[8])
{
    unsigned long value = 0;
    int i;

    for (i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return (long)value;
}

/* The first table of clusters gets an offset that is not on a cluster's border; QEMU fails with EIO when it follows. */
void spoil_image(const char *file)
{
    unsigned char bytes[8];
    FILE *image = fopen(file, "r+");
    long entry;

    if (!image || fseek(image, L1_TABLE_OFFSET, SEEK_SET) != 0 || fread(bytes, sizeof(bytes), 1, image) != 1)
        give_up("cannot read the header of %s", file);
    entry = big_endian(bytes);
    if (fseek(image, entry, SEEK_SET) != 0 || fread(bytes, sizeof(bytes), 1, image) != 1)
        give_up("cannot read the table of %s", file);
    bytes[6] |= 0x02;
    if (fseek(image, entry, SEEK_SET) != 0 || fwrite(bytes, sizeof(bytes), 1, image) != 1 || fclose(image) != 0)
        give_up("cannot spoil %s", file);
}

/* ---- a guest of 512 bytes ---- */

#define WRITTEN_SECTOR 8192

/* Writes itself to WRITTEN_SECTOR through the BIOS, then tells the chip set's power management to switch off. */
static const unsigned char boot_code[] = {
    0x31, 0xc0,                                     /* xor ax, ax */
    0x8e, 0xd8,                                     /* mov ds, ax */
    0xbe, 0x18, 0x7c,                               /* mov si, packet */
    0xb8, 0x00, 0x43,                               /* mov ax, 0x4300: extended write */
    0xb2, 0x80,                                     /* mov dl, 0x80: first disk */
    0xcd, 0x13,                                     /* int 0x13 */
    0xba, 0x04, 0x06,                               /* mov dx, 0x604: PM1a_CNT */
    0xb8, 0x00, 0x20,                               /* mov ax, 0x2000: SLP_EN */
    0xef,                                           /* out dx, ax */
    0xf4, 0xeb, 0xfd,                               /* hlt; jmp to it */
    0x10, 0x00, 0x01, 0x00, 0x00, 0x7c, 0x00, 0x00, /* packet: 1 sector from 0000:7c00 */
    WRITTEN_SECTOR % 256, WRITTEN_SECTOR / 256, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

static void write_boot_sector(const char *file, const char *format, int sector)
{
    unsigned char code[512] = {0};
    char command[64];
    char *argv[] = {"qemu-io", "-f", (char *)format, "-c", command, (char *)file, NULL};
    FILE *output = fopen("boot-sector", "w");

    memcpy(code, boot_code, sizeof(boot_code));
    code[510] = 0x55;
    code[511] = 0xaa;
    if (!output || fwrite(code, sizeof(code), 1, output) != 1 || fclose(output) != 0)
        give_up("cannot write a boot sector");
    snprintf(command, sizeof(command), "write -s boot-sector %d 512", sector * 512);
    must_run(argv);
}

void make_bootable(const char *file, const char *format)
{
    write_boot_sector(file, format, 0);
}

void check_bootable_image(const char *file, const char *format, int layers, int written)
{
    make_reference(layers);
    write_boot_sector("reference.raw", "raw", 0);
    if (written)
        write_boot_sector("reference.raw", "raw", WRITTEN_SECTOR);
    check_against_reference(file, format, written ? "what the guest wrote" : "before the guest ran");
}

/* The value of a string member in qemu-img's JSON, or NULL; the text is changed. */
static char *member(char *json, const char *name)
{
    char *at = strstr(json, name);
    char *value = at ? strstr(at, "\": \"") : NULL;
    char *end = value ? strchr(value + 4, '"') : NULL;

    if (!end)
        return NULL;
    *end = '\0';
    return value + 4;
}

void show_backing(const char *file)
{
    char *info[] = {"qemu-img", "info", "-U", "--output=json", (char *)file, NULL};
    char json[4096], *backing;
    size_t length;
    FILE *output;

    if (run("info.json", info) != 0)
        give_up("qemu-img info %s failed", file);
    output = fopen("info.json", "r");
    if (!output)
        give_up("cannot read what qemu-img info said");
    length = fread(json, 1, sizeof(json) - 1, output);
    fclose(output);
    json[length] = '\0';
    backing = member(json, "\"backing-filename\"");
    if (!backing)
        say("%s: backed by nothing", file);
    else
        say("%s: backed by %s, %s", file, base_name(backing), backing[0] == '/' ? "absolute" : "relative");
}

void show_file(const char *file)
{
    say("%s: %s", file, access(file, F_OK) == 0 ? "exists" : "does not exist");
}
