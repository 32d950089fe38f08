//! `virConnectPtr`: opening, closing, and what a connection says of itself.

use std::ffi::{c_char, c_int, c_uint, c_ulong, c_void, CStr};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use super::abi::common::LIBVIR_VERSION_NUMBER;
use super::ctypes::{virConnectAuth, virConnectAuthPtr, virConnectCloseFunc, virConnectCredentialPtr, virConnectPtr, virFreeCallback};
use super::entry::{entry, keeping_errno, Call, Outcome};
use super::forward::{self, forward, hand_over, pass_on};
use super::handle::{CloseCallback, Connect};
use super::object::{self, Strong};
use super::opaque::Opaque;
use super::opened;
use crate::driver::overlay::{self, Real};
use crate::driver::uri::Target;
use crate::driver::{self, Connection};
use crate::event::Subscriptions;
use crate::model::{code, from, Error, Result};

/// `virConnectFlags`.
const RO: c_uint = 1 << 0;
const NO_ALIASES: c_uint = 1 << 1;

/// Prepares the library. Every function that needs it does this by itself.
///
/// Returns 0; there is nothing that can fail.
#[no_mangle]
pub extern "C" fn virInitialize() -> c_int {
    hand_over!(virInitialize());
    0
}

/// Stores the libvirt release whose interface this library follows in @libVer and, unless it is NULL, in @typeVer:
/// major * 1,000,000 + minor * 1,000 + micro. @type is not looked at.
///
/// Returns 0, or -1 if @libVer is NULL.
#[no_mangle]
pub unsafe extern "C" fn virGetVersion(libVer: *mut c_ulong, r#type: *const c_char, typeVer: *mut c_ulong) -> c_int {
    hand_over!(virGetVersion(libVer, r#type, typeVer));
    let _ = r#type; // there is one kind of hypervisor driver as far as versions go
    entry(from::NONE, "virGetVersion", |call| {
        let version = call.out(libVer, "libVer")?;
        version.set(LIBVIR_VERSION_NUMBER);
        call.maybe_out(typeVer).set(LIBVIR_VERSION_NUMBER);
        Ok(())
    })
}

/// Opens a connection to a hypervisor.
///
/// @name is a URI: `test:///default`, `test:///ABS/FILE.xml`, `qemu+qmp:///DIR`, `qemu+qmp:///SOCKET`, or one that the
/// real libvirt knows. NULL means what LIBVIRT_DEFAULT_URI says.
///
/// Returns a connection that must be closed with virConnectClose, or NULL on error.
#[no_mangle]
pub unsafe extern "C" fn virConnectOpen(name: *const c_char) -> virConnectPtr {
    if let Some(real) = unsafe { real_for(name) } {
        return opened::opened(pass_on!(real, virConnectOpen(name)));
    }
    entry(from::NONE, "virConnectOpen", |call| unsafe { open(call, name, 0) })
}

/// Opens a connection that can look but not touch. See virConnectOpen.
#[no_mangle]
pub unsafe extern "C" fn virConnectOpenReadOnly(name: *const c_char) -> virConnectPtr {
    if let Some(real) = unsafe { real_for(name) } {
        return opened::opened(pass_on!(real, virConnectOpenReadOnly(name)));
    }
    entry(from::NONE, "virConnectOpenReadOnly", |call| unsafe { open(call, name, RO) })
}

/// Opens a connection, with @auth to answer the real libvirt's questions for credentials; other drivers never ask.
///
/// @flags is a combination of virConnectFlags. See virConnectOpen.
#[no_mangle]
pub unsafe extern "C" fn virConnectOpenAuth(name: *const c_char, auth: virConnectAuthPtr, flags: c_uint) -> virConnectPtr {
    if let Some(real) = unsafe { real_for(name) } {
        return opened::opened(pass_on!(real, virConnectOpenAuth(name, auth, flags)));
    }
    entry(from::NONE, "virConnectOpenAuth", |call| {
        call.flags(flags, RO | NO_ALIASES)?;
        unsafe { open(call, name, flags) }
    })
}

/// The real library, if a connection of this name is for it to open: it is loaded if need be and there is one.
///
/// # Safety
/// `name` is NULL or a C string.
unsafe fn real_for(name: *const c_char) -> Option<&'static Real> {
    // SAFETY: as the caller says.
    let given = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_bytes()).filter(|name| !name.is_empty());
    let default = given.is_none().then(|| std::env::var_os("LIBVIRT_DEFAULT_URI")).flatten();
    let uri = given.or(default.as_ref().map(|uri| uri.as_bytes())).unwrap_or_default();
    if !matches!(target(&String::from_utf8_lossy(uri)), Ok(Target::Libvirt(_))) {
        return None;
    }
    // What is in the way of loading it is found again by the call that tells it.
    keeping_errno(overlay::load).ok()?;
    forward::joined()
}

