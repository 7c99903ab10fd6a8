//! A folder as it was at one moment, for whoever reads it while others write.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use evergen_artifact::{Digest, FileStamp};
use tempfile::TempDir;
use walkdir::WalkDir;

/// Copies of all files of a folder, gone with this value. Links would be cheaper, and would let
/// whoever judges a release change the files of its user, and look changed to whoever
/// compares stamps.
#[derive(Debug)]
pub(super) struct Snapshot {
    folder: TempDir,
    stamps: Digest,
}

impl Snapshot {
    /// Takes the files below `folder`, without those below `state`, where they are put. Blocks.
    pub(super) fn take(folder: &Path, state: &Path) -> io::Result<Self> {
        let aside = &state.join("loop/deploying");
        fs::create_dir_all(aside)?;
        // What a kill has left of another one.
        for left in fs::read_dir(aside)?.flatten() {
            let old = left.metadata().and_then(|found| found.modified()).ok();
            let old = old.and_then(|at| at.elapsed().ok());
            if old.is_some_and(|age| age > Duration::from_hours(24)) {
                // Another time it may be removed.
                let _ = fs::remove_dir_all(left.path());
            }
        }
        let taken = tempfile::tempdir_in(aside)?;
        let mut stamps = String::new();
        for entry in files(folder, state) {
            let entry = entry?;
            let Ok(inside) = entry.path().strip_prefix(folder) else { continue };
            let place = taken.path().join(inside);
            if entry.file_type().is_dir() {
                fs::create_dir_all(&place)?;
                continue;
            }
            stamp(inside, &entry.metadata()?, &mut stamps);
            if entry.file_type().is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(entry.path())?, &place)?;
            } else if entry.file_type().is_file() {
                fs::copy(entry.path(), &place)?;
            } else {
                let why = format!("`{}` is a special file", entry.path().display());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
            }
        }
        Ok(Self { folder: taken, stamps: Digest::of(stamps.as_bytes()) })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The same as [`stamps`] of the folder at that moment.
    pub(super) fn stamps(&self) -> Digest {
        self.stamps
    }
}

/// A digest over names and stamps of all files below a folder; none if it can't be looked at.
pub(super) fn stamps(folder: &Path, state: &Path) -> Option<Digest> {
    let mut stamps = String::new();
    for entry in files(folder, state) {
        let entry = entry.ok()?;
        if !entry.file_type().is_dir() {
            let inside = entry.path().strip_prefix(folder).ok()?;
            stamp(inside, &entry.metadata().ok()?, &mut stamps);
        }
    }
    Some(Digest::of(stamps.as_bytes()))
}

fn stamp(inside: &Path, found: &fs::Metadata, into: &mut String) {
    let FileStamp { size, modified_ns, inode } = FileStamp::of(found);
    let mode = found.mode();
    // Writing into a text does not fail.
    let _ = writeln!(into, "{}\0{size} {modified_ns} {inode} {mode}", inside.display());
}

fn files(folder: &Path, state: &Path) -> impl Iterator<Item = io::Result<walkdir::DirEntry>> {
    let state = state.to_owned();
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
    let walk = walk.filter_entry(move |entry| entry.path() != state);
    walk.map(|entry| entry.map_err(io::Error::from))
}
