use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::disk::{Disk, System};
use crate::handover::Handover;
use crate::patience::{blocking, within};
use crate::record::RECORD_HEAD;
use crate::watched::Watched;
use crate::{
    Acknowledged, AppendError, Bounds, ChangeEvent, ConsumerError, ConsumerName, EventLog,
    LogEntry, OffsetSet, OpenError, Position, ReadError, Retention, TornTail, Trimmed,
};

mod committer;
mod cursors;
mod files;
mod open;
mod read;
mod reader;
mod settings;
#[cfg(test)]
mod tests;
mod view;

use self::committer::{Append, Command, Committer};
pub(crate) use self::open::lock;
pub use self::reader::SegmentReader;
pub use self::settings::SegmentSettings;
use self::view::{Cache, Located, View};

/// How many bytes a batch may take.
const MAX_BATCH: usize = 64 << 20;

/// An event of more bytes than this counts as several, so that what bounds the number of events
/// in a queue or a group bounds their bytes as well.
const COUNTED_BYTES: usize = 8 << 10;

/// For how many events a record counts.
fn counts_as(payload: &[u8]) -> usize {
    (payload.len() + RECORD_HEAD).div_ceil(COUNTED_BYTES)
}

/// A durable log in a folder, for one process at a time.
///
/// Events lie in preallocated segments, each record with its length, a checksum, and the
/// checksum of the record before it. A thread of its own commits what all publishers have
/// handed over since its last flush, as one group with one write and one flush. So an append
/// takes about as long as a flush, however many there are.
///
/// After kill -9 at any instant everything that was acknowledged is there. What was
/// being written is cut off, and told by [`torn_tails`](Self::torn_tails). Where something is
/// damaged that was acknowledged, opening or reading it is an error which says where.
///
/// After a failed flush nobody knows what is on the medium. Then nothing more is taken
/// ([`AppendError::MustReopen`]) until the log is opened anew; what is known can be read.
///
/// Reads that need the disk run on tokio's threads for blocking work, if there is a runtime.
/// Dropping the log finishes what was handed over, and waits for it.
#[derive(Debug)]
pub struct SegmentLog {
    shared: Arc<Shared>,
    settings: SegmentSettings,
    torn: Vec<TornTail>,
    /// The committer, and whoever answers for it, who ends with it.
    threads: Vec<JoinHandle<()>>,
    _lock: File,
}

/// Takes the records of a journal of consumers together, for fuzzing.
pub(crate) fn parse_cursors(path: &Path, contents: &crate::journal::Contents) {
    let _ = cursors::replay(path, contents);
}

#[derive(Debug)]
struct Shared {
    queue: Handover<Command>,
    view: Watched<View>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Command")
    }
}

impl SegmentLog {
    /// Opens the log of a folder, which is made if need be. This reads the last segment, and
    /// blocks meanwhile.
    pub fn open(folder: &Path, settings: SegmentSettings) -> Result<Self, OpenError> {
        let disk = System { durability: settings.durability };
        Self::open_on(Arc::new(disk), folder, settings)
    }

    fn open_on(
        disk: Arc<dyn Disk>,
        folder: &Path,
        settings: SegmentSettings,
    ) -> Result<Self, OpenError> {
        settings.validate()?;
        let lock = lock(&*disk, folder)?;
        let found = open::open(&disk, folder, &settings)?;
        let active = found.segments.last().map(Arc::clone).ok_or_else(|| OpenError::System {
            path: folder.to_owned(),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        let mut cache = Cache::new(settings.cache_events, settings.cache_bytes);
        for entry in found.recent {
            let size = entry.event.weight();
            cache.push(entry, size, &mut Vec::new());
        }
        let view = View {
            bounds: found.bounds,
            segments: found.segments,
            cache,
            consumers: found.consumers.clone(),
            broken: None,
            closed: false,
        };
        let queue = Handover::new(settings.queue);
        let shared = Arc::new(Shared { queue, view: Watched::new(view) });
        let (answers, groups) = std::sync::mpsc::sync_channel(4);
        let committer = Committer {
            shared: Arc::clone(&shared),
            disk,
            folder: folder.to_owned(),
            settings,
            active,
            place: found.place,
            room: found.room,
            newest: found.newest,
            cursors: found.cursors,
            consumers: found.consumers,
            buffer: Vec::new(),
            answers,
        };
        let spawn = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let answering = spawn("event-log-answers").spawn(move || committer::answer(&groups));
        let answering = answering.map_err(OpenError::at(folder))?;
        let committing = spawn("event-log").spawn(move || committer.run());
        let committing = committing.map_err(OpenError::at(folder))?;
        Ok(Self {
            shared,
            settings,
            torn: found.torn,
            threads: vec![committing, answering],
            _lock: lock,
        })
    }

    /// What was cut off when the log was opened.
    pub fn torn_tails(&self) -> &[TornTail] {
        &self.torn
    }

    /// Takes nothing more. What was handed over is finished; then readers that have read
    /// everything get [`ReadError::Closed`].
    pub fn close(&self) {
        self.shared.queue.close();
    }

    /// Hands a command to the committer and waits for its answer.
    async fn ask<T, E: From<AppendError>>(
        &self,
        weight: usize,
        command: impl FnOnce(oneshot::Sender<Result<T, E>>) -> Command,
    ) -> Result<T, E> {
        let (reply, answer) = oneshot::channel();
        let mut command = Some(command(reply));
        let waited = self.settings.patience;
        match within(waited, self.shared.queue.push(&mut command, weight)).await {
            None => Err(AppendError::Full { waited }.into()),
            Some(Err(_)) => Err(AppendError::Closed.into()),
            // A committer that is gone without an answer has ended with the log.
            Some(Ok(())) => answer.await.unwrap_or_else(|_| Err(AppendError::Closed.into())),
        }
    }

    /// Writes the JSON of events, and makes sure that they can be taken.
    fn encode(&self, events: &[Arc<ChangeEvent>]) -> Result<Vec<Vec<u8>>, AppendError> {
        let mut payloads = Vec::with_capacity(events.len());
        let mut total = 0;
        for event in events {
            event.validate()?;
            let payload = event.to_json();
            let (bytes, limit) = (payload.len(), self.settings.max_event_bytes);
            if bytes > limit {
                return Err(AppendError::TooLarge { bytes, limit });
            }
            total += bytes + RECORD_HEAD;
            payloads.push(payload);
        }
        if total > MAX_BATCH {
            return Err(AppendError::TooLarge { bytes: total, limit: MAX_BATCH });
        }
        Ok(payloads)
    }

    /// The offset of a position; the disk is asked where need be.
    async fn offset_of(&self, position: Position) -> Result<u64, ReadError> {
        let known = self.shared.view.look(|view| view.offset_of(position));
        match (known, position) {
            (Some(offset), _) => Ok(offset),
            (None, Position::Time(at)) => {
                let (segments, bounds) = self.on_disk();
                blocking(move || read::find_time(&segments, bounds, at)).await
            }
            (None, _) => Ok(self.bounds().end),
        }
    }

    fn on_disk(&self) -> (Vec<Arc<files::Segment>>, Bounds) {
        self.shared.view.look(|view| (view.segments.clone(), view.bounds))
    }
}

impl Drop for SegmentLog {
    fn drop(&mut self) {
        self.shared.queue.close();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the log has panicked");
            }
        }
    }
}

