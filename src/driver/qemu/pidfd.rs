//! A process that is not our child, held so that its number cannot come to mean another one.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use crate::model::{Error, Result};

/// How often a process is looked at where the kernel cannot tell when it ends.
const PACE: Duration = Duration::from_millis(20);

/// A process by number, file descriptor and start time.
#[derive(Debug)]
pub(super) struct Process {
    pid: i32,
    /// `None` on kernels before 5.3.
    fd: Option<OwnedFd>,
    /// In clock ticks since boot: what tells it from a later process of the same number.
    started: u64,
}

impl Process {
    /// `None` if there is no such process, or it has ended and is only waited for.
    ///
    /// # Errors
    /// `INVALID_ARG` for a number that means a group of processes, or init.
    pub fn open(pid: i32) -> Result<Option<Process>> {
        if pid <= 1 {
            return Err(Error::invalid_arg(format!("{pid} is not the id of a process that can be ended")));
        }
        let fd = pidfd_open(pid).ok();
        // Read after the descriptor was opened, so that both are of the same process.
        let process = read_stat(pid).map(|stat| Process { pid, fd, started: stat.started });
        Ok(process.filter(|process| !process.is_gone()))
    }

    pub fn id(&self) -> i32 {
        self.pid
    }

    /// Whether it was started before `other`, as far as the clock can tell.
    pub fn is_older_than(&self, other: &Process) -> bool {
        self.started < other.started
    }

    pub fn is_gone(&self) -> bool {
        match &self.fd {
            Some(fd) => readable(fd, Duration::ZERO),
            None => read_stat(self.pid).is_none_or(|stat| stat.ended || stat.started != self.started),
        }
    }

    /// Waits for its end, at most until `deadline`; says whether it has ended.
    pub fn wait(&self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match &self.fd {
                Some(fd) if readable(fd, left) => return true,
                None if self.is_gone() => return true,
                None => std::thread::sleep(left.min(PACE)),
                Some(_) => {}
            }
            if left.is_zero() {
                return false;
            }
        }
    }

    /// Sends a signal. That the process has ended is no error.
    pub fn signal(&self, signal: i32) -> Result<()> {
        let sent = match &self.fd {
            // SAFETY: the descriptor is that of a process, and no further information is passed.
            Some(fd) => unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd.as_raw_fd(), signal, std::ptr::null::<()>(), 0) },
            None if self.is_gone() => 0,
            // SAFETY: the number is that of one process.
            None => unsafe { libc::kill(self.pid, signal) }.into(),
        };
        match io::Error::last_os_error() {
            why if sent != 0 && why.raw_os_error() != Some(libc::ESRCH) => {
                Err(Error::system(format!("cannot send signal {signal} to process {}", self.pid), &why))
            }
            _ => Ok(()),
        }
    }
}

fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: a system call on two numbers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    match i32::try_from(fd) {
        // SAFETY: the descriptor is new and nobody else's.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The descriptor of a process becomes readable when the process ends.
fn readable(fd: &OwnedFd, patience: Duration) -> bool {
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let millis = i32::try_from(patience.as_millis().saturating_add(u128::from(!patience.is_zero()))).unwrap_or(i32::MAX);
    // SAFETY: one entry, which outlives the call.
    unsafe { libc::poll(&mut poll, 1, millis) > 0 && poll.revents != 0 }
}

/// What is used of `/proc/PID/stat`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stat {
    /// The first thread has ended. Others may not have, and the process keeps its files open until they have.
    pub ended: bool,
    /// User and system time, in clock ticks.
    pub cpu_ticks: u64,
    pub started: u64,
}

/// `None` if the process is gone.
pub(super) fn read_stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The name of the program is in parentheses, and may have any in it.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ended = matches!(fields.first(), Some(&"Z" | &"X"));
    // Counted from the state, which proc(5) has as field 3.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat { ended, cpu_ticks: number(14)?.saturating_add(number(15)?), started: number(22)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::code;

    #[test]
    fn numbers_that_mean_several_processes_are_refused() {
        for pid in [0, 1, -1, -4242, i32::MIN] {
            assert_eq!(Process::open(pid).map(drop).map_err(|e| e.code), Err(code::INVALID_ARG), "{pid}");
        }
    }

    #[test]
    fn an_ended_process_is_gone_even_before_it_is_waited_for() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process::open(child.id() as i32).unwrap().unwrap();
        assert!(!process.is_gone());
        assert!(!process.wait(Instant::now() + Duration::from_millis(30)));
        process.signal(libc::SIGKILL).unwrap();
        assert!(process.wait(Instant::now() + Duration::from_secs(10)));
        assert!(process.is_gone());
        assert!(Process::open(child.id() as i32).unwrap().is_none());
        child.wait().unwrap();
        process.signal(libc::SIGKILL).unwrap();
    }

    #[test]
    fn a_process_is_followed_without_a_descriptor_too() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process { fd: None, ..Process::open(child.id() as i32).unwrap().unwrap() };
        assert!(!process.is_gone());
        process.signal(libc::SIGKILL).unwrap();
        assert!(process.wait(Instant::now() + Duration::from_secs(10)));
        child.wait().unwrap();
        assert!(process.is_gone());
        process.signal(libc::SIGKILL).unwrap();
    }

    #[test]
    fn a_program_may_have_parentheses_in_its_name() {
        let text = "42 (a) Z (b) S 1 42 42 0 -1 4194560 1 2 3 4 50 7 0 0 20 0 1 0 12345 1 1";
        assert_eq!(parse_stat(text), Some(Stat { ended: false, cpu_ticks: 57, started: 12345 }));
        assert_eq!(parse_stat("42 (a) Z 1 42"), None);
        assert_eq!(parse_stat("torn"), None);
    }
}
