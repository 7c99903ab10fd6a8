//! What readers see of a log.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::files::Segment;
use crate::{Acknowledged, Bounds, ConsumerName, LogEntry, Position, SharedError};

/// The state that the committer publishes after each group.
#[derive(Debug)]
pub(super) struct View {
    pub(super) bounds: Bounds,
    /// All segments, in order; the last is the one that is written.
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) cache: Cache,
    pub(super) consumers: BTreeMap<ConsumerName, Acknowledged>,
    /// Why nothing more can be written.
    pub(super) broken: Option<SharedError>,
    pub(super) closed: bool,
}

/// Where something to read is.
pub(super) enum Located {
    /// In memory.
    Here(Vec<LogEntry>),
    /// On disk, from this offset on.
    OnDisk(u64),
    /// Nobody knows before the times on disk were looked at.
    Search,
    /// The offset has been removed.
    Gone(u64),
}

impl View {
    pub(super) fn offset_of(&self, position: Position) -> Option<u64> {
        match position {
            Position::Oldest => Some(self.bounds.first),
            Position::Offset(offset) => Some(offset),
            Position::End => Some(self.bounds.end),
            Position::Time(at) => {
                let entries = &self.cache.entries;
                let older = entries.partition_point(|(entry, _)| entry.appended_at < at);
                // The first one in memory may not be the first of that time.
                (older > 0 || self.bounds.first == self.bounds.end)
                    .then(|| self.cache.first(self.bounds) + older as u64)
            }
        }
    }

    pub(super) fn locate(&self, from: Position, max: usize) -> Located {
        let Some(offset) = self.offset_of(from) else { return Located::Search };
        if offset < self.bounds.first {
            return Located::Gone(offset);
        }
        if offset >= self.bounds.end || max == 0 {
            return Located::Here(Vec::new());
        }
        match offset.checked_sub(self.cache.first(self.bounds)) {
            Some(skipped) => {
                let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
                let entries = self.cache.entries.iter().skip(skipped).take(max);
                Located::Here(entries.map(|(entry, _)| entry.clone()).collect())
            }
            None => Located::OnDisk(offset),
        }
    }
}

/// The newest events, bounded by their number and their size.
#[derive(Debug)]
pub(super) struct Cache {
    /// Each with its size as JSON.
    pub(super) entries: VecDeque<(LogEntry, usize)>,
    bytes: usize,
    max_entries: usize,
    max_bytes: usize,
}

impl Cache {
    pub(super) fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, max_entries, max_bytes }
    }

    /// The first offset that is in memory, or the end.
    fn first(&self, bounds: Bounds) -> u64 {
        bounds.end - self.entries.len() as u64
    }

    /// Adds an entry, and moves those for which there is no more room into `forgotten`.
    pub(super) fn push(
        &mut self,
        entry: LogEntry,
        size: usize,
        forgotten: &mut Vec<(LogEntry, usize)>,
    ) {
        self.bytes += size;
        self.entries.push_back((entry, size));
        while self.entries.len() > self.max_entries || self.bytes > self.max_bytes {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.1;
            forgotten.push(oldest);
        }
    }

    /// Forgets what was removed.
    pub(super) fn cut(&mut self, first: u64) {
        while self.entries.front().is_some_and(|(entry, _)| entry.offset < first) {
            let Some((_, size)) = self.entries.pop_front() else { break };
            self.bytes -= size;
        }
    }
}
