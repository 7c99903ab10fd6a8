//! Parts: pieces of an artifact that are made again by themselves.
//!
//! A file that tells of a thousand classes is stale when one of them changes. What a template
//! makes by `part("message.j2", class)`, or by `parts("message.j2", classes, "\n")` for all of
//! them, is kept, and is made again only when something that it read is touched. A part is a fact
//! in the sense of [`FactId`]: it stands in the index with its reads, and whoever uses it names
//! it alone. So an artifact of a thousand parts lists a thousand facts and not all that went into
//! them, what is stale is found by following readers, and every text is the same as if nothing
//! were kept.

mod memory;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use evergen_delta::QuadPattern;
use evergen_knowledge::{FactReads, Tracker};
use minijinja::value::{Object, ObjectRepr, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

use self::memory::{About, Called, hash};
pub(crate) use self::memory::{Part, Parts};
use super::asked::Asked;
use super::environment::{render_bounded, too_large};
use super::node::{Fields, Node, Session, Trace, UsedFacts};
use crate::view::Views;

/// By what templates know the function for one part.
pub(crate) const PART: &str = "part";

/// By what templates know the function for many parts.
pub(crate) const PARTS: &str = "parts";

/// So many neighbours may be gone from a list before what stands behind them is looked for anew.
const SKIPPED: usize = 8;

/// What a part's template knows besides the views: what the part is about.
const SUBJECT: &str = "subject";

/// The functions `part` and `parts` in the template of one artifact.
pub(crate) struct PartMaker {
    pub(crate) parts: Arc<Parts>,
    pub(crate) views: Views,
    pub(crate) session: Arc<Session>,
    /// What all parts of the artifact may burn together.
    pub(crate) fuel: AtomicU64,
    /// How long a part may be, and all parts of one call together.
    pub(crate) limit: u64,
}

/// A template of parts, with its part of the name of each.
struct Made<'a> {
    template: &'a str,
    hash: u64,
}

impl<'a> Made<'a> {
    fn by(template: &'a str) -> Self {
        Self { template, hash: hash(template) }
    }
}

impl PartMaker {
    /// The text of one part.
    fn part(&self, state: &State<'_, '_>, template: &str, subject: &Value) -> Result<Value, Error> {
        if let Some(trace) = self.session.trace.as_deref() {
            let begin = trace.written();
            let (text, _) = self.make(state, template, subject, &self.session, wrong_part)?;
            // Whoever prints the text writes it once more, at the same place.
            trace.go_back_to(begin);
            return Ok(text);
        }
        let part = self.known(state, &Made::by(template), subject, wrong_part)?;
        self.burn(part.fuel)?;
        self.session.uses_parts([&*part]);
        Ok(part.text.clone())
    }

    /// The texts of the parts about each of `subjects`, with `between` between them.
    fn joined(
        &self,
        state: &State<'_, '_>,
        template: &str,
        subjects: &Value,
        between: &str,
    ) -> Result<Value, Error> {
        let is_list = matches!(subjects.kind(), ValueKind::Seq | ValueKind::Iterable);
        let subjects = subjects.try_iter().ok().filter(|_| is_list).ok_or_else(wrong_parts)?;
        if let Some(trace) = self.session.trace.as_deref() {
            return self.traced(state, template, subjects.checked(), between, trace);
        }
        let parts = self.called(state, &Made::by(template), subjects.checked(), between)?;
        self.session.uses_parts(parts.iter().map(|part| &**part));
        let texts = || parts.iter().map(|part| part.text.as_str().unwrap_or_default());
        let length = texts().map(|text| text.len() + between.len()).sum();
        let mut text = String::with_capacity(length);
        for (number, part) in texts().enumerate() {
            if number > 0 {
                text.push_str(between);
            }
            text.push_str(part);
        }
        Ok(Value::from(text))
    }

    /// The parts about each of `subjects`: mostly those of the last call, in the same order, which
    /// are found without looking for each by its fact. Ends when they are more than one artifact
    /// may have.
    fn called(
        &self,
        state: &State<'_, '_>,
        made: &Made<'_>,
        subjects: impl Iterator<Item = Result<Value, Error>>,
        between: &str,
    ) -> Result<Vec<Arc<Part>>, Error> {
        let last = self.parts.last_call(made.hash);
        let mut last = last.as_deref().map_or(&[][..], Vec::as_slice);
        let mut call = Vec::with_capacity(last.len());
        let mut parts = Vec::with_capacity(last.len());
        let mut length = 0;
        for subject in subjects {
            let subject = subject?;
            let place = last.iter().take(SKIPPED).position(|called| called.about.is_of(&subject));
            let before = place.and_then(|place| last.get(place));
            last = place.and_then(|place| last.get(place + 1..)).unwrap_or(last);
            let part = match before.and_then(|called| called.part.upgrade()) {
                Some(part) => part,
                None => self.known(state, made, &subject, wrong_parts)?,
            };
            self.burn(part.fuel)?;
            length += part.text.as_str().map_or(0, str::len);
            if (length + between.len() * parts.len()) as u64 > self.limit {
                return Err(too_large(self.limit));
            }
            let about = About::of(&subject).ok_or_else(wrong_parts)?;
            call.push(Called { about, part: Arc::downgrade(&part) });
            parts.push(part);
        }
        self.parts.note_call(made.hash, call);
        Ok(parts)
    }

