//! How much a file may ask of the reader before it is refused.

use serde::{Deserialize, Serialize};

/// Bounds on what a file may hold, so that a hostile one costs no more than an error.
///
/// Every bound has a default that real models don't come near.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes in a file: 4 GiB.
    pub max_file_bytes: u64,
    /// Quads in a file: 200 million.
    pub max_quads_per_file: u64,
    /// Bytes in the text of one literal: 8 MiB.
    pub max_literal_bytes: usize,
    /// Bytes in one IRI: 8 KiB.
    pub max_iri_bytes: usize,
    /// Brackets or XML elements inside each other: 1,000.
    pub max_nesting: usize,
    /// The same for JSON-LD, whose reader needs stack for every level: 128. More than
    /// 256 has no effect.
    pub max_json_nesting: usize,
    /// Bytes that the entities an XML file declares may grow to, all uses together: 64 MiB.
    pub max_entity_bytes: u64,
    /// Blank nodes that hang together: 200,000.
    pub max_blank_component: usize,
    /// Steps spent on telling alike blank nodes of one file apart: 100 million, some seconds.
    pub max_symmetry_steps: u64,
    /// Bytes, about, in a part of a file that is read by itself when another one of the
    /// file changes: 8 KiB; 0 for none. No bound, but it has no influence on what is read.
    pub chunk_bytes: usize,
}

/// What a thread's usual stack carries.
const JSON_NESTING_CAP: usize = 256;

impl Limits {
    /// How deep JSON may really be nested.
    pub(crate) fn json_nesting(&self) -> usize {
        self.max_json_nesting.min(JSON_NESTING_CAP)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 4 << 30,
            max_quads_per_file: 200_000_000,
            max_literal_bytes: 8 << 20,
            max_iri_bytes: 8 << 10,
            max_nesting: 1_000,
            max_json_nesting: 128,
            max_entity_bytes: 64 << 20,
            max_blank_component: 200_000,
            max_symmetry_steps: 100_000_000,
            chunk_bytes: 8 << 10,
        }
    }
}

#[cfg(test)]
mod tests;
