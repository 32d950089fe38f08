//! Complaints about files, each made once in a process, and not more of them than somebody may want to read.

use std::collections::HashSet;

use parking_lot::Mutex;

/// How many complaints are remembered; there are no more after that.
const MOST: usize = 1024;
/// How many are made about one directory at a time.
const MOST_AT_ONCE: usize = 8;

static MADE: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// Says something on stderr unless it has been said.
pub(in crate::driver::qemu) fn say_once(what: String) {
    let mut made = MADE.lock();
    let made = made.get_or_insert_default();
    if made.len() < MOST && !made.contains(&what) {
        eprintln!("libvirt-jobs: {what}");
        made.insert(what);
    }
}

/// The first of many complaints, and how many more there are.
pub(in crate::driver::qemu) fn say_some(mut complaints: Vec<String>, about: &str) {
    complaints.sort();
    let more = complaints.len().saturating_sub(MOST_AT_ONCE);
    complaints.truncate(MOST_AT_ONCE);
    complaints.into_iter().for_each(say_once);
    if more > 0 {
        say_once(format!("{more} more files in '{about}' are passed over"));
    }
}
