//! Connections and domains of the real library, owned and called safely.
//!
//! A call that fails becomes an [`Error`] with the real library's code, part and text; the real library has told its
//! error handler of it by then. Its strings are copied.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_uint, c_ulong, CStr, CString};
use std::ptr;

use super::access;
use super::functions::{functions, get_domain, qemu_functions, set_error, CBlockJobInfo, CError, CParam, Pointer};
use super::reading::Access;
use super::run::Presence;
use super::words;
use crate::driver::request::BlockJobInfo;
use crate::model::domain::reason;
use crate::model::{code, DomainRef, DomainState, Error, Result, TypedParam, TypedValue, Uuid};

/// `VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES` and its sibling for setting it.
const BANDWIDTH_BYTES: c_uint = 1;
/// `VIR_CONNECT_LIST_DOMAINS_ACTIVE`.
const LIST_ACTIVE: c_uint = 1;

/// `virDomainGetJobStatsFlags`.
pub mod stats {
    pub const COMPLETED: u32 = 1;
    pub const KEEP_COMPLETED: u32 = 2;
}

/// A reference to a connection of the real library.
pub struct RealConnect(pub(super) Pointer);

/// A reference to a domain of the real library, which keeps its connection.
pub struct RealDomain(pub(super) Pointer);

// SAFETY: handles of libvirt may be used on every thread.
unsafe impl Send for RealConnect {}
// SAFETY: as above.
unsafe impl Sync for RealConnect {}
// SAFETY: as above.
unsafe impl Send for RealDomain {}
// SAFETY: as above.
unsafe impl Sync for RealDomain {}

/// What the real library says went wrong in this thread's last call.
pub(super) fn last_error() -> Error {
    let Ok(real) = functions() else { return Error::no_support("libvirt") };
    // SAFETY: the thread's own error, which no other thread touches, and which stays until the next call.
    let told = unsafe { (real.virGetLastError)().cast::<CError>().as_ref() };
    let Some(told) = told else { return Error::internal("an error happened, but the cause is unknown") };
    // SAFETY: NULL or a C string of the error's own.
    let message = unsafe { text(told.message) }.unwrap_or_default();
    let plain = Error::new(told.code, "x").format();
    let (before, after) = plain.split_once("%s").unwrap_or(("", ""));
    let detail = message.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).unwrap_or(&message).to_owned();
    Error { code: told.code, domain: told.domain, detail }
}

/// Forgets the error of a call whose failure means something else.
pub fn forget_error() {
    if let Ok(real) = functions() {
        // SAFETY: a function without conditions.
        unsafe { (real.virResetLastError)() };
    }
}

/// An error on its way from the thread that it came up on to the one whose call it ends.
pub(super) struct SavedError {
    error: Error,
    /// The real library's own, if it is one: told to its handler already.
    real: *mut CError,
}

// SAFETY: a copy of the real library's that nobody else has.
unsafe impl Send for SavedError {}

impl SavedError {
    /// An error of a call of this thread's.
    pub fn of(error: Error) -> SavedError {
        let real = functions().ok().filter(|_| last_error() == error);
        // SAFETY: a function without conditions; its copy is ours.
        let real = real.map_or(ptr::null_mut(), |real| unsafe { (real.virSaveLastError)() });
        SavedError { error, real }
    }

    /// Makes it this thread's.
    pub fn adopt(self) -> Error {
        if let Some(set) = set_error().filter(|_| !self.real.is_null()) {
            // SAFETY: the real library copies it.
            unsafe { set(self.real) };
        }
        self.error.clone()
    }
}

impl Drop for SavedError {
    fn drop(&mut self) {
        if let (Ok(real), false) = (functions(), self.real.is_null()) {
            // SAFETY: ours, and the last use of it.
            unsafe { (real.virFreeError)(self.real) };
        }
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does what the application knows nothing of: whoever tells it of errors is to ask [`is_quiet`] first.
pub fn quietly<R>(work: impl FnOnce() -> R) -> R {
    let before = QUIET.replace(true);
    let result = work();
    QUIET.set(before);
    result
}

/// Whether errors of this thread are nothing to the application.
pub fn is_quiet() -> bool {
    QUIET.get()
}

fn done(result: c_int) -> Result<c_int> {
    if result < 0 {
        Err(last_error())
    } else {
        Ok(result)
    }
}

/// # Safety
/// `text` is NULL or a C string.
pub(super) unsafe fn text(text: *const c_char) -> Option<String> {
    // SAFETY: as the caller says.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// Takes a string that the real library has allocated for its caller.
///
/// # Safety
/// `text` is NULL or such a string.
unsafe fn owned(pointer: *mut c_char) -> Result<String> {
    // SAFETY: as the caller says.
    let copy = unsafe { text(pointer) }.ok_or_else(last_error);
    // SAFETY: libvirt's strings come from malloc; NULL is harmless.
    unsafe { libc::free(pointer.cast()) };
    copy
}

fn c_text(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::invalid_arg("a text with a NUL inside"))
}

/// `virDomainState` and its reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RealState {
    pub state: i32,
    pub reason: i32,
}

impl RealState {
    pub fn is_active(self) -> bool {
        self.state != DomainState::Shutoff as i32
    }

