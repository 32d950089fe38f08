//! The two system calls of the built-in loop.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::readiness;

/// A descriptor that one thread makes readable to end another one's wait.
pub struct WakeUp {
    file: File,
}

impl WakeUp {
    pub fn new() -> io::Result<WakeUp> {
        // SAFETY: takes no pointers; the result is checked before it is owned.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a descriptor that was just made and that nobody else owns.
        let owned = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(WakeUp { file: File::from(owned) })
    }

    pub fn fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// Makes it readable. It fails only when it already is, as often as a counter can say.
    pub fn raise(&self) {
        let _ = (&self.file).write(&1u64.to_ne_bytes());
    }

    /// Makes it unreadable again. It fails only when it already is.
    pub fn clear(&self) {
        let _ = (&self.file).read(&mut [0; 8]);
    }
}

/// Waits until one of `fds` is ready, the time is over or a signal arrives; a signal leaves nothing ready and is no error.
pub fn wait(fds: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map(|t| libc::timespec {
        tv_sec: libc::time_t::try_from(t.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::from(t.subsec_nanos() as i32),
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the array and the time, if there is one, live through the call; no signal mask is given.
    let outcome = unsafe { libc::ppoll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout, std::ptr::null()) };
    if outcome >= 0 {
        return Ok(());
    }
    let why = io::Error::last_os_error();
    if why.kind() == io::ErrorKind::Interrupted {
        Ok(())
    } else {
        Err(why)
    }
}

/// What to ask `poll` for; it always tells of errors and hang-ups.
pub fn request(fd: RawFd, events: i32) -> libc::pollfd {
    let mut wanted = 0;
    if events & readiness::READABLE != 0 {
        wanted |= libc::POLLIN;
    }
    if events & readiness::WRITABLE != 0 {
        wanted |= libc::POLLOUT;
    }
    libc::pollfd { fd, events: wanted, revents: 0 }
}

/// What `poll` said. A descriptor that is not open is in error.
pub fn answer(revents: libc::c_short) -> i32 {
    let pairs = [
        (libc::POLLIN, readiness::READABLE),
        (libc::POLLOUT, readiness::WRITABLE),
        (libc::POLLERR | libc::POLLNVAL, readiness::ERROR),
        (libc::POLLHUP, readiness::HANGUP),
    ];
    pairs.iter().filter(|(bit, _)| revents & bit != 0).fold(0, |events, (_, readiness)| events | readiness)
}
