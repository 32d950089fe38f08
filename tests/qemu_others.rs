//! QEMUs that somebody else started, in all the ways in which people do.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use support::*;
use virt_jobs::driver::request::*;
use virt_jobs::driver::{qemu, Key};
use virt_jobs::event::Subscriptions;
use virt_jobs::model::flags::{copy, JOB_START_PERSIST};
use virt_jobs::model::{code, ControlOp, DomainState, JobState, JobType};

const SLOW: u64 = 1 << 16;

/// A QEMU named `vm` with these arguments, and what is needed to look at it.
struct Foreign {
    client: Client,
    other: Other,
    qemu: Qemu,
    dir: tempfile::TempDir,
}

fn foreign(dir: tempfile::TempDir, arguments: &[&str]) -> Option<Foreign> {
    let emulator = emulator()?;
    let second = format!("unix:{}/other.sock,server=on,wait=off", dir.path().display());
    let arguments = [&["-qmp", &second], arguments].concat();
    let qemu = Qemu::start_without_guest(&emulator, &dir.path().join("vm.qmp"), &arguments);
    let client = Client::open(dir.path());
    let other = Other::connect(&dir.path().join("other.sock"));
    Some(Foreign { client, other, qemu, dir })
}

/// Pulls, copies and pivots, commits: each with what the disk shows afterwards.
fn every_job(client: &Client, disk: &str, chain: &[PathBuf], dir: &Path) {
    let path = |at: usize| chain[at].to_str().unwrap();
    let shows = |image: &Path| client.domain.xml(0).unwrap().contains(&escaped(image));
    let commit = client.try_commit(disk, Some(path(2)), Some(path(1)), 0, 0).unwrap();
    assert_eq!(client.end(&commit), JobState::Completed, "{:?}", client.told());
    assert!(!shows(&chain[2]) && shows(&chain[1]));
    let pull = client.pull(disk, Some(path(0)), 0, 0);
    assert_eq!(client.end(&pull), JobState::Completed);
    assert!(!shows(&chain[1]) && shows(&chain[0]) && shows(&chain[3]));
    let shallow = client.copy(disk, &dir.join("shallow.qcow2"), 0, copy::SHALLOW);
    client.wait(&shallow, &[JobState::Ready]);
    client.domain.control_job(&shallow, ControlOp::Finalize).unwrap();
    assert_eq!(client.end(&shallow), JobState::Completed);
    assert!(shows(&dir.join("shallow.qcow2")) && shows(&chain[0]) && !shows(&chain[3]));
    let full = client.copy(disk, &dir.join("full.qcow2"), 0, 0);
    client.wait(&full, &[JobState::Ready]);
    client.domain.control_job(&full, ControlOp::Finalize).unwrap();
    assert_eq!(client.end(&full), JobState::Completed);
    assert!(shows(&dir.join("full.qcow2")) && !shows(&chain[0]), "{}", client.domain.xml(0).unwrap());
}

/// The document is one as libvirt's schema wants it, where that and xmllint are installed.
fn assert_valid(xml: &str) {
    let schema = Path::new("/usr/share/libvirt/schemas/domain.rng");
    if !schema.exists() || !Path::new(&vm::path_of("xmllint")).exists() {
        return skip("no xmllint, or no schema of libvirt's");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), xml).unwrap();
    run("xmllint", &["--noout", "--nonet", "--relaxng", schema.to_str().unwrap(), file.path().to_str().unwrap()]);
}

/// A path as it is in XML.
fn escaped(path: &Path) -> String {
    let text = path.to_str().unwrap();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&apos;").replace('"', "&quot;")
}

const CHAIN: &[&str] = &["base", "low", "high", "top"];

#[test]
fn a_legacy_drive_has_all_jobs() {
    let dir = tempfile::tempdir().unwrap();
    let chain = make_chain(dir.path(), CHAIN, 8);
    let drive = format!("if=virtio,format=qcow2,file={}", chain[3].display());
    let Some(f) = foreign(dir, &["-drive", &drive]) else { return };
    let xml = f.client.domain.xml(0).unwrap();
    assert!(xml.contains("<target dev='vda' bus='virtio'/>"));
    assert_valid(&xml);
    every_job(&f.client, "vda", &chain, f.dir.path());
}

