//! `virDomainMigrateToURI` and its siblings, straight from QEMU to QEMU.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{json, Map};

use super::course::{verdict, UNLIMITED};
use super::turns::held_by;
use super::MEMORY_ONLY;
use crate::driver::qemu::clock::now;
use crate::driver::qemu::domain::{QemuDomain, TURN};
use crate::driver::qemu::translate::number;
use crate::driver::request::Migrate;
use crate::job::{Effect, Engine, Job, JobConfig, Origin, StartRequest};
use crate::model::{code, Error, JobType, Result, TypedParam};

/// `virDomainMigrateFlags` that mean something between two QEMUs.
mod flag {
    pub const LIVE: u32 = 1 << 0;
    pub const PAUSED: u32 = 1 << 5;
    pub const COMPRESSED: u32 = 1 << 11;
    pub const AUTO_CONVERGE: u32 = 1 << 13;
}

/// What flags ask for that this driver cannot do. UNDEFINE_SOURCE, CHANGE_PROTECTION and UNSAFE are not among them: there is
/// no configuration to remove or to protect, and nothing is refused as unsafe.
const UNSUPPORTED: [(u32, &str); 11] = [
    (1 << 2, "tunnelled migration"),
    (1 << 3, "making the domain persistent at the destination"),
    (1 << 6 | 1 << 7, "migration of storage"),
    (1 << 12, "aborting a migration on I/O errors"),
    (1 << 14, "pinning memory for RDMA"),
    (1 << 15, "post-copy migration"),
    (1 << 16, "encryption of the migration"),
    (1 << 17, "migration over several connections"),
    (1 << 18, "migration of storage"),
    (1 << 19, "post-copy migration"),
    (1 << 20, "zero-copy migration"),
];

/// How long the guest may stop, in milliseconds, that need not run during its migration. QEMU hears nothing meanwhile, so it
/// must be less than the time after which a monitor counts as stuck.
const LONG_STOP: u64 = 10_000;

impl QemuDomain {
    /// Moves the guest to a QEMU that waits for it. Returns when it has gone there, or goes on here.
    pub(in crate::driver::qemu) fn migrate(self: &Arc<Self>, request: &Migrate<'_>) -> Result<String> {
        self.require_alive()?;
        check_uri(request.uri)?;
        self.check_request(request)?;
        let bandwidth = match request.bandwidth {
            0 => self.inner.lock().migrations.speed,
            mib => mib.saturating_mul(1 << 20),
        };
        let words =
            [(flag::LIVE, "live"), (flag::PAUSED, "paused"), (flag::COMPRESSED, "compressed"), (flag::AUTO_CONVERGE, "auto-converge")];
        let options = words.iter().filter(|(bit, _)| request.flags & bit != 0).map(|(_, word)| (*word).to_owned()).collect();
        let config = JobConfig { uri: Some(request.uri.to_owned()), bandwidth, options, ..JobConfig::default() };
        let name = self.embark(StartRequest::new(JobType::Migration, config).with_flags(request.flags))?;
        if let Err(error) = self.set_off_for(&name, request, bandwidth) {
            return Err(self.undo_start(&name, error));
        }
        let outcome = self.await_outcome(&name)?;
        let followed = self.follow_up(&name, self.aftermath(&name, &outcome));
        verdict(JobType::Migration, &outcome)?;
        followed.map(|()| name)
    }

    fn set_off_for(self: &Arc<Self>, name: &str, request: &Migrate<'_>, bandwidth: u64) -> Result<()> {
        self.refuse_block_jobs()?;
        let live = request.flags & flag::LIVE != 0;
        // A guest that is stopped arrives stopped, so one that is not to stay so must run until the end.
        if request.flags & flag::PAUSED != 0 && self.is_running() {
            self.pause_for_job(name)?;
        }
        let mut parameters = Map::new();
        parameters.insert("max-bandwidth".to_owned(), if bandwidth == 0 { UNLIMITED } else { bandwidth }.into());
        if !live {
            parameters.insert("downtime-limit".to_owned(), LONG_STOP.into());
        }
        let converge = !live || request.flags & flag::AUTO_CONVERGE != 0;
        let capabilities = [("auto-converge", converge), ("xbzrle", request.flags & flag::COMPRESSED != 0)];
        self.set_off(name, request.uri, &capabilities, parameters)
    }

    /// # Errors
    /// `ARGUMENT_UNSUPPORTED` for what a direct migration cannot do.
    fn check_request(&self, request: &Migrate<'_>) -> Result<()> {
        let refuse = |what: &str| Err(Error::new(code::ARGUMENT_UNSUPPORTED, format!("{what} is not supported by a direct migration")));
        if let Some((_, what)) = UNSUPPORTED.iter().find(|(bits, _)| request.flags & bits != 0) {
            return refuse(what);
        }
        if request.xml.is_some() {
            return refuse("another description of the domain");
        }
        let own_name = TypedParam::string("destination_name", &self.me.name);
        match request.params.iter().find(|param| **param != own_name) {
            Some(param) => refuse(&format!("parameter '{}'", param.field)),
            None => Ok(()),
        }
    }

