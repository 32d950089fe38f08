//! Migration from one real QEMU to another.

mod support;

use std::ops::{Deref, DerefMut};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use support::memory::{is_running, Guest};
use support::{wait_until, Client, Manner, Other, Qemu, Rig};
use virt_jobs::driver::request::{Migrate, Save};
use virt_jobs::model::flags::JOB_START_PARALLEL;
use virt_jobs::model::{code, ControlOp, DomainState, Error, JobState, JobType};

const LIVE: u32 = 1 << 0;
const PAUSED: u32 = 1 << 5;

/// A source whose migration takes as long as its limit says.
struct Pair(Guest);

impl Deref for Pair {
    type Target = Guest;

    fn deref(&self) -> &Guest {
        &self.0
    }
}

impl DerefMut for Pair {
    fn deref_mut(&mut self) -> &mut Guest {
        &mut self.0
    }
}

impl Pair {
    fn new() -> Option<Pair> {
        Guest::new(16).map(Pair)
    }

    fn uri(&self) -> String {
        format!("unix:{}", self.path("incoming.sock").display())
    }

    fn destination(&self) -> (Qemu, Other) {
        self.0.destination(&self.uri())
    }

    fn migrate(&self, bandwidth: u64, flags: u32) -> Result<String, Error> {
        let uri = self.uri();
        self.client.domain.migrate(&Migrate { uri: &uri, bandwidth, xml: None, flags, params: Vec::new() })
    }

    /// The document of a migration that is going over the memory.
    fn first_pass(&self, name: &str) -> String {
        let mut document = String::new();
        support::wait_until("figures", || {
            document = self.client.domain.job_xml(name, true).unwrap();
            document.contains("<iteration>1</iteration>")
        });
        document
    }

    /// Starts a migration that takes long, and returns when it is on its way.
    fn while_migrating<R>(&self, bandwidth: u64, flags: u32, look: impl FnOnce(&str) -> R) -> (Result<String, Error>, R) {
        std::thread::scope(|scope| {
            let caller = scope.spawn(|| self.migrate(bandwidth, flags));
            support::wait_until("a migration", || self.client.jobs().iter().any(|job| job.1 == JobType::Migration));
            let seen = look(&self.client.jobs()[0].0);
            (caller.join().unwrap(), seen)
        })
    }
}

#[test]
fn a_guest_moves_to_a_qemu_that_was_started_by_hand() {
    let Some(pair) = Pair::new() else { return };
    let (_there, mut monitor) = pair.destination();
    let (ended, document) = pair.while_migrating(8, LIVE, |name| pair.first_pass(name));
    assert_eq!(ended.as_deref(), Ok("migration-1"));
    assert!(document.contains("<job type='migration' state='running'>"), "{document}");
    assert!(document.contains(&format!("<uri>{}</uri>", pair.uri())), "{document}");
    assert!(document.contains("<bandwidth unit='bytes/s'>8388608</bandwidth>"), "{document}");
    assert!(is_running(&mut monitor));
    assert_eq!(pair.client.domain.state().unwrap(), (DomainState::Shutoff, 4));
    let expected = ["migration-1 migration running", "lifecycle 3 1", "migration-1 migration completed", "lifecycle 5 3"];
    assert_eq!(pair.client.told(), expected);
}

#[test]
fn a_guest_that_need_not_run_on_the_way_runs_when_it_is_there() {
    let Some(pair) = Pair::new() else { return };
    let (_there, mut monitor) = pair.destination();
    assert_eq!(pair.migrate(0, 0).as_deref(), Ok("migration-1"));
    assert!(is_running(&mut monitor));
    assert_eq!(pair.client.domain.state().unwrap(), (DomainState::Shutoff, 4));
}

#[test]
fn a_guest_that_is_to_arrive_stopped_stops_first() {
    let Some(mut pair) = Pair::new() else { return };
    let error = pair.migrate(0, PAUSED).unwrap_err();
    assert_eq!(error.code, code::OPERATION_FAILED);
    assert!(is_running(&mut pair.other));
    let (_there, mut monitor) = pair.destination();
    assert_eq!(pair.migrate(0, PAUSED).as_deref(), Ok("migration-2"));
    assert!(!is_running(&mut monitor));
    let told = pair.client.told();
    assert_eq!(
        told[told.len() - 4..],
        ["lifecycle 3 1", "migration-2 migration running", "migration-2 migration completed", "lifecycle 5 3"]
    );
}

