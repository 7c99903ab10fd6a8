//! What changed in a graph?
//!
//! A program that follows a knowledge graph needs a common tongue for three
//! things: a *quad* (one statement), a *pattern* (the shape of a read) and a
//! *delta* (what a change inserted and removed). This crate is that tongue and
//! nothing more: values, without a store, a parser, a clock or a file.
//!
//! # Terms are known by their content
//!
//! A [`TermId`] is a 64-bit hash of what a [`Term`] says. Two processes that
//! have never met give one term the same id, and a term that no data holds yet
//! has its id all the same. That is what makes recorded reads sound: a pattern
//! with a constant which is not in the graph today matches the quad that brings
//! the constant in tomorrow. Whoever keeps a dictionary from ids to terms must
//! refuse the second of two different terms with one id; this crate only hashes.
//!
//! # Patterns are found by probing
//!
//! A [`QuadPattern`] binds some positions and leaves the others open. Instead of
//! matching a quad against every pattern that was ever recorded, ask for the
//! [probes](EncodedQuad::probes) of the quad: the 8 (default graph) or 16 (named
//! graph) patterns that could match it, and look each of them up in a map.
//!
//! ```
//! use evergen_delta::{Delta, EncodedQuad, QuadPattern, Term, TermId};
//!
//! let class = Term::iri("http://example.org/Order").id();
//! let label = Term::iri("http://www.w3.org/2000/01/rdf-schema#label").id();
//! let quad = EncodedQuad::new(class, label, Term::literal("Order").id(), TermId::DEFAULT_GRAPH);
//!
//! let read = QuadPattern::default_graph(Some(class), Some(label), None);
//! assert!(read.matches(&quad));
//! assert!(quad.probes().any(|probe| probe == read));
//!
//! let mut delta = Delta::default();
//! delta.insert(quad);
//! delta.remove(quad);
//! assert!(delta.is_empty(), "a quad that came and went is no change");
//! ```

mod change;
mod pattern;
mod quad;
mod term;

pub use crate::change::Delta;
pub use crate::pattern::{Fingerprint, QuadPattern};
pub use crate::quad::{EncodedQuad, Quad};
pub use crate::term::{Term, TermId, TermRef};
