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
mod lead;
mod outgoing;
mod state;
pub(super) mod sys;

use std::io;
use std::net::Shutdown;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;

use self::handshake::Handshake;
pub use self::handshake::OpenError;
use self::state::{Kind, Lead, State, Waiting};
use super::reactor::{current_thread, Reactor, Source};
use crate::driver::condvar::Condvar;
use crate::qmp::{CallError, Event, Greeting, Splitter};

/// How many commands may wait for their answer before a call is refused.
const MAX_PENDING: usize = 1024;
/// The same for a posted command. Whoever posts cannot wait, and what is posted is bounded by what there is to do.
const MAX_POSTED: usize = 16 * MAX_PENDING;
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

/// What is to be done with the result of a command that succeeded. Runs where a [`MonitorHandler`] runs.
pub type OnSuccess = Box<dyn FnOnce(&Value) + Send>;

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
        self.execute(command, arguments, None, self.limits.call, None)
    }

    /// The same for a question about something that events tell, too: `first` sees the answer after all that came before
    /// it and before all that comes after. An answer that a caller picks up may be out of date by then.
    ///
    /// # Errors
    /// See [`CallError`]; `first` does not run then. After a timeout, it may be running.
    pub fn call_in_order(&self, command: &str, arguments: Value, first: OnSuccess) -> Answer {
        self.execute(command, arguments, None, self.limits.call, Some(first))
    }

    /// The same for a command that may take longer, or must not take as long.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn call_within(&self, command: &str, arguments: Value, limit: Duration) -> Answer {
        self.execute(command, arguments, None, limit, None)
    }

    /// The same with a file descriptor for the monitor (`getfd`, `add-fd`), which gets a copy of it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn call_with_fd(&self, command: &str, arguments: Value, fd: BorrowedFd<'_>) -> Answer {
        let copy = fd.try_clone_to_owned().map_err(|e| CallError::Failed(format!("cannot pass a descriptor to '{command}': {e}")))?;
        self.execute(command, arguments, Some(copy), self.limits.call, None)
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

    /// Whether it is the calling thread that handles what the monitor says: it must not wait for anything then.
    pub fn is_handled_here(&self) -> bool {
        self.state.lock().lead == Lead::Taken(current_thread())
    }

    fn execute(&self, command: &str, arguments: Value, fd: Option<OwnedFd>, limit: Duration, first: Option<OnSuccess>) -> Answer {
        let deadline = after(limit);
        let wake = Arc::new(Condvar::new());
        let mut state = self.state.lock();
        if state.lead == Lead::Taken(current_thread()) {
            return Err(CallError::Failed(format!("'{command}' was called from inside a handler of the same monitor")));
        }
        let id = self.submit(&mut state, command, arguments, fd, Kind::Call { wake: Arc::clone(&wake), first })?;
        self.set_interest(&mut state);
        drop(state);
        let call = Call { monitor: self, id };
        call.wait(&wake, deadline).unwrap_or_else(|| Err(CallError::Timeout { command: command.to_owned(), after: limit }))
    }

    /// Numbers a command, and sends as much of it as the socket takes.
    fn submit(&self, state: &mut State, command: &str, arguments: Value, fd: Option<OwnedFd>, kind: Kind) -> Result<u64, CallError> {
        if let Some(why) = &state.doom {
            return Err(CallError::Closed(why.clone()));
        }
        let most = if matches!(kind, Kind::Post { .. }) { MAX_POSTED } else { MAX_PENDING };
        if !state.outgoing.has_room() || state.client.pending().len() >= most {
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

    fn set_interest(&self, state: &mut State) {
        let wanted = state.wanted_interest();
        if wanted != state.interest {
            state.interest = wanted;
            self.reactor.set_interest(self.key, &self.stream, wanted);
        }
    }
}

/// A command that its caller waits for; given up when this goes.
struct Call<'a> {
    monitor: &'a Monitor,
    id: u64,
}

impl Call<'_> {
    /// Waits for the answer, reading it itself if nobody else reads. `None` if none comes in time.
    fn wait(&self, wake: &Condvar, deadline: Instant) -> Option<Answer> {
        let mut state = self.monitor.state.lock();
        loop {
            if let Some(answer) = state.take_finished(self.id) {
                return Some(answer);
            }
            if Instant::now() >= deadline {
                return None;
            }
            if state.may_lead(self.id) {
                self.monitor.take_lead(&mut state);
                MutexGuard::unlocked(&mut state, || self.monitor.lead_for(self.id, deadline));
            } else {
                wake.wait_until(&mut state, deadline);
            }
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut state = self.monitor.state.lock();
        state.client.forget(self.id);
        state.finished.remove(&self.id);
        state.outgoing.withdraw(self.id);
        if state.lead == Lead::Offered(self.id) {
            self.monitor.pass_on(&mut state);
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.finish(CLOSED);
    }
}

fn broken(what: &str, why: &io::Error) -> String {
    format!("unable to {what} the monitor: {why}")
}

/// The end of a time that begins now; a very long one is cut to a year.
fn after(limit: Duration) -> Instant {
    Instant::now() + limit.min(Duration::from_secs(365 * 24 * 3600))
}
