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
//! A pack is nothing but templates with front matter, as a project has them. There is one
//! file for each class, enumeration and datatype, and what it shows it asks of `schema`
//! ([`SchemaView`]), so that a changed comment makes again the one file that shows it. A
//! class declares what it brings in itself and has a table of rules for it; what is the same
//! in all packages is a runtime of the language's own, which puts the tables of a class and
//! of those above it together. So the code of a class does not grow with what it inherits.
//!
//! # What the model means in code
//!
//! - *Classes, properties and their values* are what [`evergen_schema`] says they are.
//! - *A property has one type* in the class that brings it in and in all that extend it: its
//!   slot. What a class says more strictly is checked when instances are read.
//! - *One base or several* are extended, as the language has it; with one, what further bases
//!   have is declared again.
//! - *Instances are JSON* of one form in all languages, with a context that makes it JSON-LD.
//! - *Names* are those that [`SchemaNames`] keeps, in the language's casing. What a pack adds
//!   has a form that no name of the model takes.
//! - *The version* of all packages is one, and follows from how the interface of the model
//!   changed ([`SchemaVersion`]), where a project wants that.
//!
//! # What it does not do
//!
//! It does not read the model, render, or write files, and it runs no formatter: templates
//! write what the formatter would. What is not checked stands in `docs/packs.md`.
//!
//! ```
//! let names: Vec<&str> = evergen_packs::packs().iter().map(|pack| pack.name).collect();
//! assert_eq!(names.len(), 12);
//! assert!(names.contains(&"rust") && names.contains(&"sql"));
//!
//! let languages = evergen_packs::languages();
//! let rust = languages.get("rust").ok_or("no Rust")?;
//! assert_eq!(rust.ident("type"), "r#type");
//! assert_eq!(rust.native_type("http://www.w3.org/2001/XMLSchema#int"), "i32");
//! # Ok::<(), &str>(())
//! ```

mod built_in;

mod comment;
mod context;
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
mod version;

#[cfg(test)]
mod tests;

pub use built_in::{languages, name_keeper, packs, version_keeper, views};
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
pub use version::SchemaVersion;
