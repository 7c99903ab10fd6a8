use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use evergen_artifact::Digest;
use futures::future::{BoxFuture, FutureExt};

use crate::process::{self, Home, Request, clean_environment, last_words};
use crate::{
    Canary, Coverage, Examination, Expected, Fault, Finding, Gate, GateInfo, GateKind, Identity,
    Invocation, Job, Outcome, ReadFault, Reading, Scope, Subject, SubjectFile, ToolAdapter,
    ToolOutput,
};

mod contract;
pub(crate) mod find;
mod proxy;

pub use self::contract::judge_exit;
use self::find::{Found, find};

/// A gate that asks a tool from outside.
///
/// It finds the tool and checks its version, lets it prove itself on its canaries before its
/// first verdict, runs it under limits in a folder of our own, and holds what it says against
/// its exit codes and against what it was asked to look at.
pub struct AdapterGate<A> {
    adapter: A,
    homes: Vec<PathBuf>,
    search_path: Option<OsString>,
    proofs: Option<PathBuf>,
    found: tokio::sync::Mutex<Option<Found>>,
    proved: Mutex<BTreeSet<Digest>>,
}

impl<A> std::fmt::Debug for AdapterGate<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdapterGate").finish_non_exhaustive()
    }
}

impl<A: ToolAdapter> AdapterGate<A> {
    /// A gate of this tool, looked for on the search path.
    pub fn new(adapter: A) -> Self {
        Self {
            adapter,
            homes: Vec::new(),
            search_path: None,
            proofs: None,
            found: tokio::sync::Mutex::default(),
            proved: Mutex::default(),
        }
    }

    /// A folder in which [`ToolSpec::also_in`](crate::ToolSpec::also_in) is looked for; of
    /// several, in that order.
    #[must_use]
    pub fn with_home(mut self, folder: impl Into<PathBuf>) -> Self {
        self.homes.push(folder.into());
        self
    }

    /// Another search path than the environment's; the tool gets it, too.
    #[must_use]
    pub fn with_search_path(mut self, path: impl Into<OsString>) -> Self {
        self.search_path = Some(path.into());
        self
    }

