//! What many jobs leave behind: nothing.

mod support;

use std::path::Path;

use support::vm::*;
use support::*;
use virt_jobs::model::flags::{commit, copy, JOB_START_PERSIST};
use virt_jobs::model::{ControlOp, JobState};

fn count(dir: &str) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

/// Descriptors and threads of this process.
fn held() -> (usize, usize) {
    (count("/proc/self/fd"), count("/proc/self/task"))
}

/// The thread that writes records comes and goes.
fn assert_no_more(before: (usize, usize)) {
    wait_until("no descriptor and no thread is left", || {
        let (descriptors, threads) = held();
        descriptors <= before.0 && threads <= before.1
    });
}

fn cycle(vm: &Vm, round: usize) {
    let target = vm.path(&format!("copy{round}.qcow2"));
    let op = if round % 2 == 0 { ControlOp::Abort } else { ControlOp::Finalize };
    let flags = if round % 3 == 0 { JOB_START_PERSIST } else { 0 } | if round % 5 == 0 { copy::SHALLOW } else { 0 };
    let name = vm.client.copy("vda", &target, 0, flags);
    vm.client.wait(&name, &[JobState::Ready]);
    vm.client.domain.control_job(&name, op).unwrap();
    vm.client.end(&name);
    if flags & JOB_START_PERSIST != 0 {
        vm.client.domain.control_job(&name, ControlOp::Dismiss).unwrap();
    }
}

/// The images that a QEMU has open.
fn open_images(pid: i32) -> usize {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    links.filter_map(|link| std::fs::read_link(link.path()).ok()).filter(|path| path.extension() == Some("qcow2".as_ref())).count()
}

/// The only test of this program: descriptors and threads are those of the process.
#[test]
fn fifty_copies_leave_no_node_no_descriptor_no_thread_and_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let chain = make_chain(dir.path(), &["base", "top"], 2);
    let Some(vm) = Vm::start_on(dir, chain, 1) else { return };
    cycle(&vm, 0);
    cycle(&vm, 1);
    let before = held();
    for round in 2..52 {
        cycle(&vm, round);
    }
    assert_no_more(before);
    // The last one that was finalized is the disk.
    assert_eq!(vm.second().nodes().len(), 2);
    assert_eq!(open_images(vm.pid()), 1);
    assert_eq!(vm.files(), ["vm.jobs", "vm.pid", "vm.qmp"]);
    let mut left: Vec<String> =
        std::fs::read_dir(vm.vms().join("vm.jobs")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["domain.xml", "last-number"]);
    // Connections come and go.
    let mut vm = vm;
    for _ in 0..10 {
        vm = vm.reopen();
        assert_eq!(vm.client.jobs(), []);
    }
    assert_no_more(before);
    vm.client.domain.destroy(0).unwrap();
    assert_eq!(vm.files(), [""; 0]);
    let Vm { client, chain, reaper, dir } = vm;
    drop(client);
    wait_until("nothing is held", || {
        let (descriptors, threads) = held();
        descriptors < before.0 && threads < before.1
    });
    drop((chain, reaper));
    chains_shrink(&dir);
}

/// Commits and pulls close what they make superfluous.
fn chains_shrink(dir: &tempfile::TempDir) {
    let inner = tempfile::tempdir_in(dir.path()).unwrap();
    let chain = make_chain(inner.path(), &["a", "b", "c", "d", "e"], 5);
    let Some(vm) = Vm::start_on(inner, chain, 1) else { return };
    let path = |at: usize| vm.chain[at].to_str().unwrap();
    let jobs: [&dyn Fn() -> String; 3] = [
        &|| vm.client.try_commit("vda", Some(path(2)), Some(path(1)), 0, commit::DELETE).unwrap(),
        &|| vm.client.pull("vda", Some(path(0)), 0, 0),
        &|| vm.client.try_commit("vda", None, None, 0, commit::ACTIVE).unwrap(),
    ];
    for (job, images) in jobs.iter().zip([4, 2, 1]) {
        let name = job();
        if vm.client.wait(&name, &[JobState::Ready]) == JobState::Ready {
            vm.client.domain.control_job(&name, ControlOp::Finalize).unwrap();
        }
        assert_eq!(vm.client.end(&name), JobState::Completed, "{name}");
        assert_eq!(vm.second().nodes().len(), 2 * images, "{name}");
        assert_eq!(open_images(vm.pid()), images, "{name}");
    }
    assert!(!Path::new(path(2)).exists() && Path::new(path(1)).exists());
}
