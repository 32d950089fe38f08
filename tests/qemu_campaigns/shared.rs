//! Two clients and one monitor.

use std::io::{BufRead, BufReader, Lines, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use virt_jobs::driver::{qemu, Key};
use virt_jobs::event::Subscriptions;
use virt_jobs::model::flags::JOB_START_PERSIST;
use virt_jobs::model::{code, ControlOp, JobState};

use crate::support::campaign::*;
use crate::support::vm::*;
use crate::support::*;

const HOLD: &str = "VIRT_JOBS_TEST_HOLD";
/// A monitor that does not greet is given up after two seconds.
const LIMIT: Duration = Duration::from_secs(4);

/// The other client: this program, run again. It starts a job and has the monitor until its input ends.
#[test]
fn hold_until_told() {
    let Ok(dir) = std::env::var(HOLD) else { return };
    let dir = PathBuf::from(dir);
    let client = Client::open(&dir.join("vms"));
    let target = (0..).map(|n| dir.join(format!("copy{n}.qcow2"))).find(|path| !path.exists()).unwrap();
    let copy = client.copy("vda", &target, 1 << 16, JOB_START_PERSIST);
    println!("started {copy}.");
    let _ = std::io::stdin().read(&mut [0]);
}

/// Starts the other client; says which job it has started. What else it says goes nowhere, but must have somewhere to go.
fn hold(dir: &Path) -> (Child, String, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["shared::hold_until_told", "--exact", "--nocapture", "--test-threads", "1"])
        .env(HOLD, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let name = |line: String| Some(line.split_once("started ")?.1.trim_end_matches('.').to_owned());
    let job = lines.by_ref().map_while(Result::ok).find_map(name).expect("the other client starts a job");
    (child, job, lines)
}

/// What a client is told that comes while another has the monitor.
fn assert_taken(dir: &Path) {
    let vms = dir.join("vms");
    let connection = within(LIMIT, "to open the directory", || qemu::open(&vms, Arc::new(Subscriptions::new())).unwrap());
    let error = within(LIMIT, "to look it up", || connection.lookup(Key::Name("vm")).unwrap_err());
    assert!(error.message().contains("another client"), "{error}");
    let socket = within(LIMIT, "to open the socket", || qemu::open(&vms.join("vm.qmp"), Arc::new(Subscriptions::new())).err());
    let error = socket.expect("the monitor is taken");
    assert!(error.code == code::NO_CONNECT && error.message().contains("another client"), "{error}");
}

/// Opens the directory until the monitor is free.
fn take_over(dir: &Path) -> Client {
    let deadline = Instant::now() + 2 * LIMIT;
    loop {
        let connection = qemu::open(&dir.join("vms"), Arc::new(Subscriptions::new())).unwrap();
        match connection.lookup(Key::Name("vm")) {
            Ok(_) => {
                // Only now with somebody who listens: those of one process share the monitor.
                return Client::open(&dir.join("vms"));
            }
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    }
}

#[test]
fn a_campaign_of_two_clients_on_one_monitor_ends_in_clear_errors_and_takeovers() {
    let Some(mut vm) = Vm::start(&["base", "top"], 1) else { return };
    let mut campaign = Campaign::new();
    for _ in 0..Campaign::moments(2) {
        let Vm { client, chain, reaper, dir } = vm;
        drop(client);
        let (mut other, job, _said) = hold(dir.path());
        assert_taken(dir.path());
        let killed = campaign.below(2) == 0;
        std::thread::sleep(campaign.moment(Duration::from_millis(50)));
        if killed {
            other.kill().unwrap();
        } else {
            drop(other.stdin.take());
        }
        let client = take_over(dir.path());
        other.wait().unwrap();
        let jobs: Vec<(String, JobState)> = client.jobs().into_iter().map(|(name, _, state)| (name, state)).collect();
        assert_eq!(jobs, [(job.clone(), JobState::Running)], "killed: {killed}");
        client.domain.control_job(&job, ControlOp::Abort).unwrap();
        assert_eq!(client.end(&job), JobState::Aborted);
        client.domain.control_job(&job, ControlOp::Dismiss).unwrap();
        vm = Vm { client, chain, reaper, dir };
    }
    assert_eq!(vm.second().nodes().len(), 4);
}
