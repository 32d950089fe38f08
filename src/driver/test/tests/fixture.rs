use crate::driver::request::{BlockCopy, BlockPull, CopyDestination, ListFilter, Save};
use crate::driver::test::fixture;
use crate::driver::test::testing::{Stage, VirtualClock};
use crate::driver::{Connection, Domain, Key};
use crate::model::domain::reason;
use crate::model::flags::copy;
use crate::model::{code, ControlOp, DomainState, JobState};

const GUIDE: &str = include_str!("../../../../docs/test-driver.md");

/// The nth example of the guide.
fn example(n: usize) -> &'static str {
    let blocks = GUIDE.split("```xml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.collect::<Vec<_>>()[n]
}

/// A domain with `vda` and `vdb`, and this script.
fn world(script: &str) -> String {
    format!(
        "<node xmlns:j='urn:virt-jobs:test:1.0'><domain type='test'><name>d</name><memory>1024</memory><os><type>hvm</type></os>
        <devices><disk type='file'><source file='/a'/><target dev='vda'/></disk><disk type='file'><source file='/b'/><target dev='vdb'/></disk></devices>
        {script}</domain></node>"
    )
}

fn copy(disk: &str) -> BlockCopy<'_> {
    let destination = CopyDestination::Path { path: "/c", raw: false, block: false };
    BlockCopy { disk, destination, bandwidth: 0, granularity: 0, buf_size: 0, flags: copy::REUSE_EXT }
}

fn pull(disk: &str) -> BlockPull<'_> {
    BlockPull { disk, base: None, bandwidth: 0, flags: 0 }
}

fn jobs(domain: &dyn Domain) -> Vec<String> {
    let mut jobs = Vec::new();
    domain.list_jobs(ListFilter(0), &mut |job| jobs.push(format!("{} {} {}", job.name(), job.kind(), job.state()))).unwrap();
    jobs
}

#[test]
fn a_copy_that_fails_once_succeeds_the_next_time() {
    let stage = Stage::new(example(0));
    let web = stage.domain("web");
    web.block_copy(&copy("vda")).unwrap();
    stage.clock.advance(124);
    assert_eq!(web.block_job_info("vda").unwrap().map(|info| info.cur), Some(8_321_499));
    stage.clock.advance(1);
    assert_eq!(stage.heard(), ["block-copy-vda-1 running", "block-copy-vda-1 failed", "block-job vda /images/web.qcow2 2 1"]);
    web.block_copy(&copy("vda")).unwrap();
    stage.clock.advance(250);
    assert_eq!(stage.heard()[1], "block-copy-vda-2 ready");
}

#[test]
fn every_fault_of_the_guide_happens() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(example(1));
    let domain = stage.domain("troubled");

    let stalled = domain.block_pull(&pull("vda")).unwrap();
    stage.clock.advance(60_000);
    assert_eq!(domain.block_job_info("vda").unwrap().map(|info| info.cur), Some(4 << 20));
    domain.control_job(&stalled, ControlOp::Pause).unwrap();
    domain.control_job(&stalled, ControlOp::Resume).unwrap();
    stage.clock.advance(12_000);
    assert_eq!(stage.heard()[..4], ["running", "paused", "running", "completed"].map(|state| format!("{stalled} {state}")));

    let paused = domain.block_copy(&copy("vda")).unwrap();
    stage.clock.advance(4000);
    assert_eq!(stage.heard(), [format!("{paused} running"), format!("{paused} paused")]);
    domain.control_job(&paused, ControlOp::Resume).unwrap();
    domain.control_job(&paused, ControlOp::Abort).unwrap();
    stage.heard();

    let refused = domain.block_copy(&BlockCopy { flags: 0, ..copy("vdb") }).unwrap_err();
    assert_eq!((refused.code, refused.detail.as_str()), (code::OPERATION_FAILED, "failed to format image: 'Permission denied'"));
    stage.heard();
    let unplugged = domain.block_copy(&BlockCopy { flags: 0, ..copy("vdb") }).unwrap();
    stage.clock.advance(8000);
    assert!(!domain.xml(0).unwrap().contains("vdb"));
    assert_eq!(domain.wait_job(&unplugged, 1 << JobState::Ready as u32, None), Ok(Some(JobState::Ready)));
    domain.control_job(&unplugged, ControlOp::Finalize).unwrap();
    stage.heard();

    let file = folder.path().join("save");
    let error = domain.save(&Save { file: file.to_str().unwrap(), xml: None, flags: 0 }).unwrap_err();
    assert_eq!(error.detail, "job 'domain save' failed: guest panicked");
    assert_eq!(domain.state(), Ok((DomainState::Shutoff, reason::SHUTOFF_CRASHED)));
    assert_eq!(stage.heard().last().map(String::as_str), Some("lifecycle 5 2"));
}

