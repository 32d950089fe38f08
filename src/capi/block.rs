//! Block jobs and backups by the older functions: pull, rebase, copy, commit, and what they say of the job on a disk.

use std::ffi::{c_char, c_int, c_uint, c_ulong};
use std::ptr;
use std::sync::Arc;

use super::ctypes::{virDomainBlockJobInfo, virDomainBlockJobInfoPtr, virDomainPtr, virTypedParameterPtr};
use super::entry::{entry, Call, Outcome};
use super::forward::{forward, forward_abort, forward_start};
use super::handle::Domain;
use super::job::note_started;
use super::overlay::{abort_on_disk, start_backup, start_copy, start_on_disk};
use super::typedparam::{self, kind, once};
use crate::driver::request::{BlockCommit, BlockCopy, BlockPull, CopyDestination};
use crate::model::flags::{abort, commit, copy, pull, rebase, speed, JOB_START_MASK};
use crate::model::{code, from, Error, JobType, Result};

const PULL_FLAGS: u32 = pull::BANDWIDTH_BYTES | JOB_START_MASK;
const REBASE_FLAGS: u32 = rebase::SHALLOW
    | rebase::REUSE_EXT
    | rebase::COPY_RAW
    | rebase::COPY
    | rebase::RELATIVE
    | rebase::COPY_DEV
    | rebase::BANDWIDTH_BYTES
    | JOB_START_MASK;
const REBASE_NEEDS_COPY: u32 = rebase::SHALLOW | rebase::REUSE_EXT | rebase::COPY_RAW | rebase::COPY_DEV;
const COPY_FLAGS: u32 = copy::SHALLOW | copy::REUSE_EXT | copy::TRANSIENT_JOB | copy::SYNCHRONOUS_WRITES | JOB_START_MASK;
const COMMIT_FLAGS: u32 = commit::SHALLOW | commit::DELETE | commit::ACTIVE | commit::RELATIVE | commit::BANDWIDTH_BYTES | JOB_START_MASK;
/// `VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL`.
const BACKUP_FLAGS: u32 = (1 << 0) | JOB_START_MASK;

/// The largest limit in MiB per second that does not overflow in bytes.
const MAX_MIB: u64 = i64::MAX as u64 >> 20;

/// A limit in bytes per second, which was given in MiB unless `in_bytes`.
fn bytes_per_second(bandwidth: c_ulong, in_bytes: bool) -> Result<u64> {
    match bandwidth {
        bytes if in_bytes => Ok(bytes),
        mib if mib <= MAX_MIB => Ok(mib << 20),
        _ => Err(Error::new(code::OVERFLOW, format!("bandwidth must be less than {MAX_MIB}"))),
    }
}

/// The domain and the disk of a call that changes a block job. The flags are checked later, as the driver would.
unsafe fn on_disk<'a>(call: &Call, domain: virDomainPtr, disk: *const c_char) -> Outcome<(Arc<Domain>, &'a str)> {
    let domain = call.domain(domain)?;
    call.writable()?;
    // SAFETY: as the caller says.
    Ok((domain, unsafe { call.text(disk, "disk") }?))
}

/// Copies what the backing images of @disk hold into its active image, which then has none. @disk is a target such as
/// "vda", or the path of the source.
///
/// @bandwidth limits the job in MiB/s, in bytes/s with VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES; 0 is no limit. @flags is a
/// combination of virDomainBlockPullFlags and virDomainJobStartFlags.
///
/// Returns 0 once the job runs, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainBlockPull(domain: virDomainPtr, disk: *const c_char, bandwidth: c_ulong, flags: c_uint) -> c_int {
    forward_start!(
        virDomainBlockPull(domain, disk, bandwidth, flags),
        flags,
        start_on_disk(domain, JobType::BlockPull, disk, ptr::null(), flags)
    );
    entry(from::DOMAIN, "virDomainBlockPull", |call| {
        let (domain, disk) = unsafe { on_disk(call, domain, disk) }?;
        call.flags(flags, PULL_FLAGS)?;
        let driver = domain.driver()?;
        let bandwidth = bytes_per_second(bandwidth, flags & pull::BANDWIDTH_BYTES != 0);
        let bandwidth = bandwidth.or_else(|error| driver.refuse_if_busy(disk).and(Err(error)))?;
        let name = driver.block_pull(&BlockPull { disk, base: None, bandwidth, flags })?;
        note_started(domain.uuid(), name);
        Ok(())
    })
}

