use std::path::{Path, PathBuf};

use crate::driver::request::{CoreDump, Migrate, Restore, Save};
use crate::driver::test::testing::Stage;
use crate::driver::Connection;
use crate::model::domain::reason;
use crate::model::flags::JOB_START_PERSIST;
use crate::model::{code, ControlOp, DomainState, TypedValue};

fn in_folder(folder: &Path, name: &str) -> (PathBuf, String) {
    let path = folder.join(name);
    let text = path.to_str().expect("the temporary directory is UTF-8").to_owned();
    (path, text)
}

fn migrate(uri: &str, flags: u32) -> Migrate<'_> {
    Migrate { uri, bandwidth: 0, xml: None, flags, params: Vec::new() }
}

#[test]
fn a_saved_domain_is_off_and_can_be_restored_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = in_folder(folder.path(), "save");
    let stage = Stage::default_world();
    let test = stage.domain("test");
    assert_eq!(test.save(&Save { file: &file, xml: None, flags: 0 }).as_deref(), Ok("save-1"));
    assert_eq!(test.state(), Ok((DomainState::Shutoff, reason::SHUTOFF_SAVED)));
    let heard = stage.heard();
    assert_eq!(heard, ["save-1 running", "iteration 1", "iteration 2", "save-1 completed", "job-completed", "lifecycle 5 4"]);
    assert!(std::fs::read(&path).unwrap().starts_with(b"TestGuestMagic\0"));

    stage.connection.restore(&Restore { file: &file, xml: None, flags: 0 }).unwrap();
    assert_eq!(test.state(), Ok((DomainState::Running, reason::RUNNING_RESTORED)));
    assert_eq!(stage.heard(), ["restore-2 running", "restore-2 completed", "lifecycle 2 2"]);
    let again = stage.connection.restore(&Restore { file: &file, xml: None, flags: 0 });
    assert_eq!(again.map_err(|e| e.code), Err(code::OPERATION_INVALID));
}

#[test]
fn a_save_can_be_aborted_by_either_call_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    for by_name in [true, false] {
        let (path, file) = in_folder(folder.path(), "save");
        let stage = Stage::default_world();
        let test = stage.domain("test");
        let other = test.clone();
        stage.after(100, move || {
            if by_name {
                other.control_job("save-1", ControlOp::Abort).unwrap();
            } else {
                other.abort_job(0).unwrap();
            }
        });
        let error = test.save(&Save { file: &file, xml: None, flags: 0 }).unwrap_err();
        assert_eq!((error.code, error.detail.as_str()), (code::OPERATION_ABORTED, "job 'domain save' canceled by client"));
        assert!(test.is_active() && !path.exists());
        assert_eq!(stage.heard(), ["save-1 running", "iteration 1", "save-1 aborted"]);
    }
}

#[test]
fn files_that_cannot_be_used_give_libvirts_codes() {
    let folder = tempfile::tempdir().unwrap();
    let (garbage_path, garbage) = in_folder(folder.path(), "garbage");
    std::fs::write(garbage_path, "not a save").unwrap();
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let restore = |file: &str| stage.connection.restore(&Restore { file, xml: None, flags: 0 }).map_err(|e| e.code);
    assert_eq!(restore("/nonexistent/file"), Err(code::SYSTEM_ERROR));
    assert_eq!(restore(&garbage), Err(code::INTERNAL_ERROR));
    let save = |xml, file| test.save(&Save { file, xml, flags: 0 }).map_err(|e| e.code);
    assert_eq!(save(None, "/nonexistent/file"), Err(code::SYSTEM_ERROR));
    assert_eq!(save(Some("<domain/>"), &garbage), Err(code::ARGUMENT_UNSUPPORTED));
    let dump = |file, format| test.core_dump(&CoreDump { file, format, flags: 0 }).map_err(|e| e.code);
    assert_eq!(dump("/nonexistent/file", 0), Err(code::SYSTEM_ERROR));
    assert_eq!(dump(&garbage, 1), Err(code::OPERATION_UNSUPPORTED));
    assert_eq!(stage.heard(), Vec::<String>::new());
}

