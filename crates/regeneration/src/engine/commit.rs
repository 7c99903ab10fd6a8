//! Making a cycle's result visible, and remembering it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use evergen_artifact::{ArtifactPath, Digest, FileStamp, LockFile, Place, Transaction};

use evergen_knowledge::SourceIncrement;

use super::base::{self, Whole};
use super::catalogue::join_loaded;
use super::cycle::{Clock, Cycle, Finished, Halt, change, choice};
use super::evaluate::{Evaluated, Job, Reader};
use super::making::Made;
use super::memory::Memory;
use super::orphans::Deletion;
use super::place::{Placed, base_name, stage, state_place};
use super::scan::{Deviation, Inputs, now_ns};
use super::times;
use super::workers::Outcome;
use crate::artifacts::Slot;
use crate::completeness;
use crate::error::CycleError;
use crate::generator::Generator;
use crate::records::{HELD_BACK, Made as MadeBecause, NEVER, Record};
use crate::report::{Action, Progress, RunReport};
use crate::state::facts::FactChanges;
use crate::state::{self, Meta, Step};

/// A cycle whose artifacts are all made.
pub(super) struct Settled<'a> {
    pub(super) cycle: &'a Cycle<'a>,
    pub(super) inputs: Inputs,
    pub(super) increments: Vec<SourceIncrement>,
    pub(super) settings: Digest,
    pub(super) generators: HashMap<u32, Arc<Generator>>,
    pub(super) quads: u64,
    pub(super) deviations: &'a HashMap<Slot, Deviation>,
    pub(super) facts: FactChanges,
}

