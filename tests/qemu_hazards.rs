//! What QEMU does to its clients during block jobs, and that ours is not taken in.

mod support;

use std::time::Duration;

use serde_json::json;
use support::*;
use virt_jobs::driver::request::ListFilter;
use virt_jobs::model::flags::{commit, list, JOB_START_PERSIST};
use virt_jobs::model::{code, ControlOp, JobState, JobType};

const MIB: u64 = 1 << 20;
/// A limit at which no job ends while a test runs.
const SLOW: u64 = 1 << 16;

/// Everything that asks QEMU something, once.
fn look_around(client: &Client) {
    client.domain.xml(0).unwrap();
    client.domain.info().unwrap();
    client.domain.state().unwrap();
    client.connection.domains().unwrap();
    client.domain.list_jobs(ListFilter(list::STATS | list::XML), &mut |_| {}).unwrap();
    for (name, _, _) in client.jobs() {
        // It may end in between.
        let _ = client.domain.job_xml(&name, true);
    }
}

#[test]
fn nothing_that_is_asked_of_a_monitor_can_crash_its_qemu() {
    let Some(rig) = Rig::new(&["base", "mid", "top"]) else { return };
    let client = &rig.client;
    let copied = rig.path("copy.qcow2");
    let mid = rig.chain[1].to_str().unwrap();
    look_around(client);
    let pull = client.pull("sda", Some(rig.chain[0].to_str().unwrap()), 0, JOB_START_PERSIST);
    look_around(client);
    assert_eq!(client.end(&pull), JobState::Completed);
    look_around(client);
    assert!(!client.domain.xml(0).unwrap().contains(mid));
    let copy = client.copy("sda", &copied, 0, JOB_START_PERSIST);
    client.wait(&copy, &[JobState::Ready]);
    look_around(client);
    client.domain.control_job(&copy, ControlOp::Finalize).unwrap();
    assert_eq!(client.end(&copy), JobState::Completed);
    look_around(client);
    for name in [pull, copy] {
        client.domain.control_job(&name, ControlOp::Dismiss).unwrap();
    }
    // The go-between looks at all that was sent when it goes; here only that it sees it.
    let commands = rig.proxy.commands();
    for sent in ["query-block", "query-jobs", "block-stream", "blockdev-mirror", "job-dismiss"] {
        assert!(commands.iter().any(|command| command == sent), "{sent} in {commands:?}");
    }
}

#[test]
fn a_stream_that_ended_and_was_not_dismissed_is_safe_to_watch() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let stream = |speed: u64| json!({ "job-id": "s", "device": "node1", "auto-dismiss": false, "speed": speed });
    for (speed, end) in [(SLOW, JobState::Aborted), (0, JobState::Completed)] {
        rig.other.run("block-stream", stream(speed));
        if end == JobState::Aborted {
            rig.other.run("job-cancel", json!({ "id": "s" }));
        }
        rig.other.wait_for_status("s", "concluded");
        for _ in 0..5 {
            look_around(&rig.client);
        }
        // Another client comes to know of it, while it is there.
        rig = rig.reopen();
        look_around(&rig.client);
        wait_until("the end is listed", || rig.client.jobs().first().is_some_and(|job| job.2.is_final()));
        let (name, kind, state) = rig.client.jobs().remove(0);
        assert_eq!((kind, state), (JobType::BlockPull, end));
        rig.client.domain.control_job(&name, ControlOp::Dismiss).unwrap();
        assert_eq!(rig.client.jobs(), []);
        assert_eq!(rig.other.status_of("s"), None);
    }
    assert_eq!(rig.other.run("query-status", json!({}))["status"], "running");
}

