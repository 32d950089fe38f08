//! Bringing a saved domain back.
//!
//! QEMU reads the image by a descriptor of ours, from where its stream begins. Both descriptors have one offset, so how far
//! QEMU has come is known without asking it, which would have to wait: it answers now and then only while it reads.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::course::PATIENCE;
use super::direct::DirectCopy;
use super::save_image::{rewrite, Reader};
use super::{Aftermath, Course, RESUME};
use crate::driver::older::operation_name;
use crate::driver::qemu::clock::now;
use crate::driver::qemu::create::Launch;
use crate::driver::qemu::domain::QemuDomain;
use crate::driver::qemu::hub::Hub;
use crate::driver::request::Restore;
use crate::job::{Engine, HypStatus, JobConfig, MigrationStats, Observation, Outcome, Progress, StartRequest};
use crate::model::domain::reason;
use crate::model::event::{lifecycle, Payload};
use crate::model::{code, DomainState, Error, JobType, Result, Uuid};
use crate::xml::domain::DomainDef;

/// `virDomainSaveRestoreFlags`.
const BYPASS_CACHE: u32 = 1 << 0;
const RUNNING: u32 = 1 << 1;
const PAUSED: u32 = 1 << 2;
const RESET_NVRAM: u32 = 1 << 3;

/// What QEMU calls the descriptor that it is given.
const DESCRIPTOR: &str = "save-image";

/// How far an image has been read.
#[derive(Debug)]
pub(in crate::driver::qemu) struct Source {
    /// Where QEMU's stream begins and ends in the file.
    begin: u64,
    end: u64,
    position: Position,
}

#[derive(Debug)]
enum Position {
    /// The offset of the file that QEMU reads itself.
    Offset(File),
    /// What was passed on to it.
    Passed(Arc<AtomicU64>),
}

impl Source {
    fn progress(&self) -> Progress {
        let position = match &self.position {
            Position::Offset(file) => std::io::Seek::stream_position(&mut &*file).unwrap_or(self.begin),
            Position::Passed(bytes) => self.begin + bytes.load(Ordering::Relaxed),
        };
        let end = self.end.saturating_sub(self.begin);
        Progress { current: position.saturating_sub(self.begin).min(end), end, speed: None }
    }
}

impl Hub {
    /// `virDomainRestoreFlags`: starts a QEMU and has it read the image. Returns when the guest is back.
    pub fn restore(self: &Arc<Self>, request: &Restore<'_>) -> Result<(Uuid, String)> {
        if request.flags & RESET_NVRAM != 0 {
            return Err(Error::unsupported("domains have no NVRAM here that could be reset"));
        }
        let image = Reader::open(Path::new(request.file))?;
        let def = definition(&image, request.xml)?;
        let run = request.flags & RUNNING != 0 || image.running && request.flags & PAUSED == 0;
        let direct = if request.flags & BYPASS_CACHE != 0 { Some(DirectCopy::open(Path::new(request.file))?) } else { None };
        let mut config = JobConfig { file: Some(request.file.to_owned()), ..JobConfig::default() };
        config.options.extend(direct.as_ref().map(|_| "bypass-cache".to_owned()));
        config.options.extend(run.then(|| RESUME.to_owned()));
        let start = StartRequest::new(JobType::Restore, config).with_flags(request.flags);
        let mut begun: Option<(Arc<QemuDomain>, Result<String>)> = None;
        let prepare = |domain: &Arc<QemuDomain>| begun = Some((domain.clone(), domain.announce_restore(start)));
        let how = Launch { arguments: &["-incoming", "defer"], prepare: Some(Box::new(prepare)), ..Launch::default() };
        let launched = self.launch(def, how);
        let Some((domain, named)) = begun else {
            return Err(launched.map_or_else(|error| error, |_| Error::internal("the domain came without its job")));
        };
        let name = match (launched, named) {
            (Ok(_), Ok(name)) => name,
            (Err(error), Ok(name)) => {
                domain.fail_to_embark(&name, &error);
                return Err(error);
            }
            (_, Err(error)) => {
                let _ = domain.leave_for(reason::SHUTOFF_FAILED, lifecycle::STOPPED_FAILED);
                return Err(error);
            }
        };
        domain.bring_back(&name, &image, direct, run).map(|()| (domain.me.uuid, name))
    }
}

