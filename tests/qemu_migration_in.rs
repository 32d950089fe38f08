//! Guests that come in by a migration, to QEMUs that were started by hand and by us.

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use support::vm::{disk_xml, domain_xml, path_of, Reaper};
use support::*;
use virt_jobs::driver::request::{ListFilter, Save};
use virt_jobs::driver::Key;
use virt_jobs::model::domain::reason;
use virt_jobs::model::{code, ControlOp, DomainState, JobState, JobType};

/// A guest that is to leave, and a QEMU in `vms` that waits for it at `DIR/in.sock`.
struct Pair {
    client: Client,
    there: Other,
    source: Other,
    source_qemu: Qemu,
    qemu: Qemu,
    dir: tempfile::TempDir,
}

/// What the migration is called that comes in to a QEMU which somebody else started: it has no id there.
const JOB: &str = "migration";
/// The same where the QEMU was started here.
const OWN_JOB: &str = "migration-in-1";

impl Pair {
    fn new(extra: &[&str]) -> Option<Pair> {
        Pair::waiting_at(extra, |dir| format!("unix:{}", dir.join("in.sock").display()))
    }

    fn waiting_at(extra: &[&str], uri: impl Fn(&Path) -> String) -> Option<Pair> {
        let emulator = emulator()?;
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("vms")).unwrap();
        let source_qemu = Qemu::start_without_guest(&emulator, &dir.path().join("source.sock"), &[]);
        let source = Other::connect(&dir.path().join("source.sock"));
        let (uri, second) = (uri(dir.path()), format!("unix:{}/other.sock,server=on,wait=off", dir.path().display()));
        let arguments = [&["-qmp", &second, "-incoming", &uri], extra].concat();
        let qemu = Qemu::start_without_guest(&emulator, &dir.path().join("vms/vm.qmp"), &arguments);
        let there = Other::connect(&dir.path().join("other.sock"));
        let client = Client::open(&dir.path().join("vms"));
        Some(Pair { client, there, source, source_qemu, qemu, dir })
    }

    fn uri(&self) -> String {
        format!("unix:{}", self.dir.path().join("in.sock").display())
    }

    fn migrate(&mut self) {
        let uri = self.uri();
        self.source.run("migrate", json!({ "uri": uri }));
    }

    /// Begins a migration that takes its time.
    fn migrate_slowly(&mut self) {
        self.source.run("migrate-set-parameters", json!({ "max-bandwidth": 20_000 }));
        self.migrate();
        let there = &mut self.there;
        wait_until("the migration comes in", || there.run("query-migrate", json!({}))["status"] == "active");
    }

    fn is_waiting(&self) -> bool {
        self.client.jobs() == [(JOB.to_owned(), JobType::MigrationIn, JobState::Running)]
    }

    fn lifecycle(&self) -> Vec<String> {
        self.client.told().into_iter().filter(|line| line.starts_with("lifecycle")).collect()
    }
}

#[test]
fn a_qemu_that_waits_for_a_migration_has_a_job_from_the_moment_at_which_it_is_seen() {
    let Some(mut pair) = Pair::new(&[]) else { return };
    assert!(pair.is_waiting(), "{:?}", pair.client.jobs());
    assert_eq!(pair.client.domain.state().unwrap(), (DomainState::Paused, reason::PAUSED_MIGRATION));
    let xml = pair.client.domain.job_xml(JOB, true).unwrap();
    assert!(xml.contains("<job type='migration-in' state='running'>") && xml.contains("<stats>"), "{xml}");
    pair.client.domain.list_jobs(ListFilter(virt_jobs::model::flags::list::STATS), &mut |_| {}).unwrap();
    assert!(pair.is_waiting());
    pair.migrate();
    assert_eq!(pair.client.end(JOB), JobState::Completed);
    assert_eq!(pair.client.states(JOB), ["running", "completed"]);
    assert_eq!(pair.client.domain.state().unwrap(), (DomainState::Running, reason::RUNNING_MIGRATED));
    assert_eq!(pair.lifecycle(), ["lifecycle 4 1"]);
    assert_eq!(pair.client.jobs(), []);
    pair.client.domain.suspend().unwrap();
    pair.client.domain.resume().unwrap();
    assert_eq!(pair.client.domain.state().unwrap(), (DomainState::Running, reason::RUNNING_UNPAUSED));
}

#[test]
fn a_guest_that_was_paused_arrives_paused() {
    let Some(mut pair) = Pair::new(&[]) else { return };
    pair.source.run("stop", json!({}));
    pair.migrate();
    assert_eq!(pair.client.end(JOB), JobState::Completed);
    pair.client.wait_for("lifecycle 3 0");
    assert_eq!(pair.client.domain.state().unwrap(), (DomainState::Paused, reason::PAUSED_USER));
    pair.client.domain.resume().unwrap();
    assert_eq!(pair.lifecycle(), ["lifecycle 3 0", "lifecycle 4 0"]);
}

