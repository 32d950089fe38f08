/*
 * libvirt-domain.h: virtual machines
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Generated from the Rust sources of virt-jobs; change those and run "make headers".
 */

#ifndef LIBVIRT_DOMAIN_H
#define LIBVIRT_DOMAIN_H

#include <libvirt/libvirt-host.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Domains ---- */

/** The state of a domain. */
enum _virDomainState {
    /** Not known. */
    VIR_DOMAIN_NOSTATE = 0,
    /** Runs. */
    VIR_DOMAIN_RUNNING = 1,
    /** Waits for a resource. */
    VIR_DOMAIN_BLOCKED = 2,
    /** Stopped by the user or by an operation, still in memory. */
    VIR_DOMAIN_PAUSED = 3,
    /** About to shut down. */
    VIR_DOMAIN_SHUTDOWN = 4,
    /** Does not run. */
    VIR_DOMAIN_SHUTOFF = 5,
    /** Crashed. */
    VIR_DOMAIN_CRASHED = 6,
    /** The guest suspended itself. */
    VIR_DOMAIN_PMSUSPENDED = 7,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_LAST,
#endif
};

/** Why a domain is in VIR_DOMAIN_NOSTATE. */
enum _virDomainNostateReason {
    VIR_DOMAIN_NOSTATE_UNKNOWN = 0,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_NOSTATE_LAST,
#endif
};

/** Why a domain is in VIR_DOMAIN_RUNNING. */
enum _virDomainRunningReason {
    VIR_DOMAIN_RUNNING_UNKNOWN = 0,
    VIR_DOMAIN_RUNNING_BOOTED = 1,
    VIR_DOMAIN_RUNNING_MIGRATED = 2,
    VIR_DOMAIN_RUNNING_RESTORED = 3,
    VIR_DOMAIN_RUNNING_FROM_SNAPSHOT = 4,
    VIR_DOMAIN_RUNNING_UNPAUSED = 5,
    VIR_DOMAIN_RUNNING_MIGRATION_CANCELED = 6,
    VIR_DOMAIN_RUNNING_SAVE_CANCELED = 7,
    VIR_DOMAIN_RUNNING_WAKEUP = 8,
    VIR_DOMAIN_RUNNING_CRASHED = 9,
    VIR_DOMAIN_RUNNING_POSTCOPY = 10,
    VIR_DOMAIN_RUNNING_POSTCOPY_FAILED = 11,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_RUNNING_LAST,
#endif
};

/** Why a domain is in VIR_DOMAIN_BLOCKED. */
enum _virDomainBlockedReason {
    VIR_DOMAIN_BLOCKED_UNKNOWN = 0,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_BLOCKED_LAST,
#endif
};

/** Why a domain is in VIR_DOMAIN_PAUSED. */
enum _virDomainPausedReason {
    VIR_DOMAIN_PAUSED_UNKNOWN = 0,
    VIR_DOMAIN_PAUSED_USER = 1,
    VIR_DOMAIN_PAUSED_MIGRATION = 2,
    VIR_DOMAIN_PAUSED_SAVE = 3,
    VIR_DOMAIN_PAUSED_DUMP = 4,
    VIR_DOMAIN_PAUSED_IOERROR = 5,
    VIR_DOMAIN_PAUSED_WATCHDOG = 6,
    VIR_DOMAIN_PAUSED_FROM_SNAPSHOT = 7,
    VIR_DOMAIN_PAUSED_SHUTTING_DOWN = 8,
    VIR_DOMAIN_PAUSED_SNAPSHOT = 9,
    VIR_DOMAIN_PAUSED_CRASHED = 10,
    VIR_DOMAIN_PAUSED_STARTING_UP = 11,
    VIR_DOMAIN_PAUSED_POSTCOPY = 12,
    VIR_DOMAIN_PAUSED_POSTCOPY_FAILED = 13,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_PAUSED_LAST,
#endif
};

/** Why a domain is in VIR_DOMAIN_SHUTDOWN. */
enum _virDomainShutdownReason {
    VIR_DOMAIN_SHUTDOWN_UNKNOWN = 0,
    VIR_DOMAIN_SHUTDOWN_USER = 1,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_SHUTDOWN_LAST,
#endif
};

/** Why a domain is in VIR_DOMAIN_SHUTOFF. */
enum _virDomainShutoffReason {
    VIR_DOMAIN_SHUTOFF_UNKNOWN = 0,
    VIR_DOMAIN_SHUTOFF_SHUTDOWN = 1,
    VIR_DOMAIN_SHUTOFF_DESTROYED = 2,
    VIR_DOMAIN_SHUTOFF_CRASHED = 3,
    VIR_DOMAIN_SHUTOFF_MIGRATED = 4,
    VIR_DOMAIN_SHUTOFF_SAVED = 5,
    VIR_DOMAIN_SHUTOFF_FAILED = 6,
    VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT = 7,
    VIR_DOMAIN_SHUTOFF_DAEMON = 8,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_SHUTOFF_LAST,
#endif
};

/** Why a domain is in VIR_DOMAIN_CRASHED. */
enum _virDomainCrashedReason {
    VIR_DOMAIN_CRASHED_UNKNOWN = 0,
    VIR_DOMAIN_CRASHED_PANICKED = 1,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_CRASHED_LAST,
#endif
};

/** Why a domain is in VIR_DOMAIN_PMSUSPENDED. */
enum _virDomainPMSuspendedReason {
    VIR_DOMAIN_PMSUSPENDED_UNKNOWN = 0,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_PMSUSPENDED_LAST,
#endif
};

/** Why a guest is suspended to disk. */
enum _virDomainPMSuspendedDiskReason {
    VIR_DOMAIN_PMSUSPENDED_DISK_UNKNOWN = 0,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_PMSUSPENDED_DISK_LAST,
#endif
};

/** Which domains virConnectListAllDomains returns. Of each group of opposites, none set means all. */
enum _virConnectListAllDomainsFlags {
    VIR_CONNECT_LIST_DOMAINS_ACTIVE = (1 << 0),
    VIR_CONNECT_LIST_DOMAINS_INACTIVE = (1 << 1),
    VIR_CONNECT_LIST_DOMAINS_PERSISTENT = (1 << 2),
    VIR_CONNECT_LIST_DOMAINS_TRANSIENT = (1 << 3),
    VIR_CONNECT_LIST_DOMAINS_RUNNING = (1 << 4),
    VIR_CONNECT_LIST_DOMAINS_PAUSED = (1 << 5),
    VIR_CONNECT_LIST_DOMAINS_SHUTOFF = (1 << 6),
    VIR_CONNECT_LIST_DOMAINS_OTHER = (1 << 7),
    VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE = (1 << 8),
    VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE = (1 << 9),
    VIR_CONNECT_LIST_DOMAINS_AUTOSTART = (1 << 10),
    VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART = (1 << 11),
    VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT = (1 << 12),
    VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT = (1 << 13),
    VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT = (1 << 14),
    VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT = (1 << 15),
};

/** Flags of the calls that start a domain. */
enum _virDomainCreateFlags {
    /** Nothing special. */
    VIR_DOMAIN_NONE = 0,
    /** Leave it paused. */
    VIR_DOMAIN_START_PAUSED = (1 << 0),
    /** Destroy it when the connection closes. */
    VIR_DOMAIN_START_AUTODESTROY = (1 << 1),
    /** Keep saved images out of the host cache. */
    VIR_DOMAIN_START_BYPASS_CACHE = (1 << 2),
    /** Boot afresh, dropping a managed save image. */
    VIR_DOMAIN_START_FORCE_BOOT = (1 << 3),
    /** Check the XML against the schema. */
    VIR_DOMAIN_START_VALIDATE = (1 << 4),
    /** Start with fresh NVRAM. */
    VIR_DOMAIN_START_RESET_NVRAM = (1 << 5),
};

/** Flags of virDomainDefineXMLFlags. */
enum _virDomainDefineFlags {
    VIR_DOMAIN_DEFINE_VALIDATE = (1 << 0),
};

/** Flags of virDomainUndefineFlags. */
enum _virDomainUndefineFlagsValues {
    VIR_DOMAIN_UNDEFINE_MANAGED_SAVE = (1 << 0),
    VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA = (1 << 1),
    VIR_DOMAIN_UNDEFINE_NVRAM = (1 << 2),
    VIR_DOMAIN_UNDEFINE_KEEP_NVRAM = (1 << 3),
    VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA = (1 << 4),
    VIR_DOMAIN_UNDEFINE_TPM = (1 << 5),
    VIR_DOMAIN_UNDEFINE_KEEP_TPM = (1 << 6),
};

/** By which means virDomainShutdownFlags asks the guest. */
enum _virDomainShutdownFlagValues {
    VIR_DOMAIN_SHUTDOWN_DEFAULT = 0,
    VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN = (1 << 0),
    VIR_DOMAIN_SHUTDOWN_GUEST_AGENT = (1 << 1),
    VIR_DOMAIN_SHUTDOWN_INITCTL = (1 << 2),
    VIR_DOMAIN_SHUTDOWN_SIGNAL = (1 << 3),
    VIR_DOMAIN_SHUTDOWN_PARAVIRT = (1 << 4),
};

/** By which means virDomainReboot asks the guest. */
enum _virDomainRebootFlagValues {
    VIR_DOMAIN_REBOOT_DEFAULT = 0,
    VIR_DOMAIN_REBOOT_ACPI_POWER_BTN = (1 << 0),
    VIR_DOMAIN_REBOOT_GUEST_AGENT = (1 << 1),
    VIR_DOMAIN_REBOOT_INITCTL = (1 << 2),
    VIR_DOMAIN_REBOOT_SIGNAL = (1 << 3),
    VIR_DOMAIN_REBOOT_PARAVIRT = (1 << 4),
};

