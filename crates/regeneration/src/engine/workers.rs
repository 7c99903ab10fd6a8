//! Evaluating many artifacts on several threads.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice::Chunks;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use super::evaluate::{Evaluated, Evaluation, Ground, Job, Times, evaluate};
use super::place::{Conflict, Placed, Placer};
use crate::error::CycleError;
use crate::generator::Generator;
use crate::report::{Diagnostic, Progress};

/// Below this number a second thread costs more than it gains.
const WORTH_A_THREAD: usize = 4;
/// How many jobs a worker takes at once: one by one where there are few, as one may take as long
/// as all others; else many enough that workers seldom meet in one folder or wake the collecting
/// thread, and few enough that none waits for another.
const BATCH: RangeInclusive<usize> = 1..=64;
/// How many batches may wait to be taken in.
const QUEUE: usize = 64;

/// What all workers share.
pub(super) struct Context<'a> {
    pub(super) generators: &'a HashMap<u32, Arc<Generator>>,
    pub(super) ground: Ground,
    pub(super) placer: &'a Placer<'a>,
    pub(super) workers: u32,
}

/// A job done.
pub(super) struct Outcome {
    pub(super) job: Job,
    pub(super) evaluation: Evaluation,
    pub(super) placed: Option<Placed>,
    pub(super) conflict: Option<Conflict>,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outcome").field("job", &self.job).finish_non_exhaustive()
    }
}

impl Outcome {
    /// Where the text goes, if there is one.
    pub(super) fn path(&self) -> Option<&evergen_artifact::ArtifactPath> {
        match &self.evaluation.result {
            Evaluated::Rendered { path, .. } => Some(path),
            _ => None,
        }
    }

    /// What is wrong with the model, a query or a template.
    pub(super) fn problems(&self) -> &[Diagnostic] {
        match &self.evaluation.result {
            Evaluated::Failed(problems) => problems,
            _ => &[],
        }
    }
}

/// Does all jobs. The outcomes are sorted by slot, so that they don't tell how many
/// workers there were.
pub(super) fn run(
    context: &Context<'_>,
    mut jobs: Vec<Job>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Outcome>, CycleError> {
    let available = || std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = if context.workers == 0 { available() } else { context.workers as usize };
    let workers = wanted.min(jobs.len() / WORTH_A_THREAD).max(1);
    let mut outcomes = Vec::with_capacity(jobs.len());
    let mut take = |outcome: Outcome, outcomes: &mut Vec<Outcome>| {
        report(context, &outcome, progress);
        outcomes.push(outcome);
    };
    if workers == 1 {
        for job in jobs {
            let outcome = work(context, job)?;
            take(outcome, &mut outcomes);
        }
        return Ok(outcomes);
    }
    let batch = (jobs.len() / (workers * 8)).clamp(*BATCH.start(), *BATCH.end());
    if batch == 1 {
        // Who begins with the largest does not wait for it in the end.
        jobs.sort_by_key(|job| Reverse(job.previous.as_ref().map_or(0, |record| record.size)));
    }
    let (sender, receiver) = sync_channel(QUEUE);
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let mut failure = None;
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let sender = sender.clone();
            let (jobs, next, stop) = (&jobs, &next, &stop);
            scope.spawn(move || worker(context, &jobs.chunks(batch), next, stop, &sender));
        }
        drop(sender);
        for batch in receiver {
            match batch {
                Ok(batch) => batch.into_iter().for_each(|outcome| take(outcome, &mut outcomes)),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    failure.get_or_insert(error);
                }
            }
        }
    });
    outcomes.sort_unstable_by_key(|outcome| outcome.job.slot);
    failure.map_or(Ok(outcomes), Err)
}

fn worker(
    context: &Context<'_>,
    batches: &Chunks<'_, Job>,
    next: &AtomicUsize,
    stop: &AtomicBool,
    sender: &SyncSender<Result<Vec<Outcome>, CycleError>>,
) {
    while !stop.load(Ordering::Relaxed) {
        let Some(batch) = batches.clone().nth(next.fetch_add(1, Ordering::Relaxed)) else { break };
        let outcomes = batch.iter().map(|job| work(context, job.clone())).collect();
        if sender.send(outcomes).is_err() {
            break;
        }
    }
}

fn work(context: &Context<'_>, job: Job) -> Result<Outcome, CycleError> {
    // Every job's generator is in the catalogue: jobs of generators that are gone
    // are taken out before.
    let Some(generator) = context.generators.get(&job.generator) else {
        let number = job.generator;
        return Err(CycleError::storage("evaluating", format!("there is no generator {number}")));
    };
    let evaluating = AssertUnwindSafe(|| evaluate(&job, generator, &context.ground));
    let mut evaluation = catch_unwind(evaluating).unwrap_or_else(|_| gave_up(generator));
    let mut outcome = (None, None);
    if let Evaluated::Rendered { path, bytes, digest, .. } = &mut evaluation.result {
        outcome = if let Err(conflict) = context.placer.claim(job.slot, path) {
            (None, Some(conflict))
        } else {
            let bytes = std::mem::take(bytes);
            let placed = context.placer.place(&job, generator, path, bytes, *digest)?;
            (Some(placed), None)
        };
    }
    let (placed, conflict) = outcome;
    Ok(Outcome { job, evaluation, placed, conflict })
}

/// What is told of an artifact whose evaluation stopped the hard way, as one that asks for
/// more memory than can be addressed does.
fn gave_up(generator: &Generator) -> Evaluation {
    let message = "the artifact could not be evaluated; does the template build very large texts?";
    let span = generator.file.body..generator.file.body;
    let problem = generator.file.diagnose("template::render", message.to_owned(), span);
    Evaluation {
        result: Evaluated::Failed(vec![problem]),
        query_reads: Vec::new(),
        render_reads: None,
        wide: None,
        times: Times::default(),
    }
}

fn report(context: &Context<'_>, outcome: &Outcome, progress: &mut dyn FnMut(Progress)) {
    if let (Evaluated::Rendered { path, .. }, Some(placed)) =
        (&outcome.evaluation.result, &outcome.placed)
    {
        let generator = context.generators.get(&outcome.job.generator);
        progress(Progress::Artifact {
            path: path.to_string(),
            generator: generator.map_or_else(String::new, |generator| generator.name.to_string()),
            action: placed.action,
            bytes: placed.size,
        });
    }
}
