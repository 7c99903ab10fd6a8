use std::fmt;

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

use crate::{QuadPattern, Term, TermId};

/// One statement, with its terms spelled out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Quad {
    /// What is spoken of: an IRI or a blank node.
    pub subject: Term,
    /// The property: an IRI.
    pub predicate: Term,
    /// The value.
    pub object: Term,
    /// The named graph, or `None` for the default graph.
    #[serde(default)]
    pub graph: Option<Term>,
}

impl Quad {
    /// The same statement by the ids of its terms.
    pub fn encode(&self) -> EncodedQuad {
        EncodedQuad::new(
            self.subject.id(),
            self.predicate.id(),
            self.object.id(),
            self.graph.as_ref().map_or(TermId::DEFAULT_GRAPH, Term::id),
        )
    }
}

/// Writes the statement as N-Quads does, without the final dot.
impl fmt::Display for Quad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.subject, self.predicate, self.object)?;
        match &self.graph {
            Some(graph) => write!(f, " {graph}"),
            None => Ok(()),
        }
    }
}

/// One statement, by the ids of its terms: 32 bytes, ordered by subject,
/// predicate, object and graph.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable, Serialize, Deserialize,
)]
#[repr(C)]
pub struct EncodedQuad {
    /// The subject's id.
    pub subject: TermId,
    /// The predicate's id.
    pub predicate: TermId,
    /// The object's id.
    pub object: TermId,
    /// The graph's id, or [`TermId::DEFAULT_GRAPH`].
    pub graph: TermId,
}

impl EncodedQuad {
    /// A quad of four ids.
    pub const fn new(subject: TermId, predicate: TermId, object: TermId, graph: TermId) -> Self {
        Self { subject, predicate, object, graph }
    }

    /// Every pattern that matches this quad: 8 for the default graph, 16 for a named one.
    pub fn probes(self) -> impl Iterator<Item = QuadPattern> {
        let graphs = if self.graph == TermId::DEFAULT_GRAPH { 8 } else { 16 };
        (0_u8..graphs).map(move |open| {
            let pick = |bit: u8, id| if open & bit == 0 { id } else { TermId::ANY };
            QuadPattern {
                subject: pick(1, self.subject),
                predicate: pick(2, self.predicate),
                object: pick(4, self.object),
                graph: pick(8, self.graph),
            }
        })
    }
}
