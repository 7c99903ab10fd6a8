//! Where in a tree a tool is run that looks at projects: in each folder with a manifest.

use crate::{Coverage, Fault, Finding, Invocation, Job, Reading, SubjectFile, ToolOutput};

/// The folders with a file of this name, sorted; the tree's root is "".
pub(super) fn each<'a>(job: &Job<'a>, manifest: &str) -> Vec<&'a str> {
    if job.tree.is_empty() {
        // Nobody said what is there.
        return vec![""];
    }
    let parts =
        job.tree.iter().map(|file| file.path().rsplit_once('/').unwrap_or(("", file.path())));
    let mut folders: Vec<&str> =
        parts.filter(|(_, name)| *name == manifest).map(|(folder, _)| folder).collect();
    folders.sort_unstable();
    folders
}

/// Those of them that lie in no other: where a project has all projects in it, as a workspace.
pub(super) fn outermost<'a>(job: &Job<'a>, manifest: &str) -> Vec<&'a str> {
    let all = each(job, manifest);
    let is_inner = |folder: &str| all.iter().any(|other| *other != folder && has(other, folder));
    all.iter().copied().filter(|folder| !is_inner(folder)).collect()
}

/// The same run in each of these folders.
pub(super) fn run_in(folders: &[&str], run: &Invocation) -> Vec<Invocation> {
    folders.iter().map(|folder| run.clone().in_folder(*folder)).collect()
}

/// What was found in one of the folders with this manifest by a tool that does not say which files
/// it read. A file is looked at in the innermost folder that has it.
///
/// # Errors
/// A file lies in none of them, so that nobody looks at it.
pub(super) fn unsaid(
    findings: Vec<Finding>,
    job: &Job<'_>,
    (manifest, folders): (&str, &[&str]),
    output: &ToolOutput,
) -> Result<Reading, Fault> {
    let is_stray = |file: &&SubjectFile| !folders.iter().any(|folder| has(folder, file.path()));
    if let Some(stray) = job.files.iter().find(is_stray) {
        return Err(Fault::NoProject { wanted: format!("{manifest} around `{}`", stray.path()) });
    }
    let looker = job.tool.looker.clone().blind_to("does not say which files it read");
    let files = files_in(job, folders, output);
    Ok(Reading::new(findings, Coverage::of_files(files).by(looker)))
}

/// How many of the judged files are looked at in the folder of this run.
pub(super) fn files_in(job: &Job<'_>, folders: &[&str], output: &ToolOutput) -> u64 {
    let Some(own) = folders.get(output.invocation) else { return 0 };
    let innermost = |file: &&SubjectFile| {
        let around = folders.iter().filter(|folder| has(folder, file.path()));
        around.max_by_key(|folder| folder.len()) == Some(own)
    };
    job.files.iter().filter(innermost).count() as u64
}

/// Whether a folder has a path in it.
fn has(folder: &str, path: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
