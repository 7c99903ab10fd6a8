//! Taking the steps of a journal, for the first time or again.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::confined::{Target, stamp_of, system, target};
use super::journal::{Root, Step};
use super::region::{Folder, Region};
use super::roots::Regions;
use crate::{ArtifactPath, Obstacle};

/// Whether steps may have been taken already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    First,
    Again,
}

/// Takes all steps, and returns how many staged files were damaged and left out.
pub(super) fn apply(regions: &Regions, steps: &[Step], pass: Pass) -> Result<usize, Obstacle> {
    let mut damaged = 0;
    for step in steps {
        match step {
            Step::Remove { root, path } => remove(regions.get(*root), path)?,
            Step::RemoveFolder { path } => remove_folder(&regions.output, path)?,
            Step::MoveFile { root, staged, size, path } => {
                let region = regions.get(*root);
                match staged_size(region, *staged, pass)? {
                    Staged::Gone => {}
                    Staged::Size(found) if found != *size => damaged += 1,
                    Staged::Size(_) | Staged::Unasked => move_to(region, *staged, path, pass)?,
                }
            }
            Step::MoveFolder { staged, path } => move_to(&regions.output, *staged, path, pass)?,
            Step::MoveRoot { staged } => move_root(regions, *staged, pass)?,
        }
    }
    Ok(damaged)
}

/// Forces every folder that the steps have changed to the disk.
pub(super) fn sync_touched(regions: &Regions, steps: &[Step]) -> Result<(), Obstacle> {
    let mut touched: BTreeSet<(Root, &str)> = BTreeSet::new();
    for step in steps {
        touched.insert(match step {
            Step::Remove { root, path } | Step::MoveFile { root, path, .. } => {
                (*root, path.folder())
            }
            Step::RemoveFolder { path } | Step::MoveFolder { path, .. } => {
                (Root::Output, path.folder())
            }
            Step::MoveRoot { .. } => (Root::Output, ""),
        });
    }
    for (root, path) in touched {
        let region = regions.get(root);
        if path.is_empty() {
            sync_folder(region.anchor(), &region.shown)?;
        } else if let Some(Folder::Live(folder)) = region.existing(path)?.as_deref() {
            sync_folder(folder.as_fd(), &region.shown(path))?;
        }
    }
    Ok(())
}

/// Forces the names in a folder to the disk.
pub(super) fn sync_folder(folder: BorrowedFd<'_>, shown: &Path) -> Result<(), Obstacle> {
    rustix::fs::fsync(folder).map_err(|error| system("write to the disk", shown, error))
}

fn remove(region: &Region, path: &ArtifactPath) -> Result<(), Obstacle> {
    let folder = region.existing(path.folder())?;
    let Some(Folder::Live(folder)) = folder.as_deref() else { return Ok(()) };
    match rustix::fs::unlinkat(folder, path.file_name(), AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => {
            let shown = || region.shown(path.as_str());
            // Taken again after a folder has come into the place of the file.
            match target(folder.as_fd(), path.file_name(), shown)? {
                Target::Folder => Ok(()),
                Target::Free | Target::File(_) => Err(system("remove", &shown(), error)),
            }
        }
    }
}

fn remove_folder(region: &Region, path: &ArtifactPath) -> Result<(), Obstacle> {
    region.forget(path.as_str());
    let parent = region.existing(path.folder())?;
    let Some(Folder::Live(parent)) = parent.as_deref() else { return Ok(()) };
    match rustix::fs::unlinkat(parent, path.file_name(), AtFlags::REMOVEDIR) {
        // Gone already, in use, or (taken again) a file has come into its place.
        Ok(())
        | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR | Errno::BUSY) => {
            Ok(())
        }
        Err(error) => Err(system("remove", &region.shown(path.as_str()), error)),
    }
}

enum Staged {
    Unasked,
    Gone,
    Size(u64),
}

/// A step that is taken again asks first whether anything is left to be moved.
fn staged_size(region: &Region, staged: u32, pass: Pass) -> Result<Staged, Obstacle> {
    if pass == Pass::First {
        return Ok(Staged::Unasked);
    }
    let Some(stage) = &region.stage else { return Ok(Staged::Gone) };
    let name = staged.to_string();
    match target(stage.folder.as_fd(), &name, || stage.path.join(&name))? {
        Target::Free => Ok(Staged::Gone),
        Target::File(stat) => Ok(Staged::Size(stamp_of(&stat).size)),
        Target::Folder => Ok(Staged::Unasked),
    }
}

fn move_to(region: &Region, staged: u32, path: &ArtifactPath, pass: Pass) -> Result<(), Obstacle> {
    let Some(stage) = &region.stage else { return Ok(()) };
    let name = staged.to_string();
    for last in [false, true] {
        let folder = region.made(path.folder())?;
        let Some(Folder::Live(folder)) = folder.as_deref() else { break };
        match rustix::fs::renameat(&stage.folder, &name, folder, path.file_name()) {
            Ok(()) => return Ok(()),
            Err(Errno::NOENT) if pass == Pass::Again && is_gone(&stage.folder, &name) => {
                return Ok(());
            }
            // The folder was removed under our hands; it is made anew.
            Err(Errno::NOENT) if !last => region.forget(path.folder()),
            Err(error) => return Err(system("replace", &region.shown(path.as_str()), error)),
        }
    }
    Err(system("replace", &region.shown(path.as_str()), Errno::NOENT))
}

fn move_root(regions: &Regions, staged: u32, pass: Pass) -> Result<(), Obstacle> {
    let region = &regions.output;
    let Some(stage) = &region.stage else { return Ok(()) };
    let name = staged.to_string();
    if pass == Pass::Again && is_gone(&stage.folder, &name) {
        return Ok(());
    }
    rustix::fs::renameat(&stage.folder, &name, region.anchor(), &regions.missing_root)
        .map_err(|error| system("make", &region.shown, error))
}

fn is_gone(stage: impl AsFd, name: &str) -> bool {
    let found = rustix::fs::statat(stage, name, AtFlags::SYMLINK_NOFOLLOW);
    matches!(found, Err(Errno::NOENT))
}
