use regex::{Captures, Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::Parsed;
use crate::{Fault, Finding, Position, Region, SettingsError, Severity};

/// How much memory a compiled pattern may take, in bytes.
const SIZE: usize = 1 << 20;

/// GNU's coding standards: `file:line[:column][-end]: [severity:] message`, with the names of
/// rules in brackets at the end, as compilers have them.
const GNU: &str = concat!(
    r"^(?P<file>(?:[A-Za-z]:[\\/])?[^:\n]+?):(?P<line>\d+)",
    r"(?:[:.](?P<column>\d+)(?:-(?:(?P<end_line>\d+)\.)?(?P<end_column>\d+))?)?:\s*",
    r"(?:(?P<severity>(?:fatal )?error|warning|note|info|hint|style|convention|refactor)\b:?\s+)?",
    r"(?P<message>\S.*?)(?:\s+\[(?P<rule>[-\w=+./]+)\])?$",
);

/// What compilers write around that: excerpts, what they were at, sums.
const GNU_IGNORED: [&str; 4] = [
    r"^\s",
    r"^(?:In file included from|\s+from) ",
    r"^[^:]+: (?:In|At) .*:$",
    r"^\d+ (?:errors?|warnings?)(?: and \d+ (?:errors?|warnings?))? generated\.$",
];

/// How findings are read from lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LineSettings {
    /// What a finding looks like: a regular expression with the named groups `message`, and
    /// `file`, `line`, `column`, `end_line`, `end_column`, `severity` and `rule` where there are
    /// such.
    pub regex: String,
    /// Lines that say nothing. Any other line that is not a finding is output that was not
    /// understood.
    pub ignore: Vec<String>,
    /// The closing line, with the named groups `files`, `tests` or `findings` for what it counts.
    /// Where this is given, output without it was cut off.
    pub summary: Option<String>,
    /// The severity of a finding that does not say.
    pub severity: Severity,
}

impl LineSettings {
    /// Findings that look like this.
    pub fn new(regex: impl Into<String>) -> Self {
        Self { regex: regex.into(), ..Self::default() }
    }

    /// Lines that say nothing.
    #[must_use]
    pub fn ignoring(mut self, regex: impl Into<String>) -> Self {
        self.ignore.push(regex.into());
        self
    }

    /// What the closing line looks like.
    #[must_use]
    pub fn closed_by(mut self, regex: impl Into<String>) -> Self {
        self.summary = Some(regex.into());
        self
    }
}

/// Findings on lines of their own, by a pattern.
#[derive(Clone, Debug)]
pub struct Lines {
    finding: Regex,
    ignored: Vec<Regex>,
    summary: Option<Regex>,
    severity: Severity,
}

impl Lines {
    /// Compiles the patterns. `field` is where they stand in the settings.
    pub fn new(settings: &LineSettings, field: &str) -> Result<Self, SettingsError> {
        let finding = compile(&format!("{field}.regex"), &settings.regex)?;
        if !finding.capture_names().flatten().any(|name| name == "message") {
            let allowed = "a regular expression with the group (?P<message>...)";
            return Err(SettingsError::new(
                format!("{field}.regex"),
                format!("{:?}", settings.regex),
                allowed,
            ));
        }
        let ignored = settings.ignore.iter().enumerate();
        let ignored =
            ignored.map(|(index, text)| compile(&format!("{field}.ignore[{index}]"), text));
        let summary = settings.summary.as_ref();
        Ok(Self {
            finding,
            ignored: ignored.collect::<Result<_, _>>()?,
            summary: summary.map(|text| compile(&format!("{field}.summary"), text)).transpose()?,
            severity: settings.severity,
        })
    }

    /// Lines as GNU's coding standards want them: `file:line:column: severity: message`.
    pub fn gnu() -> Result<Self, SettingsError> {
        let settings = GNU_IGNORED.into_iter().fold(LineSettings::new(GNU), LineSettings::ignoring);
        Self::new(&settings, "gnu")
    }

