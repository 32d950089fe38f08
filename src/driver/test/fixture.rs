//! Reading a world from XML: ordinary domain XML, and beside it, in a namespace of its own, what is to happen.
//! `docs/test-driver.md` describes the format.

use std::sync::Arc;

use super::clock::Clock;
use super::script::{Action, Fault, Rule, Script};
use super::staged::JobSpec;
use super::units;
use super::world::World;
use crate::model::domain::reason;
use crate::model::{DomainState, Error, JobType, Result};
use crate::xml::domain::check::{invalid_attribute, only, word};
use crate::xml::domain::DomainDef;
use crate::xml::reader::{self, Element};

/// The namespace of everything in a fixture that is not libvirt's.
const NAMESPACE: &str = "urn:virt-jobs:test:1.0";

/// What a crash or a failure says if the fixture does not.
const CRASHED: &str = "the domain crashed";
const FAILED: &str = "Input/output error";

/// Builds the world that a document describes.
///
/// # Errors
/// `XML_DETAIL` for what is not XML, `XML_ERROR` for values that are wrong, `CONFIG_UNSUPPORTED` for what cannot be
/// simulated; the message names the line.
pub(super) fn build(text: &str, clock: Arc<dyn Clock>) -> Result<Arc<World>> {
    let root = reader::parse_as(text, "test_world")?;
    if !matches!(root.name.as_str(), "node" | "domains") {
        return Err(Error::xml(format!("expecting root element of 'node' or 'domains', not '{}'", root.name)));
    }
    let (root, own) = take_own(&root, None);
    only(&root, &[], &["domain*"])?;
    let mut defaults = Script::default();
    for element in &own {
        match element.name.as_str() {
            "speed" => defaults.speed = speed(element)?,
            "memory" => defaults.memory = size(element)?,
            _ => return Err(unknown(element)),
        }
    }
    let prefix = prefix_of(&root);
    let world = World::new(clock, defaults);
    root.children_named("domain").try_for_each(|element| add_domain(&world, element, prefix.as_deref()))?;
    Ok(world)
}

/// How a domain is when the world is opened.
struct Initial {
    state: DomainState,
    persistent: bool,
}

fn add_domain(world: &Arc<World>, element: &Element, prefix: Option<&str>) -> Result<()> {
    let (element, own) = take_own(element, prefix);
    let mut def = DomainDef::from_element(&element)?;
    def.uuid.get_or_insert_with(|| world.env.next_uuid(&def.name));
    let mut script = world.defaults.clone();
    let mut initial = Initial { state: DomainState::Running, persistent: true };
    let mut jobs = Vec::new();
    for element in &own {
        match element.name.as_str() {
            "speed" => script.speed = speed(element)?,
            "memory" => script.memory = size(element)?,
            "disk" => {
                only(element, &["name", "size", "unit"], &[])?;
                script.sizes.insert(disk_of(element, "name", &def)?, units::size(required(element, "size")?, element)?);
            }
            "fault" => script.rules.push(fault(element, &def)?),
            "state" => initial = state(element)?,
            "job" => jobs.push((JobSpec::parse(element, &def)?, element)),
            _ => return Err(unknown(element)),
        }
    }
    let vm = world.add(&def, script)?;
    let mut vm = vm.lock();
    vm.inner.persistent = initial.persistent.then(|| def.clone());
    match initial.state {
        DomainState::Shutoff => vm.enter(DomainState::Shutoff, reason::SHUTOFF_UNKNOWN),
        // Nobody knows how it came to run, in libvirt's test driver either.
        DomainState::Paused => {
            vm.run(def, reason::RUNNING_UNKNOWN);
            vm.enter(DomainState::Paused, reason::PAUSED_UNKNOWN);
        }
        _ => vm.run(def, reason::RUNNING_UNKNOWN),
    }
    jobs.iter().try_for_each(|(job, element)| vm.stage(job).map_err(|error| wrong(element, error.detail)))
}