    /// A folder in which passed proofs are remembered, by tool and settings. Without it, each
    /// process has them proved anew.
    #[must_use]
    pub fn remembering_proofs_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.proofs = Some(folder.into());
        self
    }

    /// The tool that is described.
    pub fn adapter(&self) -> &A {
        &self.adapter
    }

    /// Finds the tool, or finds it unchanged.
    pub(crate) async fn found(&self) -> Result<Found, Fault> {
        let mut kept = self.found.lock().await;
        if let Some(found) = kept.as_ref().filter(|found| found.is_current()) {
            return Ok(found.clone());
        }
        let path = self.search_path.clone().or_else(|| std::env::var_os("PATH"));
        let found = find(self.adapter.tool(), &self.homes, path).await?;
        Ok(kept.insert(found).clone())
    }

    /// What a process of the tool finds in its environment; `home` is a folder of its own.
    pub(crate) fn environment(&self, home: &Path) -> BTreeMap<OsString, OsString> {
        let mut environment = clean_environment(&self.adapter.tool().passes, Home::Own(home));
        if let Some(path) = &self.search_path {
            environment.insert("PATH".into(), path.clone());
        }
        environment
    }

    async fn answer(&self, examination: &Examination) -> Result<Outcome, Fault> {
        if examination.files().is_empty() {
            let what = "no file is left in the gate's scope".to_owned();
            return Err(Fault::EmptyScope { what });
        }
        let tree = tree_of(examination).await?;
        if let Some(wanted) = self.info().scope.surely_lacks(tree.iter().map(SubjectFile::path)) {
            return Err(Fault::NoProject { wanted: wanted.to_owned() });
        }
        let found = self.found().await?;
        self.prove(&found).await?;
        let reading = self.run(&found, examination).await?;
        Ok(Outcome::of(reading.findings, reading.coverage))
    }

    /// Lets the tool show that it sees planted mistakes, once for each tool and settings.
    async fn prove(&self, found: &Found) -> Result<(), Fault> {
        let canaries = self.adapter.canaries();
        let name = &self.adapter.info().name;
        let key =
            format!("{name}\0{}\0{}\0{canaries:?}", found.digest, self.adapter.info().settings);
        let key = Digest::of(key.as_bytes());
        let remembered = self.proofs.as_ref().map(|folder| folder.join(key.to_string()));
        if locked(&self.proved).contains(&key)
            || remembered.as_ref().is_some_and(|file| file.exists())
        {
            return Ok(());
        }
        let is_red = |canary: &Canary| matches!(canary.expected, Expected::Red { .. });
        if canaries.iter().all(is_red) || !canaries.iter().any(is_red) {
            let what = "it needs a red and a green canary".to_owned();
            return Err(Fault::CanaryMissed { what });
        }
        for canary in &canaries {
            self.release(found, canary).await?;
        }
        locked(&self.proved).insert(key);
        if let Some(file) = remembered {
            // A proof that is forgotten is only repeated.
            let _ = file.parent().map(std::fs::create_dir_all);
            let _ = std::fs::write(file, "");
        }
        Ok(())
    }

    async fn release(&self, found: &Found, canary: &Canary) -> Result<(), Fault> {
        let files = canary.files.iter().map(|(path, text)| (path.clone(), text.as_bytes()));
        let subject = Subject::of_files(files);
        let examination = Examination::of(&subject, self.adapter.info())?;
        if examination.files().is_empty() {
            return Err(missed(canary, "no file of the canary is in the gate's scope"));
        }
        // What keeps the tool from working at all has a better name than a missed canary.
        let reading = self.run(found, &examination).await?;
        held(canary, &reading.findings)
    }

    async fn run(&self, found: &Found, examination: &Examination) -> Result<Reading, Fault> {
        let name = &self.adapter.info().name;
        let folder = examination.workspace().folder().await?.to_path_buf();
        // Tools name files by where they really are, whatever link leads there.
        let folder = folder.canonicalize().unwrap_or(folder);
        let cache = examination.workspace().cache(name).await?;
        let tree = tree_of(examination).await?;
        let settings = settings_of(&tree, &self.adapter.info().scope).await?;
        let job = Job::new(&folder, &cache, examination.files(), &found.tool);
        let job = job.within(&tree).reading(settings);
        let invocations = self.adapter.invocations(&job)?;
        if invocations.is_empty() {
            return Err(Fault::EmptyScope { what: "the adapter had nothing to run".to_owned() });
        }
        let program = found.program_in(&folder);
        let mut whole = Reading::default();
        for (index, invocation) in invocations.iter().enumerate() {
            let proof = self.proof(found, invocation, &tree)?;
            if proof.is_some_and(|proof| locked(&self.proved).contains(&proof)) {
                continue;
            }
            let output = self.invoke(&job, program, invocation, index).await?;
            let read = self.adapter.read(&job, &output);
            let said = last_words(&output.stdout, &output.stderr);
            let reading = judge_exit(&self.adapter.contract(), output.code, &said, read)?;
            // What it found would be gone the next time.
            if reading.findings.is_empty() {
                locked(&self.proved).extend(proof);
            }
            let findings = reading.findings.into_iter();
            let findings = findings.map(|it| relative(it, &folder, Path::new(&invocation.folder)));
            whole.findings.extend(findings);
            whole.coverage = whole.coverage.and(reading.coverage);
            whole.beyond += reading.beyond;
        }
        let coverage = std::mem::take(&mut whole.coverage);
        whole.coverage = complete(coverage, whole.beyond, self.adapter.info(), &job)?;
        Ok(whole)
    }

    /// By what a control is known that need not be repeated: the tool, the run, and the settings
    /// in the tree. Nothing for any other run.
    fn proof(
        &self,
        found: &Found,
        run: &Invocation,
        tree: &[SubjectFile],
    ) -> Result<Option<Digest>, Fault> {
        let scope = &self.adapter.info().scope;
        if !run.is_control || !scope.says_what_it_reads() {
            return Ok(None);
        }
        let mut key = format!("control\0{}\0{run:?}", found.digest);
        for file in tree.iter().filter(|file| scope.reads(file.path())) {
            key.extend(["\0", file.path(), "\0", &file.digest()?.to_string()]);
        }
        Ok(Some(Digest::of(key.as_bytes())))
    }

    async fn invoke(
        &self,
        job: &Job<'_>,
        program: &Path,
        invocation: &Invocation,
        index: usize,
    ) -> Result<ToolOutput, Fault> {
        let folder = job.folder_of(invocation);
        let outputs: Vec<PathBuf> =
            invocation.outputs.iter().map(|output| folder.join(output)).collect();
        for output in &outputs {
            // An old report must not be taken for a new one.
            match std::fs::remove_file(output) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(unreadable(output, &error));
                }
                _ => {}
            }
        }
        for (path, bytes) in &invocation.inputs {
            std::fs::write(path, bytes).map_err(|error| unreadable(path, &error))?;
        }
        let mut environment = self.environment(&job.cache.join("home"));
        let own = invocation.environment.iter();
        environment.extend(own.map(|(name, value)| (name.into(), value.into())));
        let finished = process::run(Request {
            program: program.to_path_buf(),
            arguments: invocation.arguments.clone(),
            folder,
            private: true,
            environment,
            input: invocation.input.clone(),
            limits: self.adapter.limits(),
        })
        .await?;
        let duration_us = u64::try_from(finished.duration.as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(
            gate = self.adapter.info().name,
            duration_us,
            code = finished.code,
            "a tool ran"
        );
        let limit = self.adapter.limits().output;
        let files: Result<Vec<Option<Vec<u8>>>, Fault> =
            outputs.iter().map(|output| read_output(output, limit)).collect();
        Ok(ToolOutput {
            code: finished.code,
            stdout: finished.stdout,
            stderr: finished.stderr,
            files: files?,
            invocation: index,
        })
    }
}

