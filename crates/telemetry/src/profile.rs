//! Where the time went.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::EventKind;
use crate::record::Record;
use crate::redaction::Redaction;

mod chrome;
mod collapsed;
mod nesting;
mod table;

pub use table::ProfileRow;

use nesting::Nested;

/// One stretch of work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhaseSpan {
    /// What was done.
    pub kind: EventKind,
    /// To what: a template, a query, a gate.
    pub subject: Option<String>,
    /// What belongs together: spans nest only within a group. A cycle, say.
    pub group: u128,
    /// For whom it was done: of spans side by side in one group, it lies only in one of the
    /// same owner, or of none (0).
    pub owner: u128,
    /// When it began, since any fixed origin.
    pub start: Duration,
    /// How long it took.
    pub took: Duration,
}

/// The stretches of work of a run, and what can be read from them.
///
/// A span lies in the one of the same group and of a wider kind that encloses it: a
/// template's rendering in the regeneration of its key, that in its cycle. Spans of one
/// kind never nest; where they overlap they ran side by side and lie in different lanes.
#[derive(Clone, Debug)]
pub struct Profile {
    redaction: Redaction,
    capacity: usize,
    spans: Vec<PhaseSpan>,
    dropped: u64,
}

impl PhaseSpan {
    /// A span of group 0 without subject and owner.
    pub const fn new(kind: EventKind, start: Duration, took: Duration) -> Self {
        Self { kind, subject: None, group: 0, owner: 0, start, took }
    }

    /// Says to what it was done.
    #[must_use]
    pub fn of(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Says what it belongs together with.
    #[must_use]
    pub const fn within(mut self, group: u128) -> Self {
        self.group = group;
        self
    }

    /// Says for whom it was done.
    #[must_use]
    pub const fn owned_by(mut self, owner: u128) -> Self {
        self.owner = owner;
        self
    }

    fn end(&self) -> Duration {
        self.start.saturating_add(self.took)
    }

    /// What it is called in viewers.
    fn label(&self) -> String {
        match &self.subject {
            Some(subject) => format!("{} {subject}", self.kind),
            None => self.kind.to_string(),
        }
    }
}

/// From when until when spans reach.
struct Reach {
    start: Duration,
    end: Duration,
}

impl Default for Reach {
    fn default() -> Self {
        Self { start: Duration::MAX, end: Duration::ZERO }
    }
}

impl Reach {
    fn take_in(&mut self, span: &PhaseSpan) {
        self.start = self.start.min(span.start);
        self.end = self.end.max(span.end());
    }
}

/// What the records of a group say of what holds others.
#[derive(Default)]
struct Bounds {
    all: Reach,
    /// What regenerations consist of.
    parts: Reach,
    cycle: Option<usize>,
    regenerations: Vec<usize>,
    commits: Vec<usize>,
    gates: Vec<usize>,
}

impl Bounds {
    fn take_in(&mut self, span: &PhaseSpan, place: usize) {
        self.all.take_in(span);
        match span.kind {
            EventKind::CycleCompleted if span.group != 0 => self.cycle = Some(place),
            EventKind::RegenerationCompleted if span.group != 0 => self.regenerations.push(place),
            EventKind::GatesJudged => self.gates.push(place),
            EventKind::DeploymentCompleted => {}
            EventKind::Commit => {
                self.commits.push(place);
                self.parts.take_in(span);
            }
            _ => self.parts.take_in(span),
        }
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::new(Self::SPANS)
    }
}

impl Profile {
    /// How many spans the default keeps: what viewers can still show.
    pub const SPANS: usize = 1_000_000;

    /// Keeps up to `capacity` spans, and counts those that come later.
    pub fn new(capacity: usize) -> Self {
        Self { redaction: Redaction::default(), capacity, spans: Vec::new(), dropped: 0 }
    }

    /// A profile of what records say took time. Records of one cycle belong together, and
    /// within it those with one correlation id. The cycle itself has been there all the time,
    /// and so has a regeneration that is the only one.
    pub fn from_records<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut profile = Self::default();
        let mut cycles: BTreeMap<u128, Bounds> = BTreeMap::new();
        for record in records {
            let Some(took) = record.took() else { continue };
            // Records tell when something ended; what lies before 1970 begins there.
            let end = Duration::try_from(record.at.as_duration()).unwrap_or_default();
            let mut span = PhaseSpan::new(record.kind(), end.saturating_sub(took), took);
            span.subject.clone_from(&record.subject);
            span.group = record.cycle.map_or(0, |id| id.as_u128());
            span.owner = record.correlation.map_or(0, |id| id.as_u128());
            cycles.entry(span.group).or_default().take_in(&span, profile.spans.len());
            profile.add(span);
        }
        for bounds in cycles.values() {
            profile.widen(bounds);
        }
        profile
    }

    /// Has a cycle, and the only regeneration in it, begin no later and end no earlier than
    /// what they consist of, and the gates lie in the only commit: clocks are read one after the
    /// other.
    fn widen(&mut self, bounds: &Bounds) {
        if let ([commit], [gates]) = (bounds.commits.as_slice(), bounds.gates.as_slice()) {
            self.move_into(*gates, *commit);
        }
        if let [only] = bounds.regenerations.as_slice() {
            self.stretch(*only, &bounds.parts);
        }
        if let Some(cycle) = bounds.cycle {
            self.stretch(cycle, &bounds.all);
        }
    }

    /// Moves a span into another one that it lies in, by as little as need be.
    fn move_into(&mut self, inner: usize, outer: usize) {
        let Some(outer) = self.spans.get(outer).cloned() else { return };
        let Some(inner) = self.spans.get_mut(inner) else { return };
        let latest = outer.end().saturating_sub(inner.took).max(outer.start);
        inner.start = inner.start.clamp(outer.start, latest);
    }

    fn stretch(&mut self, place: usize, over: &Reach) {
        let Some(span) = self.spans.get_mut(place) else { return };
        let end = span.end().max(over.end);
        span.start = span.start.min(over.start);
        span.took = end.saturating_sub(span.start);
    }

    /// Redacts the subjects of spans that come from now on by these rules, in place of
    /// the built-in ones.
    pub fn redact_by(&mut self, redaction: Redaction) {
        self.redaction = redaction;
    }

    /// Adds a span; its subject is redacted.
    pub fn add(&mut self, mut span: PhaseSpan) {
        if self.spans.len() >= self.capacity {
            self.dropped += 1;
            return;
        }
        span.subject = span.subject.map(|subject| self.redaction.text(&subject).into_owned());
        self.spans.push(span);
    }

    /// How many spans did not fit in.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The time by kind and subject, those with most time of their own first.
    pub fn table(&self) -> Vec<ProfileRow> {
        table::rows(&self.nested())
    }

    /// The table as text, for a terminal. What holds other lines is there with the rest of
    /// its time, so that the shares add up.
    pub fn to_text(&self) -> String {
        table::text(&self.table())
    }

    /// A trace in the format of Chrome's tracing, as Perfetto and speedscope open it.
    pub fn to_chrome_trace(&self) -> String {
        chrome::trace(&self.nested())
    }

    /// Collapsed stacks, one a line, weighted by microseconds of their own: what flame
    /// graphs are made of.
    pub fn to_collapsed(&self) -> String {
        collapsed::stacks(&self.nested())
    }

    fn nested(&self) -> Vec<Nested<'_>> {
        let mut groups: BTreeMap<u128, Vec<&PhaseSpan>> = BTreeMap::new();
        for span in &self.spans {
            groups.entry(span.group).or_default().push(span);
        }
        nesting::nest(groups.into_values())
    }
}

#[cfg(test)]
mod tests;
