//! Snapshots of domains on real QEMU, judged by what is in the images.

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use support::fake::{status, usual, Fake, Reply};
use support::vm::*;
use support::*;
use virt_jobs::driver::request::ListFilter;
use virt_jobs::driver::{qemu, Key};
use virt_jobs::event::Subscriptions;
use virt_jobs::model::flags::{list, JOB_START_PARALLEL, JOB_START_PERSIST};
use virt_jobs::model::{code, ControlOp, DomainState, JobState, JobType};

/// `VIR_DOMAIN_SNAPSHOT_CREATE_*`, `VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED` and `VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY`.
const NO_METADATA: u32 = 1 << 2;
const DISK_ONLY: u32 = 1 << 4;
const REVERT_PAUSED: u32 = 1 << 1;
const METADATA_ONLY: u32 = 1 << 1;

fn named(name: &str) -> String {
    format!("<domainsnapshot><name>{name}</name></domainsnapshot>")
}

fn on_top(name: &str, image: &Path) -> String {
    let disk = format!("<disk name='vda'><source file='{}'/></disk>", image.display());
    format!("<domainsnapshot><name>{name}</name><disks>{disk}</disks></domainsnapshot>")
}

/// The snapshots that `qemu-img` finds in an image.
fn tags(image: &Path) -> Vec<String> {
    let listing = run("qemu-img", &["snapshot", "-U", "-l", image.to_str().unwrap()]);
    listing.lines().skip(2).filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned)).collect()
}

/// What a disk reads as, in a file of its own.
fn copy_of(image: &Path, to: &Path) {
    run("qemu-img", &["convert", "-U", "-O", "raw", image.to_str().unwrap(), to.to_str().unwrap()]);
}

#[test]
fn a_disk_snapshot_is_one_listed_job_with_one_end() {
    let Some(vm) = Vm::start(&["base", "top"], 1) else { return };
    let image = vm.path("new.qcow2");
    let (name, job) = vm.client.domain.snapshot_create(&on_top("s", &image), DISK_ONLY | JOB_START_PERSIST).unwrap();
    assert_eq!((name.as_str(), job.as_str()), ("s", "snapshot-vda-1"));
    assert_eq!(vm.client.states(&job), ["running", "completed"]);
    assert_eq!(vm.client.jobs(), [(job.clone(), JobType::Snapshot, JobState::Completed)]);
    let creations = ["block-create-vda-2 block-create completed", "block-create-vda-3 block-create completed"];
    assert!(creations.iter().all(|line| vm.client.told().contains(&(*line).to_owned())), "{:?}", vm.client.told());
    let xml = vm.client.domain.job_xml(&job, true).unwrap();
    assert!(xml.contains("<snapshot>s</snapshot>") && xml.contains("<option>disk-only</option>") && xml.contains("new.qcow2"), "{xml}");
    vm.client.domain.control_job(&job, ControlOp::Dismiss).unwrap();
    assert_eq!(vm.client.jobs(), []);
    vm.client.domain.destroy(0).unwrap();
    assert_same(&image, &vm.chain[1]);
    assert_eq!(vm.files(), [""; 0]);
}

#[test]
fn what_the_guest_writes_after_a_disk_snapshot_is_in_the_new_image_alone() {
    let Some(vm) = Vm::start(&["base", "top"], 0) else { return };
    let (before, image) = (vm.path("before.raw"), vm.path("new.qcow2"));
    copy_of(&vm.chain[1], &before);
    vm.client.domain.snapshot_create(&on_top("s", &image), DISK_ONLY).unwrap();
    vm.second().guest_io("/machine/peripheral/virtio-disk0/virtio-backend", "write -P 9 1M 64k");
    // Once more, with a client that knows of it only from QEMU and from what was written down.
    let vm = vm.reopen();
    assert_eq!(vm.client.domain.snapshot_names(), Ok(vec!["s".to_owned()]));
    let xml = vm.xml();
    assert!(xml.contains("index='3'") && xml.contains("index='1'") && xml.contains("index='2'"), "{xml}");
    vm.client.domain.destroy(0).unwrap();
    assert_same(&vm.chain[1], &before);
    run("qemu-img", &["check", "-q", image.to_str().unwrap()]);
    run("qemu-io", &["-r", "-f", "qcow2", "-c", "read -q -P 9 1M 64k", image.to_str().unwrap()]);
}

