//! The built-in test hypervisor: simulated domains whose jobs run on a clock.
//!
//! `test:///default` is one world that all connections of the process share while at least one is open; a file is a
//! world of its own for each connection. Nothing is read or written for a disk image: a job is a position that follows
//! from time and speed, and what a fixture says happens on its way.

mod backup;
mod block;
mod chain;
mod clock;
mod connection;
mod control;
mod domain;
mod domain_job;
mod fixture;
mod hotplug;
mod image;
mod lifecycle;
mod memory;
mod script;
mod sim;
mod snapshot;
mod staged;
mod task;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod units;
mod vm;
mod world;

use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Weak};

use once_cell::sync::Lazy;
use parking_lot::Mutex;

use super::uri::Target;
use super::Connection;
use crate::event::Subscriptions;
use crate::model::{code, from, Error, Result};
use clock::SystemClock;
use connection::TestConnection;
pub use vm::POWERS;
use world::World;

/// The world of `test:///default`, as a fixture like any other.
const DEFAULT_WORLD: &str = include_str!("default.xml");

/// The largest fixture that is read.
const MAX_FIXTURE_BYTES: u64 = 4 << 20;

/// `VIR_DOMAIN_DESTROY_GRACEFUL`.
const DESTROY_GRACEFUL: u32 = 1;

static DEFAULT: Lazy<Mutex<Weak<World>>> = Lazy::new(|| Mutex::new(Weak::new()));

/// Opens a world. `events` are told what happens in it until the connection is dropped.
///
/// # Errors
/// `SYSTEM_ERROR` if the fixture cannot be read, otherwise what is wrong with it.
pub fn open(target: &Target, events: Arc<Subscriptions>) -> Result<Arc<dyn Connection>> {
    let (uri, world) = match target {
        Target::TestDefault => ("test:///default".to_owned(), default_world()?),
        Target::TestFixture(path) => (format!("test://{}", path.display()), fixture_world(path)?),
        Target::Qemu(_) | Target::Libvirt(_) => return Err(Error::internal("not a URI of the test hypervisor")),
    };
    Ok(Arc::new(TestConnection::new(uri, world, events)))
}

fn default_world() -> Result<Arc<World>> {
    let mut current = DEFAULT.lock();
    if let Some(world) = current.upgrade() {
        return Ok(world);
    }
    let world = fixture::build(DEFAULT_WORLD, SystemClock::shared())?;
    *current = Arc::downgrade(&world);
    Ok(world)
}

fn fixture_world(path: &Path) -> Result<Arc<World>> {
    let why = |error: std::io::Error| Error::system(format!("cannot read '{}'", path.display()), &error).raised_by(from::TEST);
    let mut text = String::new();
    let length = image::open_file(path).and_then(|file| file.take(MAX_FIXTURE_BYTES + 1).read_to_string(&mut text)).map_err(why)?;
    if length as u64 > MAX_FIXTURE_BYTES {
        return Err(Error::xml(format!("'{}' is larger than {MAX_FIXTURE_BYTES} bytes", path.display())));
    }
    let named = |error: Error| {
        let detail = format!("{}: {}", path.display(), error.detail);
        Error { detail: detail.trim_end_matches(": ").to_owned(), ..error }
    };
    fixture::build(&text, SystemClock::shared()).map_err(named)
}

/// Refuses flags that a call of this hypervisor has no use for.
fn check_flags(flags: u32, known: u32, function: &str) -> Result<()> {
    match flags & !known {
        0 => Ok(()),
        unknown => Err(Error::new(code::INVALID_ARG, format!("unsupported flags (0x{unknown:x}) in function {function}"))),
    }
}
