//! A campaign: clients killed at random moments of jobs that are to be kept. Whatever was promised, the next one finds.

mod support;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use support::campaign::Campaign;
use support::vm::*;
use support::*;
use virt_jobs::model::flags::{commit, copy, JOB_START_PERSIST};
use virt_jobs::model::{ControlOp, Error, JobState, JobType};

const WORK: &str = "VIRT_JOBS_TEST_WORK";
const SCHEDULE: &str = "VIRT_JOBS_SEED";
const KIND: &str = "VIRT_JOBS_TEST_KIND";
/// The kinds of jobs that clients start.
const KINDS: &[&str] = &["block-pull", "block-copy", "block-copy shallow", "block-commit-active", "block-commit", "block-backup"];
const PAUSED: u32 = 1;
/// A limit under which a job takes long enough to be met while it runs.
const SLOW: u64 = 16 << 20;
const LONGEST: Duration = Duration::from_millis(500);

/// What a client has done, as it has done it: each line is written whole, and outlives it.
struct Journal(File);

impl Journal {
    fn note(&mut self, what: &str, name: &str, detail: &str) {
        self.0.write_all(format!("{what}\t{name}\t{}\n", detail.replace('\n', " ")).as_bytes()).unwrap();
    }
}

/// The client that is killed: this program, run again with a directory to work in.
#[test]
fn work_until_killed() {
    let Ok(dir) = std::env::var(WORK) else { return };
    let dir = PathBuf::from(dir);
    let mut chance = Campaign::new();
    let mut journal = Journal(File::options().append(true).create(true).open(dir.join("journal")).unwrap());
    let client = Client::open(&dir.join("vms"));
    println!("attached");
    finish_others(&client, &dir, &mut journal);
    let wanted = std::env::var(KIND).unwrap();
    for round in 0.. {
        let kind = if round == 0 || chance.below(2) == 0 { wanted.as_str() } else { chance.pick(KINDS) };
        // A disk whose chain has been merged may have nothing left to merge.
        let Ok(name) = start_one(&client, &dir, &mut chance, kind, round) else { continue };
        journal.note("started", &name, &config_of(&client, &name));
        if chance.below(3) == 0 {
            let _ = client.domain.control_job(&name, ControlOp::Pause);
            std::thread::sleep(chance.moment(Duration::from_millis(20)));
            let _ = client.domain.control_job(&name, ControlOp::Resume);
        }
        let state = client.wait(&name, &[JobState::Ready]);
        if state == JobState::Ready || chance.below(4) == 0 {
            let op = if chance.below(2) == 0 { ControlOp::Abort } else { ControlOp::Finalize };
            journal.note(if state == JobState::Ready { "ready" } else { "running" }, &name, "");
            journal.note("asked", &name, &op.to_string());
            let _ = client.domain.control_job(&name, op);
        }
        journal.note("ended", &name, &client.end(&name).to_string());
    }
}

/// Gives up what a client before this one has left running: there is one disk for all. What it had no time to note is not
/// noted now: it may never have reached QEMU.
fn finish_others(client: &Client, dir: &Path, journal: &mut Journal) {
    let is_open = |(name, _, state): &(String, JobType, JobState)| !state.is_final() && !name.starts_with("block-create");
    let noted = read_journal(dir);
    for (name, ..) in client.jobs().into_iter().filter(is_open) {
        let mut note = |what: &str, detail: &str| noted.contains_key(&name).then(|| journal.note(what, &name, detail));
        note("asked", "abort");
        let _ = client.domain.control_job(&name, ControlOp::Resume);
        let _ = client.domain.control_job(&name, ControlOp::Abort);
        let end = client.end(&name);
        note("ended", &end.to_string());
    }
}