#[test]
fn two_disks_get_their_new_images_together_or_not_at_all() {
    let Some(vm) = Vm::start(&["base"], 1) else { return };
    let second = make_chain(vm.dir.path(), &["second"], 24).remove(0);
    vm.client.domain.attach_device(&disk_xml("vdb", "virtio", &second), 0).unwrap();
    // The second image is there, but is none that QEMU could put on top.
    let spoiled = vm.path("spoiled");
    std::fs::write(&spoiled, [0u8; 512]).unwrap();
    let image = vm.path("first.qcow2");
    run("qemu-img", &["create", "-q", "-f", "qcow2", image.to_str().unwrap(), "24M"]);
    let disk = |name: &str, path: &Path| format!("<disk name='{name}'><source file='{}'/></disk>", path.display());
    let xml = |name: &str, b: &Path| {
        format!("<domainsnapshot><name>{name}</name><disks>{}{}</disks></domainsnapshot>", disk("vda", &image), disk("vdb", b))
    };
    let before = vm.xml();
    let refused = vm.client.domain.snapshot_create(&xml("s", &spoiled), DISK_ONLY | 1 << 5).unwrap_err();
    assert_eq!(refused.code, code::INTERNAL_ERROR, "{refused}");
    assert_eq!((vm.xml(), vm.client.domain.snapshot_names()), (before, Ok(vec![])));
    assert!(image.exists() && spoiled.exists());
    let nodes = vm.second().nodes();
    assert_eq!(nodes.len(), 4, "{nodes:?}");
    let (_, job) = vm.client.domain.snapshot_create(&named("both"), DISK_ONLY).unwrap();
    assert_eq!(vm.client.states(&job), ["running", "completed"]);
    assert!(vm.path("base.both").exists() && vm.path("second.both").exists());
    assert_eq!(vm.second().nodes().len(), 8);
}

#[test]
fn the_whole_machine_goes_back_to_its_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let guest = busy_guest(dir.path());
    let Some(vm) = Vm::start_on(dir, vec![guest.clone()], 0) else { return };
    wait_for_guest(&guest);
    let (_, job) = vm.client.domain.snapshot_create(&named("warm"), 0).unwrap();
    assert_eq!(job, "snapshot-1");
    assert_eq!(vm.client.states(&job), ["running", "completed"]);
    assert_eq!(vm.client.told()[2..], ["snapshot-1 snapshot running", "lifecycle 3 0", "lifecycle 4 0", "snapshot-1 snapshot completed"]);
    assert_eq!(tags(&guest), ["warm"]);
    let then = counters(&guest).0;
    wait_until("the guest has gone on", || counters(&guest).0 > then + 20);
    let later = counters(&guest).0;
    let revert = vm.client.domain.snapshot_revert("warm", REVERT_PAUSED).unwrap();
    assert_eq!(vm.client.states(&revert), ["running", "completed"]);
    assert_eq!(vm.client.domain.state(), Ok((DomainState::Paused, 7)));
    let back = counters(&guest).0;
    assert!(back < later, "{then} {later} {back}");
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(counters(&guest).0, back);
    vm.client.domain.snapshot_revert("warm", 0).unwrap();
    assert_eq!(vm.client.domain.state(), Ok((DomainState::Running, 4)));
    wait_until("the guest goes on from there", || counters(&guest).0 > back + 5);
    vm.client.domain.snapshot_delete("warm", 0).unwrap();
    assert_eq!(tags(&guest), [""; 0]);
    assert_eq!(vm.second().run("query-jobs", json!({})), json!([]));
    vm.client.domain.destroy(0).unwrap();
    run("qemu-img", &["check", "-q", guest.to_str().unwrap()]);
}

