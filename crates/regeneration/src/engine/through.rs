//! From a line of a file back to what a template rendered for it, through the passes.

use std::ops::Range;

use similar::{DiffOp, TextDiff};

use super::evaluate::rewritten;
use crate::error::CycleError;
use crate::generator::Generator;
use crate::project::Project;
use crate::records::Record;

/// A rendered text as it is written, after all passes.
pub(super) fn written(
    project: &Project,
    generator: &Generator,
    record: &Record,
    rendered: &str,
) -> Result<String, CycleError> {
    let Some(path) = &record.path else { return Ok(rendered.to_owned()) };
    let written = rewritten(&project.passes, generator, path, rendered.as_bytes().to_vec())
        .map_err(|problem| CycleError::Rejected(vec![problem]))?;
    Ok(String::from_utf8_lossy(&written).into_owned())
}

/// What stood in `rendered` where `range` of `written` stands: the same line if no pass touched
/// it, all lines that its change took the place of otherwise, and nothing at all where a pass
/// added it.
pub(super) fn rendered_range(rendered: &str, written: &str, range: Range<usize>) -> Range<usize> {
    if rendered == written {
        return range;
    }
    let line = written[..range.start].matches('\n').count();
    let diff = TextDiff::from_lines(rendered, written);
    let lines = diff.ops().iter().find_map(|op| lines_before(op, line)).unwrap_or(0..0);
    let starts: Vec<usize> = std::iter::once(0)
        .chain(rendered.match_indices('\n').map(|(at, _)| at + 1))
        .chain([rendered.len()])
        .collect();
    let at = |line: usize| starts.get(line).copied().unwrap_or(rendered.len());
    let (start, end) = (at(lines.start), at(lines.end));
    let text = &rendered[start..end.max(start)];
    start..start + text.trim_end_matches(['\n', '\r']).len()
}

/// The lines that a step of the difference takes for line `line` of the new text, if it is in it.
fn lines_before(op: &DiffOp, line: usize) -> Option<Range<usize>> {
    let (before, after) = (op.old_range(), op.new_range());
    if !after.contains(&line) {
        return None;
    }
    Some(match op {
        DiffOp::Equal { .. } => {
            let same = before.start + (line - after.start);
            same..same + 1
        }
        _ => before,
    })
}

#[cfg(test)]
mod tests {
    use super::rendered_range;

    #[test]
    fn a_line_is_led_back_to_what_was_rendered_for_it() {
        let rendered = "import b\nimport a\n\nx=1\nend\n";
        let written = "import a\nimport b\n\nx = 1\nend\n# made\n";
        let back = |text: &str| {
            let start = written.find(text).expect("it is there");
            &rendered[rendered_range(rendered, written, start..start + text.len())]
        };
        assert_eq!(back("x = 1"), "x=1");
        assert_eq!(back("end"), "end");
        assert_eq!(back("# made"), "");
        let same = rendered_range(rendered, rendered, 3..5);
        assert_eq!(same, 3..5);
    }
}
