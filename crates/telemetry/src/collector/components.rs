//! A place for each component, found without a lock.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cells::COMPONENTS;

/// The last place is shared by all that come too late.
const OTHER: usize = COMPONENTS - 1;

/// Open addressing over places that are written once.
#[derive(Debug)]
pub(crate) struct Components {
    names: [OnceLock<&'static str>; COMPONENTS],
    unnamed: AtomicU64,
}

impl Components {
    pub(crate) fn new() -> Self {
        Self { names: [const { OnceLock::new() }; COMPONENTS], unnamed: AtomicU64::new(0) }
    }

    /// The place of a component. The first time, it takes one.
    pub(crate) fn place(&self, name: &'static str) -> usize {
        let start = first_place(name);
        for step in 0..OTHER {
            let place = (start + step) % OTHER;
            // Only the first of several threads can set it; the others see its name.
            let known = *self.names[place].get_or_init(|| name);
            if std::ptr::eq(known, name) || known == name {
                return place;
            }
        }
        self.unnamed.fetch_add(1, Ordering::Relaxed);
        OTHER
    }

    /// The names by place; empty where there is none.
    pub(crate) fn names(&self) -> [&'static str; COMPONENTS] {
        let mut names = [""; COMPONENTS];
        for (name, known) in names.iter_mut().zip(&self.names) {
            *name = known.get().copied().unwrap_or("");
        }
        names[OTHER] = "other";
        names
    }

    /// How many events had no place of their own.
    pub(crate) fn unnamed(&self) -> u64 {
        self.unnamed.load(Ordering::Relaxed)
    }
}

/// From a few characters: names of components differ early and are of different lengths.
fn first_place(name: &str) -> usize {
    let bytes = name.as_bytes();
    let at = |place: usize| bytes.get(place).copied().map_or(0, usize::from);
    (bytes.len() * 31 + at(0) * 7 + at(bytes.len() / 2) * 13 + at(bytes.len().saturating_sub(1)))
        % OTHER
}
