use std::collections::{BTreeMap, BTreeSet};

use similar::{DiffTag, TextDiff};

use super::tokens::{Style, idle_lines};
use super::{Declared, FileChange, Refusal, Repair};

/// Judges a change line by line: where it is, and whether what stood there is silent now.
pub(super) fn judge_lines(
    repair: &Repair<'_>,
    change: &FileChange,
    [before, after]: [&str; 2],
    refusals: &mut BTreeSet<Refusal>,
) {
    let file = || change.path.clone();
    let filled = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).count();
    let (lines, left) = (filled(before), filled(after));
    let code = |text: &str| text.lines().any(|line| !line.trim().is_empty() && !is_comment(line));
    // Sorting and unfolding make files shorter; losing two thirds is another thing.
    let shrinks = lines >= 12 && left * 3 < lines;
    if shrinks || (code(before) && !code(after)) {
        refusals.insert(Refusal::Emptied { file: file(), lost: lines.saturating_sub(left), lines });
    }
    let diff = TextDiff::from_lines(before, after);
    for operation in diff.ops().iter().filter(|operation| operation.tag() != DiffTag::Equal) {
        let (old_range, new_range) = (operation.old_range(), operation.new_range());
        // An insertion before a declared line, or behind it, is beside it.
        let is_insertion = old_range.is_empty();
        let touched =
            if is_insertion { old_range.start..old_range.start + 1 } else { old_range.clone() };
        let outside =
            touched.clone().find(|line| !is_declared(repair, &change.path, line + 1, is_insertion));
        if let Some(line) = outside {
            refusals.insert(Refusal::OutsideDeclared { file: file(), line: line + 1 });
        }
        let comments: BTreeSet<&str> =
            new_range.filter_map(|line| commented(diff.new_slice(line)?)).collect();
        let gone = old_range.clone().find(|line| {
            let text = diff.old_slice(*line).unwrap_or_default().trim();
            !text.is_empty() && !is_comment(text) && comments.contains(text)
        });
        if let Some(line) = gone {
            refusals.insert(Refusal::CommentedOut { file: file(), line: line + 1 });
        }
    }
    if let Some(line) = silenced(&change.path, before, after) {
        refusals.insert(Refusal::CommentedOut { file: file(), line });
    }
}

/// The first line, from 1, that ran and is the same text within a comment or a string now.
fn silenced(path: &str, before: &str, after: &str) -> Option<usize> {
    let style = Style::of(path);
    let count = |text: &str, idle: bool| -> BTreeMap<String, usize> {
        let lines = text.lines().zip(idle_lines(text, style)).filter(|(_, it)| *it == idle);
        let lines = lines.map(|(line, _)| line.trim()).filter(|line| line.len() > 3);
        let mut counts = BTreeMap::new();
        lines.for_each(|line| *counts.entry(line.to_owned()).or_default() += 1);
        counts
    };
    let [ran, runs] = [before, after].map(|text| count(text, false));
    let [was_idle, is_idle] = [before, after].map(|text| count(text, true));
    let of = |counts: &BTreeMap<String, usize>, line: &str| counts.get(line).copied().unwrap_or(0);
    let is_silent =
        |line: &str| of(&runs, line) < of(&ran, line) && of(&is_idle, line) > of(&was_idle, line);
    before.lines().position(|line| is_silent(line.trim())).map(|line| line + 1)
}

fn is_declared(repair: &Repair<'_>, path: &str, line: usize, is_insertion: bool) -> bool {
    repair.declared.iter().any(|declared| match declared {
        Declared::File(file) => file == path,
        Declared::Lines(file, region) => {
            let at = |line: u32| usize::try_from(line).unwrap_or(usize::MAX);
            let (first, last) = (at(region.line), at(region.end_line.unwrap_or(region.line)));
            let last = if is_insertion { last.saturating_add(1) } else { last };
            file == path && (first..=last).contains(&line)
        }
    })
}

const LEADS: [&str; 7] = ["//", "#", "--", "/*", ";", "<!--", "\"\"\""];

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    LEADS.iter().any(|lead| line.starts_with(lead)) && !line.starts_with("#[")
}

/// What a comment says, if the line is one.
fn commented(line: &str) -> Option<&str> {
    let line = line.trim();
    let rest = LEADS.iter().find_map(|lead| line.strip_prefix(lead))?;
    Some(
        rest.trim_start_matches(['#', '/', '-'])
            .trim_end_matches("*/")
            .trim_end_matches("-->")
            .trim(),
    )
}
