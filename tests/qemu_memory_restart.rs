//! Jobs that move the memory of a real QEMU's guest, and whose client is killed on the way.

mod support;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use serde_json::json;
use support::memory::{is_running, Bare};
use support::{another_client, wait_until, Client, Manner, Other, Rig};
use virt_jobs::driver::request::{CoreDump, Migrate, Save};
use virt_jobs::model::{ControlOp, DomainState, JobState, JobType};

const WORK: &str = "VIRT_JOBS_TEST_WORK";
const TASK: &str = "VIRT_JOBS_TEST_TASK";
const PERSIST: u32 = 1 << 30;
const LIVE: u32 = 1 << 0;
const CRASH: u32 = 1 << 0;
const MEMORY_ONLY: u32 = 1 << 4;

/// The client that is killed: this program, run again with something to do.
#[test]
fn work_until_killed() {
    let Ok(dir) = std::env::var(WORK).map(PathBuf::from) else { return };
    let client = Client::open(&dir.join("vms"));
    println!("attached");
    let file = dir.join("file");
    let file = file.to_str().unwrap();
    let uri = format!("unix:{}", dir.join("incoming.sock").display());
    let ended = match std::env::var(TASK).unwrap().as_str() {
        "save" => client.domain.save(&Save { file, xml: None, flags: PERSIST }),
        "dump" => client.domain.core_dump(&CoreDump { file, format: 0, flags: PERSIST }),
        "crash" => client.domain.core_dump(&CoreDump { file, format: 0, flags: MEMORY_ONLY | CRASH | PERSIST }),
        _ => client.domain.migrate(&Migrate { uri: &uri, bandwidth: 4, xml: None, flags: LIVE | PERSIST, params: Vec::new() }),
    };
    panic!("it was to be killed before that: {ended:?}");
}

fn worker(dir: &Path, task: &str) -> Child {
    another_client("work_until_killed", &[(WORK, dir.as_os_str()), (TASK, task.as_ref())])
}

/// Starts the job by a client, and kills that while the job is on its way.
fn orphan(guest: &mut Bare, task: &str) {
    let mut child = worker(guest.dir.path(), task);
    wait_until("the job", || status(&mut guest.other) == "active");
    guest.slow_down();
    child.kill().unwrap();
    child.wait().unwrap();
}

fn status(other: &mut Other) -> String {
    other.run("query-migrate", json!({}))["status"].as_str().unwrap_or_default().to_owned()
}

fn speed_up(guest: &mut Bare) {
    guest.other.run("migrate-set-parameters", json!({ "max-bandwidth": 1_u64 << 34 }));
}

#[test]
fn a_save_is_brought_to_its_end_by_the_next_client() {
    let Some(mut guest) = Bare::new(256) else { return };
    orphan(&mut guest, "save");
    let client = Client::open(&guest.path("vms"));
    assert_eq!(client.jobs(), [("save-1".to_owned(), JobType::Save, JobState::Running)]);
    let document = client.domain.job_xml("save-1", true).unwrap();
    assert!(document.contains(&format!("<file>{}</file>", guest.path("file").display())), "{document}");
    speed_up(&mut guest);
    client.wait_for("lifecycle 5 4");
    assert_eq!(client.states("save-1"), ["completed"]);
    assert_eq!(fs::read(guest.path("file")).unwrap()[..16], *b"LibvirtQemudSave");
    assert_eq!(client.domain.state().unwrap(), (DomainState::Shutoff, 5));
    assert_eq!(client.jobs(), [("save-1".to_owned(), JobType::Save, JobState::Completed)]);
}

#[test]
fn a_save_that_ended_while_nobody_was_there_is_brought_to_its_end() {
    let Some(mut guest) = Bare::new(256) else { return };
    orphan(&mut guest, "save");
    speed_up(&mut guest);
    wait_until("the end", || status(&mut guest.other) == "completed");
    let client = Client::open(&guest.path("vms"));
    assert_eq!(client.end("save-1"), JobState::Completed);
    client.wait_for("lifecycle 5 4");
    assert_eq!(fs::read(guest.path("file")).unwrap()[..16], *b"LibvirtQemudSave");
}

#[test]
fn a_save_is_aborted_by_the_next_client() {
    let Some(mut guest) = Bare::new(256) else { return };
    orphan(&mut guest, "save");
    let client = Client::open(&guest.path("vms"));
    client.domain.control_job("save-1", ControlOp::Abort).unwrap();
    assert_eq!(client.end("save-1"), JobState::Aborted);
    assert!(!guest.path("file").exists());
    wait_until("the guest", || is_running(&mut guest.other));
    client.wait_for("lifecycle 4 0");
}

