//! What every export does around its own few lines: forget the last error, stop panics at the border, turn a result
//! into what C expects, report a failure.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_ulong, c_void, CStr};
use std::panic::{self, AssertUnwindSafe};
use std::ptr;
use std::sync::{Arc, Once};

use super::alloc;
use super::ctypes::virConnectPtr;
use super::error::{self, Fault};
use super::handle::{Connect, Domain, Snapshot};
use super::object::{resolve, Object, Resolved, Strong};
use crate::model::{code, from, Error};

/// What the body of an export returns.
pub type Outcome<T> = std::result::Result<T, Fault>;

/// A Rust value as C receives it, with what C receives on failure.
pub trait CReturn {
    type C;
    const FAILURE: Self::C;
    fn into_c(self) -> Outcome<Self::C>;
}

macro_rules! returned {
    ($($rust:ty => $c:ty, $failure:expr, |$value:ident| $convert:expr;)*) => {$(
        impl CReturn for $rust {
            type C = $c;
            const FAILURE: $c = $failure;
            fn into_c(self) -> Outcome<$c> {
                let $value = self;
                $convert
            }
        }
    )*};
}

returned! {
    () => c_int, -1, |_done| Ok(0);
    i32 => c_int, -1, |number| Ok(number);
    bool => c_int, -1, |truth| Ok(c_int::from(truth));
    u64 => c_ulong, 0, |number| Ok(number);
    String => *mut c_char, ptr::null_mut(), |text| Ok(alloc::string(&text)?);
}

/// A count of things; more than C's `int` can say is an error.
impl CReturn for usize {
    type C = c_int;
    const FAILURE: c_int = -1;
    fn into_c(self) -> Outcome<c_int> {
        c_int::try_from(self).map_err(|_| Error::new(code::OVERFLOW, format!("{self} do not fit into an int")).into())
    }
}

impl<T> CReturn for *mut T {
    type C = *mut T;
    const FAILURE: *mut T = ptr::null_mut();
    fn into_c(self) -> Outcome<*mut T> {
        Ok(self)
    }
}

impl<T> CReturn for *const T {
    type C = *const T;
    const FAILURE: *const T = ptr::null();
    fn into_c(self) -> Outcome<*const T> {
        Ok(self)
    }
}

/// A new handle, owned by C.
impl<T: Object> CReturn for Strong<T> {
    type C = *mut T::C;
    const FAILURE: *mut T::C = ptr::null_mut();
    fn into_c(self) -> Outcome<*mut T::C> {
        Ok(self.into_ptr())
    }
}

/// A place of the caller's for a result; NULL takes nothing.
pub struct Out<T>(*mut T);

impl<T> Out<T> {
    pub fn set(&self, value: T) {
        if !self.0.is_null() {
            // SAFETY: the export's contract: the caller's place has room for it.
            unsafe { self.0.write(value) };
        }
    }
}

/// One call of an export, from the moment C enters.
pub struct Call {
    function: &'static str,
    from: i32,
    connection: RefCell<Option<Arc<Connect>>>,
    /// A connection of the real library's, or NULL.
    foreign: Cell<virConnectPtr>,
}

/// Runs the body of an export. `from` is the `virErrorDomain` of the file that has this function in the real library.
pub fn entry<T: CReturn>(from: i32, function: &'static str, body: impl FnOnce(&Call) -> Outcome<T>) -> T::C {
    error::reset_last();
    entry_telling(from, function, body, Call::report)
}

/// The same for the functions of the event loop, whose failure the real library tells nobody of: the error is set and not
/// reported. That library calls them in the midst of its own calls, whose errors they leave alone.
pub fn quiet_entry<T: CReturn>(from: i32, function: &'static str, body: impl FnOnce(&Call) -> Outcome<T>) -> T::C {
    error::reset_own();
    entry_telling(from, function, body, |_, fault| error::set(&fault))
}

fn entry_telling<T: CReturn>(
    from: i32,
    function: &'static str,
    body: impl FnOnce(&Call) -> Outcome<T>,
    tell: impl FnOnce(&Call, Fault),
) -> T::C {
    let call = Call { function, from, connection: RefCell::new(None), foreign: Cell::new(ptr::null_mut()) };
    let outcome = guarded(|| body(&call).and_then(T::into_c));
    match outcome {
        Ok(value) => value,
        Err(fault) => {
            keeping_errno(|| tell(&call, fault));
            T::FAILURE
        }
    }
}

/// Runs code that a panic must not leave; what it panicked with becomes an internal error.
pub fn guarded<R>(body: impl FnOnce() -> Outcome<R>) -> Outcome<R> {
    quiet_panics();
    let _inside = Inside::enter();
    panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(Error::internal(panic_text(payload.as_ref())).into()))
}

