//! What is kept of parts from one use to the next.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use evergen_delta::{Fingerprint, TermId};
use evergen_knowledge::FactId;
use minijinja::value::Value;
use rustc_hash::{FxHashMap, FxHashSet};
use twox_hash::XxHash3_64;

use crate::template::node::Node;
use crate::view::Remark;

/// So many bytes of parts are kept of a generator; then the memory begins anew.
const KEPT: usize = 64 << 20;

/// What a part costs besides its text, about.
const OVERHEAD: usize = 512;

/// So many parts in one call are worth being kept as a list, too, and not too much for it.
const LISTED: RangeInclusive<usize> = 32..=1 << 16;

/// The parts that a generator's artifacts have used.
#[derive(Debug)]
pub(crate) struct Parts {
    generator: u64,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    parts: FxHashMap<FactId, Arc<Part>>,
    bytes: usize,
    /// What the last call for many parts by a template came to. What is forgotten goes from there,
    /// too, as nobody else holds it.
    calls: FxHashMap<u64, Arc<Vec<Called>>>,
}

/// A text, and the fact by which it is known what it was made of.
#[derive(Debug)]
pub(crate) struct Part {
    pub(super) text: Value,
    pub(crate) fact: FactId,
    /// Whether a whole predicate was read for it.
    pub(crate) is_wide: bool,
    /// What the views had to remark, which is told whenever the part is used.
    pub(crate) remarks: Vec<Remark>,
    /// Counts against the limit of the artifact each time that the part is used, so that it does
    /// not depend on what is kept whether an artifact is within its limits.
    pub(super) fuel: u64,
}

/// A part as one of many.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) about: About,
    pub(super) part: Weak<Part>,
}

/// What a part is about.
#[derive(Debug)]
pub(super) enum About {
    Node(TermId),
    Text(Value),
}

impl About {
    /// None if it can't be about such a thing.
    pub(super) fn of(subject: &Value) -> Option<Self> {
        if let Some(node) = subject.downcast_object_ref::<Node>() {
            return Some(Self::Node(node.id()));
        }
        subject.as_str().map(|_| Self::Text(subject.clone()))
    }

    pub(super) fn is_of(&self, subject: &Value) -> bool {
        match self {
            Self::Node(id) => {
                subject.downcast_object_ref::<Node>().is_some_and(|node| node.id() == *id)
            }
            Self::Text(text) => subject.as_str().is_some_and(|other| text.as_str() == Some(other)),
        }
    }
}

impl Parts {
    /// No part yet of the generator of this name.
    pub(crate) fn of(generator: &str) -> Self {
        Self { generator: hash(generator), known: Mutex::default() }
    }

    /// By what the part is known that a template makes of a subject.
    pub(super) fn fact_of(&self, template: u64, about: &About) -> FactId {
        let (kind, about) = match about {
            About::Node(id) => ("part about a node", id.to_raw()),
            About::Text(text) => ("part about a text", hash(text.as_str().unwrap_or_default())),
        };
        FactId::of(kind, &[self.generator, template, about])
    }

    /// Forgets the parts that a change can have made stale, by their facts.
    pub(crate) fn forget(&self, facts: &FxHashSet<Fingerprint>) {
        let mut known = self.locked();
        let Known { parts, bytes, .. } = &mut *known;
        if parts.len() < facts.len() {
            parts.retain(|fact, _| !facts.contains(&fact.fingerprint()));
            *bytes = parts.values().map(|part| part.bytes()).sum();
            return;
        }
        for fact in facts {
            if let Some(part) = parts.remove(&FactId::from_fingerprint(*fact)) {
                *bytes -= part.bytes();
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        *self.locked() = Known::default();
    }

    /// About how many bytes all of this takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let known = self.locked();
        let listed = known.calls.values().map(|call| call.capacity() * size_of::<Called>());
        known.bytes + listed.sum::<usize>()
    }

    pub(super) fn get(&self, fact: FactId) -> Option<Arc<Part>> {
        self.locked().parts.get(&fact).map(Arc::clone)
    }

    /// Keeps a part; where another worker has made it at the same time, that one stays.
    pub(super) fn keep(&self, part: Part) -> Arc<Part> {
        let mut known = self.locked();
        if let Some(there) = known.parts.get(&part.fact) {
            return Arc::clone(there);
        }
        if known.bytes + part.bytes() > KEPT {
            *known = Known::default();
        }
        known.bytes += part.bytes();
        let part = Arc::new(part);
        known.parts.insert(part.fact, Arc::clone(&part));
        part
    }

    /// What the last call by a template came to, if it is kept.
    pub(super) fn last_call(&self, template: u64) -> Option<Arc<Vec<Called>>> {
        self.locked().calls.get(&template).map(Arc::clone)
    }

    /// Notes what a call came to.
    pub(super) fn note_call(&self, template: u64, call: Vec<Called>) {
        let mut known = self.locked();
        let before = if LISTED.contains(&call.len()) {
            known.calls.insert(template, Arc::new(call))
        } else {
            known.calls.remove(&template)
        };
        drop(known);
        // Which takes its time, and nobody has to wait for it.
        drop(before);
    }

    fn locked(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    fn bytes(&self) -> usize {
        self.text.as_str().map_or(0, str::len) + OVERHEAD
    }
}

pub(super) fn hash(text: &str) -> u64 {
    XxHash3_64::oneshot(text.as_bytes())
}
