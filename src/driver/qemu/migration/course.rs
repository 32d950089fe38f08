//! Following one migration of QEMU's: from the command that starts it to the word on how it went, and what is done about that.

use std::fs::Metadata;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde_json::{json, Map, Value};

use super::incoming::is_arrival;
use super::reading::{has_gone_out, End, Reading, Status, UNEXPLAINED};
use super::{Aftermath, Course, FOREIGN, QUERY_DUMP, QUERY_MIGRATE, RESUME};
use crate::driver::older;
use crate::driver::qemu::block::is_undecided;
use crate::driver::qemu::clock::now;
use crate::driver::qemu::domain::QemuDomain;
use crate::driver::qemu::monitor::Monitor;
use crate::driver::qemu::questions::Questions;
use crate::driver::qemu::snapshots::is_own;
use crate::job::{Engine, HypStatus, Job, JobConfig, Listed, Observation, Origin, Outcome, Progress, StartRequest};
use crate::model::event::Payload;
use crate::model::{code, DomainState, Error, JobType, Result};
use crate::qmp::CallError;

/// How often somebody who waits for the end makes sure that QEMU still answers.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// QEMU tells that a migration is over a moment before it lets the guest go on.
const NOT_YET: &str = "Migration is not finalized yet";
const MOMENT: Duration = Duration::from_millis(5);
/// No limit, in bytes per second: what QEMU writes to a file is limited by the file.
pub(super) const UNLIMITED: u64 = (i64::MAX as u64 >> 20) << 20;

impl QemuDomain {
    /// MIGRATION: the migration has got to another stage.
    pub(in crate::driver::qemu) fn migration_moved(self: &Arc<Self>, word: &str) {
        if self.is_occupied() {
            // A snapshot writes the memory as a migration would, and QEMU tells it as one.
            return;
        }
        let status = Status::parse(word);
        let course = self.inner.lock().migrations.course.clone();
        match (course, status) {
            // Every migration comes by this word, and one that came by it earlier was found by whoever attached since.
            (None, Status::UnderWay) if word == "active" => self.discover_migration(Progress::default()),
            (Some(course), Status::Setup | Status::UnderWay) => {
                self.report(&course.job, vec![Observation::Status { id: course.job.clone(), status: HypStatus::Running }]);
            }
            (Some(course), Status::Cancelling) => {
                self.report(&course.job, vec![Observation::Status { id: course.job.clone(), status: HypStatus::Aborting }]);
            }
            (Some(course), Status::Over(end)) if course.question == QUERY_MIGRATE => self.ask_how_it_went(course, end),
            _ => {}
        }
    }

    /// MIGRATION_PASS: it goes over the memory once more.
    pub(in crate::driver::qemu) fn migration_pass(&self, pass: u64) {
        if self.inner.lock().migrations.course.is_some() || self.is_occupied() {
            self.emit(Payload::MigrationIteration { iteration: i32::try_from(pass).unwrap_or(i32::MAX) });
        }
    }

    /// DUMP_COMPLETED: a dump that is no migration is over.
    pub(in crate::driver::qemu) fn dump_over(self: &Arc<Self>, data: &Value) {
        let course = self.inner.lock().migrations.course.clone();
        let Some(course) = course.filter(|course| course.question == QUERY_DUMP) else { return };
        let mut reading = Reading::of_dump(data.get("result").unwrap_or(&Value::Null));
        reading.error = data.get("error").and_then(Value::as_str).map(str::to_owned);
        let end = if reading.status == Status::Over(End::Completed) { End::Completed } else { End::Failed };
        self.over(&course, &reading, end);
    }

    /// A migration that nobody here has started. One that comes in to a QEMU that waits for it is its own kind.
    fn discover_migration(self: &Arc<Self>, progress: Progress) {
        if self.ours && self.inner.lock().expects_migration {
            return self.expect_guest();
        }
        let kind = {
            let mut inner = self.inner.lock();
            let kind = if inner.expects_migration { JobType::MigrationIn } else { JobType::Migration };
            inner.migrations.course = Some(Course::of(FOREIGN, kind, &JobConfig::default(), false));
            kind
        };
        let listed = Listed { id: FOREIGN.to_owned(), kind, status: HypStatus::Running, progress, error: None };
        self.observe(Observation::Unlisted(listed));
    }

