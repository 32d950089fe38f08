//! How one job changes: from a status to a state, from a state to the events that go with it, from the hypervisor's word on
//! an end to that of the job's user.

use super::job::{Ending, Job, Origin, Phase};
use super::legacy::older_events;
use super::{Effect, HypStatus, Listed, Outcome};
use crate::model::{JobState, JobType, Now};

/// The state that a status leads to, if it leads to one.
pub(super) enum Next {
    Same,
    Enter(JobState),
    /// Believed from a listing only.
    Ask,
}

pub(super) fn next_state(job: &Job, status: HypStatus) -> Next {
    use HypStatus::{Created, Paused, Pending, Ready, Running, Standby, Waiting};
    match (status, job.state) {
        (Created | Running | Waiting, JobState::Paused) | (Ready, JobState::Paused) => Next::Ask,
        (Ready, JobState::Running) => Next::Enter(JobState::Ready),
        (Paused | Standby, JobState::Running | JobState::Ready) => Next::Ask,
        // Jobs of ours never wait for a finalize, but all pass through the status.
        (Pending, JobState::Running | JobState::Paused) if job.origin == Origin::Foreign => Next::Ask,
        _ => Next::Same,
    }
}

/// The state of a live job that the hypervisor lists in this status.
pub(super) fn state_of(status: HypStatus) -> JobState {
    match status {
        HypStatus::Ready | HypStatus::Pending => JobState::Ready,
        HypStatus::Paused | HypStatus::Standby => JobState::Paused,
        _ => JobState::Running,
    }
}

/// The hypervisor shows a reserved job for the first time.
pub(super) fn appear(job: &mut Job, now: Now, out: &mut Vec<Effect>) {
    job.phase = Phase::Live;
    job.started = now;
    announce(job, out);
}

pub(super) fn announce(job: &mut Job, out: &mut Vec<Effect>) {
    job.announced = true;
    out.push(Effect::State { name: job.name.to_string(), kind: job.kind, state: JobState::Running, error: None });
}

/// Changes the state, with the one event that goes with it, and unless `quiet` with the older ones.
pub(super) fn enter(job: &mut Job, state: JobState, status: HypStatus, quiet: bool, out: &mut Vec<Effect>) {
    job.status = status;
    if job.state == state {
        return;
    }
    // QEMU calls both kinds of commit the same; only one of them becomes ready.
    if state == JobState::Ready && status == HypStatus::Ready && job.kind == JobType::BlockCommit {
        job.kind = JobType::BlockCommitActive;
    }
    let repeated = state == JobState::Ready && job.was_ready;
    let older = if quiet || repeated { Vec::new() } else { older_events(job, state) };
    job.was_ready |= state == JobState::Ready;
    job.state = state;
    out.push(Effect::State { name: job.name.to_string(), kind: job.kind, state, error: job.error.clone() });
    out.extend(older.into_iter().map(Effect::Older));
}

/// What the hypervisor's listing says about the end of a concluded job.
pub(super) fn outcome_of(listed: &Listed) -> Outcome {
    match &listed.error {
        // strerror(ECANCELED): all that is left of a cancellation. Where it is a failure, an event said so before.
        Some(text) if text == "Operation canceled" => Outcome::Aborted,
        Some(text) => Outcome::Failed(text.clone()),
        None => Outcome::Completed,
    }
}

/// The most that can be said about a job that is gone without a word.
pub(super) fn inferred_outcome(job: &Job) -> Outcome {
    match (job.saw_aborting, job.effective_ending()) {
        (true, Some(Ending::Cancel | Ending::Soft)) => Outcome::Aborted,
        (true, _) => Outcome::Failed("the job failed; the hypervisor did not keep the reason".to_owned()),
        (false, _) if matches!(job.status, HypStatus::Pending | HypStatus::Concluded) => Outcome::Completed,
        (false, _) => Outcome::Failed("the job disappeared; its outcome is unknown".to_owned()),
    }
}

/// Turns the hypervisor's view of an end into that of the job's user. `going`: why the domain is about to end.
pub(super) fn as_its_user_sees_it(job: &Job, outcome: Outcome, going: Option<String>) -> Outcome {
    let ending = job.effective_ending();
    let asked = matches!(ending, Some(Ending::Cancel | Ending::Soft));
    match outcome {
        Outcome::Completed if ending == Some(Ending::Soft) => Outcome::Aborted,
        // A mirror that nobody finalized was ended for the sake of its target.
        Outcome::Completed if job.kind.becomes_ready() && ending.is_none() => going.map_or(Outcome::Completed, Outcome::Failed),
        Outcome::Aborted if !asked => going.map_or(Outcome::Aborted, Outcome::Failed),
        outcome => outcome,
    }
}
