//! Which local file stands for an IRI, and which files make up a model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use quick_xml::events::{BytesStart, Event};

pub use self::discover::{DiscoverError, SourceFile, discover};
use crate::Documents;

mod discover;
#[cfg(test)]
mod tests;

/// Local files by the IRIs that `owl:imports` and JSON-LD contexts name.
///
/// An IRI without an entry is not looked for anywhere, least of all in the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    entries: BTreeMap<String, PathBuf>,
    /// Beginnings of IRIs and the folders that stand for them, the longest first.
    rewrites: Vec<(String, PathBuf)>,
}

/// An XML catalog can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The text is not well-formed XML.
    #[error("the catalog is not well-formed XML at byte {offset}")]
    Xml {
        /// Where the reader stopped.
        offset: u64,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The outermost element is another one.
    #[error("the file is not an OASIS XML catalog, as it has no <catalog> element")]
    NoCatalog,
}

/// A file of the catalog can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the copy of <{iri}> at {} can't be read", .path.display())]
pub struct DocumentError {
    /// The IRI that the catalog has.
    pub iri: String,
    /// The file it leads to.
    pub path: PathBuf,
    /// Why it can't be read.
    pub source: std::io::Error,
}

impl Catalog {
    /// A catalog without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// A catalog of a map from IRIs to paths; relative ones are below `folder`.
    pub fn from_map<I, P>(folder: &Path, entries: impl IntoIterator<Item = (I, P)>) -> Self
    where
        I: Into<String>,
        P: AsRef<Path>,
    {
        let mut catalog = Self::new();
        for (iri, path) in entries {
            catalog.entries.insert(iri.into(), folder.join(path));
        }
        catalog
    }

    /// Reads an OASIS XML catalog such as `catalog-v001.xml`, whose relative paths are
    /// below `folder`.
    ///
    /// Understands `uri` and `rewriteURI`, and `xml:base` on any element. Entries that
    /// lead into the network have no effect; of two entries for one IRI the first counts.
    ///
    /// # Errors
    /// The text is no XML catalog.
    pub fn from_xml(text: &str, folder: &Path) -> Result<Self, CatalogError> {
        let mut reader = quick_xml::Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let mut catalog = Self::new();
        let mut folders = vec![folder.to_owned()];
        let mut is_catalog = false;
        loop {
            let event = reader.read_event().map_err(|source| CatalogError::Xml {
                offset: reader.error_position(),
                source: source.into(),
            })?;
            match event {
                Event::Start(element) => {
                    is_catalog |= element.local_name().as_ref() == b"catalog";
                    let inner = inner_folder(&element, folders.last().map_or(folder, |top| top));
                    catalog.element(&element, &inner);
                    folders.push(inner);
                }
                Event::End(_) => drop(folders.pop()),
                Event::Eof if folders.len() > 1 => {
                    let source = quick_xml::errors::IllFormedError::MissingEndTag("catalog".into());
                    let offset = reader.buffer_position();
                    return Err(CatalogError::Xml { offset, source: source.into() });
                }
                Event::Eof if is_catalog => break,
                Event::Eof => return Err(CatalogError::NoCatalog),
                _ => {}
            }
        }
        catalog.rewrites.sort_by_key(|(start, _)| std::cmp::Reverse(start.len()));
        Ok(catalog)
    }

    fn element(&mut self, element: &BytesStart<'_>, folder: &Path) {
        let path = |name| attribute(element, name).and_then(|uri| local_path(&uri, folder));
        match element.local_name().as_ref() {
            b"uri" => {
                if let (Some(iri), Some(path)) = (attribute(element, "name"), path("uri")) {
                    self.entries.entry(iri).or_insert(path);
                }
            }
            b"rewriteURI" => {
                let start = attribute(element, "uriStartString");
                if let (Some(start), Some(path)) = (start, path("rewritePrefix")) {
                    self.rewrites.push((start, path));
                }
            }
            _ => {}
        }
    }

    /// Adds the entries of another catalog where this one has none.
    pub fn extend(&mut self, other: Self) {
        for (iri, path) in other.entries {
            self.entries.entry(iri).or_insert(path);
        }
        self.rewrites.extend(other.rewrites);
        self.rewrites.sort_by_key(|(start, _)| std::cmp::Reverse(start.len()));
    }

    /// The file that stands for `iri`; whether it exists is not looked at.
    ///
    /// An IRI that ends in `#` is found without it too, and the other way round.
    pub fn resolve(&self, iri: &str) -> Option<PathBuf> {
        let other = iri.strip_suffix('#').map_or_else(|| format!("{iri}#"), str::to_owned);
        if let Some(path) = self.entries.get(iri).or_else(|| self.entries.get(&other)) {
            return Some(path.clone());
        }
        let rewritten = |(start, folder): &(String, PathBuf)| {
            local_path(iri.strip_prefix(start.as_str())?, folder)
        };
        self.rewrites.iter().find_map(rewritten)
    }

    /// The entries, sorted by IRI.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.entries.iter().map(|(iri, path)| (iri.as_str(), path.as_path()))
    }

    /// Reads the entries that may be JSON-LD contexts (`.jsonld`, `.json`).
    ///
    /// # Errors
    /// One of the files can't be read.
    pub fn load_documents(&self) -> Result<Documents, DocumentError> {
        let is_context = |path: &Path| {
            path.extension().is_some_and(|extension| extension == "jsonld" || extension == "json")
        };
        let contexts = self.entries.iter().filter(|(_, path)| is_context(path));
        contexts
            .map(|(iri, path)| match std::fs::read(path) {
                Ok(bytes) => Ok((iri.clone(), bytes)),
                Err(source) => Err(DocumentError { iri: iri.clone(), path: path.clone(), source }),
            })
            .collect()
    }
}

fn inner_folder(element: &BytesStart<'_>, folder: &Path) -> PathBuf {
    attribute(element, "xml:base")
        .and_then(|base| local_path(&base, folder))
        .unwrap_or_else(|| folder.to_owned())
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok()??;
    Some(attribute.unescape_value().ok()?.into_owned())
}

/// The path that a relative reference or a `file:` IRI means; `None` for others.
fn local_path(reference: &str, folder: &Path) -> Option<PathBuf> {
    let path = match reference.split_once(':') {
        None => reference,
        Some(("file", rest)) => match rest.strip_prefix("//") {
            None => rest,
            Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        },
        Some(_) => return None,
    };
    Some(folder.join(percent_decoded(path)?))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match decoded {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok().filter(|path| !path.contains('\0'))
}
