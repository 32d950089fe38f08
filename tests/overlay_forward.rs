//! No export that takes a handle may forget that the handle can be the real libvirt's.

use std::fs;
use std::path::Path;

const HANDLES: [&str; 3] = ["virConnectPtr", "virDomainPtr", "virDomainSnapshotPtr"];

/// Each exported function with the names of its parameters, the type of the first, and its body.
fn exports() -> Vec<(String, Vec<String>, String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/capi")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for item in text.split("#[no_mangle]\n").skip(1) {
            let Some((head, rest)) = item.split_once("extern \"C\" fn ") else { continue };
            assert!(!head.contains('{'), "{}: {head}", path.display());
            let (name, rest) = rest.split_once('(').unwrap();
            let (parameters, rest) = rest.split_once(')').unwrap();
            let body = rest.split_once('{').unwrap().1.split("\n}\n").next().unwrap();
            let mut names = Vec::new();
            let mut first = String::new();
            for (name, kind) in parameters.split(',').filter_map(|parameter| parameter.split_once(':')) {
                names.push(name.trim().to_owned());
                if names.len() == 1 {
                    first = kind.trim().to_owned();
                }
            }
            found.push((name.to_owned(), names, first, body.to_owned()));
        }
    }
    found
}

#[test]
fn every_export_with_a_handle_passes_it_on() {
    let mut passed = 0;
    for (name, parameters, first, body) in exports() {
        if !HANDLES.contains(&first.as_str()) {
            continue;
        }
        let plain: String = body.split_whitespace().collect();
        let call = format!("({name}({}));", parameters.join(","));
        let forwards = ["forward!", "forward_if_known!"].iter().any(|how| plain.contains(&format!("{how}{call}")));
        let noted =
            ["forward_start!", "forward_abort!"].iter().any(|how| plain.contains(&format!("{how}({name}({}),", parameters.join(","))));
        assert!(forwards || noted, "{name} does not pass its arguments on");
        let before = plain.split("forward").next().unwrap();
        assert!(!before.contains("entry(") && !before.contains("resolve"), "{name} does something of its own first: {before}");
        passed += 1;
    }
    assert!(passed > 100, "only {passed} functions were found");
}

/// What kills QEMU or libvirtd, or leaves libvirt with a document that is not so, when it comes through libvirt's monitor.
#[test]
fn nothing_dangerous_is_sent_through_libvirts_monitor() {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/driver/overlay")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for command in ["dump-guest-memory", "query-named-block-nodes", "\"migrate", "\"human-monitor-command", "\"block-job-cancel"] {
            assert!(!text.contains(command), "{} sends {command}", path.display());
        }
    }
}
