//! Section `host`: connections.

use std::ffi::{c_char, c_int, c_uint, c_void};

/// A connection to a hypervisor.
pub struct _virConnect {
    _private: [u8; 0],
}
pub type virConnect = _virConnect;
pub type virConnectPtr = *mut virConnect;

/// Bytes of a raw UUID.
pub const VIR_UUID_BUFLEN: usize = 16;
/// Bytes of a UUID as text, with its NUL.
pub const VIR_UUID_STRING_BUFLEN: usize = 37;

/// Flags of virConnectOpenAuth.
#[repr(C)]
pub enum _virConnectFlags {
    /// Open the connection read-only.
    VIR_CONNECT_RO = 1 << 0,
    /// Do not look the name up among configured URI aliases.
    VIR_CONNECT_NO_ALIASES = 1 << 1,
}
pub type virConnectFlags = _virConnectFlags;

/// What an authentication callback is asked for.
#[repr(C)]
pub enum _virConnectCredentialType {
    VIR_CRED_USERNAME = 1,
    VIR_CRED_AUTHNAME = 2,
    VIR_CRED_LANGUAGE = 3,
    VIR_CRED_CNONCE = 4,
    VIR_CRED_PASSPHRASE = 5,
    VIR_CRED_ECHOPROMPT = 6,
    VIR_CRED_NOECHOPROMPT = 7,
    VIR_CRED_REALM = 8,
    VIR_CRED_EXTERNAL = 9,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_CRED_LAST,
}
pub type virConnectCredentialType = _virConnectCredentialType;

/// One question of an authentication and room for its answer.
#[repr(C)]
pub struct _virConnectCredential {
    /// One of virConnectCredentialType.
    pub r#type: c_int,
    pub prompt: *const c_char,
    pub challenge: *const c_char,
    pub defresult: *const c_char,
    /// Set by the callback, from malloc.
    pub result: *mut c_char,
    pub resultlen: c_uint,
}
pub type virConnectCredential = _virConnectCredential;
pub type virConnectCredentialPtr = *mut virConnectCredential;

/// Answers the questions of an authentication. Returns 0, or -1 to give up.
pub type virConnectAuthCallbackPtr =
    Option<unsafe extern "C" fn(cred: virConnectCredentialPtr, ncred: c_uint, cbdata: *mut c_void) -> c_int>;

/// How virConnectOpenAuth asks the user: which questions it may ask, and through what.
#[repr(C)]
pub struct _virConnectAuth {
    pub credtype: *mut c_int,
    pub ncredtype: c_uint,
    pub cb: virConnectAuthCallbackPtr,
    pub cbdata: *mut c_void,
}
pub type virConnectAuth = _virConnectAuth;
pub type virConnectAuthPtr = *mut virConnectAuth;

/// Called when a connection closes; reason is one of virConnectCloseReason.
pub type virConnectCloseFunc = Option<unsafe extern "C" fn(conn: virConnectPtr, reason: c_int, opaque: *mut c_void)>;
