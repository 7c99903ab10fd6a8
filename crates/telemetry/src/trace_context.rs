//! The W3C trace context: how a trace goes from one process or queue to the next.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A `traceparent`: which trace something belongs to, and below which span.
///
/// Its text form is that of the W3C recommendation, version 00. A change event that
/// carries it as text joins what its source did with what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceParent {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    sampled: bool,
}

/// Why a text is not a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceParentError {
    /// It has not the form `version-trace-span-flags`, in lower-case hexadecimal digits.
    #[error("not of the form `00-<32 digits>-<16 digits>-<2 digits>`, in lower-case hexadecimal")]
    Form,
    /// The version `ff` is forbidden.
    #[error("version ff is forbidden")]
    Version,
    /// An id of nothing but zeros is no id.
    #[error("an id of nothing but zeros")]
    Zero,
}

impl TraceParent {
    /// The span `span_id` of the trace `trace_id`; nothing if one of them is all zeros.
    pub fn new(trace_id: [u8; 16], span_id: [u8; 8], sampled: bool) -> Option<Self> {
        let valid = trace_id != [0; 16] && span_id != [0; 8];
        valid.then_some(Self { trace_id, span_id, sampled })
    }

    /// The trace of all that has the correlation id `id`: every process that knows the
    /// id comes to the same trace. Nothing of the nil id.
    pub fn from_correlation(id: Uuid) -> Option<Self> {
        let bytes = *id.as_bytes();
        // The second half of a UUID is random; its variant bits keep it from being zero.
        let span_id = std::array::from_fn(|place| bytes[8 + place]);
        Self::new(bytes, span_id, true)
    }

    /// The same trace, below another span; nothing if that is all zeros.
    pub fn child(&self, span_id: [u8; 8]) -> Option<Self> {
        Self::new(self.trace_id, span_id, self.sampled)
    }

    /// The trace.
    pub const fn trace_id(&self) -> [u8; 16] {
        self.trace_id
    }

    /// The span.
    pub const fn span_id(&self) -> [u8; 8] {
        self.span_id
    }

    /// Whether the caller records this trace.
    pub const fn is_sampled(&self) -> bool {
        self.sampled
    }
}

impl Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            u128::from_be_bytes(self.trace_id),
            u64::from_be_bytes(self.span_id),
            u8::from(self.sampled)
        )
    }
}

impl FromStr for TraceParent {
    type Err = TraceParentError;

    fn from_str(text: &str) -> Result<Self, TraceParentError> {
        let mut parts = text.split('-');
        let version =
            parts.next().and_then(|part| hexadecimal(part, 2)).ok_or(TraceParentError::Form)?;
        if version == 0xff {
            return Err(TraceParentError::Version);
        }
        let mut next = |digits| {
            parts.next().and_then(|part| hexadecimal(part, digits)).ok_or(TraceParentError::Form)
        };
        let (trace, span, flags) = (next(32)?, next(16)?, next(2)?);
        // Later versions may say more behind the flags; this one may not.
        if version == 0 && parts.next().is_some() {
            return Err(TraceParentError::Form);
        }
        let span = u64::try_from(span).map_err(|_| TraceParentError::Form)?;
        Self::new(trace.to_be_bytes(), span.to_be_bytes(), flags & 1 == 1)
            .ok_or(TraceParentError::Zero)
    }
}

fn hexadecimal(part: &str, digits: usize) -> Option<u128> {
    let valid =
        part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    valid.then(|| u128::from_str_radix(part, 16).ok()).flatten()
}

impl TryFrom<String> for TraceParent {
    type Error = TraceParentError;

    fn try_from(text: String) -> Result<Self, TraceParentError> {
        text.parse()
    }
}

impl From<TraceParent> for String {
    fn from(parent: TraceParent) -> Self {
        parent.to_string()
    }
}

#[cfg(test)]
mod tests;
