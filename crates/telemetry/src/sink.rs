//! Where records go: the port.

use std::sync::Arc;

use crate::record::Record;

mod memory;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

pub use memory::MemorySink;

/// Takes records out of the process, or keeps them.
///
/// The collector gives each sink a thread and a bounded queue, so a method may wait for
/// a disk or a network. What does not fit into the queue meanwhile is dropped and
/// counted; nobody who records ever waits.
///
/// # Laws
///
/// - **Order.** Records of one thread come in the order in which it recorded them.
/// - **Once.** A record is offered once. If `accept` fails, the sink has taken any part
///   of the batch or none of it, and the whole batch counts as failed; it is not offered
///   again. A sink that wants to try again does so inside, within its own time limit.
/// - **Durability.** When `flush` has succeeded, every record that was accepted before is
///   as safe as the sink ever makes it.
/// - **Time.** Every wait inside has a limit; a sink that hangs cannot be taken down.
/// - **Panics** count as failures; the sink is called again for the next batch.
/// - Records are redacted already. A sink adds no text of its own to them.
pub trait TelemetrySink: Send + Sync {
    /// A name for logs and counters.
    fn name(&self) -> &str;

    /// Takes a batch, oldest first; it is never empty.
    fn accept(&self, records: &[Arc<Record>]) -> Result<(), SinkError>;

    /// Makes safe what was accepted.
    fn flush(&self) -> Result<(), SinkError>;
}

/// A sink did not take what it was given.
#[derive(Debug, thiserror::Error)]
#[error("{action}")]
pub struct SinkError {
    action: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl SinkError {
    /// It failed in the middle of `action`, because of `source`.
    pub fn new(
        action: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { action: action.into(), source: Some(source.into()) }
    }

    /// It failed for a reason that `message` says in full.
    pub fn message(message: impl Into<String>) -> Self {
        Self { action: message.into(), source: None }
    }
}

impl<S: TelemetrySink + ?Sized> TelemetrySink for Arc<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn accept(&self, records: &[Arc<Record>]) -> Result<(), SinkError> {
        (**self).accept(records)
    }

    fn flush(&self) -> Result<(), SinkError> {
        (**self).flush()
    }
}

impl<S: TelemetrySink + ?Sized> TelemetrySink for Box<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn accept(&self, records: &[Arc<Record>]) -> Result<(), SinkError> {
        (**self).accept(records)
    }

    fn flush(&self) -> Result<(), SinkError> {
        (**self).flush()
    }
}

#[cfg(test)]
mod tests;
