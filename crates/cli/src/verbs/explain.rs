//! `evergen explain`.

use std::path::Path;

use evergen_regeneration::{
    Access, Basis, ExplainError, Explanation, QueryUse, RegenerationEngine, TemplateUse, TripleUse,
};

use crate::arguments::Explain;
use crate::console::{Console, Ink};
use crate::excerpt::{shown, shown_lines};
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;
use crate::words::count;
use crate::{origin, words};

/// How many triples are listed for a person who did not ask for more.
const MANY: usize = 50;

pub(super) fn explain(arguments: &Explain, console: &mut Console) -> Result<Verdict, Failure> {
    let chosen = Chosen::find_here(&arguments.selection, console)?;
    let (file, line) = file_and_line(&arguments.file, &chosen.here);
    let mut engine = chosen.open(Access::Read)?;
    let explanation = first_known(&mut engine, &candidates(&file, &chosen), line)?;
    // The process is about to end, and the system is faster at taking back memory.
    std::mem::forget(engine);
    if console.is_json() {
        console.object(&explanation);
    } else {
        print(console, &chosen, &explanation);
    }
    Ok(Verdict::Yes)
}

/// Cuts `:LINE` or `:LINE:COLUMN` off, unless there is a file of the whole name.
fn file_and_line(text: &str, here: &Path) -> (String, Option<u32>) {
    let cut = |text: &str| {
        let (file, number) = text.rsplit_once(':')?;
        Some((file.to_owned(), number.parse::<u32>().ok()?))
    };
    if here.join(text).exists() {
        return (text.to_owned(), None);
    }
    match cut(text.trim_end_matches(':')) {
        None => (text.to_owned(), None),
        Some((file, number)) => match cut(&file) {
            Some((file, line)) => (file, Some(line)),
            None => (file, Some(number)),
        },
    }
}

/// What a path can mean in the output folder: seen from the current folder, from
/// the project, or from the output folder itself.
fn candidates(file: &str, chosen: &Chosen) -> Vec<String> {
    let output = chosen.output();
    let from = |folder: &Path| {
        let path = origin::absolute(Path::new(file), folder);
        path.strip_prefix(&output).ok().map(|path| path.to_string_lossy().into_owned())
    };
    let mut candidates = Vec::new();
    for folder in [&chosen.here, &chosen.place.root, &output] {
        candidates.extend(from(folder).filter(|path| !candidates.contains(path)));
    }
    if candidates.is_empty() {
        candidates.push(file.to_owned());
    }
    candidates
}

/// The explanation of the first candidate that is an artifact; the error is that
/// of the last one, which is nearest to what was written.
fn first_known(
    engine: &mut RegenerationEngine,
    candidates: &[String],
    line: Option<u32>,
) -> Result<Explanation, Failure> {
    let mut unknown = None;
    for path in candidates {
        match engine.explain(path, line) {
            Err(error @ ExplainError::Unknown { .. }) => unknown = Some(error),
            other => return Ok(other?),
        }
    }
    Err(unknown
        .map_or_else(|| Failure::usage("no file is named", "name a generated file"), Failure::from))
}

fn print(console: &mut Console, chosen: &Chosen, explanation: &Explanation) {
    let path = shown(&chosen.shown(&explanation.path));
    let place = explanation.line.map_or_else(|| path.clone(), |line| format!("{path}:{line}"));
    console.line(console.ink(Ink::Bold, place));
    if let (Some(text), Some(line)) = (&explanation.text, explanation.line) {
        console.line(format!("{line:6} │ {}", shown(text)));
    }
    console.line("");
    made_by(console, chosen, explanation);
    templates(console, &explanation.templates);
    passes(console, &explanation.passes);
    queries(console, &explanation.queries);
    triples(console, chosen, explanation);
    last(console, chosen, explanation);
    for file in &explanation.stale {
        console
            .remark(format!("note: {} changed since the last run, lines may be off", shown(file)));
    }
}

