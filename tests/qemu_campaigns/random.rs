//! Any call at any moment, on several domains, while they are reset, stopped and ended.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use virt_jobs::driver::request::*;
use virt_jobs::driver::{qemu, Connection, Domain};
use virt_jobs::event::Subscriptions;
use virt_jobs::model::flags::{commit, copy, list, JOB_START_PARALLEL, JOB_START_PERSIST};
use virt_jobs::model::{code, ControlOp, Error, JobState};

use crate::support::campaign::*;
use crate::support::vm::*;
use crate::support::*;

const DOMAINS: usize = 2;
const WORKERS: usize = 2;
/// No call waits for a monitor that answers as long as this.
const LIMIT: Duration = Duration::from_secs(15);
/// `VIR_DUMP_MEMORY_ONLY`.
const MEMORY_ONLY: u32 = 1 << 4;
const OPS: &[ControlOp] = &[ControlOp::Abort, ControlOp::Finalize, ControlOp::Pause, ControlOp::Resume, ControlOp::Dismiss];

/// Domains that are started again under their names whenever they have ended.
struct Park {
    connection: Arc<dyn Connection>,
    events: Arc<Subscriptions>,
    chronicle: Chronicle,
    domains: Vec<Mutex<Arc<dyn Domain>>>,
    started: AtomicUsize,
    over: AtomicBool,
    _reaper: Reaper,
    dir: tempfile::TempDir,
}

/// A chain that can be copied to elsewhere: its images name each other without a directory.
fn make_template(dir: &Path) {
    fs::create_dir(dir).unwrap();
    let tool = |program: &str, arguments: &[&str]| {
        assert!(Command::new(program).current_dir(dir).args(arguments).status().unwrap().success());
    };
    for disk in ["a", "b"] {
        let names = ["base", "low", "high", "top"].map(|name| format!("{disk}-{name}.qcow2"));
        for (n, name) in names.iter().enumerate() {
            match n.checked_sub(1).map(|below| &names[below]) {
                None => tool("qemu-img", &["create", "-q", "-f", "qcow2", name, "4M"]),
                Some(below) => tool("qemu-img", &["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", below, name]),
            }
            tool("qemu-io", &["-f", "qcow2", "-c", &format!("write -q -P {} {n}M 1M", n + 1), name]);
        }
    }
}

