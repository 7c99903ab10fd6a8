//! A layered drawing after K. Sugiyama, S. Tagawa and M. Toda, "Methods for
//! Visual Understanding of Hierarchical System Structures", 1981: layers are
//! given; edges over several layers get a bend in each; barycentres sort the
//! layers; then every vertex moves towards its neighbours.

use super::Export;

const SORTING_SWEEPS: usize = 8;
const MOVING_SWEEPS: usize = 6;
/// Beyond this many bends long edges are drawn straight.
const MOST_BENDS: usize = 4_000;
const NODE_PITCH: f64 = 36.0;
const BEND_PITCH: f64 = 14.0;

/// Where the vertices of a drawing are: first the nodes, then the bends of edges.
pub(super) struct Layout {
    /// For each layer its vertices from top to bottom.
    pub(super) layers: Vec<Vec<usize>>,
    /// For each vertex its layer.
    pub(super) layer_of: Vec<usize>,
    /// For each vertex the height of its middle, from 0 on.
    pub(super) heights: Vec<f64>,
    /// For each edge its vertices from the dependent to the dependency.
    pub(super) routes: Vec<Vec<usize>>,
    nodes: usize,
    /// For each vertex its neighbours one layer before and one layer after.
    neighbours: [Vec<Vec<usize>>; 2],
}

impl Layout {
    pub(super) fn of(export: &Export) -> Self {
        let mut layout = Self::unsorted(export);
        layout.sort();
        layout.stack();
        for sweep in 0..MOVING_SWEEPS {
            layout.relax(sweep % 2);
        }
        let top = layout.heights.iter().copied().fold(f64::INFINITY, f64::min);
        for height in &mut layout.heights {
            *height -= top;
        }
        layout
    }

    fn unsorted(export: &Export) -> Self {
        let layer_of: Vec<usize> = export.nodes.iter().map(|node| node.wave).collect();
        let depth = layer_of.iter().max().map_or(0, |deepest| deepest + 1);
        let mut layout = Self {
            layers: vec![Vec::new(); depth],
            heights: Vec::new(),
            routes: Vec::with_capacity(export.edges.len()),
            nodes: layer_of.len(),
            neighbours: [vec![Vec::new(); layer_of.len()], vec![Vec::new(); layer_of.len()]],
            layer_of,
        };
        for (node, layer) in layout.layer_of.iter().enumerate() {
            layout.layers[*layer].push(node);
        }
        let span = |(from, to): &(usize, usize)| layout.layer_of[*from] - layout.layer_of[*to];
        let bends: usize = export.edges.iter().map(|edge| span(edge).saturating_sub(1)).sum();
        for &(dependent, dependency) in &export.edges {
            layout.route(dependent, dependency, bends <= MOST_BENDS);
        }
        layout
    }

    fn route(&mut self, dependent: usize, dependency: usize, with_bends: bool) {
        let mut route = vec![dependent];
        if with_bends {
            for layer in (self.layer_of[dependency] + 1..self.layer_of[dependent]).rev() {
                let bend = self.layer_of.len();
                self.layer_of.push(layer);
                self.layers[layer].push(bend);
                self.neighbours[0].push(Vec::new());
                self.neighbours[1].push(Vec::new());
                route.push(bend);
            }
        }
        route.push(dependency);
        for step in route.windows(2) {
            self.neighbours[0][step[0]].push(step[1]);
            self.neighbours[1][step[1]].push(step[0]);
        }
        self.routes.push(route);
    }

    /// Sorts each layer by the mean place of its neighbours, forth and back.
    fn sort(&mut self) {
        let mut places = vec![0.0; self.layer_of.len()];
        for layer in &self.layers {
            note_places(layer, &mut places);
        }
        for sweep in 0..SORTING_SWEEPS {
            for layer in self.passage(sweep % 2) {
                let mut sorted: Vec<(f64, usize)> = self.layers[layer]
                    .iter()
                    .map(|vertex| (self.mean(*vertex, sweep % 2, &places), *vertex))
                    .collect();
                sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
                self.layers[layer] = sorted.into_iter().map(|(_, vertex)| vertex).collect();
                note_places(&self.layers[layer], &mut places);
            }
        }
    }

    /// Puts each layer's vertices one below the other, its middle at 0.
    fn stack(&mut self) {
        self.heights = vec![0.0; self.layer_of.len()];
        for layer in &self.layers {
            let mut height = 0.0;
            for (above, vertex) in std::iter::once(None).chain(layer.iter().map(Some)).zip(layer) {
                height += above.map_or(0.0, |above| self.gap(*above, *vertex));
                self.heights[*vertex] = height;
            }
            for vertex in layer {
                self.heights[*vertex] -= height / 2.0;
            }
        }
    }

    /// Moves each vertex towards its neighbours on one side, keeping order and gaps.
    fn relax(&mut self, side: usize) {
        for layer in self.passage(side) {
            let vertices = &self.layers[layer];
            let wishes: Vec<f64> =
                vertices.iter().map(|vertex| self.mean(*vertex, side, &self.heights)).collect();
            let gap = |at: usize| self.gap(vertices[at - 1], vertices[at]);
            // Pushing down and pulling up both keep the gaps, so their mean does too.
            let mut down = wishes.clone();
            for at in 1..down.len() {
                down[at] = down[at].max(down[at - 1] + gap(at));
            }
            let mut up = wishes;
            for at in (1..up.len()).rev() {
                up[at - 1] = up[at - 1].min(up[at] - gap(at));
            }
            for (vertex, (low, high)) in vertices.clone().into_iter().zip(up.into_iter().zip(down))
            {
                self.heights[vertex] = f64::midpoint(low, high);
            }
        }
    }

    /// The layers in the order in which a sweep goes that looks at `side`.
    fn passage(&self, side: usize) -> Vec<usize> {
        let layers = 0..self.layers.len();
        if side == 0 { layers.collect() } else { layers.rev().collect() }
    }

    /// The mean of the neighbours' values, or the vertex's own without neighbours.
    fn mean(&self, vertex: usize, side: usize, values: &[f64]) -> f64 {
        let neighbours = &self.neighbours[side][vertex];
        let sum: f64 = neighbours.iter().map(|neighbour| values[*neighbour]).sum();
        if neighbours.is_empty() { values[vertex] } else { sum / count(neighbours.len()) }
    }

    fn gap(&self, above: usize, below: usize) -> f64 {
        let half = |vertex| if vertex < self.nodes { NODE_PITCH } else { BEND_PITCH } / 2.0;
        half(above) + half(below)
    }
}

fn note_places(layer: &[usize], places: &mut [f64]) {
    for (place, vertex) in layer.iter().enumerate() {
        places[*vertex] = count(place);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a drawing has far less than 2^52 vertices")]
pub(super) fn count(number: usize) -> f64 {
    number as f64
}
