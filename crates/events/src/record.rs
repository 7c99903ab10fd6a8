//! The one format of everything that is kept on disk.
//!
//! A file begins with a head of 64 bytes. Records follow without a gap, each with the
//! length of its payload, a checksum over all of it, its offset, the time, the checksum of
//! the record before it, and its place in the group with which it was written. All
//! numbers are little-endian. After the last record the file may be filled with zeros.
//!
//! A group is on disk as a whole before any of its records is acknowledged, and the next
//! is begun only then. So an incomplete group is a torn tail, which nobody was promised;
//! whereas a group that begins after something unreadable proves damage.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

#[cfg(test)]
mod tests;

/// Bytes before the payload of a record.
pub(crate) const RECORD_HEAD: usize = 36;
/// Bytes before the first record of a file.
pub(crate) const FILE_HEAD: usize = 64;
/// The version of the format that this release writes, and the newest that it reads.
pub(crate) const FORMAT_VERSION: u32 = 1;
/// No payload is longer.
pub(crate) const MAX_PAYLOAD: usize = 64 << 20;

const MAGIC: &[u8; 8] = b"evergen\n";

/// The head of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileHead {
    pub(crate) kind: Kind,
    /// The offset of the first record.
    pub(crate) base: u64,
    /// When the file was begun, in microseconds since 1970.
    pub(crate) created: i64,
}

/// What the records of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Events,
    Cursors,
    DeadLetters,
}

/// Why a head is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadHead {
    Newer(u32),
    Damaged,
}

impl FileHead {
    pub(crate) fn encode(&self) -> [u8; FILE_HEAD] {
        let mut bytes = [0; FILE_HEAD];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[16..20].copy_from_slice(&(self.kind as u32).to_le_bytes());
        bytes[20..28].copy_from_slice(&self.base.to_le_bytes());
        bytes[28..36].copy_from_slice(&self.created.to_le_bytes());
        let checksum = head_checksum(&bytes);
        bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadHead> {
        let bytes: &[u8; FILE_HEAD] =
            bytes.get(..FILE_HEAD).and_then(|b| b.try_into().ok()).ok_or(BadHead::Damaged)?;
        if &bytes[..8] != MAGIC || u32_at(bytes, 12) != head_checksum(bytes) {
            return Err(BadHead::Damaged);
        }
        let version = u32_at(bytes, 8);
        if version != FORMAT_VERSION {
            return Err(BadHead::Newer(version));
        }
        let kind = [Kind::Events, Kind::Cursors, Kind::DeadLetters]
            .into_iter()
            .find(|kind| *kind as u32 == u32_at(bytes, 16))
            .ok_or(BadHead::Damaged)?;
        let created = u64_at(bytes, 28).cast_signed();
        Ok(Self { kind, base: u64_at(bytes, 20), created })
    }

    /// What the first record has for the checksum of the one before it.
    pub(crate) fn seed(&self) -> u32 {
        head_checksum(&self.encode())
    }
}

fn head_checksum(bytes: &[u8; FILE_HEAD]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[..12]);
    hasher.update(&bytes[16..]);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// The head of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHead {
    pub(crate) length: u32,
    pub(crate) checksum: u32,
    pub(crate) offset: u64,
    /// Microseconds since 1970.
    pub(crate) at: i64,
    /// The checksum of the record before.
    pub(crate) previous: u32,
    /// How many records of its group come before it.
    pub(crate) index: u32,
    /// How many records its group has.
    pub(crate) count: u32,
}

impl RecordHead {
    /// How many bytes the record takes with its payload.
    pub(crate) fn size(&self) -> u64 {
        RECORD_HEAD as u64 + u64::from(self.length)
    }

    /// The offset at which its group begins.
    pub(crate) fn group(&self) -> u64 {
        self.offset.saturating_sub(u64::from(self.index))
    }

    fn parse(bytes: &[u8]) -> Self {
        Self {
            length: u32_at(bytes, 0),
            checksum: u32_at(bytes, 4),
            offset: u64_at(bytes, 8),
            at: u64_at(bytes, 16).cast_signed(),
            previous: u32_at(bytes, 24),
            index: u32_at(bytes, 28),
            count: u32_at(bytes, 32),
        }
    }

    fn is_plausible(&self) -> bool {
        (1..=MAX_PAYLOAD).contains(&(self.length as usize)) && self.index < self.count
    }
}

/// Where the next record of a file goes, or is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) position: u64,
    pub(crate) offset: u64,
    /// The checksum of the record before.
    pub(crate) previous: u32,
}

impl Place {
    /// The place of the first record.
    pub(crate) fn first(head: &FileHead) -> Self {
        Self { position: FILE_HEAD as u64, offset: head.base, previous: head.seed() }
    }

