//! Dumping a real QEMU's memory.

mod support;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use support::memory::Guest;
use virt_jobs::driver::request::CoreDump;
use virt_jobs::model::{code, ControlOp, DomainState, Error, JobState, JobType};

const CRASH: u32 = 1 << 0;
const LIVE: u32 = 1 << 1;
const BYPASS_CACHE: u32 = 1 << 2;
const RESET: u32 = 1 << 3;
const MEMORY_ONLY: u32 = 1 << 4;
const PERSIST: u32 = 1 << 30;

fn dump(guest: &Guest, file: &Path, format: u32, flags: u32) -> Result<String, Error> {
    guest.client.domain.core_dump(&CoreDump { file: file.to_str().unwrap(), format, flags })
}

fn begins_with(file: &Path, magic: &[u8]) -> bool {
    fs::read(file).unwrap().starts_with(magic)
}

#[test]
fn the_memory_is_dumped_in_every_format_of_qemu() {
    let Some(mut guest) = Guest::new(16) else { return };
    let file = guest.path("memory.dump");
    let known = guest.other.run("query-dump-guest-memory-capability", json!({}))["formats"].clone();
    let formats = [("elf", b"\x7fELF".as_slice()), ("kdump-zlib", b"makedump"), ("kdump-lzo", b"makedump"), ("kdump-snappy", b"makedump")];
    for (number, (format, magic)) in (0..).zip(formats) {
        let ended = dump(&guest, &file, number, MEMORY_ONLY);
        if known.as_array().unwrap().contains(&json!(format)) {
            ended.unwrap();
            assert!(begins_with(&file, magic), "{format}");
        } else {
            assert_eq!(ended.unwrap_err().code, code::INVALID_ARG, "{format}");
            assert!(!file.exists());
        }
        assert!(guest.is_running(), "{format}");
        let _ = fs::remove_file(&file);
    }
    // Not a Windows guest: QEMU says so.
    let error = dump(&guest, &file, 4, MEMORY_ONLY).unwrap_err();
    assert!(!file.exists(), "{error}");
    assert!(guest.is_running());
}

/// QEMU does not survive a reset during a dump, whoever of the two comes first.
#[test]
fn resets_and_dumps_at_the_same_moment_wait_for_each_other() {
    let Some(guest) = Guest::new(16) else { return };
    let file = guest.path("memory.dump");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let resets = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                match guest.client.domain.reset() {
                    Ok(()) => {}
                    Err(error) => assert!(matches!(error.code, code::OPERATION_INVALID | code::OPERATION_TIMEOUT), "{error}"),
                }
            }
        });
        for _ in 0..40 {
            let dumped = dump(&guest, &file, 0, MEMORY_ONLY);
            if let Err(error) = dumped {
                over.store(true, Ordering::Relaxed);
                panic!("{error}");
            }
        }
        over.store(true, Ordering::Relaxed);
        resets.join().unwrap();
    });
    assert!(guest.client.domain.is_active());
}

#[test]
fn an_elf_dump_holds_all_of_the_memory() {
    let Some(guest) = Guest::new(16) else { return };
    let file = guest.path("memory.dump");
    for flags in [0, LIVE] {
        dump(&guest, &file, 0, MEMORY_ONLY | flags).unwrap();
        let (dumped, memory) = (fs::read(&file).unwrap(), fs::read(guest.path("memory")).unwrap());
        let page = &memory[4 << 20..(4 << 20) + 4096];
        assert!(dumped.len() > memory.len());
        assert!(dumped.windows(4096).any(|window| window == page));
    }
    let told = guest.client.told();
    let expected = ["lifecycle 3 0", "dump-1 dump running", "lifecycle 4 0", "dump-1 dump completed"];
    assert_eq!(told[..4], expected);
    assert_eq!(guest.client.states("dump-2"), ["running", "completed"]);
    assert_eq!(guest.client.domain.state().unwrap().0, DomainState::Running);
}

#[test]
fn a_dump_without_further_word_is_a_migration_to_a_file() {
    let Some(mut guest) = Guest::new(16) else { return };
    let file = guest.path("memory.dump");
    for flags in [0, LIVE, 0] {
        dump(&guest, &file, 0, flags).unwrap();
        assert!(begins_with(&file, b"QEVM"));
        assert!(guest.is_running());
    }
    let (kind, params) = guest.client.domain.job_stats(true, true).unwrap();
    assert_eq!((kind, params[0].field.as_str()), (3, "operation"));
    assert_eq!(guest.client.domain.job_stats(true, false).unwrap().0, 3);
    assert_eq!(guest.client.domain.job_stats(true, false).unwrap().0, 0);
    let error = dump(&guest, &file, 1, 0).unwrap_err();
    assert_eq!(error.code, code::OPERATION_UNSUPPORTED);
    // It can be restored like an image without its header.
    let (_there, mut monitor) = guest.destination(&format!("exec:cat {}", file.display()));
    support::wait_until("the guest", || monitor.run("query-migrate", json!({}))["status"] == "completed");
    assert!(guest.has_arrived());
}

#[test]
fn a_dump_can_bypass_the_cache() {
    let Some(guest) = Guest::new(16) else { return };
    let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    let file = dir.path().join("memory.dump");
    dump(&guest, &file, 0, BYPASS_CACHE | MEMORY_ONLY).unwrap();
    assert!(begins_with(&file, b"\x7fELF"));
    dump(&guest, &file, 0, BYPASS_CACHE).unwrap();
    assert!(begins_with(&file, b"QEVM"));
    let (_there, mut monitor) = guest.destination(&format!("exec:cat {}", file.display()));
    support::wait_until("the guest", || monitor.run("query-migrate", json!({}))["status"] == "completed");
    assert!(guest.has_arrived());
}

