//! What does a change make stale, in which order, and why?
//!
//! A program that keeps made things up to date meets two kinds of dependency.
//! Some are *declared* or found in a text: this artifact uses that template,
//! which includes that partial. Others are *observed*: while something was
//! computed, it read parts of a model. This crate keeps both and answers, for a
//! change, what has to be done again. It holds values and gives values; it opens
//! no file, reads no clock and starts no thread.
//!
//! # Declared: a graph that is never cyclic
//!
//! [`DependencyGraph`] takes nodes and edges one by one. It keeps a topological
//! order of its nodes at all times, and repairs that order only between the two
//! ends of a new edge, so that the edge that would close a cycle is found when
//! it is added, without a scan of the graph, and is refused with the cycle
//! spelled out ([`CycleError`]). Since the order is there, the nodes that a
//! change affects come out of one pass over just these.
//!
//! A [`Schedule`] turns any set of nodes into work for many hands: it says what
//! can start now, is told what is complete and what failed, and knows no fixed
//! phases. It decides; whoever owns the threads acts.
//!
//! An [`Export`] draws the graph as DOT, JSON or SVG, and [`Statistics`] says
//! how deep and wide it is and which chain of nodes bounds the time it takes.
//! Nothing that is given out depends on the order in which nodes and edges came.
//!
//! # Observed: an index from reads to readers
//!
//! [`PatternIndex`] maps the fingerprint of each recorded quad pattern to the
//! computations that read it. A changed quad can match 8 or 16 patterns and no
//! others, so a look-up probes these and is done, however many computations
//! there are. The bulk of the index lies in sorted columns of plain bytes that
//! can be used where they are, in a mapped file for example; what was recorded
//! since lies in a small overlay above them.
//!
//! # What it does not do
//!
//! It does not watch, evaluate, render or retry. It does not check a checksum:
//! damaged columns never make it panic, but only whoever wrote a file can know
//! that its content is still what was written.
//!
//! ```
//! use evergen_delta::{EncodedQuad, QuadPattern, Term, TermId};
//! use evergen_depgraph::{DependencyGraph, PatternIndex};
//!
//! let mut graph = DependencyGraph::new();
//! graph.add_dependency("order.rs", "class.j2")?;
//! graph.add_dependency("class.j2", "header.j2")?;
//! assert_eq!(graph.affected(&["header.j2"]), ["header.j2", "class.j2", "order.rs"]);
//!
//! let refused = graph.add_dependency("header.j2", "order.rs").unwrap_err();
//! assert_eq!(
//!     refused.to_string(),
//!     "the dependency would close a cycle: header.j2 -> order.rs -> class.j2 -> header.j2",
//! );
//!
//! let mut work = graph.schedule();
//! assert_eq!(work.ready(), ["header.j2"]);
//! assert_eq!(work.complete(&"header.j2")?, ["class.j2"]);
//!
//! let order = Term::iri("http://example.org/Order").id();
//! let label = Term::iri("http://www.w3.org/2000/01/rdf-schema#label").id();
//! let mut index = PatternIndex::default();
//! index.record(7, [QuadPattern::default_graph(Some(order), None, None).fingerprint()]);
//!
//! let renamed = EncodedQuad::new(order, label, Term::literal("Order").id(), TermId::DEFAULT_GRAPH);
//! assert_eq!(index.affected(&[renamed]), [7]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cycle;
mod export;
mod graph;
mod order;
mod pattern_index;
mod schedule;
mod skeleton;
mod statistics;

pub use crate::cycle::CycleError;
pub use crate::export::{Description, Export};
pub use crate::graph::DependencyGraph;
pub use crate::pattern_index::{DamagedIndex, IndexColumns, PatternIndex};
pub use crate::schedule::{Failure, NodeState, NotRunning, Progress, Schedule};
pub use crate::statistics::Statistics;
