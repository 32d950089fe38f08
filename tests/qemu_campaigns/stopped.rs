//! QEMU stands still, and goes on.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use virt_jobs::driver::request::*;
use virt_jobs::driver::{Domain, Key};
use virt_jobs::model::flags::{list, JOB_START_PERSIST};
use virt_jobs::model::{code, ControlOp, Error, JobState};

use crate::support::campaign::*;
use crate::support::fake::{disk, event, status, usual, Fake, Reply};
use crate::support::*;

/// After this long a call fails whose monitor does not answer, as is promised.
const PROMISED: Duration = Duration::from_secs(30);
/// What it may take beside that on a busy machine.
const GRACE: Duration = Duration::from_secs(5);

/// A call that asks the monitor, about a job or not.
type Asking = fn(&Arc<dyn Domain>, &str) -> Result<(), Error>;
/// A call that starts a job.
type Starting = fn(&Client, &Path) -> Result<String, Error>;

fn figures(domain: &Arc<dyn Domain>) -> Result<(), Error> {
    domain.list_jobs(ListFilter(list::STATS), &mut |_| {})
}

/// A second QEMU in the directory of the first.
fn neighbour(rig: &Rig) -> (Qemu, Arc<dyn Domain>) {
    let qemu = Qemu::start_without_guest(&emulator().unwrap(), &rig.vms().join("other.qmp"), &[]);
    let connection = &rig.client.connection;
    let found = await_domain(connection.as_ref(), "other");
    (qemu, connection.domain(&found).unwrap())
}

/// The slowest of the calls that are made until `over`.
fn slowest_call(domain: &Arc<dyn Domain>, over: &AtomicBool) -> (Duration, usize) {
    let (mut slowest, mut calls) = (Duration::ZERO, 0);
    while !over.load(Ordering::Acquire) {
        let begin = Instant::now();
        figures(domain).unwrap();
        slowest = slowest.max(begin.elapsed());
        calls += 1;
        thread::sleep(Duration::from_millis(1));
    }
    (slowest, calls)
}

/// No command about a job is sent twice.
fn assert_sent_once(rig: &Rig) {
    let mut sent: Vec<String> = rig.proxy.log().iter().filter(|m| !m["arguments"].is_null()).map(about).collect();
    sent.retain(|command| !command.starts_with("query-"));
    sent.sort();
    let twice: Vec<&[String]> = sent.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
}

/// A command with its arguments, without its number.
fn about(message: &Value) -> String {
    format!("{} {}", message["execute"].as_str().unwrap_or_default(), message["arguments"])
}

/// One copy or pull from its start to its end, with questions in between.
fn one_job(client: &Client, path: &Path, kind: usize) -> Result<String, Error> {
    let flags = if kind % 2 == 0 { JOB_START_PERSIST } else { 0 };
    let name = match kind {
        0 | 1 => client.domain.block_pull(&BlockPull { disk: "sda", base: None, bandwidth: 0, flags })?,
        _ => client.try_copy("sda", path, 0, flags)?,
    };
    let _ = figures(&client.domain);
    if client.wait(&name, &[JobState::Ready]) == JobState::Ready {
        client.domain.job_xml(&name, true)?;
        client.domain.control_job(&name, ControlOp::Abort)?;
    }
    client.end(&name);
    if flags != 0 {
        client.domain.control_job(&name, ControlOp::Dismiss)?;
    }
    Ok(name)
}

#[test]
fn a_campaign_of_short_stops_delays_calls_and_changes_nothing() {
    let Some(rig) = Rig::sized(&["base", "top"], 8) else { return };
    let chronicle = Chronicle::subscribe(&rig.client.events);
    let (_qemu, other) = neighbour(&rig);
    let quiet = AtomicBool::new(false);
    let (before, _) = thread::scope(|scope| {
        let probe = scope.spawn(|| slowest_call(&other, &quiet));
        thread::sleep(Duration::from_millis(300));
        quiet.store(true, Ordering::Release);
        probe.join().unwrap()
    });
    let mut campaign = Campaign::new();
    let mut during = Duration::ZERO;
    for moment in 0..Campaign::moments(10) {
        let kind = campaign.below(4);
        let path = rig.path(&format!("copy{moment}.qcow2"));
        let (delay, length) = (campaign.moment(Duration::from_millis(60)), campaign.moment(Duration::from_millis(400)));
        let over = AtomicBool::new(false);
        let job = thread::scope(|scope| {
            let job = scope.spawn(|| one_job(&rig.client, &path, kind));
            thread::sleep(delay);
            rig.qemu.signal(libc::SIGSTOP);
            let probe = scope.spawn(|| slowest_call(&other, &over));
            thread::sleep(length);
            over.store(true, Ordering::Release);
            during = during.max(probe.join().unwrap().0);
            rig.qemu.signal(libc::SIGCONT);
            job.join().unwrap().unwrap()
        });
        rig.client.events.flush();
        chronicle.check_ended();
        let expected = if kind < 2 { JobState::Completed } else { JobState::Aborted };
        assert_eq!(rig.client.states(&job).last().unwrap(), &expected.to_string());
        assert_eq!(rig.client.jobs(), []);
        let _ = std::fs::remove_file(&path);
    }
    assert_sent_once(&rig);
    println!("the slowest call of another domain: {before:?} before, {during:?} during a stop");
    assert!(during < before * 20 + unhurried(Duration::from_millis(500)), "{before:?} before, {during:?} during a stop");
    let mut rig = rig;
    assert!(rig.other.nodes().iter().all(|node| !node.starts_with("libvirt-")));
}

