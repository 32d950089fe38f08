//! The time that observations carry.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::model::Now;

/// This moment on both clocks.
pub fn now() -> Now {
    static START: OnceLock<Instant> = OnceLock::new();
    let wall_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64);
    // The process's clock starts where the wall clock stands, so that times of an earlier process can be placed on it.
    static OFFSET: OnceLock<u64> = OnceLock::new();
    let offset = *OFFSET.get_or_init(|| wall_ms);
    let start = START.get_or_init(Instant::now);
    Now { mono_ms: offset + start.elapsed().as_millis() as u64, wall_ms }
}
