//! QEMU's jobs and the engine: listings and events become observations, the engine's answers become commands.

use std::sync::atomic::Ordering;
use std::sync::Arc;

use serde_json::{json, Value};

use super::clock::now;
use super::disks::Link;
use super::domain::QemuDomain;
use super::nodes::nodes_of;
use super::questions::Questions;
use super::removal::{is_awaited, Removal};
use super::snapshots::is_snapshot;
use super::translate;
use crate::job::{Action, Effect, Engine, Job, Moment, Observation, Outcome, Powers};
use crate::model::disk::{Image, ImageKind, MirrorReady};
use crate::model::event::Payload;
use crate::model::{code, ControlOp, Error, JobState, JobType, Result};
use crate::qmp::CallError;

/// What QEMU can do, as it was seen to do it: a memory dump cannot be cancelled, a `create` job accepts a pause
/// without pausing, a snapshot blocks the monitor until it is over.
pub const POWERS: Powers = Powers { cancel: can_cancel, pause: can_pause };

fn can_cancel(job: &Job) -> bool {
    match job.kind() {
        // Without that it is a migration to a file.
        JobType::Dump => !job.config().has_option("memory-only"),
        JobType::Snapshot | JobType::SnapshotRevert | JobType::SnapshotDelete => false,
        _ => true,
    }
}

fn can_pause(kind: JobType) -> bool {
    kind.is_block() && kind != JobType::BlockCreate || kind == JobType::Other
}

impl QemuDomain {
    /// Hands an observation to the engine and does what it answers.
    pub(super) fn observe(self: &Arc<Self>, seen: Observation) {
        self.update_jobs(|engine, out| engine.observe(seen, now(), out));
    }

    /// Changes the engine and does what it answers.
    pub(super) fn update_jobs<R>(self: &Arc<Self>, change: impl FnOnce(&mut Engine, &mut Vec<Effect>) -> R) -> R {
        let mut recorded = false;
        let result = self.table.update(change, |engine, effect| {
            recorded |= matches!(effect, Effect::Store { .. } | Effect::Forget { .. });
            self.carry_out(engine, effect);
        });
        if recorded {
            self.write_records();
        }
        result
    }

    /// Returns when what was recorded is on the disk; where a monitor must not be kept waiting, another thread sees to it.
    pub(super) fn write_records(&self) {
        if self.monitor.as_ref().is_some_and(|monitor| monitor.is_handled_here()) {
            self.records.write_soon();
        } else {
            self.records.write();
        }
    }

    /// Runs under the lock of the job table: queues events and posts commands, never waits.
    fn carry_out(self: &Arc<Self>, engine: &Engine, effect: &Effect) {
        match effect {
            Effect::State { name, kind, state, .. } => {
                if *state == JobState::Ready {
                    if let Some(mirror) = self.inner.lock().disks.mirror_mut(name) {
                        mirror.ready = MirrorReady::Yes;
                    }
                }
                self.emit(Payload::JobState { name: name.clone(), kind: *kind, state: *state });
                if *kind == JobType::BlockBackup && state.is_final() {
                    self.backup_ended(engine, name, *state == JobState::Completed);
                }
            }
            Effect::Older(older) => {
                let status = self.status_in_backup(older);
                let path = self.inner.lock().disks.source_path(&older.disk).to_owned();
                self.emit(Payload::BlockJob { path, target: older.disk.clone(), kind: older.kind, status });
            }
            Effect::Confirm => self.ask_for_listing(engine.moment()),
            Effect::Settle { name, id, outcome } if engine.get(name).is_some_and(|job| is_snapshot(job.kind())) => {
                self.settle_snapshot(engine, name, id, outcome);
            }
            Effect::Settle { name, id, outcome } => self.settle(engine, name, id, outcome),
            Effect::Store { name } => {
                if let Some(record) = engine.record(name) {
                    self.records.store(&record, engine.last_number());
                }
            }
            Effect::Forget { name } => self.records.forget(name),
        }
    }

