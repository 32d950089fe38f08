//! Section `domain`: virtual machines, their states, and starting and stopping them.

use std::ffi::{c_uchar, c_ulong, c_ulonglong, c_ushort};

/// A domain: one virtual machine of a connection.
pub struct _virDomain {
    _private: [u8; 0],
}
pub type virDomain = _virDomain;
pub type virDomainPtr = *mut virDomain;

/// The state of a domain.
#[repr(C)]
pub enum _virDomainState {
    /// Not known.
    VIR_DOMAIN_NOSTATE = 0,
    /// Runs.
    VIR_DOMAIN_RUNNING = 1,
    /// Waits for a resource.
    VIR_DOMAIN_BLOCKED = 2,
    /// Stopped by the user or by an operation, still in memory.
    VIR_DOMAIN_PAUSED = 3,
    /// About to shut down.
    VIR_DOMAIN_SHUTDOWN = 4,
    /// Does not run.
    VIR_DOMAIN_SHUTOFF = 5,
    /// Crashed.
    VIR_DOMAIN_CRASHED = 6,
    /// The guest suspended itself.
    VIR_DOMAIN_PMSUSPENDED = 7,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_LAST,
}
pub type virDomainState = _virDomainState;

/// Why a domain is in VIR_DOMAIN_NOSTATE.
#[repr(C)]
pub enum _virDomainNostateReason {
    VIR_DOMAIN_NOSTATE_UNKNOWN = 0,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_NOSTATE_LAST,
}
pub type virDomainNostateReason = _virDomainNostateReason;

/// Why a domain is in VIR_DOMAIN_RUNNING.
#[repr(C)]
pub enum _virDomainRunningReason {
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
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_RUNNING_LAST,
}
pub type virDomainRunningReason = _virDomainRunningReason;

/// Why a domain is in VIR_DOMAIN_BLOCKED.
#[repr(C)]
pub enum _virDomainBlockedReason {
    VIR_DOMAIN_BLOCKED_UNKNOWN = 0,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_BLOCKED_LAST,
}
pub type virDomainBlockedReason = _virDomainBlockedReason;

/// Why a domain is in VIR_DOMAIN_PAUSED.
#[repr(C)]
pub enum _virDomainPausedReason {
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
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_PAUSED_LAST,
}
pub type virDomainPausedReason = _virDomainPausedReason;

/// Why a domain is in VIR_DOMAIN_SHUTDOWN.
#[repr(C)]
pub enum _virDomainShutdownReason {
    VIR_DOMAIN_SHUTDOWN_UNKNOWN = 0,
    VIR_DOMAIN_SHUTDOWN_USER = 1,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_SHUTDOWN_LAST,
}
pub type virDomainShutdownReason = _virDomainShutdownReason;

/// Why a domain is in VIR_DOMAIN_SHUTOFF.
#[repr(C)]
pub enum _virDomainShutoffReason {
    VIR_DOMAIN_SHUTOFF_UNKNOWN = 0,
    VIR_DOMAIN_SHUTOFF_SHUTDOWN = 1,
    VIR_DOMAIN_SHUTOFF_DESTROYED = 2,
    VIR_DOMAIN_SHUTOFF_CRASHED = 3,
    VIR_DOMAIN_SHUTOFF_MIGRATED = 4,
    VIR_DOMAIN_SHUTOFF_SAVED = 5,
    VIR_DOMAIN_SHUTOFF_FAILED = 6,
    VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT = 7,
    VIR_DOMAIN_SHUTOFF_DAEMON = 8,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_SHUTOFF_LAST,
}
pub type virDomainShutoffReason = _virDomainShutoffReason;

/// Why a domain is in VIR_DOMAIN_CRASHED.
#[repr(C)]
pub enum _virDomainCrashedReason {
    VIR_DOMAIN_CRASHED_UNKNOWN = 0,
    VIR_DOMAIN_CRASHED_PANICKED = 1,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_CRASHED_LAST,
}
pub type virDomainCrashedReason = _virDomainCrashedReason;

/// Why a domain is in VIR_DOMAIN_PMSUSPENDED.
#[repr(C)]
pub enum _virDomainPMSuspendedReason {
    VIR_DOMAIN_PMSUSPENDED_UNKNOWN = 0,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_PMSUSPENDED_LAST,
}
pub type virDomainPMSuspendedReason = _virDomainPMSuspendedReason;

