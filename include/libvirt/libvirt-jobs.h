/*
 * libvirt-jobs.h: every long-running operation of a domain is one named job
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Generated from the Rust sources of virt-jobs; change those and run "make headers".
 */

#ifndef LIBVIRT_JOBS_H
#define LIBVIRT_JOBS_H

#include <libvirt/libvirt.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version of this library as major * 1000000 + minor * 1000 + micro. */
#define VIRT_JOBS_VERSION_NUMBER 1000

/** Whether this is at least that version. */
#define VIRT_JOBS_CHECK_VERSION(major, minor, micro) \
    ((major) * 1000000 + (minor) * 1000 + (micro) <= VIRT_JOBS_VERSION_NUMBER)

/* ---- Named jobs, as proposed for libvirt ---- */

#ifndef VIRT_JOBS_OWN_TREE

/*
 * Libvirt's own headers have a type virDomainJobType without these values, so here they are plain numbers; and there
 * event 25 is another one, so the event of jobs has a number of its own.
 */

/**
 * The event id of a job's change of state. The number of the proposal, 25, has since become another event of libvirt's;
 * this one (0x10019) works on every connection.
 */
#define VIR_DOMAIN_EVENT_ID_JOB_STATE 65561

/** No type. */
#define VIR_DOMAIN_JOB_TYPE_NONE 0

/** The domain moves to another host. */
#define VIR_DOMAIN_JOB_TYPE_MIGRATION 1

/** A disk takes over what its backing images hold. */
#define VIR_DOMAIN_JOB_TYPE_BLOCK_PULL 2

/** A disk is copied, and kept in step with its copy until finalized or aborted. */
#define VIR_DOMAIN_JOB_TYPE_BLOCK_COPY 3

/** Backing images are merged into one below them. */
#define VIR_DOMAIN_JOB_TYPE_BLOCK_COMMIT 4

/** The active image is merged into one below it, and kept in step until finalized or aborted. */
#define VIR_DOMAIN_JOB_TYPE_BLOCK_COMMIT_ACTIVE 5

/** Disks are backed up as they were at one moment. */
#define VIR_DOMAIN_JOB_TYPE_BLOCK_BACKUP 6

/** An image is created. */
#define VIR_DOMAIN_JOB_TYPE_BLOCK_CREATE 7

/** Options of an image are changed. */
#define VIR_DOMAIN_JOB_TYPE_BLOCK_AMEND 8

/** The domain is saved to a file and stopped. */
#define VIR_DOMAIN_JOB_TYPE_SAVE 9

/** The domain is restored from a file. */
#define VIR_DOMAIN_JOB_TYPE_RESTORE 10

/** Guest memory is written to a file. */
#define VIR_DOMAIN_JOB_TYPE_DUMP 11

/** A snapshot is taken. */
#define VIR_DOMAIN_JOB_TYPE_SNAPSHOT 12

/** The domain goes back to a snapshot. */
#define VIR_DOMAIN_JOB_TYPE_SNAPSHOT_REVERT 13

/** A snapshot is deleted. */
#define VIR_DOMAIN_JOB_TYPE_SNAPSHOT_DELETE 14

/** The domain arrives from another host. */
#define VIR_DOMAIN_JOB_TYPE_MIGRATION_IN 15

/** A kind of job that this version does not know; it can be listed and controlled all the same. */
#define VIR_DOMAIN_JOB_TYPE_OTHER 16

#endif /* VIRT_JOBS_OWN_TREE */

/** There is no job of that name: a virErrorNumber outside the range that libvirt counts up in (0x1006e). */
#define VIR_ERR_NO_DOMAIN_JOB 65646

/** The state of a job. The last three before PAUSED are final: nothing comes after them. */
enum _virDomainJobState {
    /** Not known. */
    VIR_DOMAIN_JOB_STATE_NONE = 0,
    /** At work. */
    VIR_DOMAIN_JOB_STATE_RUNNING = 1,
    /** Safe to finalize now, whatever its progress numbers say. */
    VIR_DOMAIN_JOB_STATE_READY = 2,
    /** Ended by an error. */
    VIR_DOMAIN_JOB_STATE_FAILED = 3,
    /** Ended well. */
    VIR_DOMAIN_JOB_STATE_COMPLETED = 4,
    /** Ended by request. */
    VIR_DOMAIN_JOB_STATE_ABORTED = 5,
    /** Paused by request; RESUME lets it go on. */
    VIR_DOMAIN_JOB_STATE_PAUSED = 6,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_JOB_STATE_LAST,
#endif
};

