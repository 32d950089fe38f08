//! Block jobs on a QEMU that somebody else started.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use support::*;
use virt_jobs::driver::request::*;
use virt_jobs::driver::{qemu, Connection, Domain};
use virt_jobs::event::Subscriptions;
use virt_jobs::model::flags::{commit, JOB_START_PERSIST};
use virt_jobs::model::{code, ControlOp, JobState};

struct Bench {
    dir: tempfile::TempDir,
    chain: Vec<std::path::PathBuf>,
    events: Arc<Subscriptions>,
    notes: Notes,
    connection: Arc<dyn Connection>,
    domain: Arc<dyn Domain>,
    _qemu: Qemu,
}

fn bench(images: &[&str]) -> Option<Bench> {
    let emulator = emulator()?;
    let dir = tempfile::tempdir().unwrap();
    let chain = make_chain(dir.path(), images, 24);
    let qemu = Qemu::with_disk(&emulator, &dir.path().join("vm.qmp"), &chain);
    let events = Arc::new(Subscriptions::new());
    let notes = Notes::subscribe(&events);
    let connection = qemu::open(dir.path(), events.clone()).unwrap();
    let domain = connection.domain(&support::await_domain(&*connection, "vm")).unwrap();
    Some(Bench { dir, chain, events, notes, connection, domain, _qemu: qemu })
}

impl Bench {
    fn wait(&self, name: &str, states: &[JobState]) -> JobState {
        let mask = states.iter().map(|s| 1 << *s as u32).sum();
        self.domain.wait_job(name, mask, Some(Duration::from_secs(20))).unwrap().expect("in time")
    }

    fn copy(&self, bandwidth: u64, flags: u32) -> String {
        let path = self.dir.path().join("copy.qcow2");
        let destination = CopyDestination::Path { path: path.to_str().unwrap(), raw: false, block: false };
        self.domain.block_copy(&BlockCopy { disk: "vda", destination, bandwidth, granularity: 0, buf_size: 0, flags }).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.domain.list_jobs(ListFilter(0), &mut |job| names.push(job.name().to_owned())).unwrap();
        names
    }
}

#[test]
fn a_copy_is_told_ready_and_pivots_when_it_is_finalized() {
    let Some(b) = bench(&["base", "top"]) else { return };
    let name = b.copy(0, JOB_START_PERSIST);
    assert_eq!(b.wait(&name, &[JobState::Ready]), JobState::Ready);
    b.domain.control_job(&name, ControlOp::Finalize).unwrap();
    assert_eq!(b.wait(&name, &[]), JobState::Completed);
    b.notes.wait_for(&b.events, &format!("{name} block-copy completed"));
    assert_eq!(
        b.notes.all(),
        [
            "block-create-vda-2 block-create running",
            "block-create-vda-2 block-create completed",
            "block-create-vda-3 block-create running",
            "block-create-vda-3 block-create completed",
            "block-copy-vda-1 block-copy running",
            "block-copy-vda-1 block-copy ready",
            "block vda 2 3",
            "block-copy-vda-1 block-copy completed",
            "block vda 2 0",
        ]
    );
    assert_eq!(b.names(), std::slice::from_ref(&name));
    assert!(b.domain.xml(0).unwrap().contains("copy.qcow2"));
    b.domain.control_job(&name, ControlOp::Dismiss).unwrap();
    assert!(b.names().is_empty());
    assert!(b.connection.is_alive());
}

