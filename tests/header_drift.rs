//! The headers under `include/` are the ones that the sources make.

use std::path::Path;
use std::{env, fs};

/// Set to make this test write the headers instead of comparing them; `make headers` does.
const REFRESH: &str = "VIRT_JOBS_REFRESH_HEADERS";

fn headers_in(dir: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut headers: Vec<_> = entries
        .map(|entry| entry.expect("the directory can be read").path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    headers.sort();
    headers
}

fn first_difference(committed: &str, made: &str) -> String {
    let pairs = committed.lines().map(Some).chain([None]).zip(made.lines().map(Some).chain([None]));
    for (number, (old, new)) in pairs.enumerate() {
        if old != new {
            let show = |line: Option<&str>| line.unwrap_or("(end of file)").to_owned();
            return format!("line {}\n  committed: {}\n  sources:   {}", number + 1, show(old), show(new));
        }
    }
    "at its end".into()
}

#[test]
fn the_committed_headers_are_what_the_sources_make() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/libvirt");
    let made = headers_in(&Path::new(env!("OUT_DIR")).join("include/libvirt"));
    if env::var_os(REFRESH).is_some() {
        fs::create_dir_all(&committed).unwrap();
        for (name, text) in &made {
            fs::write(committed.join(name), text).unwrap();
        }
    }
    let before = headers_in(&committed);
    let names = |headers: &[(String, String)]| headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&before), names(&made), "include/libvirt and src/capi/abi/*.h.in differ");
    for ((name, old), (_, new)) in before.iter().zip(&made) {
        assert!(old == new, "include/libvirt/{name} is out of date, {}\nRun \"make headers\".", first_difference(old, new));
    }
}
#[test]
fn every_symbol_is_declared_in_the_header_of_its_section() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let templates = headers_in_templates(&root.join("src/capi/abi"));
    let list = fs::read_to_string(root.join("src/capi/symbols.map")).unwrap();
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let [name, _node, section] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
        let marker = format!("@section {section}@");
        let (header, _) = templates.iter().find(|(_, text)| text.contains(&marker)).unwrap_or_else(|| panic!("no header has {marker}"));
        let text = fs::read_to_string(root.join("include/libvirt").join(header)).unwrap();
        let declared = text.lines().any(|line| declares(line, name));
        assert!(declared, "{name} is not in include/libvirt/{header}: symbols.map lists it, but src/capi does not define it");
    }
}

fn headers_in_templates(dir: &Path) -> Vec<(String, String)> {
    let mut templates = headers_in(dir);
    templates.retain(|(name, _)| name.ends_with(".h.in"));
    templates.iter_mut().for_each(|(name, _)| name.truncate(name.len() - ".in".len()));
    templates
}

fn declares(line: &str, name: &str) -> bool {
    let start = line.find(name).filter(|_| !line.trim_start().starts_with('*'));
    start.is_some_and(|at| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        matches!(before, Some(' ' | '*')) && matches!(after, Some('(' | ';'))
    })
}