    /// Whether it may be waiting for the memory of a guest that comes from elsewhere. So does look what has given its own away.
    pub fn may_come_in(self) -> bool {
        self.state == DomainState::Paused as i32 && matches!(self.reason, reason::PAUSED_MIGRATION | reason::PAUSED_STARTING_UP)
    }
}

impl RealConnect {
    /// A further reference to a connection.
    ///
    /// # Safety
    /// `conn` is a handle of the real library that is valid during the call.
    ///
    /// # Errors
    /// What the real library says of a handle that is no connection.
    pub unsafe fn retain(conn: Pointer) -> Result<RealConnect> {
        // SAFETY: as the caller says.
        done(unsafe { (functions()?.virConnectRef)(conn) }).map(|_| RealConnect(conn))
    }

    pub fn as_ptr(&self) -> Pointer {
        self.0
    }

    /// The canonical URI.
    pub fn uri(&self) -> Result<String> {
        // SAFETY: our reference keeps the connection.
        unsafe { owned((functions()?.virConnectGetURI)(self.0)) }
    }

    /// Whether it has not been lost, as far as is known; nobody is asked.
    pub fn is_alive(&self) -> bool {
        // SAFETY: our reference keeps the connection.
        functions().is_ok_and(|real| unsafe { (real.virConnectIsAlive)(self.0) } > 0)
    }

    /// The version of the library at the other end: the least that can be asked of it.
    pub fn version(&self) -> Result<c_ulong> {
        let mut version = 0;
        // SAFETY: our reference keeps the connection; there is room for the answer.
        done(unsafe { (functions()?.virConnectGetLibVersion)(self.0, &mut version) })?;
        Ok(version)
    }

    /// The hypervisor's name, as `virConnectGetType` has it.
    pub fn hypervisor(&self) -> String {
        // SAFETY: our reference keeps the connection, and that its type's name.
        functions().ok().and_then(|real| unsafe { text((real.virConnectGetType)(self.0)) }).unwrap_or_default()
    }

    /// Whether it was opened to look only.
    pub fn is_readonly(&self) -> bool {
        // SAFETY: our reference keeps the connection.
        functions().is_ok_and(|real| unsafe { access::is_readonly(real, self.0) })
    }

    /// What may be asked of its domains.
    pub(super) fn access(&self) -> Access {
        Access::of(&self.hypervisor(), self.is_readonly() || qemu_functions().is_err())
    }

    /// The domains that run.
    pub fn active_domains(&self) -> Result<Vec<RealDomain>> {
        let mut list: *mut Pointer = ptr::null_mut();
        // SAFETY: our reference keeps the connection; there is room for the list.
        let count = done(unsafe { (functions()?.virConnectListAllDomains)(self.0, &mut list, LIST_ACTIVE) })?;
        // SAFETY: as many references as it says, each now ours, in an array that is ours to free.
        let domains = (0..count as usize).map(|at| RealDomain(unsafe { *list.add(at) })).collect();
        // SAFETY: as above.
        unsafe { libc::free(list.cast()) };
        Ok(domains)
    }

    /// The description of the domain in a file that a save has written.
    pub fn save_image_xml(&self, file: &str) -> Result<String> {
        let file = c_text(file)?;
        // SAFETY: our reference keeps the connection; the text outlives the call.
        unsafe { owned((functions()?.virDomainSaveImageGetXMLDesc)(self.0, file.as_ptr(), 0)) }
    }

