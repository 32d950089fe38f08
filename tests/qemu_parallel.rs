//! Several jobs on one disk: what QEMU itself accepts is accepted, and what it refuses leaves nothing behind.

mod support;

use serde_json::json;
use support::vm::*;
use support::*;
use virt_jobs::model::flags::{commit, JOB_START_PARALLEL, JOB_START_PERSIST};
use virt_jobs::model::{code, ControlOp, Error, JobState};

const SLOW: u64 = 1 << 16;
const KINDS: &[&str] = &["mirror", "stream", "commit", "active commit"];
/// What is tried beside each of these.
const SECONDS: &[&str] = &["mirror", "stream", "commit", "active commit", "backup"];

/// Starts a job of this kind on `vda`.
fn start(vm: &Vm, kind: &str, copy: &str, bandwidth: u64, flags: u32) -> Result<String, Error> {
    let path = |at: usize| vm.chain[at].to_str().unwrap();
    match kind {
        "mirror" => vm.client.try_copy("vda", &vm.path(copy), bandwidth, flags),
        "stream" => {
            let request = virt_jobs::driver::request::BlockPull { disk: "vda", base: None, bandwidth, flags };
            vm.client.domain.block_pull(&request)
        }
        "backup" => backups::try_begin(vm, &backups::push(&[backups::target("vda", &vm.path(copy))]), flags),
        "pulled backup" => backups::try_begin(vm, &backups::pull(vm, "", &["vda"]), flags),
        "commit" => vm.client.try_commit("vda", Some(path(2)), Some(path(1)), bandwidth, flags),
        _ => vm.client.try_commit("vda", None, None, bandwidth, flags | commit::ACTIVE),
    }
}

