//! Backups that outlive the client that began them.

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use support::backups::*;
use support::vm::Vm;
use support::*;
use virt_jobs::model::flags::JOB_START_PERSIST;
use virt_jobs::model::{ControlOp, JobState, JobType};

const WORK: &str = "VIRT_JOBS_TEST_WORK";

/// QEMU's jobs for the two disks of a backup.
fn members(name: &str) -> [String; 2] {
    ["vda", "sda"].map(|disk| format!("{name}.{disk}"))
}

/// A domain with nobody connected to it.
struct Alone {
    chain: Vec<PathBuf>,
    reaper: vm::Reaper,
    dir: tempfile::TempDir,
}

fn leave(vm: Vm) -> Alone {
    let Vm { client, chain, reaper, dir } = vm;
    drop(client);
    Alone { chain, reaper, dir }
}

impl Alone {
    fn other(&self) -> Other {
        Other::connect(&self.dir.path().join("vm.second"))
    }

    fn come_back(self) -> Vm {
        let client = Client::open(&self.dir.path().join("vms"));
        Vm { client, chain: self.chain, reaper: self.reaper, dir: self.dir }
    }
}

fn described(vm: &Vm, name: &str) -> String {
    vm.client.domain.job_xml(name, false).unwrap()
}

#[test]
fn a_backup_is_found_again_as_it_was() {
    let Some(vm) = two_disks(96) else { return };
    let nodes = vm.second().nodes();
    let (name, a, b) = begin_slowly(&vm, JOB_START_PERSIST);
    let xml = described(&vm, &name);
    let document = vm.client.domain.backup_xml().unwrap();
    let vm = vm.reopen();
    assert_eq!(vm.client.jobs(), [(name.clone(), JobType::BlockBackup, JobState::Running)]);
    // The limit that was set later is not part of what it was started with.
    let limit = format!("    <bandwidth unit='bytes/s'>{SLOW}</bandwidth>\n");
    assert_eq!(described(&vm, &name).replace(&limit, ""), xml.replace(&limit, ""));
    assert_eq!(vm.client.domain.backup_xml().unwrap(), document);
    vm.client.domain.set_job_speed(&name, 0).unwrap();
    assert_eq!(vm.client.end(&name), JobState::Completed);
    assert_holds(&a, &vm.path("top.qcow2"));
    assert_holds(&b, &vm.path("s-top.qcow2"));
    assert_eq!(vm.second().nodes(), nodes);
}

#[test]
fn a_backup_that_ends_while_nobody_is_there_is_found_complete() {
    let Some(vm) = two_disks(96) else { return };
    let nodes = vm.second().nodes();
    let (name, a, b) = begin_slowly(&vm, JOB_START_PERSIST);
    let alone = leave(vm);
    for member in members(&name) {
        alone.other().run("block-job-set-speed", json!({ "device": member, "speed": 0 }));
    }
    for member in members(&name) {
        alone.other().wait_for_status(&member, "concluded");
    }
    let vm = alone.come_back();
    assert_eq!(vm.client.end(&name), JobState::Completed);
    assert_eq!(vm.client.jobs(), [(name.clone(), JobType::BlockBackup, JobState::Completed)]);
    assert_holds(&a, &vm.path("top.qcow2"));
    assert_holds(&b, &vm.path("s-top.qcow2"));
    assert_eq!(vm.second().nodes(), nodes);
}

#[test]
fn one_disk_that_ended_while_nobody_was_there_ends_the_backup() {
    let Some(vm) = two_disks(96) else { return };
    let nodes = vm.second().nodes();
    let (a, b) = (vm.path("a.qcow2"), vm.path("b.qcow2"));
    // With a checkpoint QEMU itself does not take the jobs for a whole.
    let xml = push(&[target("vda", &a), target("sda", &b)]);
    let name = slowed(&vm, &[&a, &b], |attempt| {
        let checkpoint = format!("<domaincheckpoint><name>day-{attempt}</name></domaincheckpoint>");
        vm.client.domain.backup_begin(&xml, Some(&checkpoint), JOB_START_PERSIST).unwrap()
    });
    let alone = leave(vm);
    let [vda, sda] = members(&name);
    alone.other().run("job-cancel", json!({ "id": sda }));
    alone.other().wait_for_status(&sda, "concluded");
    assert_eq!(alone.other().status_of(&vda).as_deref(), Some("running"));
    let vm = alone.come_back();
    assert_eq!(vm.client.end(&name), JobState::Aborted);
    assert!(!a.exists() && !b.exists());
    assert_eq!(vm.second().nodes(), nodes);
}

