//! Views as templates see them, and what was asked of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evergen_delta::{Delta, Fingerprint, QuadPattern, TermId, TermRef};
use evergen_knowledge::{FactId, FactReads, FactTracker, Snapshot, TrackedReader};
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};
use rustc_hash::{FxHashMap, FxHashSet};

use super::node::{Node, Session, expand};
use crate::state::Reads;
use crate::state::facts::FactChanges;
use crate::suggest;
use crate::view::{AskError, ModelChange, ModelView, Remark, Reply, ViewMemory, Views};

/// So many answers are kept; then the memory begins anew.
const KEPT: usize = 8192;

/// So many facts are kept from one cycle to the next, of all workers together; who found more
/// begins anew in the next cycle, as memory is dearer than its time.
const KEPT_FACTS: usize = 1 << 20;

/// Answers about the model, each with what it was worked out of: many artifacts ask the same,
/// and what a change does not touch is answered in the next cycle as it was in the last.
pub(crate) struct Answers {
    snapshot: Snapshot,
    known: Mutex<HashMap<Question, Arc<Answer>>>,
    remarks: Mutex<BTreeSet<Remark>>,
    /// What nobody works with at the moment.
    idle: Mutex<Vec<Workshop>>,
    /// What the parts of texts were made of that were made in this cycle.
    parts: Mutex<FxHashMap<Fingerprint, Vec<Fingerprint>>>,
}

type Question = (&'static str, String, Option<TermId>);

/// Where one worker at a time finds answers.
struct Workshop {
    tracker: FactTracker,
    memories: BTreeMap<&'static str, ViewMemory>,
}

/// An answer, and the fact by which it is known.
pub(crate) struct Answer {
    pub(crate) reply: Result<Reply, AskError>,
    pub(crate) fact: FactId,
    /// Whether a whole predicate was read for it.
    pub(crate) is_wide: bool,
}

impl Answer {
    pub(crate) fn remarks(&self) -> &[Remark] {
        self.reply.as_ref().map_or(&[], Reply::remarks)
    }
}

impl Answers {
    /// Nothing was asked yet about this state of the model.
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            known: Mutex::default(),
            remarks: Mutex::default(),
            idle: Mutex::default(),
            parts: Mutex::default(),
        }
    }

    /// What still holds of the answers before a change, for the state after it. `facts` are
    /// those that `delta` can have changed, as told by an index that knows all facts of these
    /// answers.
    pub(crate) fn after(
        self,
        snapshot: &Snapshot,
        delta: &Delta,
        facts: &FxHashSet<Fingerprint>,
        views: &Views,
    ) -> Self {
        let stale: Vec<FactId> = facts.iter().map(|fact| FactId::from_fingerprint(*fact)).collect();
        let change = ModelChange { facts: &stale, delta };
        let mut known = into_inner(self.known);
        known.retain(|_, answer| !facts.contains(&answer.fact.fingerprint()));
        let mut idle = into_inner(self.idle);
        for Workshop { tracker, memories } in &mut idle {
            tracker.forget(&stale);
            tracker.turn_to(snapshot.clone());
            memories.retain(|name, memory| {
                let view = views.get(name);
                view.inspect(|view| view.forget(memory, &change)).is_some()
            });
        }
        Self {
            snapshot: snapshot.clone(),
            known: Mutex::new(known),
            remarks: Mutex::default(),
            idle: Mutex::new(idle),
            parts: Mutex::default(),
        }
    }

    /// The same without the model itself, which may change now; only to be asked again
    /// [`after`](Self::after) that.
    pub(crate) fn at_rest(mut self) -> Self {
        self.snapshot = Snapshot::default();
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut facts = 0;
        idle.retain(|workshop| {
            facts += workshop.tracker.len();
            facts <= KEPT_FACTS
        });
        for workshop in idle {
            workshop.tracker.turn_to(Snapshot::default());
        }
        self
    }

    /// The answer to a question, asked now or before.
    pub(crate) fn ask(
        &self,
        view: &dyn ModelView,
        question: &str,
        subject: Option<TermId>,
    ) -> Arc<Answer> {
        let key: Question = (view.name(), question.to_owned(), subject);
        let known = locked(&self.known).get(&key).map(Arc::clone);
        if let Some(answer) = known {
            self.remark(answer.remarks());
            return answer;
        }
        // Two workers may find the same answer at once, which costs time and does no harm.
        let answer = Arc::new(self.workshop().answer(view, question, subject));
        self.remark(answer.remarks());
        let mut known = locked(&self.known);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, Arc::clone(&answer));
        answer
    }

    /// Notes what the author of the model should know.
    pub(crate) fn remark(&self, remarks: &[Remark]) {
        if !remarks.is_empty() {
            locked(&self.remarks).extend(remarks.iter().cloned());
        }
    }

    /// Notes what a part of a text was made of.
    pub(crate) fn note_part(&self, fact: FactId, reads: &FactReads) {
        locked(&self.parts).insert(fact.fingerprint(), indexed(reads));
    }

    /// About how many bytes what is known of facts takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        locked(&self.idle).iter().map(|workshop| workshop.tracker.memory_bytes()).sum()
    }

    /// What the author of the model should know, of all that was asked about this state of the
    /// model; each thing once.
    pub(crate) fn remarks(&self) -> Vec<Remark> {
        locked(&self.remarks).iter().cloned().collect()
    }

    fn workshop(&self) -> InUse<'_> {
        let workshop = locked(&self.idle).pop().unwrap_or_else(|| Workshop {
            tracker: FactTracker::new(self.snapshot.clone()),
            memories: BTreeMap::new(),
        });
        InUse { workshop, idle: &self.idle }
    }

    /// All patterns from which an answer was worked out.
    pub(crate) fn patterns_of(&self, fact: FactId) -> Vec<QuadPattern> {
        let idle = locked(&self.idle);
        let mut patterns: Vec<QuadPattern> =
            idle.iter().flat_map(|workshop| workshop.tracker.patterns_of(fact)).collect();
        patterns.sort_unstable();
        patterns.dedup();
        patterns
    }

    /// What is known of facts from now on, beside `known`: those that were worked out and are
    /// new or among the `stale` ones, and of the latter those that nobody asked for again.
    pub(crate) fn facts_since(
        &self,
        known: Option<&Reads>,
        stale: &FxHashSet<Fingerprint>,
    ) -> FactChanges {
        let is_known = |fact| known.is_some_and(|known| known.facts.contains(fact));
        let mut found = BTreeMap::new();
        for workshop in &*locked(&self.idle) {
            for (fact, reads) in workshop.tracker.take_new() {
                let fact = fact.fingerprint();
                if !is_known(fact) || stale.contains(&fact) {
                    found.entry(fact).or_insert_with(|| Some(indexed(&reads)));
                }
            }
        }
        for (fact, reads) in locked(&self.parts).drain() {
            // What a part reads hangs on its template as well, which may be another than when
            // the fact was noted.
            let is_as_noted = known.is_some_and(|known| known.facts.has(fact, &reads));
            if !is_as_noted || stale.contains(&fact) {
                found.insert(fact, Some(reads));
            }
        }
        for fact in stale {
            found.entry(*fact).or_insert(None);
        }
        found.into_iter().collect()
    }
}

