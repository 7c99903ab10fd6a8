//! The thread that writes.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

use super::cursors::{Change, Consumers, Cursors};
use super::files::Segment;
use super::view::View;
use super::{SegmentSettings, Shared};
use crate::disk::Disk;
use crate::journal::{Failure, commit};
use crate::memory::acknowledge;
use crate::record::{FILE_HEAD, FileHead, Kind, Place, RECORD_HEAD, encode_group};
use crate::{
    Acknowledged, AppendError, ChangeEvent, ConsumerError, ConsumerName, LogEntry, OffsetSet,
    ReadError, Retention, SharedError, Trimmed, Unacknowledged,
};

/// What is asked of the committer. A reply that nobody waits for any more is dropped.
pub(super) enum Command {
    Append(Append),
    Open {
        consumer: ConsumerName,
        start: u64,
        reply: oneshot::Sender<Result<Acknowledged, ConsumerError>>,
    },
    Acknowledge {
        consumer: ConsumerName,
        offsets: OffsetSet,
        reply: oneshot::Sender<Result<(), ConsumerError>>,
    },
    Remove {
        consumer: ConsumerName,
        reply: oneshot::Sender<Result<bool, ConsumerError>>,
    },
    Trim {
        retention: Retention,
        now: Timestamp,
        reply: oneshot::Sender<Result<Trimmed, ReadError>>,
    },
}

/// Events to append together, with the JSON of each.
pub(super) struct Append {
    pub(super) events: Vec<Arc<ChangeEvent>>,
    pub(super) payloads: Vec<Vec<u8>>,
    pub(super) reply: oneshot::Sender<Result<Range<u64>, AppendError>>,
}

/// Events that have been flushed, and what they have pushed out of the memory.
pub(super) struct Answers {
    start: u64,
    appends: Vec<Append>,
    forgotten: Vec<(LogEntry, usize)>,
}

impl Answers {
    /// Answers everybody, and only then frees anything.
    fn give(self) {
        let mut next = self.start;
        let mut done = Vec::with_capacity(self.appends.len());
        for Append { events, payloads, reply } in self.appends {
            let end = next + payloads.len() as u64;
            let _ = reply.send(Ok(next..end));
            next = end;
            done.push((events, payloads));
        }
        drop((done, self.forgotten));
    }
}

/// Answers in the order of the groups, until the committer ends.
pub(super) fn answer(groups: &mpsc::Receiver<Answers>) {
    while let Ok(group) = groups.recv() {
        group.give();
    }
}

/// Everything that only the writing thread touches.
pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) folder: PathBuf,
    pub(super) settings: SegmentSettings,
    pub(super) active: Arc<Segment>,
    /// Where the next group goes.
    pub(super) place: Place,
    /// How many bytes the active segment has room for.
    pub(super) room: u64,
    /// The time of the last record.
    pub(super) newest: i64,
    pub(super) cursors: Cursors,
    pub(super) consumers: Consumers,
    pub(super) buffer: Vec<u8>,
    /// To the thread that answers.
    pub(super) answers: mpsc::SyncSender<Answers>,
}

impl Committer {
    /// Works until the queue is closed and empty. However it ends, nobody waits for it longer.
    pub(super) fn run(mut self) {
        while let Some(commands) = self.shared.queue.take(self.settings.group) {
            let started = Instant::now();
            let answered = self.handle(commands);
            // Those that were just answered are likely to come again at once. To wait for them
            // pays where a flush is slow; where it is fast, it is better to flush meanwhile what
            // the others have handed over.
            let is_slow = started.elapsed() > self.settings.linger * 4;
            if answered > 1 && is_slow {
                let expected = answered + self.shared.queue.weight();
                self.shared.queue.linger(expected.min(self.settings.group), self.settings.linger);
            }
        }
    }

