//! The few lines of a source around what is wrong, safe to print.

/// How many characters of a line are shown.
const WIDEST: usize = 120;
/// How many of them stand before the place in a line that is longer.
const BEFORE: usize = 40;
/// How many bytes of the text around the place are looked at at most; a model on
/// one line can be very long.
const NEAR: usize = 64 << 10;

/// Some lines of a source, and the place in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// The lines, without what a terminal could take for a command.
    pub(crate) text: String,
    /// The number of the first line, from 0.
    pub(crate) first_line: usize,
    /// The bytes of the place in `text`: offset and length.
    pub(crate) span: (usize, usize),
    /// The place's column in the whole line, from 0, counted in characters.
    pub(crate) column: usize,
}

impl Excerpt {
    /// The lines of `source` around the bytes of `span`.
    pub(crate) fn of(source: &str, span: (usize, usize)) -> Self {
        let start = floor(source, span.0);
        let end = floor(source, span.0.saturating_add(span.1)).max(start);
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let end = end.min(line_end);
        let first_line = source[..line_start].matches('\n').count();
        let column = source[line_start..start].chars().count();
        let mut excerpt = Self { text: String::new(), first_line, span: (0, 0), column };
        excerpt.line_before(&source[..line_start]);
        excerpt.line(&source[line_start..line_end], start - line_start, end - line_start);
        excerpt.line_after(&source[line_end..]);
        excerpt
    }

    fn line_before(&mut self, before: &str) {
        let Some(before) = before.strip_suffix('\n') else { return };
        let line = before.rsplit('\n').next().unwrap_or_default();
        self.text += &shown(&head(line));
        self.text.push('\n');
        self.first_line -= 1;
    }

    fn line(&mut self, line: &str, start: usize, end: usize) {
        let from = floor(line, start.saturating_sub(NEAR));
        let to = floor(line, end.saturating_add(NEAR).min(start.saturating_add(NEAR)));
        let before: Vec<char> = line[from..start].chars().collect();
        let (from_line_start, room) = (from == 0, before.len());
        let long = !from_line_start || line[from..].chars().nth(WIDEST).is_some();
        let skipped = if long { room.saturating_sub(BEFORE) } else { 0 };
        if skipped > 0 || !from_line_start {
            self.text.push('…');
        }
        self.text += &shown(&before[skipped..].iter().collect::<String>());
        let place = self.text.len();
        let room = WIDEST.saturating_sub(room - skipped);
        let within: String = line[start..end.min(to).max(start)].chars().take(room).collect();
        self.text += &shown(&within);
        if within.is_empty() && start == line.len() {
            // A place behind the last character can be pointed at too.
            self.text.push(' ');
        }
        self.span = (place, self.text.len() - place);
        let room = room.saturating_sub(within.chars().count());
        let after: String =
            line[end.min(to).max(start)..to.max(start)].chars().take(room).collect();
        self.text += shown(&after).trim_end();
        if start + within.len() + after.len() < line.trim_end().len() {
            self.text.push('…');
        }
    }

    fn line_after(&mut self, after: &str) {
        let Some(after) = after.strip_prefix('\n').filter(|after| !after.is_empty()) else {
            return;
        };
        let line = &after[..after.find('\n').unwrap_or(after.len())];
        self.text.push('\n');
        self.text += &shown(&head(line));
    }
}

/// The bytes of a place that is given by line and column, both from 1.
pub(crate) fn span_of(source: &str, line: u32, column: u32) -> (usize, usize) {
    let mut start = 0;
    for _ in 1..line {
        match source[start..].find('\n') {
            Some(at) => start += at + 1,
            None => return (source.len(), 0),
        }
    }
    let line = source[start..].split('\n').next().unwrap_or_default();
    let before = column.saturating_sub(1) as usize;
    let offset = line.char_indices().nth(before).map_or(line.len(), |(at, _)| at);
    let length = line[offset..].chars().next().map_or(0, char::len_utf8);
    (start + offset, length)
}

/// The text without control characters and without those that turn the direction
/// of what follows.
pub(crate) fn shown(text: &str) -> String {
    let safe = |c: char| match c {
        '\t' | '\r' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(safe).collect()
}

/// The same for a text of several lines.
pub(crate) fn shown_lines(text: &str) -> String {
    text.split('\n').map(shown).collect::<Vec<_>>().join("\n")
}

fn head(line: &str) -> String {
    let mut head: String = line.chars().take(WIDEST).collect();
    if head.len() < line.len() {
        head.push('…');
    }
    head
}

/// The last place between two characters that is not behind `offset`.
fn floor(text: &str, offset: usize) -> usize {
    text.floor_char_boundary(offset.min(text.len()))
}

#[cfg(test)]
mod tests;
