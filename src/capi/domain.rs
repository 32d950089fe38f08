//! `virDomainPtr`: finding, describing, starting and stopping domains.

use std::ffi::{c_char, c_int, c_uchar, c_uint, c_ulong};
use std::mem;
use std::sync::Arc;

use super::ctypes::{virConnectPtr, virDomainBlockInfo, virDomainBlockInfoPtr, virDomainInfo, virDomainInfoPtr, virDomainPtr};
use super::entry::{entry, Call, Outcome};
use super::forward::forward;
use super::handle::{Connect, Domain};
use super::object::{self, Strong};
use crate::driver::{self, Key};
use crate::model::{code, from, Uuid};
use crate::xml::reader;

/// Bytes of a UUID, and of its text with the NUL.
const UUID_BYTES: usize = 16;
const UUID_TEXT: usize = 37;

/// `virDomainCreateFlags`.
mod start {
    pub const PAUSED: u32 = 1 << 0;
    pub const AUTODESTROY: u32 = 1 << 1;
    pub const BYPASS_CACHE: u32 = 1 << 2;
    pub const FORCE_BOOT: u32 = 1 << 3;
    pub const VALIDATE: u32 = 1 << 4;
    pub const RESET_NVRAM: u32 = 1 << 5;
    pub const FOR_XML: u32 = PAUSED | AUTODESTROY | VALIDATE | RESET_NVRAM;
    pub const FOR_DEFINED: u32 = PAUSED | AUTODESTROY | BYPASS_CACHE | FORCE_BOOT | RESET_NVRAM;
}

/// `virDomainXMLFlags`.
mod xml {
    pub const SECURE: u32 = 1 << 0;
    pub const MIGRATABLE: u32 = 1 << 3;
    pub const ALL: u32 = (1 << 4) - 1;
}

/// `virDomainModificationImpact`.
const AFFECT_LIVE: u32 = 1 << 0;
const AFFECT_CONFIG: u32 = 1 << 1;
/// `virDomainDestroyFlagsValues`: GRACEFUL and REMOVE_LOGS.
const DESTROY_FLAGS: u32 = (1 << 0) | (1 << 1);
/// `virDomainShutdownFlagValues` and `virDomainRebootFlagValues`: ACPI_POWER_BTN and GUEST_AGENT.
const SHUTDOWN_FLAGS: u32 = (1 << 0) | (1 << 1);
/// `virDomainDefineFlags`: VALIDATE.
const DEFINE_FLAGS: u32 = 1 << 0;
/// `virDomainUndefineFlagsValues`.
const UNDEFINE_FLAGS: u32 = (1 << 7) - 1;

fn find(call: &Call, conn: virConnectPtr, key: impl FnOnce() -> Outcome<Key<'static>>) -> Outcome<Strong<Domain>> {
    let connect = call.connection(conn)?;
    let found = connect.driver.lookup(key()?)?;
    Ok(connect.domain_handle(found)?)
}

/// Finds a domain by its name.
///
/// Returns a handle to be released with virDomainFree, or NULL with VIR_ERR_NO_DOMAIN if there is none.
#[no_mangle]
pub unsafe extern "C" fn virDomainLookupByName(conn: virConnectPtr, name: *const c_char) -> virDomainPtr {
    forward!(virDomainLookupByName(conn, name));
    entry(from::DOMAIN, "virDomainLookupByName", |call| find(call, conn, || Ok(Key::Name(unsafe { call.text(name, "name") }?))))
}

/// Finds a domain that runs by its number.
///
/// Returns a handle to be released with virDomainFree, or NULL with VIR_ERR_NO_DOMAIN if there is none.
#[no_mangle]
pub extern "C" fn virDomainLookupByID(conn: virConnectPtr, id: c_int) -> virDomainPtr {
    forward!(virDomainLookupByID(conn, id));
    entry(from::DOMAIN, "virDomainLookupByID", |call| find(call, conn, || call.non_negative(id, "id").map(|_| Key::Id(id))))
}

