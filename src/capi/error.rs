//! The last error of each thread and connection, and who is told about it.
//!
//! As in the real library: a failing call leaves its error in the thread that made it, copies it to the connection, and
//! hands it to the connection's handler, else to the global one, else to stderr.
//!
//! If the process has the real library, the thread's error is kept there (`real`), so that both libraries' functions
//! show and forget the same one; what is kept here is a thread's error only until then.

use std::cell::UnsafeCell;
use std::ffi::{c_char, c_int, c_void, CStr};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{mem, ptr};

use parking_lot::Mutex;

use super::alloc;
use super::ctypes::{virConnectPtr, virError, virErrorFunc, virErrorPtr};
use super::entry::keeping_errno;
use super::forward::{forward, hand_over};
use super::handle::Connect;
use super::object::{resolve, Resolved};
use crate::driver::overlay::{self, Real};
use crate::model::{code, from, Error};

mod real;

/// `VIR_ERR_ERROR`.
const LEVEL_ERROR: u32 = 2;
/// `VIR_ERR_WARNING`.
const LEVEL_WARNING: u32 = 1;

/// What a failing export reports.
#[derive(Debug)]
pub struct Fault {
    pub error: Error,
    /// Raised by a check of the interface itself: the driver's error domain does not go in.
    pub by_interface: bool,
    /// The function and the argument that is wrong; such messages have no prefix.
    pub argument: Option<(&'static str, &'static str)>,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault { error, by_interface: false, argument: None }
    }
}

const fn no_error() -> virError {
    virError {
        code: 0,
        domain: 0,
        message: ptr::null_mut(),
        level: 0,
        conn: ptr::null_mut(),
        dom: ptr::null_mut(),
        str1: ptr::null_mut(),
        str2: ptr::null_mut(),
        str3: ptr::null_mut(),
        int1: 0,
        int2: 0,
        net: ptr::null_mut(),
    }
}

fn c_error(fault: &Fault) -> virError {
    let error = &fault.error;
    let (message, str1, str2, int) = match fault.argument {
        Some((function, argument)) => (alloc::string_lossy(&error.detail), alloc::string_lossy(function), alloc::string_lossy(argument), 0),
        None => (alloc::string_lossy(&error.message()), alloc::string_lossy(error.format()), alloc::string_lossy(&error.detail), -1),
    };
    virError { code: error.code, domain: error.domain, message, level: LEVEL_ERROR, str1, str2, int1: int, int2: int, ..no_error() }
}

/// Empties an error in place.
///
/// # Safety
/// `error` is NULL or an error whose strings are its own.
unsafe fn reset(error: virErrorPtr) {
    if error.is_null() {
        return;
    }
    // SAFETY: as the caller says; the strings came from malloc.
    unsafe {
        let old = mem::replace(&mut *error, no_error());
        [old.message, old.str1, old.str2, old.str3].into_iter().for_each(|text| alloc::free(text));
    }
}

/// A copy with strings of its own, without the handles, which errors never own.
///
/// # Safety
/// `error` points to an error.
unsafe fn copy(error: *const virError) -> virError {
    // SAFETY: as the caller says.
    unsafe {
        let error = &*error;
        virError {
            code: error.code,
            domain: error.domain,
            level: error.level,
            message: alloc::duplicate(error.message),
            str1: alloc::duplicate(error.str1),
            str2: alloc::duplicate(error.str2),
            str3: alloc::duplicate(error.str3),
            int1: error.int1,
            int2: error.int2,
            ..no_error()
        }
    }
}

/// An error that owns its strings and that C may hold a pointer to.
struct Slot(UnsafeCell<virError>);

// SAFETY: the pointers inside are the slot's own; who may touch it when is settled by where it is kept.
unsafe impl Send for Slot {}

impl Slot {
    const fn new() -> Slot {
        Slot(UnsafeCell::new(no_error()))
    }

