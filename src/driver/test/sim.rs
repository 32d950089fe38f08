//! Where the jobs of one domain are at any moment: positions that follow from time alone.
//!
//! A job moves along a straight line until the next stop on its way; whoever asks is told where it is, and
//! [`Sim::step`] hands out the stops that were reached, in the order of time. No clock and no threads.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::script::Fault;
use super::staged::JobSpec;

/// What happens to a job on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Happening {
    /// A migration begins another pass over the memory.
    Pass(usize),
    Fault(Fault),
    /// It is time for another job.
    Appear(Box<JobSpec>),
    /// All that was to do is done.
    End,
}

/// A place on a job's way where something happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stop {
    pub at: u64,
    pub what: Happening,
}

/// A job to simulate. Sizes in bytes, speeds in bytes per second.
#[derive(Clone, Debug)]
pub(super) struct Course {
    pub size: u64,
    /// Where it starts.
    pub from: u64,
    /// What the simulated device can do; at least 1.
    pub speed: u64,
    /// What the job's user allows; 0 is no limit.
    pub limit: u64,
    pub stops: Vec<Stop>,
    /// Never ends by itself, and does not move.
    pub endless: bool,
}

#[derive(Debug)]
struct Run {
    order: u64,
    size: u64,
    speed: u64,
    limit: u64,
    frozen: bool,
    stops: VecDeque<Stop>,
    /// The position at `since_ms`.
    base: u64,
    since_ms: u64,
    /// When it reaches its next stop, as it stands in `Sim::due`.
    due_ms: Option<u64>,
}

impl Run {
    fn rate(&self) -> u64 {
        match (self.frozen, self.limit) {
            (true, _) => 0,
            (false, 0) => self.speed,
            (false, limit) => self.speed.min(limit),
        }
    }

    fn position(&self, now_ms: u64) -> u64 {
        let moved = u128::from(self.rate()) * u128::from(now_ms.saturating_sub(self.since_ms)) / 1000;
        let ahead = self.stops.front().map_or(self.base, |stop| stop.at);
        u64::try_from(u128::from(self.base) + moved).unwrap_or(u64::MAX).min(ahead.max(self.base))
    }

    /// Begins a new line at the position of now.
    fn rebase(&mut self, now_ms: u64) {
        self.base = self.position(now_ms);
        self.since_ms = now_ms;
    }

    fn next_due(&self) -> Option<u64> {
        let left = u128::from(self.stops.front()?.at.saturating_sub(self.base));
        match self.rate() {
            0 => None,
            rate => Some(u64::try_from(u128::from(self.since_ms) + (left * 1000).div_ceil(u128::from(rate))).unwrap_or(u64::MAX)),
        }
    }
}

/// The simulated jobs of one domain.
#[derive(Debug, Default)]
pub(super) struct Sim {
    runs: HashMap<String, Run>,
    /// The next stop of each job that moves, by time and then by age of the job.
    due: BTreeMap<(u64, u64), String>,
    next_order: u64,
}

/// A stop that was reached.
#[derive(Debug)]
pub(super) struct Reached {
    pub id: String,
    /// The moment at which it was reached.
    pub at_ms: u64,
    pub what: Happening,
}

impl Sim {
    /// Lets a job begin.
    pub fn add(&mut self, id: &str, course: Course, now_ms: u64) {
        let mut stops = course.stops;
        stops.retain(|stop| stop.at >= course.from);
        stops.sort_by_key(|stop| stop.at);
        let mut stops = VecDeque::from(stops);
        if !course.endless {
            stops.push_back(Stop { at: course.size, what: Happening::End });
        }
        self.next_order += 1;
        let run = Run {
            order: self.next_order,
            size: course.size,
            speed: course.speed.max(1),
            limit: course.limit,
            frozen: false,
            stops,
            base: course.from,
            since_ms: now_ms,
            due_ms: None,
        };
        self.runs.insert(id.to_owned(), run);
        self.index(id);
    }

    pub fn remove(&mut self, id: &str) {
        if let Some(run) = self.runs.remove(id) {
            self.due.retain_due(&run);
        }
    }

    /// Where a job is, how far it goes, and its limit.
    pub fn position(&self, id: &str, now_ms: u64) -> Option<(u64, u64, u64)> {
        self.runs.get(id).map(|run| (run.position(now_ms), run.size, run.limit))
    }

    /// How fast a job moves now.
    pub fn rate(&self, id: &str) -> u64 {
        self.runs.get(id).map_or(0, Run::rate)
    }

    /// Changes a job's limit from this moment on.
    pub fn set_limit(&mut self, id: &str, limit: u64, now_ms: u64) {
        self.change(id, now_ms, |run| run.limit = limit);
    }

    /// Puts a job elsewhere on its way; it does not meet what it was put past.
    pub fn seek(&mut self, id: &str, at: u64, now_ms: u64) {
        self.change(id, now_ms, |run| {
            run.base = at.min(run.size);
            run.stops.retain(|stop| stop.at >= run.base);
        });
    }

    /// Stops a job where it is.
    pub fn freeze(&mut self, id: &str, now_ms: u64) {
        self.change(id, now_ms, |run| run.frozen = true);
    }

    /// Ends a job's way where it is.
    pub fn finish(&mut self, id: &str, now_ms: u64) {
        self.change(id, now_ms, |run| run.stops.clear());
    }

