//! The C types of the interface, under the names that C knows them by.
#![allow(non_camel_case_types, non_snake_case)]

use std::ffi::{c_char, c_double, c_int, c_longlong, c_uchar, c_uint, c_ulong, c_ulonglong, c_ushort, c_void};

macro_rules! opaque {
    ($($tag:ident, $name:ident, $pointer:ident;)*) => {$(
        #[repr(C)]
        pub struct $tag {
            _private: [u8; 0],
        }
        pub type $name = $tag;
        pub type $pointer = *mut $name;
    )*};
}

opaque! {
    _virConnect, virConnect, virConnectPtr;
    _virDomain, virDomain, virDomainPtr;
    _virDomainSnapshot, virDomainSnapshot, virDomainSnapshotPtr;
    _virNetwork, virNetwork, virNetworkPtr;
}

/// An error as C sees it. The strings belong to the error; `conn`, `dom` and `net` are never set.
#[repr(C)]
pub struct _virError {
    pub code: c_int,
    pub domain: c_int,
    pub message: *mut c_char,
    pub level: c_uint,
    pub conn: virConnectPtr,
    pub dom: virDomainPtr,
    pub str1: *mut c_char,
    pub str2: *mut c_char,
    pub str3: *mut c_char,
    pub int1: c_int,
    pub int2: c_int,
    pub net: virNetworkPtr,
}
pub type virError = _virError;
pub type virErrorPtr = *mut virError;

/// Called when an API fails, with what was given to `virSetErrorFunc` or `virConnSetErrorFunc`.
pub type virErrorFunc = Option<unsafe extern "C" fn(userData: *mut c_void, error: virErrorPtr)>;

/// Releases what was registered together with a callback.
pub type virFreeCallback = Option<unsafe extern "C" fn(opaque: *mut c_void)>;

pub const VIR_TYPED_PARAM_FIELD_LENGTH: usize = 80;

#[repr(C)]
#[derive(Clone, Copy)]
pub union _virTypedParameterValue {
    pub i: c_int,
    pub ui: c_uint,
    pub l: c_longlong,
    pub ul: c_ulonglong,
    pub d: c_double,
    pub b: c_char,
    pub s: *mut c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct _virTypedParameter {
    pub field: [c_char; VIR_TYPED_PARAM_FIELD_LENGTH],
    pub r#type: c_int,
    pub value: _virTypedParameterValue,
}
pub type virTypedParameter = _virTypedParameter;
pub type virTypedParameterPtr = *mut virTypedParameter;

/// State, memory in KiB and CPU time in nanoseconds of a domain.
#[repr(C)]
pub struct _virDomainInfo {
    pub state: c_uchar,
    pub maxMem: c_ulong,
    pub memory: c_ulong,
    pub nrVirtCpu: c_ushort,
    pub cpuTime: c_ulonglong,
}
pub type virDomainInfo = _virDomainInfo;
pub type virDomainInfoPtr = *mut virDomainInfo;

/// Sizes of a disk in bytes.
#[repr(C)]
pub struct _virDomainBlockInfo {
    pub capacity: c_ulonglong,
    pub allocation: c_ulonglong,
    pub physical: c_ulonglong,
}
pub type virDomainBlockInfo = _virDomainBlockInfo;
pub type virDomainBlockInfoPtr = *mut virDomainBlockInfo;

pub type virDomainBlockJobCursor = c_ulonglong;

/// The older block job API's view of the job on a disk.
#[repr(C)]
pub struct _virDomainBlockJobInfo {
    pub r#type: c_int,
    pub bandwidth: c_ulong,
    pub cur: virDomainBlockJobCursor,
    pub end: virDomainBlockJobCursor,
}
pub type virDomainBlockJobInfo = _virDomainBlockJobInfo;
pub type virDomainBlockJobInfoPtr = *mut virDomainBlockJobInfo;

/// The older job API's view of the domain job; times in milliseconds, sizes in bytes.
#[repr(C)]
pub struct _virDomainJobInfo {
    pub r#type: c_int,
    pub timeElapsed: c_ulonglong,
    pub timeRemaining: c_ulonglong,
    pub dataTotal: c_ulonglong,
    pub dataProcessed: c_ulonglong,
    pub dataRemaining: c_ulonglong,
    pub memTotal: c_ulonglong,
    pub memProcessed: c_ulonglong,
    pub memRemaining: c_ulonglong,
    pub fileTotal: c_ulonglong,
    pub fileProcessed: c_ulonglong,
    pub fileRemaining: c_ulonglong,
}
pub type virDomainJobInfo = _virDomainJobInfo;
pub type virDomainJobInfoPtr = *mut virDomainJobInfo;

/// A job in a listing. Release it with virDomainJobFree.
#[repr(C)]
pub struct _virDomainJob {
    pub name: *mut c_char,
    pub r#type: c_uint,
    pub state: c_uint,
    pub data: virTypedParameterPtr,
    pub ndata: usize,
}
pub type virDomainJob = _virDomainJob;
pub type virDomainJobPtr = *mut virDomainJob;

/// One question of an authentication callback.
#[repr(C)]
pub struct _virConnectCredential {
    pub r#type: c_int,
    pub prompt: *const c_char,
    pub challenge: *const c_char,
    pub defresult: *const c_char,
    pub result: *mut c_char,
    pub resultlen: c_uint,
}
pub type virConnectCredential = _virConnectCredential;
pub type virConnectCredentialPtr = *mut virConnectCredential;

pub type virConnectAuthCallbackPtr =
    Option<unsafe extern "C" fn(cred: virConnectCredentialPtr, ncred: c_uint, cbdata: *mut c_void) -> c_int>;

/// How the application answers questions for credentials.
#[repr(C)]
pub struct _virConnectAuth {
    pub credtype: *mut c_int,
    pub ncredtype: c_uint,
    pub cb: virConnectAuthCallbackPtr,
    pub cbdata: *mut c_void,
}
pub type virConnectAuth = _virConnectAuth;
pub type virConnectAuthPtr = *mut virConnectAuth;

/// Called when a connection is lost.
pub type virConnectCloseFunc = Option<unsafe extern "C" fn(conn: virConnectPtr, reason: c_int, opaque: *mut c_void)>;
