//! The bytes of a journal: records with a checksum each, one after the other.
//!
//! A record is a head of 20 bytes and a body. The head has a mark, the number of the
//! record, the length of the body, the checksum of the body and the checksum of the
//! head before it. All numbers are little-endian.

/// The last bytes of a journal, which a crash left behind half written. They were cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TornTail {
    /// Where they began.
    pub offset: u64,
    /// How many there were.
    pub bytes: u64,
}

/// What a journal holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frames<'a> {
    pub(crate) records: Vec<Record<'a>>,
    /// Where the whole records end.
    pub(crate) end: usize,
}

/// A whole record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(super) offset: usize,
    pub(super) body: &'a [u8],
}

/// Bytes that no crash leaves behind: a record that is damaged although whole ones follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) offset: usize,
}

const MARK: [u8; 4] = *b"ckp1";
const HEAD: usize = 20;

/// Longer bodies are not written: 64 MiB.
pub(super) const LONGEST: usize = 64 << 20;

/// One record as bytes.
pub(super) fn to_frame(number: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut frame = Vec::with_capacity(HEAD + body.len());
    frame.extend_from_slice(&MARK);
    for field in [number, length, crc32fast::hash(body)] {
        frame.extend_from_slice(&field.to_le_bytes());
    }
    frame.extend_from_slice(&crc32fast::hash(&frame).to_le_bytes());
    frame.extend_from_slice(body);
    frame
}

/// Reads all whole records. Each was on disk before the next was begun, so only the last one can be
/// torn: bytes that are no record end the journal if no whole record follows them, and are
/// damage if one does. A file that does not even begin like a journal is somebody else's.
pub(crate) fn read_frames(bytes: &[u8]) -> Result<Frames<'_>, Damage> {
    let begun = bytes.iter().zip(MARK).all(|(&found, mark)| found == mark);
    if !begun && bytes.iter().any(|&byte| byte != 0) {
        return Err(Damage { offset: 0 });
    }
    let mut records = Vec::new();
    let mut end = 0;
    while end < bytes.len() {
        let Some((number, body)) = frame_at(bytes, end) else { break };
        if usize::try_from(number) != Ok(records.len()) {
            return Err(Damage { offset: end });
        }
        records.push(Record { offset: end, body });
        end += HEAD + body.len();
    }
    let follows = |offset| frame_at(bytes, offset).is_some();
    if (end + 1..bytes.len()).any(follows) {
        return Err(Damage { offset: end });
    }
    Ok(Frames { records, end })
}

/// The number and the body of the record that begins at `offset`, if it is whole.
fn frame_at(bytes: &[u8], offset: usize) -> Option<(u32, &[u8])> {
    let rest = bytes.get(offset..)?;
    let head = rest.first_chunk::<HEAD>()?;
    if !head.starts_with(&MARK) || crc32fast::hash(&head[..HEAD - 4]) != field(head, 4)? {
        return None;
    }
    let length = usize::try_from(field(head, 2)?).ok()?;
    let body = rest.get(HEAD..HEAD.checked_add(length)?)?;
    (crc32fast::hash(body) == field(head, 3)?).then_some((field(head, 1)?, body))
}

/// The number at a place of the head, counted in fields of four bytes.
fn field(head: &[u8; HEAD], index: usize) -> Option<u32> {
    let bytes = head.get(index * 4..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*bytes))
}
