//! Reading a world from XML.

use std::sync::Arc;

use super::clock::Clock;
use super::script::Script;
use super::world::World;
use crate::model::{Error, Result};
use crate::xml::domain::DomainDef;
use crate::xml::reader::{self, Element};

/// Builds the world that a document describes; its domains run.
pub(super) fn build(text: &str, clock: Arc<dyn Clock>) -> Result<Arc<World>> {
    let root = reader::parse(text)?;
    if !matches!(root.name.as_str(), "node" | "domains") {
        return Err(Error::xml(format!("root element is <{}>, expected <node> or <domains>", root.name)));
    }
    let world = World::new(clock, Script::default());
    for element in &root.children {
        match element.name.as_str() {
            "domain" => add_domain(&world, element)?,
            name => return Err(Error::config(format!("line {}: <{name}> cannot be simulated", element.line))),
        }
    }
    Ok(world)
}

fn add_domain(world: &Arc<World>, element: &Element) -> Result<()> {
    let def = DomainDef::from_element(element)?;
    let vm = world.add(&def, Script::default())?;
    let mut vm = vm.lock();
    vm.inner.persistent = Some(def.clone());
    vm.boot(def);
    Ok(())
}
