//! One connection to one QEMU's monitor.
//!
//! Whoever needs an answer reads the socket itself: a caller takes the *lead* (the read side), handles everything that
//! arrives until its own answer is there, and passes the lead on, to another caller that waits or back to the reactor.
//! A call so costs little more than the bare exchange on the socket, and all messages are still handled one after the
//! other in the order in which the monitor sent them.
//!
//! Locks: `reader` belongs to whoever has the lead and is held while handlers run. `state` is held for moments and never
//! while a handler runs, so a handler may [`Monitor::post`].

mod handshake;
mod outgoing;
mod sys;

use std::collections::HashMap;
use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use serde_json::Value;

use self::handshake::Handshake;
pub use self::handshake::OpenError;
use self::outgoing::Outgoing;
use super::reactor::{current_thread, Interest, Reactor, Source};
use crate::qmp::message::{Outcome, ReplyError};
use crate::qmp::{CallError, Client, Event, Greeting, Message, ProtocolError, Splitter, Step};

/// How many commands may wait for their answer.
const MAX_PENDING: usize = 1024;
/// How many bytes of commands may wait to be sent.
const MAX_QUEUED: usize = 1 << 20;
/// Why a connection ended that this side ended.
const CLOSED: &str = "the monitor was closed";

/// How much a monitor may ask of us.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the whole handshake.
    pub greeting: Duration,
    /// For the answer to one command.
    pub call: Duration,
    /// Bytes of one message.
    pub max_line: usize,
    /// Messages that the reactor handles before it looks at other monitors.
    pub max_events_per_turn: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { greeting: Duration::from_secs(2), call: Duration::from_secs(30), max_line: 10 << 20, max_events_per_turn: 64 }
    }
}

/// Who is told what a monitor says on its own. Runs on the thread that reads, which is the reactor's or that of any
/// caller: it must not block, and a [`Monitor::call`] of the same monitor is refused. [`Monitor::post`] and
/// [`Monitor::close`] are fine.
pub trait MonitorHandler: Send + Sync {
    /// Events come in order, perhaps before `open` has returned.
    fn event(&self, monitor: &Monitor, event: &Event);
    /// The connection has ended, after all events and replies. Comes once.
    fn closed(&self, monitor: &Monitor, why: &str);
}

/// What became of a command.
pub type Answer = Result<Value, CallError>;

/// What is to be done with a command's answer. Runs where a [`MonitorHandler`] runs.
pub type OnReply = Box<dyn FnOnce(&Monitor, Answer) + Send>;

/// A monitor in command mode. Dropping it closes the connection.
pub struct Monitor {
    path: PathBuf,
    greeting: Greeting,
    peer_pid: Option<i32>,
    limits: Limits,
    handler: Arc<dyn MonitorHandler>,
    reactor: Arc<Reactor>,
    /// What the reactor knows the socket by.
    key: usize,
    stream: UnixStream,
    reader: Mutex<Splitter>,
    state: Mutex<State>,
}

struct State {
    client: Client<Waiting>,
    /// Answers that their callers have not picked up yet.
    finished: HashMap<u64, Answer>,
    outgoing: Outgoing,
    lead: Lead,
    /// There are messages that have been read but not handled; the reactor will come back for them.
    backlog: bool,
    /// What the reactor was last told to wait for.
    interest: Interest,
    /// Why the connection is to end; the reading side carries it out.
    doom: Option<String>,
    closed: bool,
}

/// Who reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lead {
    /// The reactor waits for something to read.
    Idle,
    /// This thread reads.
    Taken(ThreadId),
    /// The caller of this command has been woken to take over.
    Offered(u64),
}

/// A command that is on its way.
pub struct Waiting {
    command: String,
    kind: Kind,
}

