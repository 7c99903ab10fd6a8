//! Names and numbers that stay the same for ever.
//!
//! A name in generated code is an interface. It must not change because some other class
//! came into the model, so names are given once and kept: as statements that stand beside
//! the model and are part of it.

use std::collections::BTreeMap;

use evergen_delta::{Quad, Term};
use rustc_hash::{FxHashMap, FxHashSet};
use unicode_normalization::UnicodeNormalization as _;

use crate::local::{namespace, short_word};

mod turtle;

pub use self::turtle::NamesError;
pub(crate) use self::turtle::{CLASS, PROPERTY, also_iri, inverse_iri, value_iri, values_iri};

/// What is named: within each of these, names are unique.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameScope {
    /// Classes, enumerations and datatypes.
    Class,
    /// Properties.
    Property,
    /// The values of the enumeration with this IRI.
    Member(String),
}

/// A thing that needs a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Wanted {
    /// Its IRI.
    pub iri: String,
    /// What it is.
    pub scope: NameScope,
    /// The name it has if nobody else has it.
    pub local: String,
    /// What stands in front of the name otherwise.
    pub space: String,
}

impl NameScope {
    /// Within what numbers are unique: an enumeration, or all that may be a field.
    fn numbering(&self) -> Option<&str> {
        match self {
            Self::Member(enumeration) => Some(enumeration),
            Self::Class | Self::Property => None,
        }
    }
}

impl Wanted {
    /// A thing whose namespace has no prefix.
    pub fn new(iri: impl Into<String>, scope: NameScope, local: impl Into<String>) -> Self {
        let iri = iri.into();
        let space = short_word(&iri, &[]);
        Self { iri, scope, local: local.into(), space }
    }

    /// The same with the word that stands in front of the name where it clashes.
    #[must_use]
    pub fn with_space(mut self, space: impl Into<String>) -> Self {
        self.space = space.into();
        self
    }
}

/// Names and numbers by what has them.
///
/// # Laws
/// - What has a name or number keeps it, also when it is gone from the model and comes back.
/// - Names of one scope differ after everything but letters and digits is removed and case
///   is folded, unless somebody edited the text by hand: that is told by
///   [`clashes`](Self::clashes), and left as it is.
/// - Printed as Turtle and parsed again, they are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    given: BTreeMap<(String, NameScope), Given>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    name: String,
    number: Option<u32>,
}

/// Two things with one name or number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Clash {
    /// What both are.
    pub scope: NameScope,
    /// The IRI of the first.
    pub first: String,
    /// The IRI of the second.
    pub second: String,
    /// What they share.
    pub shared: String,
}

/// Numbers that protobuf keeps for itself, and the largest that it has.
const RESERVED: std::ops::RangeInclusive<u32> = 19_000..=19_999;
const LARGEST: u32 = 536_870_911;

impl Names {
    /// No names.
    pub fn new() -> Self {
        Self::default()
    }

    /// The previous names, and names and numbers for what is wanted and has none.
    ///
    /// Depends on the set of what is wanted, not on its order. Of two new things that want one
    /// name, the one whose namespace names more things gets it, then the one whose IRI is
    /// smaller; the other one gets its namespace's word in front, then a number behind it.
    /// Properties and classes are numbered together in the whole model, since a message may have
    /// a field for either, and members in their enumeration; from 1, new ones behind all that
    /// are numbered already: properties first, then in the order of IRIs. What is no IRI
    /// gets nothing.
    #[must_use]
    pub fn allocate(previous: &Self, wanted: &[Wanted]) -> Self {
        let mut names = previous.clone();
        let mut wanted: Vec<&Wanted> =
            wanted.iter().filter(|wanted| wanted.can_be_written()).collect();
        wanted.sort_unstable();
        wanted.dedup_by(|one, other| (&one.iri, &one.scope) == (&other.iri, &other.scope));
        names.add_names(&wanted);
        names.add_numbers(&wanted);
        names
    }

    fn add_names(&mut self, wanted: &[&Wanted]) {
        let mut sizes: FxHashMap<&str, usize> = FxHashMap::default();
        for wanted in wanted {
            *sizes.entry(namespace(&wanted.iri)).or_default() += 1;
        }
        let mut new: Vec<&&Wanted> = wanted
            .iter()
            .filter(|wanted| !self.given.contains_key(&(wanted.iri.clone(), wanted.scope.clone())))
            .collect();
        new.sort_by_key(|wanted| std::cmp::Reverse(sizes[namespace(&wanted.iri)]));
        let mut taken: FxHashMap<NameScope, FxHashSet<String>> = FxHashMap::default();
        for ((_, scope), given) in &self.given {
            taken.entry(scope.clone()).or_default().insert(fold(&given.name));
        }
        for wanted in new {
            let taken = taken.entry(wanted.scope.clone()).or_default();
            let local = if fold(&wanted.local).is_empty() { "unnamed" } else { &wanted.local };
            let name = if taken.insert(fold(local)) {
                local.to_owned()
            } else {
                distinct(local, &wanted.space, |name| taken.insert(fold(name)))
            };
            let key = (wanted.iri.clone(), wanted.scope.clone());
            self.given.insert(key, Given { name, number: None });
        }
    }

