//! Deciding what a commit does: from what is staged and removed to the steps.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use super::confined::{Target, system};
use super::journal::{Root, Step};
use super::roots::root_of;
use super::transaction::{DirectoryTransaction, existing_target};
use crate::store::{CommitError, Committed, Place};
use crate::{ArtifactPath, Obstacle};

/// What a commit will do. Files go first, then folders that make room, then
/// everything is moved in place, then emptied folders go.
pub(super) struct Planned {
    pub(super) steps: Vec<Step>,
    pub(super) committed: Committed,
}

/// Checks that all of it can be done, and decides how.
pub(super) fn plan(transaction: &DirectoryTransaction) -> Result<Planned, CommitError> {
    let claims = transaction.claims();
    let (removed, going) = find_removals(transaction, &claims)?;
    let mut steps = removed;
    let mut committed =
        Committed { written: claims.len(), removed: steps.len(), ..Committed::default() };

    let mut cleared = BTreeSet::new();
    let puts = transaction.puts();
    for put in puts.iter().filter(|put| put.over_folder) {
        refuse_claims_below(put.place.path(), &claims)?;
        let folder = transaction.regions.get(root_of(&put.place)).shown(put.place.path().as_str());
        let emptied = match put.place {
            Place::Output(_) => is_emptied(&folder, put.place.path(), &going, &mut cleared)?,
            Place::Project(_) | Place::State(_) => false,
        };
        if !emptied {
            return Err(Obstacle::NotAFile { path: folder }.into());
        }
    }
    push_folders(&mut steps, &cleared);

    let before = steps.len();
    push_moved_folders(transaction, &claims, &going, &mut steps)?;
    steps.extend(puts.iter().map(|put| Step::MoveFile {
        root: root_of(&put.place),
        staged: put.staged,
        size: put.size,
        path: put.place.path().clone(),
    }));
    committed.moves = steps.len() - before;

    let folders = going.iter().flat_map(folders_above);
    let swept: BTreeSet<_> = folders.filter(|folder| !cleared.contains(folder)).collect();
    push_folders(&mut steps, &swept);
    Ok(Planned { steps, committed })
}

/// The steps for all files that are there to be removed, and those of them in the output.
fn find_removals(
    transaction: &DirectoryTransaction,
    claims: &HashSet<Place>,
) -> Result<(Vec<Step>, BTreeSet<ArtifactPath>), Obstacle> {
    let removals = transaction.removals();
    let sorted: BTreeSet<&Place> = removals.difference(claims).collect();
    let mut steps = Vec::new();
    let mut going = BTreeSet::new();
    for place in sorted {
        let root = root_of(place);
        let region = transaction.regions.get(root);
        // A folder there is not the file that was meant, which is gone then.
        if !matches!(existing_target(region, place)?, Target::File(_)) {
            continue;
        }
        if root == Root::Output {
            going.insert(place.path().clone());
        }
        steps.push(Step::Remove { root, path: place.path().clone() });
    }
    Ok((steps, going))
}

/// Moves every folder that is new as a whole.
fn push_moved_folders(
    transaction: &DirectoryTransaction,
    claims: &HashSet<Place>,
    going: &BTreeSet<ArtifactPath>,
    steps: &mut Vec<Step>,
) -> Result<(), CommitError> {
    let region = &transaction.regions.output;
    for top in region.tops().iter() {
        let Some(path) = top.path.clone() else {
            // A missing root is only made for the sake of a file.
            if claims.iter().any(|place| root_of(place) == Root::Output) {
                steps.push(Step::MoveRoot { staged: top.staged });
            }
            continue;
        };
        if claims.contains(&Place::Output(path.clone())) {
            return Err(CommitError::Overlap(path));
        }
        if top.blocked && !going.contains(&path) {
            return Err(Obstacle::NotAFolder { path: region.shown(path.as_str()) }.into());
        }
        if claims.iter().any(|place| place.path().is_below(path.as_str())) {
            steps.push(Step::MoveFolder { staged: top.staged, path });
        }
    }
    Ok(())
}

fn refuse_claims_below(path: &ArtifactPath, claims: &HashSet<Place>) -> Result<(), CommitError> {
    let outputs = claims.iter().filter(|place| matches!(place, Place::Output(_)));
    if outputs.map(Place::path).any(|other| other.is_below(path.as_str())) {
        return Err(CommitError::Overlap(path.clone()));
    }
    Ok(())
}

/// Whether removals leave nothing of a folder; collects it and the folders in it.
/// A folder that is empty already is not ours to remove.
fn is_emptied(
    folder: &Path,
    path: &ArtifactPath,
    going: &BTreeSet<ArtifactPath>,
    cleared: &mut BTreeSet<ArtifactPath>,
) -> Result<bool, Obstacle> {
    let failed = |error| system("list", folder, error);
    let mut any = false;
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        any = true;
        let Some(inner) =
            entry.file_name().to_str().and_then(|name| super::below(path.as_str(), name))
        else {
            return Ok(false);
        };
        let goes = if entry.file_type().map_err(failed)?.is_dir() {
            is_emptied(&entry.path(), &inner, going, cleared)?
        } else {
            going.contains(&inner)
        };
        if !goes {
            return Ok(false);
        }
    }
    cleared.insert(path.clone());
    Ok(any)
}

/// Inner folders before outer ones.
fn push_folders(steps: &mut Vec<Step>, folders: &BTreeSet<ArtifactPath>) {
    steps.extend(folders.iter().rev().map(|path| Step::RemoveFolder { path: path.clone() }));
}

fn folders_above(path: &ArtifactPath) -> impl Iterator<Item = ArtifactPath> + '_ {
    path.as_str().match_indices('/').map(|(at, _)| ArtifactPath::of_folder(&path.as_str()[..at]))
}
