//! Questions about a domain, and requests, through libvirt.
//!
//! libvirt does not bound how long the first command to a QEMU that hangs may take, nor any call to a daemon that hangs. So
//! it is asked by a thread of its own, which is left behind if it takes too long; until it is back, nothing more is asked on
//! the same line.

use std::sync::mpsc::{sync_channel, RecvTimeoutError};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use serde_json::{json, Value};

use super::calls::{RealConnect, RealDomain, SavedError};
use crate::driver::condvar::Condvar;
use crate::driver::threads::with_signals_blocked;
use crate::model::{code, Error, Result};

/// How long an answer may take: as long as libvirt waits where it does set a limit.
const LIMIT: Duration = Duration::from_secs(30);

/// How long answers take at most where nothing is wrong.
const PROMPT: Duration = Duration::from_millis(500);

/// One question at a time.
#[derive(Default)]
pub(super) struct Line {
    /// Since when a question is on its way.
    busy: Mutex<Option<Instant>>,
    free: Condvar,
}

impl Line {
    /// Does what calls libvirt, which may take long.
    ///
    /// # Errors
    /// `OPERATION_TIMEOUT` if it does; otherwise those of `work`, which are this thread's last then if they are libvirt's.
    pub fn bounded<R: Send + 'static>(
        self: &Arc<Line>,
        connect: RealConnect,
        work: impl FnOnce() -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let taken = self.take()?;
        let (tell, told) = sync_channel(1);
        let helper = with_signals_blocked(|| {
            thread::Builder::new().name("virt-jobs-ask".to_owned()).spawn(move || {
                // What it holds is given back before anybody can find the line free.
                let answer = work().map_err(SavedError::of);
                drop(taken);
                let _ = tell.send(answer);
            })
        });
        helper.map_err(|why| Error::system("cannot start a thread", &why))?;
        let mut answer = told.recv_timeout(PROMPT);
        if let Err(RecvTimeoutError::Timeout) = answer {
            let prodding = self.prod(connect);
            answer = told.recv_timeout(LIMIT - PROMPT);
            if let (Ok(_), Ok(prodding)) = (&answer, prodding) {
                // It must not keep the connection when the caller goes on to close it.
                let _ = prodding.join();
            }
        }
        match answer {
            Ok(answer) => answer.map_err(SavedError::adopt),
            Err(RecvTimeoutError::Timeout) => Err(late()),
            Err(RecvTimeoutError::Disconnected) => Err(Error::internal("the thread that asked libvirt has died")),
        }
    }

    /// Lets no call through a connection wait for the answer to a question of ours.
    ///
    /// Of the threads that wait on a connection the first reads the answers for all, and sends their questions. In libvirt
    /// 9.0 it may miss that there is a further question, which then is not sent before something else happens. So something
    /// happens now and then as long as ours is not answered.
    fn prod(self: &Arc<Line>, connect: RealConnect) -> std::io::Result<thread::JoinHandle<()>> {
        let line = self.clone();
        let prodding = move || {
            let mut busy = line.busy.lock();
            let since = *busy;
            while busy.is_some() && *busy == since {
                let _ = MutexGuard::unlocked(&mut busy, || connect.version());
                line.free.wait_for(&mut busy, PROMPT);
            }
        };
        with_signals_blocked(|| thread::Builder::new().name("virt-jobs-prod".to_owned()).spawn(prodding))
    }

    fn take(self: &Arc<Line>) -> Result<Taken> {
        let mut busy = self.busy.lock();
        while let Some(since) = *busy {
            if self.free.wait_until(&mut busy, since + LIMIT) && busy.is_some() {
                return Err(late());
            }
        }
        *busy = Some(Instant::now());
        Ok(Taken(self.clone()))
    }
}

/// That a question is on its way; given back by its drop, whatever becomes of it.
struct Taken(Arc<Line>);

impl Drop for Taken {
    fn drop(&mut self) {
        *self.0.busy.lock() = None;
        self.0.free.notify_all();
    }
}

fn late() -> Error {
    Error::new(code::OPERATION_TIMEOUT, "libvirt has not answered in time; what was asked for may still be carried out")
}

/// Sends a command to the domain's monitor; returns what QEMU returned.
///
/// # Errors
/// `OPERATION_INVALID` if QEMU finds the job in another state; `INTERNAL_ERROR` for other refusals of QEMU's; otherwise what
/// libvirt says.
pub(super) fn command(domain: &RealDomain, command: &str, arguments: Value) -> Result<Value> {
    let text = match arguments {
        Value::Null => json!({ "execute": command }),
        arguments => json!({ "execute": command, "arguments": arguments }),
    };
    read(command, &domain.monitor_command(&text.to_string())?)
}

/// QEMU's answer, as libvirt hands it on.
fn read(command: &str, answer: &str) -> Result<Value> {
    let mut answer: Value =
        serde_json::from_str(answer).map_err(|why| Error::internal(format!("cannot read the answer to '{command}': {why}")))?;
    if let Some(error) = answer.get("error") {
        let why = error.get("desc").and_then(Value::as_str).unwrap_or("for no reason that it gives");
        let out_of_place =
            ["cannot accept command verb", "already paused", "was not paused", "not found"].iter().any(|part| why.contains(part));
        let text = format!("unable to execute QEMU command '{command}': {why}");
        return Err(if out_of_place { Error::invalid(text) } else { Error::internal(text) });
    }
    Ok(answer.get_mut("return").map(Value::take).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_qemu_returned_or_refused() {
        assert_eq!(read("query-jobs", r#"{"return":[1],"id":"libvirt-4"}"#), Ok(json!([1])));
        let refusal = r#"{"id":"libvirt-4","error":{"class":"GenericError","desc":"Job is already paused"}}"#;
        assert_eq!(read("job-pause", refusal).map_err(|error| error.code), Err(code::OPERATION_INVALID));
        let failure = r#"{"error":{"class":"GenericError","desc":"no"}}"#;
        assert_eq!(read("job-pause", failure).map_err(|error| error.code), Err(code::INTERNAL_ERROR));
        assert_eq!(read("job-pause", "{").map_err(|error| error.code), Err(code::INTERNAL_ERROR));
    }

    #[test]
    fn a_line_that_is_taken_for_long_fails_at_once() {
        let line = Arc::new(Line::default());
        *line.busy.lock() = Instant::now().checked_sub(LIMIT);
        assert_eq!(line.take().map(drop).map_err(|error| error.code), Err(code::OPERATION_TIMEOUT));
        drop(Taken(line.clone()));
        assert_eq!(line.take().map(drop), Ok(()));
    }
}