thread_local! {
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

/// Marks the thread as running code of ours on behalf of C.
struct Inside;

impl Inside {
    fn enter() -> Inside {
        let _ = INSIDE.try_with(|depth| depth.set(depth.get() + 1));
        Inside
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = INSIDE.try_with(|depth| depth.set(depth.get() - 1));
    }
}

/// A panic that becomes an error is not printed as well: stderr belongs to the application.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if INSIDE.try_with(Cell::get).unwrap_or(0) == 0 {
                before(info);
            }
        }));
    });
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("of unknown cause"))
}

/// Runs code that the caller's errno does not show.
pub fn keeping_errno<R>(body: impl FnOnce() -> R) -> R {
    let before = errno();
    let result = body();
    set_errno(before);
    result
}

fn errno() -> c_int {
    // SAFETY: the thread's own errno.
    unsafe { *libc::__errno_location() }
}

fn set_errno(value: c_int) {
    // SAFETY: the thread's own errno.
    unsafe { *libc::__errno_location() = value };
}

impl Call {
    fn report(&self, mut fault: Fault) {
        let connection = self.connection.take();
        if let (false, Some(connection)) = (fault.by_interface, &connection) {
            fault.error = fault.error.or_from(connection.driver.error_domain());
        }
        let foreign = self.foreign.get();
        if !foreign.is_null() {
            // An error of the real library's own has been told by it.
            if error::is_last(&fault.error) {
                return;
            }
            fault.error = fault.error.or_from(from::DOMAIN);
        }
        error::report(&fault, connection.as_deref(), foreign);
    }

    /// The call is about this connection of the real library's; errors from here on are its own, too.
    pub fn on_foreign(&self, conn: virConnectPtr) {
        self.foreign.set(conn);
    }

    /// A refusal by the interface itself.
    fn refusal(&self, from: i32, code: i32, detail: impl Into<String>) -> Fault {
        Fault { error: Error::new(code, detail).raised_by(from), by_interface: true, argument: None }
    }

    /// An argument that breaks a rule of the interface.
    pub fn invalid(&self, argument: &'static str, message: impl Into<String>) -> Fault {
        Fault { error: Error::invalid_arg(message).raised_by(self.from), by_interface: true, argument: Some((self.function, argument)) }
    }

    /// An error of the interface's own, with the code's usual text in front.
    pub fn error(&self, code: i32, detail: impl Into<String>) -> Fault {
        self.refusal(self.from, code, detail)
    }

    /// The driver cannot do it.
    pub fn unsupported(&self) -> Fault {
        self.refusal(self.from, code::NO_SUPPORT, self.function)
    }

    /// The pointer is no connection of ours.
    pub fn no_connection(&self) -> Fault {
        self.refusal(self.from, code::INVALID_CONN, self.function)
    }

    /// The pointer is no domain of ours.
    pub fn no_domain(&self) -> Fault {
        self.refusal(from::DOM, code::INVALID_DOMAIN, self.function)
    }

    /// The pointer is no snapshot of ours.
    pub fn no_snapshot(&self) -> Fault {
        self.refusal(from::DOMAIN_SNAPSHOT, code::INVALID_DOMAIN_SNAPSHOT, self.function)
    }

    /// The connection behind a pointer; errors from here on are its own, too.
    pub fn connection(&self, conn: *mut <Connect as Object>::C) -> Outcome<Arc<Connect>> {
        let Resolved::Ours(connect) = resolve::<Connect>(conn) else { return Err(self.no_connection()) };
        self.connection.replace(Some(connect.clone()));
        Ok(connect)
    }

    /// The domain behind a pointer.
    pub fn domain(&self, domain: *mut <Domain as Object>::C) -> Outcome<Arc<Domain>> {
        let Resolved::Ours(domain) = resolve::<Domain>(domain) else { return Err(self.no_domain()) };
        self.connection.replace(Some(domain.conn.object().clone()));
        Ok(domain)
    }

    /// The snapshot behind a pointer.
    pub fn snapshot(&self, snapshot: *mut <Snapshot as Object>::C) -> Outcome<Arc<Snapshot>> {
        let Resolved::Ours(snapshot) = resolve::<Snapshot>(snapshot) else { return Err(self.no_snapshot()) };
        self.connection.replace(Some(snapshot.domain.conn.object().clone()));
        Ok(snapshot)
    }

    /// Whichever of our objects the pointer is, if it is one: errors from here on are its connection's, too.
    pub fn any(&self, pointer: *mut c_void) -> bool {
        self.connection(pointer.cast()).is_ok() || self.domain(pointer.cast()).is_ok() || self.snapshot(pointer.cast()).is_ok()
    }

    /// Refuses a read-only connection; the object must have been looked up before.
    pub fn writable(&self) -> Outcome<()> {
        match &*self.connection.borrow() {
            Some(connection) if connection.readonly => Err(self.read_only()),
            _ => Ok(()),
        }
    }

