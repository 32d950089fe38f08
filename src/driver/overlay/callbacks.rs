//! Events of the real library: what it calls, and what that means.

use std::ffi::{c_char, c_int, c_longlong, c_uint, c_void, CStr};
use std::mem::transmute;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::calls::{copy_params, forget_error, last_error, quietly, text, RealConnect, RealDomain};
use super::functions::{functions, qemu_functions, CParam, Generic, MonitorCallback, Pointer};
use crate::model::event::id;
use crate::model::{Error, Result, TypedParam};

/// Something that the real library tells about a domain.
pub enum Heard {
    /// `virDomainEventType` and its detail.
    Lifecycle {
        event: i32,
        detail: i32,
    },
    /// BLOCK_JOB_2: the disk, `virDomainBlockJobType`, `virConnectDomainEventBlockJobStatus`.
    BlockJob {
        disk: String,
        kind: i32,
        status: i32,
    },
    JobCompleted {
        params: Vec<TypedParam>,
    },
    MigrationIteration,
    /// An event of QEMU's own, with its data as it is.
    Monitor {
        name: String,
        data: String,
    },
}

/// Who listens. Called on the thread that runs the event loop.
pub type Listener = Arc<dyn Fn(RealDomain, Heard) + Send + Sync>;

/// How long it may take until what was registered is freed: as long as the loop is at the events that it has begun with.
const FREED: Duration = Duration::from_secs(1);
/// libvirt gives its reference to the connection back right after that.
const GIVEN_BACK: Duration = Duration::from_millis(2);

/// The thread that was the last to run the event loop, as far as it has called here.
static LOOP_THREAD: Mutex<Option<ThreadId>> = Mutex::new(None);

/// Waits until libvirt has freed everything that calls a listener, whose registrations have ended: it does so at the end of
/// the round of events that it is in. On the thread of that round there is nothing to wait for.
pub(super) fn await_freed(listener: &Listener) {
    if Arc::strong_count(listener) == 1 || *LOOP_THREAD.lock() == Some(thread::current().id()) {
        return;
    }
    let deadline = Instant::now() + FREED;
    while Arc::strong_count(listener) > 1 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(GIVEN_BACK);
}

/// What is registered with a connection of the real library; ended by its drop.
pub struct Registration {
    connect: RealConnect,
    id: i32,
    monitor: bool,
}

impl Registration {
    /// Listens to one kind of event (`model::event::id`) of all domains.
    pub fn new(connect: RealConnect, event: i32, listener: &Listener) -> Result<Registration> {
        // SAFETY: each is cast back before it is called, which is with the arguments of its own type.
        let callback = unsafe {
            match event {
                id::LIFECYCLE => transmute::<Lifecycle, Generic>(lifecycle),
                id::BLOCK_JOB_2 => transmute::<BlockJob, Generic>(block_job),
                id::JOB_COMPLETED => transmute::<JobCompleted, Generic>(job_completed),
                id::MIGRATION_ITERATION => transmute::<Iteration, Generic>(migration_iteration),
                other => return Err(Error::internal(format!("nobody listens to event {other}"))),
            }
        };
        let opaque = Box::into_raw(Box::new(listener.clone())).cast();
        // SAFETY: our reference keeps the connection; the callback gets the listener until the free function does.
        let number =
            unsafe { (functions()?.virConnectDomainEventRegisterAny)(connect.as_ptr(), ptr::null_mut(), event, callback, opaque, free) };
        accepted(connect, number, opaque, false)
    }

    /// Listens to one of QEMU's events of all domains, or to those whose names match a regular expression.
    pub fn of_monitor(connect: RealConnect, pattern: &CStr, listener: &Listener) -> Result<Registration> {
        /// `VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX`.
        const REGEX: c_uint = 1;
        let register = qemu_functions()?.virConnectDomainQemuMonitorEventRegister;
        let opaque = Box::into_raw(Box::new(listener.clone())).cast();
        let callback: MonitorCallback = monitor;
        // SAFETY: as above; the pattern is a C string.
        let number = unsafe { register(connect.as_ptr(), ptr::null_mut(), pattern.as_ptr(), callback, opaque, free, REGEX) };
        accepted(connect, number, opaque, true)
    }
}

