//! What the README shows is what is in `examples/`, and it works: compiled and run as a reader would.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{accelerator, assert_same, emulator, run, skip};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The blocks of a Markdown text that are marked with this language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("\n```{language}\n");
    text.match_indices(&begin).map(|(at, _)| text[at + begin.len()..].split("```\n").next().unwrap()).collect()
}

/// A directory with the shared library that belongs to this test, under the names that programs know it by.
fn library() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let built = std::env::current_exe().unwrap().with_file_name("libvirt_jobs.so");
    assert!(built.exists(), "{}", built.display());
    for name in ["libvirt-jobs.so", "libvirt-jobs.so.0"] {
        symlink(&built, dir.path().join(name)).unwrap();
    }
    dir
}

/// Compiles the C example in the strictest way that its readers may choose.
fn compile(dir: &Path) -> PathBuf {
    let program = dir.join("copy");
    let lib = dir.display();
    let output = Command::new("cc")
        .args(["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Iinclude", "examples/copy.c", "-o"])
        .arg(&program)
        .args([&format!("-L{lib}"), "-lvirt-jobs", &format!("-Wl,-rpath,{lib}")])
        .current_dir(root())
        .output()
        .expect("a C compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

/// Lines of `text` in the order of `wanted`, or it panics.
fn assert_in_order(text: &str, wanted: &[&str]) {
    let mut rest = text;
    for line in wanted {
        let at = rest.find(line).unwrap_or_else(|| panic!("no '{line}' where it should be in:\n{text}"));
        rest = &rest[at + line.len()..];
    }
}

const LIFE_OF_THE_COPY: &[&str] = &[
    "block-copy-vda-1 is running",
    "block-copy-vda-1 is paused",
    "block-copy-vda-1 is ready",
    "block-copy-vda-1 is completed",
    "<job type='block-copy' state='completed'>",
];

#[test]
fn the_documents_show_the_examples_as_they_are() {
    for (document, language, file) in [
        ("README.md", "c", "examples/copy.c"),
        ("README.md", "python", "examples/watch.py"),
        ("docs/existing-programs.md", "c", "examples/if_there.c"),
        ("docs/existing-programs.md", "python", "examples/with_libvirt.py"),
    ] {
        let text = read(document);
        assert!(blocks(&text, language).contains(&read(file).as_str()), "{document} does not show {file} as it is");
    }
}

#[test]
fn the_declarations_in_the_readme_are_those_of_the_header() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let header = words(&read("include/libvirt/libvirt-jobs.h"));
    let readme = read("README.md");
    let declarations = blocks(&readme, "c")[0];
    assert_eq!(declarations.lines().count(), 4);
    for declaration in declarations.lines() {
        assert!(header.contains(&words(declaration)), "the header has no '{declaration}'");
    }
}

#[test]
fn the_c_example_copies_on_the_test_hypervisor() {
    let lib = library();
    let program = compile(lib.path());
    let shown = run(program.to_str().unwrap(), &["test:///default", "test", "vda", "/var/lib/images/copy.qcow2"]);
    assert_in_order(&shown, LIFE_OF_THE_COPY);
    let wrong = Command::new(&program).args(["test:///default", "no-such", "vda", "/x"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("no-such"), "{wrong:?}");
}

#[test]
fn the_c_example_copies_on_a_real_qemu() {
    let Some(emulator) = emulator() else { return };
    let lib = library();
    let program = compile(lib.path());
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (disk, copy, definition, vms) = (file("disk.qcow2"), file("copy.qcow2"), file("vm.xml"), file("vms"));
    run("qemu-img", &["create", "-q", "-f", "qcow2", &disk, "32M"]);
    run("qemu-io", &["-f", "qcow2", "-c", "write -q -P 5 0 32M", &disk]);
    fs::create_dir(&vms).unwrap();
    let kind = if accelerator() == "kvm" { "kvm" } else { "qemu" };
    let path = run("sh", &["-c", &format!("command -v '{emulator}'")]);
    let xml = read("examples/vm.xml").replace("/tmp/vms/disk.qcow2", &disk).replace("type='kvm'", &format!("type='{kind}'"));
    let xml = xml.replace("<devices>", &format!("<devices>\n    <emulator>{}</emulator>", path.trim())).replace("512", "64");
    fs::write(&definition, xml).unwrap();
    let shown = run(program.to_str().unwrap(), &[&format!("qemu+qmp://{vms}"), &definition, "vda", &copy]);
    assert_in_order(&shown, &["block-create-vda-2 is running", "block-create-vda-2 is completed"]);
    assert_in_order(&shown, LIFE_OF_THE_COPY);
    assert_same(Path::new(&copy), Path::new(&disk));
    let left: Vec<_> = fs::read_dir(&vms).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["demo.log"], "what is left of a domain that was destroyed");
}

#[test]
fn the_python_example_ends_one_job_and_sees_the_other_end() {
    let lib = library();
    let mut command = Command::new("python3");
    command.args(["-B", "examples/watch.py"]).env("VIRT_JOBS_LIBRARY", lib.path().join("libvirt-jobs.so.0"));
    command.env("PYTHONPATH", root().join("python")).current_dir(root());
    let Ok(output) = command.stdin(Stdio::null()).output() else { return skip("no python3") };
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    assert_in_order(
        &shown,
        &[
            "listed: block-pull-vdb-1 block-copy-vda-2\n",
            "block-copy-vda-2 is ready\n",
            "block-copy-vda-2 is completed\n",
            "block-copy-vda-2 wrote 16777216 bytes to /var/lib/images/copy.qcow2\n",
        ],
    );
    assert!(shown.contains("block-pull-vdb-1 is completed\n") && shown.ends_with("left:\n"), "{shown}");
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let mut links = 0;
    for document in docs.chain(top).filter(|path| path.extension().is_some_and(|e| e == "md")) {
        let text = fs::read_to_string(&document).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            if target.starts_with("https://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { document.clone() } else { document.with_file_name(file) };
            assert!(path.exists(), "{}: there is no '{target}'", document.display());
            let heading =
                |line: &str| line.starts_with('#') && line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-") == anchor;
            assert!(anchor.is_empty() || fs::read_to_string(&path).unwrap().lines().any(heading), "{}: no '{target}'", document.display());
            links += 1;
        }
    }
    assert!(links > 10, "only {links} links were found");
}
