//! Listed values.

use evergen_delta::{TermId, TermRef};
use rustc_hash::FxHashSet;

use crate::classify::Standing;
use crate::names::{CLASS, distinct, fold, value_iri, values_iri};
use crate::targets::Context;
use crate::vocabulary::v;
use crate::{Enumeration, Member, Schema, Text, Value};

impl Schema<'_> {
    /// Everything about one enumeration; none for a term that is none, or only another name
    /// of one.
    pub fn enumeration(&self, term: TermId) -> Option<Enumeration> {
        if self.standing(term) != Standing::Enumeration(term) {
            return None;
        }
        let group = self.with_first(term);
        let texts = self.texts(&group);
        let iri = self.text(term);
        let values = self.values_of(term);
        Some(Enumeration {
            name: self.class_name(term),
            label: texts.label,
            comment: texts.comment,
            deprecated: texts.deprecated,
            aliases: group[1..].iter().map(|alias| self.text(*alias)).collect(),
            members: self.members_of_list(&values, &iri),
            problems: self.group_problems(term),
            iri,
        })
    }

    /// The values of an enumeration: in the order of its list, or, where it has none, all its
    /// individuals by IRI.
    pub(crate) fn values_of(&self, enumeration: TermId) -> Vec<TermId> {
        let group = self.members(enumeration);
        let mut heads: Vec<TermId> =
            group.iter().flat_map(|member| self.node(*member).one_of.clone()).collect();
        heads.sort_unstable();
        heads.dedup();
        let mut values: Vec<TermId> =
            heads.iter().flat_map(|head| self.list(*head).members.clone()).collect();
        if heads.len() > 1 {
            // Lists have no order among each other.
            self.sort(&mut values);
        }
        if values.is_empty() {
            values = self.individuals(group);
            self.sort(&mut values);
        }
        let mut seen = FxHashSet::default();
        values.retain(|value| seen.insert(*value));
        values
    }

    /// The named individuals of classes and of all that are below them.
    fn individuals(&self, mut open: Vec<TermId>) -> Vec<TermId> {
        let mut seen: FxHashSet<TermId> = open.iter().copied().collect();
        let mut found = Vec::new();
        while let Some(class) = open.pop() {
            let individuals = self.subjects(v().rdf_type, class).into_iter();
            found.extend(individuals.filter(|individual| self.is_iri(*individual)));
            open.extend(self.below(class).into_iter().filter(|below| seen.insert(*below)));
        }
        found
    }

    /// Values as members of the enumeration with the given IRI, their names unique in it.
    pub(crate) fn members_of_list(&self, values: &[TermId], enumeration: &Text) -> Vec<Member> {
        let mut taken = FxHashSet::default();
        let mut members = Vec::with_capacity(values.len());
        let mut seen = FxHashSet::default();
        for id in values.iter().filter(|id| seen.insert(**id)) {
            let Some(value) = self.value(*id) else { continue };
            let texts = match &value {
                Value::Iri { .. } => self.texts(&[*id]),
                Value::Literal { .. } => crate::labels::Texts::default(),
            };
            let wanted = self.member_name(*id, enumeration);
            let word = match &value {
                Value::Iri { iri } => crate::local::short_word(iri, &self.options.prefixes),
                Value::Literal { .. } => "value".to_owned(),
            };
            let name = if taken.insert(fold(&wanted)) {
                wanted
            } else {
                distinct(&wanted, &word, |name| taken.insert(fold(name))).into()
            };
            members.push(Member {
                value,
                name,
                label: texts.label,
                comment: texts.comment,
                deprecated: texts.deprecated,
                number: self.member_number(*id, enumeration),
            });
        }
        members
    }

    /// By what a member's name is kept: an IRI by itself, a literal by an IRI made of it.
    pub(crate) fn member_subject(&self, value: TermId, enumeration: &str) -> Text {
        match self.term(value) {
            Some(TermRef::Iri(_)) => self.text(value),
            Some(literal) => value_iri(enumeration, &literal.to_string()).into(),
            None => "".into(),
        }
    }

    /// The IRI and the name of values that are listed at a property.
    pub(crate) fn values_name(&self, context: &Context) -> (Text, Text) {
        let key = context.key;
        let class = context.site.map(|site| self.text(site));
        let property = self.text(key.property);
        let iri: Text = values_iri(class.as_deref(), &property, key.is_reversed).into();
        let name = self.kept_name(&iri, CLASS).unwrap_or_else(|| {
            let property = self.property_name(key);
            match context.site {
                Some(site) => format!("{}_{property}", self.class_name(site)).into(),
                None => format!("{property}_value").into(),
            }
        });
        (iri, name)
    }
}
