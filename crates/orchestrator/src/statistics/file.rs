use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::OrchestrationStats;

/// Where statistics outlive the process: one JSON file, replaced as a whole.
#[derive(Clone, Debug)]
pub struct StatisticsFile {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    statistics: OrchestrationStats,
}

const VERSION: u32 = 1;

/// Statistics could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("statistics can't be written to {}", path.display())]
#[non_exhaustive]
pub struct StatisticsFileError {
    /// The file.
    pub path: PathBuf,
    /// Why not.
    #[source]
    pub source: io::Error,
}

/// The file was there and could not be used; counting starts anew.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatisticsNotice {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl std::fmt::Display for StatisticsNotice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is not used, counting starts anew: {}", self.path.display(), self.why)
    }
}

impl StatisticsFile {
    /// Statistics at this path. Nothing is touched yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What an earlier process left, or nothing; with a notice if what is there is of no use.
    pub fn load(&self) -> (OrchestrationStats, Option<StatisticsNotice>) {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Default::default(),
            Err(error) => return self.unusable(error.to_string()),
        };
        match serde_json::from_slice::<Stored>(&text) {
            Ok(stored) if stored.version == VERSION => (stored.statistics, None),
            Ok(stored) => self.unusable(format!("it has version {}", stored.version)),
            Err(error) => self.unusable(error.to_string()),
        }
    }

    /// Replaces the file. Whoever reads it meanwhile, and whoever comes after a crash,
    /// finds the old text or the new one.
    ///
    /// # Errors
    /// The folder or the file can't be written; the old text is still there.
    pub fn store(&self, statistics: &OrchestrationStats) -> Result<(), StatisticsFileError> {
        self.replace(statistics)
            .map_err(|source| StatisticsFileError { path: self.path.clone(), source })
    }

    fn replace(&self, statistics: &OrchestrationStats) -> io::Result<()> {
        let stored = Stored { version: VERSION, statistics: statistics.clone() };
        let text = serde_json::to_vec_pretty(&stored)?;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut aside = self.path.clone().into_os_string();
        aside.push(".new");
        let mut file = fs::File::create(&aside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&aside, &self.path)
    }

    fn unusable(&self, why: String) -> (OrchestrationStats, Option<StatisticsNotice>) {
        let notice = StatisticsNotice { path: self.path.clone(), why };
        (OrchestrationStats::default(), Some(notice))
    }
}