    fn set(&self, error: virError) {
        // SAFETY: one thread at a time has the slot, and no reference into it lives on.
        unsafe {
            reset(self.0.get());
            self.0.get().write(error);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // SAFETY: nobody else has it any more.
        unsafe { reset(self.0.get()) };
    }
}

thread_local! {
    /// Nothing is done about it when the thread ends, so it can be used to the last: an application's own destructors of
    /// thread-local data may make calls.
    static LAST: UnsafeCell<virError> = const { UnsafeCell::new(no_error()) };
    /// Gives the strings back when the thread ends.
    static CLEANER: Cleaner = const { Cleaner };
}

struct Cleaner;

impl Drop for Cleaner {
    fn drop(&mut self) {
        reset_kept();
    }
}

/// The thread's error as it is kept here.
fn kept() -> virErrorPtr {
    LAST.with(UnsafeCell::get)
}

/// The same if there is one.
fn kept_set() -> Option<virErrorPtr> {
    let error = kept();
    // SAFETY: it is this thread's own.
    (unsafe { (*error).code } != code::OK).then_some(error)
}

fn reset_kept() {
    // SAFETY: it is this thread's own.
    unsafe { reset(kept()) };
}

/// Gives the thread's error to the real library to keep, if there is one.
pub fn hand_in() {
    if let Some(error) = kept_set() {
        keeping_errno(|| {
            // SAFETY: it is this thread's own.
            if unsafe { real::set(error) } {
                reset_kept();
            }
        });
    }
}

/// The thread's error if there is one, wherever it is kept.
fn last_set() -> Option<virErrorPtr> {
    hand_in();
    kept_set().or_else(real::last)
}

/// The thread's error, for whoever is told of it.
fn last() -> virErrorPtr {
    last_set().unwrap_or_else(kept)
}

/// Forgets the thread's error unless the real library has it.
pub fn reset_own() {
    hand_in();
    reset_kept();
}

/// Forgets the thread's error, as every call does that sets one if it fails.
pub fn reset_last() {
    reset_kept();
    real::reset_last();
}

/// Makes a real library that was not there before tell the handler that was set here.
pub fn join(library: &Real) {
    let handler = *GLOBAL_HANDLER.lock();
    if handler.function.is_some() {
        real::set_handler(library, handler.user_data, handler.function);
    }
}

/// The real library's handler is [`tell_unless_quiet`].
static QUIETABLE: AtomicBool = AtomicBool::new(false);

/// From now on the real library's errors of what the application knows nothing of are kept from its handler.
pub fn allow_quiet(library: &Real) {
    if !QUIETABLE.swap(true, Ordering::AcqRel) {
        real::set_handler(library, ptr::null_mut(), Some(tell_unless_quiet));
    }
}

unsafe extern "C" fn tell_unless_quiet(_: *mut c_void, error: virErrorPtr) {
    if overlay::is_quiet() {
        return;
    }
    let handler = *GLOBAL_HANDLER.lock();
    // SAFETY: the application's function with its data, or what the real library does without one; and the error to be told.
    unsafe {
        match handler.function {
            Some(function) => function(handler.user_data, error),
            None => virDefaultErrorFunc(error),
        }
    }
}

/// Reports that the real library is too old to have a function.
pub fn too_old(function: &'static str) {
    reset_last();
    report(&Error::no_support(function).raised_by(from::NONE).into(), None, ptr::null_mut());
}

#[derive(Clone, Copy)]
struct Handler {
    function: virErrorFunc,
    user_data: *mut c_void,
}

// SAFETY: the user data is the application's; it is only handed back.
unsafe impl Send for Handler {}

const NO_HANDLER: Handler = Handler { function: None, user_data: ptr::null_mut() };

static GLOBAL_HANDLER: Mutex<Handler> = Mutex::new(NO_HANDLER);

/// A connection's last error, and the handler that was set for it.
pub struct ConnectionErrors {
    inner: Mutex<Inner>,
}

struct Inner {
    /// In a place of its own: C may hold a pointer to it.
    last: Box<Slot>,
    handler: Handler,
}

impl Default for ConnectionErrors {
    fn default() -> ConnectionErrors {
        ConnectionErrors { inner: Mutex::new(Inner { last: Box::new(Slot::new()), handler: NO_HANDLER }) }
    }
}

/// Sets the thread's error.
pub fn set(fault: &Fault) {
    // A thread that is past its end has been cleaned up after; what it says now is left to the process.
    let _ = CLEANER.try_with(|_| ());
    reset_last();
    // SAFETY: it is this thread's own, and empty.
    unsafe { kept().write(c_error(fault)) };
    hand_in();
}

/// Whether this is the thread's error already.
pub fn is_last(error: &Error) -> bool {
    // SAFETY: this thread's own error, whose message is NULL or a C string.
    let same = |last: virErrorPtr| unsafe { (*last).domain == error.domain && text_of((*last).message) == error.message() };
    last_set().is_some_and(|last| identity_of_last().0 == error.code && same(last))
}

/// What tells the thread's error from another.
fn identity_of_last() -> (c_int, String) {
    let last = last();
    // SAFETY: this thread's own error, whose message is NULL or a C string.
    unsafe { ((*last).code, text_of((*last).message).into_owned()) }
}

/// Sets the thread's error and tells whoever is to be told. It is an error of `connection`, or of `foreign`, a connection
/// of the real library's, if they are given.
pub fn report(fault: &Fault, connection: Option<&Connect>, foreign: virConnectPtr) {
    set(fault);
    let mut handler = NO_HANDLER;
    if let Some(connection) = connection {
        let inner = connection.errors.inner.lock();
        inner.last.set(c_error(fault));
        handler = inner.handler;
    }
    let told = identity_of_last();
    tell(handler, foreign);
    // What a handler called may have made this thread forget why the call failed.
    if identity_of_last() != told {
        set(fault);
    }
}

/// Tells this handler of the thread's error; if it is none, the global one, or stderr. No lock is held.
fn tell(handler: Handler, foreign: virConnectPtr) {
    if handler.function.is_none() && real::tell(foreign) {
        return;
    }
    let handler = if handler.function.is_some() { handler } else { *GLOBAL_HANDLER.lock() };
    match handler.function {
        // SAFETY: the application's function, with its data and this thread's error.
        Some(function) => unsafe { function(handler.user_data, last()) },
        // SAFETY: this thread's own error.
        None => unsafe { print(last()) },
    }
}

const DOMAINS: [&str; 72] = [
    "",
    "Xen Driver",
    "Xen Daemon",
    "Xen Store",
    "S-Expression",
    "XML Util",
    "Domain",
    "XML-RPC",
    "Proxy Daemon",
    "Config File",
    "QEMU Driver",
    "Network",
    "Test Driver",
    "Remote Driver",
    "OpenVZ Driver",
    "Xen XM Driver",
    "Linux Statistics",
    "LXC Driver",
    "Storage Driver",
    "Network Driver",
    "Domain Config",
    "User Mode Linux Driver",
    "Node Device Driver",
    "Xen Inotify Driver",
    "Security Driver",
    "VirtualBox Driver",
    "Network Interface Driver",
    "Open Nebula Driver",
    "ESX Driver",
    "Power Hypervisor Driver",
    "Secrets Driver",
    "CPU Driver",
    "XenAPI Driver",
    "Network Filter Driver",
    "Lifecycle Hook",
    "Domain Snapshot",
    "Audit Utils",
    "Sysinfo Utils",
    "I/O Stream Utils",
    "VMware Driver",
    "Event Loop",
    "Xen Light Driver",
    "Lock Driver",
    "Hyper-V Driver",
    "Capabilities Utils",
    "URI Utils",
    "Authentication Utils",
    "DBus Utils",
    "Parallels Cloud Server",
    "Device Config",
    "SSH transport layer",
    "Lock Space",
    "Init control",
    "Identity",
    "Cgroup",
    "Access Manager",
    "Systemd",
    "Bhyve",
    "Crypto",
    "Firewall",
    "Polkit",
    "Thread jobs",
    "Admin Interface",
    "Log Manager",
    "Xen XL Config",
    "Perf",
    "Libssh transport layer",
    "Resource control",
    "FirewallD",
    "Domain Checkpoint",
    "TPM",
    "BPF",
];

/// The text of a C string; empty for NULL.
///
/// # Safety
/// `text` is NULL or a C string that outlives the result.
unsafe fn text_of<'a>(text: *const c_char) -> std::borrow::Cow<'a, str> {
    if text.is_null() {
        return "".into();
    }
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(text) }.to_string_lossy()
}

