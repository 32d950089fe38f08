//! Section `beyond`: what goes beyond the proposal.

use std::ffi::c_int;

/// VIR_DOMAIN_EVENT_ID_JOB_STATE by a number that means the same on every connection, libvirt's own included (0x10019).
pub const VIR_DOMAIN_EVENT_ID_JOB_STATE_OVERLAY: c_int = 0x10019;
