//! Jobs of the domain's own that are started through this library: saves, dumps, migrations, snapshots. They are over when
//! the call returns that starts them.
//!
//! How such a job ended is what the call says, whatever is heard or asked meanwhile. That it has begun is found out by a
//! thread that looks until it has, or the call is over; a call that is refused before that was no job.

use std::sync::mpsc::{channel, Receiver};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::calls::{forget_error, RealConnect, RealDomain};
use super::domain::{Chief, DomainJobs, Ties};
use super::hub::Hub;
use super::reading;
use super::start::{want_names, Start};
use crate::driver::clock::now;
use crate::driver::condvar::Condvar;
use crate::driver::threads::with_signals_blocked;
use crate::job::{HypStatus, JobConfig, Observation, Outcome, StartRequest};
use crate::model::{code, DomainRef, Error, JobType, Result, Uuid};
use crate::xml::reader::parse;

/// How often is looked whether a job has begun, at first and later.
const LOOK: Duration = Duration::from_millis(10);
const LOOK_AT_MOST: Duration = Duration::from_millis(250);
/// How long libvirt may take to answer what was asked while the call lasted.
const GIVEN_BACK: Duration = Duration::from_secs(30);
/// After what time a call has not been refused at once.
const NOT_REFUSED: Duration = Duration::from_millis(100);
/// How long an event may be late.
const LATE: Duration = Duration::from_secs(60);

/// Who sees to a job while the call lasts that it is over with.
pub(super) struct Attendants {
    call: Arc<Call>,
    /// Closed when the last of them has given back its handle.
    gone: Receiver<()>,
}

/// A call that is under way.
#[derive(Default)]
struct Call {
    over: Mutex<bool>,
    told: Condvar,
}

impl Call {
    /// Waits; says whether it still lasts then.
    fn lasts(&self, pause: Duration) -> bool {
        let mut over = self.over.lock();
        if !*over {
            self.told.wait_for(&mut over, pause);
        }
        !*over
    }
}

impl Attendants {
    /// One looks whether the job has begun. Where there can be no more threads, the job is told of when it is over.
    ///
    /// Clients of libvirt before 10.0 now and then leave a call unsent, while another thread waits for the answer to a
    /// longer one, until a third comes. So that nobody waits for a save to end before it can be aborted, there is one call
    /// or another all the time; and two who make them, since either may be the one that waits.
    fn new(jobs: &Arc<DomainJobs>, domain: &RealDomain, name: &str, kind: JobType) -> Attendants {
        let (alive, gone) = channel::<()>();
        let call = Arc::<Call>::default();
        let look = {
            let (jobs, domain, name, call, alive) = (jobs.clone(), domain.clone(), name.to_owned(), call.clone(), alive.clone());
            move || {
                jobs.look_until_begun(&domain, &name, kind, &call);
                stir_until_over(&domain, &call);
                drop((domain, alive));
            }
        };
        let stir = {
            let (domain, call) = (domain.clone(), call.clone());
            move || {
                stir_until_over(&domain, &call);
                drop((domain, alive));
            }
        };
        let helper = || thread::Builder::new().name("virt-jobs-look".to_owned());
        let _ = with_signals_blocked(|| helper().spawn(look).and_then(|_| helper().spawn(stir)));
        Attendants { call, gone }
    }

    /// Their handles are given back when this returns, unless libvirt has stopped answering.
    fn dismiss(self) {
        *self.call.over.lock() = true;
        self.call.told.notify_all();
        let _ = self.gone.recv_timeout(GIVEN_BACK);
    }
}

fn stir_until_over(domain: &RealDomain, call: &Call) {
    while call.lasts(LOOK_AT_MOST) {
        if domain.connect().and_then(|connect| connect.version()).is_err() {
            return;
        }
    }
}

/// The job that an event is about.
pub(super) enum About {
    /// One whose call is under way, which says how it ends.
    Call(String),
    /// One whose end is known.
    Past,
    Other,
}

/// Whether a domain runs, found out without an error if it does not.
fn runs(domain: &RealDomain) -> Result<bool> {
    let uuid = domain.identity()?.uuid;
    Ok(domain.connect()?.active_domains()?.iter().any(|other| other.identity().is_ok_and(|identity| identity.uuid == uuid)))
}

impl DomainJobs {
    fn look_until_begun(&self, domain: &RealDomain, name: &str, kind: JobType, call: &Call) {
        let (mut pause, called) = (LOOK, Instant::now());
        while call.lasts(pause) {
            if self.has_begun(domain, kind, called.elapsed()) {
                self.change(|engine, out| engine.started(name, now(), out));
                return;
            }
            pause = (pause * 2).min(LOOK_AT_MOST);
        }
    }

