//! Records of jobs that outlive those who started them, whatever becomes of the domain, the directory or the disk.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::vm::*;
use support::*;
use virt_jobs::driver::{Connection, Key};
use virt_jobs::model::flags::JOB_START_PERSIST;
use virt_jobs::model::{code, ControlOp, DomainRef, DomainState, JobState, JobType};

const PAUSED: u32 = 1;
const SLOW: u64 = 1 << 16;

/// Kills the QEMU of a domain while no client is there.
fn lose(vm: Vm) -> (tempfile::TempDir, Vec<std::path::PathBuf>, Reaper) {
    let pid = vm.pid();
    let Vm { client, chain, reaper, dir } = vm;
    drop(client);
    send_signal(pid, libc::SIGKILL);
    let gone = || std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "));
    wait_until("the process is gone", gone);
    (dir, chain, reaper)
}

/// The same client with another domain as its subject.
fn about(client: &Client, domain: &DomainRef) -> Client {
    Client { domain: client.connection.domain(domain).unwrap(), ..client.clone() }
}

fn lookup(connection: &dyn Connection, key: Key<'_>) -> DomainRef {
    connection.lookup(key).unwrap()
}

#[test]
fn a_domain_that_was_lost_is_found_with_its_jobs_beside_a_new_one_of_its_name() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let copy = vm.client.copy("vda", &vm.path("copy.qcow2"), SLOW, JOB_START_PERSIST);
    let uuid = vm.client.domain.identity().uuid;
    let (dir, chain, reaper) = lose(vm);
    let client = Client::open(&dir.path().join("vms"));
    let vm = Vm { client, chain, reaper, dir };
    let connection = vm.client.connection.clone();
    assert_eq!(lookup(&*connection, Key::Uuid(uuid)), lookup(&*connection, Key::Name("vm")));
    assert_eq!(connection.domains().unwrap().len(), 1);
    let lost = vm.client.clone();
    assert_eq!(lost.domain.state().unwrap().0, DomainState::Shutoff);
    let xml = lost.domain.xml(0).unwrap();
    assert!(xml.contains("top.qcow2") && xml.contains(&uuid.to_string()) && !xml.contains("id="), "{xml}");

    // Its name is free, and what it left is still its own.
    let new = vm.create("vm", &[disk_xml("vda", "virtio", &vm.chain[1])]).unwrap();
    assert_ne!(new.uuid, uuid);
    assert_eq!(lookup(&*connection, Key::Name("vm")), new);
    assert_eq!(connection.domains().unwrap().len(), 2);
    let next = about(&vm.client, &new);
    assert_eq!(next.jobs(), []);
    let pull = next.pull("vda", None, 0, JOB_START_PERSIST);
    assert_eq!(next.end(&pull), JobState::Completed);
    assert_eq!((copy.as_str(), pull.as_str()), ("block-copy-vda-1", "block-pull-vda-4"));
    let failed = (copy.clone(), JobType::BlockCopy, JobState::Failed);
    assert_eq!(about(&vm.client, &lookup(&*connection, Key::Uuid(uuid))).jobs(), std::slice::from_ref(&failed));

    drop((connection, lost, next));
    let vm = vm.reopen();
    assert_eq!(vm.client.domain.identity(), new);
    assert_eq!(vm.client.jobs(), [(pull.clone(), JobType::BlockPull, JobState::Completed)]);
    let old = about(&vm.client, &lookup(&*vm.client.connection, Key::Uuid(uuid)));
    assert_eq!(old.jobs(), [failed]);
    assert!(old.domain.job_xml(&copy, true).unwrap().contains("while nobody was there"));
    old.domain.control_job(&copy, ControlOp::Dismiss).unwrap();
    assert_eq!(vm.client.connection.domains().unwrap().len(), 1);
    assert_eq!(vm.client.jobs().len(), 1);
    vm.client.domain.control_job(&pull, ControlOp::Dismiss).unwrap();
    vm.client.domain.destroy(0).unwrap();
    assert_eq!(vm.files(), [""; 0]);
}

