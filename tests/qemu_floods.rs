//! Monitors that say too much, too little, or that are too many: what it costs is bounded, and others do not notice.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{json, Value};
use support::fake::*;
use support::healthy::*;
use support::*;
use virt_jobs::driver::request::{BlockPull, ListFilter};
use virt_jobs::driver::{qemu, Connection, Domain, Key};
use virt_jobs::event::Subscriptions;
use virt_jobs::model::flags::{list, JOB_START_PERSIST};
use virt_jobs::model::{code, Error};

const GREETING: &str = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";

/// An unoptimised build takes ten times as long over everything.
const SLOW_BUILD: bool = cfg!(debug_assertions);
const MANY: usize = if SLOW_BUILD { 30_000 } else { 100_000 };

fn domain(connection: &Arc<dyn Connection>, name: &str) -> Result<Arc<dyn Domain>, Error> {
    connection.domain(&connection.lookup(Key::Name(name))?)
}

fn statistics(domain: &Arc<dyn Domain>) -> Result<(), i32> {
    domain.list_jobs(ListFilter(list::STATS), &mut |_| {}).map_err(|error| error.code)
}

fn pull(domain: &Arc<dyn Domain>) -> Result<String, Error> {
    domain.block_pull(&BlockPull { disk: "sda", base: None, bandwidth: 0, flags: JOB_START_PERSIST })
}

/// Serves a client as a usual QEMU would that pulls at once, and lets `say` send each line.
fn converse(client: UnixStream, mut say: impl FnMut(&str) -> bool) {
    if !say(GREETING) {
        return;
    }
    for line in BufReader::new(client).lines().map_while(Result::ok) {
        let message: Value = serde_json::from_str(&line).unwrap();
        let command = message["execute"].as_str().unwrap();
        let Reply::Return(value) = usual(command) else { unreachable!() };
        let mut lines = vec![json!({ "return": value, "id": message["id"] })];
        if command == "block-stream" {
            let id = message["arguments"]["job-id"].as_str().unwrap();
            let end = json!({ "device": id, "type": "stream", "len": 1, "offset": 1, "speed": 0 });
            lines.extend([status(id, "created"), status(id, "running"), event("BLOCK_JOB_COMPLETED", end), status(id, "concluded")]);
        }
        if !lines.iter().all(|line| say(&format!("{line}\r\n"))) {
            return;
        }
    }
}

/// A server that says so many bytes in all, and how many it has said.
fn cut_after(path: &Path, most: usize) -> (Server, Arc<AtomicUsize>) {
    let said = Arc::new(AtomicUsize::new(0));
    let count = said.clone();
    let server = Server::start(path, move |client| {
        let mut out = client.try_clone().unwrap();
        let say = |line: &str| {
            let room = most.saturating_sub(count.load(Ordering::Relaxed));
            let part = &line.as_bytes()[..room.min(line.len())];
            count.fetch_add(part.len(), Ordering::Relaxed);
            out.write_all(part).is_ok() && part.len() == line.len()
        };
        converse(client.try_clone().unwrap(), say);
        // Also where the library keeps an end of its own open.
        let _ = client.shutdown(std::net::Shutdown::Both);
    });
    (server, said)
}

