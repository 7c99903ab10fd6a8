//! What a caller wants of a view.

use serde::{Deserialize, Serialize};

/// What a [`Schema`](crate::Schema) shows and in which language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Options {
    /// Languages of labels and comments, the best first; the empty tag stands for texts
    /// without a language. A text in another language is taken where there is no better one.
    pub languages: Vec<String>,
    /// Where any is given: only what an IRI that begins with one of these names becomes code.
    pub include: Vec<String>,
    /// What begins with one of these never becomes code of its own.
    pub exclude: Vec<String>,
    /// Prefixes and their namespaces; a prefix stands in front of a name where two clash.
    pub prefixes: Vec<(String, String)>,
    /// What has labels, comments and notes of deprecation.
    pub texts: TextScope,
}

/// What has labels, comments and notes of deprecation in an answer.
///
/// A text that is not shown is not read: where a template shows a property only in the class
/// that declares it, a narrower scope spares it from being rendered again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TextScope {
    /// All that the answer is about.
    #[default]
    All,
    /// All but properties that a class inherits.
    Own,
    /// Nothing.
    Nothing,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            languages: vec!["en".to_owned(), String::new()],
            include: Vec::new(),
            exclude: Vec::new(),
            prefixes: Vec::new(),
            texts: TextScope::All,
        }
    }
}

impl Options {
    /// Whether an IRI is among those that may become code.
    pub(crate) fn shows(&self, iri: &str) -> bool {
        let among = |namespaces: &[String]| namespaces.iter().any(|space| iri.starts_with(space));
        (self.include.is_empty() || among(&self.include)) && !among(&self.exclude)
    }
}
