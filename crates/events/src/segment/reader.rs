use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cursors::{self, Consumers};
use super::files::{Segment, medium};
use super::{open, read};
use crate::journal;
use crate::record::Kind;
use crate::{Bounds, LogEntry, OpenError, Position, ReadError, SharedError};

/// Looks into the folder of a [`SegmentLog`](super::SegmentLog), and changes nothing; another
/// process may be writing it meanwhile.
///
/// Each call looks at the folder anew, and blocks. What is being written at that moment
/// may be seen before it is acknowledged.
#[derive(Clone, Debug)]
pub struct SegmentReader {
    folder: PathBuf,
}

/// So often a reader looks again at a folder whose segments go while they are read.
const LOOKS: usize = 1000;

impl SegmentReader {
    /// A reader of a folder that holds a log.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let reader = Self { folder: folder.to_owned() };
        reader.look()?;
        Ok(reader)
    }

    /// The first offset that is kept, and the next one to be given.
    pub fn bounds(&self) -> Result<Bounds, OpenError> {
        self.look().map(|(_, bounds)| bounds)
    }

    /// At most `max` events from a position on, oldest first.
    pub fn read(&self, from: Position, max: usize) -> Result<Vec<LogEntry>, ReadError> {
        let (segments, bounds) = self.look().map_err(unreadable)?;
        let offset = match from {
            Position::Oldest => bounds.first,
            Position::Offset(offset) => offset,
            Position::Time(at) => read::find_time(&segments, bounds, at)?,
            Position::End => bounds.end,
        };
        if offset < bounds.first {
            return Err(ReadError::Trimmed { asked: offset, first: bounds.first });
        }
        read::read(&segments, bounds, offset, max)
    }

    /// All consumers, and what each has acknowledged.
    pub fn consumers(&self) -> Result<Consumers, OpenError> {
        let path = self.folder.join(cursors::FILE);
        let contents = journal::read(&path, Kind::Cursors)?;
        Ok(cursors::replay(&path, &contents)?)
    }

    /// Reads every event, and gives the bounds if all of them are as they were written.
    pub fn verify(&self) -> Result<Bounds, ReadError> {
        let (segments, bounds) = self.look().map_err(unreadable)?;
        let mut next = bounds.first;
        while next < bounds.end {
            let read = read::read(&segments, bounds, next, 1024)?;
            next += read.len() as u64;
        }
        Ok(bounds)
    }

    /// What is there, as of one instant. The writer may go on while the end is looked for; what
    /// is wrong three times is wrong. A segment that it removed after it was listed says only
    /// that there is something newer to list, however often that happens to a slow reader.
    fn look(&self) -> Result<(Vec<Arc<Segment>>, Bounds), OpenError> {
        let mut wrong = 0;
        for _ in 0..LOOKS {
            match self.glance() {
                Err(OpenError::System { path, source })
                    if source.kind() == ErrorKind::NotFound && path != self.folder => {}
                Err(error) if wrong == 2 => return Err(error),
                Err(_) => wrong += 1,
                Ok(found) => return Ok(found),
            }
        }
        self.glance()
    }

    fn glance(&self) -> Result<(Vec<Arc<Segment>>, Bounds), OpenError> {
        let segments = open::segments(&self.folder, false)?;
        let Some(active) = segments.last() else { return Ok((segments, Bounds::default())) };
        let end = open::find_end(active)?;
        // A torn tail is what is being written right now; damage is damage.
        journal::check_tail(&active.path, &end)?;
        let bounds = open::bounds(&segments, &end);
        Ok((segments, bounds))
    }
}

fn unreadable(error: OpenError) -> ReadError {
    match error {
        OpenError::Damaged(damage) => ReadError::Damaged(damage),
        OpenError::System { source, .. } => medium(source),
        other => ReadError::Medium(Arc::new(other) as SharedError),
    }
}
