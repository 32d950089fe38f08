//! Saving a real QEMU's guest to a file.

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use support::memory::Guest;
use virt_jobs::driver::request::Save;
use virt_jobs::event::Handler;
use virt_jobs::model::event::{id, Event, Payload};
use virt_jobs::model::{code, ControlOp, DomainState, Error, JobState, JobType};

const BYPASS_CACHE: u32 = 1 << 0;
const RUNNING: u32 = 1 << 1;
const PAUSED: u32 = 1 << 2;
const PERSIST: u32 = 1 << 30;

const COMPLETE: &[u8] = b"LibvirtQemudSave";
const PARTIAL: &[u8] = b"LibvirtQemudPart";

fn save(guest: &Guest, file: &Path, flags: u32) -> Result<String, Error> {
    guest.client.domain.save(&Save { file: file.to_str().unwrap(), xml: None, flags })
}

/// Where QEMU's stream begins, and whether the guest is to run.
fn header(file: &Path) -> (u64, bool) {
    let bytes = fs::read(file).unwrap();
    assert_eq!(&bytes[..16], COMPLETE);
    let field = |n: usize| u32::from_ne_bytes(bytes[16 + 4 * n..20 + 4 * n].try_into().unwrap());
    assert!(bytes[92..].starts_with(b"<domain type='qemu' id='"));
    (92 + u64::from(field(1)), field(2) == 1)
}

/// Whether the guest in the file is the one that was saved.
fn holds(guest: &Guest, file: &Path) -> bool {
    let (start, _) = header(file);
    let (_there, mut monitor) = guest.destination(&format!("exec:tail -c +{} {}", start + 1, file.display()));
    support::wait_until("the guest", || monitor.run("query-migrate", serde_json::json!({}))["status"] == "completed");
    guest.has_arrived()
}

/// Starts a save that takes long, and returns when it is on its way and slow.
fn while_saving<R>(guest: &mut Guest, file: &Path, flags: u32, look: impl FnOnce(&mut Guest, &str) -> R) -> (Result<String, Error>, R) {
    let domain = guest.client.domain.clone();
    std::thread::scope(|scope| {
        let caller = scope.spawn(move || domain.save(&Save { file: file.to_str().unwrap(), xml: None, flags }));
        support::wait_until("a save", || guest.client.jobs().iter().any(|job| job.1 == JobType::Save));
        guest.slow_down();
        let name = guest.client.jobs()[0].0.clone();
        support::wait_until("figures", || guest.client.domain.job_info().unwrap().mem_total > 0);
        let seen = look(guest, &name);
        (caller.join().unwrap(), seen)
    })
}

#[test]
fn a_saved_guest_is_gone_and_its_file_holds_it() {
    let Some(guest) = Guest::new(24) else { return };
    let file = guest.path("guest.save");
    assert_eq!(save(&guest, &file, 0).as_deref(), Ok("save-1"));
    let expected = ["lifecycle 3 0", "save-1 save running", "save-1 save completed", "lifecycle 5 4"];
    assert_eq!(guest.client.told(), expected);
    assert_eq!(guest.client.domain.state().unwrap(), (DomainState::Shutoff, 5));
    assert!(header(&file).1);
    assert!(holds(&guest, &file));
}

/// Takes down the older events of a job.
struct Older(Arc<Mutex<Vec<String>>>);

impl Handler for Older {
    fn handle(&self, _callback_id: i32, event: &Event) {
        self.0.lock().push(match &event.payload {
            Payload::JobCompleted { params } => format!("completed, {} {:?}", params[0].field, params[0].value),
            Payload::MigrationIteration { iteration } => format!("iteration {iteration}"),
            other => format!("{other:?}"),
        });
    }
}

#[test]
fn the_older_events_tell_each_pass_and_the_end() {
    let Some(guest) = Guest::new(16) else { return };
    let seen = Arc::new(Mutex::new(Vec::new()));
    for event in [id::JOB_COMPLETED, id::MIGRATION_ITERATION] {
        guest.client.events.register(event, None, Arc::new(Older(seen.clone()))).unwrap();
    }
    save(&guest, &guest.path("guest.save"), 0).unwrap();
    guest.client.wait_for("lifecycle 5 4");
    let seen = seen.lock();
    assert_eq!(seen[..2], ["iteration 1", "iteration 2"]);
    assert_eq!(seen.last().map(String::as_str), Some("completed, operation Int(2)"));
}

#[test]
fn a_save_can_bypass_the_cache() {
    let Some(guest) = Guest::new(24) else { return };
    // A file system in memory has no cache to bypass.
    let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    let file = dir.path().join("guest.save");
    assert_eq!(save(&guest, &file, BYPASS_CACHE).as_deref(), Ok("save-1"));
    assert!(holds(&guest, &file));
}

#[test]
fn the_file_says_whether_the_guest_is_to_run() {
    for (flags, stopped, runs) in [(RUNNING, true, true), (PAUSED, false, false), (0, true, false)] {
        let Some(guest) = Guest::new(16) else { return };
        if stopped {
            guest.client.domain.suspend().unwrap();
        }
        let file = guest.path("guest.save");
        save(&guest, &file, flags).unwrap();
        assert_eq!(header(&file).1, runs, "{flags}");
    }
}

