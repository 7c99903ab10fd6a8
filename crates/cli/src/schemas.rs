//! The JSON Schemas of the configuration and of everything that is printed as JSON.

use evergen_regeneration::{CheckReport, Explanation, RunReport, Settings, VerifyReport};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::failure::ErrorReport;
use crate::verbs::{
    ActReport, ConfigReport, DeadReport, DiffReport, DoctorReport, Event, EventsReport,
    GatesHistoryReport, GatesListReport, HealedReport, HistoryReport, InitReport, PackReport,
    ProfileReport, StatusReport, WatchEvent,
};

/// Where the published schemas lie.
const HOME: &str = "https://github.com/evergen/evergen/raw/main/docs/schemas";

/// A published schema.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SchemaFile {
    /// What it is the schema of: `evergen.toml`, or what is printed by a verb.
    pub name: &'static str,
    schema: Schema,
}

impl SchemaFile {
    /// The name of its file in `docs/schemas`.
    pub fn file_name(&self) -> String {
        format!("{}.schema.json", self.name)
    }

    /// The schema as JSON, with a line end.
    pub fn text(&self) -> String {
        let text = serde_json::to_string_pretty(&self.schema);
        // A schema is made of texts, numbers and lists, which always have a JSON form.
        format!("{}\n", text.unwrap_or_default())
    }

    fn of<T: JsonSchema>(name: &'static str, title: &str) -> Self {
        let mut schema = SchemaGenerator::default().into_root_schema_for::<T>();
        schema.insert("$id".to_owned(), format!("{HOME}/{name}.schema.json").into());
        schema.insert("title".to_owned(), title.into());
        Self { name, schema }
    }
}

/// Every published schema.
pub fn schemas() -> Vec<SchemaFile> {
    vec![
        SchemaFile::of::<Settings>("evergen.toml", "evergen.toml"),
        SchemaFile::of::<RunReport>("run", "evergen run --json"),
        SchemaFile::of::<Event>("event", "a line of evergen run --events"),
        SchemaFile::of::<RunReport>("plan", "evergen plan --json"),
        SchemaFile::of::<CheckReport>("check", "evergen check --json"),
        SchemaFile::of::<DiffReport>("diff", "evergen diff --json"),
        SchemaFile::of::<Explanation>("explain", "evergen explain --json"),
        SchemaFile::of::<VerifyReport>("verify", "evergen verify --json"),
        SchemaFile::of::<GraphReport>("graph", "evergen graph --json"),
        SchemaFile::of::<ConfigReport>("config-show", "evergen config show --json"),
        SchemaFile::of::<DoctorReport>("doctor", "evergen doctor --json"),
        SchemaFile::of::<WatchEvent>("watch-event", "a line of evergen watch --json"),
        SchemaFile::of::<StatusReport>("status", "evergen status --json"),
        SchemaFile::of::<HistoryReport>("history", "evergen history --json"),
        SchemaFile::of::<EventsReport>("events-list", "evergen events list --json"),
        SchemaFile::of::<DeadReport>("events-dead", "evergen events dead --json"),
        SchemaFile::of::<ActReport>("events-act", "evergen events replay --json and drop --json"),
        SchemaFile::of::<ProfileReport>("profile", "evergen profile --json"),
        SchemaFile::of::<GatesListReport>("gates-list", "evergen gates list --json"),
        SchemaFile::of::<GatesHistoryReport>("gates-history", "evergen gates history --json"),
        SchemaFile::of::<HealedReport>("heal", "evergen heal --json"),
        SchemaFile::of::<InitReport>("init", "evergen init --json"),
        SchemaFile::of::<PackReport>("pack", "evergen pack list --json and eject --json"),
        SchemaFile::of::<ErrorReport>("error", "what any verb prints with --json when it fails"),
    ]
}

/// The form of an exported graph; the export writes it by itself.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it stands for its schema")]
struct GraphReport {
    /// The nodes, ascending by key.
    nodes: Vec<GraphNode>,
    /// The edges, ascending by dependent and dependency.
    edges: Vec<GraphEdge>,
}

/// A source, query, template, generator or artifact.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it stands for its schema")]
struct GraphNode {
    /// What identifies it.
    key: String,
    /// What to show.
    label: String,
    /// What sort of node it is.
    kind: String,
    /// How many dependencies deep it lies.
    wave: u64,
}

/// One depends on the other.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it stands for its schema")]
struct GraphEdge {
    /// The key of the node that depends on the other.
    dependent: String,
    /// The key of the other.
    dependency: String,
}