#[test]
fn a_guest_that_was_dumped_while_paused_and_reset_is_not_dumped_to_death() {
    let dir = tempfile::tempdir().unwrap();
    let chain = make_chain(dir.path(), &["base", "top"], 8);
    let drive = format!("if=virtio,format=qcow2,file={}", chain[1].display());
    let Some(f) = foreign(dir, &["-drive", &drive]) else { return };
    let core = f.dir.path().join("core");
    let dump = |flags| f.client.domain.core_dump(&CoreDump { file: core.to_str().unwrap(), format: 0, flags });
    const RESET: u32 = 1 << 3;
    for reset_by_dump in [false, true] {
        f.client.domain.suspend().unwrap();
        dump(if reset_by_dump { RESET } else { 0 }).unwrap();
        if !reset_by_dump {
            f.client.domain.reset().unwrap();
        }
        // QEMU has given the images away, does not remember, and would fail an assertion.
        assert_eq!(dump(0).map_err(|e| e.code), Err(code::OPERATION_INVALID));
        assert!(f.client.domain.is_active());
        f.client.domain.resume().unwrap();
        wait_until("it runs", || f.client.domain.state().unwrap().0 == DomainState::Running);
        dump(0).unwrap();
    }
    assert!(f.client.domain.is_active());
}

#[test]
fn a_legacy_drive_that_is_unplugged_takes_its_job_along() {
    let dir = tempfile::tempdir().unwrap();
    let chain = make_chain(dir.path(), &["base", "top"], 8);
    let drive = format!("if=none,id=drive0,format=qcow2,file={}", chain[1].display());
    let device = "scsi-hd,id=disk0,drive=drive0";
    let Some(mut f) = foreign(dir, &["-drive", &drive, "-device", "virtio-scsi-pci", "-device", device]) else { return };
    let copy = f.client.copy("sda", &f.dir.path().join("copy.qcow2"), SLOW, JOB_START_PERSIST);
    f.other.run("device_del", json!({ "id": "disk0" }));
    let end = f.client.end(&copy);
    assert!(matches!(end, JobState::Aborted | JobState::Failed), "{end}");
    let states = f.client.states(&copy);
    assert!(states[0] == "running" && !states.iter().any(|state| state == "paused" || state == "completed"), "{states:?}");
    wait_until("the disk is gone", || !f.client.domain.xml(0).unwrap().contains("<disk"));
    assert_eq!(f.other.nodes(), [""; 0]);
}

#[test]
fn an_empty_drive_has_no_jobs() {
    let dir = tempfile::tempdir().unwrap();
    let Some(f) = foreign(dir, &["-device", "virtio-scsi-pci", "-drive", "if=none,id=cd", "-device", "scsi-cd,drive=cd"]) else { return };
    let xml = f.client.domain.xml(0).unwrap();
    assert!(xml.contains("device='cdrom'"), "{xml}");
    let target = f.dir.path().join("copy.qcow2");
    assert!(f.client.try_copy("sda", &target, 0, 0).is_err());
    assert!(f.client.try_commit("sda", None, None, 0, 4).is_err());
    assert!(f.client.domain.block_pull(&BlockPull { disk: "sda", base: None, bandwidth: 0, flags: 0 }).is_err());
    assert!(!target.exists());
    assert_eq!(f.client.jobs(), []);
}

#[test]
fn images_with_strange_names_have_all_jobs() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("a b,c=d'e\"f <&> é 漢 %s");
    std::fs::create_dir(&odd).unwrap();
    let chain = make_chain(&odd, CHAIN, 8);
    let node = json!({ "driver": "qcow2", "node-name": "top", "file": { "driver": "file", "filename": chain[3] } }).to_string();
    let device = "scsi-hd,id=disk0,drive=top";
    let Some(f) = foreign(dir, &["-blockdev", &node, "-device", "virtio-scsi-pci", "-device", device]) else { return };
    every_job(&f.client, "sda", &chain, &odd);
}

