//! Statements as the readers give them, turned into ids.

use std::ops::ControlFlow;

use evergen_delta::{EncodedQuad, TermId, TermRef};
use oxrdf::{GraphName, LiteralRef, NamedNode, NamedOrBlankNode, Quad, Term};
use rustc_hash::FxHashMap;

use super::SyntaxErrorKind;
use super::reader::Sink;
use crate::canonical::{Slot, Template};
use crate::{Limits, TermCollision, TermTable};

/// Takes in statements: a table of terms, quads of ids, and templates for what
/// has blank nodes.
pub(super) struct Collector<'a> {
    limits: &'a Limits,
    pub(super) terms: TermTable,
    pub(super) ground: Vec<EncodedQuad>,
    pub(super) blank: Vec<Template>,
    /// For each statement with blank nodes the how-manieth of the file it is.
    pub(super) blank_numbers: Vec<u64>,
    /// The blank nodes by their labels in the file.
    pub(super) labels: FxHashMap<Box<str>, u32>,
    pub(super) statements: u64,
    /// Why the last statement was not taken in.
    pub(super) refusal: Option<SyntaxErrorKind>,
    /// Most statements have the subject of the one before.
    subject: Option<(NamedOrBlankNode, Slot)>,
    predicate: Option<(NamedNode, TermId)>,
}

/// Statements of common models are shorter than this, and each brings about one term.
const BYTES_PER_STATEMENT: usize = 64;

impl<'a> Collector<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            terms: TermTable::new(),
            ground: Vec::new(),
            blank: Vec::new(),
            blank_numbers: Vec::new(),
            labels: FxHashMap::default(),
            statements: 0,
            refusal: None,
            subject: None,
            predicate: None,
        }
    }

    /// Makes room for what so many bytes of text hold at least.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.terms.reserve(bytes / BYTES_PER_STATEMENT);
        self.ground.reserve(bytes / BYTES_PER_STATEMENT);
    }

    pub(super) fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// Sorts what has come in.
    pub(super) fn sort(&mut self) {
        self.ground.sort_unstable();
        self.ground.dedup();
    }

    /// Begins a part of the text that shares no blank nodes with what came before.
    pub(super) fn begin_part(&mut self) {
        self.blank.clear();
        self.blank_numbers.clear();
        self.labels.clear();
        // It may be a node that has no number any more.
        self.subject = None;
    }

    /// Takes a part back that was begun with so many quads and statements.
    pub(super) fn rewind(&mut self, quads: usize, statements: u64) {
        self.ground.truncate(quads);
        self.statements = statements;
        self.begin_part();
    }

    fn check_count(&self) -> Result<(), SyntaxErrorKind> {
        let limit = self.limits.max_quads_per_file;
        if self.statements > limit {
            return Err(SyntaxErrorKind::TooManyQuads { limit });
        }
        Ok(())
    }

    fn take(&mut self, quad: Quad) -> Result<(), SyntaxErrorKind> {
        self.check_count()?;
        let slots = self.encode(quad)?;
        if let [Slot::Term(subject), Slot::Term(predicate), Slot::Term(object), Slot::Term(graph)] =
            slots
        {
            self.ground.push(EncodedQuad { subject, predicate, object, graph });
        } else {
            self.blank.push(slots);
            self.blank_numbers.push(self.statements - 1);
        }
        Ok(())
    }

    /// The statement by ids and numbers of blank nodes.
    pub(super) fn encode(&mut self, quad: Quad) -> Result<Template, SyntaxErrorKind> {
        let subject = match &self.subject {
            Some((known, slot)) if *known == quad.subject => *slot,
            _ => {
                let slot = match &quad.subject {
                    NamedOrBlankNode::NamedNode(node) => Slot::Term(self.iri(node.as_str())?),
                    NamedOrBlankNode::BlankNode(node) => self.blank(node.as_str()),
                };
                self.subject = Some((quad.subject, slot));
                slot
            }
        };
        let predicate = match &self.predicate {
            Some((known, id)) if *known == quad.predicate => *id,
            _ => {
                let id = self.iri(quad.predicate.as_str())?;
                self.predicate = Some((quad.predicate, id));
                id
            }
        };
        let object = match &quad.object {
            Term::NamedNode(node) => Slot::Term(self.iri(node.as_str())?),
            Term::BlankNode(node) => self.blank(node.as_str()),
            Term::Literal(literal) => Slot::Term(self.literal(literal.as_ref())?),
        };
        let graph = match &quad.graph_name {
            GraphName::DefaultGraph => Slot::Term(TermId::DEFAULT_GRAPH),
            GraphName::NamedNode(node) => Slot::Term(self.iri(node.as_str())?),
            GraphName::BlankNode(node) => self.blank(node.as_str()),
        };
        Ok([subject, Slot::Term(predicate), object, graph])
    }

    fn iri(&mut self, iri: &str) -> Result<TermId, SyntaxErrorKind> {
        let limit = self.limits.max_iri_bytes;
        if iri.len() > limit {
            return Err(SyntaxErrorKind::IriTooLong { limit });
        }
        self.terms.intern(TermRef::Iri(iri)).map_err(|collision| refuse(&collision))
    }

    fn blank(&mut self, label: &str) -> Slot {
        if let Some(number) = self.labels.get(label) {
            return Slot::Node(*number);
        }
        let number = node_number(self.labels.len());
        self.labels.insert(label.into(), number);
        Slot::Node(number)
    }

    fn literal(&mut self, literal: LiteralRef<'_>) -> Result<TermId, SyntaxErrorKind> {
        self.literal_of(literal.value(), literal.datatype().as_str(), literal.language())
    }

    fn literal_of(
        &mut self,
        value: &str,
        datatype: &str,
        language: Option<&str>,
    ) -> Result<TermId, SyntaxErrorKind> {
        let limit = self.limits.max_literal_bytes;
        if value.len() > limit {
            return Err(SyntaxErrorKind::LiteralTooLong { limit });
        }
        let lower;
        let language = match language {
            Some(tag) if tag.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                lower = tag.to_ascii_lowercase();
                Some(lower.as_str())
            }
            tag => tag,
        };
        let limit = self.limits.max_iri_bytes;
        if datatype.len() > limit {
            return Err(SyntaxErrorKind::IriTooLong { limit });
        }
        let term = TermRef::Literal { value, datatype, language };
        self.terms.intern(term).map_err(|collision| refuse(&collision))
    }
}

