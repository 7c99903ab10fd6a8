use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use super::frame::TornTail;
use super::journal::{Journal, OpenError, Opened, Results};
use crate::sync::locked;

/// The finished steps of one long operation, kept on disk.
///
/// A step has a name and a result. Its result is on disk before [`step`](Self::step) returns; after a
/// crash, the same operation opened again is given that result and does not run the step again. What
/// a step does between its last effect and its record can happen twice, so a step
/// whose effect must not should look first whether it is there.
///
/// One process has a journal at a time; within it, clones share it and steps may run at once.
/// [`finish`](Self::finish) removes the file when all is done.
///
/// # What is on disk
/// One file with a record for each step, each with a checksum and a number. A record that a crash left
/// half written is cut off, and its step runs again. A damaged record that others follow is
/// refused with its offset. A damaged last record looks like a half-written one.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    shared: Arc<Shared>,
    torn: Option<TornTail>,
}

#[derive(Debug)]
struct Shared {
    /// None once the operation is finished. Held while a record is written, and taken before the other.
    journal: Mutex<Option<Journal>>,
    /// Never held for long, so that asking does not wait for a disk.
    results: Mutex<Results>,
}

/// Why a result that is there cannot be given.
#[derive(Debug, thiserror::Error)]
#[error("the result of step {step:?} has another form")]
#[non_exhaustive]
pub struct ResultError {
    /// The step.
    pub step: String,
    /// What does not fit.
    #[source]
    pub source: serde_json::Error,
}

/// Why a finished step was not recorded. Its effects have happened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The step was recorded before: two ran under one name.
    #[error("step {step:?} is already recorded")]
    Twice {
        /// The step.
        step: String,
    },
    /// The operation was finished meanwhile.
    #[error("step {step:?} ended after the operation was finished")]
    OperationFinished {
        /// The step.
        step: String,
    },
    /// The result has no form in JSON.
    #[error("the result of step {step:?} cannot be written as JSON")]
    Unwritable {
        /// The step.
        step: String,
        /// What does not fit.
        #[source]
        source: serde_json::Error,
    },
    /// The file system failed; the journal is as it was before.
    #[error("cannot write to {}", path.display())]
    Io {
        /// The journal.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
}

/// Why [`Checkpoints::step`] gives no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError<E> {
    /// The step itself failed; it will run again.
    #[error(transparent)]
    Failed(E),
    /// The step was finished before, and its result has another form now.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// The step is done, and will run again because that could not be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Why the journal of a finished operation could not be removed.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove {}", path.display())]
#[non_exhaustive]
pub struct FinishError {
    /// The journal.
    pub path: PathBuf,
    /// What the file system said.
    #[source]
    pub source: io::Error,
}

impl Checkpoints {
    /// Opens the journal at `path`, or begins it; its folder exists. `operation` says what is done to what
    /// (with a digest of the input, say), so that results are not used for something else.
    ///
    /// Blocks for the reading of the file, and for two flushes to disk if it is new.
    pub fn open(path: &Path, operation: &str) -> Result<Self, OpenError> {
        let Opened { journal, results, torn } = Journal::open(path, operation)?;
        if let Some(TornTail { offset, bytes }) = torn {
            let journal = path.display();
            tracing::warn!(%journal, offset, bytes, "cut a half-written record off");
        }
        let (journal, results) = (Mutex::new(Some(journal)), Mutex::new(results));
        Ok(Self { shared: Arc::new(Shared { journal, results }), torn })
    }

    /// What was cut off when it was opened.
    pub fn torn_tail(&self) -> Option<TornTail> {
        self.torn
    }

    /// The names of the finished steps, sorted.
    pub fn finished_steps(&self) -> Vec<String> {
        locked(&self.shared.results).keys().cloned().collect()
    }

    /// The result of a step, if it is finished.
    pub fn result<T: DeserializeOwned>(&self, step: &str) -> Result<Option<T>, ResultError> {
        let result = locked(&self.shared.results).get(step).cloned();
        let read = |json: Box<RawValue>| serde_json::from_str(json.get());
        result.map(read).transpose().map_err(|source| ResultError { step: step.to_owned(), source })
    }

    /// Records that a step is finished. Blocks for one flush to disk, and returns when the
    /// record is there.
    pub fn record<T: Serialize>(&self, step: &str, result: &T) -> Result<(), RecordError> {
        self.record_json(step, to_json(step, result)?)
    }

    /// Gives the result of a finished step, or runs it and records its result.
    ///
    /// # Cancellation
    /// Dropping the future drops the step; it will run again. If the step has ended and
    /// its record is being written, that goes on to its end on a blocking thread of the runtime.
    pub async fn step<T, E, F, Fut>(&self, step: &str, run: F) -> Result<T, StepError<E>>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        if let Some(result) = self.result(step)? {
            tracing::debug!(step, "finished before; not repeated");
            return Ok(result);
        }
        let result = run().await.map_err(StepError::Failed)?;
        let json = to_json(step, &result)?;
        let (keeper, name) = (self.clone(), step.to_owned());
        let writing = tokio::task::spawn_blocking(move || keeper.record_json(&name, json));
        let recorded = writing.await.unwrap_or_else(|join| {
            Err(RecordError::Io { path: PathBuf::new(), source: io::Error::other(join) })
        });
        recorded?;
        Ok(result)
    }

    /// Gives the result of a finished step, or runs it here and records its result.
    pub fn step_blocking<T, E>(
        &self,
        step: &str,
        run: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, StepError<E>>
    where
        T: Serialize + DeserializeOwned,
    {
        if let Some(result) = self.result(step)? {
            return Ok(result);
        }
        let result = run().map_err(StepError::Failed)?;
        self.record(step, &result)?;
        Ok(result)
    }

    /// Removes the journal: the operation is done, and beginning it again means doing it
    /// again. After a failure it goes on as before, and can be finished later; once it is
    /// finished, a further call does nothing.
    pub fn finish(&self) -> Result<(), FinishError> {
        let mut held = locked(&self.shared.journal);
        let Some(journal) = &*held else { return Ok(()) };
        let path = journal.path().to_owned();
        journal.remove().map_err(|source| FinishError { path, source })?;
        *held = None;
        Ok(())
    }

    fn record_json(&self, step: &str, result: Box<RawValue>) -> Result<(), RecordError> {
        let mut journal = locked(&self.shared.journal);
        if locked(&self.shared.results).contains_key(step) {
            return Err(RecordError::Twice { step: step.to_owned() });
        }
        let Some(journal) = &mut *journal else {
            return Err(RecordError::OperationFinished { step: step.to_owned() });
        };
        if let Err(source) = journal.finished(step, &result) {
            return Err(RecordError::Io { path: journal.path().to_owned(), source });
        }
        locked(&self.shared.results).insert(step.to_owned(), result);
        Ok(())
    }
}

fn to_json(step: &str, result: &impl Serialize) -> Result<Box<RawValue>, RecordError> {
    to_raw_value(result).map_err(|source| RecordError::Unwritable { step: step.to_owned(), source })
}
