//! One simulated domain: what it is, the jobs that its simulated hypervisor runs, and the engine that names them.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, MutexGuard};

use super::clock::Sleeper;
use super::script::Script;
use super::sim::Sim;
use super::snapshot::Snapshots;
use super::task::{Mirroring, Task};
use super::world::{Env, World};
use crate::driver::table::JobTable;
use crate::event::LaterWakers;
use crate::job::{Effect, Engine, Observation, OlderEvent, Outcome, Powers};
use crate::model::domain::reason;
use crate::model::event::Payload;
use crate::model::{from, DomainRef, DomainState, Error, JobState, JobType, Now, Result, TypedParam, Uuid};
use crate::xml::domain::DomainDef;

/// The simulated hypervisor can cancel anything, and pauses what moves disk blocks.
pub const POWERS: Powers = Powers { cancel: |_| true, pause: |kind| kind.is_block() || kind == JobType::Other };

/// A domain of a simulated world.
pub(super) struct Vm {
    pub name: String,
    pub uuid: Uuid,
    pub world: Weak<World>,
    pub env: Arc<Env>,
    pub table: JobTable,
    me: Weak<Vm>,
    inner: Mutex<Inner>,
}

/// What changes about a domain.
pub(super) struct Inner {
    /// -1 while it does not run.
    pub id: i32,
    pub state: DomainState,
    pub reason: i32,
    /// As it runs now.
    pub live: Option<DomainDef>,
    /// As it will be started next time; `None` for a domain that ends with its run.
    pub persistent: Option<DomainDef>,
    pub script: Script,
    pub sim: Sim,
    /// The jobs that the simulated hypervisor has, by its ids.
    pub tasks: HashMap<String, Task>,
    /// Oldest first.
    pub mirrors: Vec<Mirroring>,
    /// Jobs that a call waits for, and how they ended.
    pub awaited: HashMap<String, Option<Outcome>>,
    /// What is known of the last domain job that ended.
    pub completed: Option<(i32, Vec<TypedParam>)>,
    /// What is to be told of a backup before the end of its last disk, and how many ends of disks are still to come.
    pub last_words: Option<(usize, Vec<TypedParam>)>,
    pub snapshots: Snapshots,
    /// The domain is being stopped.
    pub ending: bool,
    /// How many jobs of the fixture were put off.
    pub later: u64,
    /// The limit of migrations that name none, in bytes per second; 0 is none.
    pub migration_speed: u64,
    /// How long a migration may stop the guest, in milliseconds.
    pub migration_downtime: u64,
    /// The number that the next image gets in `vda[N]`.
    pub next_index: u32,
    pub booted: Now,
    /// The wake-up that the clock was asked for, and by which process: in a child of it nobody waits for that.
    armed: Option<(u64, u32)>,
}

impl Vm {
    /// A domain that does not run yet.
    pub fn new(world: Weak<World>, env: Arc<Env>, def: &DomainDef, uuid: Uuid, script: Script) -> Arc<Vm> {
        Arc::new_cyclic(|me| Vm {
            name: def.name.clone(),
            uuid,
            world,
            env,
            table: JobTable::new(POWERS),
            me: me.clone(),
            inner: Mutex::new(Inner {
                id: -1,
                state: DomainState::Shutoff,
                reason: reason::SHUTOFF_UNKNOWN,
                live: None,
                persistent: None,
                script,
                sim: Sim::default(),
                tasks: HashMap::new(),
                mirrors: Vec::new(),
                awaited: HashMap::new(),
                completed: None,
                last_words: None,
                snapshots: Snapshots::default(),
                ending: false,
                later: 0,
                migration_speed: 0,
                migration_downtime: 300,
                next_index: 1,
                booted: Now::default(),
                armed: None,
            }),
        })
    }

    /// Takes the domain to work on it; what should have happened by now has happened.
    pub fn lock(&self) -> Locked<'_> {
        let mut locked = Locked::of(self);
        locked.catch_up();
        locked
    }

    fn wake_at(&self, due_ms: Option<u64>) {
        let sleeper: Weak<dyn Sleeper> = self.me.clone();
        self.env.clock.wake_at(due_ms, &sleeper);
    }

    /// Waits until a job that was launched with [`Locked::awaiting`] has ended.
    pub fn await_end(&self, name: &str) -> Outcome {
        loop {
            let mut locked = self.lock();
            if let Some(Some(outcome)) = locked.inner.awaited.get(name).cloned() {
                locked.inner.awaited.remove(name);
                return outcome;
            }
            drop(locked);
            if !self.env.clock.skip_ahead() {
                // That it is no longer known is as good as its end, which was noted before.
                let _ = self.table.wait(name, 0, None);
            }
        }
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.wake_at(None);
    }
}

