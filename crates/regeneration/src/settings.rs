//! What a project asks for: the tables of `evergen.toml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All settings of a project.
///
/// Paths are relative to the folder of `evergen.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// Where the model is, and how it is read.
    pub model: ModelSettings,
    /// What is generated, and how.
    pub regeneration: RegenerationConfig,
    /// Bounds on templates.
    pub limits: RenderLimits,
    /// What a successful run must have made.
    pub completeness: CompletenessSettings,
    /// Groups of files that are complete or not as a whole.
    pub modules: Vec<ModuleSettings>,
    /// What is done to rendered texts before they become files.
    pub passes: Vec<PassSettings>,
    /// What must hold before generated files become visible.
    pub gates: GateSettings,
}

/// The table `[model]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ModelSettings {
    /// Files, folders and globs that hold the model.
    pub sources: Vec<String>,
    /// Prefixes for queries and templates, besides the ones that are always there.
    pub prefixes: BTreeMap<String, String>,
    /// Local files for the IRIs that `owl:imports` names.
    pub imports: BTreeMap<String, String>,
    /// The IRI against which relative IRIs of the model are resolved; none by default,
    /// so that the model does not depend on where the project lies.
    pub base: Option<String>,
    /// The N-Quads file that holds what programs publish; where it is there, it is a source.
    pub published: Option<String>,
    /// Bounds on what a source may hold.
    pub limits: ModelLimits,
}

/// The table `[model.limits]`: bounds that keep a hostile or broken source from
/// using up the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ModelLimits {
    /// The largest source file in bytes.
    pub max_file_bytes: u64,
    /// The longest literal in bytes.
    pub max_literal_bytes: u64,
    /// How deeply brackets, collections or objects may nest.
    pub max_nesting: u32,
}

impl Default for ModelLimits {
    fn default() -> Self {
        Self { max_file_bytes: 2 << 30, max_literal_bytes: 16 << 20, max_nesting: 256 }
    }
}

/// The table `[regeneration]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each a key of its own")]
pub struct RegenerationConfig {
    /// The folder into which artifacts are written.
    pub output_dir: String,
    /// Folders with templates; later ones win where two hold the same name.
    pub template_dirs: Vec<String>,
    /// Language packs to run besides the project's own templates.
    pub target_languages: Vec<String>,
    /// The folder with packs of the project's own: a file `rust/class.j2` in it stands for
    /// that of the built-in pack, and `shared` is for all packs.
    pub pack_dir: String,
    /// How many threads render; 0 is one for each CPU.
    pub parallel_workers: u32,
    /// Whether only what a change touches is made again.
    pub incremental: bool,
    /// Whether reads of the model are recorded; without them a run is a full one.
    pub track_dependencies: bool,
    /// What happens to an artifact that was edited by hand, unless its template says.
    pub on_edit: OnEdit,
    /// Whether the version of what is generated follows from how its interface changed, with an
    /// entry in `CHANGELOG.md`.
    pub auto_version: bool,
    /// Whether committed files are forced to the disk, so that a power cut can't tear them.
    pub durable: bool,
}

impl Default for RegenerationConfig {
    fn default() -> Self {
        Self {
            output_dir: "gen".to_owned(),
            template_dirs: vec!["templates".to_owned()],
            target_languages: Vec::new(),
            pack_dir: "packs".to_owned(),
            parallel_workers: 0,
            incremental: true,
            track_dependencies: true,
            on_edit: OnEdit::Refuse,
            auto_version: false,
            durable: false,
        }
    }
}

/// What happens to an artifact that was edited by hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OnEdit {
    /// The file is named and kept; the rest goes on; the run ends with exit code 1.
    #[default]
    Refuse,
    /// The edit and the new text are merged; on a conflict the file is kept.
    Merge,
    /// Regions between markers survive; an edit outside of them is refused.
    KeepRegions,
    /// The edit is lost.
    Overwrite,
}

/// The table `[limits]`: bounds on one rendering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RenderLimits {
    /// How many template instructions one artifact may take.
    pub fuel: u64,
    /// How many bytes one artifact may have.
    pub max_artifact_bytes: u64,
}

impl Default for RenderLimits {
    fn default() -> Self {
        Self { fuel: 50_000_000, max_artifact_bytes: 64 << 20 }
    }
}

/// The table `[completeness]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CompletenessSettings {
    /// The share of a module's required files that must exist, from 0 to 1.
    pub required_files: f64,
    /// The share of modules that must be validated, from 0 to 1.
    pub validated_modules: f64,
}