    /// Does what is asked; says how many events that were.
    fn handle(&mut self, commands: Vec<Command>) -> usize {
        let mut appends = Vec::new();
        let mut others = Vec::new();
        let mut trims = Vec::new();
        for command in commands {
            match command {
                Command::Append(append) => appends.push(append),
                Command::Trim { retention, now, reply } => trims.push((retention, now, reply)),
                other => others.push(other),
            }
        }
        let answered = self.append(appends);
        self.consume(others);
        for (retention, now, reply) in trims {
            let _ = reply.send(self.trim(retention, now));
        }
        answered
    }

    fn broken(&self) -> Option<SharedError> {
        self.shared.view.look(|view| view.broken.clone())
    }

    /// Turns a failure into an error, and remembers when nothing can be written any more.
    fn failed(&self, failure: Failure) -> AppendError {
        match failure {
            Failure::Refused(error) if is_full(&error) => AppendError::NoSpace(Arc::new(error)),
            Failure::Refused(error) => AppendError::Medium(Arc::new(error)),
            Failure::Broken(error) => {
                tracing::error!(%error, "the log has to be opened anew");
                let error: SharedError = Arc::new(error);
                self.shared.view.change(|view| view.broken = Some(Arc::clone(&error)));
                AppendError::MustReopen(error)
            }
        }
    }

    fn append(&mut self, appends: Vec<Append>) -> usize {
        if appends.is_empty() {
            return 0;
        }
        let start = self.place.offset;
        let payloads: Vec<_> = appends.iter().flat_map(|append| &append.payloads).collect();
        let count = payloads.len();
        let written = if count == 0 { Ok(()) } else { self.write(&payloads) };
        if let Err(error) = written {
            for append in appends {
                let _ = append.reply.send(Err(error.clone()));
            }
            return count;
        }
        let forgotten = self.publish(&appends, start);
        // Waking those who wait takes about as long as a flush on a fast disk, and so does freeing
        // what is forgotten: that is done beside the next flush.
        let answers = Answers { start, appends, forgotten };
        if let Err(mpsc::SendError(answers)) = self.answers.send(answers) {
            answers.give();
        }
        count
    }

    /// Writes one group, in one piece and with one flush.
    fn write(&mut self, payloads: &[&Vec<u8>]) -> Result<(), AppendError> {
        if let Some(error) = self.broken() {
            return Err(AppendError::MustReopen(error));
        }
        let bytes: usize = payloads.iter().map(|payload| RECORD_HEAD + payload.len()).sum();
        self.newest = self.newest.max(Timestamp::now().as_microsecond());
        if self.place.position + bytes as u64 > self.room {
            let rolled = self.roll(bytes as u64);
            rolled.map_err(|failure| self.failed(failure))?;
        }
        self.buffer.clear();
        let place = encode_group(&mut self.buffer, self.place, self.newest, payloads);
        commit(&*self.disk, &self.active.file, &self.buffer, self.place.position)
            .map_err(|failure| self.failed(failure))?;
        self.active.mark(&self.place);
        self.place = place;
        // A single large batch should not take its memory for ever.
        self.buffer.shrink_to(4 << 20);
        Ok(())
    }

    /// Begins a new segment, with room for at least `bytes`.
    fn roll(&mut self, bytes: u64) -> Result<(), Failure> {
        let head = FileHead { kind: Kind::Events, base: self.place.offset, created: self.newest };
        let room = self.settings.segment_bytes.max(FILE_HEAD as u64 + bytes);
        if self.active.head.base == head.base {
            // Nothing is in it yet: it only has to be larger.
            self.disk.allocate(&self.active.file, room).map_err(Failure::Refused)?;
            self.room = room;
            return Ok(());
        }
        let next = Segment::create(&*self.disk, &self.folder, head, room)?;
        // What was allocated and not needed goes back; that it can't is no harm.
        let _ = self.active.file.set_len(self.place.position);
        self.active = Arc::new(next);
        self.place = Place::first(&head);
        self.room = room;
        self.shared.view.change_quietly(|view| view.segments.push(Arc::clone(&self.active)));
        Ok(())
    }