#[test]
fn images_with_relative_names_have_all_jobs() {
    let Some(emulator) = emulator() else { return };
    let dir = tempfile::tempdir().unwrap();
    let chain = make_chain(dir.path(), CHAIN, 8);
    for pair in chain.windows(2) {
        let name = pair[0].file_name().unwrap().to_str().unwrap();
        run("qemu-img", &["rebase", "-q", "-u", "-F", "qcow2", "-b", name, pair[1].to_str().unwrap()]);
    }
    let monitor = format!("unix:{},server=on,wait=off", dir.path().join("vm.qmp").display());
    let mut child = Command::new(&emulator)
        .args(["-display", "none", "-nodefaults", "-qmp", &monitor])
        .args(["-machine", "q35", "-accel", "tcg", "-S", "-drive", "if=virtio,format=qcow2,file=top.qcow2"])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("a monitor", || std::os::unix::net::UnixStream::connect(dir.path().join("vm.qmp")).is_ok());
    let elsewhere = tempfile::tempdir().unwrap();
    let client = Client::open(dir.path());
    let top = dir.path().join("top.qcow2");
    assert!(client.domain.xml(0).unwrap().contains(top.to_str().unwrap()), "{}", client.domain.xml(0).unwrap());
    every_job(&client, "vda", &chain, elsewhere.path());
    // The shallow copy refers to its backing image by a name that is good where it is.
    child.kill().unwrap();
    child.wait().unwrap();
    let info = run("qemu-img", &["info", elsewhere.path().join("shallow.qcow2").to_str().unwrap()]);
    assert!(info.contains(chain[0].to_str().unwrap()), "{info}");
}

#[test]
fn a_raw_image_is_copied_raw_and_a_read_only_one_too() {
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("disk.img");
    std::fs::write(&raw, vec![0x5a; 4 << 20]).unwrap();
    let file = |read_only: bool| {
        let file = json!({ "driver": "file", "filename": raw, "read-only": read_only });
        json!({ "driver": "raw", "node-name": "top", "read-only": read_only, "file": file }).to_string()
    };
    for read_only in [false, true] {
        let vms = tempfile::tempdir().unwrap();
        let (node, device) = (file(read_only), "scsi-hd,id=disk0,drive=top");
        let Some(f) = foreign(vms, &["-blockdev", &node, "-device", "virtio-scsi-pci", "-device", device]) else { return };
        assert_eq!(f.client.domain.xml(0).unwrap().contains("<readonly/>"), read_only);
        let target = f.dir.path().join("copy.img");
        let destination = CopyDestination::Path { path: target.to_str().unwrap(), raw: true, block: false };
        let request = BlockCopy { disk: "sda", destination, bandwidth: 0, granularity: 0, buf_size: 0, flags: 0 };
        let copy = f.client.domain.block_copy(&request).unwrap();
        f.client.wait(&copy, &[JobState::Ready]);
        f.client.domain.control_job(&copy, ControlOp::Abort).unwrap();
        assert_eq!(f.client.end(&copy), JobState::Aborted);
        assert_eq!(std::fs::read(&target).unwrap(), std::fs::read(&raw).unwrap());
        // A pull has nothing to pull, and on a read-only image QEMU says that it is one.
        let pull = f.client.domain.block_pull(&BlockPull { disk: "sda", base: None, bandwidth: 0, flags: 0 });
        match pull {
            Ok(pull) => assert_eq!(f.client.end(&pull), JobState::Completed),
            Err(error) => assert!(read_only && error.message().contains("read"), "{error}"),
        }
    }
}

/// A loop device, detached when it goes.
struct Loop(PathBuf);

impl Loop {
    fn on(file: &Path) -> Option<Loop> {
        let output = Command::new("losetup").args(["--show", "-f"]).arg(file).output().ok().filter(|output| output.status.success());
        let device = output.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
        if device.is_none() {
            skip("there are no loop devices");
        }
        device.map(Loop)
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").arg("-d").arg(&self.0).status();
    }
}

#[test]
fn a_block_device_is_copied_to_another() {
    let dir = tempfile::tempdir().unwrap();
    let files = ["from.img", "to.img"].map(|name| dir.path().join(name));
    for (file, byte) in files.iter().zip([0x5a, 0]) {
        std::fs::write(file, vec![byte; 4 << 20]).unwrap();
    }
    let (Some(from), Some(to)) = (Loop::on(&files[0]), Loop::on(&files[1])) else { return };
    let node = json!({ "driver": "raw", "node-name": "top", "file": { "driver": "host_device", "filename": from.0 } }).to_string();
    let device = "scsi-hd,id=disk0,drive=top";
    let Some(f) = foreign(dir, &["-blockdev", &node, "-device", "virtio-scsi-pci", "-device", device]) else { return };
    let request = |path: &Path, block: bool| {
        let destination = CopyDestination::Path { path: path.to_str().unwrap(), raw: true, block };
        f.client.domain.block_copy(&BlockCopy {
            disk: "sda",
            destination,
            bandwidth: 0,
            granularity: 0,
            buf_size: 0,
            flags: copy::TRANSIENT_JOB,
        })
    };
    assert_eq!(request(&f.dir.path().join("to.img"), true).map_err(|e| e.code), Err(code::INVALID_ARG));
    let copy = request(&to.0, true).unwrap();
    f.client.wait(&copy, &[JobState::Ready]);
    f.client.domain.control_job(&copy, ControlOp::Finalize).unwrap();
    assert_eq!(f.client.end(&copy), JobState::Completed);
    let xml = f.client.domain.xml(0).unwrap();
    assert!(xml.contains(to.0.to_str().unwrap()) && xml.contains("type='block'"), "{xml}");
    let Foreign { client, qemu, dir, .. } = f;
    drop((client, qemu));
    drop((from, to));
    assert_eq!(std::fs::read(&files[1]).unwrap(), std::fs::read(&files[0]).unwrap());
    drop(dir);
}

