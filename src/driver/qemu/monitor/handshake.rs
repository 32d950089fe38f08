//! From a socket's path to a monitor that takes commands, for many sockets at once.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{sys, Limits, Monitor, MonitorHandler};
use crate::driver::qemu::reactor::Reactor;
use crate::model::{code, Error};
use crate::qmp::{Client, Greeting, Message, Splitter, Step};

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
    pub client: Client<super::Waiting>,
    pub greeting: Greeting,
}

impl Handshake {
    fn begin(path: &Path, limits: &Limits) -> Result<Handshake, OpenError> {
        let stream = sys::connect(path).map_err(|why| match why.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => OpenError::Absent { path: path.to_owned(), why },
            io::ErrorKind::WouldBlock => OpenError::Silent { path: path.to_owned(), after: Duration::ZERO },
            _ => OpenError::System { path: path.to_owned(), why },
        })?;
        Ok(Handshake {
            path: path.to_owned(),
            stream,
            reader: Splitter::new(limits.max_line),
            client: Client::default(),
            greeting: Greeting::default(),
        })
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

/// Where one of many stands.
enum Slot {
    Waiting(Handshake, Arc<dyn MonitorHandler>),
    Done(Result<Arc<Monitor>, OpenError>),
}

/// Opens all sockets at once: the slowest decides how long it takes, and `limits.greeting` is the most.
pub fn open_many(
    reactor: &Arc<Reactor>,
    wanted: Vec<(PathBuf, Arc<dyn MonitorHandler>)>,
    limits: Limits,
) -> Vec<Result<Arc<Monitor>, OpenError>> {
    let deadline = super::after(limits.greeting);
    let begin = |(path, handler): (PathBuf, Arc<dyn MonitorHandler>)| match Handshake::begin(&path, &limits) {
        Ok(handshake) => Slot::Waiting(handshake, handler),
        Err(e) => Slot::Done(Err(e)),
    };
    let mut slots: Vec<Slot> = wanted.into_iter().map(begin).collect();
    loop {
        let waiting = slots.iter().filter_map(|slot| match slot {
            Slot::Waiting(handshake, _) => Some(sys::readable(&handshake.stream)),
            Slot::Done(_) => None,
        });
        let mut polled: Vec<libc::pollfd> = waiting.collect();
        let ready = !polled.is_empty() && Instant::now() < deadline && sys::poll(&mut polled, deadline).is_ok_and(|n| n > 0);
        if !ready {
            break;
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
    let end = |slot| match slot {
        Slot::Done(result) => result,
        Slot::Waiting(handshake, _) => Err(OpenError::Silent { path: handshake.path, after: limits.greeting }),
    };
    slots.into_iter().map(end).collect()
}

fn advance(reactor: &Arc<Reactor>, mut handshake: Handshake, handler: Arc<dyn MonitorHandler>, limits: Limits) -> Slot {
    match handshake.step() {
        Ok(false) => Slot::Waiting(handshake, handler),
        Ok(true) => Slot::Done(Monitor::start(reactor, handshake, handler, limits)),
        Err(e) => Slot::Done(Err(e)),
    }
}