impl Settled<'_> {
    /// Writes what has to be written, or only says what would be.
    pub(super) fn finish(
        mut self,
        memory: &mut Memory,
        made: Made,
        mut report: RunReport,
        clock: &mut Clock,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Finished, Halt> {
        let Made { mut outcomes, gone, list_reads, transaction, lock_file, stored_model } = made;
        let facts = std::mem::take(&mut self.facts);
        let increments = self.increments.clone();
        let mut step = Step { increments, list_reads, facts, ..Step::default() };
        let cycle = self.cycle;
        let observed = now_ns();
        for outcome in &mut outcomes {
            self.take(memory, outcome, observed, &mut step, &mut report);
        }
        let lock = lock_file.into_inner();
        let deletions = self.deletions(memory, &outcomes, &gone, lock, &mut step, &mut report);
        report.artifacts.total = memory.artifacts.len() as u64;
        warn_wide(&outcomes, &self.generators, &mut report);
        report.generators = times::by_generator(&outcomes, &self.generators);
        let written = report.artifacts.written;
        let deleted = report.artifacts.deleted;
        match transaction {
            Some(_) if self.is_edited_meanwhile(&outcomes, &deletions) => {
                return Err(Halt::Again);
            }
            Some(transaction) => {
                for deletion in deletions.iter().filter(|deletion| !deletion.refused) {
                    transaction.remove(Place::Output(deletion.path.clone()));
                    if let Some(base) = state_place(&base_name(&deletion.path)) {
                        transaction.remove(base);
                    }
                }
                self.ask(&mut outcomes, &deletions)?;
                self.commit(memory, &step, transaction, stored_model)?;
                progress(Progress::Committed { written, deleted });
            }
            None => memory.meta.quads = self.quads,
        }
        report.phases_ms.commit = clock.lap();
        let verdict = completeness::judge(cycle.project, memory, &report.changes);
        verdict.report(&mut report);
        report.changes.sort_by(|left, right| left.path.cmp(&right.path));
        report.duration_ms = clock.total();
        Ok(Finished { report, outcomes, deletions })
    }

    /// Whether a file that is to be written or removed is not as it was when it was judged.
    /// What is left open is the moment between this look and the move.
    pub(super) fn is_edited_meanwhile(&self, outcomes: &[Outcome], deletions: &[Deletion]) -> bool {
        let written = outcomes.iter().filter_map(|outcome| {
            let placed = outcome.placed.as_ref()?;
            let stays = matches!(placed.action, Action::Keep | Action::Refuse);
            Some((outcome.path().filter(|_| !stays)?, placed.found))
        });
        let removed = deletions.iter().filter(|deletion| !deletion.refused);
        let removed = removed.filter_map(|gone| Some((&gone.path, Some(gone.found?))));
        let mut known: Vec<(&ArtifactPath, Option<FileStamp>)> = written.chain(removed).collect();
        known.sort_unstable();
        let paths: Vec<ArtifactPath> = known.iter().map(|(path, _)| (*path).clone()).collect();
        let now = self.cycle.store.stamps(&paths);
        !now.is_ok_and(|now| now.iter().zip(&known).all(|(now, (_, then))| now == then))
    }

    /// Takes one outcome into the table and the report.
    fn take(
        &self,
        memory: &mut Memory,
        outcome: &mut Outcome,
        observed: i64,
        step: &mut Step,
        report: &mut RunReport,
    ) {
        let job = &outcome.job;
        report.artifacts.evaluated += 1;
        let record = match (&outcome.evaluation.result, &outcome.placed) {
            (Evaluated::Nowhere { inputs }, _) => Some(self.record(job, None, *inputs, observed)),
            (Evaluated::Rendered { inputs, path, digest, .. }, Some(placed)) => {
                report.artifacts.rendered += 1;
                self.count(job, path, placed, report);
                Some(self.placed(job, path, *inputs, *digest, placed, observed))
            }
            _ => None,
        };
        if let Some(record) = record {
            memory.artifacts.set(job.slot, Some(Arc::new(record.clone())));
            step.records.push((job.slot, Some(record)));
        }
        let evaluation = &mut outcome.evaluation;
        step.reads.push((job.slot * 2, Some(std::mem::take(&mut evaluation.query_reads))));
        if let Some(reads) = evaluation.render_reads.take() {
            step.reads.push((job.slot * 2 + 1, Some(reads)));
        }
    }

    fn count(&self, job: &Job, path: &ArtifactPath, placed: &Placed, report: &mut RunReport) {
        match placed.action {
            Action::Create | Action::Update | Action::Merge => report.artifacts.written += 1,
            Action::Refuse => report.artifacts.refused += 1,
            Action::Keep | Action::Delete => report.artifacts.unchanged += 1,
        }
        if placed.action != Action::Keep {
            let generator = self.generators.get(&job.generator);
            let generator = generator.map_or("", |generator| &*generator.name);
            let note = placed.note.clone();
            report.changes.push(change(path.as_str(), generator, placed.action, &job.cause, note));
        }
    }

    /// A record of an artifact that was never written.
    fn record(
        &self,
        job: &Job,
        path: Option<&ArtifactPath>,
        inputs: u128,
        observed: i64,
    ) -> Record {
        Record {
            generator: job.generator,
            row: job.row.clone(),
            path: path.cloned(),
            inputs,
            digest: NEVER,
            written: NEVER,
            size: 0,
            stamp: bytemuck::Zeroable::zeroed(),
            observed_ns: observed,
            made: MadeBecause {
                cycle_id: self.cycle.id,
                at_ms: self.cycle.at_ms,
                cause: job.cause.clone(),
            },
        }
    }

    fn placed(
        &self,
        job: &Job,
        path: &ArtifactPath,
        inputs: u128,
        digest: Digest,
        placed: &Placed,
        observed: i64,
    ) -> Record {
        let previous = job.previous.as_ref().filter(|record| record.path.as_ref() == Some(path));
        let fresh = self.record(job, Some(path), inputs, observed);
        if placed.action == Action::Refuse {
            // What was written last goes on being what an edit is compared with; without
            // a stamp the file is looked at in every cycle.
            // An artifact that is new at its path has that from the lock file.
            let unknown = || {
                let digest = placed.last.map_or(NEVER, Into::into);
                Record { digest, written: digest, ..fresh.clone() }
            };
            let last = previous.map_or_else(unknown, |record| Record::clone(record));
            return Record { inputs: HELD_BACK, stamp: fresh.stamp, ..last };
        }
        let made = match previous {
            Some(record) if placed.action == Action::Keep => record.made.clone(),
            _ => fresh.made.clone(),
        };
        Record {
            digest: digest.into(),
            written: placed.written.into(),
            size: placed.size,
            stamp: placed.stamp.unwrap_or(fresh.stamp),
            made,
            ..fresh
        }
    }

    /// Stages state and lock file, and commits.
    fn commit(
        self,
        memory: &mut Memory,
        step: &Step,
        transaction: Box<dyn Transaction>,
        stored_model: Option<u64>,
    ) -> Result<(), CycleError> {
        let whole = memory.fresh.is_some() || self.cycle.mode.full;
        let known = &mut memory.meta.generators;
        for (number, generator) in &self.generators {
            if let Some(known) = known.get_mut(*number as usize) {
                known.loaded = join_loaded(&known.loaded, generator.sandbox.loaded());
            }
        }
        let names: Vec<String> = known.iter().map(|known| known.name.clone()).collect();
        let layer = if whole {
            let Whole { lock, bytes } =
                base::stage_whole(&*transaction, memory, step, &names, stored_model)?;
            memory.lock_stale = false;
            memory.meta.lock = Some(lock);
            Layer::Base(bytes)
        } else {
            base::record_reads(memory.reads.as_mut(), false, step);
            if !step.records.is_empty() || self.inputs.lock_changed || memory.lock_stale {
                memory.lock_stale = false;
                memory.meta.lock = Some(stage_lock(&*transaction, memory, &names)?);
            }
            Layer::AsDue
        };
        let old = memory.meta.clone();
        memory.meta.update(
            self.cycle,
            self.inputs,
            self.settings,
            self.quads,
            memory.artifacts.len(),
        );
        memory.meta.declared = declared(self.cycle, &self.generators);
        let rebased = stage_state(&*transaction, memory, step, layer, &old)?;
        transaction.commit().map_err(|error| CycleError::storage("committing", error))?;
        memory.fresh = None;
        memory.rebased = rebased;
        Ok(())
    }
}

