use std::fmt;
use std::sync::Arc;

use evergen_artifact::{Digest, ProposedChanges};
use futures::future::{BoxFuture, FutureExt};
use serde::{Deserialize, Serialize};

use crate::{
    Fault, GateReport, Looker, Outcome, Scope, Subject, SubjectError, SubjectFile, Workspace,
};

/// One thing that is looked at before changes become visible.
///
/// Laws for implementors:
/// - A gate only looks. It changes nothing but the [`Workspace`] that it is given, and there only
///   its tool's own caches.
/// - The same files, settings and tools get the same answer, unless its [`GateInfo`] says that
///   answers are not to be kept.
/// - It says [`Outcome::Error`] where it could not look or not at all of it, and never
///   [`Outcome::Pass`]; a pass says in its [`Coverage`](crate::Coverage) how many of the
///   [`Examination::files`] were looked at.
/// - A gate that [needs](Needs::Changed) only changed files judges each of them by itself: the
///   verdict on one file must not depend on another judged file.
/// - The answer's future may be dropped at any time; what it started then ends too.
pub trait Gate: Send + Sync {
    /// What it is, and when it is to be asked. The same at each call.
    fn info(&self) -> &GateInfo;

    /// Who would look: a part of the key under which answers are kept. Another tool, version
    /// or binary gives another identity. The default is for gates that need no tool.
    fn identity(&self) -> BoxFuture<'_, Result<Identity, Fault>> {
        async { Ok(Identity::built_in()) }.boxed()
    }

    /// Looks.
    fn examine(&self, examination: Examination) -> BoxFuture<'_, Outcome>;
}

impl<G: Gate + ?Sized> Gate for Arc<G> {
    fn info(&self) -> &GateInfo {
        (**self).info()
    }

    fn identity(&self) -> BoxFuture<'_, Result<Identity, Fault>> {
        (**self).identity()
    }

    fn examine(&self, examination: Examination) -> BoxFuture<'_, Outcome> {
        (**self).examine(examination)
    }
}

impl<G: Gate + ?Sized> Gate for Box<G> {
    fn info(&self) -> &GateInfo {
        (**self).info()
    }

    fn identity(&self) -> BoxFuture<'_, Result<Identity, Fault>> {
        (**self).identity()
    }

    fn examine(&self, examination: Examination) -> BoxFuture<'_, Outcome> {
        (**self).examine(examination)
    }
}

/// What a gate judges. The kind decides which threshold of the policy counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GateKind {
    /// Whether the text is of its language at all.
    Syntax,
    /// Whether it is laid out as agreed.
    Format,
    /// What experience calls a likely mistake.
    Lint,
    /// Whether types fit.
    Types,
    /// Whether imports and dependencies exist.
    Imports,
    /// Whether it can be abused.
    Security,
    /// Whether tests pass, and how much they reach.
    Tests,
    /// Response time and throughput.
    Performance,
    /// Whether modules have all their files.
    Completeness,
    /// Whether the model is valid.
    Model,
    /// Anything else.
    Custom,
}

/// What a gate must see to judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Needs {
    /// Only what changed: each file is judged by itself.
    #[default]
    Changed,
    /// The whole tree: the verdict on one file depends on others.
    Tree,
}

/// How long an answer takes, roughly: cheap gates are asked first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cost {
    /// In process, milliseconds.
    Instant,
    /// A quick tool, below a second.
    #[default]
    Cheap,
    /// Seconds.
    Moderate,
    /// Builds and tests.
    Expensive,
}

/// What a gate is, and when it is to be asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GateInfo {
    /// The name under which it is reported. No two gates of an engine have the same.
    pub name: String,
    /// What it judges.
    pub kind: GateKind,
    /// Which files are its business.
    pub scope: Scope,
    /// What it must see.
    pub needs: Needs,
    /// Gates that must have passed, or have had nothing to say, before it is asked.
    pub after: Vec<String>,
    /// How long it takes, roughly.
    pub cost: Cost,
    /// A digest of all its settings, for the key under which answers are kept.
    pub settings: Digest,
    /// Whether answers may be kept: not if they depend on more than files, settings and tools.
    pub cacheable: bool,
    /// How often it is asked again after it failed, to tell flaky from wrong.
    pub retries: u32,
}

impl GateInfo {
    /// A gate that looks at all files, one by one, and is cheap.
    pub fn new(name: impl Into<String>, kind: GateKind) -> Self {
        Self {
            name: name.into(),
            kind,
            scope: Scope::all(),
            needs: Needs::Changed,
            after: Vec::new(),
            cost: Cost::Cheap,
            settings: Digest::of(b""),
            cacheable: true,
            retries: 0,
        }
    }

    /// Which files are its business.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// What it must see.
    #[must_use]
    pub fn needing(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }

