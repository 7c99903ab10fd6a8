//! What a run tells: values that the command line prints as text or JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct RunReport {
    /// The cycle's id (UUID version 7).
    pub cycle_id: Uuid,
    /// The whole time in milliseconds.
    pub duration_ms: f64,
    /// The model and its change.
    pub model: ModelCounts,
    /// What happened to artifacts.
    pub artifacts: ArtifactCounts,
    /// How complete the modules are.
    pub modules: ModuleCounts,
    /// Where the time went.
    pub phases_ms: PhaseTimes,
    /// What the reader should know: notices, warnings, refusals.
    pub diagnostics: Vec<Diagnostic>,
    /// Each artifact that changed or was refused, by path.
    pub changes: Vec<ArtifactChange>,
    /// Whether enough modules, and all critical ones, are validated.
    pub complete: bool,
    /// What each generator that evaluated something took, by name.
    pub generators: Vec<GeneratorTimes>,
    /// How the version of what is generated changed; none where it did not, or is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionChange>,
}

/// A new version of what is generated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct VersionChange {
    /// The version before; none for the first one.
    pub from: Option<String>,
    /// The version from now on.
    pub to: String,
    /// What the changes ask of those who use the code.
    pub kind: VersionChangeKind,
    /// What the changelog says of it: Markdown, without the heading.
    pub entry: String,
}

impl VersionChange {
    /// A change to the version `to`, with what the changelog says of it.
    pub fn new(
        from: Option<String>,
        to: impl Into<String>,
        kind: VersionChangeKind,
        entry: impl Into<String>,
    ) -> Self {
        Self { from, to: to.into(), kind, entry: entry.into() }
    }
}

/// What a new version asks of those who use the code.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VersionChangeKind {
    /// The interface is as it was.
    Internal,
    /// There is more in the interface.
    Additive,
    /// What used the interface may no longer work.
    Breaking,
    /// There was none before.
    First,
}

impl RunReport {
    /// Whether everything is as it was asked for: nothing was refused, and the modules
    /// are complete.
    pub fn succeeded(&self) -> bool {
        self.complete && self.artifacts.refused == 0
    }
}

/// How large the model is, and what changed in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ModelCounts {
    /// Quads after the change.
    pub quads: u64,
    /// Quads that came.
    pub inserted: u64,
    /// Quads that went.
    pub removed: u64,
}

/// What happened to artifacts. `evaluated` ≥ `rendered` ≥ `written`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ArtifactCounts {
    /// Artifacts that there are after the run.
    pub total: u64,
    /// Artifacts whose queries were evaluated again.
    pub evaluated: u64,
    /// Artifacts that were rendered again.
    pub rendered: u64,
    /// Files whose bytes differed and were written.
    pub written: u64,
    /// Artifacts that were rendered to the bytes they had.
    pub unchanged: u64,
    /// Files that were removed because their row is gone.
    pub deleted: u64,
    /// Files that were kept because they were edited by hand.
    pub refused: u64,
}

/// How many modules came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ModuleCounts {
    /// Complete modules.
    pub validated: u64,
    /// Modules that lack something.
    pub partial: u64,
    /// Modules that lack a critical file.
    pub failed: u64,
}

/// Where the time of a run went, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct PhaseTimes {
    /// Looking at files and reading what changed.
    pub load: f64,
    /// Working out the delta.
    pub diff: f64,
    /// Working out what the delta touches.
    pub invalidate: f64,
    /// Evaluating list queries.
    pub query: f64,
    /// Evaluating and rendering artifacts.
    pub render: f64,
    /// Making it so on the disk.
    pub commit: f64,
}

/// What one generator took in a run, added up over all workers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct GeneratorTimes {
    /// The generator.
    pub generator: String,
    /// How many of its artifacts were evaluated.
    pub evaluated: u64,
    /// How many of them were rendered.
    pub rendered: u64,
    /// Rendering, in milliseconds: the template with its navigation.
    pub render_ms: f64,
    /// Its named queries, in milliseconds, in the order of the front matter.
    pub queries: Vec<QueryTime>,
}

/// What one named query took in a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct QueryTime {
    /// The query's name.
    pub name: String,
    /// Milliseconds, added up over all rows.
    pub ms: f64,
}

/// What happened, or would happen, to one artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ArtifactChange {
    /// The path in the output folder.
    pub path: String,
    /// The generator that makes it.
    pub generator: String,
    /// What happens.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Where an `action` needs words: which edit was refused and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What happens to an artifact.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// A file that was not there is written.
    Create,
    /// A file is replaced by other bytes.
    Update,
    /// A file is replaced by a merge of the edit and the new text.
    Merge,
    /// A file is removed.
    Delete,
    /// A file is kept, because it was edited by hand.
    Refuse,
    /// The file has the right bytes already.
    Keep,
}

/// Why an artifact was made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// Its row is new.
    NewRow,
    /// Its row is gone.
    RowGone,
    /// Quads that it reads came or went.
    Model {
        /// Some of these quads as `+ <s> <p> <o>` or `- …`, at most three.
        quads: Vec<String>,
        /// How many there are.
        count: u64,
    },
    /// Its template, or one that this includes, is another.
    Template {
        /// Which.
        name: String,
    },
    /// A setting that it depends on is another.
    Settings,
    /// Its file is missing.
    Missing,
    /// Its file was edited.
    Edited,
    /// Everything is made: there was no usable state.
    Full,
    /// A run before this one failed before it could be written.
    Pending,
}

