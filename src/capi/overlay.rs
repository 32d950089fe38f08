//! Handles of the real library in the functions that are ours alone.

use std::sync::Arc;

use super::ctypes::{virConnectPtr, virDomainPtr};
use super::entry::{Call, Outcome};
use super::forward::foreign;
use super::handle::Domain;
use crate::driver::overlay::{self, RealDomain};
use crate::driver::Jobs;
use crate::model::{DomainRef, Result, Uuid};

/// A domain whose jobs are asked for.
pub enum Subject {
    Ours(Arc<Domain>),
    Real(RealDomain),
}

impl Subject {
    /// What has its jobs.
    ///
    /// # Errors
    /// `NO_DOMAIN` if it is gone.
    pub fn jobs(&self) -> Result<Arc<dyn Jobs>> {
        match self {
            Subject::Ours(domain) => Ok(domain.driver()?),
            Subject::Real(domain) => overlay::domain(domain.clone()),
        }
    }

    pub fn uuid(&self) -> Result<Uuid> {
        match self {
            Subject::Ours(domain) => Ok(domain.uuid()),
            Subject::Real(domain) => domain.identity().map(|identity| identity.uuid),
        }
    }
}

impl Call {
    /// The domain behind a pointer, which may be the real library's.
    pub fn subject(&self, domain: virDomainPtr) -> Outcome<Subject> {
        if domain.is_null() || foreign(domain).is_none() {
            return Ok(Subject::Ours(self.domain(domain)?));
        }
        // SAFETY: it is not ours, so it is the real library's, says the caller.
        let real = unsafe { RealDomain::retain(domain.cast()) }?;
        self.on_foreign(real.connect()?.as_ptr().cast());
        Ok(Subject::Real(real))
    }

    /// Refuses a read-only connection, whosever the domain is.
    pub fn writable_for(&self, subject: &Subject) -> Outcome<()> {
        match subject {
            Subject::Real(domain) if domain.connect()?.is_readonly() => Err(self.read_only()),
            _ => self.writable(),
        }
    }
}

/// The domains of a connection of the real library, with their jobs.
pub fn domains(call: &Call, conn: virConnectPtr) -> Outcome<Vec<(DomainRef, Arc<dyn Jobs>)>> {
    // SAFETY: it is not ours, so it is the real library's, says the caller.
    let connect = unsafe { overlay::RealConnect::retain(conn.cast()) }?;
    call.on_foreign(conn);
    Ok(overlay::domains(&connect)?)
}