/// A storage daemon with one writable export of a chain.
fn daemon(dir: &Path, chain: &[PathBuf]) -> Option<Qemu> {
    let emulator = emulator()?;
    let beside = Path::new(&vm::path_of(&emulator)).with_file_name("qemu-storage-daemon");
    let program = if beside.exists() { beside } else { PathBuf::from("qemu-storage-daemon") };
    let mut command = Command::new(&program);
    for (name, id) in [("vm.qmp", "first"), ("other.sock", "second")] {
        command.args(["--chardev", &format!("socket,id={id},server=on,wait=off,path={}", dir.join(name).display())]);
        command.args(["--monitor", &format!("chardev={id}")]);
    }
    let node = json!({ "driver": "qcow2", "node-name": "disk", "file": { "driver": "file", "filename": chain.last().unwrap() } });
    command.args(["--blockdev", &node.to_string()]);
    command.args(["--nbd-server", &format!("addr.type=unix,addr.path={}", dir.join("nbd").display())]);
    command.args(["--export", "type=nbd,id=exp0,node-name=disk,writable=on"]);
    let Ok(child) = command.stdin(Stdio::null()).spawn() else {
        skip(&format!("{} cannot be run", program.display()));
        return None;
    };
    let daemon = Qemu::of(child);
    wait_until("a monitor", || std::os::unix::net::UnixStream::connect(dir.join("vm.qmp")).is_ok());
    Some(daemon)
}

#[test]
fn the_exports_of_a_storage_daemon_are_disks_and_have_jobs() {
    let dir = tempfile::tempdir().unwrap();
    let chain = make_chain(dir.path(), &["base", "top"], 8);
    let Some(_daemon) = daemon(dir.path(), &chain) else { return };
    let client = Client::open(dir.path());
    let mut other = Other::connect(&dir.path().join("other.sock"));
    assert!(client.domain.xml(0).unwrap().contains("dev='disk'"));
    // What libvirt's own programs would refuse to read otherwise.
    assert!(client.domain.xml(0).unwrap().contains("<vcpu placement='static'>1</vcpu>"));
    assert_eq!(client.domain.info().unwrap().vcpus, 1);
    let pull = client.pull("disk", None, 0, JOB_START_PERSIST);
    assert_eq!(client.end(&pull), JobState::Completed);
    client.domain.control_job(&pull, ControlOp::Dismiss).unwrap();
    // It is still there, for the next job.
    let target = dir.path().join("copy.qcow2");
    run("qemu-img", &["create", "-q", "-f", "qcow2", target.to_str().unwrap(), "8M"]);
    for (op, end) in [(ControlOp::Abort, JobState::Aborted), (ControlOp::Finalize, JobState::Completed)] {
        let copy = client.copy("disk", &target, 0, copy::REUSE_EXT);
        client.wait(&copy, &[JobState::Ready]);
        client.domain.control_job(&copy, op).unwrap();
        assert_eq!(client.end(&copy), end);
    }
    assert!(client.domain.xml(0).unwrap().contains("copy.qcow2"), "{}", client.domain.xml(0).unwrap());
    // And once more from what it is now.
    let next = dir.path().join("next.qcow2");
    run("qemu-img", &["create", "-q", "-f", "qcow2", next.to_str().unwrap(), "8M"]);
    let copy = client.copy("disk", &next, 0, copy::REUSE_EXT);
    client.wait(&copy, &[JobState::Ready]);
    client.domain.control_job(&copy, ControlOp::Abort).unwrap();
    assert_eq!(client.end(&copy), JobState::Aborted);
    let ours: Vec<String> = other.nodes().into_iter().filter(|node| node.starts_with("libvirt-")).collect();
    assert_eq!(ours.len(), 2, "{ours:?}");
    // A daemon does not say that it leaves when it cancels its jobs; nobody asked for that, so they have failed.
    let last = client.copy("disk", &next, SLOW, copy::REUSE_EXT);
    other.send("quit", json!({}));
    wait_until("the end", || !client.domain.is_active());
    assert_eq!(client.states(&last).last().map(String::as_str), Some("failed"), "{:?}", client.states(&last));
}

