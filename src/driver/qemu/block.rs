//! Starting block jobs: pull, copy and commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{json, Map, Value};

use super::clock::now;
use super::disks::{position_in_chain, relative_name, Link, MirrorLinks, QemuDisk};
use super::domain::QemuDomain;
use super::monitor::Monitor;
use crate::driver::request::*;
use crate::job::{Engine, JobConfig, StartRequest};
use crate::model::disk::{ImageKind, MirrorJob, MirrorReady};
use crate::model::flags::{commit, rebase};
use crate::model::{code, Error, JobType, Result};
use crate::qmp::CallError;

/// How long QEMU may take to let go of a job that failed to start.
const RELEASE_PATIENCE: Duration = Duration::from_secs(5);

/// How a job command names an image.
enum Naming {
    Node(String),
    /// QEMU finds it by the name under which it was opened: all that is known of images that somebody else opened.
    File(String),
}

impl Naming {
    fn of(link: &Link) -> Naming {
        match &link.node {
            Some(node) => Naming::Node(node.clone()),
            None => Naming::File(link.known_as.clone()),
        }
    }

    fn put(self, arguments: &mut Map<String, Value>, key: &str) {
        match self {
            Naming::Node(node) => arguments.insert(format!("{key}-node"), node.into()),
            Naming::File(path) => arguments.insert(key.to_owned(), path.into()),
        };
    }
}

impl QemuDomain {
    /// `virDomainBlockPull`, and `virDomainBlockRebase` without COPY.
    pub(super) fn block_pull(self: &Arc<Self>, request: &BlockPull<'_>) -> Result<String> {
        self.require_alive()?;
        self.await_images()?;
        let _modify = self.changing_disks()?;
        let disk = self.inner.lock().disks.find(request.disk)?.clone();
        let mut config = JobConfig { bandwidth: request.bandwidth, ..JobConfig::on_disk(&disk.front.target) };
        self.refuse_if_busy(JobType::BlockPull, &config, request.flags)?;
        let base = request.base.map(|name| base_of_pull(&disk, name)).transpose()?;
        config.base = base.map(|at| position_name(&disk, at));
        let mut arguments = job_arguments(disk.root()?, request.bandwidth);
        if let Some(at) = base {
            Naming::of(&disk.links[at]).put(&mut arguments, "base");
            if request.flags & rebase::RELATIVE != 0 {
                arguments.insert("backing-file".to_owned(), relative_name(&disk, 0, at)?.into());
            }
        }
        self.start(StartRequest::new(JobType::BlockPull, config).with_flags(request.flags), "block-stream", arguments)
    }

    /// `virDomainBlockCommit`.
    pub(super) fn block_commit(self: &Arc<Self>, request: &BlockCommit<'_>) -> Result<String> {
        self.require_alive()?;
        self.await_images()?;
        let _modify = self.changing_disks()?;
        let disk = self.inner.lock().disks.find(request.disk)?.clone();
        let target = disk.front.target.clone();
        let (top, base) = range_of_commit(&disk, request)?;
        self.refuse_if_busy(JobType::BlockCommit, &JobConfig::on_disk(&target), request.flags)?;
        check_active(&disk, top, request.flags)?;
        let kind = if top == 0 { JobType::BlockCommitActive } else { JobType::BlockCommit };
        let mut config = JobConfig { bandwidth: request.bandwidth, ..JobConfig::on_disk(&target) };
        config.top = Some(position_name(&disk, top));
        config.base = Some(position_name(&disk, base));
        if request.flags & commit::DELETE != 0 {
            config.options.push("delete".to_owned());
            let merged = disk.links[top..base].iter().filter(|link| link.ours && link.image.kind == ImageKind::File);
            config.removes = merged.map(|link| link.image.path.clone()).collect();
        }
        let mut arguments = job_arguments(disk.root()?, request.bandwidth);
        Naming::of(&disk.links[top]).put(&mut arguments, "top");
        Naming::of(&disk.links[base]).put(&mut arguments, "base");
        if request.flags & commit::RELATIVE != 0 && top > 0 {
            arguments.insert("backing-file".to_owned(), relative_name(&disk, top - 1, base)?.into());
        }
        let start = StartRequest::new(kind, config).with_flags(request.flags);
        if kind == JobType::BlockCommit {
            return self.start(start, "block-commit", arguments);
        }
        let mirror = disk.links[base..].to_vec();
        self.start_mirror(start, MirrorJob::ActiveCommit, mirror, "block-commit", arguments)
    }

