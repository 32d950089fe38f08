//! A campaign: QEMU is killed at any moment of a job.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::campaign::*;
use support::vm::*;
use support::*;
use virt_jobs::driver::request::*;
use virt_jobs::driver::{qemu, Connection, Domain, Key};
use virt_jobs::event::Subscriptions;
use virt_jobs::model::flags::{commit, JOB_START_PERSIST};
use virt_jobs::model::{ControlOp, Error, JobState, Uuid};

const PAUSED: u32 = 1;
/// `VIR_DUMP_MEMORY_ONLY`.
const MEMORY_ONLY: u32 = 1 << 4;
/// What a call may take that meets the death of its QEMU. None waits for a monitor that is gone.
const LIMIT: Duration = Duration::from_secs(10);
const READY: u32 = 1 << JobState::Ready as u32;
const SNAPSHOT: &str = "<domainsnapshot><name>s</name></domainsnapshot>";

/// What is done when QEMU is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Work {
    Pull,
    Copy,
    /// As far as the two images that a copy needs.
    Creation,
    Commit,
    ActiveCommit,
    Backup,
    Snapshot,
    Revert,
    Deletion,
    Save,
    Restore,
    Dump,
    Migration,
    MigrationIn,
}

const WORKS: &[Work] = &[
    Work::Pull,
    Work::Copy,
    Work::Creation,
    Work::Commit,
    Work::ActiveCommit,
    Work::Backup,
    Work::Snapshot,
    Work::Revert,
    Work::Deletion,
    Work::Save,
    Work::Restore,
    Work::Dump,
    Work::Migration,
    Work::MigrationIn,
];

/// One client and the domains that it starts one after the other, always under the same name.
struct Field {
    connection: Arc<dyn Connection>,
    events: Arc<Subscriptions>,
    chronicle: Chronicle,
    xml: String,
    original: PathBuf,
    templates: Vec<PathBuf>,
    chain: Vec<PathBuf>,
    /// What a guest like those of this field sends when it migrates.
    stream: Vec<u8>,
    _reaper: Reaper,
    dir: tempfile::TempDir,
}

impl Field {
    fn new() -> Option<Field> {
        let emulator = emulator()?;
        let dir = tempfile::tempdir().unwrap();
        let (vms, images) = (dir.path().join("vms"), dir.path().join("templates"));
        fs::create_dir(&vms).unwrap();
        fs::create_dir(&images).unwrap();
        let chain: Vec<PathBuf> = ["base", "low", "high", "top"].iter().map(|name| dir.path().join(format!("{name}.qcow2"))).collect();
        // They name each other by their paths, so they are made where they will be used.
        let made = make_chain(dir.path(), &["base", "low", "high", "top"], 8);
        let templates: Vec<PathBuf> = made.iter().map(|path| images.join(path.file_name().unwrap())).collect();
        made.iter().zip(&templates).for_each(|(from, to)| assert!(fs::copy(from, to).is_ok()));
        let original = dir.path().join("original.raw");
        run("qemu-img", &["convert", "-O", "raw", chain[3].to_str().unwrap(), original.to_str().unwrap()]);
        let events = Arc::new(Subscriptions::new());
        let chronicle = Chronicle::subscribe(&events);
        let connection = qemu::open(&vms, events.clone()).unwrap();
        let xml = domain_xml(&emulator, &vms, "vm", &[disk_xml("vda", "virtio", &chain[3])]);
        let sink = UnixListener::bind(dir.path().join("sink")).unwrap();
        std::thread::spawn(move || {
            for guest in sink.incoming() {
                let _ = std::io::copy(&mut guest.unwrap(), &mut std::io::sink());
            }
        });
        let (stream, _reaper) = (Vec::new(), Reaper(vms));
        let mut field = Field { connection, events, chronicle, xml, original, templates, chain, stream, _reaper, dir };
        field.stream = field.record();
        Some(field)
    }

    /// The stream of a migration.
    fn record(&self) -> Vec<u8> {
        let domain = self.begin(Work::Migration);
        let path = self.dir.path().join("recorder");
        let recorder = UnixListener::bind(&path).unwrap();
        let recording = std::thread::spawn(move || {
            let mut stream = Vec::new();
            recorder.accept().unwrap().0.read_to_end(&mut stream).unwrap();
            stream
        });
        let uri = format!("unix:{}", path.display());
        domain.migrate(&Migrate { uri: &uri, bandwidth: 0, xml: None, flags: 0, params: Vec::new() }).unwrap();
        let _ = domain.destroy(0);
        wait_until("the guest that was recorded is gone", || self.is_tidy());
        recording.join().unwrap()
    }

