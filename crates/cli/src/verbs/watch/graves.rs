//! Dead events in the folder of the loop.

use std::sync::Arc;

use evergen_events::{Attempt, DeadLetter, DeadLetters};
use evergen_orchestrator::{BuryError, DeadEvent, DeadEvents};
use futures::future::{BoxFuture, FutureExt};

/// Keeps dead events as dead letters.
pub(super) struct Graves(pub(super) Arc<DeadLetters>);

impl DeadEvents for Graves {
    fn bury(&self, event: DeadEvent) -> BoxFuture<'_, Result<(), BuryError>> {
        let attempts = event
            .tries
            .iter()
            .map(|failed| Attempt::new(failed.at, failed.component, failed.error.as_str()));
        let letter = DeadLetter::new((*event.event).clone(), attempts.collect(), event.buried_at);
        let letter = match event.offset {
            Some(offset) => letter.with_offset(offset),
            None => letter,
        };
        async move {
            DeadLetters::bury(&self.0, letter)
                .await
                .map_err(|error| BuryError::new(error.to_string()))
        }
        .boxed()
    }
}
