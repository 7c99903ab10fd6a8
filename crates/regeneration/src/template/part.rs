//! Parts: pieces of an artifact that are made again by themselves.
//!
//! A file that tells of a thousand classes is stale when one of them changes. What a template
//! makes by `part("message.j2", class)` is kept with everything that it read, and is made again
//! only when one of its reads is touched. What a part reads counts as read by the artifact, so
//! that what is stale, and every text, is the same as if nothing were kept.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evergen_delta::{Delta, Fingerprint, QuadPattern, TermId};
use evergen_knowledge::{FactId, Tracker};
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};
use rustc_hash::{FxHashMap, FxHashSet};

use super::asked::Asked;
use super::environment::render_bounded;
use super::node::{Fields, Node, Session, Trace, UsedFacts};
use crate::view::{Remark, Views};

/// By what templates know the function.
pub(crate) const PART: &str = "part";

/// What a part's template knows besides the views: what the part is about.
const SUBJECT: &str = "subject";

/// So many bytes of parts are kept of a generator; then the memory begins anew.
const KEPT: usize = 64 << 20;

/// What a part costs besides its text, about.
const OVERHEAD: usize = 512;

/// The parts that a generator's artifacts have used.
#[derive(Debug, Default)]
pub(crate) struct Parts(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    parts: FxHashMap<Key, Arc<Part>>,
    bytes: usize,
}

type Key = (String, Subject);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Text(String),
    Node(TermId),
}

/// A text, with what it was made of.
#[derive(Debug)]
struct Part {
    text: Value,
    patterns: Vec<QuadPattern>,
    facts: Vec<FactId>,
    is_wide: bool,
    /// What the views had to remark, which is told whenever the part is used.
    remarks: Vec<Remark>,
    /// Counts against the limit of the artifact each time that the part is used, so that it does
    /// not depend on what is kept whether an artifact is within its limits.
    fuel: u64,
}

impl Parts {
    /// Forgets what a change can have made stale; `facts` are those that `delta` can have
    /// changed.
    pub(crate) fn forget(&self, delta: &Delta, facts: &FxHashSet<Fingerprint>) {
        let probes = delta.quads().flat_map(|quad| quad.probes());
        let touched: FxHashSet<Fingerprint> = probes.map(|probe| probe.fingerprint()).collect();
        let mut known = self.locked();
        known.parts.retain(|_, part| {
            !part.facts.iter().any(|fact| facts.contains(&fact.fingerprint()))
                && !part.patterns.iter().any(|read| touched.contains(&read.fingerprint()))
        });
        known.bytes = known.parts.values().map(|part| part.bytes()).sum();
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        *self.locked() = Known::default();
    }

    /// About how many bytes all of this takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.locked().bytes
    }

    fn get(&self, key: &Key) -> Option<Arc<Part>> {
        self.locked().parts.get(key).map(Arc::clone)
    }

    fn keep(&self, key: Key, part: Arc<Part>) {
        let mut known = self.locked();
        known.bytes += part.bytes();
        if known.bytes > KEPT {
            *known = Known { bytes: part.bytes(), ..Known::default() };
        }
        known.parts.insert(key, part);
    }

    fn locked(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    fn bytes(&self) -> usize {
        let text = self.text.as_str().map_or(0, str::len);
        text + self.patterns.len() * size_of::<QuadPattern>() + self.facts.len() * 8 + OVERHEAD
    }
}

/// The function `part` in the template of one artifact.
pub(crate) struct PartMaker {
    pub(crate) parts: Arc<Parts>,
    pub(crate) views: Views,
    pub(crate) session: Arc<Session>,
    /// What all parts of the artifact may burn together.
    pub(crate) fuel: AtomicU64,
    /// How long a part may be.
    pub(crate) limit: u64,
}

