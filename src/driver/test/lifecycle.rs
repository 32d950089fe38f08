//! Starting, pausing and stopping simulated domains, with the codes and events of libvirt's own test driver.

use super::sim::Sim;
use super::vm::{Locked, Vm};
use crate::job::Observation;
use crate::model::domain::reason;
use crate::model::event::{lifecycle, Payload};
use crate::model::{DomainInfo, DomainState, Error, Result};
use crate::xml::domain::DomainDef;

/// `VIR_DOMAIN_XML_INACTIVE`.
const XML_INACTIVE: u32 = 2;

impl Vm {
    pub fn start(&self) -> Result<()> {
        let mut vm = self.lock();
        if vm.is_active() {
            return Err(Error::internal(format!("Domain '{}' is already running", self.name)));
        }
        let def = vm.inner.persistent.clone().ok_or_else(|| Error::no_domain(format!("'{}' is gone", self.name)))?;
        vm.boot(def);
        Ok(())
    }

    pub fn suspend(&self) -> Result<()> {
        let mut vm = self.lock();
        if vm.inner.state != DomainState::Running {
            return Err(Error::internal(format!("domain '{}' not running", self.name)));
        }
        vm.enter(DomainState::Paused, reason::PAUSED_USER);
        vm.lifecycle(lifecycle::SUSPENDED, lifecycle::SUSPENDED_PAUSED);
        Ok(())
    }

    pub fn resume(&self) -> Result<()> {
        let mut vm = self.lock();
        if vm.inner.state != DomainState::Paused {
            return Err(Error::internal(format!("domain '{}' not paused", self.name)));
        }
        vm.enter(DomainState::Running, reason::RUNNING_UNPAUSED);
        vm.lifecycle(lifecycle::RESUMED, lifecycle::RESUMED_UNPAUSED);
        Ok(())
    }

    pub fn shutdown(&self) -> Result<()> {
        let mut vm = self.lock();
        if !vm.is_active() {
            return Err(Error::internal(format!("domain '{}' not running", self.name)));
        }
        vm.stop("the domain was shut down", reason::SHUTOFF_SHUTDOWN, lifecycle::STOPPED_SHUTDOWN);
        Ok(())
    }

    pub fn destroy(&self) -> Result<()> {
        let mut vm = self.lock();
        vm.live()?;
        vm.stop("the domain was destroyed", reason::SHUTOFF_DESTROYED, lifecycle::STOPPED_DESTROYED);
        Ok(())
    }

    /// Nothing of a simulated guest is lost by a reset.
    pub fn reset(&self) -> Result<()> {
        self.lock().live().map(drop)
    }

    pub fn info(&self) -> Result<DomainInfo> {
        let vm = self.lock();
        let ran_ms = if vm.is_active() { vm.now().mono_ms.saturating_sub(vm.inner.booted.mono_ms) } else { 0 };
        let inner = &vm.inner;
        let def = inner.live.as_ref().or(inner.persistent.as_ref()).ok_or_else(|| vm.gone())?;
        Ok(DomainInfo {
            state: inner.state,
            max_mem_kib: def.memory_kib,
            memory_kib: def.current_memory_kib,
            vcpus: def.vcpus,
            cpu_time_ns: ran_ms.saturating_mul(1_000_000),
        })
    }
}

impl Vm {
    /// The domain's XML: as it runs, or with INACTIVE as it will be started next time.
    pub fn format(&self, flags: u32) -> Result<String> {
        let vm = self.lock();
        let inner = &vm.inner;
        match &inner.live {
            Some(live) if flags & XML_INACTIVE == 0 => {
                let mut def = live.clone();
                for disk in &mut def.disks {
                    disk.mirror = inner.mirrors.iter().find(|m| m.disk == disk.target).map(|m| m.mirror.clone());
                }
                Ok(def.format(Some(inner.id)))
            }
            live => inner.persistent.as_ref().or(live.as_ref()).map(|def| def.format(None)).ok_or_else(|| vm.gone()),
        }
    }
}

impl Locked<'_> {
    /// The domain runs from now on.
    pub fn boot(&mut self, def: DomainDef) {
        self.run(def, reason::RUNNING_BOOTED);
        self.lifecycle(lifecycle::STARTED, lifecycle::STARTED_BOOTED);
    }

    /// Gives the domain a number and a running configuration, and says nothing.
    pub fn run(&mut self, mut def: DomainDef, reason: i32) {
        self.inner.next_index = 0;
        for disk in &mut def.disks {
            for (image, index) in disk.chain.iter_mut().zip(0..) {
                image.index = index;
                self.inner.next_index = self.inner.next_index.max(index + 1);
            }
        }
        self.observe(Observation::Running);
        self.inner.live = Some(def);
        self.inner.id = self.vm.env.next_id();
        self.inner.booted = self.now();
        self.enter(DomainState::Running, reason);
    }

    pub fn enter(&mut self, state: DomainState, reason: i32) {
        self.inner.state = state;
        self.inner.reason = reason;
    }

    pub fn lifecycle(&self, event: i32, detail: i32) {
        self.emit(Payload::Lifecycle { event, detail });
    }

    /// The domain crashes.
    pub fn crash(&mut self, why: &str) {
        self.stop(why, reason::SHUTOFF_CRASHED, lifecycle::STOPPED_CRASHED);
    }

    /// The domain runs no longer, and everybody is told. One that is not persistent is gone.
    pub fn stop(&mut self, why: &str, reason: i32, detail: i32) {
        self.halt(why, reason);
        self.lifecycle(lifecycle::STOPPED, detail);
        self.forget_transient();
    }

    /// The domain runs no longer: its jobs have failed for this reason.
    pub fn halt(&mut self, why: &str, reason: i32) {
        self.inner.ending = true;
        self.observe(Observation::Gone { reason: why.to_owned() });
        self.inner.ending = false;
        self.inner.tasks.clear();
        self.inner.sim = Sim::default();
        self.inner.mirrors.clear();
        self.inner.live = None;
        self.inner.id = -1;
        self.enter(DomainState::Shutoff, reason);
    }

    /// Takes a domain that has no configuration of its own out of the world.
    pub fn forget_transient(&mut self) {
        if self.inner.persistent.is_none() && self.inner.live.is_none() {
            if let Some(world) = self.vm.world.upgrade() {
                world.remove(self.vm);
            }
        }
    }

    pub fn gone(&self) -> Error {
        Error::no_domain(format!("no domain with matching name '{}'", self.vm.name))
    }
}