impl EventLog for SegmentLog {
    fn append(
        &self,
        events: Vec<Arc<ChangeEvent>>,
    ) -> BoxFuture<'_, Result<Range<u64>, AppendError>> {
        async move {
            let payloads = self.encode(&events)?;
            let weight: usize = payloads.iter().map(|payload| counts_as(payload)).sum();
            let append = |reply| Command::Append(Append { events, payloads, reply });
            self.ask(weight.max(1), append).await
        }
        .boxed()
    }

    fn read(&self, from: Position, max: usize) -> BoxFuture<'_, Result<Vec<LogEntry>, ReadError>> {
        let located = self.shared.view.look(|view| view.locate(from, max));
        async move {
            let offset = match located {
                Located::Here(entries) => return Ok(entries),
                Located::Gone(asked) => {
                    return Err(ReadError::Trimmed { asked, first: self.bounds().first });
                }
                Located::OnDisk(offset) => offset,
                Located::Search => self.offset_of(from).await?,
            };
            let (segments, bounds) = self.on_disk();
            if offset < bounds.first {
                return Err(ReadError::Trimmed { asked: offset, first: bounds.first });
            }
            blocking(move || read::read(&segments, bounds, offset, max)).await
        }
        .boxed()
    }

    fn recent(&self, max: usize) -> Vec<LogEntry> {
        self.shared.view.look(|view| {
            let entries = &view.cache.entries;
            let skipped = entries.len().saturating_sub(max);
            entries.iter().skip(skipped).map(|(entry, _)| entry.clone()).collect()
        })
    }

    fn bounds(&self) -> Bounds {
        self.shared.view.look(|view| view.bounds)
    }

    fn beyond(&self, offset: u64) -> BoxFuture<'_, Result<Bounds, ReadError>> {
        self.shared
            .view
            .wait_for(move |view| match view.bounds {
                bounds if bounds.end > offset => Some(Ok(bounds)),
                _ if view.closed => Some(Err(ReadError::Closed)),
                _ => None,
            })
            .boxed()
    }

    fn open_consumer(
        &self,
        consumer: &ConsumerName,
        start: Position,
    ) -> BoxFuture<'_, Result<Acknowledged, ConsumerError>> {
        let consumer = consumer.clone();
        async move {
            let start = self.offset_of(start).await?;
            self.ask(1, |reply| Command::Open { consumer, start, reply }).await
        }
        .boxed()
    }

    fn acknowledge(
        &self,
        consumer: &ConsumerName,
        offsets: OffsetSet,
    ) -> BoxFuture<'_, Result<(), ConsumerError>> {
        let consumer = consumer.clone();
        self.ask(1, |reply| Command::Acknowledge { consumer, offsets, reply }).boxed()
    }

    fn remove_consumer(
        &self,
        consumer: &ConsumerName,
    ) -> BoxFuture<'_, Result<bool, ConsumerError>> {
        let consumer = consumer.clone();
        self.ask(1, |reply| Command::Remove { consumer, reply }).boxed()
    }

    fn consumers(&self) -> BTreeMap<ConsumerName, Acknowledged> {
        self.shared.view.look(|view| view.consumers.clone())
    }

    fn trim(
        &self,
        retention: Retention,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Trimmed, ReadError>> {
        async move {
            let asked = self.ask(1, |reply| Command::Trim { retention, now, reply });
            asked.await
        }
        .boxed()
    }
}
