//! Clients that are killed at any moment: the next one finds everything, and sets it right.

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use support::vm::*;
use support::*;
use virt_jobs::model::flags::{copy, JOB_START_PERSIST};
use virt_jobs::model::{ControlOp, JobState};

const WORK: &str = "VIRT_JOBS_TEST_WORK";

/// The client that is killed: this program, run again with a directory to work in.
#[test]
fn work_until_killed() {
    let Ok(dir) = std::env::var(WORK) else { return };
    let dir = PathBuf::from(dir);
    let client = Client::open(&dir.join("vms"));
    println!("attached");
    for round in 0.. {
        let target = dir.join(format!("copy-{}-{round}.qcow2", std::process::id()));
        let flags = if round % 2 == 0 { JOB_START_PERSIST } else { 0 };
        let Ok(name) = client.try_copy("vda", &target, 0, flags) else { return };
        client.wait(&name, &[JobState::Ready]);
        let op = if round % 3 == 0 { ControlOp::Abort } else { ControlOp::Finalize };
        let _ = client.domain.control_job(&name, op);
        client.end(&name);
        if flags != 0 {
            let _ = client.domain.control_job(&name, ControlOp::Dismiss);
        }
    }
}

/// Runs a client and kills it this long after it has come to work.
fn kill_one(dir: &Path, after: Duration) {
    kill_after(another_client("work_until_killed", &[(WORK, dir.as_os_str())]), after);
}

/// Ends what still runs, and takes what is kept off the list.
fn tidy(client: &Client) {
    for (name, _, state) in client.jobs() {
        let op = if state == JobState::Ready { ControlOp::Finalize } else { ControlOp::Abort };
        if !state.is_final() {
            // It may be ending already.
            let _ = client.domain.control_job(&name, op);
            client.end(&name);
        }
        let _ = client.domain.control_job(&name, ControlOp::Dismiss);
    }
}

#[test]
fn a_client_that_is_killed_at_any_moment_leaves_nothing_that_the_next_one_cannot_set_right() {
    let dir = tempfile::tempdir().unwrap();
    let chain = make_chain(dir.path(), &["base", "top"], 2);
    let original = dir.path().join("original.raw");
    run("qemu-img", &["convert", "-O", "raw", chain[1].to_str().unwrap(), original.to_str().unwrap()]);
    let Some(mut vm) = Vm::start_on(dir, chain, 1) else { return };
    for round in 0..24 {
        let Vm { client, chain, reaper, dir } = vm;
        drop(client);
        kill_one(dir.path(), Duration::from_millis(7 * (round % 12) + 1));
        let client = Client::open(&dir.path().join("vms"));
        vm = Vm { client, chain, reaper, dir };
        tidy(&vm.client);
        let mut second = vm.second();
        wait_until("QEMU has no job any more", || second.run("query-jobs", json!({})) == json!([]));
        assert_eq!(vm.client.jobs(), [], "round {round}");
        let xml = vm.xml();
        assert!(!xml.contains("<mirror"), "round {round}: {xml}");
        let images = xml.lines().filter(|line| line.contains(" index='") && !line.contains("<controller")).count();
        let state = format!("{:?} {:?}", second.nodes(), vm.client.told());
        wait_until(&format!("round {round}: nothing but the chain is open: {state} {xml}"), || second.nodes().len() == 2 * images);
    }
    // Whatever was pivoted to, it is the same disk; and it can still be copied.
    let last = vm.path("last.qcow2");
    let name = vm.client.copy("vda", &last, 0, copy::SYNCHRONOUS_WRITES);
    vm.client.wait(&name, &[JobState::Ready]);
    vm.client.domain.control_job(&name, ControlOp::Finalize).unwrap();
    assert_eq!(vm.client.end(&name), JobState::Completed);
    vm.client.domain.destroy(0).unwrap();
    assert_same(&last, &original);
    assert_eq!(vm.files(), [""; 0]);
}

#[test]
fn an_abort_of_a_ready_copy_is_remembered_by_the_next_client() {
    let Some(rig) = Rig::new(&["base", "top"]) else { return };
    let copy = rig.client.copy("sda", &rig.path("copy.qcow2"), 0, JOB_START_PERSIST);
    rig.client.wait(&copy, &[JobState::Ready]);
    // What follows from the abort does not reach this client any more.
    rig.proxy.set(Manner::RepliesFirst);
    rig.client.domain.control_job(&copy, ControlOp::Abort).unwrap();
    let mut rig = rig.reopen();
    rig.proxy.set(Manner::Straight);
    assert_eq!(rig.client.end(&copy), JobState::Aborted);
    assert!(rig.client.domain.xml(0).unwrap().contains("top.qcow2"));
    wait_until("QEMU has forgotten it", || rig.other.status_of(&copy).is_none());
    assert!(rig.other.nodes().iter().all(|node| !node.starts_with("libvirt-")));
}
