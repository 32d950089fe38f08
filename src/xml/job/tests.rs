use super::*;
use crate::job::{CompressionStats, DiskStats, Engine, HypStatus, JobRecord, Listed, Observation, Outcome, Powers, Progress};
use crate::model::JobType;
use crate::xml::reader::{self, Element};
use crate::xml::validate::{assert_valid, own_schema};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const STARTED: u64 = 1_795_503_000_000;

fn record(kind: JobType, config: JobConfig) -> JobRecord {
    JobRecord {
        name: format!("{kind}-1"),
        id: format!("{kind}-1"),
        kind: kind.as_str().to_owned(),
        persist: true,
        listed: true,
        config,
        stats: JobStats::default(),
        ending: None,
        outcome: None,
        settled: true,
        started: STARTED,
        finished: None,
    }
}

/// Ninety seconds after every job here was started.
fn now() -> Now {
    Now { mono_ms: 1_000_000, wall_ms: STARTED + 90_000 }
}

/// The document of the job that a record describes, after the hypervisor said `status` of it if that is given.
fn xml_of(record: JobRecord, status: Option<HypStatus>, with_stats: bool) -> String {
    let powers = Powers { pause: |_| true, cancel: |_| true };
    let (name, id) = (record.name.clone(), record.id.clone());
    let kind = JobType::from_name(&record.kind).expect("a known type");
    let progress = Progress { current: record.stats.current, end: record.stats.end, speed: None };
    let mut engine = Engine::new(powers);
    assert!(engine.adopt(record, now()));
    if let Some(status) = status {
        let listing = Observation::Listing(vec![Listed { id, kind, status, progress, error: None }]);
        engine.observe(listing, now(), &mut Vec::new());
    }
    job_xml(engine.get(&name).expect("listed"), now(), with_stats)
}

#[test]
fn an_active_commit_that_is_ready_reads_as_the_documentation_shows_it() {
    let config =
        JobConfig { top: Some("vda[1]".to_owned()), base: Some("vda[5]".to_owned()), bandwidth: 1 << 20, ..JobConfig::on_disk("vda") };
    let mut record = record(JobType::BlockCommitActive, config);
    record.stats.current = 12345;
    record.stats.end = 12345;
    assert_eq!(
        xml_of(record, Some(HypStatus::Ready), true),
        "<job type='block-commit-active' state='ready'>
  <name>block-commit-active-1</name>
  <config>
    <disk>vda</disk>
    <top>vda[1]</top>
    <base>vda[5]</base>
    <bandwidth unit='bytes/s'>1048576</bandwidth>
  </config>
  <stats>
    <current>12345</current>
    <end>12345</end>
    <elapsed unit='ms'>90000</elapsed>
    <started>2026-11-24T06:50:00Z</started>
  </stats>
</job>
"
    );
}

#[test]
fn a_failed_backup_shows_its_targets_each_disk_and_the_error() {
    let target = |disk: &str, format: &str| DiskTarget {
        disk: disk.to_owned(),
        path: format!("/backup/{disk}"),
        format: format.to_owned(),
        kind: "file".to_owned(),
        index: 3,
    };
    let config = JobConfig {
        disks: vec!["vda".to_owned(), "vdb".to_owned()],
        targets: vec![target("vda", "qcow2"), target("vdb", "")],
        incremental: Some("monday".to_owned()),
        options: vec!["reuse-external".to_owned()],
        ..JobConfig::default()
    };
    let mut record = record(JobType::BlockBackup, config);
    (record.stats.current, record.stats.end, record.stats.rate) = (5, 30, Some(10));
    record.stats.disks = vec![DiskStats { disk: "vda".to_owned(), current: 5, end: 20 }];
    record.outcome = Some(Outcome::Failed("No space left on device".to_owned()));
    record.finished = Some(STARTED + 61_500);
    assert_eq!(
        xml_of(record, None, true),
        "<job type='block-backup' state='failed'>
  <name>block-backup-1</name>
  <config>
    <disk>vda</disk>
    <disk>vdb</disk>
    <target disk='vda' type='file' format='qcow2'>/backup/vda</target>
    <target disk='vdb' type='file'>/backup/vdb</target>
    <incremental>monday</incremental>
    <option>reuse-external</option>
  </config>
  <stats>
    <current>5</current>
    <end>30</end>
    <disk name='vda'>
      <current>5</current>
      <end>20</end>
    </disk>
    <rate unit='bytes/s'>10</rate>
    <elapsed unit='ms'>61500</elapsed>
    <started>2026-11-24T06:50:00Z</started>
    <finished>2026-11-24T06:51:01Z</finished>
  </stats>
  <error>No space left on device</error>
</job>
"
    );
}

