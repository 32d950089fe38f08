//! The functions of the real library that the overlay calls, by their types in libvirt's headers, looked up once.

use std::ffi::{c_char, c_int, c_uchar, c_uint, c_ulong, c_ulonglong, c_void, CStr};

use once_cell::sync::OnceCell;

use super::real::{present, Real};
use crate::model::{Error, Result};

/// A `virConnectPtr` or `virDomainPtr` of the real library.
pub(super) type Pointer = *mut c_void;
/// `virFreeCallback`.
pub(super) type Free = unsafe extern "C" fn(*mut c_void);
/// What every event callback is registered as.
pub(super) type Generic = unsafe extern "C" fn();
/// `virConnectDomainQemuMonitorEventCallback`.
pub(super) type MonitorCallback =
    unsafe extern "C" fn(Pointer, Pointer, *const c_char, std::ffi::c_longlong, c_uint, *const c_char, *mut c_void);

macro_rules! functions {
    ($table:ident, $look:ident, $from:ident, $($name:ident($($argument:ty),*) -> $returned:ty;)*) => {
        #[allow(non_snake_case)]
        pub(super) struct $table {
            $(pub $name: unsafe extern "C" fn($($argument),*) -> $returned,)*
        }

        impl $table {
            fn $look(real: &Real) -> Result<$table> {
                Ok($table {
                    $($name: {
                        let symbol = $from(real, concat!(stringify!($name), "\0"))?;
                        // SAFETY: the function of that name has this type, say libvirt's headers.
                        unsafe { std::mem::transmute::<std::ptr::NonNull<c_void>, unsafe extern "C" fn($($argument),*) -> $returned>(symbol) }
                    },)*
                })
            }
        }
    };
}

/// `virDomainBlockJobInfo` of libvirt's headers.
#[repr(C)]
#[derive(Default)]
pub(super) struct CBlockJobInfo {
    pub kind: c_int,
    pub bandwidth: c_ulong,
    pub cur: c_ulonglong,
    pub end: c_ulonglong,
}

/// The part of `virError` that is read.
#[repr(C)]
pub(super) struct CError {
    pub code: c_int,
    pub domain: c_int,
    pub message: *const c_char,
}

/// `virDomainStatsRecord`.
#[repr(C)]
pub(super) struct CStatsRecord {
    pub dom: Pointer,
    pub params: *const CParam,
    pub nparams: c_int,
}

/// `virTypedParameter`.
#[repr(C)]
pub(super) struct CParam {
    pub field: [c_char; 80],
    pub kind: c_int,
    pub value: CValue,
}

#[repr(C)]
pub(super) union CValue {
    pub i: c_int,
    pub ui: c_uint,
    pub l: i64,
    pub ul: u64,
    pub d: f64,
    pub b: c_char,
    pub s: *const c_char,
}

functions! { Functions, look_up, plain,
    virConnectOpen(*const c_char) -> Pointer;
    virConnectOpenReadOnly(*const c_char) -> Pointer;
    virConnectRef(Pointer) -> c_int;
    virConnectClose(Pointer) -> c_int;
    virConnectIsAlive(Pointer) -> c_int;
    virConnectGetLibVersion(Pointer, *mut c_ulong) -> c_int;
    virConnectGetURI(Pointer) -> *mut c_char;
    virConnectGetType(Pointer) -> *const c_char;
    virConnectListAllDomains(Pointer, *mut *mut Pointer, c_uint) -> c_int;
    virConnectDomainEventRegisterAny(Pointer, Pointer, c_int, Generic, *mut c_void, Free) -> c_int;
    virConnectDomainEventDeregisterAny(Pointer, c_int) -> c_int;
    virDomainRef(Pointer) -> c_int;
    virDomainFree(Pointer) -> c_int;
    virDomainGetConnect(Pointer) -> Pointer;
    virDomainGetName(Pointer) -> *const c_char;
    virDomainGetUUID(Pointer, *mut c_uchar) -> c_int;
    virDomainGetID(Pointer) -> c_uint;
    virDomainLookupByUUID(Pointer, *const c_uchar) -> Pointer;
    virDomainGetState(Pointer, *mut c_int, *mut c_int, c_uint) -> c_int;
    virDomainListGetStats(*mut Pointer, c_uint, *mut *mut *mut CStatsRecord, c_uint) -> c_int;
    virDomainStatsRecordListFree(*mut *mut CStatsRecord) -> ();
    virDomainGetXMLDesc(Pointer, c_uint) -> *mut c_char;
    virDomainGetBlockJobInfo(Pointer, *const c_char, *mut CBlockJobInfo, c_uint) -> c_int;
    virDomainBlockJobAbort(Pointer, *const c_char, c_uint) -> c_int;
    virDomainBlockJobSetSpeed(Pointer, *const c_char, c_ulong, c_uint) -> c_int;
    virDomainGetJobStats(Pointer, *mut c_int, *mut *mut CParam, *mut c_int, c_uint) -> c_int;
    virDomainAbortJob(Pointer) -> c_int;
    virDomainSaveImageGetXMLDesc(Pointer, *const c_char, c_uint) -> *mut c_char;
    virDomainBackupGetXMLDesc(Pointer, c_uint) -> *mut c_char;
    virTypedParamsFree(*mut CParam, c_int) -> ();
    virGetLastError() -> *const CError;
    virSaveLastError() -> *mut CError;
    virFreeError(*mut CError) -> ();
    virResetLastError() -> ();
}

