//! Backups on real QEMU: pushed to images or read from an NBD server, several disks as one job, whatever ends them.

mod support;

use serde_json::json;
use support::backups::*;
use support::*;
use virt_jobs::driver::request::{CoreDump, ListFilter, Save};
use virt_jobs::job::DiskStats;
use virt_jobs::model::flags::{JOB_START_PARALLEL, JOB_START_PERSIST};
use virt_jobs::model::{code, ControlOp, Error, JobState, JobType};

/// `VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL`.
const REUSE: u32 = 1;

#[test]
fn a_backup_of_two_disks_is_one_job_and_holds_what_they_hold() {
    let Some(vm) = two_disks(24) else { return };
    let ends = Ends::watch(&vm);
    let nodes = vm.second().nodes();
    let (a, b) = (vm.path("a.qcow2"), vm.path("b.qcow2"));
    let name = begin(&vm, &push(&[target("vda", &a), target("sda", &b)]), JOB_START_PERSIST);
    assert_eq!(vm.client.end(&name), JobState::Completed);
    assert_eq!(vm.client.states(&name), ["running", "completed"]);
    let mut disks = Vec::new();
    vm.client.domain.list_jobs(ListFilter(0), &mut |job| disks.clone_from(&job.stats().disks)).unwrap();
    let disk = |disk: &str| DiskStats { disk: disk.to_owned(), current: 24 << 20, end: 24 << 20 };
    assert_eq!(disks, [disk("vda"), disk("sda")]);
    assert_eq!(ends.told(&vm), [(true, String::new())]);
    assert_eq!(vm.second().nodes(), nodes);
    assert_holds(&a, &vm.path("top.qcow2"));
    assert_holds(&b, &vm.path("s-top.qcow2"));
}

#[test]
fn a_backup_that_is_pulled_is_read_from_its_server_and_leaves_nothing() {
    let Some(vm) = two_disks(24) else { return };
    let ends = Ends::watch(&vm);
    let nodes = vm.second().nodes();
    run("qemu-img", &["convert", "-U", "-O", "qcow2", vm.path("top.qcow2").to_str().unwrap(), vm.path("before.qcow2").to_str().unwrap()]);
    let name = begin(&vm, &pull(&vm, "", &["vda", "sda"]), 0);
    // What the guest writes from now on is not part of it.
    vm.second().guest_io("/machine/peripheral/virtio-disk0/virtio-backend", "write -P 9 3M 1M");
    assert_same(&read_export(&vm, "vda"), &vm.path("before.qcow2"));
    assert_holds(&read_export(&vm, "sda"), &vm.path("s-top.qcow2"));
    vm.client.domain.control_job(&name, ControlOp::Abort).unwrap();
    assert_eq!(vm.client.end(&name), JobState::Aborted);
    assert_eq!(ends.told(&vm), [(true, "Operation canceled".to_owned())]);
    assert_eq!(vm.second().nodes(), nodes);
    let mut left = left_behind(&vm);
    left.sort();
    assert_eq!(left, ["before.qcow2", "read-sda.qcow2", "read-vda.qcow2"]);
    // Whoever comes next finds no server in the way.
    begin(&vm, &pull(&vm, "", &[]), 0);
}

#[test]
fn a_backup_is_paused_slowed_and_aborted_as_a_whole() {
    let Some(vm) = two_disks(96) else { return };
    let nodes = vm.second().nodes();
    let (name, a, b) = begin_slowly(&vm, 0);
    let (client, domain) = (&vm.client, &vm.client.domain);
    assert_eq!(client.jobs(), [(name.clone(), JobType::BlockBackup, JobState::Running)]);
    domain.control_job(&name, ControlOp::Pause).unwrap();
    assert_eq!(client.wait(&name, &[JobState::Paused]), JobState::Paused);
    let paused: Vec<String> = ["vda", "sda"].iter().filter_map(|disk| vm.second().status_of(&format!("{name}.{disk}"))).collect();
    assert_eq!(paused, ["paused", "paused"]);
    domain.control_job(&name, ControlOp::Resume).unwrap();
    assert_eq!(client.wait(&name, &[JobState::Running]), JobState::Running);
    assert_eq!(domain.block_job_info("vda").unwrap().unwrap().bandwidth, SLOW);
    domain.block_job_set_speed("vda", 2 * SLOW).unwrap();
    let speeds = ["vda", "sda"].map(|disk| domain.block_job_info(disk).unwrap().unwrap().bandwidth);
    assert_eq!(speeds, [2 * SLOW, SLOW]);
    domain.abort_job(0).unwrap();
    assert_eq!(client.end(&name), JobState::Aborted);
    assert_eq!(client.states(&name), ["running", "paused", "running", "aborted"]);
    let older: Vec<String> = client.told().into_iter().filter(|line| line.starts_with("block ")).collect();
    assert_eq!(older, ["block vda 5 2", "block sda 5 2"]);
    assert!(!a.exists() && !b.exists());
    assert_eq!(vm.second().nodes(), nodes);
}

