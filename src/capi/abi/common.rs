//! Section `common`: what every other header builds on.

use std::ffi::{c_ulong, c_void};

/// The version of libvirt whose interface this is, as major * 1000000 + minor * 1000 + micro.
pub const LIBVIR_VERSION_NUMBER: c_ulong = 9_000_000;

/// Releases what was registered together with a callback, once it will not be called again.
pub type virFreeCallback = Option<unsafe extern "C" fn(opaque: *mut c_void)>;

/// Why a connection closed, as a close callback is told.
#[repr(C)]
pub enum _virConnectCloseReason {
    /// An error of the transport.
    VIR_CONNECT_CLOSE_REASON_ERROR = 0,
    /// The other side hung up.
    VIR_CONNECT_CLOSE_REASON_EOF = 1,
    /// The other side no longer answers.
    VIR_CONNECT_CLOSE_REASON_KEEPALIVE = 2,
    /// The application asked for it.
    VIR_CONNECT_CLOSE_REASON_CLIENT = 3,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_CONNECT_CLOSE_REASON_LAST,
}
pub type virConnectCloseReason = _virConnectCloseReason;
