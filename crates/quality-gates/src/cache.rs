use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use evergen_artifact::Digest;

mod pack;

pub(crate) use self::pack::Kept;
use self::pack::Pack;

/// How many gates' answers are kept; another version of a tool is another gate here.
const PACKS: usize = 256;

/// Answers that gates gave, so that nobody asks twice.
///
/// Only passes and failures are kept, under a key made of all they depend on: the gate, its
/// settings, the tool's version and binary, and the contents of the files concerned. Answers of
/// one gate stand in one file, which is replaced by a rename and ends with its own digest:
/// after a crash or damage nothing is known, and the gate is asked. Both the number of files and
/// each file's size are bounded; what was not used for longest goes first.
///
/// Several processes may use one folder: each sees what the others had written when it first
/// asked for a gate, and may undo what they write later; nothing but time is lost.
#[derive(Debug)]
pub struct VerdictCache {
    root: PathBuf,
    packs: Mutex<HashMap<Digest, Arc<Mutex<Pack>>>>,
}

/// The folder of the cache can't be used.
#[derive(Debug, thiserror::Error)]
#[error("can't keep answers in {folder}; check its permissions, or move the state folder")]
pub struct CacheError {
    /// The folder.
    pub folder: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl VerdictCache {
    /// Opens the cache in a folder of its own, and makes room in it. Blocks for a moment.
    pub fn open(folder: &Path) -> Result<Self, CacheError> {
        let root = folder.join("1");
        let made = std::fs::create_dir_all(&root).and_then(|()| tidy(&root));
        made.map_err(|source| CacheError { folder: folder.to_path_buf(), source })?;
        Ok(Self { root, packs: Mutex::default() })
    }

    /// What is known under these keys of one gate, in their order. Blocks.
    pub(crate) fn get(&self, gate: Digest, keys: &[Digest]) -> Vec<Option<Kept>> {
        let pack = self.pack(gate);
        let mut pack = locked(&pack);
        keys.iter().map(|key| pack.get(*key)).collect()
    }

    /// Keeps answers of one gate. That they can't be written costs time later, and no verdict.
    /// Blocks.
    pub(crate) fn put(&self, gate: Digest, entries: &[(Digest, Kept)]) {
        let pack = self.pack(gate);
        let mut pack = locked(&pack);
        for (key, kept) in entries {
            pack.put(*key, kept);
        }
        if let Err(error) = pack.save(&self.file(gate)) {
            tracing::warn!(%error, "answers of a gate could not be kept");
        }
    }

    fn pack(&self, gate: Digest) -> Arc<Mutex<Pack>> {
        if let Some(pack) = locked(&self.packs).get(&gate) {
            return pack.clone();
        }
        let pack = Arc::new(Mutex::new(Pack::load(&self.file(gate))));
        locked(&self.packs).entry(gate).or_insert(pack).clone()
    }

    fn file(&self, gate: Digest) -> PathBuf {
        self.root.join(format!("{gate}.answers"))
    }
}

/// Removes the oldest files beyond the limit, and what a crash left behind.
fn tidy(root: &Path) -> io::Result<()> {
    let mut packs: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        let path = entry.path();
        let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else {
            continue;
        };
        let is_pack = path.extension().is_some_and(|extension| extension == "answers");
        let is_old = || modified.elapsed().is_ok_and(|age| age.as_secs() > 3600);
        if is_pack {
            packs.push((modified, path));
        } else if is_old() {
            remove(&path)?;
        }
    }
    packs.sort();
    let surplus = packs.len().saturating_sub(PACKS);
    packs.iter().take(surplus).try_for_each(|(_, path)| remove(path))
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Each critical section leaves whole values behind, so a panic elsewhere does no harm.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
