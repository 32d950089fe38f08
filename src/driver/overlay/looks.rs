//! Looks at domains by threads of their own, by the connection that each keeps open meanwhile.
//!
//! An application that closes a connection expects to have had its last reference. So who leaves a connection alone waits
//! a moment for the looks that are still going on through it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::driver::condvar::Condvar;

/// How long a look is waited for: one that libvirtd answers takes some milliseconds.
const LEAVES: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(super) struct Looks {
    connections: Mutex<HashMap<usize, Going>>,
    changed: Condvar,
}

#[derive(Default)]
struct Going {
    looks: usize,
    /// How many wait for them to end.
    leaving: usize,
}

/// One that goes on; ended by its drop.
pub(super) struct Look {
    looks: Arc<Looks>,
    connection: usize,
}

impl Looks {
    /// A look through this connection begins, unless it is being left.
    pub fn begin(self: &Arc<Looks>, connection: usize) -> Option<Look> {
        let mut connections = self.connections.lock();
        let going = connections.entry(connection).or_default();
        if going.leaving > 0 {
            return None;
        }
        going.looks += 1;
        Some(Look { looks: self.clone(), connection })
    }

    /// Waits a moment for the looks through a connection to end.
    pub fn leave(&self, connection: usize) {
        let deadline = Instant::now() + LEAVES;
        let mut connections = self.connections.lock();
        connections.entry(connection).or_default().leaving += 1;
        self.changed.notify_all();
        while connections.get(&connection).is_some_and(|going| going.looks > 0) {
            if self.changed.wait_until(&mut connections, deadline) {
                break;
            }
        }
        Looks::less(&mut connections, connection, |going| going.leaving -= 1);
    }

    fn less(connections: &mut HashMap<usize, Going>, connection: usize, change: impl FnOnce(&mut Going)) {
        if let Some(going) = connections.get_mut(&connection) {
            change(going);
            if going.looks == 0 && going.leaving == 0 {
                connections.remove(&connection);
            }
        }
    }
}

impl Look {
    /// Waits before the next look; says whether there is to be one.
    pub fn pause(&self, pause: Duration) -> bool {
        let deadline = Instant::now() + pause;
        let mut connections = self.looks.connections.lock();
        loop {
            if connections.get(&self.connection).is_some_and(|going| going.leaving > 0) {
                return false;
            }
            if self.looks.changed.wait_until(&mut connections, deadline) {
                return true;
            }
        }
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        let mut connections = self.looks.connections.lock();
        Looks::less(&mut connections, self.connection, |going| going.looks -= 1);
        drop(connections);
        self.looks.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_a_connection_waits_for_the_looks_through_it() {
        let looks = Arc::new(Looks::default());
        let look = looks.begin(1).expect("nobody leaves");
        let other = looks.begin(2).expect("nobody leaves");
        let begun = Instant::now();
        let looker = std::thread::spawn(move || {
            let again = look.pause(Duration::from_secs(60));
            drop(look);
            again
        });
        looks.leave(1);
        assert!(begun.elapsed() < Duration::from_secs(30));
        assert!(!looker.join().expect("no panic"), "it does not look again");
        assert!(other.pause(Duration::ZERO), "another connection's goes on");
        drop(other);
        assert!(looks.connections.lock().is_empty());
    }
}