#[test]
fn a_qemu_that_is_told_later_where_to_listen_has_its_job_before() {
    let Some(mut pair) = Pair::waiting_at(&[], |_| "defer".to_owned()) else { return };
    assert!(pair.is_waiting());
    let uri = pair.uri();
    pair.there.run("migrate-incoming", json!({ "uri": uri }));
    assert!(pair.is_waiting());
    pair.migrate();
    assert_eq!(pair.client.end(JOB), JobState::Completed);
    assert_eq!(pair.client.states(JOB), ["running", "completed"]);
}

#[test]
fn until_the_guest_is_there_nothing_can_be_done_with_it() {
    let Some(mut pair) = Pair::new(&[]) else { return };
    for migrating in [false, true] {
        if migrating {
            pair.migrate_slowly();
        }
        let domain = &pair.client.domain;
        for call in [domain.resume(), domain.suspend(), domain.reset(), domain.shutdown(0)] {
            assert_eq!(call.map_err(|e| e.code), Err(code::OPERATION_TIMEOUT));
        }
        assert_eq!(domain.control_job(JOB, ControlOp::Pause).map_err(|e| e.code), Err(code::OPERATION_UNSUPPORTED));
    }
    assert!(pair.is_waiting());
    pair.client.domain.destroy(0).unwrap();
    assert_eq!(pair.client.states(JOB), ["running", "failed"]);
    assert_eq!(pair.client.told().last().unwrap(), "lifecycle 5 1");
}

#[test]
fn a_migration_whose_source_dies_fails_with_one_event_and_a_reason() {
    let Some(mut pair) = Pair::new(&[]) else { return };
    pair.migrate_slowly();
    pair.source_qemu.signal(libc::SIGKILL);
    pair.client.wait_for("lifecycle 5 5");
    assert_eq!(pair.client.end(JOB), JobState::Failed);
    assert_eq!(pair.client.states(JOB), ["running", "failed"]);
    assert_eq!(pair.client.connection.domains().unwrap().len(), 0);
}

#[test]
fn a_migration_whose_destination_dies_fails_with_one_event() {
    let Some(mut pair) = Pair::new(&[]) else { return };
    pair.migrate_slowly();
    pair.qemu.signal(libc::SIGKILL);
    pair.client.wait_for("lifecycle 5 5");
    assert_eq!(pair.client.states(JOB), ["running", "failed"]);
    let source = &mut pair.source;
    wait_until("the source goes on", || source.run("query-status", json!({}))["running"] == true);
}

#[test]
fn a_migration_that_is_given_up_ends_its_qemu_and_leaves_the_source_running() {
    for begun in [false, true] {
        let Some(mut pair) = Pair::new(&[]) else { return };
        if begun {
            pair.migrate_slowly();
        }
        pair.client.domain.control_job(JOB, ControlOp::Abort).unwrap();
        pair.client.wait_for("lifecycle 5 5");
        assert_eq!(pair.client.end(JOB), JobState::Aborted);
        assert_eq!(pair.client.states(JOB), ["running", "aborted"]);
        assert_eq!(pair.lifecycle(), ["lifecycle 5 5"]);
        let source = &mut pair.source;
        wait_until("the source goes on", || source.run("query-status", json!({}))["running"] == true);
    }
}

#[test]
fn a_client_that_comes_later_finds_the_job_and_its_end() {
    let Some(mut pair) = Pair::new(&[]) else { return };
    pair.migrate_slowly();
    let Pair { client, source, source_qemu, there, qemu, dir } = pair;
    drop(client);
    let client = Client::open(&dir.path().join("vms"));
    pair = Pair { client, source, source_qemu, there, qemu, dir };
    assert!(pair.is_waiting());
    pair.source.run("migrate-set-parameters", json!({ "max-bandwidth": 1 << 30 }));
    assert_eq!(pair.client.end(JOB), JobState::Completed);
    assert_eq!(pair.client.domain.state().unwrap(), (DomainState::Running, reason::RUNNING_MIGRATED));
}

/// A domain of ours that waits for another one of ours.
fn waiting_xml(emulator: &str, vms: &Path, image: &Path, uri: &str) -> String {
    let xml = domain_xml(emulator, vms, "there", &[disk_xml("vda", "virtio", image)]);
    xml.replace("<qemu:commandline>", &format!("<qemu:commandline><qemu:arg value='-incoming'/><qemu:arg value='{uri}'/>"))
}

/// What such a domain needs. Its QEMUs end before their directory goes.
struct Ready {
    emulator: String,
    _reaper: Reaper,
    vms: PathBuf,
    image: PathBuf,
    dir: tempfile::TempDir,
}

