//! What changed from one interface to another one, and whom that breaks.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{link, property_link};
use super::{ClassPart, DatatypePart, Interface, Key, Kind, Limits, Part, Place, PropertyPart};
use crate::local::local_name;

/// How much a change asks of those who use the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// Nothing of the interface is another: texts, templates.
    Internal,
    /// What compiled compiles, what was read is read, and there is more.
    Additive,
    /// Code that compiled may not, or an instance that was valid no longer is.
    Breaking,
}

/// Under which heading of a changelog a change stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ChangeTopic {
    /// It is gone.
    Removed,
    /// It is another.
    Changed,
    /// It is new.
    Added,
    /// It should no longer be used.
    Deprecated,
}

/// One thing that is other than it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct InterfaceChange {
    /// Its heading.
    pub topic: ChangeTopic,
    /// What it asks of users.
    pub kind: ChangeKind,
    /// The IRI of the class, property, value or datatype that it is about.
    pub iri: String,
    /// What happened, with the name that users of the code know and the IRI; one line of
    /// Markdown.
    pub text: String,
}

impl Interface {
    /// What is other in `new`, in the order of headings, what breaks first; nothing of what only the
    /// digest of all the rest tells.
    ///
    /// A change is told once, for the class that makes it. A class that is gone or new stands
    /// for all it has.
    #[must_use]
    pub fn changes(&self, new: &Self) -> Vec<InterfaceChange> {
        let mut comparison = Comparison { old: self, new, changes: Vec::new() };
        comparison.things();
        comparison.classes();
        let mut changes = comparison.changes;
        changes.sort_by(|one, other| {
            let key = |change: &InterfaceChange| (change.topic, std::cmp::Reverse(change.kind));
            key(one).cmp(&key(other)).then_with(|| one.cmp(other))
        });
        changes.dedup();
        changes
    }

    /// The kind of all changes together; none where nothing at all is other.
    #[must_use]
    pub fn kind_of_change(&self, new: &Self) -> Option<ChangeKind> {
        let inner = (self.inner != new.inner).then_some(ChangeKind::Internal);
        // A part may be noted in another place and say the same.
        let parts = (self.parts != new.parts).then_some(ChangeKind::Internal);
        let told = self.changes(new).iter().map(|change| change.kind).max();
        inner.max(parts).max(told)
    }
}

struct Comparison<'a> {
    old: &'a Interface,
    new: &'a Interface,
    changes: Vec<InterfaceChange>,
}

use ChangeKind::{Additive, Breaking};
use ChangeTopic::{Added, Changed, Deprecated, Removed};

impl<'a> Comparison<'a> {
    fn note(&mut self, topic: ChangeTopic, kind: ChangeKind, iri: &str, text: String) {
        self.changes.push(InterfaceChange { topic, kind, iri: iri.to_owned(), text });
    }

    /// Classes, enumerations and datatypes themselves, and values.
    fn things(&mut self) {
        let (old, new) = (self.old, self.new);
        for ((owner, place), part) in &old.parts {
            match (place, new.parts.get(&(owner.clone(), place.clone()))) {
                (Place::Property { .. }, _) => {}
                (_, Some(other)) => self.both(owner, place, part, other),
                (Place::Value(_), None) if !is_there(new, owner) => {}
                (_, None) => self.gone(owner, place, part),
            }
        }
        for ((owner, place), part) in &new.parts {
            let is_known = old.parts.contains_key(&(owner.clone(), place.clone()));
            let is_part = matches!(place, Place::Property { .. });
            let comes_along = matches!(place, Place::Value(_)) && !is_there(old, owner);
            if !is_known && !is_part && !comes_along {
                self.come(owner, place, part);
            }
        }
    }

    fn gone(&mut self, owner: &str, place: &Place, part: &Part) {
        let (iri, name) = match place {
            Place::Value(value) => (value.as_str(), self.old.value(owner, part)),
            _ => (owner, self.old.called(owner)),
        };
        let text = format!("The {} {name} ({})", noun(part), value_link(iri, place));
        self.note(Removed, Breaking, iri, text);
    }

    fn come(&mut self, owner: &str, place: &Place, part: &Part) {
        let (iri, name) = match place {
            Place::Value(value) => (value.as_str(), self.new.value(owner, part)),
            _ => (owner, self.new.called(owner)),
        };
        let text = format!("The {} {name} ({})", noun(part), value_link(iri, place));
        self.note(Added, Additive, iri, text);
    }

