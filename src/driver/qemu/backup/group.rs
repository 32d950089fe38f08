//! Several jobs of QEMU's, seen as the one job that they are to their user.
//!
//! QEMU copies one disk per job. What it says of the members of a group is put together here before the engine hears of
//! it, and what the engine asks of the group is asked of its members. No I/O.

use crate::job::{DiskStats, HypStatus, Listed, Observation, Outcome, Progress};
use crate::model::JobType;

/// The group of one job of the engine's, named as that.
#[derive(Clone, Debug)]
pub(in crate::driver::qemu) struct Group {
    job: String,
    members: Vec<Member>,
    /// All members have been asked to end.
    ending: bool,
}

/// QEMU's job for one disk.
#[derive(Clone, Debug)]
struct Member {
    id: String,
    disk: String,
    status: HypStatus,
    progress: Progress,
    outcome: Option<Outcome>,
}

impl Member {
    /// It has ended; QEMU may still keep its outcome.
    fn is_over(&self) -> bool {
        is_over(self.status)
    }

    /// How it ended. One that QEMU no longer knows may have done so unseen.
    fn end(&self) -> Outcome {
        let unseen = || Outcome::Failed("the job disappeared; its outcome is unknown".to_owned());
        self.outcome.clone().unwrap_or_else(unseen)
    }
}

fn is_over(status: HypStatus) -> bool {
    matches!(status, HypStatus::Concluded | HypStatus::Null)
}

/// What the job's user sees of a group whose members are in these states.
fn combined(statuses: impl Iterator<Item = HypStatus> + Clone) -> HypStatus {
    use HypStatus::{Aborting, Concluded, Null, Paused, Pending, Running, Standby, Waiting};
    let any = |wanted: HypStatus| statuses.clone().any(|status| status == wanted);
    // One that waits for the others has nothing left to do.
    let mut working = statuses.clone().filter(|status| !is_over(*status) && !matches!(status, Waiting | Pending)).peekable();
    if any(Aborting) {
        Aborting
    } else if working.peek().is_some() {
        let paused = working.all(|status| matches!(status, Paused | Standby));
        if paused {
            Paused
        } else {
            Running
        }
    } else if any(Waiting) || any(Pending) {
        Waiting
    } else if any(Concluded) {
        Concluded
    } else {
        Null
    }
}

impl Group {
    /// The group of a job over these disks.
    pub fn new(job: &str, disks: &[String]) -> Group {
        let member = |(at, disk): (usize, &String)| Member {
            id: member_id(job, at, disk),
            disk: disk.clone(),
            status: HypStatus::Unknown,
            progress: Progress::default(),
            outcome: None,
        };
        Group { job: job.to_owned(), members: disks.iter().enumerate().map(member).collect(), ending: false }
    }

    pub fn job(&self) -> &str {
        &self.job
    }

    /// QEMU's id of the job for a disk.
    pub fn member_on(&self, disk: &str) -> Option<&str> {
        self.members.iter().find(|member| member.disk == disk).map(|member| member.id.as_str())
    }

    /// The ids of all members.
    pub fn ids(&self) -> Vec<String> {
        self.members.iter().map(|member| member.id.clone()).collect()
    }

    /// The ids of the members that have not ended.
    pub fn running(&self) -> Vec<String> {
        self.members.iter().filter(|member| !member.is_over()).map(|member| member.id.clone()).collect()
    }

    /// All members are being asked to end.
    pub fn end(&mut self) {
        self.ending = true;
    }

    /// How the job for a disk ended, if it has.
    pub fn outcome_on(&self, disk: &str) -> Option<&Outcome> {
        self.members.iter().find(|member| member.disk == disk)?.outcome.as_ref()
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.members.iter().position(|member| member.id == id)
    }