/// Why a guest is suspended to disk.
#[repr(C)]
pub enum _virDomainPMSuspendedDiskReason {
    VIR_DOMAIN_PMSUSPENDED_DISK_UNKNOWN = 0,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_PMSUSPENDED_DISK_LAST,
}
pub type virDomainPMSuspendedDiskReason = _virDomainPMSuspendedDiskReason;

/// Which domains virConnectListAllDomains returns. Of each group of opposites, none set means all.
#[repr(C)]
pub enum _virConnectListAllDomainsFlags {
    VIR_CONNECT_LIST_DOMAINS_ACTIVE = 1 << 0,
    VIR_CONNECT_LIST_DOMAINS_INACTIVE = 1 << 1,
    VIR_CONNECT_LIST_DOMAINS_PERSISTENT = 1 << 2,
    VIR_CONNECT_LIST_DOMAINS_TRANSIENT = 1 << 3,
    VIR_CONNECT_LIST_DOMAINS_RUNNING = 1 << 4,
    VIR_CONNECT_LIST_DOMAINS_PAUSED = 1 << 5,
    VIR_CONNECT_LIST_DOMAINS_SHUTOFF = 1 << 6,
    VIR_CONNECT_LIST_DOMAINS_OTHER = 1 << 7,
    VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE = 1 << 8,
    VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE = 1 << 9,
    VIR_CONNECT_LIST_DOMAINS_AUTOSTART = 1 << 10,
    VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART = 1 << 11,
    VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT = 1 << 12,
    VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT = 1 << 13,
    VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT = 1 << 14,
    VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT = 1 << 15,
}
pub type virConnectListAllDomainsFlags = _virConnectListAllDomainsFlags;

/// Flags of the calls that start a domain.
#[repr(C)]
pub enum _virDomainCreateFlags {
    /// Nothing special.
    VIR_DOMAIN_NONE = 0,
    /// Leave it paused.
    VIR_DOMAIN_START_PAUSED = 1 << 0,
    /// Destroy it when the connection closes.
    VIR_DOMAIN_START_AUTODESTROY = 1 << 1,
    /// Keep saved images out of the host cache.
    VIR_DOMAIN_START_BYPASS_CACHE = 1 << 2,
    /// Boot afresh, dropping a managed save image.
    VIR_DOMAIN_START_FORCE_BOOT = 1 << 3,
    /// Check the XML against the schema.
    VIR_DOMAIN_START_VALIDATE = 1 << 4,
    /// Start with fresh NVRAM.
    VIR_DOMAIN_START_RESET_NVRAM = 1 << 5,
}
pub type virDomainCreateFlags = _virDomainCreateFlags;

/// Flags of virDomainDefineXMLFlags.
#[repr(C)]
pub enum _virDomainDefineFlags {
    VIR_DOMAIN_DEFINE_VALIDATE = 1 << 0,
}
pub type virDomainDefineFlags = _virDomainDefineFlags;

/// Flags of virDomainUndefineFlags.
#[repr(C)]
pub enum _virDomainUndefineFlagsValues {
    VIR_DOMAIN_UNDEFINE_MANAGED_SAVE = 1 << 0,
    VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA = 1 << 1,
    VIR_DOMAIN_UNDEFINE_NVRAM = 1 << 2,
    VIR_DOMAIN_UNDEFINE_KEEP_NVRAM = 1 << 3,
    VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA = 1 << 4,
    VIR_DOMAIN_UNDEFINE_TPM = 1 << 5,
    VIR_DOMAIN_UNDEFINE_KEEP_TPM = 1 << 6,
}
pub type virDomainUndefineFlagsValues = _virDomainUndefineFlagsValues;

/// By which means virDomainShutdownFlags asks the guest.
#[repr(C)]
pub enum _virDomainShutdownFlagValues {
    VIR_DOMAIN_SHUTDOWN_DEFAULT = 0,
    VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN = 1 << 0,
    VIR_DOMAIN_SHUTDOWN_GUEST_AGENT = 1 << 1,
    VIR_DOMAIN_SHUTDOWN_INITCTL = 1 << 2,
    VIR_DOMAIN_SHUTDOWN_SIGNAL = 1 << 3,
    VIR_DOMAIN_SHUTDOWN_PARAVIRT = 1 << 4,
}
pub type virDomainShutdownFlagValues = _virDomainShutdownFlagValues;

