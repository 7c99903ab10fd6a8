use std::io;
use std::path::{Path, PathBuf};

use crate::{Damage, SettingError};

/// Why something that is kept on disk can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A setting is outside of its range.
    #[error(transparent)]
    Settings(#[from] SettingError),
    /// Another process writes it, or this one does already.
    #[error("`{}` is held by {}", .path.display(), .holder.as_deref().unwrap_or("another process"))]
    Locked {
        /// The file of the lock.
        path: PathBuf,
        /// The process, if it has said so.
        holder: Option<String>,
    },
    /// A newer release wrote it.
    #[error("`{}` has version {version} of the format, which is not known here", .file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// The version.
        version: u32,
    },
    /// What was acknowledged is damaged. Nothing was changed.
    #[error(transparent)]
    Damaged(#[from] Box<Damage>),
    /// The system says no.
    #[error("can't use `{}`", .path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl OpenError {
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { path: path.to_owned(), source }
    }
}

/// The end of a file that was written when the process or the power went. Nobody was
/// promised what it held, and it has been cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TornTail {
    /// The file.
    pub file: PathBuf,
    /// The place of the cut, in bytes from the start of the file.
    pub position: u64,
    /// How many bytes were cut off, without zeros at the end.
    pub bytes: u64,
    /// The offset that the first record there had, or would have had.
    pub offset: u64,
}

impl TornTail {
    pub(crate) fn warn(&self) {
        let file = self.file.display();
        tracing::warn!(
            %file, position = self.position, bytes = self.bytes, offset = self.offset,
            "the torn tail of a file was cut off"
        );
    }
}
