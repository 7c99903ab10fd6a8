use std::collections::VecDeque;

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use rustc_hash::{FxHashMap, FxHashSet};

/// A topological order that is kept while edges come: each node has a rank, and
/// a dependency has a lower one than its dependents.
///
/// The method is that of D. J. Pearce and P. H. J. Kelly, "A Dynamic Topological
/// Sort Algorithm for Directed Acyclic Graphs", ACM Journal of Experimental
/// Algorithmics 11, 2006. An edge that agrees with the ranks costs nothing. For
/// any other, only nodes with ranks between those of its two ends are visited,
/// and these share out the ranks they already had. Ranks are not dense, so a
/// node with nothing below it can move to the bottom, and one with nothing above
/// it to the top, without a visit to any other.
#[derive(Clone, Debug, Default)]
pub(crate) struct TopologicalOrder {
    ranks: Vec<i64>,
    lowest: i64,
    highest: i64,
    visits: u64,
}

impl TopologicalOrder {
    /// Puts a new node without edges at the top.
    pub(crate) fn insert(&mut self, node: NodeIndex) {
        if self.ranks.len() <= node.index() {
            self.ranks.resize(node.index() + 1, 0);
        }
        self.move_to_top(node);
    }

    pub(crate) fn rank(&self, node: NodeIndex) -> i64 {
        self.ranks[node.index()]
    }

    /// How many nodes were visited so far to make room for edges.
    pub(crate) fn visits(&self) -> u64 {
        self.visits
    }

    /// Makes the ranks agree with an edge that is about to be added. Where that
    /// can't be, changes nothing and gives the shortest way from `dependency`
    /// to `dependent`.
    pub(crate) fn admit<K>(
        &mut self,
        graph: &StableDiGraph<K, ()>,
        dependent: NodeIndex,
        dependency: NodeIndex,
    ) -> Result<(), Vec<NodeIndex>> {
        if dependent == dependency {
            return Err(vec![dependent]);
        }
        if self.rank(dependency) < self.rank(dependent) {
            return Ok(());
        }
        if is_end(graph, dependency, Direction::Outgoing) {
            self.move_to_bottom(dependency);
            return Ok(());
        }
        if is_end(graph, dependent, Direction::Incoming) {
            self.move_to_top(dependent);
            return Ok(());
        }
        let search = self.descend(graph, dependency, dependent);
        self.visits += search.visited.len() as u64;
        if let Some(way) = search.way {
            return Err(way);
        }
        let above = self.ascend(graph, dependent, self.rank(dependency));
        self.visits += above.len() as u64;
        self.exchange(search.visited, above);
        Ok(())
    }

    /// The shortest way from `from` down to one of its transitive dependencies.
    pub(crate) fn way<K>(
        &self,
        graph: &StableDiGraph<K, ()>,
        from: NodeIndex,
        to: NodeIndex,
    ) -> Option<Vec<NodeIndex>> {
        if from == to {
            return Some(vec![from]);
        }
        self.descend(graph, from, to).way
    }

    /// Breadth first from `from` through its dependencies that rank above `to`.
    /// Ranks only fall on the way, so nothing below `to` can lead there.
    fn descend<K>(&self, graph: &StableDiGraph<K, ()>, from: NodeIndex, to: NodeIndex) -> Descent {
        let bottom = self.rank(to);
        let mut came_from = FxHashMap::default();
        let mut queue = VecDeque::from([from]);
        let mut visited = Vec::new();
        while let Some(node) = queue.pop_front() {
            visited.push(node);
            for next in graph.neighbors_directed(node, Direction::Outgoing) {
                if next == to {
                    let way = retrace(&came_from, from, node, to);
                    return Descent { visited, way: Some(way) };
                }
                if self.rank(next) > bottom && next != from && !came_from.contains_key(&next) {
                    came_from.insert(next, node);
                    queue.push_back(next);
                }
            }
        }
        Descent { visited, way: None }
    }

    /// `from` and its transitive dependents that rank below `top`.
    fn ascend<K>(&self, graph: &StableDiGraph<K, ()>, from: NodeIndex, top: i64) -> Vec<NodeIndex> {
        let mut seen = FxHashSet::from_iter([from]);
        let mut pending = vec![from];
        let mut visited = Vec::new();
        while let Some(node) = pending.pop() {
            visited.push(node);
            for next in graph.neighbors_directed(node, Direction::Incoming) {
                if self.rank(next) < top && seen.insert(next) {
                    pending.push(next);
                }
            }
        }
        visited
    }

    /// Shares out the ranks of two groups anew: all of `low` below all of
    /// `high`, the order inside each as it was.
    fn exchange(&mut self, mut low: Vec<NodeIndex>, mut high: Vec<NodeIndex>) {
        low.sort_unstable_by_key(|node| self.rank(*node));
        high.sort_unstable_by_key(|node| self.rank(*node));
        low.append(&mut high);
        let mut ranks: Vec<i64> = low.iter().map(|node| self.rank(*node)).collect();
        ranks.sort_unstable();
        for (node, rank) in low.into_iter().zip(ranks) {
            self.ranks[node.index()] = rank;
        }
    }

    fn move_to_top(&mut self, node: NodeIndex) {
        self.highest += 1;
        self.ranks[node.index()] = self.highest;
    }

    fn move_to_bottom(&mut self, node: NodeIndex) {
        self.lowest -= 1;
        self.ranks[node.index()] = self.lowest;
    }
}

struct Descent {
    visited: Vec<NodeIndex>,
    way: Option<Vec<NodeIndex>>,
}

fn is_end<K>(graph: &StableDiGraph<K, ()>, node: NodeIndex, direction: Direction) -> bool {
    graph.neighbors_directed(node, direction).next().is_none()
}

fn retrace(
    came_from: &FxHashMap<NodeIndex, NodeIndex>,
    from: NodeIndex,
    last: NodeIndex,
    to: NodeIndex,
) -> Vec<NodeIndex> {
    let mut way = vec![to, last];
    let mut node = last;
    while node != from {
        node = came_from[&node];
        way.push(node);
    }
    way.reverse();
    way
}