/// The domain in an image, as another description of it wants it.
fn definition(image: &Reader, other: Option<&str>) -> Result<DomainDef> {
    let def = DomainDef::parse(&image.xml)?;
    match other {
        Some(xml) => def.replaced_by(DomainDef::parse(xml)?),
        None => Ok(def),
    }
}

/// `virDomainSaveImageGetXMLDesc`.
///
/// # Errors
/// As those of a restore from the file.
pub(in crate::driver::qemu) fn image_xml(path: &Path) -> Result<String> {
    Ok(definition(&Reader::open(path)?, None)?.format(None))
}

/// `virDomainSaveImageDefineXML`.
///
/// # Errors
/// As those of a restore from the file with that XML; `OPERATION_FAILED` if the file has no room for it.
pub(in crate::driver::qemu) fn define_image_xml(path: &Path, xml: &str, flags: u32) -> Result<()> {
    let def = definition(&Reader::open(path)?, Some(xml))?;
    let running = if flags & (RUNNING | PAUSED) == 0 { None } else { Some(flags & RUNNING != 0) };
    rewrite(path, &def.format(None), running)
}

impl QemuDomain {
    /// The job is there before anybody sees the domain.
    fn announce_restore(self: &Arc<Self>, start: StartRequest) -> Result<String> {
        self.inner.lock().unborn = true;
        let name = self.embark(start)?;
        self.update_jobs(|engine, out| engine.started(&name, now(), out));
        Ok(name)
    }

    /// Has the image read, and the guest go on; failing that, nothing is left of the domain.
    fn bring_back(self: &Arc<Self>, name: &str, image: &Reader, direct: Option<DirectCopy>, run: bool) -> Result<()> {
        let loaded = self.read_image(image, direct).and_then(|()| self.await_load(name));
        let begun = loaded.and_then(|lost| if lost.is_none() { self.appear(run).map(|()| None) } else { Ok(lost) });
        let ended = || self.monitor().is_ok_and(|monitor| monitor.is_closed());
        let (outcome, error) = match begun {
            Ok(lost) => (lost.unwrap_or(Outcome::Completed), None),
            // What the end of QEMU means is known better than what it did to the call that was under way.
            Err(error) => match self.table.wait_for_outcome(name, if ended() { PATIENCE } else { Duration::ZERO }) {
                Ok(Some(outcome)) => (outcome, None),
                _ => (Outcome::Failed(error.message()), Some(error)),
            },
        };
        self.inner.lock().migrations.source = None;
        let id = || name.to_owned();
        self.report(name, vec![Observation::Outcome { id: id(), kind: None, outcome: outcome.clone() }]);
        self.report(name, vec![Observation::Status { id: id(), status: HypStatus::Null }]);
        if outcome == Outcome::Completed {
            self.arrive(name);
            return Ok(());
        }
        let _ = self.follow_up(name, Aftermath::Leave(reason::SHUTOFF_FAILED, lifecycle::STOPPED_FAILED));
        Err(match outcome {
            Outcome::Failed(why) => error.unwrap_or_else(|| Error::internal(why)),
            _ => Error::new(code::OPERATION_ABORTED, format!("job '{}' canceled by client", operation_name(JobType::Restore))),
        })
    }