/// Finds a domain by the 16 bytes of its UUID.
///
/// Returns a handle to be released with virDomainFree, or NULL with VIR_ERR_NO_DOMAIN if there is none.
#[no_mangle]
pub unsafe extern "C" fn virDomainLookupByUUID(conn: virConnectPtr, uuid: *const c_uchar) -> virDomainPtr {
    forward!(virDomainLookupByUUID(conn, uuid));
    entry(from::DOMAIN, "virDomainLookupByUUID", |call| {
        find(call, conn, || {
            call.given(!uuid.is_null(), "uuid")?;
            // SAFETY: a UUID of the caller's has 16 bytes.
            Ok(Key::Uuid(Uuid(unsafe { uuid.cast::<[u8; UUID_BYTES]>().read() })))
        })
    })
}

/// Finds a domain by the text of its UUID.
///
/// Returns a handle to be released with virDomainFree, or NULL with VIR_ERR_NO_DOMAIN if there is none.
#[no_mangle]
pub unsafe extern "C" fn virDomainLookupByUUIDString(conn: virConnectPtr, uuidstr: *const c_char) -> virDomainPtr {
    forward!(virDomainLookupByUUIDString(conn, uuidstr));
    entry(from::DOMAIN, "virDomainLookupByUUIDString", |call| {
        find(call, conn, || {
            let text = unsafe { call.text(uuidstr, "uuidstr") }?;
            Uuid::parse(text).map(Key::Uuid).ok_or_else(|| call.invalid("uuidstr", "Invalid UUID"))
        })
    })
}

/// Adds a reference to @domain, to be given up with virDomainFree.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainRef(domain: virDomainPtr) -> c_int {
    forward!(virDomainRef(domain));
    entry(from::DOMAIN, "virDomainRef", |call| {
        object::retain::<Domain>(domain).ok_or_else(|| call.no_domain())?.into_ptr();
        Ok(())
    })
}

/// Gives up one reference to @domain. The domain itself is not touched.
///
/// Returns 0, or -1 with VIR_ERR_INVALID_DOMAIN if @domain is NULL or no domain.
#[no_mangle]
pub extern "C" fn virDomainFree(domain: virDomainPtr) -> c_int {
    forward!(virDomainFree(domain));
    entry(from::DOMAIN, "virDomainFree", |call| object::release::<Domain>(domain).map(drop).ok_or_else(|| call.no_domain()))
}

/// The name of @domain. It belongs to the handle.
///
/// Returns the name, or NULL on error.
#[no_mangle]
pub extern "C" fn virDomainGetName(domain: virDomainPtr) -> *const c_char {
    forward!(virDomainGetName(domain));
    entry(from::DOMAIN, "virDomainGetName", |call| Ok(call.domain(domain)?.name().as_ptr()))
}

/// Stores the 16 bytes of the UUID of @domain in @uuid.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainGetUUID(domain: virDomainPtr, uuid: *mut c_uchar) -> c_int {
    forward!(virDomainGetUUID(domain, uuid));
    entry(from::DOMAIN, "virDomainGetUUID", |call| {
        let domain = call.domain(domain)?;
        call.out(uuid.cast::<[u8; UUID_BYTES]>(), "uuid")?.set(domain.uuid().0);
        Ok(())
    })
}

/// Stores the text of the UUID of @domain in @buf, which has room for 37 bytes.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainGetUUIDString(domain: virDomainPtr, buf: *mut c_char) -> c_int {
    forward!(virDomainGetUUIDString(domain, buf));
    entry(from::DOMAIN, "virDomainGetUUIDString", |call| {
        let domain = call.domain(domain)?;
        let mut text = [0u8; UUID_TEXT];
        text[..UUID_TEXT - 1].copy_from_slice(domain.uuid().to_string().as_bytes());
        call.out(buf.cast::<[u8; UUID_TEXT]>(), "buf")?.set(text);
        Ok(())
    })
}

