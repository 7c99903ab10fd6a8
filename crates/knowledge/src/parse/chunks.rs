//! Reading a file chunk by chunk, with several threads or only where it is new.
//!
//! The text is cut where a statement seems to end. Whether it does is proved by reading:
//! the file begins between two statements, and where some text that begins so is read
//! without an error, it also ends so. A chunk is therefore as many pieces as it takes. What
//! a chunk says is decided by its text and by the header before it; where both were read
//! before, nothing has to be read again. Whatever goes wrong here is left to the reader of
//! whole files, which tells errors as they are.

use std::ops::Range;

use evergen_delta::EncodedQuad;
use rustc_hash::FxHashMap;

use super::collector::Collector;
use super::oxttl_text::{first_header, has_statements, header_at_first_statement, read_text};
use super::pieces::{can_be_cut, cut};
use super::reader::Source;
use super::{ParsedSource, imports};
use crate::canonical::{Slot, Template, canonicalize};
use crate::chunks::{Chunk, Header, Nodes, ParsedChunks, Rules, TextDigest};
use crate::{Component, Format, Limits, TermTable};

pub(crate) use self::reread::{Reread, reread};

mod reread;

/// A thread with less text than this isn't worth starting.
const BYTES_PER_THREAD: usize = 2 << 20;
const MOST_THREADS: usize = 8;
/// A file with fewer chunks is read as a whole.
const LEAST_CHUNKS: usize = 32;
/// More pieces than this are not tried as one chunk.
const MOST_PIECES: usize = 16;
/// Of the steps allowed for telling nodes apart at most the half is spent here: the reader
/// of whole files goes through them in another order, and has to come to the same end.
const SHARE_OF_STEPS: u64 = 2;

/// How many threads a file of this size is worth on this machine.
pub(super) fn useful_threads(bytes: usize) -> usize {
    match (bytes / BYTES_PER_THREAD).min(MOST_THREADS) {
        0 | 1 => 1,
        wanted => {
            std::thread::available_parallelism().map_or(1, |threads| threads.get().min(wanted))
        }
    }
}

/// Reads a whole file by chunks; `None` where that is not possible or not worth it.
pub(super) fn parse(source: &Source<'_>, threads: usize) -> Option<ParsedSource> {
    if !is_worth_it(source) {
        return None;
    }
    let pieces = cut(source.bytes, source.format, source.limits.chunk_bytes);
    let parts = if threads > 1 { read_parts(source, &pieces, threads) } else { None };
    let parts = match parts {
        Some(parts) => parts,
        None => vec![read_part(source, &pieces, first_header(source.format, source.base))?],
    };
    join(source, parts)
}

fn is_worth_it(source: &Source<'_>) -> bool {
    let least = source.limits.chunk_bytes.saturating_mul(LEAST_CHUNKS);
    can_be_cut(source.format) && least > 0 && source.bytes.len() >= least
}

/// What a chunk says of blank nodes that it labels.
#[derive(Default)]
struct Labelled {
    labels: FxHashMap<Box<str>, u32>,
    blank: Vec<Template>,
}

/// A chunk that was read.
struct Read {
    chunk: Chunk,
    /// The range of the collector's quads.
    quads: Range<usize>,
    components: Vec<Component>,
    labelled: Option<Labelled>,
}

/// Some chunks that follow each other.
struct Part<'a> {
    collector: Collector<'a>,
    chunks: Vec<Read>,
    headers: Headers,
    /// The collector's quads, sorted, with their places; filled in at the end.
    sorted: Vec<(EncodedQuad, u32)>,
}

/// The header as it stands, and all that there were, by their digests.
struct Headers {
    now: TextDigest,
    all: Vec<(TextDigest, Header)>,
}

impl Headers {
    fn new(first: Header) -> Self {
        let now = first.digest();
        Self { now, all: vec![(now, first)] }
    }

    fn get(&self, digest: TextDigest) -> Option<&Header> {
        self.all.iter().find(|(known, _)| *known == digest).map(|(_, header)| header)
    }

    fn is_now(&self, header: &Header) -> bool {
        self.get(self.now) == Some(header)
    }

    fn go_on(&mut self, header: Header) {
        if self.is_now(&header) {
            return;
        }
        self.now = header.digest();
        if self.get(self.now).is_none() {
            self.all.push((self.now, header));
        }
    }
}

impl<'a> Part<'a> {
    fn new(limits: &'a Limits, first: Header) -> Self {
        Self {
            collector: Collector::new(limits),
            chunks: Vec::new(),
            headers: Headers::new(first),
            sorted: Vec::new(),
        }
    }

