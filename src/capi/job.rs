//! Named jobs: the proposal's functions, and what goes beyond it.

use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_uint, c_ulonglong};
use std::ptr;
use std::time::Duration;

use super::ctypes::{virConnectPtr, virDomainJobControlOperation, virDomainJobPtr, virDomainPtr};
use super::entry::entry;
use super::forward::{foreign, forward_if_known};
use super::joblist::{self, Listing};
use super::overlay;
use crate::model::flags::{job_xml as xml_flag, list};
use crate::model::{code, from, ControlOp, Error, JobState, JobType, Uuid};

/// Bits of `1 << state` that a wait may name.
const ALL_STATES: u32 = ((1 << (JobState::Paused as u32 + 1)) - 1) & !1;

/// Lists the jobs of @domain, oldest first.
///
/// @flags is a combination of virDomainJobListFlags. Unless they ask for statistics, nobody but this library is asked.
///
/// If @jobs is not NULL it receives an array of jobs, terminated by NULL: release each with virDomainJobFree and the
/// array with free(). On error *@jobs is NULL.
///
/// Returns the number of jobs, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainJobList(domain: virDomainPtr, jobs: *mut *mut virDomainJobPtr, flags: c_uint) -> c_int {
    forward_if_known!(virDomainJobList(domain, jobs, flags));
    entry(from::DOMAIN, "virDomainJobList", |call| {
        call.maybe_out(jobs).set(ptr::null_mut());
        let domain = call.subject(domain)?;
        call.flags(flags, list::ALL)?;
        let mut listing = Listing::new(!jobs.is_null(), flags);
        listing.take(&*domain.jobs()?, flags, None)?;
        listing.finish(call, jobs)
    })
}

/// Lists the jobs of all domains of @conn. Each job's data says which domain it belongs to, as `domain.name` and
/// `domain.uuid`. Otherwise like virDomainJobList; but a domain that does not answer is no error: with
/// VIR_DOMAIN_JOB_LIST_STATS its jobs have the figures that were last heard of them.
///
/// Returns the number of jobs, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virConnectListAllDomainJobs(conn: virConnectPtr, jobs: *mut *mut virDomainJobPtr, flags: c_uint) -> c_int {
    forward_if_known!(virConnectListAllDomainJobs(conn, jobs, flags));
    entry(from::DOMAIN, "virConnectListAllDomainJobs", |call| {
        call.maybe_out(jobs).set(ptr::null_mut());
        if !conn.is_null() && foreign(conn).is_some() {
            let domains = overlay::domains(call, conn)?;
            call.flags(flags, list::ALL)?;
            let mut listing = Listing::new(!jobs.is_null(), flags);
            domains.iter().try_for_each(|(domain, of)| listing.take_from_many(&**of, domain, false))?;
            return listing.finish(call, jobs);
        }
        let connect = call.connection(conn)?;
        call.flags(flags, list::ALL)?;
        let mut listing = Listing::new(!jobs.is_null(), flags);
        let domains = connect.driver.domains()?;
        let fresh = flags & list::STATS != 0 && connect.driver.refresh_all();
        for summary in domains {
            match connect.driver.domain(&summary.domain) {
                Ok(driver) => listing.take_from_many(&*driver, &summary.domain, fresh)?,
                // It went away since it was listed.
                Err(error) if error.code == code::NO_DOMAIN => {}
                Err(error) => return Err(error.into()),
            }
        }
        listing.finish(call, jobs)
    })
}

/// Releases @job and everything in it. NULL is harmless.
#[no_mangle]
pub unsafe extern "C" fn virDomainJobFree(job: virDomainJobPtr) {
    if !job.is_null() {
        // SAFETY: a job from a listing, says the caller.
        unsafe { joblist::free_job(job) };
    }
}

/// Describes the job @jobname of @domain: what it was asked to do, how far it is, how it ended.
///
/// @flags is 0, or VIR_DOMAIN_JOB_XML_NO_STATS to leave the statistics out and ask nobody for them.
///
/// Returns a document to be released with free(), or NULL on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainJobGetXMLDesc(domain: virDomainPtr, jobname: *const c_char, flags: c_uint) -> *mut c_char {
    forward_if_known!(virDomainJobGetXMLDesc(domain, jobname, flags));
    entry(from::DOMAIN, "virDomainJobGetXMLDesc", |call| {
        let domain = call.subject(domain)?;
        let name = unsafe { call.text(jobname, "jobname") }?;
        call.flags(flags, xml_flag::NO_STATS)?;
        Ok(domain.jobs()?.job_xml(name, flags & xml_flag::NO_STATS == 0)?)
    })
}

