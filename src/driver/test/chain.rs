//! Finding disks and images by the names that the API has for them, and changing chains when jobs end.

use super::vm::Locked;
use crate::model::disk::{Disk, Image};
use crate::model::{Error, Result};

/// A disk by `<target dev>` or by the path of its source.
pub(super) fn find_disk<'a>(disks: &'a [Disk], name: &str) -> Result<&'a Disk> {
    let by_path = || disks.iter().find(|disk| disk.source().is_some_and(|image| image.path == name));
    disks
        .iter()
        .find(|disk| disk.target == name)
        .or_else(by_path)
        .ok_or_else(|| Error::invalid_arg(format!("disk '{name}' not found in domain")))
}

/// The place in the disk's chain, not above `from`, of the image that is called `vda[N]`, by its path, or by a name that
/// is relative to the image above it.
pub(super) fn find_image(disk: &Disk, name: &str, from: usize) -> Result<usize> {
    let index = index_of(disk, name);
    let called = |place: usize| match index {
        Some(index) => disk.chain[place].index == index,
        None => disk.chain[place].path == name || (place > 0 && relative_to(&disk.chain[place - 1].path, name) == disk.chain[place].path),
    };
    let beneath = if from > 0 { format!(" beneath '{}'", disk.chain[from - 1].path) } else { String::new() };
    let what = index.map_or_else(|| format!("image '{name}'"), |index| format!("backing store index '{index}'"));
    (from..disk.chain.len())
        .find(|&place| called(place))
        .ok_or_else(|| Error::invalid_arg(format!("could not find {what}{beneath} in chain for '{}'", disk.target)))
}

/// The N of `vda[N]`, if the name is of that form and of this disk. No image has the number 0.
fn index_of(disk: &Disk, name: &str) -> Option<u32> {
    let number = name.strip_prefix(disk.target.as_str())?.strip_prefix('[')?.strip_suffix(']')?;
    number.parse().ok().filter(|&index| index > 0)
}

/// The path that a name means in the directory of another.
fn relative_to(path: &str, name: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) if !name.is_empty() && !name.starts_with('/') => format!("{folder}/{name}"),
        _ => name.to_owned(),
    }
}

impl Locked<'_> {
    /// A disk of the running domain.
    pub fn disk(&mut self, name: &str) -> Result<Disk> {
        Ok(find_disk(&self.live()?.disks, name)?.clone())
    }

    /// Gives new images of this disk their numbers.
    pub fn number(&mut self, chain: &mut [Image]) {
        for image in chain {
            image.index = self.inner.next_index;
            self.inner.next_index = self.inner.next_index.saturating_add(1);
        }
    }

    /// Changes a disk's chain, as it is and as it will be after the next start. A disk that is unplugged has none.
    pub fn change_chain(&mut self, target: &str, change: impl Fn(&mut Vec<Image>)) {
        let inner = &mut *self.inner;
        for def in [&mut inner.live, &mut inner.persistent].into_iter().flatten() {
            if let Some(disk) = def.disks.iter_mut().find(|disk| disk.target == target) {
                change(&mut disk.chain);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::code;

    fn disk() -> Disk {
        let image = |index: u32| Image { path: format!("/i/{index}"), index, ..Image::default() };
        Disk { target: "vda".to_owned(), chain: (0..4).map(image).collect(), ..Disk::default() }
    }

    #[test]
    fn an_image_is_found_by_number_and_by_path() {
        assert_eq!(find_image(&disk(), "vda[2]", 0), Ok(2));
        assert_eq!(find_image(&disk(), "/i/3", 0), Ok(3));
        assert_eq!(find_image(&disk(), "3", 1), Ok(3), "in the directory of the image above");
    }

    #[test]
    fn an_image_that_is_not_there_is_an_invalid_argument_that_names_it() {
        for (name, from) in [("vda[9]", 0), ("vdb[1]", 0), ("vda[1]", 2), ("/nowhere", 0), ("vda[1", 0), ("vda[0]", 0), ("vda", 0), ("", 0)]
        {
            let error = find_image(&disk(), name, from).expect_err(name);
            assert_eq!(error.code, code::INVALID_ARG);
        }
        assert!(find_image(&disk(), "vda[1]", 2).unwrap_err().detail.contains("beneath '/i/1'"));
    }
}