    fn has_begun(&self, domain: &RealDomain, kind: JobType, after: Duration) -> bool {
        let begun = match kind {
            JobType::Restore => runs(domain),
            // libvirt answers no question about the domain until it has done these.
            JobType::SnapshotRevert | JobType::SnapshotDelete => Ok(after >= NOT_REFUSED),
            _ => runs(domain).and_then(|runs| {
                let own = if runs { reading::own_job(domain)? } else { None };
                Ok(own.is_some_and(|(found, _)| found == kind))
            }),
        };
        if begun.is_err() {
            forget_error();
        }
        begun.unwrap_or(false)
    }
}

impl Start {
    /// A job of a domain's own; none on a driver that has none: libvirt would keep its refusal to tell of them as the
    /// connection's last error.
    ///
    /// # Errors
    /// What libvirt says of the handle.
    pub fn of_domain(domain: &RealDomain, kind: JobType, config: JobConfig, flags: u32) -> Result<Option<Start>> {
        want_names();
        if !domain.access()?.domain_jobs {
            return Ok(None);
        }
        let identity = domain.identity()?;
        let jobs = Hub::of(&domain.connect()?)?.domain(&identity);
        // What somebody else has the domain do is not to be taken for what begins now.
        if runs(domain)? && (!jobs.is_idle() || reading::own_job(domain)?.is_some()) {
            jobs.refresh(domain, false)?;
        }
        Ok(Start::attended(jobs, identity, domain, StartRequest::new(kind, config).with_flags(flags)))
    }

    /// A restore of the domain that a file has, which `document` describes if the caller has given one.
    ///
    /// # Errors
    /// What libvirt says of the connection.
    pub fn of_restore(connect: &RealConnect, file: &str, document: Option<String>, flags: u32) -> Result<Option<Start>> {
        want_names();
        if !connect.access().domain_jobs {
            return Ok(None);
        }
        let document = match document {
            Some(document) => document,
            None => connect.save_image_xml(file)?,
        };
        let Some(identity) = described(&document) else { return Ok(None) };
        let domain = connect.domain(&identity)?;
        if runs(&domain)? {
            return Ok(None);
        }
        let jobs = Hub::of(connect)?.domain(&identity);
        let config = JobConfig { file: Some(file.to_owned()), ..JobConfig::default() };
        Ok(Start::attended(jobs, identity, &domain, StartRequest::new(JobType::Restore, config).with_flags(flags)))
    }

    fn attended(jobs: Arc<DomainJobs>, identity: DomainRef, domain: &RealDomain, request: StartRequest) -> Option<Start> {
        let kind = request.kind;
        jobs.begins_anew();
        let request = StartRequest { parallel: true, listed: false, ..request };
        let name = jobs.change(|engine, out| engine.reserve(request, now(), out)).0.ok()?.name;
        if !jobs.ties.lock().call_begins(&name, kind) {
            jobs.change(|engine, out| engine.start_failed(&name, "another job is active", now(), out));
            return None;
        }
        let attendants = Attendants::new(&jobs, domain, &name, kind);
        Some(Start { jobs, domain: identity, name, whole: Some(Whole { kind, attendants }) })
    }
}

/// The domain that a document describes.
fn described(document: &str) -> Option<DomainRef> {
    let document = parse(document).ok()?;
    let uuid = Uuid::parse(document.child_text("uuid")?)?;
    Some(DomainRef { name: document.child_text("name")?.to_owned(), uuid, id: -1 })
}

/// What is over when its call returns.
pub(super) struct Whole {
    kind: JobType,
    attendants: Attendants,
}

impl Whole {
    /// The call has returned; says whether there was a job.
    pub fn over(self, jobs: &DomainJobs, name: &str, failure: Option<&Error>) -> bool {
        self.attendants.dismiss();
        let aborted = jobs.ties.lock().aborted.contains(name);
        let outcome = match failure {
            None => Outcome::Completed,
            Some(error) if aborted || error.code == code::OPERATION_ABORTED => Outcome::Aborted,
            Some(error) => Outcome::Failed(error.to_string()),
        };
        let ran = jobs.is_running(name) || !matches!(outcome, Outcome::Failed(_));
        let late = if ran { jobs.late_events(name, self.kind, &outcome) } else { Vec::new() };
        if ran {
            jobs.change(|engine, out| engine.started(name, now(), out));
            jobs.conclude(name, self.kind, outcome);
        } else {
            jobs.change(|engine, out| engine.start_failed(name, "libvirt refused to start the job", now(), out));
        }
        // Until here whatever is heard is left to the call.
        let gone = jobs.ties.lock().call_ends(name, late);
        if let Some(reason) = gone {
            jobs.change(|engine, out| engine.observe(Observation::Gone { reason }, now(), out));
        }
        ran
    }
}

