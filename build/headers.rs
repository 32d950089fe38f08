//! The C headers, written to OUT_DIR; `tests/header_drift.rs` compares them with those under `include/`.
//!
//! A header is a template (`src/capi/abi/*.h.in`) whose lines `@section NAME@` are replaced by what cbindgen makes of one
//! section: the types of `src/capi/abi/NAME.rs`, then the functions that `symbols.map` puts there, with their
//! documentation. So each section is a chapter of its own, and the templates hold what cbindgen cannot express: string
//! macros, macros with arguments and variables.

use std::path::{Path, PathBuf};
use std::{env, fs};

use cbindgen::{Config, ItemType};

use crate::symbols::Symbol;

pub fn write(symbols: &[Symbol]) {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let generator = Generator::new(&root, symbols);
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("include/libvirt");
    fs::create_dir_all(&out).unwrap_or_else(|e| panic!("{}: {e}", out.display()));
    for template in files(&root.join("src/capi/abi"), "in") {
        let name = template.file_stem().expect("a file has a name");
        let path = out.join(name);
        fs::write(&path, generator.header(&template)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}

struct Generator<'a> {
    config: Config,
    abi: PathBuf,
    symbols: &'a [Symbol],
    /// The files that define the functions, with their text.
    sources: Vec<(PathBuf, String)>,
}

impl<'a> Generator<'a> {
    fn new(root: &Path, symbols: &'a [Symbol]) -> Generator<'a> {
        let config = root.join("cbindgen.toml");
        let capi = root.join("src/capi");
        println!("cargo:rerun-if-changed={}", config.display());
        println!("cargo:rerun-if-changed={}", capi.display());
        Generator {
            config: Config::from_file(&config).unwrap_or_else(|e| panic!("{}: {e}", config.display())),
            abi: capi.join("abi"),
            symbols,
            sources: files(&capi, "rs").into_iter().map(|path| (path.clone(), read(&path))).collect(),
        }
    }

    fn header(&self, template: &Path) -> String {
        let mut header = String::new();
        for line in read(template).lines() {
            let section = line.strip_prefix("@section ").and_then(|rest| rest.strip_suffix('@'));
            let text = match section {
                Some(name) => self.section(name),
                None => line.replace("@VERSION@", env!("CARGO_PKG_VERSION")).replace("@VERSION_NUMBER@", &version_number()) + "\n",
            };
            header.push_str(&text);
        }
        header
    }

    fn section(&self, name: &str) -> String {
        let parts = [self.types(name), self.functions(name)];
        let parts: Vec<String> = parts.iter().filter(|part| !part.is_empty()).map(|part| compact(part)).collect();
        parts.join("\n")
    }

    /// Constants and types of a section.
    fn types(&self, section: &str) -> String {
        let path = self.abi.join(section).with_extension("rs");
        let mut config = self.config.clone();
        config.export.include = read(&path).lines().filter_map(defined_type).map(str::to_owned).collect();
        print(config, &[&path])
    }

    /// Functions of a section, each file's in the order in which it defines them.
    fn functions(&self, section: &str) -> String {
        let (here, elsewhere): (Vec<_>, Vec<_>) = self.symbols.iter().partition(|symbol| symbol.section == section);
        let defined_here = |text: &str| here.iter().any(|symbol| text.contains(&format!("fn {}(", symbol.name)));
        let sources: Vec<&Path> = self.sources.iter().filter(|(_, text)| defined_here(text)).map(|(path, _)| path.as_path()).collect();
        if sources.is_empty() {
            return String::new();
        }
        let mut config = self.config.clone();
        config.export.item_types = vec![ItemType::Functions];
        config.export.exclude = elsewhere.iter().map(|symbol| symbol.name.clone()).collect();
        print(config, &sources)
    }
}

fn print(config: Config, sources: &[&Path]) -> String {
    let builder = sources.iter().fold(cbindgen::Builder::new().with_config(config), |builder, path| builder.with_src(path));
    let bindings = builder.generate().unwrap_or_else(|e| panic!("{}: {e}", sources[0].display()));
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).expect("cbindgen writes UTF-8")
}

/// The same text with comments of one sentence on one line.
fn compact(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let sentence = lines.get(at + 1).and_then(|next| next.trim_start().strip_prefix("* "));
        match (line.strip_suffix("/**"), sentence, lines.get(at + 2).map(|end| end.trim())) {
            (Some(indent), Some(sentence), Some("*/")) if indent.len() + sentence.len() <= LONGEST_COMMENT => {
                out += &format!("{indent}/** {sentence} */\n");
                at += 3;
            }
            _ => {
                out += line;
                out.push('\n');
                at += 1;
            }
        }
    }
    out
}

/// How long a comment on one line may be, without its marks.
const LONGEST_COMMENT: usize = 112;

/// The type that a line of a section's file defines; cbindgen leaves out types that no function uses unless it is told.
fn defined_type(line: &str) -> Option<&str> {
    let rest = ["pub enum ", "pub struct ", "pub type ", "pub union "].iter().find_map(|start| line.strip_prefix(start))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

fn version_number() -> String {
    let part = |name| env::var(name).ok().and_then(|text| text.parse::<u32>().ok()).expect("cargo sets the version");
    let (major, minor, patch) = (part("CARGO_PKG_VERSION_MAJOR"), part("CARGO_PKG_VERSION_MINOR"), part("CARGO_PKG_VERSION_PATCH"));
    (major * 1_000_000 + minor * 1_000 + patch).to_string()
}

/// The files of a directory with this extension, sorted, so that the result does not depend on the file system.
fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
