//! What other clients of a QEMU do to jobs of ours, and jobs of theirs that behave like none of ours.

mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use support::vm::{disk_xml, Vm};
use support::*;
use virt_jobs::model::flags::{commit, JOB_START_PERSIST};
use virt_jobs::model::{code, ControlOp, DomainState, JobState, JobType};

/// A limit at which no job ends while a test runs.
const SLOW: u64 = 1 << 16;

#[test]
fn a_ready_copy_that_somebody_else_completes_has_pivoted() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let (first, second) = (rig.path("first.qcow2"), rig.path("second.qcow2"));
    let copy = rig.client.copy("sda", &first, 0, 0);
    rig.client.wait(&copy, &[JobState::Ready]);
    rig.other.run("job-complete", json!({ "id": copy }));
    assert_eq!(rig.client.end(&copy), JobState::Completed);
    let xml = rig.client.domain.xml(0).unwrap();
    assert!(xml.contains("first.qcow2") && !xml.contains("top.qcow2") && !xml.contains("<mirror"), "{xml}");
    // The next copy is one of what the guest writes to by now.
    let copy = rig.client.copy("sda", &second, 0, 0);
    rig.client.wait(&copy, &[JobState::Ready]);
    rig.client.domain.control_job(&copy, ControlOp::Finalize).unwrap();
    assert_eq!(rig.client.end(&copy), JobState::Completed);
    rig.other.guest_io(DISK, "write -P 77 5M 64k");
    rig.other.guest_io(DISK, "flush");
    run("qemu-io", &["-r", "-U", "-c", "read -q -P 77 5M 64k", second.to_str().unwrap()]);
    run("qemu-io", &["-r", "-c", "read -q -P 1 5M 64k", first.to_str().unwrap()]);
}

#[test]
fn a_ready_copy_that_somebody_else_ends_without_pivot_leaves_the_disk_as_it_is() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    for (command, argument) in [("block-job-cancel", "device"), ("job-cancel", "id")] {
        let copy = rig.client.copy("sda", &rig.path(&format!("{command}.qcow2")), 0, JOB_START_PERSIST);
        rig.client.wait(&copy, &[JobState::Ready]);
        rig.other.run(command, json!({ argument: copy }));
        rig.client.end(&copy);
        let xml = rig.client.domain.xml(0).unwrap();
        assert!(xml.contains("top.qcow2") && !xml.contains("<mirror"), "{command}: {xml}");
        rig.client.domain.control_job(&copy, ControlOp::Dismiss).unwrap();
    }
    assert_eq!(rig.client.jobs(), []);
}

#[test]
fn a_ready_copy_that_somebody_else_pauses_hangs_no_call() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let copy = rig.client.copy("sda", &rig.path("copy.qcow2"), 0, 0);
    rig.client.wait(&copy, &[JobState::Ready]);
    rig.other.run("job-pause", json!({ "id": copy }));
    rig.client.wait_for(&format!("{copy} block-copy paused"));
    let started = Instant::now();
    assert_eq!(rig.client.domain.control_job(&copy, ControlOp::Finalize).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    // The older call knows nothing of pauses: it may be refused, or carried out, but comes back.
    let pivot = rig.client.domain.block_job_abort("sda", true, false);
    rig.client.domain.list_jobs(virt_jobs::driver::request::ListFilter(virt_jobs::model::flags::list::STATS), &mut |_| {}).unwrap();
    if pivot.is_err() {
        rig.client.domain.control_job(&copy, ControlOp::Resume).unwrap();
        rig.client.wait(&copy, &[JobState::Ready]);
        rig.client.domain.block_job_abort("sda", true, false).unwrap();
    }
    assert!(started.elapsed() < unhurried(Duration::from_secs(10)), "{:?}", started.elapsed());
    assert_eq!(rig.client.end(&copy), JobState::Completed, "{pivot:?}");
    assert!(rig.client.domain.xml(0).unwrap().contains("copy.qcow2"));
}

#[test]
fn a_job_that_waits_for_others_of_its_transaction_is_running() {
    let Some(mut rig) = Rig::new(&["top"]) else { return };
    rig.add_target("fast", 24);
    rig.add_target("slow", 24);
    let backup = |id: &str, device: &str, speed: u64| {
        let data = json!({ "job-id": id, "device": device, "target": id, "sync": "full", "speed": speed, "auto-dismiss": false });
        json!({ "type": "blockdev-backup", "data": data })
    };
    let actions = [backup("fast", "spare", 0), backup("slow", "node0", SLOW)];
    rig.other.run("transaction", json!({ "actions": actions, "properties": { "completion-mode": "grouped" } }));
    rig.other.wait_for_status("fast", "waiting");
    rig.client.wait_for("fast block-backup running");
    // It cannot be finalized: it is not up to anybody to do so.
    assert_eq!(rig.client.domain.control_job("fast", ControlOp::Finalize).map_err(|e| e.code), Err(code::OPERATION_UNSUPPORTED));
    assert_eq!(rig.client.states("fast"), ["running"]);
    // Who ends one ends both.
    rig.client.domain.control_job("slow", ControlOp::Abort).unwrap();
    for id in ["slow", "fast"] {
        assert_eq!(rig.client.end(id), JobState::Aborted);
        assert_eq!(rig.client.states(id), ["running", "aborted"]);
        rig.client.domain.control_job(id, ControlOp::Dismiss).unwrap();
        assert_eq!(rig.other.status_of(id), None);
    }
}

