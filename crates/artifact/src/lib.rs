//! What is a made thing?
//!
//! A generator makes a tree of files and keeps it true to a model for years. The
//! dangerous part is not making the bytes but putting them in place: a path that
//! comes out of a model may point anywhere, a disk fills up in the middle, a
//! process is killed between two files, a second one writes at the same time. This
//! crate takes that off your hands.
//!
//! # Paths are checked once
//!
//! An [`ArtifactPath`] names one place below the output folder on every common
//! system, or it does not exist. [`ArtifactPath::collision_key`] tells which two
//! paths some file systems would take for one.
//!
//! # A tree changes by transactions
//!
//! An [`ArtifactStore`] opens a [`Transaction`]; files are staged into it from as
//! many threads as you like, others are removed, and [`Transaction::commit`] makes
//! all of it visible. One transaction covers the output folder, files beside the project file
//! (as [`LockFile`], the text for version control) and the files in the state folder.
//!
//! [`DirectoryStore`] does this on disk. Staged files are written aside, on the
//! same volume. A journal that lists every step, with a checksum, is then renamed
//! to its final name: that rename is the commit. Only now the output folder
//! changes, by renames alone, and where a whole folder is new, by one rename for
//! it all. If the process dies at any system call, [`ArtifactStore::recover`]
//! in the next one finds either no journal, and discards what was staged, or the
//! journal, and takes the remaining steps: the old tree or the new one, and never
//! one in between. What a power cut can do is said at [`Durability`].
//!
//! Below the output folder no symbolic link is followed or replaced; files that
//! nobody stages or removes are never touched. A [`WriterLock`] keeps a second
//! process out and tells it who is at work. [`MemoryStore`] needs no disk.
//!
//! # What it does not do
//!
//! It does not decide what to write. Whether a file was edited by hand, whether
//! its bytes are new, whether an unrelated file may be replaced: that is asked
//! before, with the help of [`Digest`] and [`FileStamp`].
//!
//! ```
//! use evergen_artifact::{ArtifactPath, ArtifactStore, DirectoryOptions, DirectoryStore, Place, WriterLock};
//!
//! # let folder = tempfile::tempdir()?;
//! # let project = folder.path();
//! let state = project.join(".evergen");
//! let _lock = WriterLock::acquire(&state, None)?;
//! let store = DirectoryStore::open(&project.join("gen"), project, &state, DirectoryOptions::default())?;
//! let _ = store.recover()?;
//!
//! let order = ArtifactPath::parse("src/order.rs")?;
//! let transaction = store.begin()?;
//! let stamp = transaction.stage(Place::Output(order.clone()), b"pub struct Order;")?;
//! transaction.stage(Place::project("evergen.lock")?, b"...")?;
//! assert!(!project.join("gen").exists(), "nothing is visible before the commit");
//!
//! let committed = transaction.commit()?;
//! assert_eq!((committed.written, committed.moves), (2, 2));
//! assert_eq!(store.stamp(&order)?, Some(stamp));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod path;

mod digest;
mod stamp;

mod lock_file;

mod store;

mod directory;
mod memory;

mod writer_lock;

mod proposal;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

pub use crate::digest::{Digest, DigestError};
pub use crate::directory::{DirectoryOptions, DirectoryStore, Durability};
pub use crate::lock_file::{ChangeSet, LockEntry, LockFile, LockFileError, LockFileFault};
pub use crate::memory::MemoryStore;
pub use crate::path::{ArtifactPath, FileName, PathError, PathFault};
pub use crate::proposal::{ProposedChange, ProposedChanges, ProposedKind};
pub use crate::stamp::FileStamp;
pub use crate::store::{
    ArtifactStore, BeginError, CommitError, Committed, Obstacle, Place, ReadError, RecoverError,
    Recovery, StageError, Transaction,
};
pub use crate::writer_lock::{AcquireError, Holder, WriterLock};
