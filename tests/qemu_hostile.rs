//! Monitors that lie, flood, stall and hang up: what they can do to this process and to other domains, which is little.

mod support;

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{json, Value};
use support::fake::*;
use support::*;
use virt_jobs::driver::request::ListFilter;
use virt_jobs::driver::{qemu, Connection, Key};
use virt_jobs::event::Subscriptions;
use virt_jobs::model::flags::{list, JOB_START_PERSIST};
use virt_jobs::model::{code, ControlOp, JobState, JobType};

fn open(dir: &Path) -> Arc<dyn Connection> {
    qemu::open(dir, Arc::new(Subscriptions::new())).unwrap()
}

fn running(id: &str, kind: &str) -> Value {
    json!({ "id": id, "type": kind, "status": "running", "current-progress": 1, "total-progress": 2 })
}

/// A monitor that answers as usual, and these commands as told.
fn fake(path: &Path, answer: impl Fn(&str, &Value) -> Option<Reply> + Send + 'static) -> Fake {
    Fake::start(path, move |command, arguments| answer(command, arguments).unwrap_or_else(|| usual(command)))
}

#[test]
fn sockets_that_are_no_monitors_cost_one_time_out_and_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(format!("{name}.qmp"));
    Fake::rude(&at("silent"), "", false);
    Fake::rude(&at("taken"), "", false);
    Fake::rude(&at("web"), "HTTP/1.1 400 Bad Request\r\n\r\n", false);
    Fake::rude(&at("closed"), "", true);
    Fake::rude(&at("binary"), "\u{0}\u{1}\u{2}\r\n", true);
    // These speak QMP, and then no more.
    for name in ["mute-1", "mute-2", "mute-3"] {
        fake(&at(name), |_, _| Some(Reply::Silence));
    }
    fake(&at("stuck"), |command, _| (command == "query-block").then_some(Reply::Silence));
    fake(&at("fled"), |command, _| (command == "query-jobs").then_some(Reply::HangUp));
    fake(&at("good"), |_, _| None);
    let started = Instant::now();
    let connection = open(dir.path());
    assert!(started.elapsed() < unhurried(Duration::from_secs(40)), "{:?}", started.elapsed());
    let names: Vec<String> = connection.domains().unwrap().into_iter().map(|found| found.domain.name).collect();
    assert_eq!(names, ["good"]);
    for (name, why) in [
        ("silent", "taken by another client, or its QEMU hangs"),
        ("taken", "taken by another client, or its QEMU hangs"),
        ("web", "is not a QMP monitor"),
        ("closed", "closed the connection"),
        ("binary", "is not a QMP monitor"),
        ("mute-2", "did not answer"),
        ("stuck", "did not answer"),
        ("fled", "end of file"),
        ("nobody", "no domain with matching name"),
    ] {
        let error = connection.lookup(Key::Name(name)).unwrap_err();
        assert!(error.message().contains(why), "{name}: {error}");
    }
}

#[test]
fn a_monitor_that_falls_silent_later_harms_only_its_own_calls() {
    let dir = tempfile::tempdir().unwrap();
    let silent = Arc::new(AtomicBool::new(false));
    let quiet = silent.clone();
    fake(&dir.path().join("vm.qmp"), move |_, _| quiet.load(Ordering::Relaxed).then_some(Reply::Silence));
    fake(&dir.path().join("good.qmp"), |_, _| None);
    let connection = open(dir.path());
    let vm = connection.domain(&connection.lookup(Key::Name("vm")).unwrap()).unwrap();
    let good = connection.domain(&connection.lookup(Key::Name("good")).unwrap()).unwrap();
    silent.store(true, Ordering::Relaxed);
    let stuck = {
        let vm = vm.clone();
        std::thread::spawn(move || vm.list_jobs(ListFilter(list::STATS), &mut |_| {}).map_err(|e| e.code))
    };
    let started = Instant::now();
    good.list_jobs(ListFilter(list::STATS), &mut |_| {}).unwrap();
    vm.list_jobs(ListFilter(0), &mut |_| {}).unwrap();
    vm.xml(0).unwrap();
    assert_eq!(connection.domains().unwrap().len(), 2);
    assert!(started.elapsed() < unhurried(Duration::from_secs(2)));
    assert_eq!(stuck.join().unwrap(), Err(code::OPERATION_TIMEOUT));
}