/** Flags of virDomainDestroyFlags. */
enum _virDomainDestroyFlagsValues {
    /** Ask, then use force. */
    VIR_DOMAIN_DESTROY_DEFAULT = 0,
    /** Ask only; fail if the hypervisor does not give in. */
    VIR_DOMAIN_DESTROY_GRACEFUL = (1 << 0),
    /** Remove the log files as well. */
    VIR_DOMAIN_DESTROY_REMOVE_LOGS = (1 << 1),
};

/** Whether a change is for the running domain, for its configuration, or for whichever is current. */
enum _virDomainModificationImpact {
    VIR_DOMAIN_AFFECT_CURRENT = 0,
    VIR_DOMAIN_AFFECT_LIVE = (1 << 0),
    VIR_DOMAIN_AFFECT_CONFIG = (1 << 1),
};

/** Flags of the calls that attach, detach and update devices. */
enum _virDomainDeviceModifyFlags {
    VIR_DOMAIN_DEVICE_MODIFY_CURRENT = 0,
    VIR_DOMAIN_DEVICE_MODIFY_LIVE = (1 << 0),
    VIR_DOMAIN_DEVICE_MODIFY_CONFIG = (1 << 1),
    /** Eject even if the guest holds the medium. */
    VIR_DOMAIN_DEVICE_MODIFY_FORCE = (1 << 2),
};

/** Flags of virDomainGetXMLDesc. */
enum _virDomainXMLFlags {
    /** With passwords and other secrets; not on read-only connections. */
    VIR_DOMAIN_XML_SECURE = (1 << 0),
    /** The configuration for the next start. */
    VIR_DOMAIN_XML_INACTIVE = (1 << 1),
    /** Bring the CPU description up to date with the host. */
    VIR_DOMAIN_XML_UPDATE_CPU = (1 << 2),
    /** Fit for migration. */
    VIR_DOMAIN_XML_MIGRATABLE = (1 << 3),
};

/** A domain: one virtual machine of a connection. */
struct _virDomain;

typedef struct _virDomain virDomain;

typedef virDomain *virDomainPtr;

typedef enum _virDomainState virDomainState;

typedef enum _virDomainNostateReason virDomainNostateReason;

typedef enum _virDomainRunningReason virDomainRunningReason;

typedef enum _virDomainBlockedReason virDomainBlockedReason;

typedef enum _virDomainPausedReason virDomainPausedReason;

typedef enum _virDomainShutdownReason virDomainShutdownReason;

typedef enum _virDomainShutoffReason virDomainShutoffReason;

typedef enum _virDomainCrashedReason virDomainCrashedReason;

typedef enum _virDomainPMSuspendedReason virDomainPMSuspendedReason;

typedef enum _virDomainPMSuspendedDiskReason virDomainPMSuspendedDiskReason;

typedef enum _virConnectListAllDomainsFlags virConnectListAllDomainsFlags;

typedef enum _virDomainCreateFlags virDomainCreateFlags;

typedef enum _virDomainDefineFlags virDomainDefineFlags;

typedef enum _virDomainUndefineFlagsValues virDomainUndefineFlagsValues;

typedef enum _virDomainShutdownFlagValues virDomainShutdownFlagValues;

typedef enum _virDomainRebootFlagValues virDomainRebootFlagValues;

typedef enum _virDomainDestroyFlagsValues virDomainDestroyFlagsValues;

typedef enum _virDomainModificationImpact virDomainModificationImpact;

typedef enum _virDomainDeviceModifyFlags virDomainDeviceModifyFlags;

typedef enum _virDomainXMLFlags virDomainXMLFlags;

/** What virDomainGetInfo returns. */
struct _virDomainInfo {
    /** One of virDomainState. */
    unsigned char state;
    /** The most memory it may have, in KiB. */
    unsigned long maxMem;
    /** The memory it has, in KiB. */
    unsigned long memory;
    /** Virtual CPUs. */
    unsigned short nrVirtCpu;
    /** CPU time used, in nanoseconds. */
    unsigned long long cpuTime;
};

typedef struct _virDomainInfo virDomainInfo;

typedef virDomainInfo *virDomainInfoPtr;

/** What virDomainGetBlockInfo returns; sizes in bytes. */
struct _virDomainBlockInfo {
    /** What the guest sees. */
    unsigned long long capacity;
    /** What the image takes up on its storage. */
    unsigned long long allocation;
    /** How long the file or device is. */
    unsigned long long physical;
};

typedef struct _virDomainBlockInfo virDomainBlockInfo;

typedef virDomainBlockInfo *virDomainBlockInfoPtr;

/**
 * Finds a domain by its name.
 *
 * Returns a handle to be released with virDomainFree, or NULL with VIR_ERR_NO_DOMAIN if there is none.
 */
virDomainPtr virDomainLookupByName(virConnectPtr conn, const char *name);

/**
 * Finds a domain that runs by its number.
 *
 * Returns a handle to be released with virDomainFree, or NULL with VIR_ERR_NO_DOMAIN if there is none.
 */
virDomainPtr virDomainLookupByID(virConnectPtr conn, int id);

/**
 * Finds a domain by the 16 bytes of its UUID.
 *
 * Returns a handle to be released with virDomainFree, or NULL with VIR_ERR_NO_DOMAIN if there is none.
 */
virDomainPtr virDomainLookupByUUID(virConnectPtr conn, const unsigned char *uuid);

/**
 * Finds a domain by the text of its UUID.
 *
 * Returns a handle to be released with virDomainFree, or NULL with VIR_ERR_NO_DOMAIN if there is none.
 */
virDomainPtr virDomainLookupByUUIDString(virConnectPtr conn, const char *uuidstr);

/**
 * Adds a reference to @domain, to be given up with virDomainFree.
 *
 * Returns 0, or -1 on error.
 */
int virDomainRef(virDomainPtr domain);

/**
 * Gives up one reference to @domain. The domain itself is not touched.
 *
 * Returns 0, or -1 with VIR_ERR_INVALID_DOMAIN if @domain is NULL or no domain.
 */
int virDomainFree(virDomainPtr domain);

/**
 * The name of @domain. It belongs to the handle.
 *
 * Returns the name, or NULL on error.
 */
const char *virDomainGetName(virDomainPtr domain);

/**
 * Stores the 16 bytes of the UUID of @domain in @uuid.
 *
 * Returns 0, or -1 on error.
 */
int virDomainGetUUID(virDomainPtr domain, unsigned char *uuid);

/**
 * Stores the text of the UUID of @domain in @buf, which has room for 37 bytes.
 *
 * Returns 0, or -1 on error.
 */
int virDomainGetUUIDString(virDomainPtr domain, char *buf);

/**
 * The number that the hypervisor gave @domain when the handle was made.
 *
 * Returns the number, or (unsigned int) -1 if it does not run or on error.
 */
unsigned int virDomainGetID(virDomainPtr domain);

/**
 * The connection of @domain, without a reference of its own: it must not be closed.
 *
 * Returns the connection, or NULL on error.
 */
virConnectPtr virDomainGetConnect(virDomainPtr domain);

/**
 * Stores the state of @domain, its memory in KiB and its CPU time in nanoseconds in @info.
 *
 * Returns 0, or -1 on error, in which case *@info is all zeros.
 */
int virDomainGetInfo(virDomainPtr domain, virDomainInfoPtr info);

/**
 * Stores the state of @domain (virDomainState) in @state and, unless it is NULL, why it is in that state in @reason.
 *
 * @flags is 0.
 *
 * Returns 0, or -1 on error.
 */
int virDomainGetState(virDomainPtr domain, int *state, int *reason, unsigned int flags);

/**
 * The description of @domain. @flags is a combination of virDomainXMLFlags.
 *
 * Returns a text to be released with free(), or NULL on error.
 */
char *virDomainGetXMLDesc(virDomainPtr domain, unsigned int flags);

/**
 * Whether @domain runs.
 *
 * Returns 1 if it does, 0 if not, -1 on error.
 */
int virDomainIsActive(virDomainPtr domain);

/**
 * Whether @domain stays defined when it does not run.
 *
 * Returns 1 if it does, 0 if not, -1 on error.
 */
int virDomainIsPersistent(virDomainPtr domain);

/**
 * Whether the definition of @domain was changed since it was started. It never is by this library.
 *
 * Returns 1 if it was, 0 if not, -1 on error.
 */
int virDomainIsUpdated(virDomainPtr domain);

/**
 * The kind of operating system that @domain runs, as its description says: "hvm" for everything fully virtualized.
 *
 * Returns a text to be released with free(), or NULL on error.
 */
char *virDomainGetOSType(virDomainPtr domain);

/**
 * The largest memory of @domain in KiB.
 *
 * Returns the size, or 0 on error.
 */
unsigned long virDomainGetMaxMemory(virDomainPtr domain);

/**
 * The largest number of virtual CPUs of @domain.
 *
 * Returns the number, or -1 on error.
 */
int virDomainGetMaxVcpus(virDomainPtr domain);

/**
 * Stores whether @domain is started with the host in @autostart: domains of this library never are.
 *
 * Returns 0, or -1 on error.
 */
int virDomainGetAutostart(virDomainPtr domain, int *autostart);

/**
 * Stores the sizes of a disk, named by its target or source path, in @info. @flags is 0.
 *
 * Returns 0, or -1 on error, in which case *@info is all zeros.
 */