    /// Only the question for the figures tells why it failed.
    fn ask_how_it_went(self: &Arc<Self>, course: Course, end: End) {
        let domain = Arc::downgrade(self);
        self.post(QUERY_MIGRATE, json!({}), move |reply| {
            let Some(domain) = domain.upgrade().filter(|_| !matches!(reply, Err(CallError::Closed(_)))) else { return };
            domain.over(&course, &Reading::of_migration(&reply.unwrap_or(Value::Null)), end);
        });
    }

    fn over(self: &Arc<Self>, course: &Course, reading: &Reading, end: End) {
        if course.kind == JobType::Restore && course.awaited && end == End::Completed {
            return self.loaded(course);
        }
        let id = course.job.clone();
        let mut seen = figures(&id, reading);
        let outcome = self.outcome_of_arrival(course, reading.outcome(end));
        seen.push(Observation::Outcome { id: id.clone(), kind: None, outcome });
        seen.push(Observation::Status { id: id.clone(), status: HypStatus::Null });
        self.report(&id, seen);
        if course.kind == JobType::MigrationIn && end == End::Completed {
            self.guest_arrived();
        }
        let foreign = self.table.read(|engine| engine.by_hypervisor_id(&id).is_none_or(|job| job.origin() == Origin::Foreign));
        if foreign {
            self.forget_course(&id);
        }
    }

    /// Tells the engine of a job, unless that has ended meanwhile: it is not to be taken for a new one.
    pub(super) fn report(self: &Arc<Self>, id: &str, seen: Vec<Observation>) {
        self.update_jobs(|engine, out| {
            for observation in seen {
                if engine.by_hypervisor_id(id).is_some() {
                    engine.observe(observation, now(), out);
                }
            }
        });
    }

    /// QEMU's answer to a question for the migration that is on its way.
    fn see_course(self: &Arc<Self>, course: &Course, reply: &Value) {
        let is_dump = course.question == QUERY_DUMP;
        let reading = if is_dump { Reading::of_dump(reply) } else { Reading::of_migration(reply) };
        match reading.status {
            Status::Over(End::Completed) if course.may_be_another() => return self.look_whether_it_was(course.clone(), reading),
            Status::Over(end) => self.over(course, &reading, end),
            // Nobody has connected yet.
            Status::None if course.kind == JobType::MigrationIn || course.kind == JobType::Restore && course.awaited => {}
            Status::None => {
                let lost = Reading { error: Some("QEMU knows nothing of the job any more".to_owned()), ..reading };
                self.over(course, &lost, End::Failed);
            }
            _ => self.report(&course.job, figures(&course.job, &reading)),
        }
        if course.kind == JobType::Restore {
            self.report(&course.job, self.restore_figures(&course.job));
        }
    }

    /// QEMU tells of the last migration or dump that there was, and a client may be killed before it begins its own. A guest
    /// that has been anything else since was not moved by this one, and a dump has a file.
    fn look_whether_it_was(self: &Arc<Self>, course: Course, reading: Reading) {
        if course.question == QUERY_DUMP {
            let written = self.table.read(|engine| engine.get(&course.job).is_some_and(has_written));
            return self.over_if(written, &course, reading);
        }
        let domain = Arc::downgrade(self);
        self.post("query-status", json!({}), move |reply| {
            let Some(domain) = domain.upgrade() else { return };
            match &reply {
                Ok(status) => domain.over_if(has_gone_out(status), &course, reading),
                Err(CallError::Timeout { .. }) => domain.look_whether_it_was(course, reading),
                Err(_) => {}
            }
        });
    }

    /// It has completed, or else it was never begun.
    fn over_if(self: &Arc<Self>, completed: bool, course: &Course, reading: Reading) {
        if completed {
            return self.over(course, &reading, End::Completed);
        }
        let never = Reading { error: Some("its client ended before QEMU had begun".to_owned()), ..reading };
        self.over(course, &never, End::Failed);
    }