    /// The same for who explains an artifact, and wants to see each use.
    fn traced(
        &self,
        state: &State<'_, '_>,
        template: &str,
        subjects: impl Iterator<Item = Result<Value, Error>>,
        between: &str,
        trace: &Trace,
    ) -> Result<Value, Error> {
        let begin = trace.written();
        let mut joined = String::new();
        for (number, subject) in subjects.enumerate() {
            if number > 0 {
                joined.push_str(between);
                trace.wrote(between.len());
            }
            let (text, _) = self.make(state, template, &subject?, &self.session, wrong_parts)?;
            joined.push_str(text.as_str().unwrap_or_default());
            if joined.len() as u64 > self.limit {
                return Err(too_large(self.limit));
            }
        }
        trace.go_back_to(begin);
        Ok(Value::from(joined))
    }

    /// A part that was made before, or is made now with a session of its own, so that its reads
    /// are known apart.
    fn known(
        &self,
        state: &State<'_, '_>,
        made: &Made<'_>,
        subject: &Value,
        wrong: fn() -> Error,
    ) -> Result<Arc<Part>, Error> {
        let fact = self.parts.fact_of(made.hash, &About::of(subject).ok_or_else(wrong)?);
        if let Some(part) = self.parts.get(fact) {
            return Ok(part);
        }
        let session = Arc::new(Session {
            tracker: Tracker::new(self.session.tracker.snapshot().clone()),
            prefixes: Arc::clone(&self.session.prefixes),
            answers: Arc::clone(&self.session.answers),
            facts: Mutex::default(),
            trace: None,
        });
        let text = self.make(state, made.template, subject, &session, wrong);
        let UsedFacts { facts, is_wide, remarks } = session.take_facts();
        let patterns = session.tracker.take_reads().into_patterns();
        let is_wide = is_wide || patterns.iter().any(QuadPattern::is_wide);
        self.session.answers.note_part(fact, &FactReads { patterns, facts });
        let (text, fuel) = text?;
        Ok(self.parts.keep(Part { text, fact, is_wide, remarks, fuel }))
    }

    fn make(
        &self,
        state: &State<'_, '_>,
        template: &str,
        subject: &Value,
        session: &Arc<Session>,
        wrong: fn() -> Error,
    ) -> Result<(Value, u64), Error> {
        let template = state.env().get_template(template)?;
        let subject = match subject.downcast_object_ref::<Node>() {
            Some(node) => Node::wrap(node.value.clone(), session),
            None if subject.as_str().is_some() => subject.clone(),
            None => return Err(wrong()),
        };
        let names = [SUBJECT].into_iter().chain(self.views.iter().map(|view| view.name()));
        let views = self.views.iter().map(|view| {
            let (view, session) = (Arc::clone(view), Arc::clone(session));
            Value::from_object(Asked { view, session })
        });
        let none = || Value::from_object(NoPart);
        let context = Fields {
            names: names.chain([PART, PARTS]).map(Arc::from).collect(),
            values: [subject].into_iter().chain(views).chain([none(), none()]).collect(),
            is_closed: false,
            origin: None,
        };
        let context = Value::from_object(context);
        let (bytes, fuel) =
            render_bounded(&template, context, (0, self.limit), session.trace.as_deref())?;
        Ok((Value::from(String::from_utf8_lossy(&bytes)), fuel))
    }

    fn burn(&self, fuel: u64) -> Result<(), Error> {
        let left = self.fuel.load(Ordering::Relaxed);
        self.fuel.store(left.saturating_sub(fuel), Ordering::Relaxed);
        if fuel > left { Err(Error::from(ErrorKind::OutOfFuel)) } else { Ok(()) }
    }
}

fn wrong_part() -> Error {
    Error::new(
        ErrorKind::InvalidOperation,
        "part() takes a template and what it is about, like part(\"_message.j2\", class): a node \
         or a text",
    )
}

fn wrong_parts() -> Error {
    Error::new(
        ErrorKind::InvalidOperation,
        "parts() takes a template, what each part is about and what stands between them, like \
         parts(\"_message.j2\", classes, \"\\n\"): a list of nodes or texts, and a text",
    )
}

/// `part`, as templates see it.
#[derive(Debug)]
pub(crate) struct OnePart(pub(crate) Arc<PartMaker>);

/// `parts`, as templates see it.
#[derive(Debug)]
pub(crate) struct ManyParts(pub(crate) Arc<PartMaker>);

impl Object for OnePart {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        let [template, subject] = arguments else { return Err(wrong_part()) };
        self.0.part(state, template.as_str().ok_or_else(wrong_part)?, subject)
    }
}

impl Object for ManyParts {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        let (template, subjects, between) = match arguments {
            [template, subjects] => (template, subjects, Some("")),
            [template, subjects, between] => (template, subjects, between.as_str()),
            _ => return Err(wrong_parts()),
        };
        let (Some(template), Some(between)) = (template.as_str(), between) else {
            return Err(wrong_parts());
        };
        self.0.joined(state, template, subjects, between)
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
