//! Asking whoever has a say before changes become visible.

use std::sync::Arc;

use evergen_artifact::{ProposedChange, ProposedChanges};

use super::Decision;
use super::commit::Settled;
use super::evaluate::Job;
use super::orphans::Deletion;
use super::workers::Outcome;
use crate::error::CycleError;
use crate::report::Action;

impl Settled<'_> {
    /// Asks the gate, if there is one and anything would change.
    pub(super) fn ask(
        &self,
        outcomes: &[Outcome],
        deletions: &[Deletion],
    ) -> Result<(), CycleError> {
        let Some(gate) = self.cycle.gate else { return Ok(()) };
        let name = |job: &Job| {
            self.generators
                .get(&job.generator)
                .map_or_else(|| "".into(), |known| Arc::clone(&known.name))
        };
        let written = outcomes.iter().filter_map(|outcome| {
            let placed = outcome.placed.as_ref()?;
            let replaces = match placed.action {
                Action::Create => false,
                Action::Update | Action::Merge => true,
                Action::Keep | Action::Refuse | Action::Delete => return None,
            };
            let (path, bytes) = (outcome.path()?.clone(), placed.after.clone()?);
            Some(ProposedChange::write(path, name(&outcome.job), bytes, replaces))
        });
        let removed = deletions.iter().filter(|deletion| !deletion.refused).map(|deletion| {
            ProposedChange::remove(deletion.path.clone(), deletion.generator.as_str())
        });
        let proposed = ProposedChanges::new(removed.chain(written).collect());
        if proposed.is_empty() {
            return Ok(());
        }
        match gate(proposed) {
            Decision::Commit => Ok(()),
            Decision::Withhold { why } => Err(CycleError::Withheld { why }),
        }
    }
}
