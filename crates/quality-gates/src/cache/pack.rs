//! The answers of one gate, in one file.
//!
//! `EVGATES1`, then for each answer its key (32 bytes), the length of its value (4 bytes, little
//! end first) and the value; at the end the digest of all before it. A value is a tag, then for
//! a file that passed its lines (8 bytes), else an outcome as JSON.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write as _};
use std::path::Path;

use evergen_artifact::Digest;

use crate::Outcome;

const MAGIC: &[u8; 8] = b"EVGATES1";
const DIGEST: usize = 32;

/// How many answers of one gate are kept, and in how many bytes.
const ENTRIES: usize = 1 << 16;
const BYTES: usize = 32 << 20;

/// What is kept under one key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kept {
    /// One file passed, and has so many lines; 0 where nobody counted. The bits of `by` say who
    /// looked, by the order of the gate's lookers.
    File { lines: u64, by: u64 },
    /// A whole answer.
    Outcome(Box<Outcome>),
}

impl Kept {
    fn encode(&self) -> Option<Vec<u8>> {
        match self {
            Self::File { lines, by } => {
                Some([&[0][..], &lines.to_le_bytes(), &by.to_le_bytes()].concat())
            }
            Self::Outcome(outcome) => {
                let text = serde_json::to_vec(outcome).ok()?;
                Some([&[1][..], &text].concat())
            }
        }
    }

    fn decode(value: &[u8]) -> Option<Self> {
        match value.split_first()? {
            (0, numbers) => {
                let (lines, by) = numbers.split_at_checked(size_of::<u64>())?;
                let number = |bytes: &[u8]| Some(u64::from_le_bytes(bytes.try_into().ok()?));
                Some(Self::File { lines: number(lines)?, by: number(by)? })
            }
            (1, text) => Some(Self::Outcome(Box::new(serde_json::from_slice(text).ok()?))),
            _ => None,
        }
    }
}

/// The answers of one gate, in memory.
#[derive(Debug, Default)]
pub(super) struct Pack {
    entries: HashMap<Digest, Box<[u8]>>,
    used: HashSet<Digest>,
}

impl Pack {
    /// What the file holds; nothing if it is not there or not whole.
    pub(super) fn load(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_default();
        let entries = parse(&bytes).unwrap_or_default();
        Self { entries, used: HashSet::new() }
    }

    pub(super) fn get(&mut self, key: Digest) -> Option<Kept> {
        let kept = Kept::decode(self.entries.get(&key)?)?;
        self.used.insert(key);
        Some(kept)
    }

    pub(super) fn put(&mut self, key: Digest, kept: &Kept) {
        let Some(value) = kept.encode().filter(|value| value.len() < BYTES / 4) else { return };
        self.entries.insert(key, value.into());
        self.used.insert(key);
    }

    /// Writes the file anew, within the limits.
    pub(super) fn save(&mut self, path: &Path) -> io::Result<()> {
        self.shrink();
        let size: usize = self.entries.values().map(|value| value.len() + DIGEST + 4).sum();
        let mut bytes = Vec::with_capacity(MAGIC.len() + size + DIGEST);
        bytes.extend_from_slice(MAGIC);
        for (key, value) in &self.entries {
            // Values are bounded far below this.
            let length = u32::try_from(value.len()).unwrap_or_default();
            bytes.extend_from_slice(key.as_bytes());
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(value);
        }
        let seal = blake3::hash(&bytes);
        bytes.extend_from_slice(seal.as_bytes());
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&bytes)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Drops what was not used, then anything, until the rest is small enough.
    fn shrink(&mut self) {
        let weigh = |pack: &Self| {
            (pack.entries.len(), pack.entries.values().map(|value| value.len()).sum::<usize>())
        };
        let (mut count, mut bytes) = weigh(self);
        let fits = |count: usize, bytes: usize| count <= ENTRIES && bytes <= BYTES;
        if fits(count, bytes) {
            return;
        }
        let mut keys: Vec<Digest> = self.entries.keys().copied().collect();
        keys.sort_by_key(|key| self.used.contains(key));
        for key in keys {
            if fits(count, bytes) {
                break;
            }
            if let Some(value) = self.entries.remove(&key) {
                (count, bytes) = (count - 1, bytes - value.len());
            }
        }
        self.used.retain(|key| self.entries.contains_key(key));
    }
}

fn parse(bytes: &[u8]) -> Option<HashMap<Digest, Box<[u8]>>> {
    let (body, seal) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?)?;
    if blake3::hash(body).as_bytes() != seal {
        return None;
    }
    let mut rest = body.strip_prefix(MAGIC)?;
    let mut entries = HashMap::with_capacity(rest.len() / 48);
    while !rest.is_empty() {
        let (key, after) = rest.split_first_chunk::<DIGEST>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (value, after) = after.split_at_checked(length)?;
        entries.insert(Digest::from_bytes(*key), value.into());
        rest = after;
    }
    Some(entries)
}
