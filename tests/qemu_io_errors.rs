//! Jobs whose images cannot be written.

mod support;

use std::path::PathBuf;

use serde_json::json;
use support::*;
use virt_jobs::model::flags::JOB_START_PERSIST;
use virt_jobs::model::{ControlOp, JobState};

#[test]
fn a_copy_that_finds_no_room_fails_with_the_reason() {
    let Some(rig) = Rig::new(&["base", "top"]) else { return };
    let Some(small) = Small::mount(&rig.path("small"), 8) else { return };
    let copy = rig.client.copy("sda", &small.0.join("copy.qcow2"), 0, JOB_START_PERSIST);
    assert_eq!(rig.client.end(&copy), JobState::Failed);
    assert_eq!(rig.client.states(&copy), ["running", "failed"]);
    let xml = rig.client.domain.job_xml(&copy, true).unwrap();
    assert!(xml.contains("<error>No space left on device</error>"), "{xml}");
    assert!(!rig.client.domain.xml(0).unwrap().contains("<mirror"));
    // Nothing holds on to the target.
    let mut rig = rig;
    assert!(rig.other.nodes().iter().all(|node| !node.starts_with("libvirt-")));
    // And the next one is not in its way.
    let next = rig.client.copy("sda", &rig.path("copy.qcow2"), 0, 0);
    rig.client.wait(&next, &[JobState::Ready]);
}

#[test]
fn a_job_that_stops_for_want_of_room_is_paused_and_goes_on_when_there_is_some() {
    for policy in ["stop", "enospc"] {
        let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
        let Some(small) = Small::mount(&rig.path("small"), 30) else { return };
        let (ballast, target) = (small.0.join("ballast"), small.0.join("t.qcow2"));
        run("qemu-img", &["create", "-q", "-f", "qcow2", target.to_str().unwrap(), "24M"]);
        std::fs::write(&ballast, vec![1; 20 << 20]).unwrap();
        rig.other.add_image("t", &target);
        let mirror = json!({ "job-id": "m", "device": "spare", "target": "t", "sync": "full", "on-target-error": policy });
        rig.other.run("blockdev-mirror", mirror);
        rig.client.wait_for("m block-copy paused");
        // Without room it does not get far.
        rig.client.domain.control_job("m", ControlOp::Resume).unwrap();
        wait_until("another pause", || rig.client.states("m").len() >= 4 || rig.other.status_of("m").as_deref() == Some("paused"));
        std::fs::remove_file(&ballast).unwrap();
        let resumed = |rig: &Rig| {
            let _ = rig.client.domain.control_job("m", ControlOp::Resume);
            rig.client.states("m").last().map(String::as_str) == Some("ready")
        };
        wait_until("it is ready", || resumed(&rig));
        let states = rig.client.states("m");
        assert_eq!((states[0].as_str(), states[1].as_str()), ("running", "paused"), "{states:?}");
        rig.client.domain.control_job("m", ControlOp::Abort).unwrap();
        rig.client.wait_for("m block-copy aborted");
    }
}

#[test]
fn an_error_that_is_to_be_reported_fails_the_job_in_qemus_words() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let target = rig.path("t.qcow2");
    run("qemu-img", &["create", "-q", "-f", "qcow2", target.to_str().unwrap(), "24M"]);
    let rule = json!({ "event": "write_aio", "errno": 5, "sector": -1, "once": false, "immediately": false });
    let debug = json!({ "driver": "blkdebug", "image": { "driver": "file", "filename": target }, "inject-error": [rule] });
    rig.other.run("blockdev-add", json!({ "driver": "qcow2", "node-name": "t", "file": debug }));
    let mirror = json!({ "job-id": "m", "device": "spare", "target": "t", "sync": "full", "auto-dismiss": false });
    rig.other.run("blockdev-mirror", mirror);
    rig.client.wait_for("m block-copy failed");
    let xml = rig.client.domain.job_xml("m", true).unwrap();
    assert!(xml.contains("<error>Input/output error</error>"), "{xml}");
    rig.client.domain.control_job("m", ControlOp::Dismiss).unwrap();
    assert_eq!(rig.other.status_of("m"), None);
}

#[test]
fn a_target_that_cannot_be_created_is_an_error_in_qemus_words_and_leaves_nothing() {
    let Some(rig) = Rig::new(&["base", "top"]) else { return };
    let Some(small) = Small::mount(&rig.path("small"), 1) else { return };
    std::fs::write(small.0.join("ballast"), vec![1; 1 << 20]).unwrap();
    for path in [small.0.join("copy.qcow2"), PathBuf::from("/proc/copy.qcow2")] {
        let error = rig.client.try_copy("sda", &path, 0, JOB_START_PERSIST).unwrap_err();
        assert!(error.message().contains(path.to_str().unwrap()), "{error}");
        assert!(!path.exists());
    }
    assert_eq!(rig.client.jobs(), []);
    let mut rig = rig;
    assert!(rig.other.nodes().iter().all(|node| !node.starts_with("libvirt-")));
}
