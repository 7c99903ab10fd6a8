//! Files that no artifact claims any more.

use std::collections::BTreeSet;
use std::sync::Arc;

use evergen_artifact::{ArtifactPath, Digest, FileStamp, LockFile};

use super::commit::Settled;
use super::cycle::{Purpose, change};
use super::evaluate::Evaluated;
use super::memory::Memory;
use super::place::read_lock_file;
use super::scan::Deviation;
use super::workers::Outcome;
use crate::artifacts::Slot;
use crate::records::{Cause, NEVER, Record, StoredDigest};
use crate::report::{Action, RunReport};
use crate::settings::OnEdit;
use crate::state::Step;

/// A file that goes, or that would have to go if nobody had edited it.
#[derive(Clone, Debug)]
pub(super) struct Deletion {
    pub(super) path: ArtifactPath,
    pub(super) generator: String,
    /// The digest of the text that was generated last.
    pub(super) digest: StoredDigest,
    pub(super) refused: bool,
    /// The stamp of the file that was judged, where one could be had.
    pub(super) found: Option<FileStamp>,
    pub(super) before: Option<Vec<u8>>,
}

impl Settled<'_> {
    /// Files that no artifact claims any more: of rows that are gone, of artifacts
    /// that moved, and of a generation whose state is lost.
    pub(super) fn deletions(
        &self,
        memory: &mut Memory,
        outcomes: &[Outcome],
        gone: &[Slot],
        lock: Option<LockFile>,
        step: &mut Step,
        report: &mut RunReport,
    ) -> Vec<Deletion> {
        let mut orphans: Vec<(ArtifactPath, Slot, Arc<Record>)> = Vec::new();
        for slot in gone {
            let Some(record) = memory.artifacts.get(*slot) else { continue };
            memory.artifacts.set(*slot, None);
            step.records.push((*slot, None));
            step.reads.extend([(slot * 2, None), (slot * 2 + 1, None)]);
            orphans.extend(record.path.clone().map(|path| (path, *slot, record)));
        }
        for outcome in outcomes {
            let (Evaluated::Rendered { .. } | Evaluated::Nowhere { .. }) =
                outcome.evaluation.result
            else {
                continue;
            };
            let Some(previous) = &outcome.job.previous else { continue };
            let now = memory.artifacts.get(outcome.job.slot).and_then(|record| record.path.clone());
            if let Some(path) = previous.path.clone().filter(|path| Some(path) != now.as_ref()) {
                orphans.push((path, outcome.job.slot, Arc::clone(previous)));
            }
        }
        let mut deletions: Vec<Deletion> = Vec::new();
        for (path, slot, record) in orphans {
            if !self.is_claimed(memory, &path) && record.written != NEVER {
                deletions.extend(self.deletion(memory, path, slot, &record));
            }
        }
        // Also what an earlier cycle had to leave, and what somebody else's commit brought.
        if memory.fresh.is_some() || self.inputs.lock_changed || !memory.meta.orphans.is_empty() {
            let known: BTreeSet<ArtifactPath> =
                deletions.iter().map(|deletion| deletion.path.clone()).collect();
            let lost = self.lost(memory, lock).into_iter();
            deletions.extend(lost.filter(|deletion| !known.contains(&deletion.path)));
        }
        let left = deletions.iter().filter(|deletion| deletion.refused);
        let orphans: Vec<_> =
            left.map(|left| (left.path.to_string(), left.digest, left.generator.clone())).collect();
        memory.lock_stale |= orphans != memory.meta.orphans;
        memory.meta.orphans = orphans;
        for deletion in &deletions {
            let (action, note) = if deletion.refused {
                report.artifacts.refused += 1;
                (Action::Refuse, Some("nothing generates it any more, but it was edited by hand; remove it yourself".to_owned()))
            } else {
                report.artifacts.deleted += 1;
                (Action::Delete, None)
            };
            let path = deletion.path.as_str();
            report.changes.push(change(path, &deletion.generator, action, &Cause::RowGone, note));
        }
        deletions
    }

    fn deletion(
        &self,
        memory: &Memory,
        path: ArtifactPath,
        slot: Slot,
        record: &Record,
    ) -> Option<Deletion> {
        let generator = memory.meta.generators.get(record.generator as usize);
        let name = generator.map_or_else(String::new, |generator| generator.name.clone());
        let general = self.cycle.project.settings.regeneration.on_edit;
        let generator = self.generators.get(&record.generator);
        let on_edit = Some(generator.map_or(general, |generator| generator.on_edit));
        let (edited, found) = match self.deviations.get(&slot) {
            Some(Deviation::Missing) => return None,
            Some(Deviation::Edited(_, stamp)) => (true, Some(*stamp)),
            Some(Deviation::Blocked(_)) => (true, None),
            // What is there besides the generated text was written by a person.
            Some(Deviation::Touched(stamp) | Deviation::Returned(stamp)) => {
                (record.written != record.digest, Some(*stamp))
            }
            None => (record.written != record.digest, Some(record.stamp)),
        };
        let refused = edited && on_edit != Some(OnEdit::Overwrite);
        let before = if self.cycle.mode.purpose == Purpose::Diff {
            self.cycle.store.read(&path).ok().flatten()
        } else {
            None
        };
        Some(Deletion { path, generator: name, digest: record.digest, refused, found, before })
    }

    /// Whether an artifact has the path. One whose path differs in case only has another
    /// file, unless the file system takes both for one.
    fn is_claimed(&self, memory: &mut Memory, path: &ArtifactPath) -> bool {
        let Some(slot) = memory.artifacts.claimant(path) else { return false };
        let claimed = memory.artifacts.get(slot).and_then(|record| record.path.clone());
        let Some(claimed) = claimed.filter(|claimed| claimed != path) else { return true };
        let inode = |path| self.cycle.store.stamp(path).ok().flatten().map(|stamp| stamp.inode);
        inode(&claimed).is_some_and(|twin| inode(path) == Some(twin))
    }

    /// What `evergen.lock` names and nothing generates: after state was lost, this is
    /// how orphans are known. Files that were edited are left alone.
    fn lost(&self, memory: &mut Memory, lock: Option<LockFile>) -> Vec<Deletion> {
        let path = self.cycle.project.root.join("evergen.lock");
        let lock = lock.unwrap_or_else(|| read_lock_file(&path));
        let mut deletions = Vec::new();
        for entry in lock.entries() {
            if self.is_claimed(memory, &entry.path) {
                continue;
            }
            // The stamp comes first: bytes that are newer than it are noticed later.
            let found = self.cycle.store.stamp(&entry.path).ok().flatten();
            let Ok(Some(bytes)) = self.cycle.store.read(&entry.path) else { continue };
            deletions.push(Deletion {
                path: entry.path.clone(),
                generator: entry.generator.to_string(),
                digest: entry.digest.into(),
                refused: Digest::of(&bytes) != entry.digest,
                found,
                before: Some(bytes),
            });
        }
        deletions
    }
}
