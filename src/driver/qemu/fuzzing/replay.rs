//! The kept corpus, on any toolchain: what the fuzzer once found interesting, and what it once found wrong.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{run, TARGETS};

#[test]
fn the_kept_corpus_of_the_fuzzer_breaks_nothing() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, _) in TARGETS {
        let mut seen = 0;
        for entry in fs::read_dir(corpus.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")) {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            let started = Instant::now();
            println!("{}", path.display());
            run(name, &input);
            assert!(started.elapsed() < Duration::from_secs(10), "{} took {:?}", path.display(), started.elapsed());
            seen += 1;
        }
        assert!(seen > 0, "{name} has no corpus");
    }
}
