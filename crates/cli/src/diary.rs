//! What `evergen watch` leaves behind for others to read, and what others leave for it.
//!
//! All of it lies in `.evergen/loop`: the log of events, dead letters, statistics, how
//! the loop is (replaced as a whole, so that a reader never sees a half), its last cycles
//! (lines that are only appended), records of where the time went, and requests to a
//! loop that is running.

mod cycles;
mod requests;
mod status;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

#[cfg(test)]
pub(crate) use self::cycles::CycleArtifact;
pub(crate) use self::cycles::{CycleLog, CycleRecord};
pub(crate) use self::requests::{Request, Requests};
pub(crate) use self::status::{
    HealthLine, LoopState, LoopStatus, QueueStatus, TotalsStatus, WatchingStatus,
};

/// The folder of a project's loop.
#[derive(Clone, Debug)]
pub(crate) struct Diary {
    folder: PathBuf,
}

impl Diary {
    /// The folder in a project's state folder.
    pub(crate) fn of(state: &Path) -> Self {
        Self { folder: state.join("loop") }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The log of events.
    pub(crate) fn events(&self) -> PathBuf {
        self.folder.join("events")
    }

    /// Events that failed for good.
    pub(crate) fn dead_letters(&self) -> PathBuf {
        self.folder.join("dead-letters")
    }

    /// The orchestrator's own figures.
    pub(crate) fn statistics(&self) -> PathBuf {
        self.folder.join("statistics.json")
    }

    /// Records of what was observed.
    pub(crate) fn records(&self) -> PathBuf {
        self.folder.join("records.jsonl")
    }

    /// How the loop is.
    pub(crate) fn status(&self) -> PathBuf {
        self.folder.join("status.json")
    }

    /// The last cycles.
    pub(crate) fn cycles(&self) -> CycleLog {
        CycleLog::at(self.folder.join("cycles.jsonl"))
    }

    /// What others ask of a running loop.
    pub(crate) fn requests(&self) -> Requests {
        Requests::at(self.folder.join("requests"))
    }
}

/// Replaces a file in one step.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
