use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evergen_regeneration::Settings;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::super::watcher::Bounds;
use super::super::{Burst, Bursts, FileKind, FileWatcher, WatchScope, WatchTiming};

/// Long enough for a test that doesn't get the processor between two steps of an editor.
pub(super) const QUIET: Duration = Duration::from_millis(120);

/// Nothing takes that long, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) const TIMING: WatchTiming = WatchTiming {
    quiet: QUIET,
    longest: Duration::from_secs(20),
    reconcile: Duration::from_hours(1),
    poll: Duration::from_millis(50),
};

/// Settings with these sources, and all else by default.
pub(super) fn sources(patterns: &[&str]) -> Settings {
    let mut settings = Settings::default();
    settings.model.sources = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    settings
}

/// A folder with `model/a.ttl`, `model/b.ttl`, `templates/t.txt.j2` and `evergen.toml`.
pub(super) fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["model/a.ttl", "model/b.ttl", "templates/t.txt.j2", "evergen.toml"] {
        put(&folder.path().join(file), "first");
    }
    folder
}

pub(super) fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(super) fn scope(root: &Path, settings: &Settings) -> WatchScope {
    WatchScope::of(root, settings, Some(Path::new("evergen.toml")))
}

/// A watcher at work.
pub(super) struct Watching {
    pub(super) root: PathBuf,
    pub(super) watcher: FileWatcher,
    bursts: Bursts,
    runtime: Runtime,
}

impl Watching {
    pub(super) fn of(root: &Path, settings: &Settings) -> Self {
        Self::with(root, settings, TIMING, Bounds::default())
    }

    pub(super) fn with(
        root: &Path,
        settings: &Settings,
        timing: WatchTiming,
        bounds: Bounds,
    ) -> Self {
        let scope = scope(root, settings);
        let (watcher, bursts) = FileWatcher::start_within(scope, timing, bounds).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { root: root.to_owned(), watcher, bursts, runtime }
    }

    pub(super) fn put(&self, path: &str, text: &str) {
        put(&self.root.join(path), text);
    }

    /// The next burst.
    pub(super) fn next(&mut self) -> Burst {
        self.next_within(PATIENCE).expect("a burst comes")
    }

    /// The next burst, if there is one within this time.
    pub(super) fn next_within(&mut self, time: Duration) -> Option<Burst> {
        let next = self.bursts.next();
        let next = self.runtime.block_on(async { tokio::time::timeout(time, next).await });
        next.ok().map(|burst| burst.expect("the watcher is there"))
    }

    /// Takes the next burst, which has just these files and was told of by events.
    pub(super) fn expect(&mut self, files: &[&str]) {
        let burst = self.next();
        let found: Vec<_> = burst.files.keys().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(found, files);
        assert!(!burst.rescan, "events tell of it");
    }

    /// Takes bursts until these files, and no others, have been told of. Says how many.
    pub(super) fn expect_in_any_number(&mut self, files: &[&str]) -> usize {
        let mut seen: BTreeMap<PathBuf, FileKind> = BTreeMap::new();
        for number in 1.. {
            seen.extend(self.next().files);
            let found: Vec<_> = seen.keys().map(|path| path.to_str().unwrap()).collect();
            for file in &found {
                assert!(files.contains(file), "{file} is not expected");
            }
            if found.len() == files.len() {
                return number;
            }
        }
        unreachable!("the loop has no end")
    }

    /// Shows that nothing waits to be told of.
    pub(super) fn expect_nothing(&mut self) {
        self.put("model/b.ttl", "the end");
        self.expect(&["model/b.ttl"]);
    }

    pub(super) fn rescope(&self, settings: &Settings) {
        let scope = scope(&self.root, settings);
        self.runtime.block_on(self.watcher.rescope(scope)).unwrap();
    }

    /// Stops the watcher, and shows that its bursts end.
    pub(super) fn stop(self) {
        let Self { watcher, mut bursts, runtime, .. } = self;
        let next = async {
            tokio::time::timeout(PATIENCE, watcher.stop()).await.expect("it stops");
            tokio::time::timeout(PATIENCE, bursts.next()).await.expect("it ends")
        };
        assert_eq!(runtime.block_on(next), None);
    }
}
