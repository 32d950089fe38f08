//! Domains that a connection starts: their life, their disks, their jobs, and what is left of them.

mod support;

use std::collections::HashSet;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use serde_json::json;
use support::vm::*;
use support::*;
use virt_jobs::driver::request::{BlockCopy, CopyDestination};
use virt_jobs::driver::{qemu, Key};
use virt_jobs::event::Subscriptions;
use virt_jobs::model::flags::JOB_START_PERSIST;
use virt_jobs::model::{code, ControlOp, DomainState, Error, JobState, JobType};

const PAUSED: u32 = 1;
const SLOW: u64 = 1 << 16;

/// Whether a process has ended, perhaps without having been waited for.
fn is_gone(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

#[test]
fn a_domain_is_started_paused_resumed_suspended_and_destroyed() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let client = &vm.client;
    assert_eq!(client.domain.state().unwrap().0, DomainState::Paused);
    client.domain.resume().unwrap();
    client.wait_for("lifecycle 4 0");
    assert_eq!(client.domain.state().unwrap().0, DomainState::Running);
    assert_eq!(client.domain.resume().map_err(|e| e.code), Err(code::OPERATION_INVALID));
    client.domain.suspend().unwrap();
    client.wait_for("lifecycle 3 0");
    client.domain.destroy(0).unwrap();
    assert!(!client.domain.is_active());
    let lifecycle: Vec<String> = client.told().into_iter().filter(|line| line.starts_with("lifecycle")).collect();
    assert_eq!(lifecycle.first().map(String::as_str), Some("lifecycle 2 0"));
    assert_eq!(lifecycle.last().map(String::as_str), Some("lifecycle 5 1"));
    assert_eq!(vm.files(), [""; 0]);
    assert_eq!(client.domain.destroy(0).map_err(|e| e.code), Err(code::OPERATION_INVALID));
}

#[test]
fn a_name_or_a_uuid_is_not_used_twice() {
    let Some(vm) = Vm::start(&["top"], PAUSED) else { return };
    let spare = make_chain(vm.dir.path(), &["spare"], 4).remove(0);
    let error = vm.create("vm", &[disk_xml("vda", "virtio", &spare)]).unwrap_err();
    assert_eq!(error.code, code::OPERATION_FAILED);
    assert!(error.message().contains("already exists with uuid"), "{error}");
    let uuid = vm.client.domain.identity().uuid;
    let same = format!("<name>vm</name><uuid>{uuid}</uuid>");
    let emulator = emulator().unwrap();
    let xml = domain_xml(&emulator, &vm.vms(), "vm", &[disk_xml("vda", "virtio", &spare)]);
    let again = vm.client.connection.create_xml(&xml.replace("<name>vm</name>", &same), 0);
    assert_eq!(again.map_err(|e| e.code), Err(code::OPERATION_INVALID));
    let other = vm.client.connection.create_xml(&xml.replace("<name>vm</name>", &same.replace(">vm<", ">other<")), 0);
    assert_eq!(other.map_err(|e| e.code), Err(code::OPERATION_FAILED));
    assert!(vm.client.domain.is_active());
    assert_eq!(vm.files(), ["vm.jobs", "vm.pid", "vm.qmp"]);
}

#[test]
fn of_two_that_start_the_same_domain_one_succeeds_and_its_domain_is_whole() {
    let Some(vm) = Vm::start(&["top"], PAUSED) else { return };
    let images = make_chain(vm.dir.path(), &["one", "two"], 4);
    // Another connection to a directory of the same process, and another process's view of it.
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = images
            .iter()
            .map(|image| {
                let vm = &vm;
                scope.spawn(move || vm.create("both", &[disk_xml("vda", "virtio", image)]).map_err(|e| e.code))
            })
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let won = outcomes.iter().position(Result::is_ok).expect("one of them");
    assert!(outcomes[1 - won].is_err());
    let both = vm.client.connection.domain(&vm.client.connection.lookup(Key::Name("both")).unwrap()).unwrap();
    assert!(both.xml(0).unwrap().contains(images[won].to_str().unwrap()));
    drop(both);
    let vm = vm.reopen();
    let both = vm.client.connection.domain(&vm.client.connection.lookup(Key::Name("both")).unwrap()).unwrap();
    // It is known for one of ours: its definition was not overwritten, nor removed.
    assert!(both.xml(0).unwrap().contains("<target dev='vda' bus='virtio'/>"));
    both.destroy(0).unwrap();
}

