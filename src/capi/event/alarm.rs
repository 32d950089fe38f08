//! How a connection asks the event loop to deliver its events.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::event::Subscriptions;
use crate::eventloop::Bell;

/// A bell in the registered loop that is there while anybody is subscribed.
///
/// No lock is held while the loop, which may be the application's, is called; so a bell that is to go while another
/// thread is about to ring it is removed by that thread: no loop hears of a timer that it has forgotten.
#[derive(Default)]
pub struct Alarm {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bell: Option<Bell>,
    subscribers: usize,
    /// Threads that are about to use a bell.
    using: usize,
    /// Bells to be removed by the last of them.
    doomed: Vec<Bell>,
}

impl Alarm {
    /// One more subscriber: makes sure that there is a bell. `false` if there is no loop for it.
    pub fn acquire(self: &Arc<Alarm>, subscriptions: &Arc<Subscriptions>) -> bool {
        let exists = {
            let mut state = self.state.lock();
            state.subscribers += 1;
            state.bell.is_some()
        };
        if exists {
            return true;
        }
        let (alarm, events) = (self.clone(), subscriptions.clone());
        let added = Bell::hang(Arc::new(move || {
            alarm.with_bell(Bell::rest);
            events.flush();
        }));
        let Some(added) = added else {
            self.release();
            return false;
        };
        let superfluous = {
            let mut state = self.state.lock();
            match state.bell {
                Some(_) => Some(added),
                None => {
                    state.bell = Some(added);
                    None
                }
            }
        };
        superfluous.iter().for_each(Bell::remove);
        true
    }

    /// One subscriber less; the bell goes with the last.
    pub fn release(&self) {
        let removable = {
            let mut state = self.state.lock();
            state.subscribers -= 1;
            if state.subscribers > 0 {
                return;
            }
            match (state.bell.take(), state.using) {
                (Some(bell), 0) => Some(bell),
                (Some(bell), _) => {
                    state.doomed.push(bell);
                    None
                }
                (None, _) => None,
            }
        };
        removable.iter().for_each(Bell::remove);
    }

    /// What the loop knows the bell by that there is.
    #[cfg(test)]
    pub fn number(&self) -> Option<i32> {
        self.state.lock().bell.as_ref().map(Bell::number)
    }

    /// Asks for a call as soon as possible.
    pub fn ring(&self) {
        self.with_bell(Bell::ring);
    }

    fn with_bell(&self, action: impl FnOnce(&Bell)) {
        let bell = {
            let mut state = self.state.lock();
            let Some(bell) = state.bell.clone() else { return };
            state.using += 1;
            bell
        };
        action(&bell);
        let removable = {
            let mut state = self.state.lock();
            state.using -= 1;
            if state.using == 0 {
                std::mem::take(&mut state.doomed)
            } else {
                Vec::new()
            }
        };
        removable.iter().for_each(Bell::remove);
    }
}
