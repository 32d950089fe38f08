//! QEMU's block graph: what it tells of jobs that somebody else started, namely which disk one works on and what it writes.
//!
//! `x-debug-query-block-graph` names nodes and says how they hang together. It opens nothing and describes no image, so unlike
//! `query-named-block-nodes` it can be asked while a job ends. A QEMU that does not have it tells nothing.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::Value;

use super::disks::{Disks, QemuDisk};
use super::translate::text;
use crate::job::{DiskTarget, JobConfig};
use crate::model::JobType;

/// The command that tells the graph.
pub(super) const QUESTION: &str = "x-debug-query-block-graph";

/// How many nodes are gone through for one job: more than any chain of images has.
const FARTHEST: usize = 1024;

/// A reply to [`QUESTION`].
pub(super) struct BlockGraph<'a> {
    names: HashMap<u64, &'a str>,
    /// Jobs by their ids.
    jobs: HashMap<&'a str, u64>,
    /// What the guest's devices and other users of images are called.
    users: HashMap<u64, &'a str>,
    /// What stands below a node, and as what.
    below: HashMap<u64, Vec<(&'a str, u64)>>,
    /// What stands above a node, jobs left out.
    above: HashMap<u64, Vec<u64>>,
}

impl<'a> BlockGraph<'a> {
    pub fn read(reply: &'a Value) -> BlockGraph<'a> {
        let mut graph =
            BlockGraph { names: HashMap::new(), jobs: HashMap::new(), users: HashMap::new(), below: HashMap::new(), above: HashMap::new() };
        let members = |key: &str| reply.get(key).and_then(Value::as_array).into_iter().flatten();
        for node in members("nodes") {
            let Some((id, name)) = id_in(node, "id").zip(text(node, "name")) else { continue };
            match text(node, "type") {
                Some("block-job") => drop(graph.jobs.insert(name, id)),
                Some("block-backend") => drop(graph.users.insert(id, name)),
                _ => drop(graph.names.insert(id, name)),
            }
        }
        let jobs: HashSet<u64> = graph.jobs.values().copied().collect();
        for edge in members("edges") {
            let Some((parent, child)) = id_in(edge, "parent").zip(id_in(edge, "child")) else { continue };
            graph.below.entry(parent).or_default().push((text(edge, "name").unwrap_or_default(), child));
            if !jobs.contains(&parent) {
                graph.above.entry(child).or_default().push(parent);
            }
        }
        graph
    }

    /// What is to be seen of a job: its disk, and the image that it writes.
    pub fn describe(&self, id: &str, kind: JobType, disks: &Disks) -> Option<JobConfig> {
        let job = *self.jobs.get(id)?;
        let target = self.role(job, "target");
        let mut config = JobConfig::default();
        let Some((disk, root)) = self.disk_behind(job, target, disks) else {
            config.targets.extend(self.written(target, ""));
            return Some(config);
        };
        let front = &disk.front.target;
        config.disks.push(front.clone());
        if matches!(kind, JobType::BlockCommit | JobType::BlockCommitActive) {
            config.base = target.and_then(|node| self.image_at(disk, root, node));
        } else {
            config.targets.extend(self.written(target, front));
        }
        Some(config)
    }

    fn role(&self, job: u64, role: &str) -> Option<u64> {
        self.below.get(&job)?.iter().find(|(name, _)| *name == role).map(|(_, child)| *child)
    }

    /// The disk that uses what the job works on, with the topmost node of its chain, if a device has that.
    fn disk_behind<'d>(&self, job: u64, target: Option<u64>, disks: &'d Disks) -> Option<(&'d QemuDisk, Option<u64>)> {
        let main = self.role(job, "main node")?;
        for node in self.walk(main, |node| self.above.get(&node).into_iter().flatten().copied().collect()) {
            let user = self.users.get(&node).filter(|name| !name.is_empty());
            if let Some(disk) = user.and_then(|name| disks.list.iter().find(|disk| disk.is_drive(name) || disk.is_device(name))) {
                return Some((disk, self.role(node, "root")));
            }
            if let Some(disk) = self.disk_with(node, disks) {
                return Some((disk, None));
            }
        }
        // Nobody uses it: the guest has lost the disk.
        let below = |node| self.below.get(&node).into_iter().flatten().map(|(_, child)| *child).filter(|child| Some(*child) != target);
        let nodes = self.walk(main, |node| below(node).collect());
        nodes.into_iter().find_map(|node| self.disk_with(node, disks)).map(|disk| (disk, None))
    }