#[test]
fn a_start_that_fails_says_what_qemu_said_and_leaves_nothing() {
    let Some(vm) = Vm::start(&["top"], PAUSED) else { return };
    // The image is in use.
    let error = vm.create("second", &[disk_xml("vda", "virtio", &vm.chain[0])]).unwrap_err();
    assert!(error.message().contains("lock"), "{error}");
    assert_eq!(vm.files(), ["vm.jobs", "vm.pid", "vm.qmp"]);
    assert_eq!(vm.client.connection.lookup(Key::Name("second")).map_err(|e| e.code), Err(code::NO_DOMAIN));
}

#[test]
fn files_of_the_application_in_the_directory_are_left_alone() {
    let Some(vm) = Vm::start(&["top"], PAUSED) else { return };
    for file in ["other.xml", "other.json", "notes.txt"] {
        std::fs::write(vm.vms().join(file), file).unwrap();
    }
    let spare = make_chain(vm.dir.path(), &["spare"], 4).remove(0);
    let other = vm.create("other", &[disk_xml("vda", "virtio", &spare)]).unwrap();
    vm.client.connection.domain(&other).unwrap().destroy(0).unwrap();
    for file in ["other.xml", "other.json", "notes.txt"] {
        assert_eq!(std::fs::read_to_string(vm.vms().join(file)).unwrap(), file);
    }
}

#[test]
fn a_guest_that_shuts_down_leaves_a_ready_copy_as_its_disk_was() {
    let dir = tempfile::tempdir().unwrap();
    let image = busy_guest(dir.path());
    let Some(vm) = Vm::start_on(dir, vec![image.clone()], 0) else { return };
    let mut second = vm.second();
    wait_for_guest(&image);
    let target = vm.path("copy.qcow2");
    let copy = vm.client.copy("vda", &target, 0, JOB_START_PERSIST);
    vm.client.wait(&copy, &[JobState::Ready]);
    second.run("send-key", json!({ "keys": [{ "type": "qcode", "data": "a" }] }));
    wait_until("the end", || !vm.client.domain.is_active());
    assert_eq!(vm.client.states(&copy), ["running", "ready", "failed"]);
    assert!(vm.client.domain.job_xml(&copy, false).unwrap().contains("<error>the domain was shut down</error>"));
    assert_same(&target, &image);
    let (first, next) = counters(&target);
    assert!(first > 2 && first == next, "{first} {next}");
    let lifecycle: Vec<String> = vm.client.told().into_iter().filter(|line| line.starts_with("lifecycle")).collect();
    assert_eq!(lifecycle[lifecycle.len() - 2..], ["lifecycle 6 1", "lifecycle 5 0"], "{lifecycle:?}");
}

#[test]
fn a_copy_of_a_busy_guest_is_the_disk_of_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let image = busy_guest(dir.path());
    let Some(vm) = Vm::start_on(dir, vec![image.clone()], 0) else { return };
    wait_for_guest(&image);
    for round in 0..3 {
        let target = vm.path(&format!("copy{round}.qcow2"));
        let copy = vm.client.copy("vda", &target, 0, 0);
        vm.client.wait(&copy, &[JobState::Ready]);
        let before = counters(&image).1;
        vm.client.domain.control_job(&copy, ControlOp::Abort).unwrap();
        assert_eq!(vm.client.end(&copy), JobState::Aborted);
        run("qemu-img", &["check", "-q", target.to_str().unwrap()]);
        // The guest writes the first, then the second.
        let (first, next) = counters(&target);
        assert!(first == next || first == next + 1, "{first} {next}");
        assert!(next >= before, "{next} {before}");
    }
}

