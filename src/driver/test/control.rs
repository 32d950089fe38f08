//! Looking at jobs and asking something of them, by name and by the older calls.

use super::chain::find_disk;
use super::vm::Vm;
use crate::driver::request::{BlockJobInfo, ListFilter};
use crate::job::{block_type, HypStatus, Job};
use crate::model::{code, ControlOp, Error, JobState, Result};
use crate::xml::job::job_xml;

impl Vm {
    pub fn list(&self, filter: ListFilter, sink: &mut dyn FnMut(&Job)) {
        if filter.stats() {
            self.lock().refresh(None);
        }
        self.table.list(filter, sink);
    }

    pub fn describe(&self, name: &str, with_stats: bool) -> Result<String> {
        let mut vm = self.lock();
        if with_stats {
            if let Some(id) = self.table.read(|engine| engine.get(name).map(|job| job.hypervisor_id().to_owned())) {
                vm.refresh(Some(&id));
            }
        }
        let now = vm.now();
        self.table.read(|engine| engine.get(name).map(|job| job_xml(job, now, with_stats))).ok_or_else(|| Error::no_job(name))
    }

    pub fn control(&self, name: &str, op: ControlOp) -> Result<()> {
        let mut vm = self.lock();
        let action = vm.change(|engine, _, out| engine.control(name, op, out))?;
        vm.accept(name, &action)?;
        vm.carry_out(action);
        Ok(())
    }

    pub fn set_speed(&self, name: &str, bytes_per_s: u64) -> Result<()> {
        let mut vm = self.lock();
        let found = self.table.read(|engine| engine.get(name).map(|job| (job.hypervisor_id().to_owned(), job.state())));
        let (id, state) = found.ok_or_else(|| Error::no_job(name))?;
        if !vm.inner.tasks.get(&id).is_some_and(|task| task.status != HypStatus::Concluded) {
            return Err(Error::invalid(format!("cannot set the speed of job '{name}' in state '{state}'")));
        }
        let now_ms = vm.now().mono_ms;
        vm.inner.sim.set_limit(&id, bytes_per_s, now_ms);
        vm.change(|engine, _, _| engine.speed_set(name, bytes_per_s));
        Ok(())
    }

    pub fn older_info(&self, disk: &str) -> Result<Option<BlockJobInfo>> {
        let mut vm = self.lock();
        let disk = vm.disk(disk)?.target;
        let found = self.table.read(|engine| engine.block_job_on(&disk).map(|job| (job.hypervisor_id().to_owned(), job.kind())));
        let Some((id, kind)) = found else { return Ok(None) };
        let now_ms = vm.now().mono_ms;
        let (mut cur, end, bandwidth) = vm.inner.sim.position(&id, now_ms).unwrap_or_default();
        let in_step = vm.inner.tasks.get(&id).is_some_and(|task| matches!(task.status, HypStatus::Ready | HypStatus::Standby));
        if !in_step {
            // Who waits for `cur == end` may pivot then.
            cur = cur.min(end.saturating_sub(1));
        }
        Ok(Some(BlockJobInfo { kind: block_type(kind).unwrap_or_default(), bandwidth, cur, end }))
    }

    /// The cancellation is done when it returns, so there is nothing to wait for.
    pub fn older_abort(&self, disk: &str, pivot: bool) -> Result<()> {
        let (name, state) = self.older_job(disk)?;
        if !pivot {
            return self.control(&name, ControlOp::Abort);
        }
        if state != JobState::Ready {
            return Err(Error::new(code::BLOCK_COPY_ACTIVE, format!("block job '{name}' not ready for pivot yet")));
        }
        self.control(&name, ControlOp::Finalize)
    }

    pub fn older_set_speed(&self, disk: &str, bytes_per_s: u64) -> Result<()> {
        let (name, _) = self.older_job(disk)?;
        self.set_speed(&name, bytes_per_s)
    }

    /// The job that the older calls mean by a disk.
    fn older_job(&self, disk: &str) -> Result<(String, JobState)> {
        let mut vm = self.lock();
        let target = find_disk(&vm.live()?.disks, disk)?.target.clone();
        let found = self.table.read(|engine| engine.block_job_on(&target).map(|job| (job.name().to_owned(), job.state())));
        found.ok_or_else(|| Error::invalid_arg(format!("disk {disk} does not have an active block job")))
    }
}