    fn both(&mut self, owner: &str, place: &Place, old: &'a Part, new: &'a Part) {
        let (iri, before) = match place {
            Place::Value(value) => (value.as_str(), self.old.value(owner, old)),
            _ => (owner, self.old.called(owner)),
        };
        let link = value_link(iri, place);
        if noun(old) != noun(new) {
            let (was, is) = (noun(old), noun(new));
            let text = format!("{before} is of another kind now: {is} instead of {was} ({link})");
            self.note(Changed, Breaking, iri, text);
            return;
        }
        if old.name() != new.name() {
            let after = match place {
                Place::Value(_) => self.new.value(owner, new),
                _ => self.new.called(owner),
            };
            let text = format!("The {} {before} is called {after} now ({link})", noun(old));
            self.note(Changed, Breaking, iri, text);
        }
        if !old.is_deprecated() && new.is_deprecated() {
            let text = format!("The {} {before} ({link})", noun(old));
            self.note(Deprecated, Additive, iri, text);
        }
        if let (Some(number), now) = (old.number(), new.number())
            && now != Some(number)
        {
            let now = now.map_or_else(|| "none".to_owned(), |now| now.to_string());
            let text = format!("The number of {before} is {now} now, and was {number} ({link})");
            self.note(Changed, Breaking, iri, text);
        }
        match (old, new) {
            (Part::Datatype(old), Part::Datatype(new)) => self.datatype(owner, old, new),
            (Part::Class(old), Part::Class(new)) => self.class(owner, old, new),
            _ => {}
        }
    }

    fn datatype(&mut self, iri: &str, old: &DatatypePart, new: &DatatypePart) {
        let name = self.old.called(iri);
        if old.base != new.base {
            let (before, after) = (self.old.called(&old.base), self.new.called(&new.base));
            let text = format!(
                "The datatype {name} is made of {after} now, and was of {before} ({})",
                link(iri)
            );
            self.note(Changed, Breaking, iri, text);
        }
        for change in old.limits.changes(&new.limits) {
            let text = format!("A literal of {name} {} ({})", change.words, link(iri));
            self.note(Changed, change.kind, iri, text);
        }
    }

    fn class(&mut self, iri: &str, old: &ClassPart, new: &ClassPart) {
        if old.is_abstract != new.is_abstract {
            let name = self.old.called(iri);
            let (kind, words) = if new.is_abstract {
                (Breaking, "has no instances of its own any more")
            } else {
                (Additive, "may have instances of its own now")
            };
            self.note(Changed, kind, iri, format!("The class {name} {words} ({})", link(iri)));
        }
    }

    /// What classes extend, and what they have.
    fn classes(&mut self) {
        let (old, new) = (self.old, self.new);
        let bases = |interface: &'a Interface| -> BTreeMap<&'a str, &'a [String]> {
            interface.classes().map(|(iri, class)| (iri, class.bases.as_slice())).collect()
        };
        let same_bases = bases(old) == bases(new);
        for (iri, _) in new.classes().filter(|(iri, _)| old.class(iri).is_some()) {
            let mut keys: BTreeSet<Key> = old.own(iri).map(|(key, _)| key).collect();
            keys.extend(new.own(iri).map(|(key, _)| key));
            if !same_bases && old.line(iri) != new.line(iri) {
                self.line(iri);
                keys.extend(old.keys(iri));
                keys.extend(new.keys(iri));
            }
            for key in keys {
                match (old.property(iri, &key), new.property(iri, &key)) {
                    (Some(before), None) => {
                        let field = old.field(iri, before);
                        let text = format!("The property {field} ({})", property_link(&key));
                        self.note(Removed, Breaking, &key.0, text);
                    }
                    (None, Some(after)) => self.new_property(iri, &key, after),
                    (Some(before), Some(after)) => {
                        Properties { all: self, class: iri, key: &key, before, after }.compare();
                    }
                    (None, None) => {}
                }
            }
        }
    }

    /// What a class extends is other than it was.
    fn line(&mut self, iri: &str) {
        let (old, new) = (self.old, self.new);
        let (before, after) = (old.line(iri), new.line(iri));
        let name = old.called(iri);
        for lost in before.iter().filter(|base| !after.contains(base)) {
            let text = format!(
                "The class {name} does not extend {} any more ({})",
                old.called(lost),
                link(iri)
            );
            self.note(Changed, Breaking, iri, text);
        }
        for found in after.iter().filter(|base| !before.contains(base)) {
            let text =
                format!("The class {name} extends {} now ({})", new.called(found), link(iri));
            self.note(Changed, Additive, iri, text);
        }
        let (first, now) = (old.first_line(iri), new.first_line(iri));
        let kept = |base: &&&str| after.contains(base) && !now.contains(base);
        if let Some(base) = first.iter().find(kept) {
            let text = format!(
                "The class {name} does not extend {} in the first place any more, which is all that languages with one base class extend ({})",
                old.called(base),
                link(iri)
            );
            self.note(Changed, Breaking, iri, text);
        }
    }

    fn new_property(&mut self, class: &str, key: &Key, part: &PropertyPart) {
        let field = self.new.field(class, part);
        let link = property_link(key);
        if part.required || part.min > 0 {
            let text = format!("The property {field} is new and needs a value ({link})");
            self.note(Changed, Breaking, &key.0, text);
        } else {
            let text = format!("The property {field} ({link})");
            self.note(Added, Additive, &key.0, text);
        }
    }
}

