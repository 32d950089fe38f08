use std::ffi::{c_char, c_void, CStr};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use parking_lot::{Mutex, MutexGuard};

use super::super::ctypes::{
    virConnectDomainEventBlockJobCallback, virConnectDomainEventJobCompletedCallback, virConnectDomainEventJobStateCallback,
    virConnectDomainEventMigrationIterationCallback, virErrorPtr, virTypedParameterPtr,
};
use super::super::domain::{virDomainFree, virDomainGetName, virDomainRef};
use super::super::error::{virGetLastErrorCode, virGetLastErrorMessage, virSetErrorFunc};
use super::super::eventloop::{virEventRegisterDefaultImpl, virEventRunDefaultImpl};
use super::super::object::{self, Strong};
use super::super::testing;
use super::*;
use crate::model::event::{Event, Payload};
use crate::model::{JobState, JobType, TypedParam};

/// What one callback saw; its address is the opaque pointer.
#[derive(Default)]
struct Seen {
    calls: Mutex<Vec<String>>,
    frees: AtomicUsize,
}

impl Seen {
    fn opaque(&self) -> *mut c_void {
        ptr::from_ref(self).cast_mut().cast()
    }

    fn note(&self, what: String) {
        self.calls.lock().push(what);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock())
    }
}

unsafe fn seen<'a>(opaque: *mut c_void) -> &'a Seen {
    unsafe { &*opaque.cast::<Seen>() }
}

unsafe fn name(text: *const c_char) -> String {
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

unsafe extern "C" fn freed(opaque: *mut c_void) {
    unsafe { seen(opaque) }.frees.fetch_add(1, SeqCst);
}

unsafe extern "C" fn lifecycle(_: virConnectPtr, dom: virDomainPtr, event: c_int, detail: c_int, opaque: *mut c_void) -> c_int {
    unsafe { seen(opaque).note(format!("{} {event}/{detail}", name(virDomainGetName(dom)))) };
    0
}

unsafe extern "C" fn block_job(_: virConnectPtr, _: virDomainPtr, disk: *const c_char, kind: c_int, status: c_int, opaque: *mut c_void) {
    unsafe { seen(opaque).note(format!("{} {kind} {status}", name(disk))) };
}

unsafe extern "C" fn job_state(_: virConnectPtr, _: virDomainPtr, job: *const c_char, kind: u32, state: u32, opaque: *mut c_void) {
    unsafe { seen(opaque).note(format!("{} {kind} {state}", name(job))) };
}

unsafe extern "C" fn completed(_: virConnectPtr, _: virDomainPtr, params: virTypedParameterPtr, count: c_int, opaque: *mut c_void) {
    let first = unsafe { &*params };
    unsafe { seen(opaque).note(format!("{count} {} {}", name(first.field.as_ptr()), first.value.ul)) };
}

unsafe extern "C" fn iteration(_: virConnectPtr, _: virDomainPtr, iteration: c_int, opaque: *mut c_void) {
    unsafe { seen(opaque).note(iteration.to_string()) };
}

unsafe extern "C" fn silent(_: *mut c_void, _: virErrorPtr) {}

/// The loop and the error function are the process's: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock();
    virSetErrorFunc(ptr::null_mut(), Some(silent));
    assert_eq!(virEventRegisterDefaultImpl(), 0);
    guard
}

macro_rules! any {
    ($function:expr, $type:ty) => {
        unsafe { std::mem::transmute::<$type, virConnectDomainEventGenericCallback>(Some($function)) }
    };
}

fn register(conn: &Strong<Connect>, event_id: c_int, cb: virConnectDomainEventGenericCallback, seen: &Seen) -> c_int {
    unsafe { virConnectDomainEventRegisterAny(conn.as_ptr(), ptr::null_mut(), event_id, cb, seen.opaque(), Some(freed)) }
}

fn lifecycle_any() -> virConnectDomainEventGenericCallback {
    generic(Some(lifecycle))
}

fn push(conn: &Connect, payload: Payload) {
    conn.events.subscriptions.push(Event { domain: testing::guest(), payload });
}

fn message() -> String {
    unsafe { name(virGetLastErrorMessage()) }
}

#[test]
fn every_kind_of_event_reaches_its_callback_with_its_arguments() {
    let _alone = alone();
    let conn = testing::connect(true);
    let seen = Seen::default();
    let block = any!(block_job, virConnectDomainEventBlockJobCallback);
    let ids = [
        register(&conn, 0, lifecycle_any(), &seen),
        register(&conn, 8, block, &seen),
        register(&conn, 16, block, &seen),
        register(&conn, 25, any!(job_state, virConnectDomainEventJobStateCallback), &seen),
        register(&conn, 0x10019, any!(job_state, virConnectDomainEventJobStateCallback), &seen),
        register(&conn, 21, any!(completed, virConnectDomainEventJobCompletedCallback), &seen),
        register(&conn, 20, any!(iteration, virConnectDomainEventMigrationIterationCallback), &seen),
    ];
    assert_eq!(ids, [0, 1, 2, 3, 4, 5, 6]);
    push(&conn, Payload::Lifecycle { event: 5, detail: 1 });
    push(&conn, Payload::BlockJob { path: "/a".into(), target: "vda".into(), kind: 2, status: 3 });
    push(&conn, Payload::JobState { name: "dump-1".into(), kind: JobType::Dump, state: JobState::Failed });
    push(&conn, Payload::JobCompleted { params: vec![TypedParam::ullong("time_elapsed", 7)] });
    push(&conn, Payload::MigrationIteration { iteration: 2 });
    assert_eq!(virEventRunDefaultImpl(), 0);
    assert_eq!(seen.take(), ["guest 5/1", "/a 2 3", "vda 2 3", "dump-1 11 3", "dump-1 11 3", "1 time_elapsed 7", "2"]);
    for id in ids {
        assert_eq!(unsafe { virConnectDomainEventDeregisterAny(conn.as_ptr(), id) }, 0);
    }
    assert_eq!(seen.frees.load(SeqCst), ids.len());
}

