use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use evergen_delta::{Delta, Quad, Term};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

mod form;
#[cfg(test)]
mod tests;

pub use self::form::{FORM_VERSION, ParseEventError};

/// One thing that happened to a model, or to what is made from it.
///
/// `Serialize` and `Deserialize` use the documented JSON form of
/// [`to_json`](Self::to_json), which carries its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "form::Form", try_from = "form::Form")]
#[non_exhaustive]
pub struct ChangeEvent {
    /// The event's own id (UUID v7, which sorts by time).
    pub id: Uuid,
    /// What kind of change this is.
    pub change: ChangeType,
    /// The IRI of what changed.
    pub subject: String,
    /// What is known of the subject: the IRI of a property, and its values.
    pub properties: BTreeMap<String, Vec<Term>>,
    /// Who noticed the change.
    pub source: Source,
    /// When it happened, as its source tells.
    pub at: Timestamp,
    /// How urgent it is.
    pub priority: Priority,
    /// What binds this event to others of one cause.
    pub correlation_id: Option<Uuid>,
    /// The exact quads that came and went, where they are known.
    pub delta: Option<Delta<Quad>>,
}

impl ChangeEvent {
    /// An event of now, with a new id, of normal priority, from the API.
    pub fn new(change: ChangeType, subject: impl Into<String>) -> Self {
        Self {
            id: Uuid::now_v7(),
            change,
            subject: subject.into(),
            properties: BTreeMap::new(),
            source: Source::API,
            at: Timestamp::now(),
            priority: Priority::Normal,
            correlation_id: None,
            delta: None,
        }
    }

    /// A node has come into the graph.
    pub fn node_added(subject: impl Into<String>) -> Self {
        Self::new(ChangeType::NodeAdded, subject)
    }

    /// A node that was there says something else now.
    pub fn node_updated(subject: impl Into<String>) -> Self {
        Self::new(ChangeType::NodeUpdated, subject)
    }

    /// A node has gone.
    pub fn node_removed(subject: impl Into<String>) -> Self {
        Self::new(ChangeType::NodeRemoved, subject)
    }

    /// An edge of the default graph has come; its quad is the delta.
    pub fn edge_added(
        subject: impl Into<String>,
        predicate: impl Into<String>,
        object: Term,
    ) -> Self {
        Self::edge(ChangeType::EdgeAdded, subject.into(), predicate.into(), object, Delta::insert)
    }

    /// An edge of the default graph has gone; its quad is the delta.
    pub fn edge_removed(
        subject: impl Into<String>,
        predicate: impl Into<String>,
        object: Term,
    ) -> Self {
        Self::edge(ChangeType::EdgeRemoved, subject.into(), predicate.into(), object, Delta::remove)
    }

    fn edge(
        change: ChangeType,
        subject: String,
        predicate: String,
        object: Term,
        note: fn(&mut Delta<Quad>, Quad),
    ) -> Self {
        let mut delta = Delta::default();
        let quad = Quad {
            subject: Term::iri(&*subject),
            predicate: Term::iri(&*predicate),
            object: object.clone(),
            graph: None,
        };
        note(&mut delta, quad);
        Self::new(change, subject).with_property(predicate, object).with_delta(delta)
    }

    /// Adds a value of a property.
    #[must_use]
    pub fn with_property(mut self, property: impl Into<String>, value: Term) -> Self {
        self.properties.entry(property.into()).or_default().push(value);
        self
    }

