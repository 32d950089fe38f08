//! Saving, restoring and dumping a domain's memory.

use std::ffi::{c_char, c_int, c_uint};
use std::path::{Component, PathBuf};

use super::ctypes::{virConnectPtr, virDomainPtr, virTypedParameterPtr};
use super::domain::changed;
use super::entry::{entry, Call, Outcome};
use super::forward::{forward, forward_start};
use super::job::note_started;
use super::overlay::{given, given_param, start_restore, start_whole};
use super::typedparam::{self, kind, once};
use crate::driver::request::{CoreDump, Restore, Save};
use crate::job::JobConfig;
use crate::model::flags::JOB_START_MASK;
use crate::model::{from, Error, JobType, Result};

/// `virDomainSaveRestoreFlags`.
const RUNNING: (u32, &str) = (1 << 1, "VIR_DOMAIN_SAVE_RUNNING");
const PAUSED: (u32, &str) = (1 << 2, "VIR_DOMAIN_SAVE_PAUSED");
const BYPASS_CACHE: u32 = 1 << 0;
const RESET_NVRAM: u32 = 1 << 3;
const SAVE_FLAGS: u32 = BYPASS_CACHE | RUNNING.0 | PAUSED.0 | JOB_START_MASK;
const RESTORE_FLAGS: u32 = SAVE_FLAGS | RESET_NVRAM;

/// `virDomainCoreDumpFlags`.
const CRASH: (u32, &str) = (1 << 0, "VIR_DUMP_CRASH");
const LIVE: (u32, &str) = (1 << 1, "VIR_DUMP_LIVE");
const RESET: (u32, &str) = (1 << 3, "VIR_DUMP_RESET");
const MEMORY_ONLY: u32 = 1 << 4;
const DUMP_FLAGS: u32 = ((1 << 5) - 1) | JOB_START_MASK;
/// `VIR_DOMAIN_CORE_DUMP_FORMAT_LAST`.
const DUMP_FORMATS: u32 = 5;

/// The path as it looks from the root: whoever opens the file may have another working directory.
fn absolute(path: &str) -> Result<String> {
    let whole = std::path::absolute(path).map_err(|why| Error::system(format!("cannot make '{path}' absolute"), &why))?;
    let mut plain = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    let text = plain.into_os_string().into_string();
    text.map_err(|_| Error::invalid_arg(format!("the working directory of '{path}' is not valid UTF-8")))
}

/// What a save of the real library's is asked to do.
fn to_file(path: *const c_char) -> JobConfig {
    JobConfig { file: given(path), ..JobConfig::default() }
}

/// The same of a dump.
fn dump_to(path: *const c_char, flags: u32) -> JobConfig {
    let mut config = to_file(path);
    if flags & MEMORY_ONLY != 0 {
        config.options.push("memory-only".to_owned());
    }
    config
}

/// What a save or restore was given, be it by arguments or by parameters.
struct File<'a> {
    path: &'a str,
    xml: Option<&'a str>,
    flags: u32,
}

fn save(call: &Call, domain: virDomainPtr, file: File<'_>) -> Outcome<()> {
    let (domain, driver) = changed(call, domain, file.flags, SAVE_FLAGS)?;
    let name = driver.save(&Save { file: &absolute(file.path)?, xml: file.xml, flags: file.flags })?;
    note_started(domain.uuid(), name);
    Ok(())
}

fn restore(call: &Call, conn: virConnectPtr, file: File<'_>) -> Outcome<()> {
    let connect = call.connection(conn)?;
    call.flags(file.flags, RESTORE_FLAGS)?;
    let (domain, name) = connect.driver.restore(&Restore { file: &absolute(file.path)?, xml: file.xml, flags: file.flags })?;
    note_started(domain, name);
    Ok(())
}

/// Writes the memory and state of @domain to the file @to and stops it. Returns when that is done.
///
/// Returns 0, or -1 on error, in which case the domain goes on.
#[no_mangle]
pub unsafe extern "C" fn virDomainSave(domain: virDomainPtr, to: *const c_char) -> c_int {
    forward_start!(virDomainSave(domain, to), start_whole(domain, JobType::Save, to_file(to), 0));
    entry(from::DOMAIN, "virDomainSave", |call| {
        let handle = call.domain(domain)?;
        call.writable()?;
        let path = unsafe { call.text(to, "to") }?;
        save(call, domain, File { path, xml: None, flags: 0 })?;
        handle.set_id(-1);
        Ok(())
    })
}

/// Like virDomainSave. The file describes the domain by @dxml unless it is NULL. @flags is a combination of
/// virDomainSaveRestoreFlags and virDomainJobStartFlags.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainSaveFlags(domain: virDomainPtr, to: *const c_char, dxml: *const c_char, flags: c_uint) -> c_int {
    forward_start!(virDomainSaveFlags(domain, to, dxml, flags), flags, start_whole(domain, JobType::Save, to_file(to), flags));
    entry(from::DOMAIN, "virDomainSaveFlags", |call| {
        call.domain(domain)?;
        call.writable()?;
        let path = unsafe { call.text(to, "to") }?;
        let xml = unsafe { call.optional_text(dxml, "dxml") }?;
        call.exclusive(flags, RUNNING, PAUSED)?;
        save(call, domain, File { path, xml, flags })
    })
}