#[test]
fn a_copy_is_paused_resumed_and_aborted() {
    let Some(b) = bench(&["base", "top"]) else { return };
    let name = b.copy(1 << 20, 0);
    assert_eq!(b.domain.control_job(&name, ControlOp::Resume).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    assert_eq!(b.domain.control_job(&name, ControlOp::Finalize).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    b.domain.control_job(&name, ControlOp::Pause).unwrap();
    assert_eq!(b.wait(&name, &[JobState::Paused]), JobState::Paused);
    b.domain.control_job(&name, ControlOp::Resume).unwrap();
    assert_eq!(b.wait(&name, &[JobState::Running]), JobState::Running);
    let xml = b.domain.job_xml(&name, true).unwrap();
    assert!(xml.contains("<stats>") && xml.contains("copy.qcow2"), "{xml}");
    b.domain.control_job(&name, ControlOp::Abort).unwrap();
    assert_eq!(b.wait(&name, &[]), JobState::Aborted);
    assert!(b.names().is_empty());
}

#[test]
fn a_ready_copy_that_is_aborted_leaves_a_valid_target() {
    let Some(b) = bench(&["base", "top"]) else { return };
    let name = b.copy(0, 0);
    b.wait(&name, &[JobState::Ready]);
    b.domain.control_job(&name, ControlOp::Abort).unwrap();
    assert_eq!(b.wait(&name, &[]), JobState::Aborted);
    drop(b.domain);
    drop(b._qemu);
    assert_same(&b.dir.path().join("copy.qcow2"), &b.chain[1]);
}

#[test]
fn a_pull_completes_by_itself_and_the_chain_is_one_image_after() {
    let Some(b) = bench(&["base", "mid", "top"]) else { return };
    let name = b.domain.block_pull(&BlockPull { disk: "vda", base: None, bandwidth: 0, flags: 0 }).unwrap();
    assert!(b.domain.control_job(&name, ControlOp::Finalize).is_err());
    assert_eq!(b.wait(&name, &[]), JobState::Completed);
    let xml = b.domain.xml(0).unwrap();
    assert!(xml.contains("top.qcow2") && !xml.contains("mid.qcow2"), "{xml}");
}

#[test]
fn commits_in_the_middle_and_of_the_active_image_are_told_apart() {
    let Some(b) = bench(&["base", "mid", "top"]) else { return };
    let chain: Vec<&str> = b.chain.iter().map(|p| p.to_str().unwrap()).collect();
    let commit = |base, top, flags| b.domain.block_commit(&BlockCommit { disk: "vda", base, top, bandwidth: 0, flags });
    let name = commit(Some(chain[0]), Some(chain[1]), 0).unwrap();
    assert!(name.starts_with("block-commit-vda-"));
    assert_eq!(b.wait(&name, &[]), JobState::Completed);
    let name = commit(None, None, commit::ACTIVE).unwrap();
    assert!(name.starts_with("block-commit-active-vda-"));
    assert_eq!(b.wait(&name, &[JobState::Ready]), JobState::Ready);
    assert!(b.domain.xml(0).unwrap().contains("active-commit"));
    b.domain.control_job(&name, ControlOp::Finalize).unwrap();
    assert_eq!(b.wait(&name, &[]), JobState::Completed);
    let xml = b.domain.xml(0).unwrap();
    assert!(xml.contains("base.qcow2") && !xml.contains("top.qcow2"), "{xml}");
}

#[test]
fn what_is_copied_from_a_guest_is_nobody_elses_to_read() {
    let Some(rig) = Rig::new(&["base"]) else { return };
    let domain = &rig.client.domain;
    let copy = rig.client.copy("sda", &rig.path("copy.qcow2"), 0, 0);
    rig.client.wait(&copy, &[JobState::Ready]);
    domain.control_job(&copy, ControlOp::Abort).unwrap();
    rig.client.end(&copy);
    let disks = |kind: &str, file: &str| {
        format!("<disks><disk name='sda' type='file'><{kind} file='{}'/></disk></disks>", rig.path(file).display())
    };
    let backup = format!("<domainbackup>{}</domainbackup>", disks("target", "backup.qcow2"));
    let backup = domain.backup_begin(&backup, None, 0).unwrap();
    rig.client.end(&backup);
    let snapshot = format!("<domainsnapshot><name>s</name>{}</domainsnapshot>", disks("source", "overlay.qcow2"));
    domain.snapshot_create(&snapshot, 1 << 4).unwrap();
    for file in ["copy.qcow2", "backup.qcow2", "overlay.qcow2"] {
        let mode = std::fs::metadata(rig.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}
