//! The list of subscriptions, the queue of events, and the one loop that brings them together.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use parking_lot::Mutex;

use super::wakers::{self, Waker};
use super::{Handler, Key};
use crate::model::event::{id, Event, Payload};
use crate::model::{Error, Result, Uuid};

/// The subscriptions of one connection and the events on their way to them.
#[derive(Default)]
pub struct Subscriptions {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// In ascending order of callback ids.
    entries: Vec<Entry>,
    next_id: i32,
    queue: VecDeque<Queued>,
    /// Number of the next event.
    next_serial: u64,
    waker: Option<Waker>,
    /// The waker was called and no flush has begun since.
    woken: bool,
    /// The thread that delivers, and how many flushes deep it is.
    flushing: Option<(ThreadId, u32)>,
    /// Handlers of subscriptions that ended during a flush; dropped when it is over.
    retired: Vec<Arc<dyn Handler>>,
}

struct Entry {
    callback_id: i32,
    event_id: i32,
    domain: Option<Uuid>,
    key: Option<Key>,
    /// The first event that it sees.
    since: u64,
    handler: Arc<dyn Handler>,
}

struct Queued {
    serial: u64,
    event: Arc<Event>,
    /// How far its delivery has come: an index into [`announced_as`], and the callback ids called under it are below this.
    step: usize,
    next_callback: i32,
}

/// One call that is due.
struct Call {
    callback_id: i32,
    handler: Arc<dyn Handler>,
    event: Arc<Event>,
}

impl Subscriptions {
    pub fn new() -> Subscriptions {
        Subscriptions::default()
    }

    /// The same, with callback ids that begin with this one.
    pub fn numbered_from(first: i32) -> Subscriptions {
        Subscriptions { state: Mutex::new(State { next_id: first, ..State::default() }) }
    }

    /// Subscribes `handler` to the events with this number, of one domain or of all, and returns the callback id:
    /// the first is 0 unless it was said otherwise; none is used again while the connection lives.
    ///
    /// # Errors
    /// `INVALID_ARG` if the same function has a subscription to the same event with the same filter already. The
    /// handler is dropped then, like any other.
    pub fn register(&self, event_id: i32, domain: Option<Uuid>, handler: Arc<dyn Handler>) -> Result<i32> {
        let key = handler.key();
        let mut state = self.state.lock();
        if key.is_some() && state.entries.iter().any(|e| e.key == key && e.event_id == event_id && e.domain == domain) {
            return Err(Error::invalid_arg("event callback already tracked"));
        }
        let callback_id = state.next_id;
        state.next_id = callback_id.checked_add(1).ok_or_else(|| Error::internal("no event callback id is left"))?;
        let since = state.next_serial;
        state.entries.push(Entry { callback_id, event_id, domain, key, since, handler });
        Ok(callback_id)
    }

    /// Ends a subscription. `false` if there is none with this id.
    pub fn deregister(&self, callback_id: i32) -> bool {
        let mut state = self.state.lock();
        let Ok(at) = state.entries.binary_search_by_key(&callback_id, |e| e.callback_id) else { return false };
        let handler = state.entries.remove(at).handler;
        let dropped = if state.entries.is_empty() { state.clear() } else { VecDeque::new() };
        if state.flushing.is_some() {
            state.retired.push(handler);
            drop(state);
        } else {
            drop(state);
            drop(handler);
        }
        drop(dropped);
        true
    }

    /// The callback id of the subscription that a function has to an event of all domains.
    pub fn find(&self, event_id: i32, key: Key) -> Option<i32> {
        let state = self.state.lock();
        let found = state.entries.iter().find(|e| e.event_id == event_id && e.domain.is_none() && e.key == Some(key));
        found.map(|e| e.callback_id)
    }

    /// Whether nobody is subscribed to anything.
    pub fn is_empty(&self) -> bool {
        self.state.lock().entries.is_empty()
    }

    /// Sets what is called, on the pushing thread and with no lock held (see [`LaterWakers`](super::LaterWakers)), when there
    /// is something to flush. To be set before the first subscription is made.
    pub fn set_waker(&self, waker: Box<dyn Fn() + Send + Sync>) {
        let old = self.state.lock().waker.replace(Arc::from(waker));
        drop(old);
    }

    /// Queues an event for its subscribers. Any thread; never waits for a handler.
    pub fn push(&self, event: Event) {
        let mut state = self.state.lock();
        if !state.is_wanted(&event) {
            return;
        }
        let serial = state.next_serial;
        state.next_serial += 1;
        state.queue.push_back(Queued { serial, event: Arc::new(event), step: 0, next_callback: 0 });
        let waker = state.wake();
        drop(state);
        if let Some(waker) = waker {
            wakers::call(waker);
        }
    }

