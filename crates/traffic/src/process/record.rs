//! What is written down of a slot, before and after its processes are started.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use evergen_deployment::{ReleaseId, Slot};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use super::proc::ProcessId;
use crate::durable;

/// The run of a release in a slot. It has no secret in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    format: Format,
    /// The mark of its processes.
    pub(crate) mark: String,
    /// The run of the system that they belong to.
    pub(crate) boot: String,
    pub(crate) release: ReleaseId,
    /// Whether all processes were started and became ready.
    pub(crate) complete: bool,
    pub(crate) replicas: Vec<Started>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "evergen-slot-1")]
    One,
}

/// A process that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Started {
    pub(crate) process: ProcessId,
    pub(crate) port: u16,
}

impl Record {
    /// A run of which nothing is started yet.
    pub(crate) fn new(boot: String, release: ReleaseId) -> Self {
        let mark = format!("{:032x}", fastrand::u128(..));
        Self { format: Format::One, mark, boot, release, complete: false, replicas: Vec::new() }
    }

    pub(crate) fn leaders(&self) -> Vec<ProcessId> {
        self.replicas.iter().map(|started| started.process).collect()
    }
}

/// Where the records, locks and logs of one environment are.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    folder: PathBuf,
}

impl Records {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn load(&self, slot: Slot) -> io::Result<Option<Record>> {
        let path = self.path(slot, "json");
        let Some(bytes) = durable::read(&path)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            let why = format!(
                "`{}` is no record of a slot ({error}); see which processes have {} in their \
                 environment, end them, and move the file away",
                path.display(),
                super::proc::MARK
            );
            io::Error::new(io::ErrorKind::InvalidData, why)
        })
    }

    pub(crate) fn save(&self, slot: Slot, record: &Record) -> io::Result<()> {
        durable::write(&self.path(slot, "json"), &serde_json::to_vec_pretty(record)?)
    }

    pub(crate) fn remove(&self, slot: Slot) -> io::Result<()> {
        match std::fs::remove_file(self.path(slot, "json")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Keeps others from starting or stopping in the slot while the file is held. The system
    /// frees it with the process.
    pub(crate) fn lock(&self, slot: Slot) -> io::Result<File> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let mut options = OpenOptions::new();
        let path = self.path(slot, "lock");
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(path)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
            if error == rustix::io::Errno::WOULDBLOCK {
                let why = "another process starts or stops it at this moment; wait and try again";
                return io::Error::new(io::ErrorKind::ResourceBusy, why);
            }
            error.into()
        })?;
        Ok(file)
    }

    /// Opens the log of a replica anew; the one of the run before gets the ending `.old`.
    pub(crate) fn open_log(&self, slot: Slot, replica: u16) -> io::Result<File> {
        let path = self.log(slot, replica);
        let mut old = path.clone().into_os_string();
        old.push(".old");
        let _ = std::fs::rename(&path, old);
        OpenOptions::new().append(true).create(true).mode(0o600).open(path)
    }

    pub(crate) fn log(&self, slot: Slot, replica: u16) -> PathBuf {
        self.path(slot, &format!("{replica}.log"))
    }

    fn path(&self, slot: Slot, ending: &str) -> PathBuf {
        self.folder.join(format!("{slot}.{ending}"))
    }
}

/// The last lines of a log, for people.
pub(crate) fn tail(path: &Path) -> String {
    use std::io::{Read as _, Seek as _, SeekFrom};
    const MOST: u64 = 2048;
    let read = || {
        let mut file = File::open(path)?;
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(end.saturating_sub(MOST)))?;
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.trim_end().lines().rev().take(12).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