/// The number that the hypervisor gave @domain when the handle was made.
///
/// Returns the number, or (unsigned int) -1 if it does not run or on error.
#[no_mangle]
pub extern "C" fn virDomainGetID(domain: virDomainPtr) -> c_uint {
    forward!(virDomainGetID(domain));
    entry(from::DOMAIN, "virDomainGetID", |call| Ok(call.domain(domain)?.id())) as c_uint
}

/// The connection of @domain, without a reference of its own: it must not be closed.
///
/// Returns the connection, or NULL on error.
#[no_mangle]
pub extern "C" fn virDomainGetConnect(domain: virDomainPtr) -> virConnectPtr {
    forward!(virDomainGetConnect(domain));
    entry(from::DOMAIN, "virDomainGetConnect", |call| Ok(call.domain(domain)?.conn.as_ptr()))
}

/// Stores the state of @domain, its memory in KiB and its CPU time in nanoseconds in @info.
///
/// Returns 0, or -1 on error, in which case *@info is all zeros.
#[no_mangle]
pub unsafe extern "C" fn virDomainGetInfo(domain: virDomainPtr, info: virDomainInfoPtr) -> c_int {
    forward!(virDomainGetInfo(domain, info));
    entry(from::DOMAIN, "virDomainGetInfo", |call| {
        let place = call.maybe_out(info);
        // SAFETY: all zeros is a value of this struct.
        place.set(unsafe { mem::zeroed() });
        let domain = call.domain(domain)?;
        call.given(!info.is_null(), "info")?;
        let info = domain.driver()?.info()?;
        place.set(virDomainInfo {
            state: info.state as c_uchar,
            maxMem: info.max_mem_kib,
            memory: info.memory_kib,
            nrVirtCpu: info.vcpus,
            cpuTime: info.cpu_time_ns,
        });
        Ok(())
    })
}

/// Stores the state of @domain (virDomainState) in @state and, unless it is NULL, why it is in that state in @reason.
///
/// @flags is 0.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainGetState(domain: virDomainPtr, state: *mut c_int, reason: *mut c_int, flags: c_uint) -> c_int {
    forward!(virDomainGetState(domain, state, reason, flags));
    entry(from::DOMAIN, "virDomainGetState", |call| {
        let domain = call.domain(domain)?;
        let place = call.out(state, "state")?;
        call.flags(flags, 0)?;
        let (state, why) = domain.driver()?.state()?;
        place.set(state as c_int);
        call.maybe_out(reason).set(why);
        Ok(())
    })
}

/// The description of @domain. @flags is a combination of virDomainXMLFlags.
///
/// Returns a text to be released with free(), or NULL on error.
#[no_mangle]
pub extern "C" fn virDomainGetXMLDesc(domain: virDomainPtr, flags: c_uint) -> *mut c_char {
    forward!(virDomainGetXMLDesc(domain, flags));
    entry(from::DOMAIN, "virDomainGetXMLDesc", |call| {
        let domain = call.domain(domain)?;
        if domain.conn.readonly && flags & (xml::SECURE | xml::MIGRATABLE) != 0 {
            return Err(call.error(code::OPERATION_DENIED, "virDomainGetXMLDesc with secure flag"));
        }
        call.flags(flags, xml::ALL)?;
        Ok(domain.driver()?.xml(flags)?)
    })
}

/// Whether @domain runs.
///
/// Returns 1 if it does, 0 if not, -1 on error.
#[no_mangle]
pub extern "C" fn virDomainIsActive(domain: virDomainPtr) -> c_int {
    forward!(virDomainIsActive(domain));
    entry(from::DOMAIN, "virDomainIsActive", |call| Ok(call.domain(domain)?.driver()?.is_active()))
}

