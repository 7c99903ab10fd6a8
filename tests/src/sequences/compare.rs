//! What must be equal after each step.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use evergen_regeneration::{CycleError, Diagnostic, RegenerationEngine, RunReport};

use crate::project::{Tree, tree};

/// The output folder and the lock file of a project.
pub(super) fn outputs(root: &Path) -> (Tree, Option<String>) {
    (tree(&root.join("gen")), fs::read_to_string(root.join("evergen.lock")).ok())
}

/// How two output folders differ.
pub(super) fn difference(mine: &Tree, whole: &Tree) -> String {
    let paths: BTreeSet<&String> = mine.keys().chain(whole.keys()).collect();
    let mut text = "not as from scratch:\n".to_owned();
    for path in paths.into_iter().filter(|path| mine.get(*path) != whole.get(*path)) {
        let [mine, whole] = [mine, whole].map(|tree| match tree.get(path) {
            Some(content) => format!("{:?}", String::from_utf8_lossy(content)),
            None => "missing".to_owned(),
        });
        let _ = writeln!(text, "{path}\n   incremental {mine}\n  from scratch {whole}");
    }
    text
}

/// The optimised way never does more than the obvious one.
pub(super) fn count(kept: &RunReport, scratch: &RunReport, orphans: u64) -> Result<(), String> {
    let (some, all) = (kept.artifacts, scratch.artifacts);
    let is_ordered =
        some.evaluated >= some.rendered && some.rendered >= some.written + some.unchanged;
    let is_less = some.evaluated <= all.evaluated && some.rendered <= all.rendered;
    if some.total != all.total || !is_less || !is_ordered || some.refused != orphans {
        return Err(format!("counted {some:?}\nfrom scratch {all:?}"));
    }
    Ok(())
}

/// Whether a run did what its plan said.
pub(super) fn same(planned: &RunReport, done: &RunReport) -> Result<(), String> {
    let paths = |report: &RunReport| -> Vec<_> {
        report.changes.iter().map(|change| (change.path.clone(), change.action)).collect()
    };
    if paths(planned) != paths(done) || planned.artifacts != done.artifacts {
        return Err(format!("planned {planned:#?}\ndone {done:#?}"));
    }
    Ok(())
}

/// Whether the engine finds nothing to do after a run.
pub(super) fn check(engine: &mut RegenerationEngine) -> Result<(), String> {
    let checked = engine.check().map_err(|error| format!("check failed: {error:?}"))?;
    let verified = engine.verify().map_err(|error| format!("verify failed: {error:?}"))?;
    if !checked.drift.is_empty() || !verified.differences.is_empty() {
        return Err(format!("after a run: {checked:?} {verified:?}"));
    }
    Ok(())
}

/// What a rejection says, without what depends on how much was looked at.
pub(super) fn problems(error: &CycleError) -> Result<BTreeSet<String>, String> {
    let CycleError::Rejected(problems) = error else { return Err(format!("{error:?}")) };
    let spell =
        |problem: &Diagnostic| format!("{} {:?} {:?}", problem.code, problem.file, problem.line);
    Ok(problems.iter().map(spell).collect())
}
