//! QEMUs with memory that takes its time: full of what no migration can leave out.

use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{emulator, Client, Other, Qemu};

/// A QEMU that somebody else started, in `vms`, with a second monitor. Its guest runs and does nothing.
pub struct Bare {
    pub other: Other,
    pub qemu: Qemu,
    pub dir: tempfile::TempDir,
    mib: u64,
}

/// The same with a client.
pub struct Guest {
    pub client: Client,
    pub bare: Bare,
}

impl Guest {
    pub fn new(mib: u64) -> Option<Guest> {
        let bare = Bare::new(mib)?;
        Some(Guest { client: Client::open(&bare.path("vms")), bare })
    }
}

impl Deref for Guest {
    type Target = Bare;

    fn deref(&self) -> &Bare {
        &self.bare
    }
}

impl DerefMut for Guest {
    fn deref_mut(&mut self) -> &mut Bare {
        &mut self.bare
    }
}

impl Bare {
    pub fn new(mib: u64) -> Option<Bare> {
        let emulator = emulator()?;
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("vms")).unwrap();
        fill(&dir.path().join("memory"), mib);
        let second = format!("unix:{}/other.sock,server=on,wait=off", dir.path().display());
        let arguments: Vec<String> = ["-qmp".to_owned(), second].into_iter().chain(memory(&dir.path().join("memory"), mib)).collect();
        let qemu = Qemu::start_without_guest(&emulator, &dir.path().join("vms/vm.qmp"), &words(&arguments));
        let other = Other::connect(&dir.path().join("other.sock"));
        Some(Bare { other, qemu, dir, mib })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A QEMU like this one, started by hand, that waits for the guest. One that was there before must be gone.
    pub fn destination(&self, uri: &str) -> (Qemu, Other) {
        let _ = std::fs::remove_file(self.path("there.sock"));
        std::fs::File::create(self.path("memory-there")).unwrap().set_len(self.mib << 20).unwrap();
        let incoming = ["-incoming".to_owned(), uri.to_owned()];
        let arguments: Vec<String> = memory(&self.path("memory-there"), self.mib).chain(incoming).collect();
        let qemu = Qemu::start_without_guest(&emulator().unwrap(), &self.path("there.sock"), &words(&arguments));
        let monitor = Other::connect(&self.path("there.sock"));
        (qemu, monitor)
    }

    /// Whether the memory has arrived at [`destination`](Self::destination) as it was.
    pub fn has_arrived(&self) -> bool {
        std::fs::read(self.path("memory")).unwrap() == std::fs::read(self.path("memory-there")).unwrap()
    }

    /// Another client makes the migration that runs a slow one.
    pub fn slow_down(&mut self) {
        self.other.run("migrate-set-parameters", json!({ "max-bandwidth": 1 << 20 }));
    }

    pub fn is_running(&mut self) -> bool {
        is_running(&mut self.other)
    }
}

pub fn is_running(monitor: &mut Other) -> bool {
    monitor.run("query-status", json!({}))["running"] == json!(true)
}

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn memory(file: &Path, mib: u64) -> impl Iterator<Item = String> {
    let object = format!("memory-backend-file,id=m0,size={mib}M,mem-path={},share=on", file.display());
    ["-m".to_owned(), mib.to_string(), "-object".to_owned(), object, "-machine".to_owned(), "memory-backend=m0".to_owned()].into_iter()
}

/// No page of it is zero.
pub fn fill(file: &Path, mib: u64) {
    let mut seed = 88_172_645_463_325_252_u64;
    let noise: Vec<u8> = (0..(1 << 20) / 8)
        .flat_map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed.to_ne_bytes()
        })
        .collect();
    let mut file = std::fs::File::create(file).unwrap();
    (0..mib).for_each(|_| file.write_all(&noise).unwrap());
}
