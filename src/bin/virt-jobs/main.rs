//! `virt-jobs`: the named jobs of virtual machines on the command line.
//!
//! It asks the library through its C interface alone, as any other program would.

mod client;
mod demo;
mod output;
mod watch;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use virt_jobs::model::JobState;

use client::{Client, Domain, Operation};

/// What the exit code says; also in `--help`.
mod exit {
    pub const DONE: u8 = 0;
    pub const FAILURE: u8 = 1;
    pub const JOB_FAILED: u8 = 3;
    pub const JOB_ABORTED: u8 = 4;
    pub const TIMEOUT: u8 = 5;
}

const EXIT_CODES: &str = "Exit codes:
  0  done; for wait and watch: the jobs completed, or the job is in the state that was waited for
  1  the library reported an error, which is on standard error
  2  the command line is wrong
  3  wait, watch: a job failed
  4  wait, watch: a job was aborted
  5  wait: the time was over first";

/// Lists, watches and controls the long-running jobs of virtual machines.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Arguments {
    /// Connection, for example qemu+qmp:///DIRECTORY or test:///default; LIBVIRT_DEFAULT_URI if it is missing
    #[arg(short, long, value_name = "URI", global = true)]
    connect: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Table,
    /// For programs
    Json,
    /// The library's own documents
    Xml,
}

#[derive(Subcommand)]
enum Command {
    /// Jobs of a domain, or of all domains
    List {
        /// Name, UUID or id
        domain: Option<String>,
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Everything that is known about a job
    Show {
        domain: String,
        job: String,
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Follow a job, or all that a domain has, until they end: bars on a terminal, lines elsewhere
    Watch {
        domain: String,
        job: Option<String>,
        /// Stay when no job is left, and follow those that start later
        #[arg(long, conflicts_with = "job")]
        forever: bool,
    },
    /// Wait until a job has ended, or is in a state, and print the state
    Wait {
        domain: String,
        job: String,
        /// Also return when the job is in this state; may be given more than once
        #[arg(long, value_name = "STATE", value_parser = state)]
        state: Vec<JobState>,
        /// Give up after this many seconds
        #[arg(long, value_name = "SECONDS", value_parser = seconds)]
        timeout: Option<Duration>,
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
        /// Bytes per second; K, M or G (1024) may follow
        #[arg(value_parser = bytes)]
        speed: u64,
    },
    /// Show what jobs look like, on the built-in test hypervisor
    Demo,
}

/// Why there is no result.
#[derive(Debug)]
pub enum Failure {
    /// For people.
    Message(String),
    /// Whoever was to read what is printed has gone.
    Unread,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Unread,
            _ => Failure::Message(format!("cannot write to standard output: {error}")),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(Failure::Message(message)) => {
            eprintln!("virt-jobs: {message}");
            ExitCode::from(exit::FAILURE)
        }
        Err(Failure::Unread) => end_unread(),
    }
}

/// Ends as other programs end whose output nobody reads any more. Rust ignores the signal, which is right up to here:
/// it also stands for a monitor that hangs up.
fn end_unread() -> ! {
    // SAFETY: restores the default action and sends the signal to this process.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::raise(libc::SIGPIPE);
    }
    std::process::exit(i32::from(exit::FAILURE))
}

fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let connect = arguments.connect.as_deref();
    if let Command::Demo = arguments.command {
        return demo::run(connect).map(|()| exit::DONE);
    }
    if connect.is_none() && std::env::var_os("LIBVIRT_DEFAULT_URI").is_none_or(|uri| uri.is_empty()) {
        return Err(Failure::Message("no connection is named: use --connect URI, or set LIBVIRT_DEFAULT_URI".to_owned()));
    }
    let client = Client::open(connect)?;
    let control = |domain: &str, job: &str, operation| client.domain(domain)?.control(job, operation);
    match &arguments.command {
        Command::Watch { domain, job, forever } => return watch::run(&client, &client.domain(domain)?, job.as_deref(), *forever),
        Command::Wait { domain, job, state, timeout } => return wait(&client.domain(domain)?, job, state, *timeout),
        Command::List { domain: Some(domain), format } => output::list(&client.domain(domain)?.jobs()?, *format, false)?,
        Command::List { domain: None, format } => output::list(&client.all_jobs()?, *format, true)?,
        Command::Show { domain, job, format } => output::show(&client.domain(domain)?, job, *format)?,
        Command::Pause { domain, job } => control(domain, job, Operation::Pause)?,
        Command::Resume { domain, job } => control(domain, job, Operation::Resume)?,
        Command::Finalize { domain, job } => control(domain, job, Operation::Finalize)?,
        Command::Abort { domain, job } => control(domain, job, Operation::Abort)?,
        Command::Dismiss { domain, job } => control(domain, job, Operation::Dismiss)?,
        Command::SetSpeed { domain, job, speed } => client.domain(domain)?.set_speed(job, *speed)?,
        Command::Demo => {}
    }
    Ok(exit::DONE)
}

fn wait(domain: &Domain, job: &str, states: &[JobState], timeout: Option<Duration>) -> Result<u8, Failure> {
    let Some(state) = domain.wait(job, states, timeout)? else {
        eprintln!("virt-jobs: gave up waiting for job '{job}'");
        return Ok(exit::TIMEOUT);
    };
    output::say(state.as_str())?;
    if let Some(reason) = domain.reason(job).filter(|_| state == JobState::Failed) {
        eprintln!("virt-jobs: job '{job}' failed: {reason}");
    }
    Ok(exit_code(state))
}

/// The exit code for the state in which a job was left.
fn exit_code(state: JobState) -> u8 {
    match state {
        JobState::Failed => exit::JOB_FAILED,
        JobState::Aborted => exit::JOB_ABORTED,
        _ => exit::DONE,
    }
}

/// Reads the name of a state.
fn state(text: &str) -> Result<JobState, String> {
    let names = || JobState::ALL.iter().filter(|state| **state != JobState::None);
    names().copied().find(|state| state.as_str() == text).ok_or_else(|| {
        let known: Vec<&str> = names().map(|state| state.as_str()).collect();
        format!("a job's state is one of {}", known.join(", "))
    })
}

/// Reads a number of seconds, with or without a fraction.
fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "it is not a number".to_owned())?;
    Duration::try_from_secs_f64(number).map_err(|error| error.to_string())
}

/// Reads `1500000`, `64M`, `1G`.
fn bytes(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 10),
        Some((at, 'm' | 'M')) => (&text[..at], 20),
        Some((at, 'g' | 'G')) => (&text[..at], 30),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| "it is not a number of bytes".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "it is too much".to_owned())
}
