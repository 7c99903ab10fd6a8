//! The shapes that comments have.

use crate::text::Flow;

/// How many columns a text has at least, however far it is indented.
const ROOM: usize = 20;

/// What is left of the width beside the indentation and the marks of the comment.
pub(crate) fn room(width: usize, indent: usize, marks: usize) -> usize {
    width.saturating_sub(indent + marks).max(ROOM)
}

/// A comment of which each line begins with `mark`.
pub(crate) fn line_comment(lines: &[String], indent: usize, mark: &str) -> String {
    let mut comment = String::new();
    for line in lines {
        push(&mut comment, indent, &format!("{mark} {line}"));
    }
    comment
}

/// A comment between `/**` and `*/`: one line where it fits, else a line for each.
pub(crate) fn block_comment(lines: &[String], indent: usize, width: usize) -> String {
    let mut comment = String::new();
    match lines {
        [] => {}
        [line] if indent + line.chars().count() + "/**  */".len() <= width => {
            push(&mut comment, indent, &format!("/** {line} */"));
        }
        lines => {
            push(&mut comment, indent, "/**");
            comment.push_str(&line_comment(lines, indent + 1, "*"));
            push(&mut comment, indent, " */");
        }
    }
    comment
}

/// A text between `"""`: one line where it fits. `open` says that the first of several
/// lines has the quotes of the beginning before it.
pub(crate) fn quoted_comment(lines: &[String], indent: usize, width: usize, open: bool) -> String {
    const QUOTES: &str = "\"\"\"";
    let mut comment = String::new();
    let fits = |line: &str| indent + line.chars().count() + 2 * QUOTES.len() <= width;
    // A quote at the end would be one of those that end the text; a backslash would free the first.
    let ends = |line: &str| line.ends_with(['"', '\\']);
    match lines {
        [] => {}
        [line] if fits(line) && !ends(line) && !line.starts_with('"') => {
            push(&mut comment, indent, &format!("{QUOTES}{line}{QUOTES}"));
        }
        [first, rest @ ..] => {
            if open {
                push(&mut comment, indent, &format!("{QUOTES}{first}"));
            } else {
                push(&mut comment, indent, QUOTES);
                push(&mut comment, indent, first);
            }
            for line in rest {
                push(&mut comment, indent, line);
            }
            push(&mut comment, indent, QUOTES);
        }
    }
    comment
}

fn push(comment: &mut String, indent: usize, line: &str) {
    let line = line.trim_end();
    if !line.is_empty() {
        comment.extend(std::iter::repeat_n(' ', indent));
        comment.push_str(line);
    }
    comment.push('\n');
}

/// The lines of a text in a comment where nothing but `escape` is to be heeded.
pub(crate) fn escaped(
    text: &str,
    width: usize,
    flat: bool,
    escape: &dyn Fn(&str) -> String,
) -> Vec<String> {
    Flow { width, word: escape, begin: &str::to_owned, flat }.lines(text)
}

/// A word without what XML and HTML take for markup.
pub(crate) fn xml(word: &str) -> String {
    word.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A text that does not end the comment whose star may stand right before it.
pub(crate) fn unended(text: &str) -> String {
    text.strip_prefix('/').map_or_else(|| text.to_owned(), |rest| format!("&#47;{rest}"))
}
