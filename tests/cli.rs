//! The command line tool as its users meet it: what it prints where, and how it ends. The built-in hypervisor's jobs live
//! in the process that has them, so the jobs here are there from the start, put there by a fixture.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use virt_jobs::xml::reader;

/// Nothing here takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

const DISKS: &str = "<devices>
      <disk type='file'><source file='/images/a'/><target dev='vda'/></disk>
      <disk type='file'><source file='/images/b'/><target dev='vdb'/></disk>
    </devices>";

/// One job in each state, and a domain beside it that has one, too.
const SOME: &str = "
    <j:job type='block-copy' disk='vda' target='/images/c&amp;d' state='ready'/>
    <j:job type='block-backup' id='nightly &lt;vdb&gt;' disk='vdb' at='50%' bandwidth='1B' dismiss='manual'/>
    <j:job type='block-commit' id='held' disk='vda' state='paused' at='25%' bandwidth='1B'/>
    <j:job type='save' state='completed'/>
    <j:job type='migration' state='failed' error='Connection refused'/>
    <j:job type='dump' state='aborted'/>";

/// Worlds for one test, and the tool to look at them.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        Bench { dir: tempfile::tempdir().unwrap() }
    }

    /// Writes a fixture with the domain `web` that has these jobs, and `db` with one; returns its URI.
    fn world(&self, jobs: &str) -> String {
        let path = self.dir.path().join("world.xml");
        let domain = |name, rest| {
            format!("<domain type='test'><name>{name}</name><memory unit='MiB'>64</memory><os><type>hvm</type></os>{rest}</domain>")
        };
        let others = "<j:job type='migration-in' id='arriving' bandwidth='1B'/>";
        let text = format!(
            "<node xmlns:j='urn:virt-jobs:test:1.0'>{}{}</node>",
            domain("web", format!("{DISKS}{jobs}")),
            domain("db", others.into())
        );
        fs::write(&path, text).unwrap();
        format!("test+jobs://{}", path.display())
    }

    /// Runs the tool on such a world.
    fn run(&self, jobs: &str, arguments: &[&str]) -> Ended {
        let uri = self.world(jobs);
        Ended::of(tool().args(["--connect", &uri]).args(arguments))
    }
}

fn tool() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_virt-jobs"));
    command.env_remove("LIBVIRT_DEFAULT_URI").stdin(Stdio::null());
    command
}

/// How the tool ended and what it had printed.
struct Ended {
    code: Option<i32>,
    signal: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    fn of(command: &mut Command) -> Ended {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        let (send, receive) = mpsc::channel();
        thread::spawn(move || send.send(child.wait_with_output()));
        let output = receive.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            // SAFETY: a signal to a child that has not been waited for.
            unsafe { libc::kill(pid as i32, libc::SIGKILL) };
            panic!("the tool does not end");
        });
        let Output { status, stdout, stderr } = output.unwrap();
        Ended {
            code: status.code(),
            signal: status.signal(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Asserts that nothing went wrong and returns the lines.
    fn fine(&self) -> Vec<&str> {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out.lines().collect()
    }

    /// Asserts that it was refused, with one line about it on standard error and nothing else.
    fn refused(&self, about: &str) {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "{}", self.err);
        assert!(self.err.starts_with("virt-jobs: ") && self.err.contains(about) && self.err.lines().count() == 1, "{}", self.err);
    }
}

/// A line of a table without the spaces between its columns.
fn words(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect()
}

#[test]
fn a_domains_jobs_are_listed_with_states_and_progress() {
    let ended = Bench::new().run(SOME, &["list", "web"]);
    let lines: Vec<Vec<&str>> = ended.fine().into_iter().map(words).collect();
    assert_eq!(lines[0], ["NAME", "TYPE", "STATE", "DISKS", "PROGRESS", "RATE"]);
    assert_eq!(lines[1], ["block-copy-vda-1", "block-copy", "ready", "vda", "16.0 MiB of 16.0 MiB (100%)", "-"]);
    assert_eq!(lines[2], ["nightly <vdb>", "block-backup", "running", "vdb", "8.0 MiB of 16.0 MiB (50%)", "-"]);
    assert_eq!(lines[3][..4], ["held", "block-commit", "paused", "vda"]);
    let ends: Vec<&str> = lines[4..].iter().map(|line| line[2]).collect();
    assert_eq!(ends, ["completed", "failed", "aborted"]);
}

#[test]
fn without_a_domain_all_domains_are_listed_by_name() {
    let ended = Bench::new().run(SOME, &["list"]);
    let lines = ended.fine();
    assert_eq!(lines.len(), 8);
    assert!(lines[0].starts_with("DOMAIN  NAME "), "{}", lines[0]);
    assert!(lines[1..7].iter().all(|line| line.starts_with("web ")), "{lines:#?}");
    assert!(lines[7].starts_with("db      arriving "), "{}", lines[7]);
}

