//! Monitors that lie about what QEMU does not list: migration, save and dump.

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use support::fake::*;
use support::healthy::*;
use support::*;
use virt_jobs::driver::request::{CoreDump, ListFilter, Migrate, Save};
use virt_jobs::driver::Domain;
use virt_jobs::model::flags::list;
use virt_jobs::model::{code, Error, JobState, JobType};

const MEMORY_ONLY: u32 = 1 << 4;

/// One monitor's idea of a migration: what it answers to `query-migrate` and `query-dump`, and what it announces when one is
/// started.
#[derive(Clone)]
struct Lie {
    answer: Value,
    news: Vec<Value>,
}

fn moved(status: Value) -> Value {
    event("MIGRATION", json!({ "status": status }))
}

fn dumped(result: Value, error: Value) -> Value {
    event("DUMP_COMPLETED", json!({ "result": result, "error": error }))
}

fn lies() -> Vec<Lie> {
    let lie = |answer: Value, news: &[Value]| Lie { answer, news: news.to_vec() };
    let ram = json!({ "total": u64::MAX, "transferred": -1, "remaining": u64::MAX, "mbps": 1e300, "page-size": "x", "normal": [], "dirty-sync-count": 1.5 });
    let long = "no <room> & \u{0}\n".repeat(800);
    let flips: Vec<Value> = (0..2000).map(|n| moved(json!(["active", "setup", "device", "cancelling", "colo"][n % 5]))).collect();
    vec![
        lie(json!(null), &[moved(json!("completed"))]),
        lie(json!([]), &[moved(json!("failed"))]),
        lie(
            json!({ "status": 7, "ram": [] }),
            &[moved(json!(7)), event("MIGRATION", json!(null)), event("MIGRATION_PASS", json!({ "pass": -1 }))],
        ),
        lie(json!({ "status": "completed" }), &[]),
        lie(
            json!({ "status": "completed", "ram": ram, "downtime": u64::MAX, "setup-time": -5 }),
            &[moved(json!("completed")), moved(json!("completed")), moved(json!("failed"))],
        ),
        lie(json!({ "status": "failed", "error-desc": long, "ram": ram }), &[moved(json!("completed")), moved(json!("active"))]),
        lie(json!({ "status": "failed" }), &[moved(json!("cancelled")), moved(json!("failed"))]),
        lie(json!({ "status": "hyperspace", "ram": ram }), &flips),
        lie(json!({ "status": "active", "ram": ram, "xbzrle-cache": 5, "cpu-throttle-percentage": u64::MAX }), &[moved(json!("active"))]),
        lie(json!({ "status": "cancelled" }), &[moved(json!("cancelling")), moved(json!("cancelled"))]),
        lie(json!({ "status": "none" }), &[moved(json!("none"))]),
        lie(json!({ "status": "pre-switchover" }), &[moved(json!("pre-switchover")), moved(json!("postcopy-paused"))]),
        lie(json!({ "status": "active", "total": 1, "completed": u64::MAX }), &[dumped(json!(null), json!(null))]),
        lie(
            json!({ "status": "completed", "total": -1 }),
            &[dumped(json!({ "status": "completed", "total": 5, "completed": 9 }), json!(7))],
        ),
        lie(
            json!({ "status": "failed" }),
            &[dumped(json!({ "status": "failed" }), json!("x".repeat(10_000))), dumped(json!([]), json!([]))],
        ),
    ]
}

fn monitor(path: &Path, lie: Lie) -> Fake {
    Fake::start(path, move |command, _| match command {
        "query-migrate" | "query-dump" => Reply::Return(lie.answer.clone()),
        "migrate" | "dump-guest-memory" => Reply::ReturnThen(json!({}), lie.news.clone()),
        "query-dump-guest-memory-capability" => Reply::Return(json!({ "formats": ["elf"] })),
        "query-migrate-parameters" | "query-migrate-capabilities" => Reply::Return(lie.answer.clone()),
        _ => usual(command),
    })
}

/// The calls that move memory.
fn call(vm: &Arc<dyn Domain>, which: usize, file: &str) -> Result<String, Error> {
    match which {
        0 => vm.save(&Save { file, xml: None, flags: 0 }),
        1 => vm.core_dump(&CoreDump { file, format: 0, flags: 0 }),
        2 => vm.core_dump(&CoreDump { file, format: 0, flags: MEMORY_ONLY }),
        _ => vm.migrate(&Migrate { uri: &format!("unix:{file}.sock"), bandwidth: 0, xml: None, flags: 0, params: Vec::new() }),
    }
}

/// Waits for the call, which ends by itself, or when it is aborted, or when the monitor hangs up.
fn end(vm: &Arc<dyn Domain>, fake: &Fake, call: JoinHandle<Result<String, Error>>) -> Result<String, Error> {
    let over = |limit: Duration| {
        let deadline = Instant::now() + limit;
        while !call.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(3));
        }
        call.is_finished()
    };
    if !over(Duration::from_millis(300)) {
        vm.list_jobs(ListFilter(list::STATS), &mut |_| {}).unwrap();
        let _ = vm.job_info();
        let _ = vm.job_stats(false, false);
        let _ = vm.abort_job(0);
    }
    if !over(Duration::from_millis(300)) {
        fake.hang_up();
    }
    assert!(over(Duration::from_secs(25)), "the call does not end although the monitor has gone");
    call.join().expect("no panic")
}

