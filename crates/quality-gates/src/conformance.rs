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

/// A program that says nothing of its version.
const NONSENSE: &str = "#!/bin/sh\necho no version at all\n";

/// The script that stands in a tool's place.
const FAKE: &str = include_str!("conformance/fake.sh");

/// An adapter to be tested, with its real tool.
#[derive(Debug)]
pub struct Specimen<A> {
    adapter: Arc<A>,
    excluding: Vec<(String, String)>,
    search_path: OsString,
    is_quick: bool,
}

impl<A: ToolAdapter + 'static> Specimen<A> {
    /// An adapter whose tool is on the search path.
    pub fn new(adapter: A) -> Self {
        let search_path = std::env::var_os("PATH").unwrap_or_default();
        let adapter = Arc::new(adapter);
        Self { adapter, excluding: Vec::new(), search_path, is_quick: false }
    }

    /// Only what the adapter decides, for tools that take seconds: faults of runs that come to
    /// their end, once each, in a tool that has proved itself before.
    #[must_use]
    pub fn quickly(mut self) -> Self {
        self.is_quick = true;
        self
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
        let proved = Stage::new(self, "ok");
        self.check_verdicts(&proved).await;
        let cases = FAULTS.iter().filter(|case| self.concerns(case));
        for case in cases {
            let concerned = |canary: &Canary| case.concerns(is_red(canary));
            let canaries = self.adapter.canaries().into_iter().filter(concerned);
            for canary in canaries.take(if self.is_quick { 1 } else { usize::MAX }) {
                self.check_fault(*case, &canary, &proved).await;
                if !self.is_quick {
                    self.check_fault(*case, &canary, &Stage::new(self, "ok")).await;
                }
            }
        }
    }

    fn concerns(&self, case: &FaultCase) -> bool {
        let can_be = !case.needs_exclusion || !self.excluding.is_empty();
        can_be && (!self.is_quick || case.depends_on_adapter())
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
    async fn check_verdicts(&self, stage: &Stage<A>) {
        for canary in self.adapter.canaries() {
            let outcome = stage.examine(&subject(&canary, &[]), false).await;
            let fits = match canary.expected {
                Expected::Red { .. } => matches!(outcome, Outcome::Fail(_)),
                Expected::Green => matches!(outcome, Outcome::Pass(_)),
            };
            assert!(fits, "{:?}: {outcome:?}", canary.files);
        }
    }

    async fn check_fault(&self, case: FaultCase, canary: &Canary, stage: &Stage<A>) {
        // Finding the tool is not a part of its run.
        let _ = stage.gate.identity().await;
        stage.break_it(case.name);
        let settings = if case.needs_exclusion { &self.excluding[..] } else { &[] };
        let started = Instant::now();
        let is_empty = case.name == "empty scope" && !case.needs_exclusion;
        let outcome = stage.examine(&subject(canary, settings), is_empty).await;
        case.judge(&outcome, &self.adapter.contract(), is_red(canary));
        stage.check_orphans(case.name);
        assert!(
            case.name != "hang" || started.elapsed() < HANG + Duration::from_millis(500),
            "half a second after its deadline it was still there"
        );
        if stage.mend() {
            stage.examine(&subject(canary, &[]), false).await;
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
    script: String,
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
        write_program(&fake, &text);
        let mode = Arc::new(Mutex::new(mode.to_owned()));
        let spec = ToolSpec { program: fake.to_string_lossy().into_owned(), ..spec.clone() };
        let adapter = Broken { inner: specimen.adapter.clone(), spec, mode: mode.clone() };
        let gate = AdapterGate::new(adapter).with_search_path(&specimen.search_path);
        Self { folder, gate, mode, script: text }
    }

    fn break_it(&self, mode: &str) {
        self.set(mode);
        let fake = self.fake();
        match mode {
            "tool missing" => fs::remove_file(&fake).expect("it is there"),
            "wrong version" => {
                write_program(&fake, NONSENSE);
                self.other().iter().for_each(|other| write_program(other, NONSENSE));
            }
            _ => {}
        }
    }

    /// Where the program is looked for that says the version in the tool's place.
    fn other(&self) -> Option<PathBuf> {
        let by = self.gate.adapter().spec.version_by.as_ref()?;
        let other = self.fake().with_file_name(&by.0);
        (other != self.fake()).then_some(other)
    }

    /// Makes the tool whole again, and says whether it is another file now, which has to prove
    /// itself anew.
    fn mend(&self) -> bool {
        self.set("ok");
        if fs::read_to_string(self.fake()).is_ok_and(|text| text == self.script) {
            return false;
        }
        write_program(&self.fake(), &self.script);
        if let Some(other) = self.other().filter(|other| other.exists()) {
            fs::remove_file(other).expect("the folder is ours");
        }
        true
    }

    fn set(&self, mode: &str) {
        mode.clone_into(&mut self.mode.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn fake(&self) -> PathBuf {
        PathBuf::from(&self.gate.adapter().spec.program)
    }

    async fn examine(&self, subject: &Subject, is_empty: bool) -> Outcome {
        let examination = Examination::of(subject, self.gate.info()).expect("it is in memory");
        let examination = if is_empty {
            Examination::new(subject.clone(), Vec::new(), examination.workspace().clone())
        } else {
            examination
        };
        self.gate.examine(examination).await
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

fn write_program(path: &Path, text: &str) {
    fs::write(path, text).expect("the folder is ours");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
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
