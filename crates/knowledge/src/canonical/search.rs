//! The canonical order of a graph's vertices, whatever its symmetries.

use super::form::{find, number, unite};
use super::graph::Graph;
use super::partition::Partition;

/// The graph has so many vertices that look alike without being alike that the
/// search was given up.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooSymmetrical;

/// Finds canonical orders with a bounded number of steps.
///
/// Refinement tells most vertices apart. What remains falls into parts that touch
/// each other only through vertices already told apart; each part is ordered alone,
/// so that many alike parts cost no more than as many different ones. Inside a part
/// with no distinguished vertex, each vertex of one cell is distinguished in turn and
/// the least text wins; vertices that a known symmetry carries into each other are
/// tried once.
pub(super) struct Search {
    steps_left: u64,
}

/// How deep distinguished vertices may lie inside each other.
const MAX_DEPTH: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// The least text.
    Canonical,
    /// Any order that symmetrical starting points are likely to share.
    Probe,
}

/// A symmetry as the vertices that it moves.
type Symmetry = Vec<(u32, u32)>;

struct Labelling {
    order: Vec<u32>,
    symmetries: Vec<Symmetry>,
}

struct Leaf {
    text: Vec<u64>,
    order: Vec<u32>,
}

impl Search {
    /// A search over any number of graphs that takes `steps` at most.
    pub(super) fn new(steps: u64) -> Self {
        Self { steps_left: steps }
    }

    /// How many steps it may still take.
    pub(super) fn steps_left(&self) -> u64 {
        self.steps_left
    }

    /// The vertices in an order that doesn't depend on how they are numbered,
    /// but for exchanges that leave the graph as it is.
    pub(super) fn canonical_order(&mut self, graph: &Graph) -> Result<Vec<u32>, TooSymmetrical> {
        self.label(graph, Goal::Canonical, 0).map(|labelling| labelling.order)
    }

    fn label(
        &mut self,
        graph: &Graph,
        goal: Goal,
        depth: usize,
    ) -> Result<Labelling, TooSymmetrical> {
        if depth > MAX_DEPTH {
            return Err(TooSymmetrical);
        }
        let mut partition = Partition::new(&graph.colours);
        let steps = partition.refine(graph);
        if depth > 0 {
            self.spend(steps)?;
        }
        self.settle(graph, &partition, goal, depth)
    }

    /// Orders a graph whose partition is refined.
    fn settle(
        &mut self,
        graph: &Graph,
        partition: &Partition,
        goal: Goal,
        depth: usize,
    ) -> Result<Labelling, TooSymmetrical> {
        if partition.is_discrete() {
            return Ok(Labelling { order: partition.order().to_vec(), symmetries: Vec::new() });
        }
        let parts = graph.parts(partition);
        if let [part] = &parts[..]
            && part.len() == graph.len()
        {
            return self.branch(graph, partition, goal, depth);
        }
        let mut symmetries = Vec::new();
        let mut leaves = Vec::with_capacity(parts.len());
        let mut scratch = vec![0; graph.len()];
        for part in parts {
            let subgraph = graph.subgraph(&part, partition, &mut scratch);
            let labelling = self.label(&subgraph, goal, depth + 1)?;
            let outer = |vertex: u32| part[vertex as usize];
            symmetries.extend(labelling.symmetries.into_iter().map(|symmetry| -> Symmetry {
                symmetry.into_iter().map(|(from, to)| (outer(from), outer(to))).collect()
            }));
            let text = subgraph.text(&labelling.order);
            leaves.push(Leaf { text, order: labelling.order.into_iter().map(outer).collect() });
        }
        leaves.sort_by(|left, right| left.text.cmp(&right.text));
        for pair in leaves.windows(2).filter(|pair| pair[0].text == pair[1].text) {
            let forth = pair[0].order.iter().copied().zip(pair[1].order.iter().copied());
            symmetries.push(forth.flat_map(|(one, other)| [(one, other), (other, one)]).collect());
        }
        Ok(Labelling { order: assemble(partition, &leaves), symmetries })
    }

