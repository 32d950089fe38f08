//! What events of the real library mean to a domain's jobs.
//!
//! They come on the thread that runs the event loop, in order, and late: answers to questions may have told the same
//! before. So nothing is asked here, and what is known already is passed over.

use std::sync::Arc;

use serde_json::Value;

use super::callbacks::Heard;
use super::calls::RealDomain;
use super::domain::{Backup, Chief, DomainJobs};
use super::take::Live;
use super::whole::{About, DUMP_COMPLETED, JOB_COMPLETED};
use super::words;
use crate::driver::translate::{observations, text};
use crate::job::{HypStatus, JobConfig, Listed, Observation, Outcome, Progress};
use crate::model::event::{block_status, lifecycle};
use crate::model::{JobType, TypedParam};

impl DomainJobs {
    pub fn heard(self: &Arc<Self>, domain: &RealDomain, heard: Heard) {
        if !matches!(heard, Heard::Lifecycle { .. }) && self.ties.lock().is_of_another_run(domain.id()) {
            return self.refresh_soon(domain);
        }
        match heard {
            Heard::Monitor { name, data } => {
                // What cannot be read says nothing.
                let data: Value = serde_json::from_str(&data).unwrap_or_default();
                self.monitor_said(domain, &name, &data);
            }
            Heard::BlockJob { disk, kind, status } => {
                if let Some(kind) = words::block_kind(kind) {
                    self.block_job_said(domain, &disk, kind, status);
                }
            }
            Heard::JobCompleted { params } => self.own_job_over(domain, &params),
            Heard::Lifecycle { event, detail } => self.lifecycle(domain, event, detail),
            Heard::MigrationIteration => {
                if self.ties.lock().chief.is_none() {
                    self.refresh_soon(domain);
                }
            }
        }
    }

    fn monitor_said(self: &Arc<Self>, domain: &RealDomain, name: &str, data: &Value) {
        match name {
            "MIGRATION" => {
                let said = match text(data, "status") {
                    Some("cancelled") => Some(Outcome::Aborted),
                    Some("failed") => Some(Outcome::Failed("the migration failed, says QEMU".to_owned())),
                    Some("completed") => Some(Outcome::Completed),
                    _ => None,
                };
                return self.own_job_said(domain, said, false);
            }
            DUMP_COMPLETED => {
                if !matches!(self.ties.lock().event_is_about(DUMP_COMPLETED, JobType::Dump), About::Other) {
                    return;
                }
                let failed = text(data, "error").map(|why| Outcome::Failed(why.to_owned()));
                self.begin_told(domain, JobType::Dump, JobConfig { options: vec!["memory-only".to_owned()], ..JobConfig::default() });
                return self.own_job_said(domain, Some(failed.unwrap_or(Outcome::Completed)), true);
            }
            _ => {}
        }
        for seen in observations(name, data) {
            match seen {
                Observation::Status { id, status } if words::part_of_own(&id).is_some() => {
                    if matches!(status, HypStatus::Created | HypStatus::Null) {
                        self.refresh_soon(domain);
                    }
                }
                Observation::Status { id, status } => self.status_heard(domain, &id, status),
                Observation::Outcome { id, kind, outcome } => self.outcome_heard(domain, id, kind, outcome),
                Observation::Progress { id, progress } if !words::is_backup(&id) => {
                    let id = self.ties.lock().engine_id(&id);
                    self.observe(domain, Observation::Progress { id, progress });
                }
                _ => {}
            }
        }
    }

    /// QEMU says something of what may be the domain's own job.
    fn own_job_said(self: &Arc<Self>, domain: &RealDomain, said: Option<Outcome>, all: bool) {
        if let (Some(chief), true) = (self.ties.lock().chief.as_mut(), said.is_some()) {
            (chief.said, chief.said_all) = (said, all);
        }
        self.refresh_soon(domain);
    }

    fn status_heard(self: &Arc<Self>, domain: &RealDomain, id: &str, status: HypStatus) {
        if words::is_backup(id) {
            if matches!(status, HypStatus::Created | HypStatus::Paused) {
                self.refresh_soon(domain);
            }
            return;
        }
        let (engine_id, tracked) = {
            let mut ties = self.ties.lock();
            if ties.is_spent(id, status == HypStatus::Null) {
                return;
            }
            if status == HypStatus::Created {
                // Whatever was said of one with this id was about an earlier one.
                ties.said.remove(id);
                ties.nulled.remove(id);
                ties.bind(id);
            }
            (ties.engine_id(id), words::tracked(id).is_some())
        };
        let known = self.live().iter().any(|job| job.id == engine_id);
        let passed_over = match status {
            // An answer told of it first.
            HypStatus::Created => known,
            // libvirt will say how it ended once it has done its part.
            HypStatus::Waiting | HypStatus::Pending | HypStatus::Concluded => tracked,
            HypStatus::Null if tracked => {
                if known {
                    self.ties.lock().nulled.insert(id.to_owned());
                    self.refresh_soon(domain);
                }
                true
            }
            _ => false,
        };
        if passed_over {
            return;
        }
        // Events do not say what kind of job they are about, and one like this may be gone before somebody can ask.
        if status == HypStatus::Created && words::is_creation(id) {
            let created = Listed { id: engine_id, kind: JobType::BlockCreate, status, progress: Progress::default(), error: None };
            return self.observe(domain, Observation::Shown(created));
        }
        self.observe(domain, Observation::Status { id: engine_id, status });
    }