    /// Fresh figures of what QEMU does not list.
    pub(in crate::driver::qemu) fn refresh_course(self: &Arc<Self>) -> Result<()> {
        match self.course_under_way() {
            Some(course) => self.look(course.question, move |domain, reply| domain.see_course(&course, reply)),
            None => Ok(()),
        }
    }

    fn course_under_way(&self) -> Option<Course> {
        let course = self.inner.lock().migrations.course.clone();
        course.filter(|course| self.table.read(|engine| engine.by_hypervisor_id(&course.job).is_some_and(Job::is_active)))
    }

    /// The question for these figures, beside others.
    pub(in crate::driver::qemu) fn ask_of_course(self: &Arc<Self>, monitor: &Monitor, questions: &Questions) {
        let Some(course) = self.course_under_way() else { return };
        let domain = Arc::downgrade(self);
        questions.ask(monitor, course.question, move |reply| {
            if let Some(domain) = domain.upgrade() {
                domain.see_course(&course, reply);
            }
        });
    }

    /// Asks once more about a migration that its own events may not tell of.
    pub(in crate::driver::qemu) fn recheck_course(self: &Arc<Self>) {
        let course = self.inner.lock().migrations.course.clone();
        let Some(course) = course.filter(Course::is_of_others) else { return };
        let domain = Arc::downgrade(self);
        self.post(course.question, json!({}), move |reply| {
            if let (Some(domain), Ok(reply)) = (domain.upgrade(), reply) {
                domain.see_course(&course, &reply);
            }
        });
    }

    /// The first answer to `query-migrate`: there may be one on its way that nobody here started.
    pub(in crate::driver::qemu) fn see_first_migration(self: &Arc<Self>, reply: &Value) {
        let course = self.inner.lock().migrations.course.clone();
        match course {
            Some(course) if course.awaited => {}
            Some(course) if course.question == QUERY_MIGRATE => self.see_course(&course, reply),
            None if self.inner.lock().expects_migration => self.discover_migration(Progress::default()),
            None if matches!(Reading::of_migration(reply).status, Status::Setup | Status::UnderWay | Status::Cancelling) => {
                let reading = Reading::of_migration(reply);
                self.discover_migration(reading.progress);
                self.report(FOREIGN, figures(FOREIGN, &reading));
            }
            _ => {}
        }
    }

    /// The first answer to `query-dump`.
    pub(in crate::driver::qemu) fn see_first_dump(self: &Arc<Self>, reply: &Value) {
        let course = self.inner.lock().migrations.course.clone();
        if let Some(course) = course.filter(|course| course.question == QUERY_DUMP) {
            self.see_course(&course, reply);
        }
    }

    /// A job of an earlier process that QEMU does not list, and that had not ended then.
    pub(in crate::driver::qemu) fn take_over_course(&self) {
        let adopted = self.table.read(|engine| {
            let mut active = engine.iter().filter(|job| job.is_active() && !job.is_listed_by_hypervisor() && !is_own(job));
            active.next().map(|job| Course::of(job.name(), job.kind(), job.config(), false))
        });
        self.inner.lock().migrations.course = adopted;
    }

    /// What an earlier process came to know the outcome of, and not to do what follows from it.
    pub(in crate::driver::qemu) fn settle_adopted(self: &Arc<Self>) {
        let unsettled = self.table.read(|engine| {
            let job = engine.iter().find(|job| job.is_settling() && !job.is_listed_by_hypervisor())?;
            Some(Listed {
                id: job.hypervisor_id().to_owned(),
                kind: job.kind(),
                status: HypStatus::Running,
                progress: Progress { current: job.stats().current, end: job.stats().end, speed: None },
                error: None,
            })
        });
        if let Some(listed) = unsettled {
            self.observe(Observation::Unlisted(listed));
        }
    }

    /// Takes a name for a job of this kind, whose caller is going to wait for it.
    pub(super) fn embark(self: &Arc<Self>, request: StartRequest) -> Result<String> {
        let request = StartRequest { listed: false, ..request };
        let (kind, config) = (request.kind, request.config.clone());
        let name = self.reserve_in_turn(request)?;
        self.inner.lock().migrations.course = Some(Course::of(&name, kind, &config, true));
        Ok(name)
    }