/// A workshop that goes back to the others in the end.
struct InUse<'a> {
    workshop: Workshop,
    idle: &'a Mutex<Vec<Workshop>>,
}

impl InUse<'_> {
    fn answer(&mut self, view: &dyn ModelView, question: &str, subject: Option<TermId>) -> Answer {
        let Workshop { tracker, memories } = &mut self.workshop;
        let about = subject.unwrap_or(TermId::ANY).to_raw();
        let fact = FactId::of(&format!("{}.{question}", view.name()), &[about]);
        let memory = memories.entry(view.name()).or_default();
        tracker.open_fact(fact);
        let reply = view.ask(tracker, memory, question, subject);
        tracker.close_fact();
        let reads = tracker.reads_of(fact).unwrap_or_default();
        Answer { reply, fact, is_wide: reads.patterns.iter().any(QuadPattern::is_wide) }
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        let tracker = std::mem::take(&mut self.workshop.tracker);
        let mut memories = std::mem::take(&mut self.workshop.memories);
        if std::thread::panicking() {
            // What is known of facts still holds; what was half worked out does not.
            tracker.abandon();
            memories.clear();
        }
        locked(self.idle).push(Workshop { tracker, memories });
    }
}

/// What a fact was worked out of, as an index keeps it.
fn indexed(reads: &FactReads) -> Vec<Fingerprint> {
    let patterns = reads.patterns.iter().map(QuadPattern::fingerprint);
    let facts = reads.facts.iter().map(|fact| fact.fingerprint());
    let mut prints: Vec<Fingerprint> = patterns.chain(facts).collect();
    prints.sort_unstable();
    prints.dedup();
    prints
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").finish_non_exhaustive()
    }
}

/// Why a question has no answer, with the question that may have been meant.
pub(crate) fn told(error: &AskError, question: &str) -> String {
    match error {
        AskError::Unknown { known } => {
            let instead = suggest::instead(question, "questions", known.iter().copied());
            format!("there is no such question; {instead}")
        }
        _ => error.to_string(),
    }
}

/// A view in a template.
pub(crate) struct Asked {
    pub(crate) view: Arc<dyn ModelView>,
    pub(crate) session: Arc<Session>,
}

impl Asked {
    fn subject(&self, argument: &Value) -> Result<TermId, Error> {
        if let Some(node) = argument.downcast_object_ref::<Node>() {
            return Ok(node.id());
        }
        let iri = argument.as_str().ok_or_else(|| {
            let what = format!(
                "{} is asked about a node or an IRI, not about {}",
                self.view.name(),
                argument.kind()
            );
            Error::new(ErrorKind::InvalidOperation, what)
        })?;
        match expand(iri, &self.session.prefixes) {
            Ok(iri) => Ok(TermRef::Iri(&iri).id()),
            // What no prefix of the project begins is an IRI in full.
            Err(_) if self.is_iri(iri) => Ok(TermRef::Iri(iri).id()),
            Err(error) => Err(error),
        }
    }

    /// Whether a text is an IRI in full and no prefixed name: it has an authority, a statement
    /// names it, or it is of a scheme that does without one. An answer that hangs on it reads
    /// what is said of the IRI, and so is found again when that changes.
    fn is_iri(&self, text: &str) -> bool {
        let term = TermRef::Iri(text);
        let schemes = ["urn:", "tag:", "mailto:", "did:", "info:"];
        text.contains("://")
            || schemes.iter().any(|scheme| text.starts_with(scheme))
            || self.session.answers.snapshot.term(term.id()).is_some()
    }
}

impl Object for Asked {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        let subject = match arguments {
            [] => None,
            [argument] => Some(self.subject(argument)?),
            _ => return Err(Error::from(ErrorKind::TooManyArguments)),
        };
        let answer = self.session.answers.ask(&*self.view, method, subject);
        self.session.uses(&answer);
        match &answer.reply {
            Ok(reply) => Ok(reply.value()),
            Err(error) => Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("{}.{method}: {}", self.view.name(), told(error, method)),
            )),
        }
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Asked").field(&self.view.name()).finish()
    }
}