    fn add_numbers(&mut self, wanted: &[&Wanted]) {
        let mut used: FxHashMap<Option<String>, FxHashSet<u32>> = FxHashMap::default();
        for ((_, scope), given) in &self.given {
            used.entry(scope.numbering().map(str::to_owned)).or_default().extend(given.number);
        }
        let mut last: FxHashMap<Option<&str>, u32> = FxHashMap::default();
        let is_class = |wanted: &&&Wanted| wanted.scope == NameScope::Class;
        let classes = wanted.iter().filter(is_class);
        for wanted in wanted.iter().filter(|wanted| !is_class(wanted)).chain(classes) {
            let key = (wanted.iri.clone(), wanted.scope.clone());
            let Some(given) = self.given.get_mut(&key).filter(|given| given.number.is_none())
            else {
                continue;
            };
            let numbering = wanted.scope.numbering();
            let used = used.entry(numbering.map(str::to_owned)).or_default();
            let last = last.entry(numbering).or_insert_with(|| {
                let kept = used.iter().filter(|number| **number <= LARGEST);
                kept.max().copied().unwrap_or(0)
            });
            given.number = next_number(*last, used);
            if let Some(number) = given.number {
                used.insert(number);
                *last = (*last).max(number);
            }
        }
    }

    /// The name of a thing.
    pub fn name(&self, iri: &str, scope: &NameScope) -> Option<&str> {
        self.given.get(&(iri.to_owned(), scope.clone())).map(|given| given.name.as_str())
    }

    /// The number of a thing.
    pub fn number(&self, iri: &str, scope: &NameScope) -> Option<u32> {
        self.given.get(&(iri.to_owned(), scope.clone()))?.number
    }

    /// How many things have a name.
    pub fn len(&self) -> usize {
        self.given.len()
    }

    /// Whether nothing has a name.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// The statements by which a [`Schema`](crate::Schema) finds the names.
    pub fn quads(&self) -> Vec<Quad> {
        let mut quads = Vec::with_capacity(3 * self.given.len());
        for line in self.lines() {
            let subject = Term::iri(line.subject);
            let mut say = |predicate: &str, object| {
                let predicate = Term::iri(format!("{}{predicate}", crate::vocabulary::EVERGEN));
                quads.push(Quad { subject: subject.clone(), predicate, object, graph: None });
            };
            say("as", Term::iri(line.scope));
            say("name", Term::literal(line.given.name.as_str()));
            if let Some(number) = line.given.number {
                let integer = format!("{}integer", crate::vocabulary::XSD);
                say("number", Term::typed(number.to_string(), integer));
            }
        }
        quads
    }

    /// Things that share a name or number, which only a hand edit can bring about.
    pub fn clashes(&self) -> Vec<Clash> {
        let mut names: FxHashMap<(&NameScope, String), &str> = FxHashMap::default();
        let mut numbers: FxHashMap<(Option<&str>, u32), (&str, &NameScope)> = FxHashMap::default();
        let mut clashes = Vec::new();
        let clash = |scope: &NameScope, first: &str, second: &str, shared: String| Clash {
            scope: scope.clone(),
            first: first.to_owned(),
            second: second.to_owned(),
            shared,
        };
        for ((iri, scope), given) in &self.given {
            let first = *names.entry((scope, fold(&given.name))).or_insert(iri);
            if first != iri {
                clashes.push(clash(scope, first, iri, given.name.clone()));
            }
            let Some(number) = given.number else { continue };
            let first =
                *numbers.entry((scope.numbering(), number)).or_insert((iri.as_str(), scope));
            if first != (iri.as_str(), scope) {
                clashes.push(clash(scope, first.0, iri, number.to_string()));
            }
        }
        clashes
    }
}

/// The next number behind the last one; a gap where there is none.
fn next_number(last: u32, used: &FxHashSet<u32>) -> Option<u32> {
    let free = |number: &u32| !RESERVED.contains(number) && !used.contains(number);
    (last + 1..=LARGEST).find(free).or_else(|| (1..=LARGEST).find(free))
}

/// A name without what many languages or file systems don't tell apart: compatible forms,
/// case, and everything that is no letter or digit.
pub(crate) fn fold(name: &str) -> String {
    if name.is_ascii() {
        let kept = name.chars().filter(char::is_ascii_alphanumeric);
        return kept.map(|character| character.to_ascii_lowercase()).collect();
    }
    name.nfkc()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .filter(|character| character.is_alphanumeric())
        .nfkc()
        .collect()
}

/// A name that is accepted: with a word in front, then with numbers behind that.
pub(crate) fn distinct(name: &str, word: &str, mut accept: impl FnMut(&str) -> bool) -> String {
    let qualified = format!("{word}_{name}");
    if accept(&qualified) {
        return qualified;
    }
    let mut number = 2_u64;
    loop {
        let numbered = format!("{qualified}_{number}");
        // There are more numbers than names.
        if accept(&numbered) {
            return numbered;
        }
        number += 1;
    }
}