    /// Lets a job go on.
    pub fn thaw(&mut self, id: &str, now_ms: u64) {
        self.change(id, now_ms, |run| run.frozen = false);
    }

    /// When the next stop of any job is reached.
    pub fn next_due(&self) -> Option<u64> {
        self.due.keys().next().map(|&(at, _)| at)
    }

    /// The next stop that was reached by now; each is handed out once.
    pub fn step(&mut self, now_ms: u64) -> Option<Reached> {
        let entry = self.due.first_entry()?;
        if entry.key().0 > now_ms {
            return None;
        }
        let ((at_ms, _), id) = entry.remove_entry();
        let run = self.runs.get_mut(&id)?;
        run.due_ms = None;
        let stop = run.stops.pop_front()?;
        run.base = run.base.max(stop.at);
        run.since_ms = at_ms;
        self.index(&id);
        Some(Reached { id, at_ms, what: stop.what })
    }

    fn change(&mut self, id: &str, now_ms: u64, change: impl FnOnce(&mut Run)) {
        if let Some(run) = self.runs.get_mut(id) {
            run.rebase(now_ms);
            change(run);
            self.index(id);
        }
    }

    /// Brings a job's entry in `due` up to date.
    fn index(&mut self, id: &str) {
        let Some(run) = self.runs.get_mut(id) else { return };
        self.due.retain_due(run);
        run.due_ms = run.next_due();
        if let Some(due) = run.due_ms {
            self.due.insert((due, run.order), id.to_owned());
        }
    }
}

/// Taking a job out of the agenda.
trait Agenda {
    fn retain_due(&mut self, run: &Run);
}

impl Agenda for BTreeMap<(u64, u64), String> {
    fn retain_due(&mut self, run: &Run) {
        if let Some(due) = run.due_ms {
            self.remove(&(due, run.order));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::test::script::Action;

    fn course(size: u64, speed: u64) -> Course {
        Course { size, from: 0, speed, limit: 0, stops: Vec::new(), endless: false }
    }

    #[test]
    fn a_job_moves_with_time_and_ends_when_its_size_is_done() {
        let mut sim = Sim::default();
        sim.add("a", course(1000, 100), 5);
        assert_eq!(sim.position("a", 5), Some((0, 1000, 0)));
        assert_eq!(sim.position("a", 2505), Some((250, 1000, 0)));
        assert_eq!(sim.next_due(), Some(10_005));
        assert!(sim.step(10_004).is_none());
        assert_eq!(sim.step(20_000).map(|r| (r.at_ms, r.what)), Some((10_005, Happening::End)));
        assert_eq!(sim.position("a", 99_999), Some((1000, 1000, 0)));
        assert!(sim.step(u64::MAX).is_none(), "an end comes once");
    }

    #[test]
    fn a_new_limit_counts_from_the_moment_it_is_set() {
        let mut sim = Sim::default();
        sim.add("a", course(1000, 100), 0);
        sim.set_limit("a", 10, 5000);
        assert_eq!(sim.position("a", 5000), Some((500, 1000, 10)));
        assert_eq!(sim.position("a", 15_000), Some((600, 1000, 10)));
        sim.set_limit("a", 0, 15_000);
        assert_eq!(sim.next_due(), Some(19_000));
    }

    #[test]
    fn a_frozen_job_stays_where_it_is() {
        let mut sim = Sim::default();
        sim.add("a", course(1000, 100), 0);
        sim.freeze("a", 1000);
        assert_eq!(sim.next_due(), None);
        assert_eq!(sim.position("a", 1_000_000), Some((100, 1000, 0)));
        sim.thaw("a", 1_000_000);
        assert_eq!(sim.position("a", 1_001_000), Some((200, 1000, 0)));
    }

    #[test]
    fn stops_are_handed_out_in_the_order_of_time() {
        let mut sim = Sim::default();
        let fault = Happening::Fault(Fault { action: Action::Stall, error: String::new() });
        sim.add("a", Course { stops: vec![Stop { at: 500, what: fault.clone() }], ..course(1000, 100) }, 0);
        sim.add("b", course(100, 100), 0);
        let mut order = Vec::new();
        while let Some(reached) = sim.step(10_000) {
            order.push((reached.id, reached.at_ms));
        }
        assert_eq!(order, [("b".to_owned(), 1000), ("a".to_owned(), 5000), ("a".to_owned(), 10_000)]);
    }

    #[test]
    fn a_late_step_does_not_let_a_job_run_past_its_stop() {
        let mut sim = Sim::default();
        let fault = Happening::Fault(Fault { action: Action::Stall, error: String::new() });
        sim.add("a", Course { stops: vec![Stop { at: 500, what: fault }], ..course(1000, 100) }, 0);
        let reached = sim.step(9000).expect("the stop was reached at 5000");
        sim.freeze("a", reached.at_ms);
        assert_eq!(sim.position("a", 9000), Some((500, 1000, 0)));
    }

    #[test]
    fn a_limit_of_one_byte_per_second_overflows_nothing() {
        let mut sim = Sim::default();
        sim.add("a", Course { limit: 1, ..course(u64::MAX, u64::MAX) }, u64::MAX - 10);
        assert_eq!(sim.next_due(), Some(u64::MAX));
        assert_eq!(sim.position("a", u64::MAX), Some((0, u64::MAX, 1)));
    }
}