#[test]
fn a_domain_that_is_started_again_with_its_uuid_has_the_jobs_of_its_earlier_life() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let copy = vm.client.copy("vda", &vm.path("copy.qcow2"), SLOW, JOB_START_PERSIST);
    let uuid = vm.client.domain.identity().uuid;
    let (dir, chain, reaper) = lose(vm);
    let client = Client::open(&dir.path().join("vms"));
    let vm = Vm { client, chain, reaper, dir };
    let xml = domain_xml(&emulator().unwrap(), &vm.vms(), "vm", &[disk_xml("vda", "virtio", &vm.chain[1])]);
    let xml = xml.replace("<name>vm</name>", &format!("<name>vm</name><uuid>{uuid}</uuid>"));
    let again = about(&vm.client, &vm.client.connection.create_xml(&xml, PAUSED).unwrap());
    assert_eq!(again.jobs(), [(copy.clone(), JobType::BlockCopy, JobState::Failed)]);
    assert!(again.domain.job_xml(&copy, true).unwrap().contains("while nobody was there"));
    let pull = again.pull("vda", None, 0, 0);
    assert_eq!(pull, "block-pull-vda-4");
    again.end(&pull);
    again.domain.control_job(&copy, ControlOp::Dismiss).unwrap();
    again.domain.destroy(0).unwrap();
    assert_eq!(vm.files(), [""; 0]);
}

#[test]
fn records_that_are_no_use_are_no_domain_and_stay_where_they_are() {
    let Some(vm) = Vm::start(&["top"], PAUSED) else { return };
    let place = vm.vms().join("ghost.jobs");
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("block-copy-vda-1.json"), "{\"version\": 1").unwrap();
    std::fs::write(place.join("notes.json"), "{}").unwrap();
    assert_eq!(vm.client.connection.domains().unwrap().len(), 1);
    assert_eq!(vm.client.connection.lookup(Key::Name("ghost")).map_err(|e| e.code), Err(code::NO_DOMAIN));
    let ghost = vm.create("ghost", &[]).unwrap();
    vm.client.connection.domain(&ghost).unwrap().destroy(0).unwrap();
    let mut left: Vec<_> = std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["block-copy-vda-1.json", "notes.json"]);
}

#[test]
fn records_are_for_their_owner_alone() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let pull = vm.client.pull("vda", None, 0, JOB_START_PERSIST);
    vm.client.end(&pull);
    let place = vm.vms().join("vm.jobs");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place), 0o700);
    for entry in std::fs::read_dir(&place).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn a_directory_that_is_full_costs_records_and_no_jobs() {
    let Some(emulator) = emulator() else { return };
    let dir = tempfile::tempdir().unwrap();
    let chain = make_chain(dir.path(), &["base", "top"], 24);
    let vms = dir.path().join("vms");
    std::fs::create_dir(&vms).unwrap();
    let Some(small) = Small::over(&vms, "256k") else { return };
    let qemu = Qemu::with_disk(&emulator, &vms.join("vm.qmp"), &chain);
    let client = Client::open(&vms);
    let kept = client.copy("vda", &dir.path().join("kept.qcow2"), SLOW, JOB_START_PERSIST);
    // Records of the images that were made would leave room when they go.
    let files = || std::fs::read_dir(vms.join("vm.jobs")).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    wait_until("only the copy is on record", || files().filter(|name| name.ends_with(".json")).count() == 1);
    let filler = vms.join("filler");
    assert!(std::fs::write(&filler, vec![1; 1 << 20]).is_err());
    client.domain.control_job(&kept, ControlOp::Abort).unwrap();
    assert_eq!(client.end(&kept), JobState::Aborted);
    let lost = client.copy("vda", &dir.path().join("lost.qcow2"), 0, JOB_START_PERSIST);
    client.wait(&lost, &[JobState::Ready]);
    client.domain.control_job(&lost, ControlOp::Abort).unwrap();
    assert_eq!(client.end(&lost), JobState::Aborted);
    assert_eq!(client.states(&lost), ["running", "ready", "aborted"]);
    run("qemu-img", &["check", "-q", dir.path().join("lost.qcow2").to_str().unwrap()]);
    run("qemu-img", &["compare", "-U", "-q", dir.path().join("lost.qcow2").to_str().unwrap(), chain[1].to_str().unwrap()]);
    std::fs::remove_file(&filler).unwrap();
    let again = client.pull("vda", None, 0, JOB_START_PERSIST);
    assert_eq!(client.end(&again), JobState::Completed);
    drop(client);
    let client = Client::open(&vms);
    let names: Vec<String> = client.jobs().into_iter().map(|(name, _, _)| name).collect();
    assert!(names.contains(&again) && !names.contains(&lost), "{names:?}");
    drop((client, qemu, small));
}

