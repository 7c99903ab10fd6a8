//! An engine for programs: a model that is published event by event.

use std::sync::Arc;
use std::time::Duration;

use evergen_events::{
    ConsumerError, ConsumerName, ConsumerNameError, GraphChangeNotifier, LogEntry, OffsetSet,
    Position, ReadError,
};
use evergen_llm::LlmClient;
use uuid::Uuid;

use crate::engine::{Access, RegenerationEngine};
use crate::error::CycleError;
use crate::project::Project;
use crate::regenerator::{QueuedEvent, RegenerateError, Regenerated, Regenerator, Work, WorkKey};
use crate::settings::{RegenerationConfig, Settings};
use crate::shared::SharedEngine;

/// The file of published quads, in the project's folder.
const PUBLISHED: &str = "published.nq";
/// The name in which the engine reads the log by itself.
const CONSUMER: &str = "regeneration";
/// How many events are taken in at once.
const BATCH: usize = 256;
/// How long another writer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a program gives an engine besides its settings.
#[derive(Clone)]
pub(crate) struct Companions {
    pub(crate) client: Arc<dyn LlmClient>,
    pub(crate) notifier: GraphChangeNotifier,
}

impl RegenerationEngine {
    /// Opens a project in the current folder whose model is what programs publish.
    ///
    /// Quads that come with events are kept in `published.nq` there; the paths in `config`
    /// are relative to the folder. The notifier is where [`SharedEngine::catch_up`] has events
    /// from. The client is for generators whose text a language model writes; there are none
    /// of these yet, so that it is only kept.
    ///
    /// # Errors
    /// There is no current folder, another process writes to the project for longer than ten
    /// seconds, or a folder can't be used.
    pub fn new(
        config: RegenerationConfig,
        llm_client: Arc<dyn LlmClient>,
        notifier: GraphChangeNotifier,
    ) -> Result<Self, CycleError> {
        let root = std::env::current_dir()
            .map_err(|error| CycleError::storage("finding the current folder", error))?;
        let mut settings = Settings { regeneration: config, ..Settings::default() };
        settings.model.published = Some(PUBLISHED.to_owned());
        let project = Project::new(root, settings);
        Self::for_programs(project, llm_client, notifier)
    }

    /// The same for any project, like one in another folder or with language packs. It should
    /// name a file for published quads.
    ///
    /// # Errors
    /// See [`new`](Self::new).
    pub fn for_programs(
        project: Project,
        llm_client: Arc<dyn LlmClient>,
        notifier: GraphChangeNotifier,
    ) -> Result<Self, CycleError> {
        let mut engine = Self::open(project, Access::Write { wait: Some(PATIENCE) })?;
        engine.companions = Some(Companions { client: llm_client, notifier });
        Ok(engine)
    }

    /// The client that was given to the engine.
    pub fn llm_client(&self) -> Option<&Arc<dyn LlmClient>> {
        self.companions.as_ref().map(|companions| &companions.client)
    }
}

impl SharedEngine {
    /// Takes in all events that were published and not taken in this way before, and brings
    /// the output folder up to date: for programs without an orchestrator.
    ///
    /// Events are taken in the order of the log, those of one key together. Returns how
    /// many there were. Where work fails, its events and those after them stay for the next
    /// call. Dropping the future loses nothing: what was not acknowledged is taken again.
    ///
    /// # Errors
    /// See [`CatchUpError`].
    pub async fn catch_up(&self) -> Result<u64, CatchUpError> {
        let notifier = self.notifier.as_ref().ok_or(CatchUpError::NoNotifier)?;
        let name = ConsumerName::parse(CONSUMER)?;
        let log = notifier.log();
        let done = log.open_consumer(&name, Position::Oldest).await?;
        let (mut next, mut taken) = (done.low(), 0);
        loop {
            let entries = log.read(Position::Offset(next), BATCH).await?;
            let Some(last) = entries.last() else { return Ok(taken) };
            next = last.offset + 1;
            let open = entries.into_iter().filter(|entry| !done.contains(entry.offset));
            for group in self.by_key(open) {
                self.take_in(&group).await?;
                let offsets: OffsetSet = group.iter().map(|entry| entry.offset).collect();
                log.acknowledge(&name, offsets).await?;
                taken += group.len() as u64;
            }
        }
    }

    /// Entries of one key together, in the order of each key's first one.
    fn by_key(&self, entries: impl Iterator<Item = LogEntry>) -> Vec<Vec<LogEntry>> {
        let mut groups: Vec<(WorkKey, Vec<LogEntry>)> = Vec::new();
        for entry in entries {
            let key = self.key(&entry.event);
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, group)) => group.push(entry),
                None => groups.push((key, vec![entry])),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    async fn take_in(&self, entries: &[LogEntry]) -> Result<Regenerated, RegenerateError> {
        let queued = entries.iter().map(|entry| {
            let offsets = OffsetSet::from(entry.offset..entry.offset + 1);
            QueuedEvent::new(offsets, Arc::clone(&entry.event))
        });
        let queued: Vec<QueuedEvent> = queued.collect();
        let Some(first) = queued.first() else { return Ok(Regenerated::default()) };
        let key = self.key(&first.event);
        self.prepare(Work::new(Uuid::now_v7(), key, queued, 1)).await?.commit().await
    }
}

/// Published events could not all be taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatchUpError {
    /// The engine was opened without a notifier.
    #[error("the engine has no notifier; open it with `RegenerationEngine::new` or `for_programs`")]
    NoNotifier,
    /// The name under which the log is read is none.
    #[error(transparent)]
    Name(#[from] ConsumerNameError),
    /// The log does not take note of what is done.
    #[error("events can't be acknowledged")]
    Consumer(#[from] ConsumerError),
    /// The log can't be read.
    #[error("events can't be read")]
    Read(#[from] ReadError),
    /// Work failed.
    #[error(transparent)]
    Work(#[from] RegenerateError),
}