/// Answers to `query-block` that no QEMU gives.
fn lies() -> Vec<Value> {
    let image = |extra: Value| {
        let mut image = json!({ "filename": "/a", "format": "qcow2" });
        image.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!([{ "device": "", "qdev": "disk0", "inserted": { "node-name": "n", "image": image } }])
    };
    let mut deep = json!({ "filename": "/deep", "format": "qcow2" });
    for n in 0..110 {
        deep = json!({ "filename": format!("/deep{}", n % 3), "format": "qcow2", "backing-image": deep });
    }
    vec![
        json!(null),
        json!({}),
        json!("text"),
        json!([null, 1, "x", [], {}]),
        json!([{ "device": 7, "qdev": null, "inserted": [] }]),
        json!([{ "device": "", "qdev": "" }]),
        json!([{ "device": "", "qdev": "disk0" }]),
        json!([{ "device": "", "qdev": "disk0", "inserted": { "image": null } }]),
        json!([{ "device": "", "qdev": "disk0", "inserted": { "image": { "filename": 5, "virtual-size": "big" } } }]),
        json!([{ "device": "", "qdev": "disk0", "inserted": { "node-name": {}, "image": { "filename": "" } } }]),
        image(json!({ "virtual-size": -1, "backing-filename": 3, "backing-image": "/b" })),
        image(json!({ "backing-image": { "filename": "/a", "backing-image": { "filename": "/a" } } })),
        image(json!({ "filename": "json:{\"driver\":", "format": "<&'\">" })),
        image(json!({ "filename": "/odd \u{1}\n<&'\">ä", "format": "mirror_top" })),
        json!([{ "device": "", "qdev": "disk0", "inserted": { "node-name": "libvirt-4294967295-format", "image": { "filename": "/a" } } }]),
        json!([{ "device": "", "qdev": "disk0", "inserted": { "node-name": "libvirt-4294967295-format", "image": { "filename": "/a" } } },
            { "device": "", "qdev": "disk1", "inserted": { "node-name": "n", "image": { "filename": "/b" } } }]),
        json!([{ "device": "", "qdev": "disk0", "inserted": { "node-name": "n", "image": deep } }]),
        Value::Array((0..2000).map(|n| disk("n", &format!("/{n}"))).collect()),
        Value::Array((0..2000).map(|n| json!({ "device": format!("d{n}"), "qdev": "", "removable": true })).collect()),
    ]
}

#[test]
fn lies_about_disks_break_nothing() {
    for lie in lies() {
        let dir = tempfile::tempdir().unwrap();
        let told = lie.clone();
        fake(&dir.path().join("vm.qmp"), move |command, _| match command {
            "query-block" => Some(Reply::Return(told.clone())),
            _ => command.starts_with("block").then_some(Reply::Error("no")),
        });
        let client = Client::open(dir.path());
        let xml = client.domain.xml(0).unwrap();
        assert!(virt_jobs::xml::domain::DomainDef::parse_live(&xml).is_ok() || xml.contains("<domain"), "{xml}");
        // Whatever there is: no call panics, and one that cannot be done says so.
        for disk in ["sda", "vda", "hda", "/a", ""] {
            let _ = client.try_copy(disk, &dir.path().join("copy"), 0, 0);
            let _ = client.try_commit(disk, None, None, 0, 4);
            let _ = client.try_commit(disk, Some("sda[1]"), Some("sda[2]"), 0, 0);
            let _ = client.domain.block_job_info(disk);
            let _ = client.domain.block_job_abort(disk, true, false);
        }
        assert!(client.domain.is_active(), "{lie}");
    }
}