/// What is asked of a copy whose disk the guest has lost, also by a client that comes later.
fn end_detached(client: &Client, copy: &str, op: ControlOp) {
    let xml = client.domain.job_xml(copy, true).unwrap();
    assert!(xml.contains("<disk>") && !client.domain.xml(0).unwrap().contains("<disk"), "{xml}");
    client.domain.control_job(copy, ControlOp::Pause).unwrap();
    client.wait(copy, &[JobState::Paused]);
    client.domain.control_job(copy, ControlOp::Resume).unwrap();
    client.domain.set_job_speed(copy, 0).unwrap();
    assert_eq!(client.wait(copy, &[JobState::Ready]), JobState::Ready);
    client.domain.control_job(copy, op).unwrap();
    let end = if op == ControlOp::Finalize { JobState::Completed } else { JobState::Aborted };
    assert_eq!(client.end(copy), end);
    let states = client.states(copy);
    assert_eq!(states.iter().filter(|state| *state == end.as_str()).count(), 1, "{states:?}");
    assert_eq!(states.last().map(String::as_str), Some(end.as_str()));
}

#[test]
fn a_disk_that_a_guest_lost_during_a_job_is_cleaned_up_by_whoever_is_there_then() {
    for (op, restart) in [(ControlOp::Abort, false), (ControlOp::Finalize, true), (ControlOp::Abort, true)] {
        let Some(mut vm) = Vm::start(&["top"], PAUSED) else { return };
        let spare = make_chain(vm.dir.path(), &["base", "spare"], 8);
        let nodes = vm.second().nodes();
        vm.client.domain.attach_device(&disk_xml("sda", "scsi", &spare[1]), 0).unwrap();
        let device = vm.xml().split("<alias name='scsi").nth(1).and_then(|rest| rest.split('\'').next()).map(|rest| format!("scsi{rest}"));
        let copy = vm.client.copy("sda", &vm.path("copy.qcow2"), SLOW, JOB_START_PERSIST);
        vm.second().run("device_del", serde_json::json!({ "id": device.unwrap() }));
        wait_until("the disk is gone", || !vm.xml().contains("dev='sda'"));
        if restart {
            vm = vm.reopen();
        }
        assert!(vm.client.domain.job_xml(&copy, true).unwrap().contains("<disk>sda</disk>"));
        vm.client.domain.set_job_speed(&copy, 0).unwrap();
        assert_eq!(vm.client.wait(&copy, &[JobState::Ready]), JobState::Ready);
        vm.client.domain.control_job(&copy, op).unwrap();
        vm.client.end(&copy);
        let mut second = vm.second();
        wait_until("QEMU has forgotten the job", || second.status_of(&copy).is_none());
        let left = second.nodes();
        wait_until(&format!("{op} {restart}: its nodes are closed: {left:?}"), || second.nodes() == nodes);
        assert_same(&vm.path("copy.qcow2"), &spare[1]);
    }
}

