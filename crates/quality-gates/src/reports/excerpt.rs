//! The lines that a finding is about.

use std::fmt::Write as _;

use super::plain;
use crate::Region;

/// How many lines of a long region are shown.
const LINES: usize = 5;

/// How many characters of a long line are shown.
const WIDTH: usize = 120;

/// What stands before the marked part, at most, where the line is longer than it may be.
const LEAD: usize = 40;

/// The lines of `text` that a region covers, with marks below what it means; nothing where the
/// text has no such line. Each line begins with `indent`.
pub(super) fn excerpt(text: &str, region: Region, indent: &str) -> Option<String> {
    let first = usize::try_from(region.line).ok()?.checked_sub(1)?;
    let last = usize::try_from(region.end_line.unwrap_or(region.line)).ok()?;
    let lines: Vec<&str> =
        text.lines().skip(first).take(last.saturating_sub(first).clamp(1, LINES)).collect();
    if lines.is_empty() {
        return None;
    }
    let gutter = (first + lines.len()).to_string().len();
    let mut shown = format!("{indent}{:gutter$} |\n", "");
    for (index, line) in lines.iter().enumerate() {
        let marked = marked(region, index, line);
        let window = Window::over(line, marked);
        let number = first + index + 1;
        push_line(&mut shown, &format!("{indent}{number:gutter$} | {}", window.text));
        if let Some(marks) = window.marks {
            push_line(&mut shown, &format!("{indent}{:gutter$} | {marks}", ""));
        }
    }
    Some(shown)
}

fn push_line(shown: &mut String, line: &str) {
    // Writing to a string can't fail.
    let _ = writeln!(shown, "{}", line.trim_end());
}

/// Which characters of a region's line are meant, from 0; nothing where all of it is.
fn marked(region: Region, index: usize, line: &str) -> Option<(usize, usize)> {
    let length = line.chars().count();
    let at = |column: u32| usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
    let indent = line.chars().take_while(|character| character.is_whitespace()).count();
    let start = if index == 0 { at(region.column?) } else { region.column.map(|_| indent)? };
    let is_last = region.line.saturating_add(u32::try_from(index).unwrap_or(u32::MAX))
        == region.end_line.unwrap_or(region.line);
    let end = match region.end_column {
        Some(column) if is_last => at(column),
        None if region.end_line.is_none() => start + 1,
        _ => length,
    };
    // A mark behind the last character is for what is missing there.
    let start = start.min(length);
    Some((start, end.clamp(start + 1, length.max(start + 1))))
}

struct Window {
    text: String,
    marks: Option<String>,
}

impl Window {
    /// The part of a line around what is marked; tabs become four blanks.
    fn over(line: &str, marked: Option<(usize, usize)>) -> Self {
        let length = line.chars().count();
        let (from, to) = match marked {
            _ if length <= WIDTH => (0, length),
            Some((start, _)) => {
                let from = start.saturating_sub(LEAD).min(length - WIDTH);
                (from, from + WIDTH)
            }
            None => (0, WIDTH),
        };
        let part = |from: usize, to: usize| {
            plain(&line.chars().skip(from).take(to.saturating_sub(from)).collect::<String>())
        };
        let (lead, tail) = (if from > 0 { "…" } else { "" }, if to < length { "…" } else { "" });
        let marks = marked.map(|(start, end)| {
            let before = lead.chars().count() + part(from, start).chars().count();
            let within = part(start, end.min(to.max(start + 1))).chars().count().max(1);
            format!("{}{}", " ".repeat(before), "^".repeat(within))
        });
        Self { text: format!("{lead}{}{tail}", part(from, to)), marks }
    }
}
