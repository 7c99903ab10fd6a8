//! The three folders of a store, and opening them for a transaction.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::confined::{open_root, system, volume};
use super::journal::{Journal, OutputRoot, Root};
use super::region::{Region, Stage, discard};
use super::{Durability, Place};
use crate::{Digest, Obstacle};

/// The three folders of a store, as absolute paths.
pub(super) struct Roots {
    pub(super) output: PathBuf,
    pub(super) project: PathBuf,
    pub(super) state: PathBuf,
    pub(super) durability: Durability,
    /// The name of the hidden staging folder on another volume: one for each
    /// state folder, since several projects may write to one volume.
    hidden_stage: String,
}

/// The three folders, opened.
pub(super) struct Regions {
    pub(super) output: Region,
    pub(super) project: Region,
    pub(super) state: Region,
    /// The first missing folder of the output's own path.
    pub(super) missing_root: OsString,
}

impl Regions {
    pub(super) fn get(&self, root: Root) -> &Region {
        match root {
            Root::Output => &self.output,
            Root::Project => &self.project,
            Root::State => &self.state,
        }
    }

    /// The staging folders, each once.
    pub(super) fn stages(&self) -> Vec<Arc<Stage>> {
        let mut stages: Vec<Arc<Stage>> = Vec::new();
        for region in [&self.state, &self.output, &self.project] {
            let Some(stage) = &region.stage else { continue };
            if !stages.iter().any(|known| Arc::ptr_eq(known, stage)) {
                stages.push(stage.clone());
            }
        }
        stages
    }
}

/// The output folder, or the nearest folder above it that exists.
pub(super) struct Anchor {
    pub(super) folder: OwnedFd,
    pub(super) path: PathBuf,
    /// The folders below it that are missing, down to the output folder.
    pub(super) missing: Vec<OsString>,
}

impl Roots {
    pub(super) fn new(
        output: &Path,
        project: &Path,
        state: &Path,
        durability: Durability,
    ) -> Result<Self, Obstacle> {
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(|error| system("find the place of", path, error))
        };
        let state = absolute(state)?;
        let name = Digest::of(state.as_os_str().as_encoded_bytes()).to_string();
        let hidden_stage = format!(".evergen-stage-{}", &name[..8]);
        let [output, project] = [absolute(output)?, absolute(project)?];
        Ok(Self { output, project, state, durability, hidden_stage })
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.state.join("journal")
    }

    pub(super) fn stage(&self) -> PathBuf {
        self.state.join("stage")
    }

    pub(super) fn hidden_stage(&self, folder: &Path) -> PathBuf {
        folder.join(&self.hidden_stage)
    }

    /// How a journal names the output folder, so that the project can be moved as a whole.
    pub(super) fn output_for_journal(&self) -> PathBuf {
        let inside = self.output.strip_prefix(&self.project);
        inside.map_or_else(|_| self.output.clone(), Path::to_path_buf)
    }

    /// Finds the nearest folder that exists, from the output folder upwards.
    pub(super) fn anchor(&self) -> Result<Anchor, Obstacle> {
        let mut missing = Vec::new();
        for path in self.output.ancestors() {
            if let Some(folder) = open_root(path)? {
                missing.reverse();
                return Ok(Anchor { folder, path: path.into(), missing });
            }
            // A path that ends in `..` can't be made.
            let Some(name) = path.file_name() else { break };
            missing.push(name.to_owned());
        }
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        Err(system("make", &self.output, source))
    }

    /// Opens the three roots, and makes the folders to stage in.
    pub(super) fn open_regions(&self) -> Result<(Regions, OutputRoot, bool), Obstacle> {
        let state = open_or_make(&self.state)?;
        let project = open_or_make(&self.project)?;
        let anchor = self.anchor()?;
        let here = volume(state.as_fd(), &self.state)?;
        let own_stage = volume(anchor.folder.as_fd(), &anchor.path)? != here;
        let project_stage = volume(project.as_fd(), &self.project)? != here;

        let common = Arc::new(Stage::create(self.stage())?);
        let aside = |own: bool, folder: &Path| {
            if own {
                Stage::create(self.hidden_stage(folder)).map(Arc::new)
            } else {
                Ok(common.clone())
            }
        };
        let output_stage = aside(own_stage, &anchor.path)?;
        // Both may be aside in one folder, which is made once.
        let shared = own_stage && project_stage && anchor.path == self.project;
        let beside =
            if shared { output_stage.clone() } else { aside(project_stage, &self.project)? };
        let root = OutputRoot {
            path: self.output_for_journal(),
            missing: anchor.missing.len(),
            own_stage,
        };
        let output = Region::new(self.output.clone(), anchor.folder, Some(output_stage));
        let mut missing_root = OsString::new();
        if let Some((first, below)) = anchor.missing.split_first() {
            missing_root.clone_from(first);
            output.root_is_missing(0, &below.iter().collect::<PathBuf>());
        }
        let project = Region::new(self.project.clone(), project, Some(beside));
        let state = Region::new(self.state.clone(), state, Some(common));
        Ok((Regions { output, project, state, missing_root }, root, project_stage))
    }

    /// Opens the roots that a journal was written for, with what is staged there.
    pub(super) fn reopen_regions(&self, journal: &Journal) -> Result<Regions, Obstacle> {
        let output = self.project.join(&journal.output.path);
        let missing = journal.output.missing;
        let anchor = output.ancestors().nth(missing).unwrap_or(&output);
        let first = missing.checked_sub(1).and_then(|above| output.ancestors().nth(above));
        let missing_root = first.and_then(Path::file_name).unwrap_or_default().to_owned();
        let folder = open_or_make(anchor)?;
        let project = open_or_make(&self.project)?;
        let state = open_or_make(&self.state)?;

        let common = Stage::open(self.stage())?.map(Arc::new);
        let reopen = |own: bool, folder: &Path| {
            if own {
                Ok(Stage::open(self.hidden_stage(folder))?.map(Arc::new))
            } else {
                Ok(common.clone())
            }
        };
        let output_stage = reopen(journal.output.own_stage, anchor)?;
        let beside = reopen(journal.project_stage, &self.project)?;
        let output = Region::new(output.clone(), folder, output_stage);
        let project = Region::new(self.project.clone(), project, beside);
        let state = Region::new(self.state.clone(), state, common);
        Ok(Regions { output, project, state, missing_root })
    }

    /// Discards all that is staged, and says whether that was anything.
    pub(super) fn discard_stages(&self) -> Result<bool, Obstacle> {
        let mut any = discard(&self.stage())?;
        for folder in [&self.anchor()?.path, &self.project] {
            any |= discard(&self.hidden_stage(folder))?;
        }
        Ok(any)
    }
}

/// Opens a root, and makes it if it is not there.
fn open_or_make(root: &Path) -> Result<OwnedFd, Obstacle> {
    if let Some(found) = open_root(root)? {
        return Ok(found);
    }
    std::fs::create_dir_all(root).map_err(|error| system("make", root, error))?;
    let vanished = || system("open", root, std::io::Error::from(std::io::ErrorKind::NotFound));
    open_root(root)?.ok_or_else(vanished)
}

/// The root that a place stands below.
pub(super) fn root_of(place: &Place) -> Root {
    match place {
        Place::Output(_) => Root::Output,
        Place::Project(_) => Root::Project,
        Place::State(_) => Root::State,
    }
}
