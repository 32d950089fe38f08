//! The monitor of a domain, through libvirt.
//!
//! libvirt does not bound how long the first command to a QEMU that hangs may take. So a command is sent by a thread of its
//! own, which is left behind if it takes too long; until it is back, nothing more is sent to that domain.

use std::sync::mpsc::{sync_channel, RecvTimeoutError};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{json, Value};

use super::calls::RealDomain;
use crate::driver::condvar::Condvar;
use crate::model::{code, Error, Result};

/// How long an answer may take: as long as libvirt waits where it does set a limit.
const LIMIT: Duration = Duration::from_secs(30);

/// One command at a time.
#[derive(Default)]
pub(super) struct Line {
    /// Since when a command is on its way.
    busy: Mutex<Option<Instant>>,
    free: Condvar,
}

impl Line {
    /// Sends a command; returns what QEMU returned.
    ///
    /// # Errors
    /// `OPERATION_TIMEOUT` if that takes too long; `OPERATION_INVALID` if QEMU finds the job in another state;
    /// `INTERNAL_ERROR` for other refusals of QEMU's; otherwise what libvirt says.
    pub fn ask(self: &Arc<Line>, domain: &RealDomain, command: &str, arguments: Value) -> Result<Value> {
        self.take(command)?;
        let (line, domain) = (self.clone(), domain.clone());
        let text = match arguments {
            Value::Null => json!({ "execute": command }),
            arguments => json!({ "execute": command, "arguments": arguments }),
        }
        .to_string();
        let (tell, told) = sync_channel(1);
        let helper = thread::Builder::new().name("virt-jobs-ask".to_owned()).spawn(move || {
            let answer = domain.monitor_command(&text);
            // The domain is given back before anybody can find the line free.
            drop(domain);
            line.give_back();
            let _ = tell.send(answer);
        });
        if let Err(why) = helper {
            self.give_back();
            return Err(Error::system("cannot start a thread", &why));
        }
        match told.recv_timeout(LIMIT) {
            Ok(answer) => read(command, &answer?),
            Err(RecvTimeoutError::Timeout) => Err(late(command)),
            Err(RecvTimeoutError::Disconnected) => Err(Error::internal(format!("the thread that sent '{command}' has died"))),
        }
    }

    fn take(&self, command: &str) -> Result<()> {
        let mut busy = self.busy.lock();
        while let Some(since) = *busy {
            if self.free.wait_until(&mut busy, since + LIMIT) && busy.is_some() {
                return Err(late(command));
            }
        }
        *busy = Some(Instant::now());
        Ok(())
    }

    fn give_back(&self) {
        *self.busy.lock() = None;
        self.free.notify_all();
    }
}

fn late(command: &str) -> Error {
    Error::new(code::OPERATION_TIMEOUT, format!("the domain's monitor has not answered in time; '{command}' may still be carried out"))
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
        assert_eq!(line.take("query-jobs").map_err(|error| error.code), Err(code::OPERATION_TIMEOUT));
        line.give_back();
        assert_eq!(line.take("query-jobs"), Ok(()));
    }
}
