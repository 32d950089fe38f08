//! A `<domain>` as a whole.

use super::check::{known_attributes, known_children, only, text_of, unsupported_in};
use super::{devices, machine, memory, DomainDef, Scope, QEMU_NAMESPACE};
use crate::model::{code, Error, Result, Uuid};
use crate::xml::reader::Element;
use crate::xml::writer;

/// The hypervisors that a driver of this library stands for.
const KINDS: [&str; 3] = ["kvm", "qemu", "test"];
/// Those that libvirt has besides.
const OTHER_KINDS: [&str; 12] = ["xen", "linux", "kqemu", "lxc", "uml", "openvz", "vmware", "hyperv", "vbox", "phyp", "parallels", "bhyve"];

/// Every element that a `<domain>` may have, but for those with a namespace prefix.
const CHILDREN: [&str; 17] = [
    "name",
    "uuid",
    "title",
    "description",
    "metadata",
    "memory",
    "currentMemory",
    "vcpu",
    "os",
    "features",
    "cpu",
    "clock",
    "on_poweroff",
    "on_reboot",
    "on_crash",
    "devices",
    "seclabel*",
];

pub(super) fn domain(root: &Element, scope: Scope) -> Result<DomainDef> {
    let qemu_prefix = prefix_of(root, QEMU_NAMESPACE);
    let mut def = DomainDef { name: name(root)?, kind: kind(root)?, uuid: uuid(root)?, ..DomainDef::default() };
    refuse_unknown(root, &def.kind, qemu_prefix)?;
    def.title = title(root)?;
    def.description = text_of(root, "description");
    metadata(root, &mut def);
    machine::read(root, &mut def)?;
    sizes(root, &mut def)?;
    if let Some(list) = root.child("devices") {
        devices::read(list, &mut def, scope)?;
    }
    for label in root.children_named("seclabel") {
        if label.attr("type") != Some("none") {
            return Err(unsupported_in(label, root));
        }
    }
    if let Some(prefix) = qemu_prefix {
        command_line(root, prefix, &mut def)?;
    }
    devices::complete(&mut def)?;
    Ok(def)
}

fn name(root: &Element) -> Result<String> {
    let name = text_of(root, "name").ok_or_else(|| Error::new(code::NO_NAME, ""))?;
    if name.contains('/') {
        return Err(Error::xml(format!("name {name} cannot contain '/'")));
    }
    Ok(name)
}

fn kind(root: &Element) -> Result<String> {
    match root.attr("type") {
        None => Err(Error::internal("missing domain type attribute")),
        Some(kind) if KINDS.contains(&kind) => Ok(kind.to_owned()),
        Some(kind) if OTHER_KINDS.contains(&kind) => Err(Error::config(format!("domain type '{kind}' is not supported"))),
        Some(kind) => Err(Error::config(format!("invalid domain type {kind}"))),
    }
}

fn uuid(root: &Element) -> Result<Option<Uuid>> {
    match root.child_text("uuid") {
        None | Some("") => Ok(None),
        Some(text) => Uuid::parse(text).map(Some).ok_or_else(|| Error::internal("malformed uuid element")),
    }
}

fn title(root: &Element) -> Result<Option<String>> {
    let title = text_of(root, "title");
    if title.as_ref().is_some_and(|title| title.contains('\n')) {
        return Err(Error::xml("Domain title can't contain newlines"));
    }
    Ok(title)
}

/// The prefix that the root element declares for a namespace.
fn prefix_of<'a>(root: &'a Element, namespace: &str) -> Option<&'a str> {
    let declared = root.attributes.iter().find(|(_, value)| value == namespace);
    declared.and_then(|(name, _)| name.strip_prefix("xmlns:"))
}

/// Elements of other namespaces are the test driver's to read, and nobody's elsewhere. `qemu:commandline` counts
/// only with its namespace; libvirt ignores it without, which nobody who writes it can want.
fn refuse_unknown(root: &Element, kind: &str, qemu_prefix: Option<&str>) -> Result<()> {
    known_attributes(root, &["type", "id"])?;
    known_children(root, &CHILDREN, |child| child.name.contains(':'))?;
    for child in root.children.iter().filter(|_| kind != "test") {
        match child.name.split_once(':') {
            Some((prefix, "commandline")) if qemu_prefix == Some(prefix) => {}
            Some(("qemu", "commandline")) => {
                let message = format!("element '{}' (line {}) needs xmlns:qemu='{QEMU_NAMESPACE}'", child.name, child.line);
                return Err(Error::config(message));
            }
            Some(_) => return Err(unsupported_in(child, root)),
            None => {}
        }
    }
    Ok(())
}

