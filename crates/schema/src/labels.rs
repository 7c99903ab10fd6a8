//! Labels, comments and deprecations, in the language that fits best.

use std::sync::LazyLock;

use evergen_delta::{TermId, TermRef};

use crate::graph::in_star;
use crate::vocabulary::v;
use crate::{Deprecation, Schema, Text};

/// Where labels and comments are looked for, the best first.
static LABELS: LazyLock<[TermId; 5]> =
    LazyLock::new(|| [v().label, v().pref_label, v().schema_name, v().dc_title, v().sh_name]);
static COMMENTS: LazyLock<[TermId; 7]> = LazyLock::new(|| {
    [
        v().comment,
        v().definition,
        v().obo_definition,
        v().dc_description,
        v().prov_definition,
        v().schema_description,
        v().sh_description,
    ]
});

/// What a reader of generated code is told of a term.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    pub(crate) label: Option<Text>,
    pub(crate) comment: Option<Text>,
    pub(crate) deprecated: Option<Deprecation>,
}

impl Schema<'_> {
    /// The texts of several terms that are one; those of the first count most.
    pub(crate) fn texts(&self, terms: &[TermId]) -> Texts {
        let mut texts = Texts::default();
        for term in terms {
            let star = self.star(*term);
            texts.label = texts.label.or_else(|| self.best(&star, &*LABELS));
            texts.comment = texts.comment.or_else(|| self.best(&star, &*COMMENTS));
            texts.deprecated = texts.deprecated.or_else(|| self.deprecation(&star));
        }
        texts
    }

    /// A term's label by narrow reads, for a term that has no other name.
    pub(crate) fn label_of(&self, term: TermId) -> Option<Text> {
        let statements: Vec<(TermId, TermId)> = LABELS
            .iter()
            .flat_map(|label| self.objects(term, *label).into_iter().map(|text| (*label, text)))
            .collect();
        self.best(&statements, &*LABELS)
    }

    /// The text of the best language, then of the first predicate, then in order.
    fn best(&self, star: &[(TermId, TermId)], predicates: &[TermId]) -> Option<Text> {
        star.iter()
            .filter_map(|(predicate, object)| {
                let place = predicates.iter().position(|known| known == predicate)?;
                match self.term(*object)? {
                    TermRef::Literal { value, language, .. } if !value.trim().is_empty() => {
                        Some((self.distance(language), place, value))
                    }
                    _ => None,
                }
            })
            .min()
            .map(|(_, _, text)| Text::from(text))
    }

    /// How far a language is from those that are wanted.
    fn distance(&self, language: Option<&str>) -> usize {
        let language = language.unwrap_or_default();
        let languages = &self.options.languages;
        let exact = languages.iter().position(|wanted| wanted.eq_ignore_ascii_case(language));
        let alike = || {
            let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_lowercase();
            languages.iter().position(|wanted| primary(wanted) == primary(language))
        };
        match exact {
            Some(place) => 2 * place,
            None => alike().map_or(usize::MAX, |place| 2 * place + 1),
        }
    }

    fn deprecation(&self, star: &[(TermId, TermId)]) -> Option<Deprecation> {
        let replacements = [
            v().schema_superseded,
            v().old_schema_superseded,
            v().replaced_by,
            v().obo_replaced_by,
        ];
        let mut is_deprecated = false;
        let mut replaced_by = Vec::new();
        for (predicate, object) in star {
            let is_type = *predicate == v().rdf_type;
            is_deprecated |= *predicate == v().owl_deprecated && self.is_true(*object);
            is_deprecated |= is_type
                && (*object == v().owl_deprecated_class || *object == v().owl_deprecated_property);
            // OBO writes some replacements as texts.
            if replacements.contains(predicate) && !self.is_blank(*object) {
                is_deprecated = true;
                replaced_by.push(self.text(*object));
            }
        }
        replaced_by.sort();
        let note = (!replaced_by.is_empty()).then(|| {
            let names: Vec<String> =
                replaced_by.iter().map(|iri| crate::local::local_name(iri)).collect();
            Text::from(format!("Use {} instead.", names.join(" or ")))
        });
        is_deprecated.then_some(Deprecation { replaced_by, note })
    }

    /// Whether anything is said of a term that a reader could read.
    pub(crate) fn is_described(&self, term: TermId) -> bool {
        [v().label, v().comment].iter().any(|text| !self.objects(term, *text).is_empty())
    }

    /// A literal among all that is said of a subject, in the best language.
    pub(crate) fn text_in(&self, star: &[(TermId, TermId)], predicate: TermId) -> Option<Text> {
        self.best(star, &[predicate])
    }

    /// The first IRI among a predicate's objects.
    pub(crate) fn iri_in(&self, star: &[(TermId, TermId)], predicate: TermId) -> Option<Text> {
        let mut iris: Vec<TermId> =
            in_star(star, predicate).filter(|object| self.is_iri(*object)).collect();
        self.sort(&mut iris);
        iris.first().map(|iri| self.text(*iri))
    }
}
