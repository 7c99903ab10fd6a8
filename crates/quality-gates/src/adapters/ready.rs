use crate::{
    Canary, ExitContract, Fault, GateInfo, GateKind, Invocation, Job, Limits, Reading, Scope,
    ToolAdapter, ToolOutput, ToolSpec, VersionRange,
};

pub(super) type Run = fn(&Job<'_>) -> Vec<Invocation>;
pub(super) type Read = fn(&Job<'_>, &ToolOutput) -> Result<Reading, Fault>;

/// A tool whose arguments, exit codes and output are known: data and two pure functions.
#[derive(Clone)]
pub struct ReadyAdapter {
    pub(super) info: GateInfo,
    pub(super) tool: ToolSpec,
    pub(super) contract: ExitContract,
    pub(super) limits: Limits,
    pub(super) canaries: Vec<Canary>,
    pub(super) run: Run,
    pub(super) read: Read,
}

impl std::fmt::Debug for ReadyAdapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadyAdapter").field("info", &self.info).finish_non_exhaustive()
    }
}

impl ReadyAdapter {
    /// Changes what the gate is: its name, its scope, what comes before it.
    #[must_use]
    pub fn with_info(mut self, change: impl FnOnce(GateInfo) -> GateInfo) -> Self {
        self.info = change(self.info);
        self
    }

    /// Changes which program is asked.
    #[must_use]
    pub fn with_tool(mut self, change: impl FnOnce(ToolSpec) -> ToolSpec) -> Self {
        self.tool = change(self.tool);
        self
    }

    /// What a run may use.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl ToolAdapter for ReadyAdapter {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn tool(&self) -> &ToolSpec {
        &self.tool
    }

    fn invocations(&self, job: &Job<'_>) -> Result<Vec<Invocation>, Fault> {
        let runs = (self.run)(job);
        // Nobody would look at it, and no tool would say so.
        match job.stray() {
            Some(wanted) => Err(Fault::NoProject { wanted: wanted.to_owned() }),
            None => Ok(runs),
        }
    }

    fn contract(&self) -> ExitContract {
        self.contract.clone()
    }

    fn read(&self, job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
        (self.read)(job, output)
    }

    fn canaries(&self) -> Vec<Canary> {
        self.canaries.clone()
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

/// A gate of files with these endings; `settings` names what the adapter asks the tool for.
pub(super) fn info(name: &str, kind: GateKind, endings: &[&str], settings: &str) -> GateInfo {
    let scope = Scope::extensions(endings.iter().copied());
    GateInfo::new(name, kind).with_scope(scope).with_settings(settings)
}

/// The same, with files that the tool reads besides; the globs are ours and hold.
pub(super) fn reading(info: GateInfo, globs: &[&str]) -> GateInfo {
    let scope = info.scope.clone().reading(globs.iter().copied());
    match scope {
        Ok(scope) => info.with_scope(scope),
        // A test reads every ready adapter's scope, so that this cannot happen unseen.
        Err(_) => info,
    }
}

/// The same, for trees that have one of these files; the globs are ours and hold.
pub(super) fn within(info: GateInfo, what: &'static str, globs: &[&str]) -> GateInfo {
    match info.scope.clone().within(what, globs.iter().copied()) {
        Ok(scope) => info.with_scope(scope),
        // As for `reading`.
        Err(_) => info,
    }
}

/// The same, where settings may give the files of a project other names.
pub(super) fn doubting(info: GateInfo, globs: &[&str]) -> GateInfo {
    match info.scope.clone().doubting(globs.iter().copied()) {
        Ok(scope) => info.with_scope(scope),
        Err(_) => info,
    }
}

/// From `least` on and below `end`; both are ours and hold.
pub(super) fn versions(least: &str, end: &str) -> VersionRange {
    VersionRange::at_least(least).and_then(|range| range.below(end)).unwrap_or_default()
}

/// Output as text, or why it is none.
pub(super) fn text<'o>(what: &str, bytes: &'o [u8]) -> Result<&'o str, Fault> {
    std::str::from_utf8(bytes).map_err(|error| Fault::unparsable(what, error))
}

/// Output as JSON of a known shape.
pub(super) fn json<'o, T: serde::Deserialize<'o>>(what: &str, bytes: &'o [u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| Fault::unparsable(what, error))
}

/// The number before `word` in a text like `3 files would be left unchanged`.
pub(super) fn number_before(text: &str, word: &str) -> u64 {
    let before = text.split(word).next().filter(|before| before.len() < text.len());
    before.and_then(|before| before.split_whitespace().last()?.parse().ok()).unwrap_or(0)
}
