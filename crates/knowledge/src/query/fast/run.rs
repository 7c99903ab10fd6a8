//! Running a program.

use evergen_delta::{QuadPattern, TermId, TermRef};

use super::condition::{Condition, Kind, Text, TextTest, language_matches};
use super::{Frame, Op, Program, Source};
use crate::{TrackedReader, Value};

const XSD_STRING: &str = "http://www.w3.org/2001/XMLSchema#string";

/// One evaluation of a program.
pub(super) struct Run<'a> {
    program: &'a Program,
    reader: &'a dyn TrackedReader,
    bindings: &'a [Value],
}

/// Why the search goes no further.
enum Stop {
    /// Whoever takes the solutions has enough.
    Enough,
    /// This is a question for the library.
    Declined,
}

type Flow = Result<(), Stop>;

impl<'a> Run<'a> {
    pub(super) fn new(
        program: &'a Program,
        reader: &'a dyn TrackedReader,
        bindings: &'a [Value],
    ) -> Self {
        Self { program, reader, bindings }
    }

    /// Calls `each` with every solution until it says no; `None` if the program is not
    /// able to go on.
    pub(super) fn solutions(&self, each: &mut dyn FnMut(&[TermId]) -> bool) -> Option<()> {
        let mut frame = Frame::from_elem(TermId::ANY, self.program.slots);
        for (slot, value) in self.program.bound.iter().zip(self.bindings) {
            frame[*slot] = value.id();
        }
        let mut last = |frame: &mut [TermId]| {
            if each(frame) { Ok(()) } else { Err(Stop::Enough) }
        };
        match self.run(&self.program.root, &mut frame, &mut last) {
            Ok(()) | Err(Stop::Enough) => Some(()),
            Err(Stop::Declined) => None,
        }
    }

    /// What a slot's id stands for in a row.
    pub(super) fn cell(&self, id: TermId) -> Option<Value> {
        if id == TermId::ANY {
            return None;
        }
        let made = self.bindings.iter().chain(&self.program.constants);
        // A term that the model holds needs no text of its own.
        match made.into_iter().find(|value| value.id() == id) {
            Some(value) if self.reader.term(id).is_none() => Some(value.clone()),
            _ => Some(Value::stored(id)),
        }
    }

    fn run(
        &self,
        op: &Op,
        frame: &mut [TermId],
        next: &mut dyn FnMut(&mut [TermId]) -> Flow,
    ) -> Flow {
        match op {
            Op::Unit => next(frame),
            Op::Scan(parts) => self.scan(parts, frame, next),
            Op::Then(first, second) => {
                self.run(first, frame, &mut |frame| self.run(second, frame, next))
            }
            Op::Optional(first, second) => self.run(first, frame, &mut |frame| {
                let mut matched = false;
                self.run(second, frame, &mut |frame| {
                    matched = true;
                    next(frame)
                })?;
                if matched { Ok(()) } else { next(frame) }
            }),
            Op::Filter(inner, condition) => self.run(inner, frame, &mut |frame| {
                if self.check(condition, frame)? == Some(true) { next(frame) } else { Ok(()) }
            }),
            Op::Union(first, second) => {
                self.run(first, frame, next)?;
                self.run(second, frame, next)
            }
            Op::Values(slots, rows) => values(slots, rows, frame, next),
            Op::Assign(inner, slot, source) => self.run(inner, frame, &mut |frame| {
                let value = source.id(frame);
                let before = std::mem::replace(&mut frame[*slot], value);
                let flow = next(frame);
                frame[*slot] = before;
                flow
            }),
        }
    }

    fn scan(
        &self,
        parts: &[Source; 4],
        frame: &mut [TermId],
        next: &mut dyn FnMut(&mut [TermId]) -> Flow,
    ) -> Flow {
        let [subject, predicate, object, graph] = parts.map(|part| part.id(frame));
        let pattern = QuadPattern { subject, predicate, object, graph };
        let fixed = [subject, predicate, object, graph].map(|id| id != TermId::ANY);
        for quad in self.reader.quads(pattern) {
            let found = [quad.subject, quad.predicate, quad.object, quad.graph];
            let mut flow = Ok(());
            let mut done = 0;
            for (position, id) in found.into_iter().enumerate() {
                if let (false, Source::Slot(slot)) = (fixed[position], parts[position]) {
                    // The same variable may stand in two positions.
                    if frame[slot] != TermId::ANY && frame[slot] != id {
                        flow = Err(());
                        break;
                    }
                    frame[slot] = id;
                }
                done = position + 1;
            }
            let result = if flow.is_ok() { next(frame) } else { Ok(()) };
            for position in 0..done {
                if let (false, Source::Slot(slot)) = (fixed[position], parts[position]) {
                    frame[slot] = TermId::ANY;
                }
            }
            result?;
        }
        Ok(())
    }

