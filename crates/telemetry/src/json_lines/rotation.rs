//! When a file is full, and which ones are kept.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How large files get, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// A file that would become larger is full. A batch of records stays together, so a
    /// file may be larger if a single batch is.
    pub max_bytes: u64,
    /// How many full files are kept besides the present one; the oldest goes.
    pub max_files: u32,
}

impl Default for Rotation {
    /// Eight full files of 16 MiB.
    fn default() -> Self {
        Self { max_bytes: 16 << 20, max_files: 8 }
    }
}

impl Rotation {
    /// Files of `max_bytes`, at least one byte, and `max_files` full ones.
    #[must_use]
    pub fn new(max_bytes: u64, max_files: u32) -> Self {
        Self { max_bytes: max_bytes.max(1), max_files }
    }

    /// Moves the present file to the first number, and those behind it one further, up to
    /// the first number that is free. If the process dies in between, a number is free,
    /// and nothing else: no file is lost, and the order stays.
    pub(super) fn make_room(&self, path: &Path) -> io::Result<()> {
        if self.max_files == 0 {
            return remove(path);
        }
        let free = (1..self.max_files)
            .find(|number| !numbered(path, *number).exists())
            .unwrap_or(self.max_files);
        remove(&numbered(path, free))?;
        for number in (1..free).rev() {
            fs::rename(numbered(path, number), numbered(path, number + 1))?;
        }
        match fs::rename(path, numbered(path, 1)) {
            // It was moved before, and then the new one could not be opened.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            moved => moved,
        }
    }
}

/// The name of a full file; number 0 is the present one.
pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
