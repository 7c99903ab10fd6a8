//! What a start does before anything else: it settles what an earlier one has left.

use super::errors::OperationError;
use super::run::Run;
use crate::{Event, Summary};

impl Run {
    /// Takes back a deployment that was cut short before its commit, and finishes one that was
    /// cut short after it.
    pub(super) async fn settle(&mut self) -> Result<Option<Summary>, OperationError> {
        let Some(open) = &self.state.open else { return Ok(None) };
        tracing::warn!(
            environment = self.site.settings.name,
            number = open.number,
            committed = open.is_committed(),
            "an earlier start has left a deployment unfinished"
        );
        self.drive(Event::Restarted).await.map(Some)
    }
}