    /// Asks for the listing; hints that arrive before the answer are answered by one more question.
    fn ask_for_listing(self: &Arc<Self>, asked: Moment) {
        if !self.inner.lock().jobs_asked.ask() {
            return;
        }
        let domain = Arc::downgrade(self);
        self.post("query-jobs", json!({}), move |reply| {
            let Some(domain) = domain.upgrade() else { return };
            let due = domain.inner.lock().jobs_asked.answered();
            let again = due || matches!(reply, Err(CallError::Timeout { .. }));
            match reply {
                Ok(reply) => domain.take_listing(asked, &reply),
                // What was to be confirmed still is.
                Err(CallError::Timeout { .. }) => {}
                Err(_) => return,
            }
            if again {
                domain.ask_for_listing(domain.table.read(Engine::moment));
            }
        });
    }

    /// The job's outcome is known: see what the disks look like now, make QEMU forget the job, remove the nodes that nothing
    /// needs any more, and only then let its user know.
    fn settle(self: &Arc<Self>, engine: &Engine, name: &str, id: &str, outcome: &Outcome) {
        if engine.get(name).is_some_and(|job| !job.is_listed_by_hypervisor()) {
            return self.settle_unlisted(engine, name, outcome);
        }
        if self.backups.lock().get(name).is_some() {
            return self.settle_backup(engine, name, outcome);
        }
        let mut removes = engine.get(name).map(|job| Removal::of(engine, job, outcome)).unwrap_or_default();
        let stray = engine.get(name).and_then(|job| stray_target(engine, job));
        let (domain, name, id) = (Arc::downgrade(self), name.to_owned(), id.to_owned());
        if engine.get(&name).is_some_and(|job| job.kind() == JobType::BlockCreate) {
            // It works on no disk of the guest's.
            return self.dismiss_recorded(name, id, stray.into_iter().collect(), removes);
        }
        let question = self.inner.lock().disks.question();
        self.post(question, json!({}), move |reply| {
            let Some(domain) = domain.upgrade() else { return };
            let mut orphans = match &reply {
                Ok(reply) => {
                    let disks = &mut domain.inner.lock().disks;
                    let orphans = disks.refresh_by(question, reply, Some(&name));
                    removes.retain(|removal| !disks.is_in_use(removal.path()));
                    orphans
                }
                // QEMU cannot tell of an image that it found damaged. Whatever failed, the job must end.
                Err(error) => {
                    removes.clear();
                    domain.remove_mirror(&name);
                    if matches!(error, CallError::Timeout { .. }) {
                        domain.ask_for_disks();
                    }
                    Vec::new()
                }
            };
            orphans.extend(stray);
            domain.dismiss_recorded(name, id, orphans, removes);
        });
    }

    /// Once QEMU has forgotten the job, the record is all that tells how it ended.
    fn dismiss_recorded(self: &Arc<Self>, name: String, id: String, orphans: Vec<Link>, removes: Vec<Removal>) {
        let settling = Arc::downgrade(self);
        self.records.when_written(move || {
            if let Some(domain) = settling.upgrade() {
                domain.dismiss_settled(name, id, orphans, removes);
            }
        });
    }

    /// Until it has been dismissed, a job holds on to the images that it worked on.
    fn dismiss_settled(self: &Arc<Self>, name: String, id: String, orphans: Vec<Link>, removes: Vec<Removal>) {
        let domain = Arc::downgrade(self);
        self.post("job-dismiss", json!({ "id": id }), move |reply| {
            let Some(domain) = domain.upgrade().filter(|_| !is_closed(&reply)) else { return };
            domain.remove_settled(name, orphans, removes);
        });
    }

    fn remove_settled(self: &Arc<Self>, name: String, orphans: Vec<Link>, removes: Vec<Removal>) {
        let mut nodes: Vec<String> = self.take_strays().into_iter().chain(nodes_of(&orphans)).collect();
        let last = nodes.pop();
        nodes.into_iter().for_each(|node| self.remove_node(node, |_| {}));
        let finish = move |domain: &Arc<QemuDomain>| {
            removes.iter().for_each(|removal| domain.remove_file(removal));
            // One that is being attached to may have restored it after the disks were looked at.
            let restored = domain.inner.lock().disks.keep_mirrors(|owner| owner != name);
            restored.into_iter().for_each(|links| domain.remove_nodes(&links));
            // The next process has to know what is to be removed as long as it may be there.
            domain.save_definition();
            domain.update_jobs(|engine, out| engine.settled(&name, now(), out));
            domain.forget_unplugged();
        };
        match last {
            Some(last) => self.remove_node(last, finish),
            None => finish(self),
        }
    }

