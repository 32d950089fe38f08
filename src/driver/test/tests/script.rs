//! Whatever is scripted and whatever is asked for: each job's events begin with RUNNING and end with its one final
//! state, and no event repeats the one before it.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::driver::request::{BlockCommit, BlockCopy, BlockPull, CopyDestination, ListFilter, Migrate};
use crate::driver::test::testing::Stage;
use crate::driver::Domain;
use crate::model::flags::{commit, copy, JOB_START_PARALLEL, JOB_START_PERSIST};
use crate::model::{ControlOp, JobState};
use crate::xml::domain::DomainDef;

/// Something that a client does, or that it lets happen.
#[derive(Clone, Debug)]
enum Step {
    Pull { disk: &'static str, flags: u32, bandwidth: u64 },
    Copy { disk: &'static str, flags: u32 },
    Commit { flags: u32 },
    Backup { flags: u32 },
    Snapshot { flags: u32 },
    Migrate { flags: u32 },
    Control { job: prop::sample::Index, op: ControlOp },
    SetSpeed { job: prop::sample::Index, speed: u64 },
    Abort { disk: &'static str, pivot: bool },
    AbortJob,
    Wait(u64),
    Destroy,
    Start,
}

fn disk() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["vda", "vdb"])
}

fn start_flags() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![0, JOB_START_PARALLEL, JOB_START_PERSIST, JOB_START_PARALLEL | JOB_START_PERSIST])
}

fn step() -> impl Strategy<Value = Step> {
    let op = prop::sample::select(ControlOp::ALL.to_vec());
    let bandwidth = prop::sample::select(vec![0, 1, 1 << 20, 32 << 20]);
    prop_oneof![
        3 => (disk(), start_flags(), bandwidth.clone()).prop_map(|(disk, flags, bandwidth)| Step::Pull { disk, flags, bandwidth }),
        3 => (disk(), start_flags(), prop::sample::select(vec![0, copy::REUSE_EXT, copy::SHALLOW])).prop_map(|(disk, flags, more)| Step::Copy { disk, flags: flags | more }),
        2 => (start_flags(), prop::sample::select(vec![0, commit::ACTIVE])).prop_map(|(flags, more)| Step::Commit { flags: flags | more }),
        2 => start_flags().prop_map(|flags| Step::Backup { flags }),
        1 => (start_flags(), prop::sample::select(vec![0, 8, 16])).prop_map(|(flags, more)| Step::Snapshot { flags: flags | more }),
        1 => (start_flags(), 0..2u32).prop_map(|(flags, live)| Step::Migrate { flags: flags | live }),
        8 => (any::<prop::sample::Index>(), op).prop_map(|(job, op)| Step::Control { job, op }),
        2 => (any::<prop::sample::Index>(), bandwidth).prop_map(|(job, speed)| Step::SetSpeed { job, speed }),
        2 => (disk(), any::<bool>()).prop_map(|(disk, pivot)| Step::Abort { disk, pivot }),
        1 => Just(Step::AbortJob),
        6 => (0..400u64).prop_map(Step::Wait),
        1 => Just(Step::Destroy),
        2 => Just(Step::Start),
    ]
}

/// An element of a script.
fn element() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec![
        "",
        "type='block-pull'",
        "type='block-copy'",
        "type='block-create'",
        "type='migration'",
        "type='block-backup'",
    ]);
    let place = prop::sample::select(vec!["", "disk='vda'", "times='1'", "times='2' disk='vdb'"]);
    let action = prop::sample::select(vec!["fail", "stall", "pause", "unplug", "die"]);
    let fault = (kind, place, action, 0..=100u32)
        .prop_map(|(kind, place, action, at)| format!("<j:fault {kind} {place} action='{action}' at='{at}%'/>"));
    let job = prop::sample::select(vec![
        "<j:job type='block-pull' id='theirs' disk='vda'/>",
        "<j:job type='block-mirror' id='strange' size='1MiB' finalize='manual' dismiss='manual'/>",
        "<j:job type='block-copy' disk='vdb' target='/t' state='ready'/>",
        "<j:job type='block-amend' disk='vda' state='paused' persist='yes'/>",
        "<j:job type='block-pull' id='theirs' disk='vda' start='300ms'/>",
        "<j:job type='block-commit-active' disk='vda' start='100ms'/>",
        "<j:job type='save' start='50ms'/>",
        "<j:job type='dump' state='completed'/>",
    ]);
    prop_oneof![3 => fault, 1 => job.prop_map(str::to_owned)]
}

fn world(script: &[String]) -> String {
    let image =
        |n: u32, below: &str| format!("<backingStore type='file'><format type='qcow2'/><source file='/i{n}'/>{below}</backingStore>");
    let chain = image(1, &image(2, &image(3, "<backingStore/>")));
    format!(
        "<node xmlns:j='urn:virt-jobs:test:1.0'><domain type='test'><name>d</name><memory>1024</memory><os><type>hvm</type></os><devices>
        <disk type='file'><driver name='qemu' type='qcow2'/><source file='/i0'/>{chain}<target dev='vda'/></disk>
        <disk type='file'><driver name='qemu' type='qcow2'/><source file='/j0'/><backingStore/><target dev='vdb'/></disk></devices>
        {}</domain></node>",
        script.concat()
    )
}