impl Meta {
    fn update(
        &mut self,
        cycle: &Cycle<'_>,
        inputs: Inputs,
        settings: Digest,
        quads: u64,
        outputs: usize,
    ) {
        self.format = state::FORMAT;
        env!("CARGO_PKG_VERSION").clone_into(&mut self.release);
        self.settings = Some(settings.into());
        self.reading = Some(cycle.reading.into());
        self.output_dir.clone_from(&cycle.project.settings.regeneration.output_dir);
        self.sources = inputs.sources.into_iter().map(|input| input.known).collect();
        self.templates = inputs.templates.into_iter().map(|input| input.known).collect();
        self.choice = choice(cycle.project);
        self.quads = quads;
        self.outputs = outputs as u64;
    }
}

/// The files that generators declare to depend on.
fn declared(cycle: &Cycle<'_>, generators: &HashMap<u32, Arc<Generator>>) -> Vec<state::KnownFile> {
    let names: BTreeSet<&String> =
        generators.values().flat_map(|generator| &generator.depends_on).collect();
    let files = names
        .into_iter()
        .filter_map(|name| super::scan::know(&cycle.project.root.join(name), name).ok());
    files.collect()
}

/// Stages `evergen.lock`: what was generated, and what an edit keeps.
pub(super) fn stage_lock(
    transaction: &dyn Transaction,
    memory: &Memory,
    generators: &[String],
) -> Result<state::KnownFile, CycleError> {
    let mut rows: Vec<(ArtifactPath, Digest, &str)> = memory
        .artifacts
        .outputs()
        .filter(|output| output.digest != Digest::from(NEVER))
        .map(|output| {
            let name = generators.get(output.generator as usize).map_or("", String::as_str);
            (output.path, output.digest, name)
        })
        .collect();
    let kept = memory.meta.orphans.iter().filter_map(|(path, digest, generator)| {
        Some((ArtifactPath::parse(path).ok()?, Digest::from(*digest), generator.as_str()))
    });
    let generated = rows.len();
    rows.extend(kept);
    if rows.len() > generated {
        rows.sort_by(|left, right| left.0.cmp(&right.0));
        rows.dedup_by(|left, right| left.0 == right.0);
    }
    let text = LockFile::write_text(rows.iter().map(|(path, digest, name)| (path, digest, *name)));
    let place = Place::project(LOCK_FILE);
    let place = place.map_err(|error| CycleError::storage("writing evergen.lock", error))?;
    let stamp = stage(transaction, place, text.as_bytes())?;
    let digest = Digest::of(text.as_bytes()).into();
    Ok(state::KnownFile { path: LOCK_FILE.to_owned(), stamp, observed_ns: now_ns(), digest })
}

/// The lock file's name beside the project file.
const LOCK_FILE: &str = "evergen.lock";

/// What is written of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    /// All of it, which is staged already and has so many bytes.
    Base(u64),
    /// What has changed.
    Step,
    /// What has changed, or all of it where that pays.
    AsDue,
}