fn target(uri: &str) -> Result<Target> {
    Target::parse(uri, forward::real().is_some())
}

/// # Safety
/// `name` is NULL or a C string.
unsafe fn open(call: &Call, name: *const c_char, flags: c_uint) -> Outcome<Strong<Connect>> {
    // SAFETY: as the caller says.
    let given = unsafe { call.optional_text(name, "name") }?.filter(|name| !name.is_empty());
    let default = std::env::var("LIBVIRT_DEFAULT_URI").ok().filter(|uri| given.is_none() && !uri.is_empty());
    let uri = given.or(default.as_deref()).unwrap_or("(null)");
    let events = Arc::new(Subscriptions::new());
    let driver = driver_for(&target(uri)?, &events)?;
    Ok(Strong::new(Connect::new(driver, events, flags & RO != 0))?)
}

fn driver_for(target: &Target, events: &Arc<Subscriptions>) -> Result<Arc<dyn Connection>> {
    match target {
        Target::TestDefault | Target::TestFixture(_) => driver::test::open(target, events.clone()),
        Target::Qemu(path) => driver::qemu::open(path, events.clone()),
        // The real library would have been asked if it could be loaded.
        Target::Libvirt(uri) => Err(match overlay::load() {
            Ok(_) => Error::internal(format!("'{uri}' was not opened, though libvirt was")),
            Err(why) => driver::uri::no_libvirt(uri, &why.detail),
        }),
    }
}

/// Gives up one reference to @conn. The connection is closed with the last; domains and event callbacks hold one each.
///
/// Returns 0 if it was the last, 1 if others remain, -1 on error.
#[no_mangle]
pub extern "C" fn virConnectClose(conn: virConnectPtr) -> c_int {
    opened::closing(conn);
    forward!(virConnectClose(conn));
    entry(from::NONE, "virConnectClose", |call| {
        let left = object::release::<Connect>(conn).ok_or_else(|| call.no_connection())?;
        Ok(left > 0)
    })
}

/// Adds a reference to @conn, to be given up with virConnectClose.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virConnectRef(conn: virConnectPtr) -> c_int {
    opened::referenced(conn);
    forward!(virConnectRef(conn));
    entry(from::DOMAIN, "virConnectRef", |call| {
        let reference = object::retain::<Connect>(conn).ok_or_else(|| call.no_connection())?;
        reference.into_ptr();
        Ok(())
    })
}

/// The name of the driver behind @conn, such as "QEMU" or "Test". It belongs to the connection.
///
/// Returns the name, or NULL on error.
#[no_mangle]
pub extern "C" fn virConnectGetType(conn: virConnectPtr) -> *const c_char {
    forward!(virConnectGetType(conn));
    entry(from::DOMAIN, "virConnectGetType", |call| Ok(call.connection(conn)?.type_name().as_ptr()))
}

/// Stores the hypervisor's version in @hvVer: major * 1,000,000 + minor * 1,000 + micro.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virConnectGetVersion(conn: virConnectPtr, hvVer: *mut c_ulong) -> c_int {
    forward!(virConnectGetVersion(conn, hvVer));
    entry(from::DOMAIN, "virConnectGetVersion", |call| {
        let connect = call.connection(conn)?;
        call.out(hvVer, "hvVer")?.set(connect.driver.version()?);
        Ok(())
    })
}

