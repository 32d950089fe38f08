//! What may be asked of a job in which state, and what that means to the hypervisor.

use super::engine::Engine;
use super::job::{Ending, Job, Origin, Phase};
use super::{Effect, HypStatus};
use crate::model::{ControlOp, Error, JobState, JobType, Result};

/// What a hypervisor can do with a job.
#[derive(Clone, Copy, Debug)]
pub struct Powers {
    pub cancel: fn(&Job) -> bool,
    pub pause: fn(JobType) -> bool,
}

/// What the driver has to ask of the hypervisor. `id` is the hypervisor's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// End it. `soft`: a ready mirror, whose target is to stay a valid copy; `resume`: it must be resumed first.
    Cancel {
        id: String,
        soft: bool,
        resume: bool,
    },
    /// Make a ready mirror the disk's source.
    Complete {
        id: String,
    },
    /// Let a job that waits for it conclude.
    Finalize {
        id: String,
    },
    Pause {
        id: String,
    },
    Resume {
        id: String,
    },
    /// Make the hypervisor forget a job that ended; the engine has forgotten it already.
    Dismiss {
        id: String,
    },
    /// Nothing: the engine has done all there was to do.
    Nothing,
}

impl Engine {
    /// Checks a request against the table of the interface and says what the hypervisor must be asked.
    ///
    /// # Errors
    /// `NO_DOMAIN_JOB`; `INVALID_ARG` for NONE; `OPERATION_UNSUPPORTED` if the type never can; `OPERATION_INVALID` if
    /// it cannot in its present state.
    pub fn control(&mut self, name: &str, op: ControlOp, out: &mut Vec<Effect>) -> Result<Action> {
        let powers = self.powers();
        let job = self.get_mut(name).ok_or_else(|| Error::no_job(name))?;
        match op {
            ControlOp::None => Err(Error::invalid_arg("no operation was asked for")),
            ControlOp::Abort => {
                let action = abort(job, powers)?;
                if job.origin == Origin::Own && matches!(action, Action::Cancel { soft: true, .. }) {
                    out.push(Effect::Store { name: name.to_owned() });
                }
                Ok(action)
            }
            ControlOp::Finalize => finalize(job),
            ControlOp::Pause => pause(job, powers),
            ControlOp::Resume => resume(job, powers),
            ControlOp::Dismiss => {
                dismissable(job)?;
                Ok(self.dismiss(name, out))
            }
        }
    }

    /// The hypervisor refused what [`control`](Engine::control) asked for: unless another request stands, the job ends, if
    /// it does, by itself.
    pub fn control_refused(&mut self, name: &str, action: &Action, out: &mut Vec<Effect>) {
        if !matches!(action, Action::Cancel { .. } | Action::Complete { .. }) {
            return;
        }
        if let Some(job) = self.get_mut(name) {
            job.enders = job.enders.saturating_sub(1);
            if job.enders == 0 && job.ending.take() == Some(Ending::Soft) && job.origin == Origin::Own {
                out.push(Effect::Store { name: name.to_owned() });
            }
        }
    }
}

fn abort(job: &mut Job, powers: Powers) -> Result<Action> {
    if !(powers.cancel)(job) {
        return Err(Error::unsupported(format!("the hypervisor cannot abort a job of type '{}'", job.kind)));
    }
    let id = job.hyp_id.clone();
    let mirror = job.kind.becomes_ready();
    let action = match in_state(job, ControlOp::Abort, &[JobState::Running, JobState::Ready, JobState::Paused])? {
        // It may be beyond being ended as a copy; what the hypervisor can still do is to give it up.
        _ if job.ending == Some(Ending::Pivot) => Action::Cancel { id, soft: false, resume: false },
        JobState::Ready if mirror => Action::Cancel { id, soft: true, resume: false },
        JobState::Paused if mirror && job.status == HypStatus::Standby => Action::Cancel { id, soft: true, resume: true },
        _ => Action::Cancel { id, soft: false, resume: false },
    };
    let soft = matches!(action, Action::Cancel { soft: true, .. });
    job.end_by(if soft { Ending::Soft } else { Ending::Cancel });
    Ok(action)
}

fn finalize(job: &mut Job) -> Result<Action> {
    let id = job.hyp_id.clone();
    if job.status == HypStatus::Pending {
        in_state(job, ControlOp::Finalize, &[JobState::Ready])?;
        return Ok(Action::Finalize { id });
    }
    if !job.kind.becomes_ready() {
        return Err(Error::unsupported(format!("a job of type '{}' ends by itself and cannot be finalized", job.kind)));
    }
    in_state(job, ControlOp::Finalize, &[JobState::Ready])?;
    if matches!(job.ending, Some(Ending::Cancel | Ending::Soft)) {
        return Err(Error::invalid(format!("cannot finalize job '{}': it is being aborted", job.name)));
    }
    job.end_by(Ending::Pivot);
    Ok(Action::Complete { id })
}

fn pausable(job: &Job, powers: Powers) -> Result<()> {
    if (powers.pause)(job.kind) {
        Ok(())
    } else {
        Err(Error::unsupported(format!("the hypervisor cannot pause a job of type '{}'", job.kind)))
    }
}

fn pause(job: &Job, powers: Powers) -> Result<Action> {
    pausable(job, powers)?;
    in_state(job, ControlOp::Pause, &[JobState::Running, JobState::Ready])?;
    Ok(Action::Pause { id: job.hyp_id.clone() })
}

fn resume(job: &Job, powers: Powers) -> Result<Action> {
    pausable(job, powers)?;
    in_state(job, ControlOp::Resume, &[JobState::Paused])?;
    Ok(Action::Resume { id: job.hyp_id.clone() })
}

fn dismissable(job: &Job) -> Result<()> {
    in_state(job, ControlOp::Dismiss, &[JobState::Failed, JobState::Completed, JobState::Aborted]).map(drop)
}

/// The job's state, if the operation is allowed in it.
fn in_state(job: &Job, op: ControlOp, allowed: &[JobState]) -> Result<JobState> {
    if matches!(job.phase, Phase::Settling(_) | Phase::Reserved) {
        let when = if job.phase == Phase::Reserved { "starting" } else { "ending" };
        return Err(Error::invalid(format!("cannot {op} job '{}': it is {when}", job.name)));
    }
    if allowed.contains(&job.state) {
        return Ok(job.state);
    }
    Err(Error::invalid(format!("cannot {op} job '{}' in state '{}'", job.name, job.state)))
}
