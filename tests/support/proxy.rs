//! A go-between on a monitor's socket: writes down what is said, and may change the order in which it arrives.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;

/// How messages are passed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    Straight,
    /// Replies to commands wait until QEMU has nothing more to say. Those to questions keep their place.
    EventsFirst,
    /// Events wait while the reply to a command is due.
    RepliesFirst,
    /// Hangs up instead of passing this command on.
    HangUpBefore(&'static str),
    /// Passes this command on, then hangs up before its reply.
    HangUpAfter(&'static str),
    /// Passes this command on and keeps its reply.
    Withhold(&'static str),
}

pub struct Proxy {
    path: PathBuf,
    shared: Arc<Shared>,
}

struct Shared {
    log: Mutex<Vec<Value>>,
    manner: Mutex<Manner>,
    stop: AtomicBool,
}

/// How long QEMU must be silent for all of what it said to be there.
const LULL: Duration = Duration::from_millis(60);

/// Nothing may send these: QEMU was seen to crash on the first near a concluded stream, and jobs never need them.
const FORBIDDEN: &[&str] = &["query-named-block-nodes", "system_wakeup", "human-monitor-command"];

impl Proxy {
    /// Listens at `path` for clients of the monitor at `upstream`; one at a time, like a monitor.
    pub fn start(path: &Path, upstream: &Path) -> Proxy {
        let listener = UnixListener::bind(path).unwrap();
        let shared = Arc::new(Shared { log: Mutex::new(Vec::new()), manner: Mutex::new(Manner::Straight), stop: AtomicBool::new(false) });
        let (upstream, kept) = (upstream.to_owned(), shared.clone());
        thread::spawn(move || {
            for client in listener.incoming() {
                if kept.stop.load(Ordering::Acquire) {
                    return;
                }
                let Ok(server) = UnixStream::connect(&upstream) else { return };
                serve(&kept, client.unwrap(), server);
            }
        });
        Proxy { path: path.to_owned(), shared }
    }

    pub fn set(&self, manner: Manner) {
        *self.shared.manner.lock() = manner;
    }

    /// Everything that passed, in the order in which it came here. Commands have a member `execute`.
    pub fn log(&self) -> Vec<Value> {
        self.shared.log.lock().clone()
    }

    /// The commands that were sent, in order.
    pub fn commands(&self) -> Vec<String> {
        self.log().iter().filter_map(|message| message["execute"].as_str().map(str::to_owned)).collect()
    }

    /// The statuses that QEMU announced of a job, in order.
    pub fn statuses(&self, id: &str) -> Vec<String> {
        let of_job = |message: &Value| {
            let told = message["event"] == "JOB_STATUS_CHANGE" && message["data"]["id"] == id;
            told.then(|| message["data"]["status"].as_str().unwrap().to_owned())
        };
        self.log().iter().filter_map(of_job).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        let _ = UnixStream::connect(&self.path);
        let _ = std::fs::remove_file(&self.path);
        if thread::panicking() {
            // What led to the failure.
            for message in self.log() {
                eprintln!("{message}");
            }
        } else {
            let commands = self.commands();
            let bad: Vec<&String> = commands.iter().filter(|sent| FORBIDDEN.contains(&sent.as_str())).collect();
            assert!(bad.is_empty(), "sent to the monitor: {bad:?}");
        }
    }
}

/// Passes messages on until one side leaves.
fn serve(shared: &Arc<Shared>, client: UnixStream, server: UnixStream) {
    let due: Due = Arc::default();
    let up = {
        let (shared, due) = (shared.clone(), due.clone());
        let (client, server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || commands(&shared, &due, &client, &server))
    };
    answers(shared, &due, &server, &client);
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
    let _ = up.join();
}

/// The commands whose replies are due, in order.
type Due = Arc<Mutex<VecDeque<String>>>;

fn is_question(command: &str) -> bool {
    command.starts_with("query-")
}

fn commands(shared: &Shared, due: &Due, client: &UnixStream, mut server: &UnixStream) {
    for line in BufReader::new(client).split(b'\n').map_while(Result::ok) {
        let message: Value = serde_json::from_slice(&line).unwrap_or(Value::Null);
        let manner = *shared.manner.lock();
        let named = |command: &str| message["execute"] == command;
        shared.log.lock().push(message.clone());
        if matches!(manner, Manner::HangUpBefore(command) if named(command)) {
            break;
        }
        due.lock().push_back(message["execute"].as_str().unwrap_or_default().to_owned());
        if server.write_all(&[&line[..], b"\n"].concat()).is_err() {
            break;
        }
        if matches!(manner, Manner::HangUpAfter(command) if named(command)) {
            let _ = client.shutdown(Shutdown::Both);
            // Commands that a client sends right before it hangs up are often dropped; this one is to arrive.
            thread::sleep(LULL);
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}

fn answers(shared: &Shared, due: &Due, server: &UnixStream, mut client: &UnixStream) {
    server.set_read_timeout(Some(LULL)).unwrap();
    let mut reader = BufReader::new(server);
    let (mut line, mut held) = (Vec::new(), Vec::<Vec<u8>>::new());
    loop {
        let over = match reader.read_until(b'\n', &mut line) {
            Ok(0) => true,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if due.lock().is_empty() || *shared.manner.lock() != Manner::RepliesFirst {
                    let all: Vec<u8> = held.drain(..).flatten().collect();
                    if client.write_all(&all).is_err() {
                        return;
                    }
                }
                continue;
            }
            Err(_) => true,
            Ok(_) => false,
        };
        if over {
            let _ = client.write_all(&held.concat());
            return;
        }
        let message: Value = serde_json::from_slice(&line).unwrap_or(Value::Null);
        let is_reply = message.get("return").is_some() || message.get("error").is_some();
        shared.log.lock().push(message);
        let answered = if is_reply { due.lock().pop_front() } else { None };
        let reply = answered.as_ref().is_some_and(|command| !is_question(command));
        let manner = *shared.manner.lock();
        if matches!((manner, &answered), (Manner::Withhold(command), Some(answered)) if answered == command) {
            line.clear();
            continue;
        }
        let hold = match manner {
            Manner::EventsFirst => reply,
            Manner::RepliesFirst => !is_reply && due.lock().iter().any(|command| !is_question(command)),
            _ => false,
        };
        held.push(std::mem::take(&mut line));
        if hold {
            continue;
        }
        let overtakes = matches!((manner, reply), (Manner::EventsFirst, false) | (Manner::RepliesFirst, true));
        let from = if overtakes { held.len() - 1 } else { 0 };
        if client.write_all(&held.split_off(from).concat()).is_err() {
            return;
        }
    }
}