/// One property of one class, as it was and as it is.
struct Properties<'c, 'a> {
    all: &'c mut Comparison<'a>,
    class: &'c str,
    key: &'c Key,
    before: &'a PropertyPart,
    after: &'a PropertyPart,
}

impl Properties<'_, '_> {
    fn compare(&mut self) {
        let (before, after) = (self.before, self.after);
        if before.name != after.name {
            let name = super::limits::code(&after.name);
            self.changed(Breaking, &format!("is called {name} now"));
        }
        self.shape();
        self.counts();
        self.values();
        if before.unique_lang != after.unique_lang {
            let (kind, words) = if after.unique_lang {
                (Breaking, "has at most one value for each language now")
            } else {
                (Additive, "may have several values in one language now")
            };
            self.changed(kind, words);
        }
        if let (Some(number), true) = (before.number, before.number != after.number) {
            let now = after.number.map_or_else(|| "none".to_owned(), |now| now.to_string());
            self.changed(Breaking, &format!("has the number {now} now, and had {number}"));
        }
        if !before.deprecated && after.deprecated {
            let field = self.all.old.field(self.class, before);
            let text = format!("The property {field} ({})", property_link(self.key));
            self.all.note(Deprecated, Additive, &self.key.0, text);
        }
    }

    fn changed(&mut self, kind: ChangeKind, words: &str) {
        let field = self.all.old.field(self.class, self.before);
        let text = format!("The property {field} {words} ({})", property_link(self.key));
        self.all.note(Changed, kind, &self.key.0, text);
    }

    /// The type of the field.
    fn shape(&mut self) {
        let (before, after) = (self.before, self.after);
        if types(&before.types) != types(&after.types) && !self.is_told(before, after) {
            let (was, is) = (self.all.old.kinds(&before.types), self.all.new.kinds(&after.types));
            self.changed(Breaking, &format!("holds {is} now, and held {was}"));
        }
        match (before.single, after.single) {
            (true, false) => self.changed(Breaking, "holds any number of values now, and held one"),
            (false, true) => self.changed(Breaking, "holds one value now, and held any number"),
            _ => {}
        }
        match (before.required, after.required) {
            (true, false) => {
                self.changed(Breaking, "may be without a value now, and always had one");
            }
            (false, true) => self.changed(Breaking, "needs a value now"),
            _ => {}
        }
    }

    /// Whether the types differ by nothing but things that are of another kind now, which is
    /// told of these.
    fn is_told(&self, before: &PropertyPart, after: &PropertyPart) -> bool {
        let (was, is) = (types(&before.types), types(&after.types));
        was.symmetric_difference(&is).all(|kind| {
            let noun_in = |interface: &Interface| {
                let part = interface.parts.get(&(kind.iri()?.to_owned(), Place::Itself))?;
                Some(noun(part))
            };
            let (old, new) = (noun_in(self.all.old), noun_in(self.all.new));
            old.is_some() && new.is_some() && old != new
        })
    }

