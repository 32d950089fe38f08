//! `virt-jobs`: the named jobs of virtual machines on the command line.
//!
//! It uses the library through its C interface alone, as any other program would.

mod client;
mod demo;
mod output;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use client::{Client, Domain, Failure, Operation};

/// What the exit code says; also in `--help`.
mod exit {
    pub const FAILURE: u8 = 1;
    pub const JOB_FAILED: u8 = 3;
    pub const JOB_ABORTED: u8 = 4;
    pub const TIMEOUT: u8 = 5;
}

const EXIT_CODES: &str = "Exit codes:
  0  done; for wait and watch: the job completed (or reached the state that was waited for)
  1  the library reported an error, which is on standard error
  2  the command line is wrong
  3  wait, watch: the job failed
  4  wait, watch: the job was aborted
  5  wait: the time was over first";

/// Lists, watches and controls the long-running jobs of virtual machines.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Arguments {
    /// Connection, for example qemu+qmp:///DIRECTORY or test:///default
    #[arg(short, long, value_name = "URI", global = true)]
    connect: Option<String>,
    /// How list and show print
    #[arg(long, value_enum, default_value_t = Format::Table, global = true)]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
    Xml,
}

#[derive(Subcommand)]
enum Command {
    /// Jobs of a domain, or of all domains
    List { domain: Option<String> },
    /// Everything that is known about a job
    Show { domain: String, job: String },
    /// Follow jobs until they end
    Watch { domain: String, job: Option<String> },
    /// Wait until a job has ended, or is in a state
    Wait {
        domain: String,
        job: String,
        /// Also return when the job enters this state (running, ready, paused)
        #[arg(long, value_name = "STATE")]
        state: Vec<String>,
        /// Give up after this many seconds
        #[arg(long, value_name = "SECONDS")]
        timeout: Option<f64>,
    },
    /// Hold a job
    Pause { domain: String, job: String },
    /// Let a paused job go on
    Resume { domain: String, job: String },
    /// Complete a job that is ready: a copy becomes the disk
    Finalize { domain: String, job: String },
    /// End a job without its result
    Abort { domain: String, job: String },
    /// Take a job that has ended off the list
    Dismiss { domain: String, job: String },
    /// Limit a job's speed; 0 lifts the limit
    SetSpeed {
        domain: String,
        job: String,
        /// Bytes per second; K, M and G (1024) may follow
        #[arg(value_parser = bytes)]
        speed: u64,
    },
    /// Show what jobs look like, on the built-in hypervisor
    Demo,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(Failure(message)) => {
            eprintln!("virt-jobs: {message}");
            ExitCode::from(exit::FAILURE)
        }
    }
}

fn run(arguments: &Arguments) -> Result<u8, Failure> {
    if matches!(arguments.command, Command::Demo) {
        return demo::run(arguments.connect.as_deref()).map(|()| 0);
    }
    let client = Client::open(arguments.connect.as_deref())?;
    let control = |domain: &str, job: &str, operation| client.domain(domain)?.control(job, operation).map(|()| 0);
    match &arguments.command {
        Command::List { domain } => {
            let jobs = match domain {
                Some(domain) => client.domain(domain)?.jobs()?,
                None => client.all_jobs()?,
            };
            output::list(&jobs, arguments.format, domain.is_none());
            Ok(0)
        }
        Command::Show { domain, job } => output::show(&client.domain(domain)?, job, arguments.format).map(|()| 0),
        Command::Watch { domain, job } => watch::run(&client, &client.domain(domain)?, job.as_deref()),
        Command::Wait { domain, job, state, timeout } => wait(&client.domain(domain)?, job, state, *timeout),
        Command::Pause { domain, job } => control(domain, job, Operation::Pause),
        Command::Resume { domain, job } => control(domain, job, Operation::Resume),
        Command::Finalize { domain, job } => control(domain, job, Operation::Finalize),
        Command::Abort { domain, job } => control(domain, job, Operation::Abort),
        Command::Dismiss { domain, job } => control(domain, job, Operation::Dismiss),
        Command::SetSpeed { domain, job, speed } => client.domain(domain)?.set_speed(job, *speed).map(|()| 0),
        Command::Demo => Ok(0),
    }
}

fn wait(domain: &Domain, job: &str, states: &[String], timeout: Option<f64>) -> Result<u8, Failure> {
    let states = states
        .iter()
        .map(|word| client::state_of(word).ok_or_else(|| Failure(format!("there is no job state '{word}'"))))
        .collect::<Result<Vec<i32>, Failure>>()?;
    let timeout = match timeout {
        Some(seconds) => {
            Some(Duration::try_from_secs_f64(seconds).map_err(|_| Failure(format!("{seconds} seconds cannot be waited for")))?)
        }
        None => None,
    };
    match domain.wait(job, &states, timeout)? {
        None => {
            eprintln!("virt-jobs: job '{job}' has not ended in time");
            Ok(exit::TIMEOUT)
        }
        Some(state) => {
            println!("{}", client::state_name(state));
            Ok(exit_code(state))
        }
    }
}

/// The exit code for the state in which a job was left.
fn exit_code(state: i32) -> u8 {
    match client::state_name(state) {
        "failed" => exit::JOB_FAILED,
        "aborted" => exit::JOB_ABORTED,
        _ => 0,
    }
}

/// Reads `1500000`, `64M`, `1G`.
fn bytes(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 10),
        Some((at, 'm' | 'M')) => (&text[..at], 20),
        Some((at, 'g' | 'G')) => (&text[..at], 30),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| format!("'{text}' is no number of bytes"))?;
    number.checked_mul(1 << shift).ok_or_else(|| format!("'{text}' is too much"))
}
