//! What the older domain job calls (`virDomainGetJobInfo`, `virDomainGetJobStats`, JOB_COMPLETED) say of a job.
//! Shared by the drivers.

use std::borrow::Cow;

use crate::driver::request::DomainJobInfo;
use crate::job::{Job, MigrationStats, Origin, Outcome};
use crate::model::{Error, JobType, Now, Result, TypedParam, TypedValue};

/// The older calls' `virDomainJobType`.
pub mod job_type {
    pub const NONE: i32 = 0;
    pub const BOUNDED: i32 = 1;
    pub const UNBOUNDED: i32 = 2;
    pub const COMPLETED: i32 = 3;
    pub const FAILED: i32 = 4;
    pub const CANCELLED: i32 = 5;
}

/// The size of a page of the guest's memory in all figures.
const PAGE: u64 = 4096;

/// `virDomainJobOperation` of a type that the older calls call a domain job.
pub fn operation(kind: JobType) -> Option<i32> {
    Some(match kind {
        JobType::Save => 2,
        JobType::Restore => 3,
        JobType::MigrationIn => 4,
        JobType::Migration => 5,
        JobType::Snapshot => 6,
        JobType::SnapshotRevert => 7,
        JobType::Dump => 8,
        JobType::BlockBackup => 9,
        JobType::SnapshotDelete => 10,
        _ => return None,
    })
}

/// What libvirt calls a domain job in its messages.
pub fn operation_name(kind: JobType) -> &'static str {
    match kind {
        JobType::Save => "domain save",
        JobType::Restore => "domain restore",
        JobType::MigrationIn => "migration in",
        JobType::Migration => "migration out",
        JobType::Snapshot => "snapshot",
        JobType::SnapshotRevert => "snapshot revert",
        JobType::SnapshotDelete => "snapshot delete",
        JobType::Dump => "domain core dump",
        JobType::BlockBackup => "backup",
        _ => "block job",
    }
}

/// The job that the older calls mean by "the domain's job": one of ours that has not ended; a backup only if there is no
/// other.
pub fn domain_job<'a>(jobs: impl Iterator<Item = &'a Job>) -> Option<&'a Job> {
    let mut backup = None;
    for job in jobs.filter(|job| job.origin() == Origin::Own && job.is_active() && operation(job.kind()).is_some()) {
        if job.kind() != JobType::BlockBackup {
            return Some(job);
        }
        backup = backup.or(Some(job));
    }
    backup
}

/// `VIR_DOMAIN_ABORT_JOB_POSTCOPY`.
const ABORT_POSTCOPY: u32 = 1;

/// The name of the job that `virDomainAbortJob` is to abort.
///
/// # Errors
/// `OPERATION_INVALID` if there is none, or it is one that libvirt does not abort.
pub fn to_abort<'a>(jobs: impl Iterator<Item = &'a Job>, flags: u32) -> Result<String> {
    let job = domain_job(jobs).ok_or_else(|| Error::invalid("no job is active on the domain"))?;
    if flags & ABORT_POSTCOPY != 0 {
        return Err(Error::invalid("current job is not outgoing migration in post-copy mode"));
    }
    match job.kind() {
        JobType::Dump if job.config().has_option("memory-only") => Err(Error::invalid("cannot abort memory-only dump")),
        JobType::MigrationIn => Err(Error::invalid("cannot abort incoming migration; use virDomainDestroy instead")),
        _ => Ok(job.name().to_owned()),
    }
}

/// `virDomainGetJobInfo`'s figures.
pub fn info(job: &Job, now: Now) -> DomainJobInfo {
    let stats = job.stats();
    let mut info = DomainJobInfo { kind: job_type::UNBOUNDED, time_elapsed: job.elapsed_ms(now), ..DomainJobInfo::default() };
    match memory_of(job) {
        Some(memory) => {
            info.mem_total = memory.memory_total;
            info.mem_processed = memory.memory_processed;
            info.mem_remaining = memory.memory_remaining;
            (info.data_total, info.data_processed, info.data_remaining) = (info.mem_total, info.mem_processed, info.mem_remaining);
        }
        // What a client reads is not counted.
        None if has_option(job, "pull") => {}
        None => {
            info.file_total = stats.end;
            info.file_processed = stats.current;
            info.file_remaining = stats.end.saturating_sub(stats.current);
            (info.data_total, info.data_processed, info.data_remaining) = (info.file_total, info.file_processed, info.file_remaining);
        }
    }
    info
}

