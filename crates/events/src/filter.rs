use std::collections::BTreeSet;

use crate::{ChangeEvent, ChangeType, Priority, Source};

/// Which events somebody wants. An empty filter wants all; every condition that
/// is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    changes: BTreeSet<ChangeType>,
    prefixes: Vec<String>,
    sources: BTreeSet<Source>,
    least: Option<Priority>,
    most: Option<Priority>,
}

impl EventFilter {
    /// A filter that lets everything pass.
    pub fn all() -> Self {
        Self::default()
    }

    /// Lets these kinds of change pass, besides those named before.
    #[must_use]
    pub fn with_changes(mut self, changes: impl IntoIterator<Item = ChangeType>) -> Self {
        self.changes.extend(changes);
        self
    }

    /// Lets subjects pass that begin like this, besides those named before.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefixes.push(prefix.into());
        self
    }

    /// Lets what this source noticed pass, besides those named before.
    #[must_use]
    pub fn with_source(mut self, source: Source) -> Self {
        self.sources.insert(source);
        self
    }

    /// Lets this priority pass and whatever is more urgent.
    #[must_use]
    pub fn with_least_priority(mut self, least: Priority) -> Self {
        self.least = Some(least);
        self
    }

    /// Lets this priority pass and whatever is less urgent.
    #[must_use]
    pub fn with_most_priority(mut self, most: Priority) -> Self {
        self.most = Some(most);
        self
    }

    /// Whether the event passes.
    pub fn matches(&self, event: &ChangeEvent) -> bool {
        (self.changes.is_empty() || self.changes.contains(&event.change))
            && (self.prefixes.is_empty()
                || self.prefixes.iter().any(|prefix| event.subject.starts_with(prefix)))
            && (self.sources.is_empty() || self.sources.contains(&event.source))
            && self.least.is_none_or(|least| event.priority >= least)
            && self.most.is_none_or(|most| event.priority <= most)
    }
}