/** What virDomainJobControl can ask of a job. */
enum _virDomainJobControlOperation {
    /** Nothing; always an error. */
    VIR_DOMAIN_JOB_CONTROL_OPERATION_NONE = 0,
    /** End it without its result. A copy that is READY leaves its target as it is at that moment. */
    VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT = 1,
    /** Complete a job that is READY: a copy or active commit switches the disk over. */
    VIR_DOMAIN_JOB_CONTROL_OPERATION_FINALIZE = 2,
    /** Hold a job that is RUNNING or READY. */
    VIR_DOMAIN_JOB_CONTROL_OPERATION_PAUSE = 3,
    /** Let a job that is PAUSED go on. */
    VIR_DOMAIN_JOB_CONTROL_OPERATION_RESUME = 4,
    /** Take a job that has ended off the list. */
    VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS = 5,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_JOB_CONTROL_OPERATION_LAST,
#endif
};

typedef enum _virDomainJobState virDomainJobState;

typedef enum _virDomainJobControlOperation virDomainJobControlOperation;

/** The other spelling that the proposal uses. */
typedef virDomainJobControlOperation virDomainJobControlOperations;

/** A job in a listing; to be released with virDomainJobFree. */
struct _virDomainJob {
    /** Unique in the domain, and never used again while the domain lives. */
    char *name;
    /** One of the VIR_DOMAIN_JOB_TYPE values. */
    virDomainJobType type;
    virDomainJobState state;
    /** An abbreviated description, if the listing was asked for one; else NULL. */
    virTypedParameterPtr data;
    /** How many parameters data has. */
    size_t ndata;
};

typedef struct _virDomainJob virDomainJob;

typedef virDomainJob *virDomainJobPtr;

/**
 * Told that a job has entered a new state, for events of VIR_DOMAIN_EVENT_ID_JOB_STATE. A job's first event is RUNNING,
 * each change gives one event, and the last one is final. The name belongs to the library.
 */
typedef void (*virConnectDomainEventJobStateCallback)(virConnectPtr conn,
                                                      virDomainPtr dom,
                                                      const char *jobname,
                                                      virDomainJobType jobtype,
                                                      virDomainJobState newstate,
                                                      void *opaque);

/**
 * Lists the jobs of @domain, oldest first.
 *
 * @flags is a combination of virDomainJobListFlags. Unless they ask for statistics, nobody but this library is asked.
 *
 * If @jobs is not NULL it receives an array of jobs, terminated by NULL: release each with virDomainJobFree and the
 * array with free(). On error *@jobs is NULL.
 *
 * Returns the number of jobs, or -1 on error.
 */
int virDomainJobList(virDomainPtr domain, virDomainJobPtr **jobs, unsigned int flags);

/** Releases @job and everything in it. NULL is harmless. */
void virDomainJobFree(virDomainJobPtr job);

/**
 * Describes the job @jobname of @domain: what it was asked to do, how far it is, how it ended.
 *
 * @flags is 0, or VIR_DOMAIN_JOB_XML_NO_STATS to leave the statistics out and ask nobody for them.
 *
 * Returns a document to be released with free(), or NULL on error.
 */
char *virDomainJobGetXMLDesc(virDomainPtr domain, const char *jobname, unsigned int flags);

/**
 * Asks the job @jobname of @domain to change its state. The change comes later, or may even have been announced by an
 * event before this returns. @flags is 0.
 *
 * Returns 0 once it was asked. Returns -1 on error: VIR_ERR_NO_DOMAIN_JOB if there is no such job,
 * VIR_ERR_OPERATION_UNSUPPORTED if jobs of its type never can, VIR_ERR_OPERATION_INVALID if it cannot in its state.
 */
int virDomainJobControl(virDomainPtr domain, const char *jobname, virDomainJobControlOperation op, unsigned int flags);

/* ---- Flags of the job calls, and of every call that starts a job ---- */

/**
 * For every call that starts a job: lift what only libvirt's own rules forbid, such as a second job on one disk.
 * Migration, save, restore and dump exclude each other all the same.
 */
#define VIR_DOMAIN_JOB_START_PARALLEL (1 << 29)

/** For every call that starts a job: keep it listed after its end, with state, statistics and error, until DISMISS. */
#define VIR_DOMAIN_JOB_START_PERSIST (1 << 30)

/** VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainBlockPull. */
#define VIR_DOMAIN_BLOCK_PULL_PARALLEL_JOB VIR_DOMAIN_JOB_START_PARALLEL

/** VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainBlockPull. */
#define VIR_DOMAIN_BLOCK_PULL_PERSIST_JOB VIR_DOMAIN_JOB_START_PERSIST

/** VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainBlockRebase. */
#define VIR_DOMAIN_BLOCK_REBASE_PARALLEL_JOB VIR_DOMAIN_JOB_START_PARALLEL

/** VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainBlockRebase. */
#define VIR_DOMAIN_BLOCK_REBASE_PERSIST_JOB VIR_DOMAIN_JOB_START_PERSIST

/** VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainBlockCopy. */
#define VIR_DOMAIN_BLOCK_COPY_PARALLEL_JOB VIR_DOMAIN_JOB_START_PARALLEL

/** VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainBlockCopy. */
#define VIR_DOMAIN_BLOCK_COPY_PERSIST_JOB VIR_DOMAIN_JOB_START_PERSIST

/** VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainBlockCommit. */
#define VIR_DOMAIN_BLOCK_COMMIT_PARALLEL_JOB VIR_DOMAIN_JOB_START_PARALLEL

/** VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainBlockCommit. */
#define VIR_DOMAIN_BLOCK_COMMIT_PERSIST_JOB VIR_DOMAIN_JOB_START_PERSIST

/** VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainBackupBegin. */
#define VIR_DOMAIN_BACKUP_BEGIN_PARALLEL_JOB VIR_DOMAIN_JOB_START_PARALLEL

/** VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainBackupBegin. */
#define VIR_DOMAIN_BACKUP_BEGIN_PERSIST_JOB VIR_DOMAIN_JOB_START_PERSIST

/** VIR_DOMAIN_JOB_START_PARALLEL among the flags of the calls that save and restore. */
#define VIR_DOMAIN_SAVE_PARALLEL_JOB VIR_DOMAIN_JOB_START_PARALLEL

/** VIR_DOMAIN_JOB_START_PERSIST among the flags of the calls that save and restore. */
#define VIR_DOMAIN_SAVE_PERSIST_JOB VIR_DOMAIN_JOB_START_PERSIST

/** VIR_DOMAIN_JOB_START_PARALLEL among the flags of the calls that dump memory. */
#define VIR_DUMP_PARALLEL_JOB VIR_DOMAIN_JOB_START_PARALLEL

/** VIR_DOMAIN_JOB_START_PERSIST among the flags of the calls that dump memory. */
#define VIR_DUMP_PERSIST_JOB VIR_DOMAIN_JOB_START_PERSIST

/** VIR_DOMAIN_JOB_START_PARALLEL among the flags of the migration calls. */
#define VIR_MIGRATE_PARALLEL_JOB VIR_DOMAIN_JOB_START_PARALLEL

/** VIR_DOMAIN_JOB_START_PERSIST among the flags of the migration calls. */
#define VIR_MIGRATE_PERSIST_JOB VIR_DOMAIN_JOB_START_PERSIST

/** VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainSnapshotCreateXML. */
#define VIR_DOMAIN_SNAPSHOT_CREATE_PARALLEL_JOB VIR_DOMAIN_JOB_START_PARALLEL

/** VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainSnapshotCreateXML. */
#define VIR_DOMAIN_SNAPSHOT_CREATE_PERSIST_JOB VIR_DOMAIN_JOB_START_PERSIST

/** VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainRevertToSnapshot. */
#define VIR_DOMAIN_SNAPSHOT_REVERT_PARALLEL_JOB VIR_DOMAIN_JOB_START_PARALLEL

/** VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainRevertToSnapshot. */
#define VIR_DOMAIN_SNAPSHOT_REVERT_PERSIST_JOB VIR_DOMAIN_JOB_START_PERSIST

/** VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainSnapshotDelete. */
#define VIR_DOMAIN_SNAPSHOT_DELETE_PARALLEL_JOB VIR_DOMAIN_JOB_START_PARALLEL

/** VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainSnapshotDelete. */
#define VIR_DOMAIN_SNAPSHOT_DELETE_PERSIST_JOB VIR_DOMAIN_JOB_START_PERSIST