#[test]
fn a_save_shows_how_far_it_is_and_can_be_aborted() {
    let Some(mut guest) = Guest::new(256) else { return };
    let file = guest.path("guest.save");
    let (ended, document) = while_saving(&mut guest, &file, 0, |guest, name| {
        assert_eq!(fs::read(&file).unwrap()[..16], *PARTIAL);
        assert_eq!(guest.client.jobs(), [(name.to_owned(), JobType::Save, JobState::Running)]);
        assert_eq!(guest.client.domain.state().unwrap(), (DomainState::Paused, 3));
        let document = guest.client.domain.job_xml(name, true).unwrap();
        let info = guest.client.domain.job_info().unwrap();
        assert_eq!((info.kind, info.mem_total > 256 << 20, info.mem_remaining > 0), (2, true, true), "{info:?}");
        guest.client.domain.control_job(name, ControlOp::Abort).unwrap();
        document
    });
    let error = ended.unwrap_err();
    assert_eq!((error.code, error.detail.as_str()), (code::OPERATION_ABORTED, "job 'domain save' canceled by client"));
    assert!(document.contains(&format!("<file>{}</file>", file.display())), "{document}");
    assert!(!file.exists());
    assert!(guest.is_running());
    assert_eq!(guest.client.domain.state().unwrap(), (DomainState::Running, 7));
    let expected = ["lifecycle 3 0", "save-1 save running", "lifecycle 4 0", "save-1 save aborted"];
    assert_eq!(guest.client.told(), expected);
    // And it can be saved after all.
    save(&guest, &file, 0).unwrap();
    assert!(holds(&guest, &file));
}

#[test]
fn the_older_calls_abort_a_save_as_well() {
    let Some(mut guest) = Guest::new(256) else { return };
    let file = guest.path("guest.save");
    assert_eq!(guest.client.domain.abort_job(0).unwrap_err().code, code::OPERATION_INVALID);
    assert_eq!(guest.client.domain.job_info().unwrap().kind, 0);
    let (ended, (kind, fields)) = while_saving(&mut guest, &file, 0, |guest, _| {
        let (kind, params) = guest.client.domain.job_stats(false, false).unwrap();
        guest.client.domain.abort_job(0).unwrap();
        (kind, params.iter().map(|param| param.field.clone()).collect::<Vec<_>>())
    });
    assert_eq!(ended.unwrap_err().code, code::OPERATION_ABORTED);
    assert_eq!((kind, fields[0].as_str()), (2, "operation"));
    assert!(fields.iter().any(|field| field == "memory_postcopy_requests"), "{fields:?}");
    assert_eq!(guest.client.domain.job_stats(true, false).unwrap(), (0, vec![]));
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_guest_running() {
    let Some(mut guest) = Guest::new(16) else { return };
    for flags in [0, BYPASS_CACHE] {
        let error = save(&guest, Path::new("/nowhere/guest.save"), flags).unwrap_err();
        assert_eq!(error.code, code::SYSTEM_ERROR, "{error}");
    }
    let error = save(&guest, Path::new("/dev/full"), 0).unwrap_err();
    assert_eq!(error.code, code::OPERATION_FAILED, "{error}");
    assert!(guest.is_running());
    assert_eq!(guest.client.jobs(), []);
    assert_eq!(guest.client.domain.state().unwrap().0, DomainState::Running);
}

#[test]
fn a_second_save_waits_for_the_first() {
    let Some(mut guest) = Guest::new(256) else { return };
    let (file, other) = (guest.path("guest.save"), guest.path("other.save"));
    let domain = guest.client.domain.clone();
    let (ended, second) = while_saving(&mut guest, &file, 0, |guest, name| {
        std::thread::scope(|scope| {
            let second = scope.spawn(|| domain.save(&Save { file: other.to_str().unwrap(), xml: None, flags: PERSIST }));
            std::thread::sleep(std::time::Duration::from_millis(100));
            guest.client.domain.control_job(name, ControlOp::Abort).unwrap();
            second.join().unwrap()
        })
    });
    assert_eq!(ended.unwrap_err().code, code::OPERATION_ABORTED);
    assert_eq!(second.as_deref(), Ok("save-2"));
    assert!(holds(&guest, &other));
    assert_eq!(guest.client.jobs(), [("save-2".to_owned(), JobType::Save, JobState::Completed)]);
}

#[test]
fn a_qemu_that_dies_leaves_no_half_of_a_file() {
    let Some(mut guest) = Guest::new(256) else { return };
    let file = guest.path("guest.save");
    let (ended, ()) = while_saving(&mut guest, &file, 0, |guest, _| guest.qemu.signal(libc::SIGKILL));
    assert_eq!(ended.unwrap_err().code, code::OPERATION_FAILED);
    assert!(!file.exists());
    guest.client.wait_for("lifecycle 5 5");
    assert_eq!(guest.client.states("save-1"), ["running", "failed"]);
}
