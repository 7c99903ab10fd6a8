use std::sync::Arc;

use crate::{
    Acknowledged, ConsumerError, ConsumerName, EventLog, Lagged, LogEntry, OffsetSet, Position,
    ReadError,
};

#[cfg(test)]
mod tests;

/// Reads a log in the name of a consumer, and notes what is done.
///
/// Opened again, after whatever end of the process, it gives exactly the events that were
/// not acknowledged, in the order of the log.
pub struct Consumer {
    log: Arc<dyn EventLog>,
    name: ConsumerName,
    /// As it was when the consumer was opened; later offsets are given once anyway.
    known: Acknowledged,
    cursor: u64,
}

impl Consumer {
    /// Opens a consumer; a new one begins at `start`.
    ///
    /// Two of one name at the same time get the same events.
    pub async fn open(
        log: Arc<dyn EventLog>,
        name: ConsumerName,
        start: Position,
    ) -> Result<Self, ConsumerError> {
        let known = log.open_consumer(&name, start).await?;
        let cursor = known.low();
        Ok(Self { log, name, known, cursor })
    }

    /// Its name.
    pub fn name(&self) -> &ConsumerName {
        &self.name
    }

    /// The offset from which the next batch is read.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// How many events the log has that were not read here yet.
    pub fn behind(&self) -> u64 {
        self.log.bounds().end.saturating_sub(self.cursor)
    }

    /// Waits for events, and gives at least one and at most `max`.
    ///
    /// Dropping the future loses nothing: what was not returned is read again.
    pub async fn next_batch(&mut self, max: usize) -> Result<Vec<LogEntry>, ConsumeError> {
        loop {
            let read = self.log.read(Position::Offset(self.cursor), max.max(1)).await;
            let mut entries = match read {
                Err(ReadError::Trimmed { first, .. }) => return Err(self.pass_over(first)),
                read => read?,
            };
            let Some(last) = entries.last() else {
                self.log.beyond(self.cursor).await?;
                continue;
            };
            self.cursor = last.offset + 1;
            entries.retain(|entry| !self.known.contains(entry.offset));
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
    }

    /// Goes on behind what was removed.
    fn pass_over(&mut self, first: u64) -> ConsumeError {
        let from = self.cursor;
        self.cursor = first;
        let missed = self.known.missing(from..first);
        ConsumeError::Lagged(Lagged { missed, from, until: first })
    }

    /// Whatever acknowledges for this consumer, from other tasks too.
    pub fn acknowledger(&self) -> Acknowledger {
        Acknowledger { log: Arc::clone(&self.log), name: self.name.clone() }
    }
}

/// Notes for a consumer what is done. Cheap to clone.
#[derive(Clone)]
pub struct Acknowledger {
    log: Arc<dyn EventLog>,
    name: ConsumerName,
}

impl Acknowledger {
    /// Notes that these events are done with, in whatever order. When this is ready, the
    /// note is as safe as the log makes it.
    pub async fn acknowledge(
        &self,
        offsets: impl IntoIterator<Item = u64>,
    ) -> Result<(), ConsumerError> {
        self.log.acknowledge(&self.name, offsets.into_iter().collect()).await
    }

    /// Notes that the consumer knows what it has missed, so that it is not told again
    /// when it is opened the next time.
    pub async fn accept_loss(&self, lagged: &Lagged) -> Result<(), ConsumerError> {
        self.log.acknowledge(&self.name, OffsetSet::from(lagged.from..lagged.until)).await
    }
}

/// Why a consumer got no events.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumeError {
    /// Events were removed that it had not acknowledged. The next call goes on after them.
    #[error(transparent)]
    Lagged(#[from] Lagged),
    /// The log can't be read. The next call tries again.
    #[error(transparent)]
    Read(#[from] ReadError),
}
