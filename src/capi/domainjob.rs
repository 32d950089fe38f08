//! The older functions for the one domain job: migration, save, restore, dump.

use std::ffi::{c_int, c_uint};
use std::{mem, ptr};

use super::ctypes::{virDomainJobInfo, virDomainJobInfoPtr, virDomainPtr, virTypedParameterPtr};
use super::domain::changed;
use super::entry::entry;
use super::forward::{forward, forward_abort};
use super::overlay::abort_own;
use super::typedparam;
use crate::model::{code, from, Error};

/// `virDomainGetJobStatsFlags`.
const COMPLETED: (u32, &str) = (1 << 0, "VIR_DOMAIN_JOB_STATS_COMPLETED");
const KEEP_COMPLETED: (u32, &str) = (1 << 1, "VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED");
/// `VIR_DOMAIN_ABORT_JOB_POSTCOPY`.
const ABORT_POSTCOPY: u32 = 1 << 0;

/// Stores how far the domain job of @domain is in @info: times in milliseconds, sizes in bytes. If there is none, the
/// type is VIR_DOMAIN_JOB_NONE.
///
/// Returns 0, or -1 on error, in which case *@info is all zeros.
#[no_mangle]
pub unsafe extern "C" fn virDomainGetJobInfo(domain: virDomainPtr, info: virDomainJobInfoPtr) -> c_int {
    forward!(virDomainGetJobInfo(domain, info));
    entry(from::DOMAIN, "virDomainGetJobInfo", |call| {
        let place = call.maybe_out(info);
        // SAFETY: all zeros is a value of this struct.
        place.set(unsafe { mem::zeroed() });
        let domain = call.domain(domain)?;
        call.given(!info.is_null(), "info")?;
        let job = domain.driver()?.job_info()?;
        place.set(virDomainJobInfo {
            r#type: job.kind,
            timeElapsed: job.time_elapsed,
            timeRemaining: job.time_remaining,
            dataTotal: job.data_total,
            dataProcessed: job.data_processed,
            dataRemaining: job.data_remaining,
            memTotal: job.mem_total,
            memProcessed: job.mem_processed,
            memRemaining: job.mem_remaining,
            fileTotal: job.file_total,
            fileProcessed: job.file_processed,
            fileRemaining: job.file_remaining,
        });
        Ok(())
    })
}

/// Stores the type of the domain job of @domain in @type and its statistics in @params, @nparams of them: release them
/// with virTypedParamsFree.
///
/// @flags is a combination of virDomainGetJobStatsFlags: with VIR_DOMAIN_JOB_STATS_COMPLETED it is about the job that
/// was the last to end, which is forgotten unless VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED says otherwise.
///
/// Returns 0, or -1 on error, in which case there are no parameters.
#[no_mangle]
pub unsafe extern "C" fn virDomainGetJobStats(
    domain: virDomainPtr,
    r#type: *mut c_int,
    params: *mut virTypedParameterPtr,
    nparams: *mut c_int,
    flags: c_uint,
) -> c_int {
    forward!(virDomainGetJobStats(domain, r#type, params, nparams, flags));
    entry(from::DOMAIN, "virDomainGetJobStats", |call| {
        call.maybe_out(r#type).set(0);
        call.maybe_out(params).set(ptr::null_mut());
        call.maybe_out(nparams).set(0);
        let domain = call.domain(domain)?;
        let kind_place = call.out(r#type, "type")?;
        let params_place = call.out(params, "params")?;
        let count_place = call.out(nparams, "nparams")?;
        call.requires(flags, KEEP_COMPLETED, COMPLETED)?;
        call.flags(flags, COMPLETED.0 | KEEP_COMPLETED.0)?;
        let (kind, stats) = domain.driver()?.job_stats(flags & COMPLETED.0 != 0, flags & KEEP_COMPLETED.0 != 0)?;
        let (block, count) = typedparam::array_of(&stats)?;
        kind_place.set(kind);
        params_place.set(block);
        count_place.set(c_int::try_from(count).map_err(|_| Error::new(code::OVERFLOW, "too many parameters"))?);
        Ok(())
    })
}

/// Aborts the domain job of @domain. It ends later.
///
/// Returns 0 once it was asked, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainAbortJob(domain: virDomainPtr) -> c_int {
    forward_abort!(virDomainAbortJob(domain), abort_own(domain));
    entry(from::DOMAIN, "virDomainAbortJob", |call| Ok(changed(call, domain, 0, 0)?.1.abort_job(0)?))
}

/// Like virDomainAbortJob, with virDomainAbortJobFlagsValues.
///
/// Returns 0 once it was asked, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainAbortJobFlags(domain: virDomainPtr, flags: c_uint) -> c_int {
    forward_abort!(virDomainAbortJobFlags(domain, flags), abort_own(domain));
    entry(from::DOMAIN, "virDomainAbortJobFlags", |call| Ok(changed(call, domain, flags, ABORT_POSTCOPY)?.1.abort_job(flags)?))
}
