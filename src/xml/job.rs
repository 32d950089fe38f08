//! The document that describes one job; `docs/job-xml.md` explains it, `docs/schemas/domain-job.rng` is its schema.

use super::writer::{Tag, Writer};
use crate::job::{CompressionStats, DiskTarget, Job, JobConfig, JobStats, MigrationStats};
use crate::model::time::iso8601;
use crate::model::Now;

/// The XML of a job, as it stands at `now`.
///
/// The order of elements is fixed: `name`, `config`, `stats` (left out without `with_stats`), `error` (of a job that
/// failed). What does not apply or is not known is left out; `stats` always has `current` and `end`.
pub fn job_xml(job: &Job, now: Now, with_stats: bool) -> String {
    let mut w = Writer::new();
    w.open(Tag::new("job").attr("type", job.kind().as_str()).attr("state", job.state().as_str()));
    w.text(Tag::new("name"), job.name());
    write_config(&mut w, job.config(), job.speed());
    if with_stats {
        write_stats(&mut w, job, now);
    }
    w.maybe_text("error", job.error());
    w.finish()
}

/// `speed` is the limit now in force, which may have been changed since the job was started.
fn write_config(w: &mut Writer, config: &JobConfig, speed: u64) {
    w.open(Tag::new("config"));
    for disk in &config.disks {
        w.text(Tag::new("disk"), disk);
    }
    w.maybe_text("top", config.top.as_ref());
    w.maybe_text("base", config.base.as_ref());
    for target in &config.targets {
        write_target(w, target);
    }
    if speed != 0 {
        number(w, "bandwidth", Some("bytes/s"), speed);
    }
    w.maybe_text("uri", config.uri.as_ref());
    w.maybe_text("file", config.file.as_ref());
    w.maybe_text("format", config.format.as_ref());
    w.maybe_text("snapshot", config.snapshot.as_ref());
    if let Some(size) = config.size {
        number(w, "size", Some("bytes"), size);
    }
    w.maybe_text("incremental", config.incremental.as_ref());
    w.maybe_text("parent", config.parent.as_ref());
    for option in &config.options {
        w.text(Tag::new("option"), option);
    }
    w.close();
}

fn write_target(w: &mut Writer, target: &DiskTarget) {
    let known = |text: &String| !text.is_empty();
    let tag = Tag::new("target")
        .maybe("disk", Some(&target.disk).filter(|disk| known(disk)))
        .maybe("type", Some(&target.kind).filter(|kind| matches!(kind.as_str(), "file" | "block" | "network")))
        .maybe("format", Some(&target.format).filter(|format| known(format)));
    w.text(tag, &target.path);
}

fn write_stats(w: &mut Writer, job: &Job, now: Now) {
    let stats: &JobStats = job.stats();
    w.open(Tag::new("stats"));
    number(w, "current", None, stats.current);
    number(w, "end", None, stats.end);
    for disk in &stats.disks {
        w.open(Tag::new("disk").attr("name", &disk.disk));
        number(w, "current", None, disk.current);
        number(w, "end", None, disk.end);
        w.close();
    }
    if let Some(rate) = stats.rate {
        number(w, "rate", Some("bytes/s"), rate);
    }
    number(w, "elapsed", Some("ms"), job.elapsed_ms(now));
    if let Some(remaining) = stats.remaining_ms().filter(|_| !job.state().is_final()) {
        number(w, "remaining", Some("ms"), remaining);
    }
    if let Some(migration) = &stats.migration {
        write_migration(w, migration);
    }
    w.text(Tag::new("started"), iso8601(job.started().wall_ms));
    w.maybe_text("finished", job.finished().map(|at| iso8601(at.wall_ms)));
    w.close();
}

fn write_migration(w: &mut Writer, stats: &MigrationStats) {
    w.open(Tag::new("migration"));
    w.open(Tag::new("memory"));
    number(w, "total", Some("bytes"), stats.memory_total);
    number(w, "processed", Some("bytes"), stats.memory_processed);
    number(w, "remaining", Some("bytes"), stats.memory_remaining);
    number(w, "rate", Some("bytes/s"), stats.memory_rate);
    number(w, "normal", Some("pages"), stats.pages_normal);
    number(w, "constant", Some("pages"), stats.pages_constant);
    number(w, "dirty-rate", Some("pages/s"), stats.dirty_rate);
    w.close();
    number(w, "iteration", None, stats.iteration);
    for (name, time) in [("downtime", stats.downtime_ms), ("setup", stats.setup_ms)] {
        if let Some(ms) = time {
            number(w, name, Some("ms"), ms);
        }
    }
    for (name, unit, value) in [
        ("page-size", Some("bytes"), stats.page_size),
        ("postcopy-requests", None, stats.postcopy_requests),
        ("throttle", Some("%"), stats.throttle),
    ] {
        if value > 0 {
            number(w, name, unit, value);
        }
    }
    if let Some(compression) = &stats.compression {
        write_compression(w, compression);
    }
    w.close();
}

fn write_compression(w: &mut Writer, stats: &CompressionStats) {
    w.open(Tag::new("compression"));
    number(w, "cache", Some("bytes"), stats.cache);
    number(w, "sent", Some("bytes"), stats.bytes);
    number(w, "pages", Some("pages"), stats.pages);
    number(w, "cache-misses", Some("pages"), stats.cache_misses);
    number(w, "overflows", Some("pages"), stats.overflows);
    w.close();
}

fn number(w: &mut Writer, name: &'static str, unit: Option<&str>, value: u64) {
    w.text(Tag::new(name).maybe("unit", unit), value.to_string());
}

#[cfg(test)]
mod tests;
