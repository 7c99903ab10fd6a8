//! The engine: what a program calls.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use evergen_artifact::{
    AcquireError, ArtifactStore, DirectoryOptions, DirectoryStore, Durability, ProposedChanges,
    Recovery, WriterLock,
};
use uuid::Uuid;

use self::cycle::{Cycle, Finished, Halt, Mode, Purpose};
use self::memory::Kept;
pub(crate) use self::memory::Memory;
use crate::error::CycleError;
use crate::programs::Companions;
use crate::project::Project;
use crate::report::{Diagnostic, FileDiff, Progress, RunReport, Severity};
use crate::state::{Meta, StateFolder};

mod base;
mod catalogue;
mod check;
mod commit;
mod conflicts;
mod cycle;
mod evaluate;
mod explain;
mod gate;
mod graph;
mod imports;
mod making;
mod memory;
mod names;
mod orphans;
mod place;
mod remarks;
mod scan;
mod sources;
mod stale;
mod through;
mod times;
mod workers;

pub use self::explain::ExplainError;
pub use self::graph::GraphNode;

/// What an engine may do to its project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Write artifacts and state; nobody else may at the same time.
    Write {
        /// How long to wait for another writer; `None` waits as long as it takes.
        wait: Option<Duration>,
    },
    /// Look only.
    Read,
}

/// What a gate says of the changes that a cycle is about to commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// They may become visible.
    Commit,
    /// They may not; the output folder stays as it is.
    Withhold {
        /// What was found wanting.
        why: String,
    },
}

/// Somebody who has a say before a commit; see [`RegenerationEngine::run_gated`].
pub(crate) type Gate<'a> = Option<&'a dyn Fn(ProposedChanges) -> Decision>;

/// Keeps a project's artifacts true to its model.
///
/// Between calls the engine keeps in memory what the last committed cycle knew, so
/// that the next one only does what a change asks for. It never writes anything but
/// the output folder, `evergen.lock` and `.evergen/`.
pub struct RegenerationEngine {
    project: Project,
    store: DirectoryStore,
    folder: StateFolder,
    memory: Option<Memory>,
    /// What belongs to the state as the files tell it, where there is no memory.
    kept: Kept,
    notices: Vec<Diagnostic>,
    lock: Option<WriterLock>,
    /// Whether a commit may have been cut short since the last one that was not.
    unsettled: bool,
    pub(crate) companions: Option<Companions>,
}

impl fmt::Debug for RegenerationEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegenerationEngine").field("project", &self.project).finish_non_exhaustive()
    }
}

impl RegenerationEngine {
    /// Opens a project. With [`Access::Write`] a commit that was cut short is finished
    /// or taken back first.
    ///
    /// # Errors
    /// Another process writes to the project, or a folder can't be used.
    pub fn open(project: Project, access: Access) -> Result<Self, CycleError> {
        let lock = match access {
            Access::Read => None,
            Access::Write { wait } => {
                let lock = WriterLock::acquire(&project.state_dir(), wait.or(Some(FOREVER)));
                Some(lock.map_err(|error| match error {
                    AcquireError::Held { .. } => CycleError::Locked(error),
                    other => CycleError::storage("locking the project", other),
                })?)
            }
        };
        let store = open_store(&project)?;
        let folder = StateFolder::new(&project.state_dir());
        let mut engine = Self {
            project,
            store,
            folder,
            memory: None,
            kept: Kept::default(),
            notices: Vec::new(),
            lock,
            unsettled: false,
            companions: None,
        };
        if engine.lock.is_some() {
            engine.recover()?;
        }
        Ok(engine)
    }