#[test]
fn an_empty_list_is_no_failure_in_any_format() {
    let bench = Bench::new();
    assert_eq!(bench.run("", &["list", "web"]).fine().len(), 1);
    assert_eq!(bench.run("", &["list", "web", "--format", "json"]).fine(), ["[]"]);
    assert_eq!(bench.run("", &["list", "web", "--format", "xml"]).fine(), ["<jobs/>"]);
}

#[test]
fn json_is_one_array_with_every_figure_as_a_number() {
    let ended = Bench::new().run(SOME, &["list", "--format", "json"]);
    let jobs: Value = serde_json::from_str(ended.fine()[0]).unwrap();
    let jobs = jobs.as_array().unwrap();
    assert_eq!(jobs.len(), 7);
    let expected = serde_json::json!({
        "domain": "web", "name": "nightly <vdb>", "type": "block-backup", "state": "running", "disks": ["vdb"],
        "current": 8 << 20, "end": 16 << 20, "rate": null, "error": null,
    });
    assert_eq!(jobs[1], expected);
    assert_eq!(jobs[4]["error"], "Connection refused");
    assert_eq!(jobs[6]["domain"], "db");
}

#[test]
fn xml_holds_the_librarys_documents_below_one_root() {
    let bench = Bench::new();
    let one = reader::parse(&bench.run(SOME, &["list", "web", "--format", "xml"]).fine().join("\n")).unwrap();
    let names = |parent: &reader::Element| -> Vec<String> {
        parent.children.iter().filter_map(|job| job.child_text("name").map(str::to_owned)).collect()
    };
    assert_eq!(names(&one), ["block-copy-vda-1", "nightly <vdb>", "held", "save-2", "migration-3", "dump-4"]);
    let all = reader::parse(&bench.run(SOME, &["list", "--format", "xml"]).fine().join("\n")).unwrap();
    let domains: Vec<Option<&str>> = all.children.iter().map(|domain| domain.attr("name")).collect();
    assert_eq!(domains, [Some("web"), Some("db")]);
    assert_eq!((names(&all.children[0]), names(&all.children[1])), (names(&one), vec!["arriving".to_owned()]));
}

#[test]
fn show_tells_what_the_job_was_asked_to_do() {
    let bench = Bench::new();
    let table = bench.run(SOME, &["show", "web", "block-copy-vda-1"]);
    let lines = table.fine();
    assert!(lines.contains(&"state:      ready") && lines.contains(&"disk:       vda"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("target:     /images/c&d (disk vda, ")), "{lines:#?}");
    assert!(bench.run(SOME, &["show", "web", "migration-3"]).fine().contains(&"error:      Connection refused"));
    let xml = reader::parse(&bench.run(SOME, &["show", "web", "nightly <vdb>", "--format", "xml"]).fine().join("\n")).unwrap();
    assert_eq!((xml.name.as_str(), xml.attr("state"), xml.child_text("name")), ("job", Some("running"), Some("nightly <vdb>")));
    let json: Value = serde_json::from_str(bench.run(SOME, &["show", "web", "held", "--format", "json"]).fine()[0]).unwrap();
    assert_eq!(json["state"], "paused");
    assert_eq!(reader::parse(json["xml"].as_str().unwrap()).unwrap().child_text("name"), Some("held"));
}

#[test]
fn names_cannot_play_tricks_on_a_terminal() {
    let ended = Bench::new().run("<j:job type='x' id='a&#10;b&#9;c' size='1GiB'/>", &["list", "web"]);
    assert_eq!(ended.fine().len(), 2);
    assert!(ended.out.contains("a\u{fffd}b\u{fffd}c"), "{}", ended.out);
}

#[test]
fn the_exit_code_of_wait_says_how_the_job_ended() {
    let bench = Bench::new();
    for (job, word, code) in [("save-2", "completed", 0), ("migration-3", "failed", 3), ("dump-4", "aborted", 4)] {
        let ended = bench.run(SOME, &["wait", "web", job]);
        assert_eq!((ended.out.as_str(), ended.code), (format!("{word}\n").as_str(), Some(code)), "{}", ended.err);
        assert_eq!(ended.err.contains("Connection refused"), code == 3, "{}", ended.err);
    }
}

