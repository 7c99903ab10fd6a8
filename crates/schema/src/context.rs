//! The JSON-LD context of a model: with it, plain JSON that has the names of classes,
//! properties and listed values is RDF.
//!
//! A property's values are given a datatype where all classes that have it agree on one that
//! JSON does not show by itself. Names of listed values are known inside of their property
//! only, because two enumerations may have one name for different things. Names with a colon
//! are left out, because JSON-LD would take what is before it for a prefix, and so is the one
//! name that processors in JavaScript stumble over.
//!
//! Classes and properties have names of their own, and a context has one space for both. Where
//! a property has the name of a class, it is defined beside each class that has it, in a
//! context that holds for instances of that class only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evergen_delta::{TermId, TermRef};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::schema::about;
use crate::{ClassRef, Property, Range, Schema, Text, Value};

/// A name that JSON of a model's instances uses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ContextTerm {
    /// The name.
    pub name: Text,
    /// The IRI for which it stands.
    pub iri: Text,
    /// Whether it is a property, not a class.
    pub is_property: bool,
    /// Whether it is a property whose values are the subjects.
    pub is_reversed: bool,
    /// What values are that JSON does not show by itself.
    pub coercion: Coercion,
    /// Whether it is a property that can have several values.
    pub is_set: bool,
    /// Terms that hold for instances of the class only that this one is.
    pub within: Vec<ContextTerm>,
}

/// What the values of a property are, where JSON does not show it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Coercion {
    /// Nothing has to be said, or nothing holds for all of them.
    None,
    /// JSON of any kind.
    Json,
    /// Names of listed values, each with the IRI for which it stands.
    Names(Vec<(Text, Text)>),
    /// Texts that are literals of a datatype.
    Datatype(Text),
}

/// What values are to whoever reads JSON.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Plain,
    Json,
    Names,
    Literals(Text),
}

