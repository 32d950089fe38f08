//! What is known of a domain's snapshots, in memory and below `DIR/NAME.jobs/snapshots/`: a readable file for each, and
//! one with the name of the current snapshot. Each is replaced as a whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::driver::qemu::records::{say_once, say_some, Folder};
use crate::model::{code, from, Error, Result, Uuid};
use crate::xml::snapshot::{Location, SnapshotDef, Taken};

/// The format of the files; what does not know it passes them over.
const VERSION: u32 = 1;
/// No file of ours comes near this.
const MAX_FILE: u64 = 1 << 20;
/// How many files are taken in.
const MOST_FILES: usize = 4096;
/// The directory within that of the domain's jobs.
const DIRECTORY: &str = "snapshots";
/// Endings of the files of snapshots, and of those that name the current one of a domain.
const ENDING: &str = ".json";
const CURRENT: &str = ".current";

/// A snapshot, as it is written down.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(in crate::driver::qemu) struct Snapshot {
    pub name: String,
    pub parent: Option<String>,
    /// Seconds since the epoch.
    pub created: u64,
    /// The how manieth of the domain it is.
    pub number: u64,
    /// `running`, `paused`, ..., or `disk-snapshot`.
    pub state: String,
    /// What it consists of.
    pub def: SnapshotDef,
    /// The XML of the domain at that time.
    pub domain: String,
    /// The job that is about to take it.
    pub job: Option<String>,
}

impl Snapshot {
    /// Whether a part of it is in a file of its own.
    pub fn is_external(&self) -> bool {
        let external = |location| location == Location::External;
        self.def.memory.as_ref().is_some_and(|(location, _)| external(*location))
            || self.def.disks.iter().filter_map(|disk| disk.location).any(external)
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    /// Whose it is: another domain may have had the name.
    domain: String,
    snapshot: Snapshot,
}

/// The snapshots of one domain.
#[derive(Debug)]
pub(in crate::driver::qemu) struct Snapshots {
    /// The directory of the domain's jobs.
    jobs: PathBuf,
    domain: Uuid,
    tree: Mutex<Tree>,
}

/// In the order in which they were begun; those that a job is still taking are not shown.
#[derive(Debug, Default)]
struct Tree {
    all: Vec<Snapshot>,
    current: Option<String>,
}

impl Tree {
    fn shown(&self) -> impl Iterator<Item = &Snapshot> {
        self.all.iter().filter(|snapshot| snapshot.job.is_none())
    }

    fn find(&self, name: &str) -> Result<&Snapshot> {
        let found = self.shown().find(|snapshot| snapshot.name == name);
        found.ok_or_else(|| Error::new(code::NO_DOMAIN_SNAPSHOT, format!("no domain snapshot with matching name '{name}'")))
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|snapshot| snapshot.name == name)
    }
}

impl Snapshots {
    /// What an earlier process wrote about the domain, below the directory of its jobs.
    pub fn load(jobs: &Path, domain: Uuid) -> Snapshots {
        let snapshots = Snapshots { jobs: jobs.to_owned(), domain, tree: Mutex::default() };
        match Folder::open(&jobs.join(DIRECTORY)) {
            Ok(folder) => *snapshots.tree.lock() = snapshots.read_all(&folder),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            Err(why) => say_once(format!("'{}' is not used for snapshots: {why}", jobs.join(DIRECTORY).display())),
        }
        snapshots
    }

