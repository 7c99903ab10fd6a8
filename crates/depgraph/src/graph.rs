use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use petgraph::Direction;
use petgraph::stable_graph::{EdgeIndex, NodeIndex, StableDiGraph};
use rustc_hash::FxHashMap;

use crate::CycleError;
use crate::order::TopologicalOrder;

#[cfg(test)]
mod tests;

/// A graph of "depends on" edges between nodes with a stable key, free of
/// cycles at all times.
///
/// Edges point from the dependent to what it depends on. All keys that are given
/// out come in an order that depends on the graph alone, not on its history.
#[derive(Clone, Debug)]
pub struct DependencyGraph<K> {
    graph: StableDiGraph<K, ()>,
    nodes: FxHashMap<K, NodeIndex>,
    edges: FxHashMap<(NodeIndex, NodeIndex), EdgeIndex>,
    order: TopologicalOrder,
}

impl<K> Default for DependencyGraph<K> {
    fn default() -> Self {
        Self {
            graph: StableDiGraph::default(),
            nodes: FxHashMap::default(),
            edges: FxHashMap::default(),
            order: TopologicalOrder::default(),
        }
    }
}

impl<K: Clone + Ord + Hash> DependencyGraph<K> {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node; says whether it is new.
    pub fn add_node(&mut self, key: K) -> bool {
        let known = self.nodes.len();
        self.node(key);
        self.nodes.len() > known
    }

    /// Removes a node and all its edges; says whether it was there.
    pub fn remove_node(&mut self, key: &K) -> bool {
        let Some(node) = self.nodes.remove(key) else { return false };
        for dependency in self.graph.neighbors_directed(node, Direction::Outgoing) {
            self.edges.remove(&(node, dependency));
        }
        for dependent in self.graph.neighbors_directed(node, Direction::Incoming) {
            self.edges.remove(&(dependent, node));
        }
        self.graph.remove_node(node);
        true
    }

    /// Makes `dependent` depend on `dependency`, adding either where it is
    /// missing; says whether the edge is new.
    ///
    /// # Errors
    /// The edge would close a cycle. The graph is then as it was before.
    pub fn add_dependency(&mut self, dependent: K, dependency: K) -> Result<bool, CycleError<K>> {
        if dependent == dependency {
            return Err(CycleError::new(vec![dependent, dependency]));
        }
        // A node that is new has no edges and can't close a cycle, so a refused
        // edge never leaves a node behind.
        let edge = (self.node(dependent), self.node(dependency));
        if self.edges.contains_key(&edge) {
            return Ok(false);
        }
        self.order
            .admit(&self.graph, edge.0, edge.1)
            .map_err(|way| CycleError::new(self.keys_of([edge.0].into_iter().chain(way))))?;
        self.edges.insert(edge, self.graph.add_edge(edge.0, edge.1, ()));
        Ok(true)
    }

    /// Takes the edge between two nodes away; says whether it was there.
    pub fn remove_dependency(&mut self, dependent: &K, dependency: &K) -> bool {
        let Some(edge) = self.edge(dependent, dependency) else { return false };
        match self.edges.remove(&edge) {
            Some(index) => self.graph.remove_edge(index).is_some(),
            None => false,
        }
    }

    /// Whether there is a node with this key.
    pub fn contains(&self, key: &K) -> bool {
        self.nodes.contains_key(key)
    }

    /// Whether `dependent` depends on `dependency` directly.
    pub fn contains_dependency(&self, dependent: &K, dependency: &K) -> bool {
        self.edge(dependent, dependency).is_some_and(|edge| self.edges.contains_key(&edge))
    }

    /// What `key` depends on directly, ascending; nothing for an unknown key.
    pub fn dependencies(&self, key: &K) -> Vec<&K> {
        self.neighbours(key, Direction::Outgoing)
    }

    /// What depends on `key` directly, ascending; nothing for an unknown key.
    pub fn dependents(&self, key: &K) -> Vec<&K> {
        self.neighbours(key, Direction::Incoming)
    }