    /// Orders a connected graph in which no vertex is alone in its cell.
    fn branch(
        &mut self,
        graph: &Graph,
        partition: &Partition,
        goal: Goal,
        depth: usize,
    ) -> Result<Labelling, TooSymmetrical> {
        let candidates = partition.smallest_open_cell();
        if goal == Goal::Probe {
            return self.distinguish(graph, partition, candidates[0], goal, depth);
        }
        let mut orbits: Vec<u32> = (0..number(graph.len())).collect();
        let mut symmetries: Vec<Symmetry> = Vec::new();
        let mut probes: Vec<(u32, Leaf)> = Vec::new();
        let mut best: Option<Leaf> = None;
        for candidate in candidates {
            let orbit = find(&mut orbits, *candidate);
            if probes.iter().any(|(tried, _)| find(&mut orbits, *tried) == orbit) {
                continue;
            }
            let probe = self.distinguish(graph, partition, *candidate, Goal::Probe, depth)?;
            let probe = self.leaf(graph, probe.order)?;
            let mut found = Vec::new();
            if let Some((_, same)) = probes.iter().find(|(_, tried)| tried.text == probe.text) {
                found.push(exchange(&same.order, &probe.order));
            } else {
                probes.push((*candidate, probe));
                let full = self.distinguish(graph, partition, *candidate, goal, depth)?;
                found.extend(full.symmetries);
                let leaf = self.leaf(graph, full.order)?;
                match &best {
                    Some(best) if best.text == leaf.text => {
                        found.push(exchange(&best.order, &leaf.order));
                    }
                    Some(best) if best.text < leaf.text => {}
                    _ => best = Some(leaf),
                }
            }
            for (from, to) in found.iter().flatten() {
                unite(&mut orbits, *from, *to);
            }
            symmetries.extend(found);
        }
        let order = best.map(|leaf| leaf.order).unwrap_or_default();
        Ok(Labelling { order, symmetries })
    }

    fn distinguish(
        &mut self,
        graph: &Graph,
        partition: &Partition,
        vertex: u32,
        goal: Goal,
        depth: usize,
    ) -> Result<Labelling, TooSymmetrical> {
        let mut partition = partition.clone();
        let steps = partition.individualize(graph, vertex);
        self.spend(steps + graph.len() as u64)?;
        self.settle(graph, &partition, goal, depth + 1)
    }

    fn leaf(&mut self, graph: &Graph, order: Vec<u32>) -> Result<Leaf, TooSymmetrical> {
        self.spend(graph.edge_count() as u64)?;
        Ok(Leaf { text: graph.text(&order), order })
    }

    fn spend(&mut self, steps: u64) -> Result<(), TooSymmetrical> {
        self.steps_left = self.steps_left.checked_sub(steps).ok_or(TooSymmetrical)?;
        Ok(())
    }
}

/// The symmetry that carries one order into the other.
fn exchange(from: &[u32], to: &[u32]) -> Symmetry {
    from.iter().copied().zip(to.iter().copied()).filter(|(from, to)| from != to).collect()
}

/// The vertices by cell, inside a cell by the rank of their part, then by their place in it.
fn assemble(partition: &Partition, leaves: &[Leaf]) -> Vec<u32> {
    let alone = partition.order().iter().filter(|vertex| partition.cell_length(**vertex) == 1);
    let mut keys: Vec<(u32, u32, u32, u32)> =
        alone.map(|vertex| (partition.cell(*vertex), 0, 0, *vertex)).collect();
    for (rank, leaf) in leaves.iter().enumerate() {
        for (place, vertex) in leaf.order.iter().enumerate() {
            keys.push((partition.cell(*vertex), number(rank), number(place), *vertex));
        }
    }
    keys.sort_unstable();
    keys.into_iter().map(|(.., vertex)| vertex).collect()
}