    fn statuses(&self) -> impl Iterator<Item = HypStatus> + Clone + '_ {
        self.members.iter().map(|member| member.status)
    }

    /// The members that are to be ended since another has failed or was ended; each is named once.
    pub fn take_ailing(&mut self) -> Vec<String> {
        let ailing = self.members.iter().any(|member| member.outcome.as_ref().is_some_and(|outcome| *outcome != Outcome::Completed));
        if self.ending || !ailing {
            return Vec::new();
        }
        self.ending = true;
        self.running()
    }

    /// How the group ended: as the first member that failed, if one did.
    fn outcome(&self) -> Outcome {
        let ends = || self.members.iter().map(Member::end);
        ends()
            .find(|end| matches!(end, Outcome::Failed(_)))
            .or_else(|| ends().find(|end| *end == Outcome::Aborted))
            .unwrap_or(Outcome::Completed)
    }

    /// An event about one of the members, as the engine is to hear it of the group. `None` if it is about another job.
    pub fn see(&mut self, seen: &Observation) -> Option<Vec<Observation>> {
        match seen {
            Observation::Status { id, status } => {
                let at = self.position(id)?;
                Some(self.status_changed(at, *status))
            }
            Observation::Outcome { id, outcome, .. } => {
                let at = self.position(id)?;
                self.members[at].outcome.get_or_insert_with(|| outcome.clone());
                Some(Vec::new())
            }
            Observation::Progress { id, progress } => {
                let at = self.position(id)?;
                self.members[at].progress = *progress;
                Some(vec![self.disks(), Observation::Progress { id: self.job.clone(), progress: self.sum() }])
            }
            _ => None,
        }
    }

    fn status_changed(&mut self, at: usize, status: HypStatus) -> Vec<Observation> {
        let member = &mut self.members[at];
        let began = !matches!(member.status, HypStatus::Unknown | HypStatus::Created);
        member.status = status;
        // Those of a transaction that fails are created and dropped again: there has been no job.
        if status == HypStatus::Created || (status == HypStatus::Null && !began) {
            return Vec::new();
        }
        let all = combined(self.statuses());
        let mut told = Vec::new();
        if is_over(all) {
            told.push(Observation::Outcome { id: self.job.clone(), kind: Some(JobType::BlockBackup), outcome: self.outcome() });
        }
        told.push(Observation::Status { id: self.job.clone(), status: all });
        told
    }

    /// The progress of each disk.
    pub fn disks(&self) -> Observation {
        let disk = |member: &Member| DiskStats { disk: member.disk.clone(), current: member.progress.current, end: member.progress.end };
        let id = self.job.clone();
        Observation::Disks { id, disks: self.members.iter().map(disk).collect() }
    }

    fn sum(&self) -> Progress {
        let add = |sum: Progress, member: &Member| Progress {
            current: sum.current.saturating_add(member.progress.current),
            end: sum.end.saturating_add(member.progress.end),
            speed: None,
        };
        self.members.iter().fold(Progress::default(), add)
    }

    /// Takes the members out of a listing. What stands for them in it, if QEMU has any, is returned.
    ///
    /// A listing may be older than the last events: what is final in it counts, and what is all that is known of a member.
    pub fn extract(&mut self, listing: &mut Vec<Listed>) -> Option<Listed> {
        let mut shown: Vec<Option<HypStatus>> = vec![None; self.members.len()];
        listing.retain(|entry| {
            let Some(at) = self.position(&entry.id) else { return true };
            shown[at] = Some(entry.status);
            self.members[at].take(entry);
            false
        });
        if shown.iter().all(Option::is_none) {
            return None;
        }
        for (member, _) in
            self.members.iter_mut().zip(&shown).filter(|(member, shown)| shown.is_none() && member.status == HypStatus::Unknown)
        {
            member.status = HypStatus::Null;
        }
        let statuses = shown.iter().map(|status| status.unwrap_or(HypStatus::Null));
        let error = match self.outcome() {
            Outcome::Failed(text) => Some(text),
            Outcome::Aborted => Some("Operation canceled".to_owned()),
            Outcome::Completed => None,
        };
        let status = combined(statuses);
        let error = error.filter(|_| is_over(status));
        Some(Listed { id: self.job.clone(), kind: JobType::BlockBackup, status, progress: self.sum(), error })
    }
}

impl Member {
    /// What a listing says of it.
    fn take(&mut self, entry: &Listed) {
        self.progress = entry.progress;
        if entry.status == HypStatus::Concluded {
            self.outcome.get_or_insert_with(|| match &entry.error {
                Some(text) if text == "Operation canceled" => Outcome::Aborted,
                Some(text) => Outcome::Failed(text.clone()),
                None => Outcome::Completed,
            });
            self.status = HypStatus::Concluded;
        } else if self.status == HypStatus::Unknown {
            self.status = entry.status;
        }
    }
}