#[test]
fn snapshots_are_known_to_the_next_client_and_gone_with_their_domain() {
    let Some(vm) = Vm::start(&["base"], 1) else { return };
    for name in ["a", "b &lt;&amp;'", "c"] {
        vm.client.domain.snapshot_create(&named(name), 0).unwrap();
    }
    let document = vm.client.domain.snapshot_xml("c").unwrap();
    let vm = vm.reopen();
    let domain = &vm.client.domain;
    assert_eq!(domain.snapshot_names().unwrap(), ["a", "b <&'", "c"]);
    assert_eq!((domain.snapshot_current(), domain.snapshot_parent("c")), (Ok(Some("c".into())), Ok(Some("b <&'".into()))));
    assert_eq!(domain.snapshot_xml("c"), Ok(document));
    domain.snapshot_revert("a", 0).unwrap();
    domain.snapshot_delete("b <&'", 0).unwrap();
    let vm = vm.reopen();
    let domain = &vm.client.domain;
    assert_eq!((domain.snapshot_names().unwrap(), domain.snapshot_current()), (vec!["a".into(), "c".into()], Ok(Some("a".into()))));
    assert_eq!(tags(&vm.chain[0]), ["a", "c"]);
    domain.destroy(0).unwrap();
    assert_eq!(vm.files(), [""; 0]);
}

#[test]
fn a_snapshot_that_somebody_else_deleted_cannot_be_gone_back_to_and_the_guest_runs_on() {
    let Some(vm) = Vm::start(&["base"], 0) else { return };
    vm.client.domain.snapshot_create(&named("s"), 0).unwrap();
    let mut second = vm.second();
    second.run("snapshot-delete", json!({ "job-id": "theirs", "tag": "s", "devices": ["libvirt-1-format"] }));
    second.wait_for_status("theirs", "concluded");
    second.run("job-dismiss", json!({ "id": "theirs" }));
    let refused = vm.client.domain.snapshot_revert("s", 0).unwrap_err();
    assert_eq!(refused.code, code::OPERATION_INVALID, "{refused}");
    assert_eq!(vm.client.domain.state().unwrap().0, DomainState::Running);
    assert_eq!(second.run("query-status", json!({}))["status"], "running");
    // What is known of it goes without QEMU.
    let job = vm.client.domain.snapshot_delete("s", 0).unwrap();
    assert_eq!(vm.client.states(&job), ["running", "completed"]);
    assert_eq!(vm.client.domain.snapshot_names(), Ok(vec![]));
}

#[test]
fn a_snapshot_in_an_image_that_was_covered_since_cannot_be_gone_back_to() {
    let Some(vm) = Vm::start(&["base"], 0) else { return };
    vm.client.domain.snapshot_create(&named("inner"), 0).unwrap();
    vm.client.domain.snapshot_create(&on_top("outer", &vm.path("new.qcow2")), DISK_ONLY).unwrap();
    let refused = vm.client.domain.snapshot_revert("inner", 0).unwrap_err();
    assert_eq!(refused.code, code::OPERATION_INVALID, "{refused}");
    assert_eq!(vm.client.domain.state().unwrap().0, DomainState::Running);
    vm.client.domain.snapshot_delete("outer", 0).unwrap();
    assert!(!vm.path("new.qcow2").exists());
    vm.client.domain.snapshot_revert("inner", 0).unwrap();
    assert_eq!(vm.client.domain.state(), Ok((DomainState::Running, 4)));
}

#[test]
fn a_tag_without_metadata_is_replaced() {
    let Some(vm) = Vm::start(&["base"], 1) else { return };
    vm.client.domain.snapshot_create(&named("s"), NO_METADATA).unwrap();
    assert_eq!((vm.client.domain.snapshot_names(), tags(&vm.chain[0])), (Ok(vec![]), vec!["s".to_owned()]));
    vm.client.domain.snapshot_create(&named("s"), 0).unwrap();
    assert_eq!((vm.client.domain.snapshot_names().unwrap(), tags(&vm.chain[0])), (vec!["s".to_owned()], vec!["s".to_owned()]));
    vm.client.domain.snapshot_delete("s", METADATA_ONLY).unwrap();
    assert_eq!((vm.client.domain.snapshot_names(), tags(&vm.chain[0])), (Ok(vec![]), vec!["s".to_owned()]));
}

