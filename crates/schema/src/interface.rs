//! What generated code promises, in a form that outlives the model it was made of.
//!
//! Whoever uses generated code depends on names and types, and on what a reader takes. All of
//! that follows from the view of the model, so that is where a change of the promise is
//! found, once for all languages.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use evergen_delta::TermRef;
use serde::{Deserialize, Serialize};

use crate::{Class, DataRange, Facets, Member, Property, Range, Schema, Value};

mod compare;
mod limits;
mod release;
mod version;
mod words;

pub use self::compare::{ChangeKind, ChangeTopic, InterfaceChange};
use self::limits::Limits;
pub use self::release::{Release, ReleaseError};
pub use self::version::{Version, VersionError};

/// The public interface of what is generated from a model.
///
/// It holds what code that uses the generated code can notice: what there is, what it is
/// called, of which type it is, what it extends, and which values a reader takes. Texts and
/// everything else that a template can show are in it as one digest.
///
/// # Laws
/// - It depends on nothing but what the schema answers about its classes, enumerations and
///   datatypes, not on any order in which they are asked.
/// - Compared with itself, nothing has changed.
/// - Printed as part of a [`Release`] and parsed again, it is the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// What there is, by its owner and its place in it.
    parts: BTreeMap<(String, Place), Part>,
    /// A digest of all that is not interface; none if nothing is known of it.
    inner: Option<String>,
}

/// Where a part stands in what owns it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Place {
    /// The class, enumeration or datatype itself.
    Itself,
    /// A property of a class.
    Property {
        /// Its IRI.
        iri: String,
        /// Whether it is the property in its other direction.
        reversed: bool,
    },
    /// A value of an enumeration, as N-Triples write it.
    Value(String),
}

