//! Conversations that were recorded with real QEMUs, replayed through the QMP client's decoder and the engine.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::jobs::POWERS;
use super::translate::{listing, observations, text};
use crate::job::{Effect, Engine, Moment, Observation};
use crate::model::{JobState, Now};
use crate::qmp::Message;

/// Everything that a subscriber would have been told, by job name.
type Told = BTreeMap<String, Vec<JobState>>;

/// One connection of a recording.
struct Replay {
    engine: Engine,
    /// Ids of `query-jobs` commands on their way, and when they were sent.
    asked: Vec<(Value, Moment)>,
    told: Told,
    clock: u64,
    /// What the recording says by itself: the last word on each job.
    said: HashMap<String, JobState>,
}

impl Replay {
    fn new() -> Replay {
        Replay { engine: Engine::new(POWERS), asked: Vec::new(), told: Told::new(), clock: 0, said: HashMap::new() }
    }

    /// Says whether the engine wants to ask again.
    fn observe(&mut self, seen: Observation) -> bool {
        self.clock += 1;
        let now = Now { mono_ms: self.clock, wall_ms: self.clock };
        let mut out = Vec::new();
        self.engine.observe(seen, now, &mut out);
        let again = out.contains(&Effect::Confirm);
        for effect in out {
            if let Effect::State { name, state, .. } = effect {
                self.told.entry(name).or_default().push(state);
            }
        }
        again
    }

    fn sent(&mut self, data: &Value) {
        if text(data, "execute") == Some("query-jobs") {
            self.asked.push((data["id"].clone(), self.engine.moment()));
        }
    }

    fn received(&mut self, data: &Value) {
        let line = data.to_string();
        Message::decode(line.as_bytes()).unwrap_or_else(|e| panic!("{e}: {line}"));
        if let Some(name) = text(data, "event") {
            self.note(name, &data["data"]);
            for seen in observations(name, &data["data"]) {
                self.observe(seen);
            }
        } else if let Some(at) = self.asked.iter().position(|(id, _)| *id == data["id"]).filter(|_| data.get("return").is_some()) {
            let (_, asked) = self.asked.remove(at);
            if !self.observe(Observation::Answer { asked, jobs: listing(&data["return"]) }) {
                self.compare_with_listing(&data["return"]);
            }
        }
    }

    /// The recording's own account, read without the engine: the last job under an id counts.
    fn note(&mut self, name: &str, data: &Value) {
        let id = |key| text(data, key).unwrap_or_default().to_owned();
        match name {
            "BLOCK_JOB_CANCELLED" => self.said.insert(id("device"), JobState::Aborted),
            "BLOCK_JOB_COMPLETED" if data.get("error").is_some() => self.said.insert(id("device"), JobState::Failed),
            "BLOCK_JOB_COMPLETED" => self.said.insert(id("device"), JobState::Completed),
            "JOB_STATUS_CHANGE" if text(data, "status") == Some("created") => self.said.remove(&id("id")),
            _ => None,
        };
    }

    fn compare_with_listing(&self, reply: &Value) {
        for entry in reply.as_array().unwrap() {
            let id = text(entry, "id").unwrap();
            let job = self.engine.by_hypervisor_id(id).unwrap_or_else(|| panic!("{id} was lost"));
            let shown = match text(entry, "status").unwrap() {
                "paused" | "standby" => JobState::Paused,
                "ready" | "pending" => JobState::Ready,
                "concluded" => {
                    assert!(job.state().is_final(), "{id} is {} although it is concluded", job.state());
                    continue;
                }
                // A ready mirror on its way out waits and aborts, and is still what its user was told.
                "waiting" | "aborting" => continue,
                _ => JobState::Running,
            };
            assert_eq!(job.state(), shown, "{id}");
        }
    }

    fn check(&self) {
        for (name, states) in &self.told {
            assert_eq!(states[0], JobState::Running, "{name}: {states:?}");
            assert!(states.windows(2).all(|pair| pair[0] != pair[1]), "{name}: {states:?}");
            assert_eq!(states.iter().filter(|s| s.is_final()).count(), 1, "{name}: {states:?}");
            assert!(states.last().unwrap().is_final(), "{name}: {states:?}");
        }
        for (id, state) in &self.said {
            let last = self.told.iter().rfind(|(name, _)| *name == id || name.starts_with(&format!("{id}#")));
            let told = last.and_then(|(_, states)| states.last());
            assert_eq!(told, Some(state), "{id}");
        }
    }
}

fn replay(path: &Path) -> usize {
    let mut connections: BTreeMap<String, Replay> = BTreeMap::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let connection = text(&entry, "conn").unwrap().to_owned();
        let data = &entry["data"];
        // The others are not monitors: remarks, and what libvirt was asked and said.
        if !matches!(connection.as_str(), "c1" | "c2" | "c3" | "src" | "dst") {
            continue;
        }
        let replay = connections.entry(connection).or_insert_with(Replay::new);
        match text(&entry, "dir") {
            Some("->") => replay.sent(data),
            _ => replay.received(data),
        }
    }
    let mut jobs = 0;
    for replay in connections.values_mut() {
        replay.observe(Observation::Gone { reason: "the recording is over".to_owned() });
        replay.check();
        jobs += replay.told.len();
    }
    jobs
}

fn recordings(version: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(version);
    let mut paths: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_recorded_conversation_ends_in_the_states_that_it_shows() {
    let mut jobs = 0;
    for version in ["7.2", "10.0"] {
        for path in recordings(version) {
            println!("{}", path.display());
            jobs += replay(&path);
        }
    }
    assert!(jobs > 150, "only {jobs} jobs were seen");
}