/// Errors are as good as successes here: what counts is what is heard.
fn take(stage: &Stage, domain: &dyn Domain, step: &Step) {
    let mut names = Vec::new();
    domain.list_jobs(ListFilter(0), &mut |job| names.push(job.name().to_owned())).unwrap();
    let pick = |job: &prop::sample::Index| names.get(if names.is_empty() { 0 } else { job.index(names.len()) });
    let path = CopyDestination::Path { path: "/c", raw: false, block: false };
    match step {
        Step::Pull { disk, flags, bandwidth } => {
            drop(domain.block_pull(&BlockPull { disk, base: None, bandwidth: *bandwidth, flags: *flags }))
        }
        Step::Copy { disk, flags } => {
            drop(domain.block_copy(&BlockCopy { disk, destination: path, bandwidth: 0, granularity: 0, buf_size: 0, flags: *flags }));
        }
        Step::Commit { flags } => {
            let top = (flags & commit::ACTIVE == 0).then_some("vda[1]");
            drop(domain.block_commit(&BlockCommit { disk: "vda", base: None, top, bandwidth: 0, flags: *flags }));
        }
        Step::Backup { flags } => drop(domain.backup_begin("<domainbackup/>", None, *flags)),
        Step::Snapshot { flags } => drop(domain.snapshot_create("<domainsnapshot/>", *flags)),
        Step::Migrate { flags } => {
            drop(domain.migrate(&Migrate { uri: "tcp:host:1", bandwidth: 0, xml: None, flags: *flags, params: Vec::new() }));
        }
        Step::Control { job, op } => drop(pick(job).map(|name| domain.control_job(name, *op))),
        Step::SetSpeed { job, speed } => drop(pick(job).map(|name| domain.set_job_speed(name, *speed))),
        Step::Abort { disk, pivot } => drop(domain.block_job_abort(disk, *pivot, true)),
        Step::AbortJob => drop(domain.abort_job(0)),
        Step::Wait(ms) => stage.clock.advance(*ms),
        Step::Destroy => drop(domain.destroy(0)),
        Step::Start => drop(domain.start(0)),
    }
}

/// A blocking call would wait for ever on a job that stalls, so somebody aborts what is left after a while.
fn impatience(stage: &Stage, domain: &std::sync::Arc<dyn Domain>) {
    let domain = domain.clone();
    stage.after(1500, move || {
        let mut names = Vec::new();
        domain.list_jobs(ListFilter(0), &mut |job| names.push(job.name().to_owned())).unwrap();
        names.iter().for_each(|name| drop(domain.control_job(name, ControlOp::Abort)));
    });
}

fn check(heard: &[String]) -> Result<(), TestCaseError> {
    let mut states: HashMap<&str, Vec<JobState>> = HashMap::new();
    for line in heard {
        let Some((name, state)) = line.split_once(' ') else { continue };
        if let Some(state) = JobState::from_name(state) {
            states.entry(name).or_default().push(state);
        }
    }
    for (name, states) in states {
        prop_assert_eq!(states.first(), Some(&JobState::Running), "{} {:?}", name, states);
        prop_assert!(states.windows(2).all(|pair| pair[0] != pair[1]), "{} {:?}", name, states);
        let finals = states.iter().filter(|state| state.is_final()).count();
        prop_assert!(finals == 1 && states.last().is_some_and(|state| state.is_final()), "{} {:?}", name, states);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn each_jobs_events_begin_with_running_and_end_with_its_end(
        script in prop::collection::vec(element(), 0..4),
        steps in prop::collection::vec(step(), 1..30),
    ) {
        let Ok(stage) = Stage::try_new(&world(&script)) else { return Ok(()) };
        let domain = stage.domain("d");
        let mut there = Vec::new();
        domain.list_jobs(ListFilter(0), &mut |job| there.push(job.name().to_owned())).unwrap();
        // One that has ended already, at the very beginning of the world, is heard of instead.
        let mut heard = stage.heard();
        let names = heard.iter().filter_map(|line| line.split_once(' ').filter(|(_, state)| JobState::from_name(state).is_some()));
        there.extend(names.map(|(name, _)| name.to_owned()).filter(|name| !there.contains(name)).collect::<Vec<_>>());
        for step in &steps {
            impatience(&stage, &domain);
            take(&stage, &*domain, step);
            if domain.is_active() {
                let xml = domain.xml(0).unwrap();
                let def = DomainDef::parse_live(&xml);
                prop_assert!(def.is_ok_and(|def| def.disks.iter().all(|disk| disk.source().is_some())), "{}", xml);
            }
        }
        drop(domain.destroy(0));
        heard.append(&mut stage.heard());
        // What was there before anybody listened has lost its first event.
        let begins: Vec<String> = there.iter().map(|name| format!("{name} running")).collect();
        let missed = |line: &String| there.iter().any(|name| line.starts_with(&format!("{name} ")));
        let rest: Vec<String> = heard.iter().filter(|line| !missed(line)).cloned().collect();
        check(&rest)?;
        for (name, begin) in there.iter().zip(begins) {
            let own: Vec<String> = heard.iter().filter(|line| line.starts_with(&format!("{name} "))).cloned().collect();
            if !own.is_empty() && own[0] != begin {
                check(&[vec![begin], own].concat())?;
            }
        }
    }
}
