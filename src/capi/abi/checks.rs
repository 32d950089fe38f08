//! The headers and `crate::model` say the same, and structs are laid out as C expects: checked when this is compiled.

use std::mem::{offset_of, size_of};

use super::{beyond, block, domain, domain_event, domain_job, error, flags as flags_section, host, overlay, proposal, typed};
use crate::model::domain::reason;
use crate::model::event::{block_status, block_type, id, lifecycle};
use crate::model::{code, flags, from, ControlOp, DomainState, JobState, JobType};

macro_rules! same {
    ($($ours:expr => $header:expr;)+) => {$(
        const _: () = assert!($ours as i64 == $header as i64);
    )+};
}

same! {
    JobType::None => overlay::VIR_DOMAIN_JOB_TYPE_NONE;
    JobType::Migration => overlay::VIR_DOMAIN_JOB_TYPE_MIGRATION;
    JobType::BlockPull => overlay::VIR_DOMAIN_JOB_TYPE_BLOCK_PULL;
    JobType::BlockCopy => overlay::VIR_DOMAIN_JOB_TYPE_BLOCK_COPY;
    JobType::BlockCommit => overlay::VIR_DOMAIN_JOB_TYPE_BLOCK_COMMIT;
    JobType::BlockCommitActive => overlay::VIR_DOMAIN_JOB_TYPE_BLOCK_COMMIT_ACTIVE;
    JobType::BlockBackup => overlay::VIR_DOMAIN_JOB_TYPE_BLOCK_BACKUP;
    JobType::BlockCreate => overlay::VIR_DOMAIN_JOB_TYPE_BLOCK_CREATE;
    JobType::BlockAmend => overlay::VIR_DOMAIN_JOB_TYPE_BLOCK_AMEND;
    JobType::Save => overlay::VIR_DOMAIN_JOB_TYPE_SAVE;
    JobType::Restore => overlay::VIR_DOMAIN_JOB_TYPE_RESTORE;
    JobType::Dump => overlay::VIR_DOMAIN_JOB_TYPE_DUMP;
    JobType::Snapshot => overlay::VIR_DOMAIN_JOB_TYPE_SNAPSHOT;
    JobType::SnapshotRevert => overlay::VIR_DOMAIN_JOB_TYPE_SNAPSHOT_REVERT;
    JobType::SnapshotDelete => overlay::VIR_DOMAIN_JOB_TYPE_SNAPSHOT_DELETE;
    JobType::MigrationIn => overlay::VIR_DOMAIN_JOB_TYPE_MIGRATION_IN;
    JobType::Other => overlay::VIR_DOMAIN_JOB_TYPE_OTHER;
    JobState::None => proposal::virDomainJobState::VIR_DOMAIN_JOB_STATE_NONE;
    JobState::Running => proposal::virDomainJobState::VIR_DOMAIN_JOB_STATE_RUNNING;
    JobState::Ready => proposal::virDomainJobState::VIR_DOMAIN_JOB_STATE_READY;
    JobState::Failed => proposal::virDomainJobState::VIR_DOMAIN_JOB_STATE_FAILED;
    JobState::Completed => proposal::virDomainJobState::VIR_DOMAIN_JOB_STATE_COMPLETED;
    JobState::Aborted => proposal::virDomainJobState::VIR_DOMAIN_JOB_STATE_ABORTED;
    JobState::Paused => proposal::virDomainJobState::VIR_DOMAIN_JOB_STATE_PAUSED;
    ControlOp::None => proposal::virDomainJobControlOperation::VIR_DOMAIN_JOB_CONTROL_OPERATION_NONE;
    ControlOp::Abort => proposal::virDomainJobControlOperation::VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT;
    ControlOp::Finalize => proposal::virDomainJobControlOperation::VIR_DOMAIN_JOB_CONTROL_OPERATION_FINALIZE;
    ControlOp::Pause => proposal::virDomainJobControlOperation::VIR_DOMAIN_JOB_CONTROL_OPERATION_PAUSE;
    ControlOp::Resume => proposal::virDomainJobControlOperation::VIR_DOMAIN_JOB_CONTROL_OPERATION_RESUME;
    ControlOp::Dismiss => proposal::virDomainJobControlOperation::VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS;
}

