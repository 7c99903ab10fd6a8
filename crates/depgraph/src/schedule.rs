use std::collections::VecDeque;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::DependencyGraph;
use crate::skeleton::Skeleton;

#[cfg(test)]
mod tests;

/// Which nodes of a graph can run now, and what follows when one is done.
///
/// There are no phases: a node is ready the moment the last of its dependencies
/// is complete, whatever else is still running. Each node is handed out once,
/// by [`ready`](Self::ready) or [`complete`](Self::complete), and is running
/// from then on. A node that fails takes its dependents with it and nothing else.
#[derive(Clone, Debug)]
pub struct Schedule<K> {
    positions: FxHashMap<K, usize>,
    nodes: Vec<Node<K>>,
    ready: Vec<usize>,
    progress: Progress,
    failures: Vec<Failure<K>>,
}

#[derive(Clone, Debug)]
struct Node<K> {
    key: K,
    state: NodeState,
    missing: usize,
    dependents: Vec<usize>,
}

/// Where a node of a [`Schedule`] stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeState {
    /// Some of its dependencies are not complete.
    Waiting,
    /// It can run, and has not been handed out yet.
    Ready,
    /// It was handed out.
    Running,
    /// It is done.
    Complete,
    /// It failed, or something it depends on did.
    Failed,
}

/// How many nodes of a [`Schedule`] stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Nodes that are waiting, or ready and not handed out yet.
    pub pending: usize,
    /// Nodes that were handed out and not reported on.
    pub running: usize,
    /// Nodes that are complete.
    pub complete: usize,
    /// Nodes that failed, by themselves or with a dependency.
    pub failed: usize,
}

/// Why a node of a [`Schedule`] failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure<K> {
    /// The node.
    pub node: K,
    /// The direct dependency that took it along; `None` if it failed by itself.
    pub dependency: Option<K>,
    /// The node with which it began; `node` itself if that failed by itself.
    pub root: K,
    /// What was reported for `root`.
    pub reason: Arc<str>,
}

/// The node was not running, so nothing could be reported on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRunning<K> {
    /// The node.
    pub node: K,
    /// Where it stands; `None` if the schedule has no such node.
    pub state: Option<NodeState>,
}

impl<K: Clone + Ord + Hash> DependencyGraph<K> {
    /// A schedule of the whole graph.
    pub fn schedule(&self) -> Schedule<K> {
        Schedule::new(&Skeleton::of_all(self))
    }

    /// A schedule of some nodes, such as those [affected](Self::affected) by a
    /// change. What they depend on beyond these counts as done, so the nodes
    /// should hold all that lies between any two of them.
    pub fn schedule_of<'k>(&self, keys: impl IntoIterator<Item = &'k K>) -> Schedule<K>
    where
        K: 'k,
    {
        Schedule::new(&Skeleton::of_some(self, keys))
    }
}

impl<K: Clone + Ord + Hash> Schedule<K> {
    fn new(skeleton: &Skeleton<'_, K>) -> Self {
        let parts = skeleton.keys.iter().zip(&skeleton.dependencies).zip(skeleton.dependents());
        let nodes: Vec<Node<K>> = parts
            .map(|((key, dependencies), dependents)| Node {
                key: (*key).clone(),
                state: if dependencies.is_empty() { NodeState::Ready } else { NodeState::Waiting },
                missing: dependencies.len(),
                dependents,
            })
            .collect();
        Self {
            positions: nodes.iter().enumerate().map(|(at, node)| (node.key.clone(), at)).collect(),
            ready: (0..nodes.len()).filter(|at| nodes[*at].missing == 0).collect(),
            progress: Progress { pending: nodes.len(), ..Progress::default() },
            nodes,
            failures: Vec::new(),
        }
    }

    /// Hands out the nodes that can run and were not handed out yet, ascending:
    /// at first those without dependencies, later none, as
    /// [`complete`](Self::complete) hands out what becomes ready.
    pub fn ready(&mut self) -> Vec<K> {
        let ready = std::mem::take(&mut self.ready);
        self.start(ready)
    }