    /// libvirt looks for the job in the way before it looks at the other arguments.
    pub(super) fn refuse_if_busy(&self, kind: JobType, config: &JobConfig, flags: u32) -> Result<()> {
        let request = StartRequest::new(kind, config.clone()).with_flags(flags);
        self.table.read(|engine| engine.admits(&request))
    }

    /// Reserves a name, sends the command, and says under which name the job runs.
    fn start(self: &Arc<Self>, request: StartRequest, command: &str, arguments: Map<String, Value>) -> Result<String> {
        let name = self.reserve_block_job(request)?;
        self.launch(&name, command, arguments)?;
        Ok(name)
    }

    /// The same for a job that mirrors the disk, so that the XML shows the mirror from the start.
    pub(super) fn start_mirror(
        self: &Arc<Self>,
        request: StartRequest,
        job: MirrorJob,
        links: Vec<Link>,
        command: &str,
        arguments: Map<String, Value>,
    ) -> Result<String> {
        let target = request.config.disks.first().cloned().unwrap_or_default();
        let name = self.reserve_block_job(request)?;
        self.add_mirror(&target, &name, job, links);
        if let Err(error) = self.launch(&name, command, arguments) {
            if is_undecided(&error) {
                return Err(error);
            }
            self.remove_mirror(&name);
            // That wrote the definition again, perhaps after the end of the domain.
            self.forget_if_empty();
            return Err(error);
        }
        Ok(name)
    }

    pub(super) fn add_mirror(&self, target: &str, owner: &str, job: MirrorJob, links: Vec<Link>) {
        if let Some(disk) = self.inner.lock().disks.get_mut(target) {
            disk.mirrors.push(MirrorLinks { owner: owner.to_owned(), job, ready: MirrorReady::No, links });
        }
        self.save_definition();
    }

    pub(super) fn remove_mirror(&self, owner: &str) {
        for disk in &mut self.inner.lock().disks.list {
            disk.mirrors.retain(|mirror| mirror.owner != owner);
        }
        self.save_definition();
    }

    /// Sends the command that starts a reserved job.
    ///
    /// # Errors
    /// What QEMU says. Where [`is_undecided`], the job may come to run yet and is left what it needs.
    pub(super) fn launch(self: &Arc<Self>, name: &str, command: &str, mut arguments: Map<String, Value>) -> Result<()> {
        arguments.insert("job-id".to_owned(), name.into());
        match self.call(command, Value::Object(arguments)) {
            Ok(_) => {
                self.update_jobs(|engine, out| engine.started(name, now(), out));
                Ok(())
            }
            Err(error) if is_undecided(&error) => {
                self.await_verdict(name.to_owned());
                Err(error)
            }
            Err(error) => {
                self.start_failed(name, &error);
                Err(error)
            }
        }
    }

    /// Asks whether a job runs whose start was not answered in time. QEMU answers in order, so the answer to this question
    /// tells, whenever it comes. Until then the job keeps its name and its place.
    pub(super) fn await_verdict(self: &Arc<Self>, name: String) {
        let (domain, asked, of) = (Arc::downgrade(self), self.table.read(Engine::moment), name.clone());
        let on_reply = move |_: &Monitor, reply: std::result::Result<Value, CallError>| {
            let Some(domain) = domain.upgrade() else { return };
            match reply {
                Err(CallError::Timeout { .. }) => return domain.await_verdict(of),
                Ok(reply) => domain.take_listing(asked, &reply),
                Err(_) => {}
            }
            domain.verdict(&of);
        };
        let posted = self.monitor().and_then(|monitor| monitor.post("query-jobs", json!({}), Box::new(on_reply)));
        if posted.is_err() {
            self.verdict(&name);
        }
    }

