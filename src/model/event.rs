//! What an application can be told about a domain; the numbers are libvirt's.

use super::domain::DomainRef;
use super::job::{JobState, JobType};
use super::typed::TypedParam;

/// One thing that happened to one domain.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    pub domain: DomainRef,
    pub payload: Payload,
}

/// What happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Payload {
    /// `virDomainEventType` and its detail.
    Lifecycle { event: i32, detail: i32 },
    /// Block job change; reaches BLOCK_JOB with `path` (what the disk's source was called) and BLOCK_JOB_2 with `target`.
    BlockJob { path: String, target: String, kind: i32, status: i32 },
    /// `VIR_DOMAIN_EVENT_ID_JOB_STATE`.
    JobState { name: String, kind: JobType, state: JobState },
    /// `VIR_DOMAIN_EVENT_ID_JOB_COMPLETED`: statistics of a finished domain job.
    JobCompleted { params: Vec<TypedParam> },
    /// `VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION`.
    MigrationIteration { iteration: i32 },
}

/// Event numbers of `virConnectDomainEventRegisterAny`.
pub mod id {
    pub const LIFECYCLE: i32 = 0;
    pub const BLOCK_JOB: i32 = 8;
    pub const BLOCK_JOB_2: i32 = 16;
    pub const MIGRATION_ITERATION: i32 = 20;
    pub const JOB_COMPLETED: i32 = 21;
    /// JOB_STATE as proposed; libvirt has since given 25 to MEMORY_FAILURE.
    pub const JOB_STATE: i32 = 25;
    /// JOB_STATE beside a libvirt that uses 25 for something else.
    pub const JOB_STATE_OVERLAY: i32 = 0x10019;
}

/// `virDomainEventType` and details.
pub mod lifecycle {
    pub const DEFINED: i32 = 0;
    pub const UNDEFINED: i32 = 1;
    pub const STARTED: i32 = 2;
    pub const SUSPENDED: i32 = 3;
    pub const RESUMED: i32 = 4;
    pub const STOPPED: i32 = 5;
    pub const SHUTDOWN: i32 = 6;
    pub const PMSUSPENDED: i32 = 7;
    pub const CRASHED: i32 = 8;

    pub const STARTED_BOOTED: i32 = 0;
    pub const STARTED_MIGRATED: i32 = 1;
    pub const STARTED_RESTORED: i32 = 2;
    pub const STARTED_FROM_SNAPSHOT: i32 = 3;
    pub const SUSPENDED_PAUSED: i32 = 0;
    pub const SUSPENDED_MIGRATED: i32 = 1;
    pub const SUSPENDED_IOERROR: i32 = 2;
    pub const SUSPENDED_RESTORED: i32 = 4;
    pub const SUSPENDED_FROM_SNAPSHOT: i32 = 5;
    pub const SUSPENDED_API_ERROR: i32 = 6;
    pub const RESUMED_UNPAUSED: i32 = 0;
    pub const RESUMED_MIGRATED: i32 = 1;
    pub const RESUMED_FROM_SNAPSHOT: i32 = 2;
    pub const STOPPED_SHUTDOWN: i32 = 0;
    pub const STOPPED_DESTROYED: i32 = 1;
    pub const STOPPED_CRASHED: i32 = 2;
    pub const STOPPED_MIGRATED: i32 = 3;
    pub const STOPPED_SAVED: i32 = 4;
    pub const STOPPED_FAILED: i32 = 5;
    pub const STOPPED_FROM_SNAPSHOT: i32 = 6;
    pub const SHUTDOWN_FINISHED: i32 = 0;
    pub const SHUTDOWN_GUEST: i32 = 1;
    pub const SHUTDOWN_HOST: i32 = 2;
}

/// `virDomainBlockJobType`, as the older APIs number block jobs.
pub mod block_type {
    pub const UNKNOWN: i32 = 0;
    pub const PULL: i32 = 1;
    pub const COPY: i32 = 2;
    pub const COMMIT: i32 = 3;
    pub const ACTIVE_COMMIT: i32 = 4;
    pub const BACKUP: i32 = 5;
}

/// `virConnectDomainEventBlockJobStatus`.
pub mod block_status {
    pub const COMPLETED: i32 = 0;
    pub const FAILED: i32 = 1;
    pub const CANCELED: i32 = 2;
    pub const READY: i32 = 3;
}
