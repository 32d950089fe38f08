//! The engine against a naive model: whatever is observed, in whatever order, the promises of the interface hold.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;
use virt_jobs::job::{
    Action, Effect, Engine, HypStatus, Job, JobConfig, JobRecord, Listed, Moment, Observation, Origin, Outcome, Powers, Progress,
    StartRequest,
};
use virt_jobs::model::{code, flags, ControlOp, JobState, JobType, Now};

const KINDS: &[JobType] =
    &[JobType::BlockPull, JobType::BlockCopy, JobType::BlockCommit, JobType::BlockCommitActive, JobType::BlockBackup, JobType::BlockCreate];
const OPS: &[ControlOp] = ControlOp::ALL;

/// One thing that happens; numbers choose among what exists at that moment.
#[derive(Clone, Debug)]
enum Step {
    Reserve {
        kind: usize,
        disk: u8,
        flags: u8,
    },
    Started(usize),
    StartFailed(usize),
    Status {
        id: usize,
        status: usize,
    },
    Outcome {
        id: usize,
        outcome: u8,
    },
    Ask,
    /// The reply to the question that was asked last, or a sure one.
    Listing(bool, Vec<(usize, usize, bool)>),
    Progress {
        id: usize,
        current: u64,
        end: u64,
    },
    Control {
        job: usize,
        op: usize,
    },
    Settle(usize),
    Going,
    Gone,
}

fn step() -> impl Strategy<Value = Step> {
    let n = || 0usize..6;
    prop_oneof![
        3 => (0..KINDS.len(), 0u8..3, 0u8..4).prop_map(|(kind, disk, flags)| Step::Reserve { kind, disk, flags }),
        3 => n().prop_map(Step::Started),
        1 => n().prop_map(Step::StartFailed),
        8 => (n(), 0..HypStatus::ALL.len()).prop_map(|(id, status)| Step::Status { id, status }),
        3 => (n(), 0u8..4).prop_map(|(id, outcome)| Step::Outcome { id, outcome }),
        2 => Just(Step::Ask),
        4 => (any::<bool>(), prop::collection::vec((n(), 0..HypStatus::ALL.len(), any::<bool>()), 0..6))
            .prop_map(|(sure, entries)| Step::Listing(sure, entries)),
        1 => (n(), any::<u64>(), any::<u64>()).prop_map(|(id, current, end)| Step::Progress { id, current, end }),
        4 => (n(), 0..OPS.len()).prop_map(|(job, op)| Step::Control { job, op }),
        4 => n().prop_map(Step::Settle),
        1 => Just(Step::Going),
        1 => Just(Step::Gone),
    ]
}

/// What a careful subscriber knows.
#[derive(Default)]
struct Model {
    /// The last state told of each job, by name.
    told: HashMap<String, JobState>,
    /// Every name that was ever given.
    names: HashSet<String>,
    reserved: Vec<String>,
    settling: Vec<String>,
    stored: HashSet<String>,
    /// What was asked to end without success.
    aborted: HashSet<String>,
    asked: Moment,
    clock: u64,
}

impl Model {
    fn now(&mut self) -> Now {
        self.clock += 7;
        Now { mono_ms: self.clock, wall_ms: 1_700_000_000_000 + self.clock }
    }

    /// Checks the effects of one step, in order.
    fn take(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::State { name, state, error, .. } => self.told_of(name, *state, error.as_deref()),
                Effect::Settle { name, .. } => {
                    assert!(self.stored.contains(name), "{name} is settled before its outcome is on record");
                    self.settling.push(name.clone());
                }
                Effect::Store { name } => {
                    self.stored.insert(name.clone());
                }
                Effect::Forget { name } => {
                    self.stored.remove(name);
                }
                Effect::Older(_) | Effect::Confirm => {}
            }
        }
    }

    fn told_of(&mut self, name: &str, state: JobState, error: Option<&str>) {
        match self.told.get(name) {
            None => assert_eq!(state, JobState::Running, "the first event of {name}"),
            Some(before) => {
                assert!(!before.is_final(), "{name}: {state} after its final {before}");
                assert_ne!(*before, state, "{name} was told twice");
            }
        }
        assert_eq!(state == JobState::Failed, error.is_some(), "{name}: a failure, and only a failure, has a reason");
        self.told.insert(name.to_owned(), state);
    }

    /// Checks the listing against what was told.
    fn compare(&mut self, engine: &Engine) {
        let listed: BTreeMap<&str, &Job> = engine.iter().map(|job| (job.name(), job)).collect();
        for (name, job) in &listed {
            self.names.insert((*name).to_owned());
            // A job of unknown type is listed before its first event.
            if let Some(told) = self.told.get(*name) {
                assert_eq!(*told, job.state(), "{name}");
            }
            assert_eq!(engine.get(name).map(Job::name), Some(*name));
            assert_eq!(job.error().is_some(), job.state() == JobState::Failed, "{name}");
            assert_eq!(job.finished().is_some(), job.state().is_final() || job.is_settling(), "{name}");
        }
        for (name, state) in &self.told {
            assert!(state.is_final() || listed.contains_key(name.as_str()), "{name} was lost in state {state}");
        }
    }
}