fn state(element: &Element) -> Result<Initial> {
    only(element, &["persistent"], &[])?;
    let state = match element.text.trim() {
        "running" => DomainState::Running,
        "paused" => DomainState::Paused,
        "shutoff" => DomainState::Shutoff,
        other => return Err(wrong(element, format!("state '{other}' is not running, paused or shutoff"))),
    };
    let persistent = word(element, "persistent", &["yes", "no"])?.is_none_or(|answer| answer == "yes");
    if state == DomainState::Shutoff && !persistent {
        return Err(wrong(element, "a domain that is off must be persistent"));
    }
    Ok(Initial { state, persistent })
}

fn fault(element: &Element, def: &DomainDef) -> Result<Rule> {
    only(element, &["type", "disk", "at", "action", "error", "times"], &[])?;
    let word = required(element, "action")?;
    let action = Action::parse(word).ok_or_else(|| invalid_attribute(element, "action", word))?;
    let kind = match element.attr("type") {
        None => None,
        Some(name) => Some(job_type(element, name)?),
    };
    let error = match (element.attr("error"), action) {
        (Some(text), Action::Fail | Action::Die) if !text.is_empty() => text,
        (Some(_), _) => return Err(wrong(element, format!("action '{word}' has no error text"))),
        (None, Action::Die) => CRASHED,
        (None, _) => FAILED,
    };
    let disk = element.attr("disk").map(|_| disk_of(element, "disk", def)).transpose()?;
    let times = element.attr("times").map(|text| number(element, "times", text)).transpose()?;
    let at = units::position(element.attr("at").unwrap_or("0%"), element)?;
    Ok(Rule { kind, disk, at, fault: Fault { action, error: error.to_owned() }, times })
}

fn speed(element: &Element) -> Result<u64> {
    match size(element)? {
        0 => Err(wrong(element, "a speed must be more than 0")),
        speed => Ok(speed),
    }
}

fn size(element: &Element) -> Result<u64> {
    only(element, &["unit"], &[])?;
    units::size(element.text.trim(), element)
}

/// A job type by its name in XML.
pub(super) fn job_type(element: &Element, name: &str) -> Result<JobType> {
    let kind = JobType::from_name(name).filter(|kind| *kind != JobType::None);
    kind.ok_or_else(|| invalid_attribute(element, "type", name))
}

/// The disk that an attribute names.
pub(super) fn disk_of(element: &Element, attribute: &str, def: &DomainDef) -> Result<String> {
    let name = required(element, attribute)?;
    match def.disks.iter().any(|disk| disk.target == name) {
        true => Ok(name.to_owned()),
        false => Err(wrong(element, format!("domain '{}' has no disk '{name}'", def.name))),
    }
}

pub(super) fn required<'a>(element: &'a Element, attribute: &str) -> Result<&'a str> {
    element.attr(attribute).ok_or_else(|| wrong(element, format!("attribute '{attribute}' is missing")))
}

pub(super) fn number(element: &Element, attribute: &str, text: &str) -> Result<u64> {
    text.parse().map_err(|_| invalid_attribute(element, attribute, text))
}

pub(super) fn wrong(element: &Element, why: impl AsRef<str>) -> Error {
    Error::xml(format!("element '{}' (line {}): {}", element.name, element.line, why.as_ref()))
}

fn unknown(element: &Element) -> Error {
    wrong(element, "there is no such element in the namespace of the test hypervisor")
}

/// The element without what is in our namespace, and that without its prefix. `inherited`: the prefix that the elements
/// around it declare.
fn take_own(element: &Element, inherited: Option<&str>) -> (Element, Vec<Element>) {
    let declared = prefix_of(element);
    let prefix = declared.as_deref().or(inherited);
    let mut rest = element.clone();
    let mut own = Vec::new();
    rest.children.retain(|child| match local_name(&child.name, prefix) {
        Some(name) => {
            own.push(Element { name: name.to_owned(), ..child.clone() });
            false
        }
        None => true,
    });
    (rest, own)
}

/// The prefix that an element declares for our namespace.
fn prefix_of(element: &Element) -> Option<String> {
    let declaration = element.attributes.iter().find(|(_, uri)| uri == NAMESPACE)?;
    declaration.0.strip_prefix("xmlns:").map(str::to_owned)
}

fn local_name<'a>(name: &'a str, prefix: Option<&str>) -> Option<&'a str> {
    name.strip_prefix(prefix?)?.strip_prefix(':')
}
