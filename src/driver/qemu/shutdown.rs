//! The end of a domain that we started, after its guest has shut down: what was promised about copies is kept first.
//!
//! QEMU runs with `-no-shutdown`, so it stays, stopped, until it is told to go. Leaving at once would cancel ready mirrors
//! with the guest's last writes not yet in their targets.

use std::sync::Arc;

use serde_json::json;

use super::domain::QemuDomain;
use crate::job::{Job, Observation};
use crate::model::JobState;

impl QemuDomain {
    /// Ends ready mirrors so that their targets are what the guest left, then QEMU.
    pub(super) fn close_down(self: &Arc<Self>) {
        if !self.ours {
            return;
        }
        let ready = |job: &&Job| job.is_active() && job.kind().becomes_ready() && job.state() == JobState::Ready;
        let mirrors: Vec<String> =
            self.table.read(|engine| engine.iter().filter(ready).map(|job| job.hypervisor_id().to_owned()).collect());
        {
            let mut inner = self.inner.lock();
            if inner.destroying || inner.closing.is_some() {
                return;
            }
            inner.closing = Some(mirrors.iter().cloned().collect());
        }
        for id in mirrors {
            let (domain, refused) = (Arc::downgrade(self), id.clone());
            self.post("block-job-cancel", json!({ "device": id, "force": false }), move |reply| {
                // One that cannot be ended any more ends by itself, or with QEMU.
                if let (Some(domain), Err(_)) = (domain.upgrade(), reply) {
                    domain.mirror_over(&refused);
                }
            });
        }
        self.quit_when_closed();
    }

    /// Takes note of the end of mirrors that [`close_down`](Self::close_down) waits for.
    pub(super) fn note_end(self: &Arc<Self>, seen: &Observation) {
        if let Observation::Outcome { id, .. } = seen {
            self.mirror_over(id);
        }
    }

    fn mirror_over(self: &Arc<Self>, id: &str) {
        let waited_for = self.inner.lock().closing.as_mut().is_some_and(|closing| closing.remove(id));
        if waited_for {
            self.quit_when_closed();
        }
    }

    fn quit_when_closed(self: &Arc<Self>) {
        if self.inner.lock().closing.as_ref().is_some_and(|closing| closing.is_empty()) {
            self.post("quit", json!({}), |_| {});
        }
    }
}