    /// A handle for a domain, which need not be there any more.
    pub fn domain(&self, domain: &DomainRef) -> Result<RealDomain> {
        let uuid = domain.uuid.0;
        let name = c_text(&domain.name)?;
        // SAFETY: our reference keeps the connection; the texts outlive the call.
        let pointer = unsafe {
            match get_domain() {
                Some(make) => make(self.0, name.as_ptr(), uuid.as_ptr(), domain.id),
                None => (functions()?.virDomainLookupByUUID)(self.0, uuid.as_ptr()),
            }
        };
        if pointer.is_null() {
            return Err(last_error());
        }
        Ok(RealDomain(pointer))
    }
}

impl Drop for RealConnect {
    fn drop(&mut self) {
        if let Ok(real) = functions() {
            // SAFETY: our own reference.
            unsafe { (real.virConnectClose)(self.0) };
        }
    }
}

impl Clone for RealConnect {
    fn clone(&self) -> RealConnect {
        if let Ok(real) = functions() {
            // SAFETY: our reference keeps the connection, so this cannot fail.
            unsafe { (real.virConnectRef)(self.0) };
        }
        RealConnect(self.0)
    }
}

impl Clone for RealDomain {
    fn clone(&self) -> RealDomain {
        if let Ok(real) = functions() {
            // SAFETY: our reference keeps the domain, so this cannot fail.
            unsafe { (real.virDomainRef)(self.0) };
        }
        RealDomain(self.0)
    }
}

impl RealDomain {
    /// A further reference to a domain.
    ///
    /// # Safety
    /// `domain` is a handle of the real library that is valid during the call.
    ///
    /// # Errors
    /// What the real library says of a handle that is no domain.
    pub unsafe fn retain(domain: Pointer) -> Result<RealDomain> {
        // SAFETY: as the caller says.
        done(unsafe { (functions()?.virDomainRef)(domain) }).map(|_| RealDomain(domain))
    }

    pub fn as_ptr(&self) -> Pointer {
        self.0
    }

    pub fn connect(&self) -> Result<RealConnect> {
        // SAFETY: our reference keeps the domain, and that its connection.
        unsafe {
            let conn = (functions()?.virDomainGetConnect)(self.0);
            if conn.is_null() {
                return Err(last_error());
            }
            RealConnect::retain(conn)
        }
    }

    /// What may be asked of it.
    pub(super) fn access(&self) -> Result<Access> {
        Ok(self.connect()?.access())
    }

    pub fn identity(&self) -> Result<DomainRef> {
        let real = functions()?;
        let mut uuid = [0; 16];
        // SAFETY: our reference keeps the domain and its name; a UUID has 16 bytes.
        unsafe {
            done((real.virDomainGetUUID)(self.0, uuid.as_mut_ptr()))?;
            let name = text((real.virDomainGetName)(self.0)).ok_or_else(last_error)?;
            Ok(DomainRef { name, uuid: Uuid(uuid), id: self.id() })
        }
    }

    /// -1 for a domain that did not run when the handle was made.
    pub fn id(&self) -> i32 {
        // SAFETY: our reference keeps the domain.
        functions().map_or(-1, |real| unsafe { (real.virDomainGetID)(self.0) } as i32)
    }

    pub fn state(&self) -> Result<RealState> {
        let (mut state, mut reason) = (0, 0);
        // SAFETY: our reference keeps the domain; there is room for both.
        done(unsafe { (functions()?.virDomainGetState)(self.0, &mut state, &mut reason, 0) })?;
        Ok(RealState { state, reason })
    }

    /// Whether there is such a domain, and whether it runs. `stats`: its driver tells that of several domains at once, where
    /// one that is gone is passed over, and no error that the application's handler would get.
    pub(super) fn presence(&self, stats: bool) -> Result<Option<Presence>> {
        /// `VIR_DOMAIN_STATS_STATE`.
        const STATE: c_uint = 1;
        if !stats {
            return match self.state() {
                Err(error) if error.code == code::NO_DOMAIN => {
                    forget_error();
                    Ok(None)
                }
                state => Ok(Some(Presence { state: state?, id: None })),
            };
        }
        let real = functions()?;
        let (mut domains, mut records) = ([self.0, ptr::null_mut()], ptr::null_mut());
        // SAFETY: our reference keeps the domain; the list ends with NULL; the answer is read and given back.
        unsafe {
            let count = done((real.virDomainListGetStats)(domains.as_mut_ptr(), STATE, &mut records, 0))?;
            let presence = (count > 0).then(|| {
                let record = &**records;
                let params = copy_params(record.params, record.nparams);
                let number = |field| words::number(&params, field).and_then(|number| i32::try_from(number).ok()).unwrap_or(0);
                let state = RealState { state: number("state.state"), reason: number("state.reason") };
                Presence { state, id: Some((real.virDomainGetID)(record.dom) as i32).filter(|id| *id > 0) }
            });
            (real.virDomainStatsRecordListFree)(records);
            Ok(presence)
        }
    }

