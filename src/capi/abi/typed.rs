//! Section `typed`: named values of one of seven types.

use std::ffi::{c_char, c_double, c_int, c_longlong, c_uint, c_ulonglong};

/// Which member of the union of a typed parameter holds the value.
#[repr(C)]
pub enum _virTypedParameterType {
    VIR_TYPED_PARAM_INT = 1,
    VIR_TYPED_PARAM_UINT = 2,
    VIR_TYPED_PARAM_LLONG = 3,
    VIR_TYPED_PARAM_ULLONG = 4,
    VIR_TYPED_PARAM_DOUBLE = 5,
    VIR_TYPED_PARAM_BOOLEAN = 6,
    VIR_TYPED_PARAM_STRING = 7,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_TYPED_PARAM_LAST,
}
pub type virTypedParameterType = _virTypedParameterType;

/// Flags of calls that return typed parameters.
#[repr(C)]
pub enum _virTypedParameterFlags {
    /// The caller can cope with string values.
    VIR_TYPED_PARAM_STRING_OKAY = 1 << 2,
}
pub type virTypedParameterFlags = _virTypedParameterFlags;

/// Bytes of a typed parameter's name, with its NUL.
pub const VIR_TYPED_PARAM_FIELD_LENGTH: usize = 80;

/// The value of a typed parameter. A string belongs to the parameter.
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

/// A named value; type is one of virTypedParameterType.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _virTypedParameter {
    pub field: [c_char; VIR_TYPED_PARAM_FIELD_LENGTH],
    pub r#type: c_int,
    pub value: _virTypedParameterValue,
}
pub type virTypedParameter = _virTypedParameter;
pub type virTypedParameterPtr = *mut virTypedParameter;
