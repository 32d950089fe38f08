//! `virDomainSnapshotPtr`: taking, finding, reverting to and deleting snapshots.

use std::ffi::{c_char, c_int, c_uint, CString};
use std::ptr;
use std::sync::Arc;

use super::alloc::Array;
use super::ctypes::{virConnectPtr, virDomainPtr, virDomainSnapshot, virDomainSnapshotPtr};
use super::domain::changed;
use super::entry::{entry, Call, Out, Outcome};
use super::forward::{forward, forward_start};
use super::handle::{Domain, Snapshot};
use super::job::note_started;
use super::listing::store_names;
use super::object::{self, Strong};
use super::overlay::{given, start_whole};
use crate::driver;
use crate::driver::overlay::Start;
use crate::job::JobConfig;
use crate::model::flags::JOB_START_MASK;
use crate::model::{code, from, Error, JobType, Result};
use crate::xml::reader::{self, Element};

/// `virDomainSnapshotCreateFlags`.
const REDEFINE: (u32, &str) = (1 << 0, "VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE");
const CURRENT: (u32, &str) = (1 << 1, "VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT");
const NO_METADATA: (u32, &str) = (1 << 2, "VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA");
const HALT: (u32, &str) = (1 << 3, "VIR_DOMAIN_SNAPSHOT_CREATE_HALT");
const CREATE_FLAGS: u32 = ((1 << 10) - 1) | JOB_START_MASK;

/// `virDomainSnapshotRevertFlags`.
const REVERT_RUNNING: (u32, &str) = (1 << 0, "VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING");
const REVERT_PAUSED: (u32, &str) = (1 << 1, "VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED");
const REVERT_FLAGS: u32 = ((1 << 4) - 1) | JOB_START_MASK;

/// `virDomainSnapshotDeleteFlags`.
const CHILDREN: (u32, &str) = (1 << 0, "VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN");
const CHILDREN_ONLY: (u32, &str) = (1 << 2, "VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY");
const DELETE_FLAGS: u32 = ((1 << 3) - 1) | JOB_START_MASK;

/// `VIR_DOMAIN_SNAPSHOT_XML_SECURE`.
const XML_SECURE: u32 = 1 << 0;

/// `virDomainSnapshotListFlags`, in groups: a snapshot must satisfy one flag of each group that has a flag set.
mod filter {
    pub const ROOTS: u32 = 1 << 0;
    /// The same bit, where snapshots are listed that are based on one.
    pub const DESCENDANTS: u32 = 1 << 0;
    pub const METADATA: u32 = 1 << 1;
    pub const LEAVES: u32 = 1 << 2;
    pub const NO_LEAVES: u32 = 1 << 3;
    pub const NO_METADATA: u32 = 1 << 4;
    pub const INACTIVE: u32 = 1 << 5;
    pub const ACTIVE: u32 = 1 << 6;
    pub const DISK_ONLY: u32 = 1 << 7;
    pub const INTERNAL: u32 = 1 << 8;
    pub const EXTERNAL: u32 = 1 << 9;
    /// All flags; the last, for parents before children, is how snapshots are listed anyway.
    pub const ALL: u32 = (1 << 11) - 1;
    pub const GROUPS: [u32; 5] = [ROOTS, METADATA | NO_METADATA, LEAVES | NO_LEAVES, INACTIVE | ACTIVE | DISK_ONLY, INTERNAL | EXTERNAL];
}

/// A new handle for a snapshot, owned by the caller.
fn handle(call: &Call, domain: virDomainPtr, name: &str) -> Outcome<Strong<Snapshot>> {
    let domain = object::retain::<Domain>(domain).ok_or_else(|| call.no_domain())?;
    let name = CString::new(name).map_err(|_| Error::internal("a snapshot's name has a NUL inside"))?;
    Ok(Strong::new(Snapshot { domain, name })?)
}

