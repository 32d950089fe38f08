//! The exports as a C program calls them, on the built-in test hypervisor.

use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::ptr;
use std::time::Duration;

use super::ctypes::{virConnectPtr, virDomainJobPtr, virDomainPtr, virErrorPtr, virTypedParameterPtr};
use super::*;
use crate::model::flags::{JOB_START_PARALLEL, JOB_START_PERSIST};
use crate::model::{code, from, JobState, JobType};

unsafe extern "C" fn silent(_: *mut c_void, _: virErrorPtr) {}

/// A connection and its domain `test`, given back at the end.
struct World {
    conn: virConnectPtr,
    domain: virDomainPtr,
}

impl World {
    fn open() -> World {
        World::of(unsafe { virConnectOpen(c"test+jobs:///default".as_ptr()) })
    }

    fn readonly() -> World {
        World::of(unsafe { virConnectOpenReadOnly(c"test+jobs:///default".as_ptr()) })
    }

    /// A world of its own, where jobs may run.
    fn fixture(xml: &str) -> (World, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a directory for temporary files");
        let file = dir.path().join("world.xml");
        std::fs::write(&file, xml).expect("it can be written");
        let uri = CString::new(format!("test+jobs://{}", file.display())).expect("no NUL in a path");
        (World::of(unsafe { virConnectOpen(uri.as_ptr()) }), dir)
    }

    fn of(conn: virConnectPtr) -> World {
        virSetErrorFunc(ptr::null_mut(), Some(silent));
        assert!(!conn.is_null(), "{}", message());
        let domain = unsafe { virDomainLookupByName(conn, c"test".as_ptr()) };
        assert!(!domain.is_null(), "{}", message());
        World { conn, domain }
    }

    fn pull(&self, disk: &CStr, flags: u32) -> c_int {
        unsafe { virDomainBlockPull(self.domain, disk.as_ptr(), 1, flags) }
    }

    /// Names, types and states of the jobs, and how many parameters each has.
    fn jobs(&self, flags: u32) -> Vec<(String, u32, u32, usize)> {
        let mut jobs = ptr::null_mut();
        let count = unsafe { virDomainJobList(self.domain, &mut jobs, flags) };
        assert!(count >= 0, "{}", message());
        unsafe { taken(jobs, count) }
    }

    fn last_started(&self) -> String {
        unsafe { text(virDomainJobLastStarted(self.domain, 0)) }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        assert_eq!(virDomainFree(self.domain), 0);
        assert_eq!(virConnectClose(self.conn), 0);
    }
}