/// Whether @domain stays defined when it does not run.
///
/// Returns 1 if it does, 0 if not, -1 on error.
#[no_mangle]
pub extern "C" fn virDomainIsPersistent(domain: virDomainPtr) -> c_int {
    forward!(virDomainIsPersistent(domain));
    entry(from::DOMAIN, "virDomainIsPersistent", |call| Ok(call.domain(domain)?.driver()?.is_persistent()))
}

/// Whether the definition of @domain was changed since it was started. It never is by this library.
///
/// Returns 1 if it was, 0 if not, -1 on error.
#[no_mangle]
pub extern "C" fn virDomainIsUpdated(domain: virDomainPtr) -> c_int {
    forward!(virDomainIsUpdated(domain));
    entry(from::DOMAIN, "virDomainIsUpdated", |call| call.domain(domain)?.driver().map(|_| false).map_err(Into::into))
}

/// The kind of operating system that @domain runs, as its description says: "hvm" for everything fully virtualized.
///
/// Returns a text to be released with free(), or NULL on error.
#[no_mangle]
pub extern "C" fn virDomainGetOSType(domain: virDomainPtr) -> *mut c_char {
    forward!(virDomainGetOSType(domain));
    entry(from::DOMAIN, "virDomainGetOSType", |call| {
        let document = reader::parse(&call.domain(domain)?.driver()?.xml(0)?)?;
        Ok(document.child("os").and_then(|os| os.child_text("type")).unwrap_or("hvm").to_owned())
    })
}

/// The largest memory of @domain in KiB.
///
/// Returns the size, or 0 on error.
#[no_mangle]
pub extern "C" fn virDomainGetMaxMemory(domain: virDomainPtr) -> c_ulong {
    forward!(virDomainGetMaxMemory(domain));
    entry(from::DOMAIN, "virDomainGetMaxMemory", |call| Ok(call.domain(domain)?.driver()?.info()?.max_mem_kib))
}

/// The largest number of virtual CPUs of @domain.
///
/// Returns the number, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainGetMaxVcpus(domain: virDomainPtr) -> c_int {
    forward!(virDomainGetMaxVcpus(domain));
    entry(from::DOMAIN, "virDomainGetMaxVcpus", |call| Ok(i32::from(call.domain(domain)?.driver()?.info()?.vcpus)))
}

/// Stores whether @domain is started with the host in @autostart: domains of this library never are.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainGetAutostart(domain: virDomainPtr, autostart: *mut c_int) -> c_int {
    forward!(virDomainGetAutostart(domain, autostart));
    entry(from::DOMAIN, "virDomainGetAutostart", |call| {
        let domain = call.domain(domain)?;
        let place = call.out(autostart, "autostart")?;
        domain.driver()?;
        place.set(0);
        Ok(())
    })
}

/// Stores the sizes of a disk, named by its target or source path, in @info. @flags is 0.
///
/// Returns 0, or -1 on error, in which case *@info is all zeros.
#[no_mangle]
pub unsafe extern "C" fn virDomainGetBlockInfo(
    domain: virDomainPtr,
    disk: *const c_char,
    info: virDomainBlockInfoPtr,
    flags: c_uint,
) -> c_int {
    forward!(virDomainGetBlockInfo(domain, disk, info, flags));
    entry(from::DOMAIN, "virDomainGetBlockInfo", |call| {
        let place = call.maybe_out(info);
        place.set(virDomainBlockInfo { capacity: 0, allocation: 0, physical: 0 });
        let domain = call.domain(domain)?;
        let disk = unsafe { call.text(disk, "disk") }?;
        if disk.is_empty() {
            return Err(call.invalid("disk", "string disk in virDomainGetBlockInfo must not be empty"));
        }
        call.given(!info.is_null(), "info")?;
        call.flags(flags, 0)?;
        let sizes = domain.driver()?.block_info(disk)?;
        place.set(virDomainBlockInfo { capacity: sizes.capacity, allocation: sizes.allocation, physical: sizes.physical });
        Ok(())
    })
}

