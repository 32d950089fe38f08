//! Domains that are saved and brought back.

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use support::vm::{busy_guest, counters, disk_xml, domain_xml, wait_for_guest, Reaper, Vm};
use support::*;
use virt_jobs::driver::request::*;
use virt_jobs::driver::Key;
use virt_jobs::model::domain::reason;
use virt_jobs::model::flags::JOB_START_PERSIST;
use virt_jobs::model::{code, ControlOp, DomainState, Error, JobState, JobType};

/// `virDomainSaveRestoreFlags`.
const BYPASS_CACHE: u32 = 1;
const RUNNING: u32 = 2;
const PAUSED: u32 = 4;
/// `VIR_DOMAIN_START_PAUSED`.
const START_PAUSED: u32 = 1;

fn save(vm: &Vm, path: &Path) {
    vm.client.domain.save(&Save { file: path.to_str().unwrap(), xml: None, flags: 0 }).unwrap();
}

fn try_restore(vm: &Vm, path: &Path, xml: Option<&str>, flags: u32) -> Result<(), Error> {
    let (domain, name) = vm.client.connection.restore(&Restore { file: path.to_str().unwrap(), xml, flags })?;
    vm.client.connection.lookup(Key::Uuid(domain)).unwrap();
    assert!(vm.client.told().contains(&format!("{name} restore running")), "{name}");
    Ok(())
}

/// The domain after it has been brought back: it is another one, under the same name.
fn restore(mut vm: Vm, path: &Path, flags: u32) -> Vm {
    try_restore(&vm, path, None, flags).unwrap();
    vm.client.domain = vm.client.connection.domain(&vm.client.connection.lookup(Key::Name("vm")).unwrap()).unwrap();
    vm
}

fn lifecycle(vm: &Vm) -> Vec<String> {
    vm.client.told().into_iter().filter(|line| line.starts_with("lifecycle")).collect()
}

/// A saved domain, and its image.
fn saved(flags: u32) -> Option<(Vm, PathBuf)> {
    let vm = Vm::start(&["base", "top"], flags)?;
    let path = vm.path("image");
    save(&vm, &path);
    Some((vm, path))
}

fn assert_nothing_is_left(vm: &Vm) {
    assert_eq!(vm.client.connection.domains().unwrap().len(), 0);
    wait_until("the files are gone", || vm.client.connection.domains().is_ok() && vm.files().is_empty());
}

#[test]
fn a_guest_goes_on_where_it_was_with_its_memory_and_its_disk() {
    if emulator().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let disk = busy_guest(dir.path());
    let Some(vm) = Vm::start_on(dir, vec![disk.clone()], 0) else { return };
    wait_for_guest(&disk);
    for (n, flags) in [0, BYPASS_CACHE].into_iter().enumerate() {
        let path = vm.path(&format!("image-{n}"));
        save(&vm, &path);
        let before = counters(&disk);
        try_restore(&vm, &path, None, flags).unwrap();
        // It counts on from the number in its memory, which it writes to its disk: a guest that began anew would begin at 1.
        wait_until("the guest goes on", || counters(&disk).0 > before.0);
        assert!(counters(&disk).0 - before.0 < before.0 + 100_000 && before.0 > 2, "{before:?} {:?}", counters(&disk));
        let found = vm.client.connection.lookup(Key::Name("vm")).unwrap();
        let domain = vm.client.connection.domain(&found).unwrap();
        assert_eq!(domain.state().unwrap(), (DomainState::Running, reason::RUNNING_RESTORED));
        domain.save(&Save { file: vm.path("last").to_str().unwrap(), xml: None, flags: 0 }).unwrap();
        try_restore(&vm, &vm.path("last"), None, 0).unwrap();
        let found = vm.client.connection.lookup(Key::Name("vm")).unwrap();
        vm.client.connection.domain(&found).unwrap().destroy(0).unwrap();
        run("qemu-img", &["check", "-q", disk.to_str().unwrap()]);
        if n == 0 {
            try_restore(&vm, &path, None, 0).unwrap();
            return;
        }
    }
}