#[test]
fn limits_are_kept_and_can_be_changed_on_the_way() {
    let Some(pair) = Pair::new() else { return };
    let domain = pair.client.domain.clone();
    assert_eq!(domain.migrate_get_max_speed(), Ok(i64::MAX as u64 >> 20));
    assert_eq!(domain.migrate_get_max_downtime(), Ok(300));
    domain.migrate_set_max_speed(1).unwrap();
    domain.migrate_set_max_downtime(200).unwrap();
    assert_eq!((domain.migrate_get_max_speed(), domain.migrate_get_max_downtime()), (Ok(1), Ok(200)));
    let there = pair.destination();
    let (ended, limit) = pair.while_migrating(0, 0, |name| {
        let limit = pair.client.domain.job_xml(name, false).unwrap().contains("<bandwidth unit='bytes/s'>1048576<");
        domain.control_job(name, ControlOp::Abort).unwrap();
        limit
    });
    assert_eq!((ended.unwrap_err().code, limit), (code::OPERATION_ABORTED, true));
    // What was changed for the one migration is as it was.
    assert_eq!(domain.migrate_get_max_downtime(), Ok(200));
    drop(there);
    let _there = pair.destination();
    let (ended, ()) = pair.while_migrating(1, LIVE, |_| domain.migrate_set_max_speed(1000).unwrap());
    assert_eq!(ended.as_deref(), Ok("migration-2"));
}

#[test]
fn a_migration_that_is_aborted_leaves_the_guest_running() {
    let Some(mut pair) = Pair::new() else { return };
    let there = pair.destination();
    let (ended, ()) = pair.while_migrating(8, LIVE, |name| pair.client.domain.control_job(name, ControlOp::Abort).unwrap());
    let error = ended.unwrap_err();
    assert_eq!((error.code, error.detail.as_str()), (code::OPERATION_ABORTED, "job 'migration out' canceled by client"));
    assert!(is_running(&mut pair.other));
    assert_eq!(pair.client.states("migration-1"), ["running", "aborted"]);
    assert_eq!(pair.client.jobs(), []);
    // And it can be tried again.
    drop(there);
    let _there = pair.destination();
    assert_eq!(pair.migrate(0, LIVE).as_deref(), Ok("migration-2"));
}

#[test]
fn a_migration_to_nobody_fails_and_says_why() {
    let Some(mut pair) = Pair::new() else { return };
    for flags in [LIVE, 0] {
        let error = pair.migrate(0, flags).unwrap_err();
        assert_eq!(error.code, code::OPERATION_FAILED, "{error}");
        assert!(error.detail.starts_with("job 'migration out' failed: "), "{error}");
        assert!(error.detail.contains("No such file"), "{error}");
        assert!(is_running(&mut pair.other));
    }
    assert_eq!(pair.client.states("migration-1"), ["running", "failed"]);
    assert_eq!(pair.client.domain.state().unwrap().0, DomainState::Running);
}

#[test]
fn a_destination_that_dies_fails_the_migration() {
    let Some(mut pair) = Pair::new() else { return };
    let (there, _monitor) = pair.destination();
    let (ended, ()) = pair.while_migrating(8, LIVE, |_| there.signal(libc::SIGKILL));
    assert_eq!(ended.unwrap_err().code, code::OPERATION_FAILED);
    assert!(is_running(&mut pair.other));
    assert_eq!(pair.client.states("migration-1"), ["running", "failed"]);
}

#[test]
fn a_source_that_dies_fails_the_migration() {
    let Some(pair) = Pair::new() else { return };
    let (_there, _monitor) = pair.destination();
    let (ended, ()) = pair.while_migrating(8, LIVE, |_| pair.qemu.signal(libc::SIGKILL));
    assert_eq!(ended.unwrap_err().code, code::OPERATION_FAILED);
    pair.client.wait_for("lifecycle 5 5");
    assert_eq!(pair.client.states("migration-1"), ["running", "failed"]);
}