int virDomainGetBlockInfo(virDomainPtr domain, const char *disk, virDomainBlockInfoPtr info, unsigned int flags);

/**
 * Starts a domain from its description; it is gone once it stops. @flags is a combination of virDomainCreateFlags.
 *
 * Returns a handle to be released with virDomainFree, or NULL on error.
 */
virDomainPtr virDomainCreateXML(virConnectPtr conn, const char *xmlDesc, unsigned int flags);

/** An older name of virDomainCreateXML. */
virDomainPtr virDomainCreateLinux(virConnectPtr conn, const char *xmlDesc, unsigned int flags);

/**
 * Defines a domain that stays when it stops. No driver of this library keeps definitions.
 *
 * Returns NULL with VIR_ERR_NO_SUPPORT.
 */
virDomainPtr virDomainDefineXML(virConnectPtr conn, const char *xml);

/** Like virDomainDefineXML, with virDomainDefineFlags. */
virDomainPtr virDomainDefineXMLFlags(virConnectPtr conn, const char *xml, unsigned int flags);

/**
 * Takes back what virDomainDefineXML did.
 *
 * Returns -1 with VIR_ERR_NO_SUPPORT.
 */
int virDomainUndefine(virDomainPtr domain);

/** Like virDomainUndefine, with virDomainUndefineFlagsValues. */
int virDomainUndefineFlags(virDomainPtr domain, unsigned int flags);

/**
 * Starts @domain, which is defined and does not run.
 *
 * Returns 0, or -1 on error.
 */
int virDomainCreate(virDomainPtr domain);

/** Like virDomainCreate, with virDomainCreateFlags. */
int virDomainCreateWithFlags(virDomainPtr domain, unsigned int flags);

/**
 * Stops @domain at once, as if its power were cut. The handle stays valid.
 *
 * Returns 0, or -1 on error.
 */
int virDomainDestroy(virDomainPtr domain);

/** Like virDomainDestroy, with virDomainDestroyFlagsValues. */
int virDomainDestroyFlags(virDomainPtr domain, unsigned int flags);

/**
 * Asks the guest of @domain to shut down.
 *
 * Returns 0 once it was asked, or -1 on error.
 */
int virDomainShutdown(virDomainPtr domain);

/** Like virDomainShutdown, with virDomainShutdownFlagValues. */
int virDomainShutdownFlags(virDomainPtr domain, unsigned int flags);

/**
 * Asks the guest of @domain to reboot. @flags is a combination of virDomainRebootFlagValues.
 *
 * Returns 0 once it was asked, or -1 on error.
 */
int virDomainReboot(virDomainPtr domain, unsigned int flags);

/**
 * Resets @domain, as if its reset button were pressed. @flags is 0.
 *
 * Returns 0, or -1 on error.
 */
int virDomainReset(virDomainPtr domain, unsigned int flags);

/**
 * Stops the virtual CPUs of @domain.
 *
 * Returns 0, or -1 on error.
 */
int virDomainSuspend(virDomainPtr domain);

/**
 * Lets the virtual CPUs of @domain go on.
 *
 * Returns 0, or -1 on error.
 */
int virDomainResume(virDomainPtr domain);

/**
 * Plugs a device, described by @xml, into @domain, which runs.
 *
 * Returns 0, or -1 on error.
 */
int virDomainAttachDevice(virDomainPtr domain, const char *xml);

/** Like virDomainAttachDevice, with virDomainModificationImpact. */
int virDomainAttachDeviceFlags(virDomainPtr domain, const char *xml, unsigned int flags);

/**
 * Unplugs a device, described by @xml, from @domain, which runs. The guest may take its time; an event tells when it is gone.
 *
 * Returns 0, or -1 on error.
 */
int virDomainDetachDevice(virDomainPtr domain,
                          const char *xml);

/** Like virDomainDetachDevice, with virDomainModificationImpact. */
int virDomainDetachDeviceFlags(virDomainPtr domain, const char *xml, unsigned int flags);

/**
 * Unplugs a device by its alias. No driver of this library can.
 *
 * Returns -1 with VIR_ERR_NO_SUPPORT.
 */
int virDomainDetachDeviceAlias(virDomainPtr domain, const char *alias, unsigned int flags);

/**
 * Lists the domains that @flags (virConnectListAllDomainsFlags) selects; 0 selects all.
 *
 * If @domains is not NULL it receives an array of handles, terminated by NULL: release each with virDomainFree and the
 * array with free().
 *
 * Returns the number of domains, or -1 on error, in which case *@domains is NULL.
 */
int virConnectListAllDomains(virConnectPtr conn, virDomainPtr **domains, unsigned int flags);

/**
 * The number of domains that run.
 *
 * Returns the number, or -1 on error.
 */
int virConnectNumOfDomains(virConnectPtr conn);

/**
 * Stores the numbers of the domains that run in @ids, @maxids at most.
 *
 * Returns how many were stored, or -1 on error.
 */
int virConnectListDomains(virConnectPtr conn, int *ids, int maxids);

/**
 * The number of domains that are defined but do not run.
 *
 * Returns the number, or -1 on error.
 */
int virConnectNumOfDefinedDomains(virConnectPtr conn);

/**
 * Stores the names of the domains that are defined but do not run in @names, @maxnames at most. Release each with free().
 *
 * Returns how many were stored, or -1 on error.
 */
int virConnectListDefinedDomains(virConnectPtr conn,
                                 char **names,
                                 int maxnames);

/**
 * Whether virDomainManagedSave left a file: it never does. @flags is 0.
 *
 * Returns 0, or -1 on error.
 */
int virDomainHasManagedSaveImage(virDomainPtr domain, unsigned int flags);

/* ---- Save, restore, dump ---- */

/** virDomainSaveParams and virDomainRestoreParams, string: the file. */
#define VIR_DOMAIN_SAVE_PARAM_FILE "file"

/** virDomainSaveParams and virDomainRestoreParams, string: the domain XML to use. */
#define VIR_DOMAIN_SAVE_PARAM_DXML "dxml"

/** Flags of the calls that save and restore a domain. */
enum _virDomainSaveRestoreFlags {
    /** Keep the image out of the host cache. */
    VIR_DOMAIN_SAVE_BYPASS_CACHE = (1 << 0),
    /** Have the domain run after restore. */
    VIR_DOMAIN_SAVE_RUNNING = (1 << 1),
    /** Have it paused after restore. */
    VIR_DOMAIN_SAVE_PAUSED = (1 << 2),
    /** Start with fresh NVRAM. */
    VIR_DOMAIN_SAVE_RESET_NVRAM = (1 << 3),
};

/** Flags of virDomainSaveImageGetXMLDesc. */
enum _virDomainSaveImageXMLFlags {
    VIR_DOMAIN_SAVE_IMAGE_XML_SECURE = (1 << 0),
};

/** Flags of the calls that dump memory. */
enum _virDomainCoreDumpFlags {
    /** Kill the domain afterwards. */
    VIR_DUMP_CRASH = (1 << 0),
    /** Let the guest run meanwhile. */
    VIR_DUMP_LIVE = (1 << 1),
    /** Keep the file out of the host cache. */
    VIR_DUMP_BYPASS_CACHE = (1 << 2),
    /** Reset the domain afterwards. */
    VIR_DUMP_RESET = (1 << 3),
    /** Memory alone, as an ELF file, without device state. */
    VIR_DUMP_MEMORY_ONLY = (1 << 4),
};

/** Formats of a memory-only dump. */
enum _virDomainCoreDumpFormat {
    VIR_DOMAIN_CORE_DUMP_FORMAT_RAW = 0,
    VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB = 1,
    VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_LZO = 2,
    VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_SNAPPY = 3,
    VIR_DOMAIN_CORE_DUMP_FORMAT_WIN_DMP = 4,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_CORE_DUMP_FORMAT_LAST,
#endif
};

typedef enum _virDomainSaveRestoreFlags virDomainSaveRestoreFlags;

typedef enum _virDomainSaveImageXMLFlags virDomainSaveImageXMLFlags;

typedef enum _virDomainCoreDumpFlags virDomainCoreDumpFlags;

typedef enum _virDomainCoreDumpFormat virDomainCoreDumpFormat;

/**
 * Writes the memory and state of @domain to the file @to and stops it. Returns when that is done.
 *
 * Returns 0, or -1 on error, in which case the domain goes on.
 */
int virDomainSave(virDomainPtr domain, const char *to);

/**
 * Like virDomainSave. The file describes the domain by @dxml unless it is NULL. @flags is a combination of
 * virDomainSaveRestoreFlags and virDomainJobStartFlags.
 *
 * Returns 0, or -1 on error.
 */
int virDomainSaveFlags(virDomainPtr domain, const char *to, const char *dxml, unsigned int flags);

/**
 * Like virDomainSaveFlags, with the string parameters "file" and "dxml". Without "file" it would be a managed save,
 * which no driver of this library has.
 *
 * Returns 0, or -1 on error.
 */
int virDomainSaveParams(virDomainPtr domain, virTypedParameterPtr params, int nparams, unsigned int flags);

/**
 * Starts a domain from the file @from that virDomainSave wrote. Returns when it runs.
 *
 * Returns 0, or -1 on error.
 */
int virDomainRestore(virConnectPtr conn, const char *from);

/**
 * Like virDomainRestore. @dxml replaces the description in the file unless it is NULL. @flags is a combination of
 * virDomainSaveRestoreFlags and virDomainJobStartFlags.
 *
 * Returns 0, or -1 on error.
 */
int virDomainRestoreFlags(virConnectPtr conn, const char *from, const char *dxml, unsigned int flags);