impl DomainJobs {
    /// Ends a job that is certain to be there.
    fn conclude(&self, name: &str, kind: JobType, outcome: Outcome) {
        let id = name.to_owned();
        self.change(|engine, out| {
            engine.observe(Observation::Outcome { id: id.clone(), kind: Some(kind), outcome }, now(), out);
            engine.observe(Observation::Status { id, status: HypStatus::Null }, now(), out);
        });
    }

    /// The events that are told of such an end. QEMU alone tells of that of a dump of memory alone.
    fn late_events(&self, name: &str, kind: JobType, outcome: &Outcome) -> Vec<&'static str> {
        let memory_only = self.table.read(|engine| engine.get(name).is_some_and(|job| job.config().has_option("memory-only")));
        let (fed, completed) = (self.is_fed(), *outcome == Outcome::Completed);
        let mut events = Vec::new();
        events.extend((fed == Some(true) && kind == JobType::Dump && memory_only).then_some(DUMP_COMPLETED));
        events.extend((fed.is_some() && !memory_only && completed).then_some(JOB_COMPLETED));
        events
    }

    /// A job that is no call of this program's ends before its last event has come, which is not to be taken for another's.
    pub fn expect_last_event(&self, name: &str, kind: JobType, outcome: &Outcome) {
        let late = self.late_events(name, kind, outcome);
        let mut ties = self.ties.lock();
        let heard = ties.chief.as_ref().is_some_and(|chief| chief.name == name && chief.said_all);
        let late = late.into_iter().filter(|event| !(heard && *event == DUMP_COMPLETED));
        ties.expected.extend(late.map(|event| (event, kind, Instant::now())));
    }
}

/// What tells of the end of a domain's own job: libvirt's event, and QEMU's about a dump of memory alone.
pub(super) const JOB_COMPLETED: &str = "JOB_COMPLETED";
pub(super) const DUMP_COMPLETED: &str = "DUMP_COMPLETED";

impl Ties {
    /// A call of this program's begins that is the domain's own job; not if there is one.
    fn call_begins(&mut self, name: &str, kind: JobType) -> bool {
        let free = self.chief.is_none();
        if free {
            self.chief = Some(Chief { calling: true, ..Chief::new(name, kind) });
        }
        free
    }

    /// It has returned: what was to be told of its job and has not been is expected from now on. Returns why the domain has
    /// ended meanwhile, if it has.
    fn call_ends(&mut self, name: &str, late: Vec<&'static str>) -> Option<String> {
        let chief = self.chief.take_if(|chief| chief.name == name)?;
        let late = late.into_iter().filter(|event| !chief.told.contains(event));
        self.expected.extend(late.map(|event| (event, chief.kind, Instant::now())));
        self.note_end(chief.kind);
        chief.gone
    }

    /// The domain has ended: whether that is for a call to see to that is under way.
    pub fn leave_to_call(&mut self, reason: &str) -> bool {
        let Some(chief) = self.chief.as_mut().filter(|chief| chief.calling) else { return false };
        chief.gone = Some(reason.to_owned());
        true
    }

    /// Whether the domain is being brought back by a call: libvirt answers no questions about it then.
    pub fn is_coming_back(&self) -> bool {
        let back = |kind| matches!(kind, JobType::Restore | JobType::SnapshotRevert);
        self.chief.as_ref().is_some_and(|chief| chief.calling && back(chief.kind))
    }

    /// What an event about the domain's own job is about.
    pub fn event_is_about(&mut self, event: &'static str, kind: JobType) -> About {
        if let Some(chief) = self.chief.as_mut().filter(|chief| chief.calling && chief.kind == kind) {
            chief.told.push(event);
            return About::Call(chief.name.clone());
        }
        self.expected.retain(|(_, _, since)| since.elapsed() < LATE);
        match self.expected.iter().position(|(of, about, _)| *of == event && *about == kind) {
            Some(at) => {
                self.expected.remove(at);
                About::Past
            }
            None => About::Other,
        }
    }
}
