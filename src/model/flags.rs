//! Flag words of the C interface that the rooms below `capi` read.

/// Bit 29 of every API that starts a job: lift what only libvirt's own rules forbid.
pub const JOB_START_PARALLEL: u32 = 1 << 29;
/// Bit 30 of every API that starts a job: keep the job listed after its end, until DISMISS.
pub const JOB_START_PERSIST: u32 = 1 << 30;
/// Both bits.
pub const JOB_START_MASK: u32 = JOB_START_PARALLEL | JOB_START_PERSIST;

/// `virDomainJobList` flags.
pub mod list {
    pub const ACTIVE: u32 = 1 << 0;
    pub const FINISHED: u32 = 1 << 1;
    pub const BLOCK: u32 = 1 << 2;
    pub const DOMAIN: u32 = 1 << 3;
    pub const STATS: u32 = 1 << 4;
    pub const XML: u32 = 1 << 5;
    pub const ALL: u32 = (1 << 6) - 1;
}

/// `virDomainJobGetXMLDesc` flags.
pub mod job_xml {
    pub const NO_STATS: u32 = 1 << 0;
}

/// `virDomainBlockRebaseFlags` (`virDomainBlockPull` takes the bandwidth bit alone).
pub mod rebase {
    pub const SHALLOW: u32 = 1 << 0;
    pub const REUSE_EXT: u32 = 1 << 1;
    pub const COPY_RAW: u32 = 1 << 2;
    pub const COPY: u32 = 1 << 3;
    pub const RELATIVE: u32 = 1 << 4;
    pub const COPY_DEV: u32 = 1 << 5;
    pub const BANDWIDTH_BYTES: u32 = 1 << 6;
}

/// `virDomainBlockPullFlags`.
pub mod pull {
    pub const BANDWIDTH_BYTES: u32 = 1 << 6;
}

/// `virDomainBlockCopyFlags`.
pub mod copy {
    pub const SHALLOW: u32 = 1 << 0;
    pub const REUSE_EXT: u32 = 1 << 1;
    pub const TRANSIENT_JOB: u32 = 1 << 2;
    pub const SYNCHRONOUS_WRITES: u32 = 1 << 3;
}

/// `virDomainBlockCommitFlags`.
pub mod commit {
    pub const SHALLOW: u32 = 1 << 0;
    pub const DELETE: u32 = 1 << 1;
    pub const ACTIVE: u32 = 1 << 2;
    pub const RELATIVE: u32 = 1 << 3;
    pub const BANDWIDTH_BYTES: u32 = 1 << 4;
}

/// `virDomainBlockJobAbortFlags`.
pub mod abort {
    pub const ASYNC: u32 = 1 << 0;
    pub const PIVOT: u32 = 1 << 1;
}

/// `virDomainBlockJobSetSpeedFlags` and `virDomainBlockJobInfoFlags`.
pub mod speed {
    pub const BANDWIDTH_BYTES: u32 = 1 << 0;
}
