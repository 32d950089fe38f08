//! `virt-jobs watch`: bars on a terminal, lines elsewhere, until the jobs have ended.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use virt_jobs::model::JobState;

use crate::client::{Change, Client, Domain, Job};
use crate::output::{progress, remaining, say, size};
use crate::{exit_code, Failure};

/// Where the news go.
trait Display {
    fn update(&mut self, job: &Job) -> Result<(), Failure>;
    fn ended(&mut self, name: &str, state: JobState, error: Option<&str>) -> Result<(), Failure>;
}

/// Follows one job, or all that a domain has, until none is left; `forever`: also those that start later. Returns the
/// exit code.
pub fn run(client: &Client, domain: &Domain, wanted: Option<&str>, forever: bool) -> Result<u8, Failure> {
    let changes = client.changes(domain)?;
    let display: Box<dyn Display> = if io::stdout().is_terminal() { Box::new(Bars::new()) } else { Box::new(Lines::default()) };
    let mut watch = Watch { domain, wanted, display, alive: BTreeSet::new(), code: 0 };
    if let Some(name) = wanted {
        // A job that has just ended has left the list, but not the library's memory.
        if let Some(state) = domain.wait(name, &[], Some(Duration::ZERO))? {
            watch.display.ended(name, state, domain.reason(name).as_deref())?;
            return Ok(exit_code(state));
        }
        watch.alive.insert(name.to_owned());
    }
    let mut seen = false;
    loop {
        let looked = watch.look();
        if watch.alive.is_empty() && !forever {
            looked?;
            if !seen {
                eprintln!("virt-jobs: there are no jobs to watch");
            }
            return Ok(watch.code);
        }
        seen = true;
        let news = changes.run()?;
        if news.is_empty() {
            // A domain that has ended cannot be asked any more; but its jobs' ends are among the news.
            looked?;
        }
        for change in &news {
            watch.take(change)?;
        }
    }
}

struct Watch<'a> {
    domain: &'a Domain,
    wanted: Option<&'a str>,
    display: Box<dyn Display>,
    /// Jobs whose end is still to come.
    alive: BTreeSet<String>,
    code: u8,
}

impl Watch<'_> {
    fn wants(&self, name: &str) -> bool {
        self.wanted.is_none_or(|wanted| wanted == name)
    }

    /// Shows how far the jobs are.
    fn look(&mut self) -> Result<(), Failure> {
        for job in self.domain.jobs()? {
            if self.wants(&job.name) && !job.state.is_final() {
                self.display.update(&job)?;
                self.alive.insert(job.name);
            }
        }
        Ok(())
    }

    /// Shows the ends of jobs; how they are on their way there, the next look shows.
    fn take(&mut self, change: &Change) -> Result<(), Failure> {
        if !change.state.is_final() {
            if self.wants(&change.name) {
                self.alive.insert(change.name.clone());
            }
        } else if self.alive.remove(&change.name) {
            self.display.ended(&change.name, change.state, self.domain.reason(&change.name).as_deref())?;
            self.code = self.code.max(exit_code(change.state));
        }
        Ok(())
    }
}

/// One line for each job and change, and now and then for its progress.
#[derive(Default)]
struct Lines {
    /// What was printed last of each job: its state and how many tenths it had done.
    told: BTreeMap<String, (JobState, u64)>,
}

impl Display for Lines {
    fn update(&mut self, job: &Job) -> Result<(), Failure> {
        let tenths = job.current.saturating_mul(10).checked_div(job.end).unwrap_or(0);
        if self.told.insert(job.name.clone(), (job.state, tenths)) == Some((job.state, tenths)) {
            return Ok(());
        }
        let mut line = format!("{} {} {}", job.name, job.state, progress(job));
        if let Some(rate) = job.rate {
            line.push_str(&format!(" {}/s", size(rate)));
        }
        if let Some(left) = remaining(job) {
            line.push_str(&format!(" {left}"));
        }
        say(&line)
    }

    fn ended(&mut self, name: &str, state: JobState, error: Option<&str>) -> Result<(), Failure> {
        self.told.remove(name);
        say(&last_word(name, state, error))
    }
}

fn last_word(name: &str, state: JobState, error: Option<&str>) -> String {
    let reason = error.map(|error| format!(": {error}")).unwrap_or_default();
    format!("{name} {state}{reason}")
}

/// A bar for each job.
struct Bars {
    all: MultiProgress,
    bars: BTreeMap<String, ProgressBar>,
    style: ProgressStyle,
}

impl Bars {
    fn new() -> Bars {
        let style = ProgressStyle::with_template("{prefix:28!} [{bar:30}] {percent:>3}% {msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
        Bars { all: MultiProgress::with_draw_target(ProgressDrawTarget::stdout()), bars: BTreeMap::new(), style }
    }

    fn bar(&mut self, name: &str) -> &ProgressBar {
        self.bars.entry(name.to_owned()).or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new(1));
            bar.set_style(self.style.clone());
            bar.set_prefix(name.to_owned());
            bar
        })
    }
}

impl Display for Bars {
    fn update(&mut self, job: &Job) -> Result<(), Failure> {
        let rate = job.rate.map(|rate| format!(" {}/s", size(rate))).unwrap_or_default();
        let left = remaining(job).map(|left| format!(", {left}")).unwrap_or_default();
        let bar = self.bar(&job.name);
        bar.set_length(job.end.max(1));
        bar.set_position(job.current.min(job.end));
        bar.set_message(format!("{}{rate}{left}", job.state));
        Ok(())
    }

    fn ended(&mut self, name: &str, state: JobState, error: Option<&str>) -> Result<(), Failure> {
        let bar = self.bar(name);
        if state == JobState::Completed {
            bar.set_position(bar.length().unwrap_or(1));
        }
        bar.abandon_with_message(last_word("", state, error).trim_start().to_owned());
        self.bars.remove(name);
        Ok(())
    }
}
