//! Releases: what is kept, what is switched, what readers see.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use evergen_deployment::{
    DirectoryReleases, PinError, PinnedRelease, Provenance, ReleaseId, ReleaseName, ReleaseSource,
    ReleaseStore, Version,
};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::world::{World, write_source};

fn stage(world: &World, store: &DirectoryReleases, name: &str) -> ReleaseId {
    fs::create_dir_all(world.target()).unwrap();
    let source = ReleaseSource::Folder(world.source(name, 5));
    let id = store.identify(&source).unwrap();
    let provenance = Provenance::new(Timestamp::UNIX_EPOCH, "a test");
    store.stage(&source, id, &Version::parse(name).unwrap(), &provenance).unwrap().id
}

#[test]
fn it_keeps_the_laws() {
    let world = World::new();
    fs::create_dir(world.target()).unwrap();
    evergen_deployment::conformance::check_store(&DirectoryReleases::new(
        world.target(),
        "staging",
    ));
}

#[test]
fn a_release_is_its_paths_bytes_and_modes() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let store = DirectoryReleases::new(world.target(), "staging");
    let folder = world.source("1", 5);
    let id = || store.identify(&ReleaseSource::Folder(folder.clone())).unwrap();
    let first = id();
    fs::create_dir(folder.join("empty")).unwrap();
    assert_eq!(id(), first, "empty folders don't count");
    let file = folder.join("0.txt");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let executable = id();
    assert_ne!(executable, first);
    fs::rename(&file, folder.join("x.txt")).unwrap();
    assert_ne!(id(), executable);
    assert_ne!(id(), first);
}

#[test]
fn a_damaged_copy_never_comes_into_use() {
    let world = World::new();
    let store = DirectoryReleases::new(world.target(), "staging");
    let id = stage(&world, &store, "1");
    let file = world.target().join(format!("releases/{id}/files/0.txt"));
    let right = fs::read(&file).unwrap();
    let spoil = || {
        fs::remove_file(&file).unwrap();
        fs::write(&file, "").unwrap();
    };
    spoil();
    let again = ReleaseSource::Folder(world.source("1", 5));
    let provenance = Provenance::new(Timestamp::UNIX_EPOCH, "a test");
    let version = Version::parse("2").unwrap();
    store.stage(&again, id, &version, &provenance).unwrap();
    assert_eq!(fs::read(&file).unwrap(), right, "it is copied anew");
    spoil();
    let stored = ReleaseSource::Stored(id);
    let refused = store.stage(&stored, id, &version, &provenance).unwrap_err();
    assert!(format!("{refused:?}").contains("differ"), "{refused:?}");
    store.activate(Some(id)).unwrap();
    // What is live makes way for the new copy in one step; whoever reads it may go on.
    let reader = PinnedRelease::open(&world.target()).unwrap();
    store.stage(&again, id, &version, &provenance).unwrap();
    store.collect(&BTreeSet::from([id])).unwrap();
    assert_eq!(fs::read(world.target().join("current/0.txt")).unwrap(), right);
    assert_eq!((store.current().unwrap(), reader.read("0.txt").unwrap()), (Some(id), Vec::new()));
    drop(reader);
    store.collect(&BTreeSet::from([id])).unwrap();
    assert_eq!(fs::read_dir(world.target().join("staging")).unwrap().count(), 0);
    assert!(store.verify(id).unwrap().is_empty());
}

#[test]
fn a_source_that_changes_while_it_is_staged_is_refused() {
    let world = World::new();
    fs::create_dir(world.target()).unwrap();
    let store = DirectoryReleases::new(world.target(), "staging");
    let folder = world.source("1", 5);
    let source = ReleaseSource::Folder(folder.clone());
    let id = store.identify(&source).unwrap();
    fs::write(folder.join("0.txt"), "changed").unwrap();
    let provenance = Provenance::new(Timestamp::UNIX_EPOCH, "a test");
    let refused = store.stage(&source, id, &Version::parse("1").unwrap(), &provenance);
    assert!(refused.unwrap_err().to_string().contains("has changed since the plan was made"));
    assert_eq!(store.find(&ReleaseName::Id(id)).unwrap(), None);
    assert_eq!(fs::read_dir(world.target().join("staging")).unwrap().count(), 0);
}

/// How often is switched; 100,000 with `EVERGEN_SWITCHES=100000`.
fn switches() -> usize {
    std::env::var("EVERGEN_SWITCHES").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000)
}

