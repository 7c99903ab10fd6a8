//! Files that are written once, and never over what is there.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

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
    let path = match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        found => found?,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    fresh.write_all(bytes)?;
    #[cfg(unix)]
    let permissions = {
        use std::os::unix::fs::PermissionsExt as _;
        let new_file = || fs::Permissions::from_mode(0o644);
        fs::metadata(&path).map_or_else(|_| new_file(), |found| found.permissions())
    };
    #[cfg(unix)]
    fresh.as_file().set_permissions(permissions)?;
    fresh.persist(&path)?;
    Ok(())
}
