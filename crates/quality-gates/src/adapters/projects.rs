//! Where in a tree a tool is run that looks at projects: in folders with a manifest.

use std::collections::BTreeSet;

use crate::tool::Plan;
use crate::{Coverage, Finding, Invocation, Job, Reading, ToolOutput};

/// The folders with a file of this name; the tree's root is "".
pub(super) fn folders_with<'a>(job: &Job<'a>, name: &str) -> BTreeSet<&'a str> {
    let parts =
        job.tree.iter().map(|file| file.path().rsplit_once('/').unwrap_or(("", file.path())));
    parts.filter(|(_, last)| *last == name).map(|(folder, _)| folder).collect()
}

/// The folders around a path, from the inside out; the tree's root is "".
pub(super) fn around(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| (!path.is_empty()).then(|| folder_of(path))).skip(1)
}

/// The folder of a path.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Each file falls to the folder that is the project's; one that falls to none is looked at by
/// nobody, which is said by the name of the manifest that is missing.
pub(super) fn by_project<'a>(
    job: &Job<'_>,
    manifest: &str,
    project_of: impl Fn(&str) -> Option<&'a str>,
) -> Plan {
    if job.tree.is_empty() {
        // Nobody said what is there.
        return Plan::by_place(job, |_| Some(String::new()));
    }
    let mut plan = Plan::by_place(job, |file| project_of(file.path()).map(str::to_owned));
    let stray = plan.shares.iter().find(|share| share.place.is_none());
    let stray = stray.and_then(|share| share.files(job).next());
    plan.stray = stray.map(|file| format!("{manifest} around `{}`", file.path()));
    plan
}

/// The same run in each of these folders.
pub(super) fn run_in(plan: &Plan, run: &Invocation) -> Vec<Invocation> {
    let folders = plan.shares.iter().filter_map(|share| share.place.as_ref());
    folders.map(|folder| run.clone().in_folder(folder)).collect()
}

/// What was found in one of the folders by a tool that does not say which files it read.
pub(super) fn unsaid(
    findings: Vec<Finding>,
    job: &Job<'_>,
    plan: &Plan,
    output: &ToolOutput,
) -> Reading {
    let looker = job.tool.looker.clone().blind_to("does not say which files it read");
    Reading::new(findings, Coverage::of_files(files_in(plan, output)).by(looker))
}

/// How many of the judged files are looked at in the folder of this run.
pub(super) fn files_in(plan: &Plan, output: &ToolOutput) -> u64 {
    plan.shares.get(output.invocation).map_or(0, crate::tool::Share::count)
}

/// Whether a folder has a path in it.
pub(super) fn has(folder: &str, path: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// A path from a folder of the tree; nothing where it leads out of the tree.
pub(super) fn joined(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}
