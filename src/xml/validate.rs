//! Validation of documents with xmllint, for tests. It is not on every machine: then the test says so and passes.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Asserts that all documents conform to a RelaxNG schema, and are in the layout that a plain reader relies on.
pub(crate) fn assert_valid(schema: &Path, documents: &[String]) {
    let installed = Command::new("xmllint").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !installed || !schema.exists() {
        // Past the harness, which shows nothing of tests that pass.
        let _ = writeln!(std::io::stderr(), "SKIP: no xmllint, or no {}", schema.display());
        return;
    }
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut command = Command::new("xmllint");
    command.args(["--noout", "--nonet", "--relaxng"]).arg(schema);
    for (i, document) in documents.iter().enumerate() {
        let file = dir.path().join(format!("{i}.xml"));
        std::fs::write(&file, document).expect("temporary file");
        command.arg(file);
    }
    let output = command.output().expect("xmllint runs");
    let complaints = String::from_utf8_lossy(&output.stderr);
    let shown: Vec<&str> = complaints.lines().filter(|line| !line.ends_with(" validates")).take(20).collect();
    let first = documents.iter().enumerate().find(|(i, _)| complaints.contains(&format!("/{i}.xml fails to validate")));
    assert!(output.status.success(), "{}\n{}", shown.join("\n"), first.map_or("", |(_, document)| document));
}

/// A schema of this project.
pub(crate) fn own_schema(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas").join(name)
}
