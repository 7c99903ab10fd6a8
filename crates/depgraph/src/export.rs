use std::fmt;
use std::hash::Hash;

use serde::Serialize;

use crate::DependencyGraph;
use crate::skeleton::Skeleton;

mod dot;
mod escape;
mod json;
mod layout;
mod svg;
#[cfg(test)]
mod tests;

/// What a drawing says of a node besides its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// The text that stands for the node.
    pub label: String,
    /// What sort of node it is, such as `template`; nodes of a kind look alike.
    /// May be empty.
    pub kind: String,
}

impl Description {
    /// A description by its parts.
    pub fn new(label: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { label: label.into(), kind: kind.into() }
    }
}

/// A graph made ready for drawing: nodes ascending by key, edges ascending by
/// dependent and dependency, so that equal graphs give equal bytes.
///
/// Keys should print differently where they differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    nodes: Vec<ExportNode>,
    /// Pairs of positions in `nodes`: dependent, dependency.
    edges: Vec<(usize, usize)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ExportNode {
    key: String,
    label: String,
    kind: String,
    wave: usize,
}

impl<K: Clone + Ord + Hash + fmt::Display> DependencyGraph<K> {
    /// Makes the graph ready for drawing; `describe` gives label and kind.
    pub fn export(&self, describe: impl Fn(&K) -> Description) -> Export {
        let skeleton = Skeleton::of_all(self);
        let nodes = skeleton.keys.iter().zip(skeleton.waves()).map(|(key, wave)| {
            let Description { label, kind } = describe(key);
            ExportNode { key: key.to_string(), label, kind, wave }
        });
        let edges = skeleton.dependencies.iter().enumerate().flat_map(|(dependent, found)| {
            found.iter().map(move |dependency| (dependent, *dependency))
        });
        Export { nodes: nodes.collect(), edges: edges.collect() }
    }
}

impl Export {
    /// The kinds that occur, ascending, without the empty one.
    fn kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<&str> = self.nodes.iter().map(|node| node.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.retain(|kind| !kind.is_empty());
        kinds
    }

    /// The `limit` nodes with the most edges, and the edges between them.
    fn most_connected(&self, limit: usize) -> Self {
        let mut degrees = vec![0_usize; self.nodes.len()];
        for &(dependent, dependency) in &self.edges {
            degrees[dependent] += 1;
            degrees[dependency] += 1;
        }
        let mut kept: Vec<usize> = (0..self.nodes.len()).collect();
        kept.sort_by_key(|node| std::cmp::Reverse(degrees[*node]));
        kept.truncate(limit);
        kept.sort_unstable();
        let place = |node: &usize| kept.binary_search(node).ok();
        let edges = self.edges.iter().filter_map(|(from, to)| Some((place(from)?, place(to)?)));
        Self {
            edges: edges.collect(),
            nodes: kept.iter().map(|node| self.nodes[*node].clone()).collect(),
        }
    }
}
