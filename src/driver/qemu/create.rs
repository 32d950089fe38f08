//! Starting a domain.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::Arc;

use serde_json::json;

use super::attach::{attach, Prepare};
use super::domain::QemuDomain;
use super::hub::Hub;
use super::migration::incoming::waits_for_migration;
use super::records::Records;
use super::snapshots::Snapshots;
use super::{command_line, probe, process};
use crate::model::domain::reason;
use crate::model::event::{lifecycle, Payload};
use crate::model::{code, from, DomainState, Error, Result, Uuid};
use crate::xml::domain::DomainDef;

/// `VIR_DOMAIN_START_PAUSED`.
const START_PAUSED: u32 = 1 << 0;

/// What is special about a start.
#[derive(Default)]
pub(super) struct Launch<'a> {
    /// Arguments that are not part of the definition.
    pub arguments: &'a [&'a str],
    /// Whether the guest runs as soon as it can.
    pub unattended: bool,
    /// Called before QEMU is asked how it is, and before anybody else sees the domain.
    pub prepare: Option<Prepare<'a>>,
}

impl Hub {
    /// `virDomainCreateXML`: starts QEMU, paused; connects; lets it run.
    pub fn create(self: &Arc<Self>, xml: &str, flags: u32) -> Result<Arc<QemuDomain>> {
        let def = DomainDef::parse(xml)?;
        let (waits, paused) = (waits_for_migration(&def), flags & START_PAUSED != 0);
        // A guest that comes in runs, or does not, as it did where it was.
        let domain = self.launch(def, Launch { unattended: waits && !paused, ..Launch::default() })?;
        let begun = if waits {
            domain.emit(Payload::Lifecycle { event: lifecycle::STARTED, detail: lifecycle::STARTED_MIGRATED });
            Ok(())
        } else {
            domain.first_run(paused)
        };
        match begun {
            Ok(()) => Ok(domain),
            Err(error) => {
                let _ = domain.destroy(0);
                Err(error)
            }
        }
    }

    /// Starts QEMU and connects to it. Its guest does not run yet.
    pub(super) fn launch(self: &Arc<Self>, mut def: DomainDef, how: Launch<'_>) -> Result<Arc<QemuDomain>> {
        let dir = self.directory()?.to_owned();
        if def.uuid.is_none() {
            def.uuid = Some(random_uuid()?);
        }
        let _claim = self.claim(&def.name)?;
        self.scan()?;
        self.refuse_duplicates(&def).map_err(|error| error.raised_by(from::DOMAIN))?;
        for disk in &mut def.disks {
            probe::complete(disk)?;
        }
        let paths = command_line::VmPaths::new(&dir, &def.name)?;
        let mut command = command_line::build(&mut def, &paths)?;
        command.args.extend(how.arguments.iter().map(OsString::from));
        if how.unattended {
            command.args.retain(|argument| argument != "-S");
        }
        let pid = process::spawn(&command, &paths)?;
        // Only now: where two processes start the same domain, it is QEMU that lets one of them.
        let records = Records::of_domain(&dir, &def.name);
        Snapshots::load(records.directory(), def.uuid.unwrap_or(Uuid::NIL)).clear();
        let started = write_definition(&records, &def).and_then(|()| attach(self, &paths.socket, how.prepare));
        let domain = match started {
            Ok(domain) => domain,
            Err(error) => {
                let _ = process::terminate(pid);
                records.remove_all();
                paths.remove();
                return Err(error);
            }
        };
        domain.learn_machine();
        self.add(domain.clone());
        Ok(domain)
    }

    fn refuse_duplicates(&self, def: &DomainDef) -> Result<()> {
        for domain in self.all() {
            let alive = domain.alive.load(Ordering::Acquire);
            let same_uuid = def.uuid == Some(domain.me.uuid);
            if domain.me.name == def.name {
                // One that is kept for the sake of its records has no use for its name.
                if !same_uuid && alive {
                    return Err(Error::failed(format!("domain '{}' already exists with uuid {}", def.name, domain.me.uuid)));
                }
                if alive {
                    return Err(Error::invalid(format!("domain '{}' is already active", def.name)));
                }
            } else if same_uuid {
                return Err(Error::failed(format!("domain '{}' is already defined with uuid {}", domain.me.name, domain.me.uuid)));
            }
        }
        match self.refusal(&def.name) {
            Some(error) => Err(Error::new(
                code::OPERATION_INVALID,
                format!("the monitor of domain '{}' exists already: {}", def.name, error.message()),
            )),
            None => Ok(()),
        }
    }
}

impl QemuDomain {
    /// Names the very machine that runs, as libvirt does: what stands for the newest of its family today stands for another
    /// one tomorrow, and a saved guest can be brought back on its own alone.
    fn learn_machine(&self) {
        let Ok(kind) = self.call("qom-get", json!({ "path": "/machine", "property": "type" })) else { return };
        if let Some(machine) = kind.as_str().and_then(|kind| kind.strip_suffix("-machine")) {
            self.inner.lock().def.machine = Some(machine.to_owned());
            self.save_definition();
        }
    }

    /// Lets a domain that was started paused run, and tells the subscribers in libvirt's order.
    fn first_run(self: &Arc<Self>, stay_paused: bool) -> Result<()> {
        if stay_paused {
            self.inner.lock().enter(DomainState::Paused, reason::PAUSED_USER);
        } else {
            self.inner.lock().resume_reason = reason::RUNNING_BOOTED;
            self.call("cont", json!({}))?;
        }
        self.emit(Payload::Lifecycle { event: lifecycle::STARTED, detail: lifecycle::STARTED_BOOTED });
        if stay_paused {
            self.emit(Payload::Lifecycle { event: lifecycle::SUSPENDED, detail: lifecycle::SUSPENDED_PAUSED });
        }
        Ok(())
    }
}

/// Live XML, since it carries the numbers of the images. The process id is not read back.
fn write_definition(records: &Records, def: &DomainDef) -> Result<()> {
    let written = records.write_definition(|| def.format(Some(0)));
    written.map_err(|e| Error::system(format!("cannot write the definition of domain '{}'", def.name), &e))
}

fn random_uuid() -> Result<Uuid> {
    let mut bytes = [0u8; 16];
    let mut source = fs::File::open("/dev/urandom").map_err(|e| Error::system("cannot open /dev/urandom", &e))?;
    io::Read::read_exact(&mut source, &mut bytes).map_err(|e| Error::system("cannot read /dev/urandom", &e))?;
    Ok(Uuid::from_random(bytes))
}
