//! Listings of domains, and how they are filtered.

use std::ffi::{c_char, c_int, c_uint};
use std::ptr;

use super::alloc::{self, Array};
use super::ctypes::{virConnectPtr, virDomain, virDomainPtr};
use super::entry::{entry, Call, Outcome};
use super::forward::forward;
use super::handle::{Connect, Domain};
use super::object;
use crate::driver::DomainSummary;
use crate::model::{from, DomainState};

/// `virConnectListAllDomainsFlags`, in groups: a domain must satisfy one flag of each group that has a flag set.
mod filter {
    pub const ACTIVE: u32 = 1 << 0;
    pub const INACTIVE: u32 = 1 << 1;
    pub const PERSISTENT: u32 = 1 << 2;
    pub const TRANSIENT: u32 = 1 << 3;
    pub const RUNNING: u32 = 1 << 4;
    pub const PAUSED: u32 = 1 << 5;
    pub const SHUTOFF: u32 = 1 << 6;
    pub const OTHER: u32 = 1 << 7;
    pub const MANAGEDSAVE: u32 = 1 << 8;
    pub const NO_MANAGEDSAVE: u32 = 1 << 9;
    pub const AUTOSTART: u32 = 1 << 10;
    pub const NO_AUTOSTART: u32 = 1 << 11;
    pub const HAS_SNAPSHOT: u32 = 1 << 12;
    pub const NO_SNAPSHOT: u32 = 1 << 13;
    pub const HAS_CHECKPOINT: u32 = 1 << 14;
    pub const NO_CHECKPOINT: u32 = 1 << 15;
    pub const ALL: u32 = (1 << 16) - 1;
    pub const GROUPS: [u32; 7] = [
        ACTIVE | INACTIVE,
        PERSISTENT | TRANSIENT,
        RUNNING | PAUSED | SHUTOFF | OTHER,
        MANAGEDSAVE | NO_MANAGEDSAVE,
        AUTOSTART | NO_AUTOSTART,
        HAS_SNAPSHOT | NO_SNAPSHOT,
        HAS_CHECKPOINT | NO_CHECKPOINT,
    ];
}

fn is_active(summary: &DomainSummary) -> bool {
    summary.domain.id >= 0
}

/// The flags that hold for a domain. None of our drivers has managed saves, autostart or checkpoints.
fn traits_of(connect: &Connect, summary: &DomainSummary, flags: u32) -> u32 {
    let of = |holds: bool, yes: u32, no: u32| if holds { yes } else { no };
    let state = match summary.state {
        DomainState::Running => filter::RUNNING,
        DomainState::Paused => filter::PAUSED,
        DomainState::Shutoff => filter::SHUTOFF,
        _ => filter::OTHER,
    };
    // Only asked for where it matters: it may cost a question to the hypervisor.
    let has_snapshot = flags & (filter::HAS_SNAPSHOT | filter::NO_SNAPSHOT) != 0
        && connect.driver.domain(&summary.domain).and_then(|d| d.snapshot_names()).is_ok_and(|names| !names.is_empty());
    of(is_active(summary), filter::ACTIVE, filter::INACTIVE)
        | of(summary.persistent, filter::PERSISTENT, filter::TRANSIENT)
        | state
        | of(has_snapshot, filter::HAS_SNAPSHOT, filter::NO_SNAPSHOT)
        | filter::NO_MANAGEDSAVE
        | filter::NO_AUTOSTART
        | filter::NO_CHECKPOINT
}

fn selected(connect: &Connect, summary: &DomainSummary, flags: u32) -> bool {
    let traits = traits_of(connect, summary, flags);
    filter::GROUPS.iter().all(|group| flags & group == 0 || flags & group & traits != 0)
}

/// Lists the domains that @flags (virConnectListAllDomainsFlags) selects; 0 selects all.
///
/// If @domains is not NULL it receives an array of handles, terminated by NULL: release each with virDomainFree and the
/// array with free().
///
/// Returns the number of domains, or -1 on error, in which case *@domains is NULL.
#[no_mangle]
pub unsafe extern "C" fn virConnectListAllDomains(conn: virConnectPtr, domains: *mut *mut virDomainPtr, flags: c_uint) -> c_int {
    forward!(virConnectListAllDomains(conn, domains, flags));
    entry(from::DOMAIN, "virConnectListAllDomains", |call| {
        let place = call.maybe_out(domains);
        place.set(ptr::null_mut());
        let connect = call.connection(conn)?;
        call.flags(flags, filter::ALL)?;
        let found = connect.driver.domains()?.into_iter().filter(|summary| selected(&connect, summary, flags));
        if domains.is_null() {
            return Ok(found.count());
        }
        let mut handles = Array::new(free_handle);
        for summary in found {
            handles.push(connect.domain_handle(summary.domain)?.into_ptr())?;
        }
        let (block, count) = handles.release_with(ptr::null_mut())?;
        place.set(block);
        Ok(count)
    })
}