fn ids(engine: &Engine, model: &Model) -> Vec<String> {
    let mut ids: Vec<String> = engine.iter().map(|job| job.hypervisor_id().to_owned()).collect();
    ids.extend(model.reserved.iter().cloned());
    ids.extend(["job0".to_owned(), "job1".to_owned()]);
    ids
}

fn pick<T: Clone>(list: &[T], n: usize) -> Option<T> {
    (!list.is_empty()).then(|| list[n % list.len()].clone())
}

fn apply(engine: &mut Engine, model: &mut Model, step: &Step) {
    let now = model.now();
    let mut out = Vec::new();
    match step {
        Step::Reserve { kind, disk, flags } => reserve(engine, model, KINDS[*kind], *disk, *flags, now, &mut out),
        Step::Started(n) => {
            if let Some(name) = pick(&model.reserved, *n) {
                model.reserved.retain(|r| *r != name);
                engine.started(&name, now, &mut out);
            }
        }
        Step::StartFailed(n) => {
            if let Some(name) = pick(&model.reserved, *n) {
                model.reserved.retain(|r| *r != name);
                engine.start_failed(&name, "no such node", now, &mut out);
            }
        }
        Step::Status { id, status } => {
            let id = pick(&ids(engine, model), *id).unwrap();
            engine.observe(Observation::Status { id, status: HypStatus::ALL[*status] }, now, &mut out);
        }
        Step::Outcome { id, outcome } => {
            let id = pick(&ids(engine, model), *id).unwrap();
            let outcome = match outcome {
                0 => Outcome::Completed,
                1 => Outcome::Aborted,
                2 => Outcome::Failed("Operation canceled".into()),
                _ => Outcome::Failed("No space left on device".into()),
            };
            engine.observe(Observation::Outcome { id, kind: Some(JobType::BlockCopy), outcome }, now, &mut out);
        }
        Step::Ask => model.asked = engine.moment(),
        Step::Listing(sure, entries) => {
            let ids = ids(engine, model);
            let listing = entries
                .iter()
                .map(|(id, status, failed)| Listed {
                    id: ids[id % ids.len()].clone(),
                    kind: KINDS[id % KINDS.len()],
                    status: HypStatus::ALL[*status],
                    progress: Progress { current: 1, end: 2, speed: None },
                    error: failed.then(|| "Input/output error".to_owned()),
                })
                .collect();
            let asked = model.asked;
            let seen = if *sure { Observation::Listing(listing) } else { Observation::Answer { asked, jobs: listing } };
            engine.observe(seen, now, &mut out);
        }
        Step::Progress { id, current, end } => {
            let id = pick(&ids(engine, model), *id).unwrap();
            let progress = Progress { current: *current, end: *end, speed: None };
            engine.observe(Observation::Progress { id, progress }, now, &mut out);
        }
        Step::Control { job, op } => control(engine, model, *job, OPS[*op], &mut out),
        Step::Settle(n) => {
            if let Some(name) = pick(&model.settling, *n) {
                model.settling.retain(|s| *s != name);
                engine.settled(&name, now, &mut out);
            }
        }
        Step::Going => engine.observe(Observation::Going { reason: "the domain was destroyed".into() }, now, &mut out),
        Step::Gone => engine.observe(Observation::Gone { reason: "the monitor broke".into() }, now, &mut out),
    }
    model.take(&out);
    model.compare(engine);
}

