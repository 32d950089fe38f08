use std::os::unix::fs::{symlink, PermissionsExt};

use super::*;
use crate::job::{JobConfig, JobStats};

const UUID: &str = "6695eb01-f6a4-8304-79aa-97f2502e193f";

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

fn store(records: &Records, name: &str, last_number: u64) {
    records.store(&record(name), last_number);
    records.write();
}

fn names(found: &Found) -> Vec<&str> {
    found.jobs.iter().map(|(job, _)| job.name.as_str()).collect()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A directory with records of two jobs, and where they are.
fn two_records() -> (tempfile::TempDir, Records, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let records = Records::of_domain(dir.path(), "vm");
    store(&records, "block-copy-vda-1", 1);
    store(&records, "block-copy-vda-2", 2);
    let place = dir.path().join("vm.jobs");
    (dir, records, place)
}

#[test]
fn what_was_stored_is_found_again() {
    let (dir, records, _) = two_records();
    records.forget("block-copy-vda-1");
    records.write();
    let found = Records::of_domain(dir.path(), "vm").load();
    assert_eq!(found.jobs, [(record("block-copy-vda-2"), None)]);
    assert_eq!(found.last_number, 2);
}

#[test]
fn of_several_changes_the_last_counts() {
    let (_dir, records, place) = two_records();
    records.forget("block-copy-vda-1");
    records.store(&JobRecord { started: 9, ..record("block-copy-vda-1") }, 3);
    records.store(&record("block-copy-vda-2"), 3);
    records.forget("block-copy-vda-2");
    records.write();
    assert!(place.join("block-copy-vda-1.json").exists() && !place.join("block-copy-vda-2.json").exists());
    assert_eq!(records.load().jobs[0].0.started, 9);
    assert_eq!(fs::read_to_string(place.join("last-number")).unwrap(), "3\n");
}

#[test]
fn files_that_are_no_records_are_passed_over_and_left_alone() {
    let (_dir, records, place) = two_records();
    let good = fs::read_to_string(place.join("block-copy-vda-1.json")).unwrap();
    let deep = format!("{{\"version\": 1, \"x\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let named = |name: &str| good.replace("block-copy-vda-1", name);
    let bad = [
        ("migration-3", good[..good.len() / 2].to_owned()),
        ("migration-4", good.clone()),
        ("migration-5", named("migration-5").replace("\"version\": 1", "\"version\": 2")),
        ("migration-6", named("migration-6").replace("\"started\": 5", "\"started\": -5")),
        ("migration-7", named("migration-7").replace("\"started\": 5", "\"started\": 99999999999999999999999")),
        ("migration-8", named("migration-8").replace("\"block-copy\"", "\"teleport\"")),
        ("migration-9", named("migration-9").replace("\"version\": 1", "\"version\": 1, \"domain\": \"somebody\"")),
        ("migration-10", named("migration-10").replace("\"id\": \"migration-10\"", "\"id\": \"a\\u0000b\"")),
        ("migration-11", deep),
        ("migration-12", String::new()),
        ("migration-13", "null".to_owned()),
        ("migration-14", format!("{}{}", named("migration-14"), " ".repeat(MAX_RECORD as usize))),
        ("migration-18446744073709551615", named("migration-18446744073709551615")),
        ("name", named("name")),
        ("block-copy-v\u{e9}-1", named("block-copy-v\u{e9}-1")),
        ("..", named("..")),
    ];
    for (name, text) in &bad {
        fs::write(place.join(format!("{name}.json")), text).unwrap();
    }
    fs::write(place.join("last-number"), "many").unwrap();
    let before = fs::read_dir(&place).unwrap().count();
    let found = records.load();
    assert_eq!(names(&found), ["block-copy-vda-1", "block-copy-vda-2"]);
    // Also a file that cannot be used may be that of a job that there was.
    assert_eq!(found.last_number, 14);
    records.remove_all();
    assert_eq!(fs::read_dir(&place).unwrap().count(), before);
}

#[test]
fn only_plain_files_of_this_user_alone_are_read() {
    let (dir, records, place) = two_records();
    let path = |name: &str| place.join(format!("{name}.json"));
    let text = |name: &str| fs::read_to_string(path("block-copy-vda-1")).unwrap().replace("block-copy-vda-1", name);
    fs::write(dir.path().join("elsewhere"), text("migration-3")).unwrap();
    symlink(dir.path().join("elsewhere"), path("migration-3")).unwrap();
    fs::write(dir.path().join("twice"), text("migration-4")).unwrap();
    fs::hard_link(dir.path().join("twice"), path("migration-4")).unwrap();
    fs::write(path("migration-5"), text("migration-5")).unwrap();
    fs::set_permissions(path("migration-5"), fs::Permissions::from_mode(0o666)).unwrap();
    fs::create_dir(path("migration-6")).unwrap();
    symlink("/dev/zero", path("migration-7")).unwrap();
    for (name, kind) in [("migration-8", libc::S_IFIFO), ("migration-9", libc::S_IFCHR)] {
        let name = std::ffi::CString::new(path(name).to_str().unwrap()).unwrap();
        // SAFETY: the name is a terminated string. The device is that of /dev/zero; not everybody may make it.
        unsafe { libc::mknod(name.as_ptr(), kind | 0o600, libc::makedev(1, 5)) };
    }
    fs::write(path("migration-10"), text("migration-10")).unwrap();
    if std::os::unix::fs::chown(path("migration-10"), Some(12_345), None).is_err() {
        fs::remove_file(path("migration-10")).unwrap();
    }
    assert_eq!(names(&records.load()), ["block-copy-vda-1", "block-copy-vda-2"]);
}

#[test]
fn a_directory_that_is_not_ours_is_neither_read_nor_written() {
    let (dir, _, place) = two_records();
    symlink(&place, dir.path().join("link.jobs")).unwrap();
    let linked = Records::of_domain(dir.path(), "link");
    assert_eq!(names(&linked.load()), [""; 0]);
    store(&linked, "block-copy-vda-7", 7);
    fs::write(dir.path().join("file.jobs"), "").unwrap();
    let file = Records::of_domain(dir.path(), "file");
    assert_eq!(names(&file.load()), [""; 0]);
    store(&file, "block-copy-vda-7", 7);
    if std::os::unix::fs::chown(&place, Some(12_345), None).is_ok() {
        let records = Records::of_domain(dir.path(), "vm");
        assert_eq!(names(&records.load()), [""; 0]);
        store(&records, "block-copy-vda-7", 7);
        records.remove_all();
        assert!(place.exists());
    }
    assert!(!place.join("block-copy-vda-7.json").exists());
}

#[test]
fn nobody_else_may_look_at_records() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("vm.jobs");
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
    let records = Records::of_domain(dir.path(), "vm");
    store(&records, "block-copy-vda-1", 1);
    records.write_definition(|| "<domain/>".to_owned()).unwrap();
    assert_eq!(mode(&place), 0o700);
    for entry in fs::read_dir(&place).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn names_are_counted_on_from_the_highest_that_is_known() {
    let (_dir, records, place) = two_records();
    assert_eq!(records.load().last_number, 2);
    for (text, expected) in [("40", 40), ("1", 2), ("", 2), ("-1", 2), ("1e9", 2), ("\0\0\0\0", 2), (&"9".repeat(60), 2)] {
        fs::write(place.join("last-number"), text).unwrap();
        assert_eq!(records.load().last_number, expected, "{text:?}");
    }
    fs::remove_file(place.join("last-number")).unwrap();
    assert_eq!(records.load().last_number, 2);
}

#[test]
fn of_very_many_records_the_latest_are_taken_in() {
    let (_dir, records, place) = two_records();
    let text = fs::read_to_string(place.join("block-copy-vda-1.json")).unwrap();
    let last = MOST_RECORDS + 100;
    for n in 3..=last {
        let name = format!("block-copy-vda-{n}");
        fs::write(place.join(format!("{name}.json")), text.replace("block-copy-vda-1", &name)).unwrap();
    }
    (0..20_000).for_each(|n| fs::write(place.join(format!("other-{n}")), "").unwrap());
    let started = std::time::Instant::now();
    let found = records.load();
    assert_eq!((found.jobs.len(), found.last_number), (MOST_RECORDS, last as u64));
    assert!(found.jobs.iter().all(|(job, _)| job.name != "block-copy-vda-1"));
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn records_say_whose_they_are_and_that_there_are_some() {
    let dir = tempfile::tempdir().unwrap();
    let uuid = Uuid::parse(UUID).unwrap();
    let other = Uuid::from_random([7; 16]);
    let records = Records::of_domain(dir.path(), "a b").named(uuid);
    records.write_definition(|| format!("<domain><uuid>{uuid}</uuid></domain>")).unwrap();
    assert_eq!(Records::names(dir.path(), |_| false), [""; 0]);
    store(&records, "block-copy-vda-1", 1);
    store(&Records::of_domain(dir.path(), "a b").named(other), "block-copy-vda-2", 2);
    assert_eq!(Records::names(dir.path(), |_| false), ["a b"]);
    assert_eq!(Records::names(dir.path(), |name| name == "a b"), [""; 0]);
    let mut found = records.load();
    assert_eq!(found.latest_domain().map(|uuid| uuid.to_string()), Some(other.to_string()));
    assert_eq!(found.take(uuid), [record("block-copy-vda-1")]);
    assert_eq!(names(&found), ["block-copy-vda-2"]);
    records.forget("block-copy-vda-1");
    // What the other domain left stays.
    records.remove_all();
    assert_eq!(records.read_definition(), None);
    assert_eq!(names(&records.load()), ["block-copy-vda-2"]);
    Records::of_domain(dir.path(), "a b").forget("block-copy-vda-2");
    records.remove_all();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn what_a_writer_left_that_was_stopped_is_removed() {
    let (_dir, records, place) = two_records();
    fs::write(place.join(".block-copy-vda-3.json.77-0.tmp"), "{").unwrap();
    records.load();
    assert_eq!(fs::read_dir(&place).unwrap().count(), 3);
}

#[test]
fn a_disk_that_is_full_costs_the_record_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let [source, target, kind, size] =
        ["none", dir.path().to_str().unwrap(), "tmpfs", "size=16k"].map(|s| std::ffi::CString::new(s).unwrap());
    // SAFETY: all four are terminated strings.
    if unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), 0, size.as_ptr().cast()) } != 0 {
        eprintln!("SKIP: not everybody may mount a file system");
        return;
    }
    let records = Records::of_domain(dir.path(), "vm");
    (1..20).for_each(|n| store(&records, &format!("block-copy-vda-{n}"), n));
    let kept = names(&records.load()).len();
    (1..20).for_each(|n| records.forget(&format!("block-copy-vda-{n}")));
    store(&records, "block-copy-vda-20", 20);
    let found = records.load();
    drop(records);
    // SAFETY: as above.
    unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) };
    assert!((1..19).contains(&kept), "{kept}");
    assert_eq!(names(&found), ["block-copy-vda-20"]);
}