/// Like virDomainBlockPull, but keeps @base (a path, or "vda[N]") as backing image; NULL keeps none.
///
/// With VIR_DOMAIN_BLOCK_REBASE_COPY it starts a copy to the path @base instead, as virDomainBlockCopy does. @flags is a
/// combination of virDomainBlockRebaseFlags and virDomainJobStartFlags.
///
/// Returns 0 once the job runs, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainBlockRebase(
    domain: virDomainPtr,
    disk: *const c_char,
    base: *const c_char,
    bandwidth: c_ulong,
    flags: c_uint,
) -> c_int {
    forward_start!(virDomainBlockRebase(domain, disk, base, bandwidth, flags), flags, {
        let kind = if flags & rebase::COPY != 0 { JobType::BlockCopy } else { JobType::BlockPull };
        start_on_disk(domain, kind, disk, base, flags)
    });
    entry(from::DOMAIN, "virDomainBlockRebase", |call| {
        let (domain, disk) = unsafe { on_disk(call, domain, disk) }?;
        let base = unsafe { call.optional_text(base, "base") }?;
        let is_copy = flags & rebase::COPY != 0;
        call.given(!is_copy || base.is_some(), "base")?;
        if !is_copy && flags & REBASE_NEEDS_COPY != 0 {
            return Err(call.invalid("flags", "use of flags requires a copy job"));
        }
        call.flags(flags, REBASE_FLAGS)?;
        let relative = flags & rebase::RELATIVE != 0;
        if relative && base.is_none() {
            return Err(Error::invalid_arg("flag VIR_DOMAIN_BLOCK_REBASE_RELATIVE is valid only with non-null base").into());
        }
        let bandwidth = bytes_per_second(bandwidth, flags & rebase::BANDWIDTH_BYTES != 0)?;
        let name = match base.filter(|_| is_copy) {
            Some(path) => rebase_copy(&domain, disk, path, bandwidth, flags)?,
            None => domain.driver()?.block_pull(&BlockPull { disk, base, bandwidth, flags })?,
        };
        note_started(domain.uuid(), name);
        Ok(())
    })
}

/// The copy that a rebase with COPY stands for.
fn rebase_copy(domain: &Domain, disk: &str, path: &str, bandwidth: u64, flags: u32) -> Result<String> {
    if flags & rebase::RELATIVE != 0 {
        return Err(Error::new(code::ARGUMENT_UNSUPPORTED, "Relative backing during copy not supported yet"));
    }
    if !path.starts_with('/') {
        return Err(Error::invalid_arg("absolute path must be used as block copy target"));
    }
    let destination = CopyDestination::Path { path, raw: flags & rebase::COPY_RAW != 0, block: flags & rebase::COPY_DEV != 0 };
    // These two have the same bits in both functions.
    let flags = flags & (copy::SHALLOW | copy::REUSE_EXT | JOB_START_MASK);
    domain.driver()?.block_copy(&BlockCopy { disk, destination, bandwidth, granularity: 0, buf_size: 0, flags })
}

/// What the parameters of a copy say.
struct CopyParams {
    bandwidth: u64,
    granularity: u32,
    buf_size: u64,
}

impl CopyParams {
    unsafe fn read(params: virTypedParameterPtr, count: usize) -> Result<CopyParams> {
        let known = [once("bandwidth", kind::ULLONG), once("granularity", kind::UINT), once("buf-size", kind::ULLONG)];
        // SAFETY: as the caller says.
        let read = unsafe { typedparam::read(params, count, &known) }?;
        let number = |field| typedparam::number(&read, field).unwrap_or(0);
        let granularity = u32::try_from(number("granularity")).unwrap_or(0);
        if granularity & granularity.wrapping_sub(1) != 0 {
            return Err(Error::invalid_arg("granularity must be power of 2"));
        }
        let bandwidth = number("bandwidth");
        if i64::try_from(bandwidth).is_err() {
            return Err(Error::invalid_arg(format!("bandwidth must be less than '{}' bytes/s ({MAX_MIB} MiB/s)", i64::MAX)));
        }
        Ok(CopyParams { bandwidth, granularity, buf_size: number("buf-size") })
    }
}

