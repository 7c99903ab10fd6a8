//! What a source says without blank nodes.

use std::collections::BTreeSet;

use bytes::Bytes;
use evergen_delta::EncodedQuad;

use super::SourceIncrement;

/// A sorted column of quads, and what came and went since it was made.
#[derive(Clone, Debug, Default)]
pub(super) struct GroundQuads {
    pub(super) column: Bytes,
    inserted: BTreeSet<EncodedQuad>,
    removed: BTreeSet<EncodedQuad>,
}

/// Lends a vector of quads to [`Bytes`].
struct QuadColumn(Vec<EncodedQuad>);

impl AsRef<[u8]> for QuadColumn {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

impl GroundQuads {
    pub(super) fn new(sorted: Vec<EncodedQuad>) -> Self {
        Self::of_column(Bytes::from_owner(QuadColumn(sorted)))
    }

    /// The quads of a sorted column.
    pub(super) fn of_column(column: Bytes) -> Self {
        Self { column, ..Self::default() }
    }

    fn column(&self) -> &[EncodedQuad] {
        bytemuck::try_cast_slice(&self.column).unwrap_or_default()
    }

    pub(super) fn contains(&self, quad: &EncodedQuad) -> bool {
        self.inserted.contains(quad)
            || (self.column().binary_search(quad).is_ok() && !self.removed.contains(quad))
    }

    /// The quads in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = EncodedQuad> {
        let mut kept = self.column().iter().filter(|quad| !self.removed.contains(*quad)).peekable();
        let mut inserted = self.inserted.iter().peekable();
        std::iter::from_fn(move || match (kept.peek(), inserted.peek()) {
            (Some(left), Some(right)) if right < left => inserted.next().copied(),
            (None, _) => inserted.next().copied(),
            _ => kept.next().copied(),
        })
    }

    pub(super) fn diff(&self, wanted: &[EncodedQuad], increment: &mut SourceIncrement) {
        let mut wanted = wanted.iter().copied().peekable();
        for quad in self.iter() {
            while let Some(new) = wanted.next_if(|new| *new < quad) {
                increment.inserted.push(new);
            }
            if wanted.next_if(|new| *new == quad).is_none() {
                increment.removed.push(quad);
            }
        }
        increment.inserted.extend(wanted);
    }

    pub(super) fn apply(&mut self, increment: &SourceIncrement) {
        for quad in &increment.removed {
            if !self.inserted.remove(quad) {
                self.removed.insert(*quad);
            }
        }
        for quad in &increment.inserted {
            if !self.removed.remove(quad) {
                self.inserted.insert(*quad);
            }
        }
        if self.inserted.len() + self.removed.len() > (self.column().len() / 8).max(1 << 14) {
            *self = Self { column: self.compacted(), ..Self::default() };
        }
    }

    pub(super) fn compacted(&self) -> Bytes {
        if self.inserted.is_empty() && self.removed.is_empty() {
            return self.column.clone();
        }
        Bytes::from_owner(QuadColumn(self.iter().collect()))
    }
}
