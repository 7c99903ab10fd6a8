//! The model as templates see it.

use std::cmp;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use evergen_delta::{QuadPattern, TermId, TermRef};
use evergen_knowledge::{FactId, Prefixes, Tracker, Value as ModelValue, navigate};
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use super::asked::{Answer, Answers};
use super::part::Part;
use crate::suggest::instead;
use crate::view::Remark;

/// What all nodes of one rendering share.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) tracker: Tracker,
    pub(crate) prefixes: Arc<Prefixes>,
    /// What views have answered, to this rendering or to others.
    pub(crate) answers: Arc<Answers>,
    /// The answers of views that were used.
    pub(crate) facts: Mutex<UsedFacts>,
    /// Where uses are noted, when somebody asks for an explanation.
    pub(crate) trace: Option<Arc<Trace>>,
}

impl Session {
    /// Counts the answer of a view as read.
    pub(crate) fn uses(&self, answer: &Answer) {
        if let Some(trace) = &self.trace {
            trace.note(Use::Navigation(self.answers.patterns_of(answer.fact)));
        }
        let mut used = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        used.facts.push(answer.fact);
        used.is_wide |= answer.is_wide;
        used.remarks.extend_from_slice(answer.remarks());
    }

    /// Counts parts of the text as read.
    pub(crate) fn uses_parts<'a>(&self, parts: impl IntoIterator<Item = &'a Part>) {
        let mut used = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut remarks = Vec::new();
        for part in parts {
            used.facts.push(part.fact);
            used.is_wide |= part.is_wide;
            remarks.extend_from_slice(&part.remarks);
        }
        drop(used);
        self.answers.remark(&remarks);
    }

    /// The facts that were used since the last call.
    pub(crate) fn take_facts(&self) -> UsedFacts {
        std::mem::take(&mut *self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The answers of views that a rendering used.
#[derive(Debug, Default)]
pub(crate) struct UsedFacts {
    pub(crate) facts: Vec<FactId>,
    /// Whether a whole predicate was read for one of them.
    pub(crate) is_wide: bool,
    /// What the author of the model should know of them.
    pub(crate) remarks: Vec<Remark>,
}

/// Uses of the model in the order of a rendering, each with the number of bytes that
/// had been written when it happened.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    written: AtomicUsize,
    armed: AtomicBool,
    uses: Mutex<Vec<(usize, Use)>>,
}

/// One use of the model by a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// A method of a node read these patterns.
    Navigation(Vec<QuadPattern>),
    /// A field of a row was asked for: the row's list, its number and the term.
    Field { list: usize, row: usize, term: TermId },
    /// The text of a term was asked for, to be printed or worked on.
    Text(TermId),
}

impl Trace {
    /// From now on prints go into the text.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed)
    }

    /// Notes that so many bytes more were written.
    pub(crate) fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What was written behind this place is written again.
    pub(crate) fn go_back_to(&self, written: usize) {
        self.written.store(written, Ordering::Relaxed);
    }

    /// How many bytes were written so far.
    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self, used: Use) {
        let mut noted = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        noted.push((self.written(), used));
    }

    /// All uses so far.
    pub(crate) fn uses(&self) -> Vec<(usize, Use)> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A term of the model in a template.
pub(crate) struct Node {
    pub(crate) value: ModelValue,
    pub(crate) session: Arc<Session>,
}

impl Node {
    /// The template's value for a term.
    pub(crate) fn wrap(value: ModelValue, session: &Arc<Session>) -> Value {
        Value::from_object(Self { value, session: Arc::clone(session) })
    }

    /// What the term says, for a text that is made of it.
    pub(crate) fn text(&self) -> &str {
        if let Some(trace) = &self.session.trace {
            trace.note(Use::Text(self.id()));
        }
        self.term().map_or("", TermRef::text)
    }

