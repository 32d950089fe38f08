//! `src/capi/symbols.map`: what the library exports, under which version, and which header section declares it.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// One line of the list.
pub struct Symbol {
    pub name: String,
    pub node: String,
    pub section: String,
}

pub fn path() -> PathBuf {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    Path::new(&root).join("src/capi/symbols.map")
}

/// Reads the list and refuses one that is out of order or ambiguous.
pub fn read() -> Vec<Symbol> {
    let path = path();
    println!("cargo:rerun-if-changed={}", path.display());
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let symbols: Vec<Symbol> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(parse).collect();
    for pair in symbols.windows(2) {
        let (before, after) = (&pair[0].name, &pair[1].name);
        assert!(before < after, "{}: '{after}' comes after '{before}'; the list is sorted and names each symbol once", path.display());
    }
    symbols
}

fn parse(line: &str) -> Symbol {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [name, node, section] = fields[..] else { panic!("symbols.map: '{line}' is not of the form NAME NODE SECTION") };
    Symbol { name: name.into(), node: node.into(), section: section.into() }
}

/// The version nodes in use, oldest first: libvirt's, then ours.
pub fn nodes(symbols: &[Symbol]) -> Vec<&str> {
    let mut nodes: Vec<&str> = symbols.iter().map(|symbol| symbol.node.as_str()).collect();
    nodes.sort_by_key(|node| (node.starts_with("VIRT_JOBS"), release(node)));
    nodes.dedup();
    nodes
}

/// `LIBVIRT_0.9.10` as numbers, so that it sorts after `LIBVIRT_0.9.2`.
fn release(node: &str) -> Vec<u32> {
    let version = node.rsplit('_').next().unwrap_or_default();
    version.split('.').map(|part| part.parse().unwrap_or_else(|_| panic!("symbols.map: '{node}' is not a version"))).collect()
}
