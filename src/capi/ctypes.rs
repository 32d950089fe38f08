//! The C types of the interface, under the names that C knows them by.
#![allow(non_camel_case_types, non_snake_case)]

use std::ffi::{c_char, c_double, c_int, c_longlong, c_uint, c_ulonglong, c_void};

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
    pub type_: c_int,
    pub value: _virTypedParameterValue,
}
pub type virTypedParameter = _virTypedParameter;
pub type virTypedParameterPtr = *mut virTypedParameter;
