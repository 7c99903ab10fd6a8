//! The names that the model gives, and what stands in for those it doesn't.
//!
//! Names are kept as statements of the model (see [`crate::Names`]), so that reading one
//! is tracked as everything else is.

use evergen_delta::{TermId, TermRef};

use crate::graph::Ids;
use crate::local::{is_opaque, local_name, words};
use crate::names::{CLASS, PROPERTY, also_iri, inverse_iri};
use crate::properties::Key;
use crate::schema::{about, about_key};
use crate::vocabulary::v;
use crate::{Schema, Text};

impl Schema<'_> {
    /// The base name of a class, enumeration or datatype.
    pub(crate) fn class_name(&self, term: TermId) -> Text {
        self.remembered(&self.memo.names, about("name", term), || {
            let kept = self.kept_name(&self.text(term), CLASS);
            kept.unwrap_or_else(|| self.usual_name(term))
        })
    }

    /// The base name of a property.
    pub(crate) fn property_name(&self, key: Key) -> Text {
        let fact = about_key("property name", key);
        self.remembered(&self.memo.property_names, fact, || {
            let kept = self.kept_name(&self.property_subject(key), PROPERTY);
            kept.unwrap_or_else(|| self.usual_property_name(key))
        })
    }

    /// The name of a property to which none was given.
    pub(crate) fn usual_property_name(&self, key: Key) -> Text {
        let name = self.usual_name(key.property);
        if key.is_reversed { format!("is_{name}_of").into() } else { name }
    }

    /// By what a property's name is kept.
    pub(crate) fn property_subject(&self, key: Key) -> Text {
        let iri = self.text(key.property);
        if key.is_reversed { inverse_iri(&iri).into() } else { iri }
    }

    /// A property's number.
    pub(crate) fn number_of(&self, key: Key) -> Option<u32> {
        self.kept_number(&self.property_subject(key), PROPERTY)
    }

    /// The number of a class, enumeration or datatype, where one was given: no property and no
    /// other class of the model has it.
    pub fn class_number(&self, term: TermId) -> Option<u32> {
        if self.term(term).is_none() {
            // Nothing is said of it yet; that is a read, too.
            self.reads_nothing_of(term);
            return None;
        }
        self.kept_number(&self.text(term), CLASS)
    }

    /// The name of a value in an enumeration.
    pub(crate) fn member_name(&self, value: TermId, enumeration: &str) -> Text {
        let subject = self.member_subject(value, enumeration);
        let kept = self.kept_name(&subject, enumeration);
        kept.unwrap_or_else(|| self.usual_name(value))
    }

    /// The number of a value in an enumeration.
    pub(crate) fn member_number(&self, value: TermId, enumeration: &str) -> Option<u32> {
        let subject = self.member_subject(value, enumeration);
        self.kept_number(&subject, enumeration)
    }

    /// The local name, or the words of the label where the local name is only a key.
    pub(crate) fn usual_name(&self, term: TermId) -> Text {
        match self.term(term) {
            Some(TermRef::Iri(iri)) => {
                let local = local_name(iri);
                let label = || self.label_of(term).map(|label| words(&label));
                let label = is_opaque(&local).then(label).flatten();
                label.filter(|label| !label.is_empty()).unwrap_or(local).into()
            }
            Some(TermRef::Literal { value, .. }) if !words(value).is_empty() => value.into(),
            Some(TermRef::Literal { value: "", .. }) => "empty".into(),
            _ => "unnamed".into(),
        }
    }

    /// The version of what is generated from the model, as a
    /// [`Release`](crate::Release) states it; the first one where none is stated. It has three numbers, whatever is stated.
    pub fn version(&self) -> Text {
        let [package, version] = ["package", "version"]
            .map(|name| TermRef::Iri(&format!("{}{name}", crate::vocabulary::EVERGEN)).id());
        let stated = self.objects(package, version);
        let texts = stated.iter().filter_map(|text| match self.term(*text)? {
            // It stands in manifests as it is, so that nothing else may be in it.
            TermRef::Literal { value, .. } => value.parse::<crate::Version>().ok(),
            _ => None,
        });
        texts.max().unwrap_or(crate::Version::FIRST).to_string().into()
    }

    /// The name that a subject was given as a class, a property or a member.
    pub(crate) fn kept_name(&self, subject: &str, scope: &str) -> Option<Text> {
        let names = self.kept(subject, scope, v().ev_name);
        let texts = names.iter().filter_map(|name| match self.term(*name)? {
            TermRef::Literal { value, .. } if !value.is_empty() => Some(value),
            _ => None,
        });
        texts.min().map(Text::from)
    }

    fn kept_number(&self, subject: &str, scope: &str) -> Option<u32> {
        let numbers = self.kept(subject, scope, v().ev_number);
        numbers.iter().filter_map(|number| self.count(*number)).min()
    }

    /// What was kept of a subject. A subject may be several things, a class and a member
    /// for instance; all but the first of them are kept under an IRI of their own.
    fn kept(&self, subject: &str, scope: &str, predicate: TermId) -> Ids {
        let id = TermRef::Iri(subject).id();
        if self.objects(id, v().ev_name).is_empty() {
            return self.objects(id, predicate);
        }
        let scopes = self.objects(id, v().ev_as);
        if scopes.is_empty() || scopes.contains(&TermRef::Iri(scope).id()) {
            return self.objects(id, predicate);
        }
        self.objects(TermRef::Iri(&also_iri(subject, scope)).id(), predicate)
    }
}