#[test]
fn a_restored_domain_is_the_same_and_its_events_come_in_libvirts_order() {
    let Some(vm) = Vm::start(&["base", "top"], 0) else { return };
    let (path, xml, pid) = (vm.path("image"), vm.xml(), vm.pid());
    save(&vm, &path);
    vm.client.wait_for("lifecycle 5 4");
    let told = vm.client.told().len();
    let vm = restore(vm, &path, 0);
    assert_eq!(vm.client.told()[told..], ["restore-1 restore running", "lifecycle 2 2", "lifecycle 4 2", "restore-1 restore completed"]);
    assert_eq!(vm.client.domain.state().unwrap(), (DomainState::Running, reason::RUNNING_RESTORED));
    let without_id = |xml: &str, pid: i32| xml.replacen(&format!(" id='{pid}'"), "", 1);
    assert_eq!(without_id(&vm.xml(), vm.pid()), without_id(&xml, pid));
    assert!(path.exists() && vm.client.jobs().is_empty());
    // It is a domain like any other.
    let pull = vm.client.pull("vda", None, 0, 0);
    assert_eq!(vm.client.end(&pull), JobState::Completed);
    vm.client.domain.destroy(0).unwrap();
    assert_nothing_is_left(&vm);
}

#[test]
fn whether_the_guest_runs_is_said_by_the_image_unless_the_caller_says_it() {
    let Some((mut vm, running)) = saved(0) else { return };
    let paused = vm.path("paused");
    vm = restore(vm, &running, PAUSED);
    assert_eq!(vm.client.domain.state().unwrap(), (DomainState::Paused, reason::PAUSED_MIGRATION));
    save(&vm, &paused);
    for (path, flags, runs) in [(&running, 0, true), (&paused, 0, false), (&paused, RUNNING, true), (&running, PAUSED, false)] {
        let told = lifecycle(&vm).len();
        vm = restore(vm, path, flags);
        let (state, second) = if runs { (DomainState::Running, "lifecycle 4 2") } else { (DomainState::Paused, "lifecycle 3 4") };
        assert_eq!(vm.client.domain.state().unwrap().0, state);
        assert_eq!(lifecycle(&vm)[told..], ["lifecycle 2 2", second]);
        vm.client.domain.destroy(0).unwrap();
    }
}

#[test]
fn another_description_may_change_what_the_guest_cannot_see() {
    let Some((vm, path)) = saved(START_PAUSED) else { return };
    let xml = vm.client.connection.save_image_xml(path.to_str().unwrap()).unwrap();
    for (from, to) in [("65536", "131072"), ("'vda'", "'vdb'"), ("<vcpu placement='static'>1", "<vcpu placement='static'>2")] {
        let error = try_restore(&vm, &path, Some(&xml.replace(from, to)), 0).unwrap_err();
        assert_eq!(error.code, code::CONFIG_UNSUPPORTED, "{error}");
    }
    assert_eq!(try_restore(&vm, &path, Some("<dom"), 0).map_err(|e| e.code), Err(code::XML_DETAIL));
    assert_nothing_is_left(&vm);
    let titled = xml.replacen("<uuid>", "<title>back</title><uuid>", 1);
    try_restore(&vm, &path, Some(&titled), 0).unwrap();
    let domain = vm.client.connection.domain(&vm.client.connection.lookup(Key::Name("vm")).unwrap()).unwrap();
    assert!(domain.xml(0).unwrap().contains("<title>back</title>"));
    domain.destroy(0).unwrap();
    let file = path.to_str().unwrap();
    vm.client.connection.define_save_image_xml(file, &titled, RUNNING).unwrap();
    assert!(vm.client.connection.save_image_xml(file).unwrap().contains("<title>back</title>"));
    let vm = restore(vm, &path, 0);
    assert_eq!(vm.client.domain.state().unwrap().0, DomainState::Running);
}

#[test]
fn a_torn_image_is_refused_by_qemu_in_its_words_and_leaves_nothing() {
    let Some((vm, path)) = saved(START_PAUSED) else { return };
    let whole = std::fs::read(&path).unwrap();
    let begin = whole.windows(4).position(|four| four == b"QEVM").unwrap();
    let torn = vm.path("torn");
    for (length, what) in
        [(begin, "Not a migration stream"), (begin + (whole.len() - begin) / 2, "load of migration failed"), (begin + 5000, "failed")]
    {
        for flags in [0, BYPASS_CACHE] {
            let told = vm.client.told().len();
            std::fs::write(&torn, &whole[..length]).unwrap();
            let error = try_restore(&vm, &torn, None, flags).unwrap_err();
            assert_eq!(error.code, code::INTERNAL_ERROR);
            assert!(error.detail.contains(what), "{error}");
            assert_eq!(vm.client.told()[told..], ["restore-1 restore running", "restore-1 restore failed"]);
            assert_nothing_is_left(&vm);
            assert_eq!(std::fs::read(&torn).unwrap().len(), length);
        }
    }
    restore(vm, &path, 0);
}

