//! Block pull, copy and commit.

use super::chain::find_image;
use super::task::{Consequence, Mirroring, Plan, Task};
use super::vm::{Locked, Vm};
use crate::driver::request::{BlockCommit, BlockCopy, BlockPull, CopyDestination};
use crate::job::{DiskTarget, JobConfig, Outcome, StartRequest};
use crate::model::disk::{Disk, Image, ImageKind, Mirror, MirrorJob, MirrorReady};
use crate::model::flags::{commit, copy, rebase};
use crate::model::{code, Error, JobType, Result};
use crate::xml::domain::parse_disk;

/// What formatting a new image has to write.
pub(super) const HEADER_SIZE: u64 = 256 << 10;

/// The images of a simulated chain have absolute names.
const NO_RELATIVE: &str = "can't keep relative backing relationship";

/// A copy that has its name.
struct PreparedCopy {
    name: String,
    config: JobConfig,
    disk: Disk,
    /// What the disk goes on with after the pivot.
    chain: Vec<Image>,
}

impl Vm {
    pub fn pull(&self, request: &BlockPull<'_>) -> Result<String> {
        self.lock().start_pull(request)
    }

    pub fn copy(&self, request: &BlockCopy<'_>) -> Result<String> {
        let copy = self.lock().prepare_copy(request)?;
        let formatted = if request.flags & copy::REUSE_EXT == 0 { self.create_images(&copy.name, &copy.config) } else { Ok(()) };
        Ok(self.ready_to_begin(&copy.name, formatted)?.begin_copy(copy))
    }

    /// Runs the jobs that format the targets of another one, and waits for them.
    pub fn create_images(&self, parent: &str, config: &JobConfig) -> Result<()> {
        config.targets.iter().try_for_each(|target| self.create_image(parent, target))
    }

    fn create_image(&self, parent: &str, target: &DiskTarget) -> Result<()> {
        let mut vm = self.lock();
        let config = JobConfig {
            format: Some(target.format.clone()),
            size: Some(vm.inner.script.size_of(&target.disk)),
            targets: vec![target.clone()],
            parent: Some(parent.to_owned()),
            ..JobConfig::on_disk(&target.disk)
        };
        let plan = Plan::new(Task::new(JobType::BlockCreate, Consequence::Nothing), HEADER_SIZE);
        let name = vm.launch_awaited(StartRequest::new(JobType::BlockCreate, config), plan)?;
        drop(vm);
        match self.await_end(&name) {
            Outcome::Completed => Ok(()),
            Outcome::Aborted => Err(Error::new(code::OPERATION_ABORTED, format!("job '{name}' canceled by client"))),
            Outcome::Failed(why) => Err(Error::failed(format!("failed to format image: '{why}'"))),
        }
    }

    /// Takes the domain to begin a job whose name was reserved, or gives the name up.
    pub fn ready_to_begin(&self, name: &str, prepared: Result<()>) -> Result<Locked<'_>> {
        let mut vm = self.lock();
        if let Err(error) = prepared.and_then(|()| vm.live().map(drop)) {
            vm.change(|engine, now, out| engine.start_failed(name, &error.detail, now, out));
            return Err(error);
        }
        Ok(vm)
    }

    pub fn commit(&self, request: &BlockCommit<'_>) -> Result<String> {
        self.lock().start_commit(request)
    }
}