    /// The place after a record that lies here.
    pub(crate) fn after(self, record: &RecordHead) -> Self {
        Self {
            position: self.position + record.size(),
            offset: self.offset + 1,
            previous: record.checksum,
        }
    }
}

/// Appends a group of records to `bytes`, the first of them for `place`, and gives the
/// place after them. No payload is empty or longer than [`MAX_PAYLOAD`].
pub(crate) fn encode_group<P: AsRef<[u8]>>(
    bytes: &mut Vec<u8>,
    mut place: Place,
    at: i64,
    payloads: &[P],
) -> Place {
    let count = u32::try_from(payloads.len()).unwrap_or(u32::MAX);
    for (index, payload) in (0..count).zip(payloads) {
        let payload = payload.as_ref();
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let mut head = [0; RECORD_HEAD];
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[8..16].copy_from_slice(&place.offset.to_le_bytes());
        head[16..24].copy_from_slice(&at.to_le_bytes());
        head[24..28].copy_from_slice(&place.previous.to_le_bytes());
        head[28..32].copy_from_slice(&index.to_le_bytes());
        head[32..36].copy_from_slice(&count.to_le_bytes());
        let checksum = checksum(&head, payload);
        head[4..8].copy_from_slice(&checksum.to_le_bytes());
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(payload);
        place = place.after(&RecordHead::parse(&head));
    }
    place
}

fn checksum(head: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&head[..4]);
    hasher.update(&head[8..RECORD_HEAD]);
    hasher.update(payload);
    hasher.finalize()
}

/// Bytes that can be read at any position.
pub(crate) trait ReadAt {
    /// Fills as much of `bytes` as there is; says how much.
    fn read_some(&self, bytes: &mut [u8], position: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_some(&self, bytes: &mut [u8], position: u64) -> io::Result<usize> {
        self.read_at(bytes, position)
    }
}

impl ReadAt for [u8] {
    fn read_some(&self, bytes: &mut [u8], position: u64) -> io::Result<usize> {
        let start = usize::try_from(position).unwrap_or(usize::MAX).min(self.len());
        let count = bytes.len().min(self.len() - start);
        bytes[..count].copy_from_slice(&self[start..start + count]);
        Ok(count)
    }
}

/// A part of a file in memory.
pub(crate) struct Window<'a, R: ?Sized> {
    source: &'a R,
    start: u64,
    bytes: Vec<u8>,
}

const WINDOW: usize = 256 << 10;

impl<'a, R: ReadAt + ?Sized> Window<'a, R> {
    pub(crate) fn new(source: &'a R) -> Self {
        Self { source, start: 0, bytes: Vec::new() }
    }

    /// The bytes from `position` on: `least`, or fewer at the end of the file, or more.
    pub(crate) fn at(&mut self, position: u64, least: usize) -> io::Result<&[u8]> {
        let skipped = position.checked_sub(self.start).and_then(|s| usize::try_from(s).ok());
        let known = skipped.filter(|s| *s <= self.bytes.len());
        if let Some(known) = known
            && self.bytes.len() - known >= least
        {
            return Ok(&self.bytes[known..]);
        }
        self.start = position;
        self.bytes.resize(least.max(WINDOW), 0);
        let mut filled = 0;
        while filled < self.bytes.len() {
            let at = position + filled as u64;
            match self.source.read_some(&mut self.bytes[filled..], at) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.bytes.truncate(filled);
        Ok(&self.bytes)
    }
}

/// What lies at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The record that belongs there.
    Record(RecordHead),
    /// Zeros, or the end of the file.
    Blank,
    /// Something else.
    Bad(&'static str),
}

/// Looks at a place, whether the record that belongs there is there.
pub(crate) fn look<R: ReadAt + ?Sized>(
    window: &mut Window<'_, R>,
    place: &Place,
) -> io::Result<Found> {
    let bytes = window.at(place.position, RECORD_HEAD)?;
    let head = &bytes[..bytes.len().min(RECORD_HEAD)];
    if head.iter().all(|byte| *byte == 0) {
        return Ok(Found::Blank);
    }
    if head.len() < RECORD_HEAD {
        return Ok(Found::Bad("the record is cut off"));
    }
    let record = RecordHead::parse(head);
    if !record.is_plausible() {
        return Ok(Found::Bad("the head of the record makes no sense"));
    }
    Ok(match verify(window, place.position, &record)? {
        Some(fault) => Found::Bad(fault),
        None if record.offset != place.offset => Found::Bad("the record has another offset"),
        None if record.previous != place.previous => {
            Found::Bad("the record does not follow the one before it")
        }
        None => Found::Record(record),
    })
}

fn verify<R: ReadAt + ?Sized>(
    window: &mut Window<'_, R>,
    position: u64,
    record: &RecordHead,
) -> io::Result<Option<&'static str>> {
    let size = RECORD_HEAD + record.length as usize;
    let bytes = window.at(position, size)?;
    let Some(bytes) = bytes.get(..size) else {
        return Ok(Some("the record is cut off"));
    };
    let (head, payload) = bytes.split_at(RECORD_HEAD);
    let matches = checksum(head, payload) == record.checksum;
    Ok((!matches).then_some("the checksum does not match"))
}

