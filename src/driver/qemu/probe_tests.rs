use std::path::PathBuf;

use super::*;
use crate::driver::qemu::qcow2::samples;

/// A directory of images for one test.
struct Images(tempfile::TempDir);

impl Images {
    fn new() -> Images {
        Images(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn raw(&self, name: &str, size: u64) -> PathBuf {
        let path = self.at(name);
        File::create(&path).unwrap().set_len(size).unwrap();
        path
    }

    fn qcow2(&self, name: &str, backing: &str, format: Option<&str>) -> PathBuf {
        let path = self.at(name);
        std::fs::write(&path, samples::image(1 << 20, backing, format)).unwrap();
        path
    }

    fn paths(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| self.at(name).to_str().unwrap().to_owned()).collect()
    }
}

fn paths(chain: &[Image]) -> Vec<String> {
    chain.iter().map(|image| image.path.clone()).collect()
}

fn formats(chain: &[Image]) -> Vec<&str> {
    chain.iter().map(|image| image.format.as_str()).collect()
}

fn refusal(path: &Path, format: Option<&str>) -> Error {
    chain(path, format).unwrap_err()
}

#[test]
fn a_chain_is_followed_from_the_top_to_its_end() {
    let images = Images::new();
    images.raw("base.img", 4096);
    images.qcow2("mid.qcow2", "base.img", Some("raw"));
    let top = images.qcow2("top.qcow2", images.at("mid.qcow2").to_str().unwrap(), Some("qcow2"));
    let found = chain(&top, Some("qcow2")).unwrap();
    assert_eq!(paths(&found), images.paths(&["top.qcow2", "mid.qcow2", "base.img"]));
    assert_eq!(formats(&found), ["qcow2", "qcow2", "raw"]);
    assert!(found.iter().all(|image| image.index == 0 && image.kind == ImageKind::File));
}

#[test]
fn an_image_given_as_raw_is_never_read_as_something_else() {
    let images = Images::new();
    let top = images.qcow2("top.qcow2", "/etc/passwd", Some("raw"));
    assert_eq!(formats(&chain(&top, Some("raw")).unwrap()), ["raw"]);
    images.qcow2("over.qcow2", "top.qcow2", Some("raw"));
    assert_eq!(formats(&chain(&images.at("over.qcow2"), None).unwrap()), ["qcow2", "raw"]);
}

#[test]
fn a_backing_image_without_format_is_accepted_only_where_it_ends_the_chain() {
    let images = Images::new();
    images.raw("r.img", 512);
    images.qcow2("q.qcow2", "", None);
    images.qcow2("deep.qcow2", "r.img", Some("raw"));
    for (name, format) in [("r.img", "raw"), ("q.qcow2", "qcow2")] {
        let top = images.qcow2("top.qcow2", name, None);
        assert_eq!(formats(&chain(&top, Some("qcow2")).unwrap()), ["qcow2", format]);
    }
    let top = images.qcow2("top.qcow2", "deep.qcow2", None);
    let error = refusal(&top, Some("qcow2"));
    assert_eq!((error.code, error.domain), (code::OPERATION_INVALID, from::STORAGE));
    assert!(error.detail.contains("'deep.qcow2'"), "{error}");
    let unknown_word = images.qcow2("word.qcow2", "q.qcow2", Some("qcxyz"));
    assert_eq!(formats(&chain(&unknown_word, Some("qcow2")).unwrap()), ["qcow2", "qcow2"]);
}

#[test]
fn a_missing_image_is_named_with_the_top_of_its_chain() {
    let images = Images::new();
    let error = refusal(&images.at("gone"), Some("qcow2"));
    assert_eq!((error.code, error.domain), (code::SYSTEM_ERROR, from::STORAGE));
    assert!(error.detail.starts_with("Cannot access storage file '") && error.detail.contains("No such file"), "{error}");
    images.qcow2("mid.qcow2", "gone", Some("raw"));
    let top = images.qcow2("top.qcow2", "mid.qcow2", Some("qcow2"));
    let error = refusal(&top, Some("qcow2"));
    assert_eq!((error.code, error.domain), (code::SYSTEM_ERROR, from::STORAGE));
    let expected = format!("Cannot access backing file '{}' of storage file '{}'", images.at("gone").display(), top.display());
    assert!(error.detail.starts_with(&expected), "{error}");
}

#[test]
fn a_chain_that_bites_its_tail_is_refused() {
    let images = Images::new();
    let a = images.qcow2("a", "b", Some("qcow2"));
    images.qcow2("b", "a", Some("qcow2"));
    let error = refusal(&a, Some("qcow2"));
    assert_eq!((error.code, error.domain), (code::INTERNAL_ERROR, from::STORAGE));
    assert!(error.detail.contains("self-referential"), "{error}");
}

#[test]
fn two_hundred_images_are_a_chain_and_one_more_is_too_many() {
    let images = Images::new();
    images.qcow2("0", "", None);
    for n in 1..=MAX_DEPTH {
        images.qcow2(&n.to_string(), &(n - 1).to_string(), Some("qcow2"));
    }
    assert_eq!(chain(&images.at("199"), Some("qcow2")).unwrap().len(), MAX_DEPTH);
    let error = refusal(&images.at("200"), Some("qcow2"));
    assert_eq!(error.code, code::INTERNAL_ERROR);
    assert!(error.detail.contains(images.at("0").to_str().unwrap()), "{error}");
}

#[test]
fn directories_pipes_and_broken_headers_are_refused() {
    let images = Images::new();
    std::fs::create_dir(images.at("dir")).unwrap();
    assert_eq!(refusal(&images.at("dir"), Some("qcow2")).code, code::SYSTEM_ERROR);
    assert_eq!(refusal(&images.at("dir"), Some("raw")).code, code::INTERNAL_ERROR);
    let top = images.qcow2("top.qcow2", "dir", Some("raw"));
    assert_eq!(refusal(&top, Some("qcow2")).code, code::CONFIG_UNSUPPORTED);
    let pipe = std::ffi::CString::new(images.at("pipe").to_str().unwrap()).unwrap();
    // SAFETY: the path is a terminated string.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
    assert_eq!(refusal(&images.at("pipe"), Some("raw")).code, code::INTERNAL_ERROR);
    assert_eq!(refusal(&images.raw("zero.img", 4096), Some("qcow2")).code, code::INTERNAL_ERROR);
    assert_eq!(refusal(&images.raw("empty.img", 0), Some("qcow2")).code, code::INTERNAL_ERROR);
}

#[test]
fn formats_and_features_that_cannot_be_opened_are_named() {
    let images = Images::new();
    let raw = images.raw("r.img", 512);
    for format in ["vmdk", "foo"] {
        let error = refusal(&raw, Some(format));
        assert_eq!(error.code, code::CONFIG_UNSUPPORTED);
        assert!(error.detail.contains(format), "{error}");
    }
    std::fs::write(images.at("v"), b"KDMV and more").unwrap();
    assert_eq!(refusal(&images.at("v"), None).code, code::CONFIG_UNSUPPORTED);
    let top = images.qcow2("top.qcow2", "nbd://localhost/x", Some("raw"));
    let error = refusal(&top, Some("qcow2"));
    assert_eq!(error.code, code::CONFIG_UNSUPPORTED);
    assert!(error.detail.contains("nbd://localhost/x"), "{error}");
}

#[test]
fn format_and_size_of_the_disk_are_read_without_any_tool() {
    let images = Images::new();
    let seen = |path: &Path, format| inspect(path, format).map(|info| (info.format, info.virtual_size));
    assert_eq!(seen(&images.raw("r.img", 1000), Some("raw")), Ok(("raw", 1024)));
    assert_eq!(seen(&images.raw("e.img", 0), None), Ok(("raw", 0)));
    let top = images.qcow2("q.qcow2", "nothing", None);
    assert_eq!(seen(&top, Some("qcow2")), Ok(("qcow2", 1 << 20)));
    assert_eq!(seen(&top, None), Ok(("qcow2", 1 << 20)));
    assert_eq!(seen(&top, Some("raw")), Ok(("raw", 512)));
    assert_eq!(seen(&images.at("gone"), None).map_err(|e| e.code), Err(code::SYSTEM_ERROR));
}

#[test]
fn a_disk_is_completed_from_where_its_configuration_ends() {
    let images = Images::new();
    images.raw("base.img", 512);
    images.qcow2("mid", "base.img", Some("raw"));
    images.qcow2("top", "elsewhere", Some("raw"));
    let image = |name: &str, format: &str| Image { path: images.paths(&[name]).remove(0), format: format.into(), ..Image::default() };
    let named = vec![image("top", "qcow2"), image("mid", "qcow2")];
    let mut disk = Disk { chain: named.clone(), probe_after: Some(2), ..Disk::default() };
    complete(&mut disk).unwrap();
    assert_eq!(paths(&disk.chain), images.paths(&["top", "mid", "base.img"]));
    let mut whole = Disk { chain: named, probe_after: None, ..Disk::default() };
    complete(&mut whole).unwrap();
    assert_eq!(whole.chain.len(), 2);
    let mut empty = Disk { probe_after: Some(0), ..Disk::default() };
    complete(&mut empty).unwrap();
    assert!(empty.chain.is_empty());
    let mut gone = Disk { chain: vec![image("top", "qcow2"), image("gone", "raw")], probe_after: None, ..Disk::default() };
    let error = complete(&mut gone).unwrap_err();
    assert!(error.detail.starts_with("Cannot access backing file"), "{error}");
}
