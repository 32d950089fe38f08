//! Commands on their way out, where the monitor does not take them at once.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::sys;

/// A bounded queue of commands.
#[derive(Debug)]
pub struct Outgoing {
    queue: VecDeque<Packet>,
    bytes: usize,
    max: usize,
}

/// One command, perhaps partly sent, with the descriptor that goes with its first byte.
#[derive(Debug)]
struct Packet {
    id: u64,
    bytes: Vec<u8>,
    sent: usize,
    fd: Option<OwnedFd>,
}

impl Outgoing {
    /// `max`: how many bytes may wait before more are refused. One command always may.
    pub fn new(max: usize) -> Outgoing {
        Outgoing { queue: VecDeque::new(), bytes: 0, max }
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether another command would be taken.
    pub fn has_room(&self) -> bool {
        self.bytes < self.max
    }

    pub fn push(&mut self, id: u64, bytes: Vec<u8>, fd: Option<OwnedFd>) {
        self.bytes += bytes.len();
        self.queue.push_back(Packet { id, bytes, sent: 0, fd });
    }

    /// Sends what the socket takes without waiting.
    ///
    /// # Errors
    /// The socket is of no more use.
    pub fn flush(&mut self, stream: &UnixStream) -> io::Result<()> {
        while let Some(packet) = self.queue.front_mut() {
            match sys::send(stream, &packet.bytes[packet.sent..], packet.fd.as_ref().map(AsFd::as_fd)) {
                Ok(count) => {
                    packet.sent += count;
                    packet.fd = None;
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(e),
            }
            if packet.sent == packet.bytes.len() {
                self.bytes -= packet.bytes.len();
                self.queue.pop_front();
            }
        }
        Ok(())
    }

    /// Takes a command back if none of it has been sent.
    pub fn withdraw(&mut self, id: u64) {
        if let Some(at) = self.queue.iter().position(|packet| packet.id == id && packet.sent == 0) {
            self.bytes -= self.queue[at].bytes.len();
            self.queue.remove(at);
        }
    }

    pub fn clear(&mut self) {
        self.queue.clear();
        self.bytes = 0;
    }
}