    fn disk_with<'d>(&self, node: u64, disks: &'d Disks) -> Option<&'d QemuDisk> {
        let name = *self.names.get(&node)?;
        disks.list.iter().find(|disk| disk.links.iter().any(|link| link.node.as_deref() == Some(name)))
    }

    /// What can be reached from a node, the nearest first.
    fn walk(&self, from: u64, next: impl Fn(u64) -> Vec<u64>) -> Vec<u64> {
        let (mut seen, mut due) = (HashSet::from([from]), VecDeque::from([from]));
        let mut order = Vec::new();
        while let Some(node) = due.pop_front().filter(|_| order.len() < FARTHEST) {
            order.push(node);
            due.extend(next(node).into_iter().filter(|node| seen.insert(*node)).take(FARTHEST));
        }
        order
    }

    /// The image of a disk at a node, as `vda[N]`.
    fn image_at(&self, disk: &QemuDisk, root: Option<u64>, wanted: u64) -> Option<String> {
        let filters: HashSet<u64> = self.jobs.values().filter_map(|job| self.role(*job, "main node")).collect();
        let (mut node, mut images) = (root?, disk.links.iter());
        for _ in 0..FARTHEST {
            let is_filter = filters.contains(&node);
            if !is_filter {
                let image = &images.next()?.image;
                if node == wanted {
                    return Some(format!("{}[{}]", disk.front.target, image.index));
                }
            }
            node = self.role(node, "backing").or_else(|| self.role(node, "file").filter(|_| is_filter))?;
        }
        None
    }

    /// What is written, by the name that somebody gave it; those that QEMU makes up tell nobody anything.
    fn written(&self, target: Option<u64>, disk: &str) -> Option<DiskTarget> {
        let name = target.and_then(|node| self.names.get(&node)).filter(|name| !name.is_empty() && !name.starts_with('#'))?;
        Some(DiskTarget { disk: disk.to_owned(), path: (*name).to_owned(), ..DiskTarget::default() })
    }
}

fn id_in(value: &Value, key: &str) -> Option<u64> {
    value.get(key).and_then(Value::as_u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn disks() -> Disks {
        let below = json!({ "filename": "/base.qcow2", "format": "qcow2" });
        let image = json!({ "filename": "/top.qcow2", "format": "qcow2", "backing-image": below });
        let inserted = json!({ "node-name": "top", "drv": "qcow2", "image": image });
        let mut disks = Disks::default();
        disks.refresh(&json!([{ "device": "", "qdev": "/machine/peripheral/disk0/virtio-backend", "inserted": inserted }]), None);
        disks
    }

    /// Nodes 1 and 2 are the disk's images, 3 the filter of job 9, 4 another image.
    fn graph(device: &str, edges: &[(u64, &str, u64)]) -> Value {
        let node = |id: u64, kind: &str, name: &str| json!({ "id": id, "type": kind, "name": name });
        let edge = |(parent, name, child): &(u64, &str, u64)| json!({ "parent": parent, "name": name, "child": child });
        let nodes = [
            node(1, "block-driver", "top"),
            node(2, "block-driver", "#block2"),
            node(3, "block-driver", "#block3"),
            node(4, "block-driver", "copy"),
            node(8, "block-backend", device),
            node(9, "block-job", "job"),
        ];
        json!({ "nodes": nodes, "edges": edges.iter().map(edge).collect::<Vec<_>>() })
    }

    fn describe(reply: &Value, kind: JobType) -> Option<JobConfig> {
        BlockGraph::read(reply).describe("job", kind, &disks())
    }

    const DEVICE: &str = "/machine/peripheral/disk0/virtio-backend";

    #[test]
    fn a_copy_is_of_the_disk_whose_device_stands_above_it() {
        let reply = graph(DEVICE, &[(8, "root", 3), (3, "backing", 1), (1, "backing", 2), (9, "main node", 3), (9, "target", 4)]);
        let config = describe(&reply, JobType::BlockCopy).unwrap();
        assert_eq!(config.disks, ["vda"]);
        assert_eq!((config.targets[0].path.as_str(), config.targets[0].disk.as_str()), ("copy", "vda"));
    }

    #[test]
    fn a_commit_is_into_one_of_the_images_of_its_disk() {
        let reply = graph(DEVICE, &[(8, "root", 3), (3, "backing", 1), (1, "backing", 2), (9, "main node", 3), (9, "target", 2)]);
        let config = describe(&reply, JobType::BlockCommitActive).unwrap();
        assert_eq!(config.base.as_deref(), Some("vda[2]"));
        assert!(config.targets.is_empty());
    }

    #[test]
    fn the_job_of_a_disk_that_the_guest_has_lost_is_found_by_its_images() {
        let reply = graph("", &[(3, "backing", 1), (9, "target", 4), (9, "main node", 3)]);
        assert_eq!(describe(&reply, JobType::BlockCopy).unwrap().disks, ["vda"]);
    }

    #[test]
    fn what_belongs_to_no_disk_has_none_and_rings_have_an_end() {
        let reply = graph("other", &[(8, "root", 4), (4, "backing", 3), (3, "backing", 4), (9, "main node", 4)]);
        assert_eq!(describe(&reply, JobType::BlockBackup), Some(JobConfig::default()));
        for odd in [json!(null), json!([]), json!({ "nodes": [{ "id": -1 }], "edges": [{}] }), json!({ "nodes": 1 })] {
            assert_eq!(describe(&odd, JobType::BlockBackup), None);
        }
    }
}