#[test]
fn pauses_that_nobody_asked_for_are_not_told() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let copy = rig.client.copy("sda", &rig.path("copy.qcow2"), 0, 0);
    rig.client.wait(&copy, &[JobState::Ready]);
    for round in 0..6 {
        let node = format!("extra{round}");
        rig.add_target(&node, 24);
        rig.start_backup("b", &node, 0, true);
        rig.other.run("stop", json!({}));
        rig.other.run("cont", json!({}));
        wait_until("the end of the backup", || rig.other.status_of("b").is_none());
        rig.other.run("blockdev-del", json!({ "node-name": node }));
        look_around(&rig.client);
    }
    rig.other.run("device_del", json!({ "id": "disk0" }));
    wait_until("the disk is gone", || !rig.client.domain.xml(0).unwrap().contains("<disk"));
    let announced = rig.proxy.statuses(&copy);
    assert!(announced.iter().any(|status| status == "standby" || status == "paused"), "QEMU announced no pause: {announced:?}");
    assert_eq!(rig.client.states(&copy), ["running", "ready"]);
    // One that is asked for is told.
    rig.client.domain.control_job(&copy, ControlOp::Pause).unwrap();
    rig.client.wait_for(&format!("{copy} block-copy paused"));
    rig.client.domain.control_job(&copy, ControlOp::Resume).unwrap();
    rig.client.wait(&copy, &[JobState::Ready]);
    assert_eq!(rig.client.states(&copy), ["running", "ready", "paused", "ready"]);
}

/// The same story whatever the order in which replies and events arrive.
fn in_manner(manner: Manner) {
    let Some(rig) = Rig::new(&["base", "mid", "top"]) else { return };
    let client = &rig.client;
    rig.proxy.set(manner);
    let slow = client.copy("sda", &rig.path("slow.qcow2"), SLOW, 0);
    client.domain.control_job(&slow, ControlOp::Pause).unwrap();
    assert_eq!(client.wait(&slow, &[JobState::Paused]), JobState::Paused);
    client.domain.control_job(&slow, ControlOp::Resume).unwrap();
    assert_eq!(client.wait(&slow, &[JobState::Running]), JobState::Running);
    client.domain.control_job(&slow, ControlOp::Abort).unwrap();
    assert_eq!(client.end(&slow), JobState::Aborted);
    assert_eq!(client.states(&slow), ["running", "paused", "running", "aborted"]);
    let pull = client.pull("sda", Some(rig.chain[0].to_str().unwrap()), 0, 0);
    assert_eq!(client.end(&pull), JobState::Completed);
    assert_eq!(client.states(&pull), ["running", "completed"]);
    for (op, end) in [(ControlOp::Abort, JobState::Aborted), (ControlOp::Finalize, JobState::Completed)] {
        let copy = client.copy("sda", &rig.path(&format!("{op}.qcow2")), 0, 0);
        client.wait(&copy, &[JobState::Ready]);
        client.domain.control_job(&copy, op).unwrap();
        assert_eq!(client.end(&copy), end);
        assert_eq!(client.states(&copy), ["running", "ready", end.as_str()]);
    }
    assert_eq!(client.jobs(), []);
}

#[test]
fn events_that_arrive_before_the_reply_tell_the_same_story() {
    in_manner(Manner::EventsFirst);
}

#[test]
fn events_that_arrive_after_the_reply_tell_the_same_story() {
    in_manner(Manner::RepliesFirst);
}

#[test]
fn the_reply_to_an_abort_is_not_taken_for_the_end() {
    let Some(mut rig) = Rig::new(&["top"]) else { return };
    // QEMU looks at the cancellation of a creation when it is through with it.
    let options = json!({ "driver": "file", "filename": rig.path("big.raw"), "size": 1200 * MIB, "preallocation": "full" });
    rig.other.run("blockdev-create", json!({ "job-id": "c", "options": options }));
    rig.client.wait_for("c block-create running");
    rig.client.domain.control_job("c", ControlOp::Abort).unwrap();
    assert_eq!(rig.client.states("c"), ["running"]);
    assert_eq!(rig.client.end("c"), JobState::Aborted);
    assert_eq!(rig.client.states("c"), ["running", "aborted"]);
}