/// The snapshot of a call, its driver's domain and its name.
fn found<'a>(call: &Call, snapshot: &'a Arc<Snapshot>) -> Outcome<(Arc<dyn driver::Domain>, &'a str)> {
    let name = snapshot.name.to_str().map_err(|_| call.no_snapshot())?;
    Ok((snapshot.domain.driver()?, name))
}

/// The flags that hold for a snapshot, read from its description. Those of this library all have metadata.
fn traits_of(document: &Element, has_children: bool) -> u32 {
    let external = |place: &Element| place.attr("snapshot") == Some("external");
    let disks = document.child("disks").into_iter().flat_map(|disks| disks.children_named("disk"));
    let outside = document.child("memory").is_some_and(external) || disks.into_iter().any(external);
    let state = match document.child_text("state") {
        Some("disk-snapshot") => filter::DISK_ONLY,
        Some("shutoff") => filter::INACTIVE,
        _ => filter::ACTIVE,
    };
    let root = if document.child("parent").is_none() { filter::ROOTS } else { 0 };
    let leaf = if has_children { filter::NO_LEAVES } else { filter::LEAVES };
    filter::METADATA | state | root | leaf | if outside { filter::EXTERNAL } else { filter::INTERNAL }
}

/// The names of a domain's snapshots that the flags select.
fn names(driver: &dyn driver::Domain, flags: u32) -> Result<Vec<String>> {
    let names = driver.snapshot_names()?;
    if filter::GROUPS.iter().all(|group| flags & group == 0) {
        return Ok(names);
    }
    let documents = names.iter().map(|name| reader::parse(&driver.snapshot_xml(name)?)).collect::<Result<Vec<_>>>()?;
    let parents: Vec<_> = documents.iter().filter_map(|d| d.child("parent")?.child_text("name")).collect();
    let selected = |(name, document): &(&String, &Element)| {
        let traits = traits_of(document, parents.contains(&name.as_str()));
        filter::GROUPS.iter().all(|group| flags & group == 0 || flags & group & traits != 0)
    };
    Ok(names.iter().zip(&documents).filter(selected).map(|(name, _)| name.clone()).collect())
}

/// The names of the snapshots that are based on one, those based on these too if `flags` says so, which the flags select.
fn names_below(driver: &dyn driver::Domain, base: &str, flags: u32) -> Result<Vec<String>> {
    must_exist(driver, base)?;
    let all = driver.snapshot_names()?;
    let steps = if flags & filter::DESCENDANTS == 0 { 1 } else { all.len() };
    let mut below = Vec::new();
    for name in names(driver, flags & !filter::DESCENDANTS)? {
        let mut above = driver.snapshot_parent(&name)?;
        for _ in 1..steps {
            match above {
                Some(parent) if parent != base => above = driver.snapshot_parent(&parent)?,
                _ => break,
            }
        }
        if above.as_deref() == Some(base) {
            below.push(name);
        }
    }
    Ok(below)
}

/// Makes handles for the snapshots of these names in an array that C is given; returns their number.
fn give_handles(call: &Call, domain: virDomainPtr, names: &[String], place: &Out<*mut virDomainSnapshotPtr>) -> Outcome<usize> {
    let mut handles = Array::new(free_handle);
    for name in names {
        handles.push(handle(call, domain, name)?.into_ptr())?;
    }
    let (block, count) = handles.release_with(ptr::null_mut())?;
    place.set(block);
    Ok(count)
}

/// A snapshot that the real library is to take. What only puts down a description is no job.
fn start_create(domain: virDomainPtr, xml: *const c_char, flags: u32) -> Option<Start> {
    if flags & REDEFINE.0 != 0 {
        return None;
    }
    let name = given(xml).and_then(|xml| Some(reader::parse(&xml).ok()?.child_text("name")?.to_owned()));
    start_whole(domain, JobType::Snapshot, JobConfig { snapshot: name, ..JobConfig::default() }, flags)
}

/// What the real library is to do with a snapshot that it has.
fn start_with(snapshot: virDomainSnapshotPtr, kind: JobType, flags: u32) -> Option<Start> {
    if snapshot.is_null() || !Start::is_wanted(flags) {
        return None;
    }
    let name = given(virDomainSnapshotGetName(snapshot));
    start_whole(virDomainSnapshotGetDomain(snapshot), kind, JobConfig { snapshot: name, ..JobConfig::default() }, flags)
}