    fn verdict(self: &Arc<Self>, name: &str) {
        let runs = self.update_jobs(|engine, out| {
            let runs = engine.get(name).is_some();
            if runs {
                engine.started(name, now(), out);
            } else {
                engine.start_failed(name, "it was never started", now(), out);
            }
            runs
        });
        if runs {
            return;
        }
        self.drop_backup(name);
        let orphans = self.inner.lock().disks.keep_mirrors(|owner| owner != name);
        if let Some(orphans) = orphans {
            self.remove_nodes(&orphans);
            self.save_definition();
        }
        self.forget_if_empty();
    }

    /// A reserved job does not come to run. If its domain has ended meanwhile, that may have been all there was left of it.
    pub(super) fn start_failed(self: &Arc<Self>, name: &str, why: &Error) {
        self.update_jobs(|engine, out| engine.start_failed(name, &why.message(), now(), out));
        // One that QEMU had shown is released first, so that it is in nobody's way when the caller tries again.
        let deadline = Instant::now() + RELEASE_PATIENCE;
        self.table.wait_until(deadline, |engine| engine.get(name).is_none_or(|job| job.state().is_final()));
        self.forget_if_empty();
    }
}

/// Whether an error leaves open if the command has been carried out, or will be.
pub(super) fn is_undecided(error: &Error) -> bool {
    error.code == code::OPERATION_TIMEOUT
}

/// What all block job commands take. QEMU keeps the outcome until we have it on record.
pub(super) fn job_arguments(device: &str, bandwidth: u64) -> Map<String, Value> {
    let Value::Object(mut arguments) = json!({ "device": device, "auto-finalize": true, "auto-dismiss": false }) else { return Map::new() };
    if bandwidth > 0 {
        arguments.insert("speed".to_owned(), bandwidth.into());
    }
    arguments
}

/// `vda` for the active image, `vda[N]` for one below.
fn position_name(disk: &QemuDisk, at: usize) -> String {
    match at {
        0 => disk.front.target.clone(),
        _ => format!("{}[{}]", disk.front.target, disk.links[at].image.index),
    }
}

/// What a pull keeps must be below the active image.
fn base_of_pull(disk: &QemuDisk, name: &str) -> Result<usize> {
    match position_in_chain(disk, name)? {
        0 => Err(Error::invalid_arg(format!("could not find base '{name}' below '{}' in chain", disk.source_path()))),
        at => Ok(at),
    }
}

/// The active image is merged only by those who say that they mean it.
fn check_active(disk: &QemuDisk, top: usize, flags: u32) -> Result<()> {
    if top == 0 && flags & commit::ACTIVE == 0 {
        return Err(Error::invalid_arg(format!("commit of '{}' active layer requires active flag", disk.front.target)));
    }
    if top != 0 && flags & commit::ACTIVE != 0 {
        return Err(Error::invalid_arg(format!("active commit requested but '{}' is not active", disk.links[top].image.path)));
    }
    Ok(())
}

/// The images between which a commit merges, as positions in the chain.
fn range_of_commit(disk: &QemuDisk, request: &BlockCommit<'_>) -> Result<(usize, usize)> {
    let path = disk.source_path();
    let top = match request.top {
        None => 0,
        Some(name) if name == disk.front.target => 0,
        Some(name) => position_in_chain(disk, name)?,
    };
    let last = disk.links.len().saturating_sub(1);
    if top >= last {
        return Err(Error::invalid_arg(format!(
            "top '{}' in chain for '{path}' has no backing file",
            disk.links.get(top).map_or("", |l| &l.image.path)
        )));
    }
    let base = match request.base {
        None if request.flags & commit::SHALLOW != 0 => top + 1,
        None => last,
        Some(name) => position_in_chain(disk, name)?,
    };
    if base <= top {
        let name = request.base.unwrap_or("(default)");
        return Err(Error::invalid_arg(format!(
            "could not find base '{name}' below '{}' in chain for '{path}'",
            disk.links[top].image.path
        )));
    }
    if request.flags & commit::SHALLOW != 0 && base != top + 1 {
        return Err(Error::invalid_arg(format!(
            "base '{}' is not immediately below '{}' in chain for '{path}'",
            disk.links[base].image.path, disk.links[top].image.path
        )));
    }
    Ok((top, base))
}