fn records(vm: &Vm) -> Vec<String> {
    let entries = std::fs::read_dir(vm.vms().join("vm.jobs")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.filter(|name| name.ends_with(".json")).collect()
}

#[test]
fn what_qemu_refuses_on_a_busy_disk_is_an_error_in_its_words_and_leaves_nothing() {
    let Some(vm) = Vm::start(&["base", "low", "high", "top"], 1) else { return };
    let nodes = vm.second().nodes();
    let xml = vm.xml();
    for first in KINDS {
        let name = start(&vm, first, "first.qcow2", SLOW, JOB_START_PARALLEL).unwrap();
        for second in SECONDS {
            // libvirt's rules come first, and name the job in the way.
            let error = start(&vm, second, "second.qcow2", SLOW, 0).unwrap_err();
            let busy = [code::BLOCK_COPY_ACTIVE, code::OPERATION_UNSUPPORTED, code::INTERNAL_ERROR];
            assert!(busy.contains(&error.code) && error.message().contains(&format!("'{name}'")), "{first}, {second}: {error}");
            let error = start(&vm, second, "second.qcow2", SLOW, JOB_START_PARALLEL | JOB_START_PERSIST).unwrap_err();
            let told = error.message();
            let in_qemus_words = ["in use by block job", "Need a root block node", "is busy"].iter().any(|words| told.contains(words));
            assert!(in_qemus_words, "{first}, {second}: {told}");
            assert_eq!(vm.client.jobs().len(), 1, "{first}, {second}");
            wait_until("there is one record", || records(&vm) == [format!("{name}.json")]);
            assert!(!vm.path("second.qcow2").exists());
        }
        vm.client.domain.control_job(&name, ControlOp::Abort).unwrap();
        let end = vm.client.end(&name);
        // A job may have been through before it was asked to end.
        assert!(matches!(end, JobState::Aborted | JobState::Completed), "{first}: {end}");
        let _ = std::fs::remove_file(vm.path("first.qcow2"));
        assert_eq!(vm.second().nodes(), nodes, "{first}");
        assert_eq!(vm.xml(), xml, "{first}");
        // Records are removed by and by.
        wait_until("there is no record", || records(&vm).is_empty());
    }
}

#[test]
fn backups_let_backups_and_pulls_run_beside_them_and_nothing_that_moves_the_disk() {
    for first in ["backup", "pulled backup"] {
        let dir = tempfile::tempdir().unwrap();
        let chain = make_chain(dir.path(), &["base", "low", "high", "top"], 96);
        let Some(vm) = Vm::start_on(dir, chain, 1) else { return };
        let nodes = vm.second().nodes();
        let backup = backups::slowed(&vm, &[&vm.path("first.qcow2")], |_| start(&vm, first, "first.qcow2", 0, JOB_START_PARALLEL).unwrap());
        for refused in ["mirror", "commit", "active commit"] {
            let error = start(&vm, refused, "second.qcow2", SLOW, JOB_START_PARALLEL).unwrap_err();
            let told = error.message();
            assert!(told.contains("busy") || told.contains("root"), "{first}, {refused}: {told}");
            assert!(!vm.path("second.qcow2").exists());
        }
        let other = start(&vm, "backup", "second.qcow2", 0, JOB_START_PARALLEL).unwrap();
        assert_eq!(vm.client.end(&other), JobState::Completed);
        backups::assert_holds(&vm.path("second.qcow2"), &vm.path("top.qcow2"));
        let pull = start(&vm, "stream", "", SLOW, JOB_START_PARALLEL).unwrap();
        // The order matters: beside a pull no backup begins.
        let told = start(&vm, "backup", "third.qcow2", 0, JOB_START_PARALLEL).unwrap_err().message();
        assert!(told.contains("busy") || told.contains("root"), "{first}: {told}");
        vm.client.domain.set_job_speed(&pull, 0).unwrap();
        assert_eq!(vm.client.end(&pull), JobState::Completed);
        assert_eq!(vm.client.jobs().len(), 1, "{first}: {:?}", vm.client.jobs());
        vm.client.domain.control_job(&backup, ControlOp::Abort).unwrap();
        assert_eq!(vm.client.end(&backup), JobState::Aborted);
        // Those of the images that the pull has merged are gone, too.
        let left = vm.second().nodes();
        assert!(left.len() == 2 && left.iter().all(|node| nodes.contains(node)), "{first}: {left:?}");
    }
}

#[test]
fn a_snapshot_is_taken_beside_a_backup_which_goes_on_with_the_image_below_it() {
    let dir = tempfile::tempdir().unwrap();
    let chain = make_chain(dir.path(), &["base", "top"], 96);
    let Some(vm) = Vm::start_on(dir, chain, 1) else { return };
    let checkpoint = Some("<domaincheckpoint><name>monday</name></domaincheckpoint>");
    let full = backups::push(&[backups::target("vda", &vm.path("full.qcow2"))]);
    let full = vm.client.domain.backup_begin(&full, checkpoint, 0).unwrap();
    assert_eq!(vm.client.end(&full), JobState::Completed);
    let slow = backups::slowed(&vm, &[&vm.path("slow.qcow2")], |_| start(&vm, "backup", "slow.qcow2", 0, 0).unwrap());
    let changes = format!(
        "<domainbackup><incremental>monday</incremental><disks>{}</disks></domainbackup>",
        backups::target("vda", &vm.path("changes.qcow2"))
    );
    let changes = vm.client.domain.backup_begin(&changes, None, JOB_START_PARALLEL).unwrap();
    assert_eq!(vm.client.end(&changes), JobState::Completed);
    // VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY and NO_METADATA.
    let flags = 1 << 4 | 1 << 2 | JOB_START_PARALLEL;
    let snapshot = |file: &str| {
        let disk = format!("<disk name='vda' snapshot='external'><source file='{}'/></disk>", vm.path(file).display());
        vm.client.domain.snapshot_create(&format!("<domainsnapshot><disks>{disk}</disks></domainsnapshot>"), flags)
    };
    snapshot("over.qcow2").unwrap();
    assert!(vm.xml().contains("over.qcow2"), "{}", vm.xml());
    vm.client.domain.set_job_speed(&slow, 0).unwrap();
    assert_eq!(vm.client.end(&slow), JobState::Completed);
    backups::assert_holds(&vm.path("slow.qcow2"), &vm.path("top.qcow2"));
    assert_eq!(vm.second().nodes().len(), 6);
    // A pull has its scratch image on top of the disk's, where nothing else can be put then.
    let pulled = start(&vm, "pulled backup", "", 0, 0).unwrap();
    let told = snapshot("higher.qcow2").unwrap_err().message();
    assert!(told.contains("busy"), "{told}");
    vm.client.domain.control_job(&pulled, ControlOp::Abort).unwrap();
    assert_eq!(vm.client.end(&pulled), JobState::Aborted);
    assert_eq!(vm.second().nodes().len(), 6);
}

#[test]
fn a_pull_runs_beside_a_backup_and_ends_by_itself() {
    let Some(vm) = Vm::start(&["base", "low", "high", "top"], 1) else { return };
    let mut second = vm.second();
    let nodes = second.nodes();
    let target = vm.path("backup.qcow2");
    run("qemu-img", &["create", "-q", "-f", "qcow2", target.to_str().unwrap(), "24M"]);
    second.add_image("bak", &target);
    let backup = json!({ "job-id": "b", "device": "libvirt-1-format", "target": "bak", "sync": "full", "speed": SLOW });
    second.run("blockdev-backup", backup);
    vm.client.wait_for("b block-backup running");
    for refused in ["mirror", "commit", "active commit"] {
        let error = start(&vm, refused, "copy.qcow2", 0, JOB_START_PARALLEL).unwrap_err();
        assert!(error.message().contains("busy") || error.message().contains("root"), "{refused}: {error}");
    }
    // A backup that somebody else made is not in libvirt's way either.
    let pull = start(&vm, "stream", "", 0, JOB_START_PARALLEL).unwrap();
    assert_eq!(vm.client.end(&pull), JobState::Completed);
    assert!(!vm.xml().contains("base.qcow2"));
    assert_eq!(vm.client.states("b"), ["running"]);
    second.run("job-cancel", json!({ "id": "b" }));
    vm.client.wait_for("b block-backup aborted");
    second.run("blockdev-del", json!({ "node-name": "bak" }));
    // What the pull has made superfluous is closed, although the backup stood on it.
    let left = second.nodes();
    assert_eq!(left.iter().filter(|node| nodes.contains(node)).count(), left.len());
    assert_eq!(left, ["libvirt-1-format", "libvirt-1-storage"]);
}

#[test]
fn jobs_on_different_disks_need_no_permission() {
    let Some(vm) = Vm::start(&["base", "top"], 1) else { return };
    let spare = make_chain(vm.dir.path(), &["s-base", "s-top"], 8);
    vm.client.domain.attach_device(&disk_xml("sda", "scsi", &spare[1]), 0).unwrap();
    let copies = ["vda", "sda"].map(|disk| vm.client.copy(disk, &vm.path(&format!("{disk}.qcow2")), 0, 0));
    for copy in &copies {
        vm.client.wait(copy, &[JobState::Ready]);
    }
    let xml = vm.xml();
    assert_eq!(xml.matches("<mirror").count(), 2, "{xml}");
    for copy in &copies {
        vm.client.domain.control_job(copy, ControlOp::Finalize).unwrap();
        assert_eq!(vm.client.end(copy), JobState::Completed);
    }
    assert_eq!(vm.second().nodes().len(), 4);
}