fn reserve(engine: &mut Engine, model: &mut Model, kind: JobType, disk: u8, bits: u8, now: Now, out: &mut Vec<Effect>) {
    let disk = format!("vd{}", char::from(b'a' + disk));
    let word = (u32::from(bits & 1) * flags::JOB_START_PERSIST) | (u32::from(bits >> 1) * flags::JOB_START_PARALLEL);
    let before: Vec<String> = engine.iter().map(|job| job.name().to_owned()).collect();
    match engine.reserve(StartRequest::new(kind, JobConfig::on_disk(&disk)).with_flags(word), now, out) {
        Ok(reservation) => {
            assert!(model.names.insert(reservation.name.clone()), "{} was given twice", reservation.name);
            assert!(reservation.name.starts_with(&format!("{kind}-{disk}-")));
            model.reserved.push(reservation.name);
        }
        Err(error) => {
            assert!(bits >> 1 == 0, "PARALLEL lifts the rules of libvirt: {error}");
            let second_backup = kind == JobType::BlockBackup && error.code == code::OPERATION_TIMEOUT;
            assert!(second_backup || [code::BLOCK_COPY_ACTIVE, code::OPERATION_UNSUPPORTED].contains(&error.code), "{error:?}");
            assert!(error.detail.contains("since "), "{error}");
            assert_eq!(before, engine.iter().map(|job| job.name().to_owned()).collect::<Vec<_>>());
        }
    }
}

/// The table of the interface, written down a second time.
fn expected(job: &Job, op: ControlOp) -> Result<(), i32> {
    let state = job.state();
    let in_states = |states: &[JobState]| if states.contains(&state) && !job.is_settling() { Ok(()) } else { Err(code::OPERATION_INVALID) };
    match op {
        ControlOp::None => Err(code::INVALID_ARG),
        ControlOp::Abort => in_states(&[JobState::Running, JobState::Ready, JobState::Paused]),
        ControlOp::Pause => in_states(&[JobState::Running, JobState::Ready]),
        ControlOp::Resume => in_states(&[JobState::Paused]),
        ControlOp::Dismiss => in_states(&[JobState::Failed, JobState::Completed, JobState::Aborted]),
        ControlOp::Finalize => in_states(&[JobState::Ready]),
    }
}

fn control(engine: &mut Engine, model: &mut Model, n: usize, op: ControlOp, out: &mut Vec<Effect>) {
    let names: Vec<String> = engine.iter().map(|job| job.name().to_owned()).collect();
    let Some(name) = pick(&names, n) else {
        assert_eq!(engine.control("nobody", op, out).map_err(|e| e.code), Err(code::NO_DOMAIN_JOB));
        return;
    };
    let job = engine.get(&name).unwrap().clone();
    let got = engine.control(&name, op, out).map_err(|e| e.code);
    match (expected(&job, op), got) {
        // Only copies, active commits and what waits for it can be finalized.
        (_, Err(code::OPERATION_UNSUPPORTED)) => assert!(op == ControlOp::Finalize && !job.kind().becomes_ready(), "{op} on {job:?}"),
        (Err(wanted), got) => assert_eq!(got, Err(wanted), "{op} on {job:?}"),
        (Ok(()), Err(code::OPERATION_INVALID)) => assert!(op == ControlOp::Finalize && model.aborted.contains(&name), "{op} on {job:?}"),
        (Ok(()), got) => {
            let action = got.unwrap_or_else(|code| panic!("{op} on {job:?} gives {code}"));
            if op == ControlOp::Abort {
                model.aborted.insert(name.clone());
            }
            if op == ControlOp::Dismiss {
                assert!(engine.get(&name).is_none());
                assert!(matches!(action, Action::Dismiss { .. } | Action::Nothing));
            }
        }
    }
}