#[test]
fn jobs_that_run_when_the_guest_shuts_down_fail_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let image = busy_guest(dir.path());
    let top = dir.path().join("top.qcow2");
    run("qemu-img", &["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image.to_str().unwrap(), top.to_str().unwrap()]);
    run("qemu-io", &["-c", "write -q -P 5 12M 8M", image.to_str().unwrap()]);
    let Some(vm) = Vm::start_on(dir, vec![image, top.clone()], 0) else { return };
    let mut second = vm.second();
    wait_for_guest(&top);
    let pull = vm.client.pull("vda", None, SLOW, JOB_START_PERSIST);
    second.run("send-key", json!({ "keys": [{ "type": "qcode", "data": "a" }] }));
    wait_until("the end", || !vm.client.domain.is_active());
    assert_eq!(vm.client.states(&pull), ["running", "failed"]);
    assert!(vm.client.domain.job_xml(&pull, false).unwrap().contains("<error>the domain was shut down</error>"));
}

#[test]
fn a_domain_that_is_destroyed_takes_its_jobs_along_and_keeps_their_records() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let copy = vm.client.copy("vda", &vm.path("copy.qcow2"), SLOW, JOB_START_PERSIST);
    vm.client.domain.destroy(0).unwrap();
    assert_eq!(vm.client.states(&copy), ["running", "failed"]);
    assert!(vm.client.domain.job_xml(&copy, false).unwrap().contains("<error>the domain was destroyed</error>"));
    assert_eq!(vm.files(), ["vm.jobs"]);
    // The record is found by the next client, and goes when it is dismissed.
    let vm = vm.reopen();
    assert!(!vm.client.domain.is_active());
    assert_eq!(vm.client.domain.state().unwrap().0, DomainState::Shutoff);
    assert_eq!(vm.client.jobs(), [(copy.clone(), JobType::BlockCopy, JobState::Failed)]);
    assert!(vm.client.domain.job_xml(&copy, true).unwrap().contains("<error>the domain was destroyed</error>"));
    for op in [ControlOp::Abort, ControlOp::Pause] {
        assert_eq!(vm.client.domain.control_job(&copy, op).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    }
    assert_eq!(vm.client.try_copy("vda", &vm.path("c"), 0, 0).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    vm.client.domain.control_job(&copy, ControlOp::Dismiss).unwrap();
    assert_eq!(vm.files(), [""; 0]);
    assert_eq!(vm.client.connection.domains().unwrap().len(), 0);
}

#[test]
fn jobs_of_a_domain_that_ended_while_nobody_was_there_are_found_failed() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let uuid = vm.client.domain.identity().uuid;
    let copy = vm.client.copy("vda", &vm.path("copy.qcow2"), SLOW, JOB_START_PERSIST);
    let pid = vm.pid();
    let Vm { client, chain, reaper, dir } = vm;
    drop(client);
    send_signal(pid, libc::SIGKILL);
    wait_until("the process is gone", || is_gone(pid));
    let client = Client::open(&dir.path().join("vms"));
    assert_eq!(client.domain.identity().uuid, uuid);
    assert_eq!(client.jobs(), [(copy.clone(), JobType::BlockCopy, JobState::Failed)]);
    assert!(client.domain.job_xml(&copy, false).unwrap().contains("while nobody was there"));
    client.domain.control_job(&copy, ControlOp::Dismiss).unwrap();
    let vm = Vm { client, chain, reaper, dir };
    assert_eq!(vm.files(), [""; 0]);
    // The name is free again.
    vm.create("vm", &[disk_xml("vda", "virtio", &vm.chain[1])]).unwrap();
}

#[test]
fn a_domain_that_is_killed_leaves_no_files_either() {
    let Some(vm) = Vm::start(&["top"], PAUSED) else { return };
    let pid = vm.pid();
    send_signal(pid, libc::SIGKILL);
    vm.client.wait_for("lifecycle 5 5");
    wait_until("the process is gone", || is_gone(pid));
    // Its last thread, and with it its files, may go a moment later.
    wait_until("its files are gone", || vm.client.connection.domains().unwrap().is_empty() && vm.files().is_empty());
}

#[test]
fn a_domain_that_is_killed_while_it_is_to_start_a_job_leaves_no_files_either() {
    type Work = fn(&Client, &std::path::Path) -> Result<String, Error>;
    let works: [Work; 2] = [
        |client, _| client.try_commit("vda", None, None, 0, virt_jobs::model::flags::commit::ACTIVE),
        |client, path| client.try_copy("vda", path, 0, JOB_START_PERSIST),
    ];
    for work in works {
        let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
        let (pid, client, path) = (vm.pid(), vm.client.clone(), vm.path("copy.qcow2"));
        let signal = |signal| send_signal(pid, signal);
        signal(libc::SIGSTOP);
        let call = std::thread::spawn(move || work(&client, &path));
        wait_until("the start is on its way", || vm.vms().join("vm.jobs/last-number").exists());
        signal(libc::SIGKILL);
        call.join().unwrap().unwrap_err();
        wait_until("its files are gone", || vm.client.connection.domains().unwrap().is_empty() && vm.files().is_empty());
    }
}

#[test]
fn a_domain_that_is_started_again_at_once_knows_no_job_that_the_last_one_did_not_come_to_start() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let disk = [disk_xml("vda", "virtio", &vm.chain[1])];
    for round in 0..6 {
        let domain = vm.client.connection.domain(&vm.client.connection.lookup(Key::Name("vm")).unwrap()).unwrap();
        let (pid, path) = (domain.identity().id, vm.path("copy.qcow2"));
        send_signal(pid, libc::SIGSTOP);
        let start = |path: &std::path::Path| {
            let destination = CopyDestination::Path { path: path.to_str().unwrap(), raw: false, block: false };
            let flags = JOB_START_PERSIST;
            domain.block_copy(&BlockCopy { disk: "vda", destination, bandwidth: 0, granularity: 0, buf_size: 0, flags })
        };
        std::thread::scope(|scope| {
            let call = scope.spawn(|| start(&path));
            let recorded = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("block-copy");
            let files = || std::fs::read_dir(vm.vms().join("vm.jobs")).into_iter().flatten().flatten();
            wait_until("the start is on its way", || files().any(recorded));
            // Keeps who takes back the record busy, until the next domain would read it.
            let records = std::fs::File::open(vm.vms().join("vm.jobs")).unwrap();
            // SAFETY: the descriptor is open.
            assert_eq!(unsafe { libc::flock(records.as_raw_fd(), libc::LOCK_EX) }, 0);
            send_signal(pid, libc::SIGKILL);
            wait_until("the end is noticed", || !domain.is_active());
            let again = scope.spawn(|| wait_until("it is started again", || vm.create("vm", &disk).is_ok()));
            std::thread::sleep(Duration::from_millis(400));
            drop(records);
            again.join().unwrap();
            call.join().unwrap().unwrap_err();
        });
        let told: Vec<String> = vm.client.told().into_iter().filter(|line| line.contains("block-copy")).collect();
        assert_eq!(told, [""; 0], "round {round}");
    }
}

