//! Migration, driven by the hypervisor itself: the peer is told by QEMU's own URI.

use std::ffi::{c_char, c_int, c_uint, c_ulong, c_ulonglong};
use std::sync::Arc;

use super::ctypes::{virConnectPtr, virDomainPtr, virTypedParameterPtr};
use super::domain::changed;
use super::entry::{entry, Call, Outcome};
use super::forward::{forward, forward_start};
use super::handle::Domain;
use super::job::note_started;
use super::object::Strong;
use super::overlay::{given, given_param, start_whole};
use super::typedparam::{self, kind, once, Known};
use crate::driver::overlay::Start;
use crate::driver::request::Migrate;
use crate::job::JobConfig;
use crate::model::flags::JOB_START_MASK;
use crate::model::{code, from, Error, JobType, Result, TypedParam};

/// `virDomainMigrateFlags`.
const PEER2PEER: u32 = 1 << 1;
const TUNNELLED: (u32, &str) = (1 << 2, "VIR_MIGRATE_TUNNELLED");
const NON_SHARED_DISK: (u32, &str) = (1 << 6, "VIR_MIGRATE_NON_SHARED_DISK");
const NON_SHARED_INC: (u32, &str) = (1 << 7, "VIR_MIGRATE_NON_SHARED_INC");
const OFFLINE: u32 = 1 << 10;
const PARALLEL: (u32, &str) = (1 << 17, "VIR_MIGRATE_PARALLEL");
const SYNCHRONOUS_WRITES: (u32, &str) = (1 << 18, "VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES");
const MIGRATE_FLAGS: u32 = ((1 << 21) - 1) | JOB_START_MASK;
/// `VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY`.
const SPEED_POSTCOPY: u32 = 1 << 0;

/// The largest limit in MiB per second that does not overflow in bytes.
const MAX_MIB: u64 = i64::MAX as u64 >> 20;

const URI: &str = "migrate_uri";
const BANDWIDTH: &str = "bandwidth";
const DEST_NAME: &str = "destination_name";
const DEST_XML: &str = "destination_xml";

const fn many(field: &'static str, kind: i32) -> Known {
    Known { field, kind, multiple: true }
}

/// `VIR_MIGRATE_PARAM_*`.
const PARAMS: [Known; 20] = [
    once(URI, kind::STRING),
    once(DEST_NAME, kind::STRING),
    once(DEST_XML, kind::STRING),
    once(BANDWIDTH, kind::ULLONG),
    once("graphics_uri", kind::STRING),
    once("listen_address", kind::STRING),
    many("migrate_disks", kind::STRING),
    once("disks_port", kind::INT),
    many("compression", kind::STRING),
    once("compression.mt.level", kind::INT),
    once("compression.mt.threads", kind::INT),
    once("compression.mt.dthreads", kind::INT),
    once("compression.xbzrle.cache", kind::ULLONG),
    once("persistent_xml", kind::STRING),
    once("auto_converge.initial", kind::INT),
    once("auto_converge.increment", kind::INT),
    once("bandwidth.postcopy", kind::ULLONG),
    once("parallel.connections", kind::INT),
    once("tls.destination", kind::STRING),
    once("disks_uri", kind::STRING),
];

/// The domain of a migration, once its flags are known to go together.
fn source(call: &Call, domain: virDomainPtr, flags: c_ulong) -> Outcome<(Arc<Domain>, u32)> {
    let domain = call.domain(domain)?;
    call.writable()?;
    let unknown = || call.invalid("flags", format!("unsupported flags (0x{flags:x})"));
    let flags = u32::try_from(flags).map_err(|_| unknown())?;
    Ok((domain, flags))
}