#[test]
fn a_ready_copy_that_is_aborted_is_what_the_guest_saw_at_that_moment() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let target = rig.path("copy.qcow2");
    let copy = rig.client.copy("sda", &target, 0, 0);
    rig.client.wait(&copy, &[JobState::Ready]);
    rig.other.guest_io(DISK, "write -P 77 5M 64k");
    rig.client.domain.control_job(&copy, ControlOp::Abort).unwrap();
    assert_eq!(rig.client.end(&copy), JobState::Aborted);
    rig.other.guest_io(DISK, "flush");
    run("qemu-img", &["compare", "-q", "-U", target.to_str().unwrap(), rig.chain[1].to_str().unwrap()]);
    // What is written now is in the disk alone.
    rig.other.guest_io(DISK, "write -P 88 5M 64k");
    rig.other.guest_io(DISK, "flush");
    run("qemu-img", &["check", "-q", target.to_str().unwrap()]);
    run("qemu-io", &["-r", "-c", "read -q -P 77 5M 64k", target.to_str().unwrap()]);
    run("qemu-io", &["-r", "-U", "-c", "read -q -P 88 5M 64k", rig.chain[1].to_str().unwrap()]);
    assert!(rig.client.domain.xml(0).unwrap().contains("top.qcow2"));
}

#[test]
fn a_copy_that_is_finalized_takes_the_guests_writes_from_then_on() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let target = rig.path("copy.qcow2");
    let copy = rig.client.copy("sda", &target, 0, 0);
    rig.client.wait(&copy, &[JobState::Ready]);
    rig.other.guest_io(DISK, "write -P 77 5M 64k");
    rig.client.domain.control_job(&copy, ControlOp::Finalize).unwrap();
    assert_eq!(rig.client.end(&copy), JobState::Completed);
    rig.other.guest_io(DISK, "write -P 88 6M 64k");
    let Rig { client, mut other, proxy, chain, qemu, dir } = rig;
    other.send("quit", json!({}));
    wait_until("the end", || !client.domain.is_active());
    // The old image is the disk as it was then.
    for image in [&chain[1], &target] {
        run("qemu-img", &["check", "-q", image.to_str().unwrap()]);
        run("qemu-io", &["-r", "-c", "read -q -P 77 5M 64k", image.to_str().unwrap()]);
    }
    run("qemu-io", &["-r", "-c", "read -q -P 1 6M 64k", chain[1].to_str().unwrap()]);
    run("qemu-io", &["-r", "-c", "read -q -P 88 6M 64k", target.to_str().unwrap()]);
    drop((proxy, qemu, dir));
}

#[test]
fn a_paused_ready_copy_is_resumed_before_it_is_aborted() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let target = rig.path("copy.qcow2");
    let copy = rig.client.copy("sda", &target, 0, 0);
    rig.client.wait(&copy, &[JobState::Ready]);
    rig.client.domain.control_job(&copy, ControlOp::Pause).unwrap();
    rig.client.wait(&copy, &[JobState::Paused]);
    assert_eq!(rig.client.domain.control_job(&copy, ControlOp::Finalize).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    // What the guest writes meanwhile is not in the copy yet, but must be when it is ended.
    rig.other.guest_io(DISK, "write -P 77 5M 64k");
    rig.client.domain.control_job(&copy, ControlOp::Abort).unwrap();
    assert_eq!(rig.client.end(&copy), JobState::Aborted);
    rig.other.guest_io(DISK, "flush");
    run("qemu-img", &["compare", "-q", "-U", target.to_str().unwrap(), rig.chain[1].to_str().unwrap()]);
    let commands = rig.proxy.commands();
    let position = |command: &str| commands.iter().position(|sent| sent == command);
    assert!(position("job-resume").unwrap() < position("block-job-cancel").unwrap(), "{commands:?}");
    assert_eq!(position("job-cancel"), None);
}

#[test]
fn a_ready_copy_that_was_paused_or_resumed_a_moment_ago_can_be_aborted() {
    let Some(rig) = Rig::new(&["base", "top"]) else { return };
    for (n, ops) in [&[ControlOp::Pause][..], &[ControlOp::Pause, ControlOp::Resume]].into_iter().enumerate() {
        let copy = rig.client.copy("sda", &rig.path(&format!("copy{n}.qcow2")), 0, 0);
        rig.client.wait(&copy, &[JobState::Ready]);
        for op in ops {
            let from = if *op == ControlOp::Resume { JobState::Paused } else { JobState::Ready };
            rig.client.wait(&copy, &[from]);
            rig.client.domain.control_job(&copy, *op).unwrap();
        }
        // What has become of that is not known yet.
        rig.client.domain.control_job(&copy, ControlOp::Abort).unwrap();
        assert_eq!(rig.client.end(&copy), JobState::Aborted);
    }
    assert!(!rig.proxy.commands().contains(&"job-cancel".to_owned()));
}

