//! Healers that let a gate's own tool mend what it found, in a copy of the tree.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use futures::future::{BoxFuture, FutureExt};

use super::ReadyAdapter;
use crate::adapter::find::{Found, find};
use crate::process::{Home, Request, clean_environment, last_words, run};
use crate::{
    Crash, Declared, Fault, Finding, FindingFixes, FixClass, Healer, HealerInfo, Invocation, Job,
    Limits, Proposal, Scope, Scratch, Subject, SubjectFile, ToolAdapter, ToolSpec, Workspace,
};

mod dependency;
mod filters;
mod ready;

pub(crate) use self::dependency::advisory;
pub use self::filters::{FilterRecipe, filters_for};

/// A tool that mends files in a copy of the tree, which is all that it ever sees.
///
/// What it did to the files that the findings name is proposed, and judged like any other
/// repair; what it did besides is left where it is. A tool that is missing, hangs or ends with
/// another code than agreed is a [`Fault`].
pub struct ToolHealer {
    info: HealerInfo,
    gate: String,
    takes: fn(&Finding) -> bool,
    reach: Reach,
    tool: ToolSpec,
    run: fn(&Job<'_>, &[Finding]) -> Vec<Invocation>,
    ends_with: &'static [i32],
    limits: Limits,
    homes: Vec<PathBuf>,
    search_path: Option<OsString>,
    scratch: Arc<OnceLock<Scratch>>,
    found: tokio::sync::Mutex<Option<Found>>,
}

/// Where a healer may edit, known before it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Anywhere in the files that findings name: layout is of the whole file.
    Files,
    /// In the lines of findings and of the fixes that they bring with them.
    Lines,
}

impl fmt::Debug for ToolHealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolHealer").field("info", &self.info).finish_non_exhaustive()
    }
}

/// All healers that are ready: fixes that findings bring with them, then those of tools. What may
/// change the meaning of code is among them, and is asked only
/// [by choice](crate::HealOptions::with_unsafe).
pub fn ready_healers() -> Vec<Box<dyn Healer>> {
    let scratch = Arc::default();
    let tools = ready::all().into_iter().map(|healer| healer.sharing(&scratch));
    let fixes: [Box<dyn Healer>; 2] =
        [Box::new(FindingFixes::safe()), Box::new(FindingFixes::all())];
    fixes.into_iter().chain(tools.map(|healer| Box::new(healer) as Box<dyn Healer>)).collect()
}

/// The healers of one tool's findings, which ask the program that the adapter asks, where that
/// is the one that mends. None where the tool knows no way to mend, or where its findings bring
/// their fixes with them.
pub fn healers_for(adapter: &ReadyAdapter) -> Vec<ToolHealer> {
    let scratch = Arc::default();
    let own = ready::all().into_iter().filter(|healer| healer.gate == adapter.info().name);
    let with_tool = |healer: ToolHealer| match healer.info.class {
        FixClass::Dependency => healer,
        _ => ToolHealer { tool: adapter.tool().clone(), ..healer },
    };
    own.map(|healer| with_tool(healer).sharing(&scratch)).collect()
}

impl ToolHealer {
    /// A folder in which the tool is looked for before the search path; of several, in that order.
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

    /// What a run may use.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The gate whose findings it mends.
    pub fn gate(&self) -> &str {
        &self.gate
    }

    /// Healers that share a folder copy the tree once and from then on what differs.
    fn sharing(mut self, scratch: &Arc<OnceLock<Scratch>>) -> Self {
        self.scratch = scratch.clone();
        self
    }

    async fn found(&self) -> Result<Found, Fault> {
        let mut kept = self.found.lock().await;
        if let Some(found) = kept.as_ref().filter(|found| found.is_current()) {
            return Ok(found.clone());
        }
        let path = self.search_path.clone().or_else(|| std::env::var_os("PATH"));
        let found = find(&self.tool, &self.homes, path).await?;
        Ok(kept.insert(found).clone())
    }

    async fn repair(&self, subject: &Subject, findings: &[Finding]) -> Result<Proposal, Fault> {
        let paths: BTreeSet<String> =
            findings.iter().filter_map(|finding| finding.file.clone()).collect();
        let (scope, shared) = (self.info.scope.clone(), subject.clone());
        let files = blocking(move || named(&shared, &scope, &paths)).await??;
        if files.is_empty() {
            return Ok(Proposal::default());
        }
        let found = self.found().await?;
        let workspace = Workspace::new(subject.clone(), Some(self.scratch()?));
        let folder = workspace.folder().await?.to_path_buf();
        let cache = workspace.cache(&self.info.name).await?;
        let job = Job::new(&folder, &cache, &files, &found.tool);
        for invocation in (self.run)(&job, findings) {
            self.invoke(&job, invocation).await?;
        }
        let limit = self.limits.output;
        let mended = blocking(move || read_back(&folder, &files, limit)).await??;
        let heals = findings.iter().map(|finding| finding.fingerprint.clone()).collect();
        let declared = self.declared(findings, &mended);
        Ok(Proposal::new(mended, declared, heals))
    }

