use std::fmt;

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

const XSD_STRING: &str = "http://www.w3.org/2001/XMLSchema#string";
const RDF_LANG_STRING: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString";

/// An RDF term that owns its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// An absolute IRI, without angle brackets.
    Iri(String),
    /// A blank node, by its label without `_:`.
    Blank(String),
    /// A literal.
    Literal {
        /// The lexical form, unescaped.
        value: String,
        /// The datatype's IRI; `rdf:langString` where there is a language.
        datatype: String,
        /// The language tag in lower case.
        #[serde(default)]
        language: Option<String>,
    },
}

impl Term {
    /// An IRI.
    pub fn iri(iri: impl Into<String>) -> Self {
        Self::Iri(iri.into())
    }

    /// A plain string literal (`xsd:string`).
    pub fn literal(value: impl Into<String>) -> Self {
        Self::typed(value, XSD_STRING)
    }

    /// A literal of the given datatype.
    pub fn typed(value: impl Into<String>, datatype: impl Into<String>) -> Self {
        Self::Literal { value: value.into(), datatype: datatype.into(), language: None }
    }

    /// A language-tagged string; the tag is lower-cased, as RDF compares tags without case.
    pub fn tagged(value: impl Into<String>, language: &str) -> Self {
        Self::Literal {
            value: value.into(),
            datatype: RDF_LANG_STRING.to_owned(),
            language: Some(language.to_ascii_lowercase()),
        }
    }

    /// The same term, borrowed.
    pub fn as_ref(&self) -> TermRef<'_> {
        match self {
            Self::Iri(iri) => TermRef::Iri(iri),
            Self::Blank(label) => TermRef::Blank(label),
            Self::Literal { value, datatype, language } => {
                TermRef::Literal { value, datatype, language: language.as_deref() }
            }
        }
    }

    /// The id of this term; see [`TermRef::id`].
    pub fn id(&self) -> TermId {
        self.as_ref().id()
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// An RDF term that borrows its text. Ordered by kind, then by content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TermRef<'a> {
    /// An absolute IRI, without angle brackets.
    Iri(&'a str),
    /// A blank node, by its label without `_:`.
    Blank(&'a str),
    /// A literal.
    Literal {
        /// The lexical form, unescaped.
        value: &'a str,
        /// The datatype's IRI.
        datatype: &'a str,
        /// The language tag in lower case.
        language: Option<&'a str>,
    },
}

impl<'a> TermRef<'a> {
    /// A plain string literal (`xsd:string`).
    pub fn literal(value: &'a str) -> Self {
        Self::Literal { value, datatype: XSD_STRING, language: None }
    }

    /// The same term, owned.
    pub fn to_owned(self) -> Term {
        match self {
            Self::Iri(iri) => Term::Iri(iri.to_owned()),
            Self::Blank(label) => Term::Blank(label.to_owned()),
            Self::Literal { value, datatype, language } => Term::Literal {
                value: value.to_owned(),
                datatype: datatype.to_owned(),
                language: language.map(str::to_owned),
            },
        }
    }

    /// The text a reader sees: the IRI, the label, or the lexical form.
    pub fn text(self) -> &'a str {
        match self {
            Self::Iri(text) | Self::Blank(text) | Self::Literal { value: text, .. } => text,
        }
    }

    /// The id of this term: XXH3-64 over its kind and its length-prefixed parts.
    ///
    /// The same on every machine and in every release that keeps the state
    /// format. Ids below 256 are reserved, so a hash that falls there is lifted.
    pub fn id(self) -> TermId {
        let hash = match self {
            // One call over one buffer is what the hash is fastest at, so the
            // kind goes into the seed and only literals with a second part chain.
            Self::Iri(iri) => XxHash3_64::oneshot_with_seed(1, iri.as_bytes()),
            Self::Blank(label) => XxHash3_64::oneshot_with_seed(2, label.as_bytes()),
            Self::Literal { value, datatype, language } => {
                let qualifier = match language {
                    Some(language) => XxHash3_64::oneshot_with_seed(3, language.as_bytes()),
                    None if datatype == XSD_STRING => 4,
                    None => XxHash3_64::oneshot_with_seed(5, datatype.as_bytes()),
                };
                XxHash3_64::oneshot_with_seed(qualifier, value.as_bytes())
            }
        };
        TermId(if hash < TermId::RESERVED { hash + TermId::RESERVED } else { hash })
    }
}

/// Writes the term as N-Triples does.
impl fmt::Display for TermRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Iri(iri) => write!(f, "<{iri}>"),
            Self::Blank(label) => write!(f, "_:{label}"),
            Self::Literal { value, datatype, language } => {
                f.write_str("\"")?;
                for character in value.chars() {
                    match character {
                        '"' => f.write_str("\\\"")?,
                        '\\' => f.write_str("\\\\")?,
                        '\n' => f.write_str("\\n")?,
                        '\r' => f.write_str("\\r")?,
                        '\t' => f.write_str("\\t")?,
                        other => write!(f, "{other}")?,
                    }
                }
                f.write_str("\"")?;
                match language {
                    Some(language) => write!(f, "@{language}"),
                    None if *datatype == XSD_STRING => Ok(()),
                    None => write!(f, "^^<{datatype}>"),
                }
            }
        }
    }
}

/// The 64-bit content hash by which a term is known.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable, Serialize, Deserialize,
)]
#[repr(transparent)]
#[serde(transparent)]
pub struct TermId(u64);

impl TermId {
    /// In a pattern: any term, or any graph but the default one where it stands for the graph.
    pub const ANY: Self = Self(0);
    /// The name of the default graph.
    pub const DEFAULT_GRAPH: Self = Self(1);
    /// Ids below this are never those of a term.
    const RESERVED: u64 = 256;

    /// The id as a number, for storing.
    pub const fn to_raw(self) -> u64 {
        self.0
    }

    /// The id that [`to_raw`](Self::to_raw) gave.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}