/// By which means virDomainReboot asks the guest.
#[repr(C)]
pub enum _virDomainRebootFlagValues {
    VIR_DOMAIN_REBOOT_DEFAULT = 0,
    VIR_DOMAIN_REBOOT_ACPI_POWER_BTN = 1 << 0,
    VIR_DOMAIN_REBOOT_GUEST_AGENT = 1 << 1,
    VIR_DOMAIN_REBOOT_INITCTL = 1 << 2,
    VIR_DOMAIN_REBOOT_SIGNAL = 1 << 3,
    VIR_DOMAIN_REBOOT_PARAVIRT = 1 << 4,
}
pub type virDomainRebootFlagValues = _virDomainRebootFlagValues;

/// Flags of virDomainDestroyFlags.
#[repr(C)]
pub enum _virDomainDestroyFlagsValues {
    /// Ask, then use force.
    VIR_DOMAIN_DESTROY_DEFAULT = 0,
    /// Ask only; fail if the hypervisor does not give in.
    VIR_DOMAIN_DESTROY_GRACEFUL = 1 << 0,
    /// Remove the log files as well.
    VIR_DOMAIN_DESTROY_REMOVE_LOGS = 1 << 1,
}
pub type virDomainDestroyFlagsValues = _virDomainDestroyFlagsValues;

/// Whether a change is for the running domain, for its configuration, or for whichever is current.
#[repr(C)]
pub enum _virDomainModificationImpact {
    VIR_DOMAIN_AFFECT_CURRENT = 0,
    VIR_DOMAIN_AFFECT_LIVE = 1 << 0,
    VIR_DOMAIN_AFFECT_CONFIG = 1 << 1,
}
pub type virDomainModificationImpact = _virDomainModificationImpact;

/// Flags of the calls that attach, detach and update devices.
#[repr(C)]
pub enum _virDomainDeviceModifyFlags {
    VIR_DOMAIN_DEVICE_MODIFY_CURRENT = 0,
    VIR_DOMAIN_DEVICE_MODIFY_LIVE = 1 << 0,
    VIR_DOMAIN_DEVICE_MODIFY_CONFIG = 1 << 1,
    /// Eject even if the guest holds the medium.
    VIR_DOMAIN_DEVICE_MODIFY_FORCE = 1 << 2,
}
pub type virDomainDeviceModifyFlags = _virDomainDeviceModifyFlags;

/// Flags of virDomainGetXMLDesc.
#[repr(C)]
pub enum _virDomainXMLFlags {
    /// With passwords and other secrets; not on read-only connections.
    VIR_DOMAIN_XML_SECURE = 1 << 0,
    /// The configuration for the next start.
    VIR_DOMAIN_XML_INACTIVE = 1 << 1,
    /// Bring the CPU description up to date with the host.
    VIR_DOMAIN_XML_UPDATE_CPU = 1 << 2,
    /// Fit for migration.
    VIR_DOMAIN_XML_MIGRATABLE = 1 << 3,
}
pub type virDomainXMLFlags = _virDomainXMLFlags;

/// What virDomainGetInfo returns.
#[repr(C)]
pub struct _virDomainInfo {
    /// One of virDomainState.
    pub state: c_uchar,
    /// The most memory it may have, in KiB.
    pub maxMem: c_ulong,
    /// The memory it has, in KiB.
    pub memory: c_ulong,
    /// Virtual CPUs.
    pub nrVirtCpu: c_ushort,
    /// CPU time used, in nanoseconds.
    pub cpuTime: c_ulonglong,
}
pub type virDomainInfo = _virDomainInfo;
pub type virDomainInfoPtr = *mut virDomainInfo;

/// What virDomainGetBlockInfo returns; sizes in bytes.
#[repr(C)]
pub struct _virDomainBlockInfo {
    /// What the guest sees.
    pub capacity: c_ulonglong,
    /// What the image takes up on its storage.
    pub allocation: c_ulonglong,
    /// How long the file or device is.
    pub physical: c_ulonglong,
}
pub type virDomainBlockInfo = _virDomainBlockInfo;
pub type virDomainBlockInfoPtr = *mut virDomainBlockInfo;
