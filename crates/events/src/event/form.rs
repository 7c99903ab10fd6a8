//! The JSON form of an event.

use std::collections::BTreeMap;

use evergen_delta::{Delta, Quad, Term};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ChangeEvent, ChangeType, InvalidEvent, Priority, Source};

/// The version of the JSON form that this release writes, and the newest that it reads.
pub const FORM_VERSION: u32 = 1;

impl ChangeEvent {
    /// The event as JSON, in one line:
    ///
    /// ```json
    /// {"version":1,"id":"01938…","change":"node_added","subject":"http://…",
    ///  "properties":{"http://…":[{"iri":"http://…"}]},"source":"api",
    ///  "at":"2026-11-27T17:00:00Z","priority":"normal","correlation_id":null,
    ///  "delta":{"inserted":[…],"removed":[…]}}
    /// ```
    ///
    /// A term is `{"iri": …}`, `{"blank": …}` or `{"literal": {"value", "datatype", "language"}}`;
    /// a quad has `subject`, `predicate`, `object` and `graph` (null in the default graph).
    /// `properties`, `correlation_id` and `delta` may be missing when read, and
    /// `priority` is then normal. A field that is not listed here is refused.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(self.weight());
        // Every map has text for keys and no part can refuse, so there is no error to meet.
        let _ = serde_json::to_writer(&mut json, &FormRef::from(self));
        json
    }

    /// Reads what [`to_json`](Self::to_json) wrote, or what somebody wrote by hand.
    pub fn from_json(json: &[u8]) -> Result<Self, ParseEventError> {
        // A newer form may differ in anything but its version, so that is looked at first.
        let Version { version } =
            serde_json::from_slice(json).map_err(ParseEventError::Malformed)?;
        if version > FORM_VERSION {
            return Err(ParseEventError::Newer { version });
        }
        let form: Form = serde_json::from_slice(json).map_err(ParseEventError::Malformed)?;
        Self::try_from(form)
    }
}

/// Why a text is not an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseEventError {
    /// It was written by a newer release.
    #[error(
        "the event's form has version {version}; the newest that is known here is {FORM_VERSION}"
    )]
    Newer {
        /// The version it claims.
        version: u32,
    },
    /// It is not JSON, or not that of an event.
    #[error("not the JSON of an event")]
    Malformed(#[source] serde_json::Error),
    /// It is one, and makes no sense.
    #[error("the event is not valid")]
    Invalid(#[from] InvalidEvent),
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    version: u32,
    id: Uuid,
    change: ChangeType,
    subject: String,
    #[serde(default)]
    properties: BTreeMap<String, Vec<Term>>,
    source: Source,
    at: Timestamp,
    #[serde(default)]
    priority: Priority,
    #[serde(default)]
    correlation_id: Option<Uuid>,
    #[serde(default)]
    delta: Option<Delta<Quad>>,
}

/// The same, borrowed, so that writing copies nothing.
#[derive(Serialize)]
struct FormRef<'a> {
    version: u32,
    id: Uuid,
    change: ChangeType,
    subject: &'a str,
    properties: &'a BTreeMap<String, Vec<Term>>,
    source: &'a Source,
    at: Timestamp,
    priority: Priority,
    correlation_id: Option<Uuid>,
    delta: Option<&'a Delta<Quad>>,
}

impl<'a> From<&'a ChangeEvent> for FormRef<'a> {
    fn from(event: &'a ChangeEvent) -> Self {
        Self {
            version: FORM_VERSION,
            id: event.id,
            change: event.change,
            subject: &event.subject,
            properties: &event.properties,
            source: &event.source,
            at: event.at,
            priority: event.priority,
            correlation_id: event.correlation_id,
            delta: event.delta.as_ref(),
        }
    }
}

impl From<ChangeEvent> for Form {
    fn from(event: ChangeEvent) -> Self {
        Self {
            version: FORM_VERSION,
            id: event.id,
            change: event.change,
            subject: event.subject,
            properties: event.properties,
            source: event.source,
            at: event.at,
            priority: event.priority,
            correlation_id: event.correlation_id,
            delta: event.delta,
        }
    }
}

impl TryFrom<Form> for ChangeEvent {
    type Error = ParseEventError;

    fn try_from(form: Form) -> Result<Self, ParseEventError> {
        if form.version > FORM_VERSION {
            return Err(ParseEventError::Newer { version: form.version });
        }
        let event = Self {
            id: form.id,
            change: form.change,
            subject: form.subject,
            properties: form.properties,
            source: form.source,
            at: form.at,
            priority: form.priority,
            correlation_id: form.correlation_id,
            delta: form.delta,
        };
        event.validate()?;
        Ok(event)
    }
}