#[test]
fn wait_waits_for_the_end_for_a_state_or_for_so_long() {
    let bench = Bench::new();
    assert_eq!(bench.run("<j:job type='block-pull' disk='vda'/>", &["wait", "web", "block-pull-vda-1"]).fine(), ["completed"]);
    let states = ["--state", "ready", "--state", "paused"];
    assert_eq!(bench.run(SOME, &[&["wait", "web", "block-copy-vda-1"], &states[..]].concat()).fine(), ["ready"]);
    assert_eq!(bench.run(SOME, &[&["wait", "web", "held"], &states[..]].concat()).fine(), ["paused"]);
    let late = bench.run(SOME, &["wait", "web", "nightly <vdb>", "--timeout", "0.05"]);
    assert_eq!((late.code, late.out.as_str()), (Some(5), ""));
    assert!(late.err.contains("gave up waiting for job 'nightly <vdb>'"), "{}", late.err);
}

#[test]
fn what_a_job_allows_is_done_in_silence() {
    let bench = Bench::new();
    for [operation, job] in [
        ["pause", "block-copy-vda-1"],
        ["resume", "held"],
        ["finalize", "block-copy-vda-1"],
        ["abort", "nightly <vdb>"],
        ["dismiss", "migration-3"],
    ] {
        assert_eq!(bench.run(SOME, &[operation, "web", job]).fine(), [""; 0], "{operation}");
    }
    assert_eq!(bench.run(SOME, &["set-speed", "web", "nightly <vdb>", "64M"]).fine(), [""; 0]);
}

#[test]
fn what_a_job_does_not_allow_is_one_line_on_standard_error() {
    let bench = Bench::new();
    for [operation, job] in
        [["dismiss", "held"], ["resume", "block-copy-vda-1"], ["finalize", "held"], ["abort", "save-2"], ["pause", "no-such-job"]]
    {
        bench.run(SOME, &[operation, "web", job]).refused(&format!("'{job}'").replace("'held'", "'"));
    }
    bench.run(SOME, &["list", "no-such-domain"]).refused("no-such-domain");
    bench.run(SOME, &["wait", "web", "no-such-job"]).refused("no-such-job");
    bench.run(SOME, &["watch", "web", "no-such-job"]).refused("no-such-job");
    bench.run("<j:nonsense/>", &["list"]).refused("nonsense");
}

#[test]
fn a_wrong_command_line_is_code_2() {
    let wait = ["wait", "web", "save-2"];
    let wrong: [&[&str]; 7] = [
        &[],
        &["frobnicate"],
        &["set-speed", "web", "held", "fast"],
        &["set-speed", "web", "held", "99999999999999999999G"],
        &[&wait[..], &["--state", "happy"]].concat(),
        &[&wait[..], &["--timeout", "-1"]].concat(),
        &["watch", "web", "held", "--forever"],
    ];
    for arguments in wrong {
        let ended = Bench::new().run(SOME, arguments);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{arguments:?}: {}", ended.err);
        assert!(!ended.err.is_empty());
    }
}

#[test]
fn the_connection_may_come_from_the_environment_and_must_come_from_somewhere() {
    let bench = Bench::new();
    let ended = Ended::of(tool().args(["list", "db"]).env("LIBVIRT_DEFAULT_URI", bench.world("")));
    assert_eq!(ended.fine().len(), 2);
    Ended::of(tool().arg("list")).refused("--connect");
    Ended::of(tool().args(["--connect", "qemu+qmp:///no/such/directory", "list"])).refused("/no/such/directory");
}

#[test]
fn watch_follows_jobs_by_lines_until_the_last_has_ended() {
    let jobs =
        "<j:job type='block-pull' disk='vda' bandwidth='32MiB'/><j:job type='block-commit-active' id='other' disk='vdb' bandwidth='64MiB'/>
        <j:fault type='block-commit-active' at='50%' action='fail' error='Input/output error'/>";
    let ended = Bench::new().run(jobs, &["watch", "web"]);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!((ended.code, ended.err.as_str()), (Some(3), ""));
    assert!(lines[0].starts_with("block-pull-vda-1 running ") && lines.contains(&"block-pull-vda-1 completed"), "{lines:#?}");
    assert!(lines.contains(&"other failed"), "{lines:#?}");
}

#[test]
fn watch_of_one_job_ends_with_it_and_says_why_it_failed() {
    let jobs = "<j:job type='block-backup' id='nightly' disk='vdb' bandwidth='64MiB' dismiss='manual'/>
        <j:job type='block-pull' id='slow' disk='vda' bandwidth='1B'/>
        <j:fault type='block-backup' at='50%' action='fail' error='No space left on device'/>";
    let ended = Bench::new().run(jobs, &["watch", "web", "nightly"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(3), ""));
    assert_eq!(ended.out.lines().last(), Some("nightly failed: No space left on device"));
    assert!(!ended.out.contains("slow"), "{}", ended.out);
}

