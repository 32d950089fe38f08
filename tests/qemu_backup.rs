//! Backups on real QEMU: pushed to images or read from an NBD server, several disks as one job, whatever ends them.

mod support;

use std::path::{Path, PathBuf};

use support::vm::*;
use support::*;
use virt_jobs::job::DiskStats;
use virt_jobs::model::flags::JOB_START_PERSIST;
use virt_jobs::model::{ControlOp, JobState};

/// A domain with two disks, whose guest does not run.
fn two_disks() -> Option<Vm> {
    let vm = Vm::start(&["base", "top"], 1)?;
    let spare = make_chain(vm.dir.path(), &["s-base", "s-top"], 24);
    vm.client.domain.attach_device(&disk_xml("sda", "scsi", &spare[1]), 0).unwrap();
    Some(vm)
}

fn target(disk: &str, path: &Path) -> String {
    format!("<disk name='{disk}' type='file'><target file='{}'/></disk>", path.display())
}

fn push(disks: &[String]) -> String {
    format!("<domainbackup><disks>{}</disks></domainbackup>", disks.concat())
}

fn pull(vm: &Vm, disks: &[String]) -> String {
    let disks = if disks.is_empty() { String::new() } else { format!("<disks>{}</disks>", disks.concat()) };
    format!("<domainbackup mode='pull'><server transport='unix' socket='{}'/>{disks}</domainbackup>", vm.path("nbd").display())
}

fn begin(vm: &Vm, xml: &str, flags: u32) -> String {
    vm.client.domain.backup_begin(xml, None, flags).unwrap()
}

/// Whether an image is sound and holds what a disk that is in use holds.
fn assert_holds(image: &Path, disk: &Path) {
    run("qemu-img", &["check", "-q", image.to_str().unwrap()]);
    run("qemu-img", &["compare", "-U", "-q", image.to_str().unwrap(), disk.to_str().unwrap()]);
}

#[test]
fn a_backup_of_two_disks_is_one_job_and_holds_what_they_hold() {
    let Some(vm) = two_disks() else { return };
    let nodes = vm.second().nodes();
    let (a, b) = (vm.path("a.qcow2"), vm.path("b.qcow2"));
    let name = begin(&vm, &push(&[target("vda", &a), target("sda", &b)]), JOB_START_PERSIST);
    assert_eq!(vm.client.end(&name), JobState::Completed);
    assert_eq!(vm.client.states(&name), ["running", "completed"]);
    let mut disks = Vec::new();
    vm.client.domain.list_jobs(virt_jobs::driver::request::ListFilter(0), &mut |job| disks.clone_from(&job.stats().disks)).unwrap();
    let disk = |disk: &str| DiskStats { disk: disk.to_owned(), current: 24 << 20, end: 24 << 20 };
    assert_eq!(disks, [disk("vda"), disk("sda")]);
    assert_eq!(vm.second().nodes(), nodes);
    assert_holds(&a, &vm.path("top.qcow2"));
    assert_holds(&b, &vm.path("s-top.qcow2"));
}

#[test]
fn a_backup_that_is_pulled_is_read_from_its_server_and_leaves_nothing() {
    let Some(vm) = two_disks() else { return };
    let nodes = vm.second().nodes();
    let name = begin(&vm, &pull(&vm, &[]), 0);
    let copy = vm.path("copy.qcow2");
    for (disk, image) in [("vda", "top"), ("sda", "s-top")] {
        let url = format!("nbd+unix:///{disk}?socket={}", vm.path("nbd").display());
        let _ = std::fs::remove_file(&copy);
        run("qemu-img", &["convert", "-O", "qcow2", &url, copy.to_str().unwrap()]);
        assert_holds(&copy, &vm.path(&format!("{image}.qcow2")));
    }
    vm.client.domain.control_job(&name, ControlOp::Abort).unwrap();
    assert_eq!(vm.client.end(&name), JobState::Aborted);
    assert_eq!(vm.second().nodes(), nodes);
    let left: Vec<PathBuf> = std::fs::read_dir(vm.dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.iter().all(|path| !path.to_str().unwrap().contains("qcow2.")), "{left:?}");
}
