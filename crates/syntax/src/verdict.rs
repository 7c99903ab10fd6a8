//! What a judge says.

use std::fmt;
use std::ops::Range;

use crate::Language;

/// What the judge of a language says of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// Who said it, and what it cannot see.
    pub judge: Judge,
    /// What is wrong, in the order of the text; at most [`Verdict::MOST_ERRORS`].
    ///
    /// The first is the one to mend. Those behind it may be its consequences.
    pub errors: Vec<SyntaxError>,
}

impl Verdict {
    /// How many errors are told of one text; what follows is noise.
    pub const MOST_ERRORS: usize = 20;

    /// Whether the judge has found nothing wrong.
    pub fn is_well_formed(&self) -> bool {
        self.errors.is_empty()
    }
}

/// A place where a text is not in its language.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyntaxError {
    /// Line from 1.
    pub line: usize,
    /// Column from 1, in characters (Unicode scalar values), a byte order mark not counted.
    pub column: usize,
    /// The place in bytes of the text as it was given; empty where something is missing.
    pub range: Range<usize>,
    /// What is wrong, in the words of the parser.
    pub message: String,
    /// What to do, where the parser knows it.
    pub hint: Option<String>,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Who judges a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judge {
    /// The language that is judged.
    pub language: Language,
    /// What kind of parser it is.
    pub kind: JudgeKind,
    /// The package it comes from.
    pub parser: &'static str,
    /// The version of that package.
    pub version: &'static str,
    /// What passes although the language's own compiler refuses it as syntax.
    pub cannot_see: &'static [&'static str],
}

impl fmt::Display for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.parser, self.version)
    }
}

/// How much the word of a judge counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JudgeKind {
    /// A parser that was written to refuse what is not in the language.
    Parser,
    /// A grammar that was written to give editors a tree of any text. It refuses
    /// most of what is wrong, and what it lets pass is in [`Judge::cannot_see`].
    TreeSitter,
}

/// Why there is no verdict. None of these is a pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unjudged {
    /// This build holds no judge for the language.
    #[error("no judge of {0} is built in: build evergen-syntax with its feature `{feature}`", feature = .0.feature())]
    NoJudge(Language),
    /// The text is longer than [`Limits::bytes`](crate::Limits::bytes).
    #[error(
        "the text has {bytes} bytes, and {limit} are judged at most: split the file or raise the limit"
    )]
    TooLong {
        /// Length of the text.
        bytes: usize,
        /// How much is allowed.
        limit: usize,
    },
    /// The text may nest so deeply that its parser would need more stack than [`Limits::stack`](crate::Limits::stack).
    #[error(
        "the text may nest too deeply to be parsed within {limit} bytes of stack: split the file or raise the limit"
    )]
    TooDeep {
        /// Bytes of stack that are allowed.
        limit: usize,
    },
    /// The parser did not get through the text with the work it was given.
    #[error(
        "{parser} gave up after too many steps: the text is ambiguous over a long distance, split the file"
    )]
    TooSlow {
        /// Which parser.
        parser: &'static str,
    },
    /// The text says that it is written in an encoding other than UTF-8.
    #[error("the text declares the encoding `{0}`, and only UTF-8 is judged: convert the file")]
    Encoding(String),
    /// The parser panicked, which is a defect of the parser.
    #[error(
        "{parser} failed on this text ({message}): judge the file by its compiler, and report the text to the parser's authors"
    )]
    Panicked {
        /// Which parser.
        parser: &'static str,
        /// What it said.
        message: String,
    },
}