    fn read_image(&self, image: &Reader, direct: Option<DirectCopy>) -> Result<()> {
        self.call("migrate-set-capabilities", json!({ "capabilities": [{ "capability": "events", "state": true }] }))?;
        let Some(direct) = direct else {
            self.begin_reading(
                Source { begin: image.stream_begin(), end: image.stream_end(), position: Position::Offset(image.duplicate()?) },
                image.fd(),
            )?;
            return Ok(());
        };
        let passed = Arc::new(AtomicU64::new(0));
        let source = Source { begin: image.stream_begin(), end: image.stream_end(), position: Position::Passed(passed.clone()) };
        let (ours, theirs) = UnixStream::pair().map_err(|why| Error::system("cannot make a pair of sockets", &why))?;
        self.begin_reading(source, theirs.as_fd())?;
        drop(theirs);
        direct.pass_on(image.stream_begin(), &ours, &passed)
    }

    fn begin_reading(&self, source: Source, from: BorrowedFd<'_>) -> Result<()> {
        self.inner.lock().migrations.source = Some(source);
        self.monitor()?.call_with_fd("getfd", json!({ "fdname": DESCRIPTOR }), from)?;
        self.call("migrate-incoming", json!({ "uri": format!("fd:{DESCRIPTOR}") })).map(drop)
    }

    /// QEMU says that the image has been read.
    pub(super) fn loaded(&self, course: &Course) {
        if let Some(now) = self.inner.lock().migrations.course.as_mut().filter(|now| now.job == course.job && !now.aborted) {
            now.loaded = true;
        }
        self.table.wake();
    }

    /// Waits until the image has been read, or never will be: then the outcome says why.
    fn await_load(self: &Arc<Self>, name: &str) -> Result<Option<Outcome>> {
        let is_loaded = || self.inner.lock().migrations.course.as_ref().is_some_and(|course| course.job == name && course.loaded);
        let known = |engine: &Engine| is_loaded() || engine.get(name).is_none_or(|job| job.outcome().is_some());
        loop {
            if self.table.wait_until(Instant::now() + PATIENCE, known) {
                return if is_loaded() { Ok(None) } else { self.table.wait_for_outcome(name, PATIENCE) };
            }
            // Finds out if QEMU's word on the end was missed. One that is busy with the image may not answer in time.
            let before = self.image_position();
            match self.refresh_course() {
                Err(error) if error.code == code::OPERATION_TIMEOUT && self.image_position() == before => return Err(error),
                _ => {}
            }
        }
    }

    /// The guest is there: tells so in libvirt's order.
    fn appear(self: &Arc<Self>, run: bool) -> Result<()> {
        {
            let mut inner = self.inner.lock();
            inner.unborn = false;
            inner.expects_migration = false;
            inner.resume_reason = if run { reason::RUNNING_RESTORED } else { reason::RUNNING_UNPAUSED };
            inner.enter(DomainState::Paused, reason::PAUSED_MIGRATION);
        }
        self.emit(Payload::Lifecycle { event: lifecycle::STARTED, detail: lifecycle::STARTED_RESTORED });
        if run {
            return self.call("cont", json!({})).map(drop);
        }
        self.emit(Payload::Lifecycle { event: lifecycle::SUSPENDED, detail: lifecycle::SUSPENDED_RESTORED });
        Ok(())
    }

    fn image_position(&self) -> Option<u64> {
        self.inner.lock().migrations.source.as_ref().map(|source| source.progress().current)
    }

    /// What is known of a restore without asking QEMU.
    pub(super) fn restore_figures(&self, id: &str) -> Vec<Observation> {
        let inner = self.inner.lock();
        let Some(source) = &inner.migrations.source else { return Vec::new() };
        let progress = source.progress();
        let stats = MigrationStats {
            memory_total: inner.def.memory_kib.saturating_mul(1024),
            memory_processed: progress.current,
            memory_remaining: progress.end - progress.current,
            ..MigrationStats::default()
        };
        vec![Observation::Migration { id: id.to_owned(), stats }, Observation::Progress { id: id.to_owned(), progress }]
    }
}
