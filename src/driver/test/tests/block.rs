use std::time::Duration;

use crate::driver::request::{BlockCommit, BlockCopy, BlockPull, CopyDestination, ListFilter};
use crate::driver::test::testing::Stage;
use crate::driver::Domain;
use crate::model::flags::{self, commit, copy, list};
use crate::model::{code, ControlOp, JobState};

const COPY: BlockCopy<'static> = BlockCopy {
    disk: "vda",
    destination: CopyDestination::Xml("<disk type='file'><source file='/guest/copy'/><driver type='qcow2'/></disk>"),
    bandwidth: 0,
    granularity: 0,
    buf_size: 0,
    flags: 0,
};
const PULL: BlockPull<'static> = BlockPull { disk: "vda", base: None, bandwidth: 0, flags: 0 };
const COMMIT: BlockCommit<'static> = BlockCommit { disk: "vda", base: None, top: None, bandwidth: 0, flags: 0 };

fn names(domain: &dyn Domain, filter: u32) -> Vec<String> {
    let mut names = Vec::new();
    domain.list_jobs(ListFilter(filter), &mut |job| names.push(format!("{} {}", job.name(), job.state()))).unwrap();
    names
}

/// The paths of the images that the XML names, in their order.
fn paths(domain: &dyn Domain) -> Vec<String> {
    let xml = domain.xml(0).unwrap();
    let sources = xml.lines().filter_map(|line| line.trim().strip_prefix("<source file='"));
    sources.filter_map(|rest| rest.split('\'').next()).map(str::to_owned).collect()
}

#[test]
fn a_pull_ends_with_a_shorter_chain() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let name = test.block_pull(&BlockPull { base: Some("vda[4]"), ..PULL }).unwrap();
    assert_eq!(name, "block-pull-vda-1");
    stage.clock.advance(249);
    assert_eq!(stage.heard(), ["block-pull-vda-1 running"]);
    stage.clock.advance(1);
    assert_eq!(stage.heard(), ["block-pull-vda-1 completed", "block-job vda /guest/diskimage1.snap5 1 0"]);
    assert_eq!(names(&*test, 0), Vec::<String>::new());
    assert_eq!(test.wait_job(&name, 0, Some(Duration::ZERO)), Ok(Some(JobState::Completed)));
    assert_eq!(paths(&*test), ["/guest/diskimage1.snap5", "/guest/diskimage1.snap1", "/guest/diskimage1", "/guest/diskimage2"]);
}

#[test]
fn a_copy_formats_its_target_becomes_ready_and_pivots_on_finalize() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let name = test.block_copy(&BlockCopy { flags: flags::JOB_START_PERSIST, ..COPY }).unwrap();
    assert_eq!(stage.heard(), ["block-create-vda-2 running", "block-create-vda-2 completed", "block-copy-vda-1 running"]);
    assert_eq!(test.control_job(&name, ControlOp::Finalize).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    assert!(test.xml(0).unwrap().contains("<mirror type='file'"));
    stage.clock.advance(250);
    assert_eq!(stage.heard(), ["block-copy-vda-1 ready", "block-job vda /guest/diskimage1.snap5 2 3"]);
    assert!(test.xml(0).unwrap().contains("ready='yes'"));
    test.control_job(&name, ControlOp::Finalize).unwrap();
    assert_eq!(stage.heard(), ["block-copy-vda-1 completed", "block-job vda /guest/copy 2 0"]);
    assert_eq!(paths(&*test), ["/guest/copy", "/guest/diskimage2"]);
    assert_eq!(names(&*test, 0), ["block-copy-vda-1 completed"]);
    test.control_job(&name, ControlOp::Dismiss).unwrap();
    assert_eq!(test.control_job(&name, ControlOp::Dismiss).map_err(|e| e.code), Err(code::NO_DOMAIN_JOB));
}

#[test]
fn an_aborted_copy_leaves_the_disk_as_it_was() {
    for ready in [false, true] {
        let stage = Stage::default_world();
        let test = stage.domain("test");
        let before = test.xml(0).unwrap();
        let name = test.block_copy(&BlockCopy { flags: copy::REUSE_EXT, ..COPY }).unwrap();
        stage.clock.advance(if ready { 300 } else { 100 });
        stage.heard();
        test.control_job(&name, ControlOp::Abort).unwrap();
        assert_eq!(stage.heard(), ["block-copy-vda-1 aborted", "block-job vda /guest/diskimage1.snap5 2 2"]);
        assert_eq!(test.xml(0).unwrap(), before);
    }
}

