//! What does an ontology say that a programmer must know?

mod assemble;
mod classify;
mod constraints;
mod datatypes;
mod enumerations;
mod facets;
mod graph;
mod hierarchy;
mod labels;
mod lists;
mod local;
mod model;
mod names;
mod naming;
mod options;
mod own;
mod problem;
mod properties;
mod schema;
mod shapes;
mod targets;
mod text;
mod vocabulary;

pub use crate::facets::{Facets, Pattern};
pub use crate::model::{
    Class, ClassRef, DataRange, Datatype, Deprecation, Enumeration, EnumerationRef, Kind, Member,
    Property, PropertyRef, Range, Value,
};
pub use crate::names::{Clash, NameScope, Names, NamesError, Wanted};
pub use crate::options::Options;
pub use crate::problem::{Problem, ProblemCode};
pub use crate::schema::{Memo, Schema};
pub use crate::text::Text;
