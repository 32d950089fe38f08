//! What may happen around a monitor: other clients, jobs of others, clients that die, QEMUs that hang or die.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::*;
use virt_jobs::driver::request::*;
use virt_jobs::driver::{qemu, Connection, Domain, Key};
use virt_jobs::event::Subscriptions;
use virt_jobs::model::flags::JOB_START_PERSIST;
use virt_jobs::model::{code, ControlOp, JobState, JobType};

fn open(dir: &Path) -> (Arc<Subscriptions>, Notes, Arc<dyn Connection>) {
    let events = Arc::new(Subscriptions::new());
    let notes = Notes::subscribe(&events);
    (events.clone(), notes, qemu::open(dir, events).unwrap())
}

/// The domain of a QEMU that may just be beginning to listen.
fn domain(connection: &Arc<dyn Connection>) -> Arc<dyn Domain> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match connection.lookup(Key::Name("vm")) {
            Ok(found) => return connection.domain(&found).unwrap(),
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn copy(domain: &Arc<dyn Domain>, dir: &Path, bandwidth: u64, flags: u32) -> String {
    let path = dir.join("copy.qcow2");
    let destination = CopyDestination::Path { path: path.to_str().unwrap(), raw: false, block: false };
    domain.block_copy(&BlockCopy { disk: "sda", destination, bandwidth, granularity: 0, buf_size: 0, flags }).unwrap()
}

fn jobs(domain: &Arc<dyn Domain>) -> Vec<(String, JobType, JobState)> {
    let mut jobs = Vec::new();
    domain.list_jobs(ListFilter(0), &mut |job| jobs.push((job.name().to_owned(), job.kind(), job.state()))).unwrap();
    jobs
}

/// Another client, on a monitor of its own.
struct Other {
    stream: BufReader<UnixStream>,
}

impl Other {
    fn connect(path: &Path) -> Other {
        let deadline = Instant::now() + Duration::from_secs(10);
        let stream = loop {
            match UnixStream::connect(path) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < deadline, "{}: {error}", path.display()),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut other = Other { stream: BufReader::new(stream) };
        other.line();
        other.execute("qmp_capabilities", "{}");
        other
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line
    }

    fn execute(&mut self, command: &str, arguments: &str) -> String {
        let text = format!("{{\"execute\":\"{command}\",\"arguments\":{arguments}}}\n");
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
        loop {
            let line = self.line();
            if line.contains("\"return\"") || line.contains("\"error\"") {
                return line;
            }
        }
    }
}

/// A QEMU with a second monitor for the other client.
fn shared(dir: &Path) -> Option<(Qemu, Vec<std::path::PathBuf>)> {
    let emulator = emulator()?;
    let chain = make_chain(dir, &["base", "top"], 24);
    let second = format!("unix:{}/other.sock,server=on,wait=off", dir.display());
    let mut arguments: Vec<String> = vec!["-qmp".into(), second];
    for (node, path, backing) in [("base", &chain[0], "null"), ("top", &chain[1], "\"base\"")] {
        arguments.push("-blockdev".into());
        arguments.push(format!(
            "{{\"driver\":\"qcow2\",\"node-name\":\"{node}\",\"read-only\":{},\"backing\":{backing},\"file\":{{\"driver\":\"file\",\"filename\":\"{}\",\"auto-read-only\":true}}}}",
            node == "base",
            path.display()
        ));
    }
    arguments.extend(["-device".into(), "virtio-scsi-pci".into(), "-device".into(), "scsi-hd,id=disk0,drive=top".into()]);
    let qemu = Qemu::start(&emulator, &dir.join("vm.qmp"), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    Some((qemu, chain))
}

#[test]
fn jobs_that_somebody_else_started_are_listed_told_and_controlled() {
    let dir = tempfile::tempdir().unwrap();
    let Some((_qemu, _)) = shared(dir.path()) else { return };
    let mut other = Other::connect(&dir.path().join("other.sock"));
    let target = dir.path().join("backup.qcow2");
    run("qemu-img", &["create", "-q", "-f", "qcow2", target.to_str().unwrap(), "24M"]);
    let node =
        format!("{{\"driver\":\"qcow2\",\"node-name\":\"bak\",\"file\":{{\"driver\":\"file\",\"filename\":\"{}\"}}}}", target.display());
    other.execute("blockdev-add", &node);
    let backup = "{\"job-id\":\"nightly\",\"device\":\"top\",\"target\":\"bak\",\"sync\":\"full\",\"speed\":65536,\"auto-finalize\":false}";
    other.execute("blockdev-backup", backup);
    let (events, notes, connection) = open(dir.path());
    let domain = domain(&connection);
    assert_eq!(jobs(&domain), [("nightly".to_owned(), JobType::BlockBackup, JobState::Running)]);
    domain.control_job("nightly", ControlOp::Pause).unwrap();
    notes.wait_for(&events, "nightly block-backup paused");
    domain.control_job("nightly", ControlOp::Resume).unwrap();
    notes.wait_for(&events, "nightly block-backup running");
    domain.set_job_speed("nightly", 0).unwrap();
    // It was started so that it waits for its finalization: that is what READY means.
    notes.wait_for(&events, "nightly block-backup ready");
    domain.control_job("nightly", ControlOp::Finalize).unwrap();
    notes.wait_for(&events, "nightly block-backup completed");
    assert_eq!(jobs(&domain), []);
    // The same id again is another job, and has another name.
    other.execute("blockdev-backup", &backup.replace("65536", "1024"));
    notes.wait_for(&events, "nightly#2 block-backup running");
    domain.control_job("nightly#2", ControlOp::Abort).unwrap();
    notes.wait_for(&events, "nightly#2 block-backup aborted");
}

#[test]
fn a_client_that_dies_leaves_its_jobs_to_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let Some((_qemu, _)) = shared(dir.path()) else { return };
    let (_, _, first) = open(dir.path());
    let name = copy(&domain(&first), dir.path(), 4 << 20, JOB_START_PERSIST);
    let config = domain(&first).job_xml(&name, false).unwrap();
    drop(first);
    let (events, notes, second) = open(dir.path());
    let again = domain(&second);
    assert_eq!(jobs(&again), [(name.clone(), JobType::BlockCopy, JobState::Running)]);
    assert_eq!(again.job_xml(&name, false).unwrap(), config);
    again.set_job_speed(&name, 0).unwrap();
    notes.wait_for(&events, &format!("{name} block-copy ready"));
    drop(again);
    drop(second);
    // What it becomes while nobody looks is found by the next one.
    let mut other = Other::connect(&dir.path().join("other.sock"));
    other.execute("job-complete", &format!("{{\"id\":\"{name}\"}}"));
    let deadline = Instant::now() + Duration::from_secs(10);
    while !other.execute("query-jobs", "{}").contains("concluded") {
        assert!(Instant::now() < deadline);
    }
    let (_, _, third) = open(dir.path());
    let last = domain(&third);
    assert_eq!(last.wait_job(&name, 0, Some(Duration::from_secs(10))).unwrap(), Some(JobState::Completed));
    assert_eq!(jobs(&last), [(name.clone(), JobType::BlockCopy, JobState::Completed)]);
    assert!(last.xml(0).unwrap().contains("copy.qcow2"));
    last.control_job(&name, ControlOp::Dismiss).unwrap();
    // The name is not given again.
    std::fs::remove_file(dir.path().join("copy.qcow2")).unwrap();
    assert_ne!(copy(&last, dir.path(), 0, 0), name);
}

#[test]
fn a_qemu_that_is_killed_fails_its_jobs_with_a_reason_and_keeps_the_records() {
    let dir = tempfile::tempdir().unwrap();
    let Some((qemu, _)) = shared(dir.path()) else { return };
    let (events, notes, connection) = open(dir.path());
    let vm = domain(&connection);
    let name = copy(&vm, dir.path(), 1 << 20, JOB_START_PERSIST);
    qemu.signal(libc::SIGKILL);
    notes.wait_for(&events, &format!("{name} block-copy failed"));
    notes.wait_for(&events, "lifecycle 5 5");
    assert_eq!(jobs(&vm), [(name.clone(), JobType::BlockCopy, JobState::Failed)]);
    assert!(vm.job_xml(&name, true).unwrap().contains("<error>the domain ended unexpectedly"));
    assert!(!vm.is_active());
    assert_eq!(vm.control_job(&name, ControlOp::Abort).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    vm.control_job(&name, ControlOp::Dismiss).unwrap();
    assert_eq!(connection.lookup(Key::Name("vm")).map_err(|e| e.code), Err(code::NO_DOMAIN));
}

#[test]
fn a_stopped_qemu_costs_a_bounded_time_and_harms_no_other() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some((qemu, _)) = shared(dir.path()) else { return };
    let Some((_second, _)) = shared(other.path()) else { return };
    let (_, _, connection) = open(dir.path());
    let (_, _, healthy) = open(other.path());
    let (stuck, fine) = (domain(&connection), domain(&healthy));
    let name = copy(&stuck, dir.path(), 1 << 20, 0);
    qemu.signal(libc::SIGSTOP);
    let caller = {
        let (stuck, name) = (stuck.clone(), name.clone());
        std::thread::spawn(move || stuck.job_xml(&name, true).map_err(|e| e.code))
    };
    let started = Instant::now();
    // Neither the jobs already known nor another domain notice.
    assert_eq!(jobs(&stuck).len(), 1);
    assert!(stuck.job_xml(&name, false).is_ok());
    assert!(copy(&fine, other.path(), 0, 0).starts_with("block-copy"));
    assert!(started.elapsed() < unhurried(Duration::from_secs(5)));
    qemu.signal(libc::SIGCONT);
    assert!(caller.join().unwrap().is_ok());
}

#[test]
fn a_monitor_that_is_taken_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let Some((_qemu, _)) = shared(dir.path()) else { return };
    let _other = Other::connect(&dir.path().join("vm.qmp"));
    let started = Instant::now();
    let (_, _, connection) = open(dir.path());
    let error = connection.lookup(Key::Name("vm")).unwrap_err();
    assert!(error.message().contains("taken by another client"), "{error}");
    assert!(started.elapsed() < unhurried(Duration::from_secs(8)));
    let alone = qemu::open(&dir.path().join("vm.qmp"), Arc::new(Subscriptions::new()));
    assert_eq!(alone.map(drop).map_err(|e| e.code), Err(code::NO_CONNECT));
}

#[test]
fn a_disk_that_is_unplugged_during_a_job_leaves_the_job_controllable() {
    let dir = tempfile::tempdir().unwrap();
    let Some((_qemu, chain)) = shared(dir.path()) else { return };
    let mut other = Other::connect(&dir.path().join("other.sock"));
    let (events, notes, connection) = open(dir.path());
    let vm = domain(&connection);
    let name = copy(&vm, dir.path(), 1 << 20, 0);
    other.execute("device_del", "{\"id\":\"disk0\"}");
    let deadline = Instant::now() + Duration::from_secs(10);
    while vm.xml(0).unwrap().contains("<disk") {
        assert!(Instant::now() < deadline, "the disk stays");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(jobs(&vm).len(), 1);
    vm.control_job(&name, ControlOp::Pause).unwrap();
    notes.wait_for(&events, &format!("{name} block-copy paused"));
    vm.control_job(&name, ControlOp::Resume).unwrap();
    vm.set_job_speed(&name, 0).unwrap();
    notes.wait_for(&events, &format!("{name} block-copy ready"));
    vm.control_job(&name, ControlOp::Abort).unwrap();
    notes.wait_for(&events, &format!("{name} block-copy aborted"));
    let _ = chain;
}