fn powers() -> Powers {
    Powers { cancel: |_| true, pause: |_| true }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_observations_loses_a_job_repeats_an_end_or_reuses_a_name(steps in prop::collection::vec(step(), 1..60)) {
        let mut engine = Engine::new(powers());
        let mut model = Model::default();
        for step in &steps {
            apply(&mut engine, &mut model, step);
        }
        // However it went, the end of the domain ends every job that was ever told of.
        apply(&mut engine, &mut model, &Step::Gone);
        for (name, state) in &model.told {
            prop_assert!(state.is_final(), "{} was left {}", name, state);
        }
        for job in engine.iter() {
            prop_assert!(job.is_persistent() && job.state().is_final(), "{} is still listed", job.name());
        }
    }

    #[test]
    fn a_record_brings_back_the_same_job(steps in prop::collection::vec(step(), 1..40)) {
        let mut engine = Engine::new(powers());
        let mut model = Model::default();
        for step in &steps {
            apply(&mut engine, &mut model, step);
        }
        let mut next = Engine::new(powers());
        next.resume_numbers(engine.last_number());
        let own: Vec<&Job> = engine.iter().filter(|job| job.origin() == Origin::Own).collect();
        for job in &own {
            let text = serde_json::to_string(&JobRecord::of(job)).unwrap();
            let later = Now { mono_ms: 1 << 40, wall_ms: 1 << 41 };
            prop_assert!(next.adopt(serde_json::from_str(&text).unwrap(), later));
        }
        for job in &own {
            let again = next.get(job.name()).unwrap();
            prop_assert_eq!(again.kind(), job.kind());
            prop_assert_eq!(again.config(), job.config());
            prop_assert_eq!(again.state().is_final(), job.state().is_final());
            prop_assert_eq!(again.is_settling(), job.is_settling());
        }
        let fresh = next.reserve(StartRequest::new(JobType::Migration, JobConfig::default()), Now::default(), &mut Vec::new()).unwrap();
        prop_assert!(!model.names.contains(&fresh.name));
    }
}

/// An engine with one foreign job that has been shown.
fn engine_with(id: &str) -> Engine {
    let mut engine = Engine::new(powers());
    let listed =
        Listed { id: id.to_owned(), kind: JobType::BlockCopy, status: HypStatus::Running, progress: Progress::default(), error: None };
    engine.observe(Observation::Listing(vec![listed]), Now::default(), &mut Vec::new());
    engine
}

fn states(effects: &[Effect]) -> Vec<(String, JobState)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::State { name, state, .. } => Some((name.clone(), *state)),
            _ => None,
        })
        .collect()
}

fn hint(engine: &mut Engine, id: &str, status: HypStatus) -> Vec<Effect> {
    let mut out = Vec::new();
    engine.observe(Observation::Status { id: id.to_owned(), status }, Now::default(), &mut out);
    out
}

#[test]
fn an_id_that_is_created_again_is_another_job() {
    let mut engine = engine_with("job0");
    let out = hint(&mut engine, "job0", HypStatus::Created);
    assert_eq!(states(&out), [("job0".to_owned(), JobState::Failed)]);
    assert_eq!(engine.iter().map(Job::name).collect::<Vec<_>>(), ["job0#2"]);
}

#[test]
fn a_pause_that_is_only_announced_is_not_told_until_the_listing_shows_it() {
    let mut engine = engine_with("job0");
    assert_eq!(hint(&mut engine, "job0", HypStatus::Paused), [Effect::Confirm]);
    assert_eq!(hint(&mut engine, "job0", HypStatus::Running), []);
    let mut out = Vec::new();
    let listed = |status| Listed { id: "job0".into(), kind: JobType::BlockCopy, status, progress: Progress::default(), error: None };
    engine.observe(Observation::Listing(vec![listed(HypStatus::Running)]), Now::default(), &mut out);
    assert_eq!(states(&out), []);
    engine.observe(Observation::Listing(vec![listed(HypStatus::Paused)]), Now::default(), &mut out);
    assert_eq!(states(&out), [("job0".to_owned(), JobState::Paused)]);
}

/// An engine with a copy of its own that is ready; with its name.
fn engine_with_ready_copy() -> (Engine, String) {
    let mut engine = Engine::new(powers());
    let request = StartRequest::new(JobType::BlockCopy, JobConfig::on_disk("vda"));
    let name = engine.reserve(request, Now::default(), &mut Vec::new()).unwrap().name;
    engine.started(&name, Now::default(), &mut Vec::new());
    hint(&mut engine, &name, HypStatus::Ready);
    (engine, name)
}

/// How the hypervisor ends a mirror that it calls a success; returns the outcome that its user is to be told.
fn completed(engine: &mut Engine, id: &str) -> Option<Outcome> {
    let outcome = Outcome::Completed;
    engine.observe(Observation::Outcome { id: id.to_owned(), kind: None, outcome }, Now::default(), &mut Vec::new());
    hint(engine, id, HypStatus::Concluded).into_iter().find_map(|effect| match effect {
        Effect::Settle { outcome, .. } => Some(outcome),
        _ => None,
    })
}

