//! What does an ontology say that a programmer must know?
//!
//! An ontology says the same thing in many ways: a property may belong to a class by a
//! domain, a union of domains, a restriction, a shape, the domain of a property above it, or
//! the range of its inverse. Code has fields. This crate stands between the two: it reads
//! RDFS, OWL, SHACL and the vocabulary of schema.org, and gives *classes*, *properties*,
//! *ranges*, *enumerations* and *datatypes* as plain values, which serialize, so that a
//! template can show them. It is the one place where these ways of saying things are known.
//!
//! # Views are lazy, and tracked
//! A [`Schema`] holds a reader and reads when it is asked. All it reads goes through
//! [`TrackedReader`](evergen_knowledge::TrackedReader): what it says of a class stands as long
//! as no change touches what was read. It reads the labels and comments of what it
//! shows (the class, its properties, listed values) and never those of what it refers to.
//!
//! # Every model has a view
//! Ontologies contradict themselves. Whatever they say, following [`Class::parents`] never
//! leads back, a property has at least one range, a minimum is never above its maximum, and
//! names in a class differ. What had to be decided for that is told as a [`Problem`], with the
//! statements that are to blame.
//!
//! # What is what
//! - *A class* is what the model declares as one, says something of as of a class
//!   (`rdfs:subClassOf`, `owl:equivalentClass`), gives properties by `rdfs:domain`, or makes the
//!   target of a shape. A class of another namespace that is only mentioned is none:
//!   one below it or the same as it is there, and nothing is said of the class itself.
//! - *Equivalent classes*, and classes below each other in a circle, are one: the first by
//!   IRI stands for all, the others are its aliases.
//! - *An enumeration* lists its values (`owl:oneOf`), or is a class below schema.org's
//!   `Enumeration` that has individuals. Values that a property lists (`sh:in`, or its range)
//!   belong to that property in the class that brings it in, and are called after both; after
//!   the property alone where that has one class for its domain.
//! - *A property* belongs to a class by all the ways above. One without a domain belongs
//!   to nobody but to the classes whose restrictions or shapes name it. What may have no
//!   value at all is left out.
//! - *A range* is what all statements leave: those of `rdfs:range` and of every restriction
//!   and shape hold at once, those of `rangeIncludes`, of unions and of `sh:or` one by one.
//!   `owl:someValuesFrom` and `owl:onClass` say what values are only where nothing else does.
//! - *A slot* is how code with nominal types declares a property: as the class does that
//!   brings it in, and the same in all classes below. *Bases* are the parents that code can
//!   extend: a parent that declares a shared property otherwise than another one is none, nor
//!   is one whose order of the classes above contradicts that of others. What two bases bring
//!   in, each for itself, is *ambiguous*; what a base has and the class may not have, *barred*.
//! - *A default* that is no value of its property is none, and a [`Problem`].
//! - *Bounds* are the strictest that are stated for the class or one above it.
//!
//! # Names stay
//! A base name is a statement of the model, `<…> ev:name "…"` with `ev:` for
//! `https://evergen.dev/ns#`, and a number is `ev:number`. [`Names`] makes these statements: it
//! gives each thing a name that no other thing has, whatever the casing, and never takes it
//! back. Where the model has no name, the local name of the IRI stands in, or, where that is
//! but a key (`Q42`, `BFO_0000001`), the words of the label; such names may clash, and
//! only those of one class's properties are told apart.
//!
//! # Interfaces are compared
//! [`Interface`] is what code that is made of a model promises, as a value that can be kept.
//! Compared with an older one it tells what breaks, what is new, and the [`Version`] that
//! follows; a [`Release`] is both as text.
//!
//! # What it does not know
//! No programming language: no casing, no reserved words, no types. No template, no file, no
//! source line; evidence is given as statements. Named graphs, complex paths, negations,
//! property chains and what shapes say of single nodes are left aside.
//!
//! ```
//! use evergen_knowledge::{Format, Limits, Model, Tracker, parse};
//! use evergen_schema::{Options, Range, Schema};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = r#"
//!     @prefix : <http://example.org/> .
//!     @prefix owl: <http://www.w3.org/2002/07/owl#> .
//!     @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
//!     @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
//!     :Order a owl:Class ; rdfs:subClassOf [ owl:onProperty :total ; owl:cardinality 1 ] .
//!     :total rdfs:domain :Order ; rdfs:range xsd:decimal ."#;
//! let source = parse(text.as_bytes(), Format::Turtle, "http://example.org/", &Limits::default())
//!     .map_err(|errors| errors[0].clone())?;
//! let tracker = Tracker::new(Model::build([("shop.ttl".to_owned(), source)])?.snapshot());
//!
//! let options = Options::default();
//! let schema = Schema::new(&tracker, &options);
//! let order = evergen_delta::Term::iri("http://example.org/Order").id();
//! let class = schema.class(order).ok_or("no class")?;
//! let total = &class.properties[0];
//! assert_eq!((&*total.name, total.min, total.max), ("total", 1, Some(1)));
//! assert!(matches!(&total.ranges[0], Range::Data(data) if data.base.ends_with("#decimal")));
//! # Ok(())
//! # }
//! ```

mod options;
mod schema;
mod text;

mod facets;
mod model;
mod problem;
mod regex;

mod graph;
mod labels;
mod local;
mod vocabulary;

mod classify;
mod hierarchy;

mod constraints;
mod datatypes;
mod defaults;
mod enumerations;
mod own;
mod properties;
mod shapes;
mod targets;

mod assemble;
mod context;
mod layout;
mod lists;
mod slots;

mod names;
mod naming;

mod interface;

pub use crate::context::{Coercion, ContextTerm};
pub use crate::facets::{Facets, Pattern};
pub use crate::interface::{
    ChangeKind, ChangeTopic, Interface, InterfaceChange, Release, ReleaseError, Version,
    VersionError,
};
pub use crate::model::{
    Class, ClassRef, DataRange, Datatype, Deprecation, Enumeration, EnumerationRef, Kind, Member,
    Property, PropertyRef, Range, Slot, Value,
};
pub use crate::names::{Clash, NameScope, Names, NamesError, Wanted};
pub use crate::options::{Options, TextScope};
pub use crate::problem::{Problem, ProblemCode};
pub use crate::schema::{Memo, Schema};
pub use crate::text::Text;
