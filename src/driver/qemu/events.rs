//! What QEMU announces, and what it means to a domain.

use std::sync::{Arc, OnceLock, Weak};

use serde_json::{json, Value};

use super::disks::QemuDisk;
use super::domain::QemuDomain;
use super::migration::Course;
use super::monitor::{Monitor, MonitorHandler};
use super::translate::{number, observations, text};
use crate::job::Observation;
use crate::model::domain::reason;
use crate::model::event::{lifecycle, Payload};
use crate::model::{DomainState, Result};
use crate::qmp::{self, CallError};

/// The end of a monitor that knows its domain. Events that come before the domain is linked are covered by the questions
/// that are asked right after.
#[derive(Default)]
pub(super) struct Handler {
    domain: OnceLock<Weak<QemuDomain>>,
}

impl Handler {
    pub fn link(&self, domain: &Arc<QemuDomain>) {
        let _ = self.domain.set(Arc::downgrade(domain));
    }

    fn domain(&self) -> Option<Arc<QemuDomain>> {
        self.domain.get().and_then(Weak::upgrade)
    }
}

impl MonitorHandler for Handler {
    fn event(&self, _monitor: &Monitor, event: &qmp::Event) {
        if let Some(domain) = self.domain() {
            domain.announced(&event.name, &event.data);
        }
    }

    fn closed(&self, _monitor: &Monitor, why: &str) {
        if let Some(domain) = self.domain() {
            domain.ended(why);
        }
    }
}

impl QemuDomain {
    /// An event of QEMU's. Unknown ones, and known ones with parts missing, are passed over.
    fn announced(self: &Arc<Self>, name: &str, data: &Value) {
        for seen in observations(name, data) {
            self.note_end(&seen);
            let seen = self.backups.lock().translate(seen);
            seen.into_iter().for_each(|seen| self.observe(seen));
        }
        self.end_ailing_backups();
        match name {
            "STOP" => self.stopped(),
            "RESUME" => self.resumed(),
            "MIGRATION" => self.migration_moved(text(data, "status").unwrap_or_default()),
            "MIGRATION_PASS" => self.migration_pass(number(data, "pass")),
            "DUMP_COMPLETED" => self.dump_over(data),
            "SHUTDOWN" => self.shutting_down(data),
            "GUEST_PANICKED" => self.panicked(),
            // Its images stay open as long as a job works on them.
            "DEVICE_DELETED" => self.ask_for_disks(),
            _ => {}
        }
    }

    fn stopped(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        if inner.state != DomainState::Running || inner.reverting {
            return;
        }
        let course = inner.migrations.course.clone();
        let (why, detail) = course.as_ref().map_or((reason::PAUSED_USER, lifecycle::SUSPENDED_PAUSED), Course::pauses);
        inner.resume_reason = course.as_ref().map_or(inner.resume_reason, Course::resumes);
        inner.enter(DomainState::Paused, why);
        drop(inner);
        self.emit(Payload::Lifecycle { event: lifecycle::SUSPENDED, detail });
        self.recheck_course();
    }

    fn resumed(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        inner.handed_over = false;
        if inner.state == DomainState::Running || inner.reverting {
            return;
        }
        let why = std::mem::replace(&mut inner.resume_reason, reason::RUNNING_UNPAUSED);
        inner.enter(DomainState::Running, why);
        drop(inner);
        let detail = match why {
            reason::RUNNING_MIGRATED => lifecycle::RESUMED_MIGRATED,
            reason::RUNNING_RESTORED | reason::RUNNING_FROM_SNAPSHOT => lifecycle::RESUMED_FROM_SNAPSHOT,
            _ => lifecycle::RESUMED_UNPAUSED,
        };
        self.emit(Payload::Lifecycle { event: lifecycle::RESUMED, detail });
    }

    fn shutting_down(self: &Arc<Self>, data: &Value) {
        let by_guest = data.get("guest").and_then(Value::as_bool);
        let detail = match by_guest {
            Some(true) => lifecycle::SHUTDOWN_GUEST,
            Some(false) => lifecycle::SHUTDOWN_HOST,
            None => lifecycle::SHUTDOWN_FINISHED,
        };
        let (reason, leaving) = {
            let mut inner = self.inner.lock();
            // Telling a QEMU to leave whose guest has shut down is announced as one more shutdown.
            if std::mem::replace(&mut inner.shutdown_seen, true) {
                return;
            }
            (inner.end_reason().to_owned(), inner.leaving.is_some() || inner.unborn && !inner.destroying)
        };
        self.observe(Observation::Going { reason });
        if leaving {
            return;
        }
        let mut inner = self.inner.lock();
        inner.enter(DomainState::Shutdown, reason::SHUTDOWN_USER);
        drop(inner);
        self.emit(Payload::Lifecycle { event: lifecycle::SHUTDOWN, detail });
        self.close_down();
    }

    fn panicked(self: &Arc<Self>) {
        self.inner.lock().enter(DomainState::Crashed, reason::CRASHED_PANICKED);
        self.emit(Payload::Lifecycle { event: lifecycle::CRASHED, detail: 0 });
    }

    /// Asks which disks the guest has and what they stand on, until that is answered.
    pub(super) fn ask_for_disks(self: &Arc<Self>) {
        if !self.inner.lock().disks_asked.ask() {
            return;
        }
        let domain = Arc::downgrade(self);
        self.post("query-block", json!({}), move |reply| {
            let Some(domain) = domain.upgrade() else { return };
            let again = domain.inner.lock().disks_asked.answered();
            match reply {
                Ok(reply) => domain.see_disks(&reply),
                Err(CallError::Timeout { .. }) => return domain.ask_for_disks(),
                Err(_) => return,
            }
            if again {
                domain.ask_for_disks();
            }
        });
    }

    /// Asks what the disks are, where something of them has not been told yet: the size of one that was plugged in.
    pub(super) fn learn_sizes(self: &Arc<Self>) -> Result<()> {
        let question = {
            let disks = &self.inner.lock().disks;
            let unknown = |disk: &QemuDisk| disk.links.first().is_some_and(|link| link.virtual_size.is_none());
            disks.list.iter().any(unknown).then(|| disks.question())
        };
        match question {
            Some("query-block") => self.look("query-block", QemuDomain::see_disks),
            _ => Ok(()),
        }
    }

    /// Takes in which disks the guest has.
    fn see_disks(self: &Arc<Self>, reply: &Value) {
        let mut inner = self.inner.lock();
        let orphans = inner.disks.refresh(reply, None);
        self.remove_nodes(&orphans);
        drop(inner);
        self.forget_unplugged();
    }

    /// Nothing more will be heard of this QEMU.
    fn ended(self: &Arc<Self>, why: &str) {
        let reason = {
            let inner = self.inner.lock();
            if inner.destroying || inner.shutdown_seen || inner.leaving.is_some() {
                inner.end_reason().to_owned()
            } else {
                drop(inner);
                self.why_nobody_arrived().unwrap_or_else(|| format!("the domain ended unexpectedly: {why}"))
            }
        };
        self.note_lost_arrival();
        self.observe(Observation::Gone { reason });
        self.leave();
    }
}