    fn outcome_heard(self: &Arc<Self>, domain: &RealDomain, id: String, kind: Option<JobType>, outcome: Outcome) {
        if words::is_backup(&id) || self.ties.lock().is_spent(&id, false) {
            return;
        }
        if words::tracked(&id).is_some() {
            self.ties.lock().said.insert(id, outcome);
        } else {
            self.observe(domain, Observation::Outcome { id, kind, outcome });
        }
    }

    /// libvirt's own word on the job of a disk.
    fn block_job_said(self: &Arc<Self>, domain: &RealDomain, disk: &str, kind: JobType, status: i32) {
        if kind == JobType::BlockBackup {
            if self.ties.lock().backup.is_none() {
                self.refresh_soon(domain);
            }
            return;
        }
        if self.ties.lock().is_spent_on(disk, kind, status != block_status::READY) {
            return;
        }
        let found = self.job_on(disk, kind);
        if status == block_status::READY {
            return match found {
                Some(job) => self.observe(domain, Observation::Status { id: job.id, status: HypStatus::Ready }),
                None => self.refresh_soon(domain),
            };
        }
        let (id, said) = {
            let mut ties = self.ties.lock();
            ties.nulled.retain(|id| !words::is_on(id, disk, kind));
            let said_id = ties.said.keys().find(|id| words::is_on(id, disk, kind)).cloned();
            let id = found.as_ref().map(|job| job.id.clone()).or_else(|| said_id.clone());
            let said = said_id.and_then(|id| ties.said.remove(&id));
            (id, said)
        };
        let id = id.unwrap_or_else(|| format!("job-{disk}"));
        if let Some(outcome) = words::outcome(status, said) {
            let kind = found.map_or(kind, |job| job.kind);
            self.end(domain, &id, kind, outcome);
        }
    }

    /// The job of libvirt's on a disk.
    pub fn job_on(&self, disk: &str, kind: JobType) -> Option<Live> {
        let live = self.live();
        let ties = self.ties.lock();
        live.into_iter().find(|job| {
            let tracked = ties.tracked.get(&job.name).is_some_and(|tracked| tracked.disk == disk);
            (tracked && words::plain(job.kind) == words::plain(kind)) || words::is_on(&ties.qemu_id(&job.id), disk, kind)
        })
    }

    /// The domain's own job is over: a backup whatever came of it, another one if it succeeded.
    fn own_job_over(self: &Arc<Self>, domain: &RealDomain, params: &[TypedParam]) {
        let Some(kind) = words::operation_kind(params) else { return };
        let outcome = words::outcome_of_domain_job(3, params);
        let progress = words::progress(kind, params);
        let about = self.ties.lock().event_is_about(JOB_COMPLETED, kind);
        match about {
            About::Call(id) => return self.observe(domain, Observation::Progress { id, progress }),
            About::Past => return,
            About::Other => {}
        }
        let backup = kind == JobType::BlockBackup;
        let known = {
            let ties = self.ties.lock();
            match backup {
                true => ties.backup.as_ref().map(|backup| backup.name.clone()),
                false => ties.chief.as_ref().filter(|chief| chief.kind == kind).map(|chief| chief.name.clone()),
            }
        };
        let Some(name) = known.or_else(|| self.begin_told(domain, kind, JobConfig::default())) else { return };
        self.update(domain, |engine, out| engine.started(&name, crate::driver::clock::now(), out));
        self.observe(domain, Observation::Progress { id: name.clone(), progress });
        self.end(domain, &name, kind, outcome);
    }

    /// A job of the domain's own that an event is the first to tell of.
    fn begin_told(self: &Arc<Self>, domain: &RealDomain, kind: JobType, config: JobConfig) -> Option<String> {
        let backup = kind == JobType::BlockBackup;
        let known = {
            let ties = self.ties.lock();
            if backup {
                ties.backup.is_some()
            } else {
                ties.chief.is_some()
            }
        };
        if known {
            return None;
        }
        let name = self.begin(domain, kind, config)?;
        let mut ties = self.ties.lock();
        match backup {
            true => ties.backup = Some(Backup { name: name.clone(), ..Backup::default() }),
            false => ties.chief = Some(Chief::new(&name, kind)),
        }
        Some(name)
    }

    fn lifecycle(self: &Arc<Self>, domain: &RealDomain, event: i32, detail: i32) {
        match event {
            lifecycle::STARTED => self.run_begins(domain, domain.id()),
            lifecycle::SHUTDOWN => self.observe(domain, Observation::Going { reason: "the domain was shut down".to_owned() }),
            lifecycle::STOPPED => self.run_ends(domain, detail),
            // A save or dump stops the guest first, and lets it go on when it was given up.
            lifecycle::SUSPENDED | lifecycle::RESUMED => self.refresh_soon(domain),
            _ => {}
        }
    }
}
