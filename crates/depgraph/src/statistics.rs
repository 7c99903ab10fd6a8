use std::cmp::Reverse;
use std::hash::Hash;
use std::time::Duration;

use crate::DependencyGraph;
use crate::skeleton::Skeleton;

#[cfg(test)]
mod tests;

/// The shape of a graph, and what bounds the time it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics<K> {
    /// How many nodes there are.
    pub nodes: usize,
    /// How many edges there are.
    pub edges: usize,
    /// How many nodes the longest chain of dependencies has.
    pub depth: usize,
    /// How many nodes the widest wave has: those that lie equally deep and so
    /// could run at the same time.
    pub widest_wave: usize,
    /// For how many nodes a duration was measured; the others count as zero.
    pub measured: usize,
    /// All durations together: the time that one worker takes.
    pub total: Duration,
    /// The chain of nodes that takes longest, dependencies first. No number of
    /// workers is done sooner.
    pub critical_path: Vec<K>,
    /// How long the critical path takes.
    pub critical_duration: Duration,
}

impl<K: Clone + Ord + Hash> DependencyGraph<K> {
    /// Measures the graph; `duration` gives what a node took when it last ran.
    pub fn statistics(&self, duration: impl Fn(&K) -> Option<Duration>) -> Statistics<K> {
        let skeleton = Skeleton::of_all(self);
        let durations: Vec<Option<Duration>> =
            skeleton.keys.iter().map(|key| duration(key)).collect();
        let waves = skeleton.waves();
        let depth = waves.iter().max().map_or(0, |deepest| deepest + 1);
        let mut sizes = vec![0_usize; depth];
        for wave in waves {
            sizes[wave] += 1;
        }
        let (path, critical_duration) = critical_path(&skeleton, &durations);
        Statistics {
            nodes: self.len(),
            edges: self.edge_count(),
            depth,
            widest_wave: sizes.into_iter().max().unwrap_or(0),
            measured: durations.iter().flatten().count(),
            total: durations
                .iter()
                .flatten()
                .fold(Duration::ZERO, |sum, one| sum.saturating_add(*one)),
            critical_path: path.into_iter().map(|node| skeleton.keys[node].clone()).collect(),
            critical_duration,
        }
    }
}

/// Of paths that take equally long, the one with more nodes; of those, the one
/// with the smaller keys at its end.
fn critical_path<K>(
    skeleton: &Skeleton<'_, K>,
    durations: &[Option<Duration>],
) -> (Vec<usize>, Duration) {
    let mut finishes = vec![(Duration::ZERO, 0_usize); durations.len()];
    let mut previous = vec![None; durations.len()];
    for &node in &skeleton.order {
        let dependencies = skeleton.dependencies[node].iter().copied();
        previous[node] = dependencies.max_by_key(|one| (finishes[*one], Reverse(*one)));
        let (start, length) =
            previous[node].map_or((Duration::ZERO, 0), |one: usize| finishes[one]);
        finishes[node] =
            (start.saturating_add(durations[node].unwrap_or(Duration::ZERO)), length + 1);
    }
    let mut node = (0..durations.len()).max_by_key(|one| (finishes[*one], Reverse(*one)));
    let duration = node.map_or(Duration::ZERO, |last| finishes[last].0);
    let mut path = Vec::new();
    while let Some(one) = node {
        path.push(one);
        node = previous[one];
    }
    path.reverse();
    (path, duration)
}