/// Side by side, because each takes as long as a call may.
#[test]
fn who_stands_still_for_longer_than_a_call_may_take_loses_nothing() {
    let scenes: [fn(); 4] = [
        calls_on_a_qemu_that_stands_still_fail_within_the_promised_time,
        a_job_whose_start_is_not_answered_in_time_is_not_lost_when_it_starts_later,
        the_target_of_a_copy_whose_start_is_not_answered_is_left_to_it,
        a_disk_is_set_right_although_its_monitor_stood_still_at_the_end_of_the_job,
    ];
    thread::scope(|scope| scenes.map(|scene| scope.spawn(scene)).map(|scene| scene.join().unwrap()));
}

/// All calls that ask the monitor fail in time; those that do not are not slower.
fn calls_on_a_qemu_that_stands_still_fail_within_the_promised_time() {
    let Some(rig) = Rig::new(&["base", "top"]) else { return };
    let chronicle = Chronicle::subscribe(&rig.client.events);
    let copy = rig.client.copy("sda", &rig.path("copy.qcow2"), 1 << 16, JOB_START_PERSIST);
    rig.client.wait_for(&format!("{copy} block-copy running"));
    rig.qemu.signal(libc::SIGSTOP);
    let asking: [(&str, Asking); 6] = [
        ("figures", |domain, _| figures(domain)),
        ("xml", |domain, job| domain.job_xml(job, true).map(drop)),
        ("pause", |domain, job| domain.control_job(job, ControlOp::Pause)),
        ("speed", |domain, job| domain.set_job_speed(job, 1 << 17)),
        ("suspend", |domain, _| domain.suspend()),
        ("older", |domain, _| domain.block_job_info("sda").map(drop)),
    ];
    thread::scope(|scope| {
        let calls = asking.map(|(what, call)| {
            let (domain, copy) = (&rig.client.domain, &copy);
            (what, scope.spawn(move || within(PROMISED + GRACE, what, || call(domain, copy))))
        });
        thread::sleep(Duration::from_millis(50));
        within(Duration::from_secs(1), "what needs no monitor", || {
            assert_eq!(rig.client.jobs().len(), 1);
            rig.client.domain.job_xml(&copy, false).unwrap();
            rig.client.domain.xml(0).unwrap();
            rig.client.domain.state().unwrap();
            assert_eq!(rig.client.connection.domains().unwrap().len(), 1);
        });
        for (what, call) in calls {
            assert_eq!(call.join().unwrap().map_err(|error| error.code), Err(code::OPERATION_TIMEOUT), "{what}");
        }
    });
    rig.qemu.signal(libc::SIGCONT);
    // What was sent is done now, once; nobody sends it again.
    rig.client.wait_for(&format!("{copy} block-copy paused"));
    rig.client.domain.resume().unwrap();
    rig.client.domain.control_job(&copy, ControlOp::Resume).unwrap();
    // It may have come to its end meanwhile.
    let states = || -> Vec<String> { rig.client.states(&copy).into_iter().filter(|state| state != "ready").collect() };
    // What lasts for less than a question and its answer is not told.
    wait_until("the job to go on", || states().len() == 3);
    assert!(rig.client.domain.job_xml(&copy, true).unwrap().contains("<bandwidth"));
    rig.client.domain.control_job(&copy, ControlOp::Abort).unwrap();
    assert_eq!(rig.client.end(&copy), JobState::Aborted);
    assert_eq!(states(), ["running", "paused", "running", "aborted"]);
    chronicle.check_ended();
    assert_sent_once(&rig);
}

/// Whether it will start is not known when the call fails. If it does, it is the job that was asked for, under its name.
fn a_job_whose_start_is_not_answered_in_time_is_not_lost_when_it_starts_later() {
    let starts: [Starting; 2] = [
        |client, path| client.try_copy("sda", path, 0, JOB_START_PERSIST),
        |client, _| client.domain.block_pull(&BlockPull { disk: "sda", base: None, bandwidth: 0, flags: JOB_START_PERSIST }),
    ];
    thread::scope(|scope| {
        for start in starts {
            scope.spawn(move || start_while_stopped(start));
        }
    });
}