/// Takes a snapshot of @domain, described by the `<domainsnapshot>` document @xmlDesc. Returns when it is taken.
///
/// @flags is a combination of virDomainSnapshotCreateFlags and virDomainJobStartFlags.
///
/// Returns a handle to be released with virDomainSnapshotFree, or NULL on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainSnapshotCreateXML(domain: virDomainPtr, xmlDesc: *const c_char, flags: c_uint) -> virDomainSnapshotPtr {
    forward_start!(virDomainSnapshotCreateXML(domain, xmlDesc, flags), flags, start_create(domain, xmlDesc, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotCreateXML", |call| {
        call.domain(domain)?;
        let xml = unsafe { call.text(xmlDesc, "xmlDesc") }?;
        call.writable()?;
        call.requires(flags, CURRENT, REDEFINE)?;
        call.exclusive(flags, REDEFINE, NO_METADATA)?;
        call.exclusive(flags, REDEFINE, HALT)?;
        let (object, driver) = changed(call, domain, flags, CREATE_FLAGS)?;
        let (snapshot, job) = driver.snapshot_create(xml, flags)?;
        note_started(object.uuid(), job);
        handle(call, domain, &snapshot)
    })
}

/// Finds a snapshot of @domain by its name. @flags is 0.
///
/// Returns a handle to be released with virDomainSnapshotFree, or NULL with VIR_ERR_NO_DOMAIN_SNAPSHOT if there is none.
#[no_mangle]
pub unsafe extern "C" fn virDomainSnapshotLookupByName(domain: virDomainPtr, name: *const c_char, flags: c_uint) -> virDomainSnapshotPtr {
    forward!(virDomainSnapshotLookupByName(domain, name, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotLookupByName", |call| {
        let object = call.domain(domain)?;
        let name = unsafe { call.text(name, "name") }?;
        call.flags(flags, 0)?;
        must_exist(&*object.driver()?, name)?;
        handle(call, domain, name)
    })
}

fn must_exist(driver: &dyn driver::Domain, name: &str) -> Result<()> {
    if driver.snapshot_names()?.iter().any(|known| known == name) {
        return Ok(());
    }
    Err(Error::new(code::NO_DOMAIN_SNAPSHOT, format!("no domain snapshot with matching name '{name}'")))
}

/// Lists the snapshots of @domain that @flags (virDomainSnapshotListFlags) selects; 0 selects all.
///
/// If @snaps is not NULL it receives an array of handles, terminated by NULL: release each with virDomainSnapshotFree
/// and the array with free().
///
/// Returns the number of snapshots, or -1 on error, in which case *@snaps is NULL.
#[no_mangle]
pub unsafe extern "C" fn virDomainListAllSnapshots(domain: virDomainPtr, snaps: *mut *mut virDomainSnapshotPtr, flags: c_uint) -> c_int {
    forward!(virDomainListAllSnapshots(domain, snaps, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainListAllSnapshots", |call| {
        let place = call.maybe_out(snaps);
        place.set(ptr::null_mut());
        let object = call.domain(domain)?;
        call.flags(flags, filter::ALL)?;
        let names = names(&*object.driver()?, flags)?;
        if snaps.is_null() {
            return Ok(names.len());
        }
        give_handles(call, domain, &names, &place)
    })
}

unsafe fn free_handle(snapshot: *mut virDomainSnapshot) {
    object::release::<Snapshot>(snapshot);
}

/// The number of snapshots of @domain that @flags (virDomainSnapshotListFlags) selects.
///
/// Returns the number, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainSnapshotNum(domain: virDomainPtr, flags: c_uint) -> c_int {
    forward!(virDomainSnapshotNum(domain, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotNum", |call| {
        let object = call.domain(domain)?;
        call.flags(flags, filter::ALL)?;
        Ok(names(&*object.driver()?, flags)?.len())
    })
}