#[test]
fn while_qemu_is_busy_with_a_snapshot_nobody_else_waits() {
    let Some(vm) = Vm::start(&["base"], 0) else { return };
    let other_disk = make_chain(vm.dir.path(), &["other"], 2).remove(0);
    let other = vm.client.connection.domain(&vm.create("other", &[disk_xml("vda", "virtio", &other_disk)]).unwrap()).unwrap();
    let seen = std::thread::scope(|scope| {
        let snapshot = scope.spawn(|| vm.client.domain.snapshot_create(&named("s"), JOB_START_PARALLEL));
        let mut seen = false;
        let mut slowest = Duration::ZERO;
        while !snapshot.is_finished() {
            let begin = Instant::now();
            seen |= vm.client.jobs().iter().any(|(_, kind, state)| (*kind, *state) == (JobType::Snapshot, JobState::Running));
            vm.client.domain.list_jobs(ListFilter(list::STATS), &mut |_| {}).unwrap();
            other.list_jobs(ListFilter(list::STATS), &mut |_| {}).unwrap();
            other.state().unwrap();
            slowest = slowest.max(begin.elapsed());
        }
        snapshot.join().unwrap().unwrap();
        assert!(slowest < unhurried(Duration::from_secs(5)), "{slowest:?}");
        seen
    });
    assert!(seen, "the snapshot was in no listing");
}

#[test]
fn a_qemu_that_is_killed_during_a_snapshot_ends_it_with_one_event() {
    for delay in [0, 2, 5, 10, 20, 40] {
        for flags in [0, DISK_ONLY] {
            let Some(vm) = Vm::start(&["base"], 0) else { return };
            let pid = vm.pid();
            let result = std::thread::scope(|scope| {
                let snapshot = scope.spawn(|| vm.client.domain.snapshot_create(&named("s"), flags | JOB_START_PERSIST));
                std::thread::sleep(Duration::from_millis(delay));
                send_signal(pid, libc::SIGKILL);
                snapshot.join().unwrap()
            });
            vm.client.wait_for("lifecycle 5 5");
            let ends = |line: &&String| line.contains(" snapshot failed") || line.contains(" snapshot completed");
            let told = vm.client.told();
            let begun = told.iter().filter(|line| line.contains(" snapshot running")).count();
            assert_eq!(told.iter().filter(ends).count(), begun, "{delay} {flags}: {told:?} {result:?}");
            if let Err(error) = result {
                assert!(!error.detail.is_empty(), "{error:?}");
            }
            let left = vm.client.jobs();
            assert!(left.iter().all(|(_, _, state)| state.is_final()), "{left:?}");
            run("qemu-img", &["check", "-q", "-r", "leaks", vm.chain[0].to_str().unwrap()]);
        }
    }
}

#[test]
fn a_guest_runs_on_when_qemu_cannot_load_its_snapshot() {
    let Some(vm) = Vm::start(&["base"], 0) else { return };
    vm.client.domain.snapshot_create(&named("s"), 0).unwrap();
    // The same tag, without the memory in it: QEMU finds out when the guest has been stopped.
    let mut second = vm.second();
    second.run("snapshot-delete", json!({ "job-id": "theirs", "tag": "s", "devices": ["libvirt-1-format"] }));
    second.wait_for_status("theirs", "concluded");
    second.run("job-dismiss", json!({ "id": "theirs" }));
    second.run("blockdev-snapshot-internal-sync", json!({ "device": "libvirt-1-format", "name": "s" }));
    let before = vm.client.told().len();
    let failed = vm.client.domain.snapshot_revert("s", JOB_START_PERSIST).unwrap_err();
    assert_eq!(failed.code, code::OPERATION_FAILED, "{failed}");
    let jobs = vm.client.jobs();
    assert_eq!((jobs.len(), jobs[0].1, jobs[0].2), (1, JobType::SnapshotRevert, JobState::Failed), "{jobs:?}");
    assert_eq!(vm.client.states(&jobs[0].0), ["running", "failed"]);
    assert_eq!(vm.client.domain.state().unwrap().0, DomainState::Running);
    assert_eq!(second.run("query-status", json!({}))["status"], "running");
    assert!(vm.client.told()[before..].iter().all(|line| !line.starts_with("lifecycle")), "{:?}", vm.client.told());
    assert_eq!(second.run("query-jobs", json!({})), json!([]));
}