    /// Disks that the guest lost are dropped once no job works on them.
    pub(super) fn forget_unplugged(self: &Arc<Self>) {
        let busy: Vec<String> =
            self.table.read(|engine| engine.iter().filter(|job| job.is_active()).flat_map(|job| job.config().disks.clone()).collect());
        // Who sees that a disk is gone may count on what is asked next to come after the removal of its nodes.
        let mut inner = self.inner.lock();
        let orphans = inner.disks.drop_unplugged(|target| busy.iter().any(|disk| disk == target));
        self.remove_nodes(&orphans);
    }

    /// One round trip: fresh figures for all jobs. None while QEMU is busy with a command of ours and would not answer.
    pub(super) fn refresh_jobs(self: &Arc<Self>) -> Result<()> {
        if self.is_occupied() {
            return Ok(());
        }
        let asked = self.table.read(Engine::moment);
        self.look("query-jobs", move |domain, reply| domain.take_listing(asked, reply))
    }

    /// Asks for fresh figures for all jobs, unless there is nobody to ask or it is known to be busy.
    pub(super) fn ask_for_figures(self: &Arc<Self>) -> Questions {
        let questions = Questions::default();
        let reachable = self.alive.load(Ordering::Acquire) && !self.is_occupied();
        let Some(monitor) = self.monitor().ok().filter(|_| reachable) else { return questions };
        let (domain, asked) = (Arc::downgrade(self), self.table.read(Engine::moment));
        questions.ask(monitor, "query-jobs", move |reply| {
            if let Some(domain) = domain.upgrade() {
                domain.take_listing(asked, reply);
            }
        });
        self.ask_of_course(monitor, &questions);
        questions
    }

    /// Hands a reply to `query-jobs` to the engine.
    pub(super) fn take_listing(self: &Arc<Self>, asked: Moment, reply: &Value) {
        let mut jobs = translate::listing(reply);
        let beside = self.backups.lock().fold(&mut jobs);
        beside.into_iter().for_each(|seen| self.observe(seen));
        self.observe(Observation::Answer { asked, jobs });
        self.learn_of_others();
        self.end_ailing_backups();
    }

    /// `virDomainJobControl`.
    pub(super) fn control(self: &Arc<Self>, name: &str, op: ControlOp) -> Result<()> {
        let action = self.update_jobs(|engine, out| engine.control(name, op, out))?;
        let result = self.act(&action);
        match &result {
            Err(error) if !matches!(action, Action::Dismiss { .. }) && error.code != code::OPERATION_TIMEOUT => {
                self.update_jobs(|engine, out| engine.control_refused(name, &action, out));
            }
            // The engine has let go of the job already; QEMU's copy of it would come back as somebody else's.
            _ => {}
        }
        result
    }

    fn act(self: &Arc<Self>, action: &Action) -> Result<()> {
        let job = |command: &str, id: &str| self.ask_each(id, command, "id", &json!({}));
        match action {
            Action::Cancel { id, .. } if self.is_unlisted(id) => match self.kind_of(id) {
                Some(kind @ (JobType::Restore | JobType::MigrationIn)) => self.abort_arrival(id, kind),
                _ => self.ask("migrate_cancel", json!({})),
            },
            Action::Cancel { id, soft: true, resume } => self.cancel_softly(id, *resume),
            Action::Cancel { id, .. } => job("job-cancel", id),
            Action::Complete { id } => job("job-complete", id),
            Action::Finalize { id } => job("job-finalize", id),
            Action::Pause { id } => job("job-pause", id),
            Action::Resume { id } => job("job-resume", id),
            Action::Dismiss { id } => job("job-dismiss", id),
            Action::Nothing => Ok(()),
        }
    }

    fn kind_of(&self, id: &str) -> Option<JobType> {
        self.table.read(|engine| engine.by_hypervisor_id(id).map(Job::kind))
    }

