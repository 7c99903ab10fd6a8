use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{LineSettings, Lines, OutputFormat, Parsed};
use crate::{
    Canary, Cost, Coverage, ExitContract, Fault, GateInfo, GateKind, Invocation, Job, Limits,
    Needs, Reading, Scope, SettingsError, Severity, ToolAdapter, ToolOutput, ToolSpec,
    VersionRange,
};

/// A tool as the settings describe it: one of `[[gates.tools]]`.
///
/// ```toml
/// [[gates.tools]]
/// name = "shellcheck"
/// kind = "lint"
/// command = ["shellcheck", "--format=checkstyle", "{files}"]
/// install = "Install it with `apt-get install shellcheck`."
/// files = ["**/*.sh"]
/// versions = { at_least = "0.9" }
/// reports = [{ from = "stdout", format = "checkstyle" }]
/// canaries = [
///   { expect = "red", path = "a.sh", text = "#!/bin/sh\necho $1\n", rule = "SC2086" },
///   { expect = "green", path = "a.sh", text = "#!/bin/sh\necho \"$1\"\n" },
/// ]
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ToolSettings {
    /// The gate's name.
    pub name: String,
    /// What it judges.
    pub kind: GateKind,
    /// The program and its arguments. `{files}`, which stands alone, becomes the judged files'
    /// paths; `{cache}` becomes a folder that is kept from run to run.
    pub command: Vec<String>,
    /// How the tool is installed, as a sentence.
    pub install: String,
    /// Which files are its business, as globs.
    pub files: Vec<String>,
    /// Which of those are not.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Files that are not judged and on which the verdict depends, such as the tool's settings.
    #[serde(default)]
    pub reads: Vec<String>,
    /// Whether it must see the whole tree.
    #[serde(default)]
    pub needs: Needs,
    /// Gates that must have passed before it is asked.
    #[serde(default)]
    pub after: Vec<String>,
    /// How long it takes, roughly.
    #[serde(default)]
    pub cost: Cost,
    /// Folders that are searched before the search path, as `node_modules/.bin`.
    #[serde(default)]
    pub also_in: Vec<String>,
    /// Which versions will do.
    #[serde(default)]
    pub versions: VersionSettings,
    /// Arguments that make it say its version.
    #[serde(default = "version_arguments")]
    pub version_arguments: Vec<String>,
    /// Variables of the environment that it is given.
    #[serde(default)]
    pub passes: Vec<String>,
    /// What its exit codes mean.
    #[serde(default)]
    pub exit: ExitSettings,
    /// What it may use.
    #[serde(default)]
    pub limits: LimitSettings,
    /// What it writes, and in which format.
    pub reports: Vec<ReportSettings>,
    /// Proofs that it sees what it is there for: at least one red and one green one.
    pub canaries: Vec<CanarySettings>,
}

/// Which versions of a tool will do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct VersionSettings {
    /// The first one.
    pub at_least: Option<String>,
    /// The first one that won't.
    pub below: Option<String>,
}

/// What exit codes mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ExitSettings {
    /// Nothing was found.
    pub clean: Vec<i32>,
    /// Something was found.
    pub findings: Vec<i32>,
    /// Findings up to this severity may come with a clean code.
    pub tolerated: Option<Severity>,
}

impl Default for ExitSettings {
    /// 0 is clean, 1 is findings.
    fn default() -> Self {
        Self { clean: vec![0], findings: vec![1], tolerated: None }
    }
}

/// What a tool may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LimitSettings {
    /// Time, in milliseconds.
    pub time_ms: u64,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Output, in MiB.
    pub output_mib: u64,
}

impl Default for LimitSettings {
    /// A minute, 4 GiB, 32 MiB.
    fn default() -> Self {
        Self { time_ms: 60_000, memory_mib: 4096, output_mib: 32 }
    }
}