#[test]
fn what_libvirt_refuses_is_refused_in_its_words_and_nothing_is_freed() {
    let _alone = alone();
    let (conn, other) = (testing::connect(true), testing::connect(true));
    let strange = other.domain_handle(testing::guest()).unwrap();
    let seen = Seen::default();
    let none: virDomainPtr = ptr::null_mut();
    let any = |dom, event_id, cb| unsafe { virConnectDomainEventRegisterAny(conn.as_ptr(), dom, event_id, cb, seen.opaque(), Some(freed)) };
    let older = |cb| unsafe { virConnectDomainEventRegister(conn.as_ptr(), cb, seen.opaque(), Some(freed)) };
    assert_eq!((any(none, 0, lifecycle_any()), older(Some(lifecycle))), (0, 0));
    let end = |id| unsafe { virConnectDomainEventDeregisterAny(conn.as_ptr(), id) };
    let refusals: [(&dyn Fn() -> c_int, &str); 9] = [
        (&|| any(none, 0, lifecycle_any()), "invalid argument: event callback already tracked"),
        (&|| older(Some(lifecycle)), "invalid argument: event callback already tracked"),
        (&|| older(None), "cb in virConnectDomainEventRegister must not be NULL"),
        (&|| any(none, 0, None), "cb in virConnectDomainEventRegisterAny must not be NULL"),
        (&|| any(none, -1, lifecycle_any()), "eventID in virConnectDomainEventRegisterAny must be zero or greater"),
        (&|| any(none, 27, lifecycle_any()), "eventID must be less than 27"),
        (&|| any(strange.as_ptr(), 0, lifecycle_any()), "domain 'guest' must match connection"),
        (&|| end(-1), "callbackID in virConnectDomainEventDeregisterAny must be zero or greater"),
        (&|| end(99), "invalid argument: could not find event callback 99 for deletion"),
    ];
    for (refused, words) in refusals {
        assert_eq!((refused(), message().as_str(), virGetLastErrorCode()), (-1, words, code::INVALID_ARG));
    }
    assert_eq!(seen.frees.load(SeqCst), 0);
    assert_eq!(end(0), 0);
    assert_eq!(unsafe { virConnectDomainEventDeregister(conn.as_ptr(), Some(lifecycle)) }, 0);
    assert_eq!(unsafe { virConnectDomainEventDeregister(conn.as_ptr(), Some(lifecycle)) }, -1);
    assert_eq!(message(), format!("invalid argument: event callback function {:#x} not registered", lifecycle as *const () as usize));
    assert_eq!(seen.frees.load(SeqCst), 2);
}

#[test]
fn events_that_only_other_hypervisors_have_can_be_subscribed_to() {
    let _alone = alone();
    let conn = testing::connect(true);
    let seen = Seen::default();
    for event_id in 0..LAST_ID {
        let made = register(&conn, event_id, lifecycle_any(), &seen);
        assert!(made >= 0, "{event_id}");
        assert_eq!(unsafe { virConnectDomainEventDeregisterAny(conn.as_ptr(), made) }, 0);
    }
}

#[test]
fn a_domain_of_a_callback_can_be_kept_and_outlives_the_connection_handle() {
    static KEPT: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn keep(conn: virConnectPtr, dom: virDomainPtr, _: c_int, _: c_int, opaque: *mut c_void) -> c_int {
        unsafe {
            assert_eq!(virDomainRef(dom), 0);
            KEPT.store(dom as usize, SeqCst);
            assert_eq!(virConnectDomainEventDeregisterAny(conn, 0), 0);
            seen(opaque).note("kept".to_owned());
        }
        0
    }
    let _alone = alone();
    let seen = Seen::default();
    let conn = testing::connect(true);
    register(&conn, 0, generic(Some(keep)), &seen);
    push(&conn, Payload::Lifecycle { event: 2, detail: 0 });
    let pointer = conn.into_ptr();
    assert_eq!(object::release::<Connect>(pointer), Some(1), "the registration keeps it open");
    assert_eq!(virEventRunDefaultImpl(), 0);
    assert_eq!((seen.take(), seen.frees.load(SeqCst)), (vec!["kept".to_owned()], 1));
    let kept = KEPT.load(SeqCst) as virDomainPtr;
    unsafe {
        assert_eq!(name(virDomainGetName(kept)), "guest");
        assert_eq!(virDomainFree(kept), 0);
    }
    assert!(object::retain::<Connect>(pointer).is_none(), "the domain was the last to keep it open");
}

#[test]
fn the_bell_is_there_while_somebody_is_subscribed() {
    let _alone = alone();
    let (conn, seen) = (testing::connect(true), Seen::default());
    let bell = || conn.events.alarm.number();
    assert_eq!(bell(), None);
    let (one, two) = (register(&conn, 0, lifecycle_any(), &seen), register(&conn, 1, lifecycle_any(), &seen));
    let made = bell();
    assert!(made.is_some());
    register(&conn, 1, lifecycle_any(), &seen);
    unsafe { virConnectDomainEventDeregisterAny(conn.as_ptr(), one) };
    assert_eq!(bell(), made);
    unsafe { virConnectDomainEventDeregisterAny(conn.as_ptr(), two) };
    assert_eq!(bell(), None);
    assert_eq!(virEventRunDefaultImpl(), 0);
}