    /// Says who noticed the change.
    #[must_use]
    pub fn with_source(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    /// Says when it happened.
    #[must_use]
    pub fn with_time(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }

    /// Says how urgent it is.
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Binds the event to others of one cause.
    #[must_use]
    pub fn with_correlation(mut self, id: Uuid) -> Self {
        self.correlation_id = Some(id);
        self
    }

    /// Says exactly which quads came and went.
    #[must_use]
    pub fn with_delta(mut self, delta: Delta<Quad>) -> Self {
        self.delta = Some(delta);
        self
    }

    /// Gives the event another id than the one that was made for it.
    #[must_use]
    pub fn with_id(mut self, id: Uuid) -> Self {
        self.id = id;
        self
    }

    /// Whether the event can be written and read again. Logs ask this before they take one.
    pub fn validate(&self) -> Result<(), InvalidEvent> {
        if self.subject.is_empty() {
            return Err(InvalidEvent::NoSubject);
        }
        let Some(delta) = &self.delta else { return Ok(()) };
        for quad in delta.quads() {
            let literal = |term: &Term| matches!(term, Term::Literal { .. });
            let malformed = literal(&quad.subject)
                || !matches!(quad.predicate, Term::Iri(_))
                || quad.graph.as_ref().is_some_and(literal);
            if malformed {
                return Err(InvalidEvent::MalformedQuad { quad: quad.to_string() });
            }
        }
        match delta.inserted.intersection(&delta.removed).next() {
            Some(quad) => Err(InvalidEvent::CameAndWent { quad: quad.to_string() }),
            None => Ok(()),
        }
    }

    /// About how many bytes the event takes, from the lengths of its texts.
    pub fn weight(&self) -> usize {
        let term = |term: &Term| 24 + term.as_ref().text().len();
        let properties = self
            .properties
            .iter()
            .map(|(property, values)| 48 + property.len() + values.iter().map(term).sum::<usize>());
        let quads = self.delta.iter().flat_map(Delta::quads).map(|quad| {
            term(&quad.subject)
                + term(&quad.predicate)
                + term(&quad.object)
                + quad.graph.as_ref().map_or(0, term)
        });
        size_of::<Self>() + self.subject.len() + properties.sum::<usize>() + quads.sum::<usize>()
    }
}

/// What kind of change an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeType {
    /// A node has come into the graph.
    NodeAdded,
    /// A node that was there says something else now.
    NodeUpdated,
    /// A node has gone.
    NodeRemoved,
    /// An edge between two nodes has come.
    EdgeAdded,
    /// An edge between two nodes has gone.
    EdgeRemoved,
    /// Classes, properties or shapes have changed.
    SchemaChanged,
    /// A template has changed.
    TemplateChanged,
    /// A setting has changed.
    ConfigurationChanged,
    /// Many things have changed at once.
    Bulk,
}

impl ChangeType {
    /// The name in the JSON form.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NodeAdded => "node_added",
            Self::NodeUpdated => "node_updated",
            Self::NodeRemoved => "node_removed",
            Self::EdgeAdded => "edge_added",
            Self::EdgeRemoved => "edge_removed",
            Self::SchemaChanged => "schema_changed",
            Self::TemplateChanged => "template_changed",
            Self::ConfigurationChanged => "configuration_changed",
            Self::Bulk => "bulk",
        }
    }
}

impl fmt::Display for ChangeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How urgent an event is; the greatest is the most urgent.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Whenever there is time.
    Low,
    /// The usual.
    #[default]
    Normal,
    /// Before the usual.
    High,
    /// Before everything.
    Critical,
}

impl Priority {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// How many priorities are more urgent: 0 to 3.
    pub const fn rank(self) -> u32 {
        match self {
            Self::Critical => 0,
            Self::High => 1,
            Self::Normal => 2,
            Self::Low => 3,
        }
    }

    /// The name in the JSON form.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who noticed a change: `api`, `file`, `git`, `webhook`, or any other name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(Cow<'static, str>);

impl Source {
    /// A program that calls us.
    pub const API: Self = Self(Cow::Borrowed("api"));
    /// A watched file.
    pub const FILE: Self = Self(Cow::Borrowed("file"));
    /// A repository.
    pub const GIT: Self = Self(Cow::Borrowed("git"));
    /// A call from outside.
    pub const WEBHOOK: Self = Self(Cow::Borrowed("webhook"));

    /// A source by its name.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Source {
    fn from(name: &'static str) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an event can't be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEvent {
    /// It does not say what changed.
    #[error("the event has no subject")]
    NoSubject,
    /// RDF knows no such statement.
    #[error("`{quad}` has a literal, or a blank node, where none can be")]
    MalformedQuad {
        /// The statement, as N-Quads would write it.
        quad: String,
    },
    /// A quad is in both halves of the delta.
    #[error("`{quad}` is both inserted and removed")]
    CameAndWent {
        /// The statement.
        quad: String,
    },
}
