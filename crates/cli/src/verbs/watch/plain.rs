//! The loop as lines, for logs and for programs.

use evergen_deployment::Deployment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Audience, News, Wish};
use crate::console::{Console, Ink};
use crate::diary::{CycleRecord, LoopState, LoopStatus};
use crate::excerpt::shown;
use crate::project::Chosen;
use crate::words;

/// One line of `evergen watch --json`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum WatchEvent {
    /// The loop runs and sees every change from now on.
    Begun,
    /// A cycle has ended.
    Cycle(Box<CycleRecord>),
    /// The health of the loop has changed.
    Health(Box<LoopStatus>),
    /// A release came into use in an environment.
    Deployed {
        /// The environment.
        environment: String,
        /// Counts the deployments of the environment, from 1.
        number: u64,
        /// The digest of the release, in hexadecimal.
        release: String,
        /// How long it took, in milliseconds.
        duration_ms: f64,
    },
    /// Something that a person may want to know.
    Remark {
        /// What it is.
        text: String,
    },
    /// The loop ends.
    Ending,
}

pub(super) struct Plain<'a> {
    console: &'a mut Console,
    chosen: &'a Chosen,
    health: String,
    /// Whether it was said that nobody reads any more.
    has_quit: bool,
}

impl<'a> Plain<'a> {
    pub(super) fn new(console: &'a mut Console, chosen: &'a Chosen) -> Self {
        Self { console, chosen, health: "healthy".to_owned(), has_quit: false }
    }

    fn cycle(&mut self, cycle: &CycleRecord) {
        self.console.diagnostics(&cycle.diagnostics);
        let time = cycle.started_at.get(11..19).unwrap_or_default().to_owned();
        let time = self.console.ink(Ink::Dim, time);
        let took = words::duration(cycle.duration_ms);
        let causes = causes(cycle);
        let line = if cycle.is_good() {
            format!("{} written, {} removed in {took}  {causes}", cycle.written, cycle.deleted)
        } else {
            let word = self.console.ink(Ink::Red, "failed");
            let why = cycle.errors.first().map_or_else(String::new, |error| shown(error));
            format!("{word} after {took}: {why}  {causes}")
        };
        self.console.line(format!("{time}  {}", line.trim_end()));
        let many = if self.console.is_verbose() { cycle.changes.len() } else { words::MANY };
        for change in cycle.changes.iter().take(many) {
            let path = self.chosen.shown(&change.path);
            let why = self.console.ink(Ink::Dim, shown(&change.reason));
            self.console.line(format!("          {} {}  {why}", change.action, shown(&path)));
        }
        words::and_more(self.console, cycle.changes.len(), many);
        for left in &cycle.left {
            let word = self.console.ink(Ink::Yellow, "to be mended:");
            self.console.line(format!("          {word} {}", shown(left)));
        }
    }

    fn status(&mut self, status: &LoopStatus) {
        if status.health == self.health || status.state != LoopState::Running {
            return;
        }
        self.health.clone_from(&status.health);
        if self.console.is_json() {
            self.console.event(&WatchEvent::Health(Box::new(status.clone())));
            return;
        }
        let found =
            status.findings.first().map_or("all is well again", |found| found.text.as_str());
        self.console.remark(format!("{}: {}", status.health, shown(found)));
    }

    fn say(&mut self, event: &WatchEvent, text: &str) {
        if self.console.is_json() {
            self.console.event(event);
        } else {
            self.console.remark(text);
        }
    }
}

/// What a cycle was about, in a few words.
pub(in crate::verbs) fn causes(cycle: &CycleRecord) -> String {
    let named: Vec<_> = cycle.causes.iter().take(3).map(|cause| shown(cause)).collect();
    match cycle.causes.len().saturating_sub(named.len()) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

impl Audience for Plain<'_> {
    fn show(&mut self, news: News<'_>) {
        match news {
            News::Begun => self.say(&WatchEvent::Begun, "watching; Ctrl-C ends it"),
            News::Cycle(cycle) if self.console.is_json() => {
                self.console.event(&WatchEvent::Cycle(Box::new(cycle.clone())));
            }
            News::Cycle(cycle) => {
                self.cycle(cycle);
                self.console.flush();
            }
            News::Status(status) => self.status(status),
            News::Deployed(deployed) if self.console.is_json() => {
                let Deployment { environment, number, release, .. } = deployed.deployment.clone();
                let duration_ms = deployed.took.as_secs_f64() * 1e3;
                let event = WatchEvent::Deployed { environment, number, release, duration_ms };
                self.console.event(&event);
            }
            News::Deployed(deployed) => {
                self.console.line(format!("          {}", words::deployed(deployed)));
                self.console.flush();
            }
            News::Remark(text) => {
                self.say(&WatchEvent::Remark { text: text.to_owned() }, text);
            }
            News::Ending => self.say(&WatchEvent::Ending, "ending"),
        }
    }

    fn wishes(&mut self) -> Vec<Wish> {
        // Whoever reads the lines may stop reading; then nobody watches any more. A second
        // wish to quit would cut short what is under way.
        if self.has_quit || !self.console.is_broken() {
            return Vec::new();
        }
        self.has_quit = true;
        vec![Wish::Quit]
    }
}
