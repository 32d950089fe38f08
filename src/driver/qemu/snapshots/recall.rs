//! Jobs with snapshots that an earlier process did not see to the end, or whose caller could not wait for it.

use std::fs;
use std::sync::Arc;

use serde_json::{json, Value};

use super::settle::{is_own, is_snapshot, Over};
use crate::driver::qemu::disks::{Disks, Link};
use crate::driver::qemu::domain::QemuDomain;
use crate::job::{DiskTarget, Job, Origin, Outcome};
use crate::model::disk::Image;
use crate::model::JobType;
use crate::qmp::CallError;

/// What there is to do about one of them.
enum Recall {
    /// Its outcome was written down, but perhaps not what follows from it.
    Follow(Over),
    /// It was ours alone, and ended with the process: so it is seen now, and so much of it is left in QEMU.
    End(Over, Vec<Link>),
}

impl QemuDomain {
    /// What QEMU lists it tells of itself; for a snapshot of disks, the disks tell whether it was taken. To be called when
    /// they are known, and before QEMU's listing is.
    pub(in crate::driver::qemu) fn recall_snapshots(self: &Arc<Self>) {
        let mut active: Vec<String> = Vec::new();
        let mut recalls: Vec<Recall> = Vec::new();
        self.table.read(|engine| {
            for job in engine.iter().filter(|job| job.is_active() && job.origin() == Origin::Own && is_snapshot(job.kind())) {
                active.push(job.name().to_owned());
                match job.outcome() {
                    Some(outcome) => recalls.push(Recall::Follow(Over::of(job, outcome))),
                    None if is_own(job) => recalls.push(judge(job, &self.inner.lock().disks, "the client ended")),
                    None => {}
                }
            }
        });
        for recall in recalls {
            match recall {
                Recall::Follow(over) => {
                    self.follow(&over);
                    if over.own {
                        self.tell_end(&over.name, over.outcome);
                    }
                }
                Recall::End(over, left) => {
                    self.remove_nodes(&left);
                    self.tell_end(&over.name, over.outcome);
                }
            }
        }
        self.snapshots.keep_begun(|job| active.iter().any(|name| name == job));
    }

    /// QEMU was told to put new images on top of the disks, and did not answer in time. It answers in order, so what the
    /// disks are when it answers this tells whether it did. Until then the job goes on. `fresh`: files that were made for it.
    pub(super) fn judge_when_answered(self: &Arc<Self>, job: String, fresh: Vec<String>) {
        let domain = Arc::downgrade(self);
        self.post("query-block", json!({}), move |reply| {
            let Some(domain) = domain.upgrade() else { return };
            match reply {
                Ok(reply) => domain.judge_late(&job, &fresh, &reply),
                Err(CallError::Timeout { .. }) => domain.judge_when_answered(job, fresh),
                // The job has ended with its domain.
                Err(CallError::Closed(_)) => {}
                Err(why) => domain.tell_end(&job, Outcome::Failed(format!("QEMU does not tell whether the snapshot was taken: {why}"))),
            }
        });
    }

    fn judge_late(self: &Arc<Self>, name: &str, fresh: &[String], reply: &Value) {
        let orphans = self.inner.lock().disks.refresh(reply, None);
        self.remove_nodes(&orphans);
        let late = self.table.read(|engine| engine.get(name).map(|job| judge(job, &self.inner.lock().disks, "QEMU did not answer")));
        let Some(Recall::End(over, left)) = late else { return };
        self.remove_nodes(&left);
        if over.outcome != Outcome::Completed {
            fresh.iter().for_each(|path| drop(fs::remove_file(path)));
        }
        self.tell_end(&over.name, over.outcome);
    }
}

/// `event`: what came before the snapshot was taken or deleted, if it was not.
fn judge(job: &Job, disks: &Disks, event: &str) -> Recall {
    let config = job.config();
    let in_use = |target: &DiskTarget| disks.find(&target.disk).is_ok_and(|disk| disk.links.iter().any(|l| l.image.path == target.path));
    let gone = |what: &str| Outcome::Failed(format!("{event} before the snapshot was {what}"));
    let outcome = match job.kind() {
        // They are put on top together.
        JobType::Snapshot if config.targets.iter().any(in_use) => Outcome::Completed,
        JobType::Snapshot => gone("taken"),
        // Nothing but what is known of it was to go.
        _ if config.disks.is_empty() => Outcome::Completed,
        _ => gone("deleted"),
    };
    let left = config.targets.iter().filter(|target| target.index > 0 && !in_use(target));
    let node = |target: &DiskTarget| Link::own(Image { path: target.path.clone(), index: target.index, ..Image::default() });
    Recall::End(Over::of(job, outcome), left.map(node).collect())
}