impl Sink for Collector<'_> {
    fn quad(&mut self, quad: Quad, _line: u32) -> ControlFlow<()> {
        self.statements += 1;
        match self.take(quad) {
            Ok(()) => ControlFlow::Continue(()),
            Err(kind) => {
                self.refusal = Some(kind);
                ControlFlow::Break(())
            }
        }
    }

    fn term(&mut self, term: TermRef<'_>) -> Option<TermId> {
        // What is refused here comes again, and is refused with a reason then.
        match term {
            TermRef::Iri(iri) => self.iri(iri).ok(),
            TermRef::Literal { value, datatype, language } => {
                self.literal_of(value, datatype, language).ok()
            }
            TermRef::Blank(_) => None,
        }
    }

    fn triples(&mut self, triples: &[[TermId; 3]]) -> bool {
        let count = self.statements + triples.len() as u64;
        if count > self.limits.max_quads_per_file {
            return false;
        }
        self.statements = count;
        let graph = TermId::DEFAULT_GRAPH;
        self.ground.extend(triples.iter().map(|[subject, predicate, object]| EncodedQuad {
            subject: *subject,
            predicate: *predicate,
            object: *object,
            graph,
        }));
        true
    }
}

fn refuse(collision: &TermCollision) -> SyntaxErrorKind {
    SyntaxErrorKind::TermCollision {
        terms: format!("{} and {}", collision.known, collision.refused),
    }
}

/// Limits on statements keep the number of blank nodes in 32 bits.
fn node_number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