/**
 * Like virDomainRestoreFlags, with the string parameters "file" and "dxml".
 *
 * Returns 0, or -1 on error.
 */
int virDomainRestoreParams(virConnectPtr conn, virTypedParameterPtr params, int nparams, unsigned int flags);

/**
 * Writes the memory of @domain to the file @to, for a debugger. Returns when that is done. @flags is a combination of
 * virDomainCoreDumpFlags and virDomainJobStartFlags.
 *
 * Returns 0, or -1 on error.
 */
int virDomainCoreDump(virDomainPtr domain, const char *to, unsigned int flags);

/**
 * Like virDomainCoreDump, in the given virDomainCoreDumpFormat.
 *
 * Returns 0, or -1 on error.
 */
int virDomainCoreDumpWithFormat(virDomainPtr domain, const char *to, unsigned int dumpformat, unsigned int flags);

/**
 * Saves @domain to a file of the library's own. No driver of this library keeps such files.
 *
 * Returns -1 with VIR_ERR_NO_SUPPORT.
 */
int virDomainManagedSave(virDomainPtr domain, unsigned int flags);

/**
 * Removes what virDomainManagedSave left.
 *
 * Returns -1 with VIR_ERR_NO_SUPPORT.
 */
int virDomainManagedSaveRemove(virDomainPtr domain, unsigned int flags);

/**
 * The description in @file, which virDomainSave wrote, here or in libvirt. @flags is a combination of
 * virDomainSaveImageXMLFlags. The caller frees the text.
 *
 * Returns NULL on error.
 */
char *virDomainSaveImageGetXMLDesc(virConnectPtr conn, const char *file, unsigned int flags);

/**
 * Replaces the description in @file, which virDomainSave wrote, by @dxml. It may differ in what the guest cannot see.
 * @flags says whether the guest is to run after a restore: VIR_DOMAIN_SAVE_RUNNING, VIR_DOMAIN_SAVE_PAUSED, or 0 for as before.
 *
 * Returns 0, or -1 on error.
 */
int virDomainSaveImageDefineXML(virConnectPtr conn,
                                const char *file,
                                const char *dxml,
                                unsigned int flags);

/* ---- The domain job of the older API ---- */

/** virDomainGetJobStats, int: one of virDomainJobOperation. */
#define VIR_DOMAIN_JOB_OPERATION "operation"

/** virDomainGetJobStats, unsigned long long: milliseconds since the start. */
#define VIR_DOMAIN_JOB_TIME_ELAPSED "time_elapsed"

/** virDomainGetJobStats, unsigned long long: the same without what the hand-over between hosts took. */
#define VIR_DOMAIN_JOB_TIME_ELAPSED_NET "time_elapsed_net"

/** virDomainGetJobStats, unsigned long long: milliseconds to go, of bounded jobs. */
#define VIR_DOMAIN_JOB_TIME_REMAINING "time_remaining"

/** virDomainGetJobStats, unsigned long long: milliseconds that the guest stands still, expected or, once completed, measured. */
#define VIR_DOMAIN_JOB_DOWNTIME "downtime"

/** virDomainGetJobStats, unsigned long long: the same without what the hand-over between hosts took. */
#define VIR_DOMAIN_JOB_DOWNTIME_NET "downtime_net"

/** virDomainGetJobStats, unsigned long long: milliseconds of preparation. */
#define VIR_DOMAIN_JOB_SETUP_TIME "setup_time"

/** virDomainGetJobStats, unsigned long long: bytes in all. */
#define VIR_DOMAIN_JOB_DATA_TOTAL "data_total"

/** virDomainGetJobStats, unsigned long long: bytes done. */
#define VIR_DOMAIN_JOB_DATA_PROCESSED "data_processed"

/** virDomainGetJobStats, unsigned long long: bytes to go. */
#define VIR_DOMAIN_JOB_DATA_REMAINING "data_remaining"

/** virDomainGetJobStats, unsigned long long: bytes of guest memory in all. */
#define VIR_DOMAIN_JOB_MEMORY_TOTAL "memory_total"

/** virDomainGetJobStats, unsigned long long: bytes of guest memory done. */
#define VIR_DOMAIN_JOB_MEMORY_PROCESSED "memory_processed"

/** virDomainGetJobStats, unsigned long long: bytes of guest memory to go. */
#define VIR_DOMAIN_JOB_MEMORY_REMAINING "memory_remaining"

/** virDomainGetJobStats, unsigned long long: pages of one repeated byte. */
#define VIR_DOMAIN_JOB_MEMORY_CONSTANT "memory_constant"

/** virDomainGetJobStats, unsigned long long: pages sent whole. */
#define VIR_DOMAIN_JOB_MEMORY_NORMAL "memory_normal"

/** virDomainGetJobStats, unsigned long long: bytes of pages sent whole. */
#define VIR_DOMAIN_JOB_MEMORY_NORMAL_BYTES "memory_normal_bytes"

/** virDomainGetJobStats, unsigned long long: bytes of memory per second. */
#define VIR_DOMAIN_JOB_MEMORY_BPS "memory_bps"

/** virDomainGetJobStats, unsigned long long: pages that the guest dirties per second. */
#define VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE "memory_dirty_rate"

/** virDomainGetJobStats, unsigned long long: bytes of a page. */
#define VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE "memory_page_size"

/** virDomainGetJobStats, unsigned long long: passes over memory. */
#define VIR_DOMAIN_JOB_MEMORY_ITERATION "memory_iteration"

/** virDomainGetJobStats, unsigned long long: pages asked for during post-copy. */
#define VIR_DOMAIN_JOB_MEMORY_POSTCOPY_REQS "memory_postcopy_requests"

/** virDomainGetJobStats, unsigned long long: bytes of disks in all. */
#define VIR_DOMAIN_JOB_DISK_TOTAL "disk_total"

/** virDomainGetJobStats, unsigned long long: bytes of disks done. */
#define VIR_DOMAIN_JOB_DISK_PROCESSED "disk_processed"

/** virDomainGetJobStats, unsigned long long: bytes of disks to go. */
#define VIR_DOMAIN_JOB_DISK_REMAINING "disk_remaining"

/** virDomainGetJobStats, unsigned long long: bytes of disks per second. */
#define VIR_DOMAIN_JOB_DISK_BPS "disk_bps"

/** virDomainGetJobStats, unsigned long long: bytes of the compression cache. */
#define VIR_DOMAIN_JOB_COMPRESSION_CACHE "compression_cache"

/** virDomainGetJobStats, unsigned long long: compressed bytes. */
#define VIR_DOMAIN_JOB_COMPRESSION_BYTES "compression_bytes"

/** virDomainGetJobStats, unsigned long long: compressed pages. */
#define VIR_DOMAIN_JOB_COMPRESSION_PAGES "compression_pages"

/** virDomainGetJobStats, unsigned long long: pages not found in the cache. */
#define VIR_DOMAIN_JOB_COMPRESSION_CACHE_MISSES "compression_cache_misses"

/** virDomainGetJobStats, unsigned long long: pages that did not get smaller. */
#define VIR_DOMAIN_JOB_COMPRESSION_OVERFLOW "compression_overflow"

/** virDomainGetJobStats, int: per cent by which the guest is slowed down. */
#define VIR_DOMAIN_JOB_AUTO_CONVERGE_THROTTLE "auto_converge_throttle"

/** virDomainGetJobStats, boolean: how a completed job ended. */
#define VIR_DOMAIN_JOB_SUCCESS "success"

/** virDomainGetJobStats, string: why a completed job failed. */
#define VIR_DOMAIN_JOB_ERRMSG "errmsg"

/** virDomainGetJobStats, unsigned long long: bytes of temporary space in use. */
#define VIR_DOMAIN_JOB_DISK_TEMP_USED "disk_temp_used"

/** virDomainGetJobStats, unsigned long long: bytes of temporary space in all. */
#define VIR_DOMAIN_JOB_DISK_TEMP_TOTAL "disk_temp_total"

/**
 * The type of a job, in two families. The older one, of virDomainGetJobInfo and virDomainGetJobStats, says how a job
 * is measured or ended; that of the TYPE names, used wherever a job has a name, says what it does.
 */
enum _virDomainJobType {
    /** No job. */
    VIR_DOMAIN_JOB_NONE = 0,
    /** A job that knows how much there is to do. */
    VIR_DOMAIN_JOB_BOUNDED = 1,
    /** A job without a known end. */
    VIR_DOMAIN_JOB_UNBOUNDED = 2,
    /** It has completed. */
    VIR_DOMAIN_JOB_COMPLETED = 3,
    /** It has failed. */
    VIR_DOMAIN_JOB_FAILED = 4,
    /** It was aborted. */
    VIR_DOMAIN_JOB_CANCELLED = 5,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_JOB_LAST,
#endif
    /** No type. */
    VIR_DOMAIN_JOB_TYPE_NONE = 0,
    /** The domain moves to another host. */
    VIR_DOMAIN_JOB_TYPE_MIGRATION = 1,
    /** A disk takes over what its backing images hold. */
    VIR_DOMAIN_JOB_TYPE_BLOCK_PULL = 2,
    /** A disk is copied, and kept in step with its copy until finalized or aborted. */
    VIR_DOMAIN_JOB_TYPE_BLOCK_COPY = 3,
    /** Backing images are merged into one below them. */
    VIR_DOMAIN_JOB_TYPE_BLOCK_COMMIT = 4,
    /** The active image is merged into one below it, and kept in step until finalized or aborted. */
    VIR_DOMAIN_JOB_TYPE_BLOCK_COMMIT_ACTIVE = 5,
    /** Disks are backed up as they were at one moment. */
    VIR_DOMAIN_JOB_TYPE_BLOCK_BACKUP = 6,
    /** An image is created. */
    VIR_DOMAIN_JOB_TYPE_BLOCK_CREATE = 7,
    /** Options of an image are changed. */
    VIR_DOMAIN_JOB_TYPE_BLOCK_AMEND = 8,
    /** The domain is saved to a file and stopped. */
    VIR_DOMAIN_JOB_TYPE_SAVE = 9,
    /** The domain is restored from a file. */
    VIR_DOMAIN_JOB_TYPE_RESTORE = 10,
    /** Guest memory is written to a file. */
    VIR_DOMAIN_JOB_TYPE_DUMP = 11,
    /** A snapshot is taken. */
    VIR_DOMAIN_JOB_TYPE_SNAPSHOT = 12,
    /** The domain goes back to a snapshot. */
    VIR_DOMAIN_JOB_TYPE_SNAPSHOT_REVERT = 13,
    /** A snapshot is deleted. */
    VIR_DOMAIN_JOB_TYPE_SNAPSHOT_DELETE = 14,
    /** The domain arrives from another host. */
    VIR_DOMAIN_JOB_TYPE_MIGRATION_IN = 15,
    /** A kind of job that this version does not know; it can be listed and controlled all the same. */
    VIR_DOMAIN_JOB_TYPE_OTHER = 16,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_JOB_TYPE_LAST,
#endif
};