/// Copies @disk to what the `<disk>` document @destxml describes, and keeps the copy in step until the job is finalized
/// (the domain goes on with the copy) or aborted (the copy stays as it is then).
///
/// @params may hold "bandwidth" in bytes/s (ullong), "granularity" in bytes (uint) and "buf-size" in bytes (ullong).
/// @flags is a combination of virDomainBlockCopyFlags and virDomainJobStartFlags.
///
/// Returns 0 once the job runs, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainBlockCopy(
    domain: virDomainPtr,
    disk: *const c_char,
    destxml: *const c_char,
    params: virTypedParameterPtr,
    nparams: c_int,
    flags: c_uint,
) -> c_int {
    forward_start!(virDomainBlockCopy(domain, disk, destxml, params, nparams, flags), flags, start_copy(domain, disk, destxml, flags));
    entry(from::DOMAIN, "virDomainBlockCopy", |call| {
        let (domain, disk) = unsafe { on_disk(call, domain, disk) }?;
        let xml = unsafe { call.text(destxml, "destxml") }?;
        let count = call.non_negative(nparams, "nparams")?;
        call.given(count == 0 || !params.is_null(), "params")?;
        call.flags(flags, COPY_FLAGS)?;
        let CopyParams { bandwidth, granularity, buf_size } = unsafe { CopyParams::read(params, count) }?;
        let destination = CopyDestination::Xml(xml);
        let request = BlockCopy { disk, destination, bandwidth, granularity, buf_size, flags };
        let name = domain.driver()?.block_copy(&request)?;
        note_started(domain.uuid(), name);
        Ok(())
    })
}

/// Merges the images of @disk from @top down into @base; each is a path or "vda[N]". @top NULL is the active image,
/// @base NULL the lowest, or with VIR_DOMAIN_BLOCK_COMMIT_SHALLOW the one below @top.
///
/// @bandwidth limits the job in MiB/s, in bytes/s with VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES; 0 is no limit. @flags is
/// a combination of virDomainBlockCommitFlags and virDomainJobStartFlags. The active image can only be merged with
/// VIR_DOMAIN_BLOCK_COMMIT_ACTIVE; the job is finalized or aborted then as a copy is.
///
/// Returns 0 once the job runs, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainBlockCommit(
    domain: virDomainPtr,
    disk: *const c_char,
    base: *const c_char,
    top: *const c_char,
    bandwidth: c_ulong,
    flags: c_uint,
) -> c_int {
    forward_start!(virDomainBlockCommit(domain, disk, base, top, bandwidth, flags), flags, {
        let kind = if flags & commit::ACTIVE != 0 { JobType::BlockCommitActive } else { JobType::BlockCommit };
        start_on_disk(domain, kind, disk, ptr::null(), flags)
    });
    entry(from::DOMAIN, "virDomainBlockCommit", |call| {
        let (domain, disk) = unsafe { on_disk(call, domain, disk) }?;
        let base = unsafe { call.optional_text(base, "base") }?;
        let top = unsafe { call.optional_text(top, "top") }?;
        call.flags(flags, COMMIT_FLAGS)?;
        let bandwidth = bytes_per_second(bandwidth, flags & commit::BANDWIDTH_BYTES != 0)?;
        let name = domain.driver()?.block_commit(&BlockCommit { disk, base, top, bandwidth, flags })?;
        note_started(domain.uuid(), name);
        Ok(())
    })
}

/// Starts a backup of disks, described by the `<domainbackup>` document @backupXML. @checkpointXML may be NULL.
///
/// @flags is a combination of virDomainBackupBeginFlags and virDomainJobStartFlags.
///
/// Returns 0 once the job runs, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainBackupBegin(
    domain: virDomainPtr,
    backupXML: *const c_char,
    checkpointXML: *const c_char,
    flags: c_uint,
) -> c_int {
    forward_start!(virDomainBackupBegin(domain, backupXML, checkpointXML, flags), flags, start_backup(domain, backupXML, flags));
    entry(from::DOMAIN, "virDomainBackupBegin", |call| {
        let domain = call.domain(domain)?;
        let backup = unsafe { call.text(backupXML, "backupXML") }?;
        call.writable()?;
        let checkpoint = unsafe { call.optional_text(checkpointXML, "checkpointXML") }?;
        call.flags(flags, BACKUP_FLAGS)?;
        let name = domain.driver()?.backup_begin(backup, checkpoint, flags)?;
        note_started(domain.uuid(), name);
        Ok(())
    })
}

