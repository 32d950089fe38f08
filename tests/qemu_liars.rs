//! Monitors that lie in every way there is, beside a domain that is well and has to stay so.

mod support;

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use support::fake::*;
use support::healthy::*;
use support::*;
use virt_jobs::driver::request::ListFilter;
use virt_jobs::driver::{Connection, Domain, Key};
use virt_jobs::model::flags::{list, JOB_START_PERSIST};
use virt_jobs::model::{code, ControlOp, Error};

const GREETING: &str = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";

fn domain(connection: &Arc<dyn Connection>, name: &str) -> Result<Arc<dyn Domain>, Error> {
    connection.domain(&connection.lookup(Key::Name(name))?)
}

/// Says something once, and then listens until the client leaves.
fn says(path: &Path, text: impl Into<Vec<u8>>) {
    let text = text.into();
    Fake::raw(path, move |mut client| {
        let _ = client.write_all(&text);
        let _ = client.read_to_end(&mut Vec::new());
    });
}

/// Says something again and again, with a pause between.
fn repeats(path: &Path, first: &'static str, text: impl Into<Vec<u8>>, pause: Duration) {
    let text = text.into();
    Fake::raw(path, move |mut client| {
        let _ = client.write_all(first.as_bytes());
        while client.write_all(&text).is_ok() {
            std::thread::sleep(pause);
        }
    });
}

#[test]
fn whatever_comes_instead_of_a_greeting_costs_one_time_out_and_gives_one_error_that_says_why() {
    let healthy = Healthy::start();
    let silent = "taken by another client, or its QEMU hangs";
    let no_qmp = "is not a QMP monitor";
    let event = "{\"event\": \"STOP\", \"timestamp\": {}}\r\n";
    let at = |name: &str| healthy.at(name);
    says(&at("nothing"), "");
    says(&at("half"), "{\"QMP\": {\"version\"");
    says(&at("no-line"), GREETING.trim_end());
    says(&at("unanswered"), GREETING);
    says(&at("greets-twice"), GREETING.repeat(2));
    says(&at("wrong-id"), format!("{GREETING}{{\"return\": {{}}, \"id\": 7}}\r\n{{\"return\": {{}}, \"id\": \"0\"}}\r\n"));
    repeats(&at("slow"), "", "{", Duration::from_millis(200));
    repeats(&at("blank"), "", "\r\n", Duration::ZERO);
    repeats(&at("events"), GREETING, event, Duration::ZERO);
    says(&at("nonsense"), "220 mail.example.org ESMTP\r\n");
    says(&at("event-first"), event);
    says(&at("reply-first"), "{\"return\": {}, \"id\": 0}\r\n");
    says(&at("list"), "[]\r\n");
    says(&at("bytes"), b"\xff\xfe\x00\x01\r\n".to_vec());
    says(&at("no-text"), b"{\"QMP\": \"\xff\"}\r\n".to_vec());
    says(&at("deep"), format!("{}\r\n", "{\"QMP\": ".repeat(100_000)));
    says(&at("refusal"), format!("{GREETING}{{\"error\": {{\"class\": \"X\", \"desc\": \"not today\"}}, \"id\": 0}}\r\n"));
    says(&at("unaddressed"), format!("{GREETING}{{\"error\": {{\"desc\": \"JSON parse error\"}}}}\r\n"));
    repeats(&at("endless"), "", vec![b'x'; 1 << 16], Duration::ZERO);
    let started = Instant::now();
    assert_eq!(healthy.connection.domains().unwrap().len(), 1);
    let took = started.elapsed();
    assert!(took < unhurried(Duration::from_secs(8)), "{took:?}");
    let waits =
        ["nothing", "half", "no-line", "unanswered", "greets-twice", "wrong-id", "slow", "blank", "events", "event-first", "reply-first"];
    for name in waits {
        let error = healthy.connection.lookup(Key::Name(name)).unwrap_err();
        assert!(error.message().contains(silent), "{name}: {error}");
        assert_eq!(error.code, code::OPERATION_TIMEOUT, "{name}");
    }
    let wrong = ["nonsense", "list", "bytes", "no-text", "deep", "refusal", "unaddressed", "endless"];
    for name in wrong {
        let error = healthy.connection.lookup(Key::Name(name)).unwrap_err();
        // Where the machine is busy, the time is over before the longest line is.
        let late = name == "endless" && error.message().contains(silent);
        assert!(late || error.message().contains(no_qmp), "{name}: {error}");
        assert!(error.message().len() < 1000, "{name}: {error}");
    }
    let asked_again = Instant::now();
    assert_eq!(healthy.connection.domains().unwrap().len(), 1);
    assert!(asked_again.elapsed() < unhurried(Duration::from_secs(1)), "who did not answer is not asked again at once");
    let grown = healthy.grown();
    assert!(grown < 100, "{grown} MiB");
    println!("opened in {took:?}, {grown} MiB more, slowest call of the other domain {:?}", healthy.check());
}

