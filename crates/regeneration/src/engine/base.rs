//! Staging a new base of the state, on a second thread as far as there is other work.

use std::thread::{self, ScopedJoinHandle};

use evergen_artifact::Transaction;
use evergen_delta::TermId;
use evergen_knowledge::Model;

use super::commit::stage_lock;
use super::memory::Memory;
use super::place::{stage_pieces, state_place};
use crate::error::CycleError;
use crate::state::facts::Facts;
use crate::state::segment::Segment;
use crate::state::{self, KnownFile, Reads, Step};

/// What a whole generation leaves besides its artifacts.
pub(super) struct Whole {
    pub(super) lock: KnownFile,
    /// How many bytes the base has.
    pub(super) bytes: u64,
}

/// Stages a file of the state, and says how long it is.
fn put(transaction: &dyn Transaction, name: &str, segment: &Segment) -> Result<u64, CycleError> {
    let Some(place) = state_place(name) else {
        return Err(CycleError::storage("writing the state", format!("bad name {name}")));
    };
    stage_pieces(transaction, place, &segment.pieces()).map(|stamp| stamp.size)
}

/// Stages the model for a new base. Terms in `kept` stay known, also if no quad uses them.
pub(super) fn stage_model(
    transaction: &dyn Transaction,
    model: &Model,
    kept: impl IntoIterator<Item = TermId>,
    epoch: u64,
) -> Result<u64, CycleError> {
    let segment = state::encode_model(model, kept);
    let segment = segment.map_err(|error| CycleError::storage("encoding the state", error))?;
    put(transaction, &state::model_file(epoch), &segment)
}

fn stage_index(
    transaction: &dyn Transaction,
    reads: Option<&Reads>,
    epoch: u64,
) -> Result<u64, CycleError> {
    let Some(reads) = reads else { return Err(not_open()) };
    put(transaction, &state::index_file(epoch), &state::encode_reads(reads))
}

fn not_open() -> CycleError {
    CycleError::storage("encoding the state", "the model is not open")
}

/// Stages the table of artifacts, and the model unless that has been done.
fn stage_tables(
    transaction: &dyn Transaction,
    memory: &Memory,
    epoch: u64,
    model: Option<u64>,
) -> Result<u64, CycleError> {
    let segment = state::encode_artifacts(&memory.artifacts);
    let artifacts = put(transaction, &state::artifacts_file(epoch), &segment)?;
    let model = match (model, &memory.model) {
        (Some(bytes), _) => bytes,
        // A row may name a term that a query brought in, and no quad uses.
        (None, Some(model)) => {
            stage_model(transaction, model, memory.artifacts.row_terms(), epoch)?
        }
        (None, None) => return Err(not_open()),
    };
    Ok(artifacts + model)
}

/// Stages the next base, and says how many bytes it has.
pub(super) fn stage_base(
    transaction: &dyn Transaction,
    memory: &Memory,
) -> Result<u64, CycleError> {
    let epoch = memory.meta.epoch + 1;
    let index = stage_index(transaction, memory.reads.as_ref(), epoch)?;
    Ok(index + stage_tables(transaction, memory, epoch, None)?)
}

/// Brings the index up to date, and stages the next base and the lock file. `model` is
/// how long the model's file is, if it is staged.
pub(super) fn stage_whole(
    transaction: &dyn Transaction,
    memory: &mut Memory,
    step: &Step,
    generators: &[String],
    model: Option<u64>,
) -> Result<Whole, CycleError> {
    let epoch = memory.meta.epoch + 1;
    let is_fresh = memory.fresh.is_some();
    let mut reads = memory.reads.take();
    let rest = &*memory;
    let (index, tables, lock) = thread::scope(|scope| {
        let index = scope.spawn(|| {
            record_reads(reads.as_mut(), is_fresh, step);
            stage_index(transaction, reads.as_ref(), epoch)
        });
        let lock = stage_lock(transaction, rest, generators);
        let tables = stage_tables(transaction, rest, epoch, model);
        (join(index), tables, lock)
    });
    memory.reads = reads;
    Ok(Whole { bytes: index? + tables?, lock: lock? })
}

/// Brings the index up to date; in bulk where everything was made.
pub(super) fn record_reads(reads: Option<&mut Reads>, is_fresh: bool, step: &Step) {
    let Some(reads) = reads else { return };
    if is_fresh {
        let all = step
            .reads
            .iter()
            .filter_map(|(computation, reads)| Some((*computation, reads.as_deref()?)));
        reads.artifacts = evergen_depgraph::PatternIndex::build(all);
        reads.facts = Facts::build(&step.facts);
    } else {
        state::replay(&mut reads.artifacts, &step.reads);
        reads.facts.replay(&step.facts);
    }
    state::replay(&mut reads.lists, &step.list_reads);
}

/// What a thread came to; its panic goes on in this one.
pub(super) fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
