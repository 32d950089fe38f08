//! Targets run out of room.

use serde_json::json;
use virt_jobs::model::flags::JOB_START_PERSIST;
use virt_jobs::model::{ControlOp, JobState};

use crate::support::campaign::*;
use crate::support::*;

const NO_ROOM: &str = "No space left on device";

/// A job of ours fails, in QEMU's words, unless there is room enough; then it makes what it should.
fn copy_into(rig: &Rig, small: &Small, mib: u64) -> JobState {
    let target = small.0.join("copy.qcow2");
    let copy = match rig.client.try_copy("sda", &target, 0, JOB_START_PERSIST) {
        Ok(copy) => copy,
        Err(error) => {
            assert!(error.message().contains(NO_ROOM) && error.message().contains("copy.qcow2"), "{mib} MiB: {error}");
            return JobState::None;
        }
    };
    let reached = rig.client.wait(&copy, &[JobState::Ready]);
    if reached == JobState::Ready {
        rig.client.domain.control_job(&copy, ControlOp::Abort).unwrap();
        assert_eq!(rig.client.end(&copy), JobState::Aborted);
        assert_same_in_use(&target, &rig.chain[1]);
    } else {
        assert_eq!(reached, JobState::Failed, "{mib} MiB");
        let xml = rig.client.domain.job_xml(&copy, true).unwrap();
        assert!(xml.contains(&format!("<error>{NO_ROOM}</error>")), "{xml}");
    }
    rig.client.domain.control_job(&copy, ControlOp::Dismiss).unwrap();
    reached
}

/// The same where the other image is open.
fn assert_same_in_use(image: &std::path::Path, other: &std::path::Path) {
    run("qemu-img", &["check", "-q", image.to_str().unwrap()]);
    run("qemu-img", &["compare", "-U", "-q", image.to_str().unwrap(), other.to_str().unwrap()]);
}

/// A job that stops for want of room is paused, goes on when there is some, and then holds what it should.
fn mirror_into(rig: &mut Rig, small: &Small, id: &str, mib: u64) -> JobState {
    let target = small.0.join("mirror.qcow2");
    run("qemu-img", &["create", "-q", "-f", "qcow2", target.to_str().unwrap(), "24M"]);
    rig.other.add_image(id, &target);
    let mirror = json!({ "job-id": id, "device": "spare", "target": id, "sync": "full", "on-target-error": "enospc" });
    rig.other.run("blockdev-mirror", mirror);
    rig.client.wait_for(&format!("{id} block-copy running"));
    let reached = rig.client.wait(id, &[JobState::Paused, JobState::Ready]);
    if reached == JobState::Paused {
        assert!(mib < 26, "paused with {mib} MiB");
        small.grow(64);
        rig.client.domain.control_job(id, ControlOp::Resume).unwrap();
        wait_until("it is ready", || {
            // What was on its way when it stopped may stop it once more.
            let _ = rig.client.domain.control_job(id, ControlOp::Resume);
            rig.client.states(id).last().map(String::as_str) == Some("ready")
        });
    }
    rig.client.domain.control_job(id, ControlOp::Abort).unwrap();
    rig.client.wait_for(&format!("{id} block-copy aborted"));
    rig.other.run("blockdev-del", json!({ "node-name": id }));
    assert_same_in_use(&target, &rig.path("spare.qcow2"));
    reached
}

#[test]
fn a_campaign_of_full_targets_fails_or_pauses_jobs_and_loses_nothing() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let chronicle = Chronicle::subscribe(&rig.client.events);
    let mut campaign = Campaign::new();
    let mut seen = Vec::new();
    for moment in 0..Campaign::moments(5) {
        let mib = 1 + campaign.below(31) as u64;
        let Some(small) = Small::mount(&rig.path(&format!("small{moment}")), mib) else { return };
        seen.push(copy_into(&rig, &small, mib));
        let _ = std::fs::remove_file(small.0.join("copy.qcow2"));
        seen.push(mirror_into(&mut rig, &small, &format!("m{moment}"), mib));
        rig.client.events.flush();
        chronicle.check_ended();
        assert_eq!(rig.client.jobs(), []);
    }
    assert!(rig.other.nodes().iter().all(|node| !node.starts_with("libvirt-")));
    println!("{:?} {seen:?}", chronicle.summary());
}