#[test]
fn a_backup_without_an_end_is_ended_by_an_abort() {
    let Some(mut rig) = Rig::new(&["top"]) else { return };
    rig.add_target("fleece", 24);
    rig.other.run("blockdev-backup", json!({ "job-id": "b", "device": "node0", "target": "fleece", "sync": "none" }));
    rig.client.wait_for("b block-backup running");
    assert!(rig.client.domain.job_xml("b", true).unwrap().contains("<current>0</current>"));
    rig.client.domain.control_job("b", ControlOp::Abort).unwrap();
    rig.client.wait_for("b block-backup aborted");
    assert_eq!(rig.client.states("b"), ["running", "aborted"]);
}

#[test]
fn a_return_to_a_snapshot_that_fails_leaves_a_guest_that_can_be_resumed() {
    let Some(mut rig) = Rig::new(&["top"]) else { return };
    let load = json!({ "job-id": "load", "tag": "no-such-snapshot", "vmstate": "node0", "devices": ["node0"] });
    rig.other.run("snapshot-load", load);
    rig.other.wait_for_status("load", "concluded");
    rig.client.wait_for("load snapshot-revert failed");
    assert_eq!(rig.client.states("load"), ["running", "failed"]);
    // QEMU stopped the guest for it, and leaves it so.
    wait_until("the guest stands", || rig.client.domain.state().unwrap().0 == DomainState::Paused);
    assert!(rig.client.domain.job_xml("load", true).unwrap().contains("no-such-snapshot"));
    rig.client.domain.control_job("load", ControlOp::Dismiss).unwrap();
    assert_eq!(rig.client.jobs(), []);
    rig.client.domain.resume().unwrap();
    assert_eq!(rig.client.domain.state().unwrap().0, DomainState::Running);
}

#[test]
fn snapshots_that_somebody_else_takes_are_told_and_cannot_be_controlled() {
    let Some(mut rig) = Rig::new(&["top"]) else { return };
    let arguments = |id: &str| json!({ "job-id": id, "tag": "one", "vmstate": "node0", "devices": ["node0"] });
    rig.other.run("snapshot-save", arguments("save"));
    rig.client.wait_for("save snapshot completed");
    rig.other.run("snapshot-load", arguments("load"));
    rig.client.wait_for("load snapshot-revert completed");
    rig.other.run("snapshot-delete", json!({ "job-id": "delete", "tag": "one", "devices": ["node0"] }));
    rig.client.wait_for("delete snapshot-delete completed");
    let kinds = [("save", JobType::Snapshot), ("load", JobType::SnapshotRevert), ("delete", JobType::SnapshotDelete)];
    for (id, kind) in kinds {
        assert_eq!(rig.client.states(id), ["running", "completed"]);
        assert!(rig.client.jobs().contains(&(id.to_owned(), kind, JobState::Completed)));
        for op in [ControlOp::Abort, ControlOp::Pause, ControlOp::Finalize] {
            assert_eq!(rig.client.domain.control_job(id, op).map_err(|e| e.code), Err(code::OPERATION_UNSUPPORTED), "{op} {id}");
        }
        rig.client.domain.control_job(id, ControlOp::Dismiss).unwrap();
    }
    assert_eq!(rig.client.jobs(), []);
}

#[test]
fn a_reset_that_crashes_a_qemu_while_it_dumps_fails_its_jobs_once() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let copy = rig.client.copy("sda", &rig.path("copy.qcow2"), SLOW, JOB_START_PERSIST);
    let core = rig.path("core");
    rig.other.run("dump-guest-memory", json!({ "paging": false, "detach": true, "protocol": format!("file:{}", core.display()) }));
    rig.other.send("system_reset", json!({}));
    // A dump that was quick survives it, and so does a QEMU that has learned to.
    let dumped = || !rig.client.domain.is_active() || rig.client.domain.state().unwrap().0 == DomainState::Running;
    wait_until("the dump is over", dumped);
    if rig.client.domain.is_active() {
        rig.client.domain.control_job(&copy, ControlOp::Abort).unwrap();
        assert_eq!(rig.client.end(&copy), JobState::Aborted);
        return skip("QEMU was not caught while it dumped");
    }
    assert_eq!(rig.client.states(&copy), ["running", "failed"]);
    assert!(rig.client.domain.job_xml(&copy, true).unwrap().contains("ended unexpectedly"));
}

#[test]
fn a_commit_that_deletes_its_images_leaves_those_alone_that_another_job_has_cut_off() {
    let Some(vm) = Vm::start(&["base", "mid", "top"], 0) else { return };
    std::fs::create_dir(vm.path("b")).unwrap();
    let other_chain = make_chain(&vm.path("b"), &["base", "top"], 24);
    vm.client.domain.attach_device(&disk_xml("vdb", "virtio", &other_chain[1]), 0).unwrap();
    let mut other = vm.second();
    let blocks = other.run("query-block", json!({}));
    let entry = blocks.as_array().unwrap().iter().find(|b| b["inserted"]["file"] == other_chain[1].to_str().unwrap()).unwrap();
    other.run("block-stream", json!({ "job-id": "theirs", "device": entry["inserted"]["node-name"] }));
    vm.client.wait_for("theirs block-pull completed");
    let path = |n: usize| vm.chain[n].to_str().unwrap();
    let commit = vm.client.try_commit("vda", Some(path(1)), Some(path(0)), 0, commit::DELETE).unwrap();
    assert_eq!(vm.client.end(&commit), JobState::Completed);
    assert!(!vm.chain[1].exists() && vm.chain[0].exists() && vm.chain[2].exists());
    assert!(other_chain[0].exists(), "an image of another disk is gone");
}