#[test]
fn two_qemus_in_one_directory_have_nothing_to_do_with_each_other() {
    let Some(emulator) = emulator() else { return };
    let dir = tempfile::tempdir().unwrap();
    let start = |name: &str| {
        let chain = make_chain(dir.path(), &[&format!("{name}-base"), &format!("{name}-top")], 8);
        let qemu = Qemu::with_disk(&emulator, &dir.path().join(format!("{name}.qmp")), &chain);
        (qemu, chain)
    };
    let (vm, other) = (start("vm"), start("other"));
    let client = Client::open(dir.path());
    let second = client.connection.domain(&client.connection.lookup(Key::Name("other")).unwrap()).unwrap();
    let first = client.copy("vda", &dir.path().join("copy.qcow2"), SLOW, 0);
    let same = second.block_pull(&BlockPull { disk: "vda", base: None, bandwidth: SLOW, flags: 0 }).unwrap();
    // Numbers are given by each for itself: 2 and 3 are the creation of the copy's target.
    assert_eq!((first.as_str(), same.as_str()), ("block-copy-vda-1", "block-pull-vda-1"));
    drop(other);
    assert_eq!(second.wait_job(&same, 0, Some(Duration::from_secs(20))).unwrap(), Some(JobState::Failed));
    assert_eq!(client.jobs(), [(first, JobType::BlockCopy, JobState::Running)]);
    assert_eq!(client.connection.domains().unwrap().len(), 1);
    drop(vm);
}

#[test]
fn of_two_qemus_with_one_uuid_each_handle_means_its_own() {
    let Some(emulator) = emulator() else { return };
    let dir = tempfile::tempdir().unwrap();
    // As the two ends of a migration have it.
    let start = |name: &str| {
        let uuid = "11111111-2222-3333-4444-555555555555";
        Qemu::start_without_guest(&emulator, &dir.path().join(format!("{name}.qmp")), &["-S", "-uuid", uuid])
    };
    let (first, second) = (start("first"), start("second"));
    let connection = qemu::open(dir.path(), Arc::new(Subscriptions::new())).unwrap();
    let find = |name: &str| connection.lookup(Key::Name(name)).unwrap();
    let (one, other) = (find("first"), find("second"));
    assert_eq!(one.uuid, other.uuid);
    assert_eq!((one.id, other.id), (first.pid(), second.pid()));
    for handle in [&one, &other] {
        assert_eq!(connection.domain(handle).unwrap().identity(), *handle);
    }
    connection.domain(&other).unwrap().destroy(0).unwrap();
    assert!(connection.domain(&one).unwrap().is_active());
    // Nor does it mean the other once its own is gone.
    assert_eq!(connection.domain(&other).map(drop).map_err(|e| e.code), Err(code::NO_DOMAIN));
    drop((first, second));
}

#[test]
fn a_qemu_that_comes_later_is_found_and_one_in_the_place_of_another_is_another() {
    let Some(emulator) = emulator() else { return };
    let dir = tempfile::tempdir().unwrap();
    let events = Arc::new(Subscriptions::new());
    let connection = qemu::open(dir.path(), events).unwrap();
    assert_eq!(connection.domains().unwrap().len(), 0);
    let socket = dir.path().join("vm.qmp");
    let uuids = ["11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-aaaaaaaaaaaa"];
    for uuid in uuids {
        let qemu = Qemu::start_without_guest(&emulator, &socket, &["-uuid", uuid]);
        let found = connection.lookup(Key::Name("vm")).unwrap();
        assert_eq!((found.uuid.to_string().as_str(), found.id), (uuid, qemu.pid()));
        let domain = connection.domain(&found).unwrap();
        // Its socket stays behind.
        qemu.signal(libc::SIGKILL);
        wait_until("the end", || !domain.is_active());
        drop(qemu);
        assert!(socket.exists());
        assert_eq!(connection.lookup(Key::Name("vm")).map_err(|e| e.code), Err(code::NO_DOMAIN));
        assert_eq!(connection.domains().unwrap().len(), 0);
    }
    let alone = qemu::open(&socket, Arc::new(Subscriptions::new()));
    let error = alone.map(drop).unwrap_err();
    assert_eq!(error.code, code::NO_CONNECT);
    assert!(error.message().contains("nobody listens"), "{error}");
}