impl Locked<'_> {
    pub fn start_pull(&mut self, request: &BlockPull<'_>) -> Result<String> {
        if request.flags & rebase::RELATIVE != 0 && request.base.is_none() {
            return Err(Error::invalid_arg("flag VIR_DOMAIN_BLOCK_REBASE_RELATIVE is valid only with non-null base"));
        }
        let disk = self.disk(request.disk)?;
        let config = JobConfig { base: request.base.map(str::to_owned), bandwidth: request.bandwidth, ..JobConfig::on_disk(&disk.target) };
        let start = StartRequest::new(JobType::BlockPull, config).with_flags(request.flags);
        self.admit(&start)?;
        source_of(&disk)?;
        let keep = request.base.map(|base| find_image(&disk, base, 1)).transpose()?.unwrap_or(disk.chain.len());
        if request.flags & rebase::RELATIVE != 0 {
            return Err(Error::invalid(NO_RELATIVE));
        }
        let merge = Consequence::Merge { disk: disk.target.clone(), images: disk.chain[1..keep].to_vec() };
        let plan = self.plan_on(&disk, JobType::BlockPull, merge);
        self.launch(start, plan)
    }

    /// Starts a copy whose target needs no formatting.
    pub fn start_copy(&mut self, request: &BlockCopy<'_>) -> Result<String> {
        let copy = self.prepare_copy(request)?;
        Ok(self.begin_copy(copy))
    }

    fn begin_copy(&mut self, copy: PreparedCopy) -> String {
        let PreparedCopy { name, config, disk, chain } = copy;
        let switch = Consequence::Switch { disk: disk.target.clone(), chain: chain.clone() };
        let plan = self.plan_on(&disk, JobType::BlockCopy, switch);
        self.mirror(&name, &disk.target, MirrorJob::Copy, chain);
        self.begin(&name, &config, plan);
        name
    }

    /// Checks what was asked for and takes the copy's name. What is wrong is found in libvirt's order.
    fn prepare_copy(&mut self, request: &BlockCopy<'_>) -> Result<PreparedCopy> {
        let mut target = target_image(&request.destination)?;
        let disk = self.disk(request.disk)?;
        let config = JobConfig {
            bandwidth: request.bandwidth,
            options: words(
                request.flags,
                &[(copy::SHALLOW, "shallow"), (copy::REUSE_EXT, "reuse-external"), (copy::SYNCHRONOUS_WRITES, "synchronous-writes")],
            ),
            ..JobConfig::on_disk(&disk.target)
        };
        let mut start = StartRequest::new(JobType::BlockCopy, config).with_flags(request.flags);
        self.admit(&start)?;
        let source = source_of(&disk)?;
        let shallow = request.flags & copy::SHALLOW != 0 && disk.chain.len() > 1;
        check_target(&mut target, source, shallow)?;
        if self.live()?.disks.iter().any(|disk| disk.chain.iter().any(|image| image.path == target.path)) {
            return Err(Error::internal(format!("'{}' is in use by domain '{}'", target.path, self.vm.name)));
        }
        self.number(std::slice::from_mut(&mut target));
        start.config.targets.push(disk_target(&disk.target, &target));
        let config = start.config.clone();
        let name = self.reserve(start)?;
        let below = if shallow { &disk.chain[1..] } else { &[] };
        let chain = std::iter::once(target).chain(below.iter().cloned()).collect();
        Ok(PreparedCopy { name, config, disk, chain })
    }

    pub fn start_commit(&mut self, request: &BlockCommit<'_>) -> Result<String> {
        let disk = self.disk(request.disk)?;
        let (top, base) = commit_range(&disk, request)?;
        let path = |place: usize| disk.chain.get(place).map(|image| image.path.clone()).unwrap_or_default();
        let config = JobConfig {
            top: Some(request.top.map_or_else(|| path(top), str::to_owned)),
            base: Some(request.base.map_or_else(|| path(base), str::to_owned)),
            bandwidth: request.bandwidth,
            options: words(request.flags, &[(commit::SHALLOW, "shallow"), (commit::DELETE, "delete"), (commit::RELATIVE, "relative")]),
            ..JobConfig::on_disk(&disk.target)
        };
        let kind = if top == 0 { JobType::BlockCommitActive } else { JobType::BlockCommit };
        let start = StartRequest::new(kind, config.clone()).with_flags(request.flags);
        self.admit(&start)?;
        check_commit(&disk, request, top, base)?;
        let target = disk.target.clone();
        if top > 0 {
            let merge = Consequence::Merge { disk: target, images: disk.chain[top..base].to_vec() };
            let plan = self.plan_on(&disk, kind, merge);
            return self.launch(start, plan);
        }
        let chain = disk.chain[base..].to_vec();
        let switch = Consequence::Switch { disk: target.clone(), chain: chain.clone() };
        let plan = self.plan_on(&disk, kind, switch);
        let name = self.reserve(start)?;
        self.mirror(&name, &target, MirrorJob::ActiveCommit, chain);
        self.begin(&name, &config, plan);
        Ok(name)
    }

    /// A job that goes over the whole of one disk.
    pub fn plan_on(&self, disk: &Disk, kind: JobType, consequence: Consequence) -> Plan {
        let size = self.inner.script.size_of(&disk.target);
        let mut task = Task::new(kind, consequence);
        task.disks = vec![(disk.target.clone(), size)];
        Plan::new(task, size)
    }

    fn mirror(&mut self, job: &str, disk: &str, kind: MirrorJob, chain: Vec<Image>) {
        let mirror = Mirror { job: kind, ready: MirrorReady::No, chain };
        self.inner.mirrors.push(Mirroring { job: job.to_owned(), disk: disk.to_owned(), mirror });
    }
}

