//! docs/what-works-where.md is what the drivers and the exports say.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

use virt_jobs::driver::overlay::{self, Access};
use virt_jobs::driver::{qemu, request::ListFilter, test, translate, uri::Target, Key};
use virt_jobs::event::Subscriptions;
use virt_jobs::job::{Engine, HypStatus, Listed, Observation, Powers, Progress};
use virt_jobs::model::{ControlOp, JobType, Now, TypedParam};

/// Set to make this test write the document instead of comparing it.
const REFRESH: &str = "VIRT_JOBS_REFRESH_TABLE";
const DOCUMENT: &str = "docs/what-works-where.md";
const HEAD: &str = "# What works where

Made by `VIRT_JOBS_REFRESH_TABLE=1 cargo test --test what_works_where` from the drivers' tables of what they can do and from the
sources of the exports. [existing-programs.md](existing-programs.md) says what the monitor and a read-only connection are about.
";

/// QEMU's words for types of jobs. Others are of type `other`.
const WORDS: [&str; 10] =
    ["stream", "mirror", "commit", "backup", "create", "amend", "snapshot-save", "snapshot-load", "snapshot-delete", "a later version's"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What can be done with a running, ready or paused job, by the engine with a driver's powers.
fn operations(powers: Powers, kind: JobType) -> Vec<&'static str> {
    let can = |op: ControlOp| {
        [HypStatus::Running, HypStatus::Ready, HypStatus::Paused].into_iter().any(|status| {
            let mut engine = Engine::new(powers);
            let job = Listed { id: "job".to_owned(), kind, status, progress: Progress::default(), error: None };
            engine.observe(Observation::Unlisted(job), Now::default(), &mut Vec::new());
            // QEMU's word for both commits is the same: one that gets ready is an active one.
            engine.get("job").is_some_and(|job| job.kind() == kind) && engine.control("job", op, &mut Vec::new()).is_ok()
        })
    };
    [ControlOp::Pause, ControlOp::Resume, ControlOp::Finalize, ControlOp::Abort]
        .into_iter()
        .filter(|op| can(*op))
        .map(ControlOp::as_str)
        .collect()
}

fn shown(mut operations: Vec<&'static str>, speed: bool) -> String {
    if speed {
        operations.push("speed");
    }
    match operations.is_empty() {
        true => "listed".to_owned(),
        false => operations.join(", "),
    }
}

/// The types of jobs that are seen with such an access.
fn seen(access: Access) -> BTreeSet<JobType> {
    let mut kinds = BTreeSet::new();
    if access.monitor {
        kinds.extend(WORDS.iter().map(|word| translate::kind_of(word)));
    }
    if access.block_jobs {
        kinds.extend((0..64).filter_map(overlay::block_kind));
    }
    if access.domain_jobs {
        kinds.extend((0..64).filter_map(|number| overlay::operation_kind(&[TypedParam::ullong("operation", number)])));
    }
    kinds.retain(|kind| access.block_jobs || !kind.is_block());
    kinds
}

/// The types whose speed can be set on the test hypervisor, tried.
fn limited_by_the_test_hypervisor() -> BTreeSet<JobType> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("world.xml");
    let mut world = String::from("<node xmlns:jobs='urn:virt-jobs:test:1.0'>");
    for kind in JobType::ALL.iter().filter(|kind| **kind != JobType::None) {
        let of = if kind.is_block() || *kind == JobType::Other { "id='job' disk='vda' size='1GiB'" } else { "" };
        write!(
            world,
            "<domain type='test'><name>{kind}</name><memory unit='MiB'>1</memory><os><type>hvm</type></os><devices><disk type='file'><driver name='qemu' type='qcow2'/>\
             <source file='/a'/><backingStore type='file'><format type='raw'/><source file='/b'/></backingStore><target dev='vda'/></disk></devices>\
             <jobs:job type='{kind}' {of} bandwidth='1B'/></domain>"
        )
        .unwrap();
    }
    fs::write(&path, world + "</node>").unwrap();
    let conn = test::open(&Target::TestFixture(path), Arc::new(Subscriptions::new())).unwrap();
    let mut limited = BTreeSet::new();
    for kind in JobType::ALL.iter().filter(|kind| **kind != JobType::None) {
        let domain = conn.domain(&conn.lookup(Key::Name(kind.as_str())).unwrap()).unwrap();
        let mut name = String::new();
        domain.list_jobs(ListFilter(0), &mut |job| name = job.name().to_owned()).unwrap();
        if domain.set_job_speed(&name, 1 << 20).is_ok() {
            limited.insert(*kind);
        }
    }
    limited
}

