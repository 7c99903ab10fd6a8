//! Reading only those chunks of a file that are not known.

use std::ops::Range;

use evergen_delta::EncodedQuad;
use rustc_hash::FxHashMap;

use super::super::Documents;
use super::super::oxttl_text::first_header;
use super::super::pieces::cut;
use super::super::reader::{Source, without_mark};
use super::{Labelled, MOST_PIECES, Part, check, is_worth_it, join_labelled};
use crate::chunks::{Chunk, ChunkTable, Header, Nodes, TextDigest};
use crate::{Component, Format, Limits, TermTable};

/// A file of which only the chunks were read that are not in a table.
pub(crate) struct Reread {
    pub(crate) terms: TermTable,
    /// How many copies there are of each chunk that was known.
    pub(crate) kept: FxHashMap<TextDigest, u32>,
    /// The other chunks, with their quads.
    pub(crate) new: Vec<(Chunk, Vec<EncodedQuad>)>,
    /// Every component of the other chunks, and of the group if it changed.
    pub(crate) components: Vec<Component>,
    /// What the chunks with labels say of blank nodes, if it may have changed.
    pub(crate) group: Option<Nodes>,
    /// The headers of the other chunks.
    pub(crate) headers: Vec<Header>,
}

/// Reads what is new in a file; `None` where it has to be read as a whole.
pub(crate) fn reread(
    bytes: &[u8],
    format: Format,
    base: &str,
    limits: &Limits,
    table: &ChunkTable,
) -> Option<Reread> {
    let rules = table.rules();
    if rules.format != format
        || rules.limits != *limits
        || bytes.len() as u64 > limits.max_file_bytes
    {
        return None;
    }
    let documents = Documents::none();
    let source = Source::unchecked(without_mark(bytes), format, base, limits, &documents);
    if !is_worth_it(&source) {
        return None;
    }
    Rereader::new(&source, table).run()
}

/// What the chunks with labels say of blank nodes.
enum Group {
    AsBefore,
    New(Nodes, Vec<Component>),
}

struct Rereader<'s, 'a> {
    source: &'s Source<'a>,
    table: &'s ChunkTable,
    pieces: Vec<Range<usize>>,
    digests: Vec<TextDigest>,
    /// Known chunks by their first pieces.
    known: FxHashMap<TextDigest, Vec<(TextDigest, &'s Chunk)>>,
    part: Part<'a>,
    kept: FxHashMap<TextDigest, u32>,
    /// The chunks with labels: their pieces and headers if they are known, else their numbers
    /// among those that were read.
    labelled: Vec<Result<usize, (Range<usize>, TextDigest)>>,
    /// Bytes that may still be read before reading all of them is as good.
    left: usize,
}

impl<'s, 'a> Rereader<'s, 'a> {
    fn new(source: &'s Source<'a>, table: &'s ChunkTable) -> Self {
        let pieces = cut(source.bytes, source.format, source.limits.chunk_bytes);
        let digests = pieces.iter().map(|piece| TextDigest::of(&source.bytes[piece.clone()]));
        let digests = digests.collect();
        let mut known: FxHashMap<TextDigest, Vec<(TextDigest, &Chunk)>> = FxHashMap::default();
        for (key, chunk, _) in table.chunks() {
            if let Some(first) = chunk.pieces.first() {
                known.entry(*first).or_default().push((key, chunk));
            }
        }
        Self {
            source,
            table,
            pieces,
            digests,
            known,
            part: Part::new(source.limits, first_header(source.format, source.base)),
            kept: FxHashMap::default(),
            labelled: Vec::new(),
            left: source.bytes.len() / 2,
        }
    }

    fn run(mut self) -> Option<Reread> {
        let mut place = 0;
        while place < self.pieces.len() {
            place += match self.keep(place) {
                Some(count) => count,
                None => self.read(place)?,
            };
        }
        let (group, mut components) = match self.group()? {
            Group::New(nodes, components) => (Some(nodes), components),
            Group::AsBefore => (None, Vec::new()),
        };
        let table = self.table;
        let kept = self.kept.iter().map(|(key, copies)| (table.chunk(*key), u64::from(*copies)));
        let kept = kept.filter_map(|(chunk, copies)| Some((chunk?, copies)));
        let new = self.part.chunks.iter().map(|read| (&read.chunk, 1));
        check(self.source.limits, kept.chain(new), group.as_ref().unwrap_or(table.group()))?;
        let Part { collector, chunks, headers, .. } = self.part;
        let mut new = Vec::with_capacity(chunks.len());
        for read in chunks {
            new.push((read.chunk, collector.ground.get(read.quads)?.to_vec()));
            components.extend(read.components);
        }
        let headers = headers.all.into_iter().map(|(_, header)| header).collect();
        Some(Reread { terms: collector.terms, kept: self.kept, new, components, group, headers })
    }

    /// Passes over the known chunk that begins here, if one does.
    fn keep(&mut self, place: usize) -> Option<usize> {
        let begun = self.known.get(self.digests.get(place)?)?;
        let rest = &self.digests[place..];
        let now = self.part.headers.now;
        let fits = |chunk: &Chunk| chunk.before == now && rest.starts_with(&chunk.pieces);
        let (key, chunk) = *begun.iter().find(|(_, chunk)| fits(chunk))?;
        self.part.headers.go_on(self.table.header(chunk.after)?.clone());
        let count = chunk.pieces.len();
        *self.kept.entry(key).or_insert(0) += 1;
        if chunk.is_labelled {
            self.labelled.push(Err((place..place + count, now)));
        }
        Some(count)
    }

    fn read(&mut self, place: usize) -> Option<usize> {
        let ahead = &self.pieces[place..];
        if ahead.first()?.len() > self.left {
            return None;
        }
        let text = ahead.first()?.start..ahead[ahead.len().min(MOST_PIECES) - 1].end;
        self.source.part(self.source.bytes.get(text)?).check().ok()?;
        let count = self.part.read(self.source, ahead)?;
        let read: usize = ahead[..count].iter().map(Range::len).sum();
        self.left = self.left.checked_sub(read)?;
        if self.part.chunks.last()?.chunk.is_labelled {
            self.labelled.push(Ok(self.part.chunks.len() - 1));
        }
        Some(count)
    }

    /// What the chunks with labels say of blank nodes, if one of them came or went.
    fn group(&mut self) -> Option<Group> {
        let labelled = std::mem::take(&mut self.labelled);
        let there = |key| self.kept.get(&key).copied().unwrap_or(0);
        let mut known = self.table.chunks().filter(|(_, chunk, _)| chunk.is_labelled);
        if labelled.iter().all(Result::is_err) && known.all(|(key, _, copies)| there(key) == copies)
        {
            return Some(Group::AsBefore);
        }
        let mut parts = Vec::with_capacity(labelled.len());
        for place in labelled {
            parts.push(match place {
                Ok(index) => self.part.chunks.get_mut(index)?.labelled.take()?,
                Err((pieces, header)) => self.read_again(pieces, header)?,
            });
        }
        let (nodes, components) = join_labelled(parts, self.source.limits)?;
        Some(Group::New(nodes, components))
    }

    /// Reads a known chunk again for the blank nodes that it labels.
    fn read_again(&mut self, pieces: Range<usize>, header: TextDigest) -> Option<Labelled> {
        let pieces = &self.pieces[pieces];
        let read: usize = pieces.iter().map(Range::len).sum();
        self.left = self.left.checked_sub(read)?;
        let header = self.part.headers.get(header)?.clone();
        let mut part = Part::new(self.source.limits, header);
        part.read(self.source, pieces)?;
        part.chunks.pop()?.labelled
    }
}