/** Which operation a domain job of the older API stands for. */
enum _virDomainJobOperation {
    VIR_DOMAIN_JOB_OPERATION_UNKNOWN = 0,
    VIR_DOMAIN_JOB_OPERATION_START = 1,
    VIR_DOMAIN_JOB_OPERATION_SAVE = 2,
    VIR_DOMAIN_JOB_OPERATION_RESTORE = 3,
    VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN = 4,
    VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT = 5,
    VIR_DOMAIN_JOB_OPERATION_SNAPSHOT = 6,
    VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT = 7,
    VIR_DOMAIN_JOB_OPERATION_DUMP = 8,
    VIR_DOMAIN_JOB_OPERATION_BACKUP = 9,
    VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_DELETE = 10,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_JOB_OPERATION_LAST,
#endif
};

/** Flags of virDomainGetJobStats. */
enum _virDomainGetJobStatsFlags {
    /** Statistics of the last completed job rather than the current one. */
    VIR_DOMAIN_JOB_STATS_COMPLETED = (1 << 0),
    /** Leave them in place for the next call. */
    VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED = (1 << 1),
};

/** Flags of virDomainAbortJobFlags. */
enum _virDomainAbortJobFlagsValues {
    /** Interrupt a migration in its post-copy phase. */
    VIR_DOMAIN_ABORT_JOB_POSTCOPY = (1 << 0),
};

typedef enum _virDomainJobType virDomainJobType;

typedef enum _virDomainJobOperation virDomainJobOperation;

typedef enum _virDomainGetJobStatsFlags virDomainGetJobStatsFlags;

typedef enum _virDomainAbortJobFlagsValues virDomainAbortJobFlagsValues;

/** What virDomainGetJobInfo returns; times in milliseconds, sizes in bytes. */
struct _virDomainJobInfo {
    /** One of VIR_DOMAIN_JOB_NONE to VIR_DOMAIN_JOB_CANCELLED. */
    int type;
    unsigned long long timeElapsed;
    /** Of bounded jobs only. */
    unsigned long long timeRemaining;
    unsigned long long dataTotal;
    unsigned long long dataProcessed;
    unsigned long long dataRemaining;
    /** Guest memory alone. */
    unsigned long long memTotal;
    unsigned long long memProcessed;
    unsigned long long memRemaining;
    /** Disks alone. */
    unsigned long long fileTotal;
    unsigned long long fileProcessed;
    unsigned long long fileRemaining;
};

typedef struct _virDomainJobInfo virDomainJobInfo;

typedef virDomainJobInfo *virDomainJobInfoPtr;

/**
 * Stores how far the domain job of @domain is in @info: times in milliseconds, sizes in bytes. If there is none, the
 * type is VIR_DOMAIN_JOB_NONE.
 *
 * Returns 0, or -1 on error, in which case *@info is all zeros.
 */
int virDomainGetJobInfo(virDomainPtr domain, virDomainJobInfoPtr info);

/**
 * Stores the type of the domain job of @domain in @type and its statistics in @params, @nparams of them: release them
 * with virTypedParamsFree.
 *
 * @flags is a combination of virDomainGetJobStatsFlags: with VIR_DOMAIN_JOB_STATS_COMPLETED it is about the job that
 * was the last to end, which is forgotten unless VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED says otherwise.
 *
 * Returns 0, or -1 on error, in which case there are no parameters.
 */
int virDomainGetJobStats(virDomainPtr domain,
                         int *type,
                         virTypedParameterPtr *params,
                         int *nparams,
                         unsigned int flags);

/**
 * Aborts the domain job of @domain. It ends later.
 *
 * Returns 0 once it was asked, or -1 on error.
 */
int virDomainAbortJob(virDomainPtr domain);

/**
 * Like virDomainAbortJob, with virDomainAbortJobFlagsValues.
 *
 * Returns 0 once it was asked, or -1 on error.
 */
int virDomainAbortJobFlags(virDomainPtr domain, unsigned int flags);

/* ---- Block jobs and backup ---- */

/** virDomainBlockCopy, unsigned long long: the limit in bytes per second. */
#define VIR_DOMAIN_BLOCK_COPY_BANDWIDTH "bandwidth"

/** virDomainBlockCopy, unsigned int: bytes that one bit of the dirty bitmap stands for. */
#define VIR_DOMAIN_BLOCK_COPY_GRANULARITY "granularity"

/** virDomainBlockCopy, unsigned long long: bytes in flight at most. */
#define VIR_DOMAIN_BLOCK_COPY_BUF_SIZE "buf-size"

/** Kinds of block jobs in the older API. */
enum _virDomainBlockJobType {
    VIR_DOMAIN_BLOCK_JOB_TYPE_UNKNOWN = 0,
    VIR_DOMAIN_BLOCK_JOB_TYPE_PULL = 1,
    VIR_DOMAIN_BLOCK_JOB_TYPE_COPY = 2,
    VIR_DOMAIN_BLOCK_JOB_TYPE_COMMIT = 3,
    VIR_DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT = 4,
    VIR_DOMAIN_BLOCK_JOB_TYPE_BACKUP = 5,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_BLOCK_JOB_TYPE_LAST,
#endif
};

/** Flags of virDomainBlockJobAbort. */
enum _virDomainBlockJobAbortFlags {
    /** Do not wait for the end; an event tells of it. */
    VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC = (1 << 0),
    /** Complete a ready copy or active commit by switching the disk over. */
    VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT = (1 << 1),
};

/** Flags of virDomainGetBlockJobInfo. */
enum _virDomainBlockJobInfoFlags {
    /** Report the limit in bytes per second rather than MiB per second. */
    VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES = (1 << 0),
};

/** Flags of virDomainBlockJobSetSpeed. */
enum _virDomainBlockJobSetSpeedFlags {
    /** The limit is in bytes per second rather than MiB per second. */
    VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES = (1 << 0),
};

/** Flags of virDomainBlockPull. */
enum _virDomainBlockPullFlags {
    /** The limit is in bytes per second rather than MiB per second. */
    VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES = (1 << 6),
};

/** Flags of virDomainBlockRebase. */
enum _virDomainBlockRebaseFlags {
    /** Copy the top image only. */
    VIR_DOMAIN_BLOCK_REBASE_SHALLOW = (1 << 0),
    /** The destination exists. */
    VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT = (1 << 1),
    /** Make the destination raw. */
    VIR_DOMAIN_BLOCK_REBASE_COPY_RAW = (1 << 2),
    /** Copy rather than pull. */
    VIR_DOMAIN_BLOCK_REBASE_COPY = (1 << 3),
    /** Keep backing names relative. */
    VIR_DOMAIN_BLOCK_REBASE_RELATIVE = (1 << 4),
    /** The destination is a block device. */
    VIR_DOMAIN_BLOCK_REBASE_COPY_DEV = (1 << 5),
    /** The limit is in bytes per second rather than MiB per second. */
    VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES = (1 << 6),
};

/** Flags of virDomainBlockCopy. */
enum _virDomainBlockCopyFlags {
    /** Copy the top image only. */
    VIR_DOMAIN_BLOCK_COPY_SHALLOW = (1 << 0),
    /** The destination exists. */
    VIR_DOMAIN_BLOCK_COPY_REUSE_EXT = (1 << 1),
    /** Do not insist on a job that survives a restart. */
    VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB = (1 << 2),
    /** Guest writes reach the destination before they are acknowledged. */
    VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES = (1 << 3),
};

/** Flags of virDomainBlockCommit. */
enum _virDomainBlockCommitFlags {
    /** Commit one image, into the one below it. */
    VIR_DOMAIN_BLOCK_COMMIT_SHALLOW = (1 << 0),
    /** Delete the images that are committed. */
    VIR_DOMAIN_BLOCK_COMMIT_DELETE = (1 << 1),
    /** Allow the active image as top; such a job becomes ready and has to be finalized. */
    VIR_DOMAIN_BLOCK_COMMIT_ACTIVE = (1 << 2),
    /** Keep backing names relative. */
    VIR_DOMAIN_BLOCK_COMMIT_RELATIVE = (1 << 3),
    /** The limit is in bytes per second rather than MiB per second. */
    VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES = (1 << 4),
};

