//! `virDomainSave` and its siblings: a migration to a file, after which the domain is gone.

use std::path::Path;
use std::sync::Arc;

use serde_json::{json, Map, Value};

use super::course::{verdict, UNLIMITED};
use super::pump::Pump;
use super::save_image::{self, Writer};
use crate::driver::qemu::domain::QemuDomain;
use crate::driver::request::Save;
use crate::job::{JobConfig, Outcome, StartRequest};
use crate::model::{JobType, Result};
use crate::xml::domain::DomainDef;

/// `virDomainSaveRestoreFlags`.
mod flag {
    pub const BYPASS_CACHE: u32 = 1 << 0;
    pub const RUNNING: u32 = 1 << 1;
    pub const PAUSED: u32 = 1 << 2;
}

impl QemuDomain {
    /// Writes the guest to a file and ends its QEMU. Returns when that is done, or the guest goes on.
    pub(in crate::driver::qemu) fn save(self: &Arc<Self>, request: &Save<'_>) -> Result<String> {
        let words = [(flag::BYPASS_CACHE, "bypass-cache"), (flag::RUNNING, "running"), (flag::PAUSED, "paused")];
        let options = words.iter().filter(|(bit, _)| request.flags & bit != 0).map(|(_, word)| (*word).to_owned()).collect();
        let config = JobConfig { file: Some(request.file.to_owned()), options, ..JobConfig::default() };
        let name = self.embark(StartRequest::new(JobType::Save, config).with_flags(request.flags))?;
        let (mut image, pump) = match self.begin_save(&name, request) {
            Ok(begun) => begun,
            Err(error) => return Err(self.undo_start(&name, error)),
        };
        let named = image.sync_name();
        let outcome = match self.see_through(&name, pump).inspect_err(|_| image.leave())? {
            Outcome::Completed => {
                named.and_then(|()| image.finish()).map_or_else(|error| self.spoil(&name, &error), |()| Outcome::Completed)
            }
            outcome => {
                drop(image);
                outcome
            }
        };
        let followed = self.follow_up(&name, self.aftermath(&name, &outcome));
        verdict(JobType::Save, &outcome)?;
        followed.map(|()| name)
    }

    fn begin_save(self: &Arc<Self>, name: &str, request: &Save<'_>) -> Result<(Writer, Option<Pump>)> {
        self.refuse_block_jobs()?;
        let ran = self.is_running();
        if ran {
            self.pause_for_job(name)?;
        }
        let running = match request.flags & (flag::RUNNING | flag::PAUSED) {
            flag::RUNNING => true,
            flag::PAUSED => false,
            _ => ran,
        };
        let path = Path::new(request.file);
        let image = Writer::create(path, &self.description_in_image(request.xml)?, running)?;
        let pump = self.pass_file(name, path, image.fd(), request.flags & flag::BYPASS_CACHE != 0)?;
        self.set_off_to_file(name).inspect_err(|_| self.take_back_file(name))?;
        Ok((image, pump))
    }

    /// Starts the migration to the file that QEMU was handed.
    pub(super) fn set_off_to_file(self: &Arc<Self>, name: &str) -> Result<()> {
        let mut parameters = Map::<String, Value>::new();
        parameters.insert("max-bandwidth".to_owned(), json!(UNLIMITED));
        self.set_off(name, &format!("fd:{name}"), &[("auto-converge", false)], parameters)
    }

    /// What is done about the image of a save whose caller is gone.
    pub(super) fn close_image(self: &Arc<Self>, name: &str, config: &JobConfig, outcome: Outcome) -> Outcome {
        let Some(path) = config.file.as_deref().map(Path::new) else { return outcome };
        if outcome != Outcome::Completed {
            save_image::discard_begun(path);
            return outcome;
        }
        save_image::finish_begun(path).map_or_else(|error| self.spoil(name, &error), |()| Outcome::Completed)
    }

    /// How the file is to describe the domain.
    fn description_in_image(&self, other: Option<&str>) -> Result<String> {
        let def = self.live_definition();
        let Some(xml) = other else { return Ok(def.format(Some(self.me.id))) };
        Ok(def.replaced_by(DomainDef::parse(xml)?)?.format(Some(self.me.id)))
    }
}
