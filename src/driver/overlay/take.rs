//! How what was read becomes observations.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use super::calls::RealDomain;
use super::disks::DiskView;
use super::domain::{Backup, Chief, DomainJobs, Ties, Tracked};
use super::reading::Reading;
use super::words;
use crate::driver::clock::now;
use crate::job::{DiskStats, HypStatus, Job, JobConfig, Listed, Moment, Observation, Outcome, Progress, StartRequest};
use crate::model::{JobState, JobType, TypedParam};

/// A job that has not ended, as the engine has it.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub name: String,
    pub id: String,
    pub kind: JobType,
    pub state: JobState,
    pub progress: Progress,
}

impl Live {
    fn of(job: &Job) -> Live {
        Live {
            name: job.name().to_owned(),
            id: job.hypervisor_id().to_owned(),
            kind: job.kind(),
            state: job.state(),
            progress: Progress { current: job.stats().current, end: job.stats().end, speed: None },
        }
    }

    /// The job as if it had been read as it was.
    pub fn as_it_was(&self) -> Listed {
        let status = match self.state {
            JobState::Ready => HypStatus::Ready,
            JobState::Paused => HypStatus::Paused,
            _ => HypStatus::Running,
        };
        Listed { id: self.id.clone(), kind: self.kind, status, progress: self.progress, error: None }
    }
}

impl DomainJobs {
    /// The jobs that QEMU lists, or is believed to.
    pub fn live(&self) -> Vec<Live> {
        let listed = |job: &&Job| job.is_active() && job.is_listed_by_hypervisor();
        self.table.read(|engine| engine.iter().filter(listed).map(Live::of).collect())
    }

    /// Takes in what was read; `asked` is the moment before.
    pub fn take(self: &Arc<Self>, domain: &RealDomain, asked: Moment, reading: Reading) {
        if self.table.read(crate::job::Engine::is_going) {
            self.observe(domain, Observation::Running);
        }
        self.take_chief(domain, &reading);
        self.take_backup(domain, &reading);
        self.take_block_jobs(domain, asked, reading);
    }

    fn take_block_jobs(self: &Arc<Self>, domain: &RealDomain, asked: Moment, mut reading: Reading) {
        let live = self.live();
        let fed = self.is_fed();
        reading.jobs.retain(|job| !is_with_libvirt(job));
        // QEMU's ids, in the same order.
        let mut ids = Vec::new();
        let ended = {
            let mut ties = self.ties.lock();
            for job in &mut reading.jobs {
                let disk = reading.disks.iter().find(|disk| is_its_disk(&job.id, disk));
                job.kind = disk.map_or(job.kind, |disk| words::kind_on(job.kind, disk));
                ties.bind(&job.id);
                ids.push(job.id.clone());
                job.id = if reading.complete { ties.engine_id(&job.id) } else { known_id(&ties, &live, job) };
                ties.found(&job.id, &live);
            }
            let absent = |job: &&Live| !reading.jobs.iter().any(|listed| listed.id == job.id);
            let mut ended = Vec::new();
            let mut kept = Vec::new();
            for job in live.iter().filter(absent) {
                match ties.verdict(job, &reading, fed) {
                    Some(outcome) => ended.push((job.clone(), outcome)),
                    None => kept.push(job.as_it_was()),
                }
            }
            reading.jobs.extend(kept);
            ended
        };
        for (job, outcome) in ended {
            self.end(domain, &job.id, job.kind, outcome);
        }
        let described: HashSet<String> = self.ties.lock().described();
        let seen = ids.into_iter().zip(reading.jobs.iter().map(|job| (job.id.clone(), job.kind)));
        let news: Vec<(String, (String, JobType))> = seen.filter(|(id, _)| words::tracked(id).is_some()).collect();
        let jobs = reading.jobs;
        let tracked = self.update(domain, |engine, out| {
            engine.observe(Observation::Answer { asked, jobs }, now(), out);
            let mut tracked = Vec::new();
            for (id, (engine_id, kind)) in &news {
                let name = engine.by_hypervisor_id(engine_id).map(|job| job.name().to_owned()).filter(|name| !described.contains(name));
                let disk = reading.disks.iter().find(|disk| is_its_disk(id, disk));
                if let (Some(name), Some(disk)) = (name, disk) {
                    let config = words::config_of(id, *kind, disk);
                    tracked.push((name.clone(), Tracked::new(disk, &config)));
                    engine.describe(&name, |known| *known = config, out);
                }
            }
            tracked
        });
        let mut ties = self.ties.lock();
        for (name, mut new) in tracked {
            // What the disk was like before is known better.
            if let Some(before) = ties.tracked.remove(&name) {
                (new.images, new.idle) = (before.images, before.idle);
            }
            ties.tracked.insert(name, new);
        }
    }

