//! One cycle: look, read, work out, make, commit.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use evergen_artifact::{ArtifactPath, ArtifactStore, Digest};
use evergen_delta::{Delta, Fingerprint};
use evergen_knowledge::Model;
use rustc_hash::FxHashSet;
use uuid::Uuid;

use super::Gate;
use super::catalogue::{self, Catalogue};
use super::commit;
use super::imports;
use super::making::{Made, Shared};
use super::memory::{Fresh, Kept, Memory};
use super::names;
use super::orphans::Deletion;
use super::remarks;
use super::scan::{self, Deviation, Inputs};
use super::sources;
use super::stale::{Change, Work, number_generators, stale_facts};
use super::workers::Outcome;
use crate::artifacts::{Slot, claim_key};
use crate::completeness;
use crate::error::CycleError;
use crate::project::Project;
use crate::records::Cause;
use crate::report::{Action, ArtifactChange, Diagnostic, Progress, Reason, RunReport, Severity};
use crate::state::StateFolder;
use crate::template::asked::Answers;

/// How a cycle is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) purpose: Purpose,
    /// Whether everything is made, whatever has changed.
    pub(super) full: bool,
}

/// What a cycle is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Its result is written.
    Commit,
    /// It is told what would be written.
    Preview,
    /// The same, with the texts for a diff.
    Diff,
    /// It is worked out what an empty output folder would be filled with.
    Scratch,
}

/// What a cycle came to.
#[derive(Debug, Default)]
pub(super) struct Finished {
    pub(super) report: RunReport,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) deletions: Vec<Deletion>,
}

/// A cycle can't go on.
pub(super) enum Halt {
    /// The state turned out to be unusable; the cycle begins again without it.
    StartOver(Fresh),
    /// A file was edited while the cycle went on; it begins again and sees the edit.
    Again,
    Failed(CycleError),
}

impl From<CycleError> for Halt {
    fn from(error: CycleError) -> Self {
        Self::Failed(error)
    }
}

/// What a cycle works with.
pub(super) struct Cycle<'a> {
    pub(super) project: &'a Project,
    pub(super) store: &'a dyn ArtifactStore,
    pub(super) folder: &'a StateFolder,
    pub(super) mode: Mode,
    pub(super) gate: Gate<'a>,
    pub(super) id: Uuid,
    pub(super) at_ms: u64,
    /// What else than their bytes decides what sources say.
    pub(super) reading: Digest,
}

/// Measures the phases of a cycle.
pub(super) struct Clock {
    started: Instant,
    last: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        let now = Instant::now();
        Self { started: now, last: now }
    }

    /// Milliseconds since the last call.
    pub(super) fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let lap = now - self.last;
        self.last = now;
        lap.as_secs_f64() * 1e3
    }

    pub(super) fn total(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1e3
    }
}

pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Cycle<'_> {
    /// Runs the cycle on a memory; after an error the memory is not to be used again.
    pub(super) fn run(
        &self,
        memory: &mut Memory,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Finished, Halt> {
        let mut clock = Clock::start();
        let mut report = RunReport { cycle_id: self.id, ..RunReport::default() };
        notice_fresh(memory, &mut report);
        if memory.fresh.is_none() && memory.meta.reading.is_none_or(|known| known != self.reading) {
            let why = "the model is read in another way".to_owned();
            return Err(Halt::StartOver(Fresh::Unusable(why)));
        }
        let mut inputs = scan::inputs(self.project, &memory.meta)?;
        let deviations: HashMap<Slot, Deviation> =
            scan::outputs(self.store, &memory.artifacts).into_iter().collect();
        let settings = catalogue::settings_digest(self.project);
        if self.is_idle(memory, &inputs, &deviations, settings) {
            return self.idle(memory, inputs, &deviations, report, clock).map_err(Halt::Failed);
        }
        memory.need_model(self.folder).map_err(Halt::StartOver)?;
        let (parsed, catalogue) = self.read_inputs(memory, &mut inputs, settings)?;
        report.diagnostics.extend(imports::unresolved(&inputs.catalog, &memory.meta.imports));
        report.phases_ms.load = clock.lap();

        let mut update = sources::update(memory, parsed, &inputs.gone)?;
        let templates_changed = inputs.templates_changed
            || !memory.has_settings(settings)
            || !self.same_generators(memory);
        let (project, update_now) = (self.project, &mut update);
        let keeping = names::Keeping { project, memory, update: update_now, inputs: &inputs };
        let kept = keeping.keep(|| catalogue.made_with(), templates_changed)?;
        report.version.clone_from(&kept.version);
        report.model.inserted = update.inserted;
        report.model.removed = update.removed;
        report.phases_ms.diff = clock.lap();
        let looked = Looked { inputs, deviations, settings, kept };
        self.regenerate(memory, looked, catalogue, update, (report, clock), progress)
    }

    /// Finds what is stale, makes it, and commits it.
    fn regenerate(
        &self,
        memory: &mut Memory,
        looked: Looked,
        catalogue: Catalogue,
        update: sources::Update,
        (mut report, mut clock): (RunReport, Clock),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Finished, Halt> {
        let Looked { mut inputs, deviations, settings, mut kept } = looked;
        let digests = catalogue.digests(self.project, settings);
        let everything = self.everything(memory, settings);
        let facts = stale_facts(memory, everything.is_some(), &update.delta);
        let answers = self.go_on(memory, &catalogue, &update, &facts, everything.is_some());
        let change = Change {
            delta: &update.delta,
            after: &update.after,
            answers: &answers,
            facts: &facts,
            everything,
            digests: &digests,
            deviations: &deviations,
        };
        let mut known = std::mem::take(&mut memory.meta.generators);
        let numbered = number_generators(&mut known, &catalogue, &change);
        memory.meta.generators = known;
        report.phases_ms.invalidate = clock.lap();
        let work = Work::find(memory, &catalogue, &numbered, &change);
        report.phases_ms.query = clock.lap();
        report.model.quads = update.after.len() as u64;
        let total = memory.artifacts.len() as u64;
        progress(Progress::Planned { stale: work.jobs.len() as u64, total });

        let generators = numbered.iter().map(|(number, _)| *number).zip(&catalogue.generators);
        let generators = generators.map(|(number, found)| (number, Arc::clone(found))).collect();
        let shared = Shared {
            generators: &generators,
            prefixes: Arc::clone(&catalogue.prefixes),
            snapshot: &update.after,
            answers: &answers,
            deviations: &deviations,
        };
        let mut made = self.make(memory, work, &shared, progress)?;
        let model = memory.model.get_or_insert_default();
        report.diagnostics.extend(remarks::warnings(self.project, model, &answers));
        made.list_reads.extend(kept.take_reads());
        report.diagnostics.extend(self.stage_kept(memory, &made, &kept, &mut inputs)?);
        report.phases_ms.render = clock.lap();

        let found = answers.facts_since(memory.reads.as_ref(), &facts);
        let settled = commit::Settled {
            cycle: self,
            inputs,
            increments: update.increments,
            settings,
            generators,
            quads: report.model.quads,
            deviations: &deviations,
            facts: found,
        };
        let rest = Arc::into_inner(answers).map(Answers::at_rest);
        drop(update.after);
        let finished = settled.finish(memory, made, report, &mut clock, progress)?;
        let state = self.folder.stamp();
        memory.kept = Kept { catalogue: Some(catalogue), answers: rest, state };
        Ok(finished)
    }

    /// What still holds of what was kept after the change: answers, and the parts of each
    /// generator. Nothing, where everything is made anew.
    fn go_on(
        &self,
        memory: &mut Memory,
        catalogue: &Catalogue,
        update: &sources::Update,
        facts: &FxHashSet<Fingerprint>,
        anew: bool,
    ) -> Arc<Answers> {
        for generator in &catalogue.generators {
            if anew {
                generator.parts.clear();
            } else {
                generator.parts.forget(facts);
            }
        }
        let known = memory.kept.answers.take().filter(|_| !anew);
        Arc::new(match known {
            Some(known) => known.after(&update.after, &update.delta, facts, &self.project.views),
            None => Answers::new(update.after.clone()),
        })
    }

    /// Stages the files of names and of the version; what there is to say about it.
    fn stage_kept(
        &self,
        memory: &Memory,
        made: &Made,
        kept: &names::Kept,
        inputs: &mut Inputs,
    ) -> Result<Option<Diagnostic>, CycleError> {
        let Some(transaction) = &made.transaction else { return Ok(None) };
        let is_taken = |path: &ArtifactPath| is_taken(memory, &made.outcomes, path);
        kept.stage(&**transaction, self.store, self.project, inputs, is_taken)
    }

    /// Whether nothing at all is other than the last cycle left it.
    fn is_idle(
        &self,
        memory: &Memory,
        inputs: &Inputs,
        deviations: &HashMap<Slot, Deviation>,
        settings: Digest,
    ) -> bool {
        let tracked = self.project.settings.regeneration.incremental
            && self.project.settings.regeneration.track_dependencies;
        let touched = |deviation: &Deviation| matches!(deviation, Deviation::Touched(_));
        memory.fresh.is_none()
            && !self.mode.full
            && tracked
            && memory.has_settings(settings)
            && inputs.gone.is_empty()
            && !inputs.lock_changed
            && memory.meta.orphans.is_empty()
            && !inputs.templates_changed
            && inputs.sources.iter().all(|source| !source.changed)
            && deviations.values().all(touched)
            && self.same_generators(memory)
    }

    /// Whether the same packs are chosen, and no declared file is another.
    fn same_generators(&self, memory: &Memory) -> bool {
        memory.meta.choice == choice(self.project)
    }

    /// A cycle in which there is nothing to do.
    fn idle(
        &self,
        memory: &mut Memory,
        inputs: Inputs,
        deviations: &HashMap<Slot, Deviation>,
        mut report: RunReport,
        mut clock: Clock,
    ) -> Result<Finished, CycleError> {
        report.model.quads = memory.meta.quads;
        report.artifacts.total = memory.meta.outputs;
        report.phases_ms.load = clock.lap();
        if self.mode.purpose == Purpose::Commit {
            commit::refresh_stamps(self, memory, inputs, deviations)?;
            report.phases_ms.commit = clock.lap();
        }
        let verdict = completeness::judge(self.project, memory, &[]);
        verdict.report(&mut report);
        report.duration_ms = clock.total();
        Ok(Finished { report, ..Finished::default() })
    }

    /// Parses changed sources and compiles templates; all errors of both at once.
    fn read_inputs(
        &self,
        memory: &mut Memory,
        inputs: &mut Inputs,
        settings: Digest,
    ) -> Result<(Vec<sources::Parsed>, Catalogue), CycleError> {
        let parsed = sources::gather(self.project, memory, inputs);
        let known = memory.kept.catalogue.take().filter(|_| {
            !inputs.templates_changed
                && memory.has_settings(settings)
                && self.same_generators(memory)
        });
        let compiled = match known {
            Some(catalogue) => Ok(catalogue),
            None => catalogue::compile(self.project, &inputs.templates),
        };
        match (parsed, compiled) {
            (Ok(parsed), Ok(catalogue)) => Ok((parsed, catalogue)),
            (Err(problems), Ok(catalogue)) => {
                // Nothing of it has been touched yet.
                memory.kept.catalogue = Some(catalogue);
                Err(CycleError::Rejected(problems))
            }
            (Err(mut problems), Err(CycleError::Rejected(more))) => {
                problems.extend(more);
                Err(CycleError::Rejected(problems))
            }
            (Err(problems), Err(_)) => Err(CycleError::Rejected(problems)),
            (Ok(_), Err(error)) => Err(error),
        }
    }

    /// Why all artifacts are stale, if they are.
    fn everything(&self, memory: &Memory, settings: Digest) -> Option<Cause> {
        let regeneration = &self.project.settings.regeneration;
        let tracked = regeneration.incremental && regeneration.track_dependencies;
        if memory.fresh.is_some() || self.mode.full || !tracked {
            Some(Cause::Full)
        } else if memory.has_settings(settings) {
            None
        } else {
            Some(Cause::Settings)
        }
    }
}

/// How a cycle found the files.
struct Looked {
    inputs: Inputs,
    deviations: HashMap<Slot, Deviation>,
    settings: Digest,
    kept: names::Kept,
}

/// Whether an artifact has this path, or one that some systems take for it.
fn is_taken(memory: &Memory, outcomes: &[Outcome], path: &ArtifactPath) -> bool {
    let key = claim_key(path);
    outcomes.iter().filter_map(Outcome::path).any(|other| claim_key(other) == key)
        || memory.artifacts.outputs().any(|output| claim_key(&output.path) == key)
}

/// The choice of packs, and of files whose stamps tell whether they changed.
pub(super) fn choice(project: &Project) -> Vec<String> {
    let regeneration = &project.settings.regeneration;
    let folders = regeneration.template_dirs.iter().map(|folder| format!("templates in {folder}"));
    let packs = regeneration.target_languages.iter().cloned().chain(folders);
    let texts = project.packs.iter().map(|pack| {
        let files = pack.files.iter().map(|file| Digest::of(file.text.as_bytes()).to_string());
        format!("{} {}", pack.name, files.collect::<String>())
    });
    let texts = texts.map(|text| Digest::of(text.as_bytes()).to_string());
    let version = regeneration.auto_version.then(|| "the version".to_owned());
    packs.chain(texts).chain(version).collect()
}

fn notice_fresh(memory: &Memory, report: &mut RunReport) {
    if let Some(Fresh::Unusable(why)) = &memory.fresh {
        let message =
            format!("the state in .evergen can't be used ({why}); everything is generated");
        report.diagnostics.push(Diagnostic::new(Severity::Notice, "state::unusable", message));
    }
}

/// What happened to an artifact, for the report.
pub(super) fn change(
    path: &str,
    generator: &str,
    action: Action,
    cause: &Cause,
    note: Option<String>,
) -> ArtifactChange {
    ArtifactChange {
        path: path.to_owned(),
        generator: generator.to_owned(),
        action,
        reason: Reason::from(cause.clone()),
        note,
    }
}

/// The quads of a delta that are counted in a report.
pub(super) fn counts(delta: &Delta) -> (u64, u64) {
    (delta.inserted.len() as u64, delta.removed.len() as u64)
}

/// A model that was built anew has no delta that anybody needs.
pub(super) fn built(model: &Model) -> (u64, u64) {
    (model.snapshot().len() as u64, 0)
}