#[test]
fn a_conversation_that_breaks_off_at_any_byte_gives_one_error_and_one_end_of_the_job() {
    let healthy = Healthy::start();
    let dir = tempfile::tempdir().unwrap();
    let whole = {
        let (_server, said) = cut_after(&dir.path().join("vm.qmp"), usize::MAX);
        let client = Client::open(dir.path());
        let name = client.pull("sda", None, 0, 0);
        assert!(client.end(&name).is_final());
        said.load(Ordering::Relaxed)
    };
    assert!(whole > 1000, "{whole}");
    let (mut refused, mut started, mut slowest) = (0, 0, Duration::ZERO);
    // Every byte of what is said last, where the job is, and one in seven of the rest.
    for at in (0..whole).filter(|at| at % 7 == 0 || whole - at < 250) {
        let dir = tempfile::tempdir().unwrap();
        let server = cut_after(&dir.path().join("vm.qmp"), at);
        let begin = Instant::now();
        let events = Arc::new(Subscriptions::new());
        let notes = Notes::subscribe(&events);
        let connection = qemu::open(dir.path(), events.clone()).unwrap();
        match domain(&connection, "vm") {
            Err(error) => {
                refused += 1;
                assert!(!error.message().is_empty(), "{at}");
            }
            Ok(vm) => {
                if let Ok(name) = pull(&vm) {
                    started += 1;
                    let ended = vm.wait_job(&name, 0, Some(Duration::from_secs(20))).unwrap();
                    assert!(ended.is_some_and(|state| state.is_final()), "{at}: {ended:?}");
                    events.flush();
                    let told = notes.all().into_iter().filter(|line| line.starts_with(&name)).collect::<Vec<_>>();
                    assert_eq!(told.len(), 2, "{at}: {told:?}");
                    assert!(told[0].ends_with("running"), "{at}: {told:?}");
                } else {
                    // What was said of a job that was not started is its end, too.
                    events.flush();
                    let ended = notes.all().iter().filter(|line| line.ends_with(" failed")).count();
                    assert!(ended <= 1, "{at}: {:?}", notes.all());
                }
            }
        }
        drop((connection, server));
        slowest = slowest.max(begin.elapsed());
        assert!(begin.elapsed() < unhurried(Duration::from_secs(15)), "{at}: {:?}", begin.elapsed());
    }
    println!("{whole} bytes, {refused} refused, {started} jobs, the longest took {slowest:?}");
    assert!(refused > 0 && started > 0);
    healthy.settles(0);
    healthy.check();
}

/// What a monitor does from a moment on, instead of answering.
type Manner = fn(UnixStream);

const SLOW: Manner = |mut client| {
    while client.write_all(b"{").is_ok() {
        std::thread::sleep(Duration::from_secs(1));
    }
};
const HALF: Manner = |mut client| {
    let _ = client.write_all(b"{\"return\": [{\"id\": \"job0\"");
    std::thread::sleep(Duration::from_secs(60));
};
const DEAF: Manner = |client| {
    std::thread::sleep(Duration::from_secs(60));
    drop(client);
};
const CHATTERING: Manner =
    |mut client| while client.write_all(b"{\"event\": \"X\", \"data\": {\"id\": [1, 2, 3]}}\r\n{\"return\": 1}\r\n").is_ok() {};
const ENDLESS: Manner = |mut client| {
    let _ = client.write_all(b"{\"return\": [\"");
    while client.write_all(&[b'x'; 1 << 16]).is_ok() {}
};

/// A monitor that serves as usual until somebody asks for statistics for the first time.
fn falls(path: &Path, manner: Manner) {
    Fake::raw(path, move |client| {
        let (mut out, asked) = (client.try_clone().unwrap(), Mutex::new(0));
        let reader = client.try_clone().unwrap();
        let mut fallen = false;
        converse(reader, |line| {
            // Exports and jobs are listed once by themselves.
            *asked.lock() += usize::from(line.contains("\"return\":[]"));
            fallen = *asked.lock() > 2;
            !fallen && out.write_all(line.as_bytes()).is_ok()
        });
        if fallen {
            manner(client);
        }
    });
}

