//! When wakers are called: with no lock held, also where the driver that pushes has some. A waker ends in the event loop,
//! which may be the application's, and that may call anything.

use std::cell::RefCell;
use std::sync::Arc;

pub(super) type Waker = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Waiting {
    /// How many of [`LaterWakers`] this thread has.
    held: usize,
    wakers: Vec<Waker>,
}

thread_local! {
    static WAITING: RefCell<Waiting> = RefCell::default();
}

/// As long as a thread has one of these, the wakers that its pushes would call wait; the last that goes calls them. To be
/// made before the locks are taken that are held while events are pushed, so that it goes after them.
pub struct LaterWakers(());

impl LaterWakers {
    pub fn new() -> LaterWakers {
        // A thread that is past its end has nobody to wait for.
        let _ = WAITING.try_with(|waiting| waiting.borrow_mut().held += 1);
        LaterWakers(())
    }
}

impl Default for LaterWakers {
    fn default() -> LaterWakers {
        LaterWakers::new()
    }
}

impl Drop for LaterWakers {
    fn drop(&mut self) {
        let due = WAITING.try_with(|waiting| {
            let mut waiting = waiting.borrow_mut();
            waiting.held -= 1;
            if waiting.held > 0 {
                return Vec::new();
            }
            std::mem::take(&mut waiting.wakers)
        });
        for waker in due.unwrap_or_default() {
            waker();
        }
    }
}

/// Calls a waker, now or later.
pub(super) fn call(waker: Waker) {
    let kept = WAITING.try_with(|waiting| {
        let mut waiting = waiting.borrow_mut();
        if waiting.held > 0 {
            waiting.wakers.push(waker.clone());
        }
        waiting.held > 0
    });
    if !kept.unwrap_or(false) {
        waker();
    }
}
