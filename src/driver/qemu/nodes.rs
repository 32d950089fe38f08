//! Closing the block nodes that are ours.

use std::sync::Arc;

use serde_json::json;

use super::blockdev::storage_node;
use super::disks::Link;
use super::domain::QemuDomain;
use crate::model::code;
use crate::qmp::CallError;

/// How many nodes that could not be closed are remembered.
const MOST_STRAYS: usize = 4096;

/// The names of the nodes of images, overlays first.
pub(super) fn nodes_of(links: &[Link]) -> impl Iterator<Item = String> + '_ {
    links.iter().flat_map(|link| link.node.iter().cloned().chain([storage_node(link.image.index)]))
}

impl QemuDomain {
    /// Posts the removal of our nodes, overlays first.
    pub(super) fn remove_nodes(self: &Arc<Self>, links: &[Link]) {
        nodes_of(links).for_each(|node| self.remove_node(node, |_| {}));
    }

    /// Posts the removal of a node; `then` runs when that is answered, unless the monitor breaks. A node that is still in
    /// use is remembered: what uses it may be a job whose own end is still to come.
    pub(super) fn remove_node(self: &Arc<Self>, node: String, then: impl FnOnce(&Arc<QemuDomain>) + Send + 'static) {
        let domain = Arc::downgrade(self);
        self.post("blockdev-del", json!({ "node-name": node }), move |reply| {
            let Some(domain) = domain.upgrade() else { return };
            match reply {
                Err(CallError::Closed(_)) => return,
                Err(CallError::Qmp { desc, .. }) if desc.contains("in use") => domain.remember_stray(node),
                _ => {}
            }
            then(&domain);
        });
    }

    /// The nodes that could not be removed before a job ended: to be tried again, and before the end is told, as whoever
    /// hears of it may close the connection.
    pub(super) fn take_strays(&self) -> Vec<String> {
        std::mem::take(&mut *self.strays.lock())
    }

    fn remember_stray(&self, node: String) {
        let mut strays = self.strays.lock();
        if strays.len() < MOST_STRAYS && !strays.contains(&node) {
            strays.push(node);
        }
    }

    /// Removes nodes for a caller who can wait until they are gone.
    pub(super) fn close_nodes(&self, nodes: impl Iterator<Item = String>) {
        let mut answers = true;
        for node in nodes {
            let arguments = json!({ "node-name": node });
            if answers {
                answers = self.call("blockdev-del", arguments).map_or_else(|error| error.code != code::OPERATION_TIMEOUT, |_| true);
            } else {
                self.post("blockdev-del", arguments, |_| {});
            }
        }
    }
}