/// Whatever numbers and types a monitor gives to the first questions.
#[test]
fn first_answers_of_wrong_types_and_sizes_make_a_domain_or_an_error() {
    let healthy = Healthy::start();
    let long = "x".repeat(10_000);
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1e300),
        json!("\u{0}"),
        json!(long),
        json!([[[]]]),
        json!({ "": {} }),
        json!({ "base-memory": u64::MAX, "plugged-memory": u64::MAX }),
        json!({ "base-memory": -1, "plugged-memory": 1.5, "UUID": 7, "status": [], "enabled": "yes", "arch": {} }),
        json!({ "UUID": "../../x", "status": "\u{0}", "arch": "<&'\">" }),
        json!({ "UUID": "ffffffff-ffff-ffff-ffff-ffffffffffff", "status": long, "arch": long }),
        json!([{ "id": null, "type": 5, "status": {} }, 5, null, [], "x"]),
        Value::Array((0..100_000).map(|n| json!(n)).collect()),
    ];
    for (n, lie) in odd.iter().enumerate() {
        let lie = lie.clone();
        Fake::start(&healthy.at(&format!("liar{n}")), move |_, _| Reply::Return(lie.clone()));
    }
    let started = Instant::now();
    healthy.connection.domains().unwrap();
    assert!(started.elapsed() < unhurried(Duration::from_secs(8)), "{:?}", started.elapsed());
    for (n, lie) in odd.iter().enumerate() {
        let lie = lie.to_string().chars().take(80).collect::<String>();
        let liar = domain(&healthy.connection, &format!("liar{n}")).unwrap_or_else(|error| panic!("{lie}: {error}"));
        let xml = liar.xml(0).unwrap_or_else(|error| panic!("{lie}: {error}"));
        virt_jobs::xml::reader::parse(&xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
        liar.info().unwrap();
        liar.state().unwrap();
        liar.list_jobs(ListFilter(list::STATS), &mut |_| {}).unwrap();
        let _ = liar.block_info("sda");
        let _ = liar.suspend();
        let _ = liar.job_info();
    }
    assert!(healthy.grown() < 150, "{} MiB", healthy.grown());
    healthy.check();
}

