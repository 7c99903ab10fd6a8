//! Everything there is in a model.

use std::collections::BTreeSet;

use evergen_delta::{TermId, TermRef};
use rustc_hash::FxHashMap;

use crate::classify::Standing;
use crate::local::short_word;
use crate::names::{NameScope, Wanted, fold, value_iri};
use crate::problem::shared_name;
use crate::properties::Key;
use crate::targets::Target;
use crate::vocabulary::v;
use crate::{ClassRef, EnumerationRef, Member, Problem, Range, Schema, Text, TextScope, Value};

impl Schema<'_> {
    /// All classes that become code, by IRI; neither enumerations nor datatypes.
    pub fn classes(&self) -> Vec<ClassRef> {
        self.class_refs(&self.class_ids())
    }

    /// All enumerations, by IRI.
    pub fn enumerations(&self) -> Vec<ClassRef> {
        let is_one = |term| self.standing(term) == Standing::Enumeration(term);
        self.class_refs(&self.candidates(is_one))
    }

    /// All datatypes of the model's own, by IRI.
    pub fn datatypes(&self) -> Vec<ClassRef> {
        let is_one = |term| self.standing(term) == Standing::Datatype(term);
        self.class_refs(&self.candidates(is_one))
    }

    fn class_ids(&self) -> Vec<TermId> {
        self.candidates(|term| self.standing(term) == Standing::Class(term))
    }

    /// The terms for which a model has any statement that could make them one of these.
    fn candidates(&self, is_one: impl Fn(TermId) -> bool) -> Vec<TermId> {
        let types = [
            v().owl_class,
            v().owl_deprecated_class,
            v().rdfs_class,
            v().rdfs_datatype,
            v().owl_data_range,
            v().schema_data_type,
            v().old_schema_data_type,
        ];
        let mut found: Vec<TermId> =
            types.iter().flat_map(|class| self.subjects(v().rdf_type, *class)).collect();
        for predicate in [v().sub_class_of, v().equivalent_class, v().sh_datatype] {
            found.extend(self.statements(predicate).iter().map(|quad| quad.subject));
        }
        for predicate in [v().sh_target_class, v().domain] {
            found.extend(self.statements(predicate).iter().map(|quad| quad.object));
        }
        found.sort_unstable();
        found.dedup();
        found.retain(|term| self.is_iri(*term) && is_one(*term));
        self.sort(&mut found);
        found
    }

    /// All that needs a name or number, whether it has one or not.
    pub fn wanted(&self) -> Vec<Wanted> {
        let mut wanted = BTreeSet::new();
        let mut keys = BTreeSet::new();
        // Another name of a class is a class to those who know no equivalence.
        let any = |term| matches!(self.standing(term), Standing::Class(_));
        wanted.extend(self.candidates(any).iter().map(|class| self.wanted_class(*class)));
        for class in self.class_ids() {
            let own = self.own_properties(class);
            keys.extend(own.keys.iter().copied());
            self.want_names_of_values(class, &mut wanted);
            let limited = own.constraints.values().flatten();
            for constraint in limited {
                let targets = constraint.targets.iter().flatten().chain(&constraint.hints);
                for target in targets.clone() {
                    if let Target::Values(values) = target {
                        wanted.insert(wanted_values(values));
                    }
                }
                self.want_members(targets, &mut wanted);
            }
        }
        for key in keys {
            let plain = self.plain(key, self.options.texts == TextScope::All);
            let local = self.usual_property_name(key);
            let subject = self.property_subject(key);
            let space = short_word(&plain.iri, &self.options.prefixes);
            wanted.insert(Wanted::new(&*subject, NameScope::Property, &*local).with_space(space));
            self.want_members(plain.targets.iter(), &mut wanted);
        }
        for enumeration in
            self.candidates(|term| self.standing(term) == Standing::Enumeration(term))
        {
            wanted.insert(self.wanted_class(enumeration));
            let iri = self.text(enumeration);
            for value in self.values_of(enumeration) {
                if !self.is_blank(value) {
                    let subject = self.member_subject(value, &iri);
                    wanted.insert(self.wanted_member(&subject, &iri, &self.usual_name(value)));
                }
            }
        }
        let datatypes = self.candidates(|term| self.standing(term) == Standing::Datatype(term));
        wanted.extend(datatypes.into_iter().map(|datatype| self.wanted_class(datatype)));
        wanted.into_iter().collect()
    }

    /// Classes, enumerations and datatypes that have one name, and properties that do. A model
    /// that holds what [`Names::allocate`](crate::Names::allocate) gave for it has none of them.
    pub fn name_problems(&self) -> Vec<Problem> {
        let is_named = |term| {
            matches!(self.standing(term), Standing::Class(one)
            | Standing::Enumeration(one) | Standing::Datatype(one) if one == term)
        };
        let classes = self.candidates(is_named).into_iter();
        let classes = classes.map(|term| (self.text(term), self.class_name(term)));
        let mut keys: Vec<Key> = self
            .class_ids()
            .iter()
            .flat_map(|class| self.own_properties(*class).keys.clone())
            .collect();
        keys.sort_by(|one, other| self.compare(one.property, other.property).then(one.cmp(other)));
        keys.dedup();
        let properties =
            keys.into_iter().map(|key| (self.text(key.property), self.property_name(key)));
        let mut problems = clashes(classes);
        problems.extend(clashes(properties));
        problems
    }

    fn wanted_class(&self, term: TermId) -> Wanted {
        let iri = self.text(term);
        let space = short_word(&iri, &self.options.prefixes);
        Wanted::new(&*iri, NameScope::Class, &*self.usual_name(term)).with_space(space)
    }

    fn wanted_member(&self, subject: &str, enumeration: &str, local: &str) -> Wanted {
        let space = short_word(subject, &self.options.prefixes);
        let scope = NameScope::Member(enumeration.to_owned());
        Wanted::new(subject, scope, local).with_space(space)
    }

    /// Names of the values that are listed at the properties that a class brings in.
    fn want_names_of_values(&self, class: TermId, wanted: &mut BTreeSet<Wanted>) {
        let layout = self.layout(class);
        let own = layout.slots.values().filter(|slot| slot.owner == class);
        for range in own.flat_map(|slot| &slot.ranges) {
            if let Range::Enumeration(values) = range
                && values.members.is_some()
            {
                wanted.insert(wanted_values(values));
            }
        }
    }

    /// The members of values that are listed at a property.
    fn want_members<'t>(
        &self,
        targets: impl Iterator<Item = &'t Target>,
        wanted: &mut BTreeSet<Wanted>,
    ) {
        for target in targets {
            let Target::Values(values) = target else { continue };
            for member in values.members.iter().flatten() {
                let subject = member_iri(member, &values.iri);
                wanted.insert(self.wanted_member(&subject, &values.iri, &member.name));
            }
        }
    }
}

/// What comes later in order and has the name of something that came before.
fn clashes(named: impl Iterator<Item = (Text, Text)>) -> Vec<Problem> {
    let mut first: FxHashMap<String, Text> = FxHashMap::default();
    named
        .filter_map(|(iri, name)| {
            let other = first.entry(fold(&name)).or_insert_with(|| iri.clone());
            (*other != iri).then(|| shared_name(&iri, other, &name))
        })
        .collect()
}

fn wanted_values(values: &EnumerationRef) -> Wanted {
    Wanted::new(&*values.iri, NameScope::Class, &*values.name).with_space("values")
}

fn member_iri(member: &Member, enumeration: &str) -> String {
    match &member.value {
        Value::Iri { iri } => iri.to_string(),
        Value::Literal { value, datatype, language } => {
            let literal = TermRef::Literal { value, datatype, language: language.as_deref() };
            value_iri(enumeration, &literal.to_string())
        }
    }
}
