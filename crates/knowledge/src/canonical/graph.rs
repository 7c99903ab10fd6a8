//! A component as a coloured graph with labelled edges.

use super::form::{find, number, unite};
use super::partition::Partition;
use super::{Slot, Template};

/// Vertices with colours; edges in both directions, each with a label of its own.
///
/// A statement that joins three different nodes becomes a vertex too, so that
/// every edge has two ends. Colours and labels are hashes of content.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub(super) colours: Vec<u64>,
    /// Where the edges of a vertex begin, and behind the last one, where they end.
    starts: Vec<u32>,
    /// The other end and the label.
    edges: Vec<(u32, u64)>,
}

const SUBJECT: u64 = 1;
const OBJECT: u64 = 3;
const GRAPH: u64 = 4;

impl Graph {
    /// The graph of distinct statements about `nodes` blank nodes.
    pub(super) fn of_statements(nodes: usize, quads: &[Template]) -> Self {
        let mut builder = Builder { colours: vec![0; nodes], edges: Vec::new() };
        for quad in quads {
            builder.statement(quad);
        }
        builder.build()
    }

    pub(super) fn len(&self) -> usize {
        self.colours.len()
    }

    pub(super) fn edges(&self, vertex: u32) -> &[(u32, u64)] {
        let vertex = vertex as usize;
        &self.edges[self.starts[vertex] as usize..self.starts[vertex + 1] as usize]
    }

    pub(super) fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// Sets of vertices that hang together, leaving aside those that are alone in their cell.
    pub(super) fn parts(&self, partition: &Partition) -> Vec<Vec<u32>> {
        let mut parents: Vec<u32> = (0..number(self.len())).collect();
        let open = |vertex: u32| partition.cell_length(vertex) > 1;
        for vertex in (0..number(self.len())).filter(|vertex| open(*vertex)) {
            for (other, _) in self.edges(vertex) {
                if open(*other) {
                    unite(&mut parents, vertex, *other);
                }
            }
        }
        let mut part_of = vec![u32::MAX; self.len()];
        let mut parts: Vec<Vec<u32>> = Vec::new();
        for vertex in (0..number(self.len())).filter(|vertex| open(*vertex)) {
            let root = find(&mut parents, vertex) as usize;
            if part_of[root] == u32::MAX {
                part_of[root] = number(parts.len());
                parts.push(Vec::new());
            }
            parts[part_of[root] as usize].push(vertex);
        }
        parts
    }

    /// The given vertices alone, coloured by their cells; `local` is scratch space of
    /// one number a vertex.
    pub(super) fn subgraph(&self, part: &[u32], cells: &Partition, local: &mut [u32]) -> Self {
        for (index, vertex) in part.iter().enumerate() {
            local[*vertex as usize] = number(index);
        }
        let mut graph = Self::default();
        graph.starts.push(0);
        for vertex in part {
            graph.colours.push(u64::from(cells.cell(*vertex)));
            for (other, label) in self.edges(*vertex) {
                let index = local[*other as usize];
                // Scratch space may hold numbers of other parts.
                if part.get(index as usize) == Some(other) {
                    graph.edges.push((index, *label));
                }
            }
            graph.starts.push(number(graph.edges.len()));
        }
        graph
    }

    /// What the graph looks like with its vertices in this order. Equal texts mean
    /// that exchanging the orders is a symmetry.
    pub(super) fn text(&self, order: &[u32]) -> Vec<u64> {
        let mut places = vec![0_u32; self.len()];
        for (place, vertex) in order.iter().enumerate() {
            places[*vertex as usize] = number(place);
        }
        let mut text: Vec<u64> =
            order.iter().map(|vertex| self.colours[*vertex as usize]).collect();
        let mut edges = Vec::new();
        for (place, vertex) in order.iter().enumerate() {
            edges.clear();
            let ends = self.edges(*vertex).iter();
            edges.extend(ends.map(|(other, label)| (u64::from(places[*other as usize]), *label)));
            edges.sort_unstable();
            text.push((place as u64) << 32 | edges.len() as u64);
            text.extend(edges.iter().flat_map(|(other, label)| [*other, *label]));
        }
        text
    }
}

struct Builder {
    colours: Vec<u64>,
    edges: Vec<(u32, u32, u64)>,
}

impl Builder {
    fn statement(&mut self, quad: &Template) {
        let mut distinct: Vec<(u64, u32)> = Vec::with_capacity(3);
        let mut shape = 0;
        for (position, slot) in (SUBJECT..).zip(quad) {
            shape = match slot {
                Slot::Term(id) => mix(shape, id.to_raw()),
                Slot::Node(node) => {
                    let known = distinct.iter().position(|(_, other)| other == node);
                    if known.is_none() {
                        distinct.push((position, *node));
                    }
                    // Which of the nodes stands here, by the order in which they come.
                    mix(shape, known.unwrap_or(distinct.len() - 1) as u64 + 2)
                }
            };
        }
        match distinct[..] {
            [] => {}
            [(_, node)] => self.colour(node, mix(shape, SUBJECT)),
            [(_, first), (_, second)] => self.edge(first, second, shape),
            _ => self.vertex(shape, &distinct),
        }
    }

    fn vertex(&mut self, shape: u64, nodes: &[(u64, u32)]) {
        let vertex = number(self.colours.len());
        self.colours.push(mix(shape, GRAPH));
        for (position, node) in nodes {
            self.edge(vertex, *node, mix(OBJECT, *position));
        }
    }

    fn colour(&mut self, node: u32, hash: u64) {
        let colour = &mut self.colours[node as usize];
        // A sum doesn't know the order of its parts.
        *colour = colour.wrapping_add(hash);
    }

    fn edge(&mut self, from: u32, to: u32, shape: u64) {
        self.edges.push((from, to, mix(shape, SUBJECT)));
        self.edges.push((to, from, mix(shape, OBJECT)));
    }

    fn build(self) -> Graph {
        let mut starts = vec![0_u32; self.colours.len() + 1];
        for (from, _, _) in &self.edges {
            starts[*from as usize + 1] += 1;
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        let mut next = starts.clone();
        let mut edges = vec![(0, 0); self.edges.len()];
        for (from, to, label) in self.edges {
            let place = &mut next[from as usize];
            edges[*place as usize] = (to, label);
            *place += 1;
        }
        Graph { colours: self.colours, starts, edges }
    }
}

/// Folds a value into a hash; every bit of both reaches every bit of the result.
fn mix(state: u64, value: u64) -> u64 {
    let mut hash = (state.rotate_left(23) ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