#[test]
fn an_image_whose_disk_is_in_use_is_not_restored() {
    let Some((vm, path)) = saved(0) else { return };
    let other = Qemu::with_disk(&emulator().unwrap(), &vm.path("other.sock"), &vm.chain);
    let error = try_restore(&vm, &path, None, 0).unwrap_err();
    assert_eq!(error.code, code::INTERNAL_ERROR);
    assert!(error.detail.contains("lock"), "{error}");
    assert_eq!(vm.client.states("restore-1").last().unwrap(), "failed");
    assert_nothing_is_left(&vm);
    drop(other);
    restore(vm, &path, 0);
}

#[test]
fn a_running_domain_is_not_restored_again() {
    let Some((vm, path)) = saved(0) else { return };
    let vm = restore(vm, &path, 0);
    assert_eq!(try_restore(&vm, &path, None, 0).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    assert_eq!(vm.client.domain.state().unwrap().0, DomainState::Running);
    vm.client.domain.destroy(0).unwrap();
    let stranger = vm.path("stranger.qcow2");
    std::fs::copy(&vm.chain[0], &stranger).unwrap();
    vm.create("vm", &[disk_xml("vda", "virtio", &stranger)]).unwrap();
    assert_eq!(try_restore(&vm, &path, None, 0).map_err(|e| e.code), Err(code::OPERATION_FAILED));
}

#[test]
fn records_of_finished_jobs_are_kept_with_a_domain_that_is_brought_back() {
    let Some(vm) = Vm::start(&["base", "top"], START_PAUSED) else { return };
    let pull = vm.client.pull("vda", None, 0, JOB_START_PERSIST);
    assert_eq!(vm.client.end(&pull), JobState::Completed);
    let path = vm.path("image");
    vm.client.domain.save(&Save { file: path.to_str().unwrap(), xml: None, flags: JOB_START_PERSIST }).unwrap();
    let vm = restore(vm, &path, JOB_START_PERSIST);
    let names = ["block-pull-vda-1", "save-2", "restore-3"];
    let kept = |vm: &Vm| vm.client.jobs().iter().map(|(name, _, state)| format!("{name} {state}")).collect::<Vec<_>>();
    let expected = names.map(|name| format!("{name} completed"));
    assert_eq!(kept(&vm), expected);
    let vm = vm.reopen();
    assert_eq!(kept(&vm), expected);
    assert!(vm.client.domain.job_xml("restore-3", true).unwrap().contains("<file>"));
    names.iter().for_each(|name| vm.client.domain.control_job(name, ControlOp::Dismiss).unwrap());
    vm.client.domain.destroy(0).unwrap();
    assert_nothing_is_left(&vm);
}

/// A saved domain whose memory takes its time.
fn saved_at_length() -> Option<(Vm, PathBuf)> {
    let vm = Vm::start(&["disk"], START_PAUSED)?;
    vm.client.domain.destroy(0).unwrap();
    memory::fill(&vm.path("memory"), MIB);
    let argument = |value: &str| format!("<qemu:arg value='{value}'/>");
    let object = format!("memory-backend-file,id=m0,size={MIB}M,mem-path={},share=on", vm.path("memory").display());
    let arguments = ["-object", &object, "-machine", "memory-backend=m0"].map(argument).concat();
    let xml = domain_xml(&emulator().unwrap(), &vm.vms(), "vm", &[disk_xml("vda", "virtio", &vm.chain[0])]);
    let xml = xml.replace("'MiB'>64<", &format!("'MiB'>{MIB}<")).replace("<qemu:commandline>", &format!("<qemu:commandline>{arguments}"));
    let found = vm.client.connection.create_xml(&xml, START_PAUSED).unwrap();
    let path = vm.path("image");
    let domain = vm.client.connection.domain(&found).unwrap();
    domain.save(&Save { file: path.to_str().unwrap(), xml: None, flags: 0 }).unwrap();
    Some((vm, path))
}

const MIB: u64 = 384;

/// A stopped QEMU shows what there is to see on the way.
fn stopped_restore(vm: &Vm, path: &Path, flags: u32) -> (std::thread::JoinHandle<Result<(), Error>>, i32) {
    let (connection, file) = (vm.client.connection.clone(), path.to_str().unwrap().to_owned());
    let call = std::thread::spawn(move || connection.restore(&Restore { file: &file, xml: None, flags }).map(drop));
    let deadline = Instant::now() + Duration::from_secs(20);
    let pid = loop {
        let pid = vm.client.connection.lookup(Key::Name("vm")).map_or(-1, |found| found.id);
        if pid > 0 {
            break pid;
        }
        assert!(Instant::now() < deadline && !call.is_finished());
    };
    send_signal(pid, libc::SIGSTOP);
    (call, pid)
}

#[test]
fn a_restore_is_listed_on_its_way_and_can_be_given_up() {
    let Some((vm, path)) = saved_at_length() else { return };
    for flags in [0, BYPASS_CACHE] {
        let (call, _) = stopped_restore(&vm, &path, flags);
        let domain = vm.client.connection.domain(&vm.client.connection.lookup(Key::Name("vm")).unwrap()).unwrap();
        let mut jobs = Vec::new();
        domain.list_jobs(ListFilter(0), &mut |job| jobs.push((job.name().to_owned(), job.kind(), job.state()))).unwrap();
        assert_eq!(jobs, [("restore-1".to_owned(), JobType::Restore, JobState::Running)]);
        domain.control_job("restore-1", ControlOp::Abort).unwrap();
        let error = call.join().unwrap().unwrap_err();
        assert_eq!(error.code, code::OPERATION_ABORTED, "{error}");
        assert_eq!(vm.client.states("restore-1").last().unwrap(), "aborted");
        assert_nothing_is_left(&vm);
    }
    restore(vm, &path, 0);
}

#[test]
fn a_qemu_that_dies_on_the_way_takes_its_restore_along_and_nothing_else() {
    let Some((vm, path)) = saved_at_length() else { return };
    for flags in [0, BYPASS_CACHE] {
        let told = vm.client.told().len();
        let (call, pid) = stopped_restore(&vm, &path, flags);
        send_signal(pid, libc::SIGKILL);
        assert_eq!(call.join().unwrap().map_err(|e| e.code), Err(code::INTERNAL_ERROR));
        assert_eq!(vm.client.told()[told..], ["restore-1 restore running", "restore-1 restore failed"]);
        assert_nothing_is_left(&vm);
    }
    restore(vm, &path, 0);
}

/// What a client leaves that was killed: the record of its job, and a QEMU that has the image.
#[test]
fn the_restore_of_a_client_that_died_is_brought_to_its_end_by_the_next() {
    let Some((vm, path)) = saved(0) else { return };
    let vm = restore(vm, &path, PAUSED);
    let record = json!({
        "version": 1,
        "domain": vm.client.connection.lookup(Key::Name("vm")).unwrap().uuid.to_string(),
        "job": {
            "name": "restore-7", "id": "restore-7", "kind": "restore", "persist": true, "listed": false, "started": 1,
            "config": { "file": path, "options": ["resume"] },
        }
    });
    let Vm { client, chain, reaper, dir } = vm;
    drop(client);
    let records = dir.path().join("vms/vm.jobs");
    std::fs::write(records.join("restore-7.json"), record.to_string()).unwrap();
    let client = Client::open(&dir.path().join("vms"));
    let vm = Vm { client, chain, reaper, dir };
    assert_eq!(vm.client.end("restore-7"), JobState::Completed);
    wait_until("the guest runs", || vm.client.domain.state().unwrap().0 == DomainState::Running);
}

#[test]
fn a_domain_with_disks_on_every_bus_finds_them_where_they_were() {
    let Some(vm) = Vm::start(&["disk"], START_PAUSED) else { return };
    vm.client.domain.destroy(0).unwrap();
    let images = make_chain(vm.dir.path(), &["a"], 4).into_iter().chain(make_chain(vm.dir.path(), &["b"], 4)).collect::<Vec<_>>();
    let disks = [disk_xml("vdc", "virtio", &vm.chain[0]), disk_xml("sda", "scsi", &images[0]), disk_xml("sdb", "sata", &images[1])];
    let xml = domain_xml(&emulator().unwrap(), &vm.vms(), "vm", &disks);
    for machine in ["pc", "q35"] {
        let found = vm.client.connection.create_xml(&xml.replace("'q35'", &format!("'{machine}'")), 0).unwrap();
        let domain = vm.client.connection.domain(&found).unwrap();
        let before = domain.xml(0).unwrap();
        let path = vm.path(machine);
        domain.save(&Save { file: path.to_str().unwrap(), xml: None, flags: 0 }).unwrap();
        try_restore(&vm, &path, None, 0).unwrap();
        let domain = vm.client.connection.domain(&vm.client.connection.lookup(Key::Name("vm")).unwrap()).unwrap();
        let after = domain.xml(0).unwrap();
        assert_eq!(after.split_once("<name>").unwrap().1, before.split_once("<name>").unwrap().1);
        assert!(after.contains("<address type='drive' controller='0' bus='0' target='0' unit='1'/>"), "{after}");
        domain.destroy(0).unwrap();
    }
    let _reaper = Reaper(vm.vms());
}
