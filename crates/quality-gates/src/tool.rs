use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::{Coverage, Fault, Finding, GateInfo, Looker, Severity, SubjectFile};

mod invocation;
mod plan;
mod version;

pub use self::invocation::Invocation;
pub(crate) use self::plan::{Plan, Share};
pub use self::version::{ToolVersion, VersionError, VersionRange};

/// How a tool from outside is asked, and how its answer is read. [`AdapterGate`] makes a gate of
/// it, with all that every tool needs: finding it, its version, limits, proofs, faults.
///
/// Laws for implementors:
/// - Every method is pure: no file, process or clock is touched. What the tool writes reaches
///   [`read`](Self::read) as bytes.
/// - [`read`](Self::read) never panics, whatever the bytes, and says
///   [`Fault::Unparsable`] for what is cut off or is not in the promised format. Empty output is
///   readable only if the format says so.
/// - [`canaries`](Self::canaries) holds at least one red and one green one.
/// - [`Reading::coverage`] counts what the tool itself says it looked at. Where the tool does
///   not say, [`Reading::unsaid`] is the honest answer.
///
/// [`AdapterGate`]: crate::AdapterGate
pub trait ToolAdapter: Send + Sync {
    /// The gate that it becomes.
    fn info(&self) -> &GateInfo;

    /// Which program it is.
    fn tool(&self) -> &ToolSpec;

    /// What to run, in this order. Several runs are for tools that take one file at a time; the
    /// rest of a batch belongs into one.
    fn invocations(&self, job: &Job<'_>) -> Result<Vec<Invocation>, Fault>;

    /// What its exit codes mean.
    fn contract(&self) -> ExitContract;

    /// Reads what one run wrote. Files in findings may be absolute below [`Job::folder`].
    fn read(&self, job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault>;

    /// Proofs that the tool sees what it is there for.
    fn canaries(&self) -> Vec<Canary>;

    /// What a run may use.
    fn limits(&self) -> Limits {
        Limits::default()
    }
}

impl<T: ToolAdapter + ?Sized> ToolAdapter for Arc<T> {
    fn info(&self) -> &GateInfo {
        (**self).info()
    }

    fn tool(&self) -> &ToolSpec {
        (**self).tool()
    }

    fn invocations(&self, job: &Job<'_>) -> Result<Vec<Invocation>, Fault> {
        (**self).invocations(job)
    }

    fn contract(&self) -> ExitContract {
        (**self).contract()
    }

    fn read(&self, job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
        (**self).read(job, output)
    }

    fn canaries(&self) -> Vec<Canary> {
        (**self).canaries()
    }

    fn limits(&self) -> Limits {
        (**self).limits()
    }
}

impl<T: ToolAdapter + ?Sized> ToolAdapter for Box<T> {
    fn info(&self) -> &GateInfo {
        (**self).info()
    }

    fn tool(&self) -> &ToolSpec {
        (**self).tool()
    }

    fn invocations(&self, job: &Job<'_>) -> Result<Vec<Invocation>, Fault> {
        (**self).invocations(job)
    }

    fn contract(&self) -> ExitContract {
        (**self).contract()
    }

    fn read(&self, job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
        (**self).read(job, output)
    }

    fn canaries(&self) -> Vec<Canary> {
        (**self).canaries()
    }

    fn limits(&self) -> Limits {
        (**self).limits()
    }
}

/// Which program a tool is, and which versions of it will do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolSpec {
    /// Its name on the search path, or an absolute path.
    pub program: String,
    /// Folders that are searched before the search path, relative to the judged tree's own
    /// folder, as `node_modules/.bin`.
    pub also_in: Vec<String>,
    /// Arguments that make it say its version.
    pub version_arguments: Vec<String>,
    /// The versions that the adapter was written for.
    pub versions: VersionRange,
    /// How it is installed, as a sentence.
    pub install: String,
    /// Another program that says the version, and its arguments, for a tool that has no version
    /// of its own. It is looked for beside the tool.
    pub version_by: Option<(String, Vec<String>)>,
    /// What reports call it where that is not the name of the program.
    pub called: Option<String>,
    /// Variables of our own environment that it is given besides those every tool gets. With
    /// `HOME` among them it finds the user's own folder, and his settings in it; otherwise it has
    /// one of its own.
    pub passes: Vec<String>,
    /// It starts no other program, and so needs none of what a shim in front of it prepares.
    pub(crate) starts_nothing: bool,
}

impl ToolSpec {
    /// A program that says its version after `--version`; any version will do.
    pub fn new(program: impl Into<String>, install: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            also_in: Vec::new(),
            version_arguments: vec!["--version".to_owned()],
            versions: VersionRange::any(),
            version_by: None,
            called: None,
            install: install.into(),
            passes: Vec::new(),
            starts_nothing: false,
        }
    }

