//! Who is told what: the event subscriptions of one connection.
//!
//! Drivers [`push`](Subscriptions::push) from any thread; the thread that runs the application's event loop calls
//! [`flush`](Subscriptions::flush), which calls the handlers one at a time with no lock held. The rules are libvirt's,
//! with its gaps closed:
//!
//! * An event that nobody is subscribed to when it is pushed is dropped, and so is one whose last subscriber has gone.
//! * Every subscription sees its events in the order in which they were pushed, each once, also when a handler runs the
//!   loop again or two threads run it.
//! * A subscription sees only what is pushed after it was made.
//! * Once [`deregister`](Subscriptions::deregister) has returned, no call begins that was not on its way already; called
//!   from inside a handler that means none at all. The handler is dropped, and with it whatever the application wanted
//!   freed, after its last call and outside every lock: at once, or at the end of the flush that is going on.
//! * The queue has no limit, as in libvirt: every job's last event must arrive, so none can be thrown away. An
//!   application that subscribes and never runs its loop pays for what it asked for.

#[cfg(test)]
mod schedules;
mod subscriptions;
#[cfg(test)]
mod tests;
mod wakers;

pub use subscriptions::Subscriptions;
pub use wakers::LaterWakers;

use crate::model::event::Event;

/// What is called when an event arrives. Dropping it tells its owner that no call will follow.
pub trait Handler: Send + Sync {
    /// Takes one event, on the thread that runs the loop. May call anything, `Subscriptions` included.
    fn handle(&self, callback_id: i32, event: &Event);

    /// Which function this stands for; `None` for a handler that is like no other.
    fn key(&self) -> Option<Key> {
        None
    }
}

/// What makes two subscriptions to the same event of the same domain one too many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// The address of the application's function. Its opaque pointer does not count.
    pub function: usize,
    /// Made by the older call that has no callback ids: never the same as one made by the newer call.
    pub by_function: bool,
}
