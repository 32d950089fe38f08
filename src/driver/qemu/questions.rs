//! Questions that are asked together and waited for together, so that who does not answer costs one time-out.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use serde_json::{json, Value};

use super::monitor::Monitor;
use crate::driver::condvar::Condvar;
use crate::qmp::CallError;

/// Questions to one monitor.
#[derive(Default)]
pub(super) struct Questions {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    answered: Condvar,
}

#[derive(Default)]
struct State {
    open: usize,
    /// Why the monitor cannot answer any more.
    broken: Option<CallError>,
}

impl Questions {
    /// Sends a question. `see` gets the answer in its place among the events, on the thread that reads it; it does not run
    /// if the monitor refuses the question or its answer cannot be read.
    pub fn ask(&self, monitor: &Monitor, command: &str, see: impl FnOnce(&Value) + Send + 'static) {
        self.shared.state.lock().open += 1;
        let shared = self.shared.clone();
        let on_reply = move |_: &Monitor, reply: Result<Value, CallError>| {
            if let Ok(reply) = &reply {
                see(reply);
            }
            shared.close_one(reply.err().filter(|error| matches!(error, CallError::Timeout { .. } | CallError::Closed(_))));
        };
        if let Err(error) = monitor.post(command, json!({}), Box::new(on_reply)) {
            self.shared.close_one(Some(error));
        }
    }

    /// Waits until all have been answered, at most until `deadline`.
    ///
    /// # Errors
    /// The monitor's connection has ended, or it does not answer in time.
    pub fn wait(&self, deadline: Instant) -> Result<(), CallError> {
        let begin = Instant::now();
        let mut state = self.shared.state.lock();
        while state.open > 0 {
            if self.shared.answered.wait_until(&mut state, deadline) && state.open > 0 {
                return Err(CallError::Timeout { command: "query".to_owned(), after: deadline.saturating_duration_since(begin) });
            }
        }
        state.broken.take().map_or(Ok(()), Err)
    }
}

impl Shared {
    fn close_one(&self, broken: Option<CallError>) {
        let mut state = self.state.lock();
        state.open -= 1;
        state.broken = state.broken.take().or(broken);
        self.answered.notify_all();
    }
}