#[test]
fn whatever_is_said_of_a_migration_the_call_ends_and_so_does_its_job_once() {
    let healthy = Healthy::start();
    let (mut succeeded, mut failed) = (0, 0);
    for (n, lie) in lies().into_iter().enumerate() {
        for which in 0..4 {
            let dir = tempfile::tempdir().unwrap();
            let fake = monitor(&dir.path().join("vm.qmp"), lie.clone());
            let client = Client::open(dir.path());
            let (vm, file) = (client.domain.clone(), dir.path().join("image").to_str().unwrap().to_owned());
            let begin = Instant::now();
            let running = std::thread::spawn(move || call(&vm, which, &file));
            match end(&client.domain, &fake, running) {
                Ok(_) => succeeded += 1,
                Err(error) => {
                    failed += 1;
                    assert!(!error.message().is_empty() && error.message().len() < 40_000, "lie {n}, call {which}: {error}");
                }
            }
            assert!(begin.elapsed() < unhurried(Duration::from_secs(25)), "lie {n}, call {which}: {:?}", begin.elapsed());
            fake.hang_up();
            wait_until("every job has ended", || {
                let told = client.told();
                let count = |state: &dyn Fn(&str) -> bool| {
                    told.iter().filter(|line| !line.starts_with("lifecycle") && state(line.rsplit(' ').next().unwrap())).count()
                };
                let (begun, over) = (count(&|word| word == "running"), count(&|word| ["completed", "failed", "aborted"].contains(&word)));
                assert!(over <= begun, "lie {n}, call {which}: {told:?}");
                over == begun
            });
        }
    }
    println!("{succeeded} calls were told that they succeeded, {failed} failed");
    assert!(succeeded > 0 && failed > 0);
    assert!(healthy.grown() < 100, "{} MiB", healthy.grown());
    println!("the other domain's slowest call: {:?}", healthy.check());
}

#[test]
fn migrations_of_others_that_come_and_go_without_end_are_jobs_one_at_a_time() {
    let healthy = Healthy::start();
    let fake = monitor(&healthy.at("vm"), Lie { answer: json!({ "status": "active" }), news: Vec::new() });
    let client = Client::open(healthy.path());
    for _ in 0..5000 {
        fake.tell(&[
            moved(json!("setup")),
            moved(json!("active")),
            event("MIGRATION_PASS", json!({ "pass": u64::MAX })),
            moved(json!("completed")),
        ]);
    }
    fake.tell(&[event("STOP", Value::Null)]);
    wait_until("the end of it", || client.domain.state().unwrap().0 == virt_jobs::model::DomainState::Paused);
    assert!(client.jobs().len() <= 1, "{:?}", client.jobs());
    assert!(healthy.grown() < 100, "{} MiB", healthy.grown());
    println!("{} MiB, the other domain's slowest call: {:?}", healthy.grown(), healthy.check());
}

#[test]
fn a_monitor_that_never_lets_the_guest_go_on_keeps_no_job() {
    let dir = tempfile::tempdir().unwrap();
    let records = dir.path().join("vm.jobs");
    std::fs::create_dir(&records).unwrap();
    let job = json!({ "name": "dump-1", "id": "dump-1", "kind": "dump", "persist": true, "listed": false,
                      "config": { "options": ["resume"] }, "started": 5 });
    std::fs::write(records.join("dump-1.json"), json!({ "version": 1, "job": job }).to_string()).unwrap();
    let _fake = Fake::start(&dir.path().join("vm.qmp"), |command, _| match command {
        "query-migrate" => Reply::Return(json!({ "status": "failed" })),
        "cont" => Reply::Error("Migration is not finalized yet"),
        _ => usual(command),
    });
    let client = Client::open(dir.path());
    assert_eq!(client.end("dump-1"), JobState::Failed);
}

/// A stopped QEMU dumps when it goes on, and refuses to let its guest go on as long as it does.
#[test]
fn a_guest_whose_dump_was_not_answered_in_time_goes_on_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let stuck = Arc::new(AtomicBool::new(false));
    let held = stuck.clone();
    let fake = Fake::start(&dir.path().join("vm.qmp"), move |command, _| match command {
        "dump-guest-memory" => {
            held.store(true, Ordering::Release);
            Reply::Silence
        }
        _ if held.load(Ordering::Acquire) => Reply::Silence,
        "query-dump-guest-memory-capability" => Reply::Return(json!({ "formats": ["elf"] })),
        _ => usual(command),
    });
    let client = Client::open(dir.path());
    let file = dir.path().join("memory.dump");
    let error = client.domain.core_dump(&CoreDump { file: file.to_str().unwrap(), format: 0, flags: MEMORY_ONLY }).unwrap_err();
    assert_eq!(error.code, code::OPERATION_TIMEOUT);
    assert_eq!(client.jobs(), [("dump-1".to_owned(), JobType::Dump, JobState::Running)]);
    assert!(file.exists());
    stuck.store(false, Ordering::Release);
    assert_eq!(fake.count("cont"), 0);
    fake.tell(&[dumped(json!({ "status": "completed", "total": 1, "completed": 1 }), json!(null))]);
    assert_eq!(client.end("dump-1"), JobState::Completed);
    assert_eq!(fake.count("cont"), 1);
}