/// Stores the names of the snapshots of @domain that @flags selects in @names, @nameslen at most. Release each with
/// free().
///
/// Returns how many were stored, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainSnapshotListNames(
    domain: virDomainPtr,
    names: *mut *mut c_char,
    nameslen: c_int,
    flags: c_uint,
) -> c_int {
    forward!(virDomainSnapshotListNames(domain, names, nameslen, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotListNames", |call| {
        let object = call.domain(domain)?;
        call.given(!names.is_null() || nameslen <= 0, "names")?;
        let room = call.non_negative(nameslen, "nameslen")?;
        call.flags(flags, filter::ALL)?;
        let selected = self::names(&*object.driver()?, flags)?;
        // SAFETY: the caller's array has room for `nameslen` pointers.
        unsafe { store_names(selected.into_iter().take(room), names) }
    })
}

/// The number of snapshots that are based on @snapshot and that @flags (virDomainSnapshotListFlags) selects; with
/// VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS also of those based on these, and so on.
///
/// Returns the number, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainSnapshotNumChildren(snapshot: virDomainSnapshotPtr, flags: c_uint) -> c_int {
    forward!(virDomainSnapshotNumChildren(snapshot, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotNumChildren", |call| {
        let snapshot = call.snapshot(snapshot)?;
        call.flags(flags, filter::ALL)?;
        let (driver, name) = found(call, &snapshot)?;
        Ok(names_below(&*driver, name, flags)?.len())
    })
}

/// Stores the names of the snapshots that virDomainSnapshotNumChildren counts in @names, @nameslen at most. Release each
/// with free().
///
/// Returns how many were stored, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainSnapshotListChildrenNames(
    snapshot: virDomainSnapshotPtr,
    names: *mut *mut c_char,
    nameslen: c_int,
    flags: c_uint,
) -> c_int {
    forward!(virDomainSnapshotListChildrenNames(snapshot, names, nameslen, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotListChildrenNames", |call| {
        let snapshot = call.snapshot(snapshot)?;
        call.given(!names.is_null() || nameslen <= 0, "names")?;
        let room = call.non_negative(nameslen, "nameslen")?;
        call.flags(flags, filter::ALL)?;
        let (driver, name) = found(call, &snapshot)?;
        let selected = names_below(&*driver, name, flags)?;
        // SAFETY: the caller's array has room for `nameslen` pointers.
        unsafe { store_names(selected.into_iter().take(room), names) }
    })
}

/// Lists the snapshots that virDomainSnapshotNumChildren counts.
///
/// If @snaps is not NULL it receives an array of handles, terminated by NULL: release each with virDomainSnapshotFree
/// and the array with free().
///
/// Returns the number of snapshots, or -1 on error, in which case *@snaps is NULL.
#[no_mangle]
pub unsafe extern "C" fn virDomainSnapshotListAllChildren(
    snapshot: virDomainSnapshotPtr,
    snaps: *mut *mut virDomainSnapshotPtr,
    flags: c_uint,
) -> c_int {
    forward!(virDomainSnapshotListAllChildren(snapshot, snaps, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotListAllChildren", |call| {
        let place = call.maybe_out(snaps);
        place.set(ptr::null_mut());
        let snapshot = call.snapshot(snapshot)?;
        call.flags(flags, filter::ALL)?;
        let (driver, name) = found(call, &snapshot)?;
        let names = names_below(&*driver, name, flags)?;
        if snaps.is_null() {
            return Ok(names.len());
        }
        give_handles(call, snapshot.domain.as_ptr(), &names, &place)
    })
}

/// Whether @domain has a current snapshot. @flags is 0.
///
/// Returns 1 if it has, 0 if not, -1 on error.
#[no_mangle]
pub extern "C" fn virDomainHasCurrentSnapshot(domain: virDomainPtr, flags: c_uint) -> c_int {
    forward!(virDomainHasCurrentSnapshot(domain, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainHasCurrentSnapshot", |call| {
        let object = call.domain(domain)?;
        call.flags(flags, 0)?;
        Ok(object.driver()?.snapshot_current()?.is_some())
    })
}