    /// What a read-only connection is refused with.
    pub fn read_only(&self) -> Fault {
        self.error(code::OPERATION_DENIED, format!("read only access prevents {}", self.function))
    }

    /// Refuses flags that this function does not know. In the real library this is the driver's business, so it comes
    /// after every other check and bears the driver's name.
    pub fn flags(&self, flags: u32, known: u32) -> Outcome<()> {
        match flags & !known {
            0 => Ok(()),
            unknown => Err(Fault {
                error: Error::invalid_arg(format!("unsupported flags (0x{unknown:x}) in function {}", self.function)),
                by_interface: false,
                argument: Some((self.function, "flags")),
            }),
        }
    }

    /// Refuses two flags that exclude each other.
    pub fn exclusive(&self, flags: u32, one: (u32, &str), other: (u32, &str)) -> Outcome<()> {
        if flags & one.0 != 0 && flags & other.0 != 0 {
            return Err(self.invalid("flags", format!("Flags '{}' and '{}' are mutually exclusive", one.1, other.1)));
        }
        Ok(())
    }

    /// Refuses a flag that stands without another that it needs.
    pub fn requires(&self, flags: u32, one: (u32, &str), needed: (u32, &str)) -> Outcome<()> {
        if flags & one.0 != 0 && flags & needed.0 == 0 {
            return Err(self.invalid("flags", format!("Flag '{}' is required by flag '{}'", needed.1, one.1)));
        }
        Ok(())
    }

    /// Refuses NULL: what must be given was not.
    pub fn given(&self, given: bool, argument: &'static str) -> Outcome<()> {
        if !given {
            return Err(self.invalid(argument, format!("{argument} in {} must not be NULL", self.function)));
        }
        Ok(())
    }

    /// Refuses a number below zero.
    pub fn non_negative(&self, number: c_int, argument: &'static str) -> Outcome<usize> {
        usize::try_from(number).map_err(|_| self.invalid(argument, format!("{argument} in {} must be zero or greater", self.function)))
    }

    /// Where a result goes that the caller must want.
    pub fn out<T>(&self, place: *mut T, argument: &'static str) -> Outcome<Out<T>> {
        self.given(!place.is_null(), argument)?;
        Ok(Out(place))
    }

    /// Where a result goes unless it is NULL.
    pub fn maybe_out<T>(&self, place: *mut T) -> Out<T> {
        Out(place)
    }

    /// A text that must be given.
    ///
    /// # Safety
    /// `text` is NULL or a C string that stays unchanged during the call.
    pub unsafe fn text<'a>(&self, text: *const c_char, argument: &'static str) -> Outcome<&'a str> {
        self.given(!text.is_null(), argument)?;
        // SAFETY: not NULL, so a C string, says the caller.
        let text = unsafe { CStr::from_ptr(text) };
        text.to_str().map_err(|_| self.invalid(argument, format!("{argument} in {} must be valid UTF-8", self.function)))
    }

    /// A text that may be NULL.
    ///
    /// # Safety
    /// As for [`Call::text`].
    pub unsafe fn optional_text<'a>(&self, text: *const c_char, argument: &'static str) -> Outcome<Option<&'a str>> {
        if text.is_null() {
            return Ok(None);
        }
        // SAFETY: as the caller says.
        unsafe { self.text(text, argument) }.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::{virGetLastError, virGetLastErrorCode, virSetErrorFunc};
    use super::*;

    unsafe extern "C" fn silent(_: *mut c_void, _: super::super::ctypes::virErrorPtr) {
        set_errno(libc::EPIPE);
    }

    #[test]
    fn a_panic_becomes_an_error_and_the_process_goes_on() {
        virSetErrorFunc(ptr::null_mut(), Some(silent));
        assert_eq!(entry(from::DOMAIN, "f", |_| -> Outcome<()> { panic!("lost {}", 7) }), -1);
        let error = virGetLastError();
        // SAFETY: the call failed, so there is an error with a message.
        let message = unsafe { CStr::from_ptr((*error).message) };
        assert_eq!(message.to_str(), Ok("internal error: panic: lost 7"));
    }

    #[test]
    fn success_leaves_no_error_and_failure_leaves_errno() {
        virSetErrorFunc(ptr::null_mut(), Some(silent));
        let failing = |call: &Call| -> Outcome<()> { Err(call.invalid("x", "no")) };
        set_errno(libc::ENOTTY);
        assert_eq!(entry(from::DOMAIN, "f", failing), -1);
        assert_eq!(errno(), libc::ENOTTY);
        assert_eq!(virGetLastErrorCode(), code::INVALID_ARG);
        assert_eq!(entry(from::DOMAIN, "f", |_| Ok(true)), 1);
        assert_eq!(virGetLastErrorCode(), code::OK);
    }
}
