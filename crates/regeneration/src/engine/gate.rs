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
    /// Asks the gate, if there is one and anything would change. It gets the texts, which
    /// nobody else needs: they are in memory once.
    pub(super) fn ask(
        &self,
        outcomes: &mut [Outcome],
        deletions: &[Deletion],
    ) -> Result<(), CycleError> {
        let Some(gate) = self.cycle.gate else { return Ok(()) };
        let name = |job: &Job| {
            self.generators
                .get(&job.generator)
                .map_or_else(|| "".into(), |known| Arc::clone(&known.name))
        };
        let proposed = proposed(outcomes, deletions, name);
        if proposed.is_empty() {
            return Ok(());
        }
        match gate(proposed) {
            // A gate may take its time, and somebody may have used it to edit a file.
            Decision::Commit if self.is_edited_meanwhile(outcomes, deletions) => {
                let why = "a file in the output folder was changed while the gate decided";
                Err(CycleError::storage("committing", why))
            }
            Decision::Commit => Ok(()),
            Decision::Withhold { why } => Err(CycleError::Withheld { why }),
        }
    }
}

/// What outcomes and deletions would change, with the texts, which are taken out.
pub(super) fn proposed(
    outcomes: &mut [Outcome],
    deletions: &[Deletion],
    name: impl Fn(&Job) -> Arc<str>,
) -> ProposedChanges {
    let written = outcomes.iter_mut().filter_map(|outcome| {
        let placed = outcome.placed.as_mut()?;
        let replaces = match placed.action {
            Action::Create => false,
            Action::Update | Action::Merge => true,
            Action::Keep | Action::Refuse | Action::Delete => return None,
        };
        let bytes = placed.after.take()?;
        let path = outcome.path()?.clone();
        Some(ProposedChange::write(path, name(&outcome.job), bytes, replaces))
    });
    let removed = deletions
        .iter()
        .filter(|deletion| !deletion.refused)
        .map(|deletion| ProposedChange::remove(deletion.path.clone(), deletion.generator.as_str()));
    ProposedChanges::new(removed.chain(written).collect())
}
