//! The laws of [`ReleaseStore`], as tests for any implementation.

use std::collections::BTreeSet;
use std::sync::Arc;

use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};
use jiff::Timestamp;

use crate::{
    Provenance, ReleaseId, ReleaseName, ReleaseSource, ReleaseStore, StageError, StagedRelease,
    StoreError, Version,
};

/// Tests an empty store.
///
/// # Panics
/// A law does not hold.
pub fn check_store(store: &dyn ReleaseStore) {
    assert_eq!(ok(store.current()), None, "nothing is current before the first");
    let one = content_is_identity(store);
    let two = a_version_is_one_release(store, &one);
    the_current_release_is_what_was_activated(store, &one, &two);
    what_is_kept_stays(store, &one, &two);
}

fn ok<T, E: std::error::Error>(answer: Result<T, E>) -> T {
    answer.unwrap_or_else(|error| panic!("{error}"))
}

fn source(text: &str) -> ReleaseSource {
    let path = ok(ArtifactPath::parse("folder/a.txt"));
    let change = ProposedChange::write(path, "g", text.as_bytes(), false);
    ReleaseSource::Layered { base: None, changes: Arc::new(ProposedChanges::new(vec![change])) }
}

fn stage(
    store: &dyn ReleaseStore,
    text: &str,
    expected: ReleaseId,
    version: &str,
) -> Result<StagedRelease, StageError> {
    let provenance = Provenance::new(Timestamp::UNIX_EPOCH, "conformance");
    store.stage(&source(text), expected, &ok(Version::parse(version)), &provenance)
}

fn content_is_identity(store: &dyn ReleaseStore) -> StagedRelease {
    let [one, same, other] = ["1", "1", "2"].map(|text| ok(store.identify(&source(text))));
    assert_eq!(one, same, "the same content has the same id");
    assert_ne!(one, other, "other content has another");
    assert_eq!(ok(store.find(&ReleaseName::Id(one))), None, "to identify is not to stage");
    let changed = stage(store, "2", one, "1.0");
    assert!(matches!(changed, Err(StageError::Changed { .. })), "another content: {changed:?}");
    assert_eq!(ok(store.find(&ReleaseName::Id(one))), None, "a refusal stages nothing");
    let staged = ok(stage(store, "1", one, "1.0"));
    assert_eq!((staged.id, staged.files, staged.bytes), (one, 1, 1));
    assert_eq!(ok(stage(store, "1", one, "1.0")), staged, "staging may be repeated");
    assert_eq!(ok(store.find(&ReleaseName::Id(one))), Some(staged.clone()));
    assert_eq!(ok(store.verify(one)), Vec::<String>::new());
    staged
}

fn a_version_is_one_release(store: &dyn ReleaseStore, one: &StagedRelease) -> StagedRelease {
    let two = ok(store.identify(&source("2")));
    let taken = stage(store, "2", two, "1.0");
    assert!(matches!(taken, Err(StageError::VersionTaken { .. })), "a version twice: {taken:?}");
    assert_eq!(ok(store.named(&one.version)), Some(one.id));
    ok(stage(store, "2", two, "2.0"))
}

fn the_current_release_is_what_was_activated(
    store: &dyn ReleaseStore,
    one: &StagedRelease,
    two: &StagedRelease,
) {
    for release in [Some(one.id), Some(two.id), Some(two.id), None, None, Some(two.id)] {
        ok(store.activate(release));
        assert_eq!(ok(store.current()), release, "what was activated");
    }
    let missing = ok(store.identify(&source("3")));
    let refused = store.activate(Some(missing));
    assert!(matches!(refused, Err(StoreError::Missing { .. })), "not in the store: {refused:?}");
    assert_eq!(ok(store.current()), Some(two.id), "a refusal changes nothing");
}

fn what_is_kept_stays(store: &dyn ReleaseStore, one: &StagedRelease, two: &StagedRelease) {
    let kept = ok(store.collect(&BTreeSet::from([one.id])));
    assert_eq!(kept.removed, Vec::new(), "kept and current");
    assert_eq!(ok(store.collect(&BTreeSet::new())).removed, [one.id], "nothing keeps it");
    assert_eq!(ok(store.find(&ReleaseName::Version(one.version.clone()))), None);
    assert_eq!(ok(store.named(&one.version)), Some(one.id), "a version is for good");
    assert_eq!(ok(store.find(&ReleaseName::Id(two.id))).as_ref(), Some(two), "it is current");
    ok(store.activate(None));
}
