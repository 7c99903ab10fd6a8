use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What another process asks of a running loop, which holds the log and the dead letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Publish a dead letter anew.
    Replay {
        /// Its id.
        id: Uuid,
    },
    /// Throw a dead letter away.
    Drop {
        /// Its id.
        id: Uuid,
    },
    /// Publish events of the log anew.
    Repeat {
        /// The offset of the first one.
        from: u64,
        /// The offset after the last one.
        until: u64,
    },
}

/// The folder in which requests are left; each file is one, and appears as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    folder: PathBuf,
}

impl Requests {
    pub(super) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Leaves a request. Later ones are answered later.
    pub(crate) fn leave(&self, request: &Request) -> io::Result<()> {
        let path = self.folder.join(format!("{}.json", Uuid::now_v7()));
        super::replace(&path, &serde_json::to_vec(request)?)
    }

    /// The requests that wait, oldest first, with their files.
    pub(crate) fn waiting(&self) -> io::Result<Vec<(PathBuf, io::Result<Request>)>> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
        files.sort();
        let read = |path: PathBuf| {
            let request =
                std::fs::read(&path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
            (path, request)
        };
        Ok(files.into_iter().map(read).collect())
    }

    /// Takes away a request that is answered.
    pub(crate) fn answered(path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
}
