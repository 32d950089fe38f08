//! Starting and ending QEMU processes.
//!
//! QEMU puts itself into the background when it is ready to be talked to; the process that was started ends then, or when
//! something is wrong. So the host program has a child for a moment only: no zombie is left, no handler for SIGCHLD is
//! needed, and one that the program has does no harm.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::command_line::CommandLine;
use super::paths::VmPaths;
use super::pidfd::{read_stat, Process};
use crate::model::{Error, Result};

/// How long QEMU may take until it can be talked to. Memory that is allocated ahead takes its time.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// How long a QEMU may take to flush its images after SIGTERM, and to vanish after SIGKILL.
const END_PATIENCE: Duration = Duration::from_secs(5);
/// What is told of a failed start; QEMU's first complaint is the one that counts, and is rarely long.
const MESSAGE_LIMIT: u64 = 4096;
/// What QEMU inherits. Not `LD_PRELOAD`: a library that is loaded into this program has no business in QEMU.
const INHERITED: &[&str] = &["PATH", "LD_LIBRARY_PATH", "HOME", "USER", "LOGNAME", "TMPDIR"];

/// Starts QEMU and waits until its monitor can be connected to; returns its process id.
///
/// # Errors
/// `OPERATION_INVALID` if a process uses the files of this VM already, `SYSTEM_ERROR` if the emulator cannot be executed,
/// `INTERNAL_ERROR` with what QEMU said if it did not come up. Nothing that was started is left behind then.
pub(super) fn spawn(command: &CommandLine, paths: &VmPaths) -> Result<i32> {
    spawn_within(command, paths, START_PATIENCE)
}

fn spawn_within(command: &CommandLine, paths: &VmPaths, patience: Duration) -> Result<i32> {
    paths.require_free()?;
    paths.remove();
    let deadline = Instant::now() + patience;
    let mut child = execute(command, paths)?;
    let (outcome, front) = wait_for_start(&mut child, deadline);
    let pid = paths.read_pid();
    let up = match outcome {
        Outcome::Exited(success) => success,
        // Somebody else in this process took the exit status: what counts is whether QEMU is there.
        Outcome::Unknown => pid.is_some_and(is_alive),
        Outcome::Late => false,
    };
    if let Some(pid) = pid.filter(|_| up) {
        return Ok(pid);
    }
    if let Some(front) = front {
        clear(&mut child, &front, pid, outcome == Outcome::Late);
    }
    let said = last_words(paths);
    remove_files(paths);
    Err(Error::internal(match outcome {
        Outcome::Late => format!("QEMU was not ready within {} s and has been ended: {said}", patience.as_secs_f32()),
        _ => format!("process exited while connecting to monitor: {said}"),
    }))
}

/// What became of the process that was started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Exited(bool),
    Unknown,
    Late,
}

fn execute(command: &CommandLine, paths: &VmPaths) -> Result<Child> {
    let unusable = |why: io::Error| Error::system(format!("cannot open the log '{}'", paths.log.display()), &why);
    // What a VM said before it crashed is wanted most when it has been started again.
    let _ = fs::rename(&paths.log, paths.old_log());
    let log = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(&paths.log).map_err(unusable)?;
    let output = log.try_clone().map_err(unusable)?;
    let mut child = Command::new(&command.emulator);
    child.args(&command.args).current_dir("/").stdin(Stdio::null()).stdout(output).stderr(log);
    child.env_clear().env("LC_ALL", "C");
    child.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    child.envs(command.env.iter().map(|(name, value)| (name, value)));
    // SAFETY: the function makes system calls only, which are allowed between fork and exec.
    unsafe { child.pre_exec(clean_slate) };
    child.spawn().map_err(|why| {
        let _ = fs::remove_file(&paths.log);
        Error::system(format!("cannot execute '{}'", command.emulator.display()), &why)
    })
}

/// Gives the new program signals as they are by default, and no file of this one but the standard three.
fn clean_slate() -> io::Result<()> {
    // SAFETY: all of these act on this process, which has one thread now, with valid arguments.
    unsafe {
        for signal in 1..=64 {
            // Refused for the few that cannot be changed, and those that the C library has for itself.
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
        libc::umask(0o077);
        if libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) != 0 {
            close_on_exec_one_by_one();
        }
    }
    Ok(())
}

