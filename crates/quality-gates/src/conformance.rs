//! What every [`ToolAdapter`] must survive: twelve ways in which a tool fails its user.
//!
//! The suite runs the adapter's real tool behind a small script that stands in its place on the
//! search path and breaks what passes through it. No fault may come out as a pass, and each must
//! have its own name and say what to do.
//!
//! ```no_run
//! # async fn example(ruff: impl evergen_quality_gates::ToolAdapter + 'static) {
//! use evergen_quality_gates::conformance::Specimen;
//!
//! let specimen = Specimen::new(ruff).excluding("ruff.toml", "exclude = ['*']");
//! specimen.check_faults().await; // panics where a fault is not met
//! # }
//! ```

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a fault that is not met is reported by a panic"
)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::{
    AdapterGate, Canary, Examination, ExitContract, Expected, Fault, Gate, GateInfo, Invocation,
    Job, Limits, Outcome, Reading, Subject, ToolAdapter, ToolOutput, ToolSpec,
};

mod faults;

pub use self::faults::{FAULTS, FaultCase};

/// The script that stands in a tool's place.
const FAKE: &str = include_str!("conformance/fake.sh");

/// An adapter to be tested, with its real tool.
#[derive(Debug)]
pub struct Specimen<A> {
    adapter: Arc<A>,
    excluding: Vec<(String, String)>,
    search_path: OsString,
}

impl<A: ToolAdapter + 'static> Specimen<A> {
    /// An adapter whose tool is on the search path.
    pub fn new(adapter: A) -> Self {
        let search_path = std::env::var_os("PATH").unwrap_or_default();
        Self { adapter: Arc::new(adapter), excluding: Vec::new(), search_path }
    }

    /// Settings of the tool's own that keep it from looking at anything, where it has such.
    #[must_use]
    pub fn excluding(mut self, path: impl Into<String>, text: impl Into<String>) -> Self {
        self.excluding.push((path.into(), text.into()));
        self
    }

    /// Where the real tool is.
    #[must_use]
    pub fn with_search_path(mut self, path: impl Into<OsString>) -> Self {
        self.search_path = path.into();
        self
    }

    /// Whether the real tool is there at all, in a version that will do; else why not. Tests
    /// are skipped then, and say so.
    pub async fn is_there(&self) -> Result<(), Fault> {
        let gate = AdapterGate::new(self.adapter.clone()).with_search_path(&self.search_path);
        gate.identity().await.map(|_| ())
    }

    /// Checks the laws and all [`FAULTS`].
    ///
    /// # Panics
    /// One of them is not met; the message says what was said instead.
    pub async fn check_faults(&self) {
        self.check_laws();
        self.check_verdicts().await;
        for case in FAULTS {
            self.check_fault(*case).await;
        }
    }

    /// The laws that can be checked without the tool.
    ///
    /// # Panics
    /// One of them is broken.
    pub fn check_laws(&self) {
        let canaries = self.adapter.canaries();
        let count = |red: bool| canaries.iter().filter(|canary| is_red(canary) == red).count();
        assert!(count(true) > 0 && count(false) > 0, "a red and a green canary are wanted");
        assert!(!self.adapter.tool().install.is_empty(), "nobody is told how to install it");
        let contract = self.adapter.contract();
        assert!(!contract.clean.is_empty(), "no code means that all is well");
    }

    /// What the real tool says of its own canaries.
    async fn check_verdicts(&self) {
        let stage = Stage::new(self, "ok");
        for canary in self.adapter.canaries() {
            let outcome = stage.examine(&subject(&canary, &[])).await;
            let fits = match canary.expected {
                Expected::Red { .. } => matches!(outcome, Outcome::Fail(_)),
                Expected::Green => matches!(outcome, Outcome::Pass(_)),
            };
            assert!(fits, "{:?}: {outcome:?}", canary.files);
        }
    }

    async fn check_fault(&self, case: FaultCase) {
        for proved_before in [true, false] {
            for canary in
                self.adapter.canaries().iter().filter(|canary| case.concerns(is_red(canary)))
            {
                if case.needs_exclusion && self.excluding.is_empty() {
                    continue;
                }
                let stage = if proved_before {
                    let stage = Stage::new(self, "ok");
                    let outcome = stage.examine(&subject(canary, &[])).await;
                    assert!(!matches!(outcome, Outcome::Error(_)), "{outcome:?}");
                    stage
                } else {
                    Stage::new(self, "ok")
                };
                stage.break_it(case.name);
                let settings = if case.needs_exclusion { &self.excluding[..] } else { &[] };
                let started = Instant::now();
                let outcome = stage.examine(&subject(canary, settings)).await;
                case.judge(&outcome, &self.adapter.contract(), is_red(canary));
                stage.check_orphans(case.name);
                assert!(
                    case.name != "hang" || started.elapsed() < HANG + Duration::from_millis(500),
                    "half a second after its deadline it was still there"
                );
            }
        }
    }
}

/// How long a hanging tool may hang.
const HANG: Duration = Duration::from_millis(1500);

fn is_red(canary: &Canary) -> bool {
    matches!(canary.expected, Expected::Red { .. })
}

fn subject(canary: &Canary, more: &[(String, String)]) -> Subject {
    let files = canary.files.iter().chain(more);
    Subject::of_files(files.map(|(path, text)| (path.clone(), text.as_bytes())))
}

