//! Which QEMU runs a domain, and whether it can.

use std::env;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::command_line::wrong_kind;
use crate::model::{Error, Result};
use crate::xml::domain::DomainDef;

const KVM: &str = "/dev/kvm";

/// Where QEMU is looked for beside `PATH`, which a program may not have.
const DIRECTORIES: &str = "/usr/bin:/usr/local/bin:/usr/libexec";

/// The emulator of a domain: the one that it names, or the first that is found for its architecture.
///
/// # Errors
/// `SYSTEM_ERROR` if the one that is named cannot be executed; `CONFIG_UNSUPPORTED` if there is none, or the domain needs
/// hardware that is not there.
pub(super) fn find(def: &DomainDef) -> Result<String> {
    let emulator = match &def.emulator {
        Some(emulator) => named(emulator)?,
        None => search(def)?,
    };
    match def.kind.as_str() {
        "qemu" => Ok(emulator),
        "kvm" => match kvm(&def.arch) {
            Ok(()) => Ok(emulator),
            Err(why) => Err(wrong_kind(&emulator, "kvm", &format!(": {why}"))),
        },
        kind => Err(wrong_kind(&emulator, kind, "")),
    }
}

fn named(emulator: &str) -> Result<String> {
    let path = Path::new(emulator);
    if !path.is_absolute() {
        return Err(Error::system(format!("Cannot check QEMU binary {emulator}"), &io::Error::from_raw_os_error(libc::ENOENT)));
    }
    let meta = fs::metadata(path).map_err(|why| Error::system(format!("Cannot check QEMU binary {emulator}"), &why))?;
    let executable = if meta.is_dir() { Err(io::Error::from_raw_os_error(libc::EISDIR)) } else { access(path, libc::X_OK) };
    executable.map_err(|why| Error::system(format!("QEMU binary {emulator} is not executable"), &why))?;
    Ok(emulator.to_owned())
}

fn search(def: &DomainDef) -> Result<String> {
    let name = format!("qemu-system-{}", target(&def.arch));
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).chain(env::split_paths(DIRECTORIES)).filter(|dir| dir.is_absolute()).map(|dir| dir.join(&name));
    let found = places
        .chain((def.arch == env::consts::ARCH).then(|| PathBuf::from("/usr/libexec/qemu-kvm")))
        .find(|candidate| candidate.is_file() && access(candidate, libc::X_OK).is_ok());
    let found = found.and_then(|path| path.into_os_string().into_string().ok());
    found.ok_or_else(|| Error::config(format!("No emulator found for arch '{}'", def.arch)))
}

/// QEMU's name of an architecture, where it is not libvirt's.
fn target(arch: &str) -> &str {
    match arch {
        "i686" => "i386",
        "armv6l" | "armv7l" | "armv7b" => "arm",
        "ppc64le" => "ppc64",
        "ppcemb" => "ppc",
        other => other,
    }
}

/// Whether the host can run guests of an architecture by itself; says why not.
fn kvm(arch: &str) -> std::result::Result<(), String> {
    let own = env::consts::ARCH;
    let related = matches!((own, arch), ("x86_64", "i686") | ("powerpc64", "ppc64" | "ppc64le") | ("aarch64", "armv7l"));
    if arch != own && !related {
        return Err(format!("this host is of arch '{own}'"));
    }
    let open = fs::OpenOptions::new().read(true).write(true).open(KVM);
    open.map(drop).map_err(|why| Error::system(KVM, &why).detail)
}

fn access(path: &Path, mode: i32) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the path is a terminated string.
    match unsafe { libc::access(path.as_ptr(), mode) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::code;

    fn domain(kind: &str, arch: &str, emulator: Option<&str>) -> DomainDef {
        DomainDef { kind: kind.into(), arch: arch.into(), emulator: emulator.map(str::to_owned), ..DomainDef::default() }
    }

    #[test]
    fn an_emulator_that_is_named_must_be_a_program() {
        for (emulator, code) in [
            ("/bin/sh", None),
            ("/nonexistent/qemu", Some(code::SYSTEM_ERROR)),
            ("/tmp", Some(code::SYSTEM_ERROR)),
            ("sh", Some(code::SYSTEM_ERROR)),
            ("/etc/passwd", Some(code::SYSTEM_ERROR)),
        ] {
            assert_eq!(find(&domain("qemu", "x86_64", Some(emulator))).err().map(|e| e.code), code, "{emulator}");
        }
    }

    #[test]
    fn an_architecture_without_emulator_is_refused_with_its_name() {
        let error = find(&domain("qemu", "unicore32", None)).unwrap_err();
        assert_eq!((error.code, error.detail.as_str()), (code::CONFIG_UNSUPPORTED, "No emulator found for arch 'unicore32'"));
    }

    #[test]
    fn kvm_is_refused_for_a_foreign_architecture_and_other_hypervisors_always() {
        for (kind, arch) in [("kvm", "s390x"), ("kvm", "unicore32"), ("test", "x86_64"), ("xen", "x86_64")] {
            let error = find(&domain(kind, arch, Some("/bin/sh"))).unwrap_err();
            assert_eq!(error.code, code::CONFIG_UNSUPPORTED);
            assert!(error.detail.contains(&format!("virt type '{kind}'")), "{error}");
        }
    }
}