same! {
    DomainState::NoState => domain::virDomainState::VIR_DOMAIN_NOSTATE;
    DomainState::Running => domain::virDomainState::VIR_DOMAIN_RUNNING;
    DomainState::Blocked => domain::virDomainState::VIR_DOMAIN_BLOCKED;
    DomainState::Paused => domain::virDomainState::VIR_DOMAIN_PAUSED;
    DomainState::Shutdown => domain::virDomainState::VIR_DOMAIN_SHUTDOWN;
    DomainState::Shutoff => domain::virDomainState::VIR_DOMAIN_SHUTOFF;
    DomainState::Crashed => domain::virDomainState::VIR_DOMAIN_CRASHED;
    DomainState::PmSuspended => domain::virDomainState::VIR_DOMAIN_PMSUSPENDED;
}

same! {
    code::OK => error::virErrorNumber::VIR_ERR_OK;
    code::INTERNAL_ERROR => error::virErrorNumber::VIR_ERR_INTERNAL_ERROR;
    code::NO_MEMORY => error::virErrorNumber::VIR_ERR_NO_MEMORY;
    code::NO_SUPPORT => error::virErrorNumber::VIR_ERR_NO_SUPPORT;
    code::NO_CONNECT => error::virErrorNumber::VIR_ERR_NO_CONNECT;
    code::INVALID_CONN => error::virErrorNumber::VIR_ERR_INVALID_CONN;
    code::INVALID_DOMAIN => error::virErrorNumber::VIR_ERR_INVALID_DOMAIN;
    code::INVALID_ARG => error::virErrorNumber::VIR_ERR_INVALID_ARG;
    code::OPERATION_FAILED => error::virErrorNumber::VIR_ERR_OPERATION_FAILED;
    code::NO_SOURCE => error::virErrorNumber::VIR_ERR_NO_SOURCE;
    code::NO_TARGET => error::virErrorNumber::VIR_ERR_NO_TARGET;
    code::NO_NAME => error::virErrorNumber::VIR_ERR_NO_NAME;
    code::XML_ERROR => error::virErrorNumber::VIR_ERR_XML_ERROR;
    code::DOM_EXIST => error::virErrorNumber::VIR_ERR_DOM_EXIST;
    code::OPERATION_DENIED => error::virErrorNumber::VIR_ERR_OPERATION_DENIED;
    code::XML_DETAIL => error::virErrorNumber::VIR_ERR_XML_DETAIL;
    code::SYSTEM_ERROR => error::virErrorNumber::VIR_ERR_SYSTEM_ERROR;
    code::RPC => error::virErrorNumber::VIR_ERR_RPC;
    code::NO_DOMAIN => error::virErrorNumber::VIR_ERR_NO_DOMAIN;
    code::OPERATION_INVALID => error::virErrorNumber::VIR_ERR_OPERATION_INVALID;
    code::CONFIG_UNSUPPORTED => error::virErrorNumber::VIR_ERR_CONFIG_UNSUPPORTED;
    code::OPERATION_TIMEOUT => error::virErrorNumber::VIR_ERR_OPERATION_TIMEOUT;
    code::INVALID_DOMAIN_SNAPSHOT => error::virErrorNumber::VIR_ERR_INVALID_DOMAIN_SNAPSHOT;
    code::NO_DOMAIN_SNAPSHOT => error::virErrorNumber::VIR_ERR_NO_DOMAIN_SNAPSHOT;
    code::ARGUMENT_UNSUPPORTED => error::virErrorNumber::VIR_ERR_ARGUMENT_UNSUPPORTED;
    code::OPERATION_ABORTED => error::virErrorNumber::VIR_ERR_OPERATION_ABORTED;
    code::OVERFLOW => error::virErrorNumber::VIR_ERR_OVERFLOW;
    code::BLOCK_COPY_ACTIVE => error::virErrorNumber::VIR_ERR_BLOCK_COPY_ACTIVE;
    code::OPERATION_UNSUPPORTED => error::virErrorNumber::VIR_ERR_OPERATION_UNSUPPORTED;
    code::RESOURCE_BUSY => error::virErrorNumber::VIR_ERR_RESOURCE_BUSY;
    code::DEVICE_MISSING => error::virErrorNumber::VIR_ERR_DEVICE_MISSING;
    code::NO_DOMAIN_BACKUP => error::virErrorNumber::VIR_ERR_NO_DOMAIN_BACKUP;
    code::NO_DOMAIN_JOB => proposal::VIR_ERR_NO_DOMAIN_JOB;
}

