//! Names that are never given twice while a domain lives.

use std::collections::HashMap;

use crate::model::JobType;

/// How many foreign ids are remembered one by one; a hypervisor that invents more than this gets names that are
/// unique by a counter instead, so that memory stays bounded.
const REMEMBERED: usize = 65_536;

/// A number that would be reached by no domain. Whoever claims one that is higher is not believed: the numbers after it
/// might run out.
const MOST_STARTS: u64 = 1 << 53;
/// The longest part of a disk's name that goes into that of a job.
const MOST_OF_DISK: usize = 64;

/// Hands out job names.
#[derive(Debug, Default)]
pub(super) struct NameBook {
    /// The number in the last name of our own.
    last: u64,
    /// How often each id of the hypervisor's was seen.
    foreign: HashMap<String, u64>,
    /// Counter for ids that are no longer told apart.
    overflow: u64,
}

impl NameBook {
    /// A name for a job of ours: `TYPE-DISK-N` or `TYPE-N`. Always a valid QEMU id as well, so that it can be used there.
    pub fn own(&mut self, kind: JobType, disk: Option<&str>) -> String {
        loop {
            self.last += 1;
            let name = match disk.map(as_id).filter(|d| !d.is_empty()) {
                Some(disk) => format!("{kind}-{disk}-{}", self.last),
                None => format!("{kind}-{}", self.last),
            };
            if !self.foreign.contains_key(&name) {
                return name;
            }
        }
    }

    /// A name for a job that somebody else started under `id`: the id itself, `id#2` when it comes again. An id that has
    /// such a sign itself always gets one more, so that it cannot be taken for another.
    pub fn foreign(&mut self, id: &str) -> String {
        let seen = self.count(id);
        if seen == 1 && !id.contains('#') {
            id.to_owned()
        } else {
            format!("{id}#{seen}")
        }
    }

    /// The how manieth job this is that has the id.
    fn count(&mut self, id: &str) -> u64 {
        if let Some(seen) = self.foreign.get_mut(id) {
            *seen += 1;
            return *seen;
        }
        if self.foreign.len() >= REMEMBERED {
            self.overflow += 1;
            return u64::from(u32::MAX) + self.overflow;
        }
        // A name that may have been given to a job of ours counts as seen.
        let seen = if self.could_be_own(id) { 2 } else { 1 };
        self.foreign.insert(id.to_owned(), seen);
        seen
    }

    /// Whether `id` looks like a name that was, or might have been, given to a job of ours.
    fn could_be_own(&self, id: &str) -> bool {
        number_of(id).is_some_and(|n| n <= self.last)
    }

    /// Takes note of a name that an earlier process gave, so that it is not given again.
    pub fn reserve(&mut self, name: &str) {
        if let Some(number) = number_of_own(name) {
            self.last = self.last.max(number);
        }
    }

    /// The number to store so that another process goes on counting from here.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Goes on counting from what another process stored.
    pub fn resume(&mut self, last: u64) {
        self.last = self.last.max(Some(last).filter(|last| *last <= MOST_STARTS).unwrap_or(0));
    }
}

/// Whether a job of ours may be called so: nothing else is believed of a file that is named after one.
pub fn is_own_name(name: &str) -> bool {
    number_of_own(name).is_some()
}

/// The number in a name of ours.
pub fn number_of_own(name: &str) -> Option<u64> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let longest = MOST_OF_DISK + 64;
    number_of(name).filter(|number| *number > 0 && *number <= MOST_STARTS && name.len() <= longest && name.chars().all(plain))
}

/// The number at the end of a name of ours.
fn number_of(name: &str) -> Option<u64> {
    let (stem, number) = name.rsplit_once('-')?;
    JobType::ALL
        .iter()
        .any(|t| stem == t.as_str() || stem.strip_prefix(t.as_str()).is_some_and(|r| r.starts_with('-')))
        .then(|| number.parse().ok())?
}

/// A disk name with only the characters that QEMU allows in an id.
fn as_id(disk: &str) -> String {
    disk.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' }).take(MOST_OF_DISK).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_given_twice() {
        let mut book = NameBook::default();
        assert_eq!(book.own(JobType::BlockCopy, Some("vda")), "block-copy-vda-1");
        assert_eq!(book.own(JobType::Migration, None), "migration-2");
        assert_eq!(book.foreign("job0"), "job0");
        assert_eq!(book.foreign("job0"), "job0#2");
        assert_eq!(book.foreign("job0"), "job0#3");
    }

    #[test]
    fn a_foreign_id_in_our_pattern_takes_no_name_of_ours() {
        let mut book = NameBook::default();
        assert_eq!(book.foreign("migration-1"), "migration-1");
        assert_eq!(book.own(JobType::Migration, None), "migration-2");
        assert_eq!(book.foreign("migration-2"), "migration-2#2");
        assert_eq!(book.foreign("migration-2"), "migration-2#3");
    }

    #[test]
    fn an_id_that_looks_like_a_repetition_is_not_taken_for_one() {
        let mut book = NameBook::default();
        let ids = ["a", "a#2", "a", "a#2", "a#2#1", "a#1", "a"];
        let names: std::collections::HashSet<String> = ids.iter().map(|id| book.foreign(id)).collect();
        assert_eq!(names.len(), ids.len(), "{names:?}");
    }

    #[test]
    fn numbers_that_nobody_can_have_reached_are_not_believed() {
        let mut book = NameBook::default();
        book.resume(u64::MAX);
        book.reserve("migration-18446744073709551615");
        book.reserve("block-copy-vda-7");
        assert_eq!(book.own(JobType::Migration, None), "migration-8");
        for name in ["block-copy-../x-1", "migration-0", "job-1", "migration-x", "block-copy-v\u{e9}-1", ""] {
            assert!(!is_own_name(name), "{name}");
        }
        for name in ["block-copy-vda-1", "migration-3", "block-pull-_node__-1"] {
            assert!(is_own_name(name), "{name}");
        }
    }

    #[test]
    fn a_strange_disk_name_gives_a_valid_id() {
        assert_eq!(NameBook::default().own(JobType::BlockPull, Some("#node é")), "block-pull-_node__-1");
    }
}