/** Flags of virDomainJobList and virConnectListAllDomainJobs. Of each pair of opposites, none set means both. */
enum _virDomainJobListFlags {
    /** Jobs that have not ended. */
    VIR_DOMAIN_JOB_LIST_ACTIVE = (1 << 0),
    /** Jobs that have ended and wait to be dismissed. */
    VIR_DOMAIN_JOB_LIST_FINISHED = (1 << 1),
    /** Jobs of the BLOCK types. */
    VIR_DOMAIN_JOB_LIST_BLOCK = (1 << 2),
    /** Jobs of the other types. */
    VIR_DOMAIN_JOB_LIST_DOMAIN = (1 << 3),
    /** Describe each job with fresh figures, which may have to be asked for. */
    VIR_DOMAIN_JOB_LIST_STATS = (1 << 4),
    /** Add the job's XML document, without statistics. */
    VIR_DOMAIN_JOB_LIST_XML = (1 << 5),
};

/** Flags of virDomainJobGetXMLDesc. */
enum _virDomainJobXMLFlags {
    /** No statistics; the hypervisor is not asked for anything. */
    VIR_DOMAIN_JOB_XML_NO_STATS = (1 << 0),
};

typedef enum _virDomainJobListFlags virDomainJobListFlags;

typedef enum _virDomainJobXMLFlags virDomainJobXMLFlags;

/* ---- Beyond the proposal ---- */

/** In the data of a job, string: the disk it works on. */
#define VIR_DOMAIN_JOB_PARAM_DISK "disk"

/** In the data of a job, unsigned long long: how far it is. */
#define VIR_DOMAIN_JOB_PARAM_CURRENT "current"

/** In the data of a job, unsigned long long: how far it has to go. */
#define VIR_DOMAIN_JOB_PARAM_END "end"

/** In the data of a job, unsigned long long: bytes per second. */
#define VIR_DOMAIN_JOB_PARAM_RATE "rate"

/** In the data of a job, string: why it failed. */
#define VIR_DOMAIN_JOB_PARAM_ERROR "error"

/** In the data of a job, string: its XML document without statistics, with VIR_DOMAIN_JOB_LIST_XML. */
#define VIR_DOMAIN_JOB_PARAM_XML "xml"

/** In the data of a job, string: its domain, from virConnectListAllDomainJobs. */
#define VIR_DOMAIN_JOB_PARAM_DOMAIN_NAME "domain.name"

/** In the data of a job, string: the UUID of its domain, from virConnectListAllDomainJobs. */
#define VIR_DOMAIN_JOB_PARAM_DOMAIN_UUID "domain.uuid"

/** A state as a bit of the mask that virDomainJobWait takes. */
#define VIR_DOMAIN_JOB_STATE_BIT(state) (1U << (state))

/**
 * VIR_DOMAIN_EVENT_ID_JOB_STATE by a number that means the same on every connection, libvirt's own included (0x10019).
 */
#define VIR_DOMAIN_EVENT_ID_JOB_STATE_OVERLAY 65561

/**
 * Lists the jobs of all domains of @conn. Each job's data says which domain it belongs to, as `domain.name` and
 * `domain.uuid`. Otherwise like virDomainJobList; but a domain that does not answer is no error: with
 * VIR_DOMAIN_JOB_LIST_STATS its jobs have the figures that were last heard of them.
 *
 * Returns the number of jobs, or -1 on error.
 */
int virConnectListAllDomainJobs(virConnectPtr conn, virDomainJobPtr **jobs, unsigned int flags);

/**
 * Waits until the job @jobname of @domain is in one of @states, or has ended. Needs no event loop.
 *
 * @states is a combination of `1 << state`; a job that ends in another state ends the wait as well, so 0 waits for the
 * end. @timeout is in milliseconds; 0 only looks, -1 waits as long as it takes. @flags is 0.
 *
 * Returns the state that the job is in, 0 if the time is over, -1 on error.
 */
int virDomainJobWait(virDomainPtr domain, const char *jobname, unsigned int states, int timeout, unsigned int flags);

/**
 * Changes the limit of the job @jobname of @domain to @bandwidth bytes per second; 0 lifts it. @flags is 0.
 *
 * Returns 0, or -1 on error.
 */
int virDomainJobSetSpeed(virDomainPtr domain, const char *jobname, unsigned long long bandwidth, unsigned int flags);

/**
 * The name of the job that this thread was the last to start in @domain, for the older functions that start a job
 * return no name. @flags is 0.
 *
 * Returns a text to be released with free(), or NULL with VIR_ERR_NO_DOMAIN_JOB if the last job that this thread
 * started was none of @domain.
 */
char *virDomainJobLastStarted(virDomainPtr domain, unsigned int flags);

#ifdef __cplusplus
}
#endif

#endif /* LIBVIRT_JOBS_H */