same! {
    from::NONE => error::virErrorDomain::VIR_FROM_NONE;
    from::XML => error::virErrorDomain::VIR_FROM_XML;
    from::DOM => error::virErrorDomain::VIR_FROM_DOM;
    from::QEMU => error::virErrorDomain::VIR_FROM_QEMU;
    from::TEST => error::virErrorDomain::VIR_FROM_TEST;
    from::DOMAIN => error::virErrorDomain::VIR_FROM_DOMAIN;
    from::STORAGE => error::virErrorDomain::VIR_FROM_STORAGE;
    from::DOMAIN_SNAPSHOT => error::virErrorDomain::VIR_FROM_DOMAIN_SNAPSHOT;
    from::EVENT => error::virErrorDomain::VIR_FROM_EVENT;
    from::URI => error::virErrorDomain::VIR_FROM_URI;
    from::THREAD => error::virErrorDomain::VIR_FROM_THREAD;
}

same! {
    reason::RUNNING_UNKNOWN => domain::virDomainRunningReason::VIR_DOMAIN_RUNNING_UNKNOWN;
    reason::RUNNING_BOOTED => domain::virDomainRunningReason::VIR_DOMAIN_RUNNING_BOOTED;
    reason::RUNNING_MIGRATED => domain::virDomainRunningReason::VIR_DOMAIN_RUNNING_MIGRATED;
    reason::RUNNING_RESTORED => domain::virDomainRunningReason::VIR_DOMAIN_RUNNING_RESTORED;
    reason::RUNNING_FROM_SNAPSHOT => domain::virDomainRunningReason::VIR_DOMAIN_RUNNING_FROM_SNAPSHOT;
    reason::RUNNING_UNPAUSED => domain::virDomainRunningReason::VIR_DOMAIN_RUNNING_UNPAUSED;
    reason::RUNNING_MIGRATION_CANCELED => domain::virDomainRunningReason::VIR_DOMAIN_RUNNING_MIGRATION_CANCELED;
    reason::RUNNING_SAVE_CANCELED => domain::virDomainRunningReason::VIR_DOMAIN_RUNNING_SAVE_CANCELED;
    reason::RUNNING_POSTCOPY => domain::virDomainRunningReason::VIR_DOMAIN_RUNNING_POSTCOPY;
    reason::PAUSED_UNKNOWN => domain::virDomainPausedReason::VIR_DOMAIN_PAUSED_UNKNOWN;
    reason::PAUSED_USER => domain::virDomainPausedReason::VIR_DOMAIN_PAUSED_USER;
    reason::PAUSED_MIGRATION => domain::virDomainPausedReason::VIR_DOMAIN_PAUSED_MIGRATION;
    reason::PAUSED_SAVE => domain::virDomainPausedReason::VIR_DOMAIN_PAUSED_SAVE;
    reason::PAUSED_DUMP => domain::virDomainPausedReason::VIR_DOMAIN_PAUSED_DUMP;
    reason::PAUSED_IOERROR => domain::virDomainPausedReason::VIR_DOMAIN_PAUSED_IOERROR;
    reason::PAUSED_WATCHDOG => domain::virDomainPausedReason::VIR_DOMAIN_PAUSED_WATCHDOG;
    reason::PAUSED_FROM_SNAPSHOT => domain::virDomainPausedReason::VIR_DOMAIN_PAUSED_FROM_SNAPSHOT;
    reason::PAUSED_SHUTTING_DOWN => domain::virDomainPausedReason::VIR_DOMAIN_PAUSED_SHUTTING_DOWN;
    reason::PAUSED_SNAPSHOT => domain::virDomainPausedReason::VIR_DOMAIN_PAUSED_SNAPSHOT;
    reason::PAUSED_CRASHED => domain::virDomainPausedReason::VIR_DOMAIN_PAUSED_CRASHED;
    reason::PAUSED_STARTING_UP => domain::virDomainPausedReason::VIR_DOMAIN_PAUSED_STARTING_UP;
    reason::SHUTDOWN_UNKNOWN => domain::virDomainShutdownReason::VIR_DOMAIN_SHUTDOWN_UNKNOWN;
    reason::SHUTDOWN_USER => domain::virDomainShutdownReason::VIR_DOMAIN_SHUTDOWN_USER;
    reason::SHUTOFF_UNKNOWN => domain::virDomainShutoffReason::VIR_DOMAIN_SHUTOFF_UNKNOWN;
    reason::SHUTOFF_SHUTDOWN => domain::virDomainShutoffReason::VIR_DOMAIN_SHUTOFF_SHUTDOWN;
    reason::SHUTOFF_DESTROYED => domain::virDomainShutoffReason::VIR_DOMAIN_SHUTOFF_DESTROYED;
    reason::SHUTOFF_CRASHED => domain::virDomainShutoffReason::VIR_DOMAIN_SHUTOFF_CRASHED;
    reason::SHUTOFF_MIGRATED => domain::virDomainShutoffReason::VIR_DOMAIN_SHUTOFF_MIGRATED;
    reason::SHUTOFF_SAVED => domain::virDomainShutoffReason::VIR_DOMAIN_SHUTOFF_SAVED;
    reason::SHUTOFF_FAILED => domain::virDomainShutoffReason::VIR_DOMAIN_SHUTOFF_FAILED;
    reason::SHUTOFF_FROM_SNAPSHOT => domain::virDomainShutoffReason::VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT;
    reason::CRASHED_PANICKED => domain::virDomainCrashedReason::VIR_DOMAIN_CRASHED_PANICKED;
}