fn create_xml(call: &Call, conn: virConnectPtr, xml: *const c_char, flags: c_uint) -> Outcome<Strong<Domain>> {
    let connect = call.connection(conn)?;
    let text = unsafe { call.text(xml, "xmlDesc") }?;
    call.writable()?;
    call.flags(flags, start::FOR_XML)?;
    let created = connect.driver.create_xml(text, flags)?;
    Ok(connect.domain_handle(created)?)
}

/// Starts a domain from its description; it is gone once it stops. @flags is a combination of virDomainCreateFlags.
///
/// Returns a handle to be released with virDomainFree, or NULL on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainCreateXML(conn: virConnectPtr, xmlDesc: *const c_char, flags: c_uint) -> virDomainPtr {
    forward!(virDomainCreateXML(conn, xmlDesc, flags));
    entry(from::DOMAIN, "virDomainCreateXML", |call| create_xml(call, conn, xmlDesc, flags))
}

/// An older name of virDomainCreateXML.
#[no_mangle]
pub unsafe extern "C" fn virDomainCreateLinux(conn: virConnectPtr, xmlDesc: *const c_char, flags: c_uint) -> virDomainPtr {
    forward!(virDomainCreateLinux(conn, xmlDesc, flags));
    entry(from::DOMAIN, "virDomainCreateLinux", |call| create_xml(call, conn, xmlDesc, flags))
}

fn define(call: &Call, conn: virConnectPtr, xml: *const c_char, flags: c_uint) -> Outcome<Strong<Domain>> {
    call.connection(conn)?;
    call.writable()?;
    unsafe { call.text(xml, "xml") }?;
    call.flags(flags, DEFINE_FLAGS)?;
    Err(call.unsupported())
}

/// Defines a domain that stays when it stops. No driver of this library keeps definitions.
///
/// Returns NULL with VIR_ERR_NO_SUPPORT.
#[no_mangle]
pub unsafe extern "C" fn virDomainDefineXML(conn: virConnectPtr, xml: *const c_char) -> virDomainPtr {
    forward!(virDomainDefineXML(conn, xml));
    entry(from::DOMAIN, "virDomainDefineXML", |call| define(call, conn, xml, 0))
}

/// Like virDomainDefineXML, with virDomainDefineFlags.
#[no_mangle]
pub unsafe extern "C" fn virDomainDefineXMLFlags(conn: virConnectPtr, xml: *const c_char, flags: c_uint) -> virDomainPtr {
    forward!(virDomainDefineXMLFlags(conn, xml, flags));
    entry(from::DOMAIN, "virDomainDefineXMLFlags", |call| define(call, conn, xml, flags))
}

fn undefine(call: &Call, domain: virDomainPtr, flags: c_uint) -> Outcome<()> {
    call.domain(domain)?;
    call.writable()?;
    call.flags(flags, UNDEFINE_FLAGS)?;
    Err(call.unsupported())
}

/// Takes back what virDomainDefineXML did.
///
/// Returns -1 with VIR_ERR_NO_SUPPORT.
#[no_mangle]
pub extern "C" fn virDomainUndefine(domain: virDomainPtr) -> c_int {
    forward!(virDomainUndefine(domain));
    entry(from::DOMAIN, "virDomainUndefine", |call| undefine(call, domain, 0))
}

/// Like virDomainUndefine, with virDomainUndefineFlagsValues.
#[no_mangle]
pub extern "C" fn virDomainUndefineFlags(domain: virDomainPtr, flags: c_uint) -> c_int {
    forward!(virDomainUndefineFlags(domain, flags));
    entry(from::DOMAIN, "virDomainUndefineFlags", |call| undefine(call, domain, flags))
}

