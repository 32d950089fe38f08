//! Handles of the real library in the functions that are ours alone.

use std::ffi::{c_char, c_uint, CStr};
use std::sync::Arc;

use super::ctypes::{virConnectPtr, virDomainPtr, virTypedParameter, virTypedParameterPtr};
use super::entry::{guarded, Call, Outcome};
use super::forward::foreign;
use super::handle::Domain;
use super::job::note_started;
use super::typedparam::kind;
use crate::driver::overlay::{self, RealDomain, Start};
use crate::driver::Jobs;
use crate::job::JobConfig;
use crate::model::{DomainRef, JobType, Result, Uuid};

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

/// A job that is about to be started with a handle of the real library; `None` if it is to have no name of ours.
pub fn start_on_disk(domain: virDomainPtr, kind: JobType, disk: *const c_char, flags: c_uint) -> Option<Start> {
    begin(domain, disk, flags, |domain, disk| Start::on_disk(domain, kind, disk, flags))
}

/// The same of a backup.
pub fn start_backup(domain: virDomainPtr, xml: *const c_char, flags: c_uint) -> Option<Start> {
    begin(domain, xml, flags, |domain, xml| Start::of_backup(domain, xml, flags))
}

/// The same of a job of the domain's own, which is over when the call returns.
pub fn start_whole(domain: virDomainPtr, kind: JobType, config: JobConfig, flags: c_uint) -> Option<Start> {
    if domain.is_null() || !Start::is_wanted(flags) {
        return None;
    }
    // SAFETY: the real library's handle, says the caller.
    let domain = unsafe { RealDomain::retain(domain.cast()).ok()? };
    guarded(|| Ok(Start::of_domain(&domain, kind, config, flags)?)).ok().flatten()
}

/// The same of a restore.
pub fn start_restore(conn: virConnectPtr, file: Option<String>, document: Option<String>, flags: c_uint) -> Option<Start> {
    if conn.is_null() || !Start::is_wanted(flags) {
        return None;
    }
    let file = file?;
    // SAFETY: the real library's handle, says the caller.
    let connect = unsafe { overlay::RealConnect::retain(conn.cast()).ok()? };
    guarded(|| Ok(Start::of_restore(&connect, &file, document, flags)?)).ok().flatten()
}

/// A text of the caller's, or nothing: what is wrong with it is for the real library to say.
pub fn given(text: *const c_char) -> Option<String> {
    // SAFETY: NULL or a C string, says the caller.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// A string among parameters of the caller's.
pub fn given_param(params: virTypedParameterPtr, count: c_uint, field: &str) -> Option<String> {
    if params.is_null() {
        return None;
    }
    // SAFETY: an array of that many parameters, says the caller.
    let params = unsafe { std::slice::from_raw_parts(params, usize::try_from(count).ok()?) };
    let named = |param: &&virTypedParameter| given(param.field.as_ptr()).is_some_and(|name| name == field);
    let param = params.iter().find(named).filter(|param| param.r#type == kind::STRING)?;
    // SAFETY: it is a string, says its type.
    given(unsafe { param.value.s })
}

/// What is wrong with the arguments is for the real library to say.
fn begin(
    domain: virDomainPtr,
    text: *const c_char,
    flags: c_uint,
    start: impl FnOnce(&RealDomain, &str) -> Result<Option<Start>>,
) -> Option<Start> {
    if domain.is_null() || text.is_null() || !Start::is_wanted(flags) {
        return None;
    }
    // SAFETY: the real library's handle and a C string, says the caller.
    let (domain, text) = unsafe { (RealDomain::retain(domain.cast()).ok()?, CStr::from_ptr(text)) };
    guarded(|| Ok(start(&domain, text.to_str().unwrap_or_default())?)).ok().flatten()
}

/// What came of a start. The real library's error of one that it refused stays as it is.
pub fn note_start(start: Option<Start>, failed: bool) {
    let Some(start) = start else { return };
    let _ = guarded(|| {
        let started = if failed { start.refused() } else { Some(start.accepted()) };
        if let Some((domain, name)) = started {
            note_started(domain, name);
        }
        Ok(())
    });
}

/// The domains of a connection of the real library, with their jobs.
pub fn domains(call: &Call, conn: virConnectPtr) -> Outcome<Vec<(DomainRef, Arc<dyn Jobs>)>> {
    // SAFETY: it is not ours, so it is the real library's, says the caller.
    let connect = unsafe { overlay::RealConnect::retain(conn.cast()) }?;
    call.on_foreign(conn);
    Ok(overlay::domains(&connect)?)
}