/// Writes an error to stderr in libvirt's words.
///
/// # Safety
/// `error` is NULL or points to an error.
unsafe fn print(error: virErrorPtr) {
    // SAFETY: as the caller says.
    let Some(error) = (unsafe { error.as_ref() }).filter(|error| error.code != code::OK) else { return };
    let level = match error.level {
        LEVEL_ERROR => "error",
        LEVEL_WARNING => "warning",
        _ => "",
    };
    let domain = usize::try_from(error.domain).ok().and_then(|n| DOMAINS.get(n)).unwrap_or(&"Unknown");
    let line = match (error.domain, error.code, error.int1) {
        (from::XML, code::XML_DETAIL, line) if line != 0 => format!("line {line}: "),
        _ => String::new(),
    };
    // SAFETY: an error's message is NULL or a C string.
    let message = unsafe { text_of(error.message) };
    let end = if message.ends_with('\n') { "" } else { "\n" };
    // A process without a stderr has nowhere to be told.
    let _ = std::io::stderr().write_all(format!("libvirt: {domain} {level} : {line}{message}{end}").as_bytes());
}

/// The last error of this thread.
///
/// Returns a pointer that stays valid while the thread lives and whose contents change with its next call, or NULL if
/// the last call succeeded. It must not be freed.
#[no_mangle]
pub extern "C" fn virGetLastError() -> virErrorPtr {
    last_set().unwrap_or(ptr::null_mut())
}

