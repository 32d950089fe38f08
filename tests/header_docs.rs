//! Every function, type and macro of the headers is explained where it is declared.

use std::fs;
use std::path::Path;

/// What begins like a declaration and needs no comment of its own: further names, and what compilers want.
const PLAIN: &[&str] = &["typedef enum _", "typedef struct _", "extern \"C\"", "#define VIR_DEPRECATED", "#define VIR_EXPORT_VAR"];

fn headers() -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/libvirt");
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap())).collect()
}

fn begins_declaration(line: &str) -> bool {
    let pointer_name = line.starts_with("typedef vir") && line.contains(" *vir");
    let begins =
        line.starts_with(|c: char| c.is_ascii_lowercase()) || line.starts_with("#define VIR") || line.starts_with("VIR_EXPORT_VAR");
    begins && !pointer_name && !PLAIN.iter().any(|plain| line.starts_with(plain))
}

#[test]
fn everything_declared_is_explained() {
    let mut bare = Vec::new();
    let mut declarations = 0;
    for (name, text) in headers() {
        let mut before = "";
        for line in text.lines() {
            if begins_declaration(line) {
                declarations += 1;
                if !before.ends_with("*/") {
                    bare.push(format!("{name}: {line}"));
                }
            }
            before = line;
        }
    }
    assert!(declarations > 300, "only {declarations} declarations were found");
    assert!(bare.is_empty(), "without a comment:\n{}", bare.join("\n"));
}

#[test]
fn parameters_have_names_for_readers() {
    for (name, text) in headers() {
        for line in text.lines().filter(|line| !line.trim_start().starts_with(['*', '/', '#'])) {
            let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            let odd = words.clone().find(|word| word.starts_with('_') && !word.starts_with("_vir") && !word.starts_with("__"));
            assert_eq!(odd, None, "include/libvirt/{name}: {line}");
        }
    }
}

#[test]
fn comments_read_as_c_and_not_as_rust() {
    for (name, text) in headers() {
        for mark in ["[`", "`]", "::", "Option<", "# Safety", "# Errors", "Rust enum"] {
            let found = text.lines().find(|line| line.contains(mark) && line.trim_start().starts_with('*'));
            assert_eq!(found, None, "include/libvirt/{name} has {mark}");
        }
    }
}