    /// Delivers what was queued when it began. Called on the loop's thread after the waker was called; what a handler
    /// pushes waits for the next flush, so that a busy domain cannot hold up the loop.
    pub fn flush(&self) {
        let Some((flush, limit)) = Flush::begin(self) else { return };
        loop {
            let call = self.state.lock().next_call(limit);
            let Some(call) = call else { break };
            call.handler.handle(call.callback_id, &call.event);
        }
        drop(flush);
    }
}

impl State {
    fn is_wanted(&self, event: &Event) -> bool {
        let numbers = announced_as(&event.payload);
        self.entries.iter().any(|e| numbers.contains(&e.event_id) && e.domain.is_none_or(|uuid| uuid == event.domain.uuid))
    }

    /// Empties the queue of a connection that nobody listens to, and forgets that somebody was to flush it.
    fn clear(&mut self) -> VecDeque<Queued> {
        self.woken = false;
        std::mem::take(&mut self.queue)
    }

    /// The waker, if it is to be called.
    fn wake(&mut self) -> Option<Waker> {
        if self.woken {
            return None;
        }
        let waker = self.waker.clone()?;
        self.woken = true;
        Some(waker)
    }

    /// Moves on to the next call that is due for an event numbered below `limit`.
    fn next_call(&mut self, limit: u64) -> Option<Call> {
        let State { entries, queue, .. } = self;
        while let Some(front) = queue.front_mut() {
            if front.serial >= limit {
                return None;
            }
            while let Some(&number) = announced_as(&front.event.payload).get(front.step) {
                let from = entries.partition_point(|e| e.callback_id < front.next_callback);
                let due = entries[from..].iter().find(|e| e.is_due(number, front));
                if let Some(entry) = due {
                    front.next_callback = entry.callback_id + 1;
                    return Some(Call { callback_id: entry.callback_id, handler: entry.handler.clone(), event: front.event.clone() });
                }
                front.step += 1;
                front.next_callback = 0;
            }
            queue.pop_front();
        }
        None
    }
}

impl Entry {
    fn is_due(&self, number: i32, queued: &Queued) -> bool {
        self.event_id == number && self.since <= queued.serial && self.domain.is_none_or(|uuid| uuid == queued.event.domain.uuid)
    }
}

/// A flush that is going on.
struct Flush<'a> {
    subscriptions: &'a Subscriptions,
}

impl<'a> Flush<'a> {
    /// Begins a flush of the events below the returned number. `None` while another thread delivers: that one will ask
    /// for another flush when it is done, so that no two handlers run at once and the order holds.
    fn begin(subscriptions: &'a Subscriptions) -> Option<(Flush<'a>, u64)> {
        let me = thread::current().id();
        let mut state = subscriptions.state.lock();
        state.woken = false;
        let depth = match state.flushing {
            Some((thread, _)) if thread != me => return None,
            Some((_, depth)) => depth,
            None => 0,
        };
        state.flushing = Some((me, depth + 1));
        Some((Flush { subscriptions }, state.next_serial))
    }
}

impl Drop for Flush<'_> {
    fn drop(&mut self) {
        let mut state = self.subscriptions.state.lock();
        state.flushing = match state.flushing {
            Some((thread, depth)) if depth > 1 => Some((thread, depth - 1)),
            _ => None,
        };
        if state.flushing.is_some() {
            return;
        }
        let retired = std::mem::take(&mut state.retired);
        let waker = if state.queue.is_empty() { None } else { state.wake() };
        drop(state);
        if let Some(waker) = waker {
            wakers::call(waker);
        }
        drop(retired);
    }
}

/// The numbers under which a payload is announced, in this order: the subscribers of one number are done before those of
/// the next. A block job on a disk whose source has no name is announced by its target only.
fn announced_as(payload: &Payload) -> &'static [i32] {
    match payload {
        Payload::Lifecycle { .. } => &[id::LIFECYCLE],
        Payload::BlockJob { path, .. } if path.is_empty() => &[id::BLOCK_JOB_2],
        Payload::BlockJob { .. } => &[id::BLOCK_JOB, id::BLOCK_JOB_2],
        Payload::JobState { .. } => &[id::JOB_STATE, id::JOB_STATE_OVERLAY],
        Payload::JobCompleted { .. } => &[id::JOB_COMPLETED],
        Payload::MigrationIteration { .. } => &[id::MIGRATION_ITERATION],
    }
}
