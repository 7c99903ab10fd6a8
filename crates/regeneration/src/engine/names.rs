//! The step of a cycle that keeps names and the version: after the model is up to date, before
//! anything is made.

use std::io::ErrorKind;

use evergen_artifact::{ArtifactPath, ArtifactStore, Digest, Place, Transaction};
use evergen_delta::{Fingerprint, QuadPattern};
use evergen_knowledge::{Format, Tracker, parse};

use super::memory::Memory;
use super::place;
use super::scan::{self, Input, Inputs};
use super::sources::{self, Update};
use crate::error::CycleError;
use crate::names::KeepError;
use crate::project::Project;
use crate::report::{Diagnostic, Severity, VersionChange};
use crate::state::KnownFile;
use crate::versions::{CHANGELOG, KeptVersion, with_entry};

/// What the keepers came to.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// New texts of their files.
    texts: Vec<KeptText>,
    /// What was read by each that was asked, for the index of lists.
    reads: Vec<(u32, Option<Vec<Fingerprint>>)>,
    /// How the version changed.
    pub(super) version: Option<VersionChange>,
}

#[derive(Debug)]
struct KeptText {
    name: &'static str,
    text: String,
}

/// The numbers of what keepers read, among the lists of generators.
const NAMES: u32 = u32::MAX;
const VERSION: u32 = u32::MAX - 1;

/// A file that somebody keeps.
#[derive(Clone, Copy)]
struct KeptFile {
    name: &'static str,
    number: u32,
    /// Whether something that is no quad asks for it.
    is_called_for: bool,
}

/// What a keeper works with.
pub(super) struct Keeping<'a> {
    pub(super) project: &'a Project,
    pub(super) memory: &'a mut Memory,
    pub(super) update: &'a mut Update,
    pub(super) inputs: &'a Inputs,
}

