//! The timer by which a connection asks the event loop to deliver its events.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::event::Subscriptions;
use crate::eventloop;

/// A timer of the registered loop that exists while anybody is subscribed. It rests until it is rung.
///
/// No lock is held while the loop, which may be the application's, is called; so a timer that is to go while another
/// thread is about to ring it is removed by that thread: no loop hears of a timer that it has forgotten.
#[derive(Default)]
pub struct Alarm {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    timer: Option<i32>,
    subscribers: usize,
    /// Threads that are about to update a timer.
    updating: usize,
    /// Timers to be removed by the last of them.
    doomed: Vec<i32>,
}

impl Alarm {
    /// One more subscriber: makes sure that there is a timer. `false` if there is no loop to make it.
    pub fn acquire(self: &Arc<Alarm>, subscriptions: &Arc<Subscriptions>) -> bool {
        let exists = {
            let mut state = self.state.lock();
            state.subscribers += 1;
            state.timer.is_some()
        };
        if exists {
            return true;
        }
        let (alarm, events) = (self.clone(), subscriptions.clone());
        let added = eventloop::add_timeout(
            -1,
            Arc::new(move |_| {
                alarm.update(-1);
                events.flush();
            }),
        );
        let Some(added) = added else {
            self.release();
            return false;
        };
        let superfluous = {
            let mut state = self.state.lock();
            match state.timer {
                Some(_) => Some(added),
                None => {
                    state.timer = Some(added);
                    None
                }
            }
        };
        superfluous.map(eventloop::remove_timeout);
        true
    }

    /// One subscriber less; the timer goes with the last.
    pub fn release(&self) {
        let removable = {
            let mut state = self.state.lock();
            state.subscribers -= 1;
            if state.subscribers > 0 {
                return;
            }
            match (state.timer.take(), state.updating) {
                (Some(timer), 0) => Some(timer),
                (Some(timer), _) => {
                    state.doomed.push(timer);
                    None
                }
                (None, _) => None,
            }
        };
        removable.map(eventloop::remove_timeout);
    }

    /// The timer that there is.
    #[cfg(test)]
    pub fn timer(&self) -> Option<i32> {
        self.state.lock().timer
    }

    /// Asks for a call as soon as possible.
    pub fn ring(&self) {
        self.update(0);
    }

    fn update(&self, milliseconds: i32) {
        let timer = {
            let mut state = self.state.lock();
            let Some(timer) = state.timer else { return };
            state.updating += 1;
            timer
        };
        eventloop::update_timeout(timer, milliseconds);
        let removable = {
            let mut state = self.state.lock();
            state.updating -= 1;
            if state.updating == 0 {
                std::mem::take(&mut state.doomed)
            } else {
                Vec::new()
            }
        };
        for timer in removable {
            eventloop::remove_timeout(timer);
        }
    }
}
