//! From a socket's path to a monitor that takes commands, for many sockets at once.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::state::Waiting;
use super::{sys, Limits, Monitor, MonitorHandler};
use crate::driver::qemu::reactor::Reactor;
use crate::model::{code, Error};
use crate::qmp::{Client, Greeting, Message, Splitter, Step};

/// How often a socket is tried whose queue of clients is full.
const KNOCK: Duration = Duration::from_millis(20);

/// Why there is no monitor behind a path.
#[derive(Debug)]
pub enum OpenError {
    /// No such socket, or nobody listens on it any more: the QEMU is gone.
    Absent {
        path: PathBuf,
        why: io::Error,
    },
    /// Somebody listens, but nothing was said in time. A monitor serves one client at a time and lets others wait.
    Silent {
        path: PathBuf,
        after: Duration,
    },
    /// Whoever listens does not speak QMP, or has hung up.
    NotQmp {
        path: PathBuf,
        why: String,
    },
    System {
        path: PathBuf,
        why: io::Error,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Absent { path, why } | OpenError::System { path, why } => {
                write!(f, "cannot connect to monitor '{}': {why}", path.display())
            }
            OpenError::Silent { path, after } => write!(
                f,
                "monitor '{}' is taken by another client, or its QEMU hangs: no greeting within {} s",
                path.display(),
                after.as_secs_f32()
            ),
            OpenError::NotQmp { path, why } => write!(f, "'{}' is not a QMP monitor: {why}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Error {
        let code = match error {
            OpenError::Absent { .. } | OpenError::System { .. } => code::SYSTEM_ERROR,
            OpenError::Silent { .. } => code::OPERATION_TIMEOUT,
            OpenError::NotQmp { .. } => code::INTERNAL_ERROR,
        };
        Error::new(code, error.to_string())
    }
}

/// A connection that has not reached command mode yet.
pub struct Handshake {
    pub path: PathBuf,
    pub stream: UnixStream,
    pub reader: Splitter,
    pub client: Client<Waiting>,
    pub greeting: Greeting,
    /// Whether the peer has said anything.
    heard: bool,
}

impl Handshake {
    /// `None` if the server's queue of clients is full.
    fn begin(path: &Path, limits: &Limits) -> Result<Option<Handshake>, OpenError> {
        let stream = match sys::connect(path) {
            Ok(stream) => stream,
            Err(why) => match why.kind() {
                io::ErrorKind::WouldBlock => return Ok(None),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    return Err(OpenError::Absent { path: path.to_owned(), why });
                }
                _ => return Err(OpenError::System { path: path.to_owned(), why }),
            },
        };
        Ok(Some(Handshake {
            path: path.to_owned(),
            stream,
            reader: Splitter::new(limits.max_line),
            client: Client::default(),
            greeting: Greeting::default(),
            heard: false,
        }))
    }

    /// Reads once what there is; says whether commands may be sent now.
    fn step(&mut self) -> Result<bool, OpenError> {
        let count = match (&self.stream).read(self.reader.space()) {
            Ok(0) => return Err(self.not_qmp("it closed the connection")),
            Ok(count) => count,
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => return Ok(false),
            Err(e) => return Err(self.not_qmp(e)),
        };
        self.reader.advance(count);
        self.heard = true;
        loop {
            let message = self.reader.next_message().and_then(|found| found.map(Message::decode).transpose());
            match message.and_then(|found| found.map(|m| self.client.accept(m)).transpose()) {
                Ok(None) => return Ok(false),
                Ok(Some(Step::Ready)) => return Ok(true),
                Ok(Some(Step::Greeted { greeting, send })) => self.answer(greeting, &send)?,
                // What happened before command mode is in the state that the owner will ask for.
                Ok(Some(Step::Event(_) | Step::Reply { .. } | Step::Nothing)) => {}
                Err(e) => return Err(self.not_qmp(e)),
            }
        }
    }