impl<A: ToolAdapter> Gate for AdapterGate<A> {
    fn info(&self) -> &GateInfo {
        self.adapter.info()
    }

    fn identity(&self) -> BoxFuture<'_, Result<Identity, Fault>> {
        async move {
            let found = self.found().await?;
            Ok(Identity { lookers: vec![found.tool.looker], digest: found.digest })
        }
        .boxed()
    }

    fn examine(&self, examination: Examination) -> BoxFuture<'_, Outcome> {
        async move { self.answer(&examination).await.unwrap_or_else(Outcome::Error) }.boxed()
    }
}

/// Holds what was looked at against what was asked, and says who looked. What is beyond the tool
/// is not counted as looked at.
fn complete(
    coverage: Coverage,
    beyond: u64,
    info: &GateInfo,
    job: &Job<'_>,
) -> Result<Coverage, Fault> {
    let asked = (job.files.len() as u64).saturating_sub(beyond);
    let counts_tests = info.kind == GateKind::Tests;
    if counts_tests && coverage.tests == 0 {
        return Err(Fault::EmptyScope { what: "no test ran".to_owned() });
    }
    if coverage.files == 0 && !counts_tests {
        let what = format!("the tool looked at none of {asked} file(s)");
        return Err(Fault::EmptyScope { what });
    }
    if coverage.files < asked && !counts_tests {
        if let Some(odd) = job.files.iter().find(|file| file.path().contains(['\n', '\r'])) {
            let why = format!("the name {:?} has line feeds, and the tool lists names", odd.path());
            return Err(Fault::infra(why, "Rename the file, or exclude it."));
        }
        let (what, looked) = ("files".to_owned(), coverage.files);
        return Err(Fault::Partial { what, looked, asked });
    }
    let is_said = coverage.by.iter().any(|looker| looker.name == job.tool.looker.name);
    Ok(if is_said { coverage } else { coverage.by(job.tool.looker.clone()) })
}

