//! When is a burst of changes over?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{FileKind, WatchTiming};

/// What became known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It is new.
    Created,
    /// Whoever made it has it open.
    Opened,
    /// Bytes were written.
    Written,
    /// Whoever wrote has closed it.
    Closed,
    /// It came here by renaming.
    Placed,
    /// It was removed, or renamed to another name.
    Gone,
    /// Its times or rights changed.
    Touched,
    /// Its stamp is another one, seen in a folder that an event told of.
    Differs,
    /// The same, and no event told of it.
    Unheard,
}

/// A file of a burst that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) kind: FileKind,
    /// Whether it may have changed though its stamp is as it was.
    pub(super) certain: bool,
    /// Whether no event told of it.
    pub(super) unheard: bool,
    writer: Writer,
}

/// Who is about to write more to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    /// Nobody, as far as is known.
    Nobody,
    /// Whoever made it, if it is opened now.
    Maker,
    /// Somebody who has it open.
    Somebody,
}

/// Changes that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) files: BTreeMap<PathBuf, Pending>,
    /// Whether there were more than are remembered.
    pub(super) flooded: bool,
    /// When the first sign was seen.
    pub(super) first: Duration,
}

/// Collects changes until they have settled: a pure value. Times count from any
/// origin, and never go back.
///
/// # Laws
/// - Every change that is seen is in the next burst taken.
/// - A burst is due no earlier than `quiet` after the last change, unless it is due
///   because of `longest`.
/// - A burst is due no later than `longest` after its first change.
#[derive(Clone, Debug)]
pub(super) struct Settling {
    quiet: Duration,
    longest: Duration,
    most_files: usize,
    /// Whether the system says when a writer closes a file.
    tells_closing: bool,
    files: BTreeMap<PathBuf, Pending>,
    /// How many of the files are open.
    open: usize,
    flooded: bool,
    /// When the first change and the last one were seen.
    span: Option<(Duration, Duration)>,
}

impl Settling {
    pub(super) fn new(timing: &WatchTiming, most_files: usize, tells_closing: bool) -> Self {
        Self {
            quiet: timing.quiet,
            longest: timing.longest,
            most_files,
            tells_closing,
            files: BTreeMap::new(),
            open: 0,
            flooded: false,
            span: None,
        }
    }

    /// Takes a sign in, and says when a burst is due.
    pub(super) fn see(
        &mut self,
        path: PathBuf,
        kind: FileKind,
        sign: Sign,
        now: Duration,
    ) -> Option<Duration> {
        let known = self.files.get(&path).copied();
        if known.is_none() && matches!(sign, Sign::Opened | Sign::Closed) {
            // Opening and closing alone change nothing.
            return self.due();
        }
        let first = self.span.map_or(now, |(first, _)| first);
        self.span = Some((first, now));
        if self.flooded {
            return self.due();
        }
        let file = self.seen(known, kind, sign);
        let is_open = |file: Pending| usize::from(file.writer == Writer::Somebody);
        self.open = self.open + is_open(file) - known.map_or(0, is_open);
        self.files.insert(path, file);
        if self.files.len() > self.most_files {
            self.flooded = true;
            self.files.clear();
            self.open = 0;
        }
        self.due()
    }

    fn seen(&self, known: Option<Pending>, kind: FileKind, sign: Sign) -> Pending {
        let tells = |certain| Pending { kind, certain, unheard: false, writer: Writer::Nobody };
        let before = known.unwrap_or(Pending { unheard: sign == Sign::Unheard, ..tells(false) });
        let open = if self.tells_closing { Writer::Somebody } else { Writer::Nobody };
        match sign {
            Sign::Created => Pending { writer: Writer::Maker, ..tells(true) },
            Sign::Opened if before.writer == Writer::Maker => Pending { writer: open, ..before },
            Sign::Written => Pending { writer: open, ..tells(true) },
            Sign::Closed => Pending { unheard: false, writer: Writer::Nobody, ..before },
            Sign::Placed | Sign::Gone => tells(true),
            Sign::Touched => Pending { unheard: false, ..before },
            Sign::Opened | Sign::Differs | Sign::Unheard => before,
        }
    }

    /// Waits for no writer any more, as what would say that one is done may be lost.
    pub(super) fn forget_writers(&mut self) {
        self.files.values_mut().for_each(|file| file.writer = Writer::Nobody);
        self.open = 0;
    }

    /// Whether a change of the file waits for its burst.
    pub(super) fn expects(&self, path: &Path) -> bool {
        self.flooded || self.files.contains_key(path)
    }

    /// When the next burst is due.
    pub(super) fn due(&self) -> Option<Duration> {
        let (first, last) = self.span?;
        let latest = first + self.longest;
        Some(if self.open > 0 { latest } else { latest.min(last + self.quiet) })
    }

    /// The burst, if it is due.
    pub(super) fn take(&mut self, now: Duration) -> Option<Settled> {
        let (first, _) = self.span.filter(|_| self.due().is_some_and(|due| due <= now))?;
        self.span = None;
        self.open = 0;
        let files = std::mem::take(&mut self.files);
        Some(Settled { files, flooded: std::mem::take(&mut self.flooded), first })
    }
}

#[cfg(test)]
mod tests;