/// One thing that a tool writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReportSettings {
    /// Where.
    #[serde(default)]
    pub from: Stream,
    /// In which format.
    pub format: FormatSettings,
    /// Whether it names every file that the tool looked at, and not only those with findings.
    #[serde(default)]
    pub says_files: bool,
}

/// Where a tool writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stream {
    /// Its standard output.
    #[default]
    Stdout,
    /// Its standard error.
    Stderr,
    /// A file, relative to the tree's root.
    File(String),
}

/// A format by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FormatSettings {
    /// SARIF 2.1.0.
    Sarif,
    /// `JUnit` XML.
    Junit,
    /// LCOV.
    Lcov,
    /// Cobertura XML.
    Cobertura,
    /// Checkstyle XML.
    Checkstyle,
    /// Messages of cargo or rustc.
    Cargo,
    /// `file:line:column: severity: message`.
    Gnu,
    /// Lines that match a pattern.
    Lines(LineSettings),
}

/// A proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CanarySettings {
    /// What the tool must say of it.
    pub expect: Expectation,
    /// The file.
    pub path: String,
    /// Its text.
    pub text: String,
    /// The rule of which there must be a finding.
    #[serde(default)]
    pub rule: Option<String>,
    /// Further files that it needs.
    #[serde(default)]
    pub with: Vec<(String, String)>,
}

/// What a tool must say of a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// It finds something.
    Red,
    /// It finds nothing.
    Green,
}

fn version_arguments() -> Vec<String> {
    vec!["--version".to_owned()]
}

/// A tool that is made a gate by its settings alone.
#[derive(Debug)]
pub struct ConfiguredTool {
    info: GateInfo,
    spec: ToolSpec,
    arguments: Vec<String>,
    reports: Vec<Report>,
    contract: ExitContract,
    limits: Limits,
    canaries: Vec<Canary>,
}

#[derive(Debug)]
struct Report {
    from: Stream,
    format: OutputFormat,
    says_files: bool,
}

impl ConfiguredTool {
    /// Checks the settings and builds what they describe.
    pub fn new(settings: &ToolSettings) -> Result<Self, SettingsError> {
        let field = |name: &str| format!("gates.tools.{}.{name}", settings.name);
        if settings.name.trim().is_empty() {
            return Err(SettingsError::new("gates.tools.name", "empty", "a name"));
        }
        let Some((program, arguments)) = settings.command.split_first() else {
            return Err(SettingsError::new(
                field("command"),
                "empty",
                "a program and its arguments",
            ));
        };
        check_command(settings, &field)?;
        if settings.reports.is_empty() {
            let allowed = "at least one thing that the tool writes";
            return Err(SettingsError::new(field("reports"), "empty", allowed));
        }
        let reports = settings.reports.iter().enumerate().map(|(index, report)| {
            let format = report.format.build(&field(&format!("reports[{index}].format")))?;
            let (from, says_files) = (report.from.clone(), report.says_files);
            Ok(Report { from, format, says_files })
        });
        Ok(Self {
            info: info(settings, &field)?,
            spec: spec(program, settings, &field)?,
            arguments: arguments.to_vec(),
            reports: reports.collect::<Result<_, SettingsError>>()?,
            contract: contract(settings, &field)?,
            limits: limits(settings, &field)?,
            canaries: canaries(settings, &field)?,
        })
    }

    fn parse(&self, output: &ToolOutput) -> Result<Vec<Parsed>, Fault> {
        let mut file = 0;
        let mut parsed = Vec::new();
        for report in &self.reports {
            let (what, bytes) = match &report.from {
                Stream::Stdout => ("its standard output", output.stdout.as_slice()),
                Stream::Stderr => ("its standard error", output.stderr.as_slice()),
                Stream::File(path) => {
                    file += 1;
                    let written = output.files.get(file - 1).and_then(Option::as_deref);
                    let missing = || Fault::unparsable(path, "it was not written");
                    (path.as_str(), written.ok_or_else(missing)?)
                }
            };
            let mut one = report.format.read(what, bytes)?;
            one.says_files |= report.says_files;
            parsed.push(one);
        }
        Ok(parsed)
    }
}

