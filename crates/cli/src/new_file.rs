//! Files that are written once, and never over what is there.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Writes a file that does not exist yet, with the folders above it; tells whether it did.
pub(crate) fn create_new(path: &Path, text: &str) -> std::io::Result<bool> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Replaces a file, or makes it: a reader sees the old bytes or the new ones. Keeps its
/// permissions. A link stays one; what it leads to is replaced.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    prepare(path, bytes)?.put()
}

/// The new bytes of a file, beside it and not yet in its place. Dropped, they are gone.
pub(crate) struct Fresh {
    file: tempfile::NamedTempFile,
    place: PathBuf,
}

impl Fresh {
    /// Puts them in their place.
    pub(crate) fn put(self) -> std::io::Result<()> {
        self.file.persist(&self.place)?;
        Ok(())
    }
}

/// Writes the new bytes of a file beside it.
pub(crate) fn prepare(path: &Path, bytes: &[u8]) -> std::io::Result<Fresh> {
    let place = match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        found => found?,
    };
    let mut file = tempfile::NamedTempFile::new_in(place.parent().unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let new_file = || fs::Permissions::from_mode(0o644);
        let permissions =
            fs::metadata(&place).map_or_else(|_| new_file(), |found| found.permissions());
        file.as_file().set_permissions(permissions)?;
    }
    Ok(Fresh { file, place })
}
