//! `evergen doctor`.

mod mounts;

use std::fs;
use std::path::{Path, PathBuf};

use evergen_artifact::{AcquireError, LockFile, WriterLock};
use evergen_regeneration::{Access, CycleError, Diagnostic, RegenerationEngine, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::Asked;
use crate::console::{Console, Ink};
use crate::excerpt::shown;
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;
use crate::words::count;

/// What `doctor --json` prints.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DoctorReport {
    /// Whether nothing failed.
    ok: bool,
    /// What was looked at.
    checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Check {
    /// What.
    name: String,
    /// How it is.
    status: Status,
    /// What was found.
    message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// As it should be.
    Ok,
    /// It works, but not as well as it could.
    Warn,
    /// A run can't succeed.
    Fail,
}

impl Check {
    fn ok(name: &str, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), status: Status::Ok, message: message.into(), help: None }
    }

    fn warn(name: &str, message: impl Into<String>, help: &str) -> Self {
        Self { status: Status::Warn, help: Some(help.to_owned()), ..Self::ok(name, message) }
    }

    fn fail(name: &str, message: impl Into<String>, help: &str) -> Self {
        Self { status: Status::Fail, help: Some(help.to_owned()), ..Self::ok(name, message) }
    }
}

pub(super) fn doctor(asked: &Asked, console: &mut Console) -> Verdict {
    let mut problems = Vec::new();
    let checks = match Chosen::find(asked, console) {
        Ok(chosen) => all(&chosen, &mut problems),
        Err(failure) => {
            let help = failure.help.as_deref().unwrap_or("see the messages above");
            let check = Check::fail("configuration", failure.message.clone(), help);
            problems.extend(failure.diagnostics);
            vec![check]
        }
    };
    let ok = checks.iter().all(|check| check.status != Status::Fail);
    console.diagnostics(&problems);
    if console.is_json() {
        console.object(&DoctorReport { ok, checks });
    } else {
        print(console, &checks);
    }
    Verdict::of(ok)
}

fn print(console: &mut Console, checks: &[Check]) {
    for check in checks {
        let status = match check.status {
            Status::Ok => console.ink(Ink::Green, "ok  "),
            Status::Warn => console.ink(Ink::Yellow, "warn"),
            Status::Fail => console.ink(Ink::Red, "fail"),
        };
        console.line(format!("{status}  {:13}  {}", check.name, shown(&check.message)));
        if let Some(help) = &check.help {
            console.line(format!("                     {}", shown(help)));
        }
    }
}

fn all(chosen: &Chosen, problems: &mut Vec<Diagnostic>) -> Vec<Check> {
    let state = chosen.place.root.join(".evergen");
    let mut checks = vec![configuration(chosen)];
    checks.extend(model_and_templates(chosen, problems));
    checks.extend([
        writable(&chosen.output()),
        links(chosen),
        lock_file(&chosen.place.root),
        writer(&state),
        volume(&state),
    ]);
    checks
}

fn configuration(chosen: &Chosen) -> Check {
    let root = chosen.place.root.display();
    match &chosen.place.configuration {
        Some(file) => Check::ok("configuration", format!("{file} in {root}")),
        None => Check::ok("configuration", format!("none; the command line says all, in {root}")),
    }
}

/// Parses the model and compiles the templates by planning a run.
fn model_and_templates(chosen: &Chosen, problems: &mut Vec<Diagnostic>) -> Vec<Check> {
    let help = "see the messages above";
    let planned = match chosen.open(Access::Read) {
        Ok(mut engine) => plan(&mut engine, problems),
        Err(failure) => {
            problems.extend(failure.diagnostics);
            return vec![Check::fail("engine", failure.message, help)];
        }
    };
    match planned {
        Ok(checks) => checks,
        Err(CycleError::Settings(found)) => {
            let message = count(found.len() as u64, "error");
            problems.extend(found);
            vec![Check::fail("configuration", message, help)]
        }
        Err(CycleError::Rejected(found)) => {
            let of_model =
                found.iter().filter(|problem| problem.code.starts_with("model::")).count();
            let checks = [("model", of_model), ("templates", found.len() - of_model)];
            problems.extend(found);
            let check = |(name, errors): (&str, usize)| match errors {
                0 => Check::ok(name, "no error found"),
                errors => Check::fail(name, count(errors as u64, "error"), help),
            };
            checks.map(check).into()
        }
        Err(error) => {
            let failure = Failure::from(error);
            let causes = failure.causes.join(": ");
            vec![Check::fail("state", format!("{}: {causes}", failure.message), help)]
        }
    }
}

