//! `evergen diff`.

use evergen_regeneration::{Access, Action, FileDiff};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::Asked;
use crate::console::{Console, Ink};
use crate::excerpt::shown;
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;

/// What `diff --json` prints.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DiffReport {
    /// The files that a run would change, by path.
    files: Vec<FileDiff>,
}

pub(super) fn diff(asked: &Asked, console: &mut Console) -> Result<Verdict, Failure> {
    let chosen = Chosen::find(asked, console)?;
    let mut engine = chosen.open(Access::Read)?;
    let files = engine.diff()?;
    // The process is about to end, and the system is faster at taking back memory.
    std::mem::forget(engine);
    if console.is_json() {
        console.object(&DiffReport { files });
        return Ok(Verdict::Yes);
    }
    for file in &files {
        if file.action == Action::Refuse {
            let path = shown(&chosen.shown(&file.path));
            console.remark(format!("{path} was edited by hand; a run would keep it as it is"));
        }
        print(console, &file.unified);
    }
    Ok(Verdict::Yes)
}

/// Prints a unified diff as it is for a program, and coloured for a person.
fn print(console: &mut Console, unified: &str) {
    if !console.is_colourful() {
        console.write(unified);
        if !unified.is_empty() && !unified.ends_with('\n') {
            console.write("\n");
        }
        return;
    }
    for line in unified.lines() {
        let ink = match line.as_bytes() {
            [b'-', b'-', b'-', ..] | [b'+', b'+', b'+', ..] => Some(Ink::Bold),
            [b'+', ..] => Some(Ink::Green),
            [b'-', ..] => Some(Ink::Red),
            [b'@', ..] => Some(Ink::Cyan),
            _ => None,
        };
        let line = shown(line);
        let line = ink.map_or_else(|| line.clone(), |ink| console.ink(ink, &line));
        console.line(line);
    }
}