/// The domain of a call that changes it; the flags are checked last, as the driver would.
pub fn changed(call: &Call, domain: virDomainPtr, flags: u32, known: u32) -> Outcome<(Arc<Domain>, Arc<dyn driver::Domain>)> {
    let domain = call.domain(domain)?;
    call.writable()?;
    call.flags(flags, known)?;
    let driver = domain.driver()?;
    Ok((domain, driver))
}

fn start(call: &Call, domain: virDomainPtr, flags: c_uint) -> Outcome<()> {
    let (handle, driver) = changed(call, domain, flags, start::FOR_DEFINED)?;
    driver.start(flags)?;
    refresh_id(&handle.conn, &handle);
    Ok(())
}

/// Takes over the number that a domain has after it was started.
fn refresh_id(connect: &Connect, domain: &Domain) {
    if let Ok(found) = connect.driver.lookup(Key::Uuid(domain.uuid())) {
        domain.set_id(found.id);
    }
}

/// Starts @domain, which is defined and does not run.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainCreate(domain: virDomainPtr) -> c_int {
    forward!(virDomainCreate(domain));
    entry(from::DOMAIN, "virDomainCreate", |call| start(call, domain, 0))
}

/// Like virDomainCreate, with virDomainCreateFlags.
#[no_mangle]
pub extern "C" fn virDomainCreateWithFlags(domain: virDomainPtr, flags: c_uint) -> c_int {
    forward!(virDomainCreateWithFlags(domain, flags));
    entry(from::DOMAIN, "virDomainCreateWithFlags", |call| start(call, domain, flags))
}

/// Stops @domain at once, as if its power were cut. The handle stays valid.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainDestroy(domain: virDomainPtr) -> c_int {
    forward!(virDomainDestroy(domain));
    entry(from::DOMAIN, "virDomainDestroy", |call| {
        let (handle, driver) = changed(call, domain, 0, 0)?;
        driver.destroy(0)?;
        handle.set_id(-1);
        Ok(())
    })
}

/// Like virDomainDestroy, with virDomainDestroyFlagsValues.
#[no_mangle]
pub extern "C" fn virDomainDestroyFlags(domain: virDomainPtr, flags: c_uint) -> c_int {
    forward!(virDomainDestroyFlags(domain, flags));
    entry(from::DOMAIN, "virDomainDestroyFlags", |call| Ok(changed(call, domain, flags, DESTROY_FLAGS)?.1.destroy(flags)?))
}

/// Asks the guest of @domain to shut down.
///
/// Returns 0 once it was asked, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainShutdown(domain: virDomainPtr) -> c_int {
    forward!(virDomainShutdown(domain));
    entry(from::DOMAIN, "virDomainShutdown", |call| Ok(changed(call, domain, 0, 0)?.1.shutdown(0)?))
}

/// Like virDomainShutdown, with virDomainShutdownFlagValues.
#[no_mangle]
pub extern "C" fn virDomainShutdownFlags(domain: virDomainPtr, flags: c_uint) -> c_int {
    forward!(virDomainShutdownFlags(domain, flags));
    entry(from::DOMAIN, "virDomainShutdownFlags", |call| Ok(changed(call, domain, flags, SHUTDOWN_FLAGS)?.1.shutdown(flags)?))
}

/// Asks the guest of @domain to reboot. @flags is a combination of virDomainRebootFlagValues.
///
/// Returns 0 once it was asked, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainReboot(domain: virDomainPtr, flags: c_uint) -> c_int {
    forward!(virDomainReboot(domain, flags));
    entry(from::DOMAIN, "virDomainReboot", |call| Ok(changed(call, domain, flags, SHUTDOWN_FLAGS)?.1.reboot(flags)?))
}

/// Resets @domain, as if its reset button were pressed. @flags is 0.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainReset(domain: virDomainPtr, flags: c_uint) -> c_int {
    forward!(virDomainReset(domain, flags));
    entry(from::DOMAIN, "virDomainReset", |call| Ok(changed(call, domain, flags, 0)?.1.reset()?))
}

