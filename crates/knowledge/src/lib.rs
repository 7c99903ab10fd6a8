//! What does the model say?
//!
//! A model is a set of RDF files. This crate reads them, keeps what they say in memory,
//! answers queries, walks from node to node, tells how a new version of a file differs
//! from the last one, and, what is special about it, *knows afterwards what was read*.
//!
//! # Reading is tracked
//! Everything goes through a [`TrackedReader`], which is asked for the quads that match a
//! pattern. A [`Tracker`] writes the patterns down. SPARQL is evaluated on top of that
//! ([`Query`]), and so is navigation ([`navigate`]): whatever the answer was, it was
//! worked out from the answers to those patterns and from nothing else, so it stands as
//! long as no change matches one of them. Functions that would break this (the time of
//! day, random numbers, remote services) are refused when a query is compiled. A planner
//! of our own orders joins so that reads stay as narrow as the query allows.
//!
//! # A change is what is said, not how it is written
//! [`parse`] gives the statements of a file without their order, prefixes, notation or
//! labels of blank nodes: these are grouped into connected components, and each is
//! named by a hash of what it says ([`Component`]). A [`Model`] is the union of its
//! sources; [`Model::diff`] and [`Model::apply`] give the net change.
//!
//! # Large files are read in parts
//! What each part of a file says is remembered, so that after an edit only the parts that
//! it touched are parsed ([`Model::reread`]).
//!
//! # In memory and on disk alike
//! The [`Store`] keeps each graph as three sorted runs of term ids. The runs are plain
//! bytes, so that a stored model is used where it lies in a mapped file.
//!
//! This crate reads no file by itself but when it looks for sources ([`discover`]) or for
//! the documents of a [`Catalog`], and never the network.
//!
//! ```
//! use evergen_knowledge::{Answer, Format, Limits, Model, Prefixes, Query, Tracker, parse};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = "@prefix ex: <http://example.org/> . ex:a ex:knows ex:b . ex:b ex:knows ex:c .";
//! let source = parse(text.as_bytes(), Format::Turtle, "http://example.org/", &Limits::default())
//!     .map_err(|errors| errors[0].clone())?;
//! let model = Model::build([("people.ttl".to_owned(), source)])?;
//!
//! let prefixes = Prefixes::new().with("ex", "http://example.org/")?;
//! let query = Query::compile("SELECT ?who WHERE { ex:a ex:knows ?who }", &prefixes, &[])?;
//! let tracker = Tracker::new(model.snapshot());
//! let Answer::Rows(found) = query.evaluate(&tracker, &[])? else { unreachable!() };
//! assert_eq!(found.rows.len(), 1);
//! assert_eq!(tracker.take_reads().into_patterns().len(), 1, "one pattern was read");
//! # Ok(())
//! # }
//! ```

mod canonical;
mod catalog;
mod chunks;
mod facts;
mod format;
#[doc(hidden)]
pub mod fuzzing;
mod limits;
mod model;
pub mod navigate;
mod parse;
mod query;
mod reader;
mod store;

pub use crate::canonical::{Component, ComponentDigest};
pub use crate::catalog::{
    Catalog, CatalogError, DiscoverError, DocumentError, SourceFile, discover,
};
pub use crate::chunks::{ChunkChange, ChunkSections, StoredChunks};
pub use crate::facts::{FactId, FactReads, FactTracker};
pub use crate::format::Format;
pub use crate::limits::Limits;
pub use crate::model::{Model, ModelSections, SourceIncrement, SourceSections};
pub use crate::parse::{
    Documents, Import, Location, ParsedSource, SyntaxError, SyntaxErrorKind, locate, locate_with,
    parse, parse_with_documents,
};
pub use crate::query::{
    Answer, EvaluateError, ExpandError, Form, InvalidPrefix, Key, Prefixes, Query, QueryError,
    QueryErrorKind, QueryWarning, Row, Rows, Touched,
};
pub use crate::reader::{ReadSet, Rewound, TrackedReader, Tracker};
pub use crate::store::{
    DamagedSections, Quads, Snapshot, Store, StoreSections, TermCollision, TermTable, Value,
};
