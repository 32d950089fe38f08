//! Jobs that somebody else started: what can be seen of them beside their figures.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{json, Value};

use super::block_graph::{BlockGraph, QUESTION};
use super::clock::now;
use super::domain::QemuDomain;
use super::translate::{number, text};
use crate::job::{JobConfig, Observation, Origin, Progress};
use crate::model::JobType;

/// About how many jobs is asked, the oldest first: a monitor can make up any number of them.
const MOST: usize = 1024;

impl QemuDomain {
    /// Asks once about each job of others what it works on.
    pub(super) fn learn_of_others(self: &Arc<Self>) {
        let present: HashSet<String> = self.table.read(|engine| {
            let strangers = engine.iter().filter(|job| job.origin() == Origin::Foreign && job.is_active() && has_images(job.kind()));
            strangers.take(MOST).map(|job| job.name().to_owned()).collect()
        });
        let fresh: Vec<String> = {
            let known = &mut self.inner.lock().asked_about;
            let before = std::mem::replace(known, present);
            known.iter().filter(|name| !before.contains(*name)).cloned().collect()
        };
        if fresh.is_empty() {
            return;
        }
        let domain = Arc::downgrade(self);
        self.post("query-block-jobs", json!({}), move |reply| {
            if let (Some(domain), Ok(reply)) = (domain.upgrade(), reply) {
                domain.see_limits(&reply);
            }
        });
        let domain = Arc::downgrade(self);
        self.post(QUESTION, json!({}), move |reply| {
            if let (Some(domain), Ok(reply)) = (domain.upgrade(), reply) {
                domain.see_graph(&reply, &fresh);
            }
        });
    }

    /// `query-jobs` does not tell the limit of a job.
    fn see_limits(self: &Arc<Self>, reply: &Value) {
        let limits = reply.as_array().into_iter().flatten().filter_map(|job| Some((text(job, "device")?, job)));
        self.update_jobs(|engine, out| {
            for (id, job) in limits {
                if engine.by_hypervisor_id(id).is_some_and(|job| job.origin() == Origin::Foreign) {
                    let progress = Progress { current: number(job, "offset"), end: number(job, "len"), speed: Some(number(job, "speed")) };
                    engine.observe(Observation::Progress { id: id.to_owned(), progress }, now(), out);
                }
            }
        });
    }

    fn see_graph(self: &Arc<Self>, reply: &Value, names: &[String]) {
        let graph = BlockGraph::read(reply);
        let jobs: Vec<(&String, String, JobType)> = self.table.read(|engine| {
            let known = names.iter().filter_map(|name| Some((name, engine.get(name)?)));
            known.map(|(name, job)| (name, job.hypervisor_id().to_owned(), job.kind())).collect()
        });
        let seen: Vec<(&String, JobConfig)> = {
            let inner = self.inner.lock();
            jobs.into_iter().filter_map(|(name, id, kind)| Some((name, graph.describe(&id, kind, &inner.disks)?))).collect()
        };
        self.update_jobs(|engine, out| {
            for (name, config) in seen {
                engine.describe(name, |known| *known = config, out);
            }
        });
    }
}

/// Whether a job of this type is seen in the graph.
fn has_images(kind: JobType) -> bool {
    kind == JobType::Other || kind.is_block() && !matches!(kind, JobType::BlockCreate | JobType::BlockAmend)
}
