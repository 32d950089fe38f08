/*
 * A program that uses libvirt's older block job calls and prints what it saw.
 *
 * Everything printed is the same from run to run on one hypervisor driver, so the output of two drivers can be compared
 * line by line: no times, no identifiers of a run, no directory names.  Only names that libvirt has are used.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stddef.h>

/* How long to wait for anything at all, before saying that it did not come. */
#define PATIENCE_SECONDS 20

/* Every image is REGIONS regions long; see make_chain() for what they hold. */
#define REGION_MIB 2
#define REGIONS 8
#define LAYERS_MAX (REGIONS / 2)

#define PATH_SIZE 512

/* ---- one scenario's machine (machine.c) ---- */

struct disk {
    const char *target;  /* vda, sda, ... */
    const char *bus;     /* NULL: virtio */
    const char *file;    /* base name; NULL: an empty CD-ROM drive */
    const char *format;  /* NULL: qcow2 */
    const char *options; /* further elements inside <disk>, or NULL */
};

struct machine {
    const char *uri;
    virConnectPtr conn;
    virDomainPtr dom;  /* NULL while there is none */
    char name[32];
    char dir[PATH_SIZE]; /* where its images are; also the working directory */
};

/* The domain XML, for the caller to free. */
char *machine_xml(const struct machine *m, const struct disk *disks, size_t n);
/* Start it with these disks; the scenario ends here if that fails. */
void machine_start(struct machine *m, const struct disk *disks, size_t n, unsigned int flags);
/* Make a chain of `layers` images for vda and start a machine that has no other disk. */
void machine_start_with_chain(struct machine *m, int layers);
/* Destroy it and wait for the event that says so: after this line nothing more is to come. */
void machine_destroy(struct machine *m);
/*
 * The same, but the guest does not run.  A guest that finds its disks makes QEMU drain them, and a mirror that is
 * drained does not keep to its bandwidth: this is for copies that must not become ready by themselves.
 */
void machine_start_suspended(struct machine *m, int layers);
/* Make chains of `layers` images for vda and vdb and start a machine with these two disks, suspended as well. */
void machine_start_with_two_chains(struct machine *m, int layers);
/* The path of an image, in one of a few static buffers. */
const char *path_of(const struct machine *m, const char *file);
/* Print the disks of the live XML: their chains, and the mirror if there is one. */
void show_disks(const struct machine *m);
void show_inactive_disks(const struct machine *m);

/* ---- images (images.c) ---- */

/*
 * DISK-0.qcow2 (the base) to DISK-{layers-1}.qcow2 (the top), backing names absolute or relative.  Layer i holds
 * pattern i in all regions but the i first and the i last, so that each layer is seen through all the others.
 */
void make_chain(const struct machine *m, const char *disk, int layers);
void make_relative_chain(const struct machine *m, const char *disk, int layers);
/* An empty image of the disks' size, backed by nothing or by another image. */
void make_image(const struct machine *m, const char *file, const char *format, const char *backing);
void make_empty_file(const char *file);
/* Print whether the image is sound, and whether it reads like a chain of `layers` layers. */
void check_image(const char *file, const char *format, int layers);
/* Let a guest that boots from this image write to it and then switch its machine off. */
void make_bootable(const char *file, const char *format);
/* check_image() for such an image, after the guest ran or before. */
void check_bootable_image(const char *file, const char *format, int layers, int written);
/* Make a qcow2 image that can be opened, but neither read nor written. */
void spoil_image(const char *file);
/* Print what the image itself names as its backing file, and whether by a relative name. */
void show_backing(const char *file);
void show_file(const char *file); /* whether it exists */

/* ---- what a job is started with (parameters.c) ---- */

/* bytes/s: a job that does not end while a scenario looks at it */
#define SLOW (64 * 1024)

/* The XML of a copy's destination, in a static buffer. */
const char *copy_xml(const struct machine *m, const char *file, const char *format);
virTypedParameter bandwidth_parameter(unsigned long long bytes);
virTypedParameter number_parameter(const char *name, unsigned int value);
/* Start a copy of vda to copy.qcow2 that will go on for a while. */
void start_slow_copy(struct machine *m, unsigned int flags);

/* ---- events (events.c) ---- */

void events_start_loop(void);
void events_stop_loop(void);
/* Register the three events for this connection; only what concerns this machine is kept. */
void events_watch(struct machine *m);
void events_unwatch(struct machine *m);
/* Print events in the order in which they came, up to and including the one that reads like this. */
void await_event(const char *line);
/* Wait for so many events and print them sorted: which of them comes first is a matter of chance. */
void await_events_in_any_order(size_t n);
/* Print what has come so far and was not printed yet. */
void show_late_events(void);
void record_event(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whether this event is one that libvirt sends or not, as it happens. */
int shutdown_by_chance(int event, int detail);
void format_block_job(char *text, size_t size, const char *label, const char *disk, int type, int status);

/* ---- the domain's job (domain_job.c) ---- */

/* Register JOB_COMPLETED for the machine that runs. */
void completions_watch(struct machine *m);
void completions_unwatch(struct machine *m);
/* Print what virDomainGetJobInfo() and virDomainGetJobStats() say, without times and amounts. */
void show_domain_job(struct machine *m);
/* The latter returns the type of the job too, -1 if there is none to tell. */
int show_domain_job_stats(struct machine *m, unsigned int flags);

/* ---- printing (output.c) ---- */

extern int verbose;

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *base_name(const char *path);
/* Nothing more can be said of this scenario. */
void give_up(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* This machine was too fast, or too busy with other things: the scenario is to be run again. */
#define TOO_LATE_STATUS 75
void too_late(const char *what) __attribute__((noreturn));

int report(const char *call, int result);
void *report_pointer(const char *call, void *result);
/* Call and print: the call as written, its result, and its error if it set one. */
#define CALL(expression) (virResetLastError(), report(#expression, (expression)))
#define CALL_POINTER(expression) (virResetLastError(), report_pointer(#expression, (expression)))
/* Print the job on a disk as virDomainGetBlockJobInfo() has it, bandwidth in MiB/s and in bytes/s. */
void show_job(const struct machine *m, const char *disk);
void show_state(const struct machine *m);

const char *block_job_type(int type);
const char *block_job_status(int status);
const char *lifecycle_event(int event);

/* ---- scenarios ---- */

struct scenario {
    const char *name;
    void (*run)(struct machine *m);
};

/* Each list ends with a NULL name. */
extern const struct scenario pull_scenarios[];
extern const struct scenario copy_scenarios[];
extern const struct scenario copy_variant_scenarios[];
extern const struct scenario commit_scenarios[];
extern const struct scenario active_commit_scenarios[];
extern const struct scenario busy_scenarios[];
extern const struct scenario failure_scenarios[];
extern const struct scenario control_scenarios[];
extern const struct scenario argument_scenarios[];
extern const struct scenario refusal_scenarios[];
extern const struct scenario lifecycle_scenarios[];
extern const struct scenario end_scenarios[];
extern const struct scenario registration_scenarios[];
extern const struct scenario connection_scenarios[];
extern const struct scenario backup_scenarios[];
extern const struct scenario disk_snapshot_scenarios[];
extern const struct scenario snapshot_scenarios[];
extern const struct scenario size_scenarios[];
extern const struct scenario memory_scenarios[];
extern const struct scenario restore_scenarios[];

#endif
