//! The dictionary: from a term's id back to what it says.

use std::collections::hash_map::Entry;

use bytes::Bytes;
use evergen_delta::{Term, TermId, TermRef};
use rustc_hash::{FxHashMap, FxHashSet};

use super::bulk;
use super::columns::{Owner, cast};
use super::search::Leads;

/// Two different terms have one id; the second can't be taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the terms {known} and {refused} have the same 64-bit id; rename one of them")]
pub struct TermCollision {
    /// The term that the dictionary holds.
    pub known: Box<Term>,
    /// The term that was to be added.
    pub refused: Box<Term>,
}

const KIND_IRI: u32 = 0;
const KIND_BLANK: u32 = 1;
const FIRST_QUALIFIER: u32 = 2;
const HEADER: usize = 8;

/// A growing set of terms: their texts in one buffer, found by id.
#[derive(Clone, Debug, Default)]
pub struct TermTable {
    offsets: FxHashMap<TermId, u64>,
    heap: Heap,
}

impl TermTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many terms are in the table.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether the table holds no term.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// Makes room for so many more terms.
    pub fn reserve(&mut self, terms: usize) {
        self.offsets.reserve(terms);
    }

    /// Adds a term, if it is new, and gives its id.
    ///
    /// # Errors
    /// A different term with the same id is there already.
    pub fn intern(&mut self, term: TermRef<'_>) -> Result<TermId, TermCollision> {
        let id = term.id();
        match self.offsets.entry(id) {
            Entry::Vacant(entry) => {
                entry.insert(self.heap.push(term));
                Ok(id)
            }
            Entry::Occupied(entry) if self.heap.holds(*entry.get(), term) => Ok(id),
            Entry::Occupied(entry) => {
                let known = self.heap.get(*entry.get());
                Err(TermCollision {
                    known: Box::new(known.unwrap_or(term).to_owned()),
                    refused: Box::new(term.to_owned()),
                })
            }
        }
    }

    /// Adds all terms of another table.
    ///
    /// # Errors
    /// A different term has the same id as one of the other table's; some of the
    /// others may have been added.
    pub fn absorb(&mut self, other: Self) -> Result<(), TermCollision> {
        if self.is_empty() {
            *self = other;
            return Ok(());
        }
        // In the order of the heap, so that memory is read from front to back.
        let mut offset = 0;
        while let Some(term) = other.heap.get(offset) {
            offset += (HEADER + term.text().len()) as u64;
            self.intern(term)?;
        }
        Ok(())
    }

    /// What the term with this id says.
    pub fn get(&self, id: TermId) -> Option<TermRef<'_>> {
        self.heap.get(*self.offsets.get(&id)?)
    }

    /// All terms, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (TermId, TermRef<'_>)> {
        self.offsets.iter().filter_map(|(id, offset)| Some((*id, self.heap.get(*offset)?)))
    }

    /// Bytes of memory in use, roughly.
    pub fn memory_bytes(&self) -> usize {
        self.offsets.capacity() * 17 + self.heap.bytes.len()
    }
}

/// Texts one after another, each behind a header of kind and length.
#[derive(Clone, Debug, Default)]
struct Heap {
    bytes: HeapBytes,
    qualifiers: Qualifiers,
}

#[derive(Clone, Debug)]
enum HeapBytes {
    Growing(Vec<u8>),
    Frozen(Bytes),
}

impl Default for HeapBytes {
    fn default() -> Self {
        Self::Growing(Vec::new())
    }
}

impl HeapBytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Growing(bytes) => bytes,
            Self::Frozen(bytes) => bytes,
        }
    }

    fn len(&self) -> usize {
        self.as_slice().len()
    }
}

/// What makes one literal differ from another of the same text.
#[derive(Clone, Debug, Default)]
struct Qualifiers {
    /// Language tags as `@en`, datatypes as plain IRIs.
    texts: Vec<Box<str>>,
    numbers: FxHashMap<Box<str>, u32>,
    /// The number that was asked for last.
    last: u32,
}

impl Qualifiers {
    /// As they are written to a file.
    fn to_section(&self) -> Bytes {
        Bytes::from(self.texts.join("\n").into_bytes())
    }

    fn number(&mut self, datatype: &str, language: Option<&str>) -> u32 {
        // Mostly it is that of the literal before.
        let last = self.texts.get(self.last as usize).map(|text| &**text);
        let same = match language {
            None => last == Some(datatype),
            Some(language) => last.and_then(|text| text.strip_prefix('@')) == Some(language),
        };
        if same {
            return self.last;
        }
        self.last = self.find_or_push(datatype, language);
        self.last
    }

    fn find_or_push(&mut self, datatype: &str, language: Option<&str>) -> u32 {
        let tagged;
        let text = match language {
            None => datatype,
            Some(language) => {
                tagged = format!("@{language}");
                &tagged
            }
        };
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.push(text)
    }

    fn push(&mut self, text: &str) -> u32 {
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX - FIRST_QUALIFIER);
        self.texts.push(text.into());
        self.numbers.insert(text.into(), number);
        number
    }
}

