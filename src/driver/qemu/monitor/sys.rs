//! The socket calls that `std` does not have.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Connects without ever waiting: `EAGAIN` if the server's queue of unaccepted clients is full.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let (address, length) = address(path)?;
    // SAFETY: the call takes no pointers.
    let fd = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else's.
    let stream = UnixStream::from(unsafe { OwnedFd::from_raw_fd(fd) });
    // SAFETY: `address` is an initialised sockaddr_un of which `length` bytes are valid.
    let rc = unsafe { libc::connect(stream.as_raw_fd(), (&raw const address).cast(), length) };
    if rc < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(stream)
}

/// Whether somebody listens on a socket. Only a refusal says that nobody does: a server may be too busy to take one more
/// client, and this process may be out of descriptors.
pub fn is_served(path: &Path) -> bool {
    let deserted = |error: io::Error| matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound);
    !connect(path).is_err_and(deserted)
}

fn address(path: &Path) -> io::Result<(libc::sockaddr_un, libc::socklen_t)> {
    // SAFETY: all-zero is a valid sockaddr_un.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let bytes = path.as_os_str().as_bytes();
    if bytes.len() >= address.sun_path.len() {
        let why = format!("a socket's path has at most {} bytes", address.sun_path.len() - 1);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = *from as libc::c_char;
    }
    let length = std::mem::offset_of!(libc::sockaddr_un, sun_path) + bytes.len() + 1;
    Ok((address, length as libc::socklen_t))
}

/// Sends without waiting and without SIGPIPE, with a file descriptor beside the first byte if there is one.
pub fn send(stream: &UnixStream, bytes: &[u8], fd: Option<BorrowedFd<'_>>) -> io::Result<usize> {
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: all-zero is a valid msghdr.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    let mut control = ControlBuffer { bytes: [0; CONTROL] };
    if let Some(fd) = fd {
        attach(&mut message, &mut control, fd);
    }
    loop {
        // SAFETY: `message` points to `part`, `bytes` and `control`, which all outlive the call.
        let sent = unsafe { libc::sendmsg(stream.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) };
        if sent >= 0 {
            return Ok(sent as usize);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

// SAFETY: CMSG_SPACE only computes.
const CONTROL: usize = unsafe { libc::CMSG_SPACE(size_of::<RawFd>() as u32) } as usize;

/// Room for one control message with one descriptor, aligned as its header wants it.
union ControlBuffer {
    bytes: [u8; CONTROL],
    _align: libc::cmsghdr,
}

fn attach(message: &mut libc::msghdr, control: &mut ControlBuffer, fd: BorrowedFd<'_>) {
    message.msg_control = (&raw mut *control).cast();
    message.msg_controllen = CONTROL as _;
    // SAFETY: the control buffer is aligned and has room for exactly one header and one descriptor.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
        libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(fd.as_raw_fd());
    }
}

/// A descriptor that is waited for until it can be read.
pub fn readable(stream: &UnixStream) -> libc::pollfd {
    libc::pollfd { fd: stream.as_raw_fd(), events: libc::POLLIN, revents: 0 }
}

/// Waits until one of the descriptors has something, or `deadline` is over; says how many have.
pub fn poll(wanted: &mut [libc::pollfd], deadline: Instant) -> io::Result<usize> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // SAFETY: the pointer and the length are those of one slice.
        let rc = unsafe { libc::poll(wanted.as_mut_ptr(), wanted.len() as libc::nfds_t, milliseconds(left)) };
        if rc >= 0 {
            return Ok(rc as usize);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Rounded up, so that a wait never ends before its deadline.
fn milliseconds(time: Duration) -> libc::c_int {
    let whole = time.as_millis() + u128::from(time.subsec_nanos() % 1_000_000 != 0);
    libc::c_int::try_from(whole).unwrap_or(libc::c_int::MAX)
}

/// The process that listens on the other end, as it was when it began to.
pub fn peer_pid(stream: &UnixStream) -> Option<i32> {
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `peer` has the size that `length` says.
    let rc = unsafe { libc::getsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut peer).cast(), &raw mut length) };
    (rc == 0 && peer.pid > 0).then_some(peer.pid)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_server_that_takes_no_more_clients_is_there_and_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        // SAFETY: the descriptor is open.
        assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
        let mut clients = Vec::new();
        let full = loop {
            match connect(&path) {
                Ok(client) => clients.push(client),
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        assert!(is_served(&path));
        drop(listener);
        assert!(!is_served(&path));
        assert!(!is_served(&dir.path().join("absent")));
    }
}