    /// The versions that will do.
    #[must_use]
    pub fn with_versions(mut self, versions: VersionRange) -> Self {
        self.versions = versions;
        self
    }

    /// Arguments that make it say its version.
    #[must_use]
    pub fn with_version_arguments<'a>(
        mut self,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        self.version_arguments = arguments.into_iter().map(str::to_owned).collect();
        self
    }

    /// Another program that says the version, with these arguments. The tool's own version
    /// arguments show then only that it can be started.
    #[must_use]
    pub fn with_version_by<'a>(
        mut self,
        program: impl Into<String>,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        self.version_by = Some((program.into(), arguments));
        self
    }

    /// What reports call it.
    #[must_use]
    pub fn called(mut self, name: impl Into<String>) -> Self {
        self.called = Some(name.into());
        self
    }

    /// A folder that is searched first.
    #[must_use]
    pub fn also_in(mut self, folder: impl Into<String>) -> Self {
        self.also_in.push(folder.into());
        self
    }

    /// A variable of our own environment that it is given.
    #[must_use]
    pub fn passing(mut self, variable: impl Into<String>) -> Self {
        self.passes.push(variable.into());
        self
    }
}

/// A tool as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundTool {
    /// Where it is.
    pub path: PathBuf,
    /// What it said of its version.
    pub version: ToolVersion,
    /// Its name and version, as reports say it.
    pub looker: Looker,
}

/// What an adapter knows when it says what to run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Job<'a> {
    /// The tree as files: the working folder of every run that names no other.
    pub folder: &'a Path,
    /// A folder in which the tool may keep a cache.
    pub cache: &'a Path,
    /// The files to be judged, never empty.
    pub files: &'a [SubjectFile],
    /// All files of the tree, sorted by path; none where nobody said.
    pub tree: &'a [SubjectFile],
    /// What stands in those of them that the gate's scope [reads](crate::Scope::reads), by path.
    pub settings: BTreeMap<String, Arc<[u8]>>,
    /// The tool.
    pub tool: &'a FoundTool,
    plan: OnceLock<Plan>,
}

impl<'a> Job<'a> {
    /// A job.
    pub fn new(
        folder: &'a Path,
        cache: &'a Path,
        files: &'a [SubjectFile],
        tool: &'a FoundTool,
    ) -> Self {
        Self {
            folder,
            cache,
            files,
            tree: &[],
            settings: BTreeMap::new(),
            tool,
            plan: OnceLock::new(),
        }
    }

    /// The tree of which the files are a part, sorted by path.
    #[must_use]
    pub fn within(mut self, tree: &'a [SubjectFile]) -> Self {
        self.tree = tree;
        self
    }

    /// What stands in the files on which the verdict depends besides those that are judged.
    #[must_use]
    pub fn reading(mut self, settings: BTreeMap<String, Arc<[u8]>>) -> Self {
        self.settings = settings;
        self
    }

    /// The folder on the disk where this is run.
    pub(crate) fn folder_of(&self, run: &Invocation) -> PathBuf {
        match run.folder.as_str() {
            "" => self.folder.to_path_buf(),
            inner => self.folder.join(inner),
        }
    }

    /// The judged files' paths, as arguments. One that begins with a dash gets `./` in front,
    /// so that no tool takes it for an option.
    pub fn paths(&self) -> impl Iterator<Item = OsString> + '_ {
        self.paths_of(self.files)
    }

    /// The paths of some of the files, likewise.
    pub fn paths_of<'f>(
        &self,
        files: impl IntoIterator<Item = &'f SubjectFile>,
    ) -> impl Iterator<Item = OsString> {
        files.into_iter().map(|file| match file.path() {
            path if path.starts_with('-') || path.starts_with('@') => format!("./{path}").into(),
            path => path.into(),
        })
    }
}

/// What one run wrote, complete: a run that was cut off does not get here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolOutput {
    /// The exit code.
    pub code: i32,
    /// The standard output.
    pub stdout: Vec<u8>,
    /// The standard error.
    pub stderr: Vec<u8>,
    /// The [`Invocation::outputs`] that were there afterwards, in that order; nothing for one
    /// that was not written.
    pub files: Vec<Option<Vec<u8>>>,
    /// Which of the job's invocations it was, from 0.
    pub invocation: usize,
}

