//! Jobs with snapshots that an earlier process did not see to the end.

use std::sync::Arc;

use super::settle::{is_own, is_snapshot, Over};
use crate::driver::qemu::disks::{Disks, Link};
use crate::driver::qemu::domain::QemuDomain;
use crate::job::{DiskTarget, Job, Origin, Outcome};
use crate::model::disk::Image;
use crate::model::JobType;

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
                    None if is_own(job) => recalls.push(judge(job, &self.inner.lock().disks)),
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
}

fn judge(job: &Job, disks: &Disks) -> Recall {
    let config = job.config();
    let in_use = |target: &DiskTarget| disks.find(&target.disk).is_ok_and(|disk| disk.links.iter().any(|l| l.image.path == target.path));
    let gone = |what: &str| Outcome::Failed(format!("the client ended before the snapshot was {what}"));
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
