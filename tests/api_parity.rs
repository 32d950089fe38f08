//! What the headers declare is what the installed libvirt describes of itself, function by function and number by number.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use quick_xml::events::{BytesStart, Event};
use quick_xml::Reader;

/// The description that comes with libvirt's development files.
const API: &str = "/usr/share/libvirt/api/libvirt-api.xml";

/// The release whose interface ours is: `LIBVIR_VERSION_NUMBER`.
const INTERFACE: &str = "9.0.0";

/// Names that mean something in our headers alone.
const OURS: &[&str] = &["VIR_DOMAIN_EVENT_ID_JOB_STATE", "VIR_DOMAIN_JOB_TYPE_"];

/// Names of libvirt's that our own headers leave out: their number is a job's event here.
const LEFT_OUT: &[&str] = &["VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE"];

#[derive(Default)]
struct Api {
    /// Result and argument types by function.
    functions: BTreeMap<String, Vec<String>>,
    /// Which header declares each function.
    headers: BTreeMap<String, String>,
    /// Values by type and name.
    enums: BTreeMap<String, BTreeMap<String, String>>,
    /// Members that came after the release whose interface ours is.
    newer: BTreeSet<String>,
}

impl Api {
    /// `None` where libvirt's description is not installed; says so past the harness, which shows nothing of tests that pass.
    fn read_or_skip() -> Option<Api> {
        let api = Api::read();
        if api.is_none() {
            let _ = writeln!(std::io::stderr(), "SKIP: no {API}");
        }
        api
    }

    fn read() -> Option<Api> {
        let text = fs::read_to_string(API).ok()?;
        let mut reader = Reader::from_str(&text);
        let mut api = Api::default();
        let mut function = String::new();
        loop {
            match reader.read_event().expect("libvirt's own XML is well formed") {
                Event::Start(tag) | Event::Empty(tag) => api.tag(&tag, &mut function),
                Event::End(tag) if tag.name().as_ref() == "function" => function.clear(),
                Event::Eof => return Some(api),
                _ => {}
            }
        }
    }

    fn tag(&mut self, tag: &BytesStart<'_>, function: &mut String) {
        let attribute = |name: &str| {
            let found = tag.attributes().flatten().find(|a| a.key.as_ref() == name);
            found.map(|a| a.value.into_owned()).unwrap_or_default()
        };
        match tag.name().as_ref() {
            "function" => {
                *function = attribute("name");
                self.headers.insert(function.clone(), attribute("file"));
                self.functions.insert(function.clone(), Vec::new());
            }
            "return" | "arg" if !function.is_empty() => {
                self.functions.get_mut(function).expect("just inserted").push(normal(&attribute("type")));
            }
            "enum" => {
                if release(&attribute("version")) > release(INTERFACE) {
                    self.newer.insert(attribute("name"));
                }
                self.enums.entry(attribute("type")).or_default().insert(attribute("name"), attribute("value"));
            }
            _ => {}
        }
    }

    fn value(&self, text: &str) -> i64 {
        text.parse().unwrap_or_else(|_| {
            let named = self.enums.values().find_map(|values| values.get(text));
            self.value(named.unwrap_or_else(|| panic!("{API}: {text} has no value")))
        })
    }
}

/// `9.0.0` in a form that can be compared.
fn release(text: &str) -> Vec<u32> {
    text.split('.').filter_map(|part| part.parse().ok()).collect()
}

