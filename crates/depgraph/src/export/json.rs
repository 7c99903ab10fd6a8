use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::Export;

#[derive(Serialize)]
struct Edge<'a> {
    dependent: &'a str,
    dependency: &'a str,
}

impl Export {
    /// The graph as a JSON object: `nodes` with key, label, kind and wave (how
    /// many dependencies deep a node lies), `edges` with the keys of dependent
    /// and dependency.
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists always have a JSON form.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl Serialize for Export {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let edges = self.edges.iter().map(|(dependent, dependency)| Edge {
            dependent: &self.nodes[*dependent].key,
            dependency: &self.nodes[*dependency].key,
        });
        let mut object = serializer.serialize_struct("Export", 2)?;
        object.serialize_field("nodes", &self.nodes)?;
        object.serialize_field("edges", &edges.collect::<Vec<_>>())?;
        object.end()
    }
}