#[test]
fn an_active_commit_pivots_to_its_base() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let name = test.block_commit(&BlockCommit { base: Some("vda[5]"), flags: commit::ACTIVE, ..COMMIT }).unwrap();
    assert_eq!(name, "block-commit-active-vda-1");
    assert_eq!(test.block_job_abort("vda", true, true).map_err(|e| e.code), Err(code::BLOCK_COPY_ACTIVE));
    stage.clock.advance(250);
    test.block_job_abort("vda", true, true).unwrap();
    assert_eq!(
        stage.heard(),
        [
            "block-commit-active-vda-1 running",
            "block-commit-active-vda-1 ready",
            "block-job vda /guest/diskimage1.snap5 4 3",
            "block-commit-active-vda-1 completed",
            "block-job vda /guest/diskimage1 4 0"
        ]
    );
    assert_eq!(paths(&*test), ["/guest/diskimage1", "/guest/diskimage2"]);
}

#[test]
fn a_commit_in_the_middle_takes_its_images_out_of_the_chain() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    test.block_commit(&BlockCommit { top: Some("vda[2]"), base: Some("vda[4]"), ..COMMIT }).unwrap();
    stage.clock.advance(250);
    let left = ["/guest/diskimage1.snap5", "/guest/diskimage1.snap4", "/guest/diskimage1.snap1", "/guest/diskimage1", "/guest/diskimage2"];
    assert_eq!(paths(&*test), left);
}

#[test]
fn wrong_arguments_give_libvirts_codes() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let codes = [
        test.block_pull(&BlockPull { disk: "vdz", ..PULL }),
        test.block_pull(&BlockPull { base: Some("vda[7]"), ..PULL }),
        test.block_pull(&BlockPull { flags: flags::rebase::RELATIVE, ..PULL }),
        test.block_commit(&COMMIT),
        test.block_commit(&BlockCommit { top: Some("vda[1]"), flags: commit::ACTIVE, ..COMMIT }),
        test.block_commit(&BlockCommit { top: Some("vda[5]"), ..COMMIT }),
        test.block_commit(&BlockCommit { top: Some("vda[1]"), base: Some("vda[3]"), flags: commit::SHALLOW, ..COMMIT }),
        test.block_commit(&BlockCommit { disk: "vdb", flags: commit::ACTIVE, ..COMMIT }),
        test.block_commit(&BlockCommit { disk: "vdb", flags: commit::ACTIVE | commit::SHALLOW, ..COMMIT }),
        test.block_copy(&BlockCopy { destination: CopyDestination::Path { path: "copy", raw: false, block: false }, ..COPY }),
        test.block_copy(&BlockCopy { disk: "/nowhere", ..COPY }),
    ]
    .map(|result| result.map_err(|error| error.code));
    assert_eq!(codes, std::array::from_fn(|_| Err(code::INVALID_ARG)));
    assert_eq!(stage.heard(), Vec::<String>::new());
}

#[test]
fn other_mistakes_have_codes_of_their_own() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let relative = test.block_pull(&BlockPull { base: Some("vda[3]"), flags: flags::rebase::RELATIVE, ..PULL });
    assert_eq!(relative.map_err(|e| e.code), Err(code::OPERATION_INVALID));
    let to = |path| CopyDestination::Path { path, raw: true, block: false };
    let raw = test.block_copy(&BlockCopy { destination: to("/c"), flags: copy::SHALLOW, ..COPY });
    assert_eq!(raw.map_err(|e| e.code), Err(code::CONFIG_UNSUPPORTED));
    let own = test.block_copy(&BlockCopy { destination: to("/guest/diskimage2"), ..COPY });
    assert_eq!(own.map_err(|e| e.code), Err(code::INTERNAL_ERROR));
    assert_eq!(test.block_job_abort("vda", false, true).map_err(|e| e.code), Err(code::INVALID_ARG));
    assert_eq!(test.block_job_set_speed("vda", 1).map_err(|e| e.code), Err(code::INVALID_ARG));
    test.block_pull(&PULL).unwrap();
    assert_eq!(test.block_job_abort("vda", true, true).map_err(|e| e.code), Err(code::BLOCK_COPY_ACTIVE));
    // That the disk is busy is found before a base that is not there, and after a destination that is none.
    assert_eq!(test.block_pull(&BlockPull { base: Some("vda[9]"), ..PULL }).map_err(|e| e.code), Err(code::OPERATION_UNSUPPORTED));
    let none = test.block_copy(&BlockCopy { destination: CopyDestination::Xml("<disc/>"), ..COPY });
    assert_eq!(none.map_err(|e| e.code), Err(code::XML_ERROR));
}