/// What a job's configuration says of an image that it writes.
pub(super) fn disk_target(disk: &str, image: &Image) -> DiskTarget {
    let (path, format, kind) = (image.path.clone(), image.format.clone(), image.kind.as_str().to_owned());
    DiskTarget { disk: disk.to_owned(), path, format, kind, index: image.index }
}

/// What the guest writes to.
fn source_of(disk: &Disk) -> Result<&Image> {
    disk.source().ok_or_else(|| Error::internal(format!("disk '{}' has no source file to be copied or pulled into", disk.target)))
}

/// Where a copy is to be written to.
fn target_image(destination: &CopyDestination<'_>) -> Result<Image> {
    match *destination {
        CopyDestination::Path { path, raw, block } => Ok(Image {
            kind: if block { ImageKind::Block } else { ImageKind::File },
            path: path.to_owned(),
            format: if raw { "raw".to_owned() } else { String::new() },
            index: 0,
        }),
        CopyDestination::Xml(xml) => {
            let disk = parse_disk(xml)?;
            disk.chain.into_iter().next().ok_or_else(|| Error::invalid_arg("the destination has no source"))
        }
    }
}

fn check_target(target: &mut Image, source: &Image, shallow: bool) -> Result<()> {
    if target.kind != ImageKind::Network && !target.path.starts_with('/') {
        return Err(Error::invalid_arg("absolute path must be used as block copy target"));
    }
    if target.format.is_empty() {
        target.format.clone_from(&source.format);
    }
    if shallow && target.format == "raw" {
        return Err(Error::config("a shallow copy into a raw image cannot keep what is below"));
    }
    Ok(())
}

/// The places of the images that a commit merges (from the first to above the second) and merges into (the second).
fn commit_range(disk: &Disk, request: &BlockCommit<'_>) -> Result<(usize, usize)> {
    if disk.chain.is_empty() {
        return Err(Error::invalid_arg(format!("could not find base image in chain for '{}'", disk.target)));
    }
    let top = request.top.map(|top| find_image(disk, top, 0)).transpose()?.unwrap_or(0);
    let base = match request.base {
        Some(base) => find_image(disk, base, top + 1)?,
        None if request.flags & commit::SHALLOW != 0 => top + 1,
        None => disk.chain.len() - 1,
    };
    Ok((top, base))
}

/// The rules on a commit that libvirt looks at once it has seen that the disk is free.
fn check_commit(disk: &Disk, request: &BlockCommit<'_>, top: usize, base: usize) -> Result<()> {
    let path = |place: usize| disk.chain[place].path.as_str();
    let active = request.flags & commit::ACTIVE != 0;
    if top == 0 && !active {
        return Err(Error::invalid_arg(format!("commit of '{}' active layer requires active flag", disk.target)));
    }
    if top > 0 && active {
        return Err(Error::invalid_arg(format!("active commit requested but '{}' is not active", path(top))));
    }
    if top + 1 >= disk.chain.len() {
        return Err(Error::invalid_arg(format!("top '{}' in chain for '{}' has no backing file", path(top), request.disk)));
    }
    if request.flags & commit::SHALLOW != 0 && base != top + 1 {
        let detail = format!("base '{}' is not immediately below '{}' in chain for '{}'", path(base), path(top), request.disk);
        return Err(Error::invalid_arg(detail));
    }
    if request.flags & commit::RELATIVE != 0 {
        return Err(Error::invalid(NO_RELATIVE));
    }
    Ok(())
}

/// The words for the flags that are set.
pub(super) fn words(flags: u32, table: &[(u32, &str)]) -> Vec<String> {
    table.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, word)| (*word).to_owned()).collect()
}
