//! How jobs are printed: as a table for people, as JSON or XML for programs.

use serde_json::{json, Value};

use crate::client::{state_name, Domain, Failure, Job};
use crate::Format;

/// Prints a listing. `many`: of more than one domain.
pub fn list(jobs: &[Job], format: Format, many: bool) {
    match format {
        Format::Json => println!("{}", Value::from(jobs.iter().map(as_json).collect::<Vec<_>>())),
        Format::Xml => {
            println!("<jobs>");
            for job in jobs {
                for line in job.xml.as_deref().unwrap_or_default().lines() {
                    println!("  {line}");
                }
            }
            println!("</jobs>");
        }
        Format::Table => table(jobs, many),
    }
}

fn table(jobs: &[Job], many: bool) {
    let heading = ["DOMAIN", "NAME", "TYPE", "STATE", "DISKS", "PROGRESS", "RATE"].map(str::to_owned);
    let rows = jobs.iter().map(|job| {
        let rate = job.rate.map_or_else(|| "-".to_owned(), |rate| format!("{}/s", size(rate)));
        let disks = if job.disks.is_empty() { "-".to_owned() } else { job.disks.join(",") };
        [job.domain.clone(), job.name.clone(), job.kind.clone(), state_name(job.state).to_owned(), disks, progress(job), rate]
    });
    let rows: Vec<[String; 7]> = std::iter::once(heading).chain(rows).collect();
    let first = usize::from(!many);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    for row in &rows {
        let cells: Vec<String> = (first..7).map(|column| format!("{:width$}", row[column], width = widths[column])).collect();
        println!("{}", cells.join("  ").trim_end());
    }
}

/// Prints one job.
pub fn show(domain: &Domain, name: &str, format: Format) -> Result<(), Failure> {
    let xml = domain.xml(name)?;
    if format == Format::Xml {
        print!("{xml}");
        return Ok(());
    }
    let job = domain.jobs()?.into_iter().find(|job| job.name == name);
    let job = job.ok_or_else(|| Failure(format!("job '{name}' has just left the list")))?;
    match format {
        Format::Json => {
            let mut value = as_json(&job);
            value["xml"] = xml.into();
            println!("{value}");
        }
        _ => details(&job),
    }
    Ok(())
}

fn details(job: &Job) {
    println!("{:10} {}", "domain:", job.domain);
    println!("{:10} {}", "name:", job.name);
    println!("{:10} {}", "type:", job.kind);
    println!("{:10} {}", "state:", state_name(job.state));
    if !job.disks.is_empty() {
        println!("{:10} {}", "disks:", job.disks.join(", "));
    }
    println!("{:10} {}", "progress:", progress(job));
    if let Some(rate) = job.rate {
        println!("{:10} {}/s", "rate:", size(rate));
    }
    if let Some(error) = &job.error {
        println!("{:10} {error}", "error:");
    }
}

fn as_json(job: &Job) -> Value {
    json!({
        "domain": job.domain, "name": job.name, "type": job.kind, "state": state_name(job.state), "disks": job.disks,
        "current": job.current, "end": job.end, "rate": job.rate, "error": job.error,
    })
}

/// `12.0 MiB of 64.0 MiB (18%)`.
pub fn progress(job: &Job) -> String {
    match percent(job) {
        Some(percent) => format!("{} of {} ({percent}%)", size(job.current), size(job.end)),
        None => "-".to_owned(),
    }
}

fn percent(job: &Job) -> Option<u64> {
    let share = u128::from(job.current) * 100 / u128::from(job.end).max(1);
    (job.end > 0).then(|| u64::try_from(share).unwrap_or(100).min(100))
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
