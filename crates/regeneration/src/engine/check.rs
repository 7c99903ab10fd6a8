//! Comparing what is there with what the model asks for.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use evergen_artifact::{ArtifactPath, ArtifactStore, Digest};

use super::RegenerationEngine;
use super::cycle::{Finished, Mode, Purpose};
use super::memory::{Fresh, Memory};
use crate::edits;
use crate::error::CycleError;
use crate::project::Project;
use crate::report::{
    Action, ArtifactChange, CheckReport, Drift, DriftKind, FileDiff, Reason, VerifyReport,
};

/// The diffs of a preview, with the files' paths from the project's folder, where they are below it.
pub(super) fn diffs(finished: &Finished, project: &Project) -> Vec<FileDiff> {
    let folder = output_in(project);
    let mut diffs = Vec::new();
    let written = finished.report.changes.iter().filter(|change| change.action != Action::Refuse);
    for change in written {
        let outcome = finished.outcomes.iter().find_map(|outcome| {
            let placed = outcome.placed.as_ref()?;
            (outcome.path()?.as_str() == change.path).then_some(placed)
        });
        let deletion =
            finished.deletions.iter().find(|deletion| deletion.path.as_str() == change.path);
        let (before, after) = match (outcome, deletion) {
            (Some(placed), _) => (placed.before.as_deref(), placed.after.as_deref()),
            (None, Some(deletion)) => (deletion.before.as_deref(), None),
            (None, None) => continue,
        };
        let unified = edits::unified(&format!("{folder}{}", change.path), before, after);
        diffs.push(FileDiff { path: change.path.clone(), action: change.action, unified });
    }
    diffs
}

/// The output folder from the project's, with a slash behind; nothing where it is elsewhere.
fn output_in(project: &Project) -> String {
    let output = project.output_dir();
    let inside = output.strip_prefix(&project.root).unwrap_or(Path::new(""));
    let mut parts = Vec::new();
    for part in inside.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_string_lossy()),
            Component::ParentDir if parts.pop().is_some() => {}
            Component::CurDir => {}
            _ => return String::new(),
        }
    }
    parts.iter().flat_map(|part| [part.as_ref(), "/"]).collect()
}

fn drift(change: &ArtifactChange) -> Option<Drift> {
    let kind = match (change.action, &change.reason) {
        (Action::Create, _) => DriftKind::Missing,
        (Action::Delete, _) | (Action::Refuse, Reason::RowGone) => DriftKind::Extra,
        (Action::Refuse | Action::Merge, _) | (Action::Update, Reason::Edited) => DriftKind::Edited,
        (Action::Update, _) => DriftKind::Stale,
        (Action::Keep, _) => return None,
    };
    Some(Drift { path: change.path.clone(), kind })
}

impl RegenerationEngine {
    /// Whether the files in the output folder are true to the model; nothing is written.
    ///
    /// # Errors
    /// See [`CycleError`].
    pub fn check(&mut self) -> Result<CheckReport, CycleError> {
        let finished = self.preview(false)?;
        let mut drift: Vec<Drift> = finished.report.changes.iter().filter_map(drift).collect();
        drift.sort();
        Ok(CheckReport {
            artifacts: finished.report.artifacts.total,
            drift,
            diagnostics: finished.report.diagnostics,
        })
    }

    /// Whether the incremental result equals a generation from scratch, byte for byte;
    /// nothing is written.
    ///
    /// What a run would leave is worked out from the state, and once more from nothing
    /// but model, templates and settings. Files in which an edit was merged or regions
    /// were kept are compared by their generated text.
    ///
    /// # Errors
    /// See [`CycleError`].
    pub fn verify(&mut self) -> Result<VerifyReport, CycleError> {
        let mut memory = Memory::open(&self.folder, &self.project);
        let mode = Mode { purpose: Purpose::Preview, full: false };
        let finished = self.cycle_on(&mut memory, mode, None, &mut |_| {})?;
        let left = self.left_by(&memory, &finished)?;
        let mut scratch = Memory::fresh(Fresh::First);
        let mode = Mode { purpose: Purpose::Scratch, full: false };
        self.cycle_on(&mut scratch, mode, None, &mut |_| {})?;
        let wanted: BTreeMap<ArtifactPath, Digest> =
            scratch.artifacts.outputs().map(|output| (output.path, output.digest)).collect();
        let mut differences = Vec::new();
        for (path, digest) in &wanted {
            match left.get(path) {
                None => {
                    differences.push(Drift { path: path.to_string(), kind: DriftKind::Missing });
                }
                Some(found) if found != digest => {
                    differences.push(Drift { path: path.to_string(), kind: DriftKind::Stale });
                }
                Some(_) => {}
            }
        }
        for path in left.keys().filter(|path| !wanted.contains_key(*path)) {
            differences.push(Drift { path: path.to_string(), kind: DriftKind::Extra });
        }
        let refused =
            finished.report.changes.iter().filter(|change| change.action == Action::Refuse);
        let refused = refused.map(|change| (change.path.clone(), drift(change)));
        for (path, found) in refused {
            differences.retain(|difference| difference.path != path);
            differences.extend(found);
        }
        differences.sort();
        Ok(VerifyReport {
            artifacts: wanted.len() as u64,
            differences,
            diagnostics: finished.report.diagnostics,
        })
    }

    /// The digests of the generated texts that a run would leave: for what it would not
    /// touch, those of the files as they are.
    fn left_by(
        &self,
        memory: &Memory,
        finished: &Finished,
    ) -> Result<BTreeMap<ArtifactPath, Digest>, CycleError> {
        let touched: BTreeMap<&str, Action> = finished
            .report
            .changes
            .iter()
            .map(|change| (change.path.as_str(), change.action))
            .collect();
        let mut left = BTreeMap::new();
        for output in memory.artifacts.outputs() {
            let Some(record) = memory.artifacts.get(output.slot) else { continue };
            let rewritten = touched.contains_key(output.path.as_str());
            let digest = if rewritten || record.written != Digest::from(record.digest) {
                output.digest
            } else {
                let bytes = self.store.read(&output.path);
                let bytes = bytes.map_err(|error| {
                    CycleError::storage(format!("reading {}", output.path), error)
                })?;
                Digest::of(&bytes.unwrap_or_default())
            };
            left.insert(output.path, digest);
        }
        Ok(left)
    }
}