    pub(crate) fn term(&self) -> Option<TermRef<'_>> {
        self.value.term(&self.session.tracker)
    }

    /// Notes what was read since the last use.
    fn used<T>(&self, result: T) -> T {
        if let Some(trace) = &self.session.trace {
            trace.note(Use::Navigation(self.session.tracker.take_reads().into_patterns()));
        }
        result
    }

    /// The id of this node for a read. A term that a query made may not be in the
    /// model; it has its id all the same.
    pub(crate) fn id(&self) -> TermId {
        self.value.id()
    }

    /// The name that the model gives the node by `ev:name`, or else the local name.
    pub(crate) fn base_name(&self) -> String {
        let names = navigate::out(&self.session.tracker, self.id(), TermRef::Iri(NAME).id());
        let name = self.used(names.first().copied()).map(ModelValue::stored);
        let given = name.as_ref().and_then(|name| name.term(&self.session.tracker));
        match given {
            Some(name) => name.text().to_owned(),
            None => local_name(self.text()).to_owned(),
        }
    }

    fn nodes(&self, ids: Vec<TermId>) -> Value {
        ids.into_iter().map(|id| Self::wrap(ModelValue::stored(id), &self.session)).collect()
    }

    fn property(&self, arguments: &[Value], method: &str) -> Result<TermId, Error> {
        let [argument] = arguments else {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("{method}() takes one property, like {method}(\"rdfs:label\")"),
            ));
        };
        if let Some(node) = argument.downcast_object_ref::<Self>() {
            return Ok(node.id());
        }
        let Some(name) = argument.as_str() else {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("{method}() takes a property's name, not {}", argument.kind()),
            ));
        };
        expand(name, &self.session.prefixes).map(|iri| TermRef::Iri(&iri).id())
    }

    fn types(&self) -> Value {
        self.used(self.nodes(navigate::types(&self.session.tracker, self.id())))
    }

    fn list(&self) -> Result<Value, Error> {
        self.used(navigate::list(&self.session.tracker, self.id()))
            .map(|ids| self.nodes(ids))
            .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
    }

    fn label(&self, arguments: &[Value]) -> Result<Value, Error> {
        let language = match arguments {
            [] => "en",
            [language] => language.as_str().ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidOperation,
                    "label() takes a language, like label(\"en\")",
                )
            })?,
            _ => return Err(Error::from(ErrorKind::TooManyArguments)),
        };
        Ok(match self.used(navigate::label(&self.session.tracker, self.id(), language)) {
            Some(id) => Self::wrap(ModelValue::stored(id), &self.session),
            None => Value::UNDEFINED,
        })
    }
}

/// By which the model gives names.
const NAME: &str = "https://evergen.dev/ns#name";

/// What stands behind the last `#`, `/` or `:` of an IRI.
pub(crate) fn local_name(iri: &str) -> &str {
    let trimmed = iri.trim_end_matches(['/', '#']);
    let start = trimmed.rfind(['#', '/']).or_else(|| trimmed.rfind(':'));
    start.map_or(trimmed, |position| &trimmed[position + 1..])
}

/// The IRI that a prefixed name or an IRI in a template stands for.
pub(crate) fn expand(name: &str, prefixes: &Prefixes) -> Result<String, Error> {
    let bracketed = name.strip_prefix('<').and_then(|name| name.strip_suffix('>'));
    if let Some(iri) = bracketed {
        return Ok(iri.to_owned());
    }
    prefixes.expand(name).map_err(|error| {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("`{name}`: {error}; prefixes are set in [model] prefixes"),
        )
    })
}

impl Object for Node {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "types" => Some(self.types()),
            "list" => Some(self.list().unwrap_or_else(Value::from)),
            _ => Some(missing(format!(
                "a node has no field `{key}`; it has out, in, types, label and list"
            ))),
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        let reader = &self.session.tracker;
        match method {
            "out" => {
                let property = self.property(arguments, "out")?;
                Ok(self.used(self.nodes(navigate::out(reader, self.id(), property))))
            }
            "in" => {
                let property = self.property(arguments, "in")?;
                Ok(self.used(self.nodes(navigate::incoming(reader, self.id(), property))))
            }
            "label" => self.label(arguments),
            "types" => Ok(self.types()),
            "list" => self.list(),
            _ => Err(Error::new(
                ErrorKind::UnknownMethod,
                format!("a node has no method `{method}`; it has out, in, types, label and list"),
            )),
        }
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<cmp::Ordering> {
        let other = other.downcast_ref::<Self>()?;
        if self.id() == other.id() {
            return Some(cmp::Ordering::Equal);
        }
        self.term()?.partial_cmp(&other.term()?)
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.term() {
            Some(term) => write!(f, "{term}"),
            None => write!(f, "{:?}", self.value.id()),
        }
    }
}

/// A value that fails with this message where it is used: a misspelt name must not read as
/// something that is merely not there.
pub(crate) fn missing(message: String) -> Value {
    Value::from(Error::new(ErrorKind::UndefinedError, message))
}

/// Named values: the variables of a row, or the context of a template.
#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) names: Arc<[Arc<str>]>,
    pub(crate) values: Vec<Value>,
    /// Whether a name that is not among them is a mistake.
    pub(crate) is_closed: bool,
    /// The list and the number of the row, where uses are noted.
    pub(crate) origin: Option<(Arc<Trace>, usize, usize)>,
}

impl Object for Fields {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let Some(index) = self.names.iter().position(|name| &**name == key) else {
            let known = self.names.iter().map(|name| &**name);
            return self.is_closed.then(|| {
                missing(format!("a row has no `{key}`; {}", instead(key, "fields", known)))
            });
        };
        let value = self.values.get(index)?;
        if let Some((trace, list, row)) = &self.origin
            && let Some(node) = value.downcast_object_ref::<Node>()
        {
            trace.note(Use::Field { list: *list, row: *row, term: node.id() });
        }
        Some(value.clone())
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.names.iter().map(|name| Value::from(&**name)).collect())
    }
}