    fn recover(&mut self) -> Result<(), CycleError> {
        let recovery = self.store.recover();
        let recovery = recovery
            .map_err(|error| CycleError::storage("looking for what an earlier run left", error))?;
        let message = match recovery {
            Recovery::Clean => return Ok(()),
            Recovery::Discarded => {
                "a run before this one was cut short before its commit; nothing of it was kept"
            }
            Recovery::Completed { damaged: 0 } => {
                "a run before this one was cut short during its commit; the rest of it is done now"
            }
            Recovery::Completed { .. } | Recovery::Unreadable => {
                // What the state says of files may not be so, now and after a run that fails.
                let meta = self.project.state_dir().join(crate::state::META);
                std::fs::remove_file(&meta).or_else(|error| match error.kind() {
                    std::io::ErrorKind::NotFound => Ok(()),
                    _ => Err(CycleError::storage(format!("removing {}", meta.display()), error)),
                })?;
                self.kept = Kept::default();
                self.memory = Some(Memory::fresh(memory::Fresh::Unusable(
                    "a commit was damaged, as can be after a power cut".to_owned(),
                )));
                "a run before this one was cut short and left damaged files; everything is generated"
            }
        };
        self.notices.push(Diagnostic::new(Severity::Notice, "state::recovered", message));
        Ok(())
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// How much memory the last cycle's state takes; nothing where none is kept.
    pub fn memory_use(&self) -> MemoryUse {
        let Some(memory) = &self.memory else {
            return MemoryUse { kept: self.kept.memory_bytes(), ..MemoryUse::default() };
        };
        MemoryUse {
            kept: memory.kept.memory_bytes(),
            model: memory.model.as_ref().map_or(0, evergen_knowledge::Model::memory_bytes),
            reads: memory
                .reads
                .as_ref()
                .map_or(0, |reads| reads.artifacts.memory_bytes() + reads.facts.memory_bytes()),
            artifacts: memory.artifacts.memory_bytes(),
        }
    }

    /// The files that templates declare to depend on, as the last commit knew them,
    /// relative to the project's folder.
    pub fn declared_files(&self) -> Vec<PathBuf> {
        let of = |meta: &Meta| -> Vec<PathBuf> {
            meta.declared.iter().map(|file| PathBuf::from(&file.path)).collect()
        };
        match &self.memory {
            Some(memory) => of(&memory.meta),
            None => self.folder.load_meta().map_or_else(|_| Vec::new(), |meta| of(&meta)),
        }
    }

    /// Changes the settings for the next cycle.
    ///
    /// # Errors
    /// The project lies in another folder, or its output folder can't be used; the engine
    /// is as it was.
    pub fn set_project(&mut self, project: Project) -> Result<(), CycleError> {
        if project.root != self.project.root {
            let why = "the project lies in another folder; open an engine there";
            return Err(CycleError::storage("changing the settings", why));
        }
        self.store = open_store(&project)?;
        self.project = project;
        self.memory = None;
        self.kept = Kept::default();
        Ok(())
    }

    /// Brings the output folder up to date.
    ///
    /// # Errors
    /// See [`CycleError`]; after an error nothing in the output folder has changed, but for
    /// a disk that fails in the middle of a commit: the next call finishes that first.
    pub fn run(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<RunReport, CycleError> {
        self.commit_cycle(false, None, progress)
    }

    /// Like [`run`](Self::run), but asks `gate` before anything becomes visible.
    ///
    /// The gate gets every file that would be written, with its bytes, and every file
    /// that would be removed. It is asked once for a cycle, and not at all where the
    /// output folder stays as it is.
    ///
    /// # Errors
    /// [`CycleError::Withheld`] where the gate says no; else see [`run`](Self::run).
    pub fn run_gated(
        &mut self,
        gate: &dyn Fn(ProposedChanges) -> Decision,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<RunReport, CycleError> {
        self.commit_cycle(false, Some(gate), progress)
    }

    /// Makes every artifact anew, and writes those whose bytes differ.
    ///
    /// # Errors
    /// See [`run`](Self::run).
    pub fn run_full(
        &mut self,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<RunReport, CycleError> {
        self.commit_cycle(true, None, progress)
    }

    fn commit_cycle(
        &mut self,
        full: bool,
        gate: Gate<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<RunReport, CycleError> {
        if self.lock.is_none() {
            return Err(CycleError::storage("writing", "the project was opened for reading"));
        }
        if self.unsettled {
            self.recover()?;
        }
        let mode = Mode { purpose: Purpose::Commit, full };
        self.unsettled = true;
        let finished = self.cycle(mode, gate, progress)?;
        self.unsettled = false;
        Ok(finished.report)
    }

    /// What [`run`](Self::run) would do, and why; nothing is written.
    ///
    /// # Errors
    /// See [`CycleError`].
    pub fn plan(&mut self) -> Result<RunReport, CycleError> {
        Ok(self.preview(false)?.report)
    }

    /// How the files would change, as unified diffs; nothing is written.
    ///
    /// # Errors
    /// See [`CycleError`].
    pub fn diff(&mut self) -> Result<Vec<FileDiff>, CycleError> {
        let finished = self.preview(true)?;
        Ok(check::diffs(&finished, &self.project))
    }

    /// What [`run`](Self::run) would write and remove, with the bytes; nothing is written.
    ///
    /// # Errors
    /// See [`CycleError`].
    pub fn proposal(&mut self) -> Result<ProposedChanges, CycleError> {
        let mut finished = self.preview(true)?;
        Ok(gate::proposed(&mut finished.outcomes, &finished.deletions, |_| "".into()))
    }

    fn preview(&mut self, texts: bool) -> Result<Finished, CycleError> {
        let purpose = if texts { Purpose::Diff } else { Purpose::Preview };
        self.cycle(Mode { purpose, full: false }, None, &mut |_| {})
    }

    /// Runs a cycle, a second time from nothing if the state turns out to be damaged.
    fn cycle(
        &mut self,
        mode: Mode,
        gate: Gate<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Finished, CycleError> {
        let kept = std::mem::take(&mut self.kept);
        let mut memory = self.memory.take().unwrap_or_else(|| {
            let mut memory = Memory::open(&self.folder, &self.project);
            if memory.fresh.is_none() {
                memory.kept = kept.belonging_to(&self.folder);
            }
            memory
        });
        let finished = self.cycle_on(&mut memory, mode, gate, progress);
        // A cycle that ended before it asked anything, as with a model that can't be read, has
        // changed nothing of what is known about the last state.
        if finished.is_err() && memory.kept.answers.is_some() {
            self.kept = std::mem::take(&mut memory.kept);
        }
        let mut finished = finished?;
        finished.report.diagnostics.append(&mut self.notices);
        // After a preview, and after a new base, the files tell the state best.
        if mode.purpose == Purpose::Commit {
            if memory.rebased {
                self.kept = memory.kept;
            } else {
                self.memory = Some(memory);
            }
        }
        Ok(finished)
    }

    fn cycle_on(
        &self,
        memory: &mut Memory,
        mode: Mode,
        gate: Gate<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Finished, CycleError> {
        let id = Uuid::now_v7();
        progress(Progress::Started { cycle_id: id });
        let cycle = Cycle {
            project: &self.project,
            store: &self.store,
            folder: &self.folder,
            mode,
            gate,
            id,
            at_ms: cycle::now_ms(),
            reading: imports::reading_digest(&self.project),
        };
        let mut result = cycle.run(memory, progress);
        for _ in 0..MOST_TRIES {
            *memory = match result {
                Err(Halt::StartOver(why)) => Memory::fresh(why),
                Err(Halt::Again) => Memory::open(&self.folder, &self.project),
                _ => break,
            };
            result = cycle.run(memory, progress);
        }
        progress(Progress::Finished { cycle_id: id, ok: result.is_ok() });
        match result {
            Ok(finished) => Ok(finished),
            Err(Halt::Failed(error)) => Err(error),
            Err(Halt::StartOver(_)) => {
                Err(CycleError::storage("opening the state", "it can't be opened twice"))
            }
            Err(Halt::Again) => Err(CycleError::storage(
                "writing",
                "files in the output folder change faster than they can be compared",
            )),
        }
    }
}

fn open_store(project: &Project) -> Result<DirectoryStore, CycleError> {
    let durability =
        if project.settings.regeneration.durable { Durability::Power } else { Durability::Process };
    let store = DirectoryStore::open(
        &project.output_dir(),
        &project.root,
        &project.state_dir(),
        DirectoryOptions { durability },
    );
    store.map_err(|error| CycleError::storage("opening the project", error))
}

/// Bytes of memory that an engine's state takes, roughly; pages of mapped files count as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryUse {
    /// The model: quads, terms, and what each source says.
    pub model: usize,
    /// Which patterns each artifact read.
    pub reads: usize,
    /// What is remembered of each artifact besides.
    pub artifacts: usize,
    /// What views found out and parts of artifacts, which are kept from cycle to cycle.
    pub kept: usize,
}

/// So often a cycle begins again before it gives up.
const MOST_TRIES: usize = 3;

/// Longer than anybody waits.
const FOREVER: Duration = Duration::from_hours(8760);