impl PartMaker {
    fn part(&self, state: &State<'_, '_>, name: &str, subject: &Value) -> Result<Value, Error> {
        let about = match subject.downcast_object_ref::<Node>() {
            Some(node) => Subject::Node(node.id()),
            None => Subject::Text(subject.as_str().ok_or_else(wrong)?.to_owned()),
        };
        if self.session.trace.is_some() {
            // Who explains an artifact wants to see each use.
            return Ok(self.make(state, name, subject, &self.session)?.0);
        }
        let key = (name.to_owned(), about);
        let part = if let Some(part) = self.parts.get(&key) {
            part
        } else {
            let part = Arc::new(self.make_alone(state, name, subject)?);
            self.parts.keep(key, Arc::clone(&part));
            part
        };
        self.burn(part.fuel)?;
        self.session.uses_all(&part.patterns, &part.facts, part.is_wide, &part.remarks);
        Ok(part.text.clone())
    }

    /// Makes a part with a session of its own, so that its reads are known apart.
    fn make_alone(
        &self,
        state: &State<'_, '_>,
        name: &str,
        subject: &Value,
    ) -> Result<Part, Error> {
        let session = Arc::new(Session {
            tracker: Tracker::new(self.session.tracker.snapshot().clone()),
            prefixes: Arc::clone(&self.session.prefixes),
            answers: Arc::clone(&self.session.answers),
            facts: Mutex::default(),
            trace: None,
        });
        let made = self.make(state, name, subject, &session);
        let UsedFacts { mut facts, is_wide, remarks } = session.take_facts();
        facts.sort_unstable();
        facts.dedup();
        let patterns = session.tracker.take_reads().into_patterns();
        let (text, fuel) = made.inspect_err(|_| {
            // An error is as it is because of what was read.
            self.session.uses_all(&patterns, &facts, is_wide, &remarks);
        })?;
        Ok(Part { text, patterns, facts, is_wide, remarks, fuel })
    }

    fn make(
        &self,
        state: &State<'_, '_>,
        name: &str,
        subject: &Value,
        session: &Arc<Session>,
    ) -> Result<(Value, u64), Error> {
        let template = state.env().get_template(name)?;
        let subject = match subject.downcast_object_ref::<Node>() {
            Some(node) => Node::wrap(node.value.clone(), session),
            None => subject.clone(),
        };
        let names = [SUBJECT].into_iter().chain(self.views.iter().map(|view| view.name()));
        let views = self.views.iter().map(|view| {
            let (view, session) = (Arc::clone(view), Arc::clone(session));
            Value::from_object(Asked { view, session })
        });
        let context = Fields {
            names: names.chain([PART]).map(Arc::from).collect(),
            values: [subject]
                .into_iter()
                .chain(views)
                .chain([Value::from_object(NoPart)])
                .collect(),
            is_closed: false,
            origin: None,
        };
        let trace = session.trace.as_deref();
        let begin = trace.map(Trace::written);
        let context = Value::from_object(context);
        let rendered = render_bounded(&template, context, self.limit, trace);
        // Whoever prints the text writes it once more, at the same place.
        if let (Some(trace), Some(begin)) = (trace, begin) {
            trace.go_back_to(begin);
        }
        let (bytes, fuel) = rendered?;
        Ok((Value::from(String::from_utf8_lossy(&bytes)), fuel))
    }

    fn burn(&self, fuel: u64) -> Result<(), Error> {
        let left = self.fuel.load(Ordering::Relaxed);
        self.fuel.store(left.saturating_sub(fuel), Ordering::Relaxed);
        if fuel > left { Err(Error::from(ErrorKind::OutOfFuel)) } else { Ok(()) }
    }
}

fn wrong() -> Error {
    Error::new(
        ErrorKind::InvalidOperation,
        "part() takes a template and what it is about, like part(\"_message.j2\", class): a node \
         or a text",
    )
}

impl Object for PartMaker {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        let [template, subject] = arguments else { return Err(wrong()) };
        self.part(state, template.as_str().ok_or_else(wrong)?, subject)
    }
}

/// The function in a part. One within another would be kept twice, and might have no end.
#[derive(Debug)]
struct NoPart;

impl Object for NoPart {
    fn call(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        _arguments: &[Value],
    ) -> Result<Value, Error> {
        let why = "a part has no parts of its own; include the template";
        Err(Error::new(ErrorKind::InvalidOperation, why))
    }
}

impl fmt::Debug for PartMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PART)
    }
}
