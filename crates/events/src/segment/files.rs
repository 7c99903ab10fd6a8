//! The files of a log.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::disk::Disk;
use crate::journal::{Failure, check_head};
use crate::record::{FILE_HEAD, FileHead, Found, Kind, Place, RecordHead, Window, look};
use crate::{Damage, OpenError, ReadError, SharedError};

/// One file of consecutive events.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) head: FileHead,
    pub(super) file: File,
    /// Some places in the file, in order, so that nobody has to begin at the start.
    marks: Mutex<Vec<Place>>,
}

/// How far marks are apart, in bytes.
const MARK: u64 = 64 << 10;

impl Segment {
    /// Opens a file that has to be the segment that begins at `base`.
    pub(super) fn open(path: PathBuf, base: u64, write: bool) -> Result<Self, OpenError> {
        let opened = OpenOptions::new().read(true).write(write).open(&path);
        let file = opened.map_err(OpenError::at(&path))?;
        let mut window = Window::new(&file);
        let bytes = window.at(0, FILE_HEAD).map_err(OpenError::at(&path))?;
        let head = check_head(&path, Kind::Events, bytes)?;
        if head.base != base {
            let fault = format!("the head of the file says that it begins at {}", head.base);
            return Err(Box::new(Damage::new(path, 0, base, fault)).into());
        }
        Ok(Self { path, head, file, marks: Mutex::new(vec![Place::first(&head)]) })
    }

    /// Makes a segment with room for `bytes`. After any interruption it is there as a
    /// whole or not at all.
    pub(super) fn create(
        disk: &dyn Disk,
        folder: &Path,
        head: FileHead,
        bytes: u64,
    ) -> Result<Self, Failure> {
        let path = folder.join(name(head.base));
        let aside = path.with_extension("new");
        let file = prepare(disk, &aside, head, bytes).map_err(|error| {
            // A full disk should not be kept full by what is of no use.
            let _ = fs::remove_file(&aside);
            Failure::Refused(error)
        })?;
        // From here on it may be there or not: going on with the segment before it could
        // hide what comes there from the next opening.
        fs::rename(&aside, &path)
            .and_then(|()| disk.sync_folder(folder))
            .map_err(Failure::Broken)?;
        Ok(Self { path, head, file, marks: Mutex::new(vec![Place::first(&head)]) })
    }

    /// Remembers a place, if it is far enough from the last that is remembered.
    pub(super) fn mark(&self, place: &Place) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.last().is_none_or(|last| place.position >= last.position + MARK) {
            marks.push(*place);
        }
    }

    /// The last remembered place at or before `offset`.
    fn nearest(&self, offset: u64) -> Place {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let after = marks.partition_point(|place| place.offset <= offset);
        // The first mark is the segment's first record, and never goes.
        after.checked_sub(1).map_or(Place::first(&self.head), |index| marks[index])
    }

    /// Goes through the records that belong to `from..until`, and those between the last
    /// mark and `from`, which are checked too. `visit` says whether to go on.
    pub(super) fn walk(
        &self,
        from: u64,
        until: u64,
        mut visit: impl FnMut(&mut Window<'_, File>, u64, &RecordHead) -> Result<bool, ReadError>,
    ) -> Result<(), ReadError> {
        let mut window = Window::new(&self.file);
        let mut place = self.nearest(from);
        while place.offset < until {
            let found = look(&mut window, &place).map_err(medium)?;
            let record = match found {
                Found::Record(record) => record,
                Found::Blank => return Err(self.damage(&place, "there are zeros")),
                Found::Bad(fault) => return Err(self.damage(&place, fault)),
            };
            self.mark(&place);
            if place.offset >= from && !visit(&mut window, place.position, &record)? {
                return Ok(());
            }
            place = place.after(&record);
        }
        Ok(())
    }

    fn damage(&self, place: &Place, fault: &str) -> ReadError {
        let path = self.path.clone();
        Box::new(Damage::new(path, place.position, place.offset, fault)).into()
    }
}

fn prepare(disk: &dyn Disk, path: &Path, head: FileHead, bytes: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(true).open(path)?;
    disk.allocate(&file, bytes)?;
    disk.write_at(&file, &head.encode(), 0)?;
    disk.sync(&file)?;
    Ok(file)
}

pub(super) fn medium(error: io::Error) -> ReadError {
    ReadError::Medium(Arc::new(error) as SharedError)
}

/// The name of the segment that begins at `base`. Sorted by name is sorted by offset.
pub(super) fn name(base: u64) -> String {
    format!("{base:020}.segment")
}

/// The segments of a folder, in order; each with the offset at which it begins.
pub(super) fn list(folder: &Path) -> Result<Vec<(u64, PathBuf)>, OpenError> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(OpenError::at(folder))?;
    for entry in entries {
        let path = entry.map_err(OpenError::at(folder))?.path();
        let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let base = file_name.strip_suffix(".segment").and_then(|base| base.parse().ok());
        if let Some(base) = base.filter(|base| name(*base) == file_name) {
            found.push((base, path));
        }
    }
    found.sort();
    Ok(found)
}
