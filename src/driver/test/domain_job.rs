//! The older calls for "the domain's job".

use super::vm::Vm;
use crate::driver::older::{self, job_type};
use crate::driver::request::DomainJobInfo;
use crate::job::Job;
use crate::model::{ControlOp, Error, JobType, Result, TypedParam};

/// `VIR_DOMAIN_ABORT_JOB_POSTCOPY`.
const ABORT_POSTCOPY: u32 = 1;

impl Vm {
    pub fn domain_job_info(&self) -> Result<DomainJobInfo> {
        Ok(self.with_domain_job(older::info)?.unwrap_or_default())
    }

    pub fn domain_job_stats(&self, completed: bool, keep: bool) -> Result<(i32, Vec<TypedParam>)> {
        if completed {
            let mut vm = self.lock();
            let params = if keep { vm.inner.completed.clone() } else { vm.inner.completed.take() };
            return Ok(params.unwrap_or((job_type::NONE, Vec::new())));
        }
        let stats = self.with_domain_job(older::stats)?;
        Ok(stats.map_or((job_type::NONE, Vec::new()), |params| (job_type::UNBOUNDED, params)))
    }

    pub fn abort_domain_job(&self, flags: u32) -> Result<()> {
        super::check_flags(flags, ABORT_POSTCOPY, "virDomainAbortJobFlags")?;
        self.lock().live()?;
        let name = self.table.read(|engine| older::to_abort(engine.iter(), flags))?;
        self.control(&name, ControlOp::Abort)
    }

    /// Looks at the domain's job, with its figures as they are now.
    fn with_domain_job<R>(&self, look: impl FnOnce(&Job, crate::model::Now) -> R) -> Result<Option<R>> {
        let mut vm = self.lock();
        vm.live()?;
        let found = self.table.read(|engine| older::domain_job(engine.iter()).map(|job| (job.hypervisor_id().to_owned(), job.kind())));
        let Some((id, kind)) = found else { return Ok(None) };
        if kind == JobType::MigrationIn {
            return Err(Error::invalid("migration statistics are available only on the source host"));
        }
        vm.refresh(Some(&id));
        let now = vm.now();
        Ok(self.table.read(|engine| engine.by_hypervisor_id(&id).map(|job| look(job, now))))
    }
}
