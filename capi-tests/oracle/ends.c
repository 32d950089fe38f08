/* Machines that end while they have a job, in every way that a machine can end. */
#define _POSIX_C_SOURCE 200809L
#include "oracle.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void destroy_during_pull(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockPull(m->dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 2);
    show_backing("vda-1.qcow2");
}

static void destroy_during_copy(struct machine *m)
{
    machine_start_suspended(m, 2);
    start_slow_copy(m, 0);
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 2);
}

static void destroy_during_ready_copy(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0, 0));
    await_event("block-job-2 vda copy ready");
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 2);
    check_image("copy.qcow2", "qcow2", 2);
}

static void destroy_during_commit(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[2]", SLOW, VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES));
    machine_destroy(m);
    check_image("vda-2.qcow2", "qcow2", 3);
}

static void destroy_during_ready_active_commit(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    await_event("block-job-2 vda active-commit ready");
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 2);
}

static void destroy_during_two_jobs(struct machine *m)
{
    machine_start_with_two_chains(m, 2);
    start_slow_copy(m, 0);
    CALL(virDomainBlockPull(m->dom, "vdb", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    machine_destroy(m);
}

static void start_bootable(struct machine *m, int layers)
{
    struct disk disk = {"vda", NULL, NULL, NULL, NULL};
    char top[32];

    make_chain(m, "vda", layers);
    make_bootable("vda-0.qcow2", "qcow2");
    snprintf(top, sizeof(top), "vda-%d.qcow2", layers - 1);
    disk.file = top;
    machine_start(m, &disk, 1, VIR_DOMAIN_START_PAUSED);
    await_event("lifecycle suspended, detail 0");
}

static void await_power_off(struct machine *m)
{
    CALL(virDomainResume(m->dom));
    await_event("lifecycle stopped, detail 0");
    CALL(virDomainIsActive(m->dom));
    virDomainFree(m->dom);
    m->dom = NULL;
}

static void power_off(struct machine *m)
{
    start_bootable(m, 2);
    await_power_off(m);
    check_bootable_image("vda-1.qcow2", "qcow2", 2, 1);
}

static void power_off_during_pull(struct machine *m)
{
    start_bootable(m, 2);
    CALL(virDomainBlockPull(m->dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    await_power_off(m);
    check_bootable_image("vda-1.qcow2", "qcow2", 2, 1);
}

static void power_off_during_ready_copy(struct machine *m)
{
    start_bootable(m, 2);
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0, 0));
    await_event("block-job-2 vda copy ready");
    await_power_off(m);
    check_bootable_image("vda-1.qcow2", "qcow2", 2, 1);
    check_bootable_image("copy.qcow2", "qcow2", 2, 1);
}

static void write_after_pivot(struct machine *m)
{
    start_bootable(m, 2);
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0, 0));
    await_event("block-job-2 vda copy ready");
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda copy completed");
    await_power_off(m);
    check_bootable_image("vda-1.qcow2", "qcow2", 2, 0);
    check_bootable_image("copy.qcow2", "qcow2", 2, 1);
}

static void write_after_active_commit(struct machine *m)
{
    start_bootable(m, 2);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    await_event("block-job-2 vda active-commit ready");
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda active-commit completed");
    await_power_off(m);
    check_bootable_image("vda-0.qcow2", "qcow2", 2, 1);
}

/* Whether this process is the QEMU of the machine: its command line holds the machine's name. */
static int is_machine(const char *pid, const struct machine *m)
{
    char path[64], text[8192];
    size_t length, i;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%.16s/cmdline", pid);
    file = fopen(path, "r");
    if (!file)
        return 0;
    length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    for (i = 0; i < length; i++) {
        if (text[i] == '\0')
            text[i] = ' ';
    }
    text[length] = '\0';
    return strstr(text, "qemu-system") != NULL && strstr(text, m->name) != NULL;
}

static void kill_machine(const struct machine *m)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    int pid = 0;

    while (processes && pid == 0 && (entry = readdir(processes))) {
        if (isdigit((unsigned char)entry->d_name[0]) && is_machine(entry->d_name, m))
            sscanf(entry->d_name, "%d", &pid);
    }
    if (processes)
        closedir(processes);
    if (pid == 0 || kill(pid, SIGKILL) != 0)
        give_up("no QEMU to kill");
}

static void killed_during_copy(struct machine *m)
{
    machine_start_suspended(m, 2);
    start_slow_copy(m, 0);
    kill_machine(m);
    await_event("lifecycle stopped, detail 5");
    CALL(virDomainIsActive(m->dom));
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    virDomainFree(m->dom);
}

const struct scenario end_scenarios[] = {
    {"machine-destroyed-during-a-pull", destroy_during_pull},
    {"machine-destroyed-during-a-copy", destroy_during_copy},
    {"machine-destroyed-while-a-copy-is-ready", destroy_during_ready_copy},
    {"machine-destroyed-during-a-commit", destroy_during_commit},
    {"machine-destroyed-while-an-active-commit-is-ready", destroy_during_ready_active_commit},
    {"machine-destroyed-during-jobs-on-two-disks", destroy_during_two_jobs},
    {"guest-writes-and-switches-itself-off", power_off},
    {"guest-switches-itself-off-during-a-pull", power_off_during_pull},
    {"guest-switches-itself-off-while-a-copy-is-ready", power_off_during_ready_copy},
    {"guest-writes-to-the-copy-after-the-pivot", write_after_pivot},
    {"guest-writes-to-the-base-after-an-active-commit", write_after_active_commit},
    {"qemu-killed-during-a-copy", killed_during_copy},
    {NULL, NULL},
};