#[test]
fn a_disk_that_somebody_else_unplugged_during_a_job_is_cleaned_up_too() {
    for (op, restart) in [(ControlOp::Abort, false), (ControlOp::Finalize, false), (ControlOp::Abort, true), (ControlOp::Finalize, true)] {
        let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
        let nodes = rig.other.nodes();
        let copy = rig.client.copy("sda", &rig.path("copy.qcow2"), SLOW, JOB_START_PERSIST);
        rig.other.run("device_del", serde_json::json!({ "id": "disk0" }));
        wait_until("the disk is gone", || !rig.client.domain.xml(0).unwrap().contains("<disk"));
        if restart {
            rig = rig.reopen();
        }
        end_detached(&rig.client, &copy, op);
        wait_until("QEMU has forgotten the job", || rig.other.status_of(&copy).is_none());
        let left = rig.other.nodes();
        wait_until(&format!("{op} {restart}: its nodes are closed: {left:?} {nodes:?}"), || rig.other.nodes() == nodes);
        rig.client.domain.control_job(&copy, ControlOp::Dismiss).unwrap();
        assert_eq!(rig.client.jobs(), []);
    }
}

const INACTIVE: u32 = 1 << 1;
const HOLD: &str = "VIRT_JOBS_TEST_HOLD";

#[test]
fn a_restart_of_the_client_changes_no_description() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let copy = vm.client.copy("vda", &vm.path("copy.qcow2"), 0, JOB_START_PERSIST);
    vm.client.wait(&copy, &[JobState::Ready]);
    let described = |vm: &Vm| [0, INACTIVE].map(|flags| vm.client.domain.xml(flags).unwrap());
    let before = described(&vm);
    let vm = vm.reopen();
    assert_eq!(described(&vm), before);
    vm.client.domain.control_job(&copy, ControlOp::Finalize).unwrap();
    vm.client.end(&copy);
    let before = described(&vm);
    let vm = vm.reopen();
    assert_eq!(described(&vm), before);
}

/// The other process of the test below: holds the monitor, and starts and ends jobs until it is ended.
#[test]
fn work_with_the_monitor_held() {
    let Ok(dir) = std::env::var(HOLD) else { return };
    let client = Client::open(&Path::new(&dir).join("vms"));
    println!("attached");
    loop {
        let pull = client.pull("vda", None, 0, JOB_START_PERSIST);
        assert_eq!(client.end(&pull), JobState::Completed);
    }
}

#[test]
fn of_two_processes_on_a_directory_the_one_with_the_monitor_keeps_the_records() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let Vm { client, chain, reaper, dir } = vm;
    drop(client);
    let mut child = another_client("work_with_the_monitor_held", &[(HOLD, dir.path().as_os_str())]);
    let vms = dir.path().join("vms");
    let connection = virt_jobs::driver::qemu::open(&vms, std::sync::Arc::new(virt_jobs::event::Subscriptions::new())).unwrap();
    assert_eq!(connection.domains().unwrap().len(), 0);
    let refused = connection.lookup(Key::Name("vm")).unwrap_err();
    assert!(refused.message().contains("taken by another client"), "{refused}");
    let records = || std::fs::read_dir(vms.join("vm.jobs")).unwrap().count();
    let before = records();
    wait_until("the other process goes on", || records() > before + 20);
    child.kill().unwrap();
    child.wait().unwrap();
    drop(connection);
    let vm = Vm { client: Client::open(&vms), chain, reaper, dir };
    let jobs = vm.client.jobs();
    assert!(jobs.len() > 20, "{jobs:?}");
    // What was being started when it was killed may not have come to run.
    let last = jobs.len() - 1;
    jobs[..last].iter().for_each(|(name, _, state)| assert_eq!(*state, JobState::Completed, "{name}"));
    vm.client.end(&jobs[last].0);
}