    /// Starts the migration of a job that has a name.
    pub(super) fn set_off(
        self: &Arc<Self>,
        name: &str,
        uri: &str,
        capabilities: &[(&str, bool)],
        parameters: Map<String, Value>,
    ) -> Result<()> {
        self.refuse_if_handed_over()?;
        let capability = |(name, state): &(&str, bool)| json!({ "capability": name, "state": state });
        let capabilities: Vec<Value> = [("events", true)].iter().chain(capabilities).map(capability).collect();
        self.call("migrate-set-capabilities", json!({ "capabilities": capabilities }))?;
        self.set_parameters(name, parameters)?;
        self.call("migrate", json!({ "uri": uri })).inspect_err(|error| {
            if is_undecided(error) {
                // Whenever QEMU comes to it, nobody wants it any more.
                self.post("migrate_cancel", json!({}), |_| {});
            }
        })?;
        self.update_jobs(|engine, out| engine.started(name, now(), out));
        Ok(())
    }

    /// Changes QEMU's parameters for a job, and remembers what they were. QEMU answers in order: what they were is known
    /// when they have been changed.
    fn set_parameters(self: &Arc<Self>, name: &str, parameters: Map<String, Value>) -> Result<()> {
        let (domain, name, keys) = (Arc::downgrade(self), name.to_owned(), parameters.keys().cloned().collect::<Vec<String>>());
        self.post("query-migrate-parameters", json!({}), move |reply| {
            let (Some(domain), Ok(all)) = (domain.upgrade(), reply) else { return };
            let mut inner = domain.inner.lock();
            if let Some(course) = inner.migrations.course.as_mut().filter(|course| course.job == name) {
                course.before = keys.into_iter().filter_map(|key| Some((key.clone(), all.get(&key)?.clone()))).collect();
            }
        });
        self.call("migrate-set-parameters", Value::Object(parameters)).map(drop)
    }

    /// Waits until it is known how a job went, as long as QEMU answers.
    ///
    /// # Errors
    /// `OPERATION_TIMEOUT` if QEMU does not answer any more. The job goes on without its caller then.
    pub(super) fn await_outcome(self: &Arc<Self>, name: &str) -> Result<Outcome> {
        loop {
            if let Some(outcome) = self.table.wait_for_outcome(name, PATIENCE)? {
                return Ok(outcome);
            }
            // Fails when QEMU is stuck; finds out if its word on the end was missed.
            if let Err(error) =
                self.refresh_course().or_else(|error| if error.code == code::OPERATION_TIMEOUT { Err(error) } else { Ok(()) })
            {
                if self.abandon(name) {
                    return Err(error);
                }
            }
        }
    }

    /// A job whose beginning was not answered in time goes on without its caller, as one of a client that was killed: QEMU
    /// answers in order, so the answer to the question about it tells, whenever it comes.
    pub(super) fn leave_alone(self: &Arc<Self>, name: &str) {
        self.abandon(name);
        let course = self.inner.lock().migrations.course.clone();
        if let Some(course) = course.filter(|course| course.job == name) {
            self.ask_until_answered(course);
        }
    }

    fn ask_until_answered(self: &Arc<Self>, course: Course) {
        let domain = Arc::downgrade(self);
        self.post(course.question, json!({}), move |reply| {
            let Some(domain) = domain.upgrade() else { return };
            match reply {
                Ok(reply) => domain.see_course(&course, &reply),
                Err(CallError::Timeout { .. }) => domain.ask_until_answered(course),
                Err(_) => {}
            }
        });
    }

    /// Whether a job goes on, or may come to, without its caller.
    pub(super) fn is_left_alone(&self, name: &str) -> bool {
        self.inner.lock().migrations.course.as_ref().is_none_or(|course| course.job != name || !course.awaited)
    }

    /// Its caller does not wait any longer; false if it is known by now how the job went, and its caller is counted on.
    fn abandon(&self, name: &str) -> bool {
        // What is seen of an end is seen under this lock.
        self.table.read(|engine| {
            if engine.get(name).is_none_or(|job| job.outcome().is_some()) {
                return false;
            }
            if let Some(course) = self.inner.lock().migrations.course.as_mut().filter(|course| course.job == name) {
                course.awaited = false;
            }
            true
        })
    }

