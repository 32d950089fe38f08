//! The test hypervisor on the machine's own clock, as a program meets it.

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use virt_jobs::driver::request::{BlockPull, ListFilter, Restore, Save};
use virt_jobs::driver::uri::Target;
use virt_jobs::driver::{test, Connection, Domain, Key};
use virt_jobs::event::{Handler, Subscriptions};
use virt_jobs::model::event::{id, Event, Payload};
use virt_jobs::model::{code, flags, ControlOp, JobState};

/// The default world is one for the whole process, and these tests want it to themselves.
static WORLD: Mutex<()> = Mutex::new(());

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Record(Mutex<Vec<(String, JobState)>>);

impl Handler for Record {
    fn handle(&self, _callback_id: i32, event: &Event) {
        if let Payload::JobState { name, state, .. } = &event.payload {
            self.0.lock().push((name.clone(), *state));
        }
    }
}

struct Client {
    connection: Arc<dyn Connection>,
    events: Arc<Subscriptions>,
    record: Arc<Record>,
}

impl Client {
    fn open() -> Client {
        let events = Arc::new(Subscriptions::new());
        let record = Arc::new(Record::default());
        events.register(id::JOB_STATE, None, record.clone()).unwrap();
        Client { connection: test::open(&Target::TestDefault, events.clone()).unwrap(), events, record }
    }

    fn domain(&self) -> Arc<dyn Domain> {
        self.connection.domain(&self.connection.lookup(Key::Name("test")).unwrap()).unwrap()
    }

    fn heard(&self) -> Vec<(String, JobState)> {
        self.events.flush();
        self.record.0.lock().clone()
    }
}

fn pull(bandwidth: u64) -> BlockPull<'static> {
    BlockPull { disk: "vda", base: None, bandwidth, flags: 0 }
}

/// The clock's thread, if it is there.
fn clock_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim_end() == "virt-jobs-clock").count()
}

fn eventually(done: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

#[test]
fn all_connections_see_one_default_world_that_ends_with_the_last() {
    let _alone = WORLD.lock();
    let (first, second) = (Client::open(), Client::open());
    let name = first.domain().block_pull(&pull(0)).unwrap();
    assert_eq!(second.domain().wait_job(&name, 0, Some(PATIENCE)), Ok(Some(JobState::Completed)));
    let expected = [(name.clone(), JobState::Running), (name, JobState::Completed)];
    assert_eq!((first.heard(), second.heard()), (expected.to_vec(), expected.to_vec()));
    first.domain().destroy(0).unwrap();
    assert!(!second.domain().is_active());
    drop((first, second));
    assert!(Client::open().domain().is_active(), "the next world is as new");
}

/// What stands in the place of a file, and would be read without end or waited for.
fn no_files(dir: &Path) -> Vec<PathBuf> {
    let pipe = dir.join("pipe.xml");
    let name = CString::new(pipe.to_str().unwrap()).unwrap();
    // SAFETY: the name is a C string.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    vec![pipe, "/dev/zero".into(), "/dev/null".into(), dir.to_owned()]
}

#[test]
fn a_fixture_or_an_image_that_is_no_file_is_refused_at_once() {
    let _alone = WORLD.lock();
    let dir = tempfile::tempdir().unwrap();
    let client = Client::open();
    let paths = no_files(dir.path());
    let (told, answers) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for path in paths {
            let file = path.to_str().unwrap();
            let fixture = test::open(&Target::TestFixture(path.clone()), Arc::new(Subscriptions::new()));
            let restored = client.connection.restore(&Restore { file, xml: None, flags: 0 }).map(drop);
            told.send([fixture.map(drop), restored].map(|result| result.map_err(|e| (e.code, e.message())))).unwrap();
        }
    });
    for _ in 0..4 {
        let [fixture, restored] = answers.recv_timeout(PATIENCE).expect("an answer");
        assert!(fixture.is_err() && restored.is_err(), "{fixture:?} {restored:?}");
    }
}

#[test]
fn a_pull_takes_a_quarter_of_a_second_and_its_bandwidth_is_honoured() {
    let _alone = WORLD.lock();
    let client = Client::open();
    let domain = client.domain();
    let started = Instant::now();
    let name = domain.block_pull(&pull(0)).unwrap();
    domain.wait_job(&name, 0, Some(PATIENCE)).unwrap();
    assert!(started.elapsed() >= Duration::from_millis(249), "it took {:?}", started.elapsed());
    let name = domain.block_pull(&pull(1)).unwrap();
    assert_eq!(domain.wait_job(&name, 0, Some(Duration::from_millis(300))), Ok(None));
    domain.set_job_speed(&name, 0).unwrap();
    assert_eq!(domain.wait_job(&name, 0, Some(PATIENCE)), Ok(Some(JobState::Completed)));
}

