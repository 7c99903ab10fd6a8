use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use crate::{EncodedQuad, TermId};

/// The shape of a read: each position is bound to an id or open ([`TermId::ANY`]).
///
/// An open graph means *any named graph* and leaves the default graph out, as
/// `GRAPH ?g { … }` does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable, Serialize, Deserialize,
)]
#[repr(C)]
pub struct QuadPattern {
    /// The subject, or [`TermId::ANY`].
    pub subject: TermId,
    /// The predicate, or [`TermId::ANY`].
    pub predicate: TermId,
    /// The object, or [`TermId::ANY`].
    pub object: TermId,
    /// The graph, [`TermId::DEFAULT_GRAPH`], or [`TermId::ANY`] for any named graph.
    pub graph: TermId,
}

impl QuadPattern {
    /// A read of the default graph.
    pub fn default_graph(
        subject: Option<TermId>,
        predicate: Option<TermId>,
        object: Option<TermId>,
    ) -> Self {
        Self {
            subject: subject.unwrap_or(TermId::ANY),
            predicate: predicate.unwrap_or(TermId::ANY),
            object: object.unwrap_or(TermId::ANY),
            graph: TermId::DEFAULT_GRAPH,
        }
    }

    /// Whether `quad` is among what this read asks for.
    pub fn matches(&self, quad: &EncodedQuad) -> bool {
        let fits = |wanted: TermId, found: TermId| wanted == TermId::ANY || wanted == found;
        fits(self.subject, quad.subject)
            && fits(self.predicate, quad.predicate)
            && fits(self.object, quad.object)
            && match self.graph {
                TermId::ANY => quad.graph != TermId::DEFAULT_GRAPH,
                graph => graph == quad.graph,
            }
    }

    /// Whether neither subject nor object is bound, so that a whole predicate
    /// (or everything) is read.
    pub fn is_wide(&self) -> bool {
        self.subject == TermId::ANY && self.object == TermId::ANY
    }

    /// The 8 bytes by which an index knows this pattern.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(XxHash3_64::oneshot(bytemuck::bytes_of(self)))
    }
}

/// A 64-bit hash of a [`QuadPattern`]. Two patterns with one fingerprint make an
/// index answer *affected* once too often, never once too seldom.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable, Serialize, Deserialize,
)]
#[repr(transparent)]
#[serde(transparent)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint as a number, for storing.
    pub const fn to_raw(self) -> u64 {
        self.0
    }

    /// The fingerprint that [`to_raw`](Self::to_raw) gave.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}