/// The code of this thread's last error; VIR_ERR_OK if there is none.
#[no_mangle]
pub extern "C" fn virGetLastErrorCode() -> c_int {
    // SAFETY: this thread's own error.
    last_set().map_or(code::OK, |error| unsafe { (*error).code })
}

/// Which part of the library raised this thread's last error; VIR_FROM_NONE if there is none.
#[no_mangle]
pub extern "C" fn virGetLastErrorDomain() -> c_int {
    // SAFETY: this thread's own error.
    last_set().map_or(from::NONE, |error| unsafe { (*error).domain })
}

/// The message of this thread's last error; never NULL. The text belongs to the library.
#[no_mangle]
pub extern "C" fn virGetLastErrorMessage() -> *const c_char {
    hand_in();
    if kept_set().is_none() {
        hand_over!(virGetLastErrorMessage());
    }
    let Some(error) = last_set() else { return c"no error".as_ptr() };
    // SAFETY: this thread's own error.
    match unsafe { (*error).message } {
        message if message.is_null() => c"unknown error".as_ptr(),
        message => message,
    }
}

/// Copies this thread's last error into @to, whose old contents are not looked at. Release it with virResetError.
///
/// Returns the error's code, 0 if there is none, or -1 if @to is NULL.
#[no_mangle]
pub unsafe extern "C" fn virCopyLastError(to: virErrorPtr) -> c_int {
    if to.is_null() {
        return -1;
    }
    // SAFETY: `to` has room for an error, says the caller.
    unsafe {
        to.write(copy_of_last());
        (*to).code
    }
}

/// A copy of this thread's error, empty if there is none.
fn copy_of_last() -> virError {
    // SAFETY: this thread's own error.
    last_set().map_or(no_error(), |error| unsafe { copy(error) })
}

/// A copy of this thread's last error, for use after further calls. Release it with virFreeError.
///
/// Returns the copy, whose code is VIR_ERR_OK if there was no error, or NULL if there is no memory.
#[no_mangle]
pub extern "C" fn virSaveLastError() -> virErrorPtr {
    let Ok(to) = alloc::zeroed::<virError>() else { return ptr::null_mut() };
    // SAFETY: freshly allocated.
    unsafe { to.write(copy_of_last()) };
    to
}