    /// All that was to be done about the end of a job is done: its user may know.
    pub(super) fn arrive(self: &Arc<Self>, name: &str) {
        self.forget_course(name);
        self.update_jobs(|engine, out| engine.settled(name, now(), out));
        // One that has ended with its domain has not changed by that, and others wait for their turn.
        self.table.wake();
        self.forget_if_empty();
    }

    /// A job did not come to run, and nothing is left of the attempt.
    pub(super) fn fail_to_embark(self: &Arc<Self>, name: &str, why: &Error) {
        self.forget_course(name);
        self.update_jobs(|engine, out| {
            engine.start_failed(name, &why.message(), now(), out);
            engine.settled(name, now(), out);
        });
        self.forget_if_empty();
    }

    fn forget_course(&self, id: &str) {
        let mut inner = self.inner.lock();
        let Some(course) = inner.migrations.course.take_if(|course| course.job == id) else { return };
        inner.expects_migration &= !is_arrival(course.kind);
        drop(inner);
        if !course.before.is_empty() {
            self.post("migrate-set-parameters", Value::Object(course.before), |_| {});
        }
    }

    /// It is known how a job went that QEMU does not list. What follows is done by its caller, if there is one, else here.
    /// Runs under the lock of the job table.
    pub(in crate::driver::qemu) fn settle_unlisted(self: &Arc<Self>, engine: &Engine, name: &str, outcome: &Outcome) {
        let Some(job) = engine.get(name) else { return };
        if let Some(params) = older::completed(job, outcome, now()) {
            self.tell_completed(older::job_type::COMPLETED, params);
        }
        let awaited = self.inner.lock().migrations.course.as_ref().is_some_and(|course| course.job == name && course.awaited);
        if awaited {
            return;
        }
        let (name, kind, outcome, config) = (name.to_owned(), job.kind(), outcome.clone(), job.config().clone());
        if kind != JobType::Save {
            return self.see_off(name, Aftermath::of(kind, &config, &outcome));
        }
        let domain = Arc::clone(self);
        // Nobody waits whose thread could bring the image to the disk.
        let close = move || {
            let outcome = domain.close_image(&name, &config, outcome);
            domain.see_off(name, Aftermath::of(kind, &config, &outcome));
        };
        if let Err(error) = std::thread::Builder::new().spawn(close) {
            eprintln!("libvirt-jobs: the image of a save cannot be brought to its end: {error}");
        }
    }

    /// Does without waiting what follows from the end of a job.
    fn see_off(self: &Arc<Self>, name: String, after: Aftermath) {
        self.see_off_by(name, after, Instant::now() + PATIENCE);
    }

    /// The same, with the time at which a guest that QEMU does not let go on is left as it is.
    fn see_off_by(self: &Arc<Self>, name: String, after: Aftermath, deadline: Instant) {
        let (command, arguments) = match after {
            Aftermath::Nothing => ("query-status", json!({})),
            Aftermath::Resume => ("cont", json!({})),
            Aftermath::Reset(resume) => {
                let domain = Arc::downgrade(self);
                self.post("query-status", json!({}), move |reply| {
                    if let (Some(domain), Ok(status)) = (domain.upgrade(), reply) {
                        domain.note_reset(&status);
                    }
                });
                self.post("system_reset", json!({}), |_| {});
                (if resume { "cont" } else { "query-status" }, json!({}))
            }
            Aftermath::Leave(reason, detail) => {
                self.inner.lock().leaving = Some((reason, detail));
                // Its job ends with it.
                return self.post("quit", json!({}), |_| {});
            }
        };
        let domain = Arc::downgrade(self);
        self.post(command, arguments, move |reply| {
            let Some(domain) = domain.upgrade() else { return };
            match reply {
                Err(CallError::Closed(_)) => {}
                Err(CallError::Qmp { desc, .. }) if desc.contains(NOT_YET) && Instant::now() < deadline => {
                    domain.see_off_by(name, Aftermath::Resume, deadline);
                }
                _ => domain.arrive(&name),
            }
        });
    }