    /// Shows readers what was written; gives what is no longer kept in memory.
    fn publish(&self, appends: &[Append], start: u64) -> Vec<(LogEntry, usize)> {
        let at = Timestamp::from_microsecond(self.newest).unwrap_or(Timestamp::MAX);
        let mut forgotten = Vec::new();
        self.shared.view.change(|view| {
            let events =
                appends.iter().flat_map(|append| append.events.iter().zip(&append.payloads));
            for (offset, (event, payload)) in (start..).zip(events) {
                let entry = LogEntry::new(offset, at, Arc::clone(event));
                view.cache.push(entry, payload.len(), &mut forgotten);
            }
            view.bounds.end = self.place.offset;
        });
        forgotten
    }

    /// Does what concerns consumers, all of it with one flush.
    fn consume(&mut self, commands: Vec<Command>) {
        if commands.is_empty() {
            return;
        }
        let end = self.place.offset;
        let mut after = self.consumers.clone();
        let mut changes = Vec::new();
        let answers: Vec<Answer> = commands
            .into_iter()
            .filter_map(|command| {
                plan(command, &mut after, &mut changes, end, self.settings.max_gaps)
            })
            .collect();
        let kept = if changes.is_empty() { Ok(()) } else { self.keep(&changes, &after) };
        if kept.is_ok() {
            self.consumers.clone_from(&after);
            self.shared.view.change_quietly(|view| view.consumers = after);
        }
        for answer in answers {
            answer.send(&kept);
        }
    }

    fn keep(&mut self, changes: &[Change], after: &Consumers) -> Result<(), AppendError> {
        if let Some(error) = self.broken() {
            return Err(AppendError::MustReopen(error));
        }
        self.cursors.append(changes, after).map_err(|failure| self.failed(failure))
    }

    fn trim(&mut self, retention: Retention, now: Timestamp) -> Result<Trimmed, ReadError> {
        let held = self.consumers.iter().map(|(name, known)| (known.low(), name)).min();
        let pin = match retention.unacknowledged {
            Unacknowledged::Keep => held.map_or(u64::MAX, |(low, _)| low),
            Unacknowledged::Remove => u64::MAX,
        };
        let held = held.map(|(_, name)| name.clone());
        self.roll_to_trim(retention, now, pin);
        let (bounds, gone, more) = self.shared.view.change(|view| {
            let wanted = expired(view, retention, now, self.place.position);
            let bases = view.segments.iter().skip(1).map(|segment| segment.head.base);
            let free = bases.take(wanted).take_while(|base| *base <= pin).count();
            let gone: Vec<_> = view.segments.drain(..free).collect();
            view.bounds.first = view.segments.first().map_or(0, |segment| segment.head.base);
            view.cache.cut(view.bounds.first);
            (view.bounds, gone, wanted > free)
        });
        let first = gone.first().map_or(bounds.first, |segment| segment.head.base);
        for segment in gone {
            fs::remove_file(&segment.path).map_err(super::files::medium)?;
        }
        self.disk.sync_folder(&self.folder).map_err(super::files::medium)?;
        let held_by = held.filter(|_| more);
        Ok(Trimmed { removed: bounds.first - first, bounds, held_by })
    }

