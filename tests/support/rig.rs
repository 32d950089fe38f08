//! A QEMU without a guest that somebody else started, with a second monitor, and our own connection through a go-between.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use virt_jobs::driver::request::*;
use virt_jobs::driver::{qemu, Connection, Domain, Key};
use virt_jobs::event::Subscriptions;
use virt_jobs::model::{Error, JobState, JobType};

use super::{emulator, make_chain, Notes, Other, Proxy, Qemu};

/// The path of the disk's device in QEMU.
pub const DISK: &str = "/machine/peripheral/disk0";

pub struct Rig {
    pub client: Client,
    pub other: Other,
    /// Before `qemu`, so that its end is not taken for QEMU's.
    pub proxy: Proxy,
    /// The images of `sda`, base first; their nodes are `node0` and so on. There is one more, `spare`, that is no disk's.
    pub chain: Vec<PathBuf>,
    pub qemu: Qemu,
    pub dir: tempfile::TempDir,
}

/// One connection of ours, with its domain `vm`.
#[derive(Clone)]
pub struct Client {
    pub domain: Arc<dyn Domain>,
    pub connection: Arc<dyn Connection>,
    pub events: Arc<Subscriptions>,
    pub notes: Notes,
}

impl Client {
    pub fn open(path: &Path) -> Client {
        let events = Arc::new(Subscriptions::new());
        let notes = Notes::subscribe(&events);
        let connection = qemu::open(path, events.clone()).unwrap();
        let domain = connection.domain(&connection.lookup(Key::Name("vm")).unwrap()).unwrap();
        Client { domain, connection, events, notes }
    }

    pub fn wait_for(&self, line: &str) {
        self.notes.wait_for(&self.events, line);
    }

    /// All that was told so far.
    pub fn told(&self) -> Vec<String> {
        self.events.flush();
        self.notes.all()
    }

    /// The states that were told of a job, in order.
    pub fn states(&self, name: &str) -> Vec<String> {
        let prefix = format!("{name} ");
        let of_job = |line: String| Some(line.strip_prefix(&prefix)?.rsplit(' ').next()?.to_owned());
        self.told().into_iter().filter_map(of_job).collect()
    }

    /// Waits for a job to be in one of these states, or to have ended.
    pub fn wait(&self, name: &str, states: &[JobState]) -> JobState {
        let mask = states.iter().map(|s| 1 << *s as u32).sum();
        let reached = self.domain.wait_job(name, mask, Some(super::unhurried(Duration::from_secs(30)))).unwrap();
        reached.unwrap_or_else(|| panic!("{name} is neither {states:?} nor over: {:?} {:?}", self.jobs(), self.told()))
    }

    pub fn end(&self, name: &str) -> JobState {
        self.wait(name, &[])
    }

    pub fn jobs(&self) -> Vec<(String, JobType, JobState)> {
        let mut jobs = Vec::new();
        self.domain.list_jobs(ListFilter(0), &mut |job| jobs.push((job.name().to_owned(), job.kind(), job.state()))).unwrap();
        jobs
    }

    pub fn try_copy(&self, disk: &str, path: &Path, bandwidth: u64, flags: u32) -> Result<String, Error> {
        let destination = CopyDestination::Path { path: path.to_str().unwrap(), raw: false, block: false };
        self.domain.block_copy(&BlockCopy { disk, destination, bandwidth, granularity: 0, buf_size: 0, flags })
    }

    pub fn copy(&self, disk: &str, path: &Path, bandwidth: u64, flags: u32) -> String {
        self.try_copy(disk, path, bandwidth, flags).unwrap()
    }

    pub fn pull(&self, disk: &str, base: Option<&str>, bandwidth: u64, flags: u32) -> String {
        self.domain.block_pull(&BlockPull { disk, base, bandwidth, flags }).unwrap()
    }

    pub fn try_commit(&self, disk: &str, top: Option<&str>, base: Option<&str>, bandwidth: u64, flags: u32) -> Result<String, Error> {
        self.domain.block_commit(&BlockCommit { disk, base, top, bandwidth, flags })
    }
}

impl Rig {
    /// `sda` with this chain, base first.
    pub fn new(images: &[&str]) -> Option<Rig> {
        Rig::sized(images, 24)
    }

    pub fn sized(images: &[&str], mib: u64) -> Option<Rig> {
        let emulator = emulator()?;
        let dir = tempfile::tempdir().unwrap();
        let chain = make_chain(dir.path(), images, mib);
        std::fs::create_dir(dir.path().join("vms")).unwrap();
        let qemu = start(&emulator, dir.path(), &chain);
        let proxy = Proxy::start(&dir.path().join("vms/vm.qmp"), &dir.path().join("first.sock"));
        let other = Other::connect(&dir.path().join("other.sock"));
        let client = Client::open(&dir.path().join("vms"));
        Some(Rig { client, other, proxy, chain, qemu, dir })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The directory that our connections open.
    pub fn vms(&self) -> PathBuf {
        self.path("vms")
    }

    /// The same client again, as after a crash: nothing of the first is left.
    pub fn reopen(self) -> Rig {
        let Rig { client, other, proxy, chain, qemu, dir } = self;
        drop(client);
        let client = Client::open(&dir.path().join("vms"));
        Rig { client, other, proxy, chain, qemu, dir }
    }

    /// A new image that another client's job may write.
    pub fn add_target(&mut self, node: &str, mib: u64) -> PathBuf {
        let path = self.path(&format!("{node}.qcow2"));
        super::run("qemu-img", &["create", "-q", "-f", "qcow2", path.to_str().unwrap(), &format!("{mib}M")]);
        self.other.add_image(node, &path);
        path
    }

    /// Starts a backup of the spare image as another client.
    pub fn start_backup(&mut self, id: &str, node: &str, bytes_per_s: u64, dismiss: bool) {
        self.other.run(
            "blockdev-backup",
            json!({ "job-id": id, "device": "spare", "target": node, "sync": "full", "speed": bytes_per_s, "auto-dismiss": dismiss }),
        );
    }
}

fn start(emulator: &str, dir: &Path, chain: &[PathBuf]) -> Qemu {
    let mut arguments: Vec<String> = vec!["-qmp".into(), format!("unix:{}/other.sock,server=on,wait=off", dir.display())];
    for (n, path) in chain.iter().enumerate() {
        let below = n.checked_sub(1).map(|below| format!("node{below}"));
        let file = json!({ "driver": "file", "filename": path, "auto-read-only": true });
        let read_only = n + 1 < chain.len();
        let node = json!({ "driver": "qcow2", "node-name": format!("node{n}"), "read-only": read_only, "backing": below, "file": file });
        arguments.extend(["-blockdev".into(), node.to_string()]);
    }
    let spare = make_chain(dir, &["spare"], 24).remove(0);
    let file = json!({ "driver": "file", "filename": spare });
    arguments.extend(["-blockdev".into(), json!({ "driver": "qcow2", "node-name": "spare", "file": file }).to_string()]);
    let device = format!("scsi-hd,id=disk0,drive=node{}", chain.len() - 1);
    arguments.extend(["-device".into(), "virtio-scsi-pci".into(), "-device".into(), device]);
    Qemu::start_without_guest(emulator, &dir.join("first.sock"), &arguments.iter().map(String::as_str).collect::<Vec<_>>())
}