#[test]
fn a_guest_that_is_to_crash_is_gone_after_its_dump() {
    let Some(guest) = Guest::new(16) else { return };
    dump(&guest, &guest.path("memory.dump"), 0, CRASH | MEMORY_ONLY).unwrap();
    assert_eq!(guest.client.domain.state().unwrap(), (DomainState::Shutoff, 3));
    assert_eq!(guest.client.told().last().map(String::as_str), Some("lifecycle 5 2"));
}

#[test]
fn a_guest_that_is_to_be_reset_is_so_after_its_dump() {
    let Some(mut guest) = Guest::new(16) else { return };
    for flags in [RESET, RESET | MEMORY_ONLY] {
        guest.other.events.clear();
        dump(&guest, &guest.path("memory.dump"), 0, flags).unwrap();
        assert!(guest.is_running());
        let events: Vec<String> = guest.other.events.iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect();
        assert!(events.iter().any(|event| event == "RESET"), "{events:?}");
    }
}

#[test]
fn a_dump_shows_how_far_it_is_and_cannot_be_aborted_or_reset() {
    let Some(guest) = Guest::new(48) else { return };
    let file = guest.path("memory.dump");
    let domain = guest.client.domain.clone();
    let ended = std::thread::scope(|scope| {
        // Compressing takes long.
        let caller = scope.spawn(|| dump(&guest, &file, 1, MEMORY_ONLY));
        support::wait_until("a dump", || !guest.client.jobs().is_empty());
        assert_eq!(guest.client.jobs(), [("dump-1".to_owned(), JobType::Dump, JobState::Running)]);
        let error = domain.control_job("dump-1", ControlOp::Abort).unwrap_err();
        assert_eq!(error.code, code::OPERATION_UNSUPPORTED);
        let error = domain.abort_job(0).unwrap_err();
        assert_eq!((error.code, error.detail.as_str()), (code::OPERATION_INVALID, "cannot abort memory-only dump"));
        let document = domain.job_xml("dump-1", true).unwrap();
        assert!(document.contains("<format>kdump-zlib</format>"), "{document}");
        assert!(domain.job_info().unwrap().mem_total >= 48 << 20);
        // A reset waits for its turn: QEMU would not survive it now.
        domain.reset().unwrap();
        assert_eq!(guest.client.jobs(), []);
        caller.join().unwrap()
    });
    assert_eq!(ended.as_deref(), Ok("dump-1"));
}

#[test]
fn a_guest_that_is_suspended_during_a_dump_is_suspended_after_it() {
    let Some(mut guest) = Guest::new(48) else { return };
    // Compressing takes long; a migration to a file stops the guest at its end.
    for (format, flags) in [(1, MEMORY_ONLY), (0, 0)] {
        let file = guest.path("memory.dump");
        std::thread::scope(|scope| {
            let caller = scope.spawn(|| dump(&guest, &file, format, flags));
            support::wait_until("a dump", || !guest.client.jobs().is_empty());
            guest.client.domain.suspend().unwrap();
            assert_eq!(guest.client.jobs(), []);
            caller.join().unwrap().unwrap();
        });
        assert_eq!(guest.client.domain.state().unwrap(), (DomainState::Paused, 1));
        assert!(!guest.is_running());
        guest.client.domain.resume().unwrap();
        assert!(guest.is_running());
    }
}

#[test]
fn a_reset_during_somebody_elses_dump_is_refused() {
    let Some(mut guest) = Guest::new(48) else { return };
    let protocol = format!("file:{}", guest.path("memory.dump").display());
    guest.other.run("dump-guest-memory", json!({ "paging": false, "protocol": protocol, "detach": true, "format": "kdump-zlib" }));
    let error = guest.client.domain.reset().unwrap_err();
    assert_eq!(error.code, code::OPERATION_INVALID, "{error}");
    support::wait_until("the end", || guest.other.run("query-dump", json!({}))["status"] == "completed");
    guest.client.domain.reset().unwrap();
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_guest_running() {
    let Some(mut guest) = Guest::new(16) else { return };
    for flags in [0, MEMORY_ONLY] {
        assert_eq!(dump(&guest, Path::new("/nowhere/memory.dump"), 0, flags).unwrap_err().code, code::SYSTEM_ERROR);
        assert_eq!(dump(&guest, Path::new("/dev/full"), 0, flags).unwrap_err().code, code::OPERATION_FAILED);
        assert!(guest.is_running());
    }
}

#[test]
fn a_dump_whose_caller_gave_up_a_qemu_that_stood_still_is_there_in_the_end() {
    let Some(mut guest) = Guest::new(16) else { return };
    let wait = json!([{ "capability": "pause-before-switchover", "state": true }]);
    guest.other.run("migrate-set-capabilities", json!({ "capabilities": wait }));
    let file = guest.path("memory.dump");
    let (domain, to) = (guest.client.domain.clone(), file.to_str().unwrap().to_owned());
    let caller = std::thread::spawn(move || domain.core_dump(&CoreDump { file: &to, format: 0, flags: PERSIST }));
    support::wait_until("the dump", || guest.other.run("query-migrate", json!({}))["status"] == "pre-switchover");
    guest.qemu.signal(libc::SIGSTOP);
    assert_eq!(caller.join().unwrap().unwrap_err().code, code::OPERATION_TIMEOUT);
    guest.qemu.signal(libc::SIGCONT);
    guest.other.run("migrate-continue", json!({ "state": "pre-switchover" }));
    assert_eq!(guest.client.end("dump-1"), JobState::Completed);
    assert!(begins_with(&file, b"QEVM"));
    support::wait_until("the guest", || guest.is_running());
}
