//! The read side, which one thread has at a time: the reactor's, or that of a caller.

use std::io::{self, Read};
use std::net::Shutdown;
use std::time::Instant;

use parking_lot::MutexGuard;

use super::state::{Kind, Lead, State, Waiting};
use super::{broken, sys, Answer, Monitor};
use crate::driver::qemu::reactor::{current_thread, Interest, Source};
use crate::qmp::message::{Outcome, ReplyError};
use crate::qmp::{CallError, Message, ProtocolError, Splitter, Step};

/// How far a reader came.
#[derive(PartialEq, Eq)]
enum Progress {
    /// All that was read has been handled.
    Drained,
    /// The turn is over, but there is more.
    More,
    /// The connection has ended.
    Over,
}

impl Monitor {
    /// Reads until command `id` has ended or `deadline` is over. The caller has taken the lead.
    pub(super) fn lead_for(&self, id: u64, deadline: Instant) {
        let _turn = Turn { monitor: self, backlog: false };
        let mut reader = self.reader.lock();
        while self.handle(&mut reader, usize::MAX) != Progress::Over {
            let now = Instant::now();
            self.check_posts(now);
            let until = {
                let state = self.state.lock();
                if state.finished.contains_key(&id) || now >= deadline {
                    return;
                }
                state.next_due().map_or(deadline, |due| due.min(deadline))
            };
            let ready = sys::poll(&mut [sys::readable(&self.stream)], until).is_ok_and(|ready| ready > 0);
            if ready && !self.fill(&mut reader) {
                return;
            }
        }
    }

    /// Reads once. False at the end of the connection.
    fn fill(&self, reader: &mut Splitter) -> bool {
        match (&self.stream).read(reader.space()) {
            Ok(0) => self.finish("end of file from the monitor"),
            Ok(count) => {
                reader.advance(count);
                return true;
            }
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => return true,
            Err(e) => self.finish(&broken("read from", &e)),
        }
        false
    }

    /// Handles what has been read, `most` messages at most.
    fn handle(&self, reader: &mut Splitter, most: usize) -> Progress {
        for _ in 0..most {
            let message = reader.next_message().and_then(|found| found.map(Message::decode).transpose());
            let handled = match message {
                Ok(None) => return Progress::Drained,
                Ok(Some(message)) => self.deliver(message),
                Err(e) => Err(e),
            };
            if let Err(e) = handled {
                self.finish(&e.to_string());
                return Progress::Over;
            }
        }
        Progress::More
    }

    fn deliver(&self, message: Message) -> Result<(), ProtocolError> {
        let mut state = self.state.lock();
        match state.client.accept(message)? {
            Step::Event(event) => {
                drop(state);
                self.handler.event(self, &event);
            }
            Step::Reply { id, waiter: Waiting { command, kind }, outcome } => match (kind, answer(command, outcome)) {
                (Kind::Call { wake, first: Some(first) }, Ok(value)) => {
                    state.finished.insert(id, None);
                    MutexGuard::unlocked(&mut state, || first(&value));
                    state.settle_seen(id, &wake, Ok(value));
                }
                (kind, outcome) => {
                    if let Some((on_reply, outcome)) = state.settle(id, kind, outcome) {
                        drop(state);
                        self.reactor.await_fewer(1);
                        on_reply(self, outcome);
                    }
                }
            },
            Step::Greeted { .. } | Step::Ready | Step::Nothing => {}
        }
        Ok(())
    }

    /// Gives up posted commands that have waited too long. The caller has the lead.
    fn check_posts(&self, now: Instant) {
        loop {
            let mut state = self.state.lock();
            let Some(id) = state.overdue(now) else { return };
            state.outgoing.withdraw(id);
            let Some(Waiting { command, kind: Kind::Post { on_reply, .. } }) = state.client.forget(id) else { return };
            drop(state);
            self.reactor.await_fewer(1);
            on_reply(self, Err(CallError::Timeout { command, after: self.limits.call }));
        }
    }

    /// The end: tells everybody, once. The caller has the lead, or is the last who knows the monitor.
    pub(super) fn finish(&self, why: &str) {
        if !self.reactor.is_of_this_process() {
            return;
        }
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.closed, true) {
            return;
        }
        let why = state.doom.get_or_insert_with(|| why.to_owned()).clone();
        state.outgoing.clear();
        let waiting: Vec<_> = state.client.forget_all().collect();
        let end = |(id, waiting): (u64, Waiting)| state.settle(id, waiting.kind, Err(CallError::Closed(why.clone())));
        let posts: Vec<_> = waiting.into_iter().filter_map(end).collect();
        drop(state);
        self.reactor.forget(self.key, &self.stream);
        self.reactor.await_fewer(posts.len());
        let _ = self.stream.shutdown(Shutdown::Both);
        for (on_reply, outcome) in posts {
            on_reply(self, outcome);
        }
        self.handler.closed(self, &why);
    }

    pub(super) fn take_lead(&self, state: &mut State) {
        state.lead = Lead::Taken(current_thread());
        self.set_interest(state);
    }

    /// Gives the lead to the caller that has waited longest, or back to the reactor.
    pub(super) fn pass_on(&self, state: &mut State) {
        state.lead = match state.heir() {
            Some((id, wake)) => {
                wake.notify_one();
                Lead::Offered(id)
            }
            None => Lead::Idle,
        };
        self.set_interest(state);
    }

    /// The reactor's turn at reading; says whether it left something.
    fn read_turn(&self) -> bool {
        let mut reader = self.reader.lock();
        let most = self.limits.max_events_per_turn.max(1);
        match self.handle(&mut reader, most) {
            Progress::Drained if self.fill(&mut reader) => self.handle(&mut reader, most) == Progress::More,
            Progress::More => true,
            Progress::Drained | Progress::Over => false,
        }
    }
}

impl Source for Monitor {
    fn turn(&self) -> bool {
        let mut state = self.state.lock();
        state.interest = Interest::default();
        self.flush(&mut state);
        if state.lead != Lead::Idle || state.closed {
            self.set_interest(&mut state);
            return false;
        }
        self.take_lead(&mut state);
        drop(state);
        let mut turn = Turn { monitor: self, backlog: false };
        turn.backlog = self.read_turn();
        turn.backlog
    }

    fn check(&self, now: Instant) {
        let mut state = self.state.lock();
        if state.lead == Lead::Idle && state.overdue(now).is_some() {
            self.take_lead(&mut state);
            let _turn = Turn { monitor: self, backlog: state.backlog };
            drop(state);
            self.check_posts(now);
        }
    }

    fn fail(&self) {
        self.finish("internal error while a message was handled");
    }
}

/// The lead, which is passed on when this goes.
struct Turn<'a> {
    monitor: &'a Monitor,
    /// Whether messages have been left in the reader.
    backlog: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.monitor.state.lock();
        state.backlog = self.backlog;
        self.monitor.pass_on(&mut state);
    }
}

/// What the caller of `command` is told.
fn answer(command: String, outcome: Outcome) -> Answer {
    outcome.map_err(|error| match error {
        ReplyError::Qmp { class, desc } => CallError::Qmp { command, class, desc },
        ReplyError::Unreadable(why) => CallError::Failed(format!("the answer to '{command}' cannot be read: {why}")),
    })
}