#[test]
fn a_migration_that_another_client_starts_is_listed_and_can_be_aborted() {
    let Some(mut pair) = Pair::new() else { return };
    let (_there, _monitor) = pair.destination();
    pair.other.run("migrate-set-parameters", json!({ "max-bandwidth": 1 << 20 }));
    let uri = pair.uri();
    pair.other.run("migrate", json!({ "uri": uri }));
    pair.client.wait_for("migration migration running");
    assert_eq!(pair.client.jobs(), [("migration".to_owned(), JobType::Migration, JobState::Running)]);
    let error = pair.migrate(0, LIVE).unwrap_err();
    assert!(error.detail.contains("another job is active: 'migration'"), "{error}");
    let document = pair.client.domain.job_xml("migration", true).unwrap();
    assert!(document.contains("<total unit='bytes'>"), "{document}");
    pair.client.domain.control_job("migration", ControlOp::Abort).unwrap();
    pair.client.wait_for("migration migration aborted");
    assert_eq!(pair.client.jobs(), []);
}

#[test]
fn a_job_of_somebody_elses_that_is_called_like_their_migration_is_another_job() {
    for migration_first in [true, false] {
        let Some(mut pair) = Pair::new() else { return };
        let (_there, _monitor) = pair.destination();
        let uri = pair.uri();
        for node in ["from", "to"] {
            pair.other.run("blockdev-add", json!({ "driver": "null-co", "node-name": node, "size": 1 << 30, "read-zeroes": true }));
        }
        pair.other.run("migrate-set-parameters", json!({ "max-bandwidth": 1 << 20 }));
        let mirror = json!({ "job-id": "migration", "device": "from", "target": "to", "sync": "full", "speed": 1 << 16 });
        let steps = [("migrate", json!({ "uri": uri }), "migration"), ("blockdev-mirror", mirror, "block-copy")];
        let order = if migration_first { [&steps[0], &steps[1]] } else { [&steps[1], &steps[0]] };
        for ((command, arguments, kind), name) in order.into_iter().zip(["migration", "migration#2"]) {
            pair.other.run(command, arguments.clone());
            pair.client.wait_for(&format!("{name} {kind} running"));
        }
        let (migration, copy) = if migration_first { ("migration", "migration#2") } else { ("migration#2", "migration") };
        let mut jobs = pair.client.jobs();
        jobs.sort();
        let mut expected =
            vec![(migration.to_owned(), JobType::Migration, JobState::Running), (copy.to_owned(), JobType::BlockCopy, JobState::Running)];
        expected.sort();
        assert_eq!(jobs, expected);
        pair.client.domain.control_job(migration, ControlOp::Abort).unwrap();
        pair.client.wait_for(&format!("{migration} migration aborted"));
        assert_eq!(pair.client.jobs(), [(copy.to_owned(), JobType::BlockCopy, JobState::Running)]);
        pair.client.domain.control_job(copy, ControlOp::Abort).unwrap();
        pair.client.wait_for(&format!("{copy} block-copy aborted"));
    }
}

#[test]
fn a_migration_is_found_by_whoever_comes_later() {
    let Some(pair) = Pair::new() else { return };
    let (_there, _monitor) = pair.destination();
    let Guest { client, mut bare } = pair.0;
    drop(client);
    bare.other.run("migrate-set-parameters", json!({ "max-bandwidth": 100_000 }));
    let uri = format!("unix:{}", bare.dir.path().join("incoming.sock").display());
    bare.other.run("migrate", json!({ "uri": uri }));
    let client = Client::open(&bare.dir.path().join("vms"));
    assert_eq!(client.jobs(), [("migration".to_owned(), JobType::Migration, JobState::Running)]);
    bare.other.run("migrate-set-parameters", json!({ "max-bandwidth": 1_u64 << 33 }));
    client.wait_for("migration migration completed");
    assert!(client.domain.wait_job("migration", 0, Some(Duration::ZERO)).unwrap().is_some());
}