impl ToolAdapter for ConfiguredTool {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn tool(&self) -> &ToolSpec {
        &self.spec
    }

    fn invocations(&self, job: &Job<'_>) -> Result<Vec<Invocation>, Fault> {
        let cache = job.cache.to_string_lossy();
        let mut invocation = Invocation::default();
        for argument in &self.arguments {
            invocation = match argument.as_str() {
                "{files}" => invocation.with(job.paths()),
                argument => invocation.with([argument.replace("{cache}", &cache)]),
            };
        }
        for report in &self.reports {
            if let Stream::File(path) = &report.from {
                invocation = invocation.writing(path);
            }
        }
        Ok(vec![invocation])
    }

    fn contract(&self) -> ExitContract {
        self.contract.clone()
    }

    fn read(&self, job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
        let mut findings = Vec::new();
        let mut coverage = Coverage::default();
        let mut files = None;
        for one in self.parse(output)? {
            findings.extend(one.findings);
            if one.says_files {
                files = Some(files.unwrap_or(0).max(one.coverage.files));
            }
            coverage = coverage.and(Coverage { files: 0, ..one.coverage });
        }
        let Some(files) = files else {
            let unsaid = Reading::unsaid(findings, job);
            return Ok(Reading::new(unsaid.findings, coverage.and(unsaid.coverage)));
        };
        coverage.files = files;
        Ok(Reading::new(findings, coverage))
    }

