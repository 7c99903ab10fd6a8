use std::fmt;
use std::str::FromStr;

use crate::{GateReport, Subject};

mod excerpt;
mod github;
mod json;
mod junit;
mod sarif;
mod text;

#[cfg(test)]
mod tests;

/// In which form a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReportFormat {
    /// For people, with excerpts of the sources.
    #[default]
    Text,
    /// All that is known.
    Json,
    /// SARIF 2.1.0, one run for each gate.
    Sarif,
    /// `JUnit` XML, one suite for each gate.
    Junit,
    /// Annotations of GitHub's actions.
    Github,
}

impl ReportFormat {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Text, Self::Json, Self::Sarif, Self::Junit, Self::Github];

    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Github => "github",
        }
    }
}

impl fmt::Display for ReportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no such format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no report format {0:?}; write text, json, sarif, junit or github")]
pub struct UnknownFormat(pub String);

impl FromStr for ReportFormat {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|format| format.as_str() == text);
        named.ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// A report on its way to a reader.
///
/// The same report and sources give the same bytes; durations are all that differs between two
/// runs over the same tree, and they can be left out.
///
/// What tools say is not trusted: in each form, it can't end a line, an attribute or a command
/// that it stands in, nor steer a terminal.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Presentation<'a> {
    report: &'a GateReport,
    sources: Option<&'a Subject>,
    timings: bool,
    details: bool,
}

impl<'a> Presentation<'a> {
    /// This report, with durations and without excerpts.
    pub fn new(report: &'a GateReport) -> Self {
        Self { report, sources: None, timings: true, details: false }
    }

    /// The tree that was judged: excerpts come from there, and files are named as it
    /// [names](Subject::named) them. Files of a folder are read, which blocks.
    pub fn with_sources(mut self, sources: &'a Subject) -> Self {
        self.sources = Some(sources);
        self
    }

    /// Leaves durations out.
    pub fn without_timings(mut self) -> Self {
        self.timings = false;
        self
    }

    /// Says in the text, too, who looked at what and what they can't see, and the fingerprint of
    /// each finding. The other forms always do.
    pub fn with_details(mut self) -> Self {
        self.details = true;
        self
    }

    /// Writes it. The text ends with a line feed, unless it is empty.
    pub fn render(&self, format: ReportFormat) -> String {
        let named = self.sources.map(|sources| self.report.named_by(sources));
        let report = named.as_ref().unwrap_or(self.report);
        let Self { sources, timings, details, .. } = *self;
        let own = Presentation { report, sources, timings, details };
        match format {
            ReportFormat::Text => text::render(&own),
            ReportFormat::Json => json::render(&own),
            ReportFormat::Sarif => sarif::render(&own),
            ReportFormat::Junit => junit::render(&own),
            ReportFormat::Github => github::render(&own),
        }
    }
}

/// Text that steers no terminal: controls but line feeds are written as escapes.
fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push('\n'),
            '\t' => shown.push_str("    "),
            // Marks that reorder what stands beside them can hide what a line says.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(character.escape_unicode());
            }
            _ if character.is_control() => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
    }
    shown
}

/// `count` things, in the plural where it is wanted.
fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
