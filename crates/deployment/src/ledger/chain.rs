//! Lines of a file, each with a hash over itself and the line before.
//!
//! A line is `<64 hexadecimal digits> <text>`, and the digits are the BLAKE3 hash of the
//! digits before and the text. So no line can be changed, moved or taken out without breaking
//! all that follow. That lines are missing at the end can't show.

use evergen_artifact::Digest;

/// What the first line of a first file follows.
pub(super) const ORIGIN: Digest = Digest::from_bytes([0; 32]);

/// How many bytes stand before the text.
const PREFIX: usize = Digest::HEX_LENGTH + 1;

/// Adds a line for `text` after the line with the hash `head`; returns its hash.
pub(super) fn push(lines: &mut String, head: Digest, text: &str) -> Digest {
    let next = link(head, text.as_bytes());
    lines.push_str(&next.to_string());
    lines.push(' ');
    lines.push_str(text);
    lines.push('\n');
    next
}

fn link(head: Digest, text: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head.as_bytes());
    hasher.update(text);
    Digest::from_bytes(*hasher.finalize().as_bytes())
}

/// The lines of a file that hold together.
pub(super) struct Chain<'a> {
    /// The texts, in order.
    pub(super) texts: Vec<&'a str>,
    /// The hash of the last line.
    pub(super) head: Digest,
    /// Where the last whole line ends, in bytes: what follows was cut short.
    pub(super) end: usize,
}

/// A line that is not what was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Break {
    /// Where it begins, in bytes.
    pub(super) offset: usize,
    /// Which it is, from 0.
    pub(super) line: usize,
    pub(super) why: &'static str,
}

/// Reads lines that follow the hash `head`.
///
/// A write that was cut short leaves a last line without its end, or zeros where the system
/// had made room and no bytes. Both are only a tail; all else is damage.
pub(super) fn read(bytes: &[u8], head: Digest) -> Result<Chain<'_>, Break> {
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut chain = Chain { texts: Vec::new(), head, end: 0 };
    let bytes = &bytes[..written];
    while let Some(length) = bytes[chain.end..].iter().position(|byte| *byte == b'\n') {
        let line = &bytes[chain.end..chain.end + length];
        let (text, hash) = parse(line, chain.head).map_err(|why| Break {
            offset: chain.end,
            line: chain.texts.len(),
            why,
        })?;
        chain.texts.push(text);
        chain.head = hash;
        chain.end += length + 1;
    }
    Ok(chain)
}

fn parse(line: &[u8], head: Digest) -> Result<(&str, Digest), &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "it is not UTF-8")?;
    let (hash, text) = line.split_at_checked(PREFIX).ok_or("it is too short to hold a hash")?;
    let hash: Digest =
        hash.trim_end_matches(' ').parse().map_err(|_| "it does not begin with a hash")?;
    if link(head, text.as_bytes()) != hash {
        return Err("its hash is not that of its text after the line before");
    }
    Ok((text, hash))
}
