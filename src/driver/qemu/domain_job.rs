//! The older calls for "the domain's job".

use std::sync::Arc;

use super::clock::now;
use super::domain::QemuDomain;
use crate::driver::older::{self, job_type};
use crate::driver::request::DomainJobInfo;
use crate::job::Job;
use crate::model::event::Payload;
use crate::model::{ControlOp, Error, JobType, Now, Result, TypedParam};

impl QemuDomain {
    /// `virDomainGetJobInfo`.
    pub(super) fn domain_job_info(self: &Arc<Self>) -> Result<DomainJobInfo> {
        Ok(self.with_domain_job(older::info)?.unwrap_or_default())
    }

    /// `virDomainGetJobStats`.
    pub(super) fn domain_job_stats(self: &Arc<Self>, completed: bool, keep: bool) -> Result<(i32, Vec<TypedParam>)> {
        const NOTHING: (i32, Vec<TypedParam>) = (job_type::NONE, Vec::new());
        if completed {
            let last = &mut self.inner.lock().completed;
            let told = if keep { last.clone() } else { last.take() };
            return Ok(told.unwrap_or(NOTHING));
        }
        let stats = self.with_domain_job(older::stats)?;
        Ok(stats.map_or(NOTHING, |params| (job_type::UNBOUNDED, params)))
    }

    /// `virDomainAbortJobFlags`.
    pub(super) fn abort_domain_job(self: &Arc<Self>, flags: u32) -> Result<()> {
        self.require_alive()?;
        let name = self.table.read(|engine| older::to_abort(engine.iter(), flags))?;
        self.control(&name, ControlOp::Abort)
    }

    /// A domain job has ended, of which the older calls and events are to tell: `kind` is the older `virDomainJobType`.
    pub(super) fn tell_completed(&self, kind: i32, params: Vec<TypedParam>) {
        self.inner.lock().completed = Some((kind, params.clone()));
        self.emit(Payload::JobCompleted { params });
    }

    /// Looks at the domain's job, with its figures as they are now.
    fn with_domain_job<R>(self: &Arc<Self>, look: impl FnOnce(&Job, Now) -> R) -> Result<Option<R>> {
        self.require_alive()?;
        let found = self.table.read(|engine| older::domain_job(engine.iter()).map(|job| (job.name().to_owned(), job.kind())));
        let Some((name, kind)) = found else { return Ok(None) };
        if kind == JobType::MigrationIn {
            return Err(Error::invalid("migration statistics are available only on the source host"));
        }
        match self.table.read(|engine| engine.get(&name).is_none_or(Job::is_listed_by_hypervisor)) {
            true => self.refresh_jobs()?,
            false => self.refresh_course()?,
        }
        Ok(self.table.read(|engine| engine.get(&name).filter(|job| job.is_active()).map(|job| look(job, now()))))
    }
}