    fn read_all(&self, folder: &Folder) -> Tree {
        folder.lock();
        let about = self.jobs.join(DIRECTORY).display().to_string();
        let (mut all, mut complaints) = (Vec::new(), Vec::new());
        let files: Vec<String> = folder.names(MOST_FILES).collect();
        folder.remove_temporaries(&files);
        for file in files {
            let Some(name) = file.strip_suffix(ENDING).filter(|name| !name.starts_with('.')) else { continue };
            match self.read(folder, &file, name) {
                Ok(snapshot) => all.extend(snapshot),
                Err(why) => complaints.push(format!("the snapshot in '{about}/{}' is passed over: {why}", file.escape_default())),
            }
        }
        say_some(complaints, &about);
        all.sort_by(|a: &Snapshot, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
        let current = folder.read(&self.current_file(), MAX_FILE).ok();
        Tree { current: current.filter(|name| all.iter().any(|snapshot| snapshot.name == *name)), all }
    }

    /// `None` for one of another domain.
    fn read(&self, folder: &Folder, file: &str, name: &str) -> io::Result<Option<Snapshot>> {
        let written: Written = serde_json::from_str(&folder.read(file, MAX_FILE)?)?;
        if written.version != VERSION {
            return Err(io::Error::other(format!("format {} is not known here", written.version)));
        }
        if written.snapshot.name != name {
            return Err(io::Error::other("it describes another snapshot"));
        }
        Ok(Some(written.snapshot).filter(|_| written.domain == self.domain.to_string()))
    }

    pub fn names(&self) -> Vec<String> {
        self.tree.lock().shown().map(|snapshot| snapshot.name.clone()).collect()
    }

    pub fn current(&self) -> Option<String> {
        self.tree.lock().current.clone()
    }

    /// # Errors
    /// `NO_DOMAIN_SNAPSHOT`.
    pub fn find(&self, name: &str) -> Result<Snapshot> {
        self.tree.lock().find(name).cloned()
    }

    /// The `<domainsnapshot>` document.
    pub fn document(&self, name: &str) -> Result<String> {
        let tree = self.tree.lock();
        let snapshot = tree.find(name)?;
        let parent = snapshot.parent.as_deref();
        Ok(snapshot.def.format(&Taken { state: &snapshot.state, parent, created: snapshot.created, domain: &snapshot.domain }))
    }

    /// A snapshot's descendants, nearest first.
    pub fn descendants(&self, name: &str) -> Vec<String> {
        let tree = self.tree.lock();
        let mut found = vec![name.to_owned()];
        let mut next = 0;
        while let Some(parent) = found.get(next).cloned() {
            let children = tree.shown().filter(|child| child.parent.as_ref() == Some(&parent) && !found.contains(&child.name));
            let names: Vec<String> = children.map(|child| child.name.clone()).collect();
            found.extend(names);
            next += 1;
        }
        found.remove(0);
        found
    }

    /// # Errors
    /// `OPERATION_FAILED`, as libvirt has it, if there is a snapshot of that name, or about to be one.
    pub fn require_free(&self, name: &str) -> Result<()> {
        match self.tree.lock().position(name) {
            Some(_) => Err(Error::failed(format!("domain moment {name} already exists")).raised_by(from::DOMAIN)),
            None => Ok(()),
        }
    }

    /// A job is about to take a snapshot: it is written down, and not shown yet.
    ///
    /// # Errors
    /// `INTERNAL_ERROR`, as libvirt has it, if it cannot be written.
    pub fn begin(&self, mut snapshot: Snapshot) -> Result<()> {
        let mut tree = self.tree.lock();
        snapshot.parent.clone_from(&tree.current);
        snapshot.number = tree.all.iter().map(|other| other.number).max().unwrap_or(0).saturating_add(1);
        self.write(&snapshot).map_err(|why| Error::internal(format!("unable to save metadata for snapshot {}: {why}", snapshot.name)))?;
        tree.all.push(snapshot);
        Ok(())
    }

    /// The job has taken the snapshot, which is the current one now. Nothing happens if it takes none that is kept.
    pub fn taken(&self, job: &str) {
        let mut tree = self.tree.lock();
        let Some(snapshot) = tree.all.iter_mut().find(|snapshot| snapshot.job.as_deref() == Some(job)) else { return };
        snapshot.job = None;
        let snapshot = snapshot.clone();
        self.rewrite(&snapshot);
        self.make_current(&mut tree, Some(snapshot.name));
    }

    /// The job has not taken the snapshot.
    pub fn missed(&self, job: &str) {
        self.forget_begun(|of| of == job);
        self.remove_directory();
    }

    /// Snapshots that jobs other than these were about to take will not come any more.
    pub fn keep_begun(&self, by: impl Fn(&str) -> bool) {
        self.forget_begun(|job| !by(job));
    }

    fn forget_begun(&self, of: impl Fn(&str) -> bool) {
        let gone = |snapshot: &Snapshot| snapshot.job.as_deref().is_some_and(&of);
        self.tree.lock().all.retain(|snapshot| {
            if gone(snapshot) {
                self.remove_file(&file_of(&snapshot.name));
            }
            !gone(snapshot)
        });
    }

    /// The domain has gone back to this snapshot.
    pub fn reverted(&self, name: &str) {
        let mut tree = self.tree.lock();
        if tree.find(name).is_ok() {
            self.make_current(&mut tree, Some(name.to_owned()));
        }
    }

    /// Takes a snapshot away; its children become those of its parent.
    pub fn remove(&self, name: &str) {
        let mut tree = self.tree.lock();
        let Some(at) = tree.position(name).filter(|at| tree.all[*at].job.is_none()) else { return };
        let parent = tree.all.remove(at).parent;
        for child in tree.all.iter_mut().filter(|child| child.parent.as_deref() == Some(name)) {
            child.parent.clone_from(&parent);
            self.rewrite(child);
        }
        if tree.current.as_deref() == Some(name) {
            self.make_current(&mut tree, parent);
        }
        self.remove_file(&file_of(name));
    }

    /// The domain has ended, and what was known of its snapshots with it.
    pub fn clear(&self) {
        let tree = std::mem::take(&mut *self.tree.lock());
        for snapshot in tree.all {
            self.remove_file(&file_of(&snapshot.name));
        }
        self.remove_file(&self.current_file());
        self.remove_directory();
    }

    /// Goes if nothing is in it.
    fn remove_directory(&self) {
        let _ = fs::remove_dir(self.jobs.join(DIRECTORY));
    }

    fn make_current(&self, tree: &mut Tree, name: Option<String>) {
        match &name {
            Some(name) => self.complain(self.replace(&self.current_file(), name)),
            None => self.remove_file(&self.current_file()),
        }
        tree.current = name;
    }

    fn rewrite(&self, snapshot: &Snapshot) {
        self.complain(self.write(snapshot));
    }

    /// A disk that cannot be written costs what is written down, not what is done.
    fn complain(&self, written: io::Result<()>) {
        if let Err(why) = written {
            say_once(format!("cannot write about snapshots in '{}': {why}", self.jobs.display()));
        }
    }

    fn current_file(&self) -> String {
        format!("{}{CURRENT}", self.domain)
    }

    fn write(&self, snapshot: &Snapshot) -> io::Result<()> {
        let written = Written { version: VERSION, domain: self.domain.to_string(), snapshot: snapshot.clone() };
        self.replace(&file_of(&snapshot.name), &serde_json::to_string_pretty(&written)?)
    }

    fn replace(&self, file: &str, text: &str) -> io::Result<()> {
        Folder::make(&self.jobs)?;
        let folder = Folder::make(&self.jobs.join(DIRECTORY))?;
        // Who reads the directory takes what is half written for a leftover.
        folder.lock();
        folder.replace(file, text, true)?;
        folder.sync()
    }

    fn remove_file(&self, file: &str) {
        if let Ok(folder) = Folder::open(&self.jobs.join(DIRECTORY)) {
            let _ = folder.remove(file);
        }
    }
}

fn file_of(snapshot: &str) -> String {
    format!("{snapshot}{ENDING}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(jobs: &Path) -> Snapshots {
        Snapshots::load(jobs, Uuid::parse("6695eb01-f6a4-8304-79aa-97f2502e193f").unwrap())
    }

    fn snapshot(name: &str, job: &str) -> Snapshot {
        Snapshot {
            name: name.to_owned(),
            parent: None,
            created: 7,
            number: 0,
            state: "running".to_owned(),
            def: SnapshotDef { name: Some(name.to_owned()), ..SnapshotDef::default() },
            domain: "<domain/>\n".to_owned(),
            job: Some(job.to_owned()),
        }
    }

    fn take(snapshots: &Snapshots, name: &str) {
        snapshots.begin(snapshot(name, "job")).unwrap();
        snapshots.taken("job");
    }

    #[test]
    fn what_was_taken_is_found_again_with_its_parents() {
        let dir = tempfile::tempdir().unwrap();
        let first = load(dir.path());
        for name in ["b", "a", "c"] {
            take(&first, name);
        }
        let second = load(dir.path());
        assert_eq!((second.names(), second.current()), (vec!["b".into(), "a".into(), "c".into()], Some("c".into())));
        assert_eq!(second.descendants("b"), ["a", "c"]);
        assert_eq!(second.document("a").unwrap(), first.document("a").unwrap());
        second.remove("a");
        second.remove("c");
        let third = load(dir.path());
        assert_eq!((third.names(), third.current()), (vec!["b".into()], Some("b".into())));
        let other = Snapshots::load(dir.path(), Uuid::NIL);
        assert_eq!((other.names(), other.current()), (vec![], None));
        other.clear();
        assert_eq!(load(dir.path()).names(), ["b"]);
        third.clear();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_not_taken_yet_is_not_shown_and_takes_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let snapshots = load(dir.path());
        snapshots.begin(snapshot("s", "snapshot-1")).unwrap();
        assert_eq!(snapshots.names(), [""; 0]);
        assert_eq!(snapshots.require_free("s").map_err(|e| e.code), Err(code::OPERATION_FAILED));
        let next = load(dir.path());
        next.keep_begun(|job| job == "snapshot-1");
        assert!(next.require_free("s").is_err());
        next.keep_begun(|_| false);
        assert_eq!(next.require_free("s"), Ok(()));
        assert_eq!(load(dir.path()).require_free("s"), Ok(()));
    }

    #[test]
    fn torn_foreign_and_hostile_files_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let snapshots = load(dir.path());
        take(&snapshots, "good");
        let files = dir.path().join("snapshots");
        let good = fs::read_to_string(files.join("good.json")).unwrap();
        fs::write(files.join("torn.json"), &good[..good.len() / 2]).unwrap();
        fs::write(files.join("other.json"), &good).unwrap();
        fs::write(files.join("new.json"), good.replace("\"version\": 1", "\"version\": 2")).unwrap();
        fs::write(files.join("bytes.json"), [0xff, 0xfe, 0]).unwrap();
        fs::create_dir(files.join("directory.json")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", files.join("link.json")).unwrap();
        fs::write(files.join(snapshots.current_file()), "../../etc/passwd").unwrap();
        let found = load(dir.path());
        assert_eq!((found.names(), found.current()), (vec!["good".to_owned()], None));
    }

    #[test]
    fn parents_that_go_round_in_circles_end() {
        let dir = tempfile::tempdir().unwrap();
        let snapshots = load(dir.path());
        take(&snapshots, "a");
        take(&snapshots, "b");
        let file = dir.path().join("snapshots/a.json");
        let text = fs::read_to_string(&file).unwrap().replace("\"parent\": null", "\"parent\": \"b\"");
        fs::write(&file, text).unwrap();
        assert_eq!(load(dir.path()).descendants("a"), ["b"]);
    }

    #[test]
    fn what_a_writer_left_half_done_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        take(&load(dir.path()), "a");
        fs::write(dir.path().join("snapshots/.b.json.7-0.tmp"), "{").unwrap();
        load(dir.path()).clear();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_number_that_nobody_can_have_reached_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        take(&load(dir.path()), "a");
        let file = dir.path().join("snapshots/a.json");
        let text = fs::read_to_string(&file).unwrap().replace("\"number\": 1", &format!("\"number\": {}", u64::MAX));
        fs::write(&file, text).unwrap();
        let snapshots = load(dir.path());
        take(&snapshots, "b");
        assert_eq!(snapshots.names(), ["a", "b"]);
    }

    #[test]
    fn a_name_that_no_file_can_have_is_refused_before_anything_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let snapshots = load(dir.path());
        assert_eq!(snapshots.begin(snapshot(&"x".repeat(300), "j")).map_err(|e| e.code), Err(code::INTERNAL_ERROR));
        assert_eq!(snapshots.begin(snapshot("a\0b", "j")).map_err(|e| e.code), Err(code::INTERNAL_ERROR));
        assert_eq!(fs::read_dir(dir.path().join("snapshots")).unwrap().count(), 0);
    }
}