#[test]
fn what_waits_for_a_record_comes_after_it() {
    let (_dir, records, place) = two_records();
    for n in 3..30 {
        let (file, (done, wait)) = (place.join(format!("migration-{n}.json")), std::sync::mpsc::channel());
        records.store(&record(&format!("migration-{n}")), n);
        records.when_written(move || done.send(file.exists()).unwrap());
        assert!(wait.recv().unwrap());
    }
    // Nothing is waited for where nothing is due.
    records.write();
    let (done, wait) = std::sync::mpsc::channel();
    records.when_written(move || done.send(()).unwrap());
    assert!(wait.try_recv().is_ok());
}

#[test]
fn files_that_are_written_at_once_are_written_whole() {
    let dir = tempfile::tempdir().unwrap();
    let text = |n: usize| n.to_string().repeat(5000);
    let reader = Records::of_domain(dir.path(), "vm");
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (records, text) = (Records::of_domain(dir.path(), "vm"), &text);
            scope.spawn(move || {
                (0..50).for_each(|_| {
                    records.store_definition(|| text(n));
                    store(&records, "block-copy-vda-1", n as u64);
                });
            });
        }
        for _ in 0..200 {
            let read = reader.read_definition().unwrap_or_else(|| text(0));
            assert!((0..4).any(|n| read == text(n)), "{} bytes", read.len());
        }
    });
    assert_eq!(names(&reader.load()), ["block-copy-vda-1"]);
    assert_eq!(fs::read_dir(dir.path().join("vm.jobs")).unwrap().count(), 3);
}
