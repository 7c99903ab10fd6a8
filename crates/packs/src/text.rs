//! What the languages' ways of writing have in common.

use unicode_normalization::UnicodeNormalization as _;

use crate::name::Alphabet;

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
                // No characters at all, and not allowed in XML.
                | '\u{FFFE}' | '\u{FFFF}'
        )
}

/// A double-quoted literal: quotes and backslashes behind a backslash, the usual
/// short escapes, and `escape` for all that does not show.
pub(crate) fn quoted(text: &str, escape: impl Fn(char) -> String) -> String {
    between(('"', "\\\""), text, escape)
}

/// The same between two of another quote, which is given with how it is written inside.
pub(crate) fn between(
    (quote, inside): (char, &str),
    text: &str,
    escape: impl Fn(char) -> String,
) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push(quote);
    for c in text.chars() {
        match c {
            c if c == quote => literal.push_str(inside),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if is_invisible(c) => literal.push_str(&escape(c)),
            c => literal.push(c),
        }
    }
    literal.push(quote);
    literal
}

/// The escape `\uXXXX` for each UTF-16 unit of the character.
pub(crate) fn utf16_escape(c: char) -> String {
    let mut escape = String::new();
    escape.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
    escape
}

/// The escape `\uXXXX`, or `\UXXXXXXXX` beyond the basic plane.
pub(crate) fn long_escape(c: char) -> String {
    match u32::from(c) {
        code @ 0..=0xFFFF => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

/// Whether a sorted list has the word.
pub(crate) fn among(words: &[&str], word: &str) -> bool {
    words.binary_search(&word).is_ok()
}

/// Whether Windows keeps the name for a device, in any case and with any ending.
pub(crate) fn is_device(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "aux" | "con" | "nul" | "prn")
        || (name.strip_prefix("com").or_else(|| name.strip_prefix("lpt")))
            .is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
}

/// An identifier of the alphabet's letters and `_`: other letters and digits are written by
/// their code, everything else is a `_`, and one stands before a first character that may not be
/// the first; `unnamed` for no character that counts.
pub(crate) fn spelled(name: &str, alphabet: Alphabet) -> String {
    let mut spelled = String::new();
    for c in name.nfkc() {
        if alphabet.holds(c) {
            if spelled.is_empty() && !Alphabet::begins(c) {
                spelled.push('_');
            }
            spelled.push(c);
        } else if c.is_alphanumeric() {
            spelled.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("u{unit:04x}")));
        } else {
            spelled.push('_');
        }
    }
    if spelled.chars().all(|c| c == '_') { "unnamed".to_owned() } else { spelled.nfkc().collect() }
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
    Flow { width, word: &str::to_owned, begin: &str::to_owned, flat: false }.lines(text)
}

/// How a text becomes the lines of a comment.
pub(crate) struct Flow<'a> {
    /// How wide a line may be.
    pub(crate) width: usize,
    /// How a word is written.
    pub(crate) word: &'a dyn Fn(&str) -> String,
    /// How a word, written already, is written where it begins a line.
    pub(crate) begin: &'a dyn Fn(&str) -> String,
    /// Whether all lines begin at the margin; otherwise they keep what they are indented by.
    pub(crate) flat: bool,
}

impl Flow<'_> {
    pub(crate) fn lines(&self, text: &str) -> Vec<String> {
        let text = text.replace("\r\n", "\n");
        let lines: Vec<&str> = text.split(is_line_break).map(str::trim_end).collect();
        let begin = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
        let margin = margin(lines.get(begin + 1..).unwrap_or_default());
        let mut wrapped: Vec<String> = Vec::new();
        for (index, line) in lines.iter().enumerate().skip(begin) {
            let line = if index == begin || self.flat {
                line.trim_start()
            } else {
                line.get(margin..).unwrap_or_default()
            };
            if !line.is_empty() {
                self.wrap(line, &mut wrapped);
            } else if wrapped.last().is_some_and(|last| !last.is_empty()) {
                wrapped.push(String::new());
            }
        }
        if wrapped.last().is_some_and(String::is_empty) {
            wrapped.pop();
        }
        wrapped
    }

    fn wrap(&self, line: &str, lines: &mut Vec<String>) {
        let body = line.trim_start();
        let indent = visible(&line[..line.len() - body.len()]);
        let hanging =
            if self.flat { String::new() } else { format!("{indent}{}", " ".repeat(bullet(body))) };
        let mut current = indent;
        let mut empty = true;
        for word in body.split_whitespace().map(|word| (self.word)(&visible(word))) {
            if !empty && current.chars().count() + 1 + word.chars().count() > self.width {
                lines.push(std::mem::replace(&mut current, hanging.clone()));
                empty = true;
            }
            if empty {
                current.push_str(&(self.begin)(&word));
            } else {
                current.push(' ');
                current.push_str(&word);
            }
            empty = false;
        }
        lines.push(current);
    }
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
