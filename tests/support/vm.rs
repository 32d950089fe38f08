//! Domains that a connection of ours starts.

use std::path::{Path, PathBuf};

use std::sync::Arc;

use virt_jobs::driver::qemu;
use virt_jobs::event::Subscriptions;
use virt_jobs::model::{DomainRef, Error};

use super::{emulator, run, send_signal, wait_until, Client, Notes, Other};

/// A directory with a domain `vm` in it.
pub struct Vm {
    pub client: Client,
    pub chain: Vec<PathBuf>,
    pub reaper: Reaper,
    pub dir: tempfile::TempDir,
}

/// Ends what was started in a directory: it is nobody's child, and outlives whoever started it.
pub struct Reaper(pub PathBuf);

impl Drop for Reaper {
    fn drop(&mut self) {
        for entry in std::fs::read_dir(&self.0).into_iter().flatten().flatten().filter(|e| e.path().extension().is_some_and(|e| e == "pid"))
        {
            let pid: i32 = std::fs::read_to_string(entry.path()).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            if pid > 1 && String::from_utf8_lossy(&command).contains(self.0.to_str().unwrap()) {
                send_signal(pid, libc::SIGKILL);
            }
        }
    }
}

/// A `<disk>`.
pub fn disk_xml(target: &str, bus: &str, image: &Path) -> String {
    format!(
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{}'/><target dev='{target}' bus='{bus}'/></disk>",
        image.display()
    )
}

/// A domain with these disks, and a second monitor at `DIR/../NAME.second`.
pub fn domain_xml(emulator: &str, vms: &Path, name: &str, disks: &[String]) -> String {
    let second = format!("unix:{}/{name}.second,server=on,wait=off", vms.parent().unwrap().display());
    format!(
        "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>{name}</name>\
         <memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os><features><acpi/></features>\
         <on_reboot>restart</on_reboot><devices><emulator>{}</emulator>{}<memballoon model='none'/></devices>\
         <qemu:commandline><qemu:arg value='-qmp'/><qemu:arg value='{second}'/></qemu:commandline></domain>",
        path_of(emulator),
        disks.concat()
    )
}

/// Where a program of this name is.
pub fn path_of(program: &str) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let found = path.split(':').map(|dir| format!("{dir}/{program}")).find(|path| Path::new(path).exists());
    if program.starts_with('/') {
        program.to_owned()
    } else {
        found.unwrap_or_else(|| program.to_owned())
    }
}

impl Vm {
    /// Starts a domain whose only disk `vda` has this chain, base first.
    pub fn start(images: &[&str], flags: u32) -> Option<Vm> {
        let dir = tempfile::tempdir().unwrap();
        let chain = super::make_chain(dir.path(), images, 24);
        Vm::start_on(dir, chain, flags)
    }

    pub fn start_on(dir: tempfile::TempDir, chain: Vec<PathBuf>, flags: u32) -> Option<Vm> {
        let emulator = emulator()?;
        std::fs::create_dir_all(dir.path().join("vms")).unwrap();
        let vms = dir.path().join("vms");
        let events = Arc::new(Subscriptions::new());
        let notes = Notes::subscribe(&events);
        let connection = qemu::open(&vms, events.clone()).unwrap();
        let reaper = Reaper(vms.clone());
        let xml = domain_xml(&emulator, &vms, "vm", &[disk_xml("vda", "virtio", chain.last().unwrap())]);
        let domain = connection.domain(&connection.create_xml(&xml, flags).unwrap()).unwrap();
        Some(Vm { client: Client { domain, connection, events, notes }, chain, reaper, dir })
    }

    /// Starts a domain anew that has ended.
    pub fn start_again(self, flags: u32) -> Vm {
        let Vm { client, chain, reaper, dir } = self;
        drop((client, reaper));
        Vm::start_on(dir, chain, flags).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn vms(&self) -> PathBuf {
        self.path("vms")
    }

    pub fn second(&self) -> Other {
        Other::connect(&self.path("vm.second"))
    }

    pub fn xml(&self) -> String {
        self.client.domain.xml(0).unwrap()
    }

    pub fn pid(&self) -> i32 {
        self.client.domain.identity().id
    }

    /// Starts one more domain in the same directory.
    pub fn create(&self, name: &str, disks: &[String]) -> Result<DomainRef, Error> {
        self.client.connection.create_xml(&domain_xml(&emulator().unwrap(), &self.vms(), name, disks), 0)
    }

    /// The same client again, as after a crash: nothing of the first is left.
    pub fn reopen(self) -> Vm {
        let Vm { client, chain, reaper, dir } = self;
        drop(client);
        let client = Client::open(&dir.path().join("vms"));
        Vm { client, chain, reaper, dir }
    }

    /// The files in the directory of the domains, logs left out.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.vms()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = entries.filter(|name| !name.ends_with(".log") && !name.ends_with(".old")).collect();
        files.sort();
        files
    }
}

/// The program of a guest that writes a counter to two places in turn, until a key is pressed; then it shuts down.
pub fn busy_guest(dir: &Path) -> PathBuf {
    const CODE: [u8; 64] = [
        0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, // the segments: 0
        0x66, 0xff, 0x06, 0x00, 0x80, // again: count at 0x8000
        0xc7, 0x06, 0x40, 0x7c, 0x00, 0x08, 0xbe, 0x38, 0x7c, // sector 0x800, as in the packet at 0x7c38
        0xb8, 0x00, 0x43, 0xb2, 0x80, 0xcd, 0x13, // write
        0xc7, 0x06, 0x40, 0x7c, 0x00, 0x10, // sector 0x1000
        0xb8, 0x00, 0x43, 0xb2, 0x80, 0xcd, 0x13, // write
        0xb4, 0x01, 0xcd, 0x16, 0x74, 0xd8, // again, unless there is a key
        0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, // power off
        0xf4, 0xeb, 0xfd, // and nothing more
        0x10, 0x00, 0x01, 0x00, 0x00, 0x80, 0x00, 0x00, // the packet: one sector from 0x8000
    ];
    let raw = dir.join("guest.raw");
    let mut image = vec![0; 24 << 20];
    image[..64].copy_from_slice(&CODE);
    image[510..512].copy_from_slice(&[0x55, 0xaa]);
    std::fs::write(&raw, image).unwrap();
    let path = dir.join("guest.qcow2");
    run("qemu-img", &["convert", "-O", "qcow2", raw.to_str().unwrap(), path.to_str().unwrap()]);
    path
}

/// The two counters of [`busy_guest`] in an image.
pub fn counters(image: &Path) -> (u32, u32) {
    let raw = image.with_extension("counters");
    run("qemu-img", &["convert", "-U", "-O", "raw", image.to_str().unwrap(), raw.to_str().unwrap()]);
    let content = std::fs::read(&raw).unwrap();
    let at = |sector: usize| u32::from_le_bytes(content[sector * 512..sector * 512 + 4].try_into().unwrap());
    (at(0x800), at(0x1000))
}

/// Waits until the guest of the disk writes.
pub fn wait_for_guest(image: &Path) {
    wait_until("the guest writes", || counters(image).0 > 2);
}