fn accepted(connect: RealConnect, id: i32, opaque: *mut c_void, monitor: bool) -> Result<Registration> {
    if id >= 0 {
        return Ok(Registration { connect, id, monitor });
    }
    let error = last_error();
    // SAFETY: the real library has not taken it.
    drop(unsafe { Box::from_raw(opaque.cast::<Listener>()) });
    Err(error)
}

impl Drop for Registration {
    fn drop(&mut self) {
        // A connection that is lost has no registrations any more, and nobody is to hear of that.
        // SAFETY: our reference keeps the connection.
        quietly(|| unsafe {
            if self.monitor {
                if let Ok(real) = qemu_functions() {
                    (real.virConnectDomainQemuMonitorEventDeregister)(self.connect.as_ptr(), self.id);
                }
            } else if let Ok(real) = functions() {
                (real.virConnectDomainEventDeregisterAny)(self.connect.as_ptr(), self.id);
            }
        });
        forget_error();
    }
}

type Lifecycle = unsafe extern "C" fn(Pointer, Pointer, c_int, c_int, *mut c_void) -> c_int;
type BlockJob = unsafe extern "C" fn(Pointer, Pointer, *const c_char, c_int, c_int, *mut c_void);
type JobCompleted = unsafe extern "C" fn(Pointer, Pointer, *const CParam, c_int, *mut c_void);
type Iteration = unsafe extern "C" fn(Pointer, Pointer, c_int, *mut c_void);

/// Hands on what was heard. No panic goes into the real library.
///
/// # Safety
/// The arguments are those of a callback that was registered above, during its call.
unsafe fn tell(domain: Pointer, opaque: *mut c_void, heard: impl FnOnce() -> Option<Heard>) {
    let _ = catch_unwind(AssertUnwindSafe(|| {
        *LOOP_THREAD.lock() = Some(thread::current().id());
        // SAFETY: the listener is freed after the last call; the domain is valid during this one.
        let (listener, domain) = unsafe { ((*opaque.cast::<Listener>()).clone(), RealDomain::retain(domain)) };
        if let (Ok(domain), Some(heard)) = (domain, heard()) {
            listener(domain, heard);
        }
    }));
}

// SAFETY of all: called by the real library with what the event's type promises.

unsafe extern "C" fn lifecycle(_: Pointer, domain: Pointer, event: c_int, detail: c_int, opaque: *mut c_void) -> c_int {
    unsafe { tell(domain, opaque, || Some(Heard::Lifecycle { event, detail })) };
    0
}

unsafe extern "C" fn block_job(_: Pointer, domain: Pointer, disk: *const c_char, kind: c_int, status: c_int, opaque: *mut c_void) {
    unsafe { tell(domain, opaque, || Some(Heard::BlockJob { disk: text(disk)?, kind, status })) };
}

unsafe extern "C" fn job_completed(_: Pointer, domain: Pointer, params: *const CParam, count: c_int, opaque: *mut c_void) {
    unsafe { tell(domain, opaque, || Some(Heard::JobCompleted { params: copy_params(params, count) })) };
}

unsafe extern "C" fn migration_iteration(_: Pointer, domain: Pointer, _iteration: c_int, opaque: *mut c_void) {
    unsafe { tell(domain, opaque, || Some(Heard::MigrationIteration)) };
}

unsafe extern "C" fn monitor(
    _: Pointer,
    domain: Pointer,
    event: *const c_char,
    _seconds: c_longlong,
    _micros: c_uint,
    details: *const c_char,
    opaque: *mut c_void,
) {
    unsafe { tell(domain, opaque, || Some(Heard::Monitor { name: text(event)?, data: text(details).unwrap_or_default() })) };
}

unsafe extern "C" fn free(opaque: *mut c_void) {
    // SAFETY: what was registered, freed once.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Box::from_raw(opaque.cast::<Listener>()) })));
}