/// Stores the libvirt release whose interface the peer follows in @libVer.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virConnectGetLibVersion(conn: virConnectPtr, libVer: *mut c_ulong) -> c_int {
    forward!(virConnectGetLibVersion(conn, libVer));
    entry(from::DOMAIN, "virConnectGetLibVersion", |call| {
        call.connection(conn)?;
        call.out(libVer, "libVer")?.set(LIBVIR_VERSION_NUMBER);
        Ok(())
    })
}

/// The name of the host that the hypervisor runs on.
///
/// Returns a text to be released with free(), or NULL on error.
#[no_mangle]
pub extern "C" fn virConnectGetHostname(conn: virConnectPtr) -> *mut c_char {
    forward!(virConnectGetHostname(conn));
    entry(from::DOMAIN, "virConnectGetHostname", |call| {
        call.connection(conn)?;
        Ok(hostname()?)
    })
}

fn hostname() -> Result<String> {
    let mut name = [0u8; 256];
    // SAFETY: the buffer is as long as is said.
    if unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len()) } != 0 {
        return Err(Error::system("cannot read the host's name", &std::io::Error::last_os_error()));
    }
    let text = name.split(|&byte| byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// The canonical URI of @conn.
///
/// Returns a text to be released with free(), or NULL on error.
#[no_mangle]
pub extern "C" fn virConnectGetURI(conn: virConnectPtr) -> *mut c_char {
    forward!(virConnectGetURI(conn));
    entry(from::DOMAIN, "virConnectGetURI", |call| Ok(call.connection(conn)?.driver.uri()))
}

/// What the host and the hypervisor can do, as a `<capabilities>` document.
///
/// Returns a text to be released with free(), or NULL on error.
#[no_mangle]
pub extern "C" fn virConnectGetCapabilities(conn: virConnectPtr) -> *mut c_char {
    forward!(virConnectGetCapabilities(conn));
    entry(from::DOMAIN, "virConnectGetCapabilities", |call| Ok(call.connection(conn)?.driver.capabilities()?))
}

/// The largest number of virtual CPUs of a domain of @type. No driver of this library sets a limit of its own.
///
/// Returns -1 with VIR_ERR_NO_SUPPORT.
#[no_mangle]
pub unsafe extern "C" fn virConnectGetMaxVcpus(conn: virConnectPtr, r#type: *const c_char) -> c_int {
    forward!(virConnectGetMaxVcpus(conn, r#type));
    let _ = r#type;
    entry(from::DOMAIN, "virConnectGetMaxVcpus", |call| -> Outcome<()> {
        call.connection(conn)?;
        Err(call.unsupported())
    })
}

/// Whether @conn is still usable.
///
/// Returns 1 if it is, 0 if not, -1 on error.
#[no_mangle]
pub extern "C" fn virConnectIsAlive(conn: virConnectPtr) -> c_int {
    forward!(virConnectIsAlive(conn));
    entry(from::DOMAIN, "virConnectIsAlive", |call| Ok(call.connection(conn)?.driver.is_alive()))
}

/// Whether what goes over @conn is encrypted. Connections within a host are not.
///
/// Returns 1 if it is, 0 if not, -1 on error.
#[no_mangle]
pub extern "C" fn virConnectIsEncrypted(conn: virConnectPtr) -> c_int {
    forward!(virConnectIsEncrypted(conn));
    entry(from::DOMAIN, "virConnectIsEncrypted", |call| call.connection(conn).map(|_| false))
}

/// Whether what goes over @conn cannot be overheard. Within a host it cannot.
///
/// Returns 1 if so, 0 if not, -1 on error.
#[no_mangle]
pub extern "C" fn virConnectIsSecure(conn: virConnectPtr) -> c_int {
    forward!(virConnectIsSecure(conn));
    entry(from::DOMAIN, "virConnectIsSecure", |call| call.connection(conn).map(|_| true))
}

/// Asks for messages that keep a connection over a network alive. There is nothing to do within a host.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virConnectSetKeepAlive(conn: virConnectPtr, interval: c_int, count: c_uint) -> c_int {
    forward!(virConnectSetKeepAlive(conn, interval, count));
    let _ = (interval, count); // there is no transport to keep alive
    entry(from::DOMAIN, "virConnectSetKeepAlive", |call| call.connection(conn).map(drop))
}

/// Registers @cb to be called when the peer is lost. Connections of this library have no peer to lose, so it never is.
///
/// @freecb is called with @opaque after virConnectUnregisterCloseCallback, or when the connection is closed.
///
/// Returns 0, or -1 on error, in which case @freecb is not called.
#[no_mangle]
pub unsafe extern "C" fn virConnectRegisterCloseCallback(
    conn: virConnectPtr,
    cb: virConnectCloseFunc,
    opaque: *mut c_void,
    freecb: virFreeCallback,
) -> c_int {
    forward!(virConnectRegisterCloseCallback(conn, cb, opaque, freecb));
    entry(from::DOMAIN, "virConnectRegisterCloseCallback", |call| {
        let connect = call.connection(conn)?;
        call.given(cb.is_some(), "cb")?;
        let mut registered = connect.close_callback.lock();
        if registered.is_some() {
            return Err(call.error(code::OPERATION_INVALID, "a close callback is already registered"));
        }
        *registered = Some(CloseCallback { function: cb, _opaque: Opaque::new(opaque, freecb) });
        Ok(())
    })
}

/// Takes back what virConnectRegisterCloseCallback registered.
///
/// Returns 0, or -1 if @cb is not the function that is registered.
#[no_mangle]
pub unsafe extern "C" fn virConnectUnregisterCloseCallback(conn: virConnectPtr, cb: virConnectCloseFunc) -> c_int {
    forward!(virConnectUnregisterCloseCallback(conn, cb));
    entry(from::DOMAIN, "virConnectUnregisterCloseCallback", |call| {
        let connect = call.connection(conn)?;
        call.given(cb.is_some(), "cb")?;
        let address = cb.map(|function| function as usize);
        let taken = connect.close_callback.lock().take_if(|registered| registered.function.map(|f| f as usize) == address);
        // Its free function runs here, with no lock held.
        taken.map(drop).ok_or_else(|| call.error(code::OPERATION_INVALID, "a different close callback is registered, or none"))
    })
}

/// Has the real library ask the user on the terminal, as its own default does; without one no question is answered.
unsafe extern "C" fn default_credentials(cred: virConnectCredentialPtr, ncred: c_uint, cbdata: *mut c_void) -> c_int {
    let Some(symbol) = forward::real().and_then(|real| real.symbol(c"virConnectAuthPtrDefault")) else { return -1 };
    // SAFETY: that variable of the real library: a pointer to how it asks, which never changes.
    let theirs = unsafe { symbol.cast::<virConnectAuthPtr>().as_ref().as_ref() };
    // SAFETY: its function with what it is asked to ask.
    theirs.and_then(|auth| auth.cb).map_or(-1, |ask| unsafe { ask(cred, ncred, cbdata) })
}

/// A pointer that C reads and nobody writes.
#[repr(transparent)]
pub struct AuthPointer(virConnectAuthPtr);

// SAFETY: what it points to is never written.
unsafe impl Sync for AuthPointer {}

struct Auth(virConnectAuth);

// SAFETY: never written.
unsafe impl Sync for Auth {}

/// What the real library's default can ask for: AUTHNAME, ECHOPROMPT, REALM, PASSPHRASE, NOECHOPROMPT, EXTERNAL.
static ASKED: [c_int; 6] = [2, 6, 8, 5, 7, 9];

static DEFAULT_AUTH: Auth = Auth(virConnectAuth {
    credtype: (&raw const ASKED).cast_mut().cast(),
    ncredtype: ASKED.len() as c_uint,
    cb: Some(default_credentials),
    cbdata: std::ptr::null_mut(),
});

/// For virConnectOpenAuth: asks on the terminal for what a connection of the real libvirt wants to know.
#[no_mangle]
pub static virConnectAuthPtrDefault: AuthPointer = AuthPointer((&raw const DEFAULT_AUTH.0).cast_mut());
