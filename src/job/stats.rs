//! How far a job is.

use serde::{Deserialize, Serialize};

use crate::model::Now;

/// Progress of one disk of a job that works on several.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DiskStats {
    pub disk: String,
    pub current: u64,
    pub end: u64,
}

/// What only migration, save, restore and dump have; bytes and milliseconds.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MigrationStats {
    pub memory_total: u64,
    pub memory_processed: u64,
    pub memory_remaining: u64,
    pub memory_rate: u64,
    pub pages_normal: u64,
    pub pages_constant: u64,
    pub dirty_rate: u64,
    pub iteration: u64,
    pub downtime_ms: Option<u64>,
    pub setup_ms: Option<u64>,
    /// Bytes of a page; 0 if it is not known.
    pub page_size: u64,
    /// Pages that the other side asked for, after the guest went there.
    pub postcopy_requests: u64,
    /// By how many percent the guest is slowed down so that the migration comes to an end; 0 if it is not.
    pub throttle: u64,
    pub compression: Option<CompressionStats>,
}

/// What a migration saves that sends differences of pages (XBZRLE).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CompressionStats {
    /// Size of the cache of pages, in bytes.
    pub cache: u64,
    pub bytes: u64,
    pub pages: u64,
    pub cache_misses: u64,
    pub overflows: u64,
}

/// One reading of a job's position.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    pub current: u64,
    pub end: u64,
    /// The limit now in force in bytes per second, if the hypervisor tells.
    pub speed: Option<u64>,
}

/// The `<stats>` of a job.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct JobStats {
    pub current: u64,
    pub end: u64,
    /// Bytes per second, smoothed over the last readings.
    pub rate: Option<u64>,
    pub disks: Vec<DiskStats>,
    pub migration: Option<MigrationStats>,
    /// The last reading that the rate was computed from: (monotonic ms, current). Has no meaning in another process.
    #[serde(skip)]
    sample: Option<(u64, u64)>,
}

/// Readings closer together than this say nothing about the rate.
const MIN_SAMPLE_MS: u64 = 100;

impl JobStats {
    /// Takes over a reading and brings the rate up to date.
    pub(super) fn take(&mut self, progress: Progress, now: Now) {
        self.current = progress.current;
        self.end = progress.end;
        match self.sample {
            Some((at, _)) if now.mono_ms.saturating_sub(at) < MIN_SAMPLE_MS => {}
            Some((at, before)) => {
                let span = u128::from(now.mono_ms - at);
                let moved = u128::from(progress.current.saturating_sub(before));
                let latest = u64::try_from(moved * 1000 / span).unwrap_or(u64::MAX);
                self.rate = Some(match self.rate {
                    Some(rate) => rate / 2 + latest / 2 + (rate & latest & 1),
                    None => latest,
                });
                self.sample = Some((now.mono_ms, progress.current));
            }
            None => self.sample = Some((now.mono_ms, progress.current)),
        }
    }

    /// Milliseconds until the end at the present rate; an estimate.
    pub fn remaining_ms(&self) -> Option<u64> {
        let rate = self.rate.filter(|&r| r > 0)?;
        let left = u128::from(self.end.saturating_sub(self.current));
        u64::try_from(left * 1000 / u128::from(rate)).ok()
    }
}
