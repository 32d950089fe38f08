//! `virt-jobs watch`: bars on a terminal, lines elsewhere, until the jobs have ended.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::client::{is_final, state_name, Client, Domain, Failure, Job};
use crate::exit_code;
use crate::output::{progress, remaining, size};

/// Where the news go.
trait Display {
    fn update(&mut self, job: &Job);
    fn ended(&mut self, name: &str, state: i32, error: Option<&str>);
}

/// Follows one job, or all that a domain has, until none is left. Returns the exit code.
pub fn run(client: &Client, domain: &Domain, wanted: Option<&str>) -> Result<u8, Failure> {
    let changes = client.changes(domain)?;
    let mut display: Box<dyn Display> = if io::stdout().is_terminal() { Box::new(Bars::new()) } else { Box::new(Lines::default()) };
    let mut alive: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut code = 0;
    if let Some(name) = wanted {
        // A job that has just ended has left the list, but not the library's memory.
        if let Some(state) = domain.wait(name, &[], Some(std::time::Duration::ZERO))? {
            let error = domain.jobs()?.into_iter().find(|job| job.name == name).and_then(|job| job.error);
            display.ended(name, state, error.as_deref());
            return Ok(exit_code(state));
        }
        alive.insert(name.to_owned(), None);
    }
    loop {
        for job in domain.jobs()?.iter().filter(|job| wanted.is_none_or(|name| job.name == name)) {
            if is_final(job.state) {
                alive.entry(job.name.clone()).and_modify(|error| error.clone_from(&job.error));
            } else {
                alive.entry(job.name.clone()).or_default();
                display.update(job);
            }
        }
        if alive.is_empty() {
            return Ok(code);
        }
        for change in changes.run()?.iter().filter(|change| is_final(change.state)) {
            if alive.contains_key(&change.name) {
                let kept = domain.jobs()?.into_iter().find(|job| job.name == change.name).and_then(|job| job.error);
                alive.remove(&change.name);
                display.ended(&change.name, change.state, kept.as_deref());
                code = code.max(exit_code(change.state));
            }
        }
        if alive.is_empty() && wanted.is_some() {
            return Ok(code);
        }
    }
}

/// One line for each job and change, and now and then for its progress.
#[derive(Default)]
struct Lines {
    /// What was printed last of each job: its state and how many tenths it had done.
    told: BTreeMap<String, (i32, u64)>,
}

impl Display for Lines {
    fn update(&mut self, job: &Job) {
        let tenths = job.current.saturating_mul(10).checked_div(job.end).unwrap_or(0);
        if self.told.insert(job.name.clone(), (job.state, tenths)) == Some((job.state, tenths)) {
            return;
        }
        let mut line = format!("{} {} {}", job.name, state_name(job.state), progress(job));
        if let Some(rate) = job.rate {
            line.push_str(&format!(" {}/s", size(rate)));
        }
        if let Some(left) = remaining(job) {
            line.push_str(&format!(" {left}"));
        }
        say(&line);
    }

    fn ended(&mut self, name: &str, state: i32, error: Option<&str>) {
        say(&last_word(name, state, error));
    }
}

/// A reader that has gone is no reason to fail.
fn say(line: &str) {
    let mut out = io::stdout();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn last_word(name: &str, state: i32, error: Option<&str>) -> String {
    let reason = error.map(|error| format!(": {error}")).unwrap_or_default();
    format!("{name} {}{reason}", state_name(state))
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
}

impl Display for Bars {
    fn update(&mut self, job: &Job) {
        let bar = self.bars.entry(job.name.clone()).or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new(job.end));
            bar.set_style(self.style.clone());
            bar.set_prefix(job.name.clone());
            bar
        });
        bar.set_length(job.end.max(1));
        bar.set_position(job.current.min(job.end));
        let rate = job.rate.map(|rate| format!(" {}/s", size(rate))).unwrap_or_default();
        let left = remaining(job).map(|left| format!(", {left}")).unwrap_or_default();
        bar.set_message(format!("{}{rate}{left}", state_name(job.state)));
    }

    fn ended(&mut self, name: &str, state: i32, error: Option<&str>) {
        if let Some(bar) = self.bars.remove(name) {
            if state_name(state) == "completed" {
                bar.set_position(bar.length().unwrap_or(1));
            }
            bar.finish_with_message(last_word("", state, error).trim().to_owned());
        } else {
            say(&last_word(name, state, error));
        }
    }
}