    /// How many values a reader takes.
    fn counts(&mut self) {
        let (before, after) = (self.before, self.after);
        // What the type of the field says is told already.
        let is_told = before.required != after.required && before.min.max(after.min) == 1;
        if before.min != after.min && !is_told {
            let kind = if after.min > before.min { Breaking } else { Additive };
            let (now, was) = (after.min, before.min);
            let words = format!("needs at least {now} values now, and needed {was}");
            self.changed(kind, &words);
        }
        let is_told = before.single != after.single
            && [before.max, after.max].into_iter().all(|max| max.is_none_or(|max| max == 1));
        if before.max != after.max && !is_told {
            let most = |max: Option<u32>| match max {
                Some(max) => format!("at most {max} values"),
                None => "any number of values".to_owned(),
            };
            let is_wider = after.max.is_none_or(|max| before.max.is_some_and(|was| max >= was));
            let kind = if is_wider { Additive } else { Breaking };
            let words = format!("takes {} now, and took {}", most(after.max), most(before.max));
            self.changed(kind, &words);
        }
    }

    /// Which values a reader takes.
    fn values(&mut self) {
        let (before, after) = (self.before.takes(), self.after.takes());
        let (old, new) = (self.all.old, self.all.new);
        let (was, is) = (types(before), types(after));
        let lost = old.kinds(before.iter().filter(|kind| !is.contains(&kind.plain())));
        let found = new.kinds(after.iter().filter(|kind| !was.contains(&kind.plain())));
        // Another type of the field is told already.
        let is_told = types(&self.before.types) != types(&self.after.types);
        if !lost.is_empty() && !is_told {
            self.changed(Breaking, &format!("does not take {lost} any more"));
        }
        if !found.is_empty() && !is_told {
            self.changed(Additive, &format!("takes {found} now"));
        }
        for kind in before {
            let Kind::Data { datatype, limits, .. } = kind else { continue };
            let same = after.iter().find(|other| other.plain() == kind.plain());
            let Some(Kind::Data { limits: now, .. }) = same else { continue };
            if limits.is_none() && now.is_none() {
                // What changed there is told of the datatype.
                continue;
            }
            let limits: Limits = old.limits(datatype, limits.as_ref());
            for change in limits.changes(&new.limits(datatype, now.as_ref())) {
                let field = old.field(self.class, self.before);
                let text =
                    format!("A value of {field} {} ({})", change.words, property_link(self.key));
                self.all.note(Changed, change.kind, &self.key.0, text);
            }
        }
    }
}

impl PropertyPart {
    fn takes(&self) -> &BTreeSet<Kind> {
        self.takes.as_ref().unwrap_or(&self.types)
    }
}

impl Kind {
    /// What it refers to.
    fn iri(&self) -> Option<&str> {
        match self {
            Self::Class(iri) | Self::Enumeration(iri) | Self::Data { datatype: iri, .. } => {
                Some(iri)
            }
            Self::Resource | Self::Anything => None,
        }
    }

    /// The same without what limits literals.
    fn plain(&self) -> Self {
        match self {
            Self::Data { datatype, base, .. } => {
                Self::Data { datatype: datatype.clone(), base: base.clone(), limits: None }
            }
            other => other.clone(),
        }
    }
}

fn types(kinds: &BTreeSet<Kind>) -> BTreeSet<Kind> {
    kinds.iter().map(Kind::plain).collect()
}

impl Interface {
    /// `State.Shipped`, as code.
    fn value(&self, enumeration: &str, part: &Part) -> String {
        let owner = self.name(enumeration).map_or_else(|| local_name(enumeration), str::to_owned);
        super::limits::code(&format!("{owner}.{}", part.name()))
    }
}

impl Part {
    fn is_deprecated(&self) -> bool {
        match self {
            Self::Class(part) => part.deprecated,
            Self::Property(part) => part.deprecated,
            Self::Enumeration(part) | Self::Value(part) => part.deprecated,
            Self::Datatype(part) => part.deprecated,
        }
    }
}

fn is_there(interface: &Interface, owner: &str) -> bool {
    interface.parts.contains_key(&(owner.to_owned(), Place::Itself))
}

fn noun(part: &Part) -> &'static str {
    match part {
        Part::Class(_) => "class",
        Part::Property(_) => "property",
        Part::Enumeration(_) => "enumeration",
        Part::Value(_) => "value",
        Part::Datatype(_) => "datatype",
    }
}

/// What a thing is in the model: an IRI as a link, a literal as code.
fn value_link(iri: &str, place: &Place) -> String {
    match place {
        Place::Value(value) => {
            match value.strip_prefix('<').and_then(|iri| iri.strip_suffix('>')) {
                Some(iri) => link(iri),
                None => super::limits::code(value),
            }
        }
        _ => link(iri),
    }
}
