//! Making what is stale: evaluated, rendered, placed and staged, and not yet committed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use evergen_artifact::Transaction;
use evergen_knowledge::{Model, Prefixes, Snapshot};

use super::base;
use super::conflicts;
use super::cycle::{Cycle, Purpose};
use super::evaluate::{Ground, Job};
use super::memory::Memory;
use super::place::Placer;
use super::scan::Deviation;
use super::stale::Work;
use super::workers::{self, Outcome};
use crate::artifacts::Slot;
use crate::error::CycleError;
use crate::report::{Diagnostic, Progress};
use crate::template::asked::Answers;

/// What the parts of a cycle look at.
pub(super) struct Shared<'a> {
    pub(super) generators: &'a HashMap<u32, Arc<crate::generator::Generator>>,
    pub(super) prefixes: Arc<Prefixes>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) answers: &'a Arc<Answers>,
    pub(super) deviations: &'a HashMap<Slot, Deviation>,
}

/// What a cycle made, staged and not yet committed.
pub(super) struct Made {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) gone: Vec<Slot>,
    pub(super) list_reads: Vec<(u32, Option<Vec<evergen_delta::Fingerprint>>)>,
    pub(super) transaction: Option<Box<dyn Transaction>>,
    pub(super) lock_file: OnceLock<evergen_artifact::LockFile>,
    /// How long the model's file for a new base is, if it is staged.
    pub(super) stored_model: Option<u64>,
}

impl Cycle<'_> {
    /// Evaluates, renders and stages.
    pub(super) fn make(
        &self,
        memory: &mut Memory,
        work: Work,
        shared: &Shared<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Made, CycleError> {
        let transaction = if self.mode.purpose == Purpose::Commit {
            let begun = self.store.begin();
            Some(begun.map_err(|error| CycleError::storage("preparing to write", error))?)
        } else {
            None
        };
        let lock_file = OnceLock::new();
        let placer = Placer {
            store: self.store,
            transaction: transaction.as_deref(),
            deviations: shared.deviations,
            lock_file: &lock_file,
            lock_path: &self.project.root.join("evergen.lock"),
            output_exists: self.mode.purpose != Purpose::Scratch
                && self.project.output_dir().exists(),
            texts: self.mode.purpose == Purpose::Diff || self.gate.is_some(),
            claims: Mutex::default(),
        };
        let jobs: Vec<Job> = work.jobs.into_values().collect();
        let context = workers::Context {
            generators: shared.generators,
            ground: Ground::new(
                shared.snapshot.clone(),
                &shared.prefixes,
                Arc::clone(shared.answers),
            )
            .with_passes(&self.project.passes),
            placer: &placer,
            workers: self.project.settings.regeneration.parallel_workers,
        };
        let (outcomes, stored_model) = std::thread::scope(|scope| {
            let storing = Self::model_to_store(memory).zip(transaction.as_deref()).map(
                |((model, epoch), transaction)| {
                    scope.spawn(move || base::stage_model(transaction, model, [], epoch))
                },
            );
            let outcomes = workers::run(&context, jobs, progress);
            (outcomes, storing.map(base::join).transpose())
        });
        let (outcomes, stored_model) = (outcomes?, stored_model?);
        let problems = problems(memory, work.problems, &outcomes, &work.gone, shared);
        if !problems.is_empty() {
            return Err(CycleError::Rejected(problems));
        }
        let Work { gone, list_reads, .. } = work;
        Ok(Made { outcomes, gone, list_reads, transaction, lock_file, stored_model })
    }

    /// A model that can be stored while artifacts are made, and for which epoch: nothing
    /// was removed from one that was just built, so that the rows' terms are all in it.
    fn model_to_store(memory: &Memory) -> Option<(&Model, u64)> {
        let model = memory.model.as_ref().filter(|_| memory.fresh.is_some())?;
        Some((model, memory.meta.epoch + 1))
    }
}

/// All errors of a cycle, each once.
fn problems(
    memory: &mut Memory,
    mut problems: Vec<Diagnostic>,
    outcomes: &[Outcome],
    gone: &[Slot],
    shared: &Shared<'_>,
) -> Vec<Diagnostic> {
    type Place = (Option<String>, Option<u32>, String);
    let mut rows: BTreeMap<Place, (Diagnostic, usize)> = BTreeMap::new();
    for outcome in outcomes {
        for problem in outcome.problems() {
            let key = (problem.file.clone(), problem.line, problem.message.clone());
            rows.entry(key)
                .or_insert_with(|| {
                    (with_row(problem, outcome, shared.generators, shared.snapshot), 0)
                })
                .1 += 1;
        }
    }
    problems.extend(rows.into_values().map(|(mut problem, count)| {
        if count > 1 {
            problem.message = format!("{} (and {} more rows)", problem.message, count - 1);
        }
        problem
    }));
    problems.extend(conflicts::conflicts(
        memory,
        outcomes,
        gone,
        shared.generators,
        shared.snapshot,
    ));
    problems
}

/// Says for which row a template failed.
fn with_row(
    problem: &Diagnostic,
    outcome: &Outcome,
    generators: &HashMap<u32, Arc<crate::generator::Generator>>,
    snapshot: &Snapshot,
) -> Diagnostic {
    let mut problem = problem.clone();
    let row = conflicts::spell(&outcome.job, generators, snapshot);
    if !row.is_empty() {
        problem.subject = Some(match problem.subject {
            Some(subject) => format!("{subject} for {row}"),
            None => row,
        });
    }
    problem
}