#[test]
fn ten_thousand_jobs_with_strange_ids_are_listed_under_names_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let odd = ["a\nb", "<&'\">", "ä ü 漢", "a#2", "a", "block-copy-sda-1", "-", "\u{7f}\u{1}", "x".repeat(1024).leak()];
    let mut jobs: Vec<Value> = odd.iter().map(|id| running(id, "backup")).collect();
    // The same twice is one job; nothing is none, and neither is what is far too long; an unknown kind is one.
    jobs.extend([
        running(&"y".repeat(1025), "stream"),
        running("a", "mirror"),
        running("", "stream"),
        json!({ "type": "stream" }),
        json!(null),
        json!([]),
        running("new", "shrink"),
    ]);
    jobs.extend((0..10_000).map(|n| running(&format!("job{n}"), "stream")));
    fake(&dir.path().join("vm.qmp"), move |command, _| (command == "query-jobs").then(|| Reply::Return(Value::Array(jobs.clone()))));
    let client = Client::open(dir.path());
    let listed = client.jobs();
    let names: HashSet<&str> = listed.iter().map(|(name, _, _)| name.as_str()).collect();
    assert_eq!((listed.len(), names.len()), (10_000 + odd.len() + 1, listed.len()));
    assert!(!names.contains(""));
    assert!(listed.iter().any(|(name, kind, _)| name == "new" && *kind == JobType::Other));
    for (name, _, _) in listed.iter().take(12) {
        let xml = client.domain.job_xml(name, false).unwrap();
        let parsed = virt_jobs::xml::reader::parse(&xml).unwrap_or_else(|e| panic!("{name:?}: {e}: {xml}"));
        let kept: String = name.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\u{7f}')).collect();
        assert_eq!(parsed.child_text("name").map(|text| text.replace('\u{fffd}', "")).as_deref(), Some(kept.as_str()));
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_flood_of_events_costs_little_memory_and_no_other_domain_notices() {
    let dir = tempfile::tempdir().unwrap();
    let flooding = fake(&dir.path().join("flood.qmp"), |_, _| None);
    fake(&dir.path().join("good.qmp"), |_, _| None);
    // Nobody subscribes: what is told must not pile up either.
    let connection = open(dir.path());
    let good = connection.domain(&connection.lookup(Key::Name("good")).unwrap()).unwrap();
    let before = resident_kib();
    let over = Arc::new(AtomicBool::new(false));
    let watcher = {
        let (good, over) = (good.clone(), over.clone());
        std::thread::spawn(move || {
            let mut slowest = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                let started = Instant::now();
                good.list_jobs(ListFilter(list::STATS), &mut |_| {}).unwrap();
                slowest = slowest.max(started.elapsed());
                std::thread::sleep(Duration::from_millis(5));
            }
            slowest
        })
    };
    for n in 0..40_000 {
        let id = format!("j{n}");
        flooding.tell(&[
            status(&id, "created"),
            status(&format!("j{}", n % 7), "paused"),
            event("DEVICE_DELETED", json!({ "device": id })),
            event("SOMETHING_NEW", json!({ "id": id, "deep": [[[[{}]]]] })),
            event("BLOCK_JOB_COMPLETED", json!({ "device": id, "type": "mirror", "len": -1, "offset": "x" })),
        ]);
    }
    flooding.tell(&[event("STOP", Value::Null)]);
    let vm = connection.domain(&connection.lookup(Key::Name("flood")).unwrap()).unwrap();
    wait_until("the end of the flood", || vm.state().unwrap().0 == virt_jobs::model::DomainState::Paused);
    over.store(true, Ordering::Relaxed);
    let slowest = watcher.join().unwrap();
    assert!(slowest < unhurried(Duration::from_secs(2)), "the other domain waited {slowest:?}");
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB");
    // One question at a time, however many gave rise to it.
    assert!(flooding.count("query-block") < 40_000, "{}", flooding.count("query-block"));
}

