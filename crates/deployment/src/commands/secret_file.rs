use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::Secret;

/// A file with a secret in it, which only its owner may read, and which is removed when it
/// is dropped.
#[derive(Debug)]
pub(crate) struct SecretFile(NamedTempFile);

impl SecretFile {
    pub(crate) fn new(secret: &Secret) -> io::Result<Self> {
        // The file has mode 0600 from the moment it is there.
        let mut file = tempfile::Builder::new().prefix("evergen-").tempfile()?;
        file.write_all(secret.expose().as_bytes())?;
        file.flush()?;
        Ok(Self(file))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}
