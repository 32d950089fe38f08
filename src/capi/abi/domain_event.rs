//! Section `domain_event`: what an application can be told about domains.

use std::ffi::{c_char, c_int, c_void};

use super::domain::virDomainPtr;
use super::host::virConnectPtr;
use super::typed::virTypedParameterPtr;

/// Events of virConnectDomainEventRegisterAny, with the callback of those that this library raises itself.
#[repr(C)]
pub enum _virDomainEventID {
    /// virConnectDomainEventCallback
    VIR_DOMAIN_EVENT_ID_LIFECYCLE = 0,
    VIR_DOMAIN_EVENT_ID_REBOOT = 1,
    VIR_DOMAIN_EVENT_ID_RTC_CHANGE = 2,
    VIR_DOMAIN_EVENT_ID_WATCHDOG = 3,
    VIR_DOMAIN_EVENT_ID_IO_ERROR = 4,
    VIR_DOMAIN_EVENT_ID_GRAPHICS = 5,
    VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON = 6,
    VIR_DOMAIN_EVENT_ID_CONTROL_ERROR = 7,
    /// virConnectDomainEventBlockJobCallback; the disk by its source path
    VIR_DOMAIN_EVENT_ID_BLOCK_JOB = 8,
    VIR_DOMAIN_EVENT_ID_DISK_CHANGE = 9,
    VIR_DOMAIN_EVENT_ID_TRAY_CHANGE = 10,
    VIR_DOMAIN_EVENT_ID_PMWAKEUP = 11,
    VIR_DOMAIN_EVENT_ID_PMSUSPEND = 12,
    VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE = 13,
    VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK = 14,
    VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED = 15,
    /// virConnectDomainEventBlockJobCallback; the disk by its target name
    VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2 = 16,
    VIR_DOMAIN_EVENT_ID_TUNABLE = 17,
    VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE = 18,
    VIR_DOMAIN_EVENT_ID_DEVICE_ADDED = 19,
    /// virConnectDomainEventMigrationIterationCallback
    VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION = 20,
    /// virConnectDomainEventJobCompletedCallback
    VIR_DOMAIN_EVENT_ID_JOB_COMPLETED = 21,
    VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED = 22,
    VIR_DOMAIN_EVENT_ID_METADATA_CHANGE = 23,
    VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD = 24,
    /// virConnectDomainEventJobStateCallback. On a connection of libvirt's own the number 25 means another event: use
    /// VIR_DOMAIN_EVENT_ID_JOB_STATE_OVERLAY there, which works on every connection.
    VIR_DOMAIN_EVENT_ID_JOB_STATE = 25,
    VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE = 26,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_EVENT_ID_LAST,
}
pub type virDomainEventID = _virDomainEventID;

/// What a lifecycle event is about.
#[repr(C)]
pub enum _virDomainEventType {
    VIR_DOMAIN_EVENT_DEFINED = 0,
    VIR_DOMAIN_EVENT_UNDEFINED = 1,
    VIR_DOMAIN_EVENT_STARTED = 2,
    VIR_DOMAIN_EVENT_SUSPENDED = 3,
    VIR_DOMAIN_EVENT_RESUMED = 4,
    VIR_DOMAIN_EVENT_STOPPED = 5,
    VIR_DOMAIN_EVENT_SHUTDOWN = 6,
    VIR_DOMAIN_EVENT_PMSUSPENDED = 7,
    VIR_DOMAIN_EVENT_CRASHED = 8,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_EVENT_LAST,
}
pub type virDomainEventType = _virDomainEventType;

/// The detail of a lifecycle event of type VIR_DOMAIN_EVENT_DEFINED.
#[repr(C)]
pub enum _virDomainEventDefinedDetailType {
    VIR_DOMAIN_EVENT_DEFINED_ADDED = 0,
    VIR_DOMAIN_EVENT_DEFINED_UPDATED = 1,
    VIR_DOMAIN_EVENT_DEFINED_RENAMED = 2,
    VIR_DOMAIN_EVENT_DEFINED_FROM_SNAPSHOT = 3,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_EVENT_DEFINED_LAST,
}
pub type virDomainEventDefinedDetailType = _virDomainEventDefinedDetailType;

/// The detail of a lifecycle event of type VIR_DOMAIN_EVENT_UNDEFINED.
#[repr(C)]
pub enum _virDomainEventUndefinedDetailType {
    VIR_DOMAIN_EVENT_UNDEFINED_REMOVED = 0,
    VIR_DOMAIN_EVENT_UNDEFINED_RENAMED = 1,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_EVENT_UNDEFINED_LAST,
}
pub type virDomainEventUndefinedDetailType = _virDomainEventUndefinedDetailType;

/// The detail of a lifecycle event of type VIR_DOMAIN_EVENT_STARTED.
#[repr(C)]
pub enum _virDomainEventStartedDetailType {
    VIR_DOMAIN_EVENT_STARTED_BOOTED = 0,
    VIR_DOMAIN_EVENT_STARTED_MIGRATED = 1,
    VIR_DOMAIN_EVENT_STARTED_RESTORED = 2,
    VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT = 3,
    VIR_DOMAIN_EVENT_STARTED_WAKEUP = 4,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_EVENT_STARTED_LAST,
}
pub type virDomainEventStartedDetailType = _virDomainEventStartedDetailType;

