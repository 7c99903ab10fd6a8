//! What a server says, as findings.

use super::form::{Asks, Form};
use super::protocol::{Encoding, Place, TextEdit};
use super::session::Answer;
use crate::{Edit, Fault, Finding, Fix, Position, Region};

/// The findings in one file.
pub(super) fn findings(
    form: &Form,
    encoding: Encoding,
    path: &str,
    text: &str,
    answer: &Answer,
) -> Result<Vec<Finding>, Fault> {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut found = Vec::new();
    for diagnostic in &answer.diagnostics {
        let Some(severity) = (form.severity)(diagnostic) else { continue };
        let start = position(&lines, encoding, diagnostic.range.start);
        let end = position(&lines, encoding, diagnostic.range.end);
        let region = if form.ends {
            Region::between(start, end)
        } else {
            Region::at(start.line, start.column)
        };
        let message = (form.message)(&diagnostic.message);
        let mut finding = Finding::new(severity, (form.rule)(diagnostic), message);
        finding = finding.in_file(path).at(region);
        if let Some(description) = &diagnostic.code_description {
            finding.help_url = Some(description.href.clone());
        }
        found.push(finding);
    }
    if form.asks == Asks::Layout && found.is_empty() {
        found.extend(layout(encoding, path, text, &lines, &answer.edits)?);
    }
    Ok(found)
}

/// One finding for all that would be laid out differently, from the first sign that differs to
/// the last one.
fn layout(
    encoding: Encoding,
    path: &str,
    text: &str,
    lines: &[&str],
    edits: &[TextEdit],
) -> Result<Option<Finding>, Fault> {
    let wrong = || Fault::unparsable("edits of the server", "they do not fit the text");
    let mut edits: Vec<&TextEdit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.range);
    let mut laid_out = String::new();
    let mut done = 0;
    for edit in edits {
        let offset = |place: Place| match usize::try_from(place.line) {
            Ok(line) if line < lines.len() => {
                position(lines, encoding, place).offset_in(text).ok_or_else(wrong)
            }
            // A last line without an end has its end there.
            _ => Ok(text.len()),
        };
        let (start, end) = (offset(edit.range.start)?, offset(edit.range.end)?);
        if start < done || end < start {
            return Err(wrong());
        }
        laid_out.push_str(&text[done..start]);
        laid_out.push_str(&edit.new_text);
        done = end;
    }
    laid_out.push_str(&text[done..]);
    if laid_out == text {
        return Ok(None);
    }
    let before = same(text.chars(), laid_out.chars());
    let (old, new) = (&text[before..], &laid_out[before..]);
    let after = same(old.chars().rev(), new.chars().rev());
    let (start, end) = (position_of(text, before), position_of(text, text.len() - after));
    let edit = Edit::new(path, start, end, &new[..new.len() - after]);
    let finding = Finding::error("unformatted", "File would be reformatted").in_file(path);
    let fix = Fix::new("Lay it out", true, vec![edit]);
    Ok(Some(finding.at(Region::between(start, end)).with_fix(fix)))
}

/// How many bytes of the first text are the same signs as in the second.
fn same(first: impl Iterator<Item = char>, second: impl Iterator<Item = char>) -> usize {
    first.zip(second).take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum()
}

fn position_of(text: &str, offset: usize) -> Position {
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Position::new(number(line), number(column))
}

/// A place, whose character counts in the server's units, as one that counts signs. What lies
/// behind the end of a line is its end.
fn position(lines: &[&str], encoding: Encoding, place: Place) -> Position {
    let line = usize::try_from(place.line).ok().and_then(|line| lines.get(line));
    let mut left = place.character;
    let mut column: u32 = 1;
    for sign in line.copied().unwrap_or_default().chars() {
        let width = match encoding {
            Encoding::Utf8 => sign.len_utf8(),
            Encoding::Utf16 => sign.len_utf16(),
            Encoding::Utf32 => 1,
        };
        let width = u32::try_from(width).unwrap_or(1);
        if left < width {
            break;
        }
        left -= width;
        column += 1;
    }
    Position::new(place.line.saturating_add(1), column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_signs_whatever_the_server_counts() {
        let lines = ["", "é😀x"];
        let column =
            |encoding, character| position(&lines, encoding, Place { line: 1, character }).column;
        assert_eq!(column(Encoding::Utf8, 6), 3);
        assert_eq!(column(Encoding::Utf16, 3), 3);
        assert_eq!(column(Encoding::Utf32, 2), 3);
        assert_eq!(column(Encoding::Utf16, 99), 4, "behind the end is the end");
        assert_eq!(column(Encoding::Utf16, 2), 2, "within a sign is before it");
        let nowhere = position(&lines, Encoding::Utf8, Place { line: u32::MAX, character: 5 });
        assert_eq!(nowhere.column, 1);
    }
}
