//! Which files did somebody change?
//!
//! A system's events about files are hints, not facts: they come in several for one
//! save, they are lost when many come at once, they tell of temporary files and of
//! what evergen wrote itself, and they say nothing of a file that is written through
//! another name. So nothing here is built on their completeness. What counts is a
//! table of stamps of all files in the [`scope`](WatchScope); an event only says where
//! to look at once, and every few seconds everything is compared anyway.
//!
//! - [`scope`] knows which files and folders matter, and which never do.
//! - [`survey`] looks at the disk: the files of the scope with their stamps, and the
//!   folders in which something may happen.
//! - [`signals`] turns the system's events into what they mean.
//! - [`settling`] decides when a burst of changes is over. It is a pure value.
//! - [`driver`] is the thread that holds these together.
//! - [`handover`] is where a burst waits until somebody takes it.
//!
//! What it does not do: read a file, or decide whether a change matters to any
//! artifact. The engine does both, and finds quickly that a touched file says what it
//! said.

mod driver;
mod handover;
mod scope;
mod settling;
mod signals;
mod survey;
mod watcher;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub(crate) use self::handover::Bursts;
pub(crate) use self::scope::WatchScope;
pub(crate) use self::watcher::FileWatcher;

/// What a file is to the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    /// A part of the model, or a document that it refers to.
    Source,
    /// A template.
    Template,
    /// It decides which files the others are: `evergen.toml`, or an XML catalog.
    Configuration,
    /// It says to what environments the project is deployed, and how.
    Environments,
}

/// Files that changed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Burst {
    /// What changed: relative to the project's folder where it lies in it. A file may
    /// be there, or be gone.
    pub(crate) files: BTreeMap<PathBuf, FileKind>,
    /// Whether something was found that no event told of, so that everything should be
    /// looked at. With so many changes that they are not listed, `files` is empty.
    pub(crate) rescan: bool,
    /// When the first sign of it was seen.
    pub(crate) first_seen: Instant,
}

impl Burst {
    /// More files than this are not listed.
    const MOST_FILES: usize = 10_000;

    /// Takes in another burst that nobody has seen yet.
    fn merge(&mut self, later: Self) {
        self.first_seen = self.first_seen.min(later.first_seen);
        let unlisted = |burst: &Self| burst.rescan && burst.files.is_empty();
        let unlisted = unlisted(self) || unlisted(&later);
        self.rescan |= later.rescan;
        self.files.extend(later.files);
        if unlisted || self.files.len() > Self::MOST_FILES {
            self.rescan = true;
            self.files.clear();
        }
    }
}

/// How long things are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WatchTiming {
    /// A burst is over when nothing has changed for this long.
    pub(crate) quiet: Duration,
    /// A burst is given after this time, whether it is over or not.
    pub(crate) longest: Duration,
    /// The time between two comparisons of everything.
    pub(crate) reconcile: Duration,
    /// The same where the system tells of no events.
    pub(crate) poll: Duration,
}

impl Default for WatchTiming {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(50),
            longest: Duration::from_secs(2),
            reconcile: Duration::from_secs(10),
            poll: Duration::from_secs(1),
        }
    }
}

impl WatchTiming {
    fn validate(&self) -> Result<(), WatchError> {
        let hour = Duration::from_hours(1);
        let require = |field, value: Duration, least: Duration, allowed| {
            if (least..=hour).contains(&value) {
                return Ok(());
            }
            Err(WatchError::Timing { field, value, allowed })
        };
        let millisecond = Duration::from_millis(1);
        require("quiet", self.quiet, millisecond, "1ms to 1h")?;
        require("longest", self.longest, self.quiet, "`quiet` to 1h")?;
        require("reconcile", self.reconcile, 10 * millisecond, "10ms to 1h")?;
        require("poll", self.poll, 10 * millisecond, "10ms to 1h")
    }
}

/// How changes become known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WatchMode {
    /// The system tells of them at once.
    Events,
    /// The system can't tell of all of them, so that stamps are compared often.
    Polling {
        /// What the system refused, and what helps.
        why: String,
    },
}

/// Files can't be watched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    /// A time that nobody can have meant.
    #[error("`{field}` is {value:?}; allowed is {allowed}")]
    Timing {
        /// The field of [`WatchTiming`].
        field: &'static str,
        /// What was given.
        value: Duration,
        /// What may be given.
        allowed: &'static str,
    },
    /// The system has no thread left.
    #[error("starting the thread that watches files failed")]
    Thread(#[source] io::Error),
    /// The watcher has ended.
    #[error("the watcher has ended")]
    Ended,
}