same! {
    id::LIFECYCLE => domain_event::virDomainEventID::VIR_DOMAIN_EVENT_ID_LIFECYCLE;
    id::BLOCK_JOB => domain_event::virDomainEventID::VIR_DOMAIN_EVENT_ID_BLOCK_JOB;
    id::BLOCK_JOB_2 => domain_event::virDomainEventID::VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2;
    id::MIGRATION_ITERATION => domain_event::virDomainEventID::VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION;
    id::JOB_COMPLETED => domain_event::virDomainEventID::VIR_DOMAIN_EVENT_ID_JOB_COMPLETED;
    id::JOB_STATE => domain_event::virDomainEventID::VIR_DOMAIN_EVENT_ID_JOB_STATE;
    id::JOB_STATE_OVERLAY => beyond::VIR_DOMAIN_EVENT_ID_JOB_STATE_OVERLAY;
}

same! {
    lifecycle::DEFINED => domain_event::virDomainEventType::VIR_DOMAIN_EVENT_DEFINED;
    lifecycle::UNDEFINED => domain_event::virDomainEventType::VIR_DOMAIN_EVENT_UNDEFINED;
    lifecycle::STARTED => domain_event::virDomainEventType::VIR_DOMAIN_EVENT_STARTED;
    lifecycle::SUSPENDED => domain_event::virDomainEventType::VIR_DOMAIN_EVENT_SUSPENDED;
    lifecycle::RESUMED => domain_event::virDomainEventType::VIR_DOMAIN_EVENT_RESUMED;
    lifecycle::STOPPED => domain_event::virDomainEventType::VIR_DOMAIN_EVENT_STOPPED;
    lifecycle::SHUTDOWN => domain_event::virDomainEventType::VIR_DOMAIN_EVENT_SHUTDOWN;
    lifecycle::PMSUSPENDED => domain_event::virDomainEventType::VIR_DOMAIN_EVENT_PMSUSPENDED;
    lifecycle::CRASHED => domain_event::virDomainEventType::VIR_DOMAIN_EVENT_CRASHED;
    lifecycle::STARTED_BOOTED => domain_event::virDomainEventStartedDetailType::VIR_DOMAIN_EVENT_STARTED_BOOTED;
    lifecycle::STARTED_MIGRATED => domain_event::virDomainEventStartedDetailType::VIR_DOMAIN_EVENT_STARTED_MIGRATED;
    lifecycle::STARTED_RESTORED => domain_event::virDomainEventStartedDetailType::VIR_DOMAIN_EVENT_STARTED_RESTORED;
    lifecycle::STARTED_FROM_SNAPSHOT => domain_event::virDomainEventStartedDetailType::VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT;
    lifecycle::SUSPENDED_PAUSED => domain_event::virDomainEventSuspendedDetailType::VIR_DOMAIN_EVENT_SUSPENDED_PAUSED;
    lifecycle::SUSPENDED_MIGRATED => domain_event::virDomainEventSuspendedDetailType::VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED;
    lifecycle::SUSPENDED_IOERROR => domain_event::virDomainEventSuspendedDetailType::VIR_DOMAIN_EVENT_SUSPENDED_IOERROR;
    lifecycle::SUSPENDED_RESTORED => domain_event::virDomainEventSuspendedDetailType::VIR_DOMAIN_EVENT_SUSPENDED_RESTORED;
    lifecycle::SUSPENDED_FROM_SNAPSHOT => domain_event::virDomainEventSuspendedDetailType::VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT;
    lifecycle::RESUMED_UNPAUSED => domain_event::virDomainEventResumedDetailType::VIR_DOMAIN_EVENT_RESUMED_UNPAUSED;
    lifecycle::RESUMED_MIGRATED => domain_event::virDomainEventResumedDetailType::VIR_DOMAIN_EVENT_RESUMED_MIGRATED;
    lifecycle::RESUMED_FROM_SNAPSHOT => domain_event::virDomainEventResumedDetailType::VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT;
    lifecycle::STOPPED_SHUTDOWN => domain_event::virDomainEventStoppedDetailType::VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN;
    lifecycle::STOPPED_DESTROYED => domain_event::virDomainEventStoppedDetailType::VIR_DOMAIN_EVENT_STOPPED_DESTROYED;
    lifecycle::STOPPED_CRASHED => domain_event::virDomainEventStoppedDetailType::VIR_DOMAIN_EVENT_STOPPED_CRASHED;
    lifecycle::STOPPED_MIGRATED => domain_event::virDomainEventStoppedDetailType::VIR_DOMAIN_EVENT_STOPPED_MIGRATED;
    lifecycle::STOPPED_SAVED => domain_event::virDomainEventStoppedDetailType::VIR_DOMAIN_EVENT_STOPPED_SAVED;
    lifecycle::STOPPED_FAILED => domain_event::virDomainEventStoppedDetailType::VIR_DOMAIN_EVENT_STOPPED_FAILED;
    lifecycle::STOPPED_FROM_SNAPSHOT => domain_event::virDomainEventStoppedDetailType::VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT;
    lifecycle::SHUTDOWN_FINISHED => domain_event::virDomainEventShutdownDetailType::VIR_DOMAIN_EVENT_SHUTDOWN_FINISHED;
    lifecycle::SHUTDOWN_GUEST => domain_event::virDomainEventShutdownDetailType::VIR_DOMAIN_EVENT_SHUTDOWN_GUEST;
    lifecycle::SHUTDOWN_HOST => domain_event::virDomainEventShutdownDetailType::VIR_DOMAIN_EVENT_SHUTDOWN_HOST;
}

