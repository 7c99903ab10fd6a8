use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{ArtifactPath, FileName, FileStamp, PathError};

/// A tree of artifacts, together with the few files that describe it, which
/// changes by transactions only.
///
/// Laws for implementors:
/// - Nobody sees a part of a transaction: before [`Transaction::commit`] a reader
///   finds the old files, after it the new ones.
/// - One transaction is open at a time; [`begin`](Self::begin) says
///   [`BeginError::Busy`] to the second.
/// - If the program dies while a transaction is open or being committed,
///   [`recover`](Self::recover) brings the store to the state before the
///   transaction or after it. It is called before anything else, by the only writer.
/// - A symbolic link below a root is never followed and never replaced; what is no
///   plain file is neither read nor written.
pub trait ArtifactStore: Send + Sync {
    /// Returns the bytes of a file, or nothing when none is there.
    fn read_place(&self, place: &Place) -> Result<Option<Vec<u8>>, ReadError>;

    /// Returns the stamp of a file, or nothing when none is there.
    fn stamp_place(&self, place: &Place) -> Result<Option<FileStamp>, ReadError>;

    /// Returns every file in the output folder whose path is a valid one, sorted.
    fn list(&self) -> Result<Vec<ArtifactPath>, ReadError>;

    /// Opens a transaction.
    fn begin(&self) -> Result<Box<dyn Transaction>, BeginError>;

    /// Finishes or discards what a writer that died has left.
    fn recover(&self) -> Result<Recovery, RecoverError>;

    /// Returns the bytes of an artifact, or nothing when none is there.
    fn read(&self, path: &ArtifactPath) -> Result<Option<Vec<u8>>, ReadError> {
        self.read_place(&Place::Output(path.clone()))
    }

    /// Returns the stamp of an artifact, or nothing when none is there.
    fn stamp(&self, path: &ArtifactPath) -> Result<Option<FileStamp>, ReadError> {
        self.stamp_place(&Place::Output(path.clone()))
    }

    /// Returns the stamps of many artifacts in the order in which they are asked
    /// for; fastest if the paths are sorted.
    fn stamps(&self, paths: &[ArtifactPath]) -> Result<Vec<Option<FileStamp>>, ReadError> {
        paths.iter().map(|path| self.stamp(path)).collect()
    }
}

/// Files that will appear, and others that will vanish, together.
///
/// Staging and removing may be called from many threads at once. Dropping a
/// transaction discards it and leaves nothing behind.
pub trait Transaction: Send + Sync {
    /// Writes a file aside, and returns the stamp that it has now and will have
    /// once committed. A failed write makes the commit fail too; after any other
    /// error nothing is staged for this place and the transaction can go on.
    fn stage(&self, place: Place, bytes: &[u8]) -> Result<FileStamp, StageError>;

    /// The same for a file whose bytes lie in pieces, in their order.
    fn stage_pieces(&self, place: Place, pieces: &[&[u8]]) -> Result<FileStamp, StageError> {
        self.stage(place, &pieces.concat())
    }

    /// Plans to remove a file. It need not exist, and if the place is staged as
    /// well, the staged file wins. A folder that holds nothing any more when its
    /// last file is removed goes with it, but never the output folder.
    fn remove(&self, place: Place);

    /// Makes all of it visible. Every error but [`CommitError::Unfinished`] means that nothing
    /// has changed.
    fn commit(self: Box<Self>) -> Result<Committed, CommitError>;
}

/// Where a file of a transaction stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Below the output folder.
    Output(ArtifactPath),
    /// Beside the project file, as `evergen.lock` does.
    Project(FileName),
    /// In `.evergen/`.
    State(FileName),
}

/// Names in the state folder that the store uses itself.
const TAKEN: [&str; 3] = ["lock", "journal", "stage"];

impl Place {
    /// Names a file beside the project file.
    pub fn project(name: &str) -> Result<Self, PathError> {
        FileName::parse(name).map(Self::Project)
    }

    /// Names a file in the state folder; `lock`, `journal` and `stage` are taken.
    pub fn state(name: &str) -> Result<Self, PathError> {
        FileName::parse(name).map(Self::State)
    }

    /// Whether the place is one that the store keeps for itself.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, Self::State(name) if TAKEN.contains(&name.as_str()))
    }

    /// The path of the file within its root.
    pub(crate) fn path(&self) -> &ArtifactPath {
        match self {
            Self::Output(path) => path,
            Self::Project(name) | Self::State(name) => name.as_path(),
        }
    }
}

impl From<ArtifactPath> for Place {
    fn from(path: ArtifactPath) -> Self {
        Self::Output(path)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output(path) => path.fmt(f),
            Self::Project(name) => write!(f, "{name} beside the project file"),
            Self::State(name) => write!(f, "{name} in the state folder"),
        }
    }
}

/// What a commit has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Files that appeared or were replaced.
    pub written: usize,
    /// Files that vanished.
    pub removed: usize,
    /// Moves that made the written files visible. A folder that is new as a whole takes one.
    pub moves: usize,
}

