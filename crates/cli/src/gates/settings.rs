//! What `evergen.toml` says of gates beyond plain values, each mistake with its place.

use evergen_quality_gates::{
    Examination, Fault, Gate, GateInfo, Identity, Outcome, PerformanceSettings, Scope, ScopeError,
    SettingsError, ToolSettings,
};
use evergen_regeneration::Diagnostic;
use futures::future::BoxFuture;
use serde::Deserialize;

use super::performance::LoadSettings;
use crate::failure::Failure;
use crate::origin::Place;

/// The gates that need no tool.
pub(super) const BUILT_IN: [&str; 4] = ["syntax", "imports", "secrets", super::complete::NAME];

/// The part of the file that is read here; everything else was checked before.
#[derive(Default, Deserialize)]
struct File {
    #[serde(default)]
    gates: Foreign,
}

#[derive(Default, Deserialize)]
struct Foreign {
    #[serde(default)]
    tools: Vec<ToolSettings>,
    #[serde(default)]
    performance: Vec<LoadSettings>,
}

/// Reads `[[gates.tools]]` and `[[gates.performance]]`.
pub(super) fn read(
    place: &Place,
) -> Result<(Vec<ToolSettings>, Vec<PerformanceSettings>), Failure> {
    let Some(file) = &place.configuration else { return Ok((Vec::new(), Vec::new())) };
    let text = std::fs::read_to_string(place.root.join(file))
        .map_err(|error| Failure::storage(format!("reading `{file}`"), &error))?;
    let read: File = toml::from_str(&text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let problem = Diagnostic::error("config::gate", error.message().to_owned())
            .in_file(file)
            .at(text.as_str().into(), (span.start, span.len()))
            .with_help("the keys of gates are explained in docs/gates.md");
        Failure::settings(vec![problem])
    })?;
    let loads = read.gates.performance.into_iter().map(|load| load.into_settings(&place.root));
    Ok((read.gates.tools, loads.collect::<Result<_, _>>()?))
}

/// A value that means nothing.
pub(super) fn wrong_setting(error: &SettingsError) -> Failure {
    wrong(Diagnostic::error("config::range", error.to_string()))
}

/// A file of the policy that can't be read.
pub(super) fn wrong_file(file: &str, why: &str) -> Failure {
    wrong(Diagnostic::error("config::policy", why.to_owned()).in_file(file))
}

pub(super) fn wrong(problem: Diagnostic) -> Failure {
    Failure::settings(vec![problem.with_help("gates are explained in docs/gates.md")])
}

/// A gate without the files that the settings exclude.
pub(super) struct Narrowed {
    gate: Box<dyn Gate>,
    info: GateInfo,
}

impl Narrowed {
    /// The gate, which may be made of the settings of a tool, and patterns from the project's
    /// root, in which the judged tree lies at `place`. Of such a tool nobody knows on what
    /// it depends, unless they say what it reads: its answers are not kept then.
    pub(super) fn new(
        gate: Box<dyn Gate>,
        (place, exclude): (&str, &[String]),
        tool: Option<&ToolSettings>,
    ) -> Result<Self, ScopeError> {
        let mut info = gate.info().clone();
        info.cacheable &= tool.is_none_or(|tool| !tool.reads.is_empty());
        if !exclude.is_empty() {
            info.scope = info.scope.also_excluding(place, exclude.iter().map(String::as_str))?;
        }
        Ok(Self { gate, info })
    }

    /// The same for other files.
    pub(super) fn judging(mut self, scope: Scope) -> Self {
        self.info.scope = scope;
        self
    }
}

impl Gate for Narrowed {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn identity(&self) -> BoxFuture<'_, Result<Identity, Fault>> {
        self.gate.identity()
    }

    fn examine(&self, examination: Examination) -> BoxFuture<'_, Outcome> {
        self.gate.examine(examination)
    }
}