#[test]
fn ids_that_come_again_at_once_are_jobs_of_their_own() {
    let Some(mut rig) = Rig::new(&["top"]) else { return };
    rig.add_target("t", 24);
    for _ in 0..12 {
        rig.start_backup("again", "t", 0, true);
        wait_until("the end", || rig.other.status_of("again").is_none());
    }
    let names: Vec<String> = (1..=12).map(|n| if n == 1 { "again".to_owned() } else { format!("again#{n}") }).collect();
    rig.client.wait_for(&format!("{} block-backup completed", names[11]));
    for name in names {
        assert_eq!(rig.client.states(&name), ["running", "completed"], "{name}");
    }
    // QEMU has the last one for a moment more.
    wait_until("the list is empty", || rig.client.jobs().is_empty());
}

#[test]
fn an_end_that_nobody_watched_is_not_called_a_success() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let pull = rig.client.pull("sda", None, SLOW, JOB_START_PERSIST);
    rig.add_target("t", 24);
    rig.start_backup("theirs", "t", SLOW, true);
    rig.client.wait_for("theirs block-backup running");
    let Rig { client, mut other, proxy, chain, qemu, dir } = rig;
    drop(client);
    for id in [pull.as_str(), "theirs"] {
        other.run("block-job-set-speed", json!({ "device": id, "speed": 0 }));
    }
    other.wait_for_status(&pull, "concluded");
    other.run("job-dismiss", json!({ "id": pull }));
    wait_until("the backup's end", || other.status_of("theirs").is_none());
    let client = Client::open(&dir.path().join("vms"));
    // Of their job nothing is left to tell; ours is on record, and the record does not know.
    assert_eq!(client.end(&pull), JobState::Failed);
    assert_eq!(client.jobs(), [(pull.clone(), JobType::BlockPull, JobState::Failed)]);
    assert!(client.domain.job_xml(&pull, true).unwrap().contains("its outcome is unknown"));
    drop((client, other, proxy, chain, qemu));
}

#[test]
fn a_reset_a_stop_and_a_cont_leave_jobs_alone() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let copy = rig.client.copy("sda", &rig.path("copy.qcow2"), SLOW, 0);
    rig.client.domain.suspend().unwrap();
    rig.client.domain.reset().unwrap();
    rig.client.domain.resume().unwrap();
    rig.other.run("stop", json!({}));
    rig.other.run("system_reset", json!({}));
    rig.other.run("cont", json!({}));
    rig.client.domain.set_job_speed(&copy, 0).unwrap();
    rig.client.wait(&copy, &[JobState::Ready]);
    rig.client.domain.reset().unwrap();
    rig.client.domain.suspend().unwrap();
    rig.client.domain.control_job(&copy, ControlOp::Finalize).unwrap();
    assert_eq!(rig.client.end(&copy), JobState::Completed);
    assert_eq!(rig.client.states(&copy), ["running", "ready", "completed"]);
}

/// Starts a job in each state that lasts; returns their names.
fn one_of_each(rig: &mut Rig) -> Vec<String> {
    let copy = rig.client.copy("sda", &rig.path("copy.qcow2"), 0, JOB_START_PERSIST);
    rig.client.wait(&copy, &[JobState::Ready]);
    let mut names = vec![copy];
    for (id, speed, finalize) in [("runs", SLOW, true), ("pauses", SLOW, true), ("waits", 0, false)] {
        rig.add_target(id, 24);
        rig.other.run(
            "blockdev-backup",
            json!({ "job-id": id, "device": "spare", "target": id, "sync": "full", "speed": speed, "auto-finalize": finalize }),
        );
        names.push(id.to_owned());
    }
    rig.client.wait_for("runs block-backup running");
    rig.client.wait_for("waits block-backup ready");
    rig.client.domain.control_job("pauses", ControlOp::Pause).unwrap();
    rig.client.wait_for("pauses block-backup paused");
    names
}