    /// A gate that must come before.
    #[must_use]
    pub fn after(mut self, gate: impl Into<String>) -> Self {
        self.after.push(gate.into());
        self
    }

    /// How long it takes, roughly.
    #[must_use]
    pub fn with_cost(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }

    /// All its settings, as any text that differs where they differ.
    #[must_use]
    pub fn with_settings(mut self, settings: &str) -> Self {
        self.settings = Digest::of(settings.as_bytes());
        self
    }

    /// Answers are not to be kept.
    #[must_use]
    pub fn uncached(mut self) -> Self {
        self.cacheable = false;
        self
    }

    /// Asks again after a failure, so often.
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }
}

/// Who looks: the tool as it is on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// Tools and parsers, with their versions.
    pub lookers: Vec<Looker>,
    /// Changes with the tool's binary.
    pub digest: Digest,
}

impl Identity {
    /// Nobody but ourselves, of this version.
    pub fn built_in() -> Self {
        Self::of(Vec::new(), env!("CARGO_PKG_VERSION").as_bytes())
    }

    /// These tools; `binary` is anything that changes when they do.
    pub fn of(lookers: Vec<Looker>, binary: &[u8]) -> Self {
        Self { lookers, digest: Digest::of(binary) }
    }
}

/// What a gate is asked to look at. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Examination {
    subject: Subject,
    files: Arc<[SubjectFile]>,
    workspace: Workspace,
}

impl Examination {
    /// These files of the subject, in that workspace.
    pub fn new(subject: Subject, files: Vec<SubjectFile>, workspace: Workspace) -> Self {
        Self { subject, files: files.into(), workspace }
    }

    /// All of the subject that is in a gate's scope, in a temporary workspace: for asking a gate
    /// without an engine. Walks the subject's folder where the gate needs the whole tree.
    pub fn of(subject: &Subject, info: &GateInfo) -> Result<Self, SubjectError> {
        let files = match info.needs {
            Needs::Changed => subject.changed(),
            Needs::Tree => subject.files()?,
        };
        let files = files.iter().filter(|file| info.scope.judges(file.path())).cloned().collect();
        Ok(Self::new(subject.clone(), files, Workspace::new(subject.clone(), None)))
    }

    /// The whole tree.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The files to be judged, sorted by path; never empty when an engine asks. For a gate that
    /// needs the whole tree, all in its scope; else those that changed and are not known yet.
    pub fn files(&self) -> &[SubjectFile] {
        &self.files
    }

    /// Where tools find the tree as files.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }
}

/// Whoever decides whether changes may become visible.
///
/// The decision must not depend on anything but the changes and the keeper's own settings.
/// Dropping the answer's future gives up the question and has no effect.
pub trait GateKeeper: Send + Sync {
    /// Judges the changes.
    ///
    /// # Errors
    /// Nothing could be judged. The changes must not pass then.
    fn judge<'a>(
        &'a self,
        proposed: &'a ProposedChanges,
    ) -> BoxFuture<'a, Result<GateReport, GateError>>;
}

/// The changes could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// What the gates run on is not there for now; the question may be put again.
    #[error("the gates could not be run: {why}")]
    Unavailable {
        /// What went wrong.
        why: String,
    },
}

impl<K: GateKeeper + ?Sized> GateKeeper for Arc<K> {
    fn judge<'a>(
        &'a self,
        proposed: &'a ProposedChanges,
    ) -> BoxFuture<'a, Result<GateReport, GateError>> {
        (**self).judge(proposed)
    }
}

impl<K: GateKeeper + ?Sized> GateKeeper for Box<K> {
    fn judge<'a>(
        &'a self,
        proposed: &'a ProposedChanges,
    ) -> BoxFuture<'a, Result<GateReport, GateError>> {
        (**self).judge(proposed)
    }
}

/// A gate that is a function.
pub struct FnGate<F> {
    info: GateInfo,
    examine: F,
}

impl<F> fmt::Debug for FnGate<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnGate").field("name", &self.info.name).finish_non_exhaustive()
    }
}

impl<F: Fn(&Examination) -> Outcome + Send + Sync> FnGate<F> {
    /// A gate of this name over all changed files that asks `examine`. The function is called on
    /// the caller's thread, so it should be quick. Its answers are not kept, since nobody knows
    /// what it depends on.
    pub fn new(name: impl Into<String>, examine: F) -> Self {
        Self::with_info(GateInfo::new(name, GateKind::Custom).uncached(), examine)
    }

    /// The same, with all that can be said about it.
    pub fn with_info(info: GateInfo, examine: F) -> Self {
        Self { info, examine }
    }
}

impl<F: Fn(&Examination) -> Outcome + Send + Sync> Gate for FnGate<F> {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn examine(&self, examination: Examination) -> BoxFuture<'_, Outcome> {
        async move { (self.examine)(&examination) }.boxed()
    }
}
