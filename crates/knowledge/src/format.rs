//! The notations a model may be written in.

use std::fmt;
use std::path::Path;

/// A notation for RDF that can be read.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[non_exhaustive]
pub enum Format {
    /// Turtle (`.ttl`).
    Turtle,
    /// `TriG`, Turtle with named graphs (`.trig`).
    TriG,
    /// N-Triples (`.nt`).
    NTriples,
    /// N-Quads (`.nq`).
    NQuads,
    /// RDF/XML (`.rdf`, `.owl`).
    RdfXml,
    /// JSON-LD (`.jsonld`).
    JsonLd,
}

struct Facts {
    format: Format,
    name: &'static str,
    extensions: &'static [&'static str],
    media_types: &'static [&'static str],
}

const TABLE: [Facts; 6] = [
    Facts {
        format: Format::Turtle,
        name: "Turtle",
        extensions: &["ttl", "turtle"],
        media_types: &["text/turtle", "application/x-turtle"],
    },
    Facts {
        format: Format::TriG,
        name: "TriG",
        extensions: &["trig"],
        media_types: &["application/trig", "application/x-trig"],
    },
    Facts {
        format: Format::NTriples,
        name: "N-Triples",
        extensions: &["nt", "ntriples"],
        media_types: &["application/n-triples"],
    },
    Facts {
        format: Format::NQuads,
        name: "N-Quads",
        extensions: &["nq", "nquads"],
        media_types: &["application/n-quads", "text/x-nquads"],
    },
    Facts {
        format: Format::RdfXml,
        name: "RDF/XML",
        extensions: &["rdf", "owl"],
        media_types: &["application/rdf+xml"],
    },
    Facts {
        format: Format::JsonLd,
        name: "JSON-LD",
        extensions: &["jsonld"],
        media_types: &["application/ld+json"],
    },
];

impl Format {
    /// Every format, in the order of the variants.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|facts| facts.format)
    }

    /// The format that the extension of `path` stands for, whatever its case.
    pub fn from_extension(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        TABLE
            .iter()
            .find(|facts| {
                facts.extensions.iter().any(|known| extension.eq_ignore_ascii_case(known))
            })
            .map(|facts| facts.format)
    }

    /// The format of a media type; parameters such as `charset` are not looked at.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        TABLE
            .iter()
            .find(|facts| facts.media_types.iter().any(|known| essence.eq_ignore_ascii_case(known)))
            .map(|facts| facts.format)
    }

    /// What the format is called.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The media type it is registered under.
    pub fn media_type(self) -> &'static str {
        self.facts().media_types[0]
    }

    /// The extensions of its files, without the dot, the usual one first.
    pub fn extensions(self) -> &'static [&'static str] {
        self.facts().extensions
    }

    fn facts(self) -> &'static Facts {
        // The table has the order of the variants; a test holds them together.
        &TABLE[self as usize]
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
