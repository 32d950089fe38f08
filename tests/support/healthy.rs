//! A domain beside one that misbehaves: it is called all the time, and must not notice. And what this process holds.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use virt_jobs::driver::request::ListFilter;
use virt_jobs::driver::{qemu, Connection, Key};
use virt_jobs::event::Subscriptions;
use virt_jobs::model::flags::list;

use super::fake::{usual, Fake};
use super::wait_until;

/// No call of a domain that is well may take longer, whatever others do, on a machine that is busy with other tests.
pub const SLOWEST: Duration = Duration::from_secs(2);

static ALONE: Mutex<()> = Mutex::new(());

/// What the process holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    pub descriptors: usize,
    pub threads: usize,
    pub kib: u64,
}

impl Held {
    pub fn now() -> Held {
        let count = |dir: &str| std::fs::read_dir(dir).unwrap().count();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        let kib = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        Held { descriptors: count("/proc/self/fd"), threads: count("/proc/self/task"), kib }
    }
}

/// A directory with the healthy domain `good`, which is called every few milliseconds.
pub struct Healthy {
    pub dir: tempfile::TempDir,
    pub connection: Arc<dyn Connection>,
    over: Arc<AtomicBool>,
    caller: Option<JoinHandle<(Duration, usize)>>,
    before: Held,
    _alone: MutexGuard<'static, ()>,
}

impl Healthy {
    /// Tests that have one run one after the other: what is measured is the process.
    pub fn start() -> Healthy {
        let alone = ALONE.lock();
        let dir = tempfile::tempdir().unwrap();
        Fake::start(&dir.path().join("good.qmp"), |command, _| usual(command));
        let connection = qemu::open(dir.path(), Arc::new(Subscriptions::new())).unwrap();
        let good = connection.domain(&connection.lookup(Key::Name("good")).unwrap()).unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let stop = over.clone();
        let caller = std::thread::spawn(move || {
            let (mut slowest, mut calls) = (Duration::ZERO, 0);
            while !stop.load(Ordering::Relaxed) {
                let started = Instant::now();
                good.list_jobs(ListFilter(list::STATS), &mut |_| {}).expect("the healthy domain answers");
                slowest = slowest.max(started.elapsed());
                calls += 1;
                std::thread::sleep(Duration::from_millis(3));
            }
            (slowest, calls)
        });
        Healthy { dir, connection, over, caller: Some(caller), before: Held::now(), _alone: alone }
    }

    pub fn at(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(format!("{name}.qmp"))
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// How much the process has grown, in MiB.
    pub fn grown(&self) -> u64 {
        Held::now().kib.saturating_sub(self.before.kib) / 1024
    }

    /// Asserts that the healthy domain was served in time all along; returns its slowest call.
    pub fn check(mut self) -> Duration {
        self.over.store(true, Ordering::Relaxed);
        let (slowest, calls) = self.caller.take().unwrap().join().expect("the healthy domain's calls succeed");
        assert!(calls > 0 && slowest < super::unhurried(SLOWEST), "the slowest of {calls} calls took {slowest:?}");
        slowest
    }

    /// Waits until the process holds no more descriptors and threads than at the start, and `more` of each.
    pub fn settles(&self, more: usize) {
        wait_until("nothing is left open", || {
            let now = Held::now();
            now.descriptors <= self.before.descriptors + more && now.threads <= self.before.threads + more
        });
    }
}
