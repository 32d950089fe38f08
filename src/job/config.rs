//! What a job was asked to do.

use serde::{Deserialize, Serialize};

/// Where a job writes to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DiskTarget {
    /// The disk (its `<target dev>`) that this file belongs to.
    pub disk: String,
    /// A path, or what the hypervisor calls the file if it has none.
    pub path: String,
    /// `qcow2`, `raw`, ...; empty if unknown.
    pub format: String,
    /// `file`, `block` or `network`.
    pub kind: String,
    /// The number by which the driver tells images apart, if it does; not part of the XML.
    pub index: u32,
}

/// The `<config>` of a job: everything that was asked for when it was started.
///
/// What does not apply to a type is empty. For a job that somebody else started it holds what the hypervisor tells.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct JobConfig {
    /// Disks that the job works on, by `<target dev>`.
    pub disks: Vec<String>,
    /// Upper end of the part of a backing chain that a commit merges, as `vda[1]` or a path.
    pub top: Option<String>,
    /// Lower end: where a commit merges to, what a pull keeps.
    pub base: Option<String>,
    /// Images that are written: copy and backup targets, created images.
    pub targets: Vec<DiskTarget>,
    /// Limit in bytes per second; 0 is none.
    pub bandwidth: u64,
    /// Peer of a migration.
    pub uri: Option<String>,
    /// File of a save, restore or dump.
    pub file: Option<String>,
    /// Format of a dump or of a created image.
    pub format: Option<String>,
    /// Name of a snapshot.
    pub snapshot: Option<String>,
    /// Size in bytes of a created image.
    pub size: Option<u64>,
    /// Name of the checkpoint or bitmap that a backup is relative to.
    pub incremental: Option<String>,
    /// The job on whose behalf this one runs (an image created for a copy).
    pub parent: Option<String>,
    /// The document of a backup as it runs; not part of the XML.
    pub document: Option<String>,
    /// Files that are to go when a commit has completed, or when an image has been created for a job that is gone, if nothing
    /// uses them then; not part of the XML.
    pub removes: Vec<String>,
    /// Options that were given by a word: `shallow`, `reuse-external`, `delete`, `synchronous-writes`, `memory-only`, ...
    pub options: Vec<String>,
}

impl JobConfig {
    /// A job on one disk.
    pub fn on_disk(disk: &str) -> JobConfig {
        JobConfig { disks: vec![disk.to_owned()], ..JobConfig::default() }
    }

    /// Whether an option was given.
    pub fn has_option(&self, word: &str) -> bool {
        self.options.iter().any(|option| option == word)
    }
}