/// The current snapshot of @domain. @flags is 0.
///
/// Returns a handle to be released with virDomainSnapshotFree, or NULL with VIR_ERR_NO_DOMAIN_SNAPSHOT if there is none.
#[no_mangle]
pub extern "C" fn virDomainSnapshotCurrent(domain: virDomainPtr, flags: c_uint) -> virDomainSnapshotPtr {
    forward!(virDomainSnapshotCurrent(domain, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotCurrent", |call| {
        let object = call.domain(domain)?;
        call.flags(flags, 0)?;
        let name = object.driver()?.snapshot_current()?;
        let none = || Error::new(code::NO_DOMAIN_SNAPSHOT, "the domain does not have a current snapshot");
        handle(call, domain, &name.ok_or_else(none)?)
    })
}

/// The snapshot that @snapshot is based on. @flags is 0.
///
/// Returns a handle to be released with virDomainSnapshotFree, or NULL with VIR_ERR_NO_DOMAIN_SNAPSHOT if there is none.
#[no_mangle]
pub extern "C" fn virDomainSnapshotGetParent(snapshot: virDomainSnapshotPtr, flags: c_uint) -> virDomainSnapshotPtr {
    forward!(virDomainSnapshotGetParent(snapshot, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotGetParent", |call| {
        let snapshot = call.snapshot(snapshot)?;
        call.flags(flags, 0)?;
        let (driver, name) = found(call, &snapshot)?;
        let none = || Error::new(code::NO_DOMAIN_SNAPSHOT, format!("snapshot '{name}' does not have a parent"));
        let parent = driver.snapshot_parent(name)?.ok_or_else(none)?;
        handle(call, snapshot.domain.as_ptr(), &parent)
    })
}

/// Whether @snapshot is the current one of its domain. @flags is 0.
///
/// Returns 1 if it is, 0 if not, -1 on error.
#[no_mangle]
pub extern "C" fn virDomainSnapshotIsCurrent(snapshot: virDomainSnapshotPtr, flags: c_uint) -> c_int {
    forward!(virDomainSnapshotIsCurrent(snapshot, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotIsCurrent", |call| {
        let snapshot = call.snapshot(snapshot)?;
        call.flags(flags, 0)?;
        let (driver, name) = found(call, &snapshot)?;
        must_exist(&*driver, name)?;
        Ok(driver.snapshot_current()?.is_some_and(|current| current == name))
    })
}

/// Whether this library keeps metadata of @snapshot: it does of all. @flags is 0.
///
/// Returns 1, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainSnapshotHasMetadata(snapshot: virDomainSnapshotPtr, flags: c_uint) -> c_int {
    forward!(virDomainSnapshotHasMetadata(snapshot, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotHasMetadata", |call| {
        let snapshot = call.snapshot(snapshot)?;
        call.flags(flags, 0)?;
        let (driver, name) = found(call, &snapshot)?;
        must_exist(&*driver, name)?;
        Ok(true)
    })
}

/// The name of @snapshot. It belongs to the handle.
///
/// Returns the name, or NULL on error.
#[no_mangle]
pub extern "C" fn virDomainSnapshotGetName(snapshot: virDomainSnapshotPtr) -> *const c_char {
    forward!(virDomainSnapshotGetName(snapshot));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotGetName", |call| Ok(call.snapshot(snapshot)?.name.as_ptr()))
}

/// The domain of @snapshot, without a reference of its own: it must not be freed.
///
/// Returns the domain, or NULL on error.
#[no_mangle]
pub extern "C" fn virDomainSnapshotGetDomain(snapshot: virDomainSnapshotPtr) -> virDomainPtr {
    forward!(virDomainSnapshotGetDomain(snapshot));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotGetDomain", |call| Ok(call.snapshot(snapshot)?.domain.as_ptr()))
}

