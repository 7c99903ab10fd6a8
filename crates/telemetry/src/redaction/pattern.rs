//! Patterns that users give: plain enough to be read, fast enough for any text.

use crate::redaction::rules::Span;

/// A pattern without the traps of regular expressions.
///
/// Letters and signs stand for themselves; `#` is one digit, `@` one letter, `?` one
/// letter or digit, `*` a run of letters, digits, `-` and `_` that is as long as
/// possible and may be empty, and `\` takes the meaning from the sign behind it. A match
/// takes time in proportion to the pattern for each place of the text.
///
/// `CUST-######` hides the numbers of customers, `sk_live_*` the keys of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Char(char),
    Digit,
    Letter,
    Either,
    Run,
}

/// Why a pattern is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// It would match anything, nothing at all included.
    #[error("the pattern has no sign that must be there")]
    MatchesNothing,
    /// The last sign is a `\`.
    #[error("nothing stands behind the last `\\`")]
    OpenEscape,
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let mut parts = Vec::new();
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            parts.push(match char {
                '#' => Part::Digit,
                '@' => Part::Letter,
                '?' => Part::Either,
                '*' => Part::Run,
                '\\' => Part::Char(chars.next().ok_or(PatternError::OpenEscape)?),
                char => Part::Char(char),
            });
        }
        if parts.iter().all(|part| *part == Part::Run) {
            return Err(PatternError::MatchesNothing);
        }
        Ok(Self { parts })
    }

    pub(super) fn find(&self, text: &str, spans: &mut Vec<Span>) {
        let mut from = 0;
        for (start, _) in text.char_indices() {
            if start < from {
                continue;
            }
            if let Some(length) = self.matches(&text[start..]) {
                spans.push(Span { start, end: start + length });
                from = start + length;
            }
        }
    }

    /// The length of the match at the beginning of `text`.
    fn matches(&self, text: &str) -> Option<usize> {
        let mut rest = text;
        for part in &self.parts {
            rest = match part {
                Part::Run => rest.trim_start_matches(|char: char| {
                    char.is_alphanumeric() || matches!(char, '-' | '_')
                }),
                part => {
                    let char = rest.chars().next().filter(|char| part.takes(*char))?;
                    &rest[char.len_utf8()..]
                }
            };
        }
        Some(text.len() - rest.len())
    }
}

impl Part {
    fn takes(self, char: char) -> bool {
        match self {
            Self::Char(own) => own == char,
            Self::Digit => char.is_ascii_digit(),
            Self::Letter => char.is_alphabetic(),
            Self::Either => char.is_alphanumeric(),
            Self::Run => false,
        }
    }
}