/// Lines that mean nothing, or nothing good, to be said at any time.
fn noise() -> Vec<String> {
    let long = "y".repeat(10_000);
    let mut lines: Vec<String> = [
        r#"{"return": "nobody's", "id": 999999}"#,
        r#"{"return": "nobody's", "id": 0}"#,
        r#"{"return": "nobody's", "id": -1}"#,
        r#"{"return": "nobody's", "id": 18446744073709551616}"#,
        r#"{"return": "nobody's", "id": 1.5}"#,
        r#"{"return": "nobody's", "id": "1"}"#,
        r#"{"return": "nobody's", "id": null}"#,
        r#"{"return": "nobody's"}"#,
        r#"{"error": {"class": 5, "desc": []}, "id": 999999}"#,
        r#"{"QMP": {"version": {}, "capabilities": []}}"#,
        r#"{}"#,
        r#"{"event": 5}"#,
        r#"{"event": "", "data": null}"#,
        r#"{"event": "JOB_STATUS_CHANGE"}"#,
        r#"{"event": "JOB_STATUS_CHANGE", "data": []}"#,
        r#"{"event": "JOB_STATUS_CHANGE", "data": {"id": 5, "status": 5}}"#,
        r#"{"event": "JOB_STATUS_CHANGE", "data": {"id": "nobody", "status": "concluded"}}"#,
        r#"{"event": "JOB_STATUS_CHANGE", "data": {"id": "nobody", "status": "flying"}}"#,
        r#"{"event": "BLOCK_JOB_COMPLETED", "data": {"device": "nobody", "len": -1, "offset": 1e300, "speed": "x", "error": 7}}"#,
        r#"{"event": "BLOCK_JOB_CANCELLED", "data": {"device": [], "type": {}}}"#,
        r#"{"event": "BLOCK_JOB_READY", "data": {"device": "a\u0000b", "len": 18446744073709551615}}"#,
        r#"{"event": "MIGRATION", "data": {"status": "flying"}}"#,
        r#"{"event": "MIGRATION_PASS", "data": {"pass": -5}}"#,
        r#"{"event": "DUMP_COMPLETED", "data": {"result": {"total": -1, "completed": "x", "status": []}, "error": 5}}"#,
        r#"{"event": "SHUTDOWN_NOT", "data": {"guest": "maybe"}}"#,
        r#"{"event": "DEVICE_DELETED", "data": {"device": 7, "path": null}}"#,
        r#"{"event": "BLOCK_IO_ERROR", "data": {"action": 7}}"#,
        r#"{"timestamp": {"seconds": 1e400}}"#,
        r#"{"timestamp": {"seconds": -9223372036854775808, "microseconds": "x"}, "event": "X"}"#,
    ]
    .map(str::to_owned)
    .to_vec();
    // What is no number to us is no JSON either, and would be the end of the connection.
    lines.retain(|line| !line.contains("1e400"));
    lines.push(format!(r#"{{"event": "{long}", "data": {{"{long}": "{long}"}}}}"#));
    lines.push(format!(r#"{{"event": "JOB_STATUS_CHANGE", "data": {{"id": "{long}", "status": "created"}}}}"#));
    lines.push(format!(r#"{{"event": "DEEP", "data": {}{}}}"#, "[".repeat(9000), "]".repeat(9000)));
    lines
}

#[test]
fn replies_to_nothing_wrong_ids_wrong_types_and_duplicates_are_passed_over() {
    let healthy = Healthy::start();
    let noise = noise();
    Fake::start(&healthy.at("vm"), move |command, arguments| {
        let Reply::Return(value) = usual(command) else { unreachable!() };
        let mut lines = noise.clone();
        if command == "block-stream" {
            lines.push(status(arguments["job-id"].as_str().unwrap(), "created").to_string());
        }
        let answer = format!(r#"{{"return": {value}, "id": ID}}"#);
        let late = r#"{"return": "a second answer", "id": ID}"#.to_owned();
        let wrong = r#"{"error": {"class": "X", "desc": "a third answer"}, "id": ID}"#.to_owned();
        lines.extend([answer.clone(), answer, late, wrong]);
        lines.extend(noise.clone());
        Reply::Lines(lines)
    });
    let client = Client::open(healthy.path());
    for _ in 0..50 {
        client.domain.list_jobs(ListFilter(list::STATS), &mut |_| {}).unwrap();
        assert!(client.domain.is_active());
    }
    let name = client.pull("sda", None, 0, JOB_START_PERSIST);
    client.domain.xml(0).unwrap();
    client.domain.suspend().unwrap();
    assert!(client.states(&name).len() <= 2, "{:?}", client.states(&name));
    assert!(healthy.grown() < 50, "{} MiB", healthy.grown());
    healthy.check();
}

/// What jobs of others may be called.
fn paths() -> Vec<String> {
    let mut names: Vec<String> = [
        "../../x",
        "/etc/x",
        "../vm.qmp",
        "..",
        ".",
        "a/b",
        "last-number",
        "domain.xml",
        "a\nb",
        "\u{1b}[31m",
        "a%s%n",
        "a b",
        "\u{202e}x",
        "'; rm -rf x; '",
        "block-pull-sda-1",
        "#",
        "job#2",
        "-",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("z".repeat(1024));
    names
}

#[test]
fn jobs_that_are_called_like_paths_can_be_listed_and_ended_and_touch_no_file() {
    let healthy = Healthy::start();
    let listed = |state: &str| -> Value {
        paths()
            .iter()
            .map(|id| json!({ "id": id, "type": "backup", "status": state, "current-progress": 1, "total-progress": 2 }))
            .collect()
    };
    let (running, over) = (listed("running"), Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let ended = over.clone();
    let fake = Fake::start(&healthy.at("vm"), move |command, _| match command {
        "query-jobs" if !ended.load(std::sync::atomic::Ordering::Relaxed) => Reply::Return(running.clone()),
        _ => usual(command),
    });
    let outside = tree(healthy.path().parent().unwrap());
    let client = Client::open(healthy.path());
    let jobs = client.jobs();
    assert_eq!(jobs.len(), paths().len());
    for (name, _, _) in &jobs {
        let xml = client.domain.job_xml(name, true).unwrap();
        virt_jobs::xml::reader::parse(&xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
        client.domain.control_job(name, ControlOp::Pause).unwrap();
        client.domain.set_job_speed(name, 5).unwrap();
        client.domain.control_job(name, ControlOp::Abort).unwrap();
    }
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    for id in paths() {
        let end = event("BLOCK_JOB_COMPLETED", json!({ "device": id, "type": "backup", "len": 2, "offset": 2, "speed": 0 }));
        fake.tell(&[end, status(&id, "concluded"), status(&id, "null")]);
    }
    for (name, _, _) in &jobs {
        assert!(client.end(name).is_final(), "{name:?}");
    }
    wait_until("the monitor has let go of them", || client.jobs().is_empty());
    // Nothing new but what the test itself has there.
    let left: Vec<String> = tree(healthy.path()).into_iter().filter(|name| !name.ends_with(".qmp")).collect();
    assert!(left.iter().all(|name| name.ends_with("vm.jobs") || name.ends_with("last-number")), "{left:?}");
    let new: Vec<String> = tree(healthy.path().parent().unwrap()).into_iter().filter(|name| !outside.contains(name)).collect();
    assert!(!new.iter().any(|name| name.ends_with("/x") || name.ends_with("x.json")), "{new:?}");
    assert!(!Path::new("/etc/x.json").exists() && !Path::new("/etc/x").exists());
    healthy.check();
}

/// What is in a directory and in those right below it.
fn tree(dir: &Path) -> Vec<String> {
    let below = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>();
    let all = below(dir).into_iter().flat_map(|path| [vec![path.clone()], if path.is_dir() { below(&path) } else { vec![] }].concat());
    all.map(|path| path.to_string_lossy().into_owned()).collect()
}
