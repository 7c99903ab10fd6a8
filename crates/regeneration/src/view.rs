//! Questions about the model that a program answers for templates.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use evergen_delta::{Delta, EncodedQuad, TermId};
use evergen_knowledge::{FactId, TrackedReader};
use minijinja::value::Value;
use serde::Serialize;

mod record;

/// Questions about the model, answered in Rust where queries would be long or slow.
///
/// In a template a view is an object, and a question is a method of it: `schema.class(node)`
/// asks the view `schema` the question `class` about a node; an IRI as a text stands for the
/// node of that name. What the answer was read from counts as read by the artifact.
///
/// # Laws
/// - An answer is a function of the question, its subject, and what was read by `reader`.
/// - What is kept in `memory` and used for a later answer is a fact of which `reader` is told
///   when it is worked out, and each time it is used (see
///   [`TrackedReader`](evergen_knowledge::TrackedReader)).
/// - `version` is another number as soon as the same reads may be answered otherwise.
pub trait ModelView: Send + Sync {
    /// The name by which templates know the view.
    fn name(&self) -> &'static str;

    /// Which rules the answers follow.
    fn version(&self) -> u32;

    /// Answers a question, about a subject where it needs one. `memory` holds what earlier
    /// answers about the same state of the model left in it.
    fn ask(
        &self,
        reader: &dyn TrackedReader,
        memory: &mut ViewMemory,
        question: &str,
        subject: Option<TermId>,
    ) -> Result<Reply, AskError>;

    /// Forgets what a change of the model can have made untrue of `memory`. What is left holds
    /// in the changed model, and is used for the next answers. Everything, unless a view knows
    /// better.
    fn forget(&self, memory: &mut ViewMemory, change: &ModelChange<'_>) {
        let _ = change;
        *memory = ViewMemory::default();
    }
}

/// How the model changed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ModelChange<'a> {
    /// The facts that were worked out before and may be others now: those for which a quad was
    /// read that came or went, or a pattern that such a quad matches, and all into which one of
    /// them went.
    pub facts: &'a [FactId],
    /// The quads that came and went.
    pub delta: &'a Delta,
}

/// What a view remembers from one answer to the next: a value of its own type.
#[derive(Default)]
pub struct ViewMemory(Option<Box<dyn Any + Send>>);

impl ViewMemory {
    /// The value that was left last, or a new one.
    pub fn take<T: Default + Send + 'static>(&mut self) -> T {
        let kept = self.0.take().and_then(|kept| kept.downcast::<T>().ok());
        kept.map(|kept| *kept).unwrap_or_default()
    }

    /// Leaves a value for the next answer.
    pub fn leave<T: Send + 'static>(&mut self, value: T) {
        self.0 = Some(Box::new(value));
    }
}

impl fmt::Debug for ViewMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewMemory").field("is_empty", &self.0.is_none()).finish()
    }
}

/// What a view answers: plain data, as templates see it.
#[derive(Clone)]
pub struct Reply {
    value: Value,
    remarks: Vec<Remark>,
}

/// Something that whoever wrote the model should know: a statement that contradicts another
/// one, or says nothing. A run tells it as a warning, with the place in the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    /// What is wrong, as a fragment in lower case.
    pub message: String,
    /// What is made of it, and what would mend it.
    pub help: String,
    /// Statements of the model that it is about.
    pub evidence: Vec<EncodedQuad>,
}

impl Reply {
    /// An answer with the fields of `data`.
    pub fn new(data: &impl Serialize) -> Self {
        Self { value: record::value_of(data), remarks: Vec::new() }
    }

    /// Adds what the author of the model should know of what was found on the way.
    #[must_use]
    pub fn with_remarks(mut self, remarks: impl IntoIterator<Item = Remark>) -> Self {
        self.remarks.extend(remarks);
        self
    }

    pub(crate) fn value(&self) -> Value {
        self.value.clone()
    }

    pub(crate) fn remarks(&self) -> &[Remark] {
        &self.remarks
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The view is not asked this.
    #[error("there is no such question; the questions are {}", known.join(", "))]
    Unknown {
        /// What can be asked.
        known: &'static [&'static str],
    },
    /// The question is about a node, and none was given.
    #[error("it needs a node, or an IRI")]
    NoSubject,
    /// The question is about the whole model, and a node was given.
    #[error("it is asked about the whole model, and takes nothing")]
    NeedlessSubject,
}

/// The views that templates can name.
#[derive(Clone, Default)]
pub struct Views {
    views: BTreeMap<&'static str, Arc<dyn ModelView>>,
}

impl Views {
    /// No view yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a view; a later one of the same name replaces an earlier one.
    #[must_use]
    pub fn with(mut self, view: Arc<dyn ModelView>) -> Self {
        self.views.insert(view.name(), view);
        self
    }

    /// The views that have none of these names.
    pub(crate) fn without(&self, names: &[Arc<str>]) -> Self {
        let free = |name: &str| !names.iter().any(|taken| **taken == *name);
        let views = self.views.iter().filter(|(name, _)| free(name));
        Self { views: views.map(|(name, view)| (*name, Arc::clone(view))).collect() }
    }

    /// The view of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<dyn ModelView>> {
        self.views.get(name)
    }

    /// All views, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn ModelView>> {
        self.views.values()
    }
}

impl fmt::Debug for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.views.keys()).finish()
    }
}