    /// Ends the active segment if all of it may go, so that it can.
    fn roll_to_trim(&mut self, retention: Retention, now: Timestamp, pin: u64) {
        let is_empty = self.place.offset == self.active.head.base;
        if is_empty || self.place.offset > pin || self.broken().is_some() {
            return;
        }
        let used = self.place.position - FILE_HEAD as u64;
        let old = oldest(retention, now).is_some_and(|oldest| self.newest < oldest);
        if (old || retention.max_bytes.is_some_and(|limit| used > limit))
            && let Err(failure) = self.roll(0)
        {
            let error = self.failed(failure);
            tracing::warn!(%error, "the oldest events could not be put aside to be removed");
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        // Empty but after a panic. What is dropped here tells those who wait for its answer.
        self.shared.queue.close();
        drop(self.shared.queue.take(usize::MAX));
        self.shared.view.change(|view| view.closed = true);
    }
}

/// How many segments are not asked for, from the oldest on. The last one never is.
fn expired(view: &View, retention: Retention, now: Timestamp, written: u64) -> usize {
    let mut expired = 0;
    if let Some(oldest) = oldest(retention, now) {
        // The next segment is begun no earlier than the last event of this one.
        let next = view.segments.iter().skip(1);
        expired = next.take_while(|segment| segment.head.created < oldest).count();
    }
    if let Some(limit) = retention.max_bytes {
        let sealed = view.segments.len().saturating_sub(1);
        let mut bytes = written - FILE_HEAD as u64;
        let mut kept = 0;
        for segment in view.segments[..sealed].iter().rev() {
            bytes += segment.file.metadata().map_or(0, |metadata| metadata.len());
            if bytes > limit {
                break;
            }
            kept += 1;
        }
        expired = expired.max(sealed - kept);
    }
    expired
}

/// The time before which events are too old, in microseconds.
fn oldest(retention: Retention, now: Timestamp) -> Option<i64> {
    let age = SignedDuration::try_from(retention.max_age?).unwrap_or(SignedDuration::MAX);
    Some(now.checked_sub(age).unwrap_or(Timestamp::MIN).as_microsecond())
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// A reply that waits for the flush.
enum Answer {
    Open(oneshot::Sender<Result<Acknowledged, ConsumerError>>, Acknowledged),
    Done(oneshot::Sender<Result<(), ConsumerError>>),
    Removed(oneshot::Sender<Result<bool, ConsumerError>>, bool),
}

impl Answer {
    fn send(self, kept: &Result<(), AppendError>) {
        let kept = kept.clone().map_err(ConsumerError::from);
        match self {
            Self::Open(reply, known) => drop(reply.send(kept.map(|()| known))),
            Self::Done(reply) => drop(reply.send(kept)),
            Self::Removed(reply, removed) => drop(reply.send(kept.map(|()| removed))),
        }
    }
}

/// Works out what a command changes. What can be answered without a flush is.
fn plan(
    command: Command,
    consumers: &mut BTreeMap<ConsumerName, Acknowledged>,
    changes: &mut Vec<Change>,
    end: u64,
    max_gaps: usize,
) -> Option<Answer> {
    match command {
        Command::Open { consumer, start, reply } => {
            if let Some(known) = consumers.get(&consumer) {
                return Some(Answer::Open(reply, known.clone()));
            }
            if start > end {
                let _ = reply.send(Err(ConsumerError::StartsBeyondEnd { start, end }));
                return None;
            }
            let acknowledged = Acknowledged::below(start);
            consumers.insert(consumer.clone(), acknowledged.clone());
            changes.push(Change::Is { consumer, acknowledged: acknowledged.clone() });
            Some(Answer::Open(reply, acknowledged))
        }
        Command::Acknowledge { consumer, offsets, reply } => {
            let Some(known) = consumers.get_mut(&consumer) else {
                let _ = reply.send(Err(ConsumerError::Unknown { name: consumer }));
                return None;
            };
            if let Err(error) = acknowledge(known, &consumer, &offsets, end, max_gaps) {
                let _ = reply.send(Err(error));
                return None;
            }
            changes.push(Change::Adds { consumer, offsets });
            Some(Answer::Done(reply))
        }
        Command::Remove { consumer, reply } => {
            let removed = consumers.remove(&consumer).is_some();
            if removed {
                changes.push(Change::Goes { consumer });
            }
            Some(Answer::Removed(reply, removed))
        }
        Command::Append(_) | Command::Trim { .. } => None,
    }
}