impl Default for CompletenessSettings {
    fn default() -> Self {
        Self { required_files: 0.9, validated_modules: 0.95 }
    }
}

/// One `[[modules]]` table: files that are complete or not as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ModuleSettings {
    /// The module's name.
    pub name: String,
    /// Paths and globs in the output folder; each must match an artifact.
    pub required: Vec<String>,
    /// Paths and globs without which the module has failed.
    pub critical_files: Vec<String>,
    /// Whether the run fails when this module is not validated.
    pub critical: bool,
}

/// One `[[passes]]` table: a program that rewrites rendered texts, from standard input to standard
/// output, before they are gated and written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PassSettings {
    /// The pass's name.
    pub name: String,
    /// Paths and globs in the output folder: what goes through it.
    pub files: Vec<String>,
    /// The program and its arguments, without a shell; `{file}` stands for the path in the
    /// output folder.
    pub command: Vec<String>,
    /// What the program says when it is asked for its version. With another one the pass fails,
    /// since it might make other files.
    pub version: String,
    /// The arguments by which the program is asked for its version.
    pub version_arguments: Vec<String>,
    /// How long it may take for one file, in seconds.
    pub patience: u64,
}

impl Default for PassSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            files: Vec::new(),
            command: Vec::new(),
            version: String::new(),
            version_arguments: vec!["--version".to_owned()],
            patience: 30,
        }
    }
}

/// The table `[gates]`: what must hold before generated files become visible, and what
/// `evergen gates` looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct GateSettings {
    /// The gates that `run` and `watch` ask before anything becomes visible.
    pub before_commit: Vec<String>,
    /// The gates that `evergen gates` asks besides.
    pub on_request: Vec<String>,
    /// Files that no gate judges, as globs in the judged folder.
    pub exclude: Vec<String>,
    /// What tools see around the changed files.
    pub around: GateSurroundings,
    /// The file with findings that somebody answers for.
    pub waivers: String,
    /// The file with findings that were there before and do not count.
    pub baseline: String,
    /// How long one gate may take, in seconds.
    pub patience: u64,
    /// How many gates are asked at the same time; 0 is one for each CPU.
    pub parallel: u32,
    /// Whether `watch` keeps tools that can as servers, which answer in milliseconds.
    pub warm: bool,
    /// The least quality of code, from 0 to 10.
    pub code_quality_min_score: f64,
    /// How many findings of a security gate are borne.
    pub security_max_issues: u64,
    /// The least share of lines that tests reach, in per cent.
    pub test_coverage_min: f64,
    /// Whether a test gate that did not measure coverage fails.
    pub test_coverage_required: bool,
    /// The longest response time, in milliseconds.
    pub performance_max_response_time: f64,
    /// The least throughput, in answers per second; 0 for none.
    pub performance_min_throughput: f64,
    /// The severity from which a single finding of a linter or a type checker fails.
    pub fail_on: FailOn,
    /// Tools as gates by settings alone; `docs/gates.md` has their keys.
    pub tools: Vec<serde_json::Map<String, serde_json::Value>>,
    /// Response time and throughput of a command or an address; `docs/gates.md` has the keys.
    pub performance: Vec<serde_json::Map<String, serde_json::Value>>,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            before_commit: vec!["syntax".to_owned()],
            on_request: vec!["imports".to_owned()],
            exclude: Vec::new(),
            around: GateSurroundings::Output,
            waivers: "evergen.waivers.toml".to_owned(),
            baseline: "evergen.baseline.json".to_owned(),
            patience: 300,
            parallel: 0,
            warm: true,
            code_quality_min_score: 8.0,
            security_max_issues: 0,
            test_coverage_min: 80.0,
            test_coverage_required: false,
            performance_max_response_time: 200.0,
            performance_min_throughput: 0.0,
            fail_on: FailOn::Error,
            tools: Vec::new(),
            performance: Vec::new(),
        }
    }
}

/// What tools see around the files that would change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum GateSurroundings {
    /// The output folder as it would be afterwards.
    #[default]
    Output,
    /// The project as it would be afterwards: its settings of tools hold, and gates that must
    /// see the whole judge hand-written files, too.
    Project,
}

/// From which severity a finding fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailOn {
    /// Also a note.
    Note,
    /// Also a warning.
    Warning,
    /// Errors only.
    #[default]
    Error,
}
