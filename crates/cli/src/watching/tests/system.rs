//! What happens when the system doesn't tell, or tells too much.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use notify::event::Flag;
use notify::{Event, EventHandler, EventKind};

use super::super::handover::handover;
use super::super::watcher::Bounds;
use super::super::{Burst, FileKind, FileWatcher, WatchError, WatchMode, WatchTiming};
use super::harness::{TIMING, Watching, project, put, scope, sources};

/// Writes a file by another name, of which the system doesn't tell.
fn write_unheard(folder: &Path, file: &str, text: &str) {
    let other = folder.join("elsewhere");
    fs::hard_link(folder.join(file), &other).unwrap();
    fs::write(&other, text).unwrap();
    fs::remove_file(&other).unwrap();
}

fn unheard(files: &[&str], burst: &Burst) {
    let found: Vec<_> = burst.files.keys().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(found, files);
    assert!(burst.rescan);
}

#[test]
fn what_no_event_told_of_is_found() {
    let folder = project();
    let timing = WatchTiming { reconcile: Duration::from_millis(100), ..TIMING };
    let settings = sources(&["model"]);
    let mut watching = Watching::with(folder.path(), &settings, timing, Bounds::default());
    write_unheard(folder.path(), "model/a.ttl", "longer than before");
    unheard(&["model/a.ttl"], &watching.next());
    // It is not found again, and neither is what an event told of.
    watching.put("model/a.ttl", "third");
    watching.expect(&["model/a.ttl"]);
    watching.expect_nothing();
}

#[test]
fn after_an_overflow_everything_is_compared() {
    let folder = project();
    let mut watching = Watching::of(folder.path(), &sources(&["model"]));
    let mut listener = watching.watcher.listener();
    let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
    write_unheard(folder.path(), "model/a.ttl", "longer than before");
    listener.handle_event(Ok(overflow.clone()));
    unheard(&["model/a.ttl"], &watching.next());
    // Nothing has changed since.
    listener.handle_event(Ok(overflow));
    watching.expect_nothing();
}

#[test]
fn a_queue_that_is_full_loses_nothing() {
    let folder = project();
    let names: Vec<String> = (0..200).map(|number| format!("model/{number:03}.ttl")).collect();
    for name in &names {
        put(&folder.path().join(name), "first");
    }
    let bounds = Bounds { queue: 1, ..Bounds::default() };
    let mut watching = Watching::with(folder.path(), &sources(&["model"]), TIMING, bounds);
    for name in &names {
        watching.put(name, "the second");
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    watching.expect_in_any_number(&names);
}

#[test]
fn with_too_many_folders_stamps_are_compared() {
    let folder = project();
    let bounds = Bounds { folders: 1, ..Bounds::default() };
    let settings = sources(&["model"]);
    let mut watching = Watching::with(folder.path(), &settings, TIMING, bounds);
    let WatchMode::Polling { why } = watching.watcher.mode() else { panic!("it polls") };
    assert_eq!(why, "there are more than 1 folders");
    watching.put("model/a.ttl", "the second");
    unheard(&["model/a.ttl"], &watching.next());
    watching.put("templates/sub/new.j2", "new");
    unheard(&["templates/sub/new.j2"], &watching.next());
    fs::remove_file(folder.path().join("model/a.ttl")).unwrap();
    unheard(&["model/a.ttl"], &watching.next());

    // When the folders are few again, events tell.
    let mut settings = settings;
    settings.model.sources.clear();
    settings.regeneration.template_dirs.clear();
    watching.rescope(&settings);
    assert_eq!(watching.watcher.mode(), WatchMode::Events);
    watching.put("evergen.toml", "the second");
    watching.expect(&["evergen.toml"]);
}

#[test]
fn times_that_nobody_can_mean_are_refused() {
    let folder = project();
    let check = |timing: WatchTiming, expected: &str| {
        let scope = scope(folder.path(), &sources(&["model"]));
        let error = FileWatcher::start(scope, timing).unwrap_err();
        assert!(matches!(error, WatchError::Timing { .. }));
        assert_eq!(error.to_string(), expected);
    };
    let quiet = Duration::ZERO;
    check(WatchTiming { quiet, ..TIMING }, "`quiet` is 0ns; allowed is 1ms to 1h");
    let longest = Duration::from_millis(10);
    check(WatchTiming { longest, ..TIMING }, "`longest` is 10ms; allowed is `quiet` to 1h");
    let reconcile = Duration::from_hours(30);
    check(WatchTiming { reconcile, ..TIMING }, "`reconcile` is 108000s; allowed is 10ms to 1h");
}

#[test]
fn what_is_not_taken_becomes_one() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (giver, mut bursts) = handover();
    let start = Instant::now();
    let burst = |names: std::ops::Range<usize>, rescan, first_seen| {
        let files: BTreeMap<PathBuf, FileKind> =
            names.map(|name| (PathBuf::from(name.to_string()), FileKind::Source)).collect();
        Burst { files, rescan, first_seen }
    };
    giver.give(burst(0..2, false, start + Duration::from_secs(1)));
    giver.give(burst(1..3, true, start));
    assert_eq!(runtime.block_on(bursts.next()), Some(burst(0..3, true, start)));

    giver.give(burst(0..6_000, false, start));
    giver.give(burst(4_000..10_001, false, start));
    giver.give(burst(0..1, false, start));
    assert_eq!(runtime.block_on(bursts.next()), Some(burst(0..0, true, start)));

    giver.give(burst(0..1, false, start));
    drop(giver);
    assert!(runtime.block_on(bursts.next()).is_some());
    assert_eq!(runtime.block_on(bursts.next()), None);
}

#[test]
fn stopping_ends_the_bursts() {
    let folder = project();
    let watching = Watching::of(folder.path(), &sources(&["model"]));
    watching.put("model/a.ttl", "not told of any more");
    watching.stop();
}