    /// Reads the chunk that begins with the first of `pieces`; of how many pieces it is.
    fn read(&mut self, source: &Source<'a>, pieces: &[Range<usize>]) -> Option<usize> {
        let (quads, statements) = (self.collector.ground.len(), self.collector.statements);
        let start = pieces.first()?.start;
        for (count, last) in (1..).zip(pieces.iter().take(MOST_PIECES)) {
            self.collector.begin_part();
            let text = source.part(source.bytes.get(start..last.end)?);
            let before = self.headers.get(self.headers.now)?;
            let outcome = read_text(&text, before, 1, &mut self.collector)?;
            if self.collector.refusal.is_some() {
                return None;
            }
            if outcome.errors.is_empty() {
                let digests = pieces[..count].iter().map(|piece| &source.bytes[piece.clone()]);
                let mut chunk = Chunk {
                    before: self.headers.now,
                    after: self.headers.now,
                    pieces: digests.map(TextDigest::of).collect(),
                    statements: self.collector.statements - statements,
                    is_labelled: is_labelled(text.bytes),
                    nodes: Nodes::default(),
                };
                self.headers.go_on(outcome.header);
                chunk.after = self.headers.now;
                self.take(chunk, quads..self.collector.ground.len())?;
                return Some(count);
            }
            self.collector.rewind(quads, statements);
        }
        None
    }

    fn take(&mut self, mut chunk: Chunk, quads: Range<usize>) -> Option<()> {
        let mut components = Vec::new();
        let mut labelled = None;
        let collector = &mut self.collector;
        if chunk.is_labelled {
            let labels = std::mem::take(&mut collector.labels);
            labelled = Some(Labelled { labels, blank: std::mem::take(&mut collector.blank) });
        } else if !collector.blank.is_empty() {
            (chunk.nodes, components) =
                nodes(&collector.blank, collector.labels.len(), collector.limits())?;
        }
        self.chunks.push(Read { chunk, quads, components, labelled });
        Some(())
    }
}

/// Whether the text may label blank nodes.
fn is_labelled(text: &[u8]) -> bool {
    memchr::memmem::find(text, b"_:").is_some()
}

fn nodes(blank: &[Template], count: usize, limits: &Limits) -> Option<(Nodes, Vec<Component>)> {
    let canonical = canonicalize(blank, count, limits).ok()?;
    let mut components: Vec<_> = canonical.components.iter().map(Component::digest).collect();
    components.sort_unstable();
    Some((Nodes { components, steps: canonical.steps }, canonical.components))
}

fn read_part<'a>(source: &Source<'a>, pieces: &[Range<usize>], header: Header) -> Option<Part<'a>> {
    let mut part = Part::new(source.limits, header);
    let bytes = pieces.iter().map(Range::len).sum();
    part.collector.reserve(bytes);
    let mut place = 0;
    while place < pieces.len() {
        place += part.read(source, &pieces[place..])?;
    }
    let quads = std::mem::take(&mut part.collector.ground);
    u32::try_from(quads.len()).ok()?;
    part.sorted = quads.into_iter().zip(0..).collect();
    part.sorted.sort_unstable();
    Some(part)
}

/// The file in parts, each read by a thread of its own.
///
/// All but the first begin where a statement seems to, with the header that the file has
/// at its first statement; that they do is proved by how the one before them ends.
fn read_parts<'a>(
    source: &Source<'a>,
    pieces: &[Range<usize>],
    threads: usize,
) -> Option<Vec<Part<'a>>> {
    let first = first_header(source.format, source.base);
    let header = match source.format {
        Format::NTriples | Format::NQuads => first.clone(),
        Format::Turtle => header_at_first_statement(source.bytes, source.base)?,
        _ => return None,
    };
    let divided = divide(source, pieces, &header, threads);
    let parts: Vec<Option<Part<'a>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = divided
            .iter()
            .enumerate()
            .map(|(index, pieces)| {
                let header = if index == 0 { first.clone() } else { header.clone() };
                scope.spawn(|| read_part(source, pieces, header))
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().ok().flatten()).collect()
    });
    let parts: Vec<Part<'a>> = parts.into_iter().collect::<Option<_>>()?;
    let (_, all_but_last) = parts.split_last()?;
    all_but_last.iter().all(|part| part.headers.is_now(&header)).then_some(parts)
}

/// Parts of about the same size that seem to begin between two statements.
fn divide<'p>(
    source: &Source<'_>,
    mut pieces: &'p [Range<usize>],
    header: &Header,
    count: usize,
) -> Vec<&'p [Range<usize>]> {
    let begins = |piece: &Range<usize>| {
        source.format != Format::Turtle || has_statements(&source.bytes[piece.start..], header)
    };
    let mut parts = Vec::with_capacity(count);
    for index in 1..count {
        let target = source.bytes.len() / count * index;
        let from = pieces.partition_point(|piece| piece.start < target);
        let found = pieces[from..].iter().take(MOST_PIECES).position(begins);
        let Some(found) = found.filter(|found| from + found > 0) else { continue };
        let (part, rest) = pieces.split_at(from + found);
        parts.push(part);
        pieces = rest;
    }
    parts.push(pieces);
    parts
}

