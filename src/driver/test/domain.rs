//! What a simulated domain offers to its driver's users.

use std::time::Duration;

use super::vm::Vm;
use crate::driver::request::*;
use crate::driver::{Domain, Jobs};
use crate::job::Job;
use crate::model::{ControlOp, DomainInfo, DomainRef, DomainState, JobState, Result, TypedParam};

impl Jobs for Vm {
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
        // In a child of the process that started it, the clock has to be told first.
        drop(self.lock());
        self.table.wait(name, states, timeout)
    }
}

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

    fn attach_device(&self, xml: &str, _flags: u32) -> Result<()> {
        self.attach(xml)
    }

    fn detach_device(&self, xml: &str, _flags: u32) -> Result<()> {
        self.detach(xml)
    }

    fn backup_begin(&self, backup_xml: &str, checkpoint_xml: Option<&str>, flags: u32) -> Result<String> {
        self.begin_backup(backup_xml, checkpoint_xml, flags)
    }

    fn backup_xml(&self) -> Result<String> {
        self.running_backup()
    }

    fn save(&self, request: &Save<'_>) -> Result<String> {
        Vm::save(self, request)
    }

    fn core_dump(&self, request: &CoreDump<'_>) -> Result<String> {
        self.dump(request)
    }

    fn migrate(&self, request: &Migrate<'_>) -> Result<String> {
        Vm::migrate(self, request)
    }

    fn migrate_set_max_speed(&self, mib_per_s: u64) -> Result<()> {
        self.set_migration_speed(mib_per_s)
    }

    fn migrate_get_max_speed(&self) -> Result<u64> {
        self.migration_speed()
    }

    /// Nothing in a simulated migration depends on it.
    fn migrate_set_max_downtime(&self, ms: u64) -> Result<()> {
        let mut vm = self.lock();
        vm.live()?;
        vm.inner.migration_downtime = ms;
        Ok(())
    }

    fn migrate_get_max_downtime(&self) -> Result<u64> {
        let mut vm = self.lock();
        vm.live()?;
        Ok(vm.inner.migration_downtime)
    }

    fn snapshot_create(&self, xml: &str, flags: u32) -> Result<(String, String)> {
        self.take_snapshot(xml, flags)
    }

    fn snapshot_names(&self) -> Result<Vec<String>> {
        Ok(self.lock().inner.snapshots.names())
    }

    fn snapshot_current(&self) -> Result<Option<String>> {
        Ok(self.lock().inner.snapshots.current())
    }

    fn snapshot_parent(&self, name: &str) -> Result<Option<String>> {
        self.lock().inner.snapshots.parent(name)
    }

    fn snapshot_xml(&self, name: &str) -> Result<String> {
        Vm::snapshot_xml(self, name)
    }

    fn snapshot_revert(&self, name: &str, flags: u32) -> Result<String> {
        self.revert(name, flags)
    }

    fn snapshot_delete(&self, name: &str, flags: u32) -> Result<String> {
        self.delete_snapshot(name, flags)
    }

    fn job_info(&self) -> Result<DomainJobInfo> {
        self.domain_job_info()
    }

    fn job_stats(&self, completed: bool, keep: bool) -> Result<(i32, Vec<TypedParam>)> {
        self.domain_job_stats(completed, keep)
    }

    fn abort_job(&self, flags: u32) -> Result<()> {
        self.abort_domain_job(flags)
    }
}