/// A message for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable code, like `model::syntax`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// The file concerned, relative to the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The first line concerned, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column in that line, from 1, counted in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The bytes concerned in `file`: offset and length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<(usize, usize)>,
    /// The generator or artifact concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The text of `file` for an excerpt; not part of the JSON form.
    #[serde(skip)]
    pub source: Option<std::sync::Arc<str>>,
}

/// How bad a [`Diagnostic`] is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Good to know.
    Notice,
    /// Likely to be a mistake.
    Warning,
    /// The run can't succeed.
    Error,
}

impl Diagnostic {
    /// A diagnostic of the given severity, code and message.
    pub fn new(severity: Severity, code: &str, message: impl Into<String>) -> Self {
        Self {
            severity,
            code: code.to_owned(),
            message: message.into(),
            file: None,
            line: None,
            column: None,
            span: None,
            subject: None,
            help: None,
            source: None,
        }
    }

    /// An error.
    pub fn error(code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// Says which file it is about.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Says where in the file it is, and gives the text for an excerpt. Line and
    /// column follow from the span.
    #[must_use]
    pub fn at(mut self, source: std::sync::Arc<str>, span: (usize, usize)) -> Self {
        let before = source.get(..span.0).unwrap_or(&source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self.line = u32::try_from(line).ok();
        self.column = u32::try_from(column).ok();
        self.span = Some(span);
        self.source = Some(source);
        self
    }

    /// Says which generator or artifact it is about.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What `check` found: whether the files are true to the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct CheckReport {
    /// How many artifacts the model asks for.
    pub artifacts: u64,
    /// Files that are not as they should be, by path; empty means *yes*.
    pub drift: Vec<Drift>,
    /// Notices and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// One file that is not as the model asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Drift {
    /// The path in the output folder.
    pub path: String,
    /// What is wrong with it.
    pub kind: DriftKind,
}

/// What is wrong with a file.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DriftKind {
    /// It should be there.
    Missing,
    /// It was generated once and nothing asks for it any more.
    Extra,
    /// It is as it was generated, but the model or a template has changed since.
    Stale,
    /// It differs from what was last generated.
    Edited,
}

/// What `diff` shows for one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct FileDiff {
    /// The path in the output folder.
    pub path: String,
    /// What a run would do.
    pub action: Action,
    /// The unified diff from the file to what a run would leave, with paths from the project's
    /// folder, where `git apply` takes it.
    pub unified: String,
}

/// What `verify` found: whether incremental equals from scratch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct VerifyReport {
    /// How many artifacts were compared.
    pub artifacts: u64,
    /// Paths where they differ; empty means *yes*.
    pub differences: Vec<Drift>,
    /// Notices and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// What `explain` says of a file, or of one line of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Explanation {
    /// The path in the output folder.
    pub path: String,
    /// The line asked for, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The text of that line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The generator.
    pub generator: String,
    /// The row for which the artifact is made: variables and terms.
    pub row: Vec<(String, String)>,
    /// Templates that took part, with the lines that wrote what was asked for.
    pub templates: Vec<TemplateUse>,
    /// Passes that the text went through after it was rendered, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passes: Vec<String>,
    /// Queries that took part.
    pub queries: Vec<QueryUse>,
    /// Triples that were read for what was asked, each with its source.
    pub triples: Vec<TripleUse>,
    /// How it is known which triples those are.
    #[serde(default)]
    pub basis: Basis,
    /// How many patterns were recorded for the whole artifact.
    pub patterns: u64,
    /// Why and when it was made last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastMade>,
    /// Files that `explain` found changed since the last run, so that lines may be off.
    pub stale: Vec<String>,
}

/// How it is known which triples a file or a line is made of.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Basis {
    /// They were used while it was written.
    #[default]
    Used,
    /// All was read before the line was written, as what a view tells of a class is; the triples
    /// are those of what was read that are about what the line names.
    Named,
}

/// A template that took part in an artifact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct TemplateUse {
    /// Its file.
    pub file: String,
    /// Its lines, from 1, sorted; empty where the whole file is meant.
    pub lines: Vec<u32>,
}

/// A query that took part in an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct QueryUse {
    /// Its name; `for_each` for the one that gives the rows.
    pub name: String,
    /// Its text.
    pub text: String,
    /// How many rows it gave.
    pub rows: u64,
}

/// A triple that was read, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct TripleUse {
    /// The statement in the form of N-Quads, with known prefixes.
    pub triple: String,
    /// The source file, relative to the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in that file, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// Why and when an artifact was made last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct LastMade {
    /// In which cycle.
    pub cycle_id: Uuid,
    /// When, in milliseconds since 1970 (UTC).
    pub at_ms: u64,
    /// Why.
    pub reason: Reason,
}

/// What is told while a run goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Progress {
    /// A cycle has begun.
    Started {
        /// Its id.
        cycle_id: Uuid,
    },
    /// It is known how many artifacts are stale.
    Planned {
        /// How many will be evaluated.
        stale: u64,
        /// How many there are.
        total: u64,
    },
    /// An artifact is ready; it is not visible before the commit.
    Artifact {
        /// Its path in the output folder.
        path: String,
        /// The generator.
        generator: String,
        /// What will happen to it.
        action: Action,
        /// Its size in bytes; 0 where it is removed or was not rendered.
        bytes: u64,
    },
    /// Everything is on the disk.
    Committed {
        /// How many files were written.
        written: u64,
        /// How many files were removed.
        deleted: u64,
    },
    /// The cycle is over.
    Finished {
        /// The cycle's id.
        cycle_id: Uuid,
        /// Whether it succeeded.
        ok: bool,
    },
}
