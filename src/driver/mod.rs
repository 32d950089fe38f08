//! What a hypervisor driver is: one trait for a connection, one for a domain, and what the drivers share.
//!
//! Drivers turn their hypervisor's language into [`crate::job::Observation`]s and carry out the engine's answers;
//! every rule about names, states and events is the engine's. Calls arrive with their flags and arguments checked
//! against the interface (`capi` does that once for all drivers).

pub mod backup;
pub mod clock;
mod condvar;
pub mod older;
pub mod overlay;
pub mod qemu;
mod question;
pub mod request;
pub mod table;
pub mod test;
pub mod threads;
pub mod translate;
pub mod uri;

use std::sync::Arc;
use std::time::Duration;

use crate::job::Job;
use crate::model::{ControlOp, DomainInfo, DomainRef, DomainState, Error, JobState, Result, TypedParam, Uuid};
use request::*;

/// How a domain is looked up.
#[derive(Clone, Copy, Debug)]
pub enum Key<'a> {
    Name(&'a str),
    Uuid(Uuid),
    Id(i32),
}

/// A domain in a listing.
#[derive(Clone, Debug)]
pub struct DomainSummary {
    pub domain: DomainRef,
    pub state: DomainState,
    pub persistent: bool,
}

/// An open connection. Dropping it closes it.
pub trait Connection: Send + Sync {
    /// `virConnectGetType`.
    fn type_name(&self) -> &'static str;
    /// `virErrorDomain` of the errors that its calls raise.
    fn error_domain(&self) -> i32;
    /// The canonical URI, as `virConnectGetURI` returns it.
    fn uri(&self) -> String;
    /// The hypervisor's version as major * 1,000,000 + minor * 1,000 + micro.
    fn version(&self) -> Result<u64>;
    fn is_alive(&self) -> bool {
        true
    }
    /// `virConnectGetCapabilities`: what is known without asking anybody, unless the driver knows more.
    fn capabilities(&self) -> Result<String> {
        let arch = std::env::consts::ARCH;
        Ok(format!("<capabilities>\n\n  <host>\n    <cpu>\n      <arch>{arch}</arch>\n    </cpu>\n  </host>\n\n</capabilities>\n"))
    }
    /// All domains, running or not.
    fn domains(&self) -> Result<Vec<DomainSummary>>;
    /// Brings the figures of all jobs up to date, for who is about to list them with statistics: the domains are asked side
    /// by side, and one that does not answer keeps what was last heard of its jobs. `false` if that is left to
    /// [`list_jobs`](Jobs::list_jobs).
    fn refresh_all(&self) -> bool {
        false
    }
    /// # Errors
    /// `NO_DOMAIN` with a message that names the key.
    fn lookup(&self, key: Key<'_>) -> Result<DomainRef>;
    /// The domain behind a handle.
    ///
    /// # Errors
    /// `NO_DOMAIN` if it is gone.
    fn domain(&self, domain: &DomainRef) -> Result<Arc<dyn Domain>>;
    /// Starts a domain that lives until it is destroyed or shuts down.
    fn create_xml(&self, _xml: &str, _flags: u32) -> Result<DomainRef> {
        Err(Error::no_support("virDomainCreateXML"))
    }
    /// Returns when the guest is back: the domain and the name of the job.
    fn restore(&self, _request: &Restore<'_>) -> Result<(Uuid, String)> {
        Err(Error::no_support("virDomainRestore"))
    }
    /// The domain in a save image.
    fn save_image_xml(&self, _file: &str) -> Result<String> {
        Err(Error::no_support("virDomainSaveImageGetXMLDesc"))
    }
    /// `flags`: RUNNING, PAUSED or neither.
    fn define_save_image_xml(&self, _file: &str, _xml: &str, _flags: u32) -> Result<()> {
        Err(Error::no_support("virDomainSaveImageDefineXML"))
    }
}

/// The jobs of one domain.
pub trait Jobs: Send + Sync {
    /// Calls `sink` for each job that `filter` selects, oldest first. Never asks a monitor unless the filter wants statistics.
    fn list_jobs(&self, filter: ListFilter, sink: &mut dyn FnMut(&Job)) -> Result<()>;
    /// The job's XML document.
    fn job_xml(&self, name: &str, with_stats: bool) -> Result<String>;
    fn control_job(&self, name: &str, op: ControlOp) -> Result<()>;
    /// Changes a job's limit in bytes per second; 0 lifts it.
    fn set_job_speed(&self, name: &str, bytes_per_s: u64) -> Result<()>;
    /// Waits until the job is in one of `states` (bits of `1 << state`) or has ended. `None` when the time is over.
    fn wait_job(&self, name: &str, states: u32, timeout: Option<Duration>) -> Result<Option<JobState>>;
}

/// One domain of a connection.
pub trait Domain: Jobs {
    fn identity(&self) -> DomainRef;
    /// The state and its reason (`model::domain::reason`).
    fn state(&self) -> Result<(DomainState, i32)>;
    fn info(&self) -> Result<DomainInfo>;
    fn xml(&self, flags: u32) -> Result<String>;
    fn is_active(&self) -> bool;
    fn is_persistent(&self) -> bool;

