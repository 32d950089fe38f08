//! What a simulated domain offers to its driver's users.

use std::time::Duration;

use super::vm::Vm;
use crate::driver::request::*;
use crate::driver::Domain;
use crate::job::Job;
use crate::model::{ControlOp, DomainInfo, DomainRef, DomainState, JobState, Result};

impl Domain for Vm {
    fn identity(&self) -> DomainRef {
        self.lock().identity()
    }

    fn state(&self) -> Result<(DomainState, i32)> {
        let vm = self.lock();
        Ok((vm.inner.state, vm.inner.reason))
    }

    fn info(&self) -> Result<DomainInfo> {
        Vm::info(self)
    }

    fn xml(&self, flags: u32) -> Result<String> {
        self.format(flags)
    }

    fn is_active(&self) -> bool {
        self.lock().is_active()
    }

    fn is_persistent(&self) -> bool {
        self.lock().inner.persistent.is_some()
    }

    fn start(&self, flags: u32) -> Result<()> {
        super::check_flags(flags, 0, "virDomainCreateWithFlags")?;
        Vm::start(self)
    }

    fn suspend(&self) -> Result<()> {
        Vm::suspend(self)
    }

    fn resume(&self) -> Result<()> {
        Vm::resume(self)
    }

    fn shutdown(&self, flags: u32) -> Result<()> {
        super::check_flags(flags, 0, "virDomainShutdownFlags")?;
        Vm::shutdown(self)
    }

    fn reset(&self) -> Result<()> {
        Vm::reset(self)
    }

    fn destroy(&self, flags: u32) -> Result<()> {
        super::check_flags(flags, super::DESTROY_GRACEFUL, "virDomainDestroyFlags")?;
        Vm::destroy(self)
    }

    fn list_jobs(&self, filter: ListFilter, sink: &mut dyn FnMut(&Job)) -> Result<()> {
        self.list(filter, sink);
        Ok(())
    }

    fn job_xml(&self, name: &str, with_stats: bool) -> Result<String> {
        self.describe(name, with_stats)
    }

    fn control_job(&self, name: &str, op: ControlOp) -> Result<()> {
        self.control(name, op)
    }

    fn set_job_speed(&self, name: &str, bytes_per_s: u64) -> Result<()> {
        self.set_speed(name, bytes_per_s)
    }

    fn wait_job(&self, name: &str, states: u32, timeout: Option<Duration>) -> Result<Option<JobState>> {
        self.table.wait(name, states, timeout)
    }

    fn block_pull(&self, request: &BlockPull<'_>) -> Result<String> {
        self.pull(request)
    }

    fn block_copy(&self, request: &BlockCopy<'_>) -> Result<String> {
        self.copy(request)
    }

    fn block_commit(&self, request: &BlockCommit<'_>) -> Result<String> {
        self.commit(request)
    }

    fn block_job_info(&self, disk: &str) -> Result<Option<BlockJobInfo>> {
        self.older_info(disk)
    }

    fn block_job_abort(&self, disk: &str, pivot: bool, _wait: bool) -> Result<()> {
        self.older_abort(disk, pivot)
    }

    fn block_job_set_speed(&self, disk: &str, bytes_per_s: u64) -> Result<()> {
        self.older_set_speed(disk, bytes_per_s)
    }
}