/// Releases what @err holds and empties it. NULL is harmless.
#[no_mangle]
pub unsafe extern "C" fn virResetError(err: virErrorPtr) {
    // SAFETY: as the caller says.
    unsafe { reset(err) };
}

/// Releases @err, which virSaveLastError made. NULL is harmless.
#[no_mangle]
pub unsafe extern "C" fn virFreeError(err: virErrorPtr) {
    // SAFETY: as the caller says.
    unsafe {
        reset(err);
        alloc::free(err);
    }
}

/// Forgets this thread's last error.
#[no_mangle]
pub extern "C" fn virResetLastError() {
    reset_last();
}

/// Sets the function that is told of errors for which no connection has one of its own.
///
/// @userData is handed to it; @handler NULL goes back to printing on stderr.
#[no_mangle]
pub extern "C" fn virSetErrorFunc(userData: *mut c_void, handler: virErrorFunc) {
    *GLOBAL_HANDLER.lock() = Handler { function: handler, user_data: userData };
    if !QUIETABLE.load(Ordering::Acquire) {
        hand_over!(virSetErrorFunc(userData, handler));
    }
}

/// Prints an error on stderr. NULL is harmless.
#[no_mangle]
pub unsafe extern "C" fn virDefaultErrorFunc(err: virErrorPtr) {
    hand_over!(virDefaultErrorFunc(err));
    // SAFETY: as the caller says.
    unsafe { print(err) };
}

/// Looks a connection up for the calls below, which set no error of their own.
fn quietly<R>(conn: virConnectPtr, look: impl FnOnce(&ConnectionErrors) -> R) -> Option<R> {
    match resolve::<Connect>(conn) {
        Resolved::Ours(connect) => Some(look(&connect.errors)),
        _ => None,
    }
}

/// The last error of a connection.
///
/// Returns a pointer that stays valid while @conn is open; its code is VIR_ERR_OK if there was no error. NULL if @conn
/// is not a connection. Other threads may change it at any moment: virGetLastError is the better choice.
#[no_mangle]
pub extern "C" fn virConnGetLastError(conn: virConnectPtr) -> virErrorPtr {
    forward!(virConnGetLastError(conn));
    quietly(conn, |errors| errors.inner.lock().last.0.get()).unwrap_or(ptr::null_mut())
}

/// Copies the last error of a connection into @to, whose old contents are not looked at. Release it with virResetError.
///
/// Returns the error's code, 0 if there is none, or -1 if an argument is wrong.
#[no_mangle]
pub unsafe extern "C" fn virConnCopyLastError(conn: virConnectPtr, to: virErrorPtr) -> c_int {
    if to.is_null() {
        return -1;
    }
    forward!(virConnCopyLastError(conn, to));
    // SAFETY: `to` has room for an error, says the caller.
    unsafe { to.write(no_error()) };
    let copied = quietly(conn, |errors| {
        let inner = errors.inner.lock();
        // SAFETY: the connection's error, under its lock; `to` is the caller's.
        unsafe {
            to.write(copy(inner.last.0.get()));
            (*to).code
        }
    });
    copied.unwrap_or(-1)
}

/// Forgets the last error of a connection.
#[no_mangle]
pub extern "C" fn virConnResetLastError(conn: virConnectPtr) {
    forward!(virConnResetLastError(conn));
    quietly(conn, |errors| errors.inner.lock().last.set(no_error()));
}

/// Sets the function that is told of the errors of @conn.
///
/// @userData is handed to it; @handler NULL leaves them to the global one.
#[no_mangle]
pub extern "C" fn virConnSetErrorFunc(conn: virConnectPtr, userData: *mut c_void, handler: virErrorFunc) {
    forward!(virConnSetErrorFunc(conn, userData, handler));
    quietly(conn, |errors| errors.inner.lock().handler = Handler { function: handler, user_data: userData });
}
