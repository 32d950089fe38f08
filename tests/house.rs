//! The house rule: a file may use what is in rooms below its own, never above or beside.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the top down; those on one line are beside each other. `driver` alone is the trait and what the drivers share.
const FLOORS: &[&[&str]] = &[
    &["capi"],
    &["driver::test", "driver::qemu", "driver::overlay"],
    &["driver", "eventloop"],
    &["qmp", "event", "xml"],
    &["job"],
    &["model"],
];

#[test]
fn every_arrow_points_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut arrows = 0;
    for file in rust_files(&src) {
        let module = module_of(&src, &file);
        let Some(room) = room_of(&module) else { continue };
        for path in paths_in(&fs::read_to_string(&file).unwrap(), &module) {
            let Some(other) = room_of(&path) else { continue };
            arrows += usize::from(other != room);
            if other != room && floor(&other) <= floor(&room) {
                wrong.push(format!("{} ({room}) uses {} ({other})", file.display(), path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point up or sideways:\n{}", wrong.join("\n"));
    assert!(arrows > 50, "only {arrows} arrows were found: the test does not see the code");
}

#[test]
fn every_file_has_a_room() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in rust_files(&src) {
        let module = module_of(&src, &file);
        assert!(module.is_empty() || module[0] == "bin" || room_of(&module).is_some(), "{} belongs to no room", file.display());
    }
}

#[test]
fn only_the_c_interface_defines_c_functions() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in rust_files(&src) {
        let module = module_of(&src, &file);
        if module.first().is_some_and(|first| first != "capi") {
            let text = fs::read_to_string(&file).unwrap();
            assert!(!text.contains("#[no_mangle]") && !text.contains("#[unsafe(no_mangle)]"), "{}", file.display());
        }
    }
}

#[test]
fn the_engine_is_pure() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/job");
    for file in rust_files(&src) {
        let text = fs::read_to_string(&file).unwrap();
        for word in ["unsafe", "std::time", "std::thread", "std::fs", "std::io", "std::net", "std::sync", "parking_lot", "libc::"] {
            assert!(!text.contains(word), "{} mentions {word}", file.display());
        }
    }
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn module_of(src: &Path, file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(src).unwrap().with_extension("");
    let mut parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib")) {
        parts.pop();
    }
    parts
}

fn room_of(path: &[String]) -> Option<String> {
    let first = path.first()?;
    if first == "driver" {
        if let Some(second) = path.get(1).filter(|second| FLOORS[1].contains(&format!("driver::{second}").as_str())) {
            return Some(format!("driver::{second}"));
        }
    }
    FLOORS.iter().any(|floor| floor.contains(&first.as_str())).then(|| first.clone())
}

fn floor(room: &str) -> usize {
    FLOORS.iter().position(|floor| floor.contains(&room)).unwrap()
}

/// Every path in the text that starts at `crate` or climbs with `super`, groups in braces taken apart one level deep.
fn paths_in(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        paths.extend(follow(&code[at + 7..], Vec::new()));
    }
    let mut rest = code.as_str();
    while let Some(at) = rest.find("super::") {
        rest = &rest[at..];
        let mut base = module.to_vec();
        while let Some(next) = rest.strip_prefix("super::") {
            base.pop();
            rest = next;
        }
        paths.extend(follow(rest, base));
    }
    paths
}

fn follow(text: &str, mut base: Vec<String>) -> Vec<Vec<String>> {
    let mut rest = text.trim_start();
    loop {
        if let Some(group) = rest.strip_prefix('{') {
            let inside = group.split('}').next().unwrap_or_default();
            return inside
                .split(',')
                .map(|item| item.trim().split("::").next().unwrap_or_default())
                .filter(|item| !item.is_empty() && *item != "self")
                .map(|item| base.iter().cloned().chain([item.to_owned()]).collect())
                .collect();
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end == 0 {
            return vec![base];
        }
        base.push(rest[..end].to_owned());
        match rest[end..].strip_prefix("::") {
            Some(next) => rest = next,
            None => return vec![base],
        }
    }
}