    /// All keys, ascending.
    pub fn keys(&self) -> Vec<&K> {
        let mut keys: Vec<&K> = self.nodes.keys().collect();
        keys.sort_unstable();
        keys
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many edges there are.
    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// The changed nodes and all that transitively depend on them, each after
    /// everything it depends on. Keys that are not in the graph are left out.
    ///
    /// Visits only what it returns, and each node once.
    pub fn affected(&self, changed: &[K]) -> Vec<K> {
        self.reach(changed, || ())
    }

    /// A shortest chain of dependencies from `dependent` to `dependency`, both
    /// included: why a change to the latter makes the former stale.
    pub fn chain(&self, dependent: &K, dependency: &K) -> Option<Vec<K>> {
        let (from, to) = self.edge(dependent, dependency)?;
        Some(self.keys_of(self.order.way(&self.graph, from, to)?))
    }

    /// How many nodes were visited since the graph was made, to keep it sorted
    /// and to look for cycles as edges came. Edges that agree with the order
    /// found so far add nothing.
    pub fn order_work(&self) -> u64 {
        self.order.visits()
    }

    /// One pass in topological order: a node is popped after all of its
    /// dependencies that are affected, so its level is final by then.
    fn reach(&self, changed: &[K], mut visit: impl FnMut()) -> Vec<K> {
        let mut levels = FxHashMap::default();
        let mut pending = BinaryHeap::new();
        for &node in changed.iter().filter_map(|key| self.nodes.get(key)) {
            if levels.insert(node, 0).is_none() {
                pending.push((Reverse(self.order.rank(node)), node));
            }
        }
        let mut reached: Vec<(usize, &K)> = Vec::new();
        while let Some((_, node)) = pending.pop() {
            visit();
            let level: usize = levels[&node];
            reached.push((level, &self.graph[node]));
            for dependent in self.graph.neighbors_directed(node, Direction::Incoming) {
                match levels.entry(dependent) {
                    Entry::Occupied(mut known) => *known.get_mut() = (level + 1).max(*known.get()),
                    Entry::Vacant(unknown) => {
                        unknown.insert(level + 1);
                        pending.push((Reverse(self.order.rank(dependent)), dependent));
                    }
                }
            }
        }
        // Levels depend on content alone; the ranks by which we went do not.
        reached.sort_unstable();
        reached.into_iter().map(|(_, key)| key.clone()).collect()
    }

    fn node(&mut self, key: K) -> NodeIndex {
        match self.nodes.entry(key) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => {
                let node = self.graph.add_node(unknown.key().clone());
                self.order.insert(node);
                *unknown.insert(node)
            }
        }
    }

    fn edge(&self, dependent: &K, dependency: &K) -> Option<(NodeIndex, NodeIndex)> {
        Some((*self.nodes.get(dependent)?, *self.nodes.get(dependency)?))
    }

    fn neighbours(&self, key: &K, direction: Direction) -> Vec<&K> {
        let Some(node) = self.nodes.get(key) else { return Vec::new() };
        let mut keys: Vec<&K> =
            self.graph.neighbors_directed(*node, direction).map(|next| &self.graph[next]).collect();
        keys.sort_unstable();
        keys
    }

    fn keys_of(&self, nodes: impl IntoIterator<Item = NodeIndex>) -> Vec<K> {
        nodes.into_iter().map(|node| self.graph[node].clone()).collect()
    }
}

/// For the views of a graph: its nodes by index and rank.
impl<K: Clone + Ord + Hash> DependencyGraph<K> {
    pub(crate) fn find(&self, key: &K) -> Option<NodeIndex> {
        self.nodes.get(key).copied()
    }

    pub(crate) fn node_indices(&self) -> impl Iterator<Item = NodeIndex> {
        self.graph.node_indices()
    }

    pub(crate) fn key(&self, node: NodeIndex) -> &K {
        &self.graph[node]
    }

    pub(crate) fn rank(&self, node: NodeIndex) -> i64 {
        self.order.rank(node)
    }

    pub(crate) fn dependency_indices(&self, node: NodeIndex) -> impl Iterator<Item = NodeIndex> {
        self.graph.neighbors_directed(node, Direction::Outgoing)
    }
}
