//! What any thread can ring to be called back on the thread of the loop.

use std::sync::Arc;

use super::poll::WakeUp;
use super::{add_handle, add_timeout, readiness, remove_handle, remove_timeout, update_timeout, Registered, LOOP};

/// Something that the registered loop waits for. It rests until it is rung, and rings until it is put to rest.
///
/// The built-in loop has its timers set by any thread. Loops of applications are often made for one thread, whatever they promise:
/// that of libvirt-python for asyncio does not wake up when another one sets a timer. Such a loop watches a descriptor,
/// which every loop sees and which can be written to without calling the loop at all; where it takes timers only, it is a timer.
#[derive(Clone)]
pub enum Bell {
    Timer(i32),
    Descriptor { wake: Arc<WakeUp>, watch: i32 },
}

impl Bell {
    /// Hangs one up in the registered loop. `None` without a loop, or if it refuses.
    pub fn hang(callback: Arc<dyn Fn() + Send + Sync>) -> Option<Bell> {
        let foreign = matches!(LOOP.get()?, Registered::Foreign(_));
        let descriptor = foreign.then(|| Bell::descriptor(callback.clone())).flatten();
        descriptor.or_else(|| add_timeout(-1, Arc::new(move |_| callback())).map(Bell::Timer))
    }

    fn descriptor(callback: Arc<dyn Fn() + Send + Sync>) -> Option<Bell> {
        let wake = Arc::new(WakeUp::new().ok()?);
        // The loop may look at the descriptor for as long as it has the callback.
        let kept = wake.clone();
        let called = move |_, _, _| {
            let _ = &kept;
            callback();
        };
        let watch = add_handle(wake.fd(), readiness::READABLE, Arc::new(called))?;
        Some(Bell::Descriptor { wake, watch })
    }

    pub fn ring(&self) {
        match self {
            Bell::Timer(timer) => update_timeout(*timer, 0),
            Bell::Descriptor { wake, .. } => wake.raise(),
        }
    }

    pub fn rest(&self) {
        match self {
            Bell::Timer(timer) => update_timeout(*timer, -1),
            Bell::Descriptor { wake, .. } => wake.clear(),
        }
    }

    pub fn remove(&self) {
        match self {
            Bell::Timer(timer) => remove_timeout(*timer),
            Bell::Descriptor { watch, .. } => remove_handle(*watch),
        };
    }

    /// What the loop knows it by.
    #[cfg(test)]
    pub fn number(&self) -> i32 {
        match self {
            Bell::Timer(number) | Bell::Descriptor { watch: number, .. } => *number,
        }
    }
}