#[test]
fn an_abort_stands_although_a_later_request_is_refused() {
    for refused in [ControlOp::Abort, ControlOp::Pause] {
        let (mut engine, name) = engine_with_ready_copy();
        let soft = Action::Cancel { id: name.clone(), soft: true, resume: false };
        assert_eq!(engine.control(&name, ControlOp::Abort, &mut Vec::new()), Ok(soft));
        let late = engine.control(&name, refused, &mut Vec::new()).unwrap();
        engine.control_refused(&name, &late, &mut Vec::new());
        assert_eq!(completed(&mut engine, &name), Some(Outcome::Aborted), "{refused}");
    }
}

#[test]
fn an_abort_that_is_refused_is_forgotten() {
    let (mut engine, name) = engine_with_ready_copy();
    let action = engine.control(&name, ControlOp::Abort, &mut Vec::new()).unwrap();
    engine.control_refused(&name, &action, &mut Vec::new());
    assert_eq!(completed(&mut engine, &name), Some(Outcome::Completed));
}

#[test]
fn a_copy_that_is_being_aborted_cannot_be_finalized() {
    let (mut engine, name) = engine_with_ready_copy();
    engine.control(&name, ControlOp::Abort, &mut Vec::new()).unwrap();
    assert_eq!(engine.control(&name, ControlOp::Finalize, &mut Vec::new()).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    assert_eq!(completed(&mut engine, &name), Some(Outcome::Aborted));
}

#[test]
fn an_abort_that_comes_after_the_pivot_does_not_hide_it() {
    let (mut engine, name) = engine_with_ready_copy();
    engine.control(&name, ControlOp::Finalize, &mut Vec::new()).unwrap();
    let hard = Action::Cancel { id: name.clone(), soft: false, resume: false };
    assert_eq!(engine.control(&name, ControlOp::Abort, &mut Vec::new()), Ok(hard.clone()));
    engine.control_refused(&name, &hard, &mut Vec::new());
    assert_eq!(completed(&mut engine, &name), Some(Outcome::Completed));
}

#[test]
fn a_job_whose_start_is_confirmed_after_the_end_of_its_domain_has_failed_with_it() {
    let mut engine = Engine::new(powers());
    let request = StartRequest::new(JobType::BlockCopy, JobConfig::on_disk("vda"));
    let name = engine.reserve(request, Now::default(), &mut Vec::new()).unwrap().name;
    let mut out = Vec::new();
    engine.observe(Observation::Gone { reason: "killed".to_owned() }, Now::default(), &mut out);
    engine.started(&name, Now::default(), &mut out);
    assert_eq!(states(&out), [(name.clone(), JobState::Running), (name.clone(), JobState::Failed)]);
    assert!(engine.is_empty());
}

/// What QEMU was seen to send: an answer that was put together before what it announced on the way to sending it.
#[test]
fn an_answer_says_nothing_about_what_was_announced_after_the_question() {
    let mut engine = engine_with("old");
    let listed =
        |id: &str, status| Listed { id: id.into(), kind: JobType::BlockBackup, status, progress: Progress::default(), error: None };
    let asked = engine.moment();
    hint(&mut engine, "old", HypStatus::Concluded);
    hint(&mut engine, "old", HypStatus::Null);
    hint(&mut engine, "new", HypStatus::Created);
    let mut out = Vec::new();
    engine.observe(Observation::Answer { asked, jobs: vec![listed("old", HypStatus::Running)] }, Now::default(), &mut out);
    // Neither has the old one come again, nor has the new one gone.
    assert_eq!(out, [Effect::Confirm]);
    let asked = engine.moment();
    engine.observe(Observation::Answer { asked, jobs: vec![listed("new", HypStatus::Running)] }, Now::default(), &mut out);
    assert_eq!(states(&out), [("new".to_owned(), JobState::Running)]);
    let asked = engine.moment();
    engine.observe(Observation::Answer { asked, jobs: vec![] }, Now::default(), &mut out);
    assert_eq!(states(&out), [("new".to_owned(), JobState::Running), ("new".to_owned(), JobState::Failed)]);
}

#[test]
fn a_job_that_is_about_to_be_forgotten_is_not_taken_for_a_new_one() {
    let mut engine = engine_with("job0");
    let concluded =
        Listed { id: "job0".into(), kind: JobType::BlockCopy, status: HypStatus::Concluded, progress: Progress::default(), error: None };
    let mut out = Vec::new();
    engine.observe(Observation::Listing(vec![concluded.clone()]), Now::default(), &mut out);
    assert_eq!(engine.control("job0", ControlOp::Dismiss, &mut out), Ok(Action::Dismiss { id: "job0".to_owned() }));
    out.clear();
    engine.observe(Observation::Listing(vec![concluded]), Now::default(), &mut out);
    assert_eq!((out, engine.iter().count()), (vec![], 0));
    hint(&mut engine, "job0", HypStatus::Null);
    assert!(engine.is_empty());
}

/// The record of a job whose outcome is known and whose images are not free yet.
fn unsettled(persist: bool) -> (Engine, String) {
    let (mut first, name) = engine_with_ready_copy();
    completed(&mut first, &name);
    let record = JobRecord { persist, ..JobRecord::of(first.get(&name).unwrap()) };
    let mut engine = Engine::new(powers());
    assert!(engine.adopt(record, Now::default()));
    (engine, name)
}

#[test]
fn what_an_earlier_process_did_not_settle_is_settled_by_the_next_one() {
    let (mut engine, name) = unsettled(true);
    assert_eq!(engine.get(&name).map(Job::state), Some(JobState::Running));
    let (status, id) = (HypStatus::Concluded, name.clone());
    let listed = Listed { id, kind: JobType::BlockCopy, status, progress: Progress::default(), error: None };
    let mut out = Vec::new();
    engine.observe(Observation::Listing(vec![listed.clone()]), Now::default(), &mut out);
    let settle = Effect::Settle { name: name.clone(), id: name.clone(), outcome: Outcome::Completed };
    assert_eq!(out, [settle]);
    out.clear();
    // Once.
    engine.observe(Observation::Listing(vec![listed]), Now::default(), &mut out);
    assert_eq!(out, []);
    engine.settled(&name, Now::default(), &mut out);
    assert_eq!(states(&out), [(name.clone(), JobState::Completed)]);
}

#[test]
fn what_an_earlier_process_had_settled_ends_when_the_hypervisor_no_longer_has_it() {
    for persist in [false, true] {
        let (mut engine, name) = unsettled(persist);
        let mut out = Vec::new();
        engine.observe(Observation::Listing(Vec::new()), Now::default(), &mut out);
        // What it held may be held still.
        assert!(matches!(&out[..], [Effect::Settle { outcome: Outcome::Completed, .. }]), "{out:?}");
        engine.observe(Observation::Listing(Vec::new()), Now::default(), &mut out);
        assert_eq!(out.len(), 1);
        engine.settled(&name, Now::default(), &mut out);
        assert_eq!(states(&out), [(name.clone(), JobState::Completed)]);
        assert_eq!(engine.get(&name).is_some(), persist);
        assert_eq!(out.contains(&Effect::Forget { name: name.clone() }), !persist);
        // What is kept has been told: the next process finds it ended.
        if let Some(job) = engine.get(&name) {
            let mut next = Engine::new(powers());
            next.adopt(JobRecord::of(job), Now::default());
            assert_eq!(next.get(&name).map(Job::state), Some(JobState::Completed));
        }
    }
}

#[test]
fn a_job_that_is_found_cancelled_was_aborted() {
    let mut engine = Engine::new(powers());
    let (status, error) = (HypStatus::Concluded, Some("Operation canceled".to_owned()));
    let listed = Listed { id: "c".into(), kind: JobType::BlockPull, status, progress: Progress::default(), error };
    let mut out = Vec::new();
    engine.observe(Observation::Listing(vec![listed]), Now::default(), &mut out);
    assert_eq!(states(&out), [("c".to_owned(), JobState::Running), ("c".to_owned(), JobState::Aborted)]);
}

#[test]
fn a_commit_that_becomes_ready_is_an_active_one() {
    let mut engine = Engine::new(powers());
    let listed = |status| Listed { id: "c".into(), kind: JobType::BlockCommit, status, progress: Progress::default(), error: None };
    engine.observe(Observation::Listing(vec![listed(HypStatus::Running)]), Now::default(), &mut Vec::new());
    engine.observe(Observation::Listing(vec![listed(HypStatus::Ready)]), Now::default(), &mut Vec::new());
    assert_eq!(engine.get("c").map(Job::kind), Some(JobType::BlockCommitActive));
}
