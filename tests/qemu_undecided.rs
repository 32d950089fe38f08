//! Copies of which it is not known whether they began, as QEMU did not answer in time or its client was killed: the file that
//! was created for nothing goes.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use support::*;
use virt_jobs::model::{code, JobState};

const WORK: &str = "VIRT_JOBS_TEST_WORK";
const TARGET: &str = "VIRT_JOBS_TEST_TARGET";
const CREATED: &str = "block-create-sda-2 block-create completed";

/// The client that is killed: this program, run again.
#[test]
fn work_until_killed() {
    let Some(dir) = std::env::var_os(WORK).map(PathBuf::from) else { return };
    let client = Client::open(&dir);
    println!("attached");
    let _ = client.try_copy("sda", Path::new(&std::env::var_os(TARGET).unwrap()), 0, 0);
}

/// A client is killed after QEMU has created a file, and before it has heard of it; `meanwhile` happens before the next comes.
fn killed_before_the_answer(before: impl Fn(&Path), meanwhile: impl Fn(&Path)) -> Option<(Rig, PathBuf)> {
    let Rig { client, other, proxy, chain, qemu, dir } = Rig::new(&["base", "top"])?;
    drop(client);
    let (vms, path) = (dir.path().join("vms"), dir.path().join("copy.qcow2"));
    before(&path);
    proxy.set(Manner::Withhold("blockdev-create"));
    let killed = another_client("work_until_killed", &[(WORK, vms.as_os_str()), (TARGET, path.as_os_str())]);
    wait_until("the image", || proxy.statuses("block-create-sda-2").iter().any(|status| status == "concluded"));
    kill_after(killed, Duration::ZERO);
    proxy.set(Manner::Straight);
    assert!(path.exists());
    meanwhile(&path);
    let client = Client::open(&vms);
    client.wait_for(CREATED);
    Some((Rig { client, other, proxy, chain, qemu, dir }, path))
}

#[test]
fn a_file_that_a_killed_client_had_created_for_a_copy_goes_with_the_next() {
    let Some((rig, path)) = killed_before_the_answer(|_| {}, |_| {}) else { return };
    assert!(!path.exists());
    rig.client.wait_for("block-copy-sda-1 block-copy failed");
    let again = rig.client.copy("sda", &path, 0, 0);
    rig.client.wait(&again, &[JobState::Ready]);
}

#[test]
fn a_file_that_was_there_before_a_copy_or_has_become_something_else_stays() {
    let there = |path: &Path| drop(fs::File::create(path).unwrap());
    let Some((_rig, path)) = killed_before_the_answer(there, |_| {}) else { return };
    assert!(path.exists());
    let filled = |path: &Path| fs::write(path, vec![1; 20 << 20]).unwrap();
    let Some((_rig, path)) = killed_before_the_answer(|_| {}, filled) else { return };
    assert!(path.exists());
}

#[test]
fn a_file_that_is_created_after_the_call_has_failed_goes() {
    let Some(rig) = Rig::new(&["base", "top"]) else { return };
    rig.qemu.signal(libc::SIGSTOP);
    let path = rig.path("copy.qcow2");
    let error = thread::scope(|scope| scope.spawn(|| rig.client.try_copy("sda", &path, 0, 0)).join().unwrap()).unwrap_err();
    assert_eq!(error.code, code::OPERATION_TIMEOUT);
    assert!(!path.exists());
    rig.qemu.signal(libc::SIGCONT);
    rig.client.wait_for(CREATED);
    assert!(!path.exists());
    let again = rig.client.copy("sda", &path, 0, 0);
    rig.client.wait(&again, &[JobState::Ready]);
    assert!(path.exists());
}