/// Asks the job @jobname of @domain to change its state. The change comes later, or may even have been announced by an
/// event before this returns. @flags is 0.
///
/// Returns 0 once it was asked. Returns -1 on error: VIR_ERR_NO_DOMAIN_JOB if there is no such job,
/// VIR_ERR_OPERATION_UNSUPPORTED if jobs of its type never can, VIR_ERR_OPERATION_INVALID if it cannot in its state.
#[no_mangle]
pub unsafe extern "C" fn virDomainJobControl(
    domain: virDomainPtr,
    jobname: *const c_char,
    op: virDomainJobControlOperation,
    flags: c_uint,
) -> c_int {
    forward_if_known!(virDomainJobControl(domain, jobname, op, flags));
    entry(from::DOMAIN, "virDomainJobControl", |call| {
        let domain = call.subject(domain)?;
        call.writable_for(&domain)?;
        let name = unsafe { call.text(jobname, "jobname") }?;
        let asked = i32::try_from(op).ok().and_then(ControlOp::from_number).filter(|&op| op != ControlOp::None);
        let asked = asked.ok_or_else(|| call.invalid("op", format!("unknown job control operation {op}")))?;
        call.flags(flags, 0)?;
        Ok(domain.jobs()?.control_job(name, asked)?)
    })
}

/// Waits until the job @jobname of @domain is in one of @states, or has ended. Needs no event loop.
///
/// @states is a combination of `1 << state`; a job that ends in another state ends the wait as well, so 0 waits for the
/// end. @timeout is in milliseconds; 0 only looks, -1 waits as long as it takes. @flags is 0.
///
/// Returns the state that the job is in, 0 if the time is over, -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainJobWait(
    domain: virDomainPtr,
    jobname: *const c_char,
    states: c_uint,
    timeout: c_int,
    flags: c_uint,
) -> c_int {
    forward_if_known!(virDomainJobWait(domain, jobname, states, timeout, flags));
    entry(from::DOMAIN, "virDomainJobWait", |call| {
        let domain = call.subject(domain)?;
        let name = unsafe { call.text(jobname, "jobname") }?;
        if states & !ALL_STATES != 0 {
            return Err(call.invalid("states", format!("unknown job states 0x{:x}", states & !ALL_STATES)));
        }
        if timeout < -1 {
            return Err(call.invalid("timeout", format!("a timeout of {timeout} ms cannot be waited for")));
        }
        call.flags(flags, 0)?;
        let limit = u64::try_from(timeout).ok().map(Duration::from_millis);
        let reached = domain.jobs()?.wait_job(name, states, limit)?;
        Ok(reached.map_or(0, |state| state as c_int))
    })
}

/// Changes the limit of the job @jobname of @domain to @bandwidth bytes per second; 0 lifts it. @flags is 0.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainJobSetSpeed(
    domain: virDomainPtr,
    jobname: *const c_char,
    bandwidth: c_ulonglong,
    flags: c_uint,
) -> c_int {
    forward_if_known!(virDomainJobSetSpeed(domain, jobname, bandwidth, flags));
    entry(from::DOMAIN, "virDomainJobSetSpeed", |call| {
        let domain = call.subject(domain)?;
        call.writable_for(&domain)?;
        let name = unsafe { call.text(jobname, "jobname") }?;
        if i64::try_from(bandwidth).is_err() {
            return Err(call.error(code::OVERFLOW, format!("bandwidth must be less than {}", i64::MAX)));
        }
        call.flags(flags, 0)?;
        Ok(domain.jobs()?.set_job_speed(name, bandwidth)?)
    })
}

thread_local! {
    static LAST_STARTED: RefCell<Option<(Uuid, Name)>> = const { RefCell::new(None) };
}

/// The name of a job that was started.
#[derive(Clone)]
pub enum Name {
    Known(String),
    /// By the real library, before anybody asked for names: a job of this type, on this disk if it is one of a disk.
    Unknown(JobType, Option<String>),
}

impl From<String> for Name {
    fn from(name: String) -> Name {
        Name::Known(name)
    }
}

/// Remembers a job that this thread has just started.
pub fn note_started(domain: Uuid, name: impl Into<Name>) {
    let _ = LAST_STARTED.try_with(|last| last.replace(Some((domain, name.into()))));
}

/// The name of the job that this thread was the last to start in @domain, for the older functions that start a job
/// return no name. @flags is 0.
///
/// Returns a text to be released with free(), or NULL with VIR_ERR_NO_DOMAIN_JOB if the last job that this thread
/// started was none of @domain.
#[no_mangle]
pub extern "C" fn virDomainJobLastStarted(domain: virDomainPtr, flags: c_uint) -> *mut c_char {
    forward_if_known!(virDomainJobLastStarted(domain, flags));
    entry(from::DOMAIN, "virDomainJobLastStarted", |call| {
        let domain = call.subject(domain)?;
        call.flags(flags, 0)?;
        let last = LAST_STARTED.try_with(|last| last.borrow().clone()).ok().flatten();
        let uuid = domain.uuid()?;
        match last.filter(|(of, _)| *of == uuid).map(|(_, name)| name) {
            Some(Name::Known(name)) => Ok(name),
            Some(Name::Unknown(kind, disk)) => {
                let name = overlay::name_of_started(&domain, kind, disk.as_deref())?;
                note_started(uuid, name.clone());
                Ok(name)
            }
            None => Err(Error::new(code::NO_DOMAIN_JOB, "this thread has started no job of this domain").into()),
        }
    })
}