    /// Starts a defined, inactive domain.
    fn start(&self, _flags: u32) -> Result<()> {
        Err(Error::no_support("virDomainCreate"))
    }
    fn suspend(&self) -> Result<()>;
    fn resume(&self) -> Result<()>;
    fn shutdown(&self, flags: u32) -> Result<()>;
    fn reset(&self) -> Result<()> {
        Err(Error::no_support("virDomainReset"))
    }
    fn reboot(&self, _flags: u32) -> Result<()> {
        Err(Error::no_support("virDomainReboot"))
    }
    fn destroy(&self, flags: u32) -> Result<()>;
    fn attach_device(&self, _xml: &str, _flags: u32) -> Result<()> {
        Err(Error::no_support("virDomainAttachDeviceFlags"))
    }
    fn detach_device(&self, _xml: &str, _flags: u32) -> Result<()> {
        Err(Error::no_support("virDomainDetachDeviceFlags"))
    }

    /// Whether libvirt's rules let a block job start on a disk; asked where another argument is known to be wrong already,
    /// since libvirt finds the job in the way first.
    fn refuse_if_busy(&self, _disk: &str) -> Result<()> {
        Ok(())
    }
    /// The calls that start a job return its name.
    fn block_pull(&self, _request: &BlockPull<'_>) -> Result<String> {
        Err(Error::no_support("virDomainBlockPull"))
    }
    fn block_copy(&self, _request: &BlockCopy<'_>) -> Result<String> {
        Err(Error::no_support("virDomainBlockCopy"))
    }
    fn block_commit(&self, _request: &BlockCommit<'_>) -> Result<String> {
        Err(Error::no_support("virDomainBlockCommit"))
    }
    fn backup_begin(&self, _backup_xml: &str, _checkpoint_xml: Option<&str>, _flags: u32) -> Result<String> {
        Err(Error::no_support("virDomainBackupBegin"))
    }
    fn backup_xml(&self) -> Result<String> {
        Err(Error::no_support("virDomainBackupGetXMLDesc"))
    }
    /// Save, dump and migration return when the job has ended.
    fn save(&self, _request: &Save<'_>) -> Result<String> {
        Err(Error::no_support("virDomainSave"))
    }
    fn core_dump(&self, _request: &CoreDump<'_>) -> Result<String> {
        Err(Error::no_support("virDomainCoreDump"))
    }
    fn migrate(&self, _request: &Migrate<'_>) -> Result<String> {
        Err(Error::no_support("virDomainMigrateToURI3"))
    }
    fn migrate_set_max_speed(&self, _mib_per_s: u64) -> Result<()> {
        Err(Error::no_support("virDomainMigrateSetMaxSpeed"))
    }
    fn migrate_set_max_downtime(&self, _ms: u64) -> Result<()> {
        Err(Error::no_support("virDomainMigrateSetMaxDowntime"))
    }
    /// In MiB per second.
    fn migrate_get_max_speed(&self) -> Result<u64> {
        Err(Error::no_support("virDomainMigrateGetMaxSpeed"))
    }
    fn migrate_get_max_downtime(&self) -> Result<u64> {
        Err(Error::no_support("virDomainMigrateGetMaxDowntime"))
    }
    fn migrate_start_postcopy(&self) -> Result<()> {
        Err(Error::no_support("virDomainMigrateStartPostCopy"))
    }
    /// Takes a snapshot; returns its name and that of the job.
    fn snapshot_create(&self, _xml: &str, _flags: u32) -> Result<(String, String)> {
        Err(Error::no_support("virDomainSnapshotCreateXML"))
    }
    fn snapshot_names(&self) -> Result<Vec<String>> {
        Err(Error::no_support("virDomainListAllSnapshots"))
    }
    /// The name of the current snapshot, if there is one.
    fn snapshot_current(&self) -> Result<Option<String>> {
        Err(Error::no_support("virDomainSnapshotCurrent"))
    }
    /// The name of the snapshot that another is based on, if there is one.
    fn snapshot_parent(&self, _name: &str) -> Result<Option<String>> {
        Err(Error::no_support("virDomainSnapshotGetParent"))
    }
    fn snapshot_xml(&self, _name: &str) -> Result<String> {
        Err(Error::no_support("virDomainSnapshotGetXMLDesc"))
    }
    fn snapshot_revert(&self, _name: &str, _flags: u32) -> Result<String> {
        Err(Error::no_support("virDomainRevertToSnapshot"))
    }
    fn snapshot_delete(&self, _name: &str, _flags: u32) -> Result<String> {
        Err(Error::no_support("virDomainSnapshotDelete"))
    }

    /// Sizes of a disk, by `<target dev>` or source path.
    fn block_info(&self, _disk: &str) -> Result<BlockInfo> {
        Err(Error::no_support("virDomainGetBlockInfo"))
    }
    /// What the older API says of the job on a disk; `None` if there is none.
    fn block_job_info(&self, _disk: &str) -> Result<Option<BlockJobInfo>> {
        Err(Error::no_support("virDomainGetBlockJobInfo"))
    }
    fn block_job_abort(&self, _disk: &str, _pivot: bool, _wait: bool) -> Result<()> {
        Err(Error::no_support("virDomainBlockJobAbort"))
    }
    fn block_job_set_speed(&self, _disk: &str, _bytes_per_s: u64) -> Result<()> {
        Err(Error::no_support("virDomainBlockJobSetSpeed"))
    }
    /// `virDomainGetJobInfo`'s view of the domain job.
    fn job_info(&self) -> Result<DomainJobInfo> {
        Err(Error::no_support("virDomainGetJobInfo"))
    }
    /// `virDomainGetJobStats`: the `virDomainJobType` of the older API and its parameters.
    fn job_stats(&self, _completed: bool, _keep: bool) -> Result<(i32, Vec<TypedParam>)> {
        Err(Error::no_support("virDomainGetJobStats"))
    }
    fn abort_job(&self, _flags: u32) -> Result<()> {
        Err(Error::no_support("virDomainAbortJob"))
    }
}
