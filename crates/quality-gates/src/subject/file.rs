use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use evergen_artifact::Digest;

use super::memory::{FileMemory, Stamp};
use super::on_disk;
use crate::Fault;

/// One file of a tree. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct SubjectFile(Arc<Cell>);

#[derive(Debug)]
struct Cell {
    path: Arc<str>,
    content: Content,
    changed: bool,
    digest: OnceLock<Digest>,
}

#[derive(Debug)]
enum Content {
    Bytes(Arc<[u8]>),
    Disk { root: Arc<PathBuf>, size: u64, seen: Option<Seen> },
}

/// What the file was when the folder was walked, and who keeps its digest.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) memory: FileMemory,
    pub(super) stamp: Stamp,
    pub(super) at: SystemTime,
}

/// A file of the tree can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadFault {
    /// The system refused.
    #[error("can't read {path}: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// It was written while it was judged.
    #[error("{path} changed while it was judged; run the gates again")]
    Changed {
        /// The file.
        path: String,
    },
}

impl From<ReadFault> for Fault {
    fn from(fault: ReadFault) -> Self {
        let advice = match &fault {
            ReadFault::Unreadable { .. } => "Check the file's permissions.",
            ReadFault::Changed { .. } => "Run the gates again.",
        };
        Self::infra(fault.to_string(), advice)
    }
}

impl SubjectFile {
    pub(super) fn of_bytes(path: Arc<str>, bytes: Arc<[u8]>, changed: bool) -> Self {
        Self::new(path, Content::Bytes(bytes), changed, OnceLock::new())
    }

    pub(super) fn of_known(path: Arc<str>, bytes: Arc<[u8]>, digest: Digest) -> Self {
        Self::new(path, Content::Bytes(bytes), true, OnceLock::from(digest))
    }

    pub(super) fn of_disk(
        path: Arc<str>,
        root: Arc<PathBuf>,
        size: u64,
        changed: bool,
        seen: Option<Seen>,
    ) -> Self {
        let known = seen.as_ref().and_then(|seen| seen.memory.get(&path, &seen.stamp));
        let digest = known.map_or_else(OnceLock::new, OnceLock::from);
        Self::new(path, Content::Disk { root, size, seen }, changed, digest)
    }

    fn new(path: Arc<str>, content: Content, changed: bool, digest: OnceLock<Digest>) -> Self {
        Self(Arc::new(Cell { path, content, changed, digest }))
    }

    /// The path, relative to the tree's root and with `/` between its parts.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What follows the last dot of its name.
    pub fn extension(&self) -> Option<&str> {
        let name = self.path().rsplit('/').next()?;
        name.rsplit_once('.').map(|(_, extension)| extension)
    }

    /// Whether it is one of those that changed.
    pub fn is_changed(&self) -> bool {
        self.0.changed
    }

    /// How many bytes it has; for a file on disk, had when the folder was walked.
    pub fn size(&self) -> u64 {
        match &self.0.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Disk { size, .. } => *size,
        }
    }

    /// The bytes. A file on disk is read each time; it blocks.
    pub fn bytes(&self) -> Result<Arc<[u8]>, ReadFault> {
        let (root, seen) = match &self.0.content {
            Content::Bytes(bytes) => return Ok(bytes.clone()),
            Content::Disk { root, seen, .. } => (root, seen),
        };
        let place = on_disk(root, self.path());
        let bytes = std::fs::read(&place).map_err(|error| ReadFault::Unreadable {
            path: self.path().to_owned(),
            why: error.to_string(),
        })?;
        let digest = Digest::of(&bytes);
        let is_new = self.0.digest.get().is_none();
        if let (Some(seen), true) = (seen, is_new)
            && place.symlink_metadata().is_ok_and(|it| Stamp::of(&it) == seen.stamp)
        {
            seen.memory.learn(&self.0.path, seen.stamp, seen.at, digest);
        }
        if *self.0.digest.get_or_init(|| digest) != digest {
            return Err(ReadFault::Changed { path: self.path().to_owned() });
        }
        Ok(bytes.into())
    }

    /// The text, or nothing where the bytes are no UTF-8.
    pub fn text(&self) -> Result<Option<String>, ReadFault> {
        Ok(std::str::from_utf8(&self.bytes()?).ok().map(str::to_owned))
    }

    /// The digest of the bytes. Computed once.
    pub fn digest(&self) -> Result<Digest, ReadFault> {
        if let Some(digest) = self.0.digest.get() {
            return Ok(*digest);
        }
        let bytes = self.bytes()?;
        Ok(*self.0.digest.get_or_init(|| Digest::of(&bytes)))
    }
}
