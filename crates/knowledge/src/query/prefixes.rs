//! Short names for IRIs.

use std::collections::BTreeMap;

const ALWAYS: [(&str, &str); 9] = [
    ("dcterms", "http://purl.org/dc/terms/"),
    ("owl", "http://www.w3.org/2002/07/owl#"),
    ("prov", "http://www.w3.org/ns/prov#"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("schema", "https://schema.org/"),
    ("sh", "http://www.w3.org/ns/shacl#"),
    ("skos", "http://www.w3.org/2004/02/skos/core#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
];

/// Prefixes that queries and templates may use without declaring them.
///
/// `rdf`, `rdfs`, `owl`, `xsd`, `sh`, `skos`, `schema` (`https://schema.org/`), `dcterms`
/// and `prov` are always there, and can be given another meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes {
    names: BTreeMap<String, String>,
}

/// A prefixed name that can't be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// Nobody declared the prefix.
    #[error("the prefix {0}: is not declared")]
    UnknownPrefix(String),
    /// Neither a prefixed name nor an absolute IRI.
    #[error("{0} is neither a prefixed name nor an IRI")]
    NotAName(String),
}

/// A namespace that can't be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{iri} can't stand for the prefix {name}: since it is no absolute IRI")]
pub struct InvalidPrefix {
    /// The prefix.
    pub name: String,
    /// What it was to stand for.
    pub iri: String,
}

impl Default for Prefixes {
    fn default() -> Self {
        let names = ALWAYS.map(|(name, iri)| (name.to_owned(), iri.to_owned()));
        Self { names: names.into() }
    }
}

impl Prefixes {
    /// The prefixes that are always there.
    pub fn new() -> Self {
        Self::default()
    }

    /// These prefixes and one more, which replaces one of the same name.
    ///
    /// # Errors
    /// `iri` is no absolute IRI.
    pub fn with(mut self, name: &str, iri: &str) -> Result<Self, InvalidPrefix> {
        if oxrdf::NamedNode::new(iri).is_err() {
            return Err(InvalidPrefix { name: name.to_owned(), iri: iri.to_owned() });
        }
        self.names.insert(name.to_owned(), iri.to_owned());
        Ok(self)
    }

    /// The IRI that a prefixed name (`schema:name`) or an IRI in angle brackets means.
    ///
    /// A bare absolute IRI means itself, where its scheme is no declared prefix and what
    /// follows begins with `//`, or the scheme is `urn`.
    ///
    /// # Errors
    /// The prefix is unknown, or this is no name at all.
    pub fn expand(&self, name: &str) -> Result<String, ExpandError> {
        let not_a_name = || ExpandError::NotAName(name.to_owned());
        if let Some(iri) = name.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
            return absolute(iri).ok_or_else(not_a_name);
        }
        let (prefix, local) = name.split_once(':').ok_or_else(not_a_name)?;
        if let Some(namespace) = self.names.get(prefix) {
            return absolute(&format!("{namespace}{local}")).ok_or_else(not_a_name);
        }
        if local.starts_with("//") || prefix == "urn" {
            return absolute(name).ok_or_else(not_a_name);
        }
        Err(ExpandError::UnknownPrefix(prefix.to_owned()))
    }

    /// All prefixes with what they stand for, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().map(|(name, iri)| (name.as_str(), iri.as_str()))
    }
}

fn absolute(iri: &str) -> Option<String> {
    oxrdf::NamedNode::new(iri).ok().map(oxrdf::NamedNode::into_string)
}