/// Keeps the metadata as it is, with the namespaces that it may rely on.
fn metadata(root: &Element, def: &mut DomainDef) {
    let Some(metadata) = root.child("metadata").filter(|m| !m.children.is_empty()) else { return };
    let parts: Vec<String> = metadata.children.iter().map(writer::source).collect();
    def.metadata = Some(parts.join("\n    "));
    let declared = root.attributes.iter().filter(|(_, uri)| uri != QEMU_NAMESPACE);
    let prefixed = declared.filter_map(|(name, uri)| Some((name.strip_prefix("xmlns:")?.to_owned(), uri.clone())));
    def.namespaces = prefixed.collect();
}

/// Memory and virtual CPUs.
fn sizes(root: &Element, def: &mut DomainDef) -> Result<()> {
    for name in ["memory", "currentMemory"] {
        if let Some(element) = root.child(name) {
            only(element, &["unit"], &[])?;
        }
    }
    def.memory_kib = memory::kib(root, "memory")?
        .filter(|&kib| kib > 0)
        .ok_or_else(|| Error::xml("Memory size must be specified via <memory> or in the <numa> configuration"))?;
    let current = memory::kib(root, "currentMemory")?.filter(|&kib| kib > 0);
    def.current_memory_kib = current.map_or(def.memory_kib, |kib| kib.min(def.memory_kib));
    def.vcpus = vcpus(root)?;
    Ok(())
}

fn vcpus(root: &Element) -> Result<u16> {
    let Some(element) = root.child("vcpu") else { return Ok(1) };
    only(element, &["placement", "current"], &[])?;
    if let Some(placement) = element.attr("placement").filter(|&p| p != "static") {
        return Err(Error::config(format!("placement '{placement}' of vCPUs is not supported")));
    }
    let text = element.text.trim();
    let count: u16 =
        if text.is_empty() { Ok(1) } else { text.parse() }.map_err(|_| Error::xml("maximum vcpus count must be an integer"))?;
    if count == 0 {
        return Err(Error::xml("a domain needs at least one vCPU"));
    }
    match element.attr("current").map(|text| text.trim().parse::<u16>()) {
        None => Ok(count),
        Some(Ok(current)) if current == count => Ok(count),
        Some(Ok(current)) if current > count => Err(Error::config("maximum vCPU count must not be less than current vCPU count")),
        Some(Ok(_)) => Err(Error::config("a 'current' number of vCPUs below the maximum is not supported")),
        Some(Err(_)) => Err(Error::xml("current vcpus count must be an integer")),
    }
}

/// `qemu:commandline`: arguments and environment that are passed on.
fn command_line(root: &Element, prefix: &str, def: &mut DomainDef) -> Result<()> {
    let Some(list) = root.child(&format!("{prefix}:commandline")) else { return Ok(()) };
    only(list, &[], &[&format!("{prefix}:arg*"), &format!("{prefix}:env*")])?;
    for child in &list.children {
        if child.name.ends_with(":arg") {
            only(child, &["value"], &[])?;
            let value = child.attr("value").ok_or_else(|| Error::internal("No qemu command-line argument specified"))?;
            def.qemu_args.push(value.to_owned());
        } else {
            only(child, &["name", "value"], &[])?;
            let value = child.attr("value").unwrap_or_default().to_owned();
            def.qemu_env.push((variable(child)?, value));
        }
    }
    Ok(())
}

fn variable(env: &Element) -> Result<String> {
    let name = env.attr("name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Error::internal("No qemu environment name specified"))?;
    if name.starts_with(|c: char| !c.is_ascii_alphabetic() && c != '_') {
        return Err(Error::internal("Invalid environment name, it must begin with a letter or underscore"));
    }
    if name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        return Err(Error::internal("Invalid environment name, it must contain only alphanumerics and underscore"));
    }
    Ok(name.to_owned())
}