impl Heap {
    fn push(&mut self, term: TermRef<'_>) -> u64 {
        let kind = match term {
            TermRef::Iri(_) => KIND_IRI,
            TermRef::Blank(_) => KIND_BLANK,
            TermRef::Literal { datatype, language, .. } => {
                FIRST_QUALIFIER + self.qualifiers.number(datatype, language)
            }
        };
        let text = term.text().as_bytes();
        let HeapBytes::Growing(bytes) = &mut self.bytes else { return u64::MAX };
        let offset = bytes.len() as u64;
        bytes.extend_from_slice(&kind.to_le_bytes());
        // Limits on literals keep a text far below 4 GiB.
        bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(text);
        offset
    }

    /// Whether the term at `offset` is this one; faster than getting it.
    fn holds(&self, offset: u64, term: TermRef<'_>) -> bool {
        let text = term.text().as_bytes();
        let bytes =
            usize::try_from(offset).ok().and_then(|start| self.bytes.as_slice().get(start..));
        let Some((header, rest)) = bytes.and_then(|bytes| bytes.split_at_checked(HEADER)) else {
            return false;
        };
        let (tag, length) = header.split_at(HEADER / 2);
        if length != u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes()
            || !rest.starts_with(text)
        {
            return false;
        }
        let kind = u32::from_le_bytes(tag.try_into().unwrap_or_default());
        match term {
            TermRef::Iri(_) => kind == KIND_IRI,
            TermRef::Blank(_) => kind == KIND_BLANK,
            TermRef::Literal { datatype, language, .. } => {
                let index = kind.wrapping_sub(FIRST_QUALIFIER) as usize;
                self.qualifiers.texts.get(index).is_some_and(|qualifier| match language {
                    None => **qualifier == *datatype,
                    Some(language) => qualifier.strip_prefix('@') == Some(language),
                })
            }
        }
    }

    fn get(&self, offset: u64) -> Option<TermRef<'_>> {
        let bytes = self.bytes.as_slice().get(usize::try_from(offset).ok()?..)?;
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        let kind = u32::from_le_bytes(header[..4].try_into().ok()?);
        let length = u32::from_le_bytes(header[4..].try_into().ok()?);
        let text = std::str::from_utf8(rest.get(..length as usize)?).ok()?;
        Some(match kind {
            KIND_IRI => TermRef::Iri(text),
            KIND_BLANK => TermRef::Blank(text),
            literal_kind => {
                let index = (literal_kind - FIRST_QUALIFIER) as usize;
                let qualifier: &str = self.qualifiers.texts.get(index)?;
                literal(text, qualifier)
            }
        })
    }
}

fn literal<'a>(value: &'a str, qualifier: &'a str) -> TermRef<'a> {
    match qualifier.strip_prefix('@') {
        Some(language) => TermRef::Literal {
            value,
            datatype: "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString",
            language: Some(language),
        },
        None => TermRef::Literal { value, datatype: qualifier, language: None },
    }
}

/// The dictionary of a store: an immutable base, which may be a mapped file, and
/// what came since.
#[derive(Clone, Debug, Default)]
pub(super) struct Dictionary {
    base: FrozenTerms,
    recent: TermTable,
}

/// A sorted column of ids, a column of offsets, and the texts.
#[derive(Clone, Debug, Default)]
pub(super) struct FrozenTerms {
    ids: Bytes,
    offsets: Bytes,
    heap: Heap,
    /// Empty where it is not known.
    leads: Leads,
}

/// The dictionary as it is written to a file.
pub(super) struct TermSections {
    pub(super) ids: Bytes,
    pub(super) offsets: Bytes,
    pub(super) heap: Bytes,
    pub(super) qualifiers: Bytes,
}

impl Dictionary {
    /// The terms of several tables.
    pub(super) fn merge(tables: &[TermTable]) -> Result<Self, TermCollision> {
        let count = tables.iter().map(TermTable::len).sum();
        let bytes = tables.iter().map(|table| table.heap.bytes.len()).sum();
        // Each term's id, its table, and its place there.
        let mut entries: Vec<[u64; 3]> = Vec::with_capacity(count);
        for (number, table) in (0..).zip(tables) {
            let offsets = table.offsets.iter();
            entries.extend(offsets.map(|(id, offset)| [id.to_raw(), number, *offset]));
        }
        bulk::sort(&mut entries);
        let table =
            |number: u64| usize::try_from(number).ok().and_then(|number| tables.get(number));
        let mut heap =
            Heap { bytes: HeapBytes::Growing(Vec::with_capacity(bytes)), ..Heap::default() };
        let mut ids: Vec<TermId> = Vec::with_capacity(count);
        let mut offsets = Vec::with_capacity(count);
        for same in entries.chunk_by(|left, right| left[0] == right[0]) {
            let mut terms =
                same.iter().filter_map(|[_, number, offset]| table(*number)?.heap.get(*offset));
            let Some(term) = terms.next() else { continue };
            if let Some(other) = terms.find(|other| *other != term) {
                return Err(TermCollision {
                    known: Box::new(term.to_owned()),
                    refused: Box::new(other.to_owned()),
                });
            }
            ids.push(TermId::from_raw(same[0][0]));
            offsets.push(heap.push(term));
        }
        if let HeapBytes::Growing(bytes) = heap.bytes {
            heap.bytes = HeapBytes::Frozen(Bytes::from(bytes));
        }
        let leads = Leads::of(ids.iter().copied());
        let (ids, offsets) = (Bytes::from_owner(Owner(ids)), Bytes::from_owner(Owner(offsets)));
        Ok(Self { base: FrozenTerms { ids, offsets, heap, leads }, recent: TermTable::new() })
    }

