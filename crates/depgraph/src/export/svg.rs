use std::borrow::Cow;
use std::fmt::Write;

use super::dot::write_to;
use super::layout::{Layout, count};
use super::{Export, ExportNode, escape};

const MARGIN: f64 = 24.0;
const BOX_HEIGHT: f64 = 24.0;
const COLUMN_GAP: f64 = 90.0;
/// The advance of a character in the monospaced font of the labels.
const ADVANCE: f64 = 7.3;
const LONGEST_LABEL: usize = 44;
/// The room of a line of the legend.
const LINE: f64 = 20.0;
const PALETTE: usize = 8;

const STYLE: &str = "\
svg{color-scheme:light dark;background:#fff;--ink:#1d2129;--line:#7a8290}
text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1d2129}
.plain text,text.plain{fill:var(--ink)}
.edge{fill:none;stroke:var(--line);stroke-width:1.2}
.edge:hover{stroke:#c2410c;stroke-width:2.4}
marker path{fill:var(--line)}
rect{fill:#fff;stroke:#5b6472}
.k0 rect{fill:#cfe3f7}.k1 rect{fill:#fbe3c0}.k2 rect{fill:#d3efd0}.k3 rect{fill:#f3d3e4}
.k4 rect{fill:#e0d8f5}.k5 rect{fill:#f7f0b8}.k6 rect{fill:#cdeeea}.k7 rect{fill:#e3e3e3}
@media (prefers-color-scheme:dark){svg{background:#16181d;--ink:#e6e8ec;--line:#8a93a3}}
";

impl Export {
    /// The graph as a drawing in layers that stands alone: dependencies on the
    /// left, arrows from a node to what it depends on.
    ///
    /// Of a graph with more than `limit` nodes it shows those with the most
    /// edges, and says how many it left out.
    pub fn to_svg(&self, limit: usize) -> String {
        if self.nodes.len() <= limit {
            return Drawing::of(self, 0).to_svg();
        }
        Drawing::of(&self.most_connected(limit), self.nodes.len() - limit).to_svg()
    }
}

struct Drawing<'a> {
    export: &'a Export,
    left_out: usize,
    kinds: Vec<&'a str>,
    layout: Layout,
    /// For each layer its left edge and its width.
    columns: Vec<(f64, f64)>,
}

impl<'a> Drawing<'a> {
    fn of(export: &'a Export, left_out: usize) -> Self {
        let layout = Layout::of(export);
        let mut left = MARGIN;
        let mut columns = Vec::with_capacity(layout.layers.len());
        for layer in &layout.layers {
            let nodes = layer.iter().filter_map(|vertex| export.nodes.get(*vertex));
            let width = nodes.map(box_width).fold(0.0, f64::max);
            columns.push((left, width));
            left += width + COLUMN_GAP;
        }
        Self { export, left_out, kinds: export.kinds(), layout, columns }
    }

    fn to_svg(&self) -> String {
        let mut text = self.head();
        text.push_str("<g>\n");
        for (route, edge) in self.layout.routes.iter().zip(&self.export.edges) {
            let [dependent, dependency] =
                [edge.0, edge.1].map(|node| escape::xml(&self.export.nodes[node].label));
            let path = self.path(route);
            write_to(
                &mut text,
                format_args!(
                    "<path class=\"edge\" d=\"{path}\" marker-end=\"url(#depgraph-arrow)\">\
                     <title>{dependent} depends on {dependency}</title></path>\n"
                ),
            );
        }
        text.push_str("</g>\n");
        for (vertex, node) in self.export.nodes.iter().enumerate() {
            self.node(&mut text, vertex, node);
        }
        self.legend(&mut text);
        text.push_str("</svg>\n");
        text
    }

    fn head(&self) -> String {
        let (width, height) = self.size();
        let (nodes, edges) = (self.export.nodes.len(), self.export.edges.len());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
             aria-labelledby=\"depgraph-title depgraph-about\">\n\
             <title id=\"depgraph-title\">Dependency graph: {nodes} nodes, {edges} edges{more}</title>\n\
             <desc id=\"depgraph-about\">An arrow points from a node to what it depends on; \
             dependencies stand on the left.</desc>\n\
             <style>\n{STYLE}</style>\n\
             <defs><marker id=\"depgraph-arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" \
             markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
             <path d=\"M0,0L8,4L0,8z\"/></marker></defs>\n",
            more = self.omission().map(|omission| format!("; {omission}")).unwrap_or_default(),
        )
    }

    fn omission(&self) -> Option<String> {
        match self.left_out {
            0 => None,
            1 => Some("1 node is left out".to_owned()),
            more => Some(format!("{more} nodes are left out")),
        }
    }

    /// A smooth line through all vertices of a route.
    fn path(&self, route: &[usize]) -> String {
        let mut text = String::new();
        let mut from: Option<(f64, f64)> = None;
        for (step, vertex) in route.iter().enumerate() {
            let (left, right, y) = self.place(*vertex);
            let Some((x, start)) = from else {
                write_to(&mut text, format_args!("M{left:.0},{y:.0}"));
                from = Some((left, y));
                continue;
            };
            let middle = f64::midpoint(x, right);
            write_to(
                &mut text,
                format_args!("C{middle:.0},{start:.0} {middle:.0},{y:.0} {right:.0},{y:.0}"),
            );
            if step + 1 < route.len() {
                write_to(&mut text, format_args!("H{left:.0}"));
            }
            from = Some((left, y));
        }
        text
    }

    fn node(&self, text: &mut String, vertex: usize, node: &ExportNode) {
        let (left, right, y) = self.place(vertex);
        let class = match self.kinds.binary_search(&node.kind.as_str()) {
            Ok(kind) => format!("k{}", kind % PALETTE),
            Err(_) => "none".to_owned(),
        };
        let mut title = escape::xml(&node.label);
        for more in [&node.kind, &node.key] {
            if !more.is_empty() && *more != node.label {
                let _ = write!(title, " · {}", escape::xml(more));
            }
        }
        write_to(
            text,
            format_args!(
                "<g class=\"{class}\"><title>{title}</title>\
                 <rect x=\"{left:.0}\" y=\"{top:.0}\" width=\"{width:.0}\" height=\"{BOX_HEIGHT}\" \
                 rx=\"5\"/><text x=\"{at:.0}\" y=\"{base:.0}\">{label}</text></g>\n",
                top = y - BOX_HEIGHT / 2.0,
                width = right - left,
                at = left + 8.0,
                base = y + 4.0,
                label = escape::xml(&shortened(&node.label)),
            ),
        );
    }

    fn legend(&self, text: &mut String) {
        let mut y = self.drawing_height() + LINE;
        for (kind, name) in self.kinds.iter().enumerate() {
            write_to(
                text,
                format_args!(
                    "<g class=\"plain k{}\"><rect x=\"{MARGIN}\" y=\"{:.0}\" width=\"14\" height=\"14\" \
                     rx=\"3\"/><text x=\"{}\" y=\"{:.0}\">{}</text></g>\n",
                    kind % PALETTE,
                    y - 11.0,
                    MARGIN + 22.0,
                    y,
                    escape::xml(&shortened(name)),
                ),
            );
            y += LINE;
        }
        if let Some(omission) = self.omission() {
            write_to(
                text,
                format_args!(
                    "<text class=\"plain\" x=\"{MARGIN}\" y=\"{y:.0}\">{omission}</text>\n"
                ),
            );
        }
    }

    /// The left and right edge of a vertex, and the height of its middle. All are
    /// as wide as their column, so that lines turn only between columns.
    fn place(&self, vertex: usize) -> (f64, f64, f64) {
        let (left, width) = self.columns[self.layout.layer_of[vertex]];
        (left, left + width, MARGIN + BOX_HEIGHT / 2.0 + self.layout.heights[vertex])
    }

    fn drawing_height(&self) -> f64 {
        let lowest = self.layout.heights.iter().copied().fold(0.0, f64::max);
        2.0 * MARGIN + BOX_HEIGHT + lowest
    }

    fn size(&self) -> (f64, f64) {
        let lines = self.kinds.len() + usize::from(self.left_out > 0);
        let right = self.columns.last().map_or(0.0, |(left, width)| left + width);
        ((right + MARGIN).max(320.0), self.drawing_height() + LINE * count(lines) + MARGIN / 2.0)
    }
}

fn box_width(node: &ExportNode) -> f64 {
    let characters = shortened(&node.label).chars().map(columns).sum();
    count(characters).max(3.0) * ADVANCE + 16.0
}

/// The end of a long label: that is where paths and IRIs differ.
fn shortened(label: &str) -> Cow<'_, str> {
    let mut room = LONGEST_LABEL;
    for (at, character) in label.char_indices().rev() {
        let width = columns(character);
        if width > room {
            return Cow::Owned(format!("…{}", &label[at + character.len_utf8()..]));
        }
        room -= width;
    }
    Cow::Borrowed(label)
}

/// How many columns a character takes: ideographs, syllables and pictures take two.
fn columns(character: char) -> usize {
    match character {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{1f000}'..='\u{3ffff}' => 2,
        _ => 1,
    }
}
