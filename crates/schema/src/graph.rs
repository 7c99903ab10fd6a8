//! Reading by pattern, as narrowly as an answer allows.

use std::sync::Arc;

use evergen_delta::{EncodedQuad, QuadPattern, TermId, TermRef};
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use crate::schema::about;
use crate::vocabulary::v;
use crate::{Schema, Text, Value};

/// A few terms.
pub(crate) type Ids = SmallVec<[TermId; 4]>;
/// All that is said of one subject: predicates with their objects.
pub(crate) type Star = Arc<[(TermId, TermId)]>;

/// The members of an `rdf:List`, as far as they could be read.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) members: Vec<TermId>,
    /// The cell at which the list breaks or returns to itself.
    pub(crate) broken_at: Option<TermId>,
}

impl Schema<'_> {
    /// The objects of a subject's predicate.
    pub(crate) fn objects(&self, subject: TermId, predicate: TermId) -> Ids {
        let pattern = QuadPattern::default_graph(Some(subject), Some(predicate), None);
        if let Some(star) = self.memo.stars.borrow().get(&subject) {
            self.reader.reads_again(pattern);
            return in_star(star, predicate).collect();
        }
        self.reader.quads(pattern).map(|quad| quad.object).collect()
    }

    /// The subjects that have an object as the predicate's value.
    pub(crate) fn subjects(&self, predicate: TermId, object: TermId) -> Ids {
        let pattern = QuadPattern::default_graph(None, Some(predicate), Some(object));
        self.reader.quads(pattern).map(|quad| quad.subject).collect()
    }

    /// All statements of a predicate: the one wide read, for lists of everything.
    pub(crate) fn statements(&self, predicate: TermId) -> Vec<EncodedQuad> {
        self.reader.quads(QuadPattern::default_graph(None, Some(predicate), None)).collect()
    }

    /// Whether a statement is made.
    pub(crate) fn says(&self, subject: TermId, predicate: TermId, object: TermId) -> bool {
        let pattern = QuadPattern::default_graph(Some(subject), Some(predicate), Some(object));
        if let Some(star) = self.memo.stars.borrow().get(&subject) {
            self.reader.reads_again(pattern);
            return star.contains(&(predicate, object));
        }
        self.reader.quads(pattern).next().is_some()
    }

    /// All that is said of a subject, in one read. Only for what is shown, and for blank
    /// nodes: any statement that comes to the subject counts as a change of what was read.
    pub(crate) fn star(&self, subject: TermId) -> Star {
        let pattern = QuadPattern::default_graph(Some(subject), None, None);
        if let Some(star) = self.memo.stars.borrow().get(&subject) {
            self.reader.reads_again(pattern);
            return Arc::clone(star);
        }
        let star: Star =
            self.reader.quads(pattern).map(|quad| (quad.predicate, quad.object)).collect();
        self.memo.stars.borrow_mut().insert(subject, Arc::clone(&star));
        star
    }

    /// Counts as read that no statement has a term as its subject or object.
    pub(crate) fn reads_nothing_of(&self, term: TermId) {
        for (subject, object) in [(Some(term), None), (None, Some(term))] {
            drop(self.reader.quads(QuadPattern::default_graph(subject, None, object)));
        }
    }

    /// The members of a list. A list without an end ends where it repeats itself.
    pub(crate) fn list(&self, head: TermId) -> Arc<List> {
        self.remembered(&self.memo.lists, about("list", head), || self.find_list(head).into())
    }

    fn find_list(&self, head: TermId) -> List {
        let mut list = List { members: Vec::new(), broken_at: None };
        let mut seen = FxHashSet::default();
        let mut cell = head;
        while cell != v().rdf_nil {
            let star = self.star(cell);
            let mut values = in_star(&star, v().rdf_first);
            let mut rests = in_star(&star, v().rdf_rest);
            let (Some(value), Some(rest)) = (values.next(), rests.next()) else {
                list.broken_at = Some(cell);
                break;
            };
            if !seen.insert(cell) {
                list.broken_at = Some(cell);
                break;
            }
            list.members.push(value);
            if values.next().is_some() || rests.next().is_some() {
                list.broken_at = Some(cell);
                break;
            }
            cell = rest;
        }
        list
    }

    /// What has a list with a term among its members as the value of one of the predicates.
    pub(crate) fn wholes(&self, member: TermId, predicates: &[TermId]) -> Ids {
        let cells = self.subjects(v().rdf_first, member);
        let mut heads: Ids = cells.into_iter().filter_map(|cell| self.head(cell)).collect();
        heads.sort_unstable();
        heads.dedup();
        let mut found = Ids::new();
        for head in heads {
            let wholes = predicates.iter().flat_map(|predicate| self.subjects(*predicate, head));
            let wholes: Ids = wholes.collect();
            // A broken list may end before it comes to the member.
            if !wholes.is_empty() && self.list(head).members.contains(&member) {
                found.extend(wholes);
            }
        }
        found
    }

    /// The first cell of the list to which a cell belongs; none for a list without a begin.
    fn head(&self, cell: TermId) -> Option<TermId> {
        let mut walked = Vec::new();
        let mut seen = FxHashSet::default();
        let mut at = cell;
        let head = loop {
            let fact = about("head", at);
            if let Some(known) = self.memo.heads.borrow().get(&fact) {
                self.reader.uses_fact(fact);
                break *known;
            }
            if !seen.insert(at) {
                break None;
            }
            walked.push(at);
            match self.subjects(v().rdf_rest, at).first() {
                Some(previous) => at = *previous,
                None => break Some(at),
            }
        };
        self.remember_heads(&walked, at, head);
        head
    }

    /// Remembers the first cell of a list for cells on the way to it, up to `end`: each is a
    /// fact that follows from the one before.
    fn remember_heads(&self, walked: &[TermId], end: TermId, head: Option<TermId>) {
        let mut before = end;
        for cell in walked.iter().rev().copied() {
            let fact = about("head", cell);
            self.reader.open_fact(fact);
            let pattern = QuadPattern::default_graph(None, Some(v().rdf_rest), Some(cell));
            self.reader.reads_again(pattern);
            if before != cell {
                self.reader.uses_fact(about("head", before));
            }
            self.reader.close_fact();
            self.memo.heads.borrow_mut().insert(fact, head);
            before = cell;
        }
    }

    /// What a term says.
    pub(crate) fn term(&self, id: TermId) -> Option<TermRef<'_>> {
        self.reader.term(id)
    }

    /// Whether a term is an IRI.
    pub(crate) fn is_iri(&self, id: TermId) -> bool {
        matches!(self.term(id), Some(TermRef::Iri(_)))
    }

    /// Whether a term is a blank node.
    pub(crate) fn is_blank(&self, id: TermId) -> bool {
        matches!(self.term(id), Some(TermRef::Blank(_)))
    }

    /// A term's text, shared among all that show it.
    pub(crate) fn text(&self, id: TermId) -> Text {
        if let Some(text) = self.memo.iris.borrow().get(&id) {
            return text.clone();
        }
        // What nothing is said of yet may be said something of later.
        let Some(term) = self.term(id) else { return Text::default() };
        let text = Text::from(term.text());
        self.memo.iris.borrow_mut().insert(id, text.clone());
        text
    }

    /// A term as a value; none for a blank node, which can't be named.
    pub(crate) fn value(&self, id: TermId) -> Option<Value> {
        match self.term(id)? {
            TermRef::Iri(_) => Some(Value::Iri { iri: self.text(id) }),
            TermRef::Blank(_) => None,
            TermRef::Literal { value, datatype, language } => Some(Value::Literal {
                value: value.into(),
                datatype: datatype.into(),
                language: language.map(Text::from),
            }),
        }
    }

    /// A count that a term says; what is negative or no number is none.
    pub(crate) fn count(&self, id: TermId) -> Option<u32> {
        let TermRef::Literal { value, .. } = self.term(id)? else { return None };
        let digits = value.trim().strip_prefix('+').unwrap_or(value.trim());
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // More than fits is as good as the most that fits.
        Some(digits.parse().unwrap_or(u32::MAX))
    }

    /// Whether a term is the literal `true`.
    pub(crate) fn is_true(&self, id: TermId) -> bool {
        matches!(self.term(id), Some(TermRef::Literal { value: "true" | "1", .. }))
    }

    /// Terms in the order of their content, each once.
    pub(crate) fn sort(&self, ids: &mut Vec<TermId>) {
        ids.sort_unstable_by(|one, other| self.compare(*one, *other));
        ids.dedup();
    }

    /// The order of two terms by content.
    pub(crate) fn compare(&self, one: TermId, other: TermId) -> std::cmp::Ordering {
        self.term(one).cmp(&self.term(other)).then(one.cmp(&other))
    }
}

/// The objects of a predicate among all that is said of a subject.
pub(crate) fn in_star(
    star: &[(TermId, TermId)],
    predicate: TermId,
) -> impl Iterator<Item = TermId> {
    star.iter().filter(move |(known, _)| *known == predicate).map(|(_, object)| *object)
}

/// A statement of the default graph.
pub(crate) fn statement(subject: TermId, predicate: TermId, object: TermId) -> EncodedQuad {
    EncodedQuad::new(subject, predicate, object, TermId::DEFAULT_GRAPH)
}
