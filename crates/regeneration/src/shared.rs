//! An engine for many callers: the port over an engine on a thread of its own.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use evergen_artifact::ProposedChanges;
use evergen_delta::{Delta, Quad};
use evergen_events::{ChangeEvent, ChangeType, GraphChangeNotifier};
use futures::channel::oneshot;
use futures::future::{BoxFuture, FutureExt};

use crate::engine::{Decision, RegenerationEngine};
use crate::error::CycleError;
use crate::project::Project;
use crate::published::{PublishError, Published};
use crate::regenerator::{
    Prepared, RegenerateError, Regenerated, Regenerator, Verdict, Work, WorkKey,
};
use crate::report::Diagnostic;

/// How many pieces of work may wait.
const QUEUE: usize = 256;

/// How long staged work waits for a decision before it is discarded.
const PATIENCE: Duration = Duration::from_mins(15);

/// Gives the project as its configuration says now, or what is wrong with the configuration.
type Reload = Box<dyn FnMut() -> Result<Project, Vec<Diagnostic>> + Send>;

/// A [`RegenerationEngine`] that others hand work to. Cheap to clone.
///
/// Work runs on one thread of its own, one piece after the other, so that callers never
/// wait for the disk on a thread that others need. Quads that come with events go into the
/// file that `model.published` names, and stay there if the work is committed. Events
/// without quads say that something has changed: the engine looks at everything itself.
///
/// When the last clone is dropped, the thread ends after the work that it is at, and is
/// waited for.
#[derive(Clone)]
pub struct SharedEngine {
    inner: Arc<Inner>,
    pub(crate) notifier: Option<GraphChangeNotifier>,
}

impl fmt::Debug for SharedEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedEngine").finish_non_exhaustive()
    }
}

struct Inner {
    requests: Mutex<Option<SyncSender<Request>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What is answered first: the changes, or the end where there is nothing to decide.
type First = Result<Staged, RegenerateError>;

struct Request {
    work: Work,
    reply: oneshot::Sender<First>,
}

enum Staged {
    /// The engine waits for a decision.
    Waiting {
        proposed: ProposedChanges,
        decision: SyncSender<Decision>,
        end: oneshot::Receiver<Result<Regenerated, RegenerateError>>,
    },
    Ended(Box<Regenerated>),
}

impl SharedEngine {
    /// Gives the engine a thread of its own.
    ///
    /// # Errors
    /// The engine can't write, the file of published quads can't be opened, or there is
    /// no thread to be had.
    pub fn new(engine: RegenerationEngine) -> Result<Self, CycleError> {
        Self::spawn(engine, None)
    }

    /// The same; where an event says that the configuration has changed, `reload` is asked
    /// for the project first. What it finds wrong is told as the work's verdict.
    ///
    /// # Errors
    /// See [`new`](Self::new).
    pub fn with_reload(
        engine: RegenerationEngine,
        reload: impl FnMut() -> Result<Project, Vec<Diagnostic>> + Send + 'static,
    ) -> Result<Self, CycleError> {
        Self::spawn(engine, Some(Box::new(reload)))
    }

    fn spawn(engine: RegenerationEngine, reload: Option<Reload>) -> Result<Self, CycleError> {
        let published = open_published(engine.project())
            .map_err(|error| CycleError::storage("opening the published quads", error))?;
        let notifier = engine.companions.as_ref().map(|known| known.notifier.clone());
        let (sender, receiver) = sync_channel(QUEUE);
        let mut bench = Bench { engine, published, reload, is_outdated: false };
        let thread = std::thread::Builder::new()
            .name("evergen-engine".to_owned())
            .spawn(move || bench.serve(&receiver))
            .map_err(|error| CycleError::storage("starting the engine's thread", error))?;
        let inner = Inner { requests: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) };
        Ok(Self { inner: Arc::new(inner), notifier })
    }

    fn send(&self, request: Request) -> Result<(), RegenerateError> {
        let requests = self.inner.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(requests) = &*requests else { return Err(RegenerateError::Closed) };
        requests.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => RegenerateError::Busy { limit: QUEUE },
            TrySendError::Disconnected(_) => RegenerateError::Closed,
        })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.requests.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the engine's thread has panicked");
        }
    }
}

impl Regenerator for SharedEngine {
    /// Events with quads belong to their subject, so that one that can't be taken stops no
    /// other; all that only say that something has changed belong together.
    fn key(&self, event: &ChangeEvent) -> WorkKey {
        match event.delta {
            Some(_) => WorkKey::new(event.subject.as_str()),
            None => WorkKey::new("project"),
        }
    }