    fn scratch(&self) -> Result<Scratch, Fault> {
        if let Some(scratch) = self.scratch.get() {
            return Ok(scratch.clone());
        }
        let scratch = Scratch::temporary()?;
        Ok(self.scratch.get_or_init(|| scratch).clone())
    }

    fn declared(&self, findings: &[Finding], files: &[Mended]) -> Vec<Declared> {
        if self.reach == Reach::Files {
            return files.iter().map(|(path, _)| Declared::File(path.clone())).collect();
        }
        let of_finding = |finding: &Finding| {
            let own = finding.file.clone().zip(finding.region);
            let edits = finding
                .fix
                .iter()
                .flat_map(|fix| &fix.edits)
                .map(|edit| (edit.file.clone(), crate::Region::between(edit.start, edit.end)));
            own.into_iter().chain(edits).collect::<Vec<_>>()
        };
        let places = findings.iter().flat_map(of_finding);
        places.map(|(file, region)| Declared::Lines(file, region)).collect()
    }

    async fn invoke(&self, job: &Job<'_>, invocation: Invocation) -> Result<(), Fault> {
        for (path, bytes) in &invocation.inputs {
            std::fs::write(path, bytes).map_err(|error| {
                Fault::infra(format!("{}: {error}", path.display()), "Check the state folder.")
            })?;
        }
        let home = job.cache.join("home");
        let mut environment = clean_environment(&self.tool.passes, Home::Own(&home));
        if let Some(path) = &self.search_path {
            environment.insert("PATH".into(), path.clone());
        }
        let folder = job.folder_of(&invocation);
        let own = invocation.environment.into_iter();
        environment.extend(own.map(|(name, value)| (name.into(), value.into())));
        let finished = run(Request {
            program: job.tool.path.clone(),
            arguments: invocation.arguments,
            folder,
            private: true,
            environment,
            input: invocation.input,
            limits: self.limits,
        })
        .await?;
        let code = finished.code;
        tracing::debug!(healer = self.info.name, code, "a tool mended");
        if self.ends_with.contains(&code) {
            return Ok(());
        }
        let said = last_words(&finished.stdout, &finished.stderr);
        Err(Fault::Crash { how: Crash::Exit { code }, said })
    }
}

impl Healer for ToolHealer {
    fn info(&self) -> &HealerInfo {
        &self.info
    }

    fn heals(&self, gate: &str, finding: &Finding) -> bool {
        let in_scope = |file: &String| self.info.scope.judges(file);
        gate == self.gate && finding.file.as_ref().is_some_and(in_scope) && (self.takes)(finding)
    }

    fn propose<'a>(
        &'a self,
        subject: &'a Subject,
        findings: &'a [Finding],
    ) -> BoxFuture<'a, Result<Proposal, Fault>> {
        self.repair(subject, findings).boxed()
    }
}

/// The files that are named and may be edited.
fn named(
    subject: &Subject,
    scope: &Scope,
    paths: &BTreeSet<String>,
) -> Result<Vec<SubjectFile>, Fault> {
    let own = paths.iter().filter(|path| scope.judges(path));
    own.filter_map(|path| subject.get(path).map_err(Fault::from).transpose()).collect()
}

/// A file's path and its bytes as they are now.
type Mended = (String, Arc<[u8]>);

/// What stands in the copy now. A file that is gone, or is none any more, was not mended.
fn read_back(folder: &Path, files: &[SubjectFile], limit_bytes: u64) -> Result<Vec<Mended>, Fault> {
    let read = |file: &SubjectFile| {
        let place = folder.join(file.path());
        let broken =
            |why: String| Fault::unparsable(format!("{} as it was mended", file.path()), why);
        let metadata = place.symlink_metadata().map_err(|error| broken(error.to_string()))?;
        if !metadata.is_file() {
            return Err(broken("it is no file any more".to_owned()));
        }
        if metadata.len() > limit_bytes {
            return Err(Fault::Flood { what: file.path().to_owned(), limit_bytes });
        }
        let bytes = std::fs::read(&place).map_err(|error| broken(error.to_string()))?;
        Ok((file.path().to_owned(), Arc::from(bytes)))
    };
    files.iter().map(read).collect()
}

/// Files do not belong on the runtime's own threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Fault::infra(format!("reading what was mended failed: {error}"), "Report this.")
    })
}

/// What all of one program's healers have in common.
fn healer(name: &str, class: FixClass, gate: &str, endings: &[&str], tool: ToolSpec) -> ToolHealer {
    let scope = Scope::extensions(endings.iter().copied());
    ToolHealer {
        info: HealerInfo::new(name, class).with_scope(scope),
        gate: gate.to_owned(),
        takes: |_| true,
        reach: Reach::Files,
        tool,
        run: |_, _| Vec::new(),
        ends_with: &[0],
        limits: Limits::default(),
        homes: Vec::new(),
        search_path: None,
        scratch: Arc::default(),
        found: tokio::sync::Mutex::default(),
    }
}
