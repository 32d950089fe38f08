//! On real QEMU: the one in `PATH`, or those that `VIRT_JOBS_QEMU` names, separated by colons.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::{json, Value};

use super::super::{backing, command_line, probe};
use super::*;
use crate::driver::qemu::qcow2::samples;
use crate::model::code;
use crate::model::disk::{Disk, Image};
use crate::xml::domain::DomainDef;

const PATIENCE: Duration = Duration::from_secs(30);

fn emulators() -> Vec<String> {
    if let Ok(named) = std::env::var("VIRT_JOBS_QEMU") {
        return named.split(':').map(str::to_owned).collect();
    }
    let found =
        ["/usr/bin", "/usr/local/bin"].map(|dir| format!("{dir}/qemu-system-x86_64")).into_iter().find(|path| Path::new(path).exists());
    if found.is_none() {
        let _ = writeln!(std::io::stderr(), "SKIP: there is no qemu-system-x86_64");
    }
    found.into_iter().collect()
}

/// A VM with the directory that it runs in; ended when the test is.
struct Vm {
    dir: tempfile::TempDir,
    def: DomainDef,
    paths: VmPaths,
    pid: Option<i32>,
}

impl Vm {
    fn new(emulator: &str, machine: &str, name: &str, devices: &str) -> Vm {
        let dir = tempfile::tempdir().unwrap();
        let xml = format!(
            "<domain type='qemu'><name>placeholder</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>\
             <os><type arch='x86_64' machine='{machine}'>hvm</type></os><features><acpi/></features>\
             <devices><emulator>{emulator}</emulator>{}</devices></domain>",
            devices.replace("DIR", dir.path().to_str().unwrap())
        );
        let mut def = DomainDef::parse(&xml).unwrap();
        def.name = name.to_owned();
        let paths = VmPaths::new(dir.path(), name).unwrap();
        Vm { dir, def, paths, pid: None }
    }

    /// Uses KVM where there is one.
    fn accelerated(mut self) -> Vm {
        if fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok() {
            self.def.kind = "kvm".to_owned();
        }
        self
    }

    fn start(&mut self) -> Result<i32> {
        self.start_within(PATIENCE)
    }

    fn start_within(&mut self, patience: Duration) -> Result<i32> {
        for disk in &mut self.def.disks {
            probe::complete(disk)?;
        }
        let command = command_line::build(&mut self.def, &self.paths)?;
        let pid = spawn_within(&command, &self.paths, patience)?;
        self.pid = Some(pid);
        Ok(pid)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            let _ = terminate(pid);
        }
    }
}

fn disk(target: &str, bus: &str, format: &str, path: &str) -> String {
    format!("<disk type='file'><driver name='qemu' type='{format}'/><source file='{path}'/><target dev='{target}' bus='{bus}'/></disk>")
}

fn raw(path: &Path) {
    fs::File::create(path).unwrap().set_len(1 << 20).unwrap();
}

