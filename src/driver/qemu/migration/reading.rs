//! What QEMU says of a migration, in the engine's terms. No I/O.

use serde_json::Value;

use crate::driver::qemu::translate::{number, text};
use crate::job::{CompressionStats, MigrationStats, Outcome, Progress};

/// Where a migration stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Status {
    /// There has been none.
    None,
    /// About to begin; all that a snapshot inside an image ever shows of itself before it is complete.
    Setup,
    /// On its way, in whichever of its stages.
    UnderWay,
    Cancelling,
    Over(End),
}

/// How a migration ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    /// Reads QEMU's `MigrationStatus`, or `DumpStatus`. A word that is not known means a stage that is not known.
    pub fn parse(word: &str) -> Status {
        match word {
            "" | "none" => Status::None,
            "setup" => Status::Setup,
            "cancelling" => Status::Cancelling,
            "completed" => Status::Over(End::Completed),
            "failed" => Status::Over(End::Failed),
            "cancelled" => Status::Over(End::Cancelled),
            _ => Status::UnderWay,
        }
    }
}

/// Why a job failed of which QEMU does not say why.
pub(super) const UNEXPLAINED: &str = "QEMU gave no reason";

/// The answer to `query-migrate` or `query-dump`.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Reading {
    pub status: Status,
    /// Not yet known of a migration that is about to begin.
    pub stats: Option<MigrationStats>,
    pub progress: Progress,
    pub error: Option<String>,
}

impl Reading {
    /// Reads the answer to `query-migrate`.
    pub fn of_migration(reply: &Value) -> Reading {
        let stats = reply.get("ram").map(|ram| migration_stats(reply, ram));
        let (current, left) = stats.as_ref().map_or((0, 0), |stats| (stats.memory_processed, stats.memory_remaining));
        Reading {
            status: Status::parse(text(reply, "status").unwrap_or_default()),
            progress: Progress { current, end: current.saturating_add(left), speed: None },
            stats,
            error: text(reply, "error-desc").map(str::to_owned),
        }
    }

    /// Reads the answer to `query-dump`, or what DUMP_COMPLETED tells.
    pub fn of_dump(reply: &Value) -> Reading {
        let (current, end) = (number(reply, "completed"), number(reply, "total"));
        let stats = MigrationStats {
            memory_total: end,
            memory_processed: current,
            memory_remaining: end.saturating_sub(current),
            ..MigrationStats::default()
        };
        let status = Status::parse(text(reply, "status").unwrap_or_default());
        Reading { status, stats: Some(stats), progress: Progress { current, end, speed: None }, error: None }
    }

    /// How it went, told by its end.
    pub fn outcome(&self, end: End) -> Outcome {
        match end {
            End::Completed => Outcome::Completed,
            End::Cancelled => Outcome::Aborted,
            End::Failed => Outcome::Failed(self.error.clone().unwrap_or_else(|| UNEXPLAINED.to_owned())),
        }
    }
}

/// Whether a guest in this run state (the answer to `query-status`) stands where a migration that has completed left it.
pub(super) fn has_gone_out(status: &Value) -> bool {
    matches!(text(status, "status"), Some("postmigrate" | "finish-migrate"))
}

fn migration_stats(reply: &Value, ram: &Value) -> MigrationStats {
    let known = |key: &str| reply.get(key).and_then(Value::as_u64);
    MigrationStats {
        memory_total: number(ram, "total"),
        memory_processed: number(ram, "transferred"),
        memory_remaining: number(ram, "remaining"),
        memory_rate: bytes_per_second(ram),
        pages_normal: number(ram, "normal"),
        pages_constant: number(ram, "duplicate"),
        dirty_rate: number(ram, "dirty-pages-rate"),
        iteration: number(ram, "dirty-sync-count"),
        // What it was, else what it is going to be.
        downtime_ms: known("downtime").or_else(|| known("expected-downtime")),
        setup_ms: known("setup-time"),
        page_size: number(ram, "page-size"),
        postcopy_requests: number(ram, "postcopy-requests"),
        throttle: number(reply, "cpu-throttle-percentage"),
        compression: reply.get("xbzrle-cache").map(compression_stats),
    }
}

fn compression_stats(cache: &Value) -> CompressionStats {
    CompressionStats {
        cache: number(cache, "cache-size"),
        bytes: number(cache, "bytes"),
        pages: number(cache, "pages"),
        cache_misses: number(cache, "cache-miss"),
        overflows: number(cache, "overflow"),
    }
}

/// QEMU has millions of bits per second.
fn bytes_per_second(ram: &Value) -> u64 {
    let mbps = ram.get("mbps").and_then(Value::as_f64).filter(|mbps| mbps.is_finite() && *mbps > 0.0).unwrap_or(0.0);
    // A conversion from a float that is too large gives the largest number.
    (mbps * 125_000.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_running_migration_has_figures() {
        let reply = json!({
            "expected-downtime": 300, "status": "active", "setup-time": 2, "total-time": 304,
            "ram": {"total": 134_750_208, "dirty-sync-count": 1, "remaining": 109_395_968, "mbps": 546.32592, "transferred": 25_215_354,
                    "duplicate": 14, "dirty-pages-rate": 3, "normal": 6175, "page-size": 4096}
        });
        let reading = Reading::of_migration(&reply);
        assert_eq!(reading.status, Status::UnderWay);
        assert_eq!(reading.progress, Progress { current: 25_215_354, end: 134_611_322, speed: None });
        let stats = &reading.stats.expect("it has figures");
        assert_eq!((stats.memory_rate, stats.downtime_ms, stats.setup_ms, stats.iteration), (68_290_740, Some(300), Some(2), 1));
        assert_eq!((stats.pages_normal, stats.pages_constant, stats.dirty_rate), (6175, 14, 3));
    }

    #[test]
    fn what_a_liar_says_is_taken_for_nothing() {
        for reply in [json!(null), json!([]), json!({"status": 7, "ram": []}), json!({"ram": {"mbps": -1.0, "total": "x"}})] {
            let reading = Reading::of_migration(&reply);
            assert_eq!((reading.status, reading.stats.unwrap_or_default()), (Status::None, MigrationStats::default()), "{reply}");
        }
        let fast = Reading::of_migration(&json!({"ram": {"mbps": 1e300}}));
        assert_eq!(fast.stats.map(|stats| stats.memory_rate), Some(u64::MAX));
        assert_eq!(Reading::of_migration(&json!({"status": "hyperspace"})).status, Status::UnderWay);
    }

    #[test]
    fn a_failure_has_a_reason_in_any_case() {
        let reading = |reply| Reading::of_migration(&reply).outcome(End::Failed);
        assert_eq!(reading(json!({"status": "failed", "error-desc": "no room"})), Outcome::Failed("no room".to_owned()));
        assert_eq!(reading(json!({"status": "failed"})), Outcome::Failed(UNEXPLAINED.to_owned()));
    }
}
