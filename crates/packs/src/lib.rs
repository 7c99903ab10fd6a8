//! What does good code look like in each language?
//!
//! An engine that renders templates from a model is of use on the day somebody has
//! written templates. This crate is for the day before: it holds *packs*, generators
//! that turn any ontology, be it written in OWL, RDFS, SHACL or with the vocabulary
//! of schema.org, into a package that compiles under the strict settings of its
//! language. And it holds what every template needs, a built-in one or a project's
//! own: how the language writes names, texts, comments and types, as
//! [`LanguageProfile`](evergen_regeneration::LanguageProfile)s.
//!
//! # How a pack works
//!
//! A pack is nothing but templates with front matter, as a project has them. For each
//! class there is one file, and its queries lead from the class to what they read, so
//! that a changed label makes again the one file that shows it. One partial,
//! `_model.j2`, turns the rows into what all languages ask for; the templates of a
//! language are left with names and notation.
//!
//! # What the model means in code
//!
//! - *A class* is what is declared as one, or what a shape gives properties. Vocabularies in
//!   which models are written (RDF, OWL, SHACL …), blank nodes, the data types of
//!   schema.org, and names of other vocabularies that are only mentioned, have no file.
//! - *An enumeration* is a class with `owl:oneOf`, or one below schema.org's
//!   `Enumeration` that has individuals.
//! - *The properties* of a class are those whose domain it is, alone or in a union,
//!   those of its shapes and restrictions, and all that is declared above it.
//! - *One parent is extended*, the first that is not above another one. What further
//!   parents have is repeated in the class. Two parents can't contradict each other
//!   then, and a cycle of classes is no cycle in code.
//! - *A property has many values* unless the model says otherwise: a functional
//!   property, or a bound of at most one. It may be missing unless a bound says that it
//!   may not. A bound in a class that inherits the property changes nothing.
//! - *Names* are those that [`SchemaNames`] keeps, in the language's casing. Where nobody
//!   keeps names, they are the local names of IRIs: two properties of one name in one class
//!   are told apart by a number then, in the order of their IRIs, and two classes of one
//!   name, which would share a file, are refused.
//!
//! # What it does not do
//!
//! It does not read the model, render, or write files; it does not format what was
//! rendered. Validation, JSON and packs for further languages are not here yet; how further
//! languages write names and types is.
//!
//! ```
//! let names: Vec<&str> = evergen_packs::packs().iter().map(|pack| pack.name).collect();
//! assert_eq!(names, ["python", "rust", "typescript"]);
//!
//! let languages = evergen_packs::languages();
//! let rust = languages.get("rust").ok_or("no Rust")?;
//! assert_eq!(rust.ident("type"), "r#type");
//! assert_eq!(rust.native_type("http://www.w3.org/2001/XMLSchema#int"), "i32");
//! # Ok::<(), &str>(())
//! ```

mod built_in;
mod fragments;

mod comment;
mod datatype;
mod name;
mod text;
mod words;

mod csharp;
mod go;
mod graphql;
mod java;
mod json_schema;
mod kotlin;
mod openapi;
mod protobuf;
mod python;
mod rust;
mod schema_view;
mod sql;
mod typescript;

#[cfg(test)]
mod tests;

pub use built_in::{languages, name_keeper, packs, views};
pub use csharp::CSharp;
pub use go::Go;
pub use graphql::GraphQl;
pub use java::Java;
pub use json_schema::JsonSchema;
pub use kotlin::Kotlin;
pub use openapi::OpenApi;
pub use protobuf::Protobuf;
pub use python::Python;
pub use rust::Rust;
pub use schema_view::{SchemaNames, SchemaView};
pub use sql::Sql;
pub use typescript::TypeScript;
