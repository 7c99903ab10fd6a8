//! Records in a file, one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::record::Record;
use crate::sink::{SinkError, TelemetrySink};

mod reader;
mod rotation;

pub use reader::{DamagedLine, History, HistoryError};
pub use rotation::Rotation;

/// Appends records to a file, and starts a new one when it is full.
///
/// `telemetry.jsonl` is the present file, `telemetry.jsonl.1` the one before it, and so
/// on. Full files are only renamed, never rewritten. If the process dies in the middle
/// of a line, the next one begins a new line, and [`History`] skips what was torn.
///
/// One process at a time writes; any number may read.
#[derive(Debug)]
pub struct JsonLinesSink {
    path: PathBuf,
    rotation: Rotation,
    writer: Mutex<Writer>,
}

#[derive(Debug)]
struct Writer {
    file: File,
    length: u64,
    /// The file ends in the middle of a line.
    torn: bool,
}

impl JsonLinesSink {
    /// Opens the file, or creates it.
    ///
    /// # Errors
    /// The file system's. The folder must exist.
    pub fn open(path: impl Into<PathBuf>, rotation: Rotation) -> Result<Self, std::io::Error> {
        let path = path.into();
        let writer = Mutex::new(Writer::open(&path)?);
        Ok(Self { path, rotation, writer })
    }

    /// The file that is written to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&self, writer: &mut Writer, lines: &[u8]) -> Result<(), SinkError> {
        if writer.length > 0 && writer.length + lines.len() as u64 > self.rotation.max_bytes {
            writer.sync().map_err(|error| SinkError::new("cannot close a full file", error))?;
            self.rotation
                .make_room(&self.path)
                .map_err(|error| SinkError::new("cannot rename a full file", error))?;
            *writer = Writer::open(&self.path)
                .map_err(|error| SinkError::new("cannot start a new file", error))?;
        }
        writer.append(lines).map_err(|error| SinkError::new("cannot write records", error))
    }
}

impl TelemetrySink for JsonLinesSink {
    fn name(&self) -> &'static str {
        "json-lines"
    }

    fn accept(&self, records: &[Arc<Record>]) -> Result<(), SinkError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, &**record)
                .map_err(|error| SinkError::new("cannot write a record as JSON", error))?;
            lines.push(b'\n');
            // A batch may be larger than a file: each file gets whole lines.
            if lines.len() as u64 >= self.rotation.max_bytes {
                self.write(&mut writer, &lines)?;
                lines.clear();
            }
        }
        self.write(&mut writer, &lines)
    }

    fn flush(&self) -> Result<(), SinkError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.sync().map_err(|error| SinkError::new("cannot sync the file", error))
    }
}

impl Writer {
    fn open(path: &Path) -> Result<Self, std::io::Error> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let length = file.metadata()?.len();
        let torn = length > 0 && {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            last != *b"\n"
        };
        Ok(Self { file, length, torn })
    }

    fn append(&mut self, lines: &[u8]) -> Result<(), std::io::Error> {
        if lines.is_empty() {
            return Ok(());
        }
        if self.torn {
            self.file.write_all(b"\n")?;
            self.length += 1;
        }
        // Until the write has succeeded, the end of the file is in doubt.
        self.torn = true;
        self.file.write_all(lines)?;
        self.torn = false;
        self.length += lines.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), std::io::Error> {
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests;