/// The payload of a record that was [found](look) at `position`.
pub(crate) fn payload<'w, R: ReadAt + ?Sized>(
    window: &'w mut Window<'_, R>,
    position: u64,
    record: &RecordHead,
) -> io::Result<&'w [u8]> {
    let size = RECORD_HEAD + record.length as usize;
    let bytes = window.at(position, size)?;
    Ok(bytes.get(RECORD_HEAD..size).unwrap_or_default())
}

/// How the records of a file end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The place after the last complete group.
    pub(crate) place: Place,
    /// Where that group begins, and with which offset.
    pub(crate) last_group: Place,
    /// The time of the last record.
    pub(crate) newest: Option<i64>,
    pub(crate) tail: Tail,
}

/// What lies after the last complete group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing.
    Clean,
    /// A group that was never completed, up to this position.
    Torn { until: u64 },
    /// Something that can't be read, with groups after it that were begun later.
    Damaged { at: Place, next: Option<u64>, fault: &'static str },
}

/// Goes through all records of a file, and calls `visit` for each of a complete group.
pub(crate) fn scan<R: ReadAt + ?Sized>(
    window: &mut Window<'_, R>,
    first: Place,
    mut visit: impl FnMut(&Place, &RecordHead),
) -> io::Result<End> {
    let mut end = End { place: first, last_group: first, newest: None, tail: Tail::Clean };
    let mut group = Vec::new();
    let mut place = first;
    let fault = loop {
        match look(window, &place)? {
            Found::Record(record) if record.index as usize == group.len() => {
                group.push((place, record));
                place = place.after(&record);
                if record.index + 1 == record.count {
                    end.last_group = end.place;
                    end.newest = Some(record.at);
                    end.place = place;
                    for (place, record) in group.drain(..) {
                        visit(&place, &record);
                    }
                }
            }
            Found::Record(_) => break "the record belongs to another group",
            Found::Blank => break "there are zeros",
            Found::Bad(fault) => break fault,
        }
    };
    end.tail = tail(window, end.place, place, fault)?;
    Ok(end)
}

/// How many bytes are checked while records are looked for behind something unreadable.
/// More means that somebody made the file up.
const SEARCH: u64 = 1 << 30;

/// Judges what lies at and after the first place without a record.
fn tail<R: ReadAt + ?Sized>(
    window: &mut Window<'_, R>,
    group: Place,
    bad: Place,
    fault: &'static str,
) -> io::Result<Tail> {
    let (mut position, mut until, mut budget) = (group.position, group.position, SEARCH);
    loop {
        let bytes = window.at(position, RECORD_HEAD)?;
        let Some(skipped) = bytes.iter().position(|byte| *byte != 0) else {
            if bytes.is_empty() {
                break;
            }
            position += bytes.len() as u64;
            continue;
        };
        position += skipped as u64;
        until = position + 1;
        // A length may begin with up to three zeros.
        let found = later_record(window, position.saturating_sub(3), &group, &mut budget)?;
        match found {
            Later::Record(_, record) if record.group() > group.offset => {
                let next = Some(record.offset);
                return Ok(Tail::Damaged { at: bad, next, fault });
            }
            Later::Record(at, record) => {
                position = at + record.size();
                until = position;
            }
            Later::TooMuch => return Ok(Tail::Damaged { at: bad, next: None, fault }),
            Later::None => position += 1,
        }
    }
    Ok(if until == group.position { Tail::Clean } else { Tail::Torn { until } })
}

enum Later {
    None,
    Record(u64, RecordHead),
    TooMuch,
}

/// A record of the offsets after `group` that begins at one of the next four positions.
fn later_record<R: ReadAt + ?Sized>(
    window: &mut Window<'_, R>,
    from: u64,
    group: &Place,
    budget: &mut u64,
) -> io::Result<Later> {
    for position in from.max(group.position)..=from + 3 {
        let bytes = window.at(position, RECORD_HEAD)?;
        let Some(head) = bytes.get(..RECORD_HEAD) else { return Ok(Later::None) };
        let record = RecordHead::parse(head);
        let near = record.offset.wrapping_sub(group.offset) < 1 << 32;
        if !near || !record.is_plausible() {
            continue;
        }
        if *budget < record.size() {
            return Ok(Later::TooMuch);
        }
        *budget -= record.size();
        if verify(window, position, &record)?.is_none() {
            return Ok(Later::Record(position, record));
        }
    }
    Ok(Later::None)
}