/// Reads a listing, checks its end mark, and frees it.
unsafe fn taken(jobs: *mut virDomainJobPtr, count: c_int) -> Vec<(String, u32, u32, usize)> {
    unsafe {
        let count = usize::try_from(count).expect("not negative");
        assert!((*jobs.add(count)).is_null());
        let all = std::slice::from_raw_parts(jobs, count);
        let read =
            all.iter().map(|&job| (CStr::from_ptr((*job).name).to_string_lossy().into_owned(), (*job).r#type, (*job).state, (*job).ndata));
        let read = read.collect();
        all.iter().for_each(|&job| virDomainJobFree(job));
        alloc::free(jobs);
        read
    }
}

/// A text that C would free.
unsafe fn text(text: *mut c_char) -> String {
    assert!(!text.is_null(), "{}", message());
    unsafe {
        let copy = CStr::from_ptr(text).to_string_lossy().into_owned();
        alloc::free(text);
        copy
    }
}

fn message() -> String {
    unsafe { CStr::from_ptr(virGetLastErrorMessage()) }.to_string_lossy().into_owned()
}

/// Code and domain of the error that the last call left.
fn last_error() -> (i32, i32) {
    (virGetLastErrorCode(), virGetLastErrorDomain())
}

#[test]
fn a_job_is_listed_described_controlled_and_waited_for() {
    let (world, _dir) = World::fixture(include_str!("../driver/test/default.xml"));
    assert_eq!(world.pull(c"vda", JOB_START_PERSIST), 0, "{}", message());
    let name = world.last_started();
    assert_eq!(name, "block-pull-vda-1");
    let running = (name.clone(), JobType::BlockPull as u32, JobState::Running as u32, 0);
    assert_eq!(world.jobs(0), std::slice::from_ref(&running));
    assert_eq!(world.jobs(1 << 1), [], "none has finished");
    let c_name = CString::new(name.clone()).expect("no NUL");
    let xml = unsafe { text(virDomainJobGetXMLDesc(world.domain, c_name.as_ptr(), 0)) };
    assert!(xml.starts_with("<job type='block-pull' state='running'>\n  <name>block-pull-vda-1</name>\n"), "{xml}");
    unsafe {
        assert_eq!(virDomainJobWait(world.domain, c_name.as_ptr(), 0, 0, 0), 0, "the time is over at once");
        assert_eq!(virDomainJobSetSpeed(world.domain, c_name.as_ptr(), 4096, 0), 0, "{}", message());
        assert_eq!(virDomainJobControl(world.domain, c_name.as_ptr(), 3, 0), 0, "{}", message());
        assert_eq!(virDomainJobWait(world.domain, c_name.as_ptr(), 1 << 6, 5000, 0), 6, "paused");
        assert_eq!(virDomainJobControl(world.domain, c_name.as_ptr(), 1, 0), 0, "{}", message());
        assert_eq!(virDomainJobWait(world.domain, c_name.as_ptr(), 0, 5000, 0), 5, "aborted");
        assert_eq!(virDomainJobControl(world.domain, c_name.as_ptr(), 3, 0), -1);
        assert_eq!(last_error(), (code::OPERATION_INVALID, from::TEST));
        assert_eq!(virDomainJobControl(world.domain, c_name.as_ptr(), 5, 0), 0, "{}", message());
        assert_eq!(virDomainJobControl(world.domain, c_name.as_ptr(), 5, 0), -1);
        assert_eq!(last_error().0, code::NO_DOMAIN_JOB);
    }
    assert_eq!(world.jobs(0), []);
}

#[test]
fn a_listing_with_statistics_carries_them_and_a_plain_one_does_not() {
    let (world, _dir) = World::fixture(include_str!("../driver/test/default.xml"));
    assert_eq!(world.pull(c"vda", 0), 0, "{}", message());
    assert_eq!(world.jobs(0)[0].3, 0);
    assert_eq!(world.jobs(1 << 5)[0].3, 1, "the document alone");
    let mut jobs = ptr::null_mut();
    unsafe {
        let count = virConnectListAllDomainJobs(world.conn, &mut jobs, (1 << 4) | (1 << 5));
        assert_eq!(count, 1, "{}", message());
        let job = &**jobs;
        let string = |field: &CStr| {
            let mut value = ptr::null();
            let found = virTypedParamsGetString(job.data, job.ndata as c_int, field.as_ptr(), &mut value);
            (found == 1).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
        };
        assert_eq!(string(c"domain.name").as_deref(), Some("test"));
        assert_eq!(string(c"domain.uuid").as_deref(), Some("6695eb01-f6a4-8304-79aa-97f2502e193f"));
        assert_eq!(string(c"disk").as_deref(), Some("vda"));
        assert!(string(c"xml").is_some_and(|xml| xml.starts_with("<job type='block-pull'") && !xml.contains("<stats>")));
        let mut end = 0;
        assert_eq!(virTypedParamsGetULLong(job.data, job.ndata as c_int, c"end".as_ptr(), &mut end), 1);
        assert!(end > 0);
        taken(jobs, count);
        assert_eq!(virDomainJobList(world.domain, ptr::null_mut(), 0), 1, "counted only");
    }
}

#[test]
fn an_application_may_keep_names_and_free_jobs_in_any_order() {
    let (world, _dir) = World::fixture(include_str!("../driver/test/default.xml"));
    for _ in 0..100 {
        assert_eq!(world.pull(c"vda", JOB_START_PARALLEL), 0, "{}", message());
    }
    let mut jobs = ptr::null_mut();
    unsafe {
        assert_eq!(virDomainJobList(world.domain, &mut jobs, 0), 100);
        let kept = std::mem::replace(&mut (**jobs.add(50)).name, ptr::null_mut());
        for at in (0..100).rev() {
            virDomainJobFree(*jobs.add((at * 37 + 11) % 100));
        }
        alloc::free(jobs);
        assert_eq!(text(kept), "block-pull-vda-51");
    }
}

#[test]
fn a_job_in_the_way_is_named() {
    let (world, _dir) = World::fixture(include_str!("../driver/test/default.xml"));
    assert_eq!(world.pull(c"vda", 0), 0, "{}", message());
    assert_eq!(world.pull(c"vda", 0), -1);
    assert_eq!(virGetLastErrorCode(), code::OPERATION_UNSUPPORTED);
    assert!(message().contains("block-pull-vda-1") && message().contains("since 2"), "{}", message());
    assert_eq!(world.pull(c"vda", JOB_START_PARALLEL), 0, "{}", message());
    assert_eq!(world.jobs(0).len(), 2);
}

#[test]
fn the_last_started_job_is_each_thread_s_own() {
    let (world, _dir) = World::fixture(include_str!("../driver/test/default.xml"));
    assert_eq!(world.pull(c"vda", 0), 0, "{}", message());
    let domain = world.domain as usize;
    let other = std::thread::spawn(move || {
        let none = virDomainJobLastStarted(domain as virDomainPtr, 0);
        (none.is_null(), virGetLastErrorCode())
    });
    assert_eq!(other.join().expect("no panic"), (true, code::NO_DOMAIN_JOB));
    assert_eq!(world.last_started(), "block-pull-vda-1");
}

#[test]
fn a_read_only_connection_looks_but_does_not_touch() {
    let world = World::readonly();
    let domain = world.domain;
    let name = c"x".as_ptr();
    let none: virTypedParameterPtr = ptr::null_mut();
    let denied: Vec<(&str, c_int)> = unsafe {
        vec![
            ("suspend", virDomainSuspend(domain)),
            ("destroy", virDomainDestroyFlags(domain, !0)),
            ("attach", virDomainAttachDevice(domain, name)),
            ("pull", virDomainBlockPull(domain, ptr::null(), 0, !0)),
            ("copy", virDomainBlockCopy(domain, ptr::null(), ptr::null(), none, -1, !0)),
            ("commit", virDomainBlockCommit(domain, name, ptr::null(), ptr::null(), 0, 0)),
            ("backup", virDomainBackupBegin(domain, name, ptr::null(), 0)),
            ("save", virDomainSave(domain, name)),
            ("dump", virDomainCoreDump(domain, name, 0)),
            ("restore", virDomainRestore(world.conn, name)),
            ("migrate", virDomainMigrateToURI(domain, name, 0, ptr::null(), 0)),
            ("abort block job", virDomainBlockJobAbort(domain, name, 0)),
            ("block job speed", virDomainBlockJobSetSpeed(domain, name, 0, 0)),
            ("abort job", virDomainAbortJob(domain)),
            ("control", virDomainJobControl(domain, name, 1, 0)),
            ("speed", virDomainJobSetSpeed(domain, name, 1, 0)),
        ]
    };
    for (what, result) in denied {
        assert_eq!(result, -1, "{what}");
    }
    assert_eq!(unsafe { virDomainJobControl(domain, name, 1, 0) }, -1);
    assert_eq!(last_error(), (code::OPERATION_DENIED, from::DOMAIN));
    assert_eq!(message(), "operation forbidden: read only access prevents virDomainJobControl");
    assert_eq!(world.jobs(0), []);
    assert!(unsafe { virDomainCreateXML(world.conn, name, 0) }.is_null());
    assert_eq!(virGetLastErrorCode(), code::OPERATION_DENIED);
}

#[test]
fn unknown_flags_and_missing_arguments_are_refused() {
    let world = World::open();
    let domain = world.domain;
    let refused = |what: &str, result: c_int, text: &str| {
        assert_eq!(result, -1, "{what}");
        assert_eq!(virGetLastErrorCode(), code::INVALID_ARG, "{what}: {}", message());
        assert!(message().contains(text), "{what}: {}", message());
    };
    unsafe {
        let mut jobs = ptr::NonNull::dangling().as_ptr();
        refused("list", virDomainJobList(domain, &mut jobs, 1 << 6), "unsupported flags (0x40) in function virDomainJobList");
        assert!(jobs.is_null(), "*jobs is NULL on error");
        refused("control", virDomainJobControl(domain, ptr::null(), 1, 0), "jobname in virDomainJobControl must not be NULL");
        refused("no operation", virDomainJobControl(domain, c"x".as_ptr(), 0, 0), "unknown job control operation 0");
        refused("operation", virDomainJobControl(domain, c"x".as_ptr(), u32::MAX, 0), "unknown job control operation");
        refused("states", virDomainJobWait(domain, c"x".as_ptr(), 1 << 7, 0, 0), "unknown job states");
        refused("timeout", virDomainJobWait(domain, c"x".as_ptr(), 0, -2, 0), "-2 ms");
        refused("pull", virDomainBlockPull(domain, c"vda".as_ptr(), 0, 1), "unsupported flags (0x1)");
        refused("rebase", virDomainBlockRebase(domain, c"vda".as_ptr(), ptr::null(), 0, 1), "requires a copy job");
        refused("copy", virDomainBlockRebase(domain, c"vda".as_ptr(), ptr::null(), 0, 8), "base in virDomainBlockRebase");
        refused("relative", virDomainBlockRebase(domain, c"vda".as_ptr(), ptr::null(), 0, 16), "only with non-null base");
        refused("target", virDomainBlockRebase(domain, c"vda".as_ptr(), c"x".as_ptr(), 0, 8), "absolute path");
        refused("save", virDomainSaveFlags(domain, c"/x".as_ptr(), ptr::null(), 6), "mutually exclusive");
        refused("stats", virDomainGetJobStats(domain, &mut 0, &mut ptr::null_mut(), &mut 0, 2), "is required by flag");
        refused("not UTF-8", virDomainBlockPull(domain, c"\xff".as_ptr(), 0, 0), "must be valid UTF-8");
        assert_eq!(virDomainBlockPull(domain, c"vda".as_ptr(), u64::MAX, 0), -1);
        assert_eq!(virGetLastErrorCode(), code::OVERFLOW);
        assert_eq!(message(), "numerical overflow: bandwidth must be less than 8796093022207");
    }
}

#[test]
fn what_is_no_handle_is_refused_by_every_function() {
    let world = World::open();
    let freed = unsafe { virDomainLookupByName(world.conn, c"test".as_ptr()) };
    assert_eq!(virDomainFree(freed), 0);
    let other = 0u64;
    for domain in [ptr::null_mut(), freed, world.conn.cast(), (&raw const other).cast_mut().cast()] {
        assert!(virDomainGetName(domain).is_null());
        assert_eq!(last_error(), (code::INVALID_DOMAIN, from::DOM));
        assert_eq!(message(), "invalid domain pointer in virDomainGetName");
        assert_eq!(virDomainFree(domain), -1);
        assert_eq!(virDomainRef(domain), -1);
        assert_eq!(virDomainGetID(domain), u32::MAX);
        assert_eq!(virDomainGetMaxMemory(domain), 0);
        assert!(virDomainGetConnect(domain).is_null());
        unsafe {
            let mut jobs = ptr::NonNull::dangling().as_ptr();
            assert_eq!(virDomainJobList(domain, &mut jobs, 0), -1);
            assert!(jobs.is_null());
            assert_eq!(virDomainJobControl(domain, c"x".as_ptr(), 1, 0), -1);
            assert!(virDomainJobGetXMLDesc(domain, c"x".as_ptr(), 0).is_null());
        }
        assert_eq!(virGetLastErrorCode(), code::INVALID_DOMAIN);
    }
    for conn in [ptr::null_mut(), world.domain.cast(), (&raw const other).cast_mut().cast()] {
        assert_eq!(virConnectClose(conn), -1);
        assert_eq!(last_error(), (code::INVALID_CONN, from::NONE));
        assert_eq!(virConnectRef(conn), -1);
        assert_eq!(virConnectNumOfDomains(conn), -1);
        assert!(virConnectGetType(conn).is_null());
        assert!(virConnGetLastError(conn).is_null());
        assert!(unsafe { virDomainLookupByName(conn, c"test".as_ptr()) }.is_null());
        assert_eq!(virGetLastErrorCode(), code::INVALID_CONN);
        assert_eq!(virDomainSnapshotFree(conn.cast()), -1);
        assert_eq!(last_error(), (code::INVALID_DOMAIN_SNAPSHOT, from::DOMAIN_SNAPSHOT));
    }
    unsafe {
        virDomainJobFree(ptr::null_mut());
        virTypedParamsFree(ptr::null_mut(), 0);
        virFreeError(ptr::null_mut());
        virResetError(ptr::null_mut());
    }
}

#[test]
fn errors_go_to_the_connection_s_handler_and_stay_with_it() {
    unsafe extern "C" fn keep(to: *mut c_void, error: virErrorPtr) {
        unsafe { to.cast::<i32>().write((*error).code) };
    }
    let world = World::open();
    let mut told = 0i32;
    virConnSetErrorFunc(world.conn, (&raw mut told).cast(), Some(keep));
    assert!(unsafe { virDomainLookupByName(world.conn, c"nobody".as_ptr()) }.is_null());
    assert_eq!(told, code::NO_DOMAIN);
    assert_eq!(last_error(), (code::NO_DOMAIN, from::TEST));
    let saved = virSaveLastError();
    assert_eq!(virDomainIsActive(world.domain), 1);
    unsafe {
        assert!(virGetLastError().is_null(), "success leaves none");
        assert_eq!((*virConnGetLastError(world.conn)).code, code::NO_DOMAIN);
        assert_eq!((*saved).code, code::NO_DOMAIN);
        assert!(CStr::from_ptr((*saved).message).to_string_lossy().starts_with("Domain not found: "));
        let mut copy = std::mem::MaybeUninit::uninit();
        assert_eq!(virConnCopyLastError(world.conn, copy.as_mut_ptr()), code::NO_DOMAIN);
        virResetError(copy.as_mut_ptr());
        virFreeError(saved);
    }
    virConnResetLastError(world.conn);
    assert_eq!(unsafe { (*virConnGetLastError(world.conn)).code }, code::OK);
    virConnSetErrorFunc(world.conn, ptr::null_mut(), None);
}

#[test]
fn domains_are_listed_by_what_they_are() {
    let world = World::open();
    let count = |flags| unsafe { virConnectListAllDomains(world.conn, ptr::null_mut(), flags) };
    assert_eq!(count(0), 1);
    assert_eq!((count(1), count(2)), (1, 0), "active, inactive");
    assert_eq!((count(1 << 4), count(1 << 5)), (1, 0), "running, paused");
    assert_eq!((count(1 << 8), count(1 << 9)), (0, 1), "with a managed save, without");
    assert_eq!((count(3), count(0b1100)), (1, 1), "both of a pair are all");
    assert_eq!(count(1 << 16), -1);
    let mut domains = ptr::null_mut();
    unsafe {
        assert_eq!(virConnectListAllDomains(world.conn, &mut domains, 0), 1);
        assert_eq!(CStr::from_ptr(virDomainGetName(*domains)), c"test");
        assert_eq!(virDomainGetConnect(*domains), world.conn);
        assert_eq!(virDomainFree(*domains), 0);
        assert!((*domains.add(1)).is_null());
        alloc::free(domains);
        let mut id = -1;
        assert_eq!(virConnectListDomains(world.conn, &mut id, 1), 1);
        assert_eq!(id as u32, virDomainGetID(world.domain));
        assert_eq!(virConnectListDomains(world.conn, ptr::null_mut(), 0), 0);
        assert_eq!(virConnectListDomains(world.conn, ptr::null_mut(), 1), -1);
    }
}

#[test]
fn a_domain_is_found_by_name_number_and_uuid() {
    let world = World::open();
    let mut uuid = [0u8; 16];
    let mut text: [c_char; 37] = [0; 37];
    unsafe {
        assert_eq!(virDomainGetUUID(world.domain, uuid.as_mut_ptr()), 0);
        assert_eq!(virDomainGetUUIDString(world.domain, text.as_mut_ptr()), 0);
        let id = virDomainGetID(world.domain) as c_int;
        for found in [
            virDomainLookupByID(world.conn, id),
            virDomainLookupByUUID(world.conn, uuid.as_ptr()),
            virDomainLookupByUUIDString(world.conn, text.as_ptr()),
        ] {
            assert_eq!(CStr::from_ptr(virDomainGetName(found)), c"test");
            assert_eq!(virDomainFree(found), 0);
        }
        assert!(virDomainLookupByUUIDString(world.conn, c"6695".as_ptr()).is_null());
        assert_eq!((virGetLastErrorCode(), message().as_str()), (code::INVALID_ARG, "Invalid UUID"));
        assert!(virDomainLookupByID(world.conn, -1).is_null());
        assert_eq!(virGetLastErrorCode(), code::INVALID_ARG);
    }
}

#[test]
fn a_connection_says_whether_references_remain() {
    let world = World::open();
    assert_eq!(virConnectRef(world.conn), 0);
    assert_eq!(virConnectClose(world.conn), 1);
    assert_eq!(virConnectIsAlive(world.conn), 1);
}

#[test]
fn a_close_callback_is_freed_once() {
    unsafe extern "C" fn closed(_: virConnectPtr, _: c_int, _: *mut c_void) {}
    unsafe extern "C" fn count(counter: *mut c_void) {
        unsafe { *counter.cast::<u32>() += 1 };
    }
    let mut freed = 0u32;
    let counter: *mut c_void = (&raw mut freed).cast();
    unsafe {
        let conn = virConnectOpen(c"test+jobs:///default".as_ptr());
        assert_eq!(virConnectRegisterCloseCallback(conn, Some(closed), counter, Some(count)), 0);
        assert_eq!(virConnectRegisterCloseCallback(conn, Some(closed), counter, Some(count)), -1);
        assert_eq!(*counter.cast::<u32>(), 0, "not by a registration that failed");
        assert_eq!(virConnectUnregisterCloseCallback(conn, Some(closed)), 0);
        assert_eq!(*counter.cast::<u32>(), 1);
        assert_eq!(virConnectUnregisterCloseCallback(conn, Some(closed)), -1);
        assert_eq!(virConnectRegisterCloseCallback(conn, Some(closed), counter, Some(count)), 0);
        assert_eq!(virConnectClose(conn), 0);
        assert_eq!(*counter.cast::<u32>(), 2, "by the close");
    }
}

#[test]
fn parameters_of_a_copy_are_checked() {
    let (world, _dir) = World::fixture(include_str!("../driver/test/default.xml"));
    let copy = |params: virTypedParameterPtr, count| unsafe {
        let target = c"<disk type='file'><source file='/tmp/copy.img'/></disk>";
        virDomainBlockCopy(world.domain, c"vda".as_ptr(), target.as_ptr(), params, count, 4)
    };
    assert_eq!(copy(ptr::null_mut(), 1), -1);
    assert_eq!(message(), "params in virDomainBlockCopy must not be NULL");
    assert_eq!(copy(ptr::null_mut(), -1), -1);
    let with = |field: &CStr, add: &dyn Fn(*mut virTypedParameterPtr, *mut c_int, *mut c_int, *const c_char) -> c_int| unsafe {
        let (mut params, mut count, mut room) = (ptr::null_mut(), 0, 0);
        assert_eq!(add(&mut params, &mut count, &mut room, field.as_ptr()), 0);
        let result = copy(params, count);
        let error = virGetLastErrorCode();
        virTypedParamsFree(params, count);
        (result, error)
    };
    let uint = |value| move |p, n, m, f| unsafe { virTypedParamsAddUInt(p, n, m, f, value) };
    let ullong = |value| move |p, n, m, f| unsafe { virTypedParamsAddULLong(p, n, m, f, value) };
    assert_eq!(with(c"speed", &uint(1)), (-1, code::ARGUMENT_UNSUPPORTED));
    assert_eq!(with(c"bandwidth", &uint(1)), (-1, code::INVALID_ARG), "of another type");
    assert_eq!(with(c"bandwidth", &ullong(u64::MAX)), (-1, code::INVALID_ARG));
    assert_eq!(with(c"granularity", &uint(3)), (-1, code::INVALID_ARG));
    assert_eq!(with(c"bandwidth", &ullong(1 << 20)), (0, code::OK), "{}", message());
    assert_eq!(world.last_started(), "block-copy-vda-1");
}

#[test]
fn handles_and_calls_stand_many_threads() {
    let world = World::open();
    let (conn, domain) = (world.conn as usize, world.domain as usize);
    let work = move || {
        for _ in 0..500 {
            let mine = unsafe { virDomainLookupByName(conn as virConnectPtr, c"test".as_ptr()) };
            assert!(!mine.is_null());
            assert!(unsafe { virDomainJobList(domain as virDomainPtr, ptr::null_mut(), 0) } >= 0);
            assert!(unsafe { virDomainJobGetXMLDesc(mine, c"none".as_ptr(), 0) }.is_null());
            assert_eq!(virGetLastErrorCode(), code::NO_DOMAIN_JOB);
            assert_eq!(virDomainFree(mine), 0);
            assert_eq!(virGetLastErrorCode(), code::OK);
        }
    };
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(work)).collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
}

#[test]
fn a_job_that_ends_while_it_is_waited_for_wakes_the_waiter() {
    let (world, _dir) = World::fixture(include_str!("../driver/test/default.xml"));
    assert_eq!(world.pull(c"vda", 0), 0, "{}", message());
    let name = CString::new(world.last_started()).expect("no NUL");
    let domain = world.domain as usize;
    let waited = name.clone();
    let waiter = std::thread::spawn(move || unsafe { virDomainJobWait(domain as virDomainPtr, waited.as_ptr(), 0, 10_000, 0) });
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(unsafe { virDomainJobControl(world.domain, name.as_ptr(), 1, 0) }, 0, "{}", message());
    assert_eq!(waiter.join().expect("no panic"), 5, "aborted");
}