#[test]
fn a_client_that_comes_back_finds_the_same_jobs_disks_and_mirror_and_goes_on() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let copy = vm.client.copy("vda", &vm.path("copy.qcow2"), 0, JOB_START_PERSIST);
    vm.client.wait(&copy, &[JobState::Ready]);
    let pull_is_refused =
        vm.client.domain.block_pull(&virt_jobs::driver::request::BlockPull { disk: "vda", base: None, bandwidth: 0, flags: 0 });
    assert_eq!(pull_is_refused.map_err(|e| e.code), Err(code::BLOCK_COPY_ACTIVE));
    let (xml, job) = (vm.xml(), vm.client.domain.job_xml(&copy, false).unwrap());
    assert!(xml.contains("<mirror") && xml.contains("job='copy' ready='yes'"), "{xml}");
    let vm = vm.reopen();
    assert_eq!(vm.xml(), xml);
    assert_eq!(vm.client.domain.job_xml(&copy, false).unwrap(), job);
    assert_eq!(vm.client.jobs(), [(copy.clone(), JobType::BlockCopy, JobState::Ready)]);
    vm.client.domain.control_job(&copy, ControlOp::Finalize).unwrap();
    assert_eq!(vm.client.end(&copy), JobState::Completed);
    let xml = vm.xml();
    assert!(xml.contains("copy.qcow2") && !xml.contains("<mirror") && !xml.contains("top.qcow2"), "{xml}");
    let vm = vm.reopen();
    assert_eq!(vm.xml(), xml);
    assert_eq!(vm.client.jobs(), [(copy.clone(), JobType::BlockCopy, JobState::Completed)]);
    let next = vm.client.copy("vda", &vm.path("next.qcow2"), 0, 0);
    vm.client.wait(&next, &[JobState::Ready]);
    vm.client.domain.control_job(&next, ControlOp::Abort).unwrap();
    assert_eq!(vm.client.end(&next), JobState::Aborted);
    assert_ne!(next, copy);
    // Nothing of ours is open but what the disk has.
    let indices: HashSet<String> = vm.second().nodes().into_iter().collect();
    assert_eq!(indices.len(), 2, "{indices:?}");
    assert_eq!(vm.xml(), xml);
}