fn plan(
    engine: &mut RegenerationEngine,
    problems: &mut Vec<Diagnostic>,
) -> Result<Vec<Check>, CycleError> {
    let report = engine.plan()?;
    let quads = count(report.model.quads, "quad");
    let total = count(report.artifacts.total, "artifact");
    let mut checks = vec![
        Check::ok("model", format!("{quads}, no error found")),
        Check::ok("templates", format!("{total}, no error found")),
    ];
    let of_state = |found: &&Diagnostic| found.code.starts_with("state::");
    checks.push(match report.diagnostics.iter().find(of_state) {
        Some(found) => Check::warn(
            "state",
            found.message.clone(),
            "the next run makes everything anew and keeps a fresh state",
        ),
        None => Check::ok("state", "usable, or not there yet"),
    });
    problems
        .extend(report.diagnostics.into_iter().filter(|found| found.severity > Severity::Notice));
    Ok(checks)
}

/// Tries to make a file in the folder, or in the next one upwards that exists.
fn writable(folder: &Path) -> Check {
    let existing = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
    if !existing.is_dir() {
        let message = format!("{} is not a folder", existing.display());
        return Check::fail("output", message, "move it away, or set another `output_dir`");
    }
    match tempfile::NamedTempFile::new_in(existing) {
        Ok(_) if existing == folder => {
            Check::ok("output", format!("{} is writable", folder.display()))
        }
        Ok(_) => Check::ok("output", format!("{} will be made", folder.display())),
        Err(error) => Check::fail(
            "output",
            format!("{} is not writable: {error}", existing.display()),
            "give evergen the right to write there, or set another `output_dir`",
        ),
    }
}

/// Looks for links in the output folder, which are never followed.
fn links(chosen: &Chosen) -> Check {
    let output = chosen.output();
    let help = "evergen does not write through links; put a real folder or file there";
    let above = output.ancestors().take_while(|folder| folder.starts_with(&chosen.place.root));
    let in_the_way =
        above.filter(|folder| folder.is_symlink() && **folder != chosen.place.root).last();
    if let Some(link) = in_the_way {
        let message = format!("the output folder lies behind the link {}", link.display());
        return Check::warn("links", message, help);
    }
    match links_below(&output, 10_000) {
        links if links.is_empty() => Check::ok("links", "none in the output folder"),
        links => {
            let first = chosen.shown(&links[0].to_string_lossy());
            let message =
                format!("{} in the output folder, like {first}", count(links.len() as u64, "link"));
            Check::warn("links", message, help)
        }
    }
}

/// Links below a folder, among the first entries that are found.
fn links_below(folder: &Path, mut budget: usize) -> Vec<PathBuf> {
    let (mut links, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Some(left) = budget.checked_sub(1) else { return links };
            budget = left;
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => links.push(entry.path()),
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => {}
            }
        }
    }
    links
}

fn lock_file(root: &Path) -> Check {
    let help = "run `evergen run --full`, which writes it anew, and commit the result";
    match fs::read_to_string(root.join("evergen.lock")) {
        Ok(text) => match LockFile::parse(&text) {
            Ok(lock) => Check::ok("evergen.lock", count(lock.entries().len() as u64, "artifact")),
            Err(error) => Check::fail("evergen.lock", error.to_string(), help),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Check::ok("evergen.lock", "not there yet")
        }
        Err(error) => Check::fail("evergen.lock", format!("not readable: {error}"), help),
    }
}

/// Asks whether another process writes to the project.
fn writer(state: &Path) -> Check {
    if !state.join("lock").exists() {
        return Check::ok("lock", "free");
    }
    match WriterLock::acquire(state, None) {
        Ok(_) => Check::ok("lock", "free"),
        Err(error @ AcquireError::Held { .. }) => Check::warn(
            "lock",
            error.to_string(),
            "wait for it, or end it; the lock is released when it ends",
        ),
        Err(error) => Check::fail(
            "lock",
            error.to_string(),
            "give evergen the right to write to the project's folder",
        ),
    }
}

/// Names the file system of the state folder, which has to keep promises.
fn volume(state: &Path) -> Check {
    let Some(kind) = mounts::file_system(state) else {
        return Check::ok("file system", "unknown");
    };
    if mounts::is_remote(&kind) {
        return Check::warn(
            "file system",
            format!("{kind}: locks and renames may not hold across machines"),
            "work on a local disk, and let one machine alone write to the project",
        );
    }
    Check::ok("file system", kind)
}
