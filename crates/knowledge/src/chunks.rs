//! What the parts of a file said, so that only those that changed need be read again.
//!
//! A file is taken as a sequence of chunks. Each begins and ends between two statements,
//! so what it says depends on its own text and on the prefixes and base before it, and on
//! nothing else, unless it labels blank nodes: a label means one node in the whole file.
//! What all chunks with labels say of blank nodes is therefore known as one group.

use bytes::Bytes;
use evergen_delta::EncodedQuad;
use serde::{Deserialize, Serialize};

pub use self::table::StoredChunks;
pub(crate) use self::table::{ChunkTable, ParsedChunks, Rules};
use crate::ComponentDigest;

mod table;

/// The content hash of some text.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub(crate) struct TextDigest(u128);

impl TextDigest {
    pub(crate) fn of(text: &[u8]) -> Self {
        Self::finish(&blake3::hash(text))
    }

    /// The digest of what has several parts, where `parts` tells how they are divided.
    fn of_parts<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self::finish(&hasher.finalize())
    }

    fn finish(hash: &blake3::Hash) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_bytes()[..16]);
        Self(u128::from_le_bytes(bytes))
    }
}

/// What the statements of a chunk depend on besides its own text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) base: Option<String>,
    /// Sorted.
    pub(crate) prefixes: Vec<(String, String)>,
}

impl Header {
    pub(crate) fn digest(&self) -> TextDigest {
        let base = self.base.as_ref().map_or(&b""[..], String::as_bytes);
        let has_base = [u8::from(self.base.is_some())];
        let prefixes = self.prefixes.iter().flat_map(|(name, iri)| [name, iri]);
        let parts = [&has_base[..], base].into_iter().chain(prefixes.map(String::as_bytes));
        TextDigest::of_parts(parts)
    }
}

/// Some text of a file between two statements, and what there is to know of it besides its
/// statements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chunk {
    /// The header that it was read with.
    pub(crate) before: TextDigest,
    /// The header behind it.
    pub(crate) after: TextDigest,
    /// The pieces of text that it is made of.
    pub(crate) pieces: Vec<TextDigest>,
    /// How many statements it has, repetitions included.
    pub(crate) statements: u64,
    /// Whether it may label blank nodes; what it says of them is then part of the group.
    pub(crate) is_labelled: bool,
    /// What it says of blank nodes otherwise.
    pub(crate) nodes: Nodes,
}

/// Components of blank nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Nodes {
    /// Sorted; copies are there as often as the text has them.
    pub(crate) components: Vec<ComponentDigest>,
    /// Steps that it took to tell alike nodes apart.
    pub(crate) steps: u64,
}

impl Chunk {
    /// By what a chunk is known: its text, and what its meaning depends on.
    pub(crate) fn key(&self) -> TextDigest {
        let before = self.before.0.to_le_bytes();
        let pieces: Vec<[u8; 16]> = self.pieces.iter().map(|piece| piece.0.to_le_bytes()).collect();
        let pieces = pieces.iter().map(<[u8; 16]>::as_slice);
        TextDigest::of_parts(std::iter::once(&before[..]).chain(pieces))
    }
}

/// How what is known of the parts of a source changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChunkChange(pub(crate) Change);

/// How the chunks of a source changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    /// Not at all.
    #[default]
    None,
    /// They are no longer known.
    Forget,
    /// Some went and some came.
    Update(Box<ChunkUpdate>),
}

/// Chunks that went and came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChunkUpdate {
    /// Where nothing that was known before counts any more: how all chunks are read.
    pub(crate) anew: Option<Rules>,
    /// By how many copies there are fewer of a chunk.
    pub(crate) gone: Vec<(TextDigest, u32)>,
    pub(crate) come: Vec<ComingChunk>,
    /// Headers that were not known.
    pub(crate) headers: Vec<Header>,
    /// What the chunks with labels say of blank nodes, if that is new.
    pub(crate) group: Option<Nodes>,
}

/// A chunk of which there are more copies than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ComingChunk {
    pub(crate) chunk: Chunk,
    pub(crate) copies: u32,
    /// What it says without blank nodes; nothing for a chunk that is known already.
    pub(crate) quads: Vec<EncodedQuad>,
}

/// The chunks of a source as they are written to a file.
#[derive(Clone, Debug, Default)]
pub struct ChunkSections {
    /// What is known of each chunk, for a serializer.
    pub table: StoredChunks,
    /// A column of 32-bit positions in the source's column of quads.
    pub members: Bytes,
}