/// Stops the virtual CPUs of @domain.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainSuspend(domain: virDomainPtr) -> c_int {
    forward!(virDomainSuspend(domain));
    entry(from::DOMAIN, "virDomainSuspend", |call| Ok(changed(call, domain, 0, 0)?.1.suspend()?))
}

/// Lets the virtual CPUs of @domain go on.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainResume(domain: virDomainPtr) -> c_int {
    forward!(virDomainResume(domain));
    entry(from::DOMAIN, "virDomainResume", |call| Ok(changed(call, domain, 0, 0)?.1.resume()?))
}

/// The domain and the document of a call that plugs or unplugs a device.
fn device<'a>(call: &Call, domain: virDomainPtr, xml: *const c_char, flags: u32) -> Outcome<(Arc<dyn driver::Domain>, &'a str)> {
    call.domain(domain)?;
    let text = unsafe { call.text(xml, "xml") }?;
    let (_, driver) = changed(call, domain, flags, AFFECT_LIVE | AFFECT_CONFIG)?;
    Ok((driver, text))
}

/// Plugs a device, described by @xml, into @domain, which runs.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainAttachDevice(domain: virDomainPtr, xml: *const c_char) -> c_int {
    forward!(virDomainAttachDevice(domain, xml));
    entry(from::DOMAIN, "virDomainAttachDevice", |call| {
        let (driver, text) = device(call, domain, xml, 0)?;
        Ok(driver.attach_device(text, AFFECT_LIVE)?)
    })
}

/// Like virDomainAttachDevice, with virDomainModificationImpact.
#[no_mangle]
pub unsafe extern "C" fn virDomainAttachDeviceFlags(domain: virDomainPtr, xml: *const c_char, flags: c_uint) -> c_int {
    forward!(virDomainAttachDeviceFlags(domain, xml, flags));
    entry(from::DOMAIN, "virDomainAttachDeviceFlags", |call| {
        let (driver, text) = device(call, domain, xml, flags)?;
        Ok(driver.attach_device(text, flags)?)
    })
}

/// Unplugs a device, described by @xml, from @domain, which runs. The guest may take its time; an event tells when it is gone.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainDetachDevice(domain: virDomainPtr, xml: *const c_char) -> c_int {
    forward!(virDomainDetachDevice(domain, xml));
    entry(from::DOMAIN, "virDomainDetachDevice", |call| {
        let (driver, text) = device(call, domain, xml, 0)?;
        Ok(driver.detach_device(text, AFFECT_LIVE)?)
    })
}

/// Like virDomainDetachDevice, with virDomainModificationImpact.
#[no_mangle]
pub unsafe extern "C" fn virDomainDetachDeviceFlags(domain: virDomainPtr, xml: *const c_char, flags: c_uint) -> c_int {
    forward!(virDomainDetachDeviceFlags(domain, xml, flags));
    entry(from::DOMAIN, "virDomainDetachDeviceFlags", |call| {
        let (driver, text) = device(call, domain, xml, flags)?;
        Ok(driver.detach_device(text, flags)?)
    })
}

/// Unplugs a device by its alias. No driver of this library can.
///
/// Returns -1 with VIR_ERR_NO_SUPPORT.
#[no_mangle]
pub unsafe extern "C" fn virDomainDetachDeviceAlias(domain: virDomainPtr, alias: *const c_char, flags: c_uint) -> c_int {
    forward!(virDomainDetachDeviceAlias(domain, alias, flags));
    entry(from::DOMAIN, "virDomainDetachDeviceAlias", |call| -> Outcome<()> {
        call.domain(domain)?;
        unsafe { call.text(alias, "alias") }?;
        changed(call, domain, flags, AFFECT_LIVE | AFFECT_CONFIG)?;
        Err(call.unsupported())
    })
}