/// One file of its parts.
fn join(source: &Source<'_>, parts: Vec<Part<'_>>) -> Option<ParsedSource> {
    let mut joined = Joined::default();
    let mut prefixes = Vec::new();
    for part in parts {
        prefixes.clone_from(&part.headers.get(part.headers.now)?.prefixes);
        joined.add(part)?;
    }
    let (group, found) = join_labelled(joined.labelled, source.limits)?;
    let mut components = joined.components;
    components.extend(found);
    components.sort_by_key(Component::digest);
    let chunks = joined.chunks;
    check(source.limits, chunks.iter().map(|(chunk, _)| (chunk, 1)), &group)?;
    let (ground, members) = sort(joined.quads);
    let parsed = ParsedChunks {
        rules: Rules { format: source.format, limits: source.limits.clone() },
        headers: joined.headers,
        chunks,
        members,
        group,
    };
    let imports = imports(source, &joined.terms, &ground, &components);
    Some(ParsedSource {
        terms: joined.terms,
        ground,
        components,
        prefixes,
        imports,
        documents: Vec::new(),
        chunks: Some(parsed),
    })
}

#[derive(Default)]
struct Joined {
    terms: TermTable,
    /// The quads of each part, sorted, with their places in the file.
    quads: Vec<(EncodedQuad, u32)>,
    chunks: Vec<(Chunk, Range<u32>)>,
    components: Vec<Component>,
    labelled: Vec<Labelled>,
    headers: Vec<Header>,
}

impl Joined {
    fn add(&mut self, part: Part<'_>) -> Option<()> {
        let Part { collector, chunks, headers, sorted } = part;
        let start = self.quads.len();
        for read in chunks {
            let place = |place: usize| u32::try_from(start + place).ok();
            self.chunks.push((read.chunk, place(read.quads.start)?..place(read.quads.end)?));
            self.components.extend(read.components);
            self.labelled.extend(read.labelled);
        }
        u32::try_from(start + sorted.len()).ok()?;
        let first = u32::try_from(start).ok()?;
        self.quads.extend(sorted.into_iter().map(|(quad, place)| (quad, first + place)));
        for (_, header) in headers.all {
            if !self.headers.contains(&header) {
                self.headers.push(header);
            }
        }
        self.terms.absorb(collector.terms).ok()
    }
}

/// The distinct quads in order, and for each place in the file the position there.
fn sort(mut quads: Vec<(EncodedQuad, u32)>) -> (Vec<EncodedQuad>, Vec<u32>) {
    // The stable sort merges what is sorted already.
    quads.sort();
    let mut ground: Vec<EncodedQuad> = Vec::with_capacity(quads.len());
    let mut members = vec![0; quads.len()];
    for (quad, place) in quads {
        if ground.last() != Some(&quad) {
            ground.push(quad);
        }
        // There are no more positions than places, and these have 32 bits.
        members[place as usize] = u32::try_from(ground.len() - 1).unwrap_or(u32::MAX);
    }
    (ground, members)
}

/// What all chunks with labels, in the order of the file, say of blank nodes.
fn join_labelled(parts: Vec<Labelled>, limits: &Limits) -> Option<(Nodes, Vec<Component>)> {
    let mut numbers: FxHashMap<Box<str>, u32> = FxHashMap::default();
    let mut blank = Vec::new();
    for part in parts {
        let mut nodes = vec![0; part.labels.len()];
        for (label, number) in part.labels {
            let next = u32::try_from(numbers.len()).ok()?;
            nodes[number as usize] = *numbers.entry(label).or_insert(next);
        }
        blank.extend(part.blank.into_iter().map(|quad| {
            quad.map(|slot| match slot {
                Slot::Node(number) => Slot::Node(nodes[number as usize]),
                term @ Slot::Term(_) => term,
            })
        }));
    }
    nodes(&blank, numbers.len(), limits)
}

/// Whether a file of these chunks is within the limits that count for the whole of it.
fn check<'c>(
    limits: &Limits,
    chunks: impl Iterator<Item = (&'c Chunk, u64)>,
    group: &Nodes,
) -> Option<()> {
    let (mut statements, mut steps) = (0_u64, group.steps);
    for (chunk, copies) in chunks {
        statements = statements.checked_add(chunk.statements.checked_mul(copies)?)?;
        steps = steps.checked_add(chunk.nodes.steps.checked_mul(copies)?)?;
    }
    let is_within = statements <= limits.max_quads_per_file
        && steps <= limits.max_symmetry_steps / SHARE_OF_STEPS;
    is_within.then_some(())
}
