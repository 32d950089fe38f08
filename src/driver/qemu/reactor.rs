//! The one thread that waits for all monitors while nobody else reads them.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use polling::{Events, Poller};

use crate::driver::condvar::Condvar;
use crate::driver::threads::with_signals_blocked;
use crate::model::{Error, Result};

/// How often sources are asked for replies that are overdue, while there may be any.
const CHECK: Duration = Duration::from_millis(100);
/// How long the end of the last user waits for the thread's own end.
const GOODBYE: Duration = Duration::from_millis(500);

/// What a source wants to be woken for, and what it was woken for. Interest is gone once it has woken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Interest {
    pub read: bool,
    pub write: bool,
}

/// Something with a descriptor that the thread looks after.
pub trait Source: Send + Sync {
    /// The descriptor has woken the thread, or the source asked for another turn. Says whether it wants one more.
    fn turn(&self) -> bool;
    /// Gives up what has waited too long.
    fn check(&self, now: Instant);
    /// A turn has panicked; the source gets no more.
    fn fail(&self);
}

/// A running thread; it ends with the last user.
pub struct Reactor {
    core: Arc<Core>,
    thread: Option<JoinHandle<()>>,
    /// The process that the thread runs in.
    process: u32,
}

struct Core {
    poller: Poller,
    sources: Mutex<Sources>,
    /// Sources that are owed a turn.
    kicked: Mutex<Vec<usize>>,
    stop: AtomicBool,
    /// Whether the thread has left its loop.
    ended: Mutex<bool>,
    end: Condvar,
    /// The thread, once it runs.
    thread: AtomicUsize,
    /// How many replies are awaited that nobody stands by for.
    awaited: AtomicUsize,
}

#[derive(Default)]
struct Sources {
    last_key: usize,
    by_key: HashMap<usize, Weak<dyn Source>>,
}

static SHARED: Mutex<Weak<Reactor>> = Mutex::new(Weak::new());

impl Reactor {
    /// The process's reactor, started if it does not run.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` if the process is out of descriptors or threads.
    pub fn shared() -> Result<Arc<Reactor>> {
        let mut shared = SHARED.lock();
        if let Some(reactor) = shared.upgrade().filter(|reactor| reactor.is_of_this_process()) {
            return Ok(reactor);
        }
        let reactor = Arc::new(Reactor::start().map_err(|e| Error::system("cannot watch monitors", &e))?);
        *shared = Arc::downgrade(&reactor);
        Ok(reactor)
    }

    fn start() -> io::Result<Reactor> {
        let core = Arc::new(Core {
            poller: Poller::new()?,
            sources: Mutex::default(),
            kicked: Mutex::default(),
            stop: AtomicBool::new(false),
            ended: Mutex::new(false),
            end: Condvar::new(),
            thread: AtomicUsize::new(0),
            awaited: AtomicUsize::new(0),
        });
        let thread = {
            let core = Arc::clone(&core);
            with_signals_blocked(|| thread::Builder::new().name("virt-jobs-qmp".to_owned()).spawn(move || core.run()))?
        };
        Ok(Reactor { core, thread: Some(thread), process: std::process::id() })
    }

    /// Whether the thread runs here. A child of the process has a copy of all this without the thread, and shares with its
    /// parent what the descriptors stand for: it must not touch them.
    pub fn is_of_this_process(&self) -> bool {
        self.process == std::process::id()
    }

    /// Looks after a descriptor from now on, with no interest yet. It has to be forgotten before it is closed.
    pub fn watch(&self, descriptor: &impl AsRawFd, source: Weak<dyn Source>) -> io::Result<usize> {
        let key = self.core.add(source);
        // SAFETY: the caller forgets the descriptor before closing it.
        let added = unsafe { self.core.poller.add(descriptor.as_raw_fd(), polling::Event::none(key)) };
        added.inspect_err(|_| self.core.remove(key))?;
        Ok(key)
    }

    /// Sets what the source is to be woken for.
    pub fn set_interest(&self, key: usize, descriptor: impl AsFd, interest: Interest) {
        let event = polling::Event::new(key, interest.read, interest.write);
        // It cannot fail: the descriptor is known, and changing its interest takes no memory. After `forget` it does, and may.
        let _ = self.core.poller.modify(descriptor.as_fd(), event);
    }

