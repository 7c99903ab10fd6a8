//! Artifacts that can't both have the paths that they ask for.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use evergen_artifact::ArtifactPath;
use evergen_knowledge::Snapshot;

use super::evaluate::{Evaluated, Job};
use super::memory::Memory;
use super::place::Conflict;
use super::workers::Outcome;
use crate::artifacts::Slot;
use crate::generator::Generator;
use crate::records::{Cause, spell_row};
use crate::report::Diagnostic;

/// Artifacts that want one path.
pub(super) fn conflicts(
    memory: &mut Memory,
    outcomes: &[Outcome],
    gone: &[Slot],
    generators: &HashMap<u32, Arc<Generator>>,
    snapshot: &Snapshot,
) -> Vec<Diagnostic> {
    let gone: BTreeSet<Slot> = gone.iter().copied().collect();
    let by_slot: HashMap<Slot, &Outcome> =
        outcomes.iter().map(|outcome| (outcome.job.slot, outcome)).collect();
    let mut problems = Vec::new();
    // Where nothing was made before, artifacts can only be in the way of each other.
    let first = memory.artifacts.len() == 0;
    for outcome in outcomes {
        let Evaluated::Rendered { path, .. } = &outcome.evaluation.result else { continue };
        let rival = match &outcome.conflict {
            Some(Conflict::Same { other, path }) => {
                by_slot.get(other).map(|other| (path.clone(), other.job.clone()))
            }
            Some(Conflict::Inside { path, folder }) => {
                problems.push(inside(&outcome.job, path, folder, generators));
                None
            }
            None if first => None,
            None => rival(memory, outcome, path, &gone, &by_slot),
        };
        if !first && let Some(folder) = taken_folder(memory, outcome, path, &gone) {
            problems.push(inside(&outcome.job, path.as_str(), &folder, generators));
        }
        if let Some((other_path, other)) = rival {
            problems.push(conflict(&outcome.job, path, &other, &other_path, generators, snapshot));
        }
    }
    problems
}

/// A folder that an artifact needs and that an earlier one has for a file.
fn taken_folder(
    memory: &mut Memory,
    outcome: &Outcome,
    path: &ArtifactPath,
    gone: &BTreeSet<Slot>,
) -> Option<String> {
    let previous = outcome.job.previous.as_ref().and_then(|record| record.path.as_ref());
    if previous == Some(path) {
        return None;
    }
    path.as_str().match_indices('/').find_map(|(end, _)| {
        let folder = ArtifactPath::parse(&path.as_str()[..end]).ok()?;
        let slot = memory.artifacts.claimant(&folder).filter(|slot| !gone.contains(slot))?;
        let record = memory.artifacts.get(slot)?;
        (record.path.as_ref() == Some(&folder)).then(|| folder.to_string())
    })
}

/// An artifact below a path that another one takes for a file.
fn inside(
    job: &Job,
    path: &str,
    folder: &str,
    generators: &HashMap<u32, Arc<Generator>>,
) -> Diagnostic {
    let message =
        format!("`{path}` lies below `{folder}`, which is an artifact and so can't be a folder");
    let diagnostic = match generators.get(&job.generator) {
        Some(generator) => generator.file.diagnose("output::conflict", message, 0..3),
        None => Diagnostic::error("output::conflict", message),
    };
    diagnostic.about(path).with_help("give one of the two another name")
}

/// An artifact that this cycle did not look at, or that kept its path, and has the path.
fn rival(
    memory: &mut Memory,
    outcome: &Outcome,
    path: &ArtifactPath,
    gone: &BTreeSet<Slot>,
    by_slot: &HashMap<Slot, &Outcome>,
) -> Option<(ArtifactPath, Job)> {
    let previous = outcome.job.previous.as_ref().and_then(|record| record.path.as_ref());
    if previous == Some(path) {
        return None;
    }
    let slot = memory.artifacts.claimant(path)?;
    if slot == outcome.job.slot || gone.contains(&slot) {
        return None;
    }
    let kept =
        by_slot.get(&slot).is_none_or(|other| matches!(other.evaluation.result, Evaluated::Same));
    let record = memory.artifacts.get(slot).filter(|_| kept)?;
    let job = Job {
        slot,
        generator: record.generator,
        row: record.row.clone(),
        previous: None,
        must_render: false,
        cause: Cause::Full,
    };
    Some((record.path.clone()?, job))
}

fn conflict(
    job: &Job,
    path: &ArtifactPath,
    other: &Job,
    other_path: &ArtifactPath,
    generators: &HashMap<u32, Arc<Generator>>,
    snapshot: &Snapshot,
) -> Diagnostic {
    let name = |job: &Job| {
        let generator = generators.get(&job.generator);
        let name = generator.map_or("?", |generator| &*generator.name);
        let row = spell(job, generators, snapshot);
        if row.is_empty() { name.to_owned() } else { format!("{name} for {row}") }
    };
    let (mut one, mut two) = (name(other), name(job));
    if two < one {
        std::mem::swap(&mut one, &mut two);
    }
    let alike = if path == other_path {
        String::new()
    } else {
        format!(" (`{other_path}` and `{path}` are the same file on some systems)")
    };
    let message = format!("two artifacts claim the path `{path}`: {one}, and {two}{alike}");
    let diagnostic = match generators.get(&job.generator) {
        Some(generator) => {
            let front = generator.file.front.as_ref();
            let span = front.and_then(|front| Some(front.to.as_ref()?.span())).unwrap_or(0..3);
            generator.file.diagnose("output::conflict", message, span)
        }
        None => Diagnostic::error("output::conflict", message),
    };
    diagnostic
        .about(path.as_str())
        .with_help("make `to` tell them apart, or let for_each give fewer rows")
}

/// A row for a person, as `?class = <…>`.
pub(super) fn spell(
    job: &Job,
    generators: &HashMap<u32, Arc<Generator>>,
    snapshot: &Snapshot,
) -> String {
    let Some(generator) = generators.get(&job.generator) else { return String::new() };
    let named = spell_row(generator.context.iter(), &job.row, snapshot);
    let pairs: Vec<String> = named.iter().map(|(name, term)| format!("?{name} = {term}")).collect();
    pairs.join(", ")
}