/// QEMU's id for the member of a group: the name of the disk where that can be part of an id.
fn member_id(job: &str, at: usize, disk: &str) -> String {
    let plain = disk.starts_with(|c: char| c.is_ascii_alphabetic()) && disk.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if plain && disk.len() <= 64 {
        format!("{job}.{disk}")
    } else {
        format!("{job}.{at}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> Group {
        Group::new("block-backup-4", &["vda".to_owned(), "vdb".to_owned()])
    }

    /// What the engine hears of a member's new status.
    fn status(group: &mut Group, disk: &str, word: &str) -> Vec<Observation> {
        let status = HypStatus::parse(word);
        group.see(&Observation::Status { id: format!("block-backup-4.{disk}"), status }).unwrap()
    }

    fn outcome(group: &mut Group, disk: &str, outcome: Outcome) {
        let told = group.see(&Observation::Outcome { id: format!("block-backup-4.{disk}"), kind: None, outcome });
        assert_eq!(told, Some(Vec::new()));
    }

    fn is(status: HypStatus) -> Observation {
        Observation::Status { id: "block-backup-4".to_owned(), status }
    }

    fn ends(outcome: Outcome) -> Observation {
        Observation::Outcome { id: "block-backup-4".to_owned(), kind: Some(JobType::BlockBackup), outcome }
    }

    fn listed(disk: &str, word: &str, current: u64, error: Option<&str>) -> Listed {
        let progress = Progress { current, end: 100, speed: None };
        let (status, error) = (HypStatus::parse(word), error.map(str::to_owned));
        Listed { id: format!("block-backup-4.{disk}"), kind: JobType::BlockBackup, status, progress, error }
    }

    #[test]
    fn a_group_runs_as_long_as_one_member_does() {
        use HypStatus::{Aborting, Concluded, Null, Paused, Pending, Running, Standby, Unknown, Waiting};
        for (statuses, expected) in [
            ([Running, Running], Running),
            ([Running, Paused], Running),
            ([Paused, Paused], Paused),
            ([Paused, Standby], Paused),
            ([Waiting, Paused], Paused),
            ([Waiting, Running], Running),
            ([Unknown, Concluded], Running),
            ([Concluded, Paused], Paused),
            ([Running, Aborting], Aborting),
            ([Waiting, Concluded], Waiting),
            ([Pending, Pending], Waiting),
            ([Concluded, Null], Concluded),
            ([Concluded, Concluded], Concluded),
            ([Null, Null], Null),
        ] {
            assert_eq!(combined(statuses.into_iter()), expected, "{statuses:?}");
            assert_eq!(combined(statuses.into_iter().rev()), expected, "{statuses:?}");
        }
    }

    #[test]
    fn a_group_ends_once_when_the_last_member_has() {
        let mut group = group();
        assert_eq!(status(&mut group, "vda", "created"), []);
        assert_eq!(status(&mut group, "vda", "running"), [is(HypStatus::Running)]);
        assert_eq!(status(&mut group, "vdb", "running"), [is(HypStatus::Running)]);
        outcome(&mut group, "vda", Outcome::Completed);
        assert_eq!(status(&mut group, "vda", "concluded"), [is(HypStatus::Running)]);
        outcome(&mut group, "vdb", Outcome::Completed);
        assert_eq!(status(&mut group, "vdb", "concluded"), [ends(Outcome::Completed), is(HypStatus::Concluded)]);
        assert_eq!(group.take_ailing(), [""; 0]);
    }

    #[test]
    fn one_that_fails_takes_the_others_along_and_its_reason_counts() {
        let mut group = group();
        for disk in ["vda", "vdb"] {
            status(&mut group, disk, "running");
        }
        outcome(&mut group, "vdb", Outcome::Failed("No space left on device".to_owned()));
        status(&mut group, "vdb", "concluded");
        assert_eq!(group.take_ailing(), ["block-backup-4.vda"]);
        assert_eq!(group.take_ailing(), [""; 0]);
        outcome(&mut group, "vda", Outcome::Aborted);
        let told = status(&mut group, "vda", "concluded");
        assert_eq!(told[0], ends(Outcome::Failed("No space left on device".to_owned())));
        assert_eq!(group.outcome_on("vda"), Some(&Outcome::Aborted));
    }

    #[test]
    fn members_of_a_transaction_that_fails_have_never_been() {
        let mut group = group();
        assert_eq!(status(&mut group, "vda", "created"), []);
        assert_eq!(status(&mut group, "vda", "null"), []);
    }

    #[test]
    fn a_listing_shows_the_group_in_the_place_of_its_members() {
        let mut group = group();
        let other = Listed { id: "other".to_owned(), ..listed("vda", "running", 1, None) };
        let mut listing = vec![listed("vdb", "running", 10, None), other.clone(), listed("vda", "paused", 20, None)];
        let entry = group.extract(&mut listing).unwrap();
        assert_eq!(listing, [other]);
        assert_eq!((entry.status, entry.progress.current, entry.progress.end), (HypStatus::Running, 30, 200));
        assert_eq!(group.extract(&mut Vec::new()), None);
    }

    #[test]
    fn a_listing_tells_how_members_ended_that_nobody_watched() {
        let mut group = group();
        let error = group.extract(&mut vec![listed("vda", "concluded", 9, Some("No room")), listed("vdb", "concluded", 9, None)]);
        assert_eq!(error.unwrap().error.as_deref(), Some("No room"));
        // One that is not there any more ended in a way that nobody knows.
        let mut group = self::group();
        let gone = group.extract(&mut vec![listed("vda", "concluded", 9, None)]).unwrap();
        assert_eq!(gone.status, HypStatus::Concluded);
        assert!(gone.error.unwrap().contains("disappeared"));
    }

    #[test]
    fn an_old_listing_takes_back_nothing() {
        let mut group = group();
        for disk in ["vda", "vdb"] {
            status(&mut group, disk, "running");
            outcome(&mut group, disk, Outcome::Completed);
            status(&mut group, disk, "concluded");
        }
        group.extract(&mut vec![listed("vda", "running", 1, None), listed("vdb", "running", 1, None)]);
        assert_eq!(group.running(), [""; 0]);
    }

    #[test]
    fn every_disk_has_an_id_that_qemu_takes() {
        let disks = ["vda", "#block123", "a b", "1"].map(str::to_owned);
        assert_eq!(Group::new("b", &disks).ids(), ["b.vda", "b.1", "b.2", "b.3"]);
    }
}