/// `virDomainGetJobStats`' parameters, in libvirt's order.
pub fn stats(job: &Job, now: Now) -> Vec<TypedParam> {
    let mut params = vec![
        TypedParam::new("operation", TypedValue::Int(operation(job.kind()).unwrap_or(0))),
        TypedParam::ullong("time_elapsed", job.elapsed_ms(now)),
    ];
    let mut add = |field: &str, value: u64| params.push(TypedParam::ullong(field, value));
    let stats = job.stats();
    let Some(memory) = memory_of(job) else {
        if stats.end == 0 {
            return params;
        }
        if has_option(job, "pull") {
            add("disk_temp_used", stats.current);
            add("disk_temp_total", stats.end);
            return params;
        }
        add("disk_total", stats.end);
        add("disk_processed", stats.current);
        add("disk_remaining", stats.end.saturating_sub(stats.current));
        return params;
    };
    let memory = &memory;
    if has_option(job, "memory-only") {
        add_sizes(&mut add, "memory", memory);
        return params;
    }
    memory.downtime_ms.into_iter().for_each(|ms| add("downtime", ms));
    memory.setup_ms.into_iter().for_each(|ms| add("setup_time", ms));
    for prefix in ["data", "memory"] {
        add_sizes(&mut add, prefix, memory);
    }
    if memory.memory_rate > 0 {
        add("memory_bps", memory.memory_rate);
    }
    let page = if memory.page_size == 0 { PAGE } else { memory.page_size };
    add("memory_constant", memory.pages_constant);
    add("memory_normal", memory.pages_normal);
    add("memory_normal_bytes", memory.pages_normal.saturating_mul(page));
    add("memory_dirty_rate", memory.dirty_rate);
    add("memory_iteration", memory.iteration);
    add("memory_postcopy_requests", memory.postcopy_requests);
    add("memory_page_size", page);
    if job.kind() == JobType::Migration {
        add_migration(&mut add, memory);
    }
    params
}

/// The figures of a job that moves the guest's memory: none yet if it has only just begun.
fn memory_of(job: &Job) -> Option<Cow<'_, MigrationStats>> {
    match (&job.stats().migration, job.kind()) {
        (Some(memory), _) => Some(Cow::Borrowed(memory)),
        (None, JobType::Save | JobType::Dump | JobType::Migration) => Some(Cow::Owned(MigrationStats::default())),
        (None, _) => None,
    }
}

fn add_sizes(add: &mut impl FnMut(&str, u64), prefix: &str, memory: &MigrationStats) {
    add(&format!("{prefix}_total"), memory.memory_total);
    add(&format!("{prefix}_processed"), memory.memory_processed);
    add(&format!("{prefix}_remaining"), memory.memory_remaining);
}

/// What is left out of a save's parameters.
fn add_migration(add: &mut impl FnMut(&str, u64), memory: &MigrationStats) {
    for field in ["disk_total", "disk_processed", "disk_remaining"] {
        // QEMU's migrations have no storage in them.
        add(field, 0);
    }
    if let Some(compression) = &memory.compression {
        add("compression_cache", compression.cache);
        add("compression_bytes", compression.bytes);
        add("compression_pages", compression.pages);
        add("compression_cache_misses", compression.cache_misses);
        add("compression_overflow", compression.overflows);
    }
    if memory.throttle > 0 {
        add("auto_converge_throttle", memory.throttle);
    }
}

/// The parameters of JOB_COMPLETED and of the statistics of the last job; `None` where libvirt says nothing: it tells
/// the end of every backup, and the success of what is a migration underneath and goes out from the domain.
pub fn completed(job: &Job, outcome: &Outcome, now: Now) -> Option<Vec<TypedParam>> {
    match job.kind() {
        JobType::Save | JobType::Migration | JobType::Snapshot | JobType::Dump => {
            let told = *outcome == Outcome::Completed && job.stats().migration.is_some() && !has_option(job, "memory-only");
            return told.then(|| stats(job, now));
        }
        JobType::BlockBackup => {}
        _ => return None,
    }
    let mut params = stats(job, now);
    // A backup that its client reads ends by being cancelled.
    let success = *outcome == Outcome::Completed || (has_option(job, "pull") && *outcome == Outcome::Aborted);
    params.push(TypedParam::new("success", TypedValue::Boolean(success)));
    match outcome {
        Outcome::Completed => {}
        Outcome::Aborted => params.push(TypedParam::string("errmsg", "Operation canceled")),
        Outcome::Failed(why) => params.push(TypedParam::string("errmsg", why)),
    }
    Some(params)
}

/// The older `virDomainJobType` of a job that ended. A backup that its client reads ends well by being cancelled.
pub fn type_of_end(job: &Job, outcome: &Outcome) -> i32 {
    match outcome {
        Outcome::Aborted if !has_option(job, "pull") => job_type::CANCELLED,
        Outcome::Failed(_) => job_type::FAILED,
        _ => job_type::COMPLETED,
    }
}

fn has_option(job: &Job, word: &str) -> bool {
    job.config().has_option(word)
}