/// A qcow2 image that QEMU can open, with the given image below.
fn qcow2(path: &Path, backing: &str, format: &str) {
    let mut bytes = samples::image(1 << 20, backing, Some(format));
    samples::make_usable(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Just enough of a QMP client.
struct Qmp(BufReader<UnixStream>);

impl Qmp {
    fn connect(paths: &VmPaths) -> Qmp {
        let stream = UnixStream::connect(&paths.socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut qmp = Qmp(BufReader::new(stream));
        assert!(qmp.line().get("QMP").is_some());
        qmp.call("qmp_capabilities", json!({})).unwrap();
        qmp
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn call(&mut self, command: &str, arguments: Value) -> std::result::Result<Value, String> {
        let request = json!({ "execute": command, "arguments": arguments });
        writeln!(self.0.get_mut(), "{request}").unwrap();
        loop {
            let line = self.line();
            if let Some(value) = line.get("return") {
                return Ok(value.clone());
            }
            if let Some(error) = line.get("error") {
                return Err(error.to_string());
            }
        }
    }

    /// The images of each disk, topmost first, by the id of its device.
    fn chains(&mut self) -> Vec<(String, Vec<String>)> {
        let blocks = self.call("query-block", json!({})).unwrap();
        let mut chains = Vec::new();
        for block in blocks.as_array().unwrap() {
            let mut images = Vec::new();
            let mut image = block.pointer("/inserted/image");
            while let Some(info) = image {
                images.push(backing::path_of(info["filename"].as_str().unwrap()).unwrap());
                image = info.get("backing-image");
            }
            let qdev = block["qdev"].as_str().unwrap();
            let id = qdev.trim_start_matches("/machine/peripheral/").split('/').next().unwrap();
            chains.push((id.to_owned(), images));
        }
        chains
    }
}

fn gone_soon(pid: i32) -> bool {
    Process::open(pid).unwrap().is_none_or(|process| process.wait(Instant::now() + PATIENCE))
}

#[test]
fn a_vm_comes_up_paused_with_the_whole_chain_of_every_disk() {
    for (emulator, machine) in emulators().iter().flat_map(|e| [(e, "pc"), (e, "q35")]) {
        let devices =
            disk("vda", "virtio", "qcow2", "DIR/top") + &disk("sda", "scsi", "raw", "DIR/s.img") + &disk("sdb", "sata", "raw", "DIR/t.img");
        let mut vm = Vm::new(emulator, machine, "vm", &devices);
        if machine == "q35" {
            vm = vm.accelerated();
        }
        raw(&vm.file("base.img"));
        raw(&vm.file("s.img"));
        raw(&vm.file("t.img"));
        qcow2(&vm.file("mid"), "base.img", "raw");
        qcow2(&vm.file("top"), "mid", "qcow2");
        let pid = vm.start().unwrap();
        assert_eq!(vm.paths.read_pid(), Some(pid));
        let mut qmp = Qmp::connect(&vm.paths);
        assert_eq!(qmp.call("query-status", json!({})).unwrap()["status"], "prelaunch");
        let path = |name: &str| vm.file(name).to_str().unwrap().to_owned();
        let expected = [
            ("virtio-disk0".to_owned(), vec![path("top"), path("mid"), path("base.img")]),
            ("scsi0-0-0-0".to_owned(), vec![path("s.img")]),
            ("sata0-0-1".to_owned(), vec![path("t.img")]),
        ];
        assert_eq!(qmp.chains(), expected, "{emulator} {machine}");
        qmp.call("cont", json!({})).unwrap();
        assert!(cpu_time_ns(pid) > 0);
        qmp.call("quit", json!({})).unwrap();
        assert!(gone_soon(pid));
        assert_eq!(vm.paths.require_free(), Ok(()));
    }
}

#[test]
fn odd_names_and_paths_reach_qemu_unharmed() {
    for emulator in emulators() {
        let odd = "a,b=c;d %d%s 'q' \"r\" \\ ä{}";
        let mut vm = Vm::new(&emulator, "pc", odd, "");
        let path = vm.file(&format!("{odd}.img"));
        raw(&path);
        let image = Image { path: path.to_str().unwrap().to_owned(), format: "raw".into(), ..Image::default() };
        vm.def.disks =
            vec![Disk { target: "vda".into(), bus: "virtio".into(), device: "disk".into(), chain: vec![image], ..Disk::default() }];
        vm.start().unwrap();
        let mut qmp = Qmp::connect(&vm.paths);
        assert_eq!(qmp.call("query-name", json!({})).unwrap()["name"], odd);
        assert_eq!(qmp.chains(), [("virtio-disk0".to_owned(), vec![path.to_str().unwrap().to_owned()])]);
    }
}

#[test]
fn disks_can_be_plugged_in_later() {
    for (emulator, machine) in emulators().iter().flat_map(|e| [(e, "pc"), (e, "q35")]) {
        let mut vm = Vm::new(emulator, machine, "vm", &disk("vda", "virtio", "raw", "DIR/a.img"));
        for name in ["a.img", "b.img", "c.img"] {
            raw(&vm.file(name));
        }
        vm.start().unwrap();
        let mut qmp = Qmp::connect(&vm.paths);
        qmp.call("cont", json!({})).unwrap();
        for (target, bus, name, index) in [("vdo", "virtio", "b.img", 2), ("sdc", "scsi", "c.img", 3)] {
            let image = Image { path: vm.file(name).to_str().unwrap().into(), format: "raw".into(), index, ..Image::default() };
            let mut late = Disk { target: target.into(), bus: bus.into(), device: "disk".into(), chain: vec![image], ..Disk::default() };
            let plug = command_line::hotplug(&vm.def, &mut late).unwrap();
            if let Some(controller) = plug.controller {
                qmp.call("device_add", controller).unwrap();
            }
            for node in plug.nodes {
                qmp.call("blockdev-add", node).unwrap();
            }
            qmp.call("device_add", plug.device).unwrap();
        }
        let ids: Vec<String> = qmp.chains().into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, ["virtio-disk0", "virtio-disk14", "scsi0-0-0-2"], "{emulator} {machine}");
    }
}

#[test]
fn a_failed_start_tells_what_qemu_said_and_leaves_no_process() {
    for emulator in emulators() {
        let mut vm = Vm::new(&emulator, "pc", "vm", "");
        vm.def.qemu_args = vec!["-bogus".into()];
        let error = vm.start().unwrap_err();
        assert_eq!(error.code, code::INTERNAL_ERROR);
        assert!(error.detail.starts_with("process exited while connecting to monitor: ") && error.detail.contains("-bogus"), "{error}");
        assert!(!vm.paths.socket.exists() && !vm.paths.pidfile.exists() && vm.paths.log.exists());
        vm.def.qemu_args = vec!["-device".into(), "nosuchdevice".into()];
        let error = vm.start().unwrap_err();
        assert!(error.detail.contains("nosuchdevice"), "{error}");
        assert!(!vm.paths.socket.exists() && !vm.paths.pidfile.exists());
    }
}

#[test]
fn a_qemu_that_never_gets_ready_is_ended_in_time() {
    for emulator in emulators() {
        let mut vm = Vm::new(&emulator, "pc", "vm", "");
        // Waits for somebody to connect before it goes on.
        let socket = vm.file("other");
        vm.def.qemu_args = vec!["-chardev".into(), format!("socket,id=c,path={},server=on,wait=on", socket.display())];
        let started = Instant::now();
        let error = vm.start_within(Duration::from_secs(1)).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(8));
        assert!(error.detail.contains("was not ready within 1 s"), "{error}");
        assert!(socket.exists() && UnixStream::connect(&socket).is_err());
        assert!(!vm.paths.pidfile.exists());
    }
}

#[test]
fn a_second_start_harms_neither_the_vm_nor_its_files() {
    for emulator in emulators() {
        let mut vm = Vm::new(&emulator, "pc", "vm", "");
        let pid = vm.start().unwrap();
        let command = command_line::build(&mut vm.def.clone(), &vm.paths).unwrap();
        assert_eq!(spawn(&command, &vm.paths).map_err(|e| e.code), Err(code::OPERATION_INVALID));
        // As if both had been started at the same moment.
        let mut child = execute(&command, &vm.paths).unwrap();
        assert_eq!(wait_for_start(&mut child, Instant::now() + PATIENCE).0, Outcome::Exited(false));
        vm.paths.remove();
        assert_eq!(vm.paths.read_pid(), Some(pid));
        Qmp::connect(&vm.paths).call("query-status", json!({})).unwrap();
    }
}

#[test]
fn programs_that_are_no_qemu_are_no_vm() {
    let mut vm = Vm::new("/bin/true", "pc", "vm", "");
    assert_eq!(vm.start().map_err(|e| e.code), Err(code::INTERNAL_ERROR));
    vm.def.emulator = Some("/bin/false".into());
    let error = vm.start().unwrap_err();
    assert_eq!(error.detail, "process exited while connecting to monitor: it left no message");
    let script = vm.file("script");
    fs::write(&script, "#!/nonexistent/interpreter").unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    vm.def.emulator = Some(script.to_str().unwrap().into());
    assert_eq!(vm.start().map_err(|e| e.code), Err(code::SYSTEM_ERROR));
}

#[test]
fn qemu_inherits_nothing_from_the_program_that_starts_it() {
    for emulator in emulators() {
        let mut vm = Vm::new(&emulator, "pc", "vm", "");
        vm.def.qemu_env = vec![("FROM_XML".into(), "1".into())];
        let (reader, _writer) = UnixStream::pair().unwrap();
        // SAFETY: the descriptor is open; its being inherited is what is tested.
        unsafe { libc::fcntl(reader.as_raw_fd(), libc::F_SETFD, 0) };
        let inherited = fs::read_link(format!("/proc/self/fd/{}", reader.as_raw_fd())).unwrap();
        let pid = vm.start().unwrap();
        let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        assert!(open.into_iter().all(|target| target != inherited));
        let environment = fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
        let names: Vec<&str> =
            environment.split('\0').filter_map(|entry| entry.split('=').next()).filter(|name| !name.is_empty()).collect();
        assert!(names.contains(&"FROM_XML") && names.contains(&"LC_ALL"));
        assert!(names.iter().all(|name| !name.starts_with("CARGO") && *name != "LD_PRELOAD"), "{names:?}");
        let parent = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        assert!(!parent.contains(&format!("PPid:\t{}\n", std::process::id())), "{parent}");
    }
}

/// Runs in a process of its own, whose signals may be changed.
#[test]
fn a_program_that_ignores_its_children_and_blocks_signals_can_start_vms() {
    const OWN_PROCESS: &str = "VIRT_JOBS_OWN_PROCESS";
    if std::env::var_os(OWN_PROCESS).is_none() {
        let name = std::thread::current().name().unwrap().to_owned();
        let mut again = Command::new(std::env::current_exe().unwrap());
        let output = again.args([name.as_str(), "--exact", "--nocapture"]).env(OWN_PROCESS, "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
        return;
    }
    // SAFETY: this process has nobody who would mind.
    unsafe {
        libc::signal(libc::SIGCHLD, libc::SIG_IGN);
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, std::ptr::null_mut());
    }
    for emulator in emulators() {
        let mut vm = Vm::new(&emulator, "pc", "vm", "");
        let pid = vm.start().unwrap();
        terminate(pid).unwrap();
        assert!(fs::read_to_string(&vm.paths.log).unwrap().contains("terminating on signal 15"));
        vm.def.qemu_args = vec!["-bogus".into()];
        assert!(vm.start().unwrap_err().detail.contains("-bogus"));
    }
}

#[test]
fn a_process_that_does_not_listen_is_ended_by_force() {
    for emulator in emulators() {
        let mut vm = Vm::new(&emulator, "pc", "vm", "");
        let pid = vm.start().unwrap();
        let process = Process::open(pid).unwrap().unwrap();
        process.signal(libc::SIGSTOP).unwrap();
        terminate_within(pid, Duration::from_millis(300)).unwrap();
        assert!(process.is_gone());
        terminate(pid).unwrap();
        assert!(!is_alive(pid));
        assert_eq!(vm.paths.require_free(), Ok(()));
    }
}

#[test]
fn the_log_has_what_qemu_says_later_too_and_that_of_the_run_before_is_kept() {
    for emulator in emulators() {
        let mut vm = Vm::new(&emulator, "pc", "vm", "");
        for _ in 0..2 {
            let pid = vm.start().unwrap();
            terminate(pid).unwrap();
            assert!(fs::read_to_string(&vm.paths.log).unwrap().contains("terminating on signal 15"));
        }
        assert!(fs::read_to_string(vm.paths.old_log()).unwrap().contains("terminating on signal 15"));
    }
}