    /// A job ends: by what became of it, once.
    pub fn end(self: &Arc<Self>, domain: &RealDomain, id: &str, kind: JobType, outcome: Outcome) {
        self.observe(domain, Observation::Outcome { id: id.to_owned(), kind: Some(kind), outcome });
        self.observe(domain, Observation::Status { id: id.to_owned(), status: HypStatus::Null });
    }

    /// The domain's own job. One that is found has libvirt's leave to be there, so no rule of ours is in its way.
    fn take_chief(self: &Arc<Self>, domain: &RealDomain, reading: &Reading) {
        let found = reading.own.as_ref().filter(|(kind, params)| *kind != JobType::BlockBackup && !self.is_told(reading, *kind, params));
        let known = self.ties.lock().chief.as_ref().map(|chief| (chief.name.clone(), chief.kind));
        if let Some((name, kind)) = &known {
            if found.is_none_or(|(other, _)| other != kind) && self.is_running(name) {
                if let Some(outcome) = self.chief_verdict(name, *kind, reading) {
                    self.expect_last_event(name, *kind, &outcome);
                    self.end(domain, name, *kind, outcome);
                } else if found.is_none() {
                    return;
                }
            }
        }
        let Some((kind, params)) = found else { return };
        let name = match known.filter(|(_, known)| known == kind) {
            Some((name, _)) => {
                self.update(domain, |engine, out| engine.started(&name, now(), out));
                self.ties.lock().missing.remove(&name);
                name
            }
            None => {
                let Some(name) = self.begin(domain, *kind, chief_config(*kind, params)) else { return };
                let chief = Chief { left_before: reading.left.clone(), ..Chief::new(&name, *kind) };
                self.ties.lock().chief = Some(chief);
                name
            }
        };
        self.figures(domain, &name, *kind, params);
        if let Some((_, progress)) = reading.part.filter(|(part, progress)| part == kind && progress.end > 0) {
            self.observe(domain, Observation::Progress { id: name, progress });
        }
    }

    /// A job that libvirt has no id for.
    pub fn begin(self: &Arc<Self>, domain: &RealDomain, kind: JobType, config: JobConfig) -> Option<String> {
        let request = StartRequest { parallel: true, listed: false, ..StartRequest::new(kind, config) };
        self.update(domain, |engine, out| {
            let name = engine.reserve(request, now(), out).ok()?.name;
            engine.started(&name, now(), out);
            Some(name)
        })
    }

    fn figures(self: &Arc<Self>, domain: &RealDomain, name: &str, kind: JobType, params: &[TypedParam]) {
        let id = name.to_owned();
        self.observe(domain, Observation::Progress { id: id.clone(), progress: words::progress(kind, params) });
        if let Some(stats) = words::memory(params).filter(|_| kind != JobType::BlockBackup) {
            self.observe(domain, Observation::Migration { id, stats });
        }
    }

    /// Whether what is told of the domain's own job is about one that has ended already: it was asked for before that, or the
    /// job began before.
    fn is_told(&self, reading: &Reading, kind: JobType, params: &[TypedParam]) -> bool {
        let ties = self.ties.lock();
        let ended = ties.own_ended.iter().find(|(of, _)| *of == kind);
        let elapsed = words::number(params, "time_elapsed").unwrap_or(0);
        let before =
            |since: &Instant| reading.asked.is_some_and(|asked| asked <= *since) || u128::from(elapsed) >= since.elapsed().as_millis();
        ended.is_some_and(|(_, since)| before(since))
    }

    /// Whether it has begun and has not ended.
    pub fn is_running(&self, name: &str) -> bool {
        self.table.read(|engine| engine.get(name).is_some_and(Job::is_active))
    }

