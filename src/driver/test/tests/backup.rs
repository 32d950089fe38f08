use crate::driver::test::testing::Stage;
use crate::model::flags::{JOB_START_PARALLEL, JOB_START_PERSIST};
use crate::model::{code, ControlOp};

const BOTH: &str = "<domainbackup/>";
const PULL: &str = "<domainbackup mode='pull'><server transport='unix' socket='/s'/></domainbackup>";
const ONE: &str = "<domainbackup><disks><disk name='vdb' type='file'><target file='/b'/></disk></disks></domainbackup>";
const REUSE: u32 = 1;

#[test]
fn a_backup_of_two_disks_is_one_job_with_the_progress_of_each() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let name = test.backup_begin(BOTH, None, JOB_START_PERSIST).unwrap();
    assert_eq!(name, "block-backup-1");
    let created =
        ["block-create-vda-2 running", "block-create-vda-2 completed", "block-create-vdb-3 running", "block-create-vdb-3 completed"];
    assert_eq!(stage.heard(), [&created[..], &["block-backup-1 running"]].concat());
    stage.clock.advance(250);
    let xml = test.job_xml(&name, true).unwrap();
    let spread: Vec<_> = xml.lines().map(str::trim).filter(|line| line.contains("<current>") || line.contains("<end>")).collect();
    let half = ["<current>8388608</current>", "<end>16777216</end>"];
    assert_eq!(spread, [&["<current>16777216</current>", "<end>33554432</end>"][..], &half, &half].concat());
    stage.clock.advance(250);
    let ended =
        ["block-backup-1 completed", "block-job vda /guest/diskimage1.snap5 5 0", "job-completed", "block-job vdb /guest/diskimage2 5 0"];
    assert_eq!(stage.heard(), ended);
    test.control_job(&name, ControlOp::Dismiss).unwrap();
}

#[test]
fn a_pull_backup_runs_until_it_is_aborted() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let name = test.backup_begin(PULL, None, REUSE).unwrap();
    stage.clock.advance(3_600_000);
    assert_eq!(stage.heard(), ["block-backup-1 running"]);
    assert!(test.backup_xml().unwrap().starts_with("<domainbackup mode='pull'>\n  <server transport='unix' socket='/s'/>\n"));
    test.control_job(&name, ControlOp::Abort).unwrap();
    assert_eq!(stage.heard().first().map(String::as_str), Some("block-backup-1 aborted"));
    assert_eq!(test.backup_xml().map_err(|e| e.code), Err(code::NO_DOMAIN_BACKUP));
}

#[test]
fn one_backup_at_a_time_unless_parallel_jobs_were_asked_for() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    test.backup_begin(ONE, None, REUSE).unwrap();
    assert_eq!(test.backup_begin(ONE, None, REUSE).map_err(|e| e.code), Err(code::OPERATION_TIMEOUT));
    assert_eq!(test.backup_begin(ONE, None, REUSE | JOB_START_PARALLEL).as_deref(), Ok("block-backup-vdb-2"));
}

#[test]
fn the_older_calls_see_a_backup_as_the_domains_job() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    test.backup_begin(ONE, None, REUSE).unwrap();
    stage.clock.advance(125);
    let info = test.job_info().unwrap();
    assert_eq!((info.kind, info.file_total, info.file_processed), (2, 16 << 20, 8 << 20));
    test.abort_job(0).unwrap();
    assert_eq!(
        stage.heard(),
        ["block-backup-vdb-1 running", "block-backup-vdb-1 aborted", "job-completed", "block-job vdb /guest/diskimage2 5 2"]
    );
}

#[test]
fn documents_that_fit_no_domain_are_refused() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let disks =
        |disks: &str| test.backup_begin(&format!("<domainbackup><disks>{disks}</disks></domainbackup>"), None, 0).map_err(|e| e.code);
    assert_eq!(disks("<disk name='vdz' type='file'/>"), Err(code::CONFIG_UNSUPPORTED));
    assert_eq!(disks("<disk name='vda' type='file'/><disk name='vda' type='file'/>"), Err(code::CONFIG_UNSUPPORTED));
    assert_eq!(disks("<disk name='vda' backup='no'/>"), Err(code::CONFIG_UNSUPPORTED));
    assert_eq!(test.backup_begin(BOTH, Some("<domaincheckpoint/>"), 0).map_err(|e| e.code), Err(code::OPERATION_UNSUPPORTED));
    assert_eq!(stage.heard(), Vec::<String>::new());
}