/// A tool behind the script, and the gate that asks it.
struct Stage<A> {
    folder: tempfile::TempDir,
    gate: AdapterGate<Broken<A>>,
    mode: Arc<Mutex<String>>,
}

impl<A: ToolAdapter + 'static> Stage<A> {
    fn new(specimen: &Specimen<A>, mode: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let spec = specimen.adapter.tool();
        let program = Path::new(&spec.program);
        let name = program.file_name().expect("a program has a name");
        let real = locate(program, &specimen.search_path);
        let fake = folder.path().join(name);
        let version = spec.version_arguments.join(" ");
        let text = FAKE
            .replace("@REAL@", &quoted(&real.to_string_lossy()))
            .replace("@VERSION@", &quoted(&version))
            .replace("@HERE@", &quoted(&folder.path().to_string_lossy()));
        fs::write(&fake, text).expect("the folder is ours");
        fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).expect("the file is ours");
        let mode = Arc::new(Mutex::new(mode.to_owned()));
        let spec = ToolSpec { program: fake.to_string_lossy().into_owned(), ..spec.clone() };
        let adapter = Broken { inner: specimen.adapter.clone(), spec, mode: mode.clone() };
        let gate = AdapterGate::new(adapter).with_search_path(&specimen.search_path);
        Self { folder, gate, mode }
    }

    fn break_it(&self, mode: &str) {
        mode.clone_into(&mut self.mode.lock().unwrap_or_else(PoisonError::into_inner));
        let fake = PathBuf::from(&self.gate.adapter().spec.program);
        match mode {
            "tool missing" => fs::remove_file(&fake).expect("it is there"),
            "wrong version" => {
                let text = "#!/bin/sh\necho no version at all\n";
                fs::write(&fake, text).expect("the folder is ours");
            }
            _ => {}
        }
    }

    async fn examine(&self, subject: &Subject) -> Outcome {
        let examination = Examination::of(subject, self.gate.info()).expect("it is in memory");
        let examination = if self.is("empty scope") && !self.has_settings(subject) {
            Examination::new(subject.clone(), Vec::new(), examination.workspace().clone())
        } else {
            examination
        };
        self.gate.examine(examination).await
    }

    fn is(&self, mode: &str) -> bool {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner) == mode
    }

    fn has_settings(&self, subject: &Subject) -> bool {
        let judged = |path: &str| self.gate.info().scope.judges(path);
        subject.changed().iter().any(|file| !judged(file.path()))
    }

    /// No process that the script left behind is alive.
    fn check_orphans(&self, fault: &str) {
        let Ok(text) = fs::read_to_string(self.folder.path().join("orphan")) else { return };
        for pid in text.lines() {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let state = stat.rsplit(')').next().unwrap_or_default().trim();
            assert!(state.is_empty() || state.starts_with('Z'), "{fault}: {pid} lives: {stat}");
        }
    }
}

fn locate(program: &Path, search_path: &OsString) -> PathBuf {
    if program.is_absolute() {
        return program.to_path_buf();
    }
    let places = std::env::split_paths(search_path).map(|folder| folder.join(program));
    places.into_iter().find(|path| path.is_file()).expect("`is_there` was asked before")
}

/// As a shell reads it back.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The adapter, with the script in place of its tool and limits that tests can wait for.
#[derive(Debug)]
struct Broken<A> {
    inner: Arc<A>,
    spec: ToolSpec,
    mode: Arc<Mutex<String>>,
}

impl<A: ToolAdapter> Broken<A> {
    fn mode(&self) -> String {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<A: ToolAdapter> ToolAdapter for Broken<A> {
    fn info(&self) -> &GateInfo {
        self.inner.info()
    }

    fn tool(&self) -> &ToolSpec {
        &self.spec
    }

    fn invocations(&self, job: &Job<'_>) -> Result<Vec<Invocation>, Fault> {
        let invocations = self.inner.invocations(job)?;
        let contract = self.inner.contract();
        let clean = contract.clean.first().copied().unwrap_or_default();
        let found = contract.findings.iter().find(|code| !contract.clean.contains(code));
        let unknown = (1..256)
            .find(|code| !contract.clean.contains(code) && !contract.findings.contains(code));
        let wrong = found.copied().or(unknown).unwrap_or(99);
        let breaking = |invocation: Invocation| {
            let outputs: Vec<String> = invocation
                .outputs
                .iter()
                .map(|path| quoted(&job.folder.join(path).to_string_lossy()))
                .collect();
            invocation
                .with_variable("EVERGEN_FAULT", self.mode())
                .with_variable("EVERGEN_CLEAN", clean.to_string())
                .with_variable("EVERGEN_FOUND", wrong.to_string())
                .with_variable("EVERGEN_OUTPUTS", outputs.join(" "))
        };
        Ok(invocations.into_iter().map(breaking).collect())
    }

    fn contract(&self) -> ExitContract {
        self.inner.contract()
    }

    fn read(&self, job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
        self.inner.read(job, output)
    }

    fn canaries(&self) -> Vec<Canary> {
        self.inner.canaries()
    }

    fn limits(&self) -> Limits {
        match self.mode().as_str() {
            "hang" => self.inner.limits().with_time(HANG),
            "output flood" => self.inner.limits().with_output(1 << 20),
            _ => self.inner.limits(),
        }
    }
}

#[cfg(test)]
mod tests;