    fn is_unlisted(&self, id: &str) -> bool {
        self.table.read(|engine| engine.by_hypervisor_id(id).is_some_and(|job| !job.is_listed_by_hypervisor()))
    }

    /// Asks a job, or those that it consists of. Of several, the ones that have moved on do not count as long as one has not.
    fn ask_each(&self, id: &str, command: &str, key: &str, arguments: &Value) -> Result<()> {
        let members = self.backups.lock().members_to_ask(id, command);
        let one = |id: &str| {
            let mut arguments = arguments.clone();
            arguments[key] = id.into();
            self.ask(command, arguments)
        };
        let Some(members) = members else { return one(id) };
        let (done, refused): (Vec<_>, Vec<_>) = members.iter().map(|member| one(member)).partition(Result::is_ok);
        match refused.into_iter().next() {
            Some(refusal) if done.is_empty() => refusal,
            _ => Ok(()),
        }
    }

    /// Ends a ready mirror as a copy. QEMU refuses while it is paused, and it may have been paused or resumed a moment ago.
    fn cancel_softly(&self, id: &str, resume: bool) -> Result<()> {
        let cancel = || self.ask("block-job-cancel", json!({ "device": id, "force": false }));
        let wake = || match self.ask("job-resume", json!({ "id": id })) {
            Err(error) if error.code == code::OPERATION_INVALID => Ok(()),
            outcome => outcome,
        };
        if resume {
            wake()?;
        }
        match cancel() {
            Err(error) if error.message().contains("currently paused") => wake().and_then(|()| cancel()),
            outcome => outcome,
        }
    }

    /// A request that QEMU may find out of place: the job moved on before it arrived.
    pub(super) fn ask(&self, command: &str, arguments: Value) -> Result<()> {
        match self.monitor()?.call(command, arguments) {
            Ok(_) => Ok(()),
            Err(CallError::Qmp { desc, .. }) if is_out_of_place(&desc) => Err(Error::invalid(desc)),
            Err(error) => Err(error.into()),
        }
    }

    /// `virDomainJobSetSpeed`.
    pub(super) fn set_speed(self: &Arc<Self>, name: &str, bytes_per_s: u64) -> Result<()> {
        let id = self.table.read(|engine| speedable(engine.get(name), name))?;
        self.ask_each(&id, "block-job-set-speed", "device", &json!({ "speed": bytes_per_s }))?;
        self.update_jobs(|engine, _| engine.speed_set(name, bytes_per_s));
        Ok(())
    }
}

/// The image that is made for a job which an earlier client did not come to start: its file is open, and held until now.
fn stray_target(engine: &Engine, job: &Job) -> Option<Link> {
    let created = job.kind() == JobType::BlockCreate && job.config().parent.is_some();
    let target = job.config().targets.first().filter(|target| created && target.index > 0)?;
    let image = Image { kind: ImageKind::File, path: target.path.clone(), format: target.format.clone(), index: target.index };
    (!is_awaited(engine, job)).then(|| Link::own(image))
}

/// The end of the monitor ends the job, too.
pub(super) fn is_closed(reply: &std::result::Result<Value, CallError>) -> bool {
    matches!(reply, Err(CallError::Closed(_)))
}

/// Whether QEMU limits the speed of jobs of this type.
pub fn has_limit(kind: JobType) -> bool {
    kind.is_block() && !matches!(kind, JobType::BlockCreate | JobType::BlockAmend) || kind == JobType::Other
}

/// QEMU's id of a job whose speed can be set.
fn speedable(job: Option<&Job>, name: &str) -> Result<String> {
    let job = job.ok_or_else(|| Error::no_job(name))?;
    if !has_limit(job.kind()) {
        return Err(Error::unsupported(format!("the speed of a job of type '{}' cannot be set", job.kind())));
    }
    if job.state().is_final() || job.is_settling() {
        return Err(Error::invalid(format!("job '{name}' has ended")));
    }
    Ok(job.hypervisor_id().to_owned())
}

/// Whether QEMU's refusal is about the state that the job is in by now, rather than about what was asked.
fn is_out_of_place(desc: &str) -> bool {
    ["cannot accept command verb", "paused", "not found"].iter().any(|part| desc.contains(part))
}