#[test]
fn watch_knows_how_a_job_ended_that_had_ended_before() {
    let bench = Bench::new();
    let ended = bench.run(SOME, &["watch", "web", "migration-3"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(3), "migration-3 failed: Connection refused\n"));
    assert_eq!(bench.run(SOME, &["watch", "web", "dump-4"]).code, Some(4));
}

#[test]
fn watch_tells_of_jobs_that_end_with_their_domain() {
    let jobs =
        "<j:job type='block-pull' id='one' disk='vda' bandwidth='64MiB'/><j:job type='block-pull' id='two' disk='vdb' bandwidth='1B'/>
        <j:fault type='block-pull' disk='vda' at='50%' action='die' error='guest panicked'/>";
    let ended = Bench::new().run(jobs, &["watch", "web"]);
    assert_eq!(ended.code, Some(3), "{}", ended.err);
    assert!(ended.out.contains("one failed") && ended.out.contains("two failed"), "{}", ended.out);
}

#[test]
fn watch_without_jobs_says_so_and_is_done() {
    let ended = Bench::new().run("<j:job type='save' state='completed'/>", &["watch", "web"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""));
    assert_eq!(ended.err, "virt-jobs: there are no jobs to watch\n");
}

#[test]
fn watch_can_stay_for_jobs_that_start_later() {
    let bench = Bench::new();
    let uri = bench.world("<j:job type='block-pull' id='later' disk='vda' start='300ms' bandwidth='64MiB'/>");
    let mut child = tool().args(["-c", &uri, "watch", "web", "--forever"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (send, receive) = mpsc::channel();
    thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(send.send(line))));
    while receive.recv_timeout(PATIENCE).expect("the later job's end") != "later completed" {}
    assert!(child.try_wait().unwrap().is_none(), "it stays");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn watch_draws_bars_on_a_terminal() {
    let bench = Bench::new();
    let uri = bench.world("<j:job type='block-pull' disk='vda' bandwidth='32MiB'/>");
    let command = format!("{} -c {uri} watch web", env!("CARGO_BIN_EXE_virt-jobs"));
    let typescript = bench.dir.path().join("typescript");
    let run = Command::new("script").args(["-qec", &command]).arg(&typescript).env("TERM", "xterm").stdin(Stdio::null()).output();
    let Ok(output) = run else {
        let _ = writeln!(std::io::stderr(), "SKIP: no script(1) to make a terminal with");
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let shown = fs::read_to_string(typescript).unwrap();
    let bars: Vec<&str> = shown.split(['\r', '\n']).filter(|line| line.contains("block-pull-vda-1 ")).collect();
    assert!(bars.iter().any(|bar| bar.contains("=>") && bar.contains("running")), "{shown}");
    assert!(bars.last().is_some_and(|bar| bar.contains("100%") && bar.contains("completed")), "{shown}");
}

#[test]
fn a_reader_that_leaves_ends_the_tool_as_it_ends_others() {
    let bench = Bench::new();
    let uri = bench.world("<j:job type='block-pull' disk='vda' bandwidth='16MiB'/>");
    let mut child = tool().args(["-c", &uri, "watch", "web"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("block-pull-vda-1 running"), "{first}");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.signal(), output.stderr.as_slice()), (Some(libc::SIGPIPE), b"".as_slice()));
}

#[test]
fn a_full_disk_is_told() {
    let bench = Bench::new();
    let uri = bench.world(SOME);
    let full = fs::OpenOptions::new().write(true).open(PathBuf::from("/dev/full")).unwrap();
    let output = tool().args(["-c", &uri, "list"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard output"));
}

#[test]
fn the_demonstration_shows_a_job_from_its_start_to_its_dismissal() {
    let ended = Ended::of(tool().arg("demo"));
    let lines = ended.fine();
    let at = |wanted: &str| lines.iter().position(|line| *line == wanted).unwrap_or_else(|| panic!("no '{wanted}' in {lines:#?}"));
    let copy = "block-copy-vda-1";
    let order = ["is paused", "is running", "is ready", "is completed"].map(|what| at(&format!("{copy} {what}")));
    assert!(order.is_sorted(), "{lines:#?}");
    assert!(at("<job type='block-copy' state='completed'>") > order[3]);
    assert_eq!(ended.signal, None);
}

#[test]
fn help_names_the_exit_codes() {
    let help = Ended::of(tool().arg("--help"));
    assert!((0..=5).all(|code| help.out.contains(&format!("\n  {code}  "))), "{}", help.out);
    assert_eq!(Ended::of(tool().arg("--version")).fine(), [format!("virt-jobs {}", env!("CARGO_PKG_VERSION"))]);
}