    /// Notes that a running node is done, and hands out the nodes that can run
    /// because of that, ascending.
    ///
    /// # Errors
    /// The node is not running.
    pub fn complete(&mut self, key: &K) -> Result<Vec<K>, NotRunning<K>> {
        let at = self.running(key)?;
        self.nodes[at].state = NodeState::Complete;
        self.progress.running -= 1;
        self.progress.complete += 1;
        let mut ready = Vec::new();
        for dependent in std::mem::take(&mut self.nodes[at].dependents) {
            let node = &mut self.nodes[dependent];
            node.missing -= 1;
            if node.missing == 0 && node.state == NodeState::Waiting {
                ready.push(dependent);
            }
        }
        Ok(self.start(ready))
    }

    /// Notes that a running node failed, and gives the dependents that fail with
    /// it and were not lost before, nearest first. All others go on.
    ///
    /// # Errors
    /// The node is not running.
    pub fn fail(
        &mut self,
        key: &K,
        reason: impl fmt::Display,
    ) -> Result<Vec<Failure<K>>, NotRunning<K>> {
        let root = self.running(key)?;
        let reason: Arc<str> = reason.to_string().into();
        self.progress.running -= 1;
        let known = self.failures.len();
        self.lose(root, None, root, &reason);
        let mut pending = VecDeque::from([root]);
        while let Some(at) = pending.pop_front() {
            for dependent in std::mem::take(&mut self.nodes[at].dependents) {
                if self.nodes[dependent].state == NodeState::Waiting {
                    self.progress.pending -= 1;
                    self.lose(dependent, Some(at), root, &reason);
                    pending.push_back(dependent);
                }
            }
        }
        Ok(self.failures[known + 1..].to_vec())
    }

    /// Where a node stands; `None` for a node that is not in the schedule.
    pub fn state(&self, key: &K) -> Option<NodeState> {
        self.positions.get(key).map(|at| self.nodes[*at].state)
    }

    /// How many nodes stand where.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Whether every node is complete or failed.
    pub fn is_finished(&self) -> bool {
        self.progress.pending == 0 && self.progress.running == 0
    }

    /// All that failed so far, each node after the one that took it along.
    pub fn failures(&self) -> &[Failure<K>] {
        &self.failures
    }

    fn running(&self, key: &K) -> Result<usize, NotRunning<K>> {
        match self.positions.get(key) {
            Some(&at) if self.nodes[at].state == NodeState::Running => Ok(at),
            found => {
                Err(NotRunning { node: key.clone(), state: found.map(|at| self.nodes[*at].state) })
            }
        }
    }

    fn start(&mut self, ready: Vec<usize>) -> Vec<K> {
        self.progress.pending -= ready.len();
        self.progress.running += ready.len();
        let start = |at: usize| {
            self.nodes[at].state = NodeState::Running;
            self.nodes[at].key.clone()
        };
        ready.into_iter().map(start).collect()
    }

    fn lose(&mut self, at: usize, dependency: Option<usize>, root: usize, reason: &Arc<str>) {
        self.nodes[at].state = NodeState::Failed;
        self.progress.failed += 1;
        let key = |at: usize| self.nodes[at].key.clone();
        self.failures.push(Failure {
            node: key(at),
            dependency: dependency.map(key),
            root: key(root),
            reason: Arc::clone(reason),
        });
    }
}

impl<K: fmt::Display + PartialEq> fmt::Display for Failure<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, dependency, root, reason } = self;
        match dependency {
            None => write!(f, "`{node}` failed: {reason}"),
            Some(dependency) if dependency == root => {
                write!(f, "`{node}` was not run: it needs `{root}`, which failed: {reason}")
            }
            Some(dependency) => write!(
                f,
                "`{node}` was not run: it needs `{dependency}`, and `{root}` failed: {reason}"
            ),
        }
    }
}

impl<K: fmt::Display> fmt::Display for NotRunning<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stands = match self.state {
            None => "is not in the schedule",
            Some(NodeState::Waiting) => "is waiting for its dependencies",
            Some(NodeState::Ready) => "has not been handed out",
            Some(NodeState::Running) => "is running",
            Some(NodeState::Complete) => "is complete already",
            Some(NodeState::Failed) => "has failed already",
        };
        write!(f, "`{}` {stands}", self.node)
    }
}

impl<K: fmt::Debug + fmt::Display> std::error::Error for NotRunning<K> {}
