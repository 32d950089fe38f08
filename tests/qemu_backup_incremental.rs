//! Backups of what has changed since a checkpoint, on real QEMU.

mod support;

use support::backups::*;
use support::vm::Vm;
use support::*;
use virt_jobs::model::{code, ControlOp, JobState};

const VDA: &str = "/machine/peripheral/virtio-disk0/virtio-backend";
const MONDAY: &str = "<domaincheckpoint><name>monday</name></domaincheckpoint>";
const SINCE_MONDAY: &str = "<incremental>monday</incremental>";

/// A full backup of `vda` from which on changes are kept track of.
fn keep_track(vm: &Vm) {
    let full = push(&[target("vda", &vm.path("full.qcow2"))]);
    let name = vm.client.domain.backup_begin(&full, Some(MONDAY), 0).unwrap();
    assert_eq!(vm.client.end(&name), JobState::Completed);
}

fn write(vm: &Vm, mib: u64) {
    vm.second().guest_io(VDA, &format!("write -P 9 {mib}M 1M"));
    // So that others who read the image see it.
    vm.second().guest_io(VDA, "flush");
}

fn increment(vm: &Vm, disk: &str, file: &str) -> String {
    format!("<domainbackup>{SINCE_MONDAY}<disks>{}</disks></domainbackup>", target(disk, &vm.path(file)))
}

/// The bitmaps of `vda`, those of a backup among them.
fn bitmaps(vm: &Vm) -> Vec<String> {
    let reply = vm.second().run("query-block", serde_json::json!({}));
    let bitmaps = reply.as_array().unwrap().iter().filter_map(|disk| disk["inserted"]["dirty-bitmaps"].as_array());
    bitmaps.flatten().map(|bitmap| bitmap["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_increment_holds_what_has_changed_and_nothing_else() {
    let Some(vm) = Vm::start(&["base", "top"], 1) else { return };
    let nodes = vm.second().nodes();
    keep_track(&vm);
    assert_holds(&vm.path("full.qcow2"), &vm.path("top.qcow2"));
    for mib in [2, 13] {
        write(&vm, mib);
    }
    let name = vm.client.domain.backup_begin(&increment(&vm, "vda", "changes.qcow2"), None, 0).unwrap();
    assert_eq!(vm.client.end(&name), JobState::Completed);
    assert_eq!(held_by(&vm.path("changes.qcow2")), [2, 13]);
    // On top of the full backup it is what the disk is now.
    let (full, changes) = (vm.path("full.qcow2"), vm.path("changes.qcow2"));
    run("qemu-img", &["rebase", "-u", "-F", "qcow2", "-b", full.to_str().unwrap(), changes.to_str().unwrap()]);
    assert_holds(&changes, &vm.path("top.qcow2"));
    assert_eq!(bitmaps(&vm), ["monday"]);
    assert_eq!(vm.second().nodes(), nodes);
}

#[test]
fn a_client_that_pulls_is_told_what_has_changed() {
    let Some(vm) = Vm::start(&["base", "top"], 1) else { return };
    keep_track(&vm);
    write(&vm, 5);
    let name = vm.client.domain.backup_begin(&pull(&vm, SINCE_MONDAY, &["vda"]), None, 0).unwrap();
    // What comes later is not part of it, neither as a change nor as content.
    run("qemu-img", &["convert", "-U", "-O", "qcow2", vm.path("top.qcow2").to_str().unwrap(), vm.path("then.qcow2").to_str().unwrap()]);
    write(&vm, 20);
    assert_eq!(changed_in_export(&vm, "vda", "backup-vda"), [5]);
    assert_same(&read_export(&vm, "vda"), &vm.path("then.qcow2"));
    let xml = vm.client.domain.backup_xml().unwrap();
    assert!(xml.contains("incremental='monday' exportname='vda' exportbitmap='backup-vda'"), "{xml}");
    vm.client.domain.control_job(&name, ControlOp::Abort).unwrap();
    assert_eq!(vm.client.end(&name), JobState::Aborted);
    assert_eq!(bitmaps(&vm), ["monday"]);
}

#[test]
fn a_checkpoint_outlives_its_qemu() {
    let Some(vm) = Vm::start(&["base", "top"], 1) else { return };
    keep_track(&vm);
    write(&vm, 7);
    vm.client.domain.destroy(0).unwrap();
    run("qemu-img", &["check", "-q", vm.path("top.qcow2").to_str().unwrap()]);
    let vm = Vm::start_again(vm, 1);
    write(&vm, 8);
    let name = vm.client.domain.backup_begin(&increment(&vm, "vda", "changes.qcow2"), None, 0).unwrap();
    assert_eq!(vm.client.end(&name), JobState::Completed);
    assert_eq!(held_by(&vm.path("changes.qcow2")), [7, 8]);
}

#[test]
fn a_checkpoint_that_there_is_not_is_missed() {
    let Some(vm) = two_disks(24) else { return };
    let nodes = vm.second().nodes();
    let backup = |xml: &str, checkpoint: Option<&str>| vm.client.domain.backup_begin(xml, checkpoint, 0).map_err(|error| error.code);
    assert_eq!(backup(&increment(&vm, "vda", "a.qcow2"), None), Err(code::NO_DOMAIN_CHECKPOINT));
    keep_track_of(&vm, "vda");
    // Its changes have not been kept track of.
    assert_eq!(backup(&increment(&vm, "sda", "a.qcow2"), None), Err(code::CHECKPOINT_INCONSISTENT));
    // One of the same name is there already, and nothing is begun.
    let error = vm.client.domain.backup_begin(&push(&[target("sda", &vm.path("a.qcow2"))]), Some(MONDAY), 0).unwrap_err();
    assert!(error.message().contains("Bitmap already exists"), "{error}");
    assert_eq!(vm.client.jobs(), []);
    assert_eq!(left_behind(&vm), ["full.qcow2"]);
    assert_eq!(vm.second().nodes(), nodes);
}

fn keep_track_of(vm: &Vm, disk: &str) {
    let checkpoint = format!("<domaincheckpoint><name>monday</name><disks><disk name='{disk}'/></disks></domaincheckpoint>");
    let full = push(&[target(disk, &vm.path("full.qcow2"))]);
    let name = vm.client.domain.backup_begin(&full, Some(&checkpoint), 0).unwrap();
    assert_eq!(vm.client.end(&name), JobState::Completed);
}

#[test]
fn changes_of_a_raw_image_cannot_be_kept_track_of() {
    let Some(vm) = Vm::start(&["base", "top"], 1) else { return };
    let raw = vm.path("plain.raw");
    std::fs::write(&raw, vec![1; 4 << 20]).unwrap();
    let disk = vm::disk_xml("sda", "scsi", &raw).replace("type='qcow2'", "type='raw'");
    vm.client.domain.attach_device(&disk, 0).unwrap();
    let error = vm.client.domain.backup_begin(&push(&[target("sda", &vm.path("a.qcow2"))]), Some(MONDAY), 0).unwrap_err();
    assert_eq!(error.message(), "unsupported configuration: checkpoint for disk sda unsupported for storage type raw");
    // Without that it is backed up as any other.
    let name = begin(&vm, &push(&[target("sda", &vm.path("a.qcow2"))]), 0);
    assert_eq!(vm.client.end(&name), JobState::Completed);
    run("qemu-img", &["compare", "-U", "-q", "-f", "qcow2", "-F", "raw", vm.path("a.qcow2").to_str().unwrap(), raw.to_str().unwrap()]);
}