/// The detail of a lifecycle event of type VIR_DOMAIN_EVENT_SUSPENDED.
#[repr(C)]
pub enum _virDomainEventSuspendedDetailType {
    VIR_DOMAIN_EVENT_SUSPENDED_PAUSED = 0,
    VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED = 1,
    VIR_DOMAIN_EVENT_SUSPENDED_IOERROR = 2,
    VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG = 3,
    VIR_DOMAIN_EVENT_SUSPENDED_RESTORED = 4,
    VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT = 5,
    VIR_DOMAIN_EVENT_SUSPENDED_API_ERROR = 6,
    VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY = 7,
    VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED = 8,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_EVENT_SUSPENDED_LAST,
}
pub type virDomainEventSuspendedDetailType = _virDomainEventSuspendedDetailType;

/// The detail of a lifecycle event of type VIR_DOMAIN_EVENT_RESUMED.
#[repr(C)]
pub enum _virDomainEventResumedDetailType {
    VIR_DOMAIN_EVENT_RESUMED_UNPAUSED = 0,
    VIR_DOMAIN_EVENT_RESUMED_MIGRATED = 1,
    VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT = 2,
    VIR_DOMAIN_EVENT_RESUMED_POSTCOPY = 3,
    VIR_DOMAIN_EVENT_RESUMED_POSTCOPY_FAILED = 4,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_EVENT_RESUMED_LAST,
}
pub type virDomainEventResumedDetailType = _virDomainEventResumedDetailType;

/// The detail of a lifecycle event of type VIR_DOMAIN_EVENT_STOPPED.
#[repr(C)]
pub enum _virDomainEventStoppedDetailType {
    VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN = 0,
    VIR_DOMAIN_EVENT_STOPPED_DESTROYED = 1,
    VIR_DOMAIN_EVENT_STOPPED_CRASHED = 2,
    VIR_DOMAIN_EVENT_STOPPED_MIGRATED = 3,
    VIR_DOMAIN_EVENT_STOPPED_SAVED = 4,
    VIR_DOMAIN_EVENT_STOPPED_FAILED = 5,
    VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT = 6,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_EVENT_STOPPED_LAST,
}
pub type virDomainEventStoppedDetailType = _virDomainEventStoppedDetailType;

/// The detail of a lifecycle event of type VIR_DOMAIN_EVENT_SHUTDOWN.
#[repr(C)]
pub enum _virDomainEventShutdownDetailType {
    VIR_DOMAIN_EVENT_SHUTDOWN_FINISHED = 0,
    VIR_DOMAIN_EVENT_SHUTDOWN_GUEST = 1,
    VIR_DOMAIN_EVENT_SHUTDOWN_HOST = 2,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_EVENT_SHUTDOWN_LAST,
}
pub type virDomainEventShutdownDetailType = _virDomainEventShutdownDetailType;

/// The detail of a lifecycle event of type VIR_DOMAIN_EVENT_PMSUSPENDED.
#[repr(C)]
pub enum _virDomainEventPMSuspendedDetailType {
    VIR_DOMAIN_EVENT_PMSUSPENDED_MEMORY = 0,
    VIR_DOMAIN_EVENT_PMSUSPENDED_DISK = 1,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_EVENT_PMSUSPENDED_LAST,
}
pub type virDomainEventPMSuspendedDetailType = _virDomainEventPMSuspendedDetailType;

/// The detail of a lifecycle event of type VIR_DOMAIN_EVENT_CRASHED.
#[repr(C)]
pub enum _virDomainEventCrashedDetailType {
    VIR_DOMAIN_EVENT_CRASHED_PANICKED = 0,
    VIR_DOMAIN_EVENT_CRASHED_CRASHLOADED = 1,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_EVENT_CRASHED_LAST,
}
pub type virDomainEventCrashedDetailType = _virDomainEventCrashedDetailType;

/// What happened to a block job, as the older events tell it.
#[repr(C)]
pub enum _virConnectDomainEventBlockJobStatus {
    VIR_DOMAIN_BLOCK_JOB_COMPLETED = 0,
    VIR_DOMAIN_BLOCK_JOB_FAILED = 1,
    VIR_DOMAIN_BLOCK_JOB_CANCELED = 2,
    /// A copy or active commit can be finalized.
    VIR_DOMAIN_BLOCK_JOB_READY = 3,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_BLOCK_JOB_LAST,
}
pub type virConnectDomainEventBlockJobStatus = _virConnectDomainEventBlockJobStatus;

/// Told of lifecycle events: event is one of virDomainEventType, detail one of its detail types. Its result is ignored.
pub type virConnectDomainEventCallback =
    Option<unsafe extern "C" fn(conn: virConnectPtr, dom: virDomainPtr, event: c_int, detail: c_int, opaque: *mut c_void) -> c_int>;

/// What every event callback is cast to (VIR_DOMAIN_EVENT_CALLBACK) when it is registered.
pub type virConnectDomainEventGenericCallback = Option<unsafe extern "C" fn(conn: virConnectPtr, dom: virDomainPtr, opaque: *mut c_void)>;

/// Told of block jobs: type is one of virDomainBlockJobType, status one of virConnectDomainEventBlockJobStatus.
pub type virConnectDomainEventBlockJobCallback = Option<
    unsafe extern "C" fn(conn: virConnectPtr, dom: virDomainPtr, disk: *const c_char, r#type: c_int, status: c_int, opaque: *mut c_void),
>;

/// Told that migration has begun another pass over memory.
pub type virConnectDomainEventMigrationIterationCallback =
    Option<unsafe extern "C" fn(conn: virConnectPtr, dom: virDomainPtr, iteration: c_int, opaque: *mut c_void)>;

/// Told that a domain job has ended, with the statistics that virDomainGetJobStats would return. They belong to the library.
pub type virConnectDomainEventJobCompletedCallback =
    Option<unsafe extern "C" fn(conn: virConnectPtr, dom: virDomainPtr, params: virTypedParameterPtr, nparams: c_int, opaque: *mut c_void)>;
