use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::{
    ArtifactStore, BeginError, CommitError, Committed, Obstacle, Place, ReadError, RecoverError,
    Recovery, StageError, Transaction,
};
use crate::{ArtifactPath, FileStamp};

#[cfg(test)]
mod tests;

/// A store that lives as long as the program: for those who want the engine
/// without a folder, for previews and for trying things out.
#[derive(Debug, Default)]
pub struct MemoryStore {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    files: BTreeMap<Place, File>,
    clock: u64,
    busy: bool,
}

#[derive(Debug)]
struct File {
    bytes: Vec<u8>,
    stamp: FileStamp,
}

impl MemoryStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        locked(&self.shared)
    }
}

impl ArtifactStore for MemoryStore {
    fn read_place(&self, place: &Place) -> Result<Option<Vec<u8>>, ReadError> {
        let shared = self.shared();
        shared.refuse_folder(place)?;
        Ok(shared.files.get(place).map(|file| file.bytes.clone()))
    }

    fn stamp_place(&self, place: &Place) -> Result<Option<FileStamp>, ReadError> {
        let shared = self.shared();
        shared.refuse_folder(place)?;
        Ok(shared.files.get(place).map(|file| file.stamp))
    }

    fn list(&self) -> Result<Vec<ArtifactPath>, ReadError> {
        let shared = self.shared();
        let outputs = shared.files.keys().filter_map(|place| match place {
            Place::Output(path) => Some(path.clone()),
            Place::Project(_) | Place::State(_) => None,
        });
        Ok(outputs.collect())
    }

    fn begin(&self) -> Result<Box<dyn Transaction>, BeginError> {
        let mut shared = self.shared();
        if shared.busy {
            return Err(BeginError::Busy);
        }
        shared.busy = true;
        let shared = self.shared.clone();
        Ok(Box::new(MemoryTransaction { shared, plan: Mutex::default() }))
    }

    fn recover(&self) -> Result<Recovery, RecoverError> {
        Ok(Recovery::Clean)
    }
}

impl Shared {
    /// A path below which artifacts stand is a folder, here too.
    fn refuse_folder(&self, place: &Place) -> Result<(), Obstacle> {
        let Place::Output(path) = place else { return Ok(()) };
        let following = self.files.range(place..).map(|(other, _)| other);
        refuse_what_is_below(path, following)
    }
}

struct MemoryTransaction {
    shared: Arc<Mutex<Shared>>,
    plan: Mutex<Plan>,
}

#[derive(Default)]
struct Plan {
    staged: BTreeMap<Place, File>,
    removed: BTreeSet<Place>,
}

impl Transaction for MemoryTransaction {
    fn stage(&self, place: Place, bytes: &[u8]) -> Result<FileStamp, StageError> {
        if place.is_taken() {
            return Err(StageError::Taken(place));
        }
        let mut plan = locked(&self.plan);
        if plan.staged.contains_key(&place) {
            return Err(StageError::Twice(place));
        }
        let stamp = {
            let mut shared = locked(&self.shared);
            shared.clock += 1;
            let modified_ns = i64::try_from(shared.clock).unwrap_or(i64::MAX);
            FileStamp { size: bytes.len() as u64, modified_ns, inode: shared.clock }
        };
        plan.staged.insert(place, File { bytes: bytes.to_vec(), stamp });
        Ok(stamp)
    }

    fn remove(&self, place: Place) {
        locked(&self.plan).removed.insert(place);
    }

    fn commit(self: Box<Self>) -> Result<Committed, CommitError> {
        let plan = std::mem::take(&mut *locked(&self.plan));
        let mut shared = locked(&self.shared);
        check_overlaps(&plan, &shared)?;
        let mut committed = Committed::default();
        for place in plan.removed.iter().filter(|place| !plan.staged.contains_key(place)) {
            committed.removed += usize::from(shared.files.remove(place).is_some());
        }
        committed.written = plan.staged.len();
        committed.moves = plan.staged.len();
        shared.files.extend(plan.staged);
        Ok(committed)
    }
}

impl Drop for MemoryTransaction {
    fn drop(&mut self) {
        locked(&self.shared).busy = false;
    }
}

/// Refuses a tree in which a path would be a file and a folder at once.
fn check_overlaps(plan: &Plan, shared: &Shared) -> Result<(), CommitError> {
    let kept = shared.files.keys().filter(|place| !plan.removed.contains(place));
    let after: BTreeSet<&Place> = kept.chain(plan.staged.keys()).collect();
    for place in plan.staged.keys() {
        let Place::Output(path) = place else { continue };
        for (index, _) in path.as_str().match_indices('/') {
            let folder = &path.as_str()[..index];
            let Ok(parent) = ArtifactPath::parse(folder) else { continue };
            if plan.staged.contains_key(&Place::Output(parent.clone())) {
                return Err(CommitError::Overlap(parent));
            }
            if after.contains(&Place::Output(parent)) {
                return Err(Obstacle::NotAFolder { path: PathBuf::from(folder) }.into());
            }
        }
        refuse_what_is_below(path, after.range::<&Place, _>(place..).copied())?;
    }
    Ok(())
}

/// Says that `path` is a folder if one of the `following` places, sorted, is below it.
fn refuse_what_is_below<'a>(
    path: &ArtifactPath,
    following: impl Iterator<Item = &'a Place>,
) -> Result<(), Obstacle> {
    let outputs = following.map_while(|place| match place {
        Place::Output(other) => Some(other),
        Place::Project(_) | Place::State(_) => None,
    });
    let mut alike = outputs.take_while(|other| other.as_str().starts_with(path.as_str()));
    if alike.any(|other| other.is_below(path.as_str())) {
        return Err(Obstacle::NotAFile { path: path.as_str().into() });
    }
    Ok(())
}

/// Each critical section leaves whole values behind, so a panic elsewhere does no harm.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
