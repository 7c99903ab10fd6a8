//! The laws of [`ArtifactStore`] as code: an implementation is conformant if
//! [`check`] returns. A law that does not hold is a panic that says which.
#![expect(clippy::expect_used, reason = "a law that does not hold is reported by a panic")]

use crate::{
    ArtifactPath, ArtifactStore, BeginError, CommitError, Committed, Obstacle, Place, ReadError,
    Recovery, StageError,
};

/// Runs every law against stores that `make` gives; each must be new and empty.
pub fn check(make: &mut dyn FnMut() -> Box<dyn ArtifactStore>) {
    let laws: &[fn(&dyn ArtifactStore)] = &[
        an_empty_store_has_nothing,
        staged_files_appear_with_the_commit,
        pieces_become_one_file,
        a_dropped_transaction_leaves_nothing,
        files_are_replaced_and_removed,
        a_staged_file_wins_over_its_removal,
        a_file_can_become_a_folder_and_back,
        a_path_is_not_a_file_and_a_folder_at_once,
        what_stays_is_not_overwritten_by_a_folder,
        a_place_is_staged_once,
        one_transaction_is_open_at_a_time,
        the_three_roots_are_apart,
        many_threads_stage_at_once,
    ];
    for law in laws {
        law(&*make());
    }
}

fn path(text: &str) -> ArtifactPath {
    ArtifactPath::parse(text).expect("the paths of the laws are valid")
}

fn output(text: &str) -> Place {
    Place::Output(path(text))
}

/// Commits `staged` (path and bytes) and `removed` in one transaction.
fn commit(
    store: &dyn ArtifactStore,
    staged: &[(&str, &str)],
    removed: &[&str],
) -> Result<Committed, CommitError> {
    let transaction = store.begin().expect("a transaction opens");
    for (path, bytes) in staged {
        transaction.stage(output(path), bytes.as_bytes()).expect("a file is staged");
    }
    for path in removed {
        transaction.remove(output(path));
    }
    transaction.commit()
}

fn assert_tree(store: &dyn ArtifactStore, expected: &[(&str, &str)]) {
    let paths = store.list().expect("the tree can be listed");
    let found: Vec<(String, String)> = paths
        .iter()
        .map(|path| {
            let bytes = store.read(path).expect("a listed file can be read").expect("and exists");
            (path.to_string(), String::from_utf8_lossy(&bytes).into_owned())
        })
        .collect();
    let expected: Vec<(String, String)> =
        expected.iter().map(|&(path, bytes)| (path.to_owned(), bytes.to_owned())).collect();
    assert_eq!(found, expected, "the tree, sorted by path");
}

fn an_empty_store_has_nothing(store: &dyn ArtifactStore) {
    assert_eq!(store.recover().expect("recovery succeeds"), Recovery::Clean);
    assert_tree(store, &[]);
    assert_eq!(store.read(&path("a/b")).expect("an absent file is no error"), None);
    assert_eq!(store.stamp(&path("a/b")).expect("an absent file is no error"), None);
    assert_eq!(
        commit(store, &[], &["a/b"]).expect("an absent file may be removed"),
        Committed::default()
    );
}

fn staged_files_appear_with_the_commit(store: &dyn ArtifactStore) {
    let transaction = store.begin().expect("a transaction opens");
    let stamp = transaction.stage(output("a/b"), b"1").expect("a file is staged");
    transaction.stage(output("a/empty"), b"").expect("an empty file is staged");
    assert_tree(store, &[]);
    let committed = transaction.commit().expect("the commit succeeds");
    assert_eq!((committed.written, committed.removed), (2, 0));
    assert_tree(store, &[("a/b", "1"), ("a/empty", "")]);
    assert_eq!(
        store.stamp(&path("a/b")).expect("a stamp"),
        Some(stamp),
        "the stamp of staging stays"
    );
    let paths = [path("a/b"), path("a/x"), path("y"), path("a/empty")];
    let stamps = store.stamps(&paths).expect("stamps");
    let single: Vec<_> = paths.iter().map(|path| store.stamp(path).expect("a stamp")).collect();
    assert_eq!(stamps, single, "many stamps are the single ones");
    let folder = store.read(&path("a"));
    assert!(
        matches!(folder, Err(ReadError::Obstacle(Obstacle::NotAFile { .. }))),
        "a folder is not a file"
    );
    assert_eq!(store.read(&path("a/b/c")).expect("nothing stands below a file"), None);
    assert_eq!(store.recover().expect("recovery succeeds"), Recovery::Clean);
}