    fn answer(&mut self, greeting: Greeting, bytes: &[u8]) -> Result<(), OpenError> {
        self.greeting = greeting;
        match sys::send(&self.stream, bytes, None) {
            Ok(count) if count == bytes.len() => Ok(()),
            Ok(_) => Err(self.not_qmp("it takes no commands")),
            Err(why) => Err(self.not_qmp(why)),
        }
    }

    fn not_qmp(&self, why: impl fmt::Display) -> OpenError {
        OpenError::NotQmp { path: self.path.clone(), why: why.to_string() }
    }
}

type Handler = Arc<dyn MonitorHandler>;

/// Where one of many stands.
enum Slot {
    /// The server's queue of clients is full, or has not been tried.
    Outside(PathBuf, Handler),
    Waiting(Handshake, Handler),
    Done(Result<Arc<Monitor>, OpenError>),
}

/// Opens all sockets at once: the slowest decides how long it takes, and `limits.greeting` is the most.
pub fn open_many(reactor: &Arc<Reactor>, wanted: Vec<(PathBuf, Handler)>, limits: Limits) -> Vec<Result<Arc<Monitor>, OpenError>> {
    let (half, end) = (super::after(limits.greeting / 2), super::after(limits.greeting));
    let slots = wanted.into_iter().map(|(path, handler)| Slot::Outside(path, handler)).collect();
    let slots = advance_all(reactor, slots, limits, half);
    // A client that comes while QEMU starts can be lost between two threads that both accept; QEMU then hangs until
    // the next client comes (seen with 7.2). So who has not heard a word by now is that next client.
    let leave = |slot| match slot {
        Slot::Waiting(handshake, handler) if !handshake.heard => Slot::Outside(handshake.path, handler),
        slot => slot,
    };
    let slots = advance_all(reactor, slots.into_iter().map(leave).collect(), limits, end);
    let end = |slot| match slot {
        Slot::Done(result) => result,
        Slot::Outside(path, _) | Slot::Waiting(Handshake { path, .. }, _) => Err(OpenError::Silent { path, after: limits.greeting }),
    };
    slots.into_iter().map(end).collect()
}

/// Takes all handshakes as far as they come until `deadline`.
fn advance_all(reactor: &Arc<Reactor>, mut slots: Vec<Slot>, limits: Limits, deadline: Instant) -> Vec<Slot> {
    loop {
        slots = slots.into_iter().map(|slot| knock(slot, &limits)).collect();
        let outside = slots.iter().any(|slot| matches!(slot, Slot::Outside(..)));
        let mut polled: Vec<libc::pollfd> = slots.iter().filter_map(Slot::waits_for).collect();
        let now = Instant::now();
        if now >= deadline || (polled.is_empty() && !outside) {
            return slots;
        }
        let until = if outside { deadline.min(now + KNOCK) } else { deadline };
        if sys::poll(&mut polled, until).is_err() {
            return slots;
        }
        let mut polled = polled.into_iter();
        let advance = |slot| match slot {
            Slot::Waiting(handshake, handler) if polled.next().is_some_and(|p| p.revents != 0) => {
                advance(reactor, handshake, handler, limits)
            }
            slot => slot,
        };
        slots = slots.into_iter().map(advance).collect();
    }
}

fn knock(slot: Slot, limits: &Limits) -> Slot {
    let Slot::Outside(path, handler) = slot else { return slot };
    match Handshake::begin(&path, limits) {
        Ok(Some(handshake)) => Slot::Waiting(handshake, handler),
        Ok(None) => Slot::Outside(path, handler),
        Err(e) => Slot::Done(Err(e)),
    }
}

fn advance(reactor: &Arc<Reactor>, mut handshake: Handshake, handler: Handler, limits: Limits) -> Slot {
    match handshake.step() {
        Ok(false) => Slot::Waiting(handshake, handler),
        Ok(true) => Slot::Done(Monitor::start(reactor, handshake, handler, limits)),
        Err(e) => Slot::Done(Err(e)),
    }
}

impl Slot {
    fn waits_for(&self) -> Option<libc::pollfd> {
        match self {
            Slot::Waiting(handshake, _) => Some(sys::readable(&handshake.stream)),
            Slot::Outside(..) | Slot::Done(_) => None,
        }
    }
}