impl Ready {
    fn new() -> Option<Ready> {
        let emulator = emulator()?;
        let dir = tempfile::tempdir().unwrap();
        let vms = dir.path().join("vms");
        std::fs::create_dir(&vms).unwrap();
        let image = make_chain(dir.path(), &["disk"], 4).remove(0);
        Some(Ready { emulator, _reaper: Reaper(vms.clone()), vms, image, dir })
    }
}

#[test]
fn a_guest_moves_between_two_domains_that_were_started_here() {
    let Some(vm) = vm::Vm::start(&["disk"], 0) else { return };
    let there = vm.path("there");
    std::fs::create_dir(&there).unwrap();
    let _reaper = Reaper(there.clone());
    let uri = format!("unix:{}", vm.path("in.sock").display());
    let events = std::sync::Arc::new(virt_jobs::event::Subscriptions::new());
    let notes = Notes::subscribe(&events);
    let connection = virt_jobs::driver::qemu::open(&there, events.clone()).unwrap();
    let xml = waiting_xml(&path_of(&emulator().unwrap()), &there, vm.chain.last().unwrap(), &uri);
    let uuid = vm.xml().split("<uuid>").nth(1).unwrap()[..36].to_owned();
    let found = connection.create_xml(&xml.replace("</name>", &format!("</name><uuid>{uuid}</uuid>")), 0).unwrap();
    let domain = connection.domain(&found).unwrap();
    assert_eq!(domain.state().unwrap(), (DomainState::Paused, reason::PAUSED_MIGRATION));
    let document = domain.job_xml(OWN_JOB, true).unwrap();
    assert!(document.contains("type='migration-in'") && document.contains(&format!("<uri>{uri}</uri>")), "{document}");
    let mut other = vm.second();
    other.run("migrate", json!({ "uri": uri }));
    assert_eq!(domain.wait_job(OWN_JOB, 0, Some(Duration::from_secs(30))).unwrap(), Some(JobState::Completed));
    assert_eq!(domain.state().unwrap(), (DomainState::Running, reason::RUNNING_MIGRATED));
    events.flush();
    let told: Vec<String> = notes.all().into_iter().filter(|line| line.starts_with("lifecycle")).collect();
    assert_eq!(told, ["lifecycle 2 1", "lifecycle 4 1"]);
    assert_eq!(connection.lookup(Key::Name("there")).unwrap().uuid.to_string(), uuid);
    domain.destroy(0).unwrap();
}

#[test]
fn a_domain_that_waits_here_has_a_job_of_ours_which_the_next_client_finds() {
    let Some(Ready { emulator, dir: _dir, vms, image, _reaper }) = Ready::new() else { return };
    let open = || virt_jobs::driver::qemu::open(&vms, std::sync::Arc::new(virt_jobs::event::Subscriptions::new())).unwrap();
    let connection = open();
    connection.create_xml(&waiting_xml(&path_of(&emulator), &vms, &image, "defer"), 0).unwrap();
    drop(connection);
    let connection = open();
    let domain = connection.domain(&connection.lookup(Key::Name("there")).unwrap()).unwrap();
    let mut jobs = Vec::new();
    domain.list_jobs(ListFilter(0), &mut |job| jobs.push((job.name().to_owned(), job.kind(), job.state()))).unwrap();
    assert_eq!(jobs, [(OWN_JOB.to_owned(), JobType::MigrationIn, JobState::Running)]);
    assert_eq!(domain.save(&Save { file: "/x", xml: None, flags: 0 }).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    domain.control_job(OWN_JOB, ControlOp::Abort).unwrap();
    assert_eq!(domain.wait_job(OWN_JOB, 0, Some(Duration::from_secs(30))).unwrap(), Some(JobState::Aborted));
    wait_until("the domain has gone", || connection.domains().unwrap().is_empty());
}

#[test]
fn why_a_domain_of_ours_could_not_take_a_guest_in_is_in_the_error_of_the_job() {
    let Some(Ready { emulator, dir, vms, image, _reaper }) = Ready::new() else { return };
    let uri = format!("unix:{}", dir.path().join("in.sock").display());
    let events = std::sync::Arc::new(virt_jobs::event::Subscriptions::new());
    let connection = virt_jobs::driver::qemu::open(&vms, events.clone()).unwrap();
    let found = connection.create_xml(&waiting_xml(&path_of(&emulator), &vms, &image, &uri), 0).unwrap();
    let domain = connection.domain(&found).unwrap();
    // Somebody connects who has something else to say.
    let mut stream = std::os::unix::net::UnixStream::connect(dir.path().join("in.sock")).unwrap();
    std::io::Write::write_all(&mut stream, &[b'x'; 64]).unwrap();
    assert_eq!(domain.wait_job(OWN_JOB, 0, Some(Duration::from_secs(30))).unwrap(), Some(JobState::Failed));
    let log = std::fs::read_to_string(vms.join("there.log")).unwrap();
    assert!(log.contains("Not a migration stream"), "{log}");
}