    /// libvirt saves, dumps to a stream and migrates no domain that has block jobs. QEMU may not survive it, whoever started
    /// them. To be called when the name of the job is taken: block jobs that come later are refused by then.
    pub(super) fn refuse_block_jobs(&self) -> Result<()> {
        let busy = self.table.read(|engine| engine.unfinished().find(|job| job.kind().is_block()).map(|job| job.name().to_owned()));
        busy.map_or(Ok(()), |name| Err(Error::invalid(format!("domain has active block job '{name}'"))))
    }

    /// The same for block jobs that are to be started: waits for the end of what is not to be disturbed, like libvirt for half a
    /// minute at most.
    ///
    /// # Errors
    /// As those of [`reserve_block_job`](Self::reserve_block_job).
    pub(in crate::driver::qemu) fn await_images(&self) -> Result<()> {
        let at_hand = |engine: &Engine| mover(engine).is_none_or(|job| job.origin() == Origin::Foreign);
        self.table.wait_until(Instant::now() + TURN, at_hand);
        self.require_alive()?;
        self.table.read(refuse_beside_mover)
    }

    /// Takes a name for a block job, unless QEMU is about to give its images away.
    ///
    /// # Errors
    /// libvirt's code for the job in the way; `OPERATION_TIMEOUT` if that moves the guest.
    pub(in crate::driver::qemu) fn reserve_block_job(self: &Arc<Self>, request: StartRequest) -> Result<String> {
        let reserve = |engine: &mut Engine, out: &mut Vec<Effect>| {
            refuse_beside_mover(engine)?;
            engine.reserve(request, now(), out)
        };
        Ok(self.update_jobs(reserve)?.name)
    }
}

/// The job at whose end QEMU gives the images away.
fn mover(engine: &Engine) -> Option<&Job> {
    engine.unfinished().find(|job| match job.kind() {
        JobType::Migration | JobType::Save => true,
        JobType::Dump => !job.config().has_option(MEMORY_ONLY),
        _ => false,
    })
}

fn refuse_beside_mover(engine: &Engine) -> Result<()> {
    mover(engine).map_or(Ok(()), |job| Err(held_by(&Error::invalid(format!("another job is active: '{}'", job.name())))))
}

impl QemuDomain {
    /// The limit of the migration that is going on, and of those to come.
    pub(in crate::driver::qemu) fn set_migration_speed(self: &Arc<Self>, mib_per_s: u64) -> Result<()> {
        self.require_alive()?;
        let bytes = mib_per_s.saturating_mul(1 << 20);
        let course = self.inner.lock().migrations.course.clone().filter(|course| course.kind == JobType::Migration);
        if let Some(course) = course {
            self.call("migrate-set-parameters", json!({ "max-bandwidth": if bytes == 0 { UNLIMITED } else { bytes } }))?;
            self.update_jobs(|engine, _| engine.speed_set(&course.job, bytes));
        }
        self.inner.lock().migrations.speed = bytes;
        Ok(())
    }

    /// In MiB per second; where there is no limit, the largest that can be said, as in libvirt.
    pub(in crate::driver::qemu) fn migration_speed(&self) -> Result<u64> {
        self.require_alive()?;
        let bytes = self.inner.lock().migrations.speed;
        Ok(if bytes == 0 { UNLIMITED } else { bytes } >> 20)
    }

    /// No migration that this driver starts can be switched to post-copy.
    pub(in crate::driver::qemu) fn start_postcopy(&self) -> Result<()> {
        self.require_alive()?;
        let migrating = self.inner.lock().migrations.course.as_ref().is_some_and(|course| course.kind == JobType::Migration);
        Err(Error::invalid(match migrating {
            true => "switching to post-copy requires migration to be started with VIR_MIGRATE_POSTCOPY flag",
            false => "post-copy can only be started while outgoing migration is in progress",
        }))
    }

    /// How long the guest may stop, in milliseconds.
    pub(in crate::driver::qemu) fn set_migration_downtime(&self, ms: u64) -> Result<()> {
        self.require_alive()?;
        self.call("migrate-set-parameters", json!({ "downtime-limit": ms })).map(drop)
    }

    pub(in crate::driver::qemu) fn migration_downtime(&self) -> Result<u64> {
        self.require_alive()?;
        Ok(number(&self.call("query-migrate-parameters", json!({}))?, "downtime-limit"))
    }
}

fn check_uri(uri: &str) -> Result<()> {
    if uri.split_once(':').is_some_and(|(scheme, rest)| matches!(scheme, "tcp" | "unix") && !rest.is_empty()) {
        return Ok(());
    }
    Err(Error::invalid_arg(format!("migration URI '{uri}' is not of the form tcp:HOST:PORT or unix:PATH")))
}
