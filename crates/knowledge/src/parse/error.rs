//! What is wrong with a file, and where.

use std::ops::Range;

use crate::canonical::CanonicalRefusalKind;

/// A reason why a file is refused, with the place in the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SyntaxError {
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
    /// The bytes concerned; empty where the notation's reader doesn't tell.
    pub span: Range<usize>,
    /// The text concerned, one line of it, shortened.
    pub text: String,
    /// What is wrong, as a fragment of a sentence.
    pub message: String,
    /// What kind of error it is.
    pub kind: SyntaxErrorKind,
}

/// The kinds of reasons for which a file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntaxErrorKind {
    /// The text is not of the notation.
    Syntax,
    /// The file is not UTF-8.
    Encoding,
    /// The base IRI that was given is none.
    Base,
    /// There are more bytes than allowed.
    FileTooLarge {
        /// The bound on them.
        limit: u64,
    },
    /// There are more statements than allowed.
    TooManyQuads {
        /// The bound on them.
        limit: u64,
    },
    /// A literal is longer than allowed.
    LiteralTooLong {
        /// The bound in bytes.
        limit: usize,
    },
    /// An IRI is longer than allowed.
    IriTooLong {
        /// The bound in bytes.
        limit: usize,
    },
    /// Brackets, elements or objects lie deeper inside each other than allowed.
    NestingTooDeep {
        /// The bound on the depth.
        limit: usize,
    },
    /// The entities of an XML file grow larger than allowed.
    EntitiesTooLarge {
        /// The bound in bytes.
        limit: u64,
    },
    /// More blank nodes hang together than allowed.
    ComponentTooLarge {
        /// How many they are.
        nodes: usize,
    },
    /// Blank nodes are so much alike that naming them would take too long.
    TooSymmetrical {
        /// How many hang together.
        nodes: usize,
    },
    /// A JSON-LD context lies outside the file, and no local copy of it is known.
    RemoteContext {
        /// The context's IRI.
        iri: String,
    },
    /// Two different terms have one id.
    TermCollision {
        /// Both terms, spelled out.
        terms: String,
    },
}

impl SyntaxErrorKind {
    pub(super) fn of_component(kind: &CanonicalRefusalKind) -> Self {
        match *kind {
            CanonicalRefusalKind::TooLarge { nodes } => Self::ComponentTooLarge { nodes },
            CanonicalRefusalKind::TooSymmetrical { nodes } => Self::TooSymmetrical { nodes },
        }
    }

    /// The message of an error that needs no more than its kind.
    fn message(&self) -> String {
        match self {
            Self::Syntax => "the text is not of this notation".to_owned(),
            Self::Encoding => "the file is not UTF-8".to_owned(),
            Self::Base => "the base is not an absolute IRI".to_owned(),
            Self::FileTooLarge { limit } => format!("the file has more than {limit} bytes"),
            Self::TooManyQuads { limit } => format!("the file has more than {limit} statements"),
            Self::LiteralTooLong { limit } => format!("a literal has more than {limit} bytes"),
            Self::IriTooLong { limit } => format!("an IRI has more than {limit} bytes"),
            Self::NestingTooDeep { limit } => format!("nested deeper than {limit} levels"),
            Self::EntitiesTooLarge { limit } => {
                format!("the entities grow to more than {limit} bytes")
            }
            Self::ComponentTooLarge { nodes } => {
                format!("{nodes} blank nodes hang together, which is more than allowed")
            }
            Self::TooSymmetrical { nodes } => format!(
                "the {nodes} blank nodes that hang together here are too much alike to be told apart"
            ),
            Self::RemoteContext { iri } => format!(
                "the context <{iri}> is not read from the network, and no catalog entry leads to a copy"
            ),
            Self::TermCollision { terms } => {
                format!("the terms {terms} have the same 64-bit id; rename one of them")
            }
        }
    }
}

/// So much of the text concerned is shown.
const TEXT_CHARACTERS: usize = 60;

impl SyntaxError {
    /// An error at a place in `bytes`.
    pub(super) fn at(bytes: &[u8], span: Range<usize>, kind: SyntaxErrorKind) -> Self {
        let message = kind.message();
        Self::with_message(bytes, span, kind, &message)
    }

    pub(super) fn with_message(
        bytes: &[u8],
        span: Range<usize>,
        kind: SyntaxErrorKind,
        message: &str,
    ) -> Self {
        let end = span.end.min(bytes.len());
        let span = span.start.min(end)..end;
        let (line, column) = line_and_column(bytes, span.start);
        let text = shorten(&bytes[span.clone()]);
        Self { line, column, span, text, message: fragment(message), kind }
    }

    /// Moves the error behind `skipped` bytes of the first line that count as no column.
    pub(super) fn shifted(mut self, skipped: usize) -> Self {
        self.span = self.span.start + skipped..self.span.end + skipped;
        self
    }
}

/// The line of a byte, counted from 1.
pub(super) fn line_of(bytes: &[u8], offset: usize) -> u32 {
    line_and_column(bytes, offset).0
}

fn line_and_column(bytes: &[u8], offset: usize) -> (u32, u32) {
    let before = &bytes[..offset.min(bytes.len())];
    let (mut line, mut start) = (1_u32, 0);
    for place in memchr::memchr2_iter(b'\n', b'\r', before) {
        // A carriage return before a line feed is no line end of its own.
        if before[place] == b'\n' || bytes.get(place + 1) != Some(&b'\n') {
            line = line.saturating_add(1);
            start = place + 1;
        }
    }
    let column = String::from_utf8_lossy(&before[start..]).chars().count();
    (line, u32::try_from(column).unwrap_or(u32::MAX - 1) + 1)
}

fn shorten(bytes: &[u8]) -> String {
    // A character has four bytes at most.
    let head = &bytes[..bytes.len().min(TEXT_CHARACTERS * 4 + 4)];
    let text = String::from_utf8_lossy(head);
    let line = text.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(TEXT_CHARACTERS).collect();
    if short.len() < line.len() || line.len() < bytes.trim_ascii_end().len() {
        short.push('…');
    }
    short
}

/// The message as our own are: it begins in lower case, and has no full stop.
fn fragment(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let mut characters = message.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain([second]).chain(characters).collect()
        }
        (Some('A'), Some(' ')) => format!("a{}", &message[1..]),
        _ => message.to_owned(),
    }
}