    fn take_backup(self: &Arc<Self>, domain: &RealDomain, reading: &Reading) {
        let told = reading.own.as_ref().filter(|(kind, params)| *kind == JobType::BlockBackup && !self.is_told(reading, *kind, params));
        let present = told.is_some() || !reading.backup.is_empty();
        let known = self.ties.lock().backup.as_ref().map(|backup| backup.name.clone());
        let name = match (known, present) {
            (None, false) => return,
            (Some(name), false) => {
                if self.is_running(&name) {
                    if let Some(outcome) = self.backup_verdict(&name, reading) {
                        self.end(domain, &name, JobType::BlockBackup, outcome);
                    }
                }
                return;
            }
            (Some(name), true) => {
                self.update(domain, |engine, out| engine.started(&name, now(), out));
                name
            }
            (None, true) => {
                let config = reading.backup_config.clone().unwrap_or_else(|| members_config(&reading.backup));
                let Some(name) = self.begin(domain, JobType::BlockBackup, config) else { return };
                self.ties.lock().backup = Some(Backup { name: name.clone(), left_before: reading.left.clone(), ..Backup::default() });
                name
            }
        };
        self.ties.lock().missing.remove(&name);
        match told {
            Some((kind, params)) if reading.backup.is_empty() => self.figures(domain, &name, *kind, params),
            _ => self.take_members(domain, &name, reading),
        }
    }

    /// The disks of a backup. Those that are done have left QEMU's listing.
    fn take_members(self: &Arc<Self>, domain: &RealDomain, name: &str, reading: &Reading) {
        let (listed, disks) = {
            let mut ties = self.ties.lock();
            let Some(backup) = ties.backup.as_mut() else { return };
            backup.read(&reading.backup);
            (backup.listed(), backup.disks())
        };
        self.observe(domain, Observation::Unlisted(Listed { id: name.to_owned(), ..listed }));
        self.observe(domain, Observation::Disks { id: name.to_owned(), disks });
    }
}

impl Backup {
    fn read(&mut self, members: &[Listed]) {
        for (id, (status, progress)) in &mut self.members {
            if !members.iter().any(|member| member.id == *id) {
                (*status, progress.current) = (HypStatus::Concluded, progress.end);
            }
        }
        self.members.extend(members.iter().map(|member| (member.id.clone(), (member.status, member.progress))));
    }

    /// All of it as one job: it is paused when all that go on are.
    fn listed(&self) -> Listed {
        let going: Vec<HypStatus> = self.members.values().map(|(status, _)| *status).filter(|s| *s != HypStatus::Concluded).collect();
        let paused = !going.is_empty() && going.iter().all(|status| matches!(status, HypStatus::Paused | HypStatus::Standby));
        let status = if paused { HypStatus::Paused } else { HypStatus::Running };
        let sum = |part: fn(&Progress) -> u64| self.members.values().map(|(_, progress)| part(progress)).sum();
        let progress = Progress { current: sum(|p| p.current), end: sum(|p| p.end), speed: None };
        Listed { id: self.name.clone(), kind: JobType::BlockBackup, status, progress, error: None }
    }

    fn disks(&self) -> Vec<DiskStats> {
        let disk = |(id, (_, progress)): (&String, &(HypStatus, Progress))| DiskStats {
            disk: words::disk_of(id).unwrap_or(id).to_owned(),
            current: progress.current,
            end: progress.end,
        };
        self.members.iter().map(disk).collect()
    }
}

/// Whether a job of libvirt's with this id works on a disk.
fn is_its_disk(id: &str, disk: &DiskView) -> bool {
    let named = words::disk_of(id).or_else(|| words::tracked(id).map(|(_, rest)| rest));
    named == Some(&disk.target)
}

/// Whether QEMU is done with a job that libvirt will say the last word on.
fn is_with_libvirt(job: &Listed) -> bool {
    let done = matches!(job.status, HypStatus::Waiting | HypStatus::Pending | HypStatus::Concluded | HypStatus::Null);
    done && words::tracked(&job.id).is_some()
}

/// The id under which the engine has what was seen on a disk; from there QEMU's own cannot always be told.
fn known_id(ties: &Ties, live: &[Live], job: &Listed) -> String {
    let Some(disk) = words::disk_of(&job.id).or_else(|| words::tracked(&job.id).map(|(_, disk)| disk)) else { return job.id.clone() };
    let same = |known: &&Live| {
        words::plain(known.kind) == words::plain(job.kind) && ties.tracked.get(&known.name).is_some_and(|tracked| tracked.disk == disk)
    };
    live.iter().find(same).map_or_else(|| job.id.clone(), |known| known.id.clone())
}

/// All that is known of a backup whose document cannot be had: its disks.
pub(super) fn members_config(members: &[Listed]) -> JobConfig {
    JobConfig { disks: members.iter().filter_map(|member| words::disk_of(&member.id)).map(str::to_owned).collect(), ..JobConfig::default() }
}

fn chief_config(kind: JobType, params: &[TypedParam]) -> JobConfig {
    let mut config = JobConfig::default();
    if kind == JobType::Dump && words::is_memory_only(params) {
        config.options.push("memory-only".to_owned());
    }
    config
}