    pub(super) fn read(&self, what: &str, bytes: &[u8]) -> Result<Parsed, Fault> {
        // Tools quote sources, which may be in any encoding.
        let text = String::from_utf8_lossy(bytes);
        let mut parsed = Parsed::default();
        let mut closed = false;
        for (index, line) in text.lines().enumerate() {
            if let Some(found) = self.summary.as_ref().and_then(|summary| summary.captures(line)) {
                closed = true;
                sum_up(what, &found, &mut parsed)?;
            } else if let Some(found) = self.finding.captures(line) {
                parsed.findings.push(finding(&found, self.severity));
            } else if !line.trim().is_empty() && !self.says_nothing(line) {
                let shown: String = line.chars().take(200).collect();
                let why = format!("line {} was not understood: {shown:?}", index + 1);
                return Err(Fault::unparsable(what, why));
            }
        }
        if self.summary.is_some() && !closed {
            return Err(Fault::unparsable(what, "its closing line is missing"));
        }
        Ok(parsed)
    }

    fn says_nothing(&self, line: &str) -> bool {
        self.ignored.iter().any(|ignored| ignored.is_match(line))
    }
}

fn compile(field: &str, text: &str) -> Result<Regex, SettingsError> {
    RegexBuilder::new(text).size_limit(SIZE).build().map_err(|error| {
        let why = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        SettingsError::new(field, format!("{text:?}"), format!("a regular expression: {why}"))
    })
}

fn number<N: std::str::FromStr>(found: &Captures<'_>, name: &str) -> Option<N> {
    found.name(name)?.as_str().parse().ok()
}

fn sum_up(what: &str, found: &Captures<'_>, parsed: &mut Parsed) -> Result<(), Fault> {
    if let Some(files) = number(found, "files") {
        parsed.says_files = true;
        parsed.coverage.files = files;
    }
    if let Some(tests) = number(found, "tests") {
        parsed.coverage = std::mem::take(&mut parsed.coverage).with_tests(tests);
    }
    let named = parsed.findings.len() as u64;
    match number::<u64>(found, "findings") {
        Some(claimed) if claimed > named => {
            let why = format!("it claims {claimed} finding(s) and names {named}");
            Err(Fault::unparsable(what, why))
        }
        _ => Ok(()),
    }
}

fn finding(found: &Captures<'_>, otherwise: Severity) -> Finding {
    let text = |name: &str| found.name(name).map(|part| part.as_str().trim());
    let severity = text("severity").map_or(otherwise, |word| severity_of(word, otherwise));
    let rule = text("rule").filter(|rule| !rule.is_empty());
    let message = text("message").unwrap_or_default();
    let finding = Finding::new(severity, rule.unwrap_or(severity.as_str()), message);
    let finding = match text("file") {
        Some(file) if !file.is_empty() => finding.in_file(file),
        _ => return finding,
    };
    match (number(found, "line"), number(found, "column")) {
        (None | Some(0u32), _) => finding,
        (Some(line), None) => finding.at_line(line),
        (Some(line), Some(column)) => match number(found, "end_column") {
            Some(end_column) => {
                let end_line = number(found, "end_line").unwrap_or(line);
                let end = Position::new(end_line, end_column);
                finding.at(Region::between(Position::new(line, column), end))
            }
            None => finding.at(Region::at(line, column)),
        },
    }
}

fn severity_of(word: &str, otherwise: Severity) -> Severity {
    match word.to_ascii_lowercase().as_str() {
        "e" | "f" | "err" | "error" | "fatal" | "fatal error" | "critical" | "high" => {
            Severity::Error
        }
        "w" | "warn" | "warning" | "medium" => Severity::Warning,
        "i" | "n" | "info" | "note" | "notice" | "hint" | "style" | "low" | "convention"
        | "refactor" => Severity::Note,
        _ => otherwise,
    }
}