/// What is told of the jobs when their QEMU goes.
fn assert_all_failed(client: &Client, names: &[String], reason: &str) {
    wait_until("the end", || !client.domain.is_active());
    for name in names {
        let states = client.states(name);
        let ends = states.iter().filter(|state| matches!(state.as_str(), "failed" | "aborted" | "completed")).count();
        assert_eq!((states.last().map(String::as_str), ends), (Some("failed"), 1), "{name}: {states:?}");
    }
    let xml = client.domain.job_xml(&names[0], true).unwrap();
    assert!(xml.contains("<error>") && xml.contains(reason), "{xml}");
}

#[test]
fn jobs_in_any_state_fail_once_with_the_reason_when_qemu_quits() {
    let Some(mut rig) = Rig::new(&["base"]) else { return };
    let names = one_of_each(&mut rig);
    rig.other.send("quit", json!({}));
    assert_all_failed(&rig.client, &names, "the domain was shut down");
}

#[test]
fn jobs_in_any_state_fail_once_with_the_reason_when_qemu_is_killed() {
    let Some(mut rig) = Rig::new(&["base"]) else { return };
    let names = one_of_each(&mut rig);
    rig.qemu.signal(libc::SIGKILL);
    assert_all_failed(&rig.client, &names, "the domain ended unexpectedly");
}

#[test]
fn jobs_in_any_state_fail_once_with_the_reason_when_qemu_is_asked_to_leave() {
    let Some(mut rig) = Rig::new(&["base"]) else { return };
    let names = one_of_each(&mut rig);
    rig.qemu.signal(libc::SIGTERM);
    assert_all_failed(&rig.client, &names, "the domain was shut down");
}

#[test]
fn what_had_concluded_before_qemu_quit_is_told_once() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    rig.add_target("t", 24);
    rig.start_backup("s", "t", 0, false);
    rig.client.wait_for("s block-backup completed");
    let copy = rig.client.copy("sda", &rig.path("copy.qcow2"), 0, JOB_START_PERSIST);
    rig.client.wait(&copy, &[JobState::Ready]);
    rig.client.domain.control_job(&copy, ControlOp::Abort).unwrap();
    assert_eq!(rig.client.end(&copy), JobState::Aborted);
    rig.other.send("quit", json!({}));
    wait_until("the end", || !rig.client.domain.is_active());
    assert_eq!(rig.client.states("s"), ["running", "completed"]);
    assert_eq!(rig.client.states(&copy), ["running", "ready", "aborted"]);
    // Ours is kept, theirs went with their QEMU.
    assert_eq!(rig.client.jobs(), [(copy, JobType::BlockCopy, JobState::Aborted)]);
}

#[test]
fn a_migration_that_somebody_completes_during_a_copy_leaves_no_job_in_the_air() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let copy = rig.client.copy("sda", &rig.path("copy.qcow2"), SLOW, JOB_START_PERSIST);
    rig.other.run("migrate", json!({ "uri": "exec:cat >/dev/null" }));
    let settled = |rig: &Rig| !rig.client.domain.is_active() || rig.client.domain.state().is_ok_and(|(_, why)| why != 0);
    wait_until("the migration is over", || settled(&rig) && rig.proxy.log().iter().any(|message| message["event"] == "STOP"));
    std::thread::sleep(Duration::from_millis(500));
    if rig.client.domain.is_active() {
        // This QEMU goes on with the copy; one that has nothing left to copy is even ready.
        assert!(rig.client.jobs()[0].2 == JobState::Running || rig.client.jobs()[0].2 == JobState::Ready);
        rig.client.domain.control_job(&copy, ControlOp::Abort).unwrap();
        assert_eq!(rig.client.end(&copy), JobState::Aborted);
    } else {
        // This one crashes.
        assert_eq!(rig.client.states(&copy).last().map(String::as_str), Some("failed"));
        assert!(rig.client.domain.job_xml(&copy, false).unwrap().contains("<error>the domain ended unexpectedly"));
    }
}