fn check_flags(call: &Call, flags: u32) -> Outcome<()> {
    call.exclusive(flags, TUNNELLED, PARALLEL)?;
    call.exclusive(flags, NON_SHARED_DISK, NON_SHARED_INC)?;
    if flags & NON_SHARED_INC.0 == 0 {
        call.requires(flags, SYNCHRONOUS_WRITES, NON_SHARED_DISK)?;
    }
    for (flag, what) in [(OFFLINE, "offline"), (PEER2PEER, "p2p")] {
        if flags & flag != 0 {
            let why = format!("{what} migration is not supported by the source host");
            return Err(call.error(code::ARGUMENT_UNSUPPORTED, why));
        }
    }
    call.flags(flags, MIGRATE_FLAGS)
}

fn check_bandwidth(mib: u64) -> Result<u64> {
    if mib > MAX_MIB {
        return Err(Error::new(code::OVERFLOW, format!("bandwidth must be less than {}", MAX_MIB + 1)));
    }
    Ok(mib)
}

fn run(domain: &Domain, request: &Migrate<'_>) -> Outcome<()> {
    let name = domain.driver()?.migrate(request)?;
    note_started(domain.uuid(), name);
    Ok(())
}

/// A migration of the real library's. Bits that do not fit are for that to refuse.
fn start_migration(domain: virDomainPtr, uri: Option<String>, flags: c_ulong) -> Option<Start> {
    start_whole(domain, JobType::Migration, JobConfig { uri, ..JobConfig::default() }, u32::try_from(flags).ok()?)
}

/// Moves @domain to the hypervisor that listens at @duri, such as "tcp:HOST:PORT" or "unix:PATH". Returns when it has
/// moved.
///
/// @flags is a combination of virDomainMigrateFlags and virDomainJobStartFlags; peer-to-peer migration needs a daemon at
/// either end and is not supported. @dname, unless NULL, is its name there. @bandwidth is in MiB/s; 0 is no limit.
///
/// Returns 0, or -1 on error, in which case the domain goes on here.
#[no_mangle]
pub unsafe extern "C" fn virDomainMigrateToURI(
    domain: virDomainPtr,
    duri: *const c_char,
    flags: c_ulong,
    dname: *const c_char,
    bandwidth: c_ulong,
) -> c_int {
    forward_start!(virDomainMigrateToURI(domain, duri, flags, dname, bandwidth), flags, start_migration(domain, given(duri), flags));
    entry(from::DOMAIN, "virDomainMigrateToURI", |call| {
        let (domain, flags) = source(call, domain, flags)?;
        let uri = unsafe { call.text(duri, "duri") }?;
        check_flags(call, flags)?;
        let params = unsafe { name_param(call, dname) }?;
        run(&domain, &Migrate { uri, bandwidth: check_bandwidth(bandwidth)?, xml: None, flags, params })
    })
}

/// Like virDomainMigrateToURI, to @miguri. @dconnuri is for peer-to-peer migration and not looked at. @dxml, unless
/// NULL, describes the domain there.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainMigrateToURI2(
    domain: virDomainPtr,
    dconnuri: *const c_char,
    miguri: *const c_char,
    dxml: *const c_char,
    flags: c_ulong,
    dname: *const c_char,
    bandwidth: c_ulong,
) -> c_int {
    forward_start!(
        virDomainMigrateToURI2(domain, dconnuri, miguri, dxml, flags, dname, bandwidth),
        flags,
        start_migration(domain, given(dconnuri).or_else(|| given(miguri)), flags)
    );
    let _ = dconnuri; // there is no daemon at the other end
    entry(from::DOMAIN, "virDomainMigrateToURI2", |call| {
        let (domain, flags) = source(call, domain, flags)?;
        check_flags(call, flags)?;
        let uri = unsafe { call.text(miguri, "miguri") }?;
        let xml = unsafe { call.optional_text(dxml, "dxml") }?;
        let params = unsafe { name_param(call, dname) }?;
        run(&domain, &Migrate { uri, bandwidth: check_bandwidth(bandwidth)?, xml, flags, params })
    })
}