    /// Does what follows from the end of a job, and waits until that is done.
    pub(super) fn follow_up(self: &Arc<Self>, name: &str, after: Aftermath) -> Result<()> {
        let done = match after {
            Aftermath::Nothing => Ok(()),
            Aftermath::Resume => self.let_go_on(),
            Aftermath::Reset(resume) => self.reset_guest().and_then(|()| if resume { self.let_go_on() } else { Ok(()) }),
            Aftermath::Leave(reason, detail) => self.leave_for(reason, detail),
        };
        self.arrive(name);
        done
    }

    /// Lets the guest go on, as soon as QEMU does.
    fn let_go_on(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.call("cont", json!({})) {
                Err(error) if error.detail.contains(NOT_YET) && Instant::now() < deadline => std::thread::sleep(MOMENT),
                result => return result.map(drop),
            }
        }
    }

    /// What follows from the end of a job that has not been told yet.
    pub(super) fn aftermath(&self, name: &str, outcome: &Outcome) -> Aftermath {
        self.table.read(|engine| engine.get(name).map_or(Aftermath::Nothing, |job| Aftermath::of(job.kind(), job.config(), outcome)))
    }

    /// What was done for a job that cannot be started is undone. Returns why it cannot.
    pub(super) fn undo_start(self: &Arc<Self>, name: &str, why: Error) -> Error {
        let resume = self.table.read(|engine| engine.record(name).is_some_and(|job| job.config.has_option(RESUME)));
        if resume {
            // The error that counts is the first.
            let _ = self.let_go_on();
        }
        self.fail_to_embark(name, &why);
        why
    }

    /// Pauses the guest, which runs, for a job. That it is to go on is on record by then: the client may be killed as soon as
    /// QEMU has heard of it.
    pub(in crate::driver::qemu) fn pause_for_job(self: &Arc<Self>, name: &str) -> Result<()> {
        self.note_resume(name);
        self.call("stop", json!({})).map(drop)
    }

    pub(super) fn is_running(&self) -> bool {
        self.inner.lock().state == DomainState::Running
    }

    /// What was to follow the success of a job failed, and so has the job.
    pub(super) fn spoil(self: &Arc<Self>, name: &str, why: &Error) -> Outcome {
        self.update_jobs(|engine, out| engine.spoil(name, &why.message(), out));
        Outcome::Failed(why.message())
    }

    /// Notes that the guest is to go on after the job.
    pub(in crate::driver::qemu) fn note_resume(self: &Arc<Self>, name: &str) {
        self.update_jobs(|engine, out| engine.describe(name, |config| config.options.push(RESUME.to_owned()), out));
    }
}

/// What a reading says of a job that has not ended.
fn figures(id: &str, reading: &Reading) -> Vec<Observation> {
    let Some(stats) = reading.stats.clone() else { return Vec::new() };
    vec![Observation::Migration { id: id.to_owned(), stats }, Observation::Progress { id: id.to_owned(), progress: reading.progress }]
}

/// Whether something has been written to the file of a dump since that began. What is no file does not tell.
fn has_written(job: &Job) -> bool {
    let began = UNIX_EPOCH + Duration::from_millis(job.started().wall_ms);
    let meta = job.config().file.as_ref().and_then(|path| std::fs::metadata(path).ok());
    // The clock of files goes in steps.
    let since = |meta: &Metadata| meta.modified().is_ok_and(|time| time + Duration::from_secs(1) >= began);
    meta.is_some_and(|meta| !meta.is_file() || (meta.len() > 0 && since(&meta)))
}

/// libvirt's error for a job that did not succeed.
pub(super) fn verdict(kind: JobType, outcome: &Outcome) -> Result<()> {
    let what = older::operation_name(kind);
    match outcome {
        Outcome::Completed => Ok(()),
        Outcome::Aborted => Err(Error::new(code::OPERATION_ABORTED, format!("job '{what}' canceled by client"))),
        Outcome::Failed(why) if why == UNEXPLAINED => Err(Error::failed(format!("job '{what}' unexpectedly failed"))),
        Outcome::Failed(why) => Err(Error::failed(format!("job '{what}' failed: {why}"))),
    }
}
