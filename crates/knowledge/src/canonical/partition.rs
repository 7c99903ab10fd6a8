//! An ordered partition of a graph's vertices into cells, and its refinement.

use std::collections::VecDeque;

use super::form::number;
use super::graph::Graph;

/// Vertices in an order, cut into cells; a cell is known by where it starts.
///
/// Which cells there are, and in which order, depends on the graph alone and not on
/// how its vertices are numbered. The order inside a cell means nothing.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    order: Vec<u32>,
    places: Vec<u32>,
    cells: Vec<u32>,
    /// The length of a cell, at the index where it starts.
    lengths: Vec<u32>,
    cell_count: usize,
}

impl Partition {
    /// Vertices of one colour share a cell; cells have the order of the colours.
    pub(super) fn new(colours: &[u64]) -> Self {
        let size = colours.len();
        let mut order: Vec<u32> = (0..number(size)).collect();
        order.sort_unstable_by_key(|vertex| colours[*vertex as usize]);
        let mut partition = Self {
            order,
            places: vec![0; size],
            cells: vec![0; size],
            lengths: vec![0; size],
            cell_count: 0,
        };
        let mut start = 0;
        for place in 0..size {
            let vertex = partition.order[place] as usize;
            partition.places[vertex] = number(place);
            if place > start {
                let before = partition.order[place - 1] as usize;
                if colours[before] != colours[vertex] {
                    start = place;
                }
            }
            partition.cell_count += usize::from(start == place);
            partition.cells[vertex] = number(start);
            partition.lengths[start] += 1;
        }
        partition
    }

    /// The cell of a vertex.
    pub(super) fn cell(&self, vertex: u32) -> u32 {
        self.cells[vertex as usize]
    }

    /// How many vertices share the cell of this one.
    pub(super) fn cell_length(&self, vertex: u32) -> u32 {
        self.lengths[self.cell(vertex) as usize]
    }

    /// Whether every vertex is alone in its cell.
    pub(super) fn is_discrete(&self) -> bool {
        self.cell_count == self.order.len()
    }

    /// The vertices by cell.
    pub(super) fn order(&self) -> &[u32] {
        &self.order
    }

    /// The first of the smallest cells that have more than one vertex.
    pub(super) fn smallest_open_cell(&self) -> &[u32] {
        let mut smallest: &[u32] = &[];
        for cell in self.iter().filter(|cell| cell.len() > 1) {
            if smallest.is_empty() || cell.len() < smallest.len() {
                smallest = cell;
            }
        }
        smallest
    }

    fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let length = *self.lengths.get(start)? as usize;
            let cell = &self.order[start..start + length];
            start += length;
            Some(cell)
        })
    }

    fn members(&self, cell: u32) -> &[u32] {
        &self.order[cell as usize..][..self.lengths[cell as usize] as usize]
    }

    /// Splits cells until all vertices of a cell have alike edges to every cell.
    /// Gives how many edges were looked at.
    pub(super) fn refine(&mut self, graph: &Graph) -> u64 {
        if self.is_discrete() {
            return 0;
        }
        let starts: VecDeque<u32> = self.iter().map(|cell| self.cell(cell[0])).collect();
        self.refine_from(graph, starts)
    }

    /// Gives `vertex` a cell of its own before the rest of its cell, and refines.
    pub(super) fn individualize(&mut self, graph: &Graph, vertex: u32) -> u64 {
        let start = self.cell(vertex);
        self.swap(self.places[vertex as usize], start);
        let length = self.lengths[start as usize];
        self.lengths[start as usize] = 1;
        self.begin_cell(start + 1, length - 1);
        self.refine_from(graph, VecDeque::from([start]))
    }

    fn refine_from(&mut self, graph: &Graph, mut queue: VecDeque<u32>) -> u64 {
        let mut waiting = vec![false; self.order.len()];
        for cell in &queue {
            waiting[*cell as usize] = true;
        }
        let mut sums = vec![0_u64; self.order.len()];
        let mut is_touched = vec![false; self.order.len()];
        let mut touched: Vec<u32> = Vec::new();
        let mut steps = 0;
        while let Some(cell) = queue.pop_front() {
            waiting[cell as usize] = false;
            if self.is_discrete() {
                break;
            }
            for vertex in self.members(cell) {
                let edges = graph.edges(*vertex);
                steps += edges.len() as u64;
                for (other, label) in edges {
                    if self.cell_length(*other) == 1 {
                        continue;
                    }
                    let other = *other as usize;
                    if !is_touched[other] {
                        is_touched[other] = true;
                        touched.push(number(other));
                    }
                    sums[other] = sums[other].wrapping_add(*label);
                }
            }
            touched.sort_unstable_by_key(|vertex| (self.cell(*vertex), sums[*vertex as usize]));
            let mut rest = &touched[..];
            while let Some(first) = rest.first() {
                let cell = self.cell(*first);
                let count = rest.iter().take_while(|vertex| self.cell(**vertex) == cell).count();
                let (members, others) = rest.split_at(count);
                self.split(members, &sums, &mut queue, &mut waiting);
                rest = others;
            }
            for vertex in touched.drain(..) {
                sums[vertex as usize] = 0;
                is_touched[vertex as usize] = false;
            }
        }
        steps
    }

    /// Splits a cell by the sums of its touched members, which are given in their order.
    fn split(
        &mut self,
        touched: &[u32],
        sums: &[u64],
        queue: &mut VecDeque<u32>,
        waiting: &mut [bool],
    ) {
        let start = self.cell(touched[0]);
        let length = self.lengths[start as usize];
        let sum = |vertex: &u32| sums[*vertex as usize];
        let untouched = length - number(touched.len());
        if untouched == 0 && sum(&touched[0]) == sum(&touched[touched.len() - 1]) {
            return;
        }
        // The untouched stay in front; the last group goes to its place first.
        let mut end = start + length;
        let mut fragments = Vec::new();
        for group in touched.chunk_by(|left, right| sum(left) == sum(right)).rev() {
            for vertex in group {
                end -= 1;
                self.swap(self.places[*vertex as usize], end);
            }
            fragments.push((end, number(group.len())));
        }
        if untouched > 0 {
            fragments.push((start, untouched));
        }
        fragments.reverse();
        self.lengths[start as usize] = fragments[0].1;
        for (first, length) in &fragments[1..] {
            self.begin_cell(*first, *length);
        }
        // The largest fragment need not be looked at again, as the rest tells the same.
        let largest =
            fragments.iter().rev().max_by_key(|(_, length)| *length).map(|(cell, _)| *cell);
        let was_waiting = waiting[start as usize];
        for (cell, _) in fragments {
            let is_needed = was_waiting || Some(cell) != largest;
            if is_needed && !std::mem::replace(&mut waiting[cell as usize], true) {
                queue.push_back(cell);
            }
        }
    }

    fn begin_cell(&mut self, start: u32, length: u32) {
        self.lengths[start as usize] = length;
        self.cell_count += 1;
        for place in start..start + length {
            self.cells[self.order[place as usize] as usize] = start;
        }
    }

    fn swap(&mut self, left: u32, right: u32) {
        self.order.swap(left as usize, right as usize);
        self.places[self.order[left as usize] as usize] = left;
        self.places[self.order[right as usize] as usize] = right;
    }
}
