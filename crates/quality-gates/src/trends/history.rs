use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::RunRecord;
use super::record::VERSION;

/// How large a history may become, in bytes: some ten thousand runs.
const LIMIT: u64 = 16 << 20;

/// The records of all runs, in a file of JSON lines to which records are only added.
///
/// What [`append`](Self::append) has returned of is on the disk. A crash in the middle of it
/// leaves at most half a line, which is skipped and told of. A file that has become too large
/// loses its older half at once, by a rename. Several processes may add at the same time: they
/// wait for each other. All methods block.
#[derive(Clone, Debug)]
pub struct History {
    path: PathBuf,
    limit: u64,
}

/// What a history holds.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Kept {
    /// The records, in the order in which they were added.
    pub records: Vec<RunRecord>,
    /// How many lines could not be read: cut off by a crash, or of a later version.
    pub skipped: u64,
}

/// The history can't be read or written. No verdict depends on it.
#[derive(Debug, thiserror::Error)]
#[error("can't {what} the history of the gates in {}", path.display())]
pub struct HistoryError {
    /// What was being done.
    pub what: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl History {
    /// The history in this file, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), limit: LIMIT }
    }

    /// How large it may become, in bytes. The newest record is kept even if it is larger.
    #[must_use]
    pub fn with_limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// Adds a record.
    pub fn append(&self, record: &RunRecord) -> Result<(), HistoryError> {
        self.try_append(record).map_err(|error| self.failed("add to", error))
    }

    /// Reads all records.
    pub fn read(&self) -> Result<Kept, HistoryError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
            Err(error) => return Err(self.failed("read", error)),
        };
        let mut kept = Kept::default();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<RunRecord>(line) {
                Ok(record) if record.version == VERSION => kept.records.push(record),
                _ => kept.skipped += 1,
            }
        }
        Ok(kept)
    }

    fn try_append(&self, record: &RunRecord) -> io::Result<()> {
        let folder = self.folder();
        fs::create_dir_all(folder)?;
        // The lock is a file of its own, since the history may be replaced.
        let lock = File::create(self.beside("lock"))?;
        lock.lock()?;
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        if !ends_a_line(&mut file)? {
            line.insert(0, b'\n');
        }
        file.write_all(&line)?;
        file.sync_data()?;
        if file.metadata()?.len() > self.limit {
            self.shorten()?;
        }
        Ok(())
    }

    /// Keeps the newest lines that fill half of what is allowed, and the last one in any case.
    fn shorten(&self) -> io::Result<()> {
        let bytes = fs::read(&self.path)?;
        let room = usize::try_from(self.limit / 2).unwrap_or(usize::MAX);
        let from = bytes.len().saturating_sub(room);
        let last = bytes[..bytes.len().saturating_sub(1)].iter().rposition(|it| *it == b'\n');
        let last = last.map_or(0, |end| end + 1);
        // A line that begins at `from` itself is whole, too.
        let whole = match from.checked_sub(1) {
            None => Some(0),
            Some(before) => {
                bytes[before..].iter().position(|it| *it == b'\n').map(|end| before + end + 1)
            }
        };
        let from = whole.unwrap_or(last).min(last);
        let next = self.beside("next");
        let mut file = File::create(&next)?;
        file.write_all(&bytes[from..])?;
        file.sync_all()?;
        fs::rename(&next, &self.path)?;
        File::open(self.folder())?.sync_all()
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(extension);
        self.path.with_file_name(name)
    }

    fn failed(&self, what: &'static str, source: io::Error) -> HistoryError {
        HistoryError { what, path: self.path.clone(), source }
    }
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