    fn canaries(&self) -> Vec<Canary> {
        self.canaries.clone()
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

impl FormatSettings {
    fn build(&self, field: &str) -> Result<OutputFormat, SettingsError> {
        Ok(match self {
            Self::Sarif => OutputFormat::Sarif,
            Self::Junit => OutputFormat::Junit,
            Self::Lcov => OutputFormat::Lcov,
            Self::Cobertura => OutputFormat::Cobertura,
            Self::Checkstyle => OutputFormat::Checkstyle,
            Self::Cargo => OutputFormat::Cargo,
            Self::Gnu => OutputFormat::Lines(Lines::gnu()?),
            Self::Lines(settings) => OutputFormat::Lines(Lines::new(settings, field)?),
        })
    }
}

type Field<'a> = &'a dyn Fn(&str) -> String;

fn check_command(settings: &ToolSettings, field: Field<'_>) -> Result<(), SettingsError> {
    let inside = |argument: &&String| argument.contains("{files}") && *argument != "{files}";
    if let Some(argument) = settings.command.iter().find(inside) {
        let allowed = "{files} as an argument of its own";
        return Err(SettingsError::new(field("command"), format!("{argument:?}"), allowed));
    }
    for report in &settings.reports {
        if let Stream::File(path) = &report.from {
            let is_inside = !path.is_empty()
                && !path.starts_with('/')
                && path.split('/').all(|part| !part.is_empty() && part != ".." && part != ".");
            if !is_inside {
                let allowed = "a relative path inside the tree, without `..`";
                return Err(SettingsError::new(field("reports"), format!("{path:?}"), allowed));
            }
        }
    }
    Ok(())
}

fn info(settings: &ToolSettings, field: Field<'_>) -> Result<GateInfo, SettingsError> {
    fn texts(globs: &[String]) -> impl Iterator<Item = &str> {
        globs.iter().map(String::as_str)
    }
    if settings.files.is_empty() {
        return Err(SettingsError::new(field("files"), "empty", "at least one glob"));
    }
    let wrong = |name: &str| {
        let field = field(name);
        move |error: crate::ScopeError| {
            SettingsError::new(field, format!("{:?}", error.glob), format!("a glob: {}", error.why))
        }
    };
    let scope = Scope::globs(texts(&settings.files)).map_err(wrong("files"))?;
    let scope = scope.excluding(texts(&settings.exclude)).map_err(wrong("exclude"))?;
    let scope = scope.reading(texts(&settings.reads)).map_err(wrong("reads"))?;
    let info = GateInfo::new(&settings.name, settings.kind)
        .with_scope(scope)
        .needing(settings.needs)
        .with_cost(settings.cost)
        // Derived, and so different where any setting is.
        .with_settings(&format!("{settings:?}"));
    Ok(settings.after.iter().fold(info, GateInfo::after))
}

fn spec(
    program: &str,
    settings: &ToolSettings,
    field: Field<'_>,
) -> Result<ToolSpec, SettingsError> {
    let wrong = |text: &str| {
        SettingsError::new(field("versions"), format!("{text:?}"), "a version as 1.2 or 1.2.3")
    };
    let mut range = VersionRange::any();
    if let Some(least) = &settings.versions.at_least {
        range = VersionRange::at_least(least).map_err(|_| wrong(least))?;
    }
    if let Some(below) = &settings.versions.below {
        range = range.below(below).map_err(|_| wrong(below))?;
    }
    if settings.install.trim().is_empty() {
        let allowed = "a sentence that says how the tool is installed";
        return Err(SettingsError::new(field("install"), "empty", allowed));
    }
    let spec = ToolSpec::new(program, &settings.install)
        .with_versions(range)
        .with_version_arguments(settings.version_arguments.iter().map(String::as_str));
    let spec = settings.also_in.iter().fold(spec, ToolSpec::also_in);
    Ok(settings.passes.iter().fold(spec, ToolSpec::passing))
}

fn contract(settings: &ToolSettings, field: Field<'_>) -> Result<ExitContract, SettingsError> {
    let exit = &settings.exit;
    if exit.clean.is_empty() {
        return Err(SettingsError::new(field("exit.clean"), "empty", "at least one code"));
    }
    let in_range = |code: &&i32| !(0..=255).contains(*code);
    if let Some(code) = exit.clean.iter().chain(&exit.findings).find(in_range) {
        return Err(SettingsError::new(field("exit"), code, "codes from 0 to 255"));
    }
    let contract = ExitContract::new(exit.clean.iter().copied(), exit.findings.iter().copied());
    Ok(exit.tolerated.into_iter().fold(contract, ExitContract::tolerating))
}

fn limits(settings: &ToolSettings, field: Field<'_>) -> Result<Limits, SettingsError> {
    let limits = &settings.limits;
    let within = |name: &str, value: u64, most: u64| {
        if (1..=most).contains(&value) {
            return Ok(value);
        }
        let field = field(&format!("limits.{name}"));
        Err(SettingsError::new(field, value, format!("from 1 to {most}")))
    };
    let time = within("time_ms", limits.time_ms, 86_400_000)?;
    let memory = within("memory_mib", limits.memory_mib, 1 << 20)?;
    let output = within("output_mib", limits.output_mib, 1024)?;
    let limits = Limits::default().with_time(Duration::from_millis(time));
    Ok(limits.with_memory(memory << 20).with_output(output << 20))
}

fn canaries(settings: &ToolSettings, field: Field<'_>) -> Result<Vec<Canary>, SettingsError> {
    for wanted in [Expectation::Red, Expectation::Green] {
        if !settings.canaries.iter().any(|canary| canary.expect == wanted) {
            let shown = format!("without a {wanted:?} one").to_lowercase();
            let allowed = "at least one red and one green canary";
            return Err(SettingsError::new(field("canaries"), shown, allowed));
        }
    }
    let build = |canary: &CanarySettings| {
        let built = match canary.expect {
            Expectation::Red => Canary::red(&canary.path, &canary.text),
            Expectation::Green => Canary::green(&canary.path, &canary.text),
        };
        let with = |built: Canary, (path, text): &(String, String)| built.with_file(path, text);
        let built = canary.with.iter().fold(built, with);
        canary.rule.iter().fold(built, Canary::by_rule)
    };
    Ok(settings.canaries.iter().map(build).collect())
}
