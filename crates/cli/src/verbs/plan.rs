//! `evergen plan`.

use evergen_regeneration::{Access, Action, ArtifactChange, Reason};

use crate::arguments::Asked;
use crate::console::{Console, Ink};
use crate::excerpt::shown;
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;
use crate::words;
use crate::words::count;

pub(super) fn plan(asked: &Asked, console: &mut Console) -> Result<Verdict, Failure> {
    let chosen = Chosen::find(asked, console)?;
    let mut engine = chosen.open(Access::Read)?;
    let report = engine.plan()?;
    // The process is about to end, and the system is faster at taking back memory.
    std::mem::forget(engine);
    console.diagnostics(&report.diagnostics);
    if console.is_json() {
        console.object(&report);
        return Ok(Verdict::Yes);
    }
    let changes: Vec<_> =
        report.changes.iter().filter(|change| change.action != Action::Keep).collect();
    let many = if console.is_verbose() { changes.len() } else { words::MANY };
    for change in changes.iter().take(many) {
        entry(console, &chosen, change);
    }
    words::and_more(console, changes.len(), many);
    let artifacts = &report.artifacts;
    let total = count(artifacts.total, "artifact");
    if changes.is_empty() {
        console.line(format!("nothing to do: {total}, all as the model asks"));
    } else {
        let mut parts = vec![
            format!("would write {}", artifacts.written),
            format!("remove {}", artifacts.deleted),
        ];
        if artifacts.refused > 0 {
            parts.push(format!("refuse {}", artifacts.refused));
        }
        let what = parts.join(", ");
        console.line(format!("{what} ({total}, {} to evaluate)", artifacts.evaluated));
    }
    words::version(console, report.version.as_ref());
    Ok(Verdict::Yes)
}

/// One change with its generator and everything that is known of why.
fn entry(console: &mut Console, chosen: &Chosen, change: &ArtifactChange) {
    let (sign, ink) = words::sign(change.action);
    let path = shown(&chosen.shown(&change.path));
    let made_by = console.ink(Ink::Dim, format!("by {}", shown(&change.generator)));
    console.line(format!("{} {path}  {made_by}", console.ink(ink, sign)));
    match &change.reason {
        Reason::Model { quads, count } => {
            for quad in quads {
                console.line(format!("    {}", shown(&chosen.short.shorten(quad))));
            }
            words::and_more_quads(console, *count, quads.len());
        }
        other => console.line(format!("    {}", words::reason(other, &chosen.short))),
    }
    if let Some(note) = &change.note {
        console.line(format!("    {}", shown(note)));
    }
}