fn a_dropped_transaction_leaves_nothing(store: &dyn ArtifactStore) {
    commit(store, &[("a", "1"), ("z/y", "1")], &[]).expect("the commit succeeds");
    let transaction = store.begin().expect("a transaction opens");
    transaction.stage(output("a"), b"2").expect("a file is staged");
    transaction.stage(output("new/b"), b"2").expect("a file is staged");
    transaction.remove(output("z/y"));
    drop(transaction);
    assert_tree(store, &[("a", "1"), ("z/y", "1")]);
    assert_eq!(store.recover().expect("recovery succeeds"), Recovery::Clean);
}

fn files_are_replaced_and_removed(store: &dyn ArtifactStore) {
    commit(store, &[("a/b", "1"), ("a/c", "1"), ("d", "1")], &[]).expect("the commit succeeds");
    let done = commit(store, &[("a/b", "2"), ("e/f", "1")], &["a/c", "none"])
        .expect("the commit succeeds");
    assert_eq!((done.written, done.removed), (2, 1));
    assert_tree(store, &[("a/b", "2"), ("d", "1"), ("e/f", "1")]);
    commit(store, &[], &["a/b", "d", "e/f"]).expect("the commit succeeds");
    assert_tree(store, &[]);
    commit(store, &[("e/f", "3")], &[]).expect("a folder that went can come again");
    assert_tree(store, &[("e/f", "3")]);
}

fn pieces_become_one_file(store: &dyn ArtifactStore) {
    let transaction = store.begin().expect("a transaction opens");
    let large = vec![b'x'; 200_000];
    let pieces: [&[u8]; 5] = [b"a", &large, b"", b"bc", &large];
    let stamp = transaction.stage_pieces(output("joined"), &pieces).expect("a file is staged");
    transaction.commit().expect("the commit succeeds");
    let found = store.read(&path("joined")).expect("the file can be read");
    assert!(found == Some(pieces.concat()), "the pieces stand one behind the other");
    assert_eq!(stamp.size, 400_003, "the stamp is that of the whole file");
}

fn a_staged_file_wins_over_its_removal(store: &dyn ArtifactStore) {
    commit(store, &[("a", "1")], &[]).expect("the commit succeeds");
    let done = commit(store, &[("a", "2")], &["a"]).expect("the commit succeeds");
    assert_eq!((done.written, done.removed), (1, 0));
    assert_tree(store, &[("a", "2")]);
}

fn a_file_can_become_a_folder_and_back(store: &dyn ArtifactStore) {
    commit(store, &[("a", "1")], &[]).expect("the commit succeeds");
    commit(store, &[("a/b/c", "2"), ("a/b/d", "2")], &["a"]).expect("a file becomes a folder");
    assert_tree(store, &[("a/b/c", "2"), ("a/b/d", "2")]);
    let done = commit(store, &[], &["a", "a/b"]).expect("a folder is not a file to be removed");
    assert_eq!(done, Committed::default());
    commit(store, &[("a/b", "3"), ("a/e", "3")], &["a/b/c", "a/b/d"])
        .expect("a folder becomes a file");
    assert_tree(store, &[("a/b", "3"), ("a/e", "3")]);
}

