//! Reads records back.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::json_lines::rotation::numbered;
use crate::record::Record;

/// A longer line is none of ours.
const LINE_BYTES: u64 = 16 << 20;

/// The records of a file and of the full ones before it, oldest first.
///
/// A torn line, as a killed process or a full disk leaves it, is skipped and counted.
/// Reading goes on behind a line that is damaged otherwise, too, but says so. Files that
/// are rotated between opening and reading are read to their end; one that is rotated
/// while the files are opened may be left out.
#[derive(Debug)]
pub struct History {
    /// The files to come, the next one last.
    files: Vec<(PathBuf, File)>,
    current: Option<Lines>,
    torn: u64,
}

#[derive(Debug)]
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    line: u64,
}

/// Why a history cannot be read any further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The file system failed.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// A line is not a record; reading goes on behind it.
    #[error(transparent)]
    Damaged(DamagedLine),
}

/// A line that is not a record.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of `{}` is not a record", path.display())]
#[non_exhaustive]
pub struct DamagedLine {
    /// Which file.
    pub path: PathBuf,
    /// Which line, from 1.
    pub line: u64,
    /// What is wrong with it.
    #[source]
    pub source: serde_json::Error,
}

impl History {
    /// Opens the file and the full ones before it. If there are none, there is no record.
    ///
    /// # Errors
    /// The file system's.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, HistoryError> {
        let path = path.as_ref();
        let mut files = Vec::new();
        for number in numbers(path)? {
            let path = numbered(path, number);
            match File::open(&path) {
                Ok(file) => files.push((path, file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(HistoryError::Io { path, source }),
            }
        }
        Ok(Self { files, current: None, torn: 0 })
    }

    /// How many torn lines were skipped so far.
    pub const fn torn_lines(&self) -> u64 {
        self.torn
    }

    fn next_line(&mut self) -> Option<Result<Record, HistoryError>> {
        loop {
            let Some(lines) = &mut self.current else {
                let (path, file) = self.files.pop()?;
                self.current = Some(Lines { path, reader: BufReader::new(file), line: 0 });
                continue;
            };
            let mut line = Vec::new();
            match lines.read(&mut line) {
                Err(source) => {
                    let path = self.current.take()?.path;
                    return Some(Err(HistoryError::Io { path, source }));
                }
                Ok(0) => self.current = None,
                Ok(_) => match serde_json::from_slice(line.trim_ascii_end()) {
                    Ok(record) => return Some(Ok(record)),
                    Err(error) if is_torn(&line, &error) => self.torn += 1,
                    Err(source) => {
                        let (path, line) = (lines.path.clone(), lines.line);
                        return Some(Err(HistoryError::Damaged(DamagedLine {
                            path,
                            line,
                            source,
                        })));
                    }
                },
            }
        }
    }
}

impl Iterator for History {
    type Item = Result<Record, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line()
    }
}

impl Lines {
    fn read(&mut self, line: &mut Vec<u8>) -> io::Result<usize> {
        self.line += 1;
        self.reader.by_ref().take(LINE_BYTES).read_until(b'\n', line)
    }
}

/// What was begun and not ended: the text stops where more had to come.
fn is_torn(line: &[u8], error: &serde_json::Error) -> bool {
    line.trim_ascii().is_empty() || error.is_eof()
}

/// The numbers of the files that there are, the present one (0) first.
fn numbers(path: &Path) -> Result<Vec<u32>, HistoryError> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |source| HistoryError::Io { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut numbers = vec![0];
    let prefix = path.file_name().unwrap_or_default().as_encoded_bytes();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let number =
            name.as_encoded_bytes().strip_prefix(prefix).and_then(|rest| rest.strip_prefix(b"."));
        numbers.extend(
            number.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u32>().ok()),
        );
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}