same! {
    block_type::UNKNOWN => block::virDomainBlockJobType::VIR_DOMAIN_BLOCK_JOB_TYPE_UNKNOWN;
    block_type::PULL => block::virDomainBlockJobType::VIR_DOMAIN_BLOCK_JOB_TYPE_PULL;
    block_type::COPY => block::virDomainBlockJobType::VIR_DOMAIN_BLOCK_JOB_TYPE_COPY;
    block_type::COMMIT => block::virDomainBlockJobType::VIR_DOMAIN_BLOCK_JOB_TYPE_COMMIT;
    block_type::ACTIVE_COMMIT => block::virDomainBlockJobType::VIR_DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT;
    block_type::BACKUP => block::virDomainBlockJobType::VIR_DOMAIN_BLOCK_JOB_TYPE_BACKUP;
}

same! {
    block_status::COMPLETED => domain_event::virConnectDomainEventBlockJobStatus::VIR_DOMAIN_BLOCK_JOB_COMPLETED;
    block_status::FAILED => domain_event::virConnectDomainEventBlockJobStatus::VIR_DOMAIN_BLOCK_JOB_FAILED;
    block_status::CANCELED => domain_event::virConnectDomainEventBlockJobStatus::VIR_DOMAIN_BLOCK_JOB_CANCELED;
    block_status::READY => domain_event::virConnectDomainEventBlockJobStatus::VIR_DOMAIN_BLOCK_JOB_READY;
}

same! {
    flags::list::ACTIVE => flags_section::virDomainJobListFlags::VIR_DOMAIN_JOB_LIST_ACTIVE;
    flags::list::FINISHED => flags_section::virDomainJobListFlags::VIR_DOMAIN_JOB_LIST_FINISHED;
    flags::list::BLOCK => flags_section::virDomainJobListFlags::VIR_DOMAIN_JOB_LIST_BLOCK;
    flags::list::DOMAIN => flags_section::virDomainJobListFlags::VIR_DOMAIN_JOB_LIST_DOMAIN;
    flags::list::STATS => flags_section::virDomainJobListFlags::VIR_DOMAIN_JOB_LIST_STATS;
    flags::list::XML => flags_section::virDomainJobListFlags::VIR_DOMAIN_JOB_LIST_XML;
}

same! {
    flags::job_xml::NO_STATS => flags_section::virDomainJobXMLFlags::VIR_DOMAIN_JOB_XML_NO_STATS;
}

