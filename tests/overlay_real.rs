//! Finding and opening the real libvirt. Each test has a process of its own: what is loaded stays.

use std::ffi::{c_char, c_int, c_void, CStr};
use std::path::Path;
use std::process::Command;

use virt_jobs::driver::overlay::{load, present};
use virt_jobs::model::code;

/// Whether the test runs in its own process already; otherwise runs it there.
fn in_a_process_of_its_own(test: &str, environment: &[(&str, &str)]) -> bool {
    const MARK: &str = "VIRT_JOBS_TEST_PROCESS";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]).env(MARK, "1").envs(environment.iter().copied());
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    false
}

fn libvirt_is_installed() -> bool {
    let directory = format!("/usr/lib/{}-linux-gnu/libvirt.so.0", std::env::consts::ARCH);
    Path::new(&directory).exists() || Path::new("/usr/lib64/libvirt.so.0").exists()
}

fn open_as_a_program_does(library: &CStr) {
    // SAFETY: a C string.
    let handle = unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    assert!(!handle.is_null(), "{library:?}");
}

#[test]
fn it_is_loaded_when_it_is_asked_for_and_stays() {
    if !libvirt_is_installed() || !in_a_process_of_its_own("it_is_loaded_when_it_is_asked_for_and_stays", &[]) {
        return;
    }
    assert!(present().is_none(), "looking does not load it");
    let real = load().unwrap();
    assert!(std::ptr::eq(real, load().unwrap()) && std::ptr::eq(real, present().unwrap()));
    let mut version: libc::c_ulong = 0;
    let symbol = real.symbol(c"virGetVersion").unwrap().as_ptr();
    // SAFETY: the function of that name in the library.
    let get = unsafe {
        std::mem::transmute::<*mut c_void, unsafe extern "C" fn(*mut libc::c_ulong, *const c_char, *mut libc::c_ulong) -> c_int>(symbol)
    };
    // SAFETY: as libvirt describes it.
    assert_eq!(unsafe { get(&mut version, std::ptr::null(), std::ptr::null_mut()) }, 0);
    assert!(version >= 1_000_000, "{version}");
    assert!(real.symbol(c"virNoSuchFunction").is_none());
}

#[test]
fn one_that_the_program_loads_is_found_from_then_on() {
    if !libvirt_is_installed() || !in_a_process_of_its_own("one_that_the_program_loads_is_found_from_then_on", &[]) {
        return;
    }
    assert!(present().is_none() && present().is_none());
    open_as_a_program_does(c"libvirt.so.0");
    let real = present().expect("it is there now");
    assert!(std::ptr::eq(real, load().unwrap()));
}

#[test]
fn functions_for_qemu_alone_are_looked_up_in_their_own_library() {
    if !libvirt_is_installed() || !in_a_process_of_its_own("functions_for_qemu_alone_are_looked_up_in_their_own_library", &[]) {
        return;
    }
    let real = load().unwrap();
    assert!(real.symbol(c"virDomainQemuMonitorCommand").is_none());
    assert!(real.qemu_symbol(c"virDomainQemuMonitorCommand").is_ok());
    let missing = real.qemu_symbol(c"virDomainNoSuchFunction").unwrap_err();
    assert_eq!(missing.code, code::NO_SUPPORT);
    assert!(missing.detail.contains("virDomainNoSuchFunction"), "{missing}");
}

#[test]
fn where_there_is_none_the_error_names_what_was_looked_for() {
    let environment = [("VIRT_JOBS_LIBVIRT", "/nonexistent/libvirt.so.0")];
    if !in_a_process_of_its_own("where_there_is_none_the_error_names_what_was_looked_for", &environment) {
        return;
    }
    let error = load().map(drop).unwrap_err();
    assert_eq!(error.code, code::NO_CONNECT);
    assert!(error.detail.contains("/nonexistent/libvirt.so.0") && error.detail.contains("No such file"), "{error}");
    assert!(present().is_none());
}