    /// What a filter says; `None` is an error, which filters take for no.
    fn check(&self, condition: &Condition, frame: &mut [TermId]) -> Result<Option<bool>, Stop> {
        Ok(match condition {
            Condition::Constant(value) => Some(*value),
            Condition::Bound(slot) => Some(frame[*slot] != TermId::ANY),
            Condition::SameTerm(left, right) => both(*left, *right, frame).map(|(l, r)| l == r),
            Condition::Equal(left, right) => match both(*left, *right, frame) {
                Some((left, right)) => Some(self.equal(left, right)?),
                None => None,
            },
            Condition::Kind(source, kind) => match source.id(frame) {
                TermId::ANY => None,
                id => Some(kind_of(self.term(id)?) == *kind),
            },
            Condition::Text(test, left, right) => self.test(*test, left, right, frame)?,
            Condition::And(left, right) => match self.check(left, frame)? {
                Some(false) => Some(false),
                left => match (left, self.check(right, frame)?) {
                    (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                },
            },
            Condition::Or(left, right) => match self.check(left, frame)? {
                Some(true) => Some(true),
                left => match (left, self.check(right, frame)?) {
                    (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                },
            },
            Condition::Not(inner) => self.check(inner, frame)?.map(|value| !value),
            Condition::Exists(body) => Some(self.exists(body, frame)?),
        })
    }

    fn exists(&self, body: &Op, frame: &mut [TermId]) -> Result<bool, Stop> {
        match self.run(body, frame, &mut |_| Err(Stop::Enough)) {
            Ok(()) => Ok(false),
            Err(Stop::Enough) => Ok(true),
            Err(Stop::Declined) => Err(Stop::Declined),
        }
    }

    /// SPARQL's `=`, as far as it needs no literal's value.
    fn equal(&self, left: TermId, right: TermId) -> Result<bool, Stop> {
        let is_plain = |term| match term {
            TermRef::Iri(_) | TermRef::Blank(_) => true,
            TermRef::Literal { language, .. } => language.is_some(),
        };
        let is_string = |term| matches!(term, TermRef::Literal { datatype: XSD_STRING, .. });
        let (first, second) = (self.term(left)?, self.term(right)?);
        if is_plain(first) || is_plain(second) || (is_string(first) && is_string(second)) {
            return Ok(left == right);
        }
        Err(Stop::Declined)
    }

    fn test(
        &self,
        test: TextTest,
        left: &Text,
        right: &Text,
        frame: &[TermId],
    ) -> Result<Option<bool>, Stop> {
        let (Some(left), Some(right)) = (self.text(left, frame)?, self.text(right, frame)?) else {
            return Ok(None);
        };
        Ok(Some(match test {
            TextTest::Equal => left == right,
            TextTest::Starts => left.starts_with(right),
            TextTest::Ends => left.ends_with(right),
            TextTest::Contains => left.contains(right),
            TextTest::LanguageMatches => language_matches(left, right),
        }))
    }

    fn text<'t>(&'t self, text: &'t Text, frame: &[TermId]) -> Result<Option<&'t str>, Stop> {
        let source = match text {
            Text::Constant(text) => return Ok(Some(text)),
            Text::Str(source) | Text::Language(source) => *source,
        };
        let id = source.id(frame);
        if id == TermId::ANY {
            return Ok(None);
        }
        let term = self.term(id)?;
        Ok(match (text, term) {
            (Text::Language(_), TermRef::Literal { language, .. }) => {
                Some(language.unwrap_or_default())
            }
            (Text::Language(_), _) | (_, TermRef::Blank(_)) => None,
            (_, TermRef::Iri(iri)) => Some(iri),
            (_, TermRef::Literal { value, datatype, language }) => {
                // Other datatypes have a canonical spelling, which the library knows.
                if language.is_none() && datatype != XSD_STRING {
                    return Err(Stop::Declined);
                }
                Some(value)
            }
        })
    }

    fn term(&self, id: TermId) -> Result<TermRef<'_>, Stop> {
        if let Some(term) = self.reader.term(id) {
            return Ok(term);
        }
        let mut made = self.bindings.iter().chain(&self.program.constants);
        let value = made.find(|value| value.id() == id).ok_or(Stop::Declined)?;
        value.term(self.reader).ok_or(Stop::Declined)
    }
}

fn both(left: Source, right: Source, frame: &[TermId]) -> Option<(TermId, TermId)> {
    let (left, right) = (left.id(frame), right.id(frame));
    (left != TermId::ANY && right != TermId::ANY).then_some((left, right))
}

fn kind_of(term: TermRef<'_>) -> Kind {
    match term {
        TermRef::Iri(_) => Kind::Iri,
        TermRef::Blank(_) => Kind::Blank,
        TermRef::Literal { .. } => Kind::Literal,
    }
}

fn values(
    slots: &[usize],
    rows: &[smallvec::SmallVec<[TermId; 4]>],
    frame: &mut [TermId],
    next: &mut dyn FnMut(&mut [TermId]) -> Flow,
) -> Flow {
    for row in rows {
        let fits = |(slot, id): (&usize, &TermId)| {
            *id == TermId::ANY || frame[*slot] == TermId::ANY || frame[*slot] == *id
        };
        if !slots.iter().zip(row).all(fits) {
            continue;
        }
        let before: Frame = slots.iter().map(|slot| frame[*slot]).collect();
        for (slot, id) in slots.iter().zip(row) {
            if *id != TermId::ANY {
                frame[*slot] = *id;
            }
        }
        let flow = next(frame);
        for (slot, id) in slots.iter().zip(before) {
            frame[*slot] = id;
        }
        flow?;
    }
    Ok(())
}
