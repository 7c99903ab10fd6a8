use std::collections::BTreeMap;
use std::sync::Arc;

use evergen_artifact::Digest;
use similar::TextDiff;

use super::{FileChange, Proposal};
use crate::{Fault, Subject, SubjectFile};

/// A tree in memory: the one that it came from, and what differs.
pub(super) struct Tree {
    original: Subject,
    edits: BTreeMap<String, Arc<[u8]>>,
    pub(super) subject: Subject,
}

impl Tree {
    pub(super) fn of(subject: &Subject) -> Self {
        let (original, subject) = (subject.clone(), subject.clone());
        Self { original, edits: BTreeMap::new(), subject }
    }

    /// The same for two trees from one origin exactly if they have the same contents.
    pub(super) fn digest(&self) -> Digest {
        let lines = self.edits.iter().map(|(path, it)| format!("{path}\0{}\0", Digest::of(it)));
        Digest::of(lines.collect::<Vec<_>>().concat().as_bytes())
    }

    /// The tree with what is proposed.
    pub(super) fn with(&self, proposal: &Proposal) -> Result<Self, Fault> {
        let mut edits = self.edits.clone();
        for (path, bytes) in &proposal.files {
            // What is as it was at first is no edit: a way back must be known as one.
            let at_first = self.original.get(path)?.map(|file| file.bytes()).transpose()?;
            if at_first.as_ref() == Some(bytes) {
                edits.remove(path);
            } else {
                edits.insert(path.clone(), bytes.clone());
            }
        }
        let subject = self.original.edited(&edits);
        Ok(Self { original: self.original.clone(), edits, subject })
    }

    /// What would change, sorted by path.
    pub(super) fn changes(&self, proposal: &Proposal) -> Result<Vec<FileChange>, Fault> {
        let mut changes = Vec::new();
        for (path, bytes) in &proposal.files {
            let before = self.subject.get(path)?.map(|file| file.bytes()).transpose()?;
            if before.as_ref() != Some(bytes) {
                let before = before.map(|bytes| bytes.to_vec());
                changes.push(FileChange::new(path, before, Some(bytes.to_vec())));
            }
        }
        changes.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(changes)
    }

    /// Whether a file is one of those that are judged and may be mended.
    pub(super) fn is_own(&self, path: &str) -> bool {
        self.original.changed().binary_search_by(|file: &SubjectFile| file.path().cmp(path)).is_ok()
    }

    /// The files that differ, sorted by path.
    pub(super) fn into_files(self) -> Vec<(String, Arc<[u8]>)> {
        self.edits.into_iter().collect()
    }
}

/// A unified diff of all changes.
pub(super) fn diff(changes: &[FileChange]) -> String {
    let text = |bytes: &Option<Vec<u8>>| {
        bytes.as_ref().map_or(String::new(), |it| String::from_utf8_lossy(it).into_owned())
    };
    let one = |change: &FileChange| {
        let (before, after) = (text(&change.before), text(&change.after));
        let (old, new) = (format!("a/{}", change.path), format!("b/{}", change.path));
        TextDiff::from_lines(&before, &after).unified_diff().header(&old, &new).to_string()
    };
    changes.iter().map(one).collect()
}