    pub(super) fn intern(&mut self, term: TermRef<'_>) -> Result<TermId, TermCollision> {
        let id = term.id();
        match self.base.get(id) {
            Some(known) if known == term => Ok(id),
            Some(known) => Err(TermCollision {
                known: Box::new(known.to_owned()),
                refused: Box::new(term.to_owned()),
            }),
            None => self.recent.intern(term),
        }
    }

    pub(super) fn get(&self, id: TermId) -> Option<TermRef<'_>> {
        self.recent.get(id).or_else(|| self.base.get(id))
    }

    pub(super) fn recent(&self) -> &TermTable {
        &self.recent
    }

    pub(super) fn replace_empty(&mut self, table: TermTable) -> Result<(), TermTable> {
        if self.recent.is_empty() && self.base.ids.is_empty() {
            self.recent = table;
            return Ok(());
        }
        Err(table)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.recent.memory_bytes()
            + self.base.ids.len()
            + self.base.offsets.len()
            + self.base.leads.memory_bytes()
            + self.base.heap.bytes.len()
    }

    /// Sorted sections of every term, or of those in `kept` alone.
    pub(super) fn freeze(&self, kept: Option<&FxHashSet<TermId>>) -> TermSections {
        if let (None, true, HeapBytes::Frozen(heap)) =
            (kept, self.recent.is_empty(), &self.base.heap.bytes)
        {
            return TermSections {
                ids: self.base.ids.clone(),
                offsets: self.base.offsets.clone(),
                heap: heap.clone(),
                qualifiers: self.base.heap.qualifiers.to_section(),
            };
        }
        let keep = |id| kept.is_none_or(|kept| kept.contains(&id));
        let mut entries: Vec<(TermId, TermRef<'_>)> =
            self.base.iter().chain(self.recent.iter()).filter(|(id, _)| keep(*id)).collect();
        entries.sort_unstable_by_key(|(id, _)| *id);
        let mut heap = Heap::default();
        let mut ids = Vec::with_capacity(entries.len());
        let mut offsets = Vec::with_capacity(entries.len());
        for (id, term) in entries {
            ids.push(id);
            offsets.push(heap.push(term));
        }
        let HeapBytes::Growing(bytes) = heap.bytes else { unreachable!("a new heap grows") };
        TermSections {
            ids: Bytes::from_owner(Owner(ids)),
            offsets: Bytes::from_owner(Owner(offsets)),
            heap: Bytes::from(bytes),
            qualifiers: heap.qualifiers.to_section(),
        }
    }

    pub(super) fn thaw(sections: TermSections) -> Option<Self> {
        let mut qualifiers = Qualifiers::default();
        let texts = std::str::from_utf8(&sections.qualifiers).ok()?;
        for text in texts.lines() {
            qualifiers.push(text);
        }
        if sections.ids.len() != sections.offsets.len() {
            return None;
        }
        cast::<TermId>(&sections.ids)?;
        cast::<u64>(&sections.offsets)?;
        let heap = Heap { bytes: HeapBytes::Frozen(sections.heap), qualifiers };
        let TermSections { ids, offsets, .. } = sections;
        let base = FrozenTerms { ids, offsets, heap, leads: Leads::default() };
        Some(Self { base, recent: TermTable::new() })
    }
}

impl FrozenTerms {
    fn get(&self, id: TermId) -> Option<TermRef<'_>> {
        let ids = cast::<TermId>(&self.ids)?;
        let offsets = cast::<u64>(&self.offsets)?;
        if self.leads.is_empty() {
            let index = super::search::find_uniform(ids, id)?;
            return self.heap.get(*offsets.get(index)?);
        }
        let place = self.leads.part(ids, id).iter().position(|found| *found == id)?;
        self.heap.get(*self.leads.part(offsets, id).get(place)?)
    }

    fn iter(&self) -> impl Iterator<Item = (TermId, TermRef<'_>)> {
        let ids = cast::<TermId>(&self.ids).unwrap_or_default();
        let offsets = cast::<u64>(&self.offsets).unwrap_or_default();
        ids.iter().zip(offsets).filter_map(|(id, offset)| Some((*id, self.heap.get(*offset)?)))
    }
}
