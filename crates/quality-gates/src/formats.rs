use crate::{Coverage, Fault, Finding};

mod cargo;
mod checkstyle;
mod cobertura;
mod configured;
mod junit;
mod lcov;
mod lines;
mod sarif;
mod xml;

#[cfg(test)]
mod tests;

pub use self::configured::{
    CanarySettings, ConfiguredTool, ExitSettings, Expectation, FormatSettings, LimitSettings,
    ReportSettings, Stream, ToolSettings, VersionSettings,
};
pub use self::lines::{LineSettings, Lines};

/// The format of what a tool writes.
///
/// Reading never panics and never guesses: what is cut off, is in another format or contradicts
/// itself is [`Fault::Unparsable`], [`Fault::Partial`] or [`Fault::EmptyScope`], and not an empty
/// list of findings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OutputFormat {
    /// SARIF 2.1.0.
    Sarif,
    /// `JUnit` XML: tests and their failures.
    Junit,
    /// LCOV: which lines tests reach.
    Lcov,
    /// Cobertura XML: the same.
    Cobertura,
    /// Checkstyle XML.
    Checkstyle,
    /// Messages of cargo (`--message-format=json`) or rustc (`--error-format=json`), one on each
    /// line.
    Cargo,
    /// Lines that match a pattern, `file:line:column: severity: message` for instance.
    Lines(Lines),
}

/// What a document says.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Parsed {
    /// What was found.
    pub findings: Vec<Finding>,
    /// What the document says was looked at. Its files count only if
    /// [`says_files`](Self::says_files).
    pub coverage: Coverage,
    /// Whether the document names every file that was looked at.
    pub says_files: bool,
}

impl OutputFormat {
    /// Reads a document; `what` names it in faults.
    pub fn read(&self, what: &str, bytes: &[u8]) -> Result<Parsed, Fault> {
        match self {
            Self::Sarif => sarif::read(what, bytes),
            Self::Junit => junit::read(what, bytes),
            Self::Lcov => lcov::read(what, bytes),
            Self::Cobertura => cobertura::read(what, bytes),
            Self::Checkstyle => checkstyle::read(what, bytes),
            Self::Cargo => cargo::read(what, bytes),
            Self::Lines(lines) => lines.read(what, bytes),
        }
    }
}

fn utf8<'a>(what: &str, bytes: &'a [u8]) -> Result<&'a str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| Fault::unparsable(what, error))?;
    // Some tools write the mark that Windows wants.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The measure for `hit` of `found` lines, and how many there are.
fn line_coverage(what: &str, files: u64, hit: u64, found: u64) -> Result<Parsed, Fault> {
    if found == 0 {
        return Err(Fault::EmptyScope { what: format!("{what} names no line that could run") });
    }
    let per_cent = real(hit.min(found)) * 100.0 / real(found);
    let coverage = Coverage::of_files(files).with_lines(found);
    let coverage = coverage.measured(Coverage::LINE_COVERAGE, per_cent);
    Ok(Parsed { findings: Vec::new(), coverage, says_files: true })
}

#[expect(clippy::cast_precision_loss, reason = "counts of lines, far below 2^52")]
fn real(count: u64) -> f64 {
    count as f64
}
