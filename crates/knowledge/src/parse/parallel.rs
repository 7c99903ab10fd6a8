//! Reading a large file with several threads.
//!
//! The text is cut where a statement seems to end. Whether it does is proved by
//! reading: if the text before a cut parses without an error and ends between two
//! statements, the cut was one, and if the prefixes there are those that the text
//! behind it was read with, the result is the same as in one go. Otherwise the file
//! is read in one go.

use super::SyntaxError;
use super::collector::Collector;
use super::oxttl_text::{Header, read_text};
use super::reader::{Document, Source};
use crate::Format;

/// A thread with less text than this isn't worth starting.
const MIN_CHUNK: usize = 2 << 20;
const MAX_THREADS: usize = 8;

/// How many threads a file of this size is worth on this machine.
pub(super) fn useful_threads(bytes: usize) -> usize {
    match (bytes / MIN_CHUNK).min(MAX_THREADS) {
        0 | 1 => 1,
        wanted => {
            std::thread::available_parallelism().map_or(1, |threads| threads.get().min(wanted))
        }
    }
}

/// Takes in a whole file; the result doesn't depend on the number of threads.
pub(super) fn collect<'a>(
    source: &Source<'a>,
    threads: usize,
) -> Result<(Collector<'a>, Document), Vec<SyntaxError>> {
    if threads > 1
        && let Some(collected) = collect_in_chunks(source, threads)
    {
        return Ok(collected);
    }
    let mut collector = Collector::new(source.limits);
    collector.reserve(source.bytes.len());
    let result = source.read(&mut collector);
    if let Some(kind) = collector.refusal.take() {
        let refused = source.error_at_statement(collector.statements - 1, kind);
        let mut errors = result.err().unwrap_or_default();
        errors.push(refused);
        return Err(errors);
    }
    let document = result?;
    collector.sort();
    Ok((collector, document))
}

/// The file in chunks; `None` if it can't be read so, or has an error.
fn collect_in_chunks<'a>(source: &Source<'a>, threads: usize) -> Option<(Collector<'a>, Document)> {
    let header = match source.format {
        Format::NTriples | Format::NQuads => Header::default(),
        Format::Turtle => Header::at_first_statement(source.bytes, source.base)?,
        _ => return None,
    };
    let chunks = cut(source, &header, threads);
    if chunks.len() < 2 {
        return None;
    }
    let first =
        Header { base: header.base.as_ref().map(|_| source.base.to_owned()), prefixes: Vec::new() };
    let outcomes: Vec<Option<(Collector<'a>, Header)>> = std::thread::scope(|scope| {
        let workers: Vec<_> = chunks
            .iter()
            .enumerate()
            .map(|(index, chunk)| {
                let header = if index == 0 { &first } else { &header };
                scope.spawn(|| read_chunk(source, chunk, header))
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().ok().flatten()).collect()
    });
    let last = outcomes.len() - 1;
    let mut collected: Option<Collector<'a>> = None;
    let mut prefixes = Vec::new();
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let (collector, end) = outcome?;
        if index < last && end != header {
            return None;
        }
        match &mut collected {
            None => collected = Some(collector),
            Some(earlier) => earlier.absorb(collector).ok()?,
        }
        prefixes = end.prefixes;
    }
    Some((collected?, Document { prefixes, used: Vec::new() }))
}

fn read_chunk<'a>(
    source: &Source<'a>,
    chunk: &[u8],
    header: &Header,
) -> Option<(Collector<'a>, Header)> {
    let mut collector = Collector::new(source.limits);
    collector.reserve(chunk.len());
    let outcome = read_text(source.format, chunk, header, &mut collector)?;
    if !outcome.errors.is_empty() || collector.refusal.is_some() {
        return None;
    }
    collector.sort();
    Some((collector, outcome.header))
}

/// About equal pieces that seem to hold whole statements.
fn cut<'a>(source: &Source<'a>, header: &Header, count: usize) -> Vec<&'a [u8]> {
    let bytes = source.bytes;
    let mut chunks = Vec::with_capacity(count);
    let mut start = 0;
    for index in 1..count {
        let target = (bytes.len() / count * index).max(start);
        let end = match source.format {
            Format::Turtle => statement_end(&bytes[target..], header),
            _ => memchr::memchr(b'\n', &bytes[target..]).map(|length| length + 1),
        };
        let Some(length) = end else { break };
        chunks.push(&bytes[start..target + length]);
        start = target + length;
    }
    chunks.push(&bytes[start..]);
    chunks.retain(|chunk| !chunk.is_empty());
    chunks
}

/// Where, behind a dot at the end of a line, three statements follow.
fn statement_end(bytes: &[u8], header: &Header) -> Option<usize> {
    let ends = memchr::memchr_iter(b'\n', bytes)
        .filter(|place| bytes[..*place].trim_ascii_end().ends_with(b"."));
    // Long texts full of sentences are rare enough to give up.
    ends.take(500).map(|place| place + 1).find(|start| {
        let Some(parser) = header.turtle() else { return false };
        parser.for_slice(&bytes[*start..]).take(3).flatten().count() == 3
    })
}