#[test]
fn every_job_of_the_guide_is_there() {
    let stage = Stage::new(example(2));
    let busy = stage.domain("busy");
    let expected = [
        "block-commit-active-vda-1 block-commit-active ready",
        "block-amend-vda-2 block-amend paused",
        "nightly block-backup running",
        "migration-3 migration failed",
    ];
    assert_eq!(jobs(&*busy), expected);
    assert!(busy.job_xml("migration-3", false).unwrap().contains("<error>Connection refused</error>"));
    stage.clock.advance(2000);
    assert_eq!(jobs(&*busy).last().map(String::as_str), Some("vendor-7 other running"));

    busy.set_job_speed("nightly", 0).unwrap();
    stage.clock.advance(1000);
    assert_eq!(busy.control_job("nightly", ControlOp::Dismiss).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    busy.control_job("nightly", ControlOp::Finalize).unwrap();
    busy.control_job("nightly", ControlOp::Dismiss).unwrap();
    let heard: Vec<_> = stage.heard().into_iter().filter(|line| line.starts_with("nightly")).collect();
    assert_eq!(heard, ["nightly ready", "nightly completed"], "the world was there before anybody listened");

    let arriving = stage.domain("arriving");
    assert_eq!(arriving.state(), Ok((DomainState::Running, reason::RUNNING_MIGRATED)));
    assert_eq!(jobs(&*stage.domain("crowded")).len(), 200);
}

#[test]
fn ten_thousand_jobs_are_there_in_no_time() {
    let started = std::time::Instant::now();
    let stage = Stage::new(&world(
        "<j:job type='block-pull' disk='vda' state='completed' count='5000'/><j:job type='block-backup' id='f-%n' bandwidth='1B' count='5000'/>",
    ));
    let domain = stage.domain("d");
    assert_eq!(jobs(&*domain).len(), 10_000);
    let mut figures = 0;
    domain.list_jobs(ListFilter(crate::model::flags::list::STATS), &mut |job| figures += job.stats().end).unwrap();
    assert_eq!(figures, 5000 * (16 << 20) + 5000 * (32 << 20));
    assert!(started.elapsed().as_secs() < 20, "it took {:?}", started.elapsed());
}

#[test]
fn what_is_wrong_with_a_fixture_is_named_with_its_line() {
    for (script, names) in [
        ("<j:fault at='50%'/>", "attribute 'action' is missing"),
        ("<j:fault action='explode'/>", "'explode'"),
        ("<j:fault action='fail' at='101%'/>", "'101%'"),
        ("<j:fault action='fail' type='none'/>", "'none'"),
        ("<j:fault action='fail' disk='vdq'/>", "no disk 'vdq'"),
        ("<j:fault action='stall' error='x'/>", "no error text"),
        ("<j:fault action='fail' when='now'/>", "attribute 'when'"),
        ("<j:fault action='fail' times='-1'/>", "'-1'"),
        ("<j:speed>0</j:speed>", "more than 0"),
        ("<j:speed unit='furlong'>1</j:speed>", "furlong"),
        ("<j:memory>much</j:memory>", "'much'"),
        ("<j:disk name='vda'/>", "'size' is missing"),
        ("<j:disk name='vdq' size='1'/>", "no disk 'vdq'"),
        ("<j:state>asleep</j:state>", "'asleep'"),
        ("<j:state persistent='no'>shutoff</j:state>", "must be persistent"),
        ("<j:miracle/>", "no such element"),
        ("<j:job disk='vda'/>", "'type' is missing"),
        ("<j:job type='defragment'/>", "'defragment'"),
        ("<j:job type='block-pull'/>", "needs a disk"),
        ("<j:job type='block-copy' disk='vda'/>", "needs a target"),
        ("<j:job type='block-pull' disk='vda' size='1'/>", "size"),
        ("<j:job type='block-pull' disk='vda' base='vda[3]'/>", "index '3'"),
        ("<j:job type='block-pull' disk='vda' base='vda[3]' start='1s'/>", "index '3'"),
        ("<j:job type='block-pull' disk='vda' state='ready'/>", "never ready"),
        ("<j:job type='save' state='paused'/>", "cannot be paused"),
        ("<j:job type='save' state='none'/>", "'none'"),
        ("<j:job type='save' error='x'/>", "only a failed job"),
        ("<j:job type='save' finalize='manual'/>", "with an id"),
        ("<j:job type='save' id='x' persist='yes'/>", "without an id"),
        ("<j:job type='save' id='x' count='2'/>", "%n"),
        ("<j:job type='save' count='0'/>", "'count'"),
        ("<j:job type='save' start='soon'/>", "'soon'"),
        ("<j:job type='save' state='failed' start='1s'/>", "appear later"),
        ("<j:state>shutoff</j:state><j:job type='save'/>", "is off"),
        ("<j:job type='save'/><j:job type='dump'/>", "save-1"),
    ] {
        let Err(error) = fixture::build(&world(script), VirtualClock::jumping()) else { panic!("accepted: {script}") };
        assert!(error.detail.contains(names), "{script}: {error}");
    }
    for (document, expected) in [
        ("<world/>", code::XML_ERROR),
        ("<node", code::XML_DETAIL),
        ("<node><network/></node>", code::CONFIG_UNSUPPORTED),
        ("<node speed='1'/>", code::CONFIG_UNSUPPORTED),
        ("<node><domain type='test'><name>a</name></domain></node>", code::XML_ERROR),
    ] {
        assert_eq!(fixture::build(document, VirtualClock::jumping()).map(drop).map_err(|e| e.code), Err(expected), "{document}");
    }
}

#[test]
fn a_namespace_prefix_may_be_declared_anywhere_and_be_called_anything() {
    let inside = world("").replace("<node xmlns:j='urn:virt-jobs:test:1.0'>", "<domains>").replace("</node>", "</domains>");
    let inside = inside.replace("<domain type", "<domain xmlns:x='urn:virt-jobs:test:1.0' type");
    let inside = inside.replace("</domain>", "<x:state>paused</x:state></domain>");
    let stage = Stage::new(&inside);
    assert_eq!(stage.domain("d").state(), Ok((DomainState::Paused, reason::PAUSED_UNKNOWN)));
}

#[test]
fn a_transient_domain_of_a_fixture_is_gone_after_its_end() {
    let stage = Stage::new(&world("<j:state persistent='no'>running</j:state>"));
    stage.domain("d").destroy(0).unwrap();
    assert_eq!(stage.connection.lookup(Key::Name("d")).map_err(|e| e.code), Err(code::NO_DOMAIN));
}

#[test]
fn a_job_of_somebody_elses_appears_ends_and_is_gone() {
    let stage = Stage::new(&world("<j:job type='block-pull' id='theirs' disk='vda' start='1s' at='50%'/>"));
    stage.clock.advance(1125);
    assert_eq!(stage.heard(), ["theirs running", "theirs completed"]);
    assert_eq!(jobs(&*stage.domain("d")), Vec::<String>::new());
}

#[test]
fn a_job_that_waits_for_its_dismissal_stays_as_it_ended() {
    let stage = Stage::new(&world("<j:job type='block-pull' id='theirs' disk='vda' bandwidth='1MiB' dismiss='manual'/>"));
    let domain = stage.domain("d");
    stage.clock.advance(4000);
    domain.control_job("theirs", ControlOp::Abort).unwrap();
    let before = domain.job_xml("theirs", true).unwrap();
    assert!(before.contains("state='aborted'") && before.contains("<current>4194304</current>"), "{before}");
    stage.clock.advance(60_000);
    assert_eq!(domain.job_xml("theirs", true).unwrap(), before);
    assert_eq!(stage.heard(), ["theirs aborted"]);
    domain.control_job("theirs", ControlOp::Dismiss).unwrap();
    assert_eq!(jobs(&*domain), Vec::<String>::new());
}
