//! What is known of classes, properties and enumerations: the public contract of packs.
//!
//! All of it is plain data. Serialized, every field is there, so that a template can ask
//! for each without knowing the model.

use serde::Serialize;

use crate::{Facets, Problem, Text};

/// What a term is to a programmer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A class: its instances have properties.
    Class,
    /// A class or datatype whose values are listed.
    Enumeration,
    /// A datatype of the model's own.
    Datatype,
    /// Another name of the class, enumeration or datatype that is given.
    Alias(ClassRef),
    /// Nothing that becomes code: a built-in term, no class at all, or one that is only mentioned.
    Hidden,
}

/// A class, enumeration or datatype that is referred to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[non_exhaustive]
pub struct ClassRef {
    /// Its IRI.
    pub iri: Text,
    /// Its base name, to be brought into a language's casing.
    pub name: Text,
}

/// A property that is referred to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[non_exhaustive]
pub struct PropertyRef {
    /// Its IRI.
    pub iri: Text,
    /// Its base name.
    pub name: Text,
}

/// That something should no longer be used, and what the model says about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Deprecation {
    /// What to use instead, by IRI.
    pub replaced_by: Vec<Text>,
    /// A sentence for a reader, where the model has one or names a replacement.
    pub note: Option<Text>,
}

/// All that instances of a class can have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Class {
    /// The class's IRI; of equivalent classes that of the one that stands for all.
    pub iri: Text,
    /// The base name.
    pub name: Text,
    /// The label in the best language.
    pub label: Option<Text>,
    /// The comment or definition in the best language.
    pub comment: Option<Text>,
    /// Whether and why it should no longer be used.
    pub deprecated: Option<Deprecation>,
    /// Other IRIs of the same class.
    pub aliases: Vec<Text>,
    /// The classes directly above, by IRI; one that is above another is left out.
    /// Following parents never leads back.
    pub parents: Vec<ClassRef>,
    /// The parents that code can extend, most specific first: those that agree on the slots
    /// of the properties they share. Several together have a linearization, in every class.
    pub bases: Vec<ClassRef>,
    /// All classes above, nearest first, each once.
    pub ancestors: Vec<ClassRef>,
    /// The classes directly below, by IRI.
    pub children: Vec<ClassRef>,
    /// Whether every instance is one of a class below (a union of classes).
    pub is_abstract: bool,
    /// What instances can have, inherited or not, each once, by name.
    pub properties: Vec<Property>,
    /// Properties that two bases bring in, each for itself, by name: some languages want to be
    /// told which one counts.
    pub ambiguous: Vec<Property>,
    /// Properties that a base has and that can have no value in this class, by name: they are
    /// no less members of what code extends.
    pub barred: Vec<Property>,
    /// Groups of properties whose values together tell instances apart.
    pub keys: Vec<Vec<PropertyRef>>,
    /// Contradictions that were found, and resolved.
    pub problems: Vec<Problem>,
}

/// A property as instances of one class have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, asked for one by one")]
pub struct Property {
    /// The property's IRI; of equivalent properties that of the one that stands for all.
    pub iri: Text,
    /// Whether the values are the *subjects* that have this instance as the property's value.
    pub is_reversed: bool,
    /// The base name, unique in the class.
    pub name: Text,
    /// The label in the best language.
    pub label: Option<Text>,
    /// The comment or definition in the best language.
    pub comment: Option<Text>,
    /// Whether and why it should no longer be used.
    pub deprecated: Option<Deprecation>,
    /// The nearest class that brings the property in.
    pub owner: ClassRef,
    /// Whether a class above has the property too.
    pub inherited: bool,
    /// Whether this class says more of the values than the owner does.
    pub narrowed: bool,
    /// What a value may be: any of these. Never empty.
    pub ranges: Vec<Range>,
    /// The fewest values.
    pub min: u32,
    /// The most values; none for any number.
    pub max: Option<u32>,
    /// Whether there is at most one value for each language.
    pub unique_lang: bool,
    /// The property that says the same in the other direction.
    pub inverse: Option<PropertyRef>,
    /// Whether a value belongs to one instance only.
    pub is_inverse_functional: bool,
    /// Whether the property always holds in both directions.
    pub is_symmetric: bool,
    /// Whether the property of a property's value is the property of the instance.
    pub is_transitive: bool,
    /// Values that every instance has.
    pub fixed: Vec<Value>,
    /// The value that a missing one stands for.
    pub default: Option<Value>,
    /// Where to show the property among others.
    pub order: Option<f64>,
    /// The IRI of the group to show the property in.
    pub group: Option<Text>,
    /// A number of the property's own in the whole model, where one was given.
    pub number: Option<u32>,
    /// How code with nominal types declares the property.
    pub slot: Slot,
}

