//! Handles of the real library in the functions that are ours alone.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_uint, CStr};
use std::sync::Arc;

use super::ctypes::{virConnectPtr, virDomainPtr, virTypedParameter, virTypedParameterPtr};
use super::entry::{guarded, Call, Outcome};
use super::forward::foreign;
use super::handle::Domain;
use super::job::{note_started, Name};
use super::opened;
use super::typedparam::kind;
use crate::driver::overlay::{self, Abort, RealDomain, Start};
use crate::driver::Jobs;
use crate::job::JobConfig;
use crate::model::flags::abort;
use crate::model::{DomainRef, Error, JobType, Result, Uuid};

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
            Subject::Real(domain) => {
                opened::listen(&domain.connect()?);
                overlay::domain(domain.clone())
            }
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

/// A job that is about to be started with a handle of the real library; `None` if it is to have no name of ours. `aim` is
/// the file that it copies to, or pulls down to, if it was given one.
pub fn start_on_disk(domain: virDomainPtr, kind: JobType, disk: *const c_char, aim: *const c_char, flags: c_uint) -> Option<Start> {
    note_unnamed(domain, kind, given(disk));
    begin(domain, disk, flags, |domain, disk| Start::on_disk(domain, kind, disk, given(aim), flags))
}

/// A copy to what a document describes.
pub fn start_copy(domain: virDomainPtr, disk: *const c_char, document: *const c_char, flags: c_uint) -> Option<Start> {
    let target = || given(document).and_then(|document| overlay::copy_target(&document));
    note_unnamed(domain, JobType::BlockCopy, given(disk));
    begin(domain, disk, flags, |domain, disk| Start::on_disk(domain, JobType::BlockCopy, disk, target(), flags))
}

/// The same of a backup.
pub fn start_backup(domain: virDomainPtr, xml: *const c_char, flags: c_uint) -> Option<Start> {
    note_unnamed(domain, JobType::BlockBackup, None);
    begin(domain, xml, flags, |domain, xml| Start::of_backup(domain, xml, flags))
}

/// The same of a job of the domain's own, which is over when the call returns.
pub fn start_whole(domain: virDomainPtr, kind: JobType, config: JobConfig, flags: c_uint) -> Option<Start> {
    if domain.is_null() || !Start::is_wanted(flags) {
        note_unnamed(domain, kind, None);
        return None;
    }
    // SAFETY: the real library's handle, says the caller.
    let domain = unsafe { RealDomain::retain(domain.cast()).ok()? };
    guarded(|| {
        opened::listen(&domain.connect()?);
        Ok(Start::of_domain(&domain, kind, config, flags)?)
    })
    .ok()
    .flatten()
}

/// The same of a restore.
pub fn start_restore(conn: virConnectPtr, file: Option<String>, document: Option<String>, flags: c_uint) -> Option<Start> {
    if conn.is_null() || !Start::is_wanted(flags) {
        return None;
    }
    let file = file?;
    // SAFETY: the real library's handle, says the caller.
    let connect = unsafe { overlay::RealConnect::retain(conn.cast()).ok()? };
    guarded(|| {
        opened::listen(&connect);
        Ok(Start::of_restore(&connect, &file, document, flags)?)
    })
    .ok()
    .flatten()
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

thread_local! {
    /// What is being started without a name.
    static UNNAMED: Cell<Option<(virDomainPtr, JobType, Option<String>)>> = const { Cell::new(None) };
}

/// Whoever asks for names only after a start is to get that of what was started. Until then nothing is asked about it.
fn note_unnamed(domain: virDomainPtr, kind: JobType, disk: Option<String>) {
    UNNAMED.set(Some((domain, kind, disk)));
}

/// The call has succeeded, so its handle is valid.
fn keep_unnamed((domain, kind, disk): (virDomainPtr, JobType, Option<String>)) {
    let _ = guarded(|| {
        // SAFETY: as above.
        let domain = unsafe { RealDomain::retain(domain.cast()) }?;
        note_started(domain.identity()?.uuid, Name::Unknown(kind, disk));
        Ok(())
    });
}

/// The name of what was started without one.
pub fn name_of_started(subject: &Subject, kind: JobType, disk: Option<&str>) -> Result<String> {
    match subject {
        Subject::Ours(_) => Err(Error::no_job("")),
        Subject::Real(domain) => {
            opened::listen(&domain.connect()?);
            overlay::name_of_started(domain, kind, disk)
        }
    }
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
    guarded(|| {
        opened::listen(&domain.connect()?);
        Ok(start(&domain, text.to_str().unwrap_or_default())?)
    })
    .ok()
    .flatten()
}

/// What came of a start. The real library's error of one that it refused stays as it is.
pub fn note_start(start: Option<Start>, failed: bool) {
    let unnamed = UNNAMED.take();
    let Some(start) = start else {
        return unnamed.filter(|_| !failed).into_iter().for_each(keep_unnamed);
    };
    let _ = guarded(|| {
        let started = if failed { start.refused() } else { Some(start.accepted()) };
        if let Some((domain, name)) = started {
            note_started(domain, name);
        }
        Ok(())
    });
}

/// The job on a disk is about to be ended by the older function for it: whether it is to be told from one that fails.
pub fn abort_on_disk(domain: virDomainPtr, disk: *const c_char, flags: c_uint) -> Vec<Abort> {
    if flags & abort::PIVOT != 0 {
        return Vec::new();
    }
    let disk = given(disk);
    aborts(domain, |domain| Abort::on_disk(domain, &disk.unwrap_or_default()))
}

/// The same of what the domain itself does.
pub fn abort_own(domain: virDomainPtr) -> Vec<Abort> {
    aborts(domain, Abort::of_domain)
}

fn aborts(domain: virDomainPtr, find: impl FnOnce(&RealDomain) -> Result<Vec<Abort>>) -> Vec<Abort> {
    if domain.is_null() || !Start::is_wanted(0) {
        return Vec::new();
    }
    // SAFETY: the real library's handle, says the caller.
    let Ok(domain) = (unsafe { RealDomain::retain(domain.cast()) }) else { return Vec::new() };
    guarded(|| Ok(find(&domain)?)).unwrap_or_default()
}

/// What came of it.
pub fn note_abort(aborts: Vec<Abort>, result: c_int) {
    if result < 0 {
        aborts.into_iter().for_each(Abort::refused);
    }
}

/// The domains of a connection of the real library, with their jobs.
pub fn domains(call: &Call, conn: virConnectPtr) -> Outcome<Vec<(DomainRef, Arc<dyn Jobs>)>> {
    // SAFETY: it is not ours, so it is the real library's, says the caller.
    let connect = unsafe { overlay::RealConnect::retain(conn.cast()) }?;
    call.on_foreign(conn);
    opened::listen(&connect);
    Ok(overlay::domains(&connect)?)
}
