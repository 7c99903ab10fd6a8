//! The thread that watches.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::handover::Giver;
use super::scope::{WatchScope, joined};
use super::settling::{Pending, Settled, Settling, Sign};
use super::signals::Signal;
use super::survey::{Role, Stamp, Survey};
use super::watcher::{Bounds, Shared};
use super::{Burst, FileKind, WatchMode, WatchTiming};

/// Folders that appear while the others are looked at are looked at this often at once.
const ROUNDS: usize = 5;

/// Comparing everything takes at most this share of the time.
const SHARE: u32 = 50;

/// How long the system's thread may take to end.
const FAREWELL: Duration = Duration::from_secs(5);

/// The system's watcher, and what tells that its thread has ended.
pub(super) struct System {
    /// The watcher, or why there is none.
    pub(super) watcher: Result<RecommendedWatcher, String>,
    pub(super) ended: Receiver<()>,
}

pub(super) struct Driver {
    scope: WatchScope,
    timing: WatchTiming,
    bounds: Bounds,
    shared: Arc<Shared>,
    signals: Receiver<Signal>,
    system: System,
    giver: Giver,
    /// Times are counted from here.
    origin: Instant,
    settling: Settling,
    survey: Survey,
    /// The files as they were when somebody was told of them last.
    known: BTreeMap<PathBuf, (FileKind, Stamp)>,
    /// The folders of whose events the system tells.
    armed: BTreeMap<PathBuf, (u64, u64)>,
    /// Whether the system refused to tell of more.
    limited: Option<String>,
    /// Whether folders came or went.
    look_again: bool,
    /// When the next look may begin.
    rested: Duration,
    /// When everything is compared next.
    reconcile: Duration,
}

impl Driver {
    /// Takes in how things are; what changes from now on is told of.
    pub(super) fn start(
        scope: WatchScope,
        (timing, bounds): (WatchTiming, Bounds),
        shared: Arc<Shared>,
        signals: Receiver<Signal>,
        system: System,
        giver: Giver,
    ) -> Self {
        let mut driver = Self {
            settling: Settling::new(&timing, Burst::MOST_FILES, cfg!(target_os = "linux")),
            scope,
            timing,
            bounds,
            shared,
            signals,
            system,
            giver,
            origin: Instant::now(),
            survey: Survey::default(),
            known: BTreeMap::new(),
            armed: BTreeMap::new(),
            limited: None,
            look_again: false,
            rested: Duration::ZERO,
            reconcile: Duration::ZERO,
        };
        driver.limit(driver.system.watcher.as_ref().err().cloned());
        driver.look();
        driver.known.clone_from(&driver.survey.files);
        driver
    }

    /// Watches until it is told to stop.
    pub(super) fn run(mut self) {
        while !self.shared.stop.load(Ordering::Acquire) {
            self.wait();
            self.rescope();
            self.look_if_needed();
            self.publish();
        }
        self.system.watcher = Err("the watcher has ended".to_owned());
        if self.system.ended.recv_timeout(FAREWELL) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the system's watcher doesn't end");
        }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn wait(&mut self) {
        let mut wake = self.reconcile;
        if let Some(due) = self.settling.due() {
            wake = wake.min(due);
        }
        if self.look_again || self.shared.lost.load(Ordering::Acquire) {
            wake = wake.min(self.rested);
        }
        let mut next = self.signals.recv_timeout(wake.saturating_sub(self.now())).ok();
        // So many at most, as they may come faster than they are taken in.
        let mut room = self.bounds.queue;
        while let Some(signal) = next.take() {
            if let Signal::Seen(path, sign) = signal {
                self.take_in(&path, sign);
            }
            room -= 1;
            next = if room > 0 { self.signals.try_recv().ok() } else { None };
        }
    }