#[test]
fn the_clock_runs_only_while_a_job_does() {
    let _alone = WORLD.lock();
    let client = Client::open();
    assert!(eventually(|| clock_threads() == 0));
    let name = client.domain().block_pull(&pull(0)).unwrap();
    assert!(eventually(|| clock_threads() == 1));
    client.domain().wait_job(&name, 0, Some(PATIENCE)).unwrap();
    assert!(eventually(|| clock_threads() == 0));
}

#[test]
fn a_call_that_blocks_is_ended_by_another_thread() {
    let _alone = WORLD.lock();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("save");
    let client = Client::open();
    let domain = client.domain();
    std::thread::scope(|scope| {
        let file = path.to_str().unwrap();
        let saving = scope.spawn(|| client.domain().save(&Save { file, xml: None, flags: 0 }));
        assert!(eventually(|| domain.control_job("save-1", ControlOp::Abort).is_ok()));
        assert_eq!(saving.join().unwrap().map_err(|error| error.code), Err(code::OPERATION_ABORTED));
    });
    assert!(domain.is_active());
}

/// What one of several threads does, and how many of its calls succeeded.
fn meddle(seed: u64, until: Instant) -> usize {
    let client = Client::open();
    let mut word = seed;
    let mut successes = 0;
    while Instant::now() < until {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let Ok(domain) = client.connection.lookup(Key::Name("test")).and_then(|domain| client.connection.domain(&domain)) else { continue };
        let mut names = Vec::new();
        domain.list_jobs(ListFilter(flags::list::STATS), &mut |job| names.push(job.name().to_owned())).unwrap();
        let name = names.get(word as usize % names.len().max(1)).map_or("none", String::as_str);
        let ops = [ControlOp::Abort, ControlOp::Pause, ControlOp::Resume, ControlOp::Finalize, ControlOp::Dismiss];
        let done = match word >> 60 {
            0 => domain.destroy(0).is_ok(),
            1..=3 => domain.start(0).is_ok(),
            4..=6 => domain.block_pull(&BlockPull { flags: flags::JOB_START_PARALLEL, ..pull(0) }).is_ok(),
            7 => domain.backup_begin("<domainbackup/>", None, flags::JOB_START_PARALLEL | flags::JOB_START_PERSIST).is_ok(),
            8 => domain.snapshot_create("<domainsnapshot/>", 16 | 4).is_ok(),
            9 => domain.job_xml(name, true).is_ok(),
            10 => domain.wait_job(name, 0, Some(Duration::from_millis(1))).is_ok(),
            _ => domain.control_job(name, ops[(word >> 20) as usize % ops.len()]).is_ok(),
        };
        successes += usize::from(done);
    }
    client.domain().destroy(0).ok();
    let mut last = std::collections::HashMap::new();
    for (name, state) in client.heard() {
        let before: Option<JobState> = last.insert(name.clone(), state);
        assert!(before.is_none_or(|before| before != state && !before.is_final()), "{name} was {before:?}, then {state}");
    }
    successes
}

#[test]
fn threads_that_work_on_one_domain_at_once_get_along() {
    let _alone = WORLD.lock();
    let until = Instant::now() + Duration::from_millis(700);
    let successes: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=4).map(|seed| scope.spawn(move || meddle(seed, until))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(successes > 50, "only {successes} calls succeeded");
}

#[test]
fn each_connection_to_a_fixture_has_a_world_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.xml");
    let open = |path: &Path| test::open(&Target::TestFixture(path.to_owned()), Arc::new(Subscriptions::new()));
    assert_eq!(open(&path).map(drop).map_err(|error| error.code), Err(code::SYSTEM_ERROR));
    assert_eq!(open(folder.path()).map(drop).map_err(|error| error.code), Err(code::SYSTEM_ERROR));
    std::fs::write(&path, "<node><domain/></node>").unwrap();
    let error = open(&path).map(drop).unwrap_err();
    assert!(error.detail.contains("world.xml"), "{error}");
    std::fs::write(&path, "<node><domain type='test'><name>a</name><memory>1024</memory><os><type>hvm</type></os></domain></node>")
        .unwrap();
    let (first, second) = (open(&path).unwrap(), open(&path).unwrap());
    let domain = |connection: &Arc<dyn Connection>| connection.domain(&connection.lookup(Key::Name("a")).unwrap()).unwrap();
    domain(&first).destroy(0).unwrap();
    assert!(domain(&second).is_active());
    assert_eq!(first.uri(), format!("test://{}", path.display()));
}