/// A type, written in one way (`const char **`), without a `const` of the argument itself.
fn normal(text: &str) -> String {
    let spaced = text.replace('*', " * ");
    let joined = spaced.split_whitespace().collect::<Vec<_>>().join(" ").replace("* *", "**").replace("* *", "**");
    joined.strip_suffix(" const").unwrap_or(&joined).to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Our headers without comments and preprocessor lines.
fn headers() -> String {
    let dir = root().join("include/libvirt");
    let mut text = String::new();
    for entry in fs::read_dir(dir).unwrap() {
        text += &fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("/*") {
        plain += before;
        rest = after.split_once("*/").expect("comments end").1;
    }
    plain += rest;
    let lines = plain.lines().filter(|line| !line.starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

/// Result and argument types of the functions that the headers declare.
fn declared_functions(headers: &str) -> BTreeMap<String, Vec<String>> {
    let statements = headers.split(';').map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "));
    let prototypes = statements.filter(|s| s.ends_with(')') && !s.starts_with("typedef") && !s.contains('{'));
    prototypes.map(|prototype| parse_prototype(&prototype)).collect()
}

fn parse_prototype(text: &str) -> (String, Vec<String>) {
    let (head, arguments) = text.split_once('(').unwrap();
    let at = head.rfind(|c: char| !c.is_alphanumeric() && c != '_').unwrap() + 1;
    let mut types = vec![normal(&head[..at])];
    let arguments = arguments.trim_end_matches(')');
    if arguments != "void" {
        types.extend(arguments.split(',').map(|argument| {
            let end = argument.rfind(|c: char| !c.is_alphanumeric() && c != '_').unwrap() + 1;
            normal(&argument[..end])
        }));
    }
    (head[at..].to_owned(), types)
}

/// Values by type and name of the enums in our headers.
fn declared_enums(headers: &str) -> BTreeMap<String, BTreeMap<String, i64>> {
    let mut enums = BTreeMap::new();
    for block in headers.split("enum _").skip(1) {
        let Some((name, body)) = block.split_once(" {").filter(|(name, _)| !name.contains(' ')) else { continue };
        let body = body.split_once('}').expect("enums end").0;
        let mut values = BTreeMap::new();
        for member in body.split(',').map(str::trim) {
            if let Some((name, value)) = member.split_once(" = ") {
                values.insert(name.to_owned(), number(value));
            }
        }
        enums.insert(name.to_owned(), values);
    }
    enums
}

fn number(text: &str) -> i64 {
    match text.trim_matches(['(', ')']).split_once(" << ") {
        Some((one, shift)) => number(one) << number(shift),
        None => text.parse().unwrap_or_else(|_| panic!("{text} is not a number")),
    }
}

/// The symbols that carry a version of libvirt's.
fn symbols_of_libvirt() -> BTreeSet<String> {
    let symbols = symbols_in("src/capi/symbols.map").into_iter().filter(|line| line[1].starts_with("LIBVIRT_"));
    symbols.map(|mut line| line.swap_remove(0)).collect()
}

#[test]
fn functions_have_the_prototypes_of_libvirt() {
    let Some(api) = Api::read_or_skip() else { return };
    let declared = declared_functions(&headers());
    assert!(declared.len() > 100, "only {} functions are declared", declared.len());
    let expected = symbols_of_libvirt();
    let mut wrong = Vec::new();
    for (name, types) in &declared {
        match api.functions.get(name) {
            Some(theirs) if theirs != types => wrong.push(format!("{name}: {types:?}, but libvirt has {theirs:?}")),
            Some(_) if !expected.contains(name) => wrong.push(format!("{name} is libvirt's, but not in symbols.map as such")),
            None if expected.contains(name) => wrong.push(format!("{name} is not libvirt's, but has its version in symbols.map")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn enums_have_the_members_and_values_of_libvirt() {
    let Some(api) = Api::read_or_skip() else { return };
    let declared = declared_enums(&headers());
    assert!(declared.len() > 40, "only {} enums are declared", declared.len());
    let mut wrong = Vec::new();
    for (name, values) in &declared {
        let Some(theirs) = api.enums.get(name) else { continue };
        for (member, value) in values.iter().filter(|(member, _)| !OURS.iter().any(|ours| member.starts_with(ours))) {
            match theirs.get(member).map(|text| api.value(text)) {
                Some(there) if there == *value => {}
                there => wrong.push(format!("{name}: {member} = {value}, but libvirt has {there:?}")),
            }
        }
        let missing = theirs.keys().filter(|member| !values.contains_key(*member) && !member.ends_with("LAST"));
        for member in missing.filter(|member| !LEFT_OUT.contains(&member.as_str()) && !api.newer.contains(*member)) {
            wrong.push(format!("{name}: {member} is missing"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The lines of a list of symbols, taken apart.
fn symbols_in(path: &str) -> Vec<Vec<String>> {
    let list = fs::read_to_string(root().join(path)).unwrap();
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

/// What a failing function returns, going by the type of what it returns.
fn failure_of(result: &str) -> &str {
    match result {
        "int" | "unsigned int" => "-1",
        "unsigned long" | "unsigned long long" => "0",
        "void" => "void",
        pointer if pointer.ends_with('*') || pointer.ends_with("Ptr") => "NULL",
        other => panic!("it is not known how a function fails that returns {other}"),
    }
}

#[test]
fn the_drop_in_has_every_function_of_libvirt_and_knows_how_it_fails() {
    let Some(api) = Api::read_or_skip() else { return };
    let table: BTreeMap<String, Vec<String>> = symbols_in("dropin/libvirt.map").into_iter().map(|line| (line[0].clone(), line)).collect();
    let mut wrong = Vec::new();
    for (name, types) in &api.functions {
        match table.get(name).map(|line| &line[2..]) {
            Some([failure, header]) if failure == failure_of(&types[0]) && *header == api.headers[name] => {}
            other => wrong.push(format!("{name} returns {} and is declared by {}: {other:?}", types[0], api.headers[name])),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let not_described = |line: &[String]| line[2] == "data" || release(&line[1]["LIBVIRT_".len()..]) > release(INTERFACE);
    let invented: Vec<_> = table.values().filter(|line| !api.functions.contains_key(&line[0]) && !not_described(line)).collect();
    assert!(invented.is_empty(), "not libvirt's: {invented:?}");
}

#[test]
fn the_lists_of_symbols_agree() {
    let table = symbols_in("dropin/libvirt.map");
    assert!(table.windows(2).all(|pair| pair[0][0] < pair[1][0]), "dropin/libvirt.map is sorted and names each symbol once");
    assert!(table.iter().all(|line| line.len() == 4));
    let ours = symbols_in("src/capi/symbols.map");
    let implemented: Vec<_> = ours.iter().filter(|line| line[1].starts_with("LIBVIRT_")).map(|line| &line[..2]).collect();
    let missing: Vec<_> = implemented.iter().filter(|line| !table.iter().any(|other| &other[..2] == **line)).collect();
    assert!(missing.is_empty(), "other in dropin/libvirt.map, or not there: {missing:?}");
}