/// Like virDomainMigrateToURI2, with parameters (VIR_MIGRATE_PARAM_*), of which "migrate_uri" is a must.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainMigrateToURI3(
    domain: virDomainPtr,
    dconnuri: *const c_char,
    params: virTypedParameterPtr,
    nparams: c_uint,
    flags: c_uint,
) -> c_int {
    forward_start!(
        virDomainMigrateToURI3(domain, dconnuri, params, nparams, flags),
        flags,
        start_migration(domain, given(dconnuri).or_else(|| given_param(params, nparams, URI)), flags.into())
    );
    let _ = dconnuri; // there is no daemon at the other end
    entry(from::DOMAIN, "virDomainMigrateToURI3", |call| {
        let (domain, flags) = source(call, domain, flags.into())?;
        check_flags(call, flags)?;
        let count = usize::try_from(nparams).unwrap_or(0);
        call.given(count == 0 || !params.is_null(), "params")?;
        let given = unsafe { typedparam::read(params, count, &PARAMS) }?;
        let uri = typedparam::string(&given, URI);
        let uri = uri.ok_or_else(|| call.invalid("params", format!("parameter '{URI}' must be given for a direct migration")))?;
        let bandwidth = check_bandwidth(typedparam::number(&given, BANDWIDTH).unwrap_or(0))?;
        let xml = typedparam::string(&given, DEST_XML);
        let taken = [URI, BANDWIDTH, DEST_XML];
        let params = given.iter().filter(|param| !taken.contains(&param.field.as_str())).cloned().collect();
        run(&domain, &Migrate { uri, bandwidth, xml, flags, params })
    })
}

/// What a migration from one daemon to another answers that has none at either end.
fn refuse_daemons(call: &Call, domain: virDomainPtr, flags: c_ulong) -> Outcome<Strong<Domain>> {
    let (_, flags) = source(call, domain, flags)?;
    check_flags(call, flags)?;
    Err(call.unsupported())
}

/// Moves @domain to the host of @dconn, a connection of libvirt's, under the name @dname unless that is NULL. @uri, unless
/// NULL, says how the host is reached. @flags is a combination of virDomainMigrateFlags and virDomainJobStartFlags.
/// @bandwidth is in MiB/s; 0 is no limit. Domains of this library's drivers move by virDomainMigrateToURI.
///
/// Returns a handle for the domain there, to be released with virDomainFree, or NULL on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainMigrate(
    domain: virDomainPtr,
    dconn: virConnectPtr,
    flags: c_ulong,
    dname: *const c_char,
    uri: *const c_char,
    bandwidth: c_ulong,
) -> virDomainPtr {
    forward_start!(virDomainMigrate(domain, dconn, flags, dname, uri, bandwidth), flags, start_migration(domain, given(uri), flags));
    entry(from::DOMAIN, "virDomainMigrate", |call| refuse_daemons(call, domain, flags))
}

/// Like virDomainMigrate. @dxml, unless NULL, describes the domain there.
///
/// Returns a handle for the domain there, to be released with virDomainFree, or NULL on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainMigrate2(
    domain: virDomainPtr,
    dconn: virConnectPtr,
    dxml: *const c_char,
    flags: c_ulong,
    dname: *const c_char,
    uri: *const c_char,
    bandwidth: c_ulong,
) -> virDomainPtr {
    forward_start!(virDomainMigrate2(domain, dconn, dxml, flags, dname, uri, bandwidth), flags, start_migration(domain, given(uri), flags));
    entry(from::DOMAIN, "virDomainMigrate2", |call| refuse_daemons(call, domain, flags))
}

/// Like virDomainMigrate2, with parameters (VIR_MIGRATE_PARAM_*).
///
/// Returns a handle for the domain there, to be released with virDomainFree, or NULL on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainMigrate3(
    domain: virDomainPtr,
    dconn: virConnectPtr,
    params: virTypedParameterPtr,
    nparams: c_uint,
    flags: c_uint,
) -> virDomainPtr {
    forward_start!(
        virDomainMigrate3(domain, dconn, params, nparams, flags),
        flags,
        start_migration(domain, given_param(params, nparams, URI), flags.into())
    );
    entry(from::DOMAIN, "virDomainMigrate3", |call| refuse_daemons(call, domain, flags.into()))
}

