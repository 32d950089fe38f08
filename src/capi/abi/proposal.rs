//! Section `proposal`: named jobs, as proposed for libvirt.

use std::ffi::{c_char, c_int, c_void};

use super::domain::virDomainPtr;
use super::host::virConnectPtr;
use super::number;
use super::typed::virTypedParameterPtr;

/// There is no job of that name: a virErrorNumber outside the range that libvirt counts up in (0x1006e).
pub const VIR_ERR_NO_DOMAIN_JOB: c_int = 0x1006e;

/// The state of a job. The last three before PAUSED are final: nothing comes after them.
#[repr(C)]
pub enum _virDomainJobState {
    /// Not known.
    VIR_DOMAIN_JOB_STATE_NONE = 0,
    /// At work.
    VIR_DOMAIN_JOB_STATE_RUNNING = 1,
    /// Safe to finalize now, whatever its progress numbers say.
    VIR_DOMAIN_JOB_STATE_READY = 2,
    /// Ended by an error.
    VIR_DOMAIN_JOB_STATE_FAILED = 3,
    /// Ended well.
    VIR_DOMAIN_JOB_STATE_COMPLETED = 4,
    /// Ended by request.
    VIR_DOMAIN_JOB_STATE_ABORTED = 5,
    /// Paused by request; RESUME lets it go on.
    VIR_DOMAIN_JOB_STATE_PAUSED = 6,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_JOB_STATE_LAST,
}
pub type virDomainJobState = _virDomainJobState;

/// What virDomainJobControl can ask of a job.
#[repr(C)]
pub enum _virDomainJobControlOperation {
    /// Nothing; always an error.
    VIR_DOMAIN_JOB_CONTROL_OPERATION_NONE = 0,
    /// End it without its result. A copy that is READY leaves its target as it is at that moment.
    VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT = 1,
    /// Complete a job that is READY: a copy or active commit switches the disk over.
    VIR_DOMAIN_JOB_CONTROL_OPERATION_FINALIZE = 2,
    /// Hold a job that is RUNNING or READY.
    VIR_DOMAIN_JOB_CONTROL_OPERATION_PAUSE = 3,
    /// Let a job that is PAUSED go on.
    VIR_DOMAIN_JOB_CONTROL_OPERATION_RESUME = 4,
    /// Take a job that has ended off the list.
    VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS = 5,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_JOB_CONTROL_OPERATION_LAST,
}
pub type virDomainJobControlOperation = _virDomainJobControlOperation;
/// The other spelling that the proposal uses.
pub type virDomainJobControlOperations = virDomainJobControlOperation;

/// A job in a listing; to be released with virDomainJobFree.
#[repr(C)]
pub struct _virDomainJob {
    /// Unique in the domain, and never used again while the domain lives.
    pub name: *mut c_char,
    /// One of the VIR_DOMAIN_JOB_TYPE values.
    pub r#type: number::virDomainJobType,
    pub state: number::virDomainJobState,
    /// An abbreviated description, if the listing was asked for one; else NULL.
    pub data: virTypedParameterPtr,
    /// How many parameters data has.
    pub ndata: usize,
}
pub type virDomainJob = _virDomainJob;
pub type virDomainJobPtr = *mut virDomainJob;

/// Told that a job has entered a new state, for events of VIR_DOMAIN_EVENT_ID_JOB_STATE. A job's first event is RUNNING,
/// each change gives one event, and the last one is final. The name belongs to the library.
pub type virConnectDomainEventJobStateCallback = Option<
    unsafe extern "C" fn(
        conn: virConnectPtr,
        dom: virDomainPtr,
        jobname: *const c_char,
        jobtype: number::virDomainJobType,
        newstate: number::virDomainJobState,
        opaque: *mut c_void,
    ),
>;
