//! The part of the C interface that the command line uses, with owned values and errors.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::{c_char, c_int, c_uint, c_void, CStr, CString};
use std::ptr;
use std::rc::Rc;
use std::time::Duration;

use virt_jobs::capi;
use virt_jobs::capi::ctypes::{virConnectPtr, virDomainJobPtr, virDomainPtr, virErrorPtr, virTypedParameter};
use virt_jobs::model::event::id::JOB_STATE;
use virt_jobs::model::flags::list;
use virt_jobs::model::{ControlOp, JobState, JobType};

use crate::Failure;

/// What can be asked of a job.
pub type Operation = ControlOp;

/// A state by its number in C.
fn state_of(number: u32) -> JobState {
    i32::try_from(number).ok().and_then(JobState::from_number).unwrap_or(JobState::None)
}

fn type_name(number: u32) -> String {
    let known = i32::try_from(number).ok().and_then(JobType::from_number);
    known.map_or_else(|| format!("type {number}"), |kind| kind.as_str().to_owned())
}

/// A job in a listing.
#[derive(Clone, Debug)]
pub struct Job {
    pub domain: String,
    pub name: String,
    pub kind: String,
    pub state: JobState,
    pub disks: Vec<String>,
    pub current: u64,
    pub end: u64,
    pub rate: Option<u64>,
    pub error: Option<String>,
    pub xml: Option<String>,
}

/// A change of state, as the library announces it.
#[derive(Clone, Debug)]
pub struct Change {
    pub name: String,
    pub state: JobState,
}

/// An open connection.
pub struct Client {
    conn: virConnectPtr,
}

unsafe extern "C" fn keep_quiet(_data: *mut c_void, _error: virErrorPtr) {}

impl Client {
    pub fn open(uri: Option<&str>) -> Result<Client, Failure> {
        let uri = uri.map(text).transpose()?;
        // SAFETY: the handler lives as long as the program; the URI outlives the call.
        let conn = unsafe {
            // Errors are reported once, by whoever gives up over them.
            capi::virSetErrorFunc(ptr::null_mut(), Some(keep_quiet));
            capi::virEventRegisterDefaultImpl();
            capi::virConnectOpen(uri.as_ref().map_or(ptr::null(), |uri| uri.as_ptr()))
        };
        check(!conn.is_null())?;
        Ok(Client { conn })
    }

    /// A domain by name, UUID or number.
    pub fn domain(&self, key: &str) -> Result<Domain, Failure> {
        let name = text(key)?;
        // SAFETY: the connection is open, the name outlives the call.
        let mut dom = unsafe { capi::virDomainLookupByName(self.conn, name.as_ptr()) };
        if dom.is_null() {
            let first = last_error();
            if key.len() == 36 {
                // SAFETY: as above.
                dom = unsafe { capi::virDomainLookupByUUIDString(self.conn, name.as_ptr()) };
            } else if let Ok(id) = key.parse::<c_int>() {
                dom = capi::virDomainLookupByID(self.conn, id);
            }
            if dom.is_null() {
                return Err(first);
            }
        }
        Ok(Domain { dom })
    }

    pub fn all_jobs(&self) -> Result<Vec<Job>, Failure> {
        let mut jobs: *mut virDomainJobPtr = ptr::null_mut();
        // SAFETY: the connection is open and `jobs` is ours to fill.
        let count = unsafe { capi::virConnectListAllDomainJobs(self.conn, &mut jobs, list::STATS | list::XML) };
        take_jobs(jobs, count, "")
    }

    /// Subscribes to the changes of a domain's jobs; they arrive while [`Changes::run`] runs the event loop.
    pub fn changes(&self, domain: &Domain) -> Result<Changes<'_>, Failure> {
        let queue = Rc::new(RefCell::new(VecDeque::new()));
        let opaque = Rc::into_raw(queue.clone()) as *mut c_void;
        // SAFETY: the callback has the signature of its event, and its data is freed by `forget`.
        let id = unsafe {
            let callback: unsafe extern "C" fn(virConnectPtr, virDomainPtr, *const c_char, c_uint, c_uint, *mut c_void) = changed;
            let callback = std::mem::transmute::<
                unsafe extern "C" fn(virConnectPtr, virDomainPtr, *const c_char, c_uint, c_uint, *mut c_void),
                unsafe extern "C" fn(virConnectPtr, virDomainPtr, *mut c_void),
            >(callback);
            capi::virConnectDomainEventRegisterAny(self.conn, domain.dom, JOB_STATE, Some(callback), opaque, Some(forget))
        };
        if id < 0 {
            // SAFETY: it was not registered, so nobody else frees it.
            unsafe { forget(opaque) };
            return Err(last_error());
        }
        // SAFETY: the timer has no data of its own.
        let timer = unsafe { capi::virEventAddTimeout(TICK_MS, Some(tick), ptr::null_mut(), None) };
        let changes = Changes { client: self, queue, id, timer };
        check(timer >= 0).map(|()| changes)
    }
}

