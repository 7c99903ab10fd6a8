//! What depends on what, as a graph to look at.

use std::fmt;

use evergen_depgraph::DependencyGraph;

use super::RegenerationEngine;
use super::cycle::{Mode, Purpose};
use super::memory::Memory;
use crate::error::CycleError;

/// Something that artifacts are made of, or made by, or an artifact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum GraphNode {
    /// A file of the model.
    Source(String),
    /// A query, by its generator and its name.
    Query(String, String),
    /// A template file.
    Template(String),
    /// A generator.
    Generator(String),
    /// An artifact, by its path in the output folder.
    Artifact(String),
}

impl GraphNode {
    /// What kind of thing it is, in one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Source(_) => "source",
            Self::Query(..) => "query",
            Self::Template(_) => "template",
            Self::Generator(_) => "generator",
            Self::Artifact(_) => "artifact",
        }
    }
}

impl fmt::Display for GraphNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(generator, name) => write!(f, "{generator}#{name}"),
            Self::Source(name)
            | Self::Template(name)
            | Self::Generator(name)
            | Self::Artifact(name) => f.write_str(name),
        }
    }
}

impl RegenerationEngine {
    /// What depends on what: artifacts on generators, these on templates and queries,
    /// and queries on the model's sources.
    ///
    /// # Errors
    /// See [`CycleError`].
    pub fn graph(&mut self) -> Result<DependencyGraph<GraphNode>, CycleError> {
        let mut memory = Memory::open(&self.folder, &self.project);
        let mode = Mode { purpose: Purpose::Preview, full: false };
        self.cycle_on(&mut memory, mode, None, &mut |_| {})?;
        let catalogue = self.catalogue(&memory)?;
        let sources: Vec<String> = self.sources(&memory)?;
        let mut graph = DependencyGraph::new();
        let mut edge = |from: &GraphNode, to: GraphNode| {
            // Kinds are layers, and depends_on was found to be free of cycles.
            let _ = graph.add_dependency(from.clone(), to);
        };
        for generator in &catalogue.generators {
            let node = GraphNode::Generator(generator.name.to_string());
            edge(&node, GraphNode::Template(generator.file.shown.to_string()));
            let known = memory.meta.generators.iter().find(|known| *known.name == *generator.name);
            for (name, _) in known.iter().flat_map(|known| &known.loaded) {
                if let Some(file) = generator.library.files.get(name.as_str()) {
                    edge(&node, GraphNode::Template(file.shown.to_string()));
                }
            }
            let names = generator.list.iter().map(|_| "for_each");
            for name in names.chain(generator.queries.iter().map(|query| &*query.name)) {
                let query = GraphNode::Query(generator.name.to_string(), name.to_owned());
                edge(&node, query.clone());
                for source in &sources {
                    edge(&query, GraphNode::Source(source.clone()));
                }
            }
            for name in &generator.depends_on {
                edge(&node, GraphNode::Generator(name.clone()));
            }
        }
        for output in memory.artifacts.outputs() {
            if let Some(known) = memory.meta.generators.get(output.generator as usize) {
                let node = GraphNode::Artifact(output.path.to_string());
                edge(&node, GraphNode::Generator(known.name.clone()));
            }
        }
        Ok(graph)
    }
}