/// QEMU 7.2 does not survive the end of a migration with a mirror.
#[test]
fn nothing_moves_beside_block_jobs_whoever_started_them() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let uri = format!("unix:{}", rig.path("incoming.sock").display());
    let client = rig.client.clone();
    let refused = || {
        let migration = client.domain.migrate(&Migrate { uri: &uri, bandwidth: 0, xml: None, flags: LIVE, params: Vec::new() });
        let file = rig.dir.path().join("file");
        let save = client.domain.save(&Save { file: file.to_str().unwrap(), xml: None, flags: 0 });
        for error in [migration.unwrap_err(), save.unwrap_err()] {
            assert_eq!(error.code, code::OPERATION_INVALID, "{error}");
            assert!(error.detail.starts_with("domain has active block job"), "{error}");
        }
        assert!(!file.exists());
    };
    let name = client.copy("sda", &rig.dir.path().join("copy.qcow2"), 64 << 10, 0);
    refused();
    client.domain.control_job(&name, ControlOp::Abort).unwrap();
    client.end(&name);
    rig.add_target("target", 24);
    rig.start_backup("theirs", "target", 64 << 10, true);
    client.wait_for("theirs block-backup running");
    let refused_too = client.domain.migrate(&Migrate { uri: &uri, bandwidth: 0, xml: None, flags: LIVE, params: Vec::new() });
    assert_eq!(refused_too.unwrap_err().code, code::OPERATION_INVALID);
    assert_eq!(client.domain.state().unwrap().0, DomainState::Running);
}

/// The same the other way round.
#[test]
fn a_block_job_waits_until_the_guest_has_moved_or_has_not() {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let wait = json!([{ "capability": "pause-before-switchover", "state": true }]);
    rig.other.run("migrate-set-capabilities", json!({ "capabilities": wait }));
    let (client, socket) = (rig.client.clone(), rig.path("incoming.sock"));
    listen(&socket);
    let moving = std::thread::spawn(move || {
        let uri = format!("unix:{}", socket.display());
        client.domain.migrate(&Migrate { uri: &uri, bandwidth: 0, xml: None, flags: LIVE, params: Vec::new() })
    });
    wait_until("the migration", || rig.other.run("query-migrate", json!({}))["status"] == "pre-switchover");
    let (client, target) = (rig.client.clone(), rig.path("copy.qcow2"));
    let copying = std::thread::spawn(move || client.try_copy("sda", &target, 64 << 10, JOB_START_PARALLEL));
    std::thread::sleep(Duration::from_millis(500));
    assert!(!copying.is_finished());
    assert_eq!(rig.other.run("query-jobs", json!({})), json!([]));
    rig.client.domain.control_job("migration-1", ControlOp::Abort).unwrap();
    assert!(moving.join().unwrap().is_err());
    let copy = copying.join().unwrap().unwrap();
    assert_eq!(rig.client.wait(&copy, &[JobState::Running]), JobState::Running);
}

/// Reads all that comes.
fn listen(socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || std::io::copy(&mut listener.accept().unwrap().0, &mut std::io::sink()));
}

#[test]
fn a_migration_whose_start_is_not_answered_in_time_does_not_go_on() {
    let Some(mut rig) = Rig::new(&["base"]) else { return };
    let wait = json!([{ "capability": "pause-before-switchover", "state": true }]);
    rig.other.run("migrate-set-capabilities", json!({ "capabilities": wait }));
    let socket = rig.path("incoming.sock");
    listen(&socket);
    rig.proxy.set(Manner::Withhold("migrate"));
    let uri = format!("unix:{}", socket.display());
    let error = rig.client.domain.migrate(&Migrate { uri: &uri, bandwidth: 0, xml: None, flags: LIVE, params: Vec::new() }).unwrap_err();
    assert_eq!(error.code, code::OPERATION_TIMEOUT);
    wait_until("the end", || rig.other.run("query-migrate", json!({}))["status"] == "cancelled");
    wait_until("the guest", || is_running(&mut rig.other));
    assert_eq!(rig.client.end("migration-1"), JobState::Failed);
    assert_eq!(rig.client.jobs(), []);
}

#[test]
fn what_a_direct_migration_cannot_do_is_refused_by_name() {
    let Some(pair) = Pair::new() else { return };
    for (flag, what) in [(1 << 2, "tunnelled"), (1 << 6, "storage"), (1 << 15, "post-copy"), (1 << 17, "several connections")] {
        let error = pair.migrate(0, LIVE | flag).unwrap_err();
        assert_eq!(error.code, code::ARGUMENT_UNSUPPORTED, "{error}");
        assert!(error.detail.contains(what), "{error}");
    }
    let uri = "exec:cat";
    let error = pair.client.domain.migrate(&Migrate { uri, bandwidth: 0, xml: None, flags: LIVE, params: Vec::new() }).unwrap_err();
    assert_eq!(error.code, code::INVALID_ARG);
    assert_eq!(pair.client.told(), [""; 0]);
}
