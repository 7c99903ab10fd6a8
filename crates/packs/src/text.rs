//! What the languages' ways of writing have in common.

/// Whether the character does not show, or changes how others show: it is never
/// written as itself into code.
///
/// The joiners U+200C and U+200D are not among them; words of several scripts, and
/// emoji, need them.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00AD}'
                | '\u{061C}'
                | '\u{180E}'
                | '\u{200B}'
                | '\u{200E}'
                | '\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFB}'
                | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

/// A double-quoted literal: quotes and backslashes behind a backslash, the usual
/// short escapes, and `escape` for all that does not show.
pub(crate) fn quoted(text: &str, escape: impl Fn(char) -> String) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if is_invisible(c) => literal.push_str(&escape(c)),
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

/// The characters of `name` that an identifier may hold, others as `_`, with a `_`
/// before a first character that may not be the first; `unnamed` for no character
/// that counts.
pub(crate) fn identifier(name: impl Iterator<Item = char>) -> String {
    let mut identifier = String::new();
    for c in name {
        let allowed = c == '_' || unicode_ident::is_xid_continue(c);
        if identifier.is_empty() && allowed && c != '_' && !unicode_ident::is_xid_start(c) {
            identifier.push('_');
        }
        identifier.push(if allowed { c } else { '_' });
    }
    if identifier.chars().all(|c| c == '_') { "unnamed".to_owned() } else { identifier }
}

/// The lines of a documentation comment, none longer than `width` where there is a
/// space to break at, without blank lines at either end.
///
/// Every character that any language takes for a line break is one.
pub(crate) fn doc_lines(text: &str, width: usize) -> Vec<String> {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<&str> = text.split(is_line_break).map(str::trim_end).collect();
    let begin = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    let margin = margin(lines.get(begin + 1..).unwrap_or_default());
    let mut wrapped: Vec<String> = Vec::new();
    for (index, line) in lines.iter().enumerate().skip(begin) {
        let line =
            if index == begin { line.trim_start() } else { line.get(margin..).unwrap_or_default() };
        if !line.is_empty() {
            wrap(line, width, &mut wrapped);
        } else if wrapped.last().is_some_and(|last| !last.is_empty()) {
            wrapped.push(String::new());
        }
    }
    if wrapped.last().is_some_and(String::is_empty) {
        wrapped.pop();
    }
    wrapped
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// How many spaces and tabs all lines that are not blank begin with.
fn margin(lines: &[&str]) -> usize {
    let filled = lines.iter().filter(|line| !line.is_empty());
    filled
        .map(|line| line.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count())
        .min()
        .unwrap_or(0)
}

fn wrap(line: &str, width: usize, lines: &mut Vec<String>) {
    let body = line.trim_start();
    let indent = visible(&line[..line.len() - body.len()]);
    let hanging = format!("{indent}{}", " ".repeat(bullet(body)));
    let mut current = indent;
    let mut empty = true;
    for word in body.split_whitespace().map(visible) {
        if !empty && current.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut current, hanging.clone()));
            empty = true;
        }
        if !empty {
            current.push(' ');
        }
        current.push_str(&word);
        empty = false;
    }
    lines.push(current);
}

/// How far the text of a list item stands behind the item's begin.
fn bullet(body: &str) -> usize {
    if body.starts_with("* ") || body.starts_with("- ") {
        return 2;
    }
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=2).contains(&digits) && body[digits..].starts_with(". ") { digits + 2 } else { 0 }
}

fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => visible.push_str("    "),
            c if is_invisible(c) => visible.extend(format!("U+{:04X}", u32::from(c)).chars()),
            c => visible.push(c),
        }
    }
    visible
}