#[test]
fn a_monitor_that_stalls_drips_chatters_or_never_ends_fails_its_own_calls_in_time() {
    let healthy = Healthy::start();
    let manners: [(&str, Manner, &[i32]); 5] = [
        ("slow", SLOW, &[code::OPERATION_TIMEOUT]),
        ("half", HALF, &[code::OPERATION_TIMEOUT]),
        ("deaf", DEAF, &[code::OPERATION_TIMEOUT]),
        ("chattering", CHATTERING, &[code::OPERATION_TIMEOUT]),
        ("endless", ENDLESS, &[code::INTERNAL_ERROR, code::OPERATION_INVALID]),
    ];
    for (name, manner, _) in manners {
        falls(&healthy.at(name), manner);
    }
    assert_eq!(healthy.connection.domains().unwrap().len(), 1 + manners.len());
    let calls = manners.map(|(name, _, codes)| {
        let vm = domain(&healthy.connection, name).unwrap();
        std::thread::spawn(move || {
            let begin = Instant::now();
            let error = statistics(&vm).expect_err(name);
            assert!(codes.contains(&error), "{name}: {error}");
            (name, begin.elapsed())
        })
    });
    // What is known without asking is there meanwhile.
    for (name, _, _) in manners {
        let vm = domain(&healthy.connection, name);
        if let Ok(vm) = vm {
            let begin = Instant::now();
            vm.list_jobs(ListFilter(0), &mut |_| {}).unwrap();
            vm.xml(0).unwrap();
            assert!(begin.elapsed() < unhurried(SLOWEST), "{name}: {:?}", begin.elapsed());
        }
    }
    for call in calls {
        let (name, took) = call.join().unwrap();
        println!("{name}: {took:?}");
        assert!(took < unhurried(Duration::from_secs(40)), "{name}: {took:?}");
    }
    assert!(healthy.grown() < 100, "{} MiB", healthy.grown());
    println!("the other domain's slowest call: {:?}", healthy.check());
}

#[test]
fn jobs_without_number_are_listed_and_forgotten_again() {
    let healthy = Healthy::start();
    let round = Arc::new(AtomicUsize::new(0));
    let asked = round.clone();
    Fake::start(&healthy.at("vm"), move |command, _| match command {
        "query-jobs" => {
            let round = asked.fetch_add(1, Ordering::Relaxed);
            let count = if round % 2 == 0 { MANY } else { 0 };
            let job = |n: usize| json!({ "id": format!("r{round}-{n}"), "type": "stream", "status": "running", "current-progress": n, "total-progress": -1 });
            Reply::Return((0..count).map(job).collect())
        }
        _ => usual(command),
    });
    let begin = Instant::now();
    let vm = domain(&healthy.connection, "vm").unwrap();
    let count = |vm: &Arc<dyn Domain>, flags| {
        let mut count = 0;
        vm.list_jobs(ListFilter(flags), &mut |_| count += 1).unwrap();
        count
    };
    assert_eq!(count(&vm, 0), MANY);
    let (took, grown) = (begin.elapsed(), healthy.grown());
    assert_eq!(count(&vm, list::STATS), 0);
    for _ in 0..2 {
        assert_eq!(count(&vm, list::STATS), MANY);
        assert_eq!(count(&vm, list::STATS), 0);
    }
    let later = healthy.grown();
    println!("{took:?}, {grown} MiB with them, {later} MiB after three rounds");
    assert!(took < unhurried(Duration::from_secs(30)), "{took:?}");
    assert!(grown < 600 && later < 900, "{grown} MiB, {later} MiB after three rounds");
    println!("the other domain's slowest call: {:?}", healthy.check());
}

#[test]
fn replies_that_would_take_a_hundred_times_their_length_are_refused() {
    let healthy = Healthy::start();
    let parts = ["{\"\":0},", "[[],{}],", "0,", "{\"a\":{\"b\":{\"c\":1}}},"];
    for (n, part) in parts.iter().enumerate() {
        let text = format!("{{\"return\": [{}0], \"id\": ID}}", part.repeat((9 << 20) / part.len()));
        let mut asked = 0;
        Fake::start(&healthy.at(&format!("vm{n}")), move |command, _| {
            asked += usize::from(command == "query-jobs");
            if command == "query-jobs" && asked > 1 {
                return Reply::Lines(vec![text.clone()]);
            }
            usual(command)
        });
    }
    // The servers' own texts are in this process, too.
    let before = Held::now().kib / 1024;
    let begin = Instant::now();
    healthy.connection.domains().unwrap();
    for n in 0..parts.len() {
        let vm = domain(&healthy.connection, &format!("vm{n}")).unwrap();
        assert_eq!(statistics(&vm), Err(code::INTERNAL_ERROR));
        vm.list_jobs(ListFilter(0), &mut |_| {}).unwrap();
    }
    let grown = (Held::now().kib / 1024).saturating_sub(before);
    println!("{:?}, {grown} MiB more", begin.elapsed());
    assert!(grown < 400, "{grown} MiB");
    assert!(begin.elapsed() < unhurried(Duration::from_secs(20)), "{:?}", begin.elapsed());
    println!("the other domain's slowest call: {:?}", healthy.check());
}