/// The connection of @snapshot, without a reference of its own: it must not be closed.
///
/// Returns the connection, or NULL on error.
#[no_mangle]
pub extern "C" fn virDomainSnapshotGetConnect(snapshot: virDomainSnapshotPtr) -> virConnectPtr {
    forward!(virDomainSnapshotGetConnect(snapshot));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotGetConnect", |call| Ok(call.snapshot(snapshot)?.domain.conn.as_ptr()))
}

/// The description of @snapshot. @flags is a combination of virDomainSnapshotXMLFlags.
///
/// Returns a text to be released with free(), or NULL on error.
#[no_mangle]
pub extern "C" fn virDomainSnapshotGetXMLDesc(snapshot: virDomainSnapshotPtr, flags: c_uint) -> *mut c_char {
    forward!(virDomainSnapshotGetXMLDesc(snapshot, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotGetXMLDesc", |call| {
        let snapshot = call.snapshot(snapshot)?;
        if snapshot.domain.conn.readonly && flags & XML_SECURE != 0 {
            return Err(call.error(code::OPERATION_DENIED, "virDomainSnapshotGetXMLDesc with secure flag"));
        }
        call.flags(flags, XML_SECURE)?;
        let (driver, name) = found(call, &snapshot)?;
        Ok(driver.snapshot_xml(name)?)
    })
}

/// Takes the domain of @snapshot back to it. Returns when that is done. @flags is a combination of
/// virDomainSnapshotRevertFlags and virDomainJobStartFlags.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainRevertToSnapshot(snapshot: virDomainSnapshotPtr, flags: c_uint) -> c_int {
    forward_start!(virDomainRevertToSnapshot(snapshot, flags), flags, start_with(snapshot, JobType::SnapshotRevert, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainRevertToSnapshot", |call| {
        let snapshot = call.snapshot(snapshot)?;
        call.writable()?;
        call.exclusive(flags, REVERT_RUNNING, REVERT_PAUSED)?;
        call.flags(flags, REVERT_FLAGS)?;
        let (driver, name) = found(call, &snapshot)?;
        note_started(snapshot.domain.uuid(), driver.snapshot_revert(name, flags)?);
        Ok(())
    })
}

/// Deletes @snapshot; the handle must still be freed. Returns when that is done. @flags is a combination of
/// virDomainSnapshotDeleteFlags and virDomainJobStartFlags.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainSnapshotDelete(snapshot: virDomainSnapshotPtr, flags: c_uint) -> c_int {
    forward_start!(virDomainSnapshotDelete(snapshot, flags), flags, start_with(snapshot, JobType::SnapshotDelete, flags));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotDelete", |call| {
        let snapshot = call.snapshot(snapshot)?;
        call.writable()?;
        call.exclusive(flags, CHILDREN, CHILDREN_ONLY)?;
        call.flags(flags, DELETE_FLAGS)?;
        let (driver, name) = found(call, &snapshot)?;
        note_started(snapshot.domain.uuid(), driver.snapshot_delete(name, flags)?);
        Ok(())
    })
}

/// Adds a reference to @snapshot, to be given up with virDomainSnapshotFree.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainSnapshotRef(snapshot: virDomainSnapshotPtr) -> c_int {
    forward!(virDomainSnapshotRef(snapshot));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotRef", |call| {
        object::retain::<Snapshot>(snapshot).ok_or_else(|| call.no_snapshot())?.into_ptr();
        Ok(())
    })
}

/// Gives up one reference to @snapshot. The snapshot itself is not touched.
///
/// Returns 0, or -1 with VIR_ERR_INVALID_DOMAIN_SNAPSHOT if @snapshot is NULL or no snapshot.
#[no_mangle]
pub extern "C" fn virDomainSnapshotFree(snapshot: virDomainSnapshotPtr) -> c_int {
    forward!(virDomainSnapshotFree(snapshot));
    entry(from::DOMAIN_SNAPSHOT, "virDomainSnapshotFree", |call| {
        object::release::<Snapshot>(snapshot).map(drop).ok_or_else(|| call.no_snapshot())
    })
}