unsafe fn free_handle(domain: *mut virDomain) {
    object::release::<Domain>(domain);
}

/// The number of domains that run.
///
/// Returns the number, or -1 on error.
#[no_mangle]
pub extern "C" fn virConnectNumOfDomains(conn: virConnectPtr) -> c_int {
    forward!(virConnectNumOfDomains(conn));
    entry(from::DOMAIN, "virConnectNumOfDomains", |call| Ok(active(call, conn)?.count()))
}

/// Stores the numbers of the domains that run in @ids, @maxids at most.
///
/// Returns how many were stored, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virConnectListDomains(conn: virConnectPtr, ids: *mut c_int, maxids: c_int) -> c_int {
    forward!(virConnectListDomains(conn, ids, maxids));
    entry(from::DOMAIN, "virConnectListDomains", |call| {
        call.connection(conn)?;
        call.given(!ids.is_null() || maxids <= 0, "ids")?;
        let room = call.non_negative(maxids, "maxids")?;
        let mut stored = 0;
        for summary in active(call, conn)?.take(room) {
            // SAFETY: the caller's array has room for `maxids` numbers.
            unsafe { ids.add(stored).write(summary.domain.id) };
            stored += 1;
        }
        Ok(stored)
    })
}

/// The number of domains that are defined but do not run.
///
/// Returns the number, or -1 on error.
#[no_mangle]
pub extern "C" fn virConnectNumOfDefinedDomains(conn: virConnectPtr) -> c_int {
    forward!(virConnectNumOfDefinedDomains(conn));
    entry(from::DOMAIN, "virConnectNumOfDefinedDomains", |call| Ok(defined(call, conn)?.count()))
}

/// Stores the names of the domains that are defined but do not run in @names, @maxnames at most. Release each with free().
///
/// Returns how many were stored, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virConnectListDefinedDomains(conn: virConnectPtr, names: *mut *mut c_char, maxnames: c_int) -> c_int {
    forward!(virConnectListDefinedDomains(conn, names, maxnames));
    entry(from::DOMAIN, "virConnectListDefinedDomains", |call| {
        call.connection(conn)?;
        call.given(!names.is_null() || maxnames <= 0, "names")?;
        let room = call.non_negative(maxnames, "maxnames")?;
        let found = defined(call, conn)?.take(room).map(|summary| summary.domain.name);
        // SAFETY: the caller's array has room for `maxnames` pointers.
        unsafe { store_names(found, names) }
    })
}

/// Stores copies of `names` in an array of the caller's; all or none.
///
/// # Safety
/// `place` has room for them.
pub unsafe fn store_names(names: impl Iterator<Item = String>, place: *mut *mut c_char) -> Outcome<usize> {
    let mut copies = Array::new(free_text);
    for name in names {
        copies.push(alloc::string(&name)?)?;
    }
    let (block, count) = copies.release();
    // SAFETY: the block has `count` pointers, and so many fit into the place, says the caller.
    unsafe {
        if count > 0 {
            ptr::copy_nonoverlapping(block, place, count);
        }
        alloc::free(block);
    }
    Ok(count)
}

unsafe fn free_text(text: *mut c_char) {
    // SAFETY: one of our own copies.
    unsafe { alloc::free(text) };
}

fn active(call: &Call, conn: virConnectPtr) -> Outcome<impl Iterator<Item = DomainSummary>> {
    Ok(call.connection(conn)?.driver.domains()?.into_iter().filter(is_active))
}

fn defined(call: &Call, conn: virConnectPtr) -> Outcome<impl Iterator<Item = DomainSummary>> {
    Ok(call.connection(conn)?.driver.domains()?.into_iter().filter(|summary| !is_active(summary) && summary.persistent))
}