/// How often the loop turns although nothing happens.
const TICK_MS: c_int = 200;

type Queue = RefCell<VecDeque<Change>>;

unsafe extern "C" fn changed(
    _conn: virConnectPtr,
    _dom: virDomainPtr,
    name: *const c_char,
    _kind: c_uint,
    state: c_uint,
    queue: *mut c_void,
) {
    // SAFETY: `queue` is what `changes` registered, and the loop runs on the thread that made it; `name` is a C string.
    let (queue, name) = unsafe { (&*(queue as *const Queue), CStr::from_ptr(name)) };
    queue.borrow_mut().push_back(Change { name: name.to_string_lossy().into_owned(), state: state_of(state) });
}

unsafe extern "C" fn forget(queue: *mut c_void) {
    // SAFETY: called once, with what `changes` registered.
    drop(unsafe { Rc::from_raw(queue as *const Queue) });
}

unsafe extern "C" fn tick(_timer: c_int, _data: *mut c_void) {}

/// Changes of state, in the order in which they happened.
pub struct Changes<'a> {
    client: &'a Client,
    queue: Rc<Queue>,
    id: c_int,
    timer: c_int,
}

impl Changes<'_> {
    /// Lets the event loop turn once, a fifth of a second at most, and takes what has arrived.
    pub fn run(&self) -> Result<Vec<Change>, Failure> {
        check(capi::virEventRunDefaultImpl() == 0)?;
        Ok(self.queue.borrow_mut().drain(..).collect())
    }
}

impl Drop for Changes<'_> {
    fn drop(&mut self) {
        // SAFETY: both were made by `changes` and nobody else ends them.
        unsafe {
            capi::virConnectDomainEventDeregisterAny(self.client.conn, self.id);
            capi::virEventRemoveTimeout(self.timer);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        capi::virConnectClose(self.conn);
    }
}

/// A domain of a connection.
pub struct Domain {
    dom: virDomainPtr,
}

impl Domain {
    pub fn jobs(&self) -> Result<Vec<Job>, Failure> {
        let mut jobs: *mut virDomainJobPtr = ptr::null_mut();
        // SAFETY: the domain is ours and `jobs` is ours to fill.
        let count = unsafe { capi::virDomainJobList(self.dom, &mut jobs, list::STATS | list::XML) };
        // SAFETY: the name belongs to the handle.
        let name = unsafe { owned(capi::virDomainGetName(self.dom)) };
        take_jobs(jobs, count, &name)
    }

    pub fn xml(&self, job: &str) -> Result<String, Failure> {
        let job = text(job)?;
        // SAFETY: the domain is ours, the name outlives the call.
        let xml = unsafe { capi::virDomainJobGetXMLDesc(self.dom, job.as_ptr(), 0) };
        check(!xml.is_null())?;
        Ok(take_string(xml))
    }

    pub fn control(&self, job: &str, operation: Operation) -> Result<(), Failure> {
        let job = text(job)?;
        // SAFETY: as above.
        check(unsafe { capi::virDomainJobControl(self.dom, job.as_ptr(), operation as c_uint, 0) } == 0)
    }

    pub fn set_speed(&self, job: &str, bytes_per_s: u64) -> Result<(), Failure> {
        let job = text(job)?;
        // SAFETY: as above.
        check(unsafe { capi::virDomainJobSetSpeed(self.dom, job.as_ptr(), bytes_per_s, 0) } == 0)
    }