/// What [`ArtifactStore::recover`] found and did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Recovery {
    /// Nothing was left open.
    Clean,
    /// A writer had died before its commit: what it staged is discarded.
    Discarded,
    /// A writer had died while it committed: the rest of its commit is done.
    Completed {
        /// Staged files that were not as long as when they were staged, as can be
        /// after a power cut; they were left out.
        damaged: usize,
    },
    /// There was a journal that can't be read: the tree may be between two
    /// states, and should be checked or made anew.
    Unreadable,
}

/// What stands in the way of a file, named by its path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Obstacle {
    /// A link would lead elsewhere; it is neither followed nor replaced.
    #[error("`{}` is a symbolic link, which is neither followed nor replaced", .path.display())]
    Symlink {
        /// Where the link stands.
        path: PathBuf,
    },
    /// Something stands where a folder is needed.
    #[error("`{}` is not a folder, and one is needed there", .path.display())]
    NotAFolder {
        /// Where it stands.
        path: PathBuf,
    },
    /// A folder, a device or a pipe stands where a file is needed.
    #[error("`{}` is not a file, and one is needed there", .path.display())]
    NotAFile {
        /// Where it stands.
        path: PathBuf,
    },
    /// Files can't be moved to another volume at once.
    #[error("`{}` lies on another volume than the output folder", .path.display())]
    OtherVolume {
        /// The folder on the other volume.
        path: PathBuf,
    },
    /// The folder may not be written to.
    #[error("nothing can be written to the folder `{}`", .path.display())]
    ReadOnly {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A call to the system failed.
    #[error("can't {action} `{}`", .path.display())]
    System {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Something other than a file is there, or the system failed.
    #[error(transparent)]
    Obstacle(#[from] Obstacle),
}

/// Why a transaction could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BeginError {
    /// This store has an open transaction.
    #[error("another transaction on this store is still open")]
    Busy,
    /// A writer died while it committed; call [`ArtifactStore::recover`] first.
    #[error("an earlier commit is unfinished and has to be recovered first")]
    Unfinished,
    /// The folders can't be used.
    #[error(transparent)]
    Obstacle(#[from] Obstacle),
}

/// Why a file could not be staged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// The place is staged already.
    #[error("`{0}` is staged twice in one transaction")]
    Twice(Place),
    /// The store needs this name in the state folder for itself.
    #[error("`{0}` is a name that the store uses itself")]
    Taken(Place),
    /// A staged file stands where this one needs a folder, or the reverse.
    #[error("`{0}` can't be a file and a folder at once")]
    Overlap(Place),
    /// The place can't be written to.
    #[error(transparent)]
    Obstacle(#[from] Obstacle),
}

/// Why a transaction is not, or not wholly, done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Nothing has changed: a write to a staged file had failed.
    #[error("a staged file was not written in full")]
    Incomplete,
    /// Nothing has changed: one path is staged as a file and as a folder.
    #[error("`{0}` can't be a file and a folder at once")]
    Overlap(ArtifactPath),
    /// Nothing has changed: the tree does not allow it.
    #[error(transparent)]
    Obstacle(#[from] Obstacle),
    /// The commit is decided and will be finished by [`ArtifactStore::recover`];
    /// until then some files are old and some new.
    #[error("the commit is decided but not finished; the next run goes on with it")]
    Unfinished(#[source] Obstacle),
}

/// Why recovery did not succeed; it can be tried again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// Something stands in the way.
    #[error("what an earlier run may have left can't be finished or cleared away")]
    Obstacle(#[from] Obstacle),
}

macro_rules! forward {
    ($($pointer:ident),*) => {$(
        impl<S: ArtifactStore + ?Sized> ArtifactStore for $pointer<S> {
            fn read_place(&self, place: &Place) -> Result<Option<Vec<u8>>, ReadError> {
                (**self).read_place(place)
            }
            fn stamp_place(&self, place: &Place) -> Result<Option<FileStamp>, ReadError> {
                (**self).stamp_place(place)
            }
            fn list(&self) -> Result<Vec<ArtifactPath>, ReadError> {
                (**self).list()
            }
            fn begin(&self) -> Result<Box<dyn Transaction>, BeginError> {
                (**self).begin()
            }
            fn recover(&self) -> Result<Recovery, RecoverError> {
                (**self).recover()
            }
            fn read(&self, path: &ArtifactPath) -> Result<Option<Vec<u8>>, ReadError> {
                (**self).read(path)
            }
            fn stamp(&self, path: &ArtifactPath) -> Result<Option<FileStamp>, ReadError> {
                (**self).stamp(path)
            }
            fn stamps(&self, paths: &[ArtifactPath]) -> Result<Vec<Option<FileStamp>>, ReadError> {
                (**self).stamps(paths)
            }
        }
    )*};
}

forward!(Arc, Box);