/// The `<domainbackup>` document of the backup that runs. @flags is 0.
///
/// Returns a text to be released with free(), or NULL on error: VIR_ERR_NO_DOMAIN_BACKUP if there is none.
#[no_mangle]
pub extern "C" fn virDomainBackupGetXMLDesc(domain: virDomainPtr, flags: c_uint) -> *mut c_char {
    forward!(virDomainBackupGetXMLDesc(domain, flags));
    entry(from::DOMAIN, "virDomainBackupGetXMLDesc", |call| {
        let domain = call.domain(domain)?;
        call.flags(flags, 0)?;
        Ok(domain.driver()?.backup_xml()?)
    })
}

/// Stores how far the block job of @disk is in @info. Its bandwidth is in MiB/s, or in bytes/s with
/// VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES in @flags.
///
/// Returns 1 if there is a job, 0 if there is none, -1 on error; *@info is all zeros unless there is one.
#[no_mangle]
pub unsafe extern "C" fn virDomainGetBlockJobInfo(
    domain: virDomainPtr,
    disk: *const c_char,
    info: virDomainBlockJobInfoPtr,
    flags: c_uint,
) -> c_int {
    forward!(virDomainGetBlockJobInfo(domain, disk, info, flags));
    entry(from::DOMAIN, "virDomainGetBlockJobInfo", |call| {
        let place = call.maybe_out(info);
        place.set(virDomainBlockJobInfo { r#type: 0, bandwidth: 0, cur: 0, end: 0 });
        let domain = call.domain(domain)?;
        let disk = unsafe { call.text(disk, "disk") }?;
        call.given(!info.is_null(), "info")?;
        call.flags(flags, speed::BANDWIDTH_BYTES)?;
        let Some(job) = domain.driver()?.block_job_info(disk)? else { return Ok(false) };
        let bandwidth = if flags & speed::BANDWIDTH_BYTES != 0 { job.bandwidth } else { job.bandwidth.div_ceil(1 << 20) };
        place.set(virDomainBlockJobInfo { r#type: job.kind, bandwidth, cur: job.cur, end: job.end });
        Ok(true)
    })
}

/// Ends the block job of @disk. A copy or active commit that is ready is completed with VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT
/// in @flags, and ended without its result otherwise. With VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC it is not waited for.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainBlockJobAbort(domain: virDomainPtr, disk: *const c_char, flags: c_uint) -> c_int {
    forward_abort!(virDomainBlockJobAbort(domain, disk, flags), abort_on_disk(domain, disk, flags));
    entry(from::DOMAIN, "virDomainBlockJobAbort", |call| {
        let (domain, disk) = unsafe { on_disk(call, domain, disk) }?;
        call.flags(flags, abort::ASYNC | abort::PIVOT)?;
        Ok(domain.driver()?.block_job_abort(disk, flags & abort::PIVOT != 0, flags & abort::ASYNC == 0)?)
    })
}

/// Changes the limit of the block job of @disk to @bandwidth in MiB/s, in bytes/s with
/// VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES in @flags; 0 lifts it.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainBlockJobSetSpeed(domain: virDomainPtr, disk: *const c_char, bandwidth: c_ulong, flags: c_uint) -> c_int {
    forward!(virDomainBlockJobSetSpeed(domain, disk, bandwidth, flags));
    entry(from::DOMAIN, "virDomainBlockJobSetSpeed", |call| {
        let (domain, disk) = unsafe { on_disk(call, domain, disk) }?;
        call.flags(flags, speed::BANDWIDTH_BYTES)?;
        let bytes = bytes_per_second(bandwidth, flags & speed::BANDWIDTH_BYTES != 0)?;
        Ok(domain.driver()?.block_job_set_speed(disk, bytes)?)
    })
}