/// Stages what the next cycle starts from: a step, or a new base. Says whether it was a base.
fn stage_state(
    transaction: &dyn Transaction,
    memory: &mut Memory,
    step: &Step,
    layer: Layer,
    old: &Meta,
) -> Result<bool, CycleError> {
    let encoding = |error| CycleError::storage("encoding the state", error);
    let put = |name: &str, bytes: &[u8]| match state_place(name) {
        Some(place) => stage(transaction, place, bytes).map(drop),
        None => Err(CycleError::storage("writing the state", format!("bad name {name}"))),
    };
    let base = match layer {
        Layer::Base(bytes) => Some(bytes),
        Layer::Step | Layer::AsDue => {
            let bytes = state::encode_single(step).map_err(encoding)?;
            if layer == Layer::AsDue && memory.meta.wants_base(bytes.len()) {
                Some(base::stage_base(transaction, memory)?)
            } else {
                put(&state::step_file(memory.meta.epoch, memory.meta.steps), &bytes)?;
                memory.meta.steps += 1;
                memory.meta.step_bytes += bytes.len() as u64;
                None
            }
        }
    };
    if let Some(bytes) = base {
        let meta = &mut memory.meta;
        meta.epoch += 1;
        meta.steps = 0;
        meta.step_bytes = 0;
        meta.base_bytes = bytes;
        for name in old.files() {
            if let Some(place) = state_place(&name) {
                transaction.remove(place);
            }
        }
    }
    put(state::META, &state::encode_single(&memory.meta).map_err(encoding)?)?;
    Ok(base.is_some())
}

/// How much may have to be read again in every cycle before it is worth a commit to
/// remember its new stamps.
const REREADS: usize = 64;

/// Remembers new stamps of files whose bytes are the old ones.
pub(super) fn refresh_stamps(
    cycle: &Cycle<'_>,
    memory: &mut Memory,
    inputs: Inputs,
    deviations: &HashMap<Slot, Deviation>,
) -> Result<(), CycleError> {
    let reread =
        inputs.sources.iter().chain(&inputs.templates).filter_map(|input| input.bytes.as_ref());
    let bytes: usize = reread.map(Vec::len).sum();
    if deviations.len() < REREADS && bytes < (1 << 20) {
        return Ok(());
    }
    let mut step = Step::default();
    let observed = now_ns();
    for (slot, deviation) in deviations {
        let Deviation::Touched(stamp) = deviation else { continue };
        let Some(record) = memory.artifacts.get(*slot) else { continue };
        let record = Record { stamp: *stamp, observed_ns: observed, ..Record::clone(&record) };
        memory.artifacts.set(*slot, Some(Arc::new(record.clone())));
        step.records.push((*slot, Some(record)));
    }
    memory.meta.sources = inputs.sources.into_iter().map(|input| input.known).collect();
    memory.meta.templates = inputs.templates.into_iter().map(|input| input.known).collect();
    let transaction = cycle.store.begin();
    let transaction =
        transaction.map_err(|error| CycleError::storage("preparing to write", error))?;
    let old = memory.meta.clone();
    // Model and index are not open, so a base is left to a cycle that needs them.
    stage_state(&*transaction, memory, &step, Layer::Step, &old)?;
    transaction.commit().map_err(|error| CycleError::storage("committing", error))?;
    Ok(())
}

/// Warns of generators whose every artifact reads a whole predicate.
fn warn_wide(
    outcomes: &[Outcome],
    generators: &HashMap<u32, Arc<Generator>>,
    report: &mut RunReport,
) {
    let mut warned = BTreeSet::new();
    for outcome in outcomes {
        let Some(generator) = generators.get(&outcome.job.generator) else { continue };
        // A list of no variables is a report over the model: it reads widely on purpose.
        let on_purpose = generator.list.is_none();
        let Some(wide) = outcome.evaluation.wide.as_ref().filter(|_| !on_purpose) else { continue };
        if !warned.insert(outcome.job.generator) {
            continue;
        }
        let (what, span) = match wide {
            Reader::Query(name) => (format!("the query `{name}`"), generator.query_span(name)),
            Reader::Template => {
                ("the template".to_owned(), generator.file.body..generator.file.body)
            }
        };
        let message = format!(
            "{what} reads a whole predicate for each row, so that every change of it makes all artifacts stale"
        );
        let mut diagnostic = generator.file.diagnose("query::wide", message, span);
        diagnostic.severity = crate::report::Severity::Warning;
        report.diagnostics.push(diagnostic.with_help(
            "bind the subject or the object of every pattern to the row; open paths like `p*` read everything",
        ));
    }
}