#[test]
fn a_backup_that_finds_no_room_for_one_disk_fails_with_the_reason() {
    let Some(vm) = two_disks(24) else { return };
    let ends = Ends::watch(&vm);
    let nodes = vm.second().nodes();
    let Some(small) = Small::mount(&vm.path("small"), 8) else { return };
    let (a, b) = (vm.path("a.qcow2"), small.0.join("b.qcow2"));
    let name = begin(&vm, &push(&[target("vda", &a), target("sda", &b)]), JOB_START_PERSIST);
    assert_eq!(vm.client.end(&name), JobState::Failed);
    assert_eq!(vm.client.states(&name), ["running", "failed"]);
    assert_eq!(ends.told(&vm), [(false, "No space left on device".to_owned())]);
    let xml = vm.client.domain.job_xml(&name, true).unwrap();
    assert!(xml.contains("<error>No space left on device</error>"), "{xml}");
    assert!(vm.client.told().contains(&"block sda 5 1".to_owned()), "{:?}", vm.client.told());
    assert!(!a.exists() && !b.exists());
    assert_eq!(vm.second().nodes(), nodes);
    vm.client.domain.control_job(&name, ControlOp::Dismiss).unwrap();
    begin(&vm, &push(&[target("vda", &a)]), 0);
}

#[test]
fn a_backup_that_cannot_begin_leaves_nothing() {
    let Some(vm) = two_disks(24) else { return };
    let nodes = vm.second().nodes();
    let (a, b) = (vm.path("a.qcow2"), vm.path("b.qcow2"));
    std::fs::write(&b, "mine").unwrap();
    let error = try_begin(&vm, &push(&[target("vda", &a), target("sda", &b)]), 0).unwrap_err();
    assert_eq!((error.code, error.message().ends_with("exists")), (code::INVALID_ARG, true), "{error}");
    // An image that is there is opened, and found to be none.
    let error = try_begin(&vm, &push(&[target("sda", &b)]), REUSE).unwrap_err();
    assert_eq!(error.code, code::INTERNAL_ERROR, "{error}");
    let error = try_begin(&vm, &pull(&vm, "", &["vda", "sda"]).replace("/nbd'", "/absent/nbd'"), 0).unwrap_err();
    assert!(error.message().contains("nbd-server-start"), "{error}");
    assert_eq!(std::fs::read_to_string(&b).unwrap(), "mine");
    assert_eq!(left_behind(&vm), ["b.qcow2"]);
    assert_eq!(vm.client.jobs(), []);
    assert_eq!(vm.second().nodes(), nodes);
    assert!(vm.client.told().iter().all(|line| !line.contains("block-backup")), "{:?}", vm.client.told());
}

#[test]
fn a_backup_ends_with_its_qemu_and_its_files_go() {
    let Some(vm) = two_disks(24) else { return };
    let ends = Ends::watch(&vm);
    let name = begin(&vm, &pull(&vm, "", &[]), JOB_START_PERSIST);
    send_signal(vm.pid(), libc::SIGKILL);
    assert_eq!(vm.client.end(&name), JobState::Failed);
    assert_eq!(vm.client.states(&name), ["running", "failed"]);
    assert_eq!(ends.told(&vm), [(false, String::new())]);
    // QEMU may still be about to close the socket of its server.
    wait_until("nothing is left", || vm.client.connection.domains().is_ok() && left_behind(&vm).is_empty());
    assert!(vm.client.told().iter().all(|line| !line.starts_with("block ")), "{:?}", vm.client.told());
}