    /// The document of the running domain.
    pub fn xml(&self) -> Result<String> {
        // SAFETY: our reference keeps the domain.
        unsafe { owned((functions()?.virDomainGetXMLDesc)(self.0, 0)) }
    }

    /// Sends a command to the domain's monitor and returns QEMU's whole answer. May take as long as QEMU does.
    pub fn monitor_command(&self, command: &str) -> Result<String> {
        let command = c_text(command)?;
        let mut reply = ptr::null_mut();
        // SAFETY: our reference keeps the domain; the texts outlive the call.
        unsafe {
            done((qemu_functions()?.virDomainQemuMonitorCommand)(self.0, command.as_ptr(), &mut reply, 0))?;
            owned(reply)
        }
    }

    /// The job on a disk; bandwidth in bytes per second.
    pub fn block_job_info(&self, disk: &str) -> Result<Option<BlockJobInfo>> {
        let disk = c_text(disk)?;
        let mut info = CBlockJobInfo::default();
        // SAFETY: our reference keeps the domain; there is room for the answer.
        let found = done(unsafe { (functions()?.virDomainGetBlockJobInfo)(self.0, disk.as_ptr(), &mut info, BANDWIDTH_BYTES) })?;
        let info = BlockJobInfo { kind: info.kind, bandwidth: info.bandwidth, cur: info.cur, end: info.end };
        Ok((found > 0).then_some(info))
    }

    pub fn block_job_abort(&self, disk: &str, flags: u32) -> Result<()> {
        let disk = c_text(disk)?;
        // SAFETY: our reference keeps the domain.
        done(unsafe { (functions()?.virDomainBlockJobAbort)(self.0, disk.as_ptr(), flags) }).map(drop)
    }

    /// In bytes per second.
    pub fn block_job_set_speed(&self, disk: &str, bytes_per_s: u64) -> Result<()> {
        let disk = c_text(disk)?;
        // SAFETY: our reference keeps the domain.
        done(unsafe { (functions()?.virDomainBlockJobSetSpeed)(self.0, disk.as_ptr(), bytes_per_s, BANDWIDTH_BYTES) }).map(drop)
    }

    /// `virDomainGetJobStats`: the older API's type and its parameters.
    pub fn job_stats(&self, flags: u32) -> Result<(i32, Vec<TypedParam>)> {
        let real = functions()?;
        let (mut kind, mut count, mut params) = (0, 0, ptr::null_mut());
        // SAFETY: our reference keeps the domain; there is room for the answer, which is copied and given back.
        unsafe {
            done((real.virDomainGetJobStats)(self.0, &mut kind, &mut params, &mut count, flags))?;
            let copies = copy_params(params, count);
            (real.virTypedParamsFree)(params, count);
            Ok((kind, copies))
        }
    }

    pub fn abort_job(&self) -> Result<()> {
        // SAFETY: our reference keeps the domain.
        done(unsafe { (functions()?.virDomainAbortJob)(self.0) }).map(drop)
    }

    /// The document of the backup that is going on.
    pub fn backup_xml(&self) -> Result<String> {
        // SAFETY: our reference keeps the domain.
        unsafe { owned((functions()?.virDomainBackupGetXMLDesc)(self.0, 0)) }
    }
}

impl Drop for RealDomain {
    fn drop(&mut self) {
        if let Ok(real) = functions() {
            // SAFETY: our own reference.
            unsafe { (real.virDomainFree)(self.0) };
        }
    }
}

/// # Safety
/// `params` has `count` parameters, or `count` is not above zero.
pub(super) unsafe fn copy_params(params: *const CParam, count: c_int) -> Vec<TypedParam> {
    let count = if params.is_null() { 0 } else { usize::try_from(count).unwrap_or(0) };
    // SAFETY: as the caller says; each value is of the type that its parameter says.
    (0..count).filter_map(|at| unsafe { copy_param(&*params.add(at)) }).collect()
}

/// # Safety
/// The parameter comes from the real library. One of a type that is not known here is passed over.
unsafe fn copy_param(param: &CParam) -> Option<TypedParam> {
    // SAFETY: as the caller says; a field ends with a NUL.
    unsafe {
        let field = text(param.field.as_ptr())?;
        let value = match param.kind {
            1 => TypedValue::Int(param.value.i),
            2 => TypedValue::UInt(param.value.ui),
            3 => TypedValue::LLong(param.value.l),
            4 => TypedValue::ULLong(param.value.ul),
            5 => TypedValue::Double(param.value.d),
            6 => TypedValue::Boolean(param.value.b != 0),
            7 => TypedValue::String(text(param.value.s)?),
            _ => return None,
        };
        Some(TypedParam { field, value })
    }
}
