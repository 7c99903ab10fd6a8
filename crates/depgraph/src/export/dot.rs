use std::fmt::Write;

use super::{Export, escape};

/// Fill colours that stay apart in print and for most eyes; kinds take them in turn.
const FILLS: [&str; 8] =
    ["#cfe3f7", "#fbe3c0", "#d3efd0", "#f3d3e4", "#e0d8f5", "#f7f0b8", "#cdeeea", "#e3e3e3"];

impl Export {
    /// The graph in the language of Graphviz. An edge points from a node to what
    /// it depends on, and dependencies stand on the left.
    pub fn to_dot(&self) -> String {
        let kinds = self.kinds();
        let mut text = String::from(
            "digraph dependencies {\n  rankdir=RL;\n  node [shape=box, style=\"rounded,filled\", \
             fillcolor=\"#ffffff\", fontname=\"monospace\"];\n",
        );
        for node in &self.nodes {
            let (key, label) = (escape::dot(&node.key), escape::dot(&node.label));
            write_to(&mut text, format_args!("  {key} [label={label}"));
            if let Ok(kind) = kinds.binary_search(&node.kind.as_str()) {
                let (class, fill) = (escape::dot(&node.kind), FILLS[kind % FILLS.len()]);
                write_to(&mut text, format_args!(", class={class}, fillcolor=\"{fill}\""));
            }
            text.push_str("];\n");
        }
        for (dependent, dependency) in &self.edges {
            let ends = [dependent, dependency].map(|node| escape::dot(&self.nodes[*node].key));
            write_to(&mut text, format_args!("  {} -> {};\n", ends[0], ends[1]));
        }
        text.push_str("}\n");
        text
    }
}

/// Writing into a string can't fail.
pub(super) fn write_to(text: &mut String, part: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(part);
}