/// The name at the destination as a parameter.
unsafe fn name_param(call: &Call, dname: *const c_char) -> Outcome<Vec<TypedParam>> {
    // SAFETY: as the caller says.
    let name = unsafe { call.optional_text(dname, "dname") }?;
    Ok(name.map(|name| TypedParam::string(DEST_NAME, name)).into_iter().collect())
}

fn refuse_postcopy(flags: u32) -> Result<()> {
    if flags & SPEED_POSTCOPY != 0 {
        return Err(Error::new(code::ARGUMENT_UNSUPPORTED, "the speed of post-copy migration has no limit of its own"));
    }
    Ok(())
}

/// Limits migrations of @domain, one that runs included, to @bandwidth MiB/s. @flags is 0.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainMigrateSetMaxSpeed(domain: virDomainPtr, bandwidth: c_ulong, flags: c_uint) -> c_int {
    forward!(virDomainMigrateSetMaxSpeed(domain, bandwidth, flags));
    entry(from::DOMAIN, "virDomainMigrateSetMaxSpeed", |call| {
        let (_, driver) = changed(call, domain, flags, SPEED_POSTCOPY)?;
        refuse_postcopy(flags)?;
        Ok(driver.migrate_set_max_speed(check_bandwidth(bandwidth)?)?)
    })
}

/// Stores the limit of migrations of @domain in MiB/s in @bandwidth. @flags is 0.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainMigrateGetMaxSpeed(domain: virDomainPtr, bandwidth: *mut c_ulong, flags: c_uint) -> c_int {
    forward!(virDomainMigrateGetMaxSpeed(domain, bandwidth, flags));
    entry(from::DOMAIN, "virDomainMigrateGetMaxSpeed", |call| {
        call.domain(domain)?;
        let place = call.out(bandwidth, "bandwidth")?;
        let (_, driver) = changed(call, domain, flags, SPEED_POSTCOPY)?;
        refuse_postcopy(flags)?;
        place.set(driver.migrate_get_max_speed()?);
        Ok(())
    })
}

/// Lets migrations of @domain, one that runs included, stop the guest for @downtime milliseconds at most. @flags is 0.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainMigrateSetMaxDowntime(domain: virDomainPtr, downtime: c_ulonglong, flags: c_uint) -> c_int {
    forward!(virDomainMigrateSetMaxDowntime(domain, downtime, flags));
    entry(from::DOMAIN, "virDomainMigrateSetMaxDowntime", |call| {
        Ok(changed(call, domain, flags, 0)?.1.migrate_set_max_downtime(downtime)?)
    })
}

/// Stores how long migrations of @domain may stop the guest, in milliseconds, in @downtime. @flags is 0.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainMigrateGetMaxDowntime(domain: virDomainPtr, downtime: *mut c_ulonglong, flags: c_uint) -> c_int {
    forward!(virDomainMigrateGetMaxDowntime(domain, downtime, flags));
    entry(from::DOMAIN, "virDomainMigrateGetMaxDowntime", |call| {
        let domain = call.domain(domain)?;
        let place = call.out(downtime, "downtime")?;
        call.flags(flags, 0)?;
        place.set(domain.driver()?.migrate_get_max_downtime()?);
        Ok(())
    })
}

/// Switches the migration of @domain that runs to post-copy: the guest goes on at the destination at once. @flags is 0.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainMigrateStartPostCopy(domain: virDomainPtr, flags: c_uint) -> c_int {
    forward!(virDomainMigrateStartPostCopy(domain, flags));
    entry(from::DOMAIN, "virDomainMigrateStartPostCopy", |call| Ok(changed(call, domain, flags, 0)?.1.migrate_start_postcopy()?))
}
