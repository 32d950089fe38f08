//! `virDomainCoreDump`: the guest's memory in a file, either by QEMU's own dump or as a migration to a file.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::course::verdict;
use super::file::Output;
use super::pump::Pump;
use super::{CRASH, MEMORY_ONLY, RESET};
use crate::driver::qemu::block::is_undecided;
use crate::driver::qemu::clock::now;
use crate::driver::qemu::domain::QemuDomain;
use crate::driver::request::CoreDump;
use crate::job::{JobConfig, Outcome, StartRequest};
use crate::model::{Error, JobType, Result};

/// `virDomainCoreDumpFlags`.
mod flag {
    pub const CRASH: u32 = 1 << 0;
    pub const LIVE: u32 = 1 << 1;
    pub const BYPASS_CACHE: u32 = 1 << 2;
    pub const RESET: u32 = 1 << 3;
    pub const MEMORY_ONLY: u32 = 1 << 4;
}

/// QEMU's names for `virDomainCoreDumpFormat`.
const FORMATS: [&str; 5] = ["elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp"];

impl QemuDomain {
    /// Writes the guest's memory to a file. Returns when that is done.
    pub(in crate::driver::qemu) fn core_dump(self: &Arc<Self>, request: &CoreDump<'_>) -> Result<String> {
        let name = self.embark(StartRequest::new(JobType::Dump, config_of(request)).with_flags(request.flags))?;
        let (mut file, pump) = match self.begin_dump(&name, request) {
            Ok(begun) => begun,
            Err(error) if self.is_left_alone(&name) => return Err(error),
            Err(error) => return Err(self.undo_start(&name, error)),
        };
        let outcome = match self.see_through(&name, pump).inspect_err(|_| file.leave())? {
            Outcome::Completed => file.finish().map_or_else(|error| self.spoil(&name, &error), |()| Outcome::Completed),
            outcome => {
                drop(file);
                outcome
            }
        };
        let followed = self.follow_up(&name, self.aftermath(&name, &outcome));
        verdict(JobType::Dump, &outcome)?;
        followed.map(|()| name)
    }

    fn begin_dump(self: &Arc<Self>, name: &str, request: &CoreDump<'_>) -> Result<(Output, Option<Pump>)> {
        let memory_only = request.flags & flag::MEMORY_ONLY != 0;
        // A migration to a file stops the guest at its end, and QEMU's own dump for as long as it takes.
        let runs = self.is_running();
        if runs && request.flags & flag::LIVE == 0 {
            self.pause_for_job(name)?;
        } else if runs {
            self.note_resume(name);
        }
        if !memory_only {
            if request.format != 0 {
                return Err(Error::unsupported("kdump-compressed format is only supported with memory-only dump"));
            }
            self.refuse_block_jobs()?;
        }
        let path = Path::new(request.file);
        let mut file = Output::create(path)?;
        if memory_only {
            self.require_format(format_of(request))?;
        }
        let pump = self.pass_file(name, path, file.fd(), request.flags & flag::BYPASS_CACHE != 0)?;
        let started = if memory_only { self.dump_memory(name, format_of(request)) } else { self.set_off_to_file(name) };
        match started {
            // There is no command that ends it: whenever QEMU comes to it, it writes the file and holds the guest.
            Err(error) if memory_only && is_undecided(&error) => {
                file.leave();
                return Err(error);
            }
            outcome => outcome.inspect_err(|_| self.take_back_file(name))?,
        }
        Ok((file, pump))
    }

    fn dump_memory(self: &Arc<Self>, name: &str, format: &str) -> Result<()> {
        let arguments = json!({ "paging": false, "protocol": format!("fd:{name}"), "detach": true, "format": format });
        let reset = self.between_resets()?;
        let answer = self.call("dump-guest-memory", arguments);
        drop(reset);
        match answer {
            Err(error) if !is_undecided(&error) => Err(error),
            answer => {
                self.update_jobs(|engine, out| engine.started(name, now(), out));
                answer.map(drop).inspect_err(|_| self.leave_alone(name))
            }
        }
    }

    fn require_format(&self, format: &str) -> Result<()> {
        let reply = self.call("query-dump-guest-memory-capability", json!({}))?;
        if reply["formats"].as_array().into_iter().flatten().any(|known| known == format) {
            return Ok(());
        }
        Err(Error::invalid_arg(format!("unsupported dumpformat '{format}' for this QEMU binary")))
    }
}

fn format_of(request: &CoreDump<'_>) -> &'static str {
    FORMATS.get(request.format as usize).copied().unwrap_or(FORMATS[0])
}

fn config_of(request: &CoreDump<'_>) -> JobConfig {
    let words = [
        (flag::CRASH, CRASH),
        (flag::LIVE, "live"),
        (flag::BYPASS_CACHE, "bypass-cache"),
        (flag::RESET, RESET),
        (flag::MEMORY_ONLY, MEMORY_ONLY),
    ];
    let options: Vec<String> = words.iter().filter(|(bit, _)| request.flags & bit != 0).map(|(_, word)| (*word).to_owned()).collect();
    let format = (request.flags & flag::MEMORY_ONLY != 0).then(|| format_of(request).to_owned());
    JobConfig { file: Some(request.file.to_owned()), format, options, ..JobConfig::default() }
}
