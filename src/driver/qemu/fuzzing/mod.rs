//! What the fuzzer runs (`fuzz/`, `make fuzz`): one function for each reader of input that is not trusted.
//!
//! It is no part of the library: it is compiled for the library's own tests, which replay the kept corpus, and where
//! `cargo fuzz` sets `cfg(fuzzing)`. Each function takes bytes, hands them to the reader in question, and asserts what holds
//! whatever they are. That there is no panic and no end of time or memory is the least of it.

mod documents;
mod files;
mod protocol;
#[cfg(test)]
mod replay;
mod watch;

/// A reader by the name of its corpus, with what it is to be held to.
pub type Target = (&'static str, fn(&[u8]));

/// All there are.
pub const TARGETS: &[Target] = &[
    ("splitter", protocol::splitter),
    ("message", protocol::message),
    ("conversation", protocol::conversation),
    ("disks", protocol::disks),
    ("engine", watch::engine),
    ("xml", documents::any),
    ("domain-xml", documents::domain),
    ("disk-xml", documents::disk),
    ("backup-xml", documents::backup),
    ("snapshot-xml", documents::snapshot),
    ("uri", documents::uri),
    ("records", files::records),
    ("images", files::images),
    ("save-image", files::save_image),
];

/// Runs one of them.
///
/// # Panics
/// If something does not hold that has to, and if there is no such target.
pub fn run(name: &str, input: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("there is no target {name}"));
    target(input);
}

/// Input as a source of choices; when it is used up, of zeroes.
struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    fn one<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// A number of any size; small ones and the largest are frequent.
    fn number(&mut self) -> u64 {
        match self.byte() {
            255 => u64::MAX,
            254 => (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte())),
            small => u64::from(small),
        }
    }

    /// As many bytes as the next two say.
    fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()) | usize::from(self.byte()) << 8;
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