    fn prepare(&self, work: Work) -> BoxFuture<'_, Result<Box<dyn Prepared>, RegenerateError>> {
        async move {
            let (reply, first) = oneshot::channel();
            self.send(Request { work, reply })?;
            let staged = first.await.map_err(|_| RegenerateError::Closed)??;
            let (proposed, rest) = match staged {
                Staged::Ended(regenerated) => {
                    (ProposedChanges::default(), Rest::Ended(regenerated))
                }
                Staged::Waiting { proposed, decision, end } => {
                    (proposed, Rest::Waiting { decision, end })
                }
            };
            let held =
                Held { proposed: Arc::new(proposed), rest, _engine: Arc::clone(&self.inner) };
            Ok(Box::new(held) as Box<dyn Prepared>)
        }
        .boxed()
    }
}

/// Work that the engine's thread has staged and waits for a decision on.
struct Held {
    proposed: Arc<ProposedChanges>,
    rest: Rest,
    /// The thread can't be waited for while it waits for this.
    _engine: Arc<Inner>,
}

enum Rest {
    Waiting {
        decision: SyncSender<Decision>,
        end: oneshot::Receiver<Result<Regenerated, RegenerateError>>,
    },
    Ended(Box<Regenerated>),
}

impl Prepared for Held {
    fn proposed(&self) -> &Arc<ProposedChanges> {
        &self.proposed
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Regenerated, RegenerateError>> {
        async move {
            match self.rest {
                Rest::Ended(regenerated) => Ok(*regenerated),
                Rest::Waiting { decision, end } => {
                    decision.try_send(Decision::Commit).map_err(|_| RegenerateError::Closed)?;
                    end.await.unwrap_or(Err(RegenerateError::Closed))
                }
            }
        }
        .boxed()
    }

    fn discard(self: Box<Self>) -> BoxFuture<'static, ()> {
        async move {
            if let Rest::Waiting { decision, end } = self.rest {
                drop(decision);
                // However it ends, it has ended.
                drop(end.await);
            }
        }
        .boxed()
    }
}

fn open_published(project: &Project) -> Result<Option<Published>, PublishError> {
    let durable = project.settings.regeneration.durable;
    project.published_file().map(|path| Published::open(path, durable)).transpose()
}

/// What the engine's thread works with.
struct Bench {
    engine: RegenerationEngine,
    published: Option<Published>,
    reload: Option<Reload>,
    /// Whether the configuration has changed, and could not be taken over so far.
    is_outdated: bool,
}

impl Bench {
    fn serve(&mut self, requests: &Receiver<Request>) {
        while let Ok(Request { work, reply }) = requests.recv() {
            if !reply.is_canceled() {
                self.work(&work, reply);
            }
        }
    }

    fn work(&mut self, work: &Work, reply: oneshot::Sender<First>) {
        let answer = Answer { reply: Mutex::new(Some(reply)), end: Mutex::new(None) };
        // After a panic the engine begins with what the files tell; nothing else outlives it.
        let ended = catch_unwind(AssertUnwindSafe(|| self.attempt(work, &answer)));
        let ended = ended.unwrap_or_else(|panic| Err(End::Failed(panicked(&*panic))));
        let settled = match (&ended, &mut self.published) {
            (_, None) => Ok(()),
            (Ok(_), Some(published)) => published.keep(),
            (Err(_), Some(published)) => published.undo(),
        };
        answer.give(match (ended, settled) {
            (Ok(regenerated), Ok(())) => Ok(regenerated),
            (_, Err(error)) => Err(publishing(error)),
            (Err(End::Failed(error)), _) => Err(error),
            (Err(End::Rejected(diagnostics)), _) => Ok(Regenerated {
                verdict: Verdict::Rejected { diagnostics },
                ..Regenerated::default()
            }),
        });
    }

    fn attempt(&mut self, work: &Work, answer: &Answer) -> Result<Regenerated, End> {
        let has_quads = deltas(work).any(|delta| !delta.is_empty());
        let ended = self.reconfigure(work, has_quads).and_then(|()| {
            if has_quads {
                self.publish(work)?;
            }
            self.run(answer)
        });
        ended.map_err(|end| match end {
            // These events have quads of their own: it is up to their sender to know.
            End::Rejected(diagnostics) if has_quads => End::Failed(rejected(diagnostics)),
            end => end,
        })
    }

    /// Reads the configuration again where an event asks for it, and from then on until it
    /// could be taken over: what is wrong with it is told until it is mended. Quads are
    /// taken by the settings of before.
    fn reconfigure(&mut self, work: &Work, has_quads: bool) -> Result<(), End> {
        let asks =
            |queued: &crate::QueuedEvent| queued.event.change == ChangeType::ConfigurationChanged;
        let Some(reload) = &mut self.reload else { return Ok(()) };
        let is_asked = work.events.iter().any(asks);
        if !is_asked && (has_quads || !self.is_outdated) {
            return Ok(());
        }
        self.is_outdated = true;
        let project = reload().map_err(End::Rejected)?;
        let published = open_published(&project).map_err(|error| match error {
            PublishError::Malformed(why) => {
                End::Rejected(vec![Diagnostic::error("model::published", why)])
            }
            error @ PublishError::File { .. } => End::Failed(publishing(error)),
        })?;
        self.engine.set_project(project).map_err(End::from)?;
        self.published = published;
        self.is_outdated = false;
        Ok(())
    }