fn start_while_stopped(start: Starting) {
    let Some(mut rig) = Rig::new(&["base", "top"]) else { return };
    let chronicle = Chronicle::subscribe(&rig.client.events);
    let target = rig.path("copy.qcow2");
    rig.qemu.signal(libc::SIGSTOP);
    let error = within(PROMISED * 2 + GRACE, "the start", || start(&rig.client, &target).unwrap_err());
    assert_eq!(error.code, code::OPERATION_TIMEOUT, "{error}");
    assert_eq!(rig.client.jobs(), []);
    rig.qemu.signal(libc::SIGCONT);
    // A pull runs; of a copy, the creation of its image, which is its first step.
    let ended = || {
        rig.client.events.flush();
        let uuid = rig.client.domain.identity().uuid;
        let told = chronicle.last(uuid);
        told.len() == 1 && told.values().all(|state| state.is_final())
    };
    wait_until("what was sent is done and told", ended);
    chronicle.check_ended();
    let told = chronicle.last(rig.client.domain.identity().uuid);
    assert!(told.keys().all(|name| !name.contains('#')), "{told:?}");
    for (name, _, _) in rig.client.jobs() {
        rig.client.domain.control_job(&name, ControlOp::Dismiss).unwrap();
    }
    wait_until("QEMU has nothing left", || rig.other.run("query-jobs", json!({})) == json!([]));
    assert!(rig.other.nodes().iter().all(|node| !node.starts_with("libvirt-")));
    assert_sent_once(&rig);
    // Nothing is in the way of the next one.
    let next = rig.client.copy("sda", &rig.path("next.qcow2"), 0, 0);
    rig.client.wait(&next, &[JobState::Ready]);
}

/// A monitor that stands still when a copy is to be started, and goes on later.
fn the_target_of_a_copy_whose_start_is_not_answered_is_left_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let vms = dir.path().join("vms");
    std::fs::create_dir(&vms).unwrap();
    let image = make_chain(dir.path(), &["top"], 4).remove(0);
    let target = dir.path().join("copy.raw");
    let (source, made) = (image.to_str().unwrap().to_owned(), target.clone());
    let mut begun: Option<String> = None;
    let monitor = Fake::start(&vms.join("vm.qmp"), move |command, arguments| match command {
        "query-block" => Reply::Return(json!([disk("top", &source)])),
        "blockdev-create" => {
            std::fs::write(&made, "").unwrap();
            let id = arguments["job-id"].as_str().unwrap();
            Reply::ReturnThen(json!({}), vec![status(id, "created"), status(id, "running"), status(id, "concluded")])
        }
        "blockdev-mirror" => {
            begun = arguments["job-id"].as_str().map(str::to_owned);
            Reply::Silence
        }
        "query-jobs" => Reply::Return(match &begun {
            Some(id) => json!([{ "id": id, "type": "mirror", "status": "running", "current-progress": 0, "total-progress": 1 }]),
            None => json!([]),
        }),
        _ => usual(command),
    });
    let client = Client::open(&vms);
    let destination = CopyDestination::Path { path: target.to_str().unwrap(), raw: true, block: false };
    let request = BlockCopy { disk: "sda", destination, bandwidth: 0, granularity: 0, buf_size: 0, flags: JOB_START_PERSIST };
    let error = within(PROMISED + GRACE, "the start", || client.domain.block_copy(&request).unwrap_err());
    assert_eq!(error.code, code::OPERATION_TIMEOUT, "{error}");
    client.wait_for("block-copy-sda-1 block-copy running");
    assert!(target.exists());
    assert!(client.domain.xml(0).unwrap().contains("<mirror"));
    assert_eq!(monitor.count("blockdev-mirror"), 1);
    assert_eq!(monitor.count("blockdev-del"), 0);
}

/// The end of a job is told although the question that belongs to it is not answered in time; the disk is set right later.
fn a_disk_is_set_right_although_its_monitor_stood_still_at_the_end_of_the_job() {
    let dir = tempfile::tempdir().unwrap();
    let mut asked = None;
    Fake::start(&dir.path().join("vm.qmp"), move |command, arguments| match (command, &mut asked) {
        ("block-stream", asked) => {
            let id = arguments["job-id"].as_str().unwrap();
            *asked = Some(0);
            let over = event("BLOCK_JOB_COMPLETED", json!({ "device": id, "type": "stream", "len": 1, "offset": 1, "speed": 0 }));
            Reply::ReturnThen(json!({}), vec![status(id, "created"), status(id, "running"), over, status(id, "concluded")])
        }
        ("query-block", Some(times)) => {
            *times += 1;
            if *times == 1 {
                return Reply::Silence;
            }
            let mut only = disk("top", "/nowhere/top.qcow2");
            only["inserted"]["image"].as_object_mut().unwrap().remove("backing-image");
            Reply::Return(json!([only]))
        }
        _ => usual(command),
    });
    let client = Client::open(dir.path());
    let domain = client.connection.domain(&client.connection.lookup(Key::Name("vm")).unwrap()).unwrap();
    assert!(domain.xml(0).unwrap().contains("base.qcow2"));
    let pull = client.pull("sda", None, 0, 0);
    let begin = Instant::now();
    let ended = domain.wait_job(&pull, 0, Some(PROMISED + GRACE)).unwrap();
    assert_eq!(ended, Some(JobState::Completed), "after {:?}", begin.elapsed());
    assert_eq!(client.states(&pull), ["running", "completed"]);
    wait_until("the disk is what the job has made of it", || !domain.xml(0).unwrap().contains("base.qcow2"));
}