/** Flags of virDomainBackupBegin. */
enum _virDomainBackupBeginFlags {
    /** The target files exist. */
    VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL = (1 << 0),
};

typedef enum _virDomainBlockJobType virDomainBlockJobType;

typedef enum _virDomainBlockJobAbortFlags virDomainBlockJobAbortFlags;

typedef enum _virDomainBlockJobInfoFlags virDomainBlockJobInfoFlags;

typedef enum _virDomainBlockJobSetSpeedFlags virDomainBlockJobSetSpeedFlags;

typedef enum _virDomainBlockPullFlags virDomainBlockPullFlags;

typedef enum _virDomainBlockRebaseFlags virDomainBlockRebaseFlags;

typedef enum _virDomainBlockCopyFlags virDomainBlockCopyFlags;

typedef enum _virDomainBlockCommitFlags virDomainBlockCommitFlags;

typedef enum _virDomainBackupBeginFlags virDomainBackupBeginFlags;

/** A position of a block job. */
typedef unsigned long long virDomainBlockJobCursor;

/** What virDomainGetBlockJobInfo returns. */
struct _virDomainBlockJobInfo {
    /** One of virDomainBlockJobType. */
    int type;
    /** The limit, in MiB or bytes per second as the flags asked for; 0 for none. */
    unsigned long bandwidth;
    /** Where it is, from 0 to end. */
    virDomainBlockJobCursor cur;
    virDomainBlockJobCursor end;
};

typedef struct _virDomainBlockJobInfo virDomainBlockJobInfo;

typedef virDomainBlockJobInfo *virDomainBlockJobInfoPtr;

/**
 * Copies what the backing images of @disk hold into its active image, which then has none. @disk is a target such as
 * "vda", or the path of the source.
 *
 * @bandwidth limits the job in MiB/s, in bytes/s with VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES; 0 is no limit. @flags is a
 * combination of virDomainBlockPullFlags and virDomainJobStartFlags.
 *
 * Returns 0 once the job runs, or -1 on error.
 */
int virDomainBlockPull(virDomainPtr domain, const char *disk, unsigned long bandwidth, unsigned int flags);

/**
 * Like virDomainBlockPull, but keeps @base (a path, or "vda[N]") as backing image; NULL keeps none.
 *
 * With VIR_DOMAIN_BLOCK_REBASE_COPY it starts a copy to the path @base instead, as virDomainBlockCopy does. @flags is a
 * combination of virDomainBlockRebaseFlags and virDomainJobStartFlags.
 *
 * Returns 0 once the job runs, or -1 on error.
 */
int virDomainBlockRebase(virDomainPtr domain,
                         const char *disk,
                         const char *base,
                         unsigned long bandwidth,
                         unsigned int flags);

/**
 * Copies @disk to what the `<disk>` document @destxml describes, and keeps the copy in step until the job is finalized
 * (the domain goes on with the copy) or aborted (the copy stays as it is then).
 *
 * @params may hold "bandwidth" in bytes/s (ullong), "granularity" in bytes (uint) and "buf-size" in bytes (ullong).
 * @flags is a combination of virDomainBlockCopyFlags and virDomainJobStartFlags.
 *
 * Returns 0 once the job runs, or -1 on error.
 */
int virDomainBlockCopy(virDomainPtr domain,
                       const char *disk,
                       const char *destxml,
                       virTypedParameterPtr params,
                       int nparams,
                       unsigned int flags);

/**
 * Merges the images of @disk from @top down into @base; each is a path or "vda[N]". @top NULL is the active image,
 * @base NULL the lowest, or with VIR_DOMAIN_BLOCK_COMMIT_SHALLOW the one below @top.
 *
 * @bandwidth limits the job in MiB/s, in bytes/s with VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES; 0 is no limit. @flags is
 * a combination of virDomainBlockCommitFlags and virDomainJobStartFlags. The active image can only be merged with
 * VIR_DOMAIN_BLOCK_COMMIT_ACTIVE; the job is finalized or aborted then as a copy is.
 *
 * Returns 0 once the job runs, or -1 on error.
 */
int virDomainBlockCommit(virDomainPtr domain,
                         const char *disk,
                         const char *base,
                         const char *top,
                         unsigned long bandwidth,
                         unsigned int flags);

/**
 * Starts a backup of disks, described by the `<domainbackup>` document @backupXML. @checkpointXML may be NULL.
 *
 * @flags is a combination of virDomainBackupBeginFlags and virDomainJobStartFlags.
 *
 * Returns 0 once the job runs, or -1 on error.
 */
int virDomainBackupBegin(virDomainPtr domain, const char *backupXML, const char *checkpointXML, unsigned int flags);

/**
 * The `<domainbackup>` document of the backup that runs. @flags is 0.
 *
 * Returns a text to be released with free(), or NULL on error: VIR_ERR_NO_DOMAIN_BACKUP if there is none.
 */
char *virDomainBackupGetXMLDesc(virDomainPtr domain, unsigned int flags);

/**
 * Stores how far the block job of @disk is in @info. Its bandwidth is in MiB/s, or in bytes/s with
 * VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES in @flags.
 *
 * Returns 1 if there is a job, 0 if there is none, -1 on error; *@info is all zeros unless there is one.
 */
int virDomainGetBlockJobInfo(virDomainPtr domain, const char *disk, virDomainBlockJobInfoPtr info, unsigned int flags);

/**
 * Ends the block job of @disk. A copy or active commit that is ready is completed with VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT
 * in @flags, and ended without its result otherwise. With VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC it is not waited for.
 *
 * Returns 0, or -1 on error.
 */
int virDomainBlockJobAbort(virDomainPtr domain, const char *disk, unsigned int flags);

/**
 * Changes the limit of the block job of @disk to @bandwidth in MiB/s, in bytes/s with
 * VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES in @flags; 0 lifts it.
 *
 * Returns 0, or -1 on error.
 */
int virDomainBlockJobSetSpeed(virDomainPtr domain, const char *disk, unsigned long bandwidth, unsigned int flags);

/* ---- Migration ---- */

/** virDomainMigrateToURI3, string: the hypervisor's own URI of the destination. */
#define VIR_MIGRATE_PARAM_URI "migrate_uri"

/** virDomainMigrateToURI3, string: the name on the destination. */
#define VIR_MIGRATE_PARAM_DEST_NAME "destination_name"

/** virDomainMigrateToURI3, string: the domain XML for the destination. */
#define VIR_MIGRATE_PARAM_DEST_XML "destination_xml"

/** virDomainMigrateToURI3, string: the configuration that the destination keeps. */
#define VIR_MIGRATE_PARAM_PERSIST_XML "persistent_xml"

/** virDomainMigrateToURI3, unsigned long long: MiB per second. */
#define VIR_MIGRATE_PARAM_BANDWIDTH "bandwidth"

/** virDomainMigrateToURI3, unsigned long long: MiB per second during post-copy. */
#define VIR_MIGRATE_PARAM_BANDWIDTH_POSTCOPY "bandwidth.postcopy"

/** virDomainMigrateToURI3, string: where graphics clients are sent. */
#define VIR_MIGRATE_PARAM_GRAPHICS_URI "graphics_uri"

/** virDomainMigrateToURI3, string: the address on which the destination listens. */
#define VIR_MIGRATE_PARAM_LISTEN_ADDRESS "listen_address"

/** virDomainMigrateToURI3, string, may be given several times: a disk to be copied along. */
#define VIR_MIGRATE_PARAM_MIGRATE_DISKS "migrate_disks"

/** virDomainMigrateToURI3, int: the port for disks. */
#define VIR_MIGRATE_PARAM_DISKS_PORT "disks_port"

/** virDomainMigrateToURI3, string: the URI for disks. */
#define VIR_MIGRATE_PARAM_DISKS_URI "disks_uri"

/** virDomainMigrateToURI3, string, may be given several times: a compression method. */
#define VIR_MIGRATE_PARAM_COMPRESSION "compression"

/** virDomainMigrateToURI3, int: level of multithreaded compression, 0 to 9. */
#define VIR_MIGRATE_PARAM_COMPRESSION_MT_LEVEL "compression.mt.level"

/** virDomainMigrateToURI3, int: compressing threads. */
#define VIR_MIGRATE_PARAM_COMPRESSION_MT_THREADS "compression.mt.threads"

/** virDomainMigrateToURI3, int: decompressing threads. */
#define VIR_MIGRATE_PARAM_COMPRESSION_MT_DTHREADS "compression.mt.dthreads"

/** virDomainMigrateToURI3, unsigned long long: bytes of the page cache for xbzrle. */
#define VIR_MIGRATE_PARAM_COMPRESSION_XBZRLE_CACHE "compression.xbzrle.cache"

/** virDomainMigrateToURI3, int: per cent by which the guest is slowed down at first. */
#define VIR_MIGRATE_PARAM_AUTO_CONVERGE_INITIAL "auto_converge.initial"

/** virDomainMigrateToURI3, int: per cent by which more and more. */
#define VIR_MIGRATE_PARAM_AUTO_CONVERGE_INCREMENT "auto_converge.increment"

/** virDomainMigrateToURI3, int: connections of a parallel migration. */
#define VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS "parallel.connections"

/** virDomainMigrateToURI3, string: the host name in the certificate of the destination. */
#define VIR_MIGRATE_PARAM_TLS_DESTINATION "tls.destination"