#[test]
fn a_disk_that_is_unplugged_during_a_backup_stays_part_of_it() {
    let Some(vm) = two_disks(24) else { return };
    let name = begin(&vm, &pull(&vm, "", &["sda"]), 0);
    vm.second().run("device_del", json!({ "id": "scsi0-0-0-0" }));
    wait_until("the disk is gone", || !vm.xml().contains("s-top.qcow2"));
    assert_eq!(vm.client.jobs().len(), 1);
    assert_holds(&read_export(&vm, "sda"), &vm.path("s-top.qcow2"));
    vm.client.domain.control_job(&name, ControlOp::Abort).unwrap();
    assert_eq!(vm.client.end(&name), JobState::Aborted);
    wait_until("its images are closed", || vm.second().nodes().len() == 4);
    assert_eq!(left_behind(&vm), ["read-sda.qcow2"]);
}

#[test]
fn several_backups_at_once_need_permission() {
    let Some(vm) = two_disks(96) else { return };
    let nodes = vm.second().nodes();
    let (name, ..) = begin_slowly(&vm, 0);
    let second = push(&[target("vda", &vm.path("c.qcow2"))]);
    let begun = std::time::Instant::now();
    let error = try_begin(&vm, &second, 0).unwrap_err();
    assert!(error.code == code::OPERATION_TIMEOUT && error.message().contains(&format!("'{name}'")), "{error}");
    assert!(begun.elapsed().as_secs() >= 29, "libvirt waits for half a minute");
    let other = begin(&vm, &second, JOB_START_PARALLEL);
    assert_eq!(vm.client.end(&other), JobState::Completed);
    assert_holds(&vm.path("c.qcow2"), &vm.path("top.qcow2"));
    // QEMU has one server: that of the first pull is not the second's to stop.
    let pulled = begin(&vm, &pull(&vm, "", &["vda"]), JOB_START_PARALLEL);
    let error = try_begin(&vm, &pull(&vm, "", &["sda"]), JOB_START_PARALLEL).unwrap_err();
    assert!(error.message().contains("NBD server already running"), "{error}");
    assert_holds(&read_export(&vm, "vda"), &vm.path("top.qcow2"));
    for name in [&pulled, &name] {
        vm.client.domain.control_job(name, ControlOp::Abort).unwrap();
        assert_eq!(vm.client.end(name), JobState::Aborted);
    }
    assert_eq!(vm.second().nodes(), nodes);
}

type Call = Box<dyn Fn(Client) -> Result<String, Error> + Send>;

#[test]
fn backups_saves_and_dumps_wait_for_the_end_of_the_backup_that_runs() {
    let Some(vm) = two_disks(24) else { return };
    let (image, dump) = (vm.path("saved"), vm.path("dumped"));
    let calls: [(&str, Call); 3] = [
        ("block-backup", {
            let document = push(&[target("vda", &vm.path("c.qcow2"))]);
            Box::new(move |client| client.domain.backup_begin(&document, None, 0))
        }),
        ("dump", Box::new(move |client| client.domain.core_dump(&CoreDump { file: dump.to_str().unwrap(), format: 0, flags: 1 << 4 }))),
        ("save", Box::new(move |client| client.domain.save(&Save { file: image.to_str().unwrap(), xml: None, flags: 0 }))),
    ];
    for (kind, call) in calls {
        let pulled = begin(&vm, &pull(&vm, "", &["vda"]), 0);
        let client = vm.client.clone();
        let waiting = std::thread::spawn(move || call(client));
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(!waiting.is_finished(), "{kind} has not waited");
        assert_eq!(vm.client.jobs().len(), 1, "{kind}");
        vm.client.domain.control_job(&pulled, ControlOp::Abort).unwrap();
        let name = waiting.join().unwrap().unwrap();
        assert!(name.starts_with(kind), "{name}");
        assert_eq!(vm.client.end(&name), JobState::Completed);
    }
}