#[test]
fn a_connection_that_breaks_costs_no_snapshot() {
    let Some(rig) = Rig::new(&["base", "top"]) else { return };
    rig.client.domain.snapshot_create(&named("s"), 0).unwrap();
    rig.proxy.set(Manner::HangUpBefore("stop"));
    rig.client.domain.suspend().unwrap_err();
    rig.client.wait_for("lifecycle 5 5");
    rig.proxy.set(Manner::Straight);
    let rig = rig.reopen();
    assert_eq!(rig.client.domain.snapshot_names(), Ok(vec!["s".to_owned()]));
    rig.client.domain.snapshot_revert("s", 0).unwrap();
    rig.client.domain.snapshot_delete("s", 0).unwrap();
    assert_eq!(tags(&rig.chain[1]), [""; 0]);
}

/// Says that the snapshot is done, also when the test fails before that.
struct Done(Arc<AtomicBool>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A QEMU that is busy with its first snapshot until it is told that it is done.
fn busy_qemu(socket: &Path, done: &Arc<AtomicBool>) -> Fake {
    let done = done.clone();
    let mut job = String::new();
    Fake::start(socket, move |command, arguments| match command {
        "snapshot-save" => {
            job = arguments["job-id"].as_str().unwrap().to_owned();
            while !done.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Reply::ReturnThen(json!({}), vec![status(&job, "concluded")])
        }
        "query-jobs" if job.is_empty() => Reply::Return(json!([])),
        "query-jobs" => Reply::Return(json!([{ "id": job, "type": "snapshot-save", "status": "concluded" }])),
        "job-dismiss" => Reply::ReturnThen(json!({}), vec![status(&std::mem::take(&mut job), "null")]),
        _ => usual(command),
    })
}

#[test]
fn snapshots_wait_for_their_turn_and_nobody_waits_for_qemu() {
    let dir = tempfile::tempdir().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let fake = busy_qemu(&dir.path().join("vm.qmp"), &done);
    let client = Client::open(dir.path());
    std::thread::scope(|scope| {
        let done = Done(done);
        let first = scope.spawn(|| client.domain.snapshot_create(&named("first"), 0));
        wait_until("QEMU is asked for the snapshot", || fake.count("snapshot-save") == 1);
        fake.tell(&[status("snapshot-1", "created"), status("snapshot-1", "running")]);
        wait_until("the snapshot is listed", || client.jobs() == [("snapshot-1".into(), JobType::Snapshot, JobState::Running)]);
        // QEMU could not say anything now.
        let begin = Instant::now();
        client.domain.list_jobs(ListFilter(list::STATS), &mut |_| {}).unwrap();
        assert!(client.domain.job_xml("snapshot-1", true).unwrap().contains("<snapshot>first</snapshot>"));
        assert_eq!(client.domain.snapshot_names(), Ok(vec![]));
        for op in [ControlOp::Abort, ControlOp::Pause] {
            assert_eq!(client.domain.control_job("snapshot-1", op).map_err(|e| e.code), Err(code::OPERATION_UNSUPPORTED));
        }
        assert!(begin.elapsed() < unhurried(Duration::from_secs(5)));
        let revert = scope.spawn(|| client.domain.snapshot_revert("first", 0));
        assert_eq!(revert.join().unwrap().map_err(|e| e.code), Err(code::NO_DOMAIN_SNAPSHOT));
        drop(done);
        assert_eq!(first.join().unwrap(), Ok(("first".into(), "snapshot-1".into())));
        assert_eq!(client.domain.snapshot_create(&named("second"), 0), Ok(("second".into(), "snapshot-2".into())));
    });
    assert_eq!((client.states("snapshot-1"), client.states("snapshot-2").len()), (vec!["running".to_owned(), "completed".to_owned()], 2));
    assert_eq!((client.jobs(), client.domain.snapshot_parent("second")), (vec![], Ok(Some("first".to_owned()))));
}

#[test]
fn beside_a_copy_goes_what_qemu_allows() {
    let Some(vm) = Vm::start(&["base"], 1) else { return };
    let copy = vm.client.copy("vda", &vm.path("copy.qcow2"), 1, 0);
    for flags in [0, DISK_ONLY] {
        let refused = vm.client.domain.snapshot_create(&named("s"), flags).unwrap_err();
        assert_eq!(refused.code, code::BLOCK_COPY_ACTIVE, "{refused}");
        assert!(refused.detail.contains(&copy), "{refused}");
    }
    // With PARALLEL it is QEMU that refuses, and nothing is left of the attempt.
    let refused = vm.client.domain.snapshot_create(&named("s"), DISK_ONLY | JOB_START_PARALLEL).unwrap_err();
    assert_eq!(refused.code, code::INTERNAL_ERROR, "{refused}");
    assert!(!vm.path("base.s").exists());
    assert_eq!(vm.client.domain.snapshot_names(), Ok(vec![]));
    vm.client.domain.snapshot_create(&named("s"), JOB_START_PARALLEL).unwrap();
    assert_eq!(tags(&vm.chain[0]), ["s"]);
    vm.client.domain.control_job(&copy, ControlOp::Abort).unwrap();
    assert_eq!(vm.client.end(&copy), JobState::Aborted);
    assert_eq!(vm.second().nodes().len(), 2);
}

#[test]
fn what_is_known_of_snapshots_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let Some(vm) = Vm::start(&["base"], 1) else { return };
    vm.client.domain.snapshot_create(&named("s"), 0).unwrap();
    let dir = vm.vms().join("vm.jobs/snapshots");
    let text = std::fs::read_to_string(dir.join("s.json")).unwrap();
    assert!(text.contains("\"name\": \"s\"") && text.contains("\"state\": \"paused\""), "{text}");
    for path in std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).chain([dir.clone()]) {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
}

