//! Any sequence of transactions does the same to files as to the store in memory,
//! which is simple enough to be believed.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of a test")]

use evergen_artifact::{
    ArtifactPath, ArtifactStore, CommitError, Committed, DirectoryOptions, DirectoryStore,
    MemoryStore, Place, Recovery, StageError,
};
use proptest::prelude::*;

/// Few paths, so that files and folders often want one place.
const PATHS: [&str; 10] =
    ["a", "a/a", "a/b", "a/b/a", "a/b/b", "b", "b/a/a", "b/a/b", "c/a/a/a", "a b"];

#[derive(Clone, Debug)]
struct Change {
    staged: Vec<(usize, u8)>,
    removed: Vec<usize>,
    dropped: bool,
}

fn change() -> impl Strategy<Value = Change> {
    let path = 0..PATHS.len();
    let staged = prop::collection::vec((path.clone(), any::<u8>()), 0..4);
    let removed = prop::collection::vec(path, 0..6);
    (staged, removed, prop::bool::weighted(0.1)).prop_map(|(staged, removed, dropped)| Change {
        staged,
        removed,
        dropped,
    })
}

fn place(index: usize) -> Place {
    Place::Output(ArtifactPath::parse(PATHS[index]).unwrap())
}

/// Says whether the change was made, and how many files were written and removed.
fn apply(store: &dyn ArtifactStore, change: &Change) -> Option<(usize, usize)> {
    let transaction = store.begin().unwrap();
    for &(path, byte) in &change.staged {
        match transaction.stage(place(path), &[byte]) {
            Ok(_) | Err(StageError::Twice(_)) => {}
            Err(StageError::Overlap(_)) => return None,
            Err(error) => panic!("{error}"),
        }
    }
    for &path in &change.removed {
        transaction.remove(place(path));
    }
    if change.dropped {
        return None;
    }
    match transaction.commit() {
        Ok(Committed { written, removed, .. }) => Some((written, removed)),
        Err(CommitError::Unfinished(error)) => panic!("{error}"),
        Err(_) => None,
    }
}

fn tree(store: &dyn ArtifactStore) -> Vec<(ArtifactPath, Vec<u8>)> {
    let paths = store.list().unwrap();
    paths.into_iter().map(|path| (path.clone(), store.read(&path).unwrap().unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn files_and_memory_agree(changes in prop::collection::vec(change(), 1..12)) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let files = DirectoryStore::open(
            &root.join("gen"), root, &root.join(".evergen"), DirectoryOptions::default(),
        ).unwrap();
        let memory = MemoryStore::new();
        for change in &changes {
            prop_assert_eq!(apply(&files, change), apply(&memory, change), "{:?}", change);
            prop_assert_eq!(tree(&files), tree(&memory));
            prop_assert_eq!(files.recover().unwrap(), Recovery::Clean);
        }
    }
}