#[test]
fn a_disk_can_be_attached_and_detached_unless_it_has_a_job() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let vdc = "<disk type='file'><source file='/guest/new'/><target dev='vdc'/></disk>";
    test.attach_device(vdc, 1).unwrap();
    assert_eq!(test.attach_device(vdc, 1).map_err(|e| e.code), Err(code::OPERATION_FAILED));
    let name = test.block_pull(&BlockPull { disk: "vdc", ..PULL }).unwrap();
    assert_eq!(test.detach_device(vdc, 1).map_err(|e| e.code), Err(code::OPERATION_UNSUPPORTED));
    test.control_job(&name, ControlOp::Abort).unwrap();
    test.detach_device(vdc, 1).unwrap();
    assert_eq!(test.detach_device(vdc, 1).map_err(|e| e.code), Err(code::DEVICE_MISSING));
}

#[test]
fn a_shallow_copy_keeps_the_images_below() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let name = test.block_copy(&BlockCopy { flags: copy::SHALLOW, ..COPY }).unwrap();
    stage.clock.advance(250);
    test.control_job(&name, ControlOp::Finalize).unwrap();
    let below = ["snap4", "snap3", "snap2", "snap1"].map(|snap| format!("/guest/diskimage1.{snap}"));
    let expected = [&["/guest/copy".to_owned()][..], &below, &["/guest/diskimage1".to_owned(), "/guest/diskimage2".to_owned()]].concat();
    assert_eq!(paths(&*test), expected);
}

#[test]
fn a_second_job_on_a_disk_is_refused_unless_parallel_jobs_were_asked_for() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    test.block_pull(&PULL).unwrap();
    let error = test.block_copy(&COPY).unwrap_err();
    assert_eq!(error.code, code::OPERATION_UNSUPPORTED);
    assert!(error.detail.contains("block-pull-vda-1"), "{error}");
    test.block_pull(&BlockPull { flags: flags::JOB_START_PARALLEL, ..PULL }).unwrap();
    assert_eq!(names(&*test, list::ACTIVE).len(), 2);
    stage.clock.advance(1000);
    assert_eq!(paths(&*test), ["/guest/diskimage1.snap5", "/guest/diskimage2"]);
}

#[test]
fn a_new_limit_takes_effect_at_once() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let name = test.block_pull(&BlockPull { bandwidth: 1 << 20, ..PULL }).unwrap();
    stage.clock.advance(4000);
    let info = test.block_job_info("vda").unwrap().unwrap();
    assert_eq!((info.kind, info.bandwidth, info.cur, info.end), (1, 1 << 20, 4 << 20, 16 << 20));
    test.set_job_speed(&name, 4 << 20).unwrap();
    stage.clock.advance(2999);
    assert_eq!(stage.heard(), ["block-pull-vda-1 running"]);
    stage.clock.advance(1);
    assert_eq!(stage.heard().len(), 2);
    assert_eq!(test.block_job_info("vda"), Ok(None));
}

#[test]
fn a_paused_job_makes_no_progress() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let name = test.block_pull(&PULL).unwrap();
    stage.clock.advance(100);
    test.control_job(&name, ControlOp::Pause).unwrap();
    let before = test.job_xml(&name, true).unwrap();
    stage.clock.advance(10_000);
    let current = |xml: &str| xml.lines().find(|line| line.contains("<current>")).map(str::to_owned);
    assert_eq!(current(&test.job_xml(&name, true).unwrap()), current(&before));
    test.control_job(&name, ControlOp::Resume).unwrap();
    stage.clock.advance(151);
    let states: Vec<_> = stage.heard().into_iter().filter(|line| line.starts_with("block-pull")).collect();
    assert_eq!(states, ["running", "paused", "running", "completed"].map(|state| format!("block-pull-vda-1 {state}")));
}

#[test]
fn the_jobs_of_a_destroyed_domain_have_failed_and_say_why() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let name = test.block_pull(&BlockPull { flags: flags::JOB_START_PERSIST, ..PULL }).unwrap();
    test.destroy(0).unwrap();
    let heard = stage.heard();
    assert_eq!(heard, ["block-pull-vda-1 running", "block-pull-vda-1 failed", "lifecycle 5 1"]);
    assert!(test.job_xml(&name, false).unwrap().contains("destroyed"));
    assert_eq!(names(&*test, list::FINISHED), ["block-pull-vda-1 failed"]);
}