#[test]
fn a_job_ends_once_even_if_the_commands_that_settle_it_are_never_answered() {
    let dir = tempfile::tempdir().unwrap();
    let settling = Arc::new(AtomicBool::new(false));
    let quiet = settling.clone();
    let monitor = fake(&dir.path().join("vm.qmp"), move |command, arguments| match command {
        "block-stream" => {
            let id = arguments["job-id"].as_str().unwrap();
            quiet.store(true, Ordering::Relaxed);
            let over = event("BLOCK_JOB_COMPLETED", json!({ "device": id, "type": "stream", "len": 1, "offset": 1, "speed": 0 }));
            Some(Reply::ReturnThen(json!({}), vec![status(id, "created"), status(id, "running"), over, status(id, "concluded")]))
        }
        _ => quiet.load(Ordering::Relaxed).then_some(Reply::Silence),
    });
    let client = Client::open(dir.path());
    let pull = client.pull("sda", None, 0, JOB_START_PERSIST);
    wait_until("it is being settled", || monitor.count("query-block") > 1);
    assert_eq!(client.states(&pull), ["running"]);
    // Nothing more can be asked of it meanwhile.
    assert_eq!(client.domain.control_job(&pull, ControlOp::Abort).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    monitor.hang_up();
    assert_eq!(client.end(&pull), JobState::Completed);
    assert_eq!(client.states(&pull), ["running", "completed"]);
}

#[test]
fn an_answer_that_is_overtaken_brings_no_job_back() {
    let dir = tempfile::tempdir().unwrap();
    let asked = Arc::new(Mutex::new(0));
    fake(&dir.path().join("vm.qmp"), move |command, _| {
        let mut asked = asked.lock();
        *asked += usize::from(command == "query-jobs");
        match (command, *asked) {
            ("query-jobs", 1) => Some(Reply::Return(json!([running("old", "backup")]))),
            // What has happened since comes in the same breath as an answer from before.
            ("query-jobs", 2) => {
                let over = event("BLOCK_JOB_COMPLETED", json!({ "device": "old", "type": "backup", "len": 2, "offset": 2, "speed": 0 }));
                let news =
                    vec![over, status("old", "concluded"), status("old", "null"), status("new", "created"), status("new", "running")];
                Some(Reply::ReturnThen(json!([running("old", "backup")]), news))
            }
            ("query-jobs", _) => Some(Reply::Return(json!([running("new", "mirror")]))),
            _ => None,
        }
    });
    let client = Client::open(dir.path());
    client.domain.list_jobs(ListFilter(list::STATS), &mut |_| {}).unwrap();
    client.wait_for("new block-copy running");
    assert_eq!(client.jobs(), [("new".to_owned(), JobType::BlockCopy, JobState::Running)]);
    assert_eq!(client.states("old"), ["running", "completed"]);
}

#[test]
fn a_start_that_is_refused_or_cut_off_leaves_no_job_and_no_domain_behind() {
    let dir = tempfile::tempdir().unwrap();
    let image = make_chain(dir.path(), &["top"], 4).remove(0);
    for (reply, active) in [("refused", true), ("cut off", false)] {
        let vms = tempfile::tempdir().unwrap();
        let path = image.to_str().unwrap().to_owned();
        fake(&vms.path().join("vm.qmp"), move |command, arguments| match (command, reply) {
            ("query-block", _) => Some(Reply::Return(json!([disk("top", &path)]))),
            ("blockdev-create", "cut off") => Some(Reply::HangUp),
            ("blockdev-create", _) => {
                let id = arguments["job-id"].as_str().unwrap();
                let over = vec![status(id, "created"), status(id, "aborting"), status(id, "concluded")];
                Some(Reply::ReturnThen(json!({}), over))
            }
            ("query-jobs", _) => Some(Reply::Return(json!([]))),
            _ => None,
        });
        let client = Client::open(vms.path());
        let target = dir.path().join("copy.qcow2");
        client.try_copy("sda", &target, 0, JOB_START_PERSIST).unwrap_err();
        assert!(!target.exists());
        assert_eq!(client.jobs().len(), 0, "{reply}");
        assert_eq!(client.domain.is_active(), active);
        let known = client.connection.lookup(Key::Name("vm")).is_ok();
        assert!(active || known, "it is attached to again");
        drop(client);
        let left: Vec<String> = std::fs::read_dir(vms.path().join("vm.jobs"))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".json"))
            .collect();
        assert_eq!(left, [""; 0], "{reply}");
    }
}