functions! { QemuFunctions, look_up, of_qemu,
    virDomainQemuMonitorCommand(Pointer, *const c_char, *mut *mut c_char, c_uint) -> c_int;
    virConnectDomainQemuMonitorEventRegister(Pointer, Pointer, *const c_char, MonitorCallback, *mut c_void, Free, c_uint) -> c_int;
    virConnectDomainQemuMonitorEventDeregister(Pointer, c_int) -> c_int;
}

fn name_of(name: &'static str) -> &'static CStr {
    CStr::from_bytes_with_nul(name.as_bytes()).unwrap_or(c"")
}

fn plain(real: &Real, name: &'static str) -> Result<std::ptr::NonNull<c_void>> {
    real.symbol(name_of(name)).ok_or_else(|| Error::no_support(name.trim_end_matches('\0')))
}

fn of_qemu(real: &Real, name: &'static str) -> Result<std::ptr::NonNull<c_void>> {
    real.qemu_symbol(name_of(name))
}

/// The functions of `libvirt.so.0`.
///
/// # Errors
/// `NO_SUPPORT` if it is not in the process, or is too old to have them all.
pub(super) fn functions() -> Result<&'static Functions> {
    static FUNCTIONS: OnceCell<Functions> = OnceCell::new();
    FUNCTIONS.get_or_try_init(|| Functions::look_up(real()?))
}

/// The functions of `libvirt-qemu.so.0`.
///
/// # Errors
/// `NO_SUPPORT` if there is none.
pub(super) fn qemu_functions() -> Result<&'static QemuFunctions> {
    static FUNCTIONS: OnceCell<QemuFunctions> = OnceCell::new();
    FUNCTIONS.get_or_try_init(|| QemuFunctions::look_up(real()?))
}

/// `virGetDomain`, which the real library does not document but has always exported to its own parts: a handle for a
/// domain that need not be there any more, without a question to anybody.
pub(super) type GetDomain = unsafe extern "C" fn(Pointer, *const c_char, *const c_uchar, c_int) -> Pointer;

pub(super) fn get_domain() -> Option<GetDomain> {
    static FUNCTION: OnceCell<Option<GetDomain>> = OnceCell::new();
    *FUNCTION.get_or_init(|| {
        let symbol = present()?.symbol(c"virGetDomain")?;
        // SAFETY: its type in all releases that this works with; older ones have no last argument and do not look at it.
        Some(unsafe { std::mem::transmute::<std::ptr::NonNull<c_void>, GetDomain>(symbol) })
    })
}

/// `virSetError`, which the real library has always exported to its own parts: the thread's error becomes a copy.
pub(super) type SetError = unsafe extern "C" fn(*mut CError) -> c_int;

pub(super) fn set_error() -> Option<SetError> {
    static FUNCTION: OnceCell<Option<SetError>> = OnceCell::new();
    *FUNCTION.get_or_init(|| {
        let symbol = present()?.symbol(c"virSetError")?;
        // SAFETY: its type in all releases.
        Some(unsafe { std::mem::transmute::<std::ptr::NonNull<c_void>, SetError>(symbol) })
    })
}

fn real() -> Result<&'static Real> {
    present().ok_or_else(|| Error::no_support("libvirt is not in this process"))
}
