//! Several events of one subject as one.

use std::sync::Arc;

use crate::{ChangeEvent, ChangeType};

/// What became of a subject, from before the first event to after the last.
#[derive(Clone, Debug)]
pub(super) struct Merge {
    /// Shared with the log as long as there is but one.
    event: Arc<ChangeEvent>,
    kind: Kind,
}

/// What the events were about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The node itself: whether it was there before, and whether it is there now.
    Node { before: bool, after: bool },
    /// All of this kind.
    Same(ChangeType),
    /// Things that are not comparable.
    Mixed,
}

impl Kind {
    fn of(change: ChangeType) -> Self {
        match change {
            ChangeType::NodeAdded => Self::Node { before: false, after: true },
            ChangeType::NodeUpdated => Self::Node { before: true, after: true },
            ChangeType::NodeRemoved => Self::Node { before: true, after: false },
            other => Self::Same(other),
        }
    }

    fn then(self, later: Self) -> Self {
        match (self, later) {
            (Self::Node { before, .. }, Self::Node { after, .. }) => Self::Node { before, after },
            (same, later) if same == later => same,
            // An edge is a part of what its subject says.
            (node @ Self::Node { .. }, Self::Same(edge)) if is_edge(edge) => node,
            (Self::Same(edge), node @ Self::Node { .. }) if is_edge(edge) => node,
            (Self::Same(one), Self::Same(other)) if is_edge(one) && is_edge(other) => {
                Self::of(ChangeType::NodeUpdated)
            }
            _ => Self::Mixed,
        }
    }

    fn change(self) -> ChangeType {
        match self {
            Self::Node { before: false, after: true } => ChangeType::NodeAdded,
            Self::Node { before: true, after: true } => ChangeType::NodeUpdated,
            // What came and went may have left traces, where its quads are not known.
            Self::Node { after: false, .. } => ChangeType::NodeRemoved,
            Self::Same(change) => change,
            Self::Mixed => ChangeType::Bulk,
        }
    }
}

fn is_edge(change: ChangeType) -> bool {
    matches!(change, ChangeType::EdgeAdded | ChangeType::EdgeRemoved)
}

impl Merge {
    pub(super) fn of(event: Arc<ChangeEvent>) -> Self {
        let kind = Kind::of(event.change);
        Self { event, kind }
    }

    pub(super) fn add(&mut self, later: &ChangeEvent) {
        self.kind = self.kind.then(Kind::of(later.change));
        let event = Arc::make_mut(&mut self.event);
        event.change = self.kind.change();
        event.priority = event.priority.max(later.priority);
        event.at = event.at.max(later.at);
        event.source.clone_from(&later.source);
        if event.correlation_id != later.correlation_id {
            event.correlation_id = None;
        }
        for (property, values) in &later.properties {
            event.properties.insert(property.clone(), values.clone());
        }
        // One event whose quads are not known makes the net effect unknown.
        event.delta = match (event.delta.take(), &later.delta) {
            (Some(mut delta), Some(later)) => {
                delta.then(later.clone());
                Some(delta)
            }
            _ => None,
        };
    }

    pub(super) fn finish(self) -> ChangeEvent {
        Arc::unwrap_or_clone(self.event)
    }
}
