//! The port: how somebody who decides *when* has things made again.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evergen_artifact::ProposedChanges;
use evergen_events::{ChangeEvent, OffsetSet};
use futures::future::BoxFuture;
use uuid::Uuid;

use crate::report::{
    Action, ArtifactChange, ArtifactCounts, Diagnostic, GeneratorTimes, RunReport,
};

/// Makes again what changes ask for, in two steps with a look in between.
///
/// - *Isolation.* Nothing that [`prepare`](Self::prepare) does can be seen from outside before
///   [`Prepared::commit`]; what is discarded or dropped leaves nothing behind.
/// - *All or nothing.* After an error nothing is visible of the work.
/// - *Repetition.* Work that is handed over again, with the same events, leads to the state
///   that handing it over once leads to. A caller that dies between a commit and its own
///   note of it hands it over again.
/// - *Cancellation.* A dropped future of `prepare` discards. A dropped future of `commit` may
///   have committed or not, never a part.
/// - The caller hands over work of one key one after the other, and may hand over work of
///   different keys at the same time.
pub trait Regenerator: Send + Sync {
    /// Which work an event belongs to. Events of one key are handed over together.
    fn key(&self, event: &ChangeEvent) -> WorkKey;

    /// Works out what the events ask for, and stages it.
    ///
    /// # Errors
    /// See [`RegenerateError`]; nothing is visible of the work.
    fn prepare(&self, work: Work) -> BoxFuture<'_, Result<Box<dyn Prepared>, RegenerateError>>;
}

/// Work that is staged and not visible. Dropping it discards it.
pub trait Prepared: Send {
    /// What would change in the output folder; empty where nothing would.
    fn proposed(&self) -> &Arc<ProposedChanges>;

    /// Makes it visible.
    ///
    /// # Errors
    /// See [`RegenerateError`]; nothing is visible of the work.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Regenerated, RegenerateError>>;

    /// Takes it back, and says when nothing is left of it.
    fn discard(self: Box<Self>) -> BoxFuture<'static, ()>;
}

impl<R: Regenerator + ?Sized> Regenerator for Arc<R> {
    fn key(&self, event: &ChangeEvent) -> WorkKey {
        (**self).key(event)
    }

    fn prepare(&self, work: Work) -> BoxFuture<'_, Result<Box<dyn Prepared>, RegenerateError>> {
        (**self).prepare(work)
    }
}

impl<R: Regenerator + ?Sized> Regenerator for Box<R> {
    fn key(&self, event: &ChangeEvent) -> WorkKey {
        (**self).key(event)
    }

    fn prepare(&self, work: Work) -> BoxFuture<'_, Result<Box<dyn Prepared>, RegenerateError>> {
        (**self).prepare(work)
    }
}

/// What work belongs together: a subject, a group of artifacts, or a whole project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkKey(Arc<str>);

impl WorkKey {
    /// A key of this name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for WorkKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An event as it comes out of a queue: it may stand for several of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedEvent {
    /// The offsets of all that it stands for.
    pub offsets: OffsetSet,
    /// The event, with the net change of all of them.
    pub event: Arc<ChangeEvent>,
}

impl QueuedEvent {
    /// An event that stands for these offsets.
    pub fn new(offsets: OffsetSet, event: Arc<ChangeEvent>) -> Self {
        Self { offsets, event }
    }
}

/// What is to be made again for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Work {
    /// Identifies the execution in everything that is said of it.
    pub execution_id: Uuid,
    /// The key of all its events.
    pub key: WorkKey,
    /// The events, oldest first.
    pub events: Vec<QueuedEvent>,
    /// Counts the tries, from 1.
    pub attempt: u32,
    /// The cycle that it is a part of, if its caller has cycles.
    pub cycle: Option<Uuid>,
}

impl Work {
    /// Work for these events.
    pub fn new(execution_id: Uuid, key: WorkKey, events: Vec<QueuedEvent>, attempt: u32) -> Self {
        Self { execution_id, key, events, attempt, cycle: None }
    }

    /// Says of which cycle it is a part.
    #[must_use]
    pub fn within(mut self, cycle: Option<Uuid>) -> Self {
        self.cycle = cycle;
        self
    }
}