fn start_one(client: &Client, dir: &Path, chance: &mut Campaign, kind: &str, round: usize) -> Result<String, Error> {
    let target = dir.join(format!("target-{}-{round}.qcow2", std::process::id()));
    let speed = chance.pick(&[0, SLOW]);
    let keep = JOB_START_PERSIST;
    match kind {
        "block-pull" => {
            let request = virt_jobs::driver::request::BlockPull { disk: "vda", base: None, bandwidth: speed, flags: keep };
            client.domain.block_pull(&request)
        }
        "block-copy" => client.try_copy("vda", &target, speed, keep),
        "block-copy shallow" => client.try_copy("vda", &target, speed, keep | copy::SHALLOW),
        "block-commit-active" => client.try_commit("vda", None, None, speed, keep | commit::ACTIVE | commit::SHALLOW),
        "block-commit" => client.try_commit("vda", Some("vda[2]"), Some("vda[3]"), speed, keep),
        _ => {
            let disk = format!("<disk name='vda' type='file'><target file='{}'/></disk>", target.display());
            client.domain.backup_begin(&format!("<domainbackup><disks>{disk}</disks></domainbackup>"), None, keep)
        }
    }
}

/// The description of a job without what changes.
fn config_of(client: &Client, name: &str) -> String {
    let xml = client.domain.job_xml(name, false).unwrap_or_default();
    let at = |text: &str| xml.find(text);
    let kind = xml.split('\'').nth(1).unwrap_or_default();
    let config = at("<config>").zip(at("</config>")).map_or("", |(from, to)| &xml[from..to]);
    format!("{kind} {config}").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs a client that starts jobs of this kind above all, and kills it this long after it has come to work.
fn kill_one(dir: &Path, kind: &str, seed: usize, after: Duration) {
    let seed = seed.to_string();
    let variables = [(WORK, dir.as_os_str()), (SCHEDULE, seed.as_ref()), (KIND, kind.as_ref())];
    kill_after(another_client("work_until_killed", &variables), after);
}

/// Which kind of job the client was at that wrote last, if it was at one.
fn cut_off(dir: &Path) -> Option<usize> {
    let text = std::fs::read_to_string(dir.join("journal")).unwrap_or_default();
    let [what, name, _] = text.lines().last()?.splitn(3, '\t').collect::<Vec<_>>().try_into().ok()?;
    if what == "ended" {
        return None;
    }
    let started = |line: &&str| line.starts_with(&format!("started\t{name}\t"));
    let config = text.lines().find(started)?;
    let kind = config.splitn(3, '\t').nth(2)?.split(' ').next()?;
    let kind = if config.contains("<option>shallow</option>") { format!("{kind} shallow") } else { kind.to_owned() };
    KINDS.iter().position(|known| *known == kind).or_else(|| KINDS.iter().position(|known| kind.starts_with(known)))
}

/// What a killed client had done with a job.
#[derive(Default, Debug)]
struct Deeds {
    config: String,
    ready: bool,
    asked: Option<String>,
    ended: Option<String>,
}

fn read_journal(dir: &Path) -> HashMap<String, Deeds> {
    let text = std::fs::read_to_string(dir.join("journal")).unwrap_or_default();
    let mut deeds: HashMap<String, Deeds> = HashMap::new();
    for line in text.lines() {
        let [what, name, detail] = line.splitn(3, '\t').collect::<Vec<_>>().try_into().unwrap();
        let job = deeds.entry(name.to_owned()).or_default();
        match what {
            "started" => job.config = detail.to_owned(),
            "ready" => job.ready = true,
            "asked" => job.asked = Some(detail.to_owned()),
            "ended" => job.ended = Some(detail.to_owned()),
            _ => {}
        }
    }
    deeds
}

/// Brings what still runs to its end, and says how each job ended.
fn finish(client: &Client, chance: &mut Campaign) -> HashMap<String, (JobState, bool)> {
    let mut ends = HashMap::new();
    for (name, _, _) in client.jobs() {
        let state = client.wait(&name, &[JobState::Ready, JobState::Paused]);
        let mut was_ready = false;
        // The killed client may have paused it.
        if state == JobState::Paused {
            let _ = client.domain.control_job(&name, ControlOp::Resume);
        }
        if !state.is_final() {
            was_ready = client.wait(&name, &[JobState::Ready]) == JobState::Ready;
            let op = if chance.below(2) == 0 { ControlOp::Abort } else { ControlOp::Finalize };
            // What the killed client asked for may be on its way.
            let _ = client.domain.control_job(&name, if was_ready { op } else { ControlOp::None });
            // It may have asked for a pause, which takes effect only now.
            while client.wait(&name, &[JobState::Paused]) == JobState::Paused {
                let _ = client.domain.control_job(&name, ControlOp::Resume);
                client.wait(&name, &[JobState::Ready]);
                let _ = client.domain.control_job(&name, op);
            }
        }
        let end = client.end(&name);
        // An image that was created for another job is not kept.
        if !name.starts_with("block-create") {
            ends.insert(name.clone(), (end, was_ready));
        }
        let told = client.states(&name);
        let finals = told.iter().filter(|state| ["failed", "completed", "aborted"].contains(&state.as_str())).count();
        assert!(finals <= 1, "{name}: {told:?}");
    }
    ends
}

/// Nothing that was promised is missing, and what is said of a job's end is true.
fn compare(deeds: &HashMap<String, Deeds>, ends: &HashMap<String, (JobState, bool)>, client: &Client, round: &str) {
    for (name, job) in deeds {
        let Some((state, _)) = ends.get(name) else { panic!("{round}: {name} is lost: {job:?}; {ends:?}") };
        assert_eq!(config_of(client, name), job.config, "{round}: {name}");
        if let Some(ended) = &job.ended {
            assert_eq!(state.to_string(), *ended, "{round}: {name}: {job:?}");
        }
        let why = client.domain.job_xml(name, true).unwrap();
        assert_ne!(*state, JobState::Failed, "{round}: {name}: {job:?} {why}");
        if *state == JobState::Aborted && job.asked.is_none() {
            assert!(job.config.starts_with("block-co"), "{round}: {name}: nobody aborted it: {job:?}");
        }
    }
}

/// The images that a QEMU has open.
fn open_images(pid: i32) -> usize {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    links.filter_map(|link| std::fs::read_link(link.path()).ok()).filter(|path| path.extension() == Some("qcow2".as_ref())).count()
}

/// Dismisses all, and looks at what is left in QEMU.
fn leave_nothing(vm: &Vm, round: &str) {
    for (name, _, _) in vm.client.jobs() {
        vm.client.domain.control_job(&name, ControlOp::Dismiss).unwrap();
    }
    let mut second = vm.second();
    wait_until(&format!("{round}: QEMU has no job any more"), || second.run("query-jobs", json!({})) == json!([]));
    let xml = vm.xml();
    assert!(!xml.contains("<mirror"), "{round}: {xml}");
    let images = xml.lines().filter(|line| line.contains(" index='") && !line.contains("<controller")).count();
    let nodes = format!("{:?} {:?} {xml}", second.nodes(), vm.client.told());
    wait_until(&format!("{round}: nothing but the chain is open: {nodes}"), || second.nodes().len() == 2 * images);
    assert_eq!(open_images(vm.pid()), images, "{round}: {nodes}");
}

/// The targets of jobs that are to hold what the disk held.
fn targets(ends: &HashMap<String, (JobState, bool)>, deeds: &HashMap<String, Deeds>) -> Vec<String> {
    let target = |config: &str| Some(config.split("<target").nth(1)?.split('>').nth(1)?.split('<').next()?.to_owned());
    let whole = |(name, job): (&String, &Deeds)| {
        let (state, was_ready) = ends[name];
        let copied = job.config.starts_with("block-copy") && (job.ready || was_ready) && state.is_final();
        let backed_up = job.config.starts_with("block-backup") && state == JobState::Completed;
        target(&job.config).filter(|_| copied || backed_up)
    };
    deeds.iter().filter_map(whole).collect()
}

/// What has been seen: jobs by kind and end, and how many of each kind were cut off.
#[derive(Default, Debug)]
struct Seen {
    ends: BTreeMap<String, usize>,
    cut_off: [usize; KINDS.len()],
}

impl Seen {
    /// The kind that was cut off least often.
    fn rarest(&self) -> usize {
        (0..KINDS.len()).min_by_key(|at| self.cut_off[*at]).unwrap_or(0)
    }
}

/// The images that each round begins with, and what they hold together.
struct Template {
    dir: tempfile::TempDir,
    chain: Vec<PathBuf>,
}

impl Template {
    fn new() -> Template {
        let dir = tempfile::tempdir().unwrap();
        let chain = make_chain(dir.path(), &["a", "b", "c", "d"], 8);
        let original = dir.path().join("original.raw");
        run("qemu-img", &["convert", "-O", "raw", chain[3].to_str().unwrap(), original.to_str().unwrap()]);
        // They are used elsewhere, beside each other.
        for pair in chain.windows(2) {
            let below = pair[0].file_name().unwrap().to_str().unwrap();
            run("qemu-img", &["rebase", "-u", "-F", "qcow2", "-b", below, pair[1].to_str().unwrap()]);
        }
        Template { dir, chain }
    }

    fn copy_to(&self, dir: &Path) -> Vec<PathBuf> {
        let copy = |from: &PathBuf| {
            let to = dir.join(from.file_name().unwrap());
            std::fs::copy(from, &to).unwrap();
            to
        };
        self.chain.iter().map(copy).collect()
    }

    fn original(&self) -> PathBuf {
        self.dir.path().join("original.raw")
    }
}

fn one_round(template: &Template, chance: &mut Campaign, round: usize, seen: &mut Seen) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let chain = template.copy_to(dir.path());
    let Some(vm) = Vm::start_on(dir, chain, PAUSED) else { return false };
    let Vm { client, chain, reaper, dir } = vm;
    drop(client);
    // Sometimes the second client does not come to finish its work either.
    for _ in 0..1 + chance.below(3) {
        kill_one(dir.path(), KINDS[seen.rarest()], chance.below(1 << 30), chance.moment(LONGEST));
        cut_off(dir.path()).into_iter().for_each(|kind| seen.cut_off[kind] += 1);
    }
    let client = Client::open(&dir.path().join("vms"));
    let vm = Vm { client, chain, reaper, dir };
    let round = format!("round {round}");
    let deeds = read_journal(vm.dir.path());
    let ends = finish(&vm.client, chance);
    compare(&deeds, &ends, &vm.client, &round);
    let told = vm.client.told();
    // Once more, with everything ended.
    let vm = vm.reopen();
    let again: HashMap<String, JobState> = vm.client.jobs().into_iter().map(|(name, _, state)| (name, state)).collect();
    assert_eq!(again.len(), ends.len(), "{round}: {again:?} {ends:?}");
    ends.iter().for_each(|(name, (state, _))| assert_eq!(again.get(name), Some(state), "{round}: {name}"));
    deeds.iter().for_each(|(name, job)| assert_eq!(config_of(&vm.client, name), job.config, "{round}: {name}"));
    leave_nothing(&vm, &format!("{round}: {deeds:?} {ends:?} {told:?}"));
    let xml = vm.xml();
    let top = xml.split("file='").nth(1).and_then(|rest| rest.split('\'').next()).unwrap().to_owned();
    vm.client.domain.destroy(0).unwrap();
    for image in targets(&ends, &deeds).into_iter().chain([top]) {
        assert_same(Path::new(&image), &template.original());
    }
    assert_eq!(vm.files(), [""; 0], "{round}");
    for (name, (state, _)) in ends {
        let kind = name.rsplit_once("-vda").map_or(name.as_str(), |(kind, _)| kind);
        *seen.ends.entry(format!("{kind} {state}")).or_default() += 1;
    }
    true
}

#[test]
fn a_campaign_of_killed_clients_loses_nothing() {
    let (template, mut chance) = (Template::new(), Campaign::new());
    let mut seen = Seen::default();
    // A long run goes on until each kind of job was cut off so many times.
    let moments = Campaign::moments(8);
    let is_enough = |round: usize, seen: &Seen| match Campaign::is_long() {
        true => seen.cut_off[seen.rarest()] >= moments || round == 20 * moments,
        false => round == moments,
    };
    for round in 0.. {
        if is_enough(round, &seen) || !one_round(&template, &mut chance, round, &mut seen) {
            break;
        }
    }
    if Campaign::is_long() {
        eprintln!("{KINDS:?} {seen:?}");
    }
}
