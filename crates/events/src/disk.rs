//! What is done to files. A test replaces it to let it fail.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// What an acknowledged event survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The end of the process and of the power: everything is flushed to the medium.
    #[default]
    Power,
    /// The end of the process, however it ends. Much faster.
    Process,
}

/// Changes files.
pub(crate) trait Disk: fmt::Debug + Send + Sync {
    /// Makes sure that the file has so many bytes, and room for them.
    fn allocate(&self, file: &File, bytes: u64) -> io::Result<()>;
    fn write_at(&self, file: &File, bytes: &[u8], position: u64) -> io::Result<()>;
    /// Flushes what was written.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Flushes the names of a folder.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// The disk of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct System {
    pub(crate) durability: Durability,
}

impl Disk for System {
    fn allocate(&self, file: &File, bytes: u64) -> io::Result<()> {
        match fallocate(file, FallocateFlags::empty(), 0, bytes) {
            // Not every file system can; then the room is taken as it is needed.
            Err(Errno::OPNOTSUPP) => file.set_len(bytes),
            done => Ok(done?),
        }
    }

    fn write_at(&self, file: &File, bytes: &[u8], position: u64) -> io::Result<()> {
        file.write_all_at(bytes, position)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        match self.durability {
            Durability::Power => file.sync_data(),
            Durability::Process => Ok(()),
        }
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        match self.durability {
            Durability::Power => File::open(folder)?.sync_all(),
            Durability::Process => Ok(()),
        }
    }
}

/// Writes zeros from one position to another.
pub(crate) fn wipe(disk: &dyn Disk, file: &File, from: u64, until: u64) -> io::Result<()> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    let mut position = from;
    while position < until {
        let count = usize::try_from(until - position).unwrap_or(usize::MAX).min(ZEROS.len());
        disk.write_at(file, &ZEROS[..count], position)?;
        position += count as u64;
    }
    disk.sync(file)
}