#[test]
fn readers_see_one_release_or_the_other_all_along() {
    let world = World::new();
    let store = DirectoryReleases::new(world.target(), "staging");
    let ids = ["1", "2"].map(|name| stage(&world, &store, name));
    store.activate(Some(ids[0])).unwrap();
    let (stop, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for reader in 0..4 {
            let (world, stop, reads) = (&world, &stop, &reads);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if reader % 2 == 0 {
                        let one = fs::read_to_string(world.target().join("current/0.txt")).unwrap();
                        assert!(one == "1" || one == "2", "torn: {one}");
                    } else {
                        let pinned = PinnedRelease::open(&world.target()).unwrap();
                        let [one, two] =
                            ["0.txt", "sub/1.txt"].map(|path| pinned.read(path).unwrap());
                        assert_eq!(one, two, "mixed");
                    }
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for number in 0..switches() {
            store.activate(Some(ids[number % 2])).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    println!("{} switches, {} reads", switches(), reads.into_inner());
}

#[test]
fn a_pinned_release_is_read_to_its_end_and_then_collected() {
    let world = World::new();
    let store = DirectoryReleases::new(world.target(), "staging");
    let ids = ["1", "2"].map(|name| stage(&world, &store, name));
    store.activate(Some(ids[0])).unwrap();
    let pinned = PinnedRelease::open(&world.target()).unwrap();
    store.activate(Some(ids[1])).unwrap();
    let collected = store.collect(&BTreeSet::new()).unwrap();
    assert_eq!((collected.pinned, collected.removed.len()), (vec![ids[0]], 0));
    assert_eq!((pinned.id(), pinned.read("sub/1.txt").unwrap()), (ids[0], b"1".to_vec()));
    let outside = pinned.read("../manifest").unwrap_err();
    assert!(matches!(outside, PinError::System { .. }), "{outside}");
    drop(pinned);
    assert_eq!(store.collect(&BTreeSet::new()).unwrap().removed, [ids[0]]);
    let again = stage(&world, &store, "1");
    assert_eq!(again, ids[0], "the same content may come back under its version");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever is done, the current, the kept and the pinned releases stay whole.
    #[test]
    fn nothing_in_use_is_ever_collected(steps in prop::collection::vec((0_usize..5, 0_usize..6), 1..40)) {
        let world = World::new();
        let store = DirectoryReleases::new(world.target(), "staging");
        let names: Vec<String> = (0..6).map(|number| format!("1.{number}")).collect();
        let mut ids = vec![None; names.len()];
        let (mut current, mut pins): (Option<usize>, Vec<(usize, PinnedRelease)>) = (None, Vec::new());
        for (action, which) in steps {
            match action {
                0 | 1 => ids[which] = Some(stage(&world, &store, &names[which])),
                2 => if let Some(id) = ids[which] && store.activate(Some(id)).is_ok() {
                    current = Some(which);
                },
                3 => if let Some(current) = current {
                    pins.push((current, PinnedRelease::open(&world.target()).unwrap()));
                    if pins.len() > 3 { pins.remove(which % 3); }
                },
                _ => {
                    let kept = ids[which].filter(|id| store.find(&ReleaseName::Id(*id)).unwrap().is_some());
                    let collected = store.collect(&kept.into_iter().collect()).unwrap();
                    prop_assert!(kept.is_none_or(|kept| !collected.removed.contains(&kept)));
                    if let Some(kept) = kept { prop_assert!(store.verify(kept).unwrap().is_empty()); }
                }
            }
            if let Some(current) = current {
                prop_assert_eq!(world.live(), Some(names[current].clone()));
            }
            for (which, pinned) in &pins {
                prop_assert_eq!(pinned.read("sub/deep/2.txt").unwrap(), names[*which].as_bytes());
            }
        }
    }
}

#[test]
fn a_folder_with_many_files_is_staged_with_few_syncs() {
    if !crate::faults::can_trace() {
        return;
    }
    let world = World::new();
    world.deploy("1.0").unwrap();
    let source = world.folder.path().join("large");
    write_source(&source, "2.0", 1000);
    let calls = crate::faults::traced_calls(&world, &source, "2.0");
    let syncs = calls.iter().filter(|name| name.contains("sync")).count();
    println!("{syncs} syncs, {} changing calls", calls.len());
    assert!(syncs <= 25, "{syncs} syncs");
}
