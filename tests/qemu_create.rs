//! Domains that are started through a connection.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use support::*;
use virt_jobs::driver::{qemu, Connection, Key};
use virt_jobs::event::Subscriptions;
use virt_jobs::model::{code, DomainState};

fn document(emulator: &str, name: &str, image: &std::path::Path) -> String {
    format!(
        "<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>\
         <devices><emulator>{emulator}</emulator><disk type='file'><driver name='qemu' type='qcow2'/><source file='{}'/>\
         <target dev='vda' bus='virtio'/></disk><memballoon model='none'/></devices></domain>",
        image.display()
    )
}

/// Where a program of this name is.
fn path_of(program: &str) -> String {
    if program.starts_with('/') {
        return program.to_owned();
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let found = path.split(':').map(|dir| format!("{dir}/{program}")).find(|path| std::path::Path::new(path).exists());
    found.unwrap_or_else(|| program.to_owned())
}

#[test]
fn a_domain_can_be_started_while_others_list_the_same_directory() {
    let Some(emulator) = emulator() else { return };
    let dir = tempfile::tempdir().unwrap();
    let connection: Arc<dyn Connection> = qemu::open(dir.path(), Arc::new(Subscriptions::new())).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let lister = {
        let (connection, over) = (connection.clone(), over.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                connection.domains().unwrap();
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        })
    };
    for name in ["one", "two", "three"] {
        let image = make_chain(dir.path(), &[&format!("{name}-disk")], 3).remove(0);
        let domain = connection.create_xml(&document(&path_of(&emulator), name, &image), 0).unwrap();
        assert_eq!(connection.domain(&domain).unwrap().state().unwrap().0, DomainState::Running);
        let again = connection.create_xml(&document(&path_of(&emulator), name, &image), 0);
        assert_eq!(again.map_err(|e| e.code), Err(code::OPERATION_FAILED));
    }
    over.store(true, Ordering::Relaxed);
    lister.join().unwrap();
    for name in ["one", "two", "three"] {
        let domain = connection.lookup(Key::Name(name)).unwrap();
        connection.domain(&domain).unwrap().destroy(0).unwrap();
        assert_eq!(connection.lookup(Key::Name(name)).map_err(|e| e.code), Err(code::NO_DOMAIN));
    }
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|file| file.ends_with(".qcow2") || file.ends_with(".log")), "{left:?}");
}