/// The parameters "file" and "dxml", which saving and restoring both take.
unsafe fn file_params(call: &Call, params: virTypedParameterPtr, count: c_int) -> Outcome<Vec<crate::model::TypedParam>> {
    let count = call.non_negative(count, "nparams")?;
    call.given(count == 0 || !params.is_null(), "params")?;
    let known = [once("file", kind::STRING), once("dxml", kind::STRING)];
    // SAFETY: as the caller says.
    Ok(unsafe { typedparam::read(params, count, &known) }?)
}

/// Like virDomainSaveFlags, with the string parameters "file" and "dxml". Without "file" it would be a managed save,
/// which no driver of this library has.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainSaveParams(domain: virDomainPtr, params: virTypedParameterPtr, nparams: c_int, flags: c_uint) -> c_int {
    forward_start!(virDomainSaveParams(domain, params, nparams, flags), flags, {
        let file = given_param(params, nparams.try_into().unwrap_or(0), "file");
        start_whole(domain, JobType::Save, JobConfig { file, ..JobConfig::default() }, flags)
    });
    entry(from::DOMAIN, "virDomainSaveParams", |call| {
        call.domain(domain)?;
        call.writable()?;
        call.exclusive(flags, RUNNING, PAUSED)?;
        call.flags(flags, SAVE_FLAGS)?;
        let params = unsafe { file_params(call, params, nparams) }?;
        let path = typedparam::string(&params, "file").ok_or_else(|| call.unsupported())?;
        save(call, domain, File { path, xml: typedparam::string(&params, "dxml"), flags })
    })
}

/// Starts a domain from the file @from that virDomainSave wrote. Returns when it runs.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainRestore(conn: virConnectPtr, from: *const c_char) -> c_int {
    forward_start!(virDomainRestore(conn, from), start_restore(conn, given(from), None, 0));
    entry(from::DOMAIN, "virDomainRestore", |call| {
        call.connection(conn)?;
        call.writable()?;
        let path = unsafe { call.text(from, "from") }?;
        restore(call, conn, File { path, xml: None, flags: 0 })
    })
}

/// Like virDomainRestore. @dxml replaces the description in the file unless it is NULL. @flags is a combination of
/// virDomainSaveRestoreFlags and virDomainJobStartFlags.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainRestoreFlags(conn: virConnectPtr, from: *const c_char, dxml: *const c_char, flags: c_uint) -> c_int {
    forward_start!(virDomainRestoreFlags(conn, from, dxml, flags), flags, start_restore(conn, given(from), given(dxml), flags));
    entry(from::DOMAIN, "virDomainRestoreFlags", |call| {
        call.connection(conn)?;
        call.writable()?;
        let path = unsafe { call.text(from, "from") }?;
        let xml = unsafe { call.optional_text(dxml, "dxml") }?;
        call.exclusive(flags, RUNNING, PAUSED)?;
        restore(call, conn, File { path, xml, flags })
    })
}

/// Like virDomainRestoreFlags, with the string parameters "file" and "dxml".
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainRestoreParams(conn: virConnectPtr, params: virTypedParameterPtr, nparams: c_int, flags: c_uint) -> c_int {
    forward_start!(virDomainRestoreParams(conn, params, nparams, flags), flags, {
        let text = |field| given_param(params, nparams.try_into().unwrap_or(0), field);
        start_restore(conn, text("file"), text("dxml"), flags)
    });
    entry(from::DOMAIN, "virDomainRestoreParams", |call| {
        call.connection(conn)?;
        call.writable()?;
        call.exclusive(flags, RUNNING, PAUSED)?;
        let params = unsafe { file_params(call, params, nparams) }?;
        let path = typedparam::string(&params, "file").ok_or_else(|| Error::invalid_arg("missing path to restore from"))?;
        restore(call, conn, File { path, xml: typedparam::string(&params, "dxml"), flags })
    })
}

fn core_dump(call: &Call, domain: virDomainPtr, to: *const c_char, format: u32, flags: u32) -> Outcome<()> {
    call.domain(domain)?;
    call.writable()?;
    let path = unsafe { call.text(to, "to") }?;
    if format >= DUMP_FORMATS {
        return Err(call.invalid("flags", format!("dumpformat '{format}' is not supported")));
    }
    for (one, other) in [(CRASH, LIVE), (CRASH, RESET), (LIVE, RESET)] {
        call.exclusive(flags, one, other)?;
    }
    let (domain, driver) = changed(call, domain, flags, DUMP_FLAGS)?;
    let name = driver.core_dump(&CoreDump { file: &absolute(path)?, format, flags })?;
    note_started(domain.uuid(), name);
    Ok(())
}