/// How code declares a property, the same in a class and in all that extend it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, asked for one by one")]
pub struct Slot {
    /// The class that decides, as none of its bases has the property.
    pub owner: ClassRef,
    /// Whether there is at most one value.
    pub is_single: bool,
    /// Whether there is at least one value.
    pub is_required: bool,
    /// What a value may be: any of these. Never empty.
    pub ranges: Vec<Range>,
    /// Whether none of the bases has the property.
    pub is_own: bool,
    /// Whether a base has the property, and the first one has not.
    pub is_repeated: bool,
}

/// What a value may be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Range {
    /// An instance of a class.
    Class(ClassRef),
    /// One of listed values.
    Enumeration(EnumerationRef),
    /// A literal.
    Data(DataRange),
    /// Something with an IRI or a blank node, of which no more is known.
    Resource,
    /// The model says nothing.
    Anything,
}

/// An enumeration that is referred to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EnumerationRef {
    /// Its IRI; one made of class and property for values that are listed at a property.
    pub iri: Text,
    /// Its base name.
    pub name: Text,
    /// The values that are listed at the property itself; none for an enumeration of its own.
    pub members: Option<Vec<Member>>,
}

/// Literals of a datatype.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DataRange {
    /// The datatype's IRI.
    pub datatype: Text,
    /// The built-in datatype that it comes down to, by IRI: one of XML Schema, RDF or OWL,
    /// `rdfs:Literal` for any, or a data type of schema.org.
    pub base: Text,
    /// The base name, where the datatype is the model's own.
    pub name: Option<Text>,
    /// What limits the values.
    pub facets: Facets,
}

/// Listed values.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Enumeration {
    /// The enumeration's IRI.
    pub iri: Text,
    /// The base name.
    pub name: Text,
    /// The label in the best language.
    pub label: Option<Text>,
    /// The comment or definition in the best language.
    pub comment: Option<Text>,
    /// Whether and why it should no longer be used.
    pub deprecated: Option<Deprecation>,
    /// Other IRIs of the same enumeration.
    pub aliases: Vec<Text>,
    /// The values: in the order of the list, or by name.
    pub members: Vec<Member>,
    /// Contradictions that were found, and resolved.
    pub problems: Vec<Problem>,
}

/// One of listed values.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Member {
    /// The value itself.
    pub value: Value,
    /// The base name, unique in the enumeration.
    pub name: Text,
    /// The label in the best language.
    pub label: Option<Text>,
    /// The comment or definition in the best language.
    pub comment: Option<Text>,
    /// Whether and why it should no longer be used.
    pub deprecated: Option<Deprecation>,
    /// A number of its own in the enumeration, where one was given.
    pub number: Option<u32>,
}

/// A datatype of the model's own.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Datatype {
    /// The datatype's IRI.
    pub iri: Text,
    /// The base name.
    pub name: Text,
    /// The label in the best language.
    pub label: Option<Text>,
    /// The comment or definition in the best language.
    pub comment: Option<Text>,
    /// Whether and why it should no longer be used.
    pub deprecated: Option<Deprecation>,
    /// Other IRIs of the same datatype.
    pub aliases: Vec<Text>,
    /// The built-in datatype that it comes down to.
    pub base: Text,
    /// What limits the values, in this datatype or in one that it is made of.
    pub facets: Facets,
    /// Contradictions that were found, and resolved.
    pub problems: Vec<Problem>,
}

/// An IRI or a literal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Value {
    /// An IRI.
    Iri {
        /// The IRI.
        iri: Text,
    },
    /// A literal.
    Literal {
        /// The lexical form.
        value: Text,
        /// The datatype's IRI.
        datatype: Text,
        /// The language tag in lower case.
        language: Option<Text>,
    },
}
