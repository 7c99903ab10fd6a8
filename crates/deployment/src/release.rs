use std::collections::BTreeMap;
use std::sync::Arc;

use evergen_artifact::{ArtifactPath, Digest, ProposedChanges, ProposedKind};

/// An immutable set of files, known by its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    files: BTreeMap<ArtifactPath, (Digest, Arc<[u8]>)>,
    digest: Digest,
}

impl Default for Release {
    fn default() -> Self {
        Self::of(BTreeMap::new())
    }
}

impl Release {
    fn of(files: BTreeMap<ArtifactPath, (Digest, Arc<[u8]>)>) -> Self {
        let lines = files.iter().map(|(path, (digest, _))| format!("{path}\0{digest}\n"));
        let digest = Digest::of(lines.collect::<String>().as_bytes());
        Self { files, digest }
    }

    /// This release with changes on top.
    #[must_use]
    pub fn with(&self, changes: &ProposedChanges) -> Self {
        let mut files = self.files.clone();
        for change in changes {
            match &change.kind {
                ProposedKind::Write { bytes, digest, .. } => {
                    files.insert(change.path.clone(), (*digest, Arc::clone(bytes)));
                }
                _ => {
                    files.remove(&change.path);
                }
            }
        }
        Self::of(files)
    }

    /// A digest over all paths and bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The bytes of a file, if the release has it.
    pub fn file(&self, path: &ArtifactPath) -> Option<&[u8]> {
        self.files.get(path).map(|(_, bytes)| &**bytes)
    }

    /// The paths of all files, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &ArtifactPath> {
        self.files.keys()
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}
