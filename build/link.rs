//! Link arguments of the shared library: its name, its symbol versions, and that it is never unloaded.
//!
//! rustc hands the linker a version script of its own, without versions. GNU ld refuses to combine that with another, and
//! lld prefers it to what another says of the same symbols. But in lld a symbol that is known as `name@@version` has that
//! version whatever the scripts say. So each symbol is made known like that, as one to be looked for (`-u`), before any
//! object defines it; a script that goes along declares the versions. Assembler directives (`.symver`) would do the same
//! and get in the way of LTO, of static libraries and of GNU ld.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::symbols::{nodes, Symbol};

const SONAME: &str = "libvirt-jobs.so.0";

pub fn shared_library(symbols: &[Symbol]) {
    for variable in ["CARGO_ENCODED_RUSTFLAGS", "PATH"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    require_lld();
    let versioned: String = symbols.iter().map(|symbol| format!(",-u,{}@@{}", symbol.name, symbol.node)).collect();
    let script = write_nodes(symbols);
    for argument in [
        "-fuse-ld=lld",
        &format!("-Wl,-soname,{SONAME}"),
        "-Wl,-z,nodelete",
        &format!("-Wl,--version-script={}", script.display()),
        &format!("-Wl{versioned}"),
    ] {
        println!("cargo:rustc-cdylib-link-arg={argument}");
    }
}

/// A script that declares the version nodes and puts no symbol into any.
fn write_nodes(symbols: &[Symbol]) -> PathBuf {
    let mut script = String::new();
    let mut parent = String::new();
    for node in nodes(symbols) {
        writeln!(script, "{node} {{ }}{parent};").expect("a String takes everything");
        parent = format!(" {node}");
    }
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let path = Path::new(&out).join("nodes.map");
    fs::write(&path, script).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    path
}

/// Says so where the library would come out without symbol versions, or not at all.
fn require_lld() {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let other = flags.split('\u{1f}').find(|flag| flag.contains("-fuse-ld=") && !flag.contains("-fuse-ld=lld"));
    if let Some(flag) = other {
        panic!("RUSTFLAGS has '{flag}', but libvirt-jobs.so gets its symbol versions from lld only");
    }
    if !rustc_brings_lld(&flags) && !in_path("ld.lld") {
        // The other crate types do not need it, so the build goes on until the shared library is linked.
        println!(
            "cargo:warning=libvirt-jobs.so can be linked by lld only and there is no ld.lld in PATH. Install lld, or build the \
             static library (cargo rustc --lib --crate-type staticlib) and make the shared one with scripts/link-shared.sh"
        );
    }
}

/// Whether rustc links with the lld that comes with it, as it does on x86_64 unless told otherwise.
fn rustc_brings_lld(flags: &str) -> bool {
    let target = env::var("TARGET").unwrap_or_default();
    target == "x86_64-unknown-linux-gnu" && !flags.contains("linker-features=-lld") && !flags.contains("link-self-contained=-linker")
}

fn in_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}
