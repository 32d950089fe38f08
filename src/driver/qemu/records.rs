//! What is written down about a domain, below `DIR/NAME.jobs/`: one readable file per job, and the definition of a domain
//! that we started. Each is replaced as a whole.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::job::JobRecord;
use crate::model::Uuid;

/// The format of the files; a reader passes over what it does not know.
const VERSION: u32 = 1;
/// No record of ours comes near this.
const MAX_RECORD: u64 = 1 << 20;
/// The file that holds the number in the last name given.
const NUMBERS: &str = "last-number";
/// The file that holds the definition. Not beside the socket, where an application may keep a file of that name.
const DEFINITION: &str = "domain.xml";
/// Ending of the directory's name.
const ENDING: &str = "jobs";

/// Where the records of one domain are.
#[derive(Debug)]
pub(super) struct Records {
    dir: PathBuf,
    /// Whose they are; what is stored says so.
    domain: Option<Uuid>,
    /// Held while the definition is made and written, so that an older one never replaces a newer one.
    definition: Mutex<()>,
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    job: JobRecord,
    #[serde(default)]
    domain: Option<String>,
}

/// What an earlier process left.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By the start of the jobs.
    pub jobs: Vec<JobRecord>,
    /// The number up to which names are taken.
    pub last_number: u64,
    /// Whose they are, if they say so.
    pub domain: Option<Uuid>,
}

impl Records {
    pub fn of_domain(dir: &Path, name: &str) -> Records {
        Records { dir: dir.join(format!("{name}.{ENDING}")), domain: None, definition: Mutex::new(()) }
    }

    /// The same, with the domain's UUID in what is stored from now on.
    pub fn named(self, domain: Uuid) -> Records {
        Records { domain: Some(domain), ..self }
    }

    /// The names of the domains of a directory that have records of jobs; those that are known need not be looked at.
    pub fn names(dir: &Path, known: impl Fn(&str) -> bool) -> Vec<String> {
        let name = |entry: fs::DirEntry| {
            let path = entry.path();
            let name = path.extension().filter(|ending| *ending == ENDING).and(path.file_stem())?.to_str()?.to_owned();
            (!known(&name) && Records::of_domain(dir, &name).has_jobs()).then_some(name)
        };
        let mut names: Vec<String> = fs::read_dir(dir).into_iter().flatten().flatten().filter_map(name).collect();
        names.sort();
        names
    }

    fn has_jobs(&self) -> bool {
        fs::read_dir(&self.dir).into_iter().flatten().flatten().any(|entry| is_record(&entry.path()))
    }

    pub fn read_definition(&self) -> Option<String> {
        read_small(&self.dir.join(DEFINITION)).ok()
    }

    /// Replaces the definition by what `make` returns. Others that do so meanwhile wait.
    pub fn write_definition(&self, make: impl FnOnce() -> String) -> io::Result<()> {
        let _one_at_a_time = self.definition.lock();
        self.make_dir()?;
        self.replace(DEFINITION, &make())
    }

    pub fn forget_definition(&self) {
        let _ = fs::remove_file(self.dir.join(DEFINITION));
        // Goes if nothing else is in it.
        let _ = fs::remove_dir(&self.dir);
    }

    fn make_dir(&self) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).recursive(true).create(&self.dir)
    }

    /// Writes a record, and the number up to which names are taken. A disk that cannot be written costs the job its
    /// record, never its run.
    pub fn store(&self, record: &JobRecord, last_number: u64) {
        let domain = self.domain.map(|uuid| uuid.to_string());
        let text = serde_json::to_string_pretty(&File { version: VERSION, job: record.clone(), domain });
        let written = text.map_err(io::Error::from).and_then(|text| {
            self.make_dir()?;
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

    /// All records that can be read.
    pub fn load(&self) -> Found {
        let mut found = Found::default();
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if !is_record(&path) {
                continue;
            }
            match read(&path) {
                Ok(file) if path.file_stem().is_some_and(|stem| stem == file.job.name.as_str()) => {
                    found.domain = found.domain.or_else(|| Uuid::parse(file.domain.as_deref()?));
                    found.jobs.push(file.job);
                }
                Ok(_) => eprintln!("libvirt-jobs: '{}' is the record of another job; passed over", path.display()),
                Err(error) => eprintln!("libvirt-jobs: cannot read the job record '{}': {error}; passed over", path.display()),
            }
        }
        found.jobs.sort_by(|a, b| a.started.cmp(&b.started).then_with(|| a.name.cmp(&b.name)));
        found.last_number = read_small(&self.dir.join(NUMBERS)).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        found
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

fn is_record(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json")
}

fn read(path: &Path) -> io::Result<File> {
    let file: File = serde_json::from_str(&read_small(path)?)?;
    if file.version != VERSION {
        return Err(io::Error::other(format!("format {} is not known here", file.version)));
    }
    Ok(file)
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
            listed: true,
            config: JobConfig::on_disk("vda"),
            stats: JobStats::default(),
            ending: None,
            outcome: None,
            settled: false,
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
        let found = Records::of_domain(dir.path(), "vm").load();
        assert_eq!(found.jobs, [record("block-copy-vda-2")]);
        assert_eq!((found.last_number, found.domain), (2, None));
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
        let found = records.load();
        assert_eq!(found.jobs.len(), 1);
        assert_eq!(found.last_number, 0);
    }

    #[test]
    fn records_say_whose_they_are_and_that_there_are_some() {
        let dir = tempfile::tempdir().unwrap();
        let uuid = Uuid::parse("6695eb01-f6a4-8304-79aa-97f2502e193f").unwrap();
        let records = Records::of_domain(dir.path(), "a b").named(uuid);
        records.write_definition(|| "<domain/>".to_owned()).unwrap();
        assert_eq!(Records::names(dir.path(), |_| false), [""; 0]);
        records.store(&record("block-copy-vda-1"), 1);
        assert_eq!(Records::names(dir.path(), |_| false), ["a b"]);
        assert_eq!(Records::names(dir.path(), |name| name == "a b"), [""; 0]);
        assert_eq!(records.load().domain, Some(uuid));
        records.forget("block-copy-vda-1");
        fs::remove_file(dir.path().join("a b.jobs/last-number")).unwrap();
        assert_eq!(records.read_definition().as_deref(), Some("<domain/>"));
        records.forget_definition();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn definitions_that_are_written_at_once_are_written_whole() {
        let dir = tempfile::tempdir().unwrap();
        let records = Records::of_domain(dir.path(), "vm");
        let text = |n: usize| n.to_string().repeat(5000);
        std::thread::scope(|scope| {
            for n in 0..4 {
                let (records, text) = (&records, &text);
                scope.spawn(move || (0..50).for_each(|_| records.write_definition(|| text(n)).unwrap()));
            }
            for _ in 0..200 {
                let read = records.read_definition().unwrap_or_else(|| text(0));
                assert!((0..4).any(|n| read == text(n)), "{} bytes", read.len());
            }
        });
    }
}
