//! What the threads that use a monitor share.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::outgoing::Outgoing;
use super::{Answer, OnReply, OnSuccess};
use crate::driver::condvar::Condvar;
use crate::driver::qemu::reactor::Interest;
use crate::qmp::Client;

/// How many bytes of commands may wait to be sent.
const MAX_QUEUED: usize = 1 << 20;

/// Everything but the read side.
pub struct State {
    pub client: Client<Waiting>,
    /// Answers that their callers have not picked up yet; `None` while one is being looked at first.
    pub finished: HashMap<u64, Option<Answer>>,
    pub outgoing: Outgoing,
    pub lead: Lead,
    /// There are messages that have been read but not handled; the reactor will come back for them.
    pub backlog: bool,
    /// What the reactor was last told to wait for.
    pub interest: Interest,
    /// Why the connection is to end; the reading side carries it out.
    pub doom: Option<String>,
    pub closed: bool,
}

/// Who reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lead {
    /// The reactor waits for something to read.
    Idle,
    /// This thread reads; see [`crate::driver::qemu::reactor::current_thread`].
    Taken(usize),
    /// The caller of this command has been woken to take over.
    Offered(u64),
}

/// A command that is on its way.
pub struct Waiting {
    pub command: String,
    pub kind: Kind,
}

pub enum Kind {
    /// A thread has the lead, or sleeps on this.
    Call {
        wake: Arc<Condvar>,
        /// Who looks at a result before anything that came after it.
        first: Option<OnSuccess>,
    },
    Post {
        on_reply: OnReply,
        due: Instant,
    },
}

impl State {
    pub fn new(client: Client<Waiting>, closed: bool) -> State {
        State {
            client,
            finished: HashMap::new(),
            outgoing: Outgoing::new(MAX_QUEUED),
            lead: Lead::Idle,
            backlog: true,
            interest: Interest::default(),
            doom: None,
            closed,
        }
    }

    /// Whether the caller of this command may take the lead.
    pub fn may_lead(&self, id: u64) -> bool {
        match self.lead {
            Lead::Idle => true,
            Lead::Offered(heir) => heir == id,
            Lead::Taken(_) => false,
        }
    }

    /// What the reactor is to wait for as things stand.
    pub fn wanted_interest(&self) -> Interest {
        if self.closed {
            return Interest::default();
        }
        Interest { read: self.lead == Lead::Idle && !self.backlog, write: !self.outgoing.is_empty() }
    }

    /// Hands an answer to the thread that waits for it; if none does, returns it with whom to tell.
    pub fn settle(&mut self, id: u64, kind: Kind, answer: Answer) -> Option<(OnReply, Answer)> {
        match kind {
            Kind::Post { on_reply, .. } => Some((on_reply, answer)),
            Kind::Call { wake, .. } => {
                self.finished.insert(id, Some(answer));
                wake.notify_one();
                None
            }
        }
    }

    /// The same for an answer that has been looked at; its caller may have left meanwhile.
    pub fn settle_seen(&mut self, id: u64, wake: &Condvar, answer: Answer) {
        if let Some(slot) = self.finished.get_mut(&id) {
            *slot = Some(answer);
            wake.notify_one();
        }
    }

    /// The answer to a command, once it is there.
    pub fn take_finished(&mut self, id: u64) -> Option<Answer> {
        self.finished.get(&id)?.as_ref()?;
        self.finished.remove(&id)?
    }

    /// The caller that has waited longest.
    pub fn heir(&self) -> Option<(u64, Arc<Condvar>)> {
        self.client.pending().find_map(|(id, waiting)| match &waiting.kind {
            Kind::Call { wake, .. } => Some((id, Arc::clone(wake))),
            Kind::Post { .. } => None,
        })
    }

    /// When the posted command that waits longest is due. They all wait equally long, so it is the first.
    pub fn next_due(&self) -> Option<Instant> {
        self.first_post().map(|(_, due)| due)
    }

    /// The posted command that has waited too long by now.
    pub fn overdue(&self, now: Instant) -> Option<u64> {
        self.first_post().filter(|(_, due)| *due <= now).map(|(id, _)| id)
    }

    fn first_post(&self) -> Option<(u64, Instant)> {
        self.client.pending().find_map(|(id, waiting)| match waiting.kind {
            Kind::Post { due, .. } => Some((id, due)),
            Kind::Call { .. } => None,
        })
    }
}
