//! Small steps on files, with the path in every error.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A step that failed, and where.
#[derive(Debug, thiserror::Error)]
#[error("can't {action} `{}`", path.display())]
pub(crate) struct FileError {
    pub(crate) action: &'static str,
    pub(crate) path: PathBuf,
    #[source]
    pub(crate) source: io::Error,
}

/// Names the step and the place of an error.
pub(crate) fn at<E: Into<io::Error>>(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(E) -> FileError {
    move |error| FileError { action, path: path.to_owned(), source: error.into() }
}

/// Reads a file; nothing if there is none.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at("read", path)(error)),
    }
}

/// Makes the entries of a folder safe.
pub(crate) fn sync_folder(path: &Path) -> Result<(), FileError> {
    let folder = File::open(path).map_err(at("open", path))?;
    rustix::fs::fsync(&folder).map_err(at("sync", path))
}

/// Puts a file in place in one step: its old bytes or its new ones, whatever happens.
/// A file of the same name with `.new` at its end is ours.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    let aside = PathBuf::from(aside);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&aside)
        .map_err(at("make", &aside))?;
    file.write_all(bytes).map_err(at("write", &aside))?;
    file.sync_data().map_err(at("sync", &aside))?;
    drop(file);
    std::fs::rename(&aside, path).map_err(at("rename", &aside))?;
    path.parent().map_or(Ok(()), sync_folder)
}
