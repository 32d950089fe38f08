//! What tests of backups share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use virt_jobs::event::Handler;
use virt_jobs::model::event::{id, Event, Payload};
use virt_jobs::model::{ControlOp, Error, TypedValue};

use super::vm::{disk_xml, Vm};
use super::{make_chain, run};

/// A limit that keeps a job from ending during a test.
pub const SLOW: u64 = 1 << 16;

/// A domain with the disks `vda` and `sda`, each with so many MiB of data, whose guest does not run.
pub fn two_disks(mib: u64) -> Option<Vm> {
    let dir = tempfile::tempdir().unwrap();
    let chain = make_chain(dir.path(), &["base", "top"], mib);
    let spare = make_chain(dir.path(), &["s-base", "s-top"], mib);
    let vm = Vm::start_on(dir, chain, 1)?;
    vm.client.domain.attach_device(&disk_xml("sda", "scsi", &spare[1]), 0).unwrap();
    Some(vm)
}

pub fn target(disk: &str, path: &Path) -> String {
    format!("<disk name='{disk}' type='file'><target file='{}'/></disk>", path.display())
}

pub fn push(disks: &[String]) -> String {
    format!("<domainbackup><disks>{}</disks></domainbackup>", disks.concat())
}

/// The document of a pull, with `more` before the disks; without any of these, of all.
pub fn pull(vm: &Vm, more: &str, disks: &[&str]) -> String {
    let scratch = |disk: &&str| {
        let path = vm.path(&format!("scratch-{disk}.qcow2"));
        format!("<disk name='{disk}' type='file'><scratch file='{}'/></disk>", path.display())
    };
    let disks: String = disks.iter().map(scratch).collect();
    let disks = if disks.is_empty() { disks } else { format!("<disks>{disks}</disks>") };
    format!("<domainbackup mode='pull'>{more}<server transport='unix' socket='{}'/>{disks}</domainbackup>", vm.path("nbd").display())
}

pub fn try_begin(vm: &Vm, xml: &str, flags: u32) -> Result<String, Error> {
    vm.client.domain.backup_begin(xml, None, flags)
}

pub fn begin(vm: &Vm, xml: &str, flags: u32) -> String {
    try_begin(vm, xml, flags).unwrap()
}

/// Begins a push of both disks that goes on for a while; returns its name and its targets.
pub fn begin_slowly(vm: &Vm, flags: u32) -> (String, PathBuf, PathBuf) {
    let (a, b) = (vm.path("a.qcow2"), vm.path("b.qcow2"));
    let xml = push(&[target("vda", &a), target("sda", &b)]);
    let name = slowed(vm, &[&a, &b], |_| begin(vm, &xml, flags));
    (name, a, b)
}

/// A backup into these files that has been slowed down before one of them was complete. Where the machine is busy with
/// something else in that moment, it is made again.
pub fn slowed(vm: &Vm, files: &[&Path], begin: impl Fn(u32) -> String) -> String {
    for attempt in 0..20 {
        let name = begin(attempt);
        let _ = vm.client.domain.set_job_speed(&name, SLOW);
        let jobs = vm.second().run("query-block-jobs", serde_json::json!({}));
        let is_slow = |job: &&serde_json::Value| {
            job["device"].as_str().unwrap().starts_with(&name) && job["speed"] == SLOW && job["status"] == "running"
        };
        if jobs.as_array().unwrap().iter().filter(is_slow).count() == files.len() {
            return name;
        }
        // Each of these is refused where it is not needed.
        let _ = vm.client.domain.control_job(&name, ControlOp::Abort);
        vm.client.end(&name);
        let _ = vm.client.domain.control_job(&name, ControlOp::Dismiss);
        files.iter().for_each(|file| drop(std::fs::remove_file(file)));
    }
    panic!("no backup could be slowed down");
}

/// Reads a disk of a pull into an image.
pub fn read_export(vm: &Vm, export: &str) -> PathBuf {
    let copy = vm.path(&format!("read-{export}.qcow2"));
    let _ = std::fs::remove_file(&copy);
    run("qemu-img", &["convert", "-O", "qcow2", &url(vm, export), copy.to_str().unwrap()]);
    copy
}

fn url(vm: &Vm, export: &str) -> String {
    format!("nbd+unix:///{export}?socket={}", vm.path("nbd").display())
}

/// The MiB in which a client of a pull sees changes.
pub fn changed_in_export(vm: &Vm, export: &str, bitmap: &str) -> Vec<u64> {
    let options = format!(
        "driver=nbd,export={export},server.type=unix,server.path={},x-dirty-bitmap=qemu:dirty-bitmap:{bitmap}",
        vm.path("nbd").display()
    );
    // A changed part is told as one that holds no data.
    extents(&["--image-opts", &options], |extent| extent["data"] == false)
}

/// The MiB that an image itself holds, rather than what is below it.
pub fn held_by(image: &Path) -> Vec<u64> {
    extents(&["-U", image.to_str().unwrap()], |extent| extent["depth"] == 0 && extent["present"] != false)
}

fn extents(image: &[&str], wanted: impl Fn(&serde_json::Value) -> bool) -> Vec<u64> {
    let map: serde_json::Value = serde_json::from_str(&run("qemu-img", &[&["map", "--output=json"], image].concat())).unwrap();
    let mib = |extent: &serde_json::Value| {
        let (start, length) = (extent["start"].as_u64().unwrap(), extent["length"].as_u64().unwrap());
        start >> 20..(start + length).div_ceil(1 << 20)
    };
    let mut found: Vec<u64> = map.as_array().unwrap().iter().filter(|extent| wanted(extent)).flat_map(mib).collect();
    found.dedup();
    found
}

/// Whether an image is sound and holds what a disk that is in use holds.
pub fn assert_holds(image: &Path, disk: &Path) {
    run("qemu-img", &["check", "-q", image.to_str().unwrap()]);
    run("qemu-img", &["compare", "-U", "-q", image.to_str().unwrap(), disk.to_str().unwrap()]);
}

/// The files beside the disks that backups left, by name.
pub fn left_behind(vm: &Vm) -> Vec<String> {
    let kept = ["base.qcow2", "top.qcow2", "s-base.qcow2", "s-top.qcow2", "vms", "vm.second"];
    let entries = std::fs::read_dir(vm.dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.filter(|name| !kept.contains(&name.as_str())).collect()
}

/// JOB_COMPLETED, as `success` and the message of the error.
#[derive(Clone, Default)]
pub struct Ends(Arc<Mutex<Vec<(bool, String)>>>);

impl Ends {
    pub fn watch(vm: &Vm) -> Ends {
        let ends = Ends::default();
        vm.client.events.register(id::JOB_COMPLETED, None, Arc::new(ends.clone())).unwrap();
        ends
    }

    pub fn told(&self, vm: &Vm) -> Vec<(bool, String)> {
        vm.client.events.flush();
        self.0.lock().clone()
    }
}

impl Handler for Ends {
    fn handle(&self, _callback_id: i32, event: &Event) {
        let Payload::JobCompleted { params } = &event.payload else { return };
        let success = params.iter().any(|param| param.field == "success" && param.value == TypedValue::Boolean(true));
        let text = params.iter().find_map(|param| match &param.value {
            TypedValue::String(text) if param.field == "errmsg" => Some(text.clone()),
            _ => None,
        });
        self.0.lock().push((success, text.unwrap_or_default()));
    }
}
