//! What does the model say?

mod canonical;
mod catalog;
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
pub use crate::reader::{ReadSet, TrackedReader, Tracker};
pub use crate::store::{
    DamagedSections, Quads, Snapshot, Store, StoreSections, TermCollision, TermTable, Value,
};