impl Park {
    fn open() -> Option<Park> {
        emulator()?;
        let dir = tempfile::tempdir().unwrap();
        let vms = dir.path().join("vms");
        fs::create_dir(&vms).unwrap();
        make_template(&dir.path().join("template"));
        let events = Arc::new(Subscriptions::new());
        let chronicle = Chronicle::subscribe(&events);
        let connection = qemu::open(&vms, events.clone()).unwrap();
        let (started, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let mut park = Park { connection, events, chronicle, domains: Vec::new(), started, over, _reaper: Reaper(vms), dir };
        park.domains = (0..DOMAINS).map(|at| Mutex::new(park.start(at))).collect();
        Some(park)
    }

    /// A domain on images of its own.
    fn start(&self, at: usize) -> Arc<dyn Domain> {
        let images = self.dir.path().join(format!("images{}", self.started.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&images).unwrap();
        for entry in fs::read_dir(self.dir.path().join("template")).unwrap().flatten() {
            fs::copy(entry.path(), images.join(entry.file_name())).unwrap();
        }
        let disks = [disk_xml("vda", "virtio", &images.join("a-top.qcow2")), disk_xml("sda", "scsi", &images.join("b-top.qcow2"))];
        let xml = domain_xml(&emulator().unwrap(), &self.dir.path().join("vms"), &format!("vm{at}"), &disks);
        self.connection.domain(&self.connection.create_xml(&xml, 1).unwrap()).unwrap()
    }

    /// What a QEMU wrote before it ended.
    fn last_words(&self, at: usize) -> String {
        fs::read_to_string(self.dir.path().join(format!("vms/vm{at}.log"))).unwrap_or_default()
    }

    fn target(&self, campaign: &mut Campaign) -> PathBuf {
        self.dir.path().join(format!("target{}.qcow2", campaign.below(usize::MAX)))
    }

    /// Says how many events were delivered by who has to.
    fn deliver(&self) {
        while !self.over.load(Ordering::Acquire) {
            self.events.flush();
            self.chronicle.check();
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn names(domain: &Arc<dyn Domain>, filter: u32) -> Vec<String> {
    let mut names = Vec::new();
    let _ = domain.list_jobs(ListFilter(filter), &mut |job| names.push(job.name().to_owned()));
    names
}

fn start_something(park: &Park, domain: &Arc<dyn Domain>, campaign: &mut Campaign) -> Result<String, Error> {
    let flags = campaign.pick(&[0, JOB_START_PERSIST, JOB_START_PARALLEL, JOB_START_PARALLEL | JOB_START_PERSIST]);
    let disk = campaign.pick(&["vda", "sda"]);
    let bandwidth = campaign.pick(&[0, 1 << 16, 1 << 20]);
    // How long QEMU stands still for the last two is up to the disk of this machine.
    match campaign.below(if Campaign::is_long() { 7 } else { 5 }) {
        0 => domain.block_pull(&BlockPull { disk, base: None, bandwidth, flags }),
        1 | 2 => {
            let path = park.target(campaign);
            let flags = flags | campaign.pick(&[0, copy::SHALLOW]);
            let destination = CopyDestination::Path { path: path.to_str().unwrap(), raw: false, block: false };
            domain.block_copy(&BlockCopy { disk, destination, bandwidth, granularity: 0, buf_size: 0, flags })
        }
        3 => domain.block_commit(&BlockCommit { disk, base: None, top: None, bandwidth, flags: flags | commit::ACTIVE }),
        5 => {
            let file = park.target(campaign);
            domain.core_dump(&CoreDump { file: file.to_str().unwrap(), format: 0, flags: flags | MEMORY_ONLY })
        }
        6 => {
            let xml = format!("<domainsnapshot><name>s{}</name></domainsnapshot>", campaign.below(5));
            domain.snapshot_create(&xml, flags).map(|(_, job)| job)
        }
        _ => {
            let target = format!("<disk name='{disk}' type='file'><target file='{}'/></disk>", park.target(campaign).display());
            domain.backup_begin(&format!("<domainbackup><disks>{target}</disks></domainbackup>"), None, flags)
        }
    }
}

/// One call, whatever comes of it.
fn do_something(park: &Park, domain: &Arc<dyn Domain>, campaign: &mut Campaign) -> Result<(), Error> {
    let names = names(domain, campaign.pick(&[0, 0, list::STATS, list::FINISHED]));
    let name = if names.is_empty() { "none".to_owned() } else { names[campaign.below(names.len())].clone() };
    match campaign.below(12) {
        0..=3 => start_something(park, domain, campaign).map(drop),
        4..=7 => domain.control_job(&name, campaign.pick(OPS)),
        8 => domain.set_job_speed(&name, campaign.pick(&[0, 1 << 16, 1 << 22])),
        9 => domain.job_xml(&name, campaign.below(2) == 0).map(drop),
        10 => domain.wait_job(&name, 1 << JobState::Ready as u32, Some(campaign.moment(Duration::from_millis(100)))).map(drop),
        _ => domain.block_job_abort("vda", campaign.below(2) == 0, false),
    }
}

/// Calls until the fate of the domain has been told; says how many succeeded.
fn work(park: &Park, at: usize, mut campaign: Campaign, told: &AtomicUsize) -> usize {
    let mut done = 0;
    while told.load(Ordering::Acquire) < DOMAINS {
        thread::sleep(campaign.moment(Duration::from_millis(20)));
        let domain = park.domains[at].lock().clone();
        let result = within(LIMIT, "a call", || do_something(park, &domain, &mut campaign));
        if let Err(error) = &result {
            assert!(!error.message().contains("did not answer"), "{error}");
        }
        done += usize::from(result.is_ok());
    }
    done
}

/// What is done to a domain as a whole; one that has ended is started again.
fn fate(park: &Park, at: usize, mut campaign: Campaign, turns: usize) {
    for _ in 0..turns {
        thread::sleep(campaign.moment(Duration::from_millis(1500)));
        let domain = park.domains[at].lock().clone();
        assert!(domain.is_active(), "QEMU has ended by itself: {}", park.last_words(at));
        let pid = domain.identity().id;
        let done = match campaign.below(6) {
            0 => unless_busy(domain.reset()),
            1 => unless_busy(domain.resume().and_then(|()| domain.suspend())),
            2 => domain.shutdown(0),
            3 => domain.destroy(0),
            4 => domain.destroy(1),
            _ => {
                send_signal(pid, libc::SIGKILL);
                wait_until("the end is noticed", || !domain.is_active());
                Ok(())
            }
        };
        done.unwrap_or_else(|error| panic!("{error}: {}", park.last_words(at)));
        if !domain.is_active() {
            forget_ended(&domain);
            *park.domains[at].lock() = park.start(at);
        }
    }
}

/// A guest that is dumped, or of which a snapshot is taken, is stopped and let go on by that, and not reset.
fn unless_busy(result: Result<(), Error>) -> Result<(), Error> {
    let is_busy = |error: &Error| {
        matches!(error.code, code::OPERATION_INVALID | code::OPERATION_TIMEOUT) || error.message().contains("a dump in process")
    };
    result.or_else(|error| if is_busy(&error) { Ok(()) } else { Err(error) })
}

/// Takes the records of what has ended off the list, so that nothing is left of a domain.
fn forget_ended(domain: &Arc<dyn Domain>) {
    for name in names(domain, list::FINISHED) {
        let _ = domain.control_job(&name, ControlOp::Dismiss);
    }
}

/// The list and what was told say the same.
fn assert_agreement(park: &Park, domain: &Arc<dyn Domain>) {
    let agree = || {
        park.events.flush();
        let told = park.chronicle.last(domain.identity().uuid);
        let mut listed = Vec::new();
        domain.list_jobs(ListFilter(0), &mut |job| listed.push((job.name().to_owned(), job.state()))).unwrap();
        let open = told.iter().filter(|(_, state)| !state.is_final()).count();
        listed.iter().all(|(name, state)| told.get(name) == Some(state))
            && listed.iter().filter(|(_, state)| !state.is_final()).count() == open
    };
    wait_until("the list agrees with the events", agree);
}

/// Ends all jobs of a domain.
fn wind_up(domain: &Arc<dyn Domain>) {
    for name in names(domain, list::ACTIVE) {
        let _ = domain.control_job(&name, ControlOp::Resume);
        let aborted = domain.control_job(&name, ControlOp::Abort);
        let ended = domain.wait_job(&name, 0, Some(LIMIT)).unwrap();
        assert!(ended.is_some(), "{name} does not end: {aborted:?} {}", domain.job_xml(&name, true).unwrap());
    }
    forget_ended(domain);
    assert_eq!(names(domain, 0), [""; 0]);
}

#[test]
fn a_campaign_of_random_calls_on_several_domains_breaks_no_rule() {
    let Some(park) = Park::open() else { return };
    let mut campaign = Campaign::new();
    let rounds = Campaign::moments(12);
    let (done, told) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        let delivery = scope.spawn(|| park.deliver());
        let mut threads = Vec::new();
        for at in 0..DOMAINS {
            let (park, done, told, schedule) = (&park, &done, &told, campaign.fork());
            threads.push(scope.spawn(move || {
                // Counted also when it fails, since others wait for it.
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| fate(park, at, schedule, rounds)));
                told.fetch_add(1, Ordering::Release);
                result.unwrap();
            }));
            for _ in 0..WORKERS {
                let schedule = campaign.fork();
                threads.push(scope.spawn(move || {
                    done.fetch_add(work(park, at, schedule, told), Ordering::Relaxed);
                }));
            }
        }
        let results: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        park.over.store(true, Ordering::Release);
        delivery.join().unwrap();
        results.into_iter().for_each(|result| result.unwrap());
    });
    for domain in &park.domains {
        let domain = domain.lock().clone();
        assert_agreement(&park, &domain);
        wind_up(&domain);
        domain.destroy(0).unwrap();
    }
    park.events.flush();
    park.chronicle.check_ended();
    println!("{} calls succeeded, {} domains: {:?}", done.into_inner(), park.started.load(Ordering::Relaxed), park.chronicle.summary());
    wait_until("nothing is left", || park.connection.domains().unwrap().is_empty());
}