enum Kind {
    /// A thread sleeps on it, or leads.
    Call(Arc<Condvar>),
    Post {
        on_reply: OnReply,
        due: Instant,
    },
}

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
    /// Connects and enters command mode, within `limits.greeting`.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(reactor: &Arc<Reactor>, path: &Path, handler: Arc<dyn MonitorHandler>, limits: Limits) -> Result<Arc<Monitor>, OpenError> {
        let mut opened = handshake::open_many(reactor, vec![(path.to_owned(), handler)], limits);
        opened.pop().unwrap_or_else(|| Err(OpenError::Silent { path: path.to_owned(), after: limits.greeting }))
    }

    /// Opens many monitors in the time of one; the results are in the order of `wanted`.
    pub fn open_many(
        reactor: &Arc<Reactor>,
        wanted: Vec<(PathBuf, Arc<dyn MonitorHandler>)>,
        limits: Limits,
    ) -> Vec<Result<Arc<Monitor>, OpenError>> {
        handshake::open_many(reactor, wanted, limits)
    }

    fn start(
        reactor: &Arc<Reactor>,
        opened: Handshake,
        handler: Arc<dyn MonitorHandler>,
        limits: Limits,
    ) -> Result<Arc<Monitor>, OpenError> {
        let mut watched = Ok(0);
        let monitor = Arc::new_cyclic(|weak: &Weak<Monitor>| {
            watched = reactor.watch(&opened.stream, weak.clone() as Weak<dyn Source>);
            Monitor {
                peer_pid: sys::peer_pid(&opened.stream),
                path: opened.path,
                greeting: opened.greeting,
                limits,
                handler,
                reactor: Arc::clone(reactor),
                key: *watched.as_ref().unwrap_or(&0),
                stream: opened.stream,
                reader: Mutex::new(opened.reader),
                state: Mutex::new(State::new(opened.client, watched.is_err())),
            }
        });
        if let Err(why) = watched {
            return Err(OpenError::System { path: monitor.path.clone(), why });
        }
        // The handshake may have read more than its own part.
        monitor.reactor.kick(monitor.key);
        Ok(monitor)
    }

    /// QEMU's version: major, minor, micro.
    pub fn version(&self) -> (u32, u32, u32) {
        self.greeting.version
    }

    /// What the distribution calls its QEMU.
    pub fn package(&self) -> &str {
        &self.greeting.package
    }

    /// What the greeting offers (`oob`, ...).
    pub fn capabilities(&self) -> &[String] {
        &self.greeting.capabilities
    }

    /// The process that opened the socket.
    pub fn peer_pid(&self) -> Option<i32> {
        self.peer_pid
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the connection has ended or is about to.
    pub fn is_closed(&self) -> bool {
        let state = self.state.lock();
        state.closed || state.doom.is_some()
    }

    /// Ends the connection. What has arrived is still delivered, then everybody is told; this does not wait for it.
    pub fn close(&self) {
        self.state.lock().doom.get_or_insert_with(|| CLOSED.to_owned());
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Runs a command and waits for its answer, at most for `limits.call`. Null arguments are left out.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn call(&self, command: &str, arguments: Value) -> Answer {
        self.execute(command, arguments, None, self.limits.call)
    }

    /// The same for a command that may take longer, or must not take as long.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn call_within(&self, command: &str, arguments: Value, limit: Duration) -> Answer {
        self.execute(command, arguments, None, limit)
    }

    /// The same with a file descriptor for the monitor (`getfd`, `add-fd`), which gets a copy of it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn call_with_fd(&self, command: &str, arguments: Value, fd: BorrowedFd<'_>) -> Answer {
        let copy = fd.try_clone_to_owned().map_err(|e| CallError::Failed(format!("cannot pass a descriptor to '{command}': {e}")))?;
        self.execute(command, arguments, Some(copy), self.limits.call)
    }

    /// Sends a command and returns. `on_reply` runs once, with the answer, or after `limits.call` with none, or at the
    /// end of the connection.
    ///
    /// # Errors
    /// The command was not sent and `on_reply` will not run: the connection has ended, or too much is queued.
    pub fn post(&self, command: &str, arguments: Value, on_reply: OnReply) -> Result<(), CallError> {
        let kind = Kind::Post { on_reply, due: after(self.limits.call) };
        let mut state = self.state.lock();
        self.submit(&mut state, command, arguments, None, kind)?;
        self.reactor.await_more(1);
        self.set_interest(&mut state);
        Ok(())
    }

    fn execute(&self, command: &str, arguments: Value, fd: Option<OwnedFd>, limit: Duration) -> Answer {
        let deadline = after(limit);
        let wake = Arc::new(Condvar::new());
        let mut state = self.state.lock();
        if state.lead == Lead::Taken(current_thread()) {
            return Err(CallError::Failed(format!("'{command}' was called from inside a handler of the same monitor")));
        }
        let id = self.submit(&mut state, command, arguments, fd, Kind::Call(Arc::clone(&wake)))?;
        self.set_interest(&mut state);
        loop {
            if let Some(outcome) = state.finished.remove(&id) {
                return outcome;
            }
            if Instant::now() >= deadline {
                self.give_up(&mut state, id);
                return Err(CallError::Timeout { command: command.to_owned(), after: limit });
            }
            if state.may_lead(id) {
                self.take_lead(&mut state);
                MutexGuard::unlocked(&mut state, || self.lead_for(id, deadline));
            } else {
                wake.wait_until(&mut state, deadline);
            }
        }
    }

    /// Numbers a command, and sends as much of it as the socket takes.
    fn submit(&self, state: &mut State, command: &str, arguments: Value, fd: Option<OwnedFd>, kind: Kind) -> Result<u64, CallError> {
        if let Some(why) = &state.doom {
            return Err(CallError::Closed(why.clone()));
        }
        if !state.outgoing.has_room() || state.client.pending().len() >= MAX_PENDING {
            return Err(CallError::Failed(format!("'{command}' was not sent: too many commands wait for the monitor")));
        }
        let (id, bytes) = state.client.command(command, arguments, Waiting { command: command.to_owned(), kind });
        state.outgoing.push(id, bytes, fd);
        self.flush(state);
        Ok(id)
    }

    fn flush(&self, state: &mut State) {
        if let Err(e) = state.outgoing.flush(&self.stream) {
            // Who reads finds the end of the stream, and this as its reason.
            state.doom.get_or_insert_with(|| broken("write to", &e));
            state.outgoing.clear();
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }

    fn give_up(&self, state: &mut State, id: u64) {
        state.client.forget(id);
        state.outgoing.withdraw(id);
        if state.lead == Lead::Offered(id) {
            self.pass_on(state);
        }
    }

    fn take_lead(&self, state: &mut State) {
        state.lead = Lead::Taken(current_thread());
        self.set_interest(state);
    }

    /// Gives the lead to the caller that has waited longest, or back to the reactor.
    fn pass_on(&self, state: &mut State) {
        let heir = state.client.pending().find_map(|(id, waiting)| match &waiting.kind {
            Kind::Call(wake) => Some((id, Arc::clone(wake))),
            Kind::Post { .. } => None,
        });
        state.lead = match heir {
            Some((id, wake)) if !state.closed => {
                wake.notify_one();
                Lead::Offered(id)
            }
            _ => Lead::Idle,
        };
        self.set_interest(state);
    }

    fn set_interest(&self, state: &mut State) {
        let wanted = state.wanted_interest();
        if wanted != state.interest {
            state.interest = wanted;
            self.reactor.set_interest(self.key, &self.stream, wanted);
        }
    }

    /// Reads until command `id` has ended or `deadline` is over. The caller has taken the lead.
    fn lead_for(&self, id: u64, deadline: Instant) {
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
            Step::Reply { id, waiter: Waiting { command, kind }, outcome } => {
                let outcome = answer(command, outcome);
                if let Some((on_reply, outcome)) = state.settle(id, kind, outcome) {
                    drop(state);
                    self.reactor.await_fewer(1);
                    on_reply(self, outcome);
                }
            }
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
    fn finish(&self, why: &str) {
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
            drop(state);
            let turn = Turn { monitor: self, backlog: self.state.lock().backlog };
            self.check_posts(now);
            drop(turn);
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

impl Drop for Monitor {
    fn drop(&mut self) {
        self.finish(CLOSED);
    }
}

impl State {
    fn new(client: Client<Waiting>, closed: bool) -> State {
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

    fn may_lead(&self, id: u64) -> bool {
        match self.lead {
            Lead::Idle => true,
            Lead::Offered(heir) => heir == id,
            Lead::Taken(_) => false,
        }
    }

    fn wanted_interest(&self) -> Interest {
        if self.closed {
            return Interest::default();
        }
        Interest { read: self.lead == Lead::Idle && !self.backlog, write: !self.outgoing.is_empty() }
    }

    /// Hands an answer to the thread that waits for it; if none does, returns it with whom to tell.
    fn settle(&mut self, id: u64, kind: Kind, answer: Answer) -> Option<(OnReply, Answer)> {
        match kind {
            Kind::Post { on_reply, .. } => Some((on_reply, answer)),
            Kind::Call(wake) => {
                self.finished.insert(id, answer);
                wake.notify_one();
                None
            }
        }
    }

    /// When the posted command that waits longest is due. They all wait equally long, so it is the first.
    fn next_due(&self) -> Option<Instant> {
        self.first_post().map(|(_, due)| due)
    }

    fn overdue(&self, now: Instant) -> Option<u64> {
        self.first_post().filter(|(_, due)| *due <= now).map(|(id, _)| id)
    }

    fn first_post(&self) -> Option<(u64, Instant)> {
        self.client.pending().find_map(|(id, waiting)| match waiting.kind {
            Kind::Post { due, .. } => Some((id, due)),
            Kind::Call(_) => None,
        })
    }
}

/// What the caller of `command` is told.
fn answer(command: String, outcome: Outcome) -> Answer {
    outcome.map_err(|error| match error {
        ReplyError::Qmp { class, desc } => CallError::Qmp { command, class, desc },
        ReplyError::Unreadable(why) => CallError::Failed(format!("the answer to '{command}' cannot be read: {why}")),
    })
}

fn broken(what: &str, why: &io::Error) -> String {
    format!("unable to {what} the monitor: {why}")
}

/// The end of a time that begins now; a very long one is cut to a year.
fn after(limit: Duration) -> Instant {
    Instant::now() + limit.min(Duration::from_secs(365 * 24 * 3600))
}
