//! The text of a record, and what is believed of it.

use std::io;

use serde::{Deserialize, Serialize};

use crate::job::{is_own_name, JobRecord};
use crate::model::{JobType, Uuid};

/// The format of the files; a reader passes over members that it does not know.
const VERSION: u32 = 1;
/// The longest id of a job, as in what monitors say.
const MAX_ID: usize = 1024;
/// Images are numbered from 1.
const MAX_INDEX: u32 = 1 << 30;

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    job: &'a JobRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    version: u32,
}

#[derive(Deserialize)]
struct Read {
    version: u32,
    job: JobRecord,
    #[serde(default)]
    domain: Option<String>,
}

/// The text of a record. `domain`: whose job it is.
pub(in crate::driver::qemu) fn encode(record: &JobRecord, domain: Option<Uuid>) -> io::Result<String> {
    let written = Written { version: VERSION, job: record, domain: domain.map(|uuid| uuid.to_string()) };
    Ok(serde_json::to_string_pretty(&written)? + "\n")
}

/// Reads the record of the job `name`, and whose job it is if it says so.
///
/// # Errors
/// What is wrong with it, for people.
pub(in crate::driver::qemu) fn decode(name: &str, text: &str) -> Result<(JobRecord, Option<Uuid>), String> {
    let Read { job, domain, .. } = match serde_json::from_str::<Read>(text) {
        Ok(read) if read.version == VERSION => read,
        outcome => return Err(refusal(text, outcome.err())),
    };
    let domain = match domain {
        None => None,
        Some(text) => Some(Uuid::parse(&text).ok_or("it does not say whose job it is")?),
    };
    if job.name != name {
        return Err("it is the record of another job".to_owned());
    }
    if !is_own_name(&job.name) {
        return Err("its job has a name that is never given".to_owned());
    }
    if job.id.is_empty() || job.id.len() > MAX_ID || job.id.chars().any(char::is_control) {
        return Err("its job has no id of the hypervisor's".to_owned());
    }
    if JobType::from_name(&job.kind).is_none_or(|kind| kind == JobType::None) {
        return Err("its job is of no type that is known here".to_owned());
    }
    if job.config.targets.iter().any(|target| target.index > MAX_INDEX) {
        return Err("one of its images has a number that is never given".to_owned());
    }
    Ok((job, domain))
}

/// Why a text is no record of this version: `error` says what is wrong with it if it is one.
fn refusal(text: &str, error: Option<serde_json::Error>) -> String {
    match (serde_json::from_str::<Header>(text), error) {
        (Ok(header), _) if header.version != VERSION => format!("format {} is not known here", header.version),
        (Err(error), _) | (Ok(_), Some(error)) => error.to_string(),
        (Ok(_), None) => "it contradicts itself".to_owned(),
    }
}