#[test]
fn a_dump_goes_on_without_its_client_and_the_guest_after_it() {
    let Some(mut guest) = Bare::new(256) else { return };
    orphan(&mut guest, "dump");
    speed_up(&mut guest);
    wait_until("the end", || status(&mut guest.other) == "completed");
    assert!(!is_running(&mut guest.other));
    let client = Client::open(&guest.path("vms"));
    assert_eq!(client.end("dump-1"), JobState::Completed);
    wait_until("the guest", || is_running(&mut guest.other));
    assert!(fs::read(guest.path("file")).unwrap().starts_with(b"QEVM"));
}

#[test]
fn a_migration_that_ended_while_nobody_was_there_has_its_true_outcome() {
    for completes in [true, false] {
        let Some(mut guest) = Bare::new(16) else { return };
        let uri = format!("unix:{}", guest.path("incoming.sock").display());
        let (there, mut monitor) = guest.destination(&uri);
        orphan(&mut guest, "migrate");
        if completes {
            speed_up(&mut guest);
            wait_until("the end", || status(&mut guest.other) == "completed");
            assert!(is_running(&mut monitor));
        } else {
            drop(there);
            wait_until("the end", || status(&mut guest.other) == "failed");
        }
        let client = Client::open(&guest.path("vms"));
        let expected = if completes { JobState::Completed } else { JobState::Failed };
        assert_eq!(client.end("migration-1"), expected);
        if completes {
            client.wait_for("lifecycle 5 3");
        } else {
            assert!(client.domain.job_xml("migration-1", false).unwrap().contains("<error>"));
            assert!(is_running(&mut guest.other));
        }
    }
}

/// Kills a client at this task when the reply to this command is due.
fn kill_at(rig: Rig, task: &str, command: &'static str) -> Rig {
    let Rig { client, other, proxy, chain, qemu, dir } = rig;
    drop(client);
    let before = proxy.commands().len();
    proxy.set(Manner::Withhold(command));
    let mut child = worker(dir.path(), task);
    wait_until(command, || proxy.commands()[before..].iter().any(|sent| sent == command));
    child.kill().unwrap();
    child.wait().unwrap();
    proxy.set(Manner::Straight);
    let client = Client::open(&dir.path().join("vms"));
    Rig { client, other, proxy, chain, qemu, dir }
}

#[test]
fn a_save_that_never_began_is_not_taken_for_the_migration_before_it() {
    let Some(mut rig) = Rig::new(&["base"]) else { return };
    rig.other.run("migrate", json!({ "uri": "exec:cat >/dev/null" }));
    // The status of the migration says "completed" before the machine can go on: its own status is the last to change.
    wait_until("a migration", || rig.other.run("query-status", json!({}))["status"] == "postmigrate");
    rig.other.run("cont", json!({}));
    rig.other.run("stop", json!({}));
    let mut rig = kill_at(rig, "save", "getfd");
    assert_eq!(rig.client.end("save-1"), JobState::Failed);
    assert!(rig.client.domain.is_active() && !rig.path("file").exists());
    assert_eq!(rig.other.run("query-status", json!({}))["status"], "paused");
}

#[test]
fn a_guest_that_was_stopped_for_a_save_that_never_began_goes_on() {
    let Some(rig) = Rig::new(&["base"]) else { return };
    let mut rig = kill_at(rig, "save", "stop");
    assert_eq!(rig.client.end("save-1"), JobState::Failed);
    wait_until("the guest", || is_running(&mut rig.other));
}

#[test]
fn a_save_whose_client_died_when_its_file_was_complete_ends_the_guest() {
    let Some(mut guest) = Bare::new(256) else { return };
    orphan(&mut guest, "save");
    speed_up(&mut guest);
    wait_until("the end", || status(&mut guest.other) == "completed");
    fs::File::options().write(true).open(guest.path("file")).unwrap().write_all_at(b"LibvirtQemudSave", 0).unwrap();
    let client = Client::open(&guest.path("vms"));
    assert_eq!(client.end("save-1"), JobState::Completed);
    client.wait_for("lifecycle 5 4");
}

#[test]
fn a_dump_that_never_began_is_not_taken_for_the_one_before_it() {
    let Some(mut rig) = Rig::new(&["base"]) else { return };
    let before = format!("file:{}", rig.path("before").display());
    rig.other.run("dump-guest-memory", json!({ "paging": false, "protocol": before }));
    let mut rig = kill_at(rig, "crash", "getfd");
    assert_eq!(rig.client.end("dump-1"), JobState::Failed);
    assert!(rig.client.domain.is_active());
    wait_until("the guest", || is_running(&mut rig.other));
}