fn jobs_table() -> String {
    let limited = limited_by_the_test_hypervisor();
    let sees = |access: Access, kind: JobType| seen(access).contains(&kind);
    let (writable, readonly) = (Access::of("QEMU", false), Access::of("QEMU", true));
    let (other, none) = (Access::of("Xen", false), Access::of("LXC", false));
    let mut text = String::from(
        "\n## Jobs\n\nWhat can be done with a job of each type; \"listed\" means listed, described and waited for, and told of by JOB_STATE.\n\
         Every job that is kept can be dismissed, but not on a read-only connection.\n\n\
         | | `test:` | `qemu+qmp:` | libvirt, QEMU | the same, read-only | libvirt, Xen or vz | libvirt, others |\n|---|---|---|---|---|---|---|\n",
    );
    for kind in JobType::ALL.iter().copied().filter(|kind| *kind != JobType::None) {
        let through = |access: Access, writes: bool| match (sees(access, kind), writes) {
            (false, _) => "-".to_owned(),
            (true, false) => "listed".to_owned(),
            (true, true) => shown(operations(overlay::POWERS, kind), overlay::has_limit(kind)),
        };
        let cells = [
            shown(operations(test::POWERS, kind), limited.contains(&kind)),
            shown(operations(qemu::POWERS, kind), qemu::has_limit(kind)),
            through(writable, true),
            through(readonly, control_writes()),
            through(other, true),
            through(none, true),
        ];
        writeln!(text, "| `{kind}` | {} |", cells.join(" | ")).unwrap();
    }
    text + "\nA job of QEMU's that somebody else started with `auto-finalize: false` is `ready` before its end, and can be finalized, whatever its\n\
            type. A memory-only dump cannot be aborted by QEMU. Through libvirt a job that is ready cannot be paused.\n"
}

/// Whether a connection that may only look can control jobs.
fn control_writes() -> bool {
    !export("virDomainJobControl").expect("an export").contains("writable_for")
}

fn sources(dir: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(dir)).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect();
    found.sort();
    found
}

/// The text of an exported function.
fn export(name: &str) -> Option<String> {
    let head = format!("extern \"C\" fn {name}(");
    sources("src/capi").iter().find_map(|path| {
        let text = fs::read_to_string(path).unwrap();
        let start = text.find(&head)?;
        Some(text[start..].split("\n}\n").next().unwrap().to_owned())
    })
}

/// The block of `text` that begins with this line, up to the brace that ends it.
fn block<'a>(text: &'a str, line: &str) -> &'a str {
    let start = text.find(line).unwrap_or_else(|| panic!("no '{line}'"));
    text[start..].split("\n}\n").next().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The calls that a driver may lack: the method, and the export.
fn optional_calls(declaration: &str) -> Vec<(String, String)> {
    let mut calls = Vec::new();
    for method in declaration.split("    fn ").skip(1) {
        let Some((_, rest)) = method.split_once("no_support(\"") else { continue };
        let name = method.split('(').next().unwrap();
        calls.push((name.to_owned(), rest.split('"').next().unwrap().to_owned()));
    }
    calls
}

fn calls_table() -> String {
    let traits = read("src/driver/mod.rs");
    let mut text = String::from(
        "\n## Calls\n\nThose of libvirt's calls that not every driver has. \"libvirt's\": the call goes on to libvirt, with its flags. \"named\": so it\n\
         does, but for VIR_DOMAIN_JOB_START_PERSIST and VIR_DOMAIN_JOB_START_PARALLEL, and the job has a name of ours.\n\n\
         | | `test:` | `qemu+qmp:` | libvirt |\n|---|---|---|---|\n",
    );
    for (of, implementations) in [
        ("Connection", [("src/driver/test/connection.rs", "TestConnection"), ("src/driver/qemu/connection.rs", "QemuConnection")]),
        ("Domain", [("src/driver/test/domain.rs", "Vm"), ("src/driver/qemu/domain.rs", "Handle")]),
    ] {
        let has = implementations.map(|(file, name)| {
            let text = read(file);
            let body = block(&text, &format!("impl {of} for {name} {{")).to_owned();
            move |method: &str| if body.contains(&format!("    fn {method}(")) { "yes" } else { "-" }
        });
        for (method, call) in optional_calls(block(&traits, &format!("pub trait {of}"))) {
            let body = export(&call).unwrap_or_else(|| panic!("{call} is no export"));
            let through = if body.contains("forward_start!(") { "named" } else { "libvirt's" };
            writeln!(text, "| `{call}` | {} | {} | {through} |", has[0](&method), has[1](&method)).unwrap();
        }
    }
    text
}

fn first_difference(old: &str, new: &str) -> String {
    let same = old.lines().zip(new.lines()).take_while(|(old, new)| old == new).count();
    format!("line {}\n  committed: {:?}\n  sources:   {:?}", same + 1, old.lines().nth(same), new.lines().nth(same))
}

#[test]
fn the_table_of_what_works_where_is_what_the_sources_say() {
    let made = format!("{HEAD}{}{}", jobs_table(), calls_table());
    let path = root().join(DOCUMENT);
    if env::var_os(REFRESH).is_some() {
        fs::write(&path, &made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "{DOCUMENT} is out of date, {}\nRun: {REFRESH}=1 cargo test --test what_works_where",
        first_difference(&committed, &made)
    );
}