/// What came of a piece of work.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Regenerated {
    /// What happened to artifacts.
    pub counts: ArtifactCounts,
    /// How long each phase took, by name.
    pub phases: BTreeMap<&'static str, Duration>,
    /// What each generator took.
    pub generators: Vec<GeneratorTimes>,
    /// Each artifact that changed or was refused, and why.
    pub changes: Vec<ArtifactChange>,
    /// How it ended.
    pub verdict: Verdict,
    /// How many bytes of artifacts were written.
    pub bytes_written: u64,
    /// What the reader should know.
    pub diagnostics: Vec<Diagnostic>,
    /// The files besides those of the settings on which the artifacts depend from now on,
    /// where that is known.
    pub declared: Option<Vec<PathBuf>>,
}

/// How work ended that is done with. Its events need not be handed over again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Everything is as it was asked for.
    #[default]
    Done,
    /// It is committed, but for what a person has to see to.
    Incomplete {
        /// What that is, a sentence for each thing.
        left: Vec<String>,
    },
    /// The model, a template or a setting is wrong. The last good output stands, and the
    /// next change of what is wrong will be an event of its own.
    Rejected {
        /// All that is wrong.
        diagnostics: Vec<Diagnostic>,
    },
}

impl Verdict {
    /// Whether it ended well.
    pub fn is_done(&self) -> bool {
        *self == Self::Done
    }
}

/// Work could not be done; nothing is visible of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegenerateError {
    /// What the events themselves say can't be taken, or leads to errors; handing them over
    /// again will not help.
    #[error("the events can't be taken: {why}")]
    Rejected {
        /// What is wrong.
        why: String,
        /// All that was found, where the engine looked.
        diagnostics: Vec<Diagnostic>,
    },
    /// A gate said no when it was asked, or was not asked.
    #[error("the changes were held back: {why}")]
    Withheld {
        /// What was found wanting.
        why: String,
    },
    /// There is too much work already; later there may be room.
    #[error("{limit} pieces of work wait already")]
    Busy {
        /// How many may wait.
        limit: usize,
    },
    /// The disk, or what is on it, did not allow the work; later it may.
    #[error("{doing}")]
    Storage {
        /// What was being done.
        doing: String,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine panicked, which is a fault of its own.
    #[error("the engine panicked: {why}")]
    Panicked {
        /// What the panic said.
        why: String,
    },
    /// The engine is closed.
    #[error("the engine is closed")]
    Closed,
}

impl RegenerateError {
    /// Whether handing the work over again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Storage { .. } | Self::Panicked { .. })
    }
}

impl From<RunReport> for Regenerated {
    fn from(report: RunReport) -> Self {
        let phases = &report.phases_ms;
        let phases = [
            ("load", phases.load),
            ("diff", phases.diff),
            ("invalidate", phases.invalidate),
            ("query", phases.query),
            ("render", phases.render),
            ("commit", phases.commit),
        ];
        let seconds = |ms: f64| Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default();
        Self {
            verdict: verdict(&report),
            counts: report.artifacts,
            phases: phases.map(|(name, ms)| (name, seconds(ms))).into(),
            generators: report.generators,
            changes: report.changes,
            bytes_written: 0,
            diagnostics: report.diagnostics,
            declared: None,
        }
    }
}

/// So many things that a person has to see to are told one by one.
const MANY: usize = 20;

fn verdict(report: &RunReport) -> Verdict {
    let refused = report.changes.iter().filter(|change| change.action == Action::Refuse);
    let mut left: Vec<String> = refused
        .take(MANY)
        .map(|change| {
            let why = change.note.as_deref().unwrap_or("it is not as it was left");
            format!("{}: {why}", change.path)
        })
        .collect();
    let told = u64::try_from(left.len()).unwrap_or(u64::MAX);
    if report.artifacts.refused > told {
        left.push(format!("{} more files were kept as they are", report.artifacts.refused - told));
    }
    if !report.complete {
        let modules = report.modules;
        left.push(format!("{} of modules partial, {} failed", modules.partial, modules.failed));
    }
    if left.is_empty() { Verdict::Done } else { Verdict::Incomplete { left } }
}
