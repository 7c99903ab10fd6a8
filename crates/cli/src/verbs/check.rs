//! `evergen check`.

use evergen_regeneration::{Access, CheckReport, Drift, DriftKind, Severity};

use crate::arguments::{Check, CheckFormat};
use crate::console::Console;
use crate::excerpt::shown;
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;
use crate::words;
use crate::words::count;

pub(super) fn check(arguments: &Check, console: &mut Console) -> Result<Verdict, Failure> {
    if arguments.format == CheckFormat::Json {
        console.speak_json();
    }
    let chosen = Chosen::find(&arguments.asked, console)?;
    let mut engine = chosen.open(Access::Read)?;
    let report = engine.check()?;
    // The process is about to end, and the system is faster at taking back memory.
    std::mem::forget(engine);
    console.diagnostics(&report.diagnostics);
    if console.is_json() {
        console.object(&report);
    } else if arguments.format == CheckFormat::Github {
        annotations(console, &chosen, &report);
    } else if !console.is_quiet() {
        list(console, &chosen, &report);
    }
    // A module that is not complete is an error among the diagnostics.
    let is_complete = report.diagnostics.iter().all(|found| found.severity != Severity::Error);
    Ok(Verdict::of(report.drift.is_empty() && is_complete))
}

fn list(console: &mut Console, chosen: &Chosen, report: &CheckReport) {
    drift(console, chosen, &report.drift);
    let total = count(report.artifacts, "artifact");
    if report.drift.is_empty() {
        console.line(format!("{total}, all true to the model"));
        return;
    }
    let kinds = [DriftKind::Missing, DriftKind::Extra, DriftKind::Stale, DriftKind::Edited];
    let counts: Vec<_> = kinds
        .into_iter()
        .map(|kind| (kind, report.drift.iter().filter(|drift| drift.kind == kind).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {}", words::drift(kind).0))
        .collect();
    console.line(format!("{total}, not all true to the model: {}", counts.join(", ")));
    let edited = report.drift.iter().any(|drift| drift.kind == DriftKind::Edited);
    if edited {
        console.remark("help: bring edits into the model or the template, or see `on_edit`");
    }
    if report.drift.iter().any(|drift| drift.kind != DriftKind::Edited) {
        console.remark("help: `evergen run` brings files up to date, `evergen diff` shows how");
    }
}

/// Lists files that are not as they should be.
pub(super) fn drift(console: &mut Console, chosen: &Chosen, drift: &[Drift]) {
    let many = if console.is_verbose() { drift.len() } else { 10 * words::MANY };
    for found in drift.iter().take(many) {
        let (word, ink) = words::drift(found.kind);
        let word = console.ink(ink, format!("{word:9}"));
        console.line(format!("  {word} {}", shown(&chosen.shown(&found.path))));
    }
    words::and_more(console, drift.len(), many);
}

/// Prints an annotation for each file, in the notation of workflow commands.
fn annotations(console: &mut Console, chosen: &Chosen, report: &CheckReport) {
    for found in &report.drift {
        let (word, _) = words::drift(found.kind);
        let file = escaped(&chosen.shown(&found.path)).replace(':', "%3A").replace(',', "%2C");
        console.line(format!(
            "::error file={file},title=generated file is {word}::{} is {word}; run `evergen run` and \
             commit the result",
            escaped(&found.path)
        ));
    }
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}
