//! Job records on disk: one readable file per job below `DIR/NAME.jobs/`, replaced as a whole.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::job::JobRecord;

/// The format of the files; a reader passes over what it does not know.
const VERSION: u32 = 1;
/// No record of ours comes near this.
const MAX_RECORD: u64 = 1 << 20;
/// The file that holds the number in the last name given.
const NUMBERS: &str = "last-number";

/// Where the records of one domain are.
#[derive(Debug)]
pub(super) struct Records {
    dir: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    job: JobRecord,
}

impl Records {
    pub fn of_domain(dir: &Path, name: &str) -> Records {
        Records { dir: dir.join(format!("{name}.jobs")) }
    }

    /// Writes a record, and the number up to which names are taken. A disk that cannot be written costs the job its
    /// record, never its run.
    pub fn store(&self, record: &JobRecord, last_number: u64) {
        let text = serde_json::to_string_pretty(&File { version: VERSION, job: record.clone() });
        let written = text.map_err(io::Error::from).and_then(|text| {
            fs::DirBuilder::new().mode(0o700).recursive(true).create(&self.dir)?;
            self.replace(NUMBERS, &format!("{last_number}\n"))?;
            self.replace(&format!("{}.json", record.name), &text)
        });
        if let Err(error) = written {
            eprintln!("libvirt-jobs: cannot record job '{}' in '{}': {error}", record.name, self.dir.display());
        }
    }

    pub fn forget(&self, name: &str) {
        let _ = fs::remove_file(self.dir.join(format!("{name}.json")));
    }

    /// All records that can be read, by the start of their jobs, and the number up to which names are taken.
    pub fn load(&self) -> (Vec<JobRecord>, u64) {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|e| e != "json") {
                continue;
            }
            match read(&path) {
                Ok(record) if path.file_stem().is_some_and(|stem| stem == record.name.as_str()) => records.push(record),
                Ok(_) => eprintln!("libvirt-jobs: '{}' is the record of another job; passed over", path.display()),
                Err(error) => eprintln!("libvirt-jobs: cannot read the job record '{}': {error}; passed over", path.display()),
            }
        }
        records.sort_by(|a, b| a.started.cmp(&b.started).then_with(|| a.name.cmp(&b.name)));
        let last = read_small(&self.dir.join(NUMBERS)).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        (records, last)
    }

    /// The domain and all its jobs are gone.
    pub fn remove_all(&self) {
        let _ = fs::remove_dir_all(&self.dir);
    }

    fn replace(&self, name: &str, text: &str) -> io::Result<()> {
        let temporary = self.dir.join(format!(".{name}.{}", std::process::id()));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&temporary, self.dir.join(name))
    }
}

fn read(path: &Path) -> io::Result<JobRecord> {
    let file: File = serde_json::from_str(&read_small(path)?)?;
    if file.version != VERSION {
        return Err(io::Error::other(format!("format {} is not known here", file.version)));
    }
    Ok(file.job)
}

fn read_small(path: &Path) -> io::Result<String> {
    let meta = fs::symlink_metadata(path)?;
    if !meta.is_file() || meta.len() > MAX_RECORD {
        return Err(io::Error::other("not a plain file of a sensible size"));
    }
    fs::read_to_string(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{JobConfig, JobStats};

    fn record(name: &str) -> JobRecord {
        JobRecord {
            name: name.to_owned(),
            id: name.to_owned(),
            kind: "block-copy".to_owned(),
            persist: true,
            config: JobConfig::on_disk("vda"),
            stats: JobStats::default(),
            outcome: None,
            started: 5,
            finished: None,
        }
    }

    #[test]
    fn what_was_stored_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let records = Records::of_domain(dir.path(), "vm");
        records.store(&record("block-copy-vda-1"), 1);
        records.store(&record("block-copy-vda-2"), 2);
        records.forget("block-copy-vda-1");
        let (found, last) = Records::of_domain(dir.path(), "vm").load();
        assert_eq!(found, [record("block-copy-vda-2")]);
        assert_eq!(last, 2);
    }

    #[test]
    fn torn_foreign_and_misplaced_files_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let records = Records::of_domain(dir.path(), "vm");
        records.store(&record("block-copy-vda-1"), 1);
        let good = fs::read_to_string(dir.path().join("vm.jobs/block-copy-vda-1.json")).unwrap();
        fs::write(dir.path().join("vm.jobs/torn.json"), &good[..good.len() / 2]).unwrap();
        fs::write(dir.path().join("vm.jobs/other.json"), &good).unwrap();
        fs::write(dir.path().join("vm.jobs/new.json"), good.replace("\"version\": 1", "\"version\": 2")).unwrap();
        fs::write(dir.path().join("vm.jobs/last-number"), "many").unwrap();
        let (found, last) = records.load();
        assert_eq!(found.len(), 1);
        assert_eq!(last, 0);
    }
}