    fn is_tidy(&self) -> bool {
        self.connection.domains().unwrap().is_empty() && self.records().is_empty()
    }

    /// The chain as it was at first, and a domain on it.
    fn begin(&self, what: Work) -> Arc<dyn Domain> {
        self.templates.iter().zip(&self.chain).for_each(|(from, to)| assert!(fs::copy(from, to).is_ok()));
        let _ = fs::remove_file(self.target());
        let waits = format!("<qemu:arg value='-incoming'/><qemu:arg value='unix:{}'/><qemu:arg", self.gate().display());
        let (xml, flags) = match what {
            Work::MigrationIn => (self.xml.replacen("<qemu:arg", &waits, 1), 0),
            _ => (self.xml.clone(), PAUSED),
        };
        self.connection.domain(&self.connection.create_xml(&xml, flags).unwrap()).unwrap()
    }

    /// What must have been done before the work can begin.
    fn prepare(&self, domain: &Arc<dyn Domain>, what: Work) {
        match what {
            Work::Revert | Work::Deletion => drop(domain.snapshot_create(SNAPSHOT, 0).unwrap()),
            Work::Restore => drop(domain.save(&Save { file: self.target().to_str().unwrap(), xml: None, flags: 0 }).unwrap()),
            _ => {}
        }
    }

    /// Sends a guest in. `slow`: the half of it, and nothing more for longer than anybody waits.
    fn send_in(&self, slow: bool) {
        let Ok(mut gate) = UnixStream::connect(self.gate()) else { return };
        let most = if slow { self.stream.len() / 2 } else { self.stream.len() };
        for part in self.stream[..most].chunks(self.stream.len() / 20) {
            if gate.write_all(part).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        // Until it is gone.
        let _ = gate.set_read_timeout(Some(LIMIT));
        let _ = gate.read(&mut [0]);
    }

    /// Where guests come in.
    fn gate(&self) -> PathBuf {
        self.dir.path().join("gate")
    }

    fn target(&self) -> PathBuf {
        self.dir.path().join("copy.qcow2")
    }

    /// A socket that takes in whatever guest is sent there.
    fn sink(&self) -> PathBuf {
        self.dir.path().join("sink")
    }

    fn records(&self) -> Vec<String> {
        let all = fs::read_dir(self.dir.path().join("vms")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        all.filter(|name| !name.ends_with(".log") && !name.ends_with(".old")).collect()
    }
}

/// Starts a job and sees it through to its end, as far as that goes; whether it got there. `slow`: it does not.
fn work(field: &Field, domain: &Arc<dyn Domain>, what: Work, slow: bool, flags: u32) -> Result<bool, Error> {
    let name = begin(field, domain, what, slow, flags)?;
    let mut end = domain.wait_job(&name, READY, Some(LIMIT));
    if end == Ok(Some(JobState::Ready)) {
        domain.job_xml(&name, true)?;
        domain.control_job(&name, if slow { ControlOp::Abort } else { ControlOp::Finalize })?;
        end = domain.wait_job(&name, 0, Some(LIMIT));
    }
    // One that is not kept may have left the list before it was waited for.
    Ok(end.map_or_else(|_| domain.is_active(), |state| state != Some(JobState::Failed)))
}

/// Starts a job; returns its name.
fn begin(field: &Field, domain: &Arc<dyn Domain>, what: Work, slow: bool, flags: u32) -> Result<String, Error> {
    let bandwidth = if slow { 1 << 16 } else { 0 };
    let path = |at: usize| field.chain[at].to_str();
    let target = field.target();
    let file = target.to_str().unwrap();
    match what {
        Work::Pull => domain.block_pull(&BlockPull { disk: "vda", base: None, bandwidth, flags }),
        Work::Copy | Work::Creation => {
            let destination = CopyDestination::Path { path: file, raw: false, block: false };
            domain.block_copy(&BlockCopy { disk: "vda", destination, bandwidth, granularity: 0, buf_size: 0, flags })
        }
        Work::Commit => domain.block_commit(&BlockCommit { disk: "vda", base: path(1), top: path(2), bandwidth, flags }),
        Work::ActiveCommit => {
            domain.block_commit(&BlockCommit { disk: "vda", base: None, top: None, bandwidth, flags: flags | commit::ACTIVE })
        }
        Work::Backup => {
            let disk = format!("<disk name='vda' type='file'><target file='{file}'/></disk>");
            domain.backup_begin(&format!("<domainbackup><disks>{disk}</disks></domainbackup>"), None, flags)
        }
        Work::Snapshot => {
            let made = domain.snapshot_create(SNAPSHOT, flags);
            made.map(|(_, job)| job)
        }
        Work::Revert => domain.snapshot_revert("s", flags),
        Work::Deletion => domain.snapshot_delete("s", flags),
        Work::Restore => {
            field.connection.restore(&Restore { file, xml: None, flags })?;
            Ok("restore-1".to_owned())
        }
        Work::MigrationIn => Ok("migration".to_owned()),
        Work::Save => domain.save(&Save { file, xml: None, flags }),
        Work::Dump => domain.core_dump(&CoreDump { file, format: 0, flags: flags | MEMORY_ONLY }),
        Work::Migration => {
            let uri = format!("unix:{}", field.sink().display());
            let bandwidth = u64::from(slow);
            domain.migrate(&Migrate { uri: &uri, bandwidth, xml: None, flags, params: Vec::new() })
        }
    }
}

/// Kills the process after a while, unless it has ended by then.
fn kill_after(pid: i32, delay: Duration) -> std::thread::JoinHandle<()> {
    // SAFETY: the calls take no pointers that are used.
    let process = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    assert!(process >= 0);
    std::thread::spawn(move || {
        std::thread::sleep(delay);
        // SAFETY: a signal to the QEMU that was started for this moment, by a descriptor that means no other.
        unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, process, libc::SIGKILL, 0, 0);
            libc::close(process as i32);
        }
    })
}

