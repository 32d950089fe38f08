//! How jobs are printed: as a table for people, as JSON or XML for programs.

use std::io::{self, Write};

use serde_json::{json, Value};
use virt_jobs::xml::reader::{self, Element};
use virt_jobs::xml::writer::{Tag, Writer};

use crate::client::{Domain, Job};
use crate::{Failure, Format};

/// Prints a line, now.
pub fn say(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Prints a listing. `many`: of more than one domain.
pub fn list(jobs: &[Job], format: Format, many: bool) -> Result<(), Failure> {
    match format {
        Format::Json => say(&Value::from(jobs.iter().map(as_json).collect::<Vec<_>>()).to_string()),
        Format::Xml => say(documents(jobs, many).trim_end()),
        Format::Table => table(jobs, many),
    }
}

/// The documents of jobs, below one root; those of each domain below an element of its own if there may be several.
fn documents(jobs: &[Job], many: bool) -> String {
    let mut w = Writer::new();
    w.open(Tag::new("jobs"));
    for of_one_domain in jobs.chunk_by(|one, next| one.domain == next.domain) {
        if many {
            w.open(Tag::new("domain").attr("name", &of_one_domain[0].domain));
        }
        for job in of_one_domain {
            job.xml.as_deref().unwrap_or_default().lines().for_each(|line| w.verbatim(line));
        }
        if many {
            w.close();
        }
    }
    w.finish()
}

const COLUMNS: usize = 7;

fn table(jobs: &[Job], many: bool) -> Result<(), Failure> {
    let heading = ["DOMAIN", "NAME", "TYPE", "STATE", "DISKS", "PROGRESS", "RATE"].map(str::to_owned);
    let rows = jobs.iter().map(|job| {
        let rate = job.rate.map_or_else(|| "-".to_owned(), |rate| format!("{}/s", size(rate)));
        let disks = if job.disks.is_empty() { "-".to_owned() } else { job.disks.join(",") };
        [job.domain.clone(), job.name.clone(), job.kind.clone(), job.state.to_string(), disks, progress(job), rate]
    });
    let rows: Vec<[String; COLUMNS]> = std::iter::once(heading).chain(rows).map(|row| row.map(|cell| one_line(&cell))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    for row in &rows {
        let cells = (usize::from(!many)..COLUMNS).map(|column| format!("{:width$}", row[column], width = widths[column]));
        say(cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// Names may hold anything; a terminal is to show it, not to obey it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Prints one job.
pub fn show(domain: &Domain, name: &str, format: Format) -> Result<(), Failure> {
    let xml = domain.xml(name)?;
    if format == Format::Xml {
        return say(xml.trim_end());
    }
    let gone = || Failure::Message(format!("job '{name}' has just left the list"));
    let job = domain.job(name)?.ok_or_else(gone)?;
    if format == Format::Json {
        let mut value = as_json(&job);
        value["xml"] = xml.into();
        return say(&value.to_string());
    }
    let fact = |what: &str, value: &str| say(&format!("{:12}{}", format!("{what}:"), one_line(value)));
    fact("domain", &job.domain)?;
    fact("name", &job.name)?;
    fact("type", &job.kind)?;
    fact("state", job.state.as_str())?;
    fact("progress", &progress(&job))?;
    if let Some(rate) = job.rate {
        fact("rate", &format!("{}/s", size(rate)))?;
    }
    if let Some(error) = &job.error {
        fact("error", error)?;
    }
    let document = reader::parse(&xml).map_err(|error| Failure::Message(error.message()))?;
    for (what, value) in facts(&document) {
        fact(&what, &value)?;
    }
    Ok(())
}

/// What the document says beyond that: of its configuration and statistics, every element that holds a text.
fn facts(document: &Element) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in document.children_named("config").chain(document.children_named("stats")) {
        let told = ["current", "end", "rate"];
        for element in part.children.iter().filter(|element| !told.contains(&element.name.as_str())) {
            collect_facts(element, "", &mut found);
        }
    }
    found
}

fn collect_facts(element: &Element, parent: &str, found: &mut Vec<(String, String)>) {
    let name = if parent.is_empty() { element.name.clone() } else { format!("{parent} {}", element.name) };
    if !element.children.is_empty() {
        let name = element.attr("name").map_or(name.clone(), |which| format!("{name} {which}"));
        element.children.iter().for_each(|child| collect_facts(child, &name, found));
        return;
    }
    let unit = element.attr("unit").map(|unit| format!(" {unit}")).unwrap_or_default();
    let rest: Vec<String> =
        element.attributes.iter().filter(|(key, _)| key != "unit").map(|(key, value)| format!("{key} {value}")).collect();
    let rest = if rest.is_empty() { String::new() } else { format!(" ({})", rest.join(", ")) };
    found.push((name, format!("{}{unit}{rest}", element.text)));
}

fn as_json(job: &Job) -> Value {
    json!({
        "domain": job.domain, "name": job.name, "type": job.kind, "state": job.state.as_str(), "disks": job.disks,
        "current": job.current, "end": job.end, "rate": job.rate, "error": job.error,
    })
}

/// `12.0 MiB of 64.0 MiB (18%)`.
pub fn progress(job: &Job) -> String {
    if job.end == 0 {
        return "-".to_owned();
    }
    let percent = u128::from(job.current) * 100 / u128::from(job.end);
    format!("{} of {} ({}%)", size(job.current), size(job.end), percent.min(100))
}

/// Bytes for people.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} PiB")
}

/// Time left at the present rate, for people.
pub fn remaining(job: &Job) -> Option<String> {
    let rate = job.rate.filter(|rate| *rate > 0)?;
    let seconds = job.end.saturating_sub(job.current).div_ceil(rate);
    Some(match seconds {
        0..=99 => format!("{seconds} s left"),
        100..=5999 => format!("{} min left", seconds.div_ceil(60)),
        _ => format!("{} h left", seconds.div_ceil(3600)),
    })
}