const WORK: &str = "VIRT_JOBS_TEST_WORK";
/// The snapshot that the client is to go back to, paused.
const BACK_TO: &str = "VIRT_JOBS_TEST_BACK_TO";

/// The client that is killed: this program, run again with a directory to work in.
#[test]
fn work_until_killed() {
    let Ok(dir) = std::env::var(WORK) else { return };
    let client = Client::open(&Path::new(&dir).join("vms"));
    println!("attached");
    if let Ok(name) = std::env::var(BACK_TO) {
        let ended = client.domain.snapshot_revert(&name, REVERT_PAUSED);
        panic!("it was to be killed before that: {ended:?}");
    }
    for round in 0.. {
        let name = format!("s{}-{round}", std::process::id());
        let flags = if round % 2 == 0 { DISK_ONLY | JOB_START_PERSIST } else { JOB_START_PERSIST };
        client.domain.snapshot_create(&named(&name), flags).unwrap();
        let _ = client.domain.snapshot_revert(&name, 0);
        client.domain.snapshot_delete(&name, 0).unwrap();
    }
}

fn kill_one(dir: &Path, after: Duration) {
    kill_after(another_client("work_until_killed", &[(WORK, dir.as_os_str())]), after);
}

/// Everything that the killed clients began is over, every snapshot that is known is there, and can be deleted.
fn set_right(vm: &Vm) {
    for (name, _, state) in vm.client.jobs() {
        if !state.is_final() {
            // Merging images goes on without the client.
            let _ = vm.client.domain.control_job(&name, ControlOp::Abort);
            vm.client.end(&name);
        }
        let _ = vm.client.domain.control_job(&name, ControlOp::Dismiss);
    }
    let mut names = vm.client.domain.snapshot_names().unwrap();
    names.reverse();
    for name in names {
        let document = vm.client.domain.snapshot_xml(&name).unwrap();
        let kept = document.contains("disk-snapshot") && vm.client.domain.snapshot_delete(&name, 0).is_err();
        if !document.contains("disk-snapshot") || kept {
            let flags = if kept { METADATA_ONLY } else { 0 };
            vm.client.domain.snapshot_delete(&name, flags).unwrap();
        }
    }
}

#[test]
fn a_client_that_is_killed_between_any_two_steps_leaves_what_the_next_one_can_use() {
    let dir = tempfile::tempdir().unwrap();
    let chain = make_chain(dir.path(), &["base"], 2);
    let original = dir.path().join("original.raw");
    copy_of(&chain[0], &original);
    let Some(mut vm) = Vm::start_on(dir, chain, 0) else { return };
    for round in 0..16 {
        let Vm { client, chain, reaper, dir } = vm;
        drop(client);
        kill_one(dir.path(), Duration::from_millis(11 * round + 1));
        let client = Client::open(&dir.path().join("vms"));
        vm = Vm { client, chain, reaper, dir };
        set_right(&vm);
        let jobs = vm.client.jobs();
        assert!(jobs.is_empty(), "round {round}: {jobs:?}");
        let mut second = vm.second();
        assert_eq!(second.run("query-jobs", json!({})), json!([]), "round {round}");
        let xml = vm.xml();
        let images = xml.matches("<source file=").count();
        assert_eq!(second.nodes().len(), 2 * images, "round {round}: {:?} {xml}", second.nodes());
    }
    assert_eq!(vm.client.domain.snapshot_names(), Ok(vec![]));
    let xml = vm.xml();
    let top = xml.split("<source file='").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    vm.client.domain.destroy(0).unwrap();
    assert_same(Path::new(&top), &original);
}