same! {
    flags::rebase::SHALLOW => block::virDomainBlockRebaseFlags::VIR_DOMAIN_BLOCK_REBASE_SHALLOW;
    flags::rebase::REUSE_EXT => block::virDomainBlockRebaseFlags::VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT;
    flags::rebase::COPY_RAW => block::virDomainBlockRebaseFlags::VIR_DOMAIN_BLOCK_REBASE_COPY_RAW;
    flags::rebase::COPY => block::virDomainBlockRebaseFlags::VIR_DOMAIN_BLOCK_REBASE_COPY;
    flags::rebase::RELATIVE => block::virDomainBlockRebaseFlags::VIR_DOMAIN_BLOCK_REBASE_RELATIVE;
    flags::rebase::COPY_DEV => block::virDomainBlockRebaseFlags::VIR_DOMAIN_BLOCK_REBASE_COPY_DEV;
    flags::rebase::BANDWIDTH_BYTES => block::virDomainBlockRebaseFlags::VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES;
}

same! {
    flags::pull::BANDWIDTH_BYTES => block::virDomainBlockPullFlags::VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES;
}

same! {
    flags::copy::SHALLOW => block::virDomainBlockCopyFlags::VIR_DOMAIN_BLOCK_COPY_SHALLOW;
    flags::copy::REUSE_EXT => block::virDomainBlockCopyFlags::VIR_DOMAIN_BLOCK_COPY_REUSE_EXT;
    flags::copy::TRANSIENT_JOB => block::virDomainBlockCopyFlags::VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB;
    flags::copy::SYNCHRONOUS_WRITES => block::virDomainBlockCopyFlags::VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES;
}

same! {
    flags::commit::SHALLOW => block::virDomainBlockCommitFlags::VIR_DOMAIN_BLOCK_COMMIT_SHALLOW;
    flags::commit::DELETE => block::virDomainBlockCommitFlags::VIR_DOMAIN_BLOCK_COMMIT_DELETE;
    flags::commit::ACTIVE => block::virDomainBlockCommitFlags::VIR_DOMAIN_BLOCK_COMMIT_ACTIVE;
    flags::commit::RELATIVE => block::virDomainBlockCommitFlags::VIR_DOMAIN_BLOCK_COMMIT_RELATIVE;
    flags::commit::BANDWIDTH_BYTES => block::virDomainBlockCommitFlags::VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES;
}

same! {
    flags::abort::ASYNC => block::virDomainBlockJobAbortFlags::VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC;
    flags::abort::PIVOT => block::virDomainBlockJobAbortFlags::VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT;
}

same! {
    flags::speed::BANDWIDTH_BYTES => block::virDomainBlockJobSetSpeedFlags::VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES;
}

same! {
    flags::JOB_START_PARALLEL => flags_section::VIR_DOMAIN_JOB_START_PARALLEL;
    flags::JOB_START_PERSIST => flags_section::VIR_DOMAIN_JOB_START_PERSIST;
}

macro_rules! laid_out {
    ($($type:ty, $size:literal: $($field:ident $offset:literal),+;)+) => {$(
        const _: () = assert!(size_of::<$type>() == $size);
        $(const _: () = assert!(offset_of!($type, $field) == $offset);)+
    )+};
}

#[cfg(target_pointer_width = "64")]
laid_out! {
    domain::virDomainBlockInfo, 24: capacity 0, allocation 8, physical 16;
    block::virDomainBlockJobInfo, 32: r#type 0, bandwidth 8, cur 16, end 24;
    domain::virDomainInfo, 40: state 0, maxMem 8, memory 16, nrVirtCpu 24, cpuTime 32;
    domain_job::virDomainJobInfo, 96: r#type 0, timeElapsed 8, timeRemaining 16, dataTotal 24, dataRemaining 40, memTotal 48, fileTotal 72, fileRemaining 88;
    error::virError, 80: code 0, domain 4, message 8, level 16, conn 24, dom 32, str1 40, str2 48, str3 56, int1 64, int2 68, net 72;
    host::virConnectAuth, 32: credtype 0, ncredtype 8, cb 16, cbdata 24;
    host::virConnectCredential, 48: r#type 0, prompt 8, challenge 16, defresult 24, result 32, resultlen 40;
    proposal::virDomainJob, 32: name 0, r#type 8, state 12, data 16, ndata 24;
    typed::virTypedParameter, 96: field 0, r#type 80, value 88;
}