fn a_path_is_not_a_file_and_a_folder_at_once(store: &dyn ArtifactStore) {
    commit(store, &[("k/l", "1")], &[]).expect("the commit succeeds");
    for pair in [["a", "a/b"], ["a/b", "a"], ["k", "k/l"], ["x/y/z", "x/y"]] {
        let transaction = store.begin().expect("a transaction opens");
        let staged: Result<Vec<_>, _> =
            pair.iter().map(|path| transaction.stage(output(path), b"")).collect();
        let refused = match staged {
            Err(error) => matches!(error, StageError::Overlap(_)),
            Ok(_) => matches!(
                transaction.commit(),
                Err(CommitError::Overlap(_) | CommitError::Obstacle(Obstacle::NotAFile { .. }))
            ),
        };
        assert!(refused, "{pair:?} is refused");
        assert_tree(store, &[("k/l", "1")]);
    }
}

fn what_stays_is_not_overwritten_by_a_folder(store: &dyn ArtifactStore) {
    commit(store, &[("a", "1"), ("b/c", "1"), ("b/d", "1")], &[]).expect("the commit succeeds");
    let error = commit(store, &[("a/x", "2"), ("new", "2")], &[])
        .expect_err("a file is not replaced by a folder");
    assert!(matches!(error, CommitError::Obstacle(Obstacle::NotAFolder { .. })), "{error}");
    let error =
        commit(store, &[("b", "2"), ("new", "2")], &["b/c"]).expect_err("nor a folder by a file");
    assert!(matches!(error, CommitError::Obstacle(Obstacle::NotAFile { .. })), "{error}");
    assert_tree(store, &[("a", "1"), ("b/c", "1"), ("b/d", "1")]);
}

fn a_place_is_staged_once(store: &dyn ArtifactStore) {
    let transaction = store.begin().expect("a transaction opens");
    transaction.stage(output("a/b"), b"1").expect("a file is staged");
    let again = transaction.stage(output("a/b"), b"2");
    assert!(matches!(again, Err(StageError::Twice(_))), "a second staging is refused");
    let taken = transaction.stage(Place::state("journal").expect("a name"), b"");
    assert!(matches!(taken, Err(StageError::Taken(_))), "the journal is the store's own");
    transaction.commit().expect("and does not harm the first");
    assert_tree(store, &[("a/b", "1")]);
}

fn one_transaction_is_open_at_a_time(store: &dyn ArtifactStore) {
    let first = store.begin().expect("a transaction opens");
    assert!(matches!(store.begin(), Err(BeginError::Busy)), "a second one does not");
    drop(first);
    let second = store.begin().expect("after the first is gone it does");
    second.commit().expect("an empty commit succeeds");
    store.begin().expect("after the second is committed, too");
}

fn the_three_roots_are_apart(store: &dyn ArtifactStore) {
    let places = [
        output("name"),
        Place::project("name").expect("a name"),
        Place::state("name").expect("a name"),
    ];
    let transaction = store.begin().expect("a transaction opens");
    for (place, bytes) in places.iter().zip(["1", "2", "3"]) {
        transaction.stage(place.clone(), bytes.as_bytes()).expect("a file is staged");
    }
    transaction.commit().expect("the commit succeeds");
    let read = |place| store.read_place(place).expect("a file can be read");
    assert_eq!(places.each_ref().map(read), [b"1", b"2", b"3"].map(|bytes| Some(bytes.to_vec())));
    let transaction = store.begin().expect("a transaction opens");
    transaction.remove(places[2].clone());
    transaction.commit().expect("the commit succeeds");
    assert_eq!(read(&places[2]), None);
    assert_eq!(store.stamp_place(&places[2]).expect("a stamp"), None);
    assert_tree(store, &[("name", "1")]);
}

fn many_threads_stage_at_once(store: &dyn ArtifactStore) {
    commit(store, &[("old/keep", "")], &[]).expect("the commit succeeds");
    let transaction = store.begin().expect("a transaction opens");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let transaction = &*transaction;
            scope.spawn(move || {
                for file in 0..50 {
                    for folder in ["old", "new/deep", "new/deep/deeper"] {
                        let place = output(&format!("{folder}/{thread}-{file}"));
                        transaction.stage(place, b"x").expect("a file is staged");
                    }
                }
            });
        }
    });
    assert_eq!(transaction.commit().expect("the commit succeeds").written, 600);
    assert_eq!(store.list().expect("the tree can be listed").len(), 601);
}