/// The same to the QEMU that is about to be started, from the moment at which it can be talked to.
fn kill_next(pidfile: PathBuf, delay: Duration) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let read = || fs::read_to_string(&pidfile).ok()?.trim().parse().ok();
        let deadline = Instant::now() + LIMIT;
        let pid = loop {
            match read() {
                Some(pid) => break pid,
                None => assert!(Instant::now() < deadline, "no QEMU has been started"),
            }
            std::thread::sleep(Duration::from_micros(200));
        };
        kill_after(pid, delay).join().unwrap();
    })
}

/// What must hold when QEMU has been killed: each job has one end, with a reason, and so have the records. `domain`: as far as
/// it is there still; `kept`: how many are to be listed.
fn judge(field: &Field, domain: Option<Arc<dyn Domain>>, uuid: Uuid, what: Work, kept: usize) {
    let deadline = Instant::now() + LIMIT;
    while domain.as_ref().is_some_and(|domain| domain.is_active()) {
        assert!(Instant::now() < deadline, "{what:?}: the end of QEMU is not noticed");
        std::thread::sleep(Duration::from_millis(1));
    }
    field.events.flush();
    field.chronicle.check_ended();
    let told = field.chronicle.last(uuid);
    let mut listed = Vec::new();
    if let Some(domain) = &domain {
        domain.list_jobs(ListFilter(0), &mut |job| listed.push((job.name().to_owned(), job.state()))).unwrap();
    }
    for (name, state) in &listed {
        assert_eq!(told.get(name), Some(state), "{what:?}: {name} is listed in another state than was told");
        let xml = domain.as_ref().unwrap().job_xml(name, true).unwrap();
        assert_eq!(xml.contains("<error>"), *state == JobState::Failed, "{what:?}: {xml}");
    }
    assert_eq!(listed.len(), kept, "{what:?}: of {told:?}, {listed:?} are kept");
    for (name, _) in &listed {
        domain.as_ref().unwrap().control_job(name, ControlOp::Dismiss).unwrap();
    }
}