#[test]
fn a_running_migration_shows_memory_and_an_estimate() {
    let config = JobConfig { uri: Some("tcp:host:4444".to_owned()), ..JobConfig::default() };
    let mut record = record(JobType::Migration, config);
    (record.stats.current, record.stats.end, record.stats.rate) = (100, 300, Some(50));
    record.stats.migration = Some(MigrationStats {
        memory_total: 300,
        memory_processed: 100,
        memory_remaining: 200,
        memory_rate: 50,
        pages_normal: 7,
        pages_constant: 8,
        dirty_rate: 9,
        iteration: 2,
        downtime_ms: Some(30),
        setup_ms: None,
        ..MigrationStats::default()
    });
    let document = reader::parse(&xml_of(record, None, true)).expect("well formed");
    let path = |names: &[&str]| -> Option<(String, String)> {
        let mut element: &Element = &document;
        for name in names {
            element = element.child(name)?;
        }
        Some((element.text.clone(), element.attr("unit").unwrap_or_default().to_owned()))
    };
    let expect = |text: &str, unit: &str| Some((text.to_owned(), unit.to_owned()));
    assert_eq!(path(&["config", "uri"]), expect("tcp:host:4444", ""));
    assert_eq!(path(&["stats", "remaining"]), expect("4000", "ms"));
    assert_eq!(path(&["stats", "migration", "memory", "remaining"]), expect("200", "bytes"));
    assert_eq!(path(&["stats", "migration", "memory", "dirty-rate"]), expect("9", "pages/s"));
    assert_eq!(path(&["stats", "migration", "iteration"]), expect("2", ""));
    assert_eq!(path(&["stats", "migration", "downtime"]), expect("30", "ms"));
    assert_eq!(path(&["stats", "migration", "setup"]), None);
}

#[test]
fn without_statistics_there_are_none() {
    let mut record = record(JobType::Dump, JobConfig { file: Some("/core".to_owned()), ..JobConfig::default() });
    record.outcome = Some(Outcome::Completed);
    assert_eq!(
        xml_of(record, None, false),
        "<job type='dump' state='completed'>\n  <name>dump-1</name>\n  <config>\n    <file>/core</file>\n  </config>\n</job>\n"
    );
}

#[test]
fn a_name_with_markup_in_it_round_trips_and_control_characters_leave_a_mark() {
    let mut record = record(JobType::Other, JobConfig::default());
    record.name = "<&'\">é\u{1}\r\n\tß\u{ffff}".to_owned();
    let document = reader::parse(&xml_of(record, None, true)).expect("well formed");
    assert_eq!(document.child_text("name"), Some("<&'\">é\u{fffd}\r\n\tß\u{fffd}"));
    assert_eq!(document.child("config").map(|config| config.children.len()), Some(0));
}

fn nasty() -> impl Strategy<Value = String> {
    let c = prop_oneof![prop::sample::select(vec!['<', '&', '\'', '"', '>', ']', '\u{0}', '\u{1}', '\n', '\r', 'é']), any::<char>()];
    prop::collection::vec(c, 1..6).prop_map(String::from_iter)
}