#[test]
fn a_pull_goes_on_without_its_client_and_is_ended_by_the_next() {
    let Some(vm) = two_disks(24) else { return };
    let nodes = vm.second().nodes();
    let name = begin(&vm, &pull(&vm, "", &["vda", "sda"]), 0);
    let document = vm.client.domain.backup_xml().unwrap();
    let alone = leave(vm);
    std::thread::sleep(Duration::from_millis(50));
    let vm = alone.come_back();
    assert_eq!(vm.client.jobs(), [(name.clone(), JobType::BlockBackup, JobState::Running)]);
    assert_eq!(vm.client.domain.backup_xml().unwrap(), document);
    assert_holds(&read_export(&vm, "sda"), &vm.path("s-top.qcow2"));
    vm.client.domain.abort_job(0).unwrap();
    assert_eq!(vm.client.end(&name), JobState::Aborted);
    assert_eq!(left_behind(&vm), ["read-sda.qcow2"]);
    assert_eq!(vm.second().nodes(), nodes);
}

#[test]
fn a_backup_whose_qemu_died_while_nobody_was_there_has_failed() {
    let Some(vm) = two_disks(24) else { return };
    let name = begin(&vm, &pull(&vm, "", &[]), JOB_START_PERSIST);
    let pid = vm.pid();
    let alone = leave(vm);
    send_signal(pid, libc::SIGKILL);
    wait_until("QEMU is gone", || !Path::new(&format!("/proc/{pid}/fd/0")).exists());
    let vm = alone.come_back();
    assert_eq!(vm.client.jobs(), [(name.clone(), JobType::BlockBackup, JobState::Failed)]);
    assert_eq!(left_behind(&vm), [""; 0]);
    vm.client.domain.control_job(&name, ControlOp::Dismiss).unwrap();
}

/// The client that is killed: this program, run again with a directory to work in.
#[test]
fn work_until_killed() {
    let Ok(dir) = std::env::var(WORK) else { return };
    let dir = PathBuf::from(dir);
    let client = Client::open(&dir.join("vms"));
    println!("attached");
    for round in 0.. {
        let (file, mode) = (dir.join(format!("{}-{round}.qcow2", std::process::id())), round % 2 == 0);
        let image = if mode { "scratch" } else { "target" };
        let disk = |name: &str| format!("<disk name='{name}' type='file'><{image} file='{}.{name}'/></disk>", file.display());
        let disks = format!("<disks>{}{}</disks>", disk("vda"), disk("sda"));
        let xml = if mode {
            format!("<domainbackup mode='pull'><server transport='unix' socket='{}'/>{disks}</domainbackup>", dir.join("nbd").display())
        } else {
            format!("<domainbackup>{disks}</domainbackup>")
        };
        let Ok(name) = client.domain.backup_begin(&xml, None, 0) else { return };
        if mode {
            let _ = client.domain.control_job(&name, ControlOp::Abort);
        }
        client.end(&name);
    }
}

/// Runs a client and kills it this long after it has come to work.
fn kill_one(dir: &Path, after: Duration) {
    kill_after(another_client("work_until_killed", &[(WORK, dir.as_os_str())]), after);
}

#[test]
fn clients_that_are_killed_while_they_back_up_leave_nothing() {
    let Some(mut vm) = two_disks(24) else { return };
    let nodes = vm.second().nodes();
    for moment in 0..12u64 {
        let alone = leave(vm);
        kill_one(alone.dir.path(), Duration::from_millis(moment * 13 % 97));
        vm = alone.come_back();
        for (name, _, state) in vm.client.jobs() {
            if !state.is_final() {
                // It may have ended by itself.
                let _ = vm.client.domain.control_job(&name, ControlOp::Abort);
                vm.client.end(&name);
            }
        }
        // The next backup has nothing in its way.
        let name = begin(&vm, &pull(&vm, "", &["vda"]), 0);
        vm.client.domain.control_job(&name, ControlOp::Abort).unwrap();
        vm.client.end(&name);
        assert_eq!(vm.second().nodes(), nodes, "moment {moment}");
        assert_eq!(vm.client.jobs(), [], "moment {moment}");
        for file in left_behind(&vm) {
            // All that stays are whole copies, and what had not been said to be ours.
            let path = vm.path(&file);
            let image = if file.ends_with(".vda") { "top.qcow2" } else { "s-top.qcow2" };
            if std::fs::metadata(&path).unwrap().len() > 0 {
                assert_holds(&path, &vm.path(image));
            }
            std::fs::remove_file(path).unwrap();
        }
    }
}