    fn take_in(&mut self, path: &Path, sign: Sign) {
        if sign == Sign::Gone && self.armed.contains_key(path) {
            // The system forgets a folder that is gone, and one that comes in its place
            // may have its number.
            self.armed.retain(|folder, _| !folder.starts_with(path));
            self.look_again = true;
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
        let Some(folder) = self.survey.folders.get(folder) else { return };
        let came = matches!(sign, Sign::Created | Sign::Placed);
        let found = came.then(|| fs::symlink_metadata(path).ok()).flatten();
        let is_link = found.as_ref().is_some_and(fs::Metadata::is_symlink);
        let is_folder = found.is_some_and(|found| found.is_dir()) || is_link && path.is_dir();
        let now = self.origin.elapsed();
        for role in &folder.roles {
            match role {
                Role::Lookout { name: wanted } => {
                    self.look_again |= wanted == name && (came || sign == Sign::Gone);
                }
                Role::File { name: wanted, path, kind } if wanted == name => {
                    self.look_again |= is_folder || is_link;
                    if !is_folder {
                        self.settling.see(path.clone(), *kind, sign, now);
                    }
                }
                Role::File { .. } => {}
                Role::Tree { tree, folder, relative, inside_output } => {
                    let relative = joined(relative, &name.to_string_lossy());
                    let spelt = folder.join(name);
                    if self.survey.own.has(path, *inside_output) {
                        continue;
                    }
                    let opens = is_folder && tree.enters(&relative);
                    let closes = sign == Sign::Gone && self.survey.spelt.contains(&spelt);
                    let takes = !is_folder && !closes && tree.takes(&relative);
                    self.look_again |= opens || closes || takes && is_link;
                    if takes {
                        self.settling.see(spelt, tree.kind, sign, now);
                    }
                }
            }
        }
    }

    /// Takes over a scope that somebody waits for.
    fn rescope(&mut self) {
        for (scope, done) in self.shared.take_orders() {
            self.scope = scope;
            self.look();
            self.known.clone_from(&self.survey.files);
            // Nobody may wait any more.
            let _gone = done.send(());
        }
    }

    fn look_if_needed(&mut self) {
        let now = self.now();
        let rested = now >= self.rested;
        if rested && self.shared.lost.swap(false, Ordering::AcqRel) {
            tracing::debug!("the system lost events about files");
            // What it said of folders and of writers may be lost, too.
            self.armed.clear();
            self.settling.forget_writers();
            self.look();
            self.compare(Sign::Unheard);
        } else if rested && self.look_again {
            self.look();
            self.compare(Sign::Differs);
        } else if now >= self.reconcile {
            self.look();
            self.compare(Sign::Unheard);
        }
    }

    /// Looks at everything, and asks the system to tell of what happens from now on.
    ///
    /// Whatever happened in a folder before the system was asked is seen in the last round.
    fn look(&mut self) {
        let started = self.now();
        self.look_again = true;
        for _ in 0..ROUNDS {
            self.survey = Survey::of(&self.scope);
            if self.arm() == 0 {
                self.look_again = false;
                break;
            }
        }
        let now = self.now();
        let cost = now.saturating_sub(started);
        let interval =
            if self.limited.is_some() { self.timing.poll } else { self.timing.reconcile };
        self.rested = now + cost;
        self.reconcile = now + interval.max(SHARE * cost);
    }

    /// Makes the watched folders those of the survey; says how many are new.
    fn arm(&mut self) -> usize {
        let Ok(watcher) = &mut self.system.watcher else { return 0 };
        let folders = &self.survey.folders;
        self.armed.retain(|path, identity| {
            let wanted = folders.get(path).map(|folder| folder.identity);
            if wanted.is_none() {
                // It fails for folders that are gone.
                let _gone = watcher.unwatch(path);
            }
            wanted == Some(*identity)
        });
        let mut added = 0;
        let mut limited = None;
        for (path, folder) in folders {
            if self.armed.contains_key(path) {
                continue;
            }
            if self.armed.len() >= self.bounds.folders {
                limited = Some(format!("there are more than {} folders", self.bounds.folders));
                break;
            }
            match watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.armed.insert(path.clone(), folder.identity);
                    added += 1;
                }
                Err(error) if matches!(error.kind, ErrorKind::MaxFilesWatch) => {
                    limited = Some(
                        "the system watches no more folders; raise fs.inotify.max_user_watches"
                            .to_owned(),
                    );
                    break;
                }
                Err(error) => {
                    tracing::debug!(path = %path.display(), %error, "a folder can't be watched");
                }
            }
        }
        self.limit(limited);
        added
    }

    fn limit(&mut self, limited: Option<String>) {
        if self.limited == limited {
            return;
        }
        self.shared.set_mode(match &limited {
            None => WatchMode::Events,
            Some(why) => {
                tracing::warn!(%why, interval = ?self.timing.poll, "files are looked at regularly");
                WatchMode::Polling { why: why.clone() }
            }
        });
        self.limited = limited;
    }

    /// Compares the survey with what is known. What waits for its burst is left to it.
    fn compare(&mut self, sign: Sign) {
        let now = self.now();
        for (path, (kind, stamp)) in &self.survey.files {
            let same = self.known.get(path).is_some_and(|(_, known)| known == stamp);
            if !same && !self.settling.expects(path) {
                self.settling.see(path.clone(), *kind, sign, now);
            }
        }
        for (path, (kind, _)) in &self.known {
            if !self.survey.files.contains_key(path) && !self.settling.expects(path) {
                self.settling.see(path.clone(), *kind, sign, now);
            }
        }
    }

    /// Gives a burst that is over.
    fn publish(&mut self) {
        let Some(Settled { files, flooded, first }) = self.settling.take(self.now()) else {
            return;
        };
        let first_seen = self.origin + first;
        let mut burst = Burst { files: BTreeMap::new(), rescan: flooded, first_seen };
        if flooded {
            self.look();
            self.known.clone_from(&self.survey.files);
        }
        for (path, pending) in files {
            if self.has_changed(&path, pending) {
                burst.rescan |= pending.unheard;
                burst.files.insert(self.scope.shown(&path), pending.kind);
            }
        }
        if burst.rescan || !burst.files.is_empty() {
            self.giver.give(burst);
        }
    }

    /// Whether somebody has to be told of a file; from now on it is known.
    fn has_changed(&mut self, path: &Path, pending: Pending) -> bool {
        let stamp = Stamp::of(path);
        let known = match stamp {
            Some(stamp) => self.known.insert(path.to_owned(), (pending.kind, stamp)),
            None => self.known.remove(path),
        };
        let known = known.map(|(_, stamp)| stamp);
        known != stamp || pending.certain && stamp.is_some()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.close();
    }
}