    /// The state that the job is in when it has ended or is in one of `states`; `None` when the time is over.
    pub fn wait(&self, job: &str, states: &[JobState], timeout: Option<Duration>) -> Result<Option<JobState>, Failure> {
        let job = text(job)?;
        let mask = states.iter().fold(0, |mask, state| mask | 1 << *state as u32);
        let timeout = timeout.map_or(-1, |limit| c_int::try_from(limit.as_millis()).unwrap_or(c_int::MAX));
        // SAFETY: as above.
        let state = unsafe { capi::virDomainJobWait(self.dom, job.as_ptr(), mask, timeout, 0) };
        check(state >= 0)?;
        Ok(JobState::from_number(state).filter(|state| *state != JobState::None))
    }

    /// A job in the list.
    pub fn job(&self, name: &str) -> Result<Option<Job>, Failure> {
        Ok(self.jobs()?.into_iter().find(|job| job.name == name))
    }

    /// Why a job failed, as long as it is in the list.
    pub fn reason(&self, job: &str) -> Option<String> {
        self.job(job).ok().flatten()?.error
    }

    /// Starts a job by one of the older functions, and says how it is called.
    pub fn start(&self, call: impl FnOnce(virDomainPtr) -> c_int) -> Result<String, Failure> {
        check(call(self.dom) == 0)?;
        let name = capi::virDomainJobLastStarted(self.dom, 0);
        check(!name.is_null())?;
        Ok(take_string(name))
    }
}

impl Drop for Domain {
    fn drop(&mut self) {
        capi::virDomainFree(self.dom);
    }
}

fn text(text: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| Failure::Message(format!("{text:?} contains a NUL byte")))
}

fn check(fine: bool) -> Result<(), Failure> {
    if fine {
        Ok(())
    } else {
        Err(last_error())
    }
}

fn last_error() -> Failure {
    // SAFETY: the message belongs to this thread until its next call.
    Failure::Message(unsafe { owned(capi::virGetLastErrorMessage()) })
}

/// # Safety
/// `text` is NULL or a C string.
unsafe fn owned(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: by contract.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Takes over a string that the library allocated for its caller.
fn take_string(text: *mut c_char) -> String {
    // SAFETY: a C string from malloc, ours to free.
    unsafe {
        let copy = owned(text);
        libc::free(text.cast());
        copy
    }
}

fn take_jobs(jobs: *mut virDomainJobPtr, count: c_int, domain: &str) -> Result<Vec<Job>, Failure> {
    check(count >= 0)?;
    let mut taken = Vec::new();
    for at in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: the library filled `count` entries; each is ours to read and to free.
        unsafe {
            let job = *jobs.add(at);
            taken.push(read_job(job, domain));
            capi::virDomainJobFree(job);
        }
    }
    // SAFETY: the array is from malloc and ours.
    unsafe { libc::free(jobs.cast()) };
    Ok(taken)
}

/// # Safety
/// `job` came from a listing.
unsafe fn read_job(job: virDomainJobPtr, domain: &str) -> Job {
    // SAFETY: by contract; `data` has `ndata` parameters.
    let (job, data) = unsafe {
        let job = &*job;
        let data = if job.data.is_null() { &[] } else { std::slice::from_raw_parts(job.data, job.ndata) };
        (job, data)
    };
    // SAFETY: the name is a C string.
    let name = unsafe { owned(job.name) };
    let mut read = Job {
        domain: domain.to_owned(),
        name,
        kind: type_name(job.r#type),
        state: state_of(job.state),
        disks: Vec::new(),
        current: 0,
        end: 0,
        rate: None,
        error: None,
        xml: None,
    };
    for parameter in data {
        // SAFETY: the type of each of these fields is fixed by the interface.
        unsafe { read.take(parameter) };
    }
    read
}

impl Job {
    /// # Safety
    /// The parameter's value is of the type that the interface gives its field.
    unsafe fn take(&mut self, parameter: &virTypedParameter) {
        // SAFETY: the field is a C string, and the values are as the caller says.
        unsafe {
            let number = || parameter.value.ul;
            let string = || owned(parameter.value.s);
            match CStr::from_ptr(parameter.field.as_ptr()).to_bytes() {
                b"domain.name" => self.domain = string(),
                b"disk" => self.disks.push(string()),
                b"current" => self.current = number(),
                b"end" => self.end = number(),
                b"rate" => self.rate = Some(number()),
                b"error" => self.error = Some(string()),
                b"xml" => self.xml = Some(string()),
                _ => {}
            }
        }
    }
}
