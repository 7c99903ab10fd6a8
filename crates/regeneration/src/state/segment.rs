//! Files of checked byte sections that are used where they lie.

use std::fs::File;
use std::path::Path;

use bytes::Bytes;
use memmap2::{Mmap, MmapOptions};
use twox_hash::XxHash3_64;

/// `EVGSEG`, the format's version, and the byte order in one.
const MAGIC: u64 = u64::from_ne_bytes(*b"EVGSEG01");
const ALIGNMENT: usize = 16;
/// Magic, number of sections, checksum of the table.
const HEADER: usize = 24;
/// Offset, length and checksum.
const ROW: usize = 24;

/// A stored file can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("it is missing or can't be read")]
    Missing,
    #[error("it is damaged")]
    Damaged,
}

/// The bytes of a file, in pieces: a table, and sections where they lie.
#[derive(Debug)]
pub(crate) struct Segment {
    table: Vec<u8>,
    sections: Vec<Bytes>,
}

impl Segment {
    /// The pieces in their order.
    pub(crate) fn pieces(&self) -> Vec<&[u8]> {
        let mut pieces = vec![self.table.as_slice()];
        let mut end = self.table.len();
        for section in &self.sections {
            let start = end.next_multiple_of(ALIGNMENT);
            pieces.extend([&[0; ALIGNMENT][..start - end], section]);
            end = start + section.len();
        }
        pieces
    }
}

/// Joins sections into the pieces of a file.
pub(crate) fn encode(sections: Vec<Bytes>) -> Segment {
    let table = HEADER + sections.len() * ROW;
    let mut offsets = Vec::with_capacity(sections.len());
    let mut end = table;
    for section in &sections {
        end = end.next_multiple_of(ALIGNMENT);
        offsets.push(end);
        end += section.len();
    }
    let mut rows = Vec::with_capacity(sections.len() * ROW);
    for (section, offset) in sections.iter().zip(&offsets) {
        rows.extend_from_slice(&(*offset as u64).to_ne_bytes());
        rows.extend_from_slice(&(section.len() as u64).to_ne_bytes());
        rows.extend_from_slice(&XxHash3_64::oneshot(section).to_ne_bytes());
    }
    let mut file = Vec::with_capacity(table);
    file.extend_from_slice(&MAGIC.to_ne_bytes());
    file.extend_from_slice(&(sections.len() as u64).to_ne_bytes());
    file.extend_from_slice(&XxHash3_64::oneshot(&rows).to_ne_bytes());
    file.extend_from_slice(&rows);
    Segment { table: file, sections }
}

/// Takes the sections out of the bytes of a file, and compares their checksums.
pub(crate) fn decode(file: &Bytes) -> Result<Vec<Bytes>, Unusable> {
    let word = |at: usize| -> Result<u64, Unusable> {
        let bytes = file.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u64::from_ne_bytes).ok_or(Unusable::Damaged)
    };
    if word(0)? != MAGIC {
        return Err(Unusable::Damaged);
    }
    let count = usize::try_from(word(8)?).map_err(|_| Unusable::Damaged)?;
    let table = count.checked_mul(ROW).and_then(|length| length.checked_add(HEADER));
    let rows = table.and_then(|end| file.get(HEADER..end)).ok_or(Unusable::Damaged)?;
    if XxHash3_64::oneshot(rows) != word(16)? {
        return Err(Unusable::Damaged);
    }
    let mut sections = Vec::with_capacity(count);
    for index in 0..count {
        let row = HEADER + index * ROW;
        let offset = usize::try_from(word(row)?).map_err(|_| Unusable::Damaged)?;
        let length = usize::try_from(word(row + 8)?).map_err(|_| Unusable::Damaged)?;
        let end = offset.checked_add(length).ok_or(Unusable::Damaged)?;
        let bytes = file.get(offset..end).ok_or(Unusable::Damaged)?;
        if XxHash3_64::oneshot(bytes) != word(row + 16)? {
            return Err(Unusable::Damaged);
        }
        sections.push(file.slice(offset..end));
    }
    Ok(sections)
}

/// Opens a file of sections without copying it.
pub(crate) fn open(path: &Path) -> Result<Vec<Bytes>, Unusable> {
    let file = File::open(path).map_err(|_| Unusable::Missing)?;
    decode(&Bytes::from_owner(map(&file).map_err(|_| Unusable::Missing)?))
}

#[expect(unsafe_code, reason = "mapping a file is only sound if nobody changes it, see below")]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: state files are never written in place: a transaction puts a new
    // file where the old one was, and the old one lives on until it is unmapped.
    // Their folder is ours, and the writer lock keeps a second evergen out.
    unsafe { MmapOptions::new().populate().map(file) }
}