#[test]
fn disks_come_and_go_also_during_a_job() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let client = &vm.client;
    let spare = make_chain(vm.dir.path(), &["s-base", "s-top"], 4);
    let copy = client.copy("vda", &vm.path("copy.qcow2"), SLOW, 0);
    for (target, bus) in [("sda", "scsi"), ("vdb", "virtio")] {
        let disk = disk_xml(target, bus, &spare[1]);
        client.domain.attach_device(&disk, 0).unwrap();
        assert_eq!(client.domain.attach_device(&disk, 0).map_err(|e| e.code), Err(code::OPERATION_INVALID));
        let xml = vm.xml();
        assert!(xml.contains(&format!("<target dev='{target}' bus='{bus}'/>")) && xml.contains("s-base.qcow2"), "{xml}");
        // The numbers of the images are those of the nodes, and no two images have the same.
        let images = xml.lines().filter(|line| !line.contains("<controller"));
        let numbers: Vec<&str> =
            images.flat_map(|line| line.split("index='").skip(1)).map(|rest| rest.split('\'').next().unwrap()).collect();
        assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), numbers.len(), "{numbers:?}");
        let pull = client.pull(target, None, 0, 0);
        assert_eq!(client.end(&pull), JobState::Completed);
        assert!(!vm.xml().contains("s-base.qcow2"));
        if bus == "virtio" {
            // A guest has to agree, and here is none.
            continue;
        }
        client.domain.detach_device(&disk, 0).unwrap();
        assert!(!vm.xml().contains(&format!("dev='{target}'")));
        run("qemu-img", &["check", "-q", spare[1].to_str().unwrap()]);
        run("qemu-img", &["rebase", "-q", "-u", "-F", "qcow2", "-b", spare[0].to_str().unwrap(), spare[1].to_str().unwrap()]);
    }
    let busy = client.domain.detach_device(&disk_xml("vda", "virtio", &vm.chain[1]), 0);
    assert_eq!(busy.map_err(|e| e.code), Err(code::BLOCK_COPY_ACTIVE));
    assert_eq!(client.states(&copy), ["running"]);
    client.domain.control_job(&copy, ControlOp::Abort).unwrap();
    assert_eq!(client.end(&copy), JobState::Aborted);
    // The images of `vda` and of the disk that stays.
    let nodes = vm.second().nodes();
    assert_eq!(nodes.len(), 4 + 2, "{nodes:?}");
}

#[test]
fn a_disk_that_cannot_be_attached_leaves_no_trace() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let before = vm.second().nodes();
    let in_use = vm.client.domain.attach_device(&disk_xml("sdb", "scsi", &vm.chain[1]), 0).unwrap_err();
    assert!(in_use.message().contains("lock"), "{in_use}");
    let missing = vm.client.domain.attach_device(&disk_xml("sdb", "scsi", &vm.path("missing.qcow2")), 0).unwrap_err();
    assert_eq!(missing.code, code::SYSTEM_ERROR);
    assert_eq!(vm.second().nodes(), before);
    assert!(!vm.xml().contains("sdb"));
}

#[test]
fn a_stopped_qemu_is_destroyed_by_force() {
    let Some(vm) = Vm::start(&["top"], PAUSED) else { return };
    let pid = vm.pid();
    send_signal(pid, libc::SIGSTOP);
    let started = Instant::now();
    vm.client.domain.destroy(0).unwrap();
    assert!(started.elapsed() < unhurried(Duration::from_secs(30)));
    assert!(is_gone(pid));
    assert_eq!(vm.files(), [""; 0]);
}

#[test]
fn a_connection_to_the_socket_alone_knows_the_domain_and_starts_none() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let socket = vm.vms().join("vm.qmp");
    let taken = qemu::open(&socket, std::sync::Arc::new(Subscriptions::new()));
    assert_eq!(taken.map(drop).map_err(|e| e.code), Err(code::NO_CONNECT));
    let Vm { client, chain, reaper, dir } = vm;
    let xml = client.domain.xml(0).unwrap();
    drop(client);
    let client = Client::open(&socket);
    assert_eq!(client.domain.xml(0).unwrap(), xml);
    let pull = client.pull("vda", None, 0, 0);
    assert_eq!(client.end(&pull), JobState::Completed);
    let text = domain_xml(&emulator().unwrap(), &dir.path().join("vms"), "x", &[]);
    assert_eq!(client.connection.create_xml(&text, 0).map_err(|e| e.code), Err(code::OPERATION_UNSUPPORTED));
    drop((client, chain, reaper));
}