fn config() -> impl Strategy<Value = JobConfig> {
    let target = (nasty(), nasty(), any::<bool>(), prop::sample::select(vec!["", "file", "block", "network", "odd"])).prop_map(
        |(disk, path, named, kind)| DiskTarget {
            format: if named { disk.clone() } else { String::new() },
            disk: if named { disk } else { String::new() },
            path,
            kind: kind.to_owned(),
            index: 3,
        },
    );
    let words = || prop::option::of(nasty());
    let list = || prop::collection::vec(nasty(), 0..3);
    (
        (list(), words(), words(), prop::collection::vec(target, 0..3), any::<u64>(), words()),
        (words(), words(), words(), prop::option::of(any::<u64>()), words(), words(), list()),
    )
        .prop_map(|((disks, top, base, targets, bandwidth, uri), (file, format, snapshot, size, incremental, parent, options))| {
            let document = None;
            JobConfig {
                disks,
                top,
                base,
                targets,
                bandwidth,
                uri,
                file,
                format,
                snapshot,
                size,
                incremental,
                parent,
                document,
                removes: Vec::new(),
                options,
            }
        })
}

fn stats() -> impl Strategy<Value = JobStats> {
    let disk = (nasty(), any::<u64>(), any::<u64>()).prop_map(|(disk, current, end)| DiskStats { disk, current, end });
    let migration = (any::<[u64; 8]>(), prop::option::of(any::<u64>())).prop_map(|(n, time)| MigrationStats {
        memory_total: n[0],
        memory_processed: n[1],
        memory_remaining: n[2],
        memory_rate: n[3],
        pages_normal: n[4],
        pages_constant: n[5],
        dirty_rate: n[6],
        iteration: n[7],
        downtime_ms: time,
        setup_ms: time,
        page_size: n[1],
        postcopy_requests: n[2],
        throttle: n[3],
        compression: time.map(|time| CompressionStats { cache: time, bytes: n[4], pages: n[5], cache_misses: n[6], overflows: n[7] }),
    });
    let rest = (prop::option::of(any::<u64>()), prop::collection::vec(disk, 0..3), prop::option::of(migration));
    (any::<u64>(), any::<u64>(), rest).prop_map(|(current, end, (rate, disks, migration))| {
        let mut stats = JobStats::default();
        (stats.current, stats.end, stats.rate) = (current, end, rate);
        (stats.disks, stats.migration) = (disks, migration);
        stats
    })
}

/// A document of any job that can be.
fn document() -> impl Strategy<Value = String> {
    let kinds = JobType::ALL.iter().copied().filter(|&kind| kind != JobType::None).collect::<Vec<_>>();
    let outcome = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Outcome::Completed)),
        1 => Just(Some(Outcome::Aborted)),
        2 => nasty().prop_map(|text| Some(Outcome::Failed(text))),
    ];
    let status = prop::option::of(prop::sample::select(vec![HypStatus::Ready, HypStatus::Paused, HypStatus::Standby, HypStatus::Pending]));
    let times = (0..1u64 << 48, prop::option::of(0..1u64 << 48));
    (prop::sample::select(kinds), nasty(), config(), stats(), outcome, status, times, any::<bool>()).prop_map(
        |(kind, name, config, stats, outcome, status, (started, finished), with_stats)| {
            let status = status.filter(|_| outcome.is_none());
            xml_of(JobRecord { name, stats, outcome, started, finished, ..record(kind, config) }, status, with_stats)
        },
    )
}

#[test]
fn every_document_is_well_formed_and_valid_by_the_schema() {
    let mut runner = TestRunner::deterministic();
    let documents: Vec<String> = (0..400).map(|_| document().new_tree(&mut runner).expect("a document").current()).collect();
    for document in &documents {
        let read = reader::parse(document).expect(document);
        let stats = read.child("stats");
        assert!(stats.is_none_or(|stats| stats.child("current").is_some() && stats.child("end").is_some()), "{document}");
    }
    assert_valid(&own_schema("domain-job.rng"), &documents);
}

#[test]
fn the_documentation_has_a_valid_example_for_each_type() {
    let text = include_str!("../../../docs/job-xml.md");
    let examples: Vec<String> = text.split("```xml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect();
    for kind in JobType::ALL.iter().filter(|&&kind| kind != JobType::None) {
        assert!(examples.iter().any(|e| e.starts_with(&format!("<job type='{kind}'"))), "no example for {kind}");
    }
    assert_valid(&own_schema("domain-job.rng"), &examples);
}
