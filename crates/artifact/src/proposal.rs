//! What a transaction would do, for somebody who has a say in it.

use std::sync::Arc;

use crate::{ArtifactPath, Digest};

/// The changes of the output folder that a writer is about to commit, sorted by path.
///
/// It is what a gate judges: everything that will be written, with its bytes, and
/// everything that will be removed. Files that stay as they are do not appear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProposedChanges {
    changes: Vec<ProposedChange>,
}

/// One file that would be written or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProposedChange {
    /// Where the file is, or would be.
    pub path: ArtifactPath,
    /// What made it.
    pub generator: Arc<str>,
    /// What would happen to it.
    pub kind: ProposedKind,
}

/// What would happen to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProposedKind {
    /// These bytes are written; `replaces` tells whether a file is there now.
    Write {
        /// The bytes.
        bytes: Arc<[u8]>,
        /// Their digest.
        digest: Digest,
        /// Whether a file of other bytes is replaced.
        replaces: bool,
    },
    /// The file is removed.
    Remove,
}

impl ProposedChange {
    /// A file that would be written.
    pub fn write(
        path: ArtifactPath,
        generator: impl Into<Arc<str>>,
        bytes: impl Into<Arc<[u8]>>,
        replaces: bool,
    ) -> Self {
        let bytes = bytes.into();
        let digest = Digest::of(&bytes);
        let kind = ProposedKind::Write { bytes, digest, replaces };
        Self { path, generator: generator.into(), kind }
    }

    /// A file that would be removed.
    pub fn remove(path: ArtifactPath, generator: impl Into<Arc<str>>) -> Self {
        Self { path, generator: generator.into(), kind: ProposedKind::Remove }
    }

    /// The bytes that would be written; nothing where the file would be removed.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.kind {
            ProposedKind::Write { bytes, .. } => Some(bytes),
            ProposedKind::Remove => None,
        }
    }
}

impl ProposedChanges {
    /// Changes in any order; of several for one path the last one counts.
    pub fn new(mut changes: Vec<ProposedChange>) -> Self {
        changes.reverse();
        changes.sort_by(|left, right| left.path.cmp(&right.path));
        changes.dedup_by(|later, kept| later.path == kept.path);
        Self { changes }
    }

    /// The changes, sorted by path.
    pub fn as_slice(&self) -> &[ProposedChange] {
        &self.changes
    }

    /// The changes, sorted by path.
    pub fn iter(&self) -> std::slice::Iter<'_, ProposedChange> {
        self.changes.iter()
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many files would change.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// How many bytes would be written.
    pub fn written_bytes(&self) -> u64 {
        self.changes.iter().filter_map(ProposedChange::bytes).map(|bytes| bytes.len() as u64).sum()
    }

    /// A digest over paths, actions and bytes: equal for equal proposals.
    pub fn digest(&self) -> Digest {
        let mut text = String::new();
        for change in &self.changes {
            let what = match &change.kind {
                ProposedKind::Write { digest, .. } => digest.to_string(),
                ProposedKind::Remove => "-".to_owned(),
            };
            text.extend([change.path.as_str(), "\0", &what, "\n"]);
        }
        Digest::of(text.as_bytes())
    }
}

impl<'a> IntoIterator for &'a ProposedChanges {
    type Item = &'a ProposedChange;
    type IntoIter = std::slice::Iter<'a, ProposedChange>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ArtifactPath {
        ArtifactPath::parse(text).unwrap()
    }

    #[test]
    fn changes_are_sorted_and_the_last_one_for_a_path_counts() {
        let proposed = ProposedChanges::new(vec![
            ProposedChange::write(path("b.rs"), "g", *b"one", false),
            ProposedChange::remove(path("a.rs"), "g"),
            ProposedChange::write(path("b.rs"), "g", *b"three", true),
        ]);
        let shown: Vec<(&str, Option<&[u8]>)> =
            proposed.iter().map(|change| (change.path.as_str(), change.bytes())).collect();
        assert_eq!(shown, [("a.rs", None), ("b.rs", Some(&b"three"[..]))]);
        assert_eq!(proposed.written_bytes(), 5);
    }

    #[test]
    fn the_digest_tells_paths_actions_and_bytes_apart() {
        let digest = |change| ProposedChanges::new(vec![change]).digest();
        let base = digest(ProposedChange::write(path("a"), "g", *b"x", false));
        assert_eq!(base, digest(ProposedChange::write(path("a"), "h", *b"x", true)));
        assert_ne!(base, digest(ProposedChange::write(path("b"), "g", *b"x", false)));
        assert_ne!(base, digest(ProposedChange::write(path("a"), "g", *b"y", false)));
        assert_ne!(base, digest(ProposedChange::remove(path("a"), "g")));
    }
}