impl Keeping<'_> {
    /// Gives names to what is new in the model, then a version to all of it, and takes both
    /// into the model. `made_with` says what the templates are, and `templates_changed` whether
    /// they may be others than in the last cycle.
    pub(super) fn keep(
        mut self,
        made_with: impl FnOnce() -> String,
        templates_changed: bool,
    ) -> Result<Kept, CycleError> {
        let project = self.project;
        let mut kept = Kept::default();
        match project.keeper() {
            None => kept.forget(NAMES, self.memory),
            Some(keeper) => {
                let name = keeper.file_name();
                let file = KeptFile { name, number: NAMES, is_called_for: false };
                self.ask(file, &mut kept, |tracker, previous| {
                    let text = keeper.keep(tracker, previous)?;
                    Ok(KeptVersion { text, change: None })
                })?;
            }
        }
        match project.version_keeper().filter(|_| project.settings.regeneration.auto_version) {
            None => kept.forget(VERSION, self.memory),
            Some(keeper) => {
                let name = keeper.file_name();
                let file = KeptFile { name, number: VERSION, is_called_for: templates_changed };
                self.ask(file, &mut kept, |tracker, previous| {
                    keeper.keep(tracker, previous, &made_with())
                })?;
            }
        }
        Ok(kept)
    }

    /// Asks for one file, if anything calls for it.
    fn ask(
        &mut self,
        file: KeptFile,
        kept: &mut Kept,
        ask: impl FnOnce(&Tracker, &str) -> Result<KeptVersion, KeepError>,
    ) -> Result<(), CycleError> {
        if !self.is_due(file) {
            return Ok(());
        }
        let name = file.name;
        let path = self.project.root.join(name);
        let previous = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(CycleError::storage(format!("reading {name}"), error)),
        };
        let tracker = Tracker::new(self.update.after.clone());
        let KeptVersion { text, change } =
            ask(&tracker, &previous).map_err(|error| refused(name, &previous, &error))?;
        let patterns = tracker.take_reads().into_patterns();
        let mut reads: Vec<Fingerprint> = patterns.iter().map(QuadPattern::fingerprint).collect();
        reads.sort_unstable();
        drop(tracker);
        kept.reads.push((file.number, Some(reads)));
        if text != previous {
            self.take_in(name, &text)?;
            kept.texts.push(KeptText { name, text });
            kept.version = change.or(kept.version.take());
        }
        Ok(())
    }

    /// Whether the file may have to say something else.
    fn is_due(&self, file: KeptFile) -> bool {
        let is_there = |input: &&Input| input.known.path == file.name;
        let lists = self.memory.reads.as_ref().map(|reads| &reads.lists);
        let touched = || {
            lists.is_none_or(|lists| {
                // Without any reads, nobody was asked yet.
                lists.reads_of(file.number).len() == 0
                    || lists.affected(self.update.delta.quads()).contains(&file.number)
            })
        };
        self.memory.fresh.is_some()
            || file.is_called_for
            || self.inputs.sources.iter().find(is_there).is_none_or(|input| input.changed)
            || touched()
    }

    /// Makes the text a part of the model.
    fn take_in(&mut self, name: &str, text: &str) -> Result<(), CycleError> {
        let (memory, update) = (&mut *self.memory, &mut *self.update);
        let limits = sources::limits(self.project);
        let base = sources::base(self.project, name);
        let parsed = parse(text.as_bytes(), Format::Turtle, &base, &limits).map_err(|errors| {
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
}

fn refused(name: &str, text: &str, error: &KeepError) -> CycleError {
    let mut problem = Diagnostic::error("model::names", error.message.clone()).in_file(name);
    if let Some(line) = error.line {
        let before = (line as usize).saturating_sub(1);
        let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
        let length = text[start..].lines().next().map_or(0, str::len);
        problem = problem.at(text.into(), (start, length));
        problem.line = Some(line);
    }
    CycleError::Rejected(vec![problem])
}

impl Kept {
    /// What was read for a keeper that is gone says nothing to one that comes again.
    fn forget(&mut self, number: u32, memory: &Memory) {
        let lists = memory.reads.as_ref().map(|reads| &reads.lists);
        if lists.is_some_and(|lists| lists.reads_of(number).len() > 0) {
            self.reads.push((number, Some(Vec::new())));
        }
    }

    /// What is read by keepers from now on, for the index of lists.
    pub(super) fn take_reads(&mut self) -> Vec<(u32, Option<Vec<Fingerprint>>)> {
        std::mem::take(&mut self.reads)
    }

    /// Stages the files that have a new text, and the changelog where there is something to
    /// tell. `is_taken` says of a path whether an artifact has it. Warns where that is so.
    pub(super) fn stage(
        &self,
        transaction: &dyn Transaction,
        store: &dyn ArtifactStore,
        project: &Project,
        inputs: &mut Inputs,
        is_taken: impl FnOnce(&ArtifactPath) -> bool,
    ) -> Result<Option<Diagnostic>, CycleError> {
        for text in &self.texts {
            text.stage(transaction, project, inputs)?;
        }
        let Some(change) = &self.version else { return Ok(None) };
        let failed = |why: &dyn std::fmt::Display| {
            CycleError::storage(format!("adding to {CHANGELOG}"), why.to_string())
        };
        let path = ArtifactPath::parse(CHANGELOG).map_err(|error| failed(&error))?;
        if is_taken(&path) {
            let message = format!(
                "the changes of {} are told nowhere: a template makes {CHANGELOG}",
                change.to
            );
            let warning = Diagnostic::new(Severity::Warning, "version::changelog", message);
            return Ok(Some(warning.with_help("let the template write to another path")));
        }
        let known = store.read(&path).map_err(|error| failed(&crate::error::chain(&error)))?;
        let known = String::from_utf8(known.unwrap_or_default())
            .map_err(|_| failed(&"it is not UTF-8; move it away, and run again"))?;
        let text = with_entry(&known, &change.to, &change.entry);
        place::stage(transaction, Place::Output(path), text.as_bytes())?;
        Ok(None)
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