/// The disk holds what it held, whatever was cut off; so does a copy that was completed. `slow`: the job did not get far.
fn judge_images(field: &Field, uuid: Uuid, what: Work, slow: bool) {
    // QEMU cuts off images from a chain before what they held is flushed where it is now; after a pull it does not flush at
    // all (docs/decisions.md).
    let completed = field.chronicle.last(uuid).values().any(|state| *state == JobState::Completed);
    if !slow && (what == Work::Pull || what == Work::Commit && !completed) {
        return;
    }
    let compare = |image: &Path| Command::new("qemu-img").arg("compare").args([image, &field.original]).output().unwrap();
    let same = |image: &Path| {
        let compared = compare(image);
        assert!(compared.status.success(), "{what:?} {slow} {:?}: {compared:?}", field.chronicle.last(uuid));
    };
    same(&field.chain[3]);
    let copied = |(name, state): (&String, &JobState)| name.starts_with("block-copy") && *state == JobState::Completed;
    if field.chronicle.last(uuid).iter().any(copied) {
        same(&field.target());
    }
}

/// Starts one domain, kills its QEMU at a moment of its work, and looks at what is left. `most`: how long the work takes here,
/// where nothing disturbs it.
fn one_moment(field: &Field, campaign: &mut Campaign, what: Work, most: &mut Duration) {
    let (slow, persist) = (campaign.below(3) == 0, campaign.below(2) == 0);
    let delay = campaign.moment(if what == Work::Creation { *most / 8 } else { *most });
    let domain = field.begin(what);
    let identity = domain.identity();
    field.prepare(&domain, what);
    field.events.flush();
    let own = || field.chronicle.last(identity.uuid).into_keys().filter(|name| !name.starts_with("block-create")).count();
    let prepared = if what == Work::MigrationIn { 0 } else { own() };
    let flags = if persist { JOB_START_PERSIST } else { 0 };
    std::thread::scope(|scope| {
        let killer = match what {
            Work::Restore => kill_next(field.dir.path().join("vms/vm.pid"), delay),
            _ => kill_after(identity.id, delay),
        };
        if what == Work::MigrationIn {
            scope.spawn(|| field.send_in(slow));
        }
        let begin = Instant::now();
        let done = within(LIMIT, "a call", || work(field, &domain, what, slow, flags));
        // Moments that all come too late, or all too early, meet nothing.
        *most = match done {
            Ok(true) if !slow => (*most + begin.elapsed() * 5 / 4) / 2,
            _ if !slow => (*most * 21 / 20).min(LIMIT / 4),
            _ => *most,
        };
        killer.join().unwrap();
    });
    let domain = match what {
        Work::Restore => field.connection.lookup(Key::Name("vm")).and_then(|found| field.connection.domain(&found)).ok(),
        _ => Some(domain),
    };
    let is_kept = persist && what != Work::MigrationIn;
    field.events.flush();
    judge(field, domain, identity.uuid, what, if is_kept { own() - prepared } else { 0 });
    let deadline = Instant::now() + LIMIT;
    while !field.is_tidy() {
        let left = || (field.connection.domains().unwrap().len(), field.records(), field.chronicle.last(identity.uuid));
        assert!(Instant::now() < deadline, "{what:?}, {delay:?}: left is {:?}", left());
        std::thread::sleep(Duration::from_millis(5));
    }
    // Its process is gone by now, and with it the locks on the images.
    judge_images(field, identity.uuid, what, slow);
}

/// The only test of this program: descriptors, threads and memory are those of the process.
#[test]
fn a_campaign_of_killed_qemus_leaves_each_job_with_one_end_and_nothing_behind() {
    let Some(field) = Field::new() else { return };
    let mut campaign = Campaign::new();
    let rounds = Campaign::moments(3);
    // A restore begins with the start of a QEMU, and its job is there only when that can be talked to.
    let expected = |what: &Work| Duration::from_millis(if *what == Work::Restore { 1000 } else { 100 });
    let mut works: Vec<(Work, Duration)> = WORKS.iter().map(|what| (*what, expected(what))).collect();
    let mut before = None;
    for round in 0..rounds {
        works.iter_mut().for_each(|(what, most)| one_moment(&field, &mut campaign, *what, most));
        // The first rounds fill what is kept for good.
        if round == rounds.min(4) / 2 {
            before = Some(Held::now());
        }
    }
    println!("{rounds} moments: {:?}", field.chronicle.summary());
    field.chronicle.clear();
    let before = before.unwrap();
    let is_left = |after: Held| after.descriptors > before.descriptors || after.threads > before.threads;
    // The thread that writes records comes and goes.
    wait_until("no descriptor and no thread is left", || !is_left(Held::now()));
    let after = Held::now();
    println!("{before:?} {after:?}");
    assert!(after.resident_kib < before.resident_kib + 2048, "{before:?} {after:?}");
}