impl Schema<'_> {
    /// The JSON-LD context of instances: a term for each class, by IRI, and then one for each
    /// property, by name.
    pub fn context(&self) -> Vec<ContextTerm> {
        let classes = self.classes();
        let terms: Vec<Arc<[ContextTerm]>> =
            classes.iter().map(|class| self.terms(TermRef::Iri(&class.iri).id())).collect();
        let mut by_name: BTreeMap<&str, Vec<&ContextTerm>> = BTreeMap::new();
        let mut seen = FxHashSet::default();
        for term in terms.iter().flat_map(|terms| terms.iter()).filter(|term| seen.insert(*term)) {
            by_name.entry(&term.name).or_default().push(term);
        }
        let names = classes.iter().map(|class| &*class.name);
        let shared: FxHashSet<&str> = names.filter(|name| by_name.contains_key(name)).collect();
        let scoped: FxHashMap<&str, Vec<&ContextTerm>> = classes
            .iter()
            .zip(&terms)
            .filter_map(|(class, terms)| {
                let of_class = terms.iter().filter(|term| shared.contains(&*term.name));
                let of_class: Vec<&ContextTerm> = of_class.collect();
                (!of_class.is_empty()).then_some((&*class.iri, of_class))
            })
            .collect();
        let mut context = Vec::with_capacity(classes.len() + by_name.len());
        for class in classes.iter().filter(|class| !class.name.contains(':')) {
            context.push(self.class_term(class, &scoped));
        }
        let own = by_name.iter().filter(|(name, _)| !shared.contains(*name));
        context.extend(own.map(|(_, terms)| joined(terms)));
        context
    }

    /// A class, with the properties that have the name of a class: those that it says itself
    /// before those that it inherits.
    fn class_term(
        &self,
        class: &ClassRef,
        scoped: &FxHashMap<&str, Vec<&ContextTerm>>,
    ) -> ContextTerm {
        let mut within: Vec<ContextTerm> = Vec::new();
        if !scoped.is_empty() {
            let lineage = self.lineage(TermRef::Iri(&class.iri).id());
            let above = self.class_refs(&lineage.ancestors);
            let sites = [class].into_iter().chain(&above);
            for term in sites.filter_map(|site| scoped.get(&*site.iri)).flatten() {
                if !within.iter().any(|known| known.name == term.name) {
                    within.push((*term).clone());
                }
            }
        }
        ContextTerm {
            name: class.name.clone(),
            iri: class.iri.clone(),
            is_property: false,
            is_reversed: false,
            coercion: Coercion::None,
            is_set: false,
            within,
        }
    }

    /// The properties that a class brings in, or says more of.
    fn terms(&self, class: TermId) -> Arc<[ContextTerm]> {
        self.remembered(&self.memo.terms, about("terms", class), || {
            let properties = self.class(class).map(|class| class.properties).unwrap_or_default();
            let named = properties.iter().filter(|property| {
                let name = &*property.name;
                property.is_of_class() && !name.contains(':') && name != "__proto__"
            });
            named
                .map(|property| ContextTerm {
                    name: property.name.clone(),
                    iri: property.iri.clone(),
                    is_property: true,
                    is_reversed: property.is_reversed,
                    coercion: self.coercion(&property.slot.ranges),
                    is_set: !property.slot.is_single,
                    within: Vec::new(),
                })
                .collect()
        })
    }

    fn coercion(&self, ranges: &[Range]) -> Coercion {
        let mut shapes = BTreeSet::new();
        let mut names = BTreeSet::new();
        for range in ranges {
            match range {
                Range::Enumeration(listed) => {
                    let members = listed.members.clone().or_else(|| {
                        let whole = self.enumeration(TermRef::Iri(&listed.iri).id());
                        whole.map(|whole| whole.members)
                    });
                    for member in members.into_iter().flatten() {
                        match &member.value {
                            Value::Iri { iri } => {
                                shapes.insert(Shape::Names);
                                if !member.name.contains(':') {
                                    names.insert((member.name.clone(), iri.clone()));
                                }
                            }
                            Value::Literal { datatype, .. } => {
                                shapes.extend(shape_of(datatype, datatype, true));
                            }
                        }
                    }
                }
                Range::Data(data) => {
                    shapes.extend(shape_of(&data.base, &data.datatype, data.name.is_none()));
                }
                Range::Anything => drop(shapes.insert(Shape::Plain)),
                Range::Class(_) | Range::Resource => {}
            }
        }
        let mut shapes = shapes.into_iter();
        match (shapes.next(), shapes.next()) {
            (Some(Shape::Json), None) => Coercion::Json,
            (Some(Shape::Names), None) => Coercion::Names(names.into_iter().collect()),
            (Some(Shape::Literals(datatype)), None) => Coercion::Datatype(datatype),
            _ => Coercion::None,
        }
    }
}

impl Property {
    /// Whether the class brings it in, says more of it, or has to say it again in code.
    pub fn is_of_class(&self) -> bool {
        !self.inherited || self.narrowed || self.slot.is_own || self.slot.is_repeated
    }
}

/// How literals of a datatype stand in JSON; nothing for those that are never plain values.
fn shape_of(base: &Text, datatype: &Text, is_nameless: bool) -> Option<Shape> {
    let name = base.rsplit(['#', '/']).next().unwrap_or(base);
    match name {
        "langString" | "dirLangString" => None,
        "JSON" => Some(Shape::Json),
        _ if datatype != base && is_nameless => Some(Shape::Literals(datatype.clone())),
        "string" | "boolean" | "integer" | "Literal" | "PlainLiteral" | "anyType"
        | "anySimpleType" | "anyAtomicType" | "Text" | "Boolean" | "True" | "False" | "Integer"
        | "Number" | "DataType" => Some(Shape::Plain),
        _ => Some(Shape::Literals(base.clone())),
    }
}

/// What holds of a property in all classes that have it.
fn joined(terms: &[&ContextTerm]) -> ContextTerm {
    let mut joined = terms[0].clone();
    if terms.iter().any(|term| term.coercion != joined.coercion) {
        joined.coercion = Coercion::None;
    }
    joined.is_set &= terms.iter().all(|term| term.is_set);
    joined
}
