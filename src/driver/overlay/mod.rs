//! Jobs of the real libvirt's own connections and domains, and the real library itself.
//!
//! The real library is never linked. It is in the process already, because the program uses it, or it is opened when a
//! URI of its own is.
//!
//! What is known of a domain's jobs belongs to the process ([`hub`]); a handle of the application's is used during a call
//! only. What was read from QEMU's monitor, or from libvirt's calls alone where that may not be used ([`reading`]), and
//! what was heard of in events ([`heard`]) becomes the engine's observations; what the engine answers goes through libvirt,
//! as far as libvirt keeps track of a job ([`bound`]).
//!
//! Only `real`, `functions`, `calls`, `callbacks` and `access` call the real library and have unsafe code. No lock is held
//! then but a domain's or a hub's turn, which nothing that the real library calls back waits for.

mod abort;
mod access;
mod bound;
mod callbacks;
mod calls;
mod disks;
mod domain;
mod ends;
mod functions;
mod heard;
mod hub;
mod line;
mod looks;
mod reading;
pub mod real;
mod run;
mod start;
mod take;
mod whole;
mod words;

use std::sync::Arc;

pub use abort::Abort;
pub use bound::has_limit;
pub use calls::{forget_error, is_quiet, RealConnect, RealDomain};
pub use domain::POWERS;
pub use hub::Watch;
pub use reading::Access;
pub use real::{is_in_use, load, present, Real};
pub use start::{name_of_started, Start};
pub use words::{block_kind, copy_target, operation_kind};

use super::Jobs;
use crate::model::{DomainRef, Result};
use bound::Bound;
use hub::Hub;

/// The jobs of a domain of the real library.
///
/// # Errors
/// What the real library says.
pub fn domain(domain: RealDomain) -> Result<Arc<dyn Jobs>> {
    start::want_names();
    let hub = Hub::of(&domain.connect()?)?;
    Ok(bind(&hub, domain)?.1)
}

/// The jobs of all domains of a connection of the real library that run, or have jobs kept.
///
/// # Errors
/// What the real library says.
pub fn domains(connect: &RealConnect) -> Result<Vec<(DomainRef, Arc<dyn Jobs>)>> {
    start::want_names();
    let hub = Hub::of(connect)?;
    let mut domains = Vec::new();
    for domain in hub.active_domains(connect)? {
        domains.push(bind(&hub, domain)?);
    }
    for known in hub.known() {
        if !domains.iter().any(|(domain, _)| domain.uuid == known.uuid) {
            domains.push(bind(&hub, connect.domain(&known)?)?);
        }
    }
    Ok(domains)
}

fn bind(hub: &Arc<Hub>, domain: RealDomain) -> Result<(DomainRef, Arc<dyn Jobs>)> {
    let identity = domain.identity()?;
    let jobs = hub.domain(&identity);
    Ok((identity, Arc::new(Bound { domain, jobs })))
}