impl Sleeper for Vm {
    fn wake(&self) {
        let mut locked = Locked::of(self);
        locked.inner.armed = None;
        locked.catch_up();
    }
}

/// A domain under its lock. When it is let go, the clock knows when to come back.
pub(super) struct Locked<'a> {
    pub vm: &'a Vm,
    pub inner: MutexGuard<'a, Inner>,
    /// Goes after the lock.
    _wakers: LaterWakers,
}

impl<'a> Locked<'a> {
    fn of(vm: &'a Vm) -> Locked<'a> {
        Locked { vm, inner: vm.inner.lock(), _wakers: LaterWakers::new() }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let due = self.inner.sim.next_due();
        let armed = due.map(|due| (due, std::process::id()));
        if self.inner.armed != armed {
            self.inner.armed = armed;
            self.vm.wake_at(due);
        }
    }
}

impl Locked<'_> {
    pub fn now(&self) -> Now {
        self.vm.env.clock.now()
    }

    pub fn identity(&self) -> DomainRef {
        DomainRef { name: self.vm.name.clone(), uuid: self.vm.uuid, id: self.inner.id }
    }

    pub fn is_active(&self) -> bool {
        self.inner.live.is_some()
    }

    /// The running configuration.
    pub fn live(&mut self) -> Result<&mut DomainDef> {
        self.inner.live.as_mut().ok_or_else(|| Error::invalid("domain is not running").raised_by(from::DOMAIN))
    }

    pub fn emit(&self, payload: Payload) {
        self.vm.env.emit(&self.identity(), payload);
    }

    /// Lets everything happen that was due by now.
    pub fn catch_up(&mut self) {
        let now_ms = self.now().mono_ms;
        while let Some(reached) = self.inner.sim.step(now_ms) {
            self.happen(reached);
        }
    }

    pub fn observe(&mut self, seen: Observation) {
        self.change(|engine, now, out| engine.observe(seen, now, out));
    }

    /// Changes the engine and does what it asks for.
    pub fn change<R>(&mut self, change: impl FnOnce(&mut Engine, Now, &mut Vec<Effect>) -> R) -> R {
        let now = self.now();
        let mut settle = Vec::new();
        let vm = self.vm;
        let result = vm.table.update(
            |engine, out| change(engine, now, out),
            |_, effect| match effect {
                Effect::State { name, kind, state, error } => {
                    self.note_end(name, *state, error.as_deref());
                    self.emit(Payload::JobState { name: name.clone(), kind: *kind, state: *state });
                }
                Effect::Older(older) => self.emit_older(older),
                Effect::Settle { name, id, outcome } => settle.push((name.clone(), id.clone(), outcome.clone())),
                // Only what is certain is observed here, and nothing outlives the process.
                Effect::Confirm | Effect::Store { .. } | Effect::Forget { .. } => {}
            },
        );
        for (name, id, outcome) in settle {
            self.settle(&name, &id, outcome);
        }
        result
    }

    /// Keeps the outcome of a job that a call waits for.
    fn note_end(&mut self, name: &str, state: JobState, error: Option<&str>) {
        let Some(slot @ None) = self.inner.awaited.get_mut(name) else { return };
        *slot = match state {
            JobState::Completed => Some(Outcome::Completed),
            JobState::Aborted => Some(Outcome::Aborted),
            JobState::Failed => Some(Outcome::Failed(error.unwrap_or_default().to_owned())),
            _ => None,
        };
    }

    /// Tells JOB_COMPLETED, if that is still to come.
    pub fn tell_last_words(&mut self) {
        if let Some((_, params)) = self.inner.last_words.take() {
            self.emit(Payload::JobCompleted { params });
        }
    }

    /// The end of a domain is all that the older events tell of its jobs.
    fn emit_older(&mut self, older: &OlderEvent) {
        if self.inner.ending {
            return;
        }
        if let Some((untold, _)) = &mut self.inner.last_words {
            *untold = untold.saturating_sub(1);
            if *untold == 0 {
                self.tell_last_words();
            }
        }
        let disk = self.inner.live.as_ref().and_then(|def| def.disks.iter().find(|disk| disk.target == older.disk));
        let path = disk.and_then(|disk| disk.source()).map(|image| image.path.clone()).unwrap_or_default();
        self.emit(Payload::BlockJob { path, target: older.disk.clone(), kind: older.kind, status: older.status });
    }
}