/// One thing with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    Class(ClassPart),
    Property(PropertyPart),
    Enumeration(NamedPart),
    Value(NamedPart),
    Datatype(DatatypePart),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ClassPart {
    name: String,
    /// What code extends, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    bases: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    is_abstract: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    #[serde(default, skip_serializing_if = "is_false")]
    deprecated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, compared one by one")]
struct PropertyPart {
    name: String,
    /// The type of the field.
    types: BTreeSet<Kind>,
    /// What a reader takes, where that is not all of the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    takes: Option<BTreeSet<Kind>>,
    #[serde(default, skip_serializing_if = "is_false")]
    single: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    required: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    min: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<u32>,
    #[serde(default, skip_serializing_if = "is_false")]
    unique_lang: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    #[serde(default, skip_serializing_if = "is_false")]
    deprecated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct NamedPart {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    #[serde(default, skip_serializing_if = "is_false")]
    deprecated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DatatypePart {
    name: String,
    base: String,
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    limits: Limits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    #[serde(default, skip_serializing_if = "is_false")]
    deprecated: bool,
}

/// One of the kinds of values that a property may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Class(String),
    Enumeration(String),
    Data {
        datatype: String,
        /// None for a datatype of the model's own, which says it itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<String>,
        /// None where a datatype of the model's own says all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limits: Option<Limits>,
    },
    Resource,
    Anything,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// A property's IRI, and whether it is the other direction.
type Key = (String, bool);

impl Interface {
    /// The interface of all that a schema shows.
    #[must_use]
    pub fn of(schema: &Schema<'_>) -> Self {
        let mut builder = Builder::default();
        for datatype in schema.datatypes() {
            builder.datatype(schema, &datatype.iri);
        }
        for enumeration in schema.enumerations() {
            builder.enumeration(schema, &enumeration.iri);
        }
        let classes: Vec<Class> =
            schema.classes().iter().filter_map(|class| schema.class(id(&class.iri))).collect();
        for class in &classes {
            builder.class(schema, class);
        }
        builder.properties(&classes);
        builder.interface.inner = Some(digest(&builder.texts.join("\n")));
        builder.interface
    }

    /// The same for code that is made with something else: `with` stands for all that is
    /// neither model nor interface, as the templates are.
    #[must_use]
    pub fn made_with(mut self, with: &str) -> Self {
        self.inner = self.inner.map(|inner| digest(&format!("{inner} {with}")));
        self
    }

    /// Whether it is known what there was.
    pub(crate) fn is_known(&self) -> bool {
        self.inner.is_some()
    }

    fn class(&self, iri: &str) -> Option<&ClassPart> {
        match self.parts.get(&(iri.to_owned(), Place::Itself)) {
            Some(Part::Class(class)) => Some(class),
            _ => None,
        }
    }

    fn classes(&self) -> impl Iterator<Item = (&str, &ClassPart)> {
        self.parts.iter().filter_map(|((owner, _), part)| match part {
            Part::Class(class) => Some((owner.as_str(), class)),
            _ => None,
        })
    }

    /// The properties that stand with a class itself.
    fn own(&self, class: &str) -> impl Iterator<Item = (Key, &PropertyPart)> {
        let from = (class.to_owned(), Place::Itself);
        let class = class.to_owned();
        let parts = self.parts.range(from..).take_while(move |((owner, _), _)| *owner == class);
        parts.filter_map(|((_, place), part)| match (place, part) {
            (Place::Property { iri, reversed }, Part::Property(property)) => {
                Some(((iri.clone(), *reversed), property))
            }
            _ => None,
        })
    }

    fn own_property(&self, class: &str, key: &Key) -> Option<&PropertyPart> {
        let place = Place::Property { iri: key.0.clone(), reversed: key.1 };
        match self.parts.get(&(class.to_owned(), place)) {
            Some(Part::Property(property)) => Some(property),
            _ => None,
        }
    }

    /// A class and all that code extends with it, in the order in which a property is looked
    /// for: all that the first base has before anything of the second one.
    fn line(&self, class: &str) -> Vec<&str> {
        let mut line: Vec<&str> = Vec::new();
        let mut open: Vec<&str> = self.known_class(class).into_iter().collect();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                line.push(next);
                let bases = self.class(next).map(|class| class.bases.as_slice());
                open.extend(bases.unwrap_or_default().iter().rev().map(String::as_str));
            }
        }
        line
    }

    fn known_class(&self, class: &str) -> Option<&str> {
        let (key, _) = self.parts.get_key_value(&(class.to_owned(), Place::Itself))?;
        Some(&key.0)
    }

    /// The classes that code in a language with one base class extends, nearest first.
    fn first_line(&self, class: &str) -> Vec<&str> {
        let mut line: Vec<&str> = Vec::new();
        let mut next = self.class(class).and_then(|class| class.bases.first());
        while let Some(base) = next.filter(|base| !line.contains(&base.as_str())) {
            line.push(base);
            next = self.class(base).and_then(|class| class.bases.first());
        }
        line
    }

    /// A property as instances of a class have it.
    fn property(&self, class: &str, key: &Key) -> Option<&PropertyPart> {
        self.line(class).into_iter().find_map(|class| self.own_property(class, key))
    }

    /// All properties that instances of a class have.
    fn keys(&self, class: &str) -> BTreeSet<Key> {
        let line = self.line(class);
        line.into_iter().flat_map(|class| self.own(class).map(|(key, _)| key)).collect()
    }

    /// What limits literals of a kind: its own words, or those of the datatype.
    fn limits(&self, datatype: &str, limits: Option<&Limits>) -> Limits {
        limits.cloned().unwrap_or_else(|| {
            match self.parts.get(&(datatype.to_owned(), Place::Itself)) {
                Some(Part::Datatype(datatype)) => datatype.limits.clone(),
                _ => Limits::default(),
            }
        })
    }

    /// What a class, enumeration or datatype is called.
    fn name(&self, iri: &str) -> Option<&str> {
        Some(self.parts.get(&(iri.to_owned(), Place::Itself))?.name())
    }
}

impl Part {
    fn name(&self) -> &str {
        match self {
            Self::Class(part) => &part.name,
            Self::Property(part) => &part.name,
            Self::Enumeration(part) | Self::Value(part) => &part.name,
            Self::Datatype(part) => &part.name,
        }
    }

    fn number(&self) -> Option<u32> {
        match self {
            Self::Class(part) => part.number,
            Self::Property(part) => part.number,
            Self::Enumeration(part) | Self::Value(part) => part.number,
            Self::Datatype(part) => part.number,
        }
    }
}

#[derive(Default)]
struct Builder {
    interface: Interface,
    /// All that the schema says, for the digest.
    texts: Vec<String>,
}

impl Builder {
    fn put(&mut self, owner: &str, place: Place, part: Part) {
        self.interface.parts.insert((owner.to_owned(), place), part);
    }

    /// Notes what may be shown of a thing.
    fn shown(&mut self, thing: &impl Serialize) {
        // What the view answers always has a JSON form.
        let text = serde_json::to_string(thing).unwrap_or_default();
        self.texts.push(digest(&text));
    }

    fn datatype(&mut self, schema: &Schema<'_>, iri: &str) {
        let Some(datatype) = schema.datatype(id(iri)) else { return };
        let part = DatatypePart {
            name: datatype.name.to_string(),
            base: datatype.base.to_string(),
            limits: Limits::of(&datatype.facets),
            number: schema.class_number(id(iri)),
            deprecated: datatype.deprecated.is_some(),
        };
        self.put(iri, Place::Itself, Part::Datatype(part));
        self.shown(&datatype);
    }

    fn enumeration(&mut self, schema: &Schema<'_>, iri: &str) {
        let Some(enumeration) = schema.enumeration(id(iri)) else { return };
        let deprecated = enumeration.deprecated.is_some();
        let number = schema.class_number(id(iri));
        let part = NamedPart { name: enumeration.name.to_string(), number, deprecated };
        self.listed(iri, part, &enumeration.members);
        self.shown(&enumeration);
    }

    fn listed(&mut self, iri: &str, part: NamedPart, members: &[Member]) {
        self.put(iri, Place::Itself, Part::Enumeration(part));
        for member in members {
            let part = NamedPart {
                name: member.name.to_string(),
                number: member.number,
                deprecated: member.deprecated.is_some(),
            };
            self.put(iri, Place::Value(written(&member.value)), Part::Value(part));
        }
    }

    fn class(&mut self, schema: &Schema<'_>, class: &Class) {
        let part = ClassPart {
            name: class.name.to_string(),
            bases: class.bases.iter().map(|base| base.iri.to_string()).collect(),
            is_abstract: class.is_abstract,
            number: schema.class_number(id(&class.iri)),
            deprecated: class.deprecated.is_some(),
        };
        self.put(&class.iri, Place::Itself, Part::Class(part));
        for property in &class.properties {
            for range in property.ranges.iter().chain(&property.slot.ranges) {
                if let Range::Enumeration(values) = range
                    && let Some(members) = &values.members
                {
                    let number = schema.class_number(id(&values.iri));
                    let part =
                        NamedPart { name: values.name.to_string(), number, deprecated: false };
                    self.listed(&values.iri, part, members);
                }
            }
        }
        let mut declared = class.clone();
        declared.properties.retain(|property| {
            let slot = &property.slot;
            !property.inherited || property.narrowed || slot.is_own || slot.is_repeated
        });
        self.shown(&declared);
    }

    /// Notes properties where they are not what the first base that has them says already.
    fn properties(&mut self, classes: &[Class]) {
        let by_iri: HashMap<&str, &Class> =
            classes.iter().map(|class| (&*class.iri, class)).collect();
        for class in classes {
            let bases: Vec<&Class> =
                class.bases.iter().filter_map(|base| by_iri.get(&*base.iri).copied()).collect();
            for property in &class.properties {
                let same = |other: &&Property| {
                    (&other.iri, other.is_reversed) == (&property.iri, property.is_reversed)
                };
                let above = bases.iter().find_map(|base| base.properties.iter().find(same));
                self.property(&class.iri, property, above);
            }
        }
    }

    fn property(&mut self, class: &str, property: &Property, above: Option<&Property>) {
        if above.is_some_and(|above| is_alike(above, property)) {
            return;
        }
        let part = self.property_part(property);
        if above.is_none_or(|above| self.property_part(above) != part) {
            let place =
                Place::Property { iri: property.iri.to_string(), reversed: property.is_reversed };
            self.put(class, place, Part::Property(part));
        }
    }

    fn property_part(&self, property: &Property) -> PropertyPart {
        let types: BTreeSet<Kind> =
            property.slot.ranges.iter().map(|range| self.kind(range)).collect();
        let takes: BTreeSet<Kind> = property.ranges.iter().map(|range| self.kind(range)).collect();
        PropertyPart {
            name: property.name.to_string(),
            takes: (takes != types).then_some(takes),
            types,
            single: property.slot.is_single,
            required: property.slot.is_required,
            min: property.min,
            max: property.max,
            unique_lang: property.unique_lang,
            number: property.number,
            deprecated: property.deprecated.is_some(),
        }
    }

    fn kind(&self, range: &Range) -> Kind {
        match range {
            Range::Class(class) => Kind::Class(class.iri.to_string()),
            Range::Enumeration(values) => Kind::Enumeration(values.iri.to_string()),
            Range::Data(data) => Kind::Data {
                datatype: data.datatype.to_string(),
                base: data.name.is_none().then(|| data.base.to_string()),
                limits: self.own_limits(data),
            },
            Range::Resource => Kind::Resource,
            Range::Anything => Kind::Anything,
        }
    }

    fn own_limits(&self, data: &DataRange) -> Option<Limits> {
        let limits = Limits::of(&data.facets);
        let known = self.interface.limits(&data.datatype, None);
        (limits != known).then_some(limits)
    }
}

/// Whether nothing that is interface differs; the cheap way to see that nothing does.
fn is_alike(above: &Property, property: &Property) -> bool {
    above.name == property.name
        && above.slot.is_single == property.slot.is_single
        && above.slot.is_required == property.slot.is_required
        && above.slot.ranges == property.slot.ranges
        && (above.min, above.max) == (property.min, property.max)
        && above.ranges == property.ranges
        && above.unique_lang == property.unique_lang
        && above.number == property.number
        && above.deprecated.is_some() == property.deprecated.is_some()
}

fn id(iri: &str) -> evergen_delta::TermId {
    TermRef::Iri(iri).id()
}

/// A digest that is the same on every machine.
fn digest(text: &str) -> String {
    format!("{:016x}", TermRef::literal(text).id().to_raw())
}

/// A value as N-Triples write it.
fn written(value: &Value) -> String {
    match value {
        Value::Iri { iri } => TermRef::Iri(iri).to_string(),
        Value::Literal { value, datatype, language } => {
            TermRef::Literal { value, datatype, language: language.as_deref() }.to_string()
        }
    }
}

impl Limits {
    fn of(facets: &Facets) -> Self {
        let text = |text: &Option<crate::Text>| text.as_ref().map(ToString::to_string);
        Self {
            patterns: facets
                .patterns
                .iter()
                .map(|pattern| limits::written(&pattern.text, &pattern.flags, pattern.is_whole))
                .collect(),
            min_inclusive: text(&facets.min_inclusive),
            max_inclusive: text(&facets.max_inclusive),
            min_exclusive: text(&facets.min_exclusive),
            max_exclusive: text(&facets.max_exclusive),
            min_length: facets.min_length,
            max_length: facets.max_length,
            total_digits: facets.total_digits,
            fraction_digits: facets.fraction_digits,
            languages: facets.languages.iter().map(ToString::to_string).collect(),
        }
    }
}