/// Holds what was found in a canary against what must be found.
pub(crate) fn held(canary: &Canary, findings: &[Finding]) -> Result<(), Fault> {
    match &canary.expected {
        Expected::Green if findings.is_empty() => Ok(()),
        Expected::Green => Err(missed(canary, &format!("found {}", shown_rules(findings)))),
        Expected::Red { rule } => {
            let wanted = |finding: &Finding| {
                rule.as_ref().is_none_or(|rule| finding.rule.contains(rule.as_str()))
            };
            if findings.iter().any(wanted) {
                return Ok(());
            }
            let rule = rule.as_deref().unwrap_or("anything");
            Err(missed(canary, &format!("wanted {rule}, found {}", shown_rules(findings))))
        }
    }
}

fn missed(canary: &Canary, said: &str) -> Fault {
    let shown = canary.files.first().map_or("nothing", |(path, _)| path);
    Fault::CanaryMissed { what: format!("{shown}: {said}") }
}

/// All files of the tree. They are walked, which does not belong on the runtime's own threads.
async fn tree_of(examination: &Examination) -> Result<Vec<SubjectFile>, Fault> {
    let subject = examination.subject().clone();
    let tree = tokio::task::spawn_blocking(move || subject.files().map(<[_]>::to_vec)).await;
    Ok(tree.map_err(|error| Fault::infra(error.to_string(), "Run the gates again."))??)
}

/// What stands in the settings among these files.
async fn settings_of(
    tree: &[SubjectFile],
    scope: &Scope,
) -> Result<BTreeMap<String, Arc<[u8]>>, Fault> {
    let read: Vec<SubjectFile> =
        tree.iter().filter(|file| scope.reads(file.path())).cloned().collect();
    let text = |file: &SubjectFile| Ok::<_, ReadFault>((file.path().to_owned(), file.bytes()?));
    let reading = move || read.iter().map(text).collect::<Result<_, _>>();
    Ok(tokio::task::spawn_blocking(reading)
        .await
        .map_err(|error| Fault::infra(error.to_string(), "Run the gates again."))??)
}

/// Tools name files as they like; a finding names them from the tree's root. `within` is where in
/// the tree the tool was run.
fn relative(mut finding: Finding, folder: &Path, within: &Path) -> Finding {
    let inner = |file: String| {
        let path = Path::new(&file);
        let path = match path.strip_prefix(folder) {
            Ok(path) => path.to_owned(),
            // The name of an absolute path stays as it is.
            Err(_) => within.join(path.strip_prefix(".").unwrap_or(path)),
        };
        path.to_str().map_or(file.clone(), |path| path.replace('\\', "/"))
    };
    finding.file = finding.file.map(inner);
    for edit in finding.fix.iter_mut().flat_map(|fix| &mut fix.edits) {
        edit.file = inner(std::mem::take(&mut edit.file));
    }
    finding
}

fn shown_rules(findings: &[Finding]) -> String {
    let rules: BTreeSet<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
    if rules.is_empty() {
        return "nothing".to_owned();
    }
    rules.into_iter().take(8).collect::<Vec<_>>().join(", ")
}

fn read_output(path: &Path, limit_bytes: u64) -> Result<Option<Vec<u8>>, Fault> {
    use std::io::Read as _;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    let mut bytes = Vec::new();
    let read = file.take(limit_bytes.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > limit_bytes {
        return Err(Fault::Flood { what: path.display().to_string(), limit_bytes });
    }
    Ok(Some(bytes))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::infra(format!("{}: {error}", path.display()), "Check the state folder.")
}

/// Each critical section leaves whole values behind, so a panic elsewhere does no harm.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
