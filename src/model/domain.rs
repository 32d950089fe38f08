//! What identifies a domain, and the states it can be in.

use super::uuid::Uuid;

/// What a `virDomainPtr` holds: enough to find the domain again, and what is printed about it.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct DomainRef {
    pub name: String,
    pub uuid: Uuid,
    /// The hypervisor's number of a running domain, -1 for one that does not run.
    pub id: i32,
}

/// `virDomainState`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum DomainState {
    NoState = 0,
    Running = 1,
    Blocked = 2,
    Paused = 3,
    Shutdown = 4,
    Shutoff = 5,
    Crashed = 6,
    PmSuspended = 7,
}

/// What `virDomainGetInfo` returns; memory in KiB, CPU time in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DomainInfo {
    pub state: DomainState,
    pub max_mem_kib: u64,
    pub memory_kib: u64,
    pub vcpus: u16,
    pub cpu_time_ns: u64,
}

/// Why a domain is in its state (`virDomainRunningReason` and its siblings); the numbers are libvirt's.
pub mod reason {
    pub const RUNNING_UNKNOWN: i32 = 0;
    pub const RUNNING_BOOTED: i32 = 1;
    pub const RUNNING_MIGRATED: i32 = 2;
    pub const RUNNING_RESTORED: i32 = 3;
    pub const RUNNING_FROM_SNAPSHOT: i32 = 4;
    pub const RUNNING_UNPAUSED: i32 = 5;
    pub const RUNNING_MIGRATION_CANCELED: i32 = 6;
    pub const RUNNING_SAVE_CANCELED: i32 = 7;
    pub const RUNNING_POSTCOPY: i32 = 10;
    pub const PAUSED_UNKNOWN: i32 = 0;
    pub const PAUSED_USER: i32 = 1;
    pub const PAUSED_MIGRATION: i32 = 2;
    pub const PAUSED_SAVE: i32 = 3;
    pub const PAUSED_DUMP: i32 = 4;
    pub const PAUSED_IOERROR: i32 = 5;
    pub const PAUSED_WATCHDOG: i32 = 6;
    pub const PAUSED_FROM_SNAPSHOT: i32 = 7;
    pub const PAUSED_SHUTTING_DOWN: i32 = 8;
    pub const PAUSED_SNAPSHOT: i32 = 9;
    pub const PAUSED_CRASHED: i32 = 10;
    pub const PAUSED_STARTING_UP: i32 = 11;
    pub const SHUTDOWN_UNKNOWN: i32 = 0;
    pub const SHUTDOWN_USER: i32 = 1;
    pub const SHUTOFF_UNKNOWN: i32 = 0;
    pub const SHUTOFF_SHUTDOWN: i32 = 1;
    pub const SHUTOFF_DESTROYED: i32 = 2;
    pub const SHUTOFF_CRASHED: i32 = 3;
    pub const SHUTOFF_MIGRATED: i32 = 4;
    pub const SHUTOFF_SAVED: i32 = 5;
    pub const SHUTOFF_FAILED: i32 = 6;
    pub const SHUTOFF_FROM_SNAPSHOT: i32 = 7;
    pub const CRASHED_PANICKED: i32 = 1;
}