/** Flags of the migration calls. */
enum _virDomainMigrateFlags {
    VIR_MIGRATE_LIVE = (1 << 0),
    VIR_MIGRATE_PEER2PEER = (1 << 1),
    VIR_MIGRATE_TUNNELLED = (1 << 2),
    VIR_MIGRATE_PERSIST_DEST = (1 << 3),
    VIR_MIGRATE_UNDEFINE_SOURCE = (1 << 4),
    VIR_MIGRATE_PAUSED = (1 << 5),
    VIR_MIGRATE_NON_SHARED_DISK = (1 << 6),
    VIR_MIGRATE_NON_SHARED_INC = (1 << 7),
    VIR_MIGRATE_CHANGE_PROTECTION = (1 << 8),
    VIR_MIGRATE_UNSAFE = (1 << 9),
    VIR_MIGRATE_OFFLINE = (1 << 10),
    VIR_MIGRATE_COMPRESSED = (1 << 11),
    VIR_MIGRATE_ABORT_ON_ERROR = (1 << 12),
    VIR_MIGRATE_AUTO_CONVERGE = (1 << 13),
    VIR_MIGRATE_RDMA_PIN_ALL = (1 << 14),
    VIR_MIGRATE_POSTCOPY = (1 << 15),
    VIR_MIGRATE_TLS = (1 << 16),
    VIR_MIGRATE_PARALLEL = (1 << 17),
    VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES = (1 << 18),
    VIR_MIGRATE_POSTCOPY_RESUME = (1 << 19),
    VIR_MIGRATE_ZEROCOPY = (1 << 20),
};

/** Flags of virDomainMigrateSetMaxSpeed. */
enum _virDomainMigrateMaxSpeedFlags {
    /** The limit of the post-copy phase. */
    VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY = (1 << 0),
};

typedef enum _virDomainMigrateFlags virDomainMigrateFlags;

typedef enum _virDomainMigrateMaxSpeedFlags virDomainMigrateMaxSpeedFlags;

/**
 * Moves @domain to the hypervisor that listens at @duri, such as "tcp:HOST:PORT" or "unix:PATH". Returns when it has
 * moved.
 *
 * @flags is a combination of virDomainMigrateFlags and virDomainJobStartFlags; peer-to-peer migration needs a daemon at
 * either end and is not supported. @dname, unless NULL, is its name there. @bandwidth is in MiB/s; 0 is no limit.
 *
 * Returns 0, or -1 on error, in which case the domain goes on here.
 */
int virDomainMigrateToURI(virDomainPtr domain,
                          const char *duri,
                          unsigned long flags,
                          const char *dname,
                          unsigned long bandwidth);

/**
 * Like virDomainMigrateToURI, to @miguri. @dconnuri is for peer-to-peer migration and not looked at. @dxml, unless
 * NULL, describes the domain there.
 *
 * Returns 0, or -1 on error.
 */
int virDomainMigrateToURI2(virDomainPtr domain,
                           const char *dconnuri,
                           const char *miguri,
                           const char *dxml,
                           unsigned long flags,
                           const char *dname,
                           unsigned long bandwidth);

/**
 * Like virDomainMigrateToURI2, with parameters (VIR_MIGRATE_PARAM_*), of which "migrate_uri" is a must.
 *
 * Returns 0, or -1 on error.
 */
int virDomainMigrateToURI3(virDomainPtr domain,
                           const char *dconnuri,
                           virTypedParameterPtr params,
                           unsigned int nparams,
                           unsigned int flags);

/**
 * Moves @domain to the host of @dconn, a connection of libvirt's, under the name @dname unless that is NULL. @uri, unless
 * NULL, says how the host is reached. @flags is a combination of virDomainMigrateFlags and virDomainJobStartFlags.
 * @bandwidth is in MiB/s; 0 is no limit. Domains of this library's drivers move by virDomainMigrateToURI.
 *
 * Returns a handle for the domain there, to be released with virDomainFree, or NULL on error.
 */
virDomainPtr virDomainMigrate(virDomainPtr domain,
                              virConnectPtr dconn,
                              unsigned long flags,
                              const char *dname,
                              const char *uri,
                              unsigned long bandwidth);

/**
 * Like virDomainMigrate. @dxml, unless NULL, describes the domain there.
 *
 * Returns a handle for the domain there, to be released with virDomainFree, or NULL on error.
 */
virDomainPtr virDomainMigrate2(virDomainPtr domain,
                               virConnectPtr dconn,
                               const char *dxml,
                               unsigned long flags,
                               const char *dname,
                               const char *uri,
                               unsigned long bandwidth);

/**
 * Like virDomainMigrate2, with parameters (VIR_MIGRATE_PARAM_*).
 *
 * Returns a handle for the domain there, to be released with virDomainFree, or NULL on error.
 */
virDomainPtr virDomainMigrate3(virDomainPtr domain,
                               virConnectPtr dconn,
                               virTypedParameterPtr params,
                               unsigned int nparams,
                               unsigned int flags);

/**
 * Limits migrations of @domain, one that runs included, to @bandwidth MiB/s. @flags is 0.
 *
 * Returns 0, or -1 on error.
 */
int virDomainMigrateSetMaxSpeed(virDomainPtr domain, unsigned long bandwidth, unsigned int flags);

/**
 * Stores the limit of migrations of @domain in MiB/s in @bandwidth. @flags is 0.
 *
 * Returns 0, or -1 on error.
 */
int virDomainMigrateGetMaxSpeed(virDomainPtr domain, unsigned long *bandwidth, unsigned int flags);

/**
 * Lets migrations of @domain, one that runs included, stop the guest for @downtime milliseconds at most. @flags is 0.
 *
 * Returns 0, or -1 on error.
 */
int virDomainMigrateSetMaxDowntime(virDomainPtr domain, unsigned long long downtime, unsigned int flags);

/**
 * Stores how long migrations of @domain may stop the guest, in milliseconds, in @downtime. @flags is 0.
 *
 * Returns 0, or -1 on error.
 */
int virDomainMigrateGetMaxDowntime(virDomainPtr domain, unsigned long long *downtime, unsigned int flags);

/**
 * Switches the migration of @domain that runs to post-copy: the guest goes on at the destination at once. @flags is 0.
 *
 * Returns 0, or -1 on error.
 */
int virDomainMigrateStartPostCopy(virDomainPtr domain, unsigned int flags);

/* ---- Events ---- */

/** Events of virConnectDomainEventRegisterAny, with the callback of those that this library raises itself. */
enum _virDomainEventID {
    /** virConnectDomainEventCallback */
    VIR_DOMAIN_EVENT_ID_LIFECYCLE = 0,
    VIR_DOMAIN_EVENT_ID_REBOOT = 1,
    VIR_DOMAIN_EVENT_ID_RTC_CHANGE = 2,
    VIR_DOMAIN_EVENT_ID_WATCHDOG = 3,
    VIR_DOMAIN_EVENT_ID_IO_ERROR = 4,
    VIR_DOMAIN_EVENT_ID_GRAPHICS = 5,
    VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON = 6,
    VIR_DOMAIN_EVENT_ID_CONTROL_ERROR = 7,
    /** virConnectDomainEventBlockJobCallback; the disk by its source path */
    VIR_DOMAIN_EVENT_ID_BLOCK_JOB = 8,
    VIR_DOMAIN_EVENT_ID_DISK_CHANGE = 9,
    VIR_DOMAIN_EVENT_ID_TRAY_CHANGE = 10,
    VIR_DOMAIN_EVENT_ID_PMWAKEUP = 11,
    VIR_DOMAIN_EVENT_ID_PMSUSPEND = 12,
    VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE = 13,
    VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK = 14,
    VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED = 15,
    /** virConnectDomainEventBlockJobCallback; the disk by its target name */
    VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2 = 16,
    VIR_DOMAIN_EVENT_ID_TUNABLE = 17,
    VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE = 18,
    VIR_DOMAIN_EVENT_ID_DEVICE_ADDED = 19,
    /** virConnectDomainEventMigrationIterationCallback */
    VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION = 20,
    /** virConnectDomainEventJobCompletedCallback */
    VIR_DOMAIN_EVENT_ID_JOB_COMPLETED = 21,
    VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED = 22,
    VIR_DOMAIN_EVENT_ID_METADATA_CHANGE = 23,
    VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD = 24,
    /**
     * virConnectDomainEventJobStateCallback. On a connection of libvirt's own the number 25 means another event: use
     * VIR_DOMAIN_EVENT_ID_JOB_STATE_OVERLAY there, which works on every connection.
     */
    VIR_DOMAIN_EVENT_ID_JOB_STATE = 25,
    VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE = 26,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_EVENT_ID_LAST,
#endif
};

/** What a lifecycle event is about. */
enum _virDomainEventType {
    VIR_DOMAIN_EVENT_DEFINED = 0,
    VIR_DOMAIN_EVENT_UNDEFINED = 1,
    VIR_DOMAIN_EVENT_STARTED = 2,
    VIR_DOMAIN_EVENT_SUSPENDED = 3,
    VIR_DOMAIN_EVENT_RESUMED = 4,
    VIR_DOMAIN_EVENT_STOPPED = 5,
    VIR_DOMAIN_EVENT_SHUTDOWN = 6,
    VIR_DOMAIN_EVENT_PMSUSPENDED = 7,
    VIR_DOMAIN_EVENT_CRASHED = 8,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_EVENT_LAST,
#endif
};

/** The detail of a lifecycle event of type VIR_DOMAIN_EVENT_DEFINED. */
enum _virDomainEventDefinedDetailType {
    VIR_DOMAIN_EVENT_DEFINED_ADDED = 0,
    VIR_DOMAIN_EVENT_DEFINED_UPDATED = 1,
    VIR_DOMAIN_EVENT_DEFINED_RENAMED = 2,
    VIR_DOMAIN_EVENT_DEFINED_FROM_SNAPSHOT = 3,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_EVENT_DEFINED_LAST,
#endif
};

