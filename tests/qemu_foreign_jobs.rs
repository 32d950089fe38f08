//! Jobs that another monitor started: what is told of them is what QEMU tells.

mod support;

use serde_json::json;
use support::*;
use virt_jobs::driver::request::ListFilter;
use virt_jobs::model::flags::list;
use virt_jobs::model::{ControlOp, JobState};

const SLOW: u64 = 1 << 16;

/// The XML of a job of somebody else's, once it is there.
fn document(rig: &Rig, id: &str, kind: &str) -> String {
    rig.client.wait_for(&format!("{id} {kind} running"));
    rig.client.domain.job_xml(id, true).unwrap()
}

fn end(rig: &mut Rig, id: &str) {
    rig.client.domain.control_job(id, ControlOp::Abort).unwrap();
    rig.client.end(id);
}

#[test]
fn the_disk_the_target_and_the_limit_of_a_job_of_somebody_elses_are_told() {
    let Some(mut rig) = Rig::new(&["base", "mid", "top"]) else { return };
    rig.add_target("target", 24);
    for (command, kind) in [("blockdev-mirror", "block-copy"), ("blockdev-backup", "block-backup")] {
        let id = format!("their-{kind}");
        rig.other.run(command, json!({ "job-id": id, "device": "node2", "target": "target", "sync": "full", "speed": SLOW }));
        let xml = document(&rig, &id, kind);
        assert!(xml.contains("<disk>sda</disk>"), "{xml}");
        assert!(xml.contains("<target disk='sda'>target</target>"), "{xml}");
        assert!(xml.contains("<bandwidth unit='bytes/s'>65536</bandwidth>"), "{xml}");
        let mut disks = Vec::new();
        rig.client.domain.list_jobs(ListFilter(list::STATS), &mut |job| disks.extend(job.config().disks.clone())).unwrap();
        assert_eq!(disks, ["sda"]);
        end(&mut rig, &id);
    }
}

#[test]
fn a_pull_and_a_commit_of_somebody_elses_are_of_a_disk() {
    let Some(mut rig) = Rig::new(&["base", "mid", "top"]) else { return };
    rig.other.run("block-stream", json!({ "job-id": "pull", "device": "node2", "speed": SLOW }));
    let xml = document(&rig, "pull", "block-pull");
    assert!(xml.contains("<disk>sda</disk>") && !xml.contains("<target"), "{xml}");
    end(&mut rig, "pull");
    rig.other
        .run("block-commit", json!({ "job-id": "commit", "device": "node2", "top-node": "node1", "base-node": "node0", "speed": SLOW }));
    let xml = document(&rig, "commit", "block-commit");
    assert!(xml.contains("<disk>sda</disk>") && !xml.contains("<target"), "{xml}");
    end(&mut rig, "commit");
    rig.other.run("block-commit", json!({ "job-id": "active", "device": "node2", "base-node": "node0", "speed": SLOW }));
    rig.client.wait_for("active block-commit running");
    let xml = rig.client.domain.job_xml("active", true).unwrap();
    // The images have the numbers 1, 2 and 3 from the top down.
    assert!(xml.contains("<disk>sda</disk>\n    <base>sda[3]</base>"), "{xml}");
}

#[test]
fn a_job_of_somebody_elses_on_no_disk_has_none_and_is_listed_and_controlled_all_the_same() {
    let Some(mut rig) = Rig::new(&["base"]) else { return };
    rig.add_target("target", 24);
    rig.start_backup("theirs", "target", SLOW, true);
    let xml = document(&rig, "theirs", "block-backup");
    assert!(!xml.contains("<disk>") && xml.contains("<target>target</target>"), "{xml}");
    end(&mut rig, "theirs");
}

#[test]
fn the_job_of_a_disk_that_is_unplugged_stays_that_disks() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    rig.add_target("target", 24);
    rig.other.run("blockdev-mirror", json!({ "job-id": "theirs", "device": "node1", "target": "target", "sync": "full", "speed": SLOW }));
    assert!(document(&rig, "theirs", "block-copy").contains("<disk>sda</disk>"));
    rig.other.run("device_del", json!({ "id": "disk0" }));
    let client = rig.client.clone();
    wait_until("the guest has lost the disk", || !client.domain.xml(0).unwrap().contains("dev='sda'"));
    assert!(client.domain.job_xml("theirs", true).unwrap().contains("<disk>sda</disk>"));
    // Whoever comes later finds as much as is to be seen.
    let rig = rig.reopen();
    let xml = rig.client.domain.job_xml("theirs", true).unwrap();
    assert!(xml.contains("type='block-copy'") && xml.contains(">target</target>"), "{xml}");
    rig.client.domain.control_job("theirs", ControlOp::Abort).unwrap();
    assert_eq!(rig.client.end("theirs"), JobState::Aborted);
}

/// What crashes QEMU when it is asked for the nodes by name.
#[test]
fn asking_about_jobs_of_others_while_pulls_end_does_no_harm() {
    let Some(mut rig) = Rig::new(&["base", "low", "high", "top"]) else { return };
    for round in 0..5 {
        let id = format!("pull-{round}");
        rig.other.run("block-stream", json!({ "job-id": id, "device": "node3", "auto-dismiss": false, "speed": SLOW }));
        assert!(document(&rig, &id, "block-pull").contains("<disk>sda</disk>"));
        rig.other.run("job-cancel", json!({ "id": id }));
        rig.other.wait_for_status(&id, "concluded");
        rig = rig.reopen();
        rig.other.run("job-dismiss", json!({ "id": id }));
    }
}