    fn publish(&mut self, work: &Work) -> Result<(), End> {
        let Some(published) = &mut self.published else {
            let why = "the project takes no published quads; `published` under `[model]` names a file for them";
            let why = why.to_owned();
            return Err(End::Failed(RegenerateError::Rejected { why, diagnostics: Vec::new() }));
        };
        published.apply(deltas(work)).map_err(|error| End::Failed(publishing(error)))
    }

    fn run(&mut self, answer: &Answer) -> Result<Regenerated, End> {
        let written = std::cell::Cell::new(0);
        let gate = |proposed: ProposedChanges| {
            written.set(proposed.written_bytes());
            answer.ask(proposed)
        };
        let report = self.engine.run_gated(&gate, &mut |_| {}).map_err(End::from)?;
        Ok(Regenerated {
            bytes_written: written.get(),
            declared: Some(self.engine.declared_files()),
            ..Regenerated::from(report)
        })
    }
}

fn deltas(work: &Work) -> impl Iterator<Item = &Delta<Quad>> {
    work.events.iter().filter_map(|queued| queued.event.delta.as_ref())
}

fn panicked(panic: &(dyn Any + Send)) -> RegenerateError {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    RegenerateError::Panicked { why: text.unwrap_or("it said nothing").to_owned() }
}

/// How work ends that is not done.
enum End {
    /// The model, a template or a setting is wrong.
    Rejected(Vec<Diagnostic>),
    Failed(RegenerateError),
}

impl From<CycleError> for End {
    fn from(error: CycleError) -> Self {
        match error {
            CycleError::Settings(found) | CycleError::Rejected(found) => Self::Rejected(found),
            CycleError::Withheld { why } => Self::Failed(RegenerateError::Withheld { why }),
            CycleError::Storage { doing, source } => {
                Self::Failed(RegenerateError::Storage { doing, source })
            }
            CycleError::Locked(source) => Self::Failed(RegenerateError::Storage {
                doing: "locking the project".to_owned(),
                source: Box::new(source),
            }),
        }
    }
}

fn rejected(diagnostics: Vec<Diagnostic>) -> RegenerateError {
    let first = diagnostics.first().map_or("nothing was found", |first| first.message.as_str());
    let why = format!("with them the project has errors: {first}");
    RegenerateError::Rejected { why, diagnostics }
}

fn publishing(error: PublishError) -> RegenerateError {
    match error {
        PublishError::Malformed(why) => RegenerateError::Rejected { why, diagnostics: Vec::new() },
        error @ PublishError::File { .. } => RegenerateError::Storage {
            doing: "keeping published quads".to_owned(),
            source: Box::new(error),
        },
    }
}

/// The caller that waits for work: it is told of changes once, and of the end.
struct Answer {
    reply: Mutex<Option<oneshot::Sender<First>>>,
    end: Mutex<Option<oneshot::Sender<Result<Regenerated, RegenerateError>>>>,
}

impl Answer {
    /// Offers the changes, and waits for a decision.
    fn ask(&self, proposed: ProposedChanges) -> Decision {
        let withhold = |why: &str| Decision::Withhold { why: why.to_owned() };
        let Some(reply) = take(&self.reply) else { return withhold("they were decided on before") };
        let (decision, decided) = sync_channel(1);
        let (end, ended) = oneshot::channel();
        if reply.send(Ok(Staged::Waiting { proposed, decision, end: ended })).is_err() {
            return withhold("nobody waits for them any more");
        }
        self.end.lock().unwrap_or_else(PoisonError::into_inner).replace(end);
        match decided.recv_timeout(PATIENCE) {
            Ok(decision) => decision,
            Err(RecvTimeoutError::Disconnected) => withhold("they were discarded"),
            Err(RecvTimeoutError::Timeout) => withhold("nobody decided on them in time"),
        }
    }

    fn give(self, ended: Result<Regenerated, RegenerateError>) {
        // Whoever does not wait any more does not want to know.
        if let Some(end) = take(&self.end) {
            drop(end.send(ended));
        } else if let Some(reply) = take(&self.reply) {
            drop(reply.send(ended.map(|regenerated| Staged::Ended(Box::new(regenerated)))));
        }
    }
}

fn take<T>(cell: &Mutex<Option<T>>) -> Option<T> {
    cell.lock().unwrap_or_else(PoisonError::into_inner).take()
}
