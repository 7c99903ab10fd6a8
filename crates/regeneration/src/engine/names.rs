//! The step of a cycle that keeps names: after the model is up to date, before anything is made.

use std::io::ErrorKind;

use evergen_artifact::{Digest, Place, Transaction};
use evergen_delta::{Fingerprint, QuadPattern};
use evergen_knowledge::{Format, Tracker, parse};

use super::memory::Memory;
use super::place;
use super::scan::{self, Input, Inputs};
use super::sources::{self, Update};
use crate::error::CycleError;
use crate::names::{KeepError, NameKeeper};
use crate::project::Project;
use crate::report::Diagnostic;
use crate::state::KnownFile;

/// What the keeper of names came to.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// A new text of the file with names.
    text: Option<KeptText>,
    /// What was read for it, if it was asked for.
    reads: Option<Vec<Fingerprint>>,
}

#[derive(Debug)]
struct KeptText {
    name: &'static str,
    text: String,
}

/// The number of what the keeper reads, among the lists of generators.
const KEEPER: u32 = u32::MAX;

/// Gives names to what is new in the model, and takes them into it.
pub(super) fn keep(
    project: &Project,
    memory: &mut Memory,
    update: &mut Update,
    inputs: &Inputs,
) -> Result<Kept, CycleError> {
    let Some(keeper) = project.keeper() else {
        // What was read for a keeper that is gone says nothing to one that comes again.
        let lists = memory.reads.as_ref().map(|reads| &reads.lists);
        let had_one = lists.is_some_and(|lists| lists.reads_of(KEEPER).len() > 0);
        return Ok(Kept { text: None, reads: had_one.then(Vec::new) });
    };
    let name = keeper.file_name();
    if !is_due(keeper, memory, update, inputs) {
        return Ok(Kept::default());
    }
    let path = project.root.join(name);
    let previous = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(CycleError::storage(format!("reading {name}"), error)),
    };
    let tracker = Tracker::new(update.after.clone());
    let text =
        keeper.keep(&tracker, &previous).map_err(|error| refused(name, &previous, &error))?;
    let patterns = tracker.take_reads().into_patterns();
    let mut reads: Vec<Fingerprint> = patterns.iter().map(QuadPattern::fingerprint).collect();
    reads.sort_unstable();
    drop(tracker);
    if text == previous {
        return Ok(Kept { text: None, reads: Some(reads) });
    }
    take_in(project, memory, update, name, &text)?;
    Ok(Kept { text: Some(KeptText { name, text }), reads: Some(reads) })
}

/// Whether something may have come that has no name yet.
fn is_due(keeper: &dyn NameKeeper, memory: &Memory, update: &Update, inputs: &Inputs) -> bool {
    let is_there = |input: &&Input| input.known.path == keeper.file_name();
    let lists = memory.reads.as_ref().map(|reads| &reads.lists);
    let touched = || {
        lists.is_none_or(|lists| {
            // Without any reads, no keeper was asked yet.
            lists.reads_of(KEEPER).len() == 0
                || lists.affected(update.delta.quads()).contains(&KEEPER)
        })
    };
    memory.fresh.is_some()
        || inputs.sources.iter().find(is_there).is_none_or(|input| input.changed)
        || touched()
}

/// Makes the text a part of the model.
fn take_in(
    project: &Project,
    memory: &mut Memory,
    update: &mut Update,
    name: &str,
    text: &str,
) -> Result<(), CycleError> {
    let limits = sources::limits(project);
    let parsed = parse(text.as_bytes(), Format::Turtle, &sources::base(project, name), &limits)
        .map_err(|errors| {
            let first = errors.first().map_or_else(String::new, |error| crate::error::chain(error));
            CycleError::storage(format!("writing {name}"), first)
        })?;
    let model = memory.model.get_or_insert_default();
    let increment = model.diff(name, &parsed);
    let delta = model
        .apply(std::slice::from_ref(&increment))
        .map_err(|error| CycleError::storage(format!("taking in {name}"), error))?;
    update.inserted += delta.inserted.len() as u64;
    update.removed += delta.removed.len() as u64;
    update.after = model.snapshot();
    if memory.fresh.is_none() {
        update.delta.then(delta);
        update.increments.push(increment);
    }
    Ok(())
}

fn refused(name: &str, text: &str, error: &KeepError) -> CycleError {
    let mut problem = Diagnostic::error("model::names", error.message.clone()).in_file(name);
    if let Some(line) = error.line {
        let start: usize = text.split_inclusive('\n').take(line as usize - 1).map(str::len).sum();
        let length = text[start..].lines().next().map_or(0, str::len);
        problem = problem.at(text.into(), (start, length));
        problem.line = Some(line);
    }
    CycleError::Rejected(vec![problem])
}

impl Kept {
    /// What is read by the keeper from now on, for the index of lists.
    pub(super) fn take_reads(&mut self) -> Option<(u32, Option<Vec<Fingerprint>>)> {
        Some((KEEPER, Some(self.reads.take()?)))
    }

    /// Stages the file, if it has a new text.
    pub(super) fn stage(
        &self,
        transaction: &dyn Transaction,
        project: &Project,
        inputs: &mut Inputs,
    ) -> Result<(), CycleError> {
        self.text.as_ref().map_or(Ok(()), |text| text.stage(transaction, project, inputs))
    }
}

impl KeptText {
    /// Stages the file; from then on it is a source that has been read.
    fn stage(
        &self,
        transaction: &dyn Transaction,
        project: &Project,
        inputs: &mut Inputs,
    ) -> Result<(), CycleError> {
        let place = Place::project(self.name)
            .map_err(|error| CycleError::storage(format!("writing {}", self.name), error))?;
        let stamp = place::stage(transaction, place, self.text.as_bytes())?;
        let known = KnownFile {
            path: self.name.to_owned(),
            stamp,
            observed_ns: scan::now_ns(),
            digest: Digest::of(self.text.as_bytes()).into(),
        };
        inputs.sources.retain(|input| input.known.path != self.name);
        inputs.sources.push(Input {
            absolute: project.root.join(self.name),
            known,
            changed: false,
            bytes: None,
            format: Some(Format::Turtle),
            imported: false,
        });
        Ok(())
    }
}