fn heading(console: &mut Console, text: &str) {
    let text = console.ink(Ink::Cyan, text);
    console.line(text);
}

fn made_by(console: &mut Console, chosen: &Chosen, explanation: &Explanation) {
    heading(console, "Made by");
    console.line(format!("  {}", shown(&explanation.generator)));
    for (variable, term) in &explanation.row {
        console.line(format!("  for {} = {}", shown(variable), shown(&chosen.short.shorten(term))));
    }
}

fn templates(console: &mut Console, templates: &[TemplateUse]) {
    if templates.is_empty() {
        return;
    }
    heading(console, "Templates");
    for template in templates {
        let lines: Vec<_> = template.lines.iter().map(ToString::to_string).collect();
        let lines = if lines.is_empty() { String::new() } else { format!(":{}", lines.join(",")) };
        console.line(format!("  {}{lines}", shown(&template.file)));
    }
}

fn passes(console: &mut Console, passes: &[String]) {
    if !passes.is_empty() {
        heading(console, "Passes");
        for pass in passes {
            console.line(format!("  {}", shown(pass)));
        }
    }
}

fn queries(console: &mut Console, queries: &[QueryUse]) {
    if queries.is_empty() {
        return;
    }
    heading(console, "Queries");
    for query in queries {
        console.line(format!("  {} ({})", shown(&query.name), count(query.rows, "row")));
        for line in shown_lines(query.text.trim()).lines() {
            let line = console.ink(Ink::Dim, line);
            console.line(format!("    {line}"));
        }
    }
}

fn triples(console: &mut Console, chosen: &Chosen, explanation: &Explanation) {
    heading(console, "Triples");
    let all = &explanation.triples;
    let many = if console.is_verbose() { all.len() } else { MANY };
    let width =
        all.iter().take(many).map(|triple| place(triple).chars().count()).max().unwrap_or(0);
    for triple in all.iter().take(many) {
        console.line(format!(
            "  {:width$}  {}",
            place(triple),
            shown(&chosen.short.shorten(&triple.triple))
        ));
    }
    words::and_more(console, all.len(), many);
    match (explanation.basis, all.is_empty()) {
        (Basis::Named, true) => {
            console.line("  not known of this line alone: it is made of what was read before it");
            console.line("  help: without a line `evergen explain` tells what the file is made of");
        }
        (Basis::Named, false) => {
            console.line("  (read before the line was written; these are about what it names)");
        }
        (_, true) => console.line("  none: it depends on templates and settings alone"),
        (_, false) => {}
    }
    let patterns = count(explanation.patterns, "pattern");
    let note = console.ink(Ink::Dim, format!("{patterns} of the model can make the file stale"));
    console.line(format!("  {note}"));
}

fn place(triple: &TripleUse) -> String {
    match (&triple.file, triple.line) {
        (Some(file), Some(line)) => shown(&format!("{file}:{line}")),
        (Some(file), None) => shown(file),
        _ => String::new(),
    }
}

fn last(console: &mut Console, chosen: &Chosen, explanation: &Explanation) {
    let Some(last) = &explanation.last else { return };
    heading(console, "Last made");
    console.line(format!("  {} in cycle {}", words::time(last.at_ms), last.cycle_id));
    console.line(format!("  because: {}", words::reason(&last.reason, &chosen.short)));
}

#[cfg(test)]
mod tests {
    use super::file_and_line;
    use std::path::Path;

    fn check(text: &str, file: &str, line: Option<u32>) {
        assert_eq!(file_and_line(text, Path::new("/nowhere")), (file.to_owned(), line));
    }

    #[test]
    fn a_line_can_follow_the_file() {
        check("gen/a.rs", "gen/a.rs", None);
        check("gen/a.rs:12", "gen/a.rs", Some(12));
        check("gen/a.rs:12:7", "gen/a.rs", Some(12));
        check("gen/a.rs:12:", "gen/a.rs", Some(12));
        check("c:x", "c:x", None);
    }
}