#[test]
fn disks_that_are_too_many_too_deep_and_always_others_hold_up_nobody() {
    let healthy = Healthy::start();
    let round = Mutex::new(0);
    let fake = Fake::start(&healthy.at("vm"), move |command, _| match command {
        "query-block" => {
            let mut round = round.lock();
            *round += 1;
            let image = |disk: usize| {
                (0..if SLOW_BUILD { 12 } else { 60 }).fold(json!(null), |below, n| {
                    json!({ "filename": format!("/{disk}/{round}/{n}"), "format": "qcow2", "virtual-size": -1, "backing-image": below })
                })
            };
            let entry = |disk: usize| {
                let node = format!("libvirt-{}-format", disk * 1000 + *round);
                json!({ "device": "", "qdev": format!("d{disk}"), "inserted": { "node-name": node, "image": image(disk) } })
            };
            Reply::Return((0..if SLOW_BUILD { 400 } else { 1100 }).map(entry).collect())
        }
        _ => usual(command),
    });
    let vm = domain(&healthy.connection, "vm").unwrap();
    let begin = Instant::now();
    wait_until("some rounds of questions", || {
        fake.tell(&[event("DEVICE_DELETED", json!({ "device": "d0" }))]);
        fake.count("query-block") >= 5
    });
    println!("{:?}, removals {}", begin.elapsed(), fake.count("blockdev-del"));
    let xml = vm.xml(0).unwrap();
    assert!(xml.matches("<disk ").count() <= 1024);
    assert!(healthy.grown() < 600, "{} MiB", healthy.grown());
    println!("{} MiB, the other domain's slowest call: {:?}", healthy.grown(), healthy.check());
}

#[test]
fn a_thousand_sockets_of_which_most_are_dead_or_hung_cost_one_time_out() {
    let healthy = Healthy::start();
    let mut kept: Vec<UnixListener> = Vec::new();
    for n in 0..900 {
        drop(UnixListener::bind(healthy.at(&format!("dead{n}"))).unwrap());
    }
    for n in 0..60 {
        kept.push(UnixListener::bind(healthy.at(&format!("hung{n}"))).unwrap());
    }
    for n in 0..20 {
        Fake::rude(&healthy.at(&format!("rude{n}")), "", true);
        Fake::start(&healthy.at(&format!("good{n}")), |command, _| usual(command));
    }
    std::fs::write(healthy.at("file"), "no socket").unwrap();
    std::os::unix::fs::symlink(healthy.at("good"), healthy.at("link")).unwrap();
    std::os::unix::fs::symlink("/nowhere", healthy.at("dangling")).unwrap();
    std::fs::create_dir(healthy.at("directory")).unwrap();
    let begin = Instant::now();
    assert_eq!(healthy.connection.domains().unwrap().len(), 21);
    let first = begin.elapsed();
    let begin = Instant::now();
    assert_eq!(healthy.connection.domains().unwrap().len(), 21);
    let second = begin.elapsed();
    println!("{first:?}, again {second:?}");
    assert!(first < unhurried(Duration::from_secs(8)) && second < unhurried(Duration::from_secs(1)), "{first:?}, again {second:?}");
    let begin = Instant::now();
    for n in 0..20 {
        statistics(&domain(&healthy.connection, &format!("good{n}")).unwrap()).unwrap();
    }
    assert!(begin.elapsed() < unhurried(SLOWEST), "{:?}", begin.elapsed());
    assert!(healthy.grown() < 50, "{} MiB", healthy.grown());
    println!("the other domain's slowest call: {:?}", healthy.check());
    drop(kept);
}
