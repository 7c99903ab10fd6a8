//! What happened, as it leaves the process.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::{Body, Costs, ErrorKind, EventKind, Outcome, TelemetryEvent};
use crate::redaction::Redaction;
use crate::trace_context::TraceParent;

/// An event in the form that sinks get and files keep. Its texts are redacted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// When it happened.
    pub at: Timestamp,
    /// Where.
    pub component: String,
    /// What, with the figures of its kind.
    #[serde(flatten)]
    pub body: Body,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed, coarsely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorKind>,
    /// How long it took, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_nanoseconds: Option<u64>,
    /// The cycle that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<Uuid>,
    /// The change that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Uuid>,
    /// What joins all that follows from one cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Uuid>,
    /// The trace that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceParent>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Costs::is_zero")]
    pub costs: Costs,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What is to be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What could be done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<String>,
    /// Which patterns failures follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<String>,
    /// Which other components are concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    /// Anything else, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

impl Record {
    /// Longer texts are cut to this many bytes.
    pub const TEXT_BYTES: usize = 4096;

    /// Takes over an event, redacting its texts. An event that does not say when it
    /// happened, happened at `at`.
    pub fn new(event: TelemetryEvent, at: Timestamp, redaction: &Redaction) -> Self {
        let detail = event.detail.map(|detail| *detail).unwrap_or_default();
        let text = |text: String| redaction.text(clip(&text)).into_owned();
        let texts = |texts: Vec<String>| texts.into_iter().map(text).collect();
        let attribute = |(name, value): (String, String)| {
            let value = redaction.value(&name, clip(&value)).into_owned();
            (clip(&name).to_owned(), value)
        };
        Self {
            at: event.at.unwrap_or(at),
            component: event.component.to_owned(),
            body: event.body,
            outcome: event.outcome,
            error: event.error,
            took_nanoseconds: event.took_nanoseconds,
            cycle: present(event.ids.cycle),
            event: present(event.ids.event),
            correlation: present(event.ids.correlation),
            trace: event.ids.trace,
            costs: event.costs,
            subject: detail.subject.map(text),
            message: detail.message.map(text),
            suggestions: texts(detail.suggestions),
            patterns: texts(detail.patterns),
            components: texts(detail.components),
            attributes: detail.attributes.into_iter().map(attribute).collect(),
        }
    }

    /// What it is counted as.
    pub const fn kind(&self) -> EventKind {
        self.body.kind()
    }

    /// How long it took.
    pub fn took(&self) -> Option<Duration> {
        self.took_nanoseconds.map(Duration::from_nanos)
    }
}

/// What a text is cut to: a page of a compiler's output, and no more.
fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(Record::TEXT_BYTES)]
}

fn present(id: Uuid) -> Option<Uuid> {
    (!id.is_nil()).then_some(id)
}
