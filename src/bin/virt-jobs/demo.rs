//! `virt-jobs demo`: a copy and a pull on the built-in hypervisor, listed, watched, paused, resumed and finalized.

use std::time::Duration;

use virt_jobs::capi;
use virt_jobs::model::flags::{pull, rebase, JOB_START_PERSIST};

use virt_jobs::model::JobState;

use crate::client::{Client, Domain, Operation};
use crate::output::say;
use crate::{output, watch, Failure, Format};

/// Slow enough to be watched.
const SPEED: u64 = 4 << 20;
/// No step of the demonstration takes this long.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(60));

/// Runs the demonstration on `uri`, or on the built-in hypervisor.
pub fn run(uri: Option<&str>) -> Result<(), Failure> {
    let client = Client::open(Some(uri.unwrap_or("test+jobs:///default")))?;
    let domain = client.domain("test")?;
    step("Two jobs are started by the functions that libvirt has always had. Each now has a name:")?;
    let copy = start_copy(&domain)?;
    let pull = start_pull(&domain)?;
    say(&copy)?;
    say(&pull)?;
    step("They are listed with their states, whatever started them:")?;
    output::list(&domain.jobs()?, Format::Table, false)?;
    step(&format!("'{copy}' is paused, and resumed:"))?;
    domain.control(&copy, Operation::Pause)?;
    reach(&domain, &copy, JobState::Paused)?;
    domain.control(&copy, Operation::Resume)?;
    reach(&domain, &copy, JobState::Running)?;
    step(&format!("'{pull}' is watched until it has ended:"))?;
    watch::run(&client, &domain, Some(&pull), false)?;
    step(&format!("'{copy}' gets ready; when it is finalized, the copy becomes the disk:"))?;
    domain.set_speed(&copy, 0)?;
    reach(&domain, &copy, JobState::Ready)?;
    domain.control(&copy, Operation::Finalize)?;
    reach(&domain, &copy, JobState::Completed)?;
    step("It was started with PERSIST, so its end can still be looked up:")?;
    say(domain.xml(&copy)?.trim_end())?;
    step("Dismissed, it leaves the list:")?;
    domain.control(&copy, Operation::Dismiss)?;
    output::list(&domain.jobs()?, Format::Table, false)?;
    Ok(())
}

fn step(text: &str) -> Result<(), Failure> {
    say(&format!("\n== {text}"))
}

fn start_copy(domain: &Domain) -> Result<String, Failure> {
    let flags = rebase::COPY | rebase::BANDWIDTH_BYTES | JOB_START_PERSIST;
    // SAFETY: the texts outlive the call.
    domain.start(|dom| unsafe { capi::virDomainBlockRebase(dom, c"vda".as_ptr(), c"/var/lib/images/copy.qcow2".as_ptr(), SPEED, flags) })
}

fn start_pull(domain: &Domain) -> Result<String, Failure> {
    // SAFETY: the text outlives the call.
    domain.start(|dom| unsafe { capi::virDomainBlockPull(dom, c"vdb".as_ptr(), SPEED * 4, pull::BANDWIDTH_BYTES) })
}

/// Waits for a state and says so.
fn reach(domain: &Domain, job: &str, wanted: JobState) -> Result<(), Failure> {
    match domain.wait(job, &[wanted], PATIENCE)? {
        Some(state) if state == wanted => say(&format!("{job} is {wanted}")),
        Some(state) => Err(Failure::Message(format!("job '{job}' became {state} instead of {wanted}"))),
        None => Err(Failure::Message(format!("job '{job}' did not become {wanted} in time"))),
    }
}