/// Writes the memory of @domain to the file @to, for a debugger. Returns when that is done. @flags is a combination of
/// virDomainCoreDumpFlags and virDomainJobStartFlags.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainCoreDump(domain: virDomainPtr, to: *const c_char, flags: c_uint) -> c_int {
    forward_start!(virDomainCoreDump(domain, to, flags), flags, start_whole(domain, JobType::Dump, dump_to(to, flags), flags));
    entry(from::DOMAIN, "virDomainCoreDump", |call| core_dump(call, domain, to, 0, flags))
}

/// Like virDomainCoreDump, in the given virDomainCoreDumpFormat.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainCoreDumpWithFormat(domain: virDomainPtr, to: *const c_char, dumpformat: c_uint, flags: c_uint) -> c_int {
    forward_start!(
        virDomainCoreDumpWithFormat(domain, to, dumpformat, flags),
        flags,
        start_whole(domain, JobType::Dump, dump_to(to, flags), flags)
    );
    entry(from::DOMAIN, "virDomainCoreDumpWithFormat", |call| core_dump(call, domain, to, dumpformat, flags))
}

/// Saves @domain to a file of the library's own. No driver of this library keeps such files.
///
/// Returns -1 with VIR_ERR_NO_SUPPORT.
#[no_mangle]
pub extern "C" fn virDomainManagedSave(domain: virDomainPtr, flags: c_uint) -> c_int {
    forward_start!(virDomainManagedSave(domain, flags), flags, start_whole(domain, JobType::Save, JobConfig::default(), flags));
    entry(from::DOMAIN, "virDomainManagedSave", |call| -> Outcome<()> {
        call.domain(domain)?;
        call.writable()?;
        call.exclusive(flags, RUNNING, PAUSED)?;
        changed(call, domain, flags, SAVE_FLAGS)?;
        Err(call.unsupported())
    })
}

/// Whether virDomainManagedSave left a file: it never does. @flags is 0.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virDomainHasManagedSaveImage(domain: virDomainPtr, flags: c_uint) -> c_int {
    forward!(virDomainHasManagedSaveImage(domain, flags));
    entry(from::DOMAIN, "virDomainHasManagedSaveImage", |call| {
        let domain = call.domain(domain)?;
        call.flags(flags, 0)?;
        domain.driver()?;
        Ok(false)
    })
}

/// Removes what virDomainManagedSave left.
///
/// Returns -1 with VIR_ERR_NO_SUPPORT.
#[no_mangle]
pub extern "C" fn virDomainManagedSaveRemove(domain: virDomainPtr, flags: c_uint) -> c_int {
    forward!(virDomainManagedSaveRemove(domain, flags));
    entry(from::DOMAIN, "virDomainManagedSaveRemove", |call| -> Outcome<()> {
        changed(call, domain, flags, 0)?;
        Err(call.unsupported())
    })
}

/// The description in @file, which virDomainSave wrote, here or in libvirt. @flags is a combination of
/// virDomainSaveImageXMLFlags. The caller frees the text.
///
/// Returns NULL on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainSaveImageGetXMLDesc(conn: virConnectPtr, file: *const c_char, flags: c_uint) -> *mut c_char {
    forward!(virDomainSaveImageGetXMLDesc(conn, file, flags));
    entry(from::DOMAIN, "virDomainSaveImageGetXMLDesc", |call| -> Outcome<String> {
        let connect = call.connection(conn)?;
        let path = unsafe { call.text(file, "file") }?;
        call.writable()?;
        call.flags(flags, 1)?;
        Ok(connect.driver.save_image_xml(&absolute(path)?)?)
    })
}

/// Replaces the description in @file, which virDomainSave wrote, by @dxml. It may differ in what the guest cannot see.
/// @flags says whether the guest is to run after a restore: VIR_DOMAIN_SAVE_RUNNING, VIR_DOMAIN_SAVE_PAUSED, or 0 for as before.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virDomainSaveImageDefineXML(
    conn: virConnectPtr,
    file: *const c_char,
    dxml: *const c_char,
    flags: c_uint,
) -> c_int {
    forward!(virDomainSaveImageDefineXML(conn, file, dxml, flags));
    entry(from::DOMAIN, "virDomainSaveImageDefineXML", |call| -> Outcome<()> {
        let connect = call.connection(conn)?;
        call.writable()?;
        let path = unsafe { call.text(file, "file") }?;
        let xml = unsafe { call.text(dxml, "dxml") }?;
        call.exclusive(flags, RUNNING, PAUSED)?;
        call.flags(flags, RUNNING.0 | PAUSED.0)?;
        Ok(connect.driver.define_save_image_xml(&absolute(path)?, xml, flags)?)
    })
}

#[cfg(test)]
mod tests {
    use super::absolute;

    #[test]
    fn paths_are_made_absolute_without_dots() {
        assert_eq!(absolute("/a/./b/../c//d").as_deref(), Ok("/a/c/d"));
        assert_eq!(absolute("/../../a").as_deref(), Ok("/a"));
        let here = std::env::current_dir().expect("there is one");
        assert_eq!(absolute("x"), Ok(format!("{}/x", here.display())));
    }
}
