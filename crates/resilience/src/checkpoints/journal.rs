use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::frame::{Damage, Frames, LONGEST, Record, TornTail, read_frames, to_frame};

/// Why a journal of checkpoints cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has the operation in hand.
    #[error("{} is in use by another process", path.display())]
    Busy {
        /// The journal.
        path: PathBuf,
    },
    /// The journal is of another operation; finish that one, or remove the file to give it up.
    #[error("{} belongs to the operation {found:?}, not to {expected:?}", path.display())]
    OtherOperation {
        /// The journal.
        path: PathBuf,
        /// The operation it belongs to.
        found: String,
        /// The operation that was asked for.
        expected: String,
    },
    /// A record is damaged that others follow, or the file is no journal. What was finished cannot
    /// be known; nothing was changed.
    #[error("{} is damaged at byte {offset}", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Where the damage begins, in bytes.
        offset: usize,
    },
    /// The file system failed.
    #[error("cannot open {}", path.display())]
    Io {
        /// The journal.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
}

/// The first record.
#[derive(Serialize, Deserialize)]
struct Head {
    operation: String,
}

/// Every other record.
#[derive(Serialize, Deserialize)]
struct Finished<'a> {
    step: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

/// Results of finished steps by their names, as JSON.
pub(super) type Results = BTreeMap<String, Box<RawValue>>;

/// The file, under a lock as long as it is open.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    records: u32,
    end: u64,
    /// A failed write could not be taken back: what the file holds is not known.
    broken: bool,
}

/// A journal that has been read.
pub(super) struct Opened {
    pub(super) journal: Journal,
    pub(super) results: Results,
    pub(super) torn: Option<TornTail>,
}

impl Journal {
    pub(super) fn open(path: &Path, operation: &str) -> Result<Opened, OpenError> {
        let io = |source| OpenError::Io { path: path.to_owned(), source };
        let mut file = locked_file(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let damaged = |Damage { offset }| OpenError::Damaged { path: path.to_owned(), offset };
        let Frames { records, end } = read_frames(&bytes).map_err(damaged)?;
        let results = match records.split_first() {
            None => Results::new(),
            Some((first, steps)) => {
                let Head { operation: found } = parsed(first).map_err(damaged)?;
                if found != operation {
                    let (path, expected) = (path.to_owned(), operation.to_owned());
                    return Err(OpenError::OtherOperation { path, found, expected });
                }
                results_of(steps).map_err(damaged)?
            }
        };
        let torn = bytes.len() - end;
        let mut journal = Self {
            file,
            path: path.to_owned(),
            records: u32::try_from(records.len()).unwrap_or(u32::MAX),
            end: end as u64,
            broken: false,
        };
        if torn > 0 {
            journal.cut().map_err(io)?;
        }
        if records.is_empty() {
            journal.begin(operation).map_err(io)?;
        }
        let torn = (torn > 0).then_some(TornTail { offset: end as u64, bytes: torn as u64 });
        Ok(Opened { journal, results, torn })
    }

    /// Writes that a step is finished. When this returns, it is on disk.
    pub(super) fn finished(&mut self, step: &str, result: &RawValue) -> io::Result<()> {
        self.append(&Finished { step: step.to_owned(), result })
    }

    /// Removes the file, and may be asked to again if that failed.
    pub(super) fn remove(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => sync_folder_of(&self.path),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn begin(&mut self, operation: &str) -> io::Result<()> {
        self.append(&Head { operation: operation.to_owned() })?;
        sync_folder_of(&self.path)
    }

    fn append(&mut self, record: &impl Serialize) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier write failed and could not be taken back"));
        }
        let body = serde_json::to_vec(record)?;
        if body.len() > LONGEST {
            let told = format!("a result of {} bytes is longer than {LONGEST}", body.len());
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, told));
        }
        let frame = to_frame(self.records, &body);
        let written = self.file.write_all(&frame).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.broken = self.cut().is_err();
            return Err(error);
        }
        self.records += 1;
        self.end += frame.len() as u64;
        Ok(())
    }

    /// Cuts the file after its last whole record.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.sync_data()
    }
}

/// The results in the records after the first.
fn results_of(records: &[Record<'_>]) -> Result<Results, Damage> {
    let finished = records.iter().map(|record| {
        let Finished { step, result } = parsed(record)?;
        Ok((step, result.to_owned()))
    });
    finished.collect()
}

fn parsed<'a, T: Deserialize<'a>>(record: &Record<'a>) -> Result<T, Damage> {
    serde_json::from_slice(record.body).map_err(|_| Damage { offset: record.offset })
}

/// Opens or makes the file and locks it.
fn locked_file(path: &Path) -> Result<File, OpenError> {
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    loop {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Busy { path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        // Whoever held it may have finished and removed it between our opening and our locking.
        let [opened, named] = [file.metadata(), std::fs::metadata(path)];
        let opened = opened.map_err(io)?;
        if named.is_ok_and(|named| (named.dev(), named.ino()) == (opened.dev(), opened.ino())) {
            return Ok(file);
        }
    }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