#[test]
fn a_guest_that_was_stopped_for_a_snapshot_whose_client_was_killed_goes_on() {
    let Some(rig) = Rig::sized(&["base"], 4) else { return };
    rig.client.domain.snapshot_create(&named("s"), 0).unwrap();
    let Rig { client, mut other, proxy, qemu, dir, .. } = rig;
    drop(client);
    proxy.set(Manner::Withhold("stop"));
    let mut child = another_client("work_until_killed", &[(WORK, dir.path().as_os_str()), (BACK_TO, "s".as_ref())]);
    wait_until("the stop", || other.run("query-status", json!({}))["running"] == json!(false));
    child.kill().unwrap();
    child.wait().unwrap();
    proxy.set(Manner::Straight);
    let client = Client::open(&dir.path().join("vms"));
    wait_until("the guest", || other.run("query-status", json!({}))["running"] == json!(true));
    assert!(!proxy.commands().contains(&"snapshot-load".to_owned()));
    wait_until("the end of the job", || client.jobs().is_empty());
    assert_eq!(client.domain.snapshot_names(), Ok(vec!["s".to_owned()]));
    // One that is to stay paused does so when the client lives.
    client.domain.snapshot_revert("s", REVERT_PAUSED).unwrap();
    assert_eq!(other.run("query-status", json!({}))["running"], json!(false));
    drop(proxy);
    drop(qemu);
}

#[test]
fn a_disk_snapshot_whose_answer_does_not_come_in_time_has_the_outcome_that_the_disks_tell() {
    let Some(rig) = Rig::sized(&["base"], 4) else { return };
    let image = rig.path("new.qcow2");
    rig.proxy.set(Manner::Withhold("transaction"));
    let snapshot = on_top("s", &image).replace("vda", "sda");
    let error = rig.client.domain.snapshot_create(&snapshot, DISK_ONLY | JOB_START_PERSIST).unwrap_err();
    assert_eq!(error.code, code::OPERATION_TIMEOUT, "{error}");
    assert_eq!(rig.client.end("snapshot-sda-1"), JobState::Completed);
    assert_eq!(rig.client.states("snapshot-sda-1"), ["running", "completed"]);
    assert_eq!(rig.client.domain.snapshot_names(), Ok(vec!["s".to_owned()]));
    assert!(rig.client.domain.xml(0).unwrap().contains("new.qcow2"));
}

#[test]
fn a_qemu_of_somebody_else_takes_snapshots_too() {
    let Some(emulator) = emulator() else { return };
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("vms")).unwrap();
    let chain = make_chain(dir.path(), &["base", "top"], 4);
    let socket = dir.path().join("vms/vm.qmp");
    let _qemu = Qemu::with_disk(&emulator, &socket, &chain);
    let events = Arc::new(Subscriptions::new());
    let connection = qemu::open(&dir.path().join("vms"), events).unwrap();
    let domain = connection.domain(&connection.lookup(Key::Name("vm")).unwrap()).unwrap();
    domain.snapshot_create(&named("inner"), 0).unwrap();
    assert_eq!(tags(&chain[1]), ["inner"]);
    domain.snapshot_revert("inner", 0).unwrap();
    domain.snapshot_create(&on_top("outer", &dir.path().join("new.qcow2")), DISK_ONLY).unwrap();
    let xml = domain.xml(0).unwrap();
    assert!(xml.contains("new.qcow2") && xml.contains("top.qcow2") && xml.contains("base.qcow2"), "{xml}");
    domain.snapshot_delete("outer", 0).unwrap();
    domain.snapshot_delete("inner", 0).unwrap();
    assert!(!dir.path().join("new.qcow2").exists());
    assert_eq!(tags(&chain[1]), [""; 0]);
}