#[test]
fn a_command_that_may_or_may_not_have_arrived_is_found_out_by_the_next_client() {
    for (manner, end) in [(Manner::HangUpBefore("job-cancel"), None), (Manner::HangUpAfter("job-cancel"), Some(JobState::Aborted))] {
        let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
        let pull = rig.client.pull("sda", None, SLOW, JOB_START_PERSIST);
        rig.proxy.set(manner);
        assert!(rig.client.domain.control_job(&pull, ControlOp::Abort).is_err());
        // The connection broke: for this client that is the end of the job, and it says why.
        assert_eq!(rig.client.end(&pull), JobState::Failed);
        assert_eq!(rig.client.states(&pull), ["running", "failed"]);
        rig.proxy.set(Manner::Straight);
        match end {
            Some(_) => rig.other.wait_for_status(&pull, "concluded"),
            None => assert_eq!(rig.other.status_of(&pull).as_deref(), Some("running")),
        }
        // QEMU is still there, and is found again. What it has of the job has a name of its own.
        rig.client.connection.domains().unwrap();
        let again = rig.client.connection.domain(&rig.client.domain.identity()).unwrap();
        assert!(again.is_active());
        let mut jobs = Vec::new();
        again.list_jobs(ListFilter(0), &mut |job| jobs.push((job.name().to_owned(), job.state()))).unwrap();
        assert_eq!(jobs[0], (pull.clone(), JobState::Failed));
        assert_eq!(jobs[1].0, format!("{pull}#2"));
        match end {
            Some(end) => assert_eq!(jobs[1].1, end),
            None => {
                again.control_job(&jobs[1].0, ControlOp::Abort).unwrap();
                assert_eq!(again.wait_job(&jobs[1].0, 0, Some(Duration::from_secs(20))).unwrap(), Some(JobState::Aborted));
            }
        }
    }
}

#[test]
fn an_amendment_that_crashes_its_qemu_has_failed() {
    let Some(mut rig) = Rig::new(&["top"]) else { return };
    let path = rig.path("luks.img");
    let secret = json!({ "qom-type": "secret", "id": "sec", "data": "secret" });
    rig.other.run("object-add", secret);
    let options = "key-secret=s,iter-time=10";
    let create = ["create", "-q", "-f", "luks", "--object", "secret,id=s,data=secret", "-o", options, path.to_str().unwrap(), "1M"];
    // It measures how fast it is, and gives up where it gets no time to.
    wait_until("an encrypted image", || std::process::Command::new("qemu-img").args(create).status().unwrap().success());
    let file = json!({ "driver": "file", "filename": path });
    rig.other.run("blockdev-add", json!({ "driver": "luks", "node-name": "luks", "key-secret": "sec", "file": file }));
    let options = json!({ "driver": "luks", "state": "active", "new-secret": "sec", "iter-time": 10 });
    rig.other.send("x-blockdev-amend", json!({ "job-id": "a", "node-name": "luks", "options": options }));
    wait_until("the end", || rig.client.states("a").len() > 1);
    // Where its QEMU crashed, this is known right after.
    std::thread::sleep(Duration::from_millis(100));
    let states = rig.client.states("a");
    let may_complete = rig.client.domain.is_active();
    assert!(states == ["running", "failed"] || (may_complete && states == ["running", "completed"]), "{states:?}");
}

#[test]
fn an_active_commit_that_is_aborted_when_ready_leaves_the_disk_as_it_is() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let job = rig.client.try_commit("sda", None, None, 0, commit::ACTIVE).unwrap();
    rig.client.wait(&job, &[JobState::Ready]);
    rig.other.guest_io(DISK, "write -P 77 5M 64k");
    rig.client.domain.control_job(&job, ControlOp::Abort).unwrap();
    assert_eq!(rig.client.end(&job), JobState::Aborted);
    assert!(rig.client.domain.xml(0).unwrap().contains("top.qcow2"));
    rig.other.guest_io(DISK, "read -P 77 5M 64k");
}