/// Shuts down the connection of this process to a monitor, as if QEMU had said something unreadable.
fn break_connection(socket: &std::path::Path) {
    for entry in std::fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let Ok(fd) = entry.file_name().to_str().unwrap().parse::<i32>() else { continue };
        // SAFETY: the address is large enough for that of any UNIX socket, and its length says so.
        let peer = unsafe {
            let mut address: libc::sockaddr_un = std::mem::zeroed();
            let mut length = std::mem::size_of_val(&address) as libc::socklen_t;
            let known = libc::getpeername(fd, (&raw mut address).cast(), &raw mut length) == 0;
            (known && i32::from(address.sun_family) == libc::AF_UNIX).then_some(address.sun_path)
        };
        let Some(path) = peer else { continue };
        let path: Vec<u8> = path.iter().take_while(|byte| **byte != 0).map(|byte| *byte as u8).collect();
        if path == socket.as_os_str().as_encoded_bytes() {
            // SAFETY: the descriptor is a socket.
            unsafe { libc::shutdown(fd, libc::SHUT_RDWR) };
        }
    }
}

#[test]
fn a_domain_whose_connection_breaks_is_found_again_as_one_of_ours() {
    let Some(vm) = Vm::start(&["base", "top"], PAUSED) else { return };
    let xml = vm.xml();
    break_connection(&vm.vms().join("vm.qmp"));
    wait_until("the connection is lost", || !vm.client.domain.is_active());
    assert_eq!(vm.client.connection.domains().unwrap().len(), 1);
    let again = vm.client.connection.domain(&vm.client.domain.identity()).unwrap();
    assert!(again.is_active());
    assert_eq!(again.xml(0).unwrap(), xml);
    let pull = virt_jobs::driver::request::BlockPull { disk: "vda", base: None, bandwidth: 0, flags: 0 };
    let pull = again.block_pull(&pull).unwrap();
    assert_eq!(again.wait_job(&pull, 0, Some(Duration::from_secs(20))).unwrap(), Some(JobState::Completed));
    assert_eq!(vm.second().nodes().len(), 2);
    again.destroy(0).unwrap();
    assert_eq!(vm.files(), [""; 0]);
}

#[test]
fn names_of_domains_and_images_may_be_strange() {
    let Some(vm) = Vm::start(&["top"], PAUSED) else { return };
    let dir = vm.path("a b,c=d & e");
    std::fs::create_dir(&dir).unwrap();
    let chain = make_chain(&dir, &["ba,se", "t'op \"é%s"], 4);
    for (round, name) in ["ä b", "x,y=z", "<&'\">", "100%"].into_iter().enumerate() {
        let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;").replace('"', "&quot;");
        let disk = disk_xml("vda", "virtio", std::path::Path::new(&escape(chain[1].to_str().unwrap())));
        let xml = domain_xml(&emulator().unwrap(), &vm.vms(), "strange", &[disk]);
        let xml = xml.replace("<name>strange</name>", &format!("<name>{}</name>", escape(name)));
        let found = vm.client.connection.create_xml(&xml, PAUSED).unwrap();
        assert_eq!(found.name, name);
        let domain = vm.client.connection.domain(&vm.client.connection.lookup(Key::Name(name)).unwrap()).unwrap();
        let document = virt_jobs::xml::reader::parse(&domain.xml(0).unwrap()).unwrap();
        assert_eq!(document.child_text("name"), Some(name));
        let target = dir.join(format!("copy {round}.qcow2"));
        let destination = virt_jobs::driver::request::CopyDestination::Path { path: target.to_str().unwrap(), raw: false, block: false };
        let request =
            virt_jobs::driver::request::BlockCopy { disk: "vda", destination, bandwidth: 0, granularity: 0, buf_size: 0, flags: 0 };
        let copy = domain.block_copy(&request).unwrap();
        assert_eq!(domain.wait_job(&copy, 1 << JobState::Ready as u32, Some(Duration::from_secs(20))).unwrap(), Some(JobState::Ready));
        domain.control_job(&copy, ControlOp::Abort).unwrap();
        assert_eq!(domain.wait_job(&copy, 0, Some(Duration::from_secs(20))).unwrap(), Some(JobState::Aborted));
        domain.destroy(0).unwrap();
        assert_same(&target, &chain[1]);
    }
    assert_eq!(vm.files(), ["vm.jobs", "vm.pid", "vm.qmp"]);
}
