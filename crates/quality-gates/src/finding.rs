use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that is wrong, and where: what SARIF calls a result.
///
/// A gate fills in what its tool said; [`seal`](crate::seal) adds the fingerprint, by which a
/// finding is known again after lines above it moved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The file concerned, relative to the tree's root and with `/` between its parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The place in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// How bad it is.
    pub severity: Severity,
    /// The rule that was broken.
    pub rule: String,
    /// What is wrong.
    pub message: String,
    /// Where the rule is explained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help_url: Option<String>,
    /// How it could be mended, where the tool knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// The same for the same finding after other lines moved; empty until it is sealed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
}

/// How bad a [`Finding`] is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Good to know.
    Note,
    /// Likely to be a mistake.
    Warning,
    /// A mistake.
    #[default]
    Error,
}

impl Severity {
    /// The word for it, which is also SARIF's level.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place between two characters: line and column count from 1, columns in Unicode scalar
/// values (as SARIF's `unicodeCodePoints`), never in bytes or UTF-16 units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl Position {
    /// A position; zeros become ones, since some tools count from zero by mistake.
    pub fn new(line: u32, column: u32) -> Self {
        Self { line: line.max(1), column: column.max(1) }
    }

    /// The byte offset in `text`, or nothing where the text has no such place.
    pub fn offset_in(self, text: &str) -> Option<usize> {
        let mut start = 0;
        for _ in 1..self.line {
            start += text[start..].find('\n')? + 1;
        }
        let line = text[start..].split('\n').next().unwrap_or_default();
        let column = usize::try_from(self.column).ok()?.checked_sub(1)?;
        let ends = std::iter::once(line.len());
        let within = line.char_indices().map(|(at, _)| at).chain(ends).nth(column)?;
        Some(start + within)
    }
}

/// A part of a file: whole lines where the column is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Region {
    /// The first line, from 1.
    pub line: u32,
    /// The first column, from 1, in Unicode scalar values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The last line, not before `line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// The column behind the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
}

impl Region {
    /// One whole line.
    pub fn line(line: u32) -> Self {
        Self { line: line.max(1), column: None, end_line: None, end_column: None }
    }

    /// From a column on.
    pub fn at(line: u32, column: u32) -> Self {
        Self { column: Some(column.max(1)), ..Self::line(line) }
    }

    /// Between two positions; the second one counts only where it is not before the first.
    pub fn between(start: Position, end: Position) -> Self {
        let region = Self::at(start.line, start.column);
        if end < start {
            return region;
        }
        Self { end_line: Some(end.line), end_column: Some(end.column), ..region }
    }
}

/// A change of text that mends a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fix {
    /// What it does.
    pub description: String,
    /// Whether the tool says that it keeps the meaning.
    pub safe: bool,
    /// The edits: of one file they do not overlap.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// A fix that the tool calls safe, or does not.
    pub fn new(description: impl Into<String>, safe: bool, edits: Vec<Edit>) -> Self {
        Self { description: description.into(), safe, edits }
    }
}

/// One replacement of text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Edit {
    /// The file, as in [`Finding::file`].
    pub file: String,
    /// Where the replaced text begins.
    pub start: Position,
    /// Where it ends; the same as `start` for an insertion.
    pub end: Position,
    /// What stands there afterwards.
    pub text: String,
}

impl Edit {
    /// Replaces what stands between two positions.
    pub fn new(
        file: impl Into<String>,
        start: Position,
        end: Position,
        text: impl Into<String>,
    ) -> Self {
        Self { file: file.into(), start, end, text: text.into() }
    }
}

impl Finding {
    /// Gives the files that it and its fix name other names.
    pub(crate) fn rename(&mut self, name: impl Fn(&str) -> String) {
        if let Some(file) = &mut self.file {
            *file = name(file);
        }
        for edit in self.fix.iter_mut().flat_map(|fix| &mut fix.edits) {
            edit.file = name(&edit.file);
        }
    }

    /// A finding of this severity.
    pub fn new(severity: Severity, rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: None,
            region: None,
            severity,
            rule: rule.into(),
            message: message.into(),
            help_url: None,
            fix: None,
            fingerprint: String::new(),
        }
    }

    /// A finding of severity error.
    pub fn error(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, rule, message)
    }

    /// A finding of severity warning.
    pub fn warning(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, rule, message)
    }

    /// Says which file it is about.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Says which line it is about, from 1.
    #[must_use]
    pub fn at_line(self, line: u32) -> Self {
        self.at(Region::line(line))
    }

    /// Says which part of the file it is about.
    #[must_use]
    pub fn at(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Says where the rule is explained.
    #[must_use]
    pub fn with_help(mut self, url: impl Into<String>) -> Self {
        self.help_url = Some(url.into());
        self
    }

    /// Says how it could be mended.
    #[must_use]
    pub fn with_fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// The line it is about, from 1.
    pub fn line(&self) -> Option<u32> {
        self.region.map(|region| region.line)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.severity, self.rule)?;
        if let Some(file) = &self.file {
            write!(f, " {file}")?;
        }
        if let Some(region) = &self.region {
            write!(f, ":{}", region.line)?;
            if let Some(column) = region.column {
                write!(f, ":{column}")?;
            }
        }
        write!(f, ": {}", self.message)
    }
}