    pub fn forget(&self, key: usize, descriptor: impl AsFd) {
        self.core.remove(key);
        let _ = self.core.poller.delete(descriptor.as_fd());
    }

    /// Gives the source a turn soon.
    pub fn kick(&self, key: usize) {
        self.core.kicked.lock().push(key);
        self.core.wake();
    }

    /// `count` more replies are awaited; see [`Source::check`].
    pub fn await_more(&self, count: usize) {
        if self.core.awaited.fetch_add(count, Ordering::Relaxed) == 0 && !self.is_current_thread() {
            self.core.wake();
        }
    }

    pub fn await_fewer(&self, count: usize) {
        self.core.awaited.fetch_sub(count, Ordering::Relaxed);
    }

    fn is_current_thread(&self) -> bool {
        self.core.thread.load(Ordering::Relaxed) == current_thread()
    }
}

/// A number of the calling thread that no other living thread has. Unlike `std`'s, it costs the program's own threads
/// no allocation.
pub fn current_thread() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

impl Drop for Reactor {
    /// Joins the thread, so that none is left when the program or a leak checker looks; unless it is the thread itself
    /// that lets go of the last user, or it is kept by a handler that waits for whoever is here.
    fn drop(&mut self) {
        if !self.is_of_this_process() {
            // Taking the poller down would take it from the parent, too.
            std::mem::forget(self.core.clone());
            return;
        }
        self.core.stop.store(true, Ordering::Release);
        self.core.wake();
        if self.is_current_thread() || !self.core.wait_for_end() {
            return;
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Core {
    /// The thread's life.
    fn run(&self) {
        self.thread.store(current_thread(), Ordering::Relaxed);
        self.watch_all();
        *self.ended.lock() = true;
        self.end.notify_all();
    }

    /// Waits for the thread to leave its loop, but not for ever; says whether it has.
    fn wait_for_end(&self) -> bool {
        let mut ended = self.ended.lock();
        let deadline = Instant::now() + GOODBYE;
        while !*ended && !self.end.wait_until(&mut ended, deadline) {}
        *ended
    }

    fn watch_all(&self) {
        let mut events = Events::new();
        let mut again = Vec::new();
        let mut checked = Instant::now();
        while !self.stop.load(Ordering::Acquire) {
            events.clear();
            again.append(&mut self.kicked.lock());
            let awaiting = self.awaited.load(Ordering::Relaxed) > 0;
            let patience = if again.is_empty() { awaiting.then_some(CHECK) } else { Some(Duration::ZERO) };
            if self.poller.wait(&mut events, patience).is_err() {
                // Nothing that can be cured from here; do not let it become a busy loop.
                thread::sleep(CHECK);
            }
            let mut more: Vec<usize> = Vec::new();
            for key in events.iter().map(|event| event.key).chain(again.drain(..)) {
                if self.turn(key) {
                    more.push(key);
                }
            }
            again = more;
            if awaiting && checked.elapsed() >= CHECK {
                checked = Instant::now();
                self.check(checked);
            }
        }
    }

    /// Gives a source its turn, with no lock held.
    fn turn(&self, key: usize) -> bool {
        let Some(source) = self.source(key) else { return false };
        catch_unwind(AssertUnwindSafe(|| source.turn())).unwrap_or_else(|_| {
            let _ = catch_unwind(AssertUnwindSafe(|| source.fail()));
            false
        })
    }

    fn check(&self, now: Instant) {
        let sources: Vec<Arc<dyn Source>> = self.sources.lock().by_key.values().filter_map(Weak::upgrade).collect();
        for source in sources {
            if catch_unwind(AssertUnwindSafe(|| source.check(now))).is_err() {
                let _ = catch_unwind(AssertUnwindSafe(|| source.fail()));
            }
        }
    }

    fn source(&self, key: usize) -> Option<Arc<dyn Source>> {
        self.sources.lock().by_key.get(&key).and_then(Weak::upgrade)
    }

    fn add(&self, source: Weak<dyn Source>) -> usize {
        let mut sources = self.sources.lock();
        sources.last_key += 1;
        let key = sources.last_key;
        sources.by_key.insert(key, source);
        key
    }

    fn remove(&self, key: usize) {
        self.sources.lock().by_key.remove(&key);
    }

    fn wake(&self) {
        // It fails only if the counter behind it is full, and then the thread is about to wake anyway.
        let _ = self.poller.notify();
    }
}