/** The detail of a lifecycle event of type VIR_DOMAIN_EVENT_UNDEFINED. */
enum _virDomainEventUndefinedDetailType {
    VIR_DOMAIN_EVENT_UNDEFINED_REMOVED = 0,
    VIR_DOMAIN_EVENT_UNDEFINED_RENAMED = 1,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_EVENT_UNDEFINED_LAST,
#endif
};

/** The detail of a lifecycle event of type VIR_DOMAIN_EVENT_STARTED. */
enum _virDomainEventStartedDetailType {
    VIR_DOMAIN_EVENT_STARTED_BOOTED = 0,
    VIR_DOMAIN_EVENT_STARTED_MIGRATED = 1,
    VIR_DOMAIN_EVENT_STARTED_RESTORED = 2,
    VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT = 3,
    VIR_DOMAIN_EVENT_STARTED_WAKEUP = 4,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_EVENT_STARTED_LAST,
#endif
};

/** The detail of a lifecycle event of type VIR_DOMAIN_EVENT_SUSPENDED. */
enum _virDomainEventSuspendedDetailType {
    VIR_DOMAIN_EVENT_SUSPENDED_PAUSED = 0,
    VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED = 1,
    VIR_DOMAIN_EVENT_SUSPENDED_IOERROR = 2,
    VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG = 3,
    VIR_DOMAIN_EVENT_SUSPENDED_RESTORED = 4,
    VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT = 5,
    VIR_DOMAIN_EVENT_SUSPENDED_API_ERROR = 6,
    VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY = 7,
    VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED = 8,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_EVENT_SUSPENDED_LAST,
#endif
};

/** The detail of a lifecycle event of type VIR_DOMAIN_EVENT_RESUMED. */
enum _virDomainEventResumedDetailType {
    VIR_DOMAIN_EVENT_RESUMED_UNPAUSED = 0,
    VIR_DOMAIN_EVENT_RESUMED_MIGRATED = 1,
    VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT = 2,
    VIR_DOMAIN_EVENT_RESUMED_POSTCOPY = 3,
    VIR_DOMAIN_EVENT_RESUMED_POSTCOPY_FAILED = 4,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_EVENT_RESUMED_LAST,
#endif
};

/** The detail of a lifecycle event of type VIR_DOMAIN_EVENT_STOPPED. */
enum _virDomainEventStoppedDetailType {
    VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN = 0,
    VIR_DOMAIN_EVENT_STOPPED_DESTROYED = 1,
    VIR_DOMAIN_EVENT_STOPPED_CRASHED = 2,
    VIR_DOMAIN_EVENT_STOPPED_MIGRATED = 3,
    VIR_DOMAIN_EVENT_STOPPED_SAVED = 4,
    VIR_DOMAIN_EVENT_STOPPED_FAILED = 5,
    VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT = 6,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_EVENT_STOPPED_LAST,
#endif
};

/** The detail of a lifecycle event of type VIR_DOMAIN_EVENT_SHUTDOWN. */
enum _virDomainEventShutdownDetailType {
    VIR_DOMAIN_EVENT_SHUTDOWN_FINISHED = 0,
    VIR_DOMAIN_EVENT_SHUTDOWN_GUEST = 1,
    VIR_DOMAIN_EVENT_SHUTDOWN_HOST = 2,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_EVENT_SHUTDOWN_LAST,
#endif
};

/** The detail of a lifecycle event of type VIR_DOMAIN_EVENT_PMSUSPENDED. */
enum _virDomainEventPMSuspendedDetailType {
    VIR_DOMAIN_EVENT_PMSUSPENDED_MEMORY = 0,
    VIR_DOMAIN_EVENT_PMSUSPENDED_DISK = 1,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_EVENT_PMSUSPENDED_LAST,
#endif
};

/** The detail of a lifecycle event of type VIR_DOMAIN_EVENT_CRASHED. */
enum _virDomainEventCrashedDetailType {
    VIR_DOMAIN_EVENT_CRASHED_PANICKED = 0,
    VIR_DOMAIN_EVENT_CRASHED_CRASHLOADED = 1,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_EVENT_CRASHED_LAST,
#endif
};

/** What happened to a block job, as the older events tell it. */
enum _virConnectDomainEventBlockJobStatus {
    VIR_DOMAIN_BLOCK_JOB_COMPLETED = 0,
    VIR_DOMAIN_BLOCK_JOB_FAILED = 1,
    VIR_DOMAIN_BLOCK_JOB_CANCELED = 2,
    /** A copy or active commit can be finalized. */
    VIR_DOMAIN_BLOCK_JOB_READY = 3,
#if defined(VIR_ENUM_SENTINELS)
    VIR_DOMAIN_BLOCK_JOB_LAST,
#endif
};

typedef enum _virDomainEventID virDomainEventID;

typedef enum _virDomainEventType virDomainEventType;

typedef enum _virDomainEventDefinedDetailType virDomainEventDefinedDetailType;

typedef enum _virDomainEventUndefinedDetailType virDomainEventUndefinedDetailType;

typedef enum _virDomainEventStartedDetailType virDomainEventStartedDetailType;

typedef enum _virDomainEventSuspendedDetailType virDomainEventSuspendedDetailType;

typedef enum _virDomainEventResumedDetailType virDomainEventResumedDetailType;

typedef enum _virDomainEventStoppedDetailType virDomainEventStoppedDetailType;

typedef enum _virDomainEventShutdownDetailType virDomainEventShutdownDetailType;

typedef enum _virDomainEventPMSuspendedDetailType virDomainEventPMSuspendedDetailType;

typedef enum _virDomainEventCrashedDetailType virDomainEventCrashedDetailType;

typedef enum _virConnectDomainEventBlockJobStatus virConnectDomainEventBlockJobStatus;

/**
 * Told of lifecycle events: event is one of virDomainEventType, detail one of its detail types. Its result is ignored.
 */
typedef int (*virConnectDomainEventCallback)(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque);

/** What every event callback is cast to (VIR_DOMAIN_EVENT_CALLBACK) when it is registered. */
typedef void (*virConnectDomainEventGenericCallback)(virConnectPtr conn, virDomainPtr dom, void *opaque);

/** Told of block jobs: type is one of virDomainBlockJobType, status one of virConnectDomainEventBlockJobStatus. */
typedef void (*virConnectDomainEventBlockJobCallback)(virConnectPtr conn,
                                                      virDomainPtr dom,
                                                      const char *disk,
                                                      int type,
                                                      int status,
                                                      void *opaque);

/** Told that migration has begun another pass over memory. */
typedef void (*virConnectDomainEventMigrationIterationCallback)(virConnectPtr conn,
                                                                virDomainPtr dom,
                                                                int iteration,
                                                                void *opaque);

/**
 * Told that a domain job has ended, with the statistics that virDomainGetJobStats would return. They belong to the library.
 */
typedef void (*virConnectDomainEventJobCompletedCallback)(virConnectPtr conn,
                                                          virDomainPtr dom,
                                                          virTypedParameterPtr params,
                                                          int nparams,
                                                          void *opaque);

/**
 * Tells @cb of the lifecycle events of all domains of @conn. The newer call is virConnectDomainEventRegisterAny.
 *
 * @freecb is called with @opaque once, after the last call of @cb, with nothing locked; not if this function fails.
 *
 * Returns 0, or -1 on error, as when @cb is registered already.
 */
int virConnectDomainEventRegister(virConnectPtr conn,
                                  virConnectDomainEventCallback cb,
                                  void *opaque,
                                  virFreeCallback freecb);

/**
 * Ends what virConnectDomainEventRegister began. May be called from inside a callback.
 *
 * Returns 0, or -1 on error, as when @cb is not registered.
 */
int virConnectDomainEventDeregister(virConnectPtr conn, virConnectDomainEventCallback cb);

/**
 * Tells @cb of the events @eventID (a virDomainEventID, whose comments say what type @cb really has) of the domain
 * @dom, or of all domains of @conn if it is NULL. An event loop must be registered; it is what calls @cb, with nothing
 * locked, so @cb may call everything. The connection stays open while the registration lasts, and the domain that @cb
 * is given is valid during the call; virDomainRef makes it last.
 *
 * @freecb is called with @opaque once, after the last call of @cb, with nothing locked; not if this function fails.
 *
 * Events are not dropped while somebody is registered: an application whose loop stands still lets them pile up.
 *
 * Returns a number for virConnectDomainEventDeregisterAny, or -1 on error, as when @cb is registered already for the
 * same events of the same domain.
 */
int virConnectDomainEventRegisterAny(virConnectPtr conn,
                                     virDomainPtr dom,
                                     int eventID,
                                     virConnectDomainEventGenericCallback cb,
                                     void *opaque,
                                     virFreeCallback freecb);

/**
 * Ends the registration @callbackID. May be called from inside a callback, which is then not called again; on another
 * thread than the loop's, a call that is on its way already may still come.
 *
 * Returns 0, or -1 on error, as when there is no such registration.
 */
int virConnectDomainEventDeregisterAny(virConnectPtr conn, int callbackID);

/** Casts the callback of any event for virConnectDomainEventRegisterAny; by way of a type that compilers accept. */
#define VIR_DOMAIN_EVENT_CALLBACK(cb) ((virConnectDomainEventGenericCallback)(void (*)(void))(cb))

#ifdef __cplusplus
}
#endif

#endif /* LIBVIRT_DOMAIN_H */
