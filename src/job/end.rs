//! How jobs end, each with one final event.

use super::engine::Engine;
use super::job::{Origin, Phase};
use super::transition::{announce, as_its_user_sees_it, enter, inferred_outcome};
use super::{Effect, Outcome};
use crate::model::Now;

impl Engine {
    /// The hypervisor no longer has the job.
    pub(super) fn vanished(&mut self, serial: u64, now: Now, out: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get_mut(&serial) else { return };
        job.held = false;
        match job.phase {
            Phase::Live => {
                let outcome = job.outcome.clone().unwrap_or_else(|| inferred_outcome(job));
                self.decide(serial, outcome, now, out);
            }
            Phase::Ended => {
                let (id, keep) = (job.hyp_id.clone(), job.persist);
                self.release_id(&id, serial);
                if !keep {
                    self.remove(serial);
                }
            }
            Phase::Dismissed => self.remove(serial),
            // The process that made the hypervisor forget it did not come to say so; what it held may be held still.
            Phase::Settling(ref outcome) if job.unsettled => {
                let outcome = outcome.clone();
                job.unsettled = false;
                out.push(Effect::Settle { name: job.name.to_string(), id: job.hyp_id.clone(), outcome });
            }
            Phase::Reserved | Phase::Settling(_) => {}
        }
    }

    /// The outcome is known. A job of ours is settled first, so that its images are free when its user hears of it.
    pub(super) fn decide(&mut self, serial: u64, outcome: Outcome, now: Now, out: &mut Vec<Effect>) {
        let going = self.going.clone();
        let Some(job) = self.jobs.get_mut(&serial) else { return };
        if job.launching {
            job.early_end = Some(outcome);
            return;
        }
        let outcome = as_its_user_sees_it(job, outcome, going);
        if job.origin == Origin::Foreign {
            return self.finish(serial, outcome, now, out);
        }
        job.phase = Phase::Settling(outcome.clone());
        job.finished = Some(now);
        out.push(Effect::Store { name: job.name.to_string() });
        out.push(Effect::Settle { name: job.name.to_string(), id: job.hyp_id.clone(), outcome });
    }

    /// The job ends here: one final event, then it is kept or dropped.
    pub(super) fn finish(&mut self, serial: u64, outcome: Outcome, now: Now, out: &mut Vec<Effect>) {
        // The older events say nothing about jobs that end with their domain.
        let Some(job) = self.jobs.get_mut(&serial) else { return };
        let quiet = self.going.is_some() || job.stillborn;
        if !job.announced {
            self.unconfirmed -= usize::from(job.origin == Origin::Foreign);
            announce(job, out);
        }
        job.phase = Phase::Ended;
        job.finished.get_or_insert(now);
        job.error = outcome.error().map(str::to_owned);
        enter(job, outcome.state(), job.status, quiet, out);
        let (id, own) = (job.hyp_id.clone(), job.origin == Origin::Own);
        let keep = job.persist || job.held;
        if job.persist && own {
            out.push(Effect::Store { name: job.name.to_string() });
        }
        if !job.held {
            self.release_id(&id, serial);
        }
        if !keep {
            let name = self.jobs[&serial].name.to_string();
            self.remove(serial);
            if own {
                out.push(Effect::Forget { name });
            }
        }
    }

    pub(super) fn gone(&mut self, reason: &str, now: Now, out: &mut Vec<Effect>) {
        self.going.get_or_insert_with(|| reason.to_owned());
        self.gone.get_or_insert_with(|| reason.to_owned());
        let serials: Vec<u64> = self.jobs.keys().copied().collect();
        for serial in serials {
            self.end_with_domain(serial, reason, now, out);
        }
    }

    pub(super) fn end_with_domain(&mut self, serial: u64, reason: &str, now: Now, out: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get_mut(&serial) else { return };
        job.held = false;
        match job.phase.clone() {
            // The reply to the command that starts it decides.
            Phase::Reserved => {}
            Phase::Ended | Phase::Dismissed => self.vanished(serial, now, out),
            // A storage daemon does not say that it is leaving when it cancels its jobs.
            Phase::Settling(outcome) if job.unsettled => self.finish(serial, outcome, now, out),
            phase @ (Phase::Live | Phase::Settling(_)) => {
                let known = if let Phase::Settling(outcome) = phase { Some(outcome) } else { job.outcome.clone() };
                let outcome = known.unwrap_or_else(|| Outcome::Failed(reason.to_owned()));
                let outcome = as_its_user_sees_it(job, outcome, Some(reason.to_owned()));
                job.finished = Some(now);
                if job.persist {
                    job.phase = Phase::Settling(outcome.clone());
                    out.push(Effect::Store { name: job.name.to_string() });
                }
                self.finish(serial, outcome, now, out);
            }
        }
    }
}
