//! Files that somebody else may have written: records of jobs, and images.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Choices;
use crate::driver::qemu::jobs::POWERS;
use crate::driver::qemu::migration::save_image;
use crate::driver::qemu::probe;
use crate::driver::qemu::records::format;
use crate::job::Engine;
use crate::model::{code, Now};
use crate::xml::{job::job_xml, reader};

/// A directory that goes with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("virt-jobs-fuzz-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Scratch(path)
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A record that is read is taken in, described, and the same when it is written again.
pub(super) fn records(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    // The name has to be that of the file.
    let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let name = value.as_ref().and_then(|value| value["job"]["name"].as_str()).unwrap_or("block-copy-vda-1");
    let (record, domain) = match format::decode(name, text) {
        Ok(read) => read,
        Err(why) => return assert!(!why.is_empty()),
    };
    let written = format::encode(&record, domain).unwrap_or_else(|error| panic!("{error}: {record:?}"));
    assert_eq!(format::decode(name, &written), Ok((record.clone(), domain)));
    let mut engine = Engine::new(POWERS);
    if engine.adopt(record, Now { mono_ms: 1 << 40, wall_ms: 1 << 41 }) {
        let job = engine.get(name).unwrap_or_else(|| panic!("{text} is lost"));
        let xml = job_xml(job, Now::default(), true);
        reader::parse(&xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
    }
}

/// A chain of images ends, in images that are there.
pub(super) fn images(input: &[u8]) {
    let (dir, mut choices) = (Scratch::new(), Choices(input));
    let format = [None, Some("qcow2"), Some("raw")][choices.below(3)];
    let top = dir.write("a", choices.bytes());
    dir.write("b", choices.bytes());
    dir.write("c", choices.0);
    let _ = probe::inspect(&top, format);
    match probe::chain(&top, format) {
        Ok(chain) => {
            assert!((1..=201).contains(&chain.len()));
            assert!(chain.iter().all(|image| !image.format.is_empty() && fs::metadata(&image.path).is_ok()), "{chain:?}");
        }
        Err(error) => {
            let codes = [code::SYSTEM_ERROR, code::OPERATION_INVALID, code::CONFIG_UNSUPPORTED, code::INTERNAL_ERROR];
            assert!(codes.contains(&error.code) && !error.message().is_empty(), "{error} ({})", error.code);
        }
    }
}

/// What is before QEMU's stream can be replaced, and the stream stays.
pub(super) fn save_image(input: &[u8]) {
    let dir = Scratch::new();
    let path = dir.write("image", input);
    let image = match save_image::Reader::open(&path) {
        Ok(image) => image,
        Err(error) => return assert!(error.code == code::OPERATION_FAILED && !error.message().is_empty(), "{error}"),
    };
    if save_image::rewrite(&path, &image.xml, Some(!image.running)).is_ok() {
        let again = save_image::Reader::open(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((&again.xml, again.running), (&image.xml, !image.running));
        let content = fs::read(&path).unwrap_or_else(|error| panic!("{error}"));
        let stream = |bytes: &[u8]| bytes.len() - 92 - u32::from_ne_bytes([content[20], content[21], content[22], content[23]]) as usize;
        assert_eq!(content.len(), input.len());
        assert!(content.ends_with(&input[input.len() - stream(input)..]));
    }
}
