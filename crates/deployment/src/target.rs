//! A target folder: how we know that it is ours, and where things are in it.
//!
//! ```text
//! current -> releases/<id>/files     what is in use; readers follow this link
//! releases/<id>/files/…              the files of a release, never changed
//! releases/<id>/manifest             a line for each file; its digest is the id
//! versions/<version>.json            which release a version names, for good
//! staging/…                          what is being made or removed
//! .evergen/target.json               says that the folder is ours, and whose
//! .evergen/{lock,history,journal,control}
//! ```

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ledger::files::{self, FileError};

/// The places below a target folder.
#[derive(Clone, Debug)]
pub(crate) struct TargetFolder {
    pub(crate) root: PathBuf,
    pub(crate) environment: String,
}

/// What the marker says.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    format: u32,
    environment: String,
}

const FORMAT: u32 = 1;

/// A folder that is not ours, or can't be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("{why}")]
    NotOurs { why: String },
    #[error(transparent)]
    File(#[from] FileError),
}

/// Whose a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    Ours,
    /// It is missing or empty, or holds what we make before the marker.
    Free,
}

impl TargetFolder {
    pub(crate) fn new(root: impl Into<PathBuf>, environment: impl Into<String>) -> Self {
        Self { root: root.into(), environment: environment.into() }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.join(".evergen")
    }

    pub(crate) fn marker(&self) -> PathBuf {
        self.state().join("target.json")
    }

    pub(crate) fn current(&self) -> PathBuf {
        self.root.join("current")
    }

    pub(crate) fn releases(&self) -> PathBuf {
        self.root.join("releases")
    }

    pub(crate) fn versions(&self) -> PathBuf {
        self.root.join("versions")
    }

    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// Says whose the folder is; writes nothing.
    pub(crate) fn ownership(&self) -> Result<Ownership, TargetError> {
        let not_ours = |why: String| Err(TargetError::NotOurs { why });
        if let Some(bytes) = files::read_if_there(&self.marker())? {
            return match serde_json::from_slice::<Marker>(&bytes) {
                Ok(marker) if marker.format != FORMAT => not_ours(format!(
                    "it has format {}, and this program knows {FORMAT}",
                    marker.format
                )),
                Ok(marker) if marker.environment != self.environment => not_ours(format!(
                    "it belongs to environment `{}`; give `{}` a folder of its own",
                    marker.environment, self.environment
                )),
                Ok(_) => Ok(Ownership::Ours),
                Err(_) => not_ours("its `.evergen/target.json` can't be understood".to_owned()),
            };
        }
        match first_foreign(&self.root)? {
            None => Ok(Ownership::Free),
            Some(name) => not_ours(format!(
                "it holds `{name}`, which evergen did not put there; give an empty or a new folder"
            )),
        }
    }

    /// Makes the folder ours for good. The caller holds its lock.
    pub(crate) fn claim(&self) -> Result<(), TargetError> {
        if self.ownership()? == Ownership::Ours {
            return Ok(());
        }
        let marker = Marker { format: FORMAT, environment: self.environment.clone() };
        // Two texts and a number always become JSON.
        let text = serde_json::to_vec(&marker).unwrap_or_default();
        files::replace(&self.marker(), &text)?;
        files::sync_folder(&self.root)?;
        let parent = self.root.parent().filter(|parent| !parent.as_os_str().is_empty());
        Ok(files::sync_folder(parent.unwrap_or(Path::new(".")))?)
    }
}

/// The first entry that we don't make before the marker.
fn first_foreign(root: &Path) -> Result<Option<String>, FileError> {
    let entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(files::at("read", root)(error)),
    };
    for entry in entries {
        let name = entry.map_err(files::at("read", root))?.file_name();
        if name != ".evergen" {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    let state = root.join(".evergen");
    let ours = ["lock", "target.json.new"];
    for entry in std::fs::read_dir(&state).into_iter().flatten() {
        let name = entry.map_err(files::at("read", &state))?.file_name();
        let name = name.to_string_lossy();
        if !ours.contains(&&*name) {
            return Ok(Some(format!(".evergen/{name}")));
        }
    }
    Ok(None)
}
