use std::hash::Hash;

use petgraph::stable_graph::NodeIndex;
use rustc_hash::FxHashMap;

use crate::DependencyGraph;

/// What a view of the graph needs, by position in the ascending list of keys,
/// so that nothing in it depends on how the graph came to be.
pub(crate) struct Skeleton<'a, K> {
    /// The keys, ascending.
    pub(crate) keys: Vec<&'a K>,
    /// For each node the positions of its dependencies, ascending.
    pub(crate) dependencies: Vec<Vec<usize>>,
    /// All positions, dependencies before dependents.
    pub(crate) order: Vec<usize>,
}

impl<'a, K: Clone + Ord + Hash> Skeleton<'a, K> {
    pub(crate) fn of_all(graph: &'a DependencyGraph<K>) -> Self {
        Self::of(graph, graph.node_indices().collect())
    }

    /// The part of the graph that lies between the given keys.
    pub(crate) fn of_some<'k>(
        graph: &'a DependencyGraph<K>,
        keys: impl IntoIterator<Item = &'k K>,
    ) -> Self
    where
        K: 'k,
    {
        Self::of(graph, keys.into_iter().filter_map(|key| graph.find(key)).collect())
    }

    fn of(graph: &'a DependencyGraph<K>, mut nodes: Vec<NodeIndex>) -> Self {
        nodes.sort_unstable_by_key(|node| graph.key(*node));
        nodes.dedup();
        let positions: FxHashMap<NodeIndex, usize> =
            nodes.iter().enumerate().map(|(position, node)| (*node, position)).collect();
        let dependencies = nodes.iter().map(|node| {
            let known = graph.dependency_indices(*node);
            let mut found: Vec<usize> =
                known.filter_map(|node| positions.get(&node).copied()).collect();
            found.sort_unstable();
            found
        });
        let dependencies = dependencies.collect();
        let mut order: Vec<usize> = (0..nodes.len()).collect();
        order.sort_unstable_by_key(|position| graph.rank(nodes[*position]));
        Self { keys: nodes.iter().map(|node| graph.key(*node)).collect(), dependencies, order }
    }
}

impl<K> Skeleton<'_, K> {
    /// For each node how many dependencies deep it lies: 0 with none.
    pub(crate) fn waves(&self) -> Vec<usize> {
        let mut waves = vec![0; self.keys.len()];
        for &node in &self.order {
            let above = self.dependencies[node].iter().map(|dependency| waves[*dependency] + 1);
            waves[node] = above.max().unwrap_or(0);
        }
        waves
    }

    /// For each node the positions of its dependents, ascending.
    pub(crate) fn dependents(&self) -> Vec<Vec<usize>> {
        let mut dependents = vec![Vec::new(); self.keys.len()];
        for (node, dependencies) in self.dependencies.iter().enumerate() {
            for &dependency in dependencies {
                dependents[dependency].push(node);
            }
        }
        dependents
    }
}