impl ToolOutput {
    /// A run that ended with this code and wrote this.
    pub fn new(code: i32, stdout: impl Into<Vec<u8>>, stderr: impl Into<Vec<u8>>) -> Self {
        Self { code, stdout: stdout.into(), stderr: stderr.into(), ..Self::default() }
    }

    /// The file of this index among the invocation's outputs, or why it can't be read.
    pub fn file(&self, index: usize) -> Result<&[u8], Fault> {
        let missing = || Fault::unparsable("its report file", "it was not written");
        self.files.get(index).and_then(Option::as_deref).ok_or_else(missing)
    }
}

/// What one run's output says.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Reading {
    /// What was found.
    pub findings: Vec<Finding>,
    /// What the tool says it looked at; the gate adds who looked.
    pub coverage: Coverage,
    /// How many files the tool says it can't look at here, as those for other systems: they are
    /// no fault, and nobody looked at them. The looker names them as a blind spot.
    pub beyond: u64,
}

impl Reading {
    /// Findings, and what the tool says it looked at.
    pub fn new(findings: Vec<Finding>, coverage: Coverage) -> Self {
        Self { findings, coverage, beyond: 0 }
    }

    /// Findings of a tool that does not say what it looked at: taken to be all that it was given,
    /// and the report names that as a blind spot.
    pub fn unsaid(findings: Vec<Finding>, job: &Job<'_>) -> Self {
        let looker = job.tool.looker.clone().blind_to("does not say which files it read");
        let files = job.files.len() as u64;
        Self::new(findings, Coverage::of_files(files).by(looker))
    }
}

/// What a tool's exit codes mean. Any code that it does not name is a breakdown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExitContract {
    /// Codes that mean that nothing was found.
    pub clean: Vec<i32>,
    /// Codes that mean that something was found.
    pub findings: Vec<i32>,
    /// Findings up to this severity may come with a clean code, as compilers' warnings do.
    pub tolerated: Option<Severity>,
}

impl Default for ExitContract {
    fn default() -> Self {
        Self { clean: vec![0], findings: vec![1], tolerated: None }
    }
}

impl ExitContract {
    /// Codes for "clean" and for "findings".
    pub fn new(
        clean: impl IntoIterator<Item = i32>,
        findings: impl IntoIterator<Item = i32>,
    ) -> Self {
        let (clean, findings) = (clean.into_iter().collect(), findings.into_iter().collect());
        Self { clean, findings, tolerated: None }
    }

    /// Findings up to this severity may come with a clean code.
    #[must_use]
    pub fn tolerating(mut self, severity: Severity) -> Self {
        self.tolerated = Some(severity);
        self
    }
}

/// Files with a planted mistake, or with none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Canary {
    /// The files: path and text.
    pub files: Vec<(String, String)>,
    /// What the tool must say.
    pub expected: Expected,
}

/// What a tool must say of a [`Canary`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// It must find something; where a rule is given, a finding of that rule.
    Red {
        /// The rule.
        rule: Option<String>,
    },
    /// It must find nothing.
    Green,
}

impl Canary {
    /// A file in which something must be found.
    pub fn red(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { files: vec![(path.into(), text.into())], expected: Expected::Red { rule: None } }
    }

    /// A file in which nothing must be found.
    pub fn green(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { files: vec![(path.into(), text.into())], expected: Expected::Green }
    }

    /// A further file.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<String>, text: impl Into<String>) -> Self {
        self.files.push((path.into(), text.into()));
        self
    }

    /// A red one must show a finding of this rule.
    #[must_use]
    pub fn by_rule(mut self, rule: impl Into<String>) -> Self {
        if let Expected::Red { rule: expected } = &mut self.expected {
            *expected = Some(rule.into());
        }
        self
    }
}

/// What one run of a tool may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How long it may take.
    pub time: Duration,
    /// How much memory all its processes together may hold, in bytes.
    pub memory: u64,
    /// How much it may write to standard output, standard error and each report file, in bytes.
    pub output: u64,
}

impl Default for Limits {
    /// A minute, 4 GiB, 32 MiB.
    fn default() -> Self {
        Self { time: Duration::from_mins(1), memory: 4 << 30, output: 32 << 20 }
    }
}

impl Limits {
    /// How long it may take.
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// How much memory it may hold, in bytes.
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// How much it may write, in bytes.
    #[must_use]
    pub fn with_output(mut self, bytes: u64) -> Self {
        self.output = bytes;
        self
    }
}