#[test]
fn a_directory_that_vanishes_takes_no_running_domain_along() {
    let Some(emulator) = emulator() else { return };
    let (dir, images) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let vms = dir.path().join("vms");
    std::fs::create_dir(&vms).unwrap();
    let chain = make_chain(images.path(), &["base", "top"], 8);
    let qemu = Qemu::with_disk(&emulator, &vms.join("vm.qmp"), &chain);
    let client = Client::open(&vms);
    std::fs::remove_dir_all(&vms).unwrap();
    assert_eq!(client.connection.domains().map(drop).map_err(|e| e.code), Err(code::SYSTEM_ERROR));
    assert!(client.connection.lookup(Key::Name("vm")).is_ok());
    // Its record cannot be kept; it runs.
    std::fs::write(&vms, "in the way").unwrap();
    let pull = client.pull("vda", None, 0, JOB_START_PERSIST);
    assert_eq!(client.end(&pull), JobState::Completed);
    assert_eq!(client.jobs(), [(pull.clone(), JobType::BlockPull, JobState::Completed)]);
    client.domain.control_job(&pull, ControlOp::Dismiss).unwrap();
    drop(qemu);
    wait_until("the end", || !client.domain.is_active());
}

#[test]
fn a_client_that_comes_back_to_a_foreign_qemu_finds_the_mirror_and_leaves_no_node() {
    let Some(rig) = Rig::new(&["base", "top"]) else { return };
    let copy = rig.client.copy("sda", &rig.path("copy.qcow2"), 0, JOB_START_PERSIST);
    rig.client.wait(&copy, &[JobState::Ready]);
    let xml = rig.client.domain.xml(0).unwrap();
    assert!(xml.contains("<mirror"), "{xml}");
    let rig = rig.reopen();
    assert!(rig.client.domain.xml(0).unwrap().contains("<mirror"), "{}", rig.client.domain.xml(0).unwrap());
    rig.client.domain.control_job(&copy, ControlOp::Abort).unwrap();
    assert_eq!(rig.client.end(&copy), JobState::Aborted);
    assert!(!rig.client.domain.xml(0).unwrap().contains("<mirror"));
    // Pivots of different clients, each in the place of the one before.
    let mut rig = rig;
    for round in 0..3 {
        let copy = rig.client.copy("sda", &rig.path(&format!("copy{round}.qcow2")), 0, 0);
        rig.client.wait(&copy, &[JobState::Ready]);
        rig = rig.reopen();
        rig.client.domain.control_job(&copy, ControlOp::Finalize).unwrap();
        assert_eq!(rig.client.end(&copy), JobState::Completed);
    }
    let ours: Vec<String> = rig.other.nodes().into_iter().filter(|node| node.starts_with("libvirt-")).collect();
    assert_eq!(ours.len(), 2, "{ours:?}");
}

#[test]
fn a_chain_as_long_as_chains_may_be_is_known_to_its_end() {
    let Some(emulator) = emulator() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut path = dir.path().join("0.qcow2");
    run("qemu-img", &["create", "-q", "-f", "qcow2", path.to_str().unwrap(), "1M"]);
    for n in 1..180 {
        let next = dir.path().join(format!("{n}.qcow2"));
        // Each looks at the whole chain unless it is told the size.
        run("qemu-img", &["create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", path.to_str().unwrap(), next.to_str().unwrap(), "1M"]);
        path = next;
    }
    let node = json!({ "driver": "qcow2", "node-name": "top", "file": { "driver": "file", "filename": path } }).to_string();
    let qemu = Qemu::start_without_guest(
        &emulator,
        &dir.path().join("vm.qmp"),
        &["-blockdev", &node, "-device", "virtio-scsi-pci", "-device", "scsi-hd,id=disk0,drive=top"],
    );
    let client = Client::open(dir.path());
    let xml = client.domain.xml(0).unwrap();
    assert!(xml.contains("/179.qcow2") && xml.contains("/0.qcow2"), "{}", xml.len());
    let pull = client.pull("sda", None, 0, 0);
    assert_eq!(client.end(&pull), JobState::Completed);
    let xml = client.domain.xml(0).unwrap();
    assert!(xml.contains("/179.qcow2") && !xml.contains("/0.qcow2"), "{}", xml.len());
    drop(qemu);
}
