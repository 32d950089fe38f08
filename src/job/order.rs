//! Which answers are out of date.
//!
//! A hypervisor may put an answer together, then announce what has happened since, and then send the answer. So an answer
//! says nothing about a job that something was heard of after the question was sent.

use std::collections::{HashSet, VecDeque};

/// How many ids that have left are remembered one by one.
const REMEMBERED: usize = 4096;

/// A point in the order in which things were heard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Moment(u64);

impl Moment {
    /// Later than everything.
    pub(super) const NOW: Moment = Moment(u64::MAX);
}

/// What was heard when.
#[derive(Debug, Default)]
pub(super) struct Order {
    last: Moment,
    /// Ids that stopped to mean a job, oldest first.
    left: VecDeque<(Moment, String)>,
    /// Of what left before this, not all is remembered.
    blurred: Moment,
}

impl Order {
    /// The moment of what was heard last.
    pub fn last(&self) -> Moment {
        self.last
    }

    /// Something is heard.
    pub fn next(&mut self) -> Moment {
        self.last = Moment(self.last.0 + 1);
        self.last
    }

    /// An id means no job any more.
    pub fn leave(&mut self, id: &str) {
        let now = self.next();
        if self.left.len() == REMEMBERED {
            self.blurred = self.left.pop_front().map_or(self.blurred, |(moment, _)| moment);
        }
        self.left.push_back((now, id.to_owned()));
    }

    /// The ids that have left since a question was sent; `None` if they are not all known. Forgets those that had left
    /// before: answers come in the order of their questions.
    pub fn left_since(&mut self, asked: Moment) -> Option<HashSet<String>> {
        while self.left.front().is_some_and(|(moment, _)| *moment <= asked) {
            self.left.pop_front();
        }
        (asked >= self.blurred).then(|| self.left.iter().map(|(_, id)| id.clone()).collect())
    }
}