/// For kernels before 5.11.
fn close_on_exec_one_by_one() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure outlives the call; a descriptor that is not open is an error without effect.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        let most = i32::try_from(limit.rlim_cur).unwrap_or(i32::MAX).min(1 << 20);
        for fd in 3..most {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

/// Waits for the end of the process that was started; returns it as well unless it had ended at once.
fn wait_for_start(child: &mut Child, deadline: Instant) -> (Outcome, Option<Process>) {
    let front = Process::open(i32::try_from(child.id()).unwrap_or_default()).ok().flatten();
    if front.as_ref().is_some_and(|front| !front.wait(deadline)) {
        return (Outcome::Late, front);
    }
    // It has ended: this does not wait.
    let outcome = child.wait().map_or(Outcome::Unknown, |status| Outcome::Exited(status.success()));
    (outcome, front)
}

/// Waits until nothing is left of a QEMU that did not come up: the process that waits for it, and QEMU itself if it has got
/// as far as to write down its number. `by_force` ends them.
fn clear(child: &mut Child, front: &Process, pid: Option<i32>, by_force: bool) {
    // One that is older was there before, and has its own business.
    let daemon = pid.and_then(|pid| Process::open(pid).ok().flatten()).filter(|daemon| !daemon.is_older_than(front));
    let deadline = Instant::now() + END_PATIENCE;
    for process in daemon.iter().chain([front]) {
        if by_force {
            let _ = process.signal(libc::SIGKILL);
        }
        process.wait(deadline);
    }
    if by_force && front.is_gone() {
        let _ = child.wait();
    }
}

/// Removes the files of a QEMU that did not come up. Its background process gives up its number before it gives up its
/// socket, so for a moment it may still be there.
fn remove_files(paths: &VmPaths) {
    let deadline = Instant::now() + END_PATIENCE;
    loop {
        paths.remove();
        let left = paths.socket.exists() || paths.pidfile.exists();
        if !left || Instant::now() >= deadline {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What QEMU complained about.
pub(super) fn last_words(paths: &VmPaths) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = fs::File::open(&paths.log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(MESSAGE_LIMIT)))?;
        let mut text = Vec::new();
        file.take(MESSAGE_LIMIT).read_to_end(&mut text)?;
        Ok(text)
    };
    let text = read().map(|text| String::from_utf8_lossy(&text).trim().to_owned()).unwrap_or_default();
    if text.is_empty() {
        "it left no message".to_owned()
    } else {
        text
    }
}

fn is_alive(pid: i32) -> bool {
    matches!(Process::open(pid), Ok(Some(_)))
}

/// Ends a process: politely, and by force if that does not help in a few seconds. Returns when it is gone.
///
/// # Errors
/// `SYSTEM_ERROR` if that is not allowed, `INVALID_ARG` for a number that no single process has, `OPERATION_FAILED` if it
/// survives, which a process does that waits for a disk.
pub(super) fn terminate(pid: i32) -> Result<()> {
    terminate_within(pid, END_PATIENCE)
}

fn terminate_within(pid: i32, patience: Duration) -> Result<()> {
    Process::open(pid)?.map_or(Ok(()), |process| end_within(&process, patience))
}

/// The same for a process that is held already.
///
/// # Errors
/// As [`terminate`].
pub(super) fn end(process: &Process) -> Result<()> {
    end_within(process, END_PATIENCE)
}

fn end_within(process: &Process, patience: Duration) -> Result<()> {
    for signal in [libc::SIGTERM, libc::SIGKILL] {
        process.signal(signal)?;
        if process.wait(Instant::now() + patience) {
            return Ok(());
        }
    }
    Err(Error::failed(format!("process {} does not end", process.id())))
}

/// The time that a process has spent on CPUs, in nanoseconds; 0 if it is gone.
pub(super) fn cpu_time_ns(pid: i32) -> u64 {
    // SAFETY: no preconditions.
    let per_second = u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).unwrap_or(0).max(1);
    let ticks = read_stat(pid).map_or(0, |stat| stat.cpu_ticks);
    ticks.saturating_mul(1_000_000_000 / per_second)
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
