//! Names for blank nodes that depend on what is said about them, and on nothing else.
//!
//! Blank nodes that occur in one statement hang together; such a connected component
//! is named as a whole. Its name is the digest of a canonical form, so the labels in
//! the file, the order of its statements, its prefixes and its notation don't matter,
//! and a change to one component leaves the names in all others alone.

use std::fmt;

use bytemuck::{Pod, Zeroable};
use evergen_delta::{EncodedQuad, TermId, TermRef};
use serde::{Deserialize, Serialize};

pub(crate) use self::form::{Canonical, CanonicalRefusalKind, canonicalize};
use crate::{TermCollision, TermTable};

mod form;
mod graph;
mod partition;
mod search;
#[cfg(test)]
mod tests;

/// A place in a statement: a term, or a blank node by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Slot {
    /// A term with a name of its own.
    Term(TermId),
    /// A blank node.
    Node(u32),
}

/// A statement with at least one blank node: subject, predicate, object, graph.
pub(crate) type Template = [Slot; 4];

/// The content hash of a [`Component`]'s canonical form.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable, Serialize, Deserialize,
)]
#[serde(transparent)]
#[repr(transparent)]
pub struct ComponentDigest([u8; 16]);

impl ComponentDigest {
    /// The digest's bytes.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The component to which the blank node with a canonical label belongs.
    pub fn from_label(label: &str) -> Option<Self> {
        let digits = label.strip_prefix('c')?.get(..32)?;
        let mut bytes = [0; 16];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The digest that [`to_bytes`](Self::to_bytes) gave.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

/// Writes 32 hexadecimal digits.
impl fmt::Display for ComponentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Blank nodes that hang together, and all statements about them, in canonical form.
///
/// Two components are equal if and only if they differ by nothing but the labels
/// of their nodes (and only then have equal digests).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    digest: ComponentDigest,
    nodes: u32,
    quads: Box<[Template]>,
}

const TAG_TERM: u8 = 0;
const TAG_NODE: u8 = 1;

impl Component {
    /// The component of `nodes` canonically numbered nodes.
    pub(crate) fn new(nodes: u32, mut quads: Vec<Template>) -> Self {
        quads.sort_unstable();
        quads.dedup();
        let mut component =
            Self { digest: ComponentDigest([0; 16]), nodes, quads: quads.into_boxed_slice() };
        let mut bytes = Vec::with_capacity(8 + component.quads.len() * 36);
        component.encode_form(&mut bytes);
        component.digest.0.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..16]);
        component
    }

    /// The hash of the canonical form; the same on every machine.
    pub fn digest(&self) -> ComponentDigest {
        self.digest
    }

    /// How many blank nodes the component has.
    pub fn nodes(&self) -> u32 {
        self.nodes
    }

    /// How many statements the component has.
    pub fn len(&self) -> usize {
        self.quads.len()
    }

    /// Whether the component has no statement; none that came from a file is so.
    pub fn is_empty(&self) -> bool {
        self.quads.is_empty()
    }

    /// The statements, with the nodes by their numbers.
    pub(crate) fn templates(&self) -> &[Template] {
        &self.quads
    }

    /// The ids of all terms but the blank nodes.
    pub fn ground_terms(&self) -> impl Iterator<Item = TermId> + '_ {
        self.quads.iter().flatten().filter_map(|slot| match slot {
            Slot::Term(id) => Some(*id),
            Slot::Node(_) => None,
        })
    }

    /// The label of a node: `c<digest>n<index>`, and `o<ordinal>` behind it for further copies.
    pub fn label(&self, index: u32, ordinal: u32) -> String {
        match ordinal {
            0 => format!("c{}n{index}", self.digest),
            _ => format!("c{}n{index}o{ordinal}", self.digest),
        }
    }

    /// The statements of the copy with number `ordinal`; the labels of its nodes go into `terms`.
    ///
    /// # Errors
    /// A label has the id of another term.
    pub fn instantiate(
        &self,
        ordinal: u32,
        terms: &mut TermTable,
    ) -> Result<Vec<EncodedQuad>, TermCollision> {
        let nodes = (0..self.nodes)
            .map(|index| terms.intern(TermRef::Blank(&self.label(index, ordinal))))
            .collect::<Result<Vec<TermId>, TermCollision>>()?;
        Ok(self.quads.iter().map(|template| fill(template, &nodes)).collect())
    }

    /// Appends the component as bytes that [`decode`](Self::decode) understands.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.digest.0);
        self.encode_form(bytes);
    }

    fn encode_form(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.nodes.to_le_bytes());
        // Limits keep a component far below four thousand million statements.
        let length = u32::try_from(self.quads.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        for slot in self.quads.iter().flatten() {
            match slot {
                Slot::Term(id) => {
                    bytes.push(TAG_TERM);
                    bytes.extend_from_slice(&id.to_raw().to_le_bytes());
                }
                Slot::Node(index) => {
                    bytes.push(TAG_NODE);
                    bytes.extend_from_slice(&index.to_le_bytes());
                }
            }
        }
    }

    /// Takes a component from the front of `bytes`; `None` if there is none.
    ///
    /// The digest is believed: guard the bytes by a checksum.
    pub fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let digest = ComponentDigest(take(bytes)?);
        let nodes = u32::from_le_bytes(take(bytes)?);
        let length = u32::from_le_bytes(take(bytes)?) as usize;
        // A statement takes 20 bytes or more, so that a wrong length can't ask for much.
        let mut quads = Vec::with_capacity(length.min(bytes.len() / 20));
        for _ in 0..length {
            let mut quad = [Slot::Node(0); 4];
            for slot in &mut quad {
                *slot = decode_slot(bytes, nodes)?;
            }
            quads.push(quad);
        }
        Some(Self { digest, nodes, quads: quads.into_boxed_slice() })
    }
}

/// The statement with `nodes` in the places of the blank nodes.
pub(crate) fn fill(template: &Template, nodes: &[TermId]) -> EncodedQuad {
    let [subject, predicate, object, graph] = template.map(|slot| match slot {
        Slot::Term(id) => id,
        Slot::Node(index) => nodes[index as usize],
    });
    EncodedQuad { subject, predicate, object, graph }
}

fn decode_slot(bytes: &mut &[u8], nodes: u32) -> Option<Slot> {
    match take::<1>(bytes)? {
        [TAG_TERM] => Some(Slot::Term(TermId::from_raw(u64::from_le_bytes(take(bytes)?)))),
        [TAG_NODE] => {
            let index = u32::from_le_bytes(take(bytes)?);
            (index < nodes).then_some(Slot::Node(index))
        }
        _ => None,
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}