#[test]
fn a_crash_dump_ends_the_domain_and_a_plain_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (_, file) = in_folder(folder.path(), "core");
    let stage = Stage::default_world();
    let test = stage.domain("test");
    test.core_dump(&CoreDump { file: &file, format: 0, flags: 16 }).unwrap();
    assert_eq!(stage.heard(), ["dump-1 running", "dump-1 completed"]);
    assert!(test.is_active());
    test.core_dump(&CoreDump { file: &file, format: 0, flags: 1 }).unwrap();
    assert_eq!(test.state(), Ok((DomainState::Shutoff, reason::SHUTOFF_CRASHED)));
    assert_eq!(stage.heard().last().map(String::as_str), Some("lifecycle 5 2"));
}

#[test]
fn a_migration_goes_over_the_memory_again_and_leaves_this_host() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    test.migrate_set_max_speed(1).unwrap();
    let other = test.clone();
    stage.after(33_000, move || {
        let info = other.job_info().unwrap();
        assert_eq!((info.kind, info.mem_total, info.mem_processed, info.mem_remaining), (2, 32 << 20, 33 << 20, 3 << 20));
    });
    assert_eq!(test.migrate(&migrate("tcp:host:4444", 1)).as_deref(), Ok("migration-1"));
    let expected = [
        "migration-1 running",
        "iteration 1",
        "iteration 2",
        "iteration 3",
        "migration-1 completed",
        "job-completed",
        "lifecycle 3 1",
        "lifecycle 5 3",
    ];
    assert_eq!(stage.heard(), expected);
    assert_eq!(test.state(), Ok((DomainState::Shutoff, reason::SHUTOFF_MIGRATED)));
    let (kind, params) = test.job_stats(true, false).unwrap();
    assert_eq!(kind, 3);
    assert!(params.iter().any(|p| p.field == "operation" && p.value == TypedValue::Int(5)));
    assert_eq!(test.job_stats(true, false), Ok((0, Vec::new())), "they were to be given once");
}

#[test]
fn what_moves_the_memory_excludes_each_other_and_block_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = in_folder(folder.path(), "core");
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let (other, core) = (test.clone(), file.clone());
    stage.after(10, move || {
        let refused = other.core_dump(&CoreDump { file: &core, format: 0, flags: 0 }).unwrap_err();
        assert_eq!(refused.code, code::OPERATION_INVALID);
        assert!(refused.detail.contains("migration-1"), "{refused}");
    });
    test.migrate(&migrate("unix:/socket", 0)).unwrap();
    assert!(!path.exists(), "a dump that was refused leaves no file");

    test.start(0).unwrap();
    test.block_pull(&crate::driver::request::BlockPull { disk: "vda", base: None, bandwidth: 0, flags: 0 }).unwrap();
    let refused = test.save(&Save { file: &file, xml: None, flags: 0 }).unwrap_err();
    assert_eq!(refused.code, code::OPERATION_INVALID);
    assert!(refused.detail.contains("block-pull-vda-2"), "{refused}");
}

#[test]
fn migrations_that_cannot_be_simulated_are_refused() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    assert_eq!(test.migrate(&migrate("tcp:host:1", 2)).map_err(|e| e.code), Err(code::ARGUMENT_UNSUPPORTED));
    for uri in ["", "host", "tcp:", "qemu+ssh://host/system"] {
        assert_eq!(test.migrate(&migrate(uri, 0)).map_err(|e| e.code), Err(code::INVALID_ARG), "{uri}");
    }
}

#[test]
fn the_older_calls_know_when_there_is_no_job() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    assert_eq!(test.job_info().map(|info| info.kind), Ok(0));
    assert_eq!(test.job_stats(false, false), Ok((0, Vec::new())));
    assert_eq!(test.abort_job(0).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    test.destroy(0).unwrap();
    assert_eq!(test.job_info().map_err(|e| e.code), Err(code::OPERATION_INVALID));
}

#[test]
fn a_domain_that_is_destroyed_while_it_is_saved_fails_the_call_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = in_folder(folder.path(), "save");
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let other = test.clone();
    stage.after(10, move || other.destroy(0).unwrap());
    let error = test.save(&Save { file: &file, xml: None, flags: JOB_START_PERSIST }).unwrap_err();
    assert_eq!((error.code, error.detail.as_str()), (code::OPERATION_FAILED, "job 'domain save' failed: the domain was destroyed"));
    assert!(!path.exists());
    assert!(test.job_xml("save-1", true).unwrap().contains("<error>the domain was destroyed</error>"));
}
