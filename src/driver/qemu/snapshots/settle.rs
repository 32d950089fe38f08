//! The ends of jobs with snapshots: what is known of the snapshots follows, and only then is the end told.

use std::sync::Arc;

use serde_json::json;

use super::option;
use super::revert::is_harmless;
use crate::driver::qemu::clock::now;
use crate::driver::qemu::domain::QemuDomain;
use crate::driver::qemu::jobs::is_closed;
use crate::driver::qemu::migration::RESUME;
use crate::job::{Engine, Job, Outcome};
use crate::model::JobType;
use crate::qmp::CallError;

/// A job whose outcome is known.
pub(super) struct Over {
    pub name: String,
    kind: JobType,
    snapshot: String,
    options: Vec<String>,
    /// QEMU has no such job.
    pub own: bool,
    pub outcome: Outcome,
}

impl Over {
    pub fn of(job: &Job, outcome: Outcome) -> Over {
        let config = job.config();
        Over {
            name: job.name().to_owned(),
            kind: job.kind(),
            snapshot: config.snapshot.clone().unwrap_or_default(),
            options: config.options.clone(),
            own: is_own(job),
            outcome,
        }
    }

    fn has(&self, word: &str) -> bool {
        self.options.iter().any(|option| option == word)
    }
}

/// Whether a job with snapshots is ours alone.
pub(in crate::driver::qemu) fn is_own(job: &Job) -> bool {
    let config = job.config();
    is_snapshot(job.kind()) && (config.has_option(option::DISK_ONLY) || config.has_option(option::METADATA_ONLY))
}

pub(in crate::driver::qemu) fn is_snapshot(kind: JobType) -> bool {
    matches!(kind, JobType::Snapshot | JobType::SnapshotRevert | JobType::SnapshotDelete)
}

impl QemuDomain {
    /// The outcome of a job of ours is known: sees what the disks are now, makes QEMU forget the job, and lets its user know.
    pub(in crate::driver::qemu) fn settle_snapshot(self: &Arc<Self>, engine: &Engine, name: &str, id: &str, outcome: &Outcome) {
        let Some(over) = engine.get(name).map(|job| Over::of(job, outcome.clone())) else { return };
        let (domain, id) = (Arc::downgrade(self), id.to_owned());
        let question = self.inner.lock().disks.question();
        self.post(question, json!({}), move |reply| {
            let Some(domain) = domain.upgrade().filter(|_| !is_closed(&reply)) else { return };
            if let Ok(reply) = &reply {
                let orphans = domain.inner.lock().disks.refresh_by(question, reply, None);
                domain.remove_nodes(&orphans);
            }
            let settling = Arc::downgrade(&domain);
            // Once QEMU has forgotten the job, what is written down is all that tells how it ended.
            domain.records.when_written(move || {
                if let Some(domain) = settling.upgrade() {
                    domain.dismiss_snapshot(over, id);
                }
            });
        });
    }

    fn dismiss_snapshot(self: &Arc<Self>, over: Over, id: String) {
        self.follow(&over);
        if over.own {
            return self.conclude(over, true);
        }
        let domain = Arc::downgrade(self);
        self.post("job-dismiss", json!({ "id": id }), move |reply| {
            if let Some(domain) = domain.upgrade().filter(|_| !is_closed(&reply)) {
                domain.conclude(over, !matches!(reply, Err(CallError::Qmp { .. })));
            }
        });
    }

    /// `begun`: QEMU had the job.
    fn conclude(self: &Arc<Self>, over: Over, begun: bool) {
        let finish = move |domain: &Arc<QemuDomain>, name: &str| {
            domain.save_definition();
            domain.update_jobs(|engine, out| engine.settled(name, now(), out));
            domain.forget_unplugged();
        };
        if over.kind == JobType::SnapshotRevert && over.outcome == Outcome::Completed {
            let run = over.has(option::RUNNING);
            return self.settle_revert(run, move |domain| finish(domain, &over.name));
        }
        if self.was_stopped_in_vain(&over, begun) {
            let domain = Arc::downgrade(self);
            return self.post("cont", json!({}), move |reply| {
                if let Some(domain) = domain.upgrade().filter(|_| !is_closed(&reply)) {
                    finish(&domain, &over.name);
                }
            });
        }
        finish(self, &over.name);
    }

    /// Whether a guest that ran is to go on as it was: whoever was about to revert it is gone, and QEMU did not touch it.
    fn was_stopped_in_vain(&self, over: &Over, begun: bool) -> bool {
        let Outcome::Failed(why) = &over.outcome else { return false };
        over.kind == JobType::SnapshotRevert && over.has(RESUME) && !self.inner.lock().reverting && (!begun || is_harmless(why))
    }

    /// What is known of the snapshots follows from how a job has ended.
    pub(super) fn follow(&self, over: &Over) {
        match (over.kind, &over.outcome) {
            (JobType::Snapshot, Outcome::Completed) => self.snapshots.taken(&over.name),
            (JobType::Snapshot, _) => self.snapshots.missed(&over.name),
            (JobType::SnapshotRevert, Outcome::Completed) => self.snapshots.reverted(&over.snapshot),
            (JobType::SnapshotDelete, Outcome::Completed) => self.snapshots.remove(&over.snapshot),
            _ => {}
        }
    }
}
