use std::fmt;
use std::str::FromStr;

/// A tool's version: its leading numbers, since few tools number as semver wants.
///
/// ```
/// use evergen_quality_gates::ToolVersion;
///
/// let version = ToolVersion::find("rustfmt 1.9.0-stable (59807616e1 2026-04-14)").unwrap();
/// assert_eq!(version.to_string(), "1.9.0");
/// assert!(version > "1.8".parse().unwrap());
/// assert_eq!("2.0".parse::<ToolVersion>(), "2.0.0".parse());
/// ```
#[derive(Clone, Debug)]
pub struct ToolVersion {
    numbers: Vec<u64>,
}

/// A text that holds no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version is numbers with dots between them, as 1.2.3")]
pub struct VersionError;

impl ToolVersion {
    /// The first version in a text: the first word, or part of a word, of numbers with a dot
    /// between them, else the first number.
    pub fn find(text: &str) -> Option<Self> {
        let words = || {
            text.split(|sign: char| !(sign.is_ascii_digit() || sign == '.'))
                .map(|word| word.trim_matches('.'))
        };
        let dotted = words().filter(|word| word.contains('.')).find_map(|word| word.parse().ok());
        dotted.or_else(|| words().find_map(|word| word.parse().ok()))
    }

    /// No version at all, as of a tool that nobody can ask for one.
    pub(crate) fn none() -> Self {
        Self { numbers: Vec::new() }
    }

    fn significant(&self) -> &[u64] {
        let end = self.numbers.iter().rposition(|number| *number != 0).map_or(0, |last| last + 1);
        &self.numbers[..end]
    }
}

impl FromStr for ToolVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let numbers: Result<Vec<u64>, _> = text.split('.').map(str::parse).collect();
        Ok(Self { numbers: numbers.map_err(|_| VersionError)? })
    }
}

impl PartialEq for ToolVersion {
    fn eq(&self, other: &Self) -> bool {
        self.significant() == other.significant()
    }
}

impl Eq for ToolVersion {}

impl PartialOrd for ToolVersion {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ToolVersion {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.significant().cmp(other.significant())
    }
}

impl fmt::Display for ToolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.numbers.iter().map(u64::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

/// Versions that will do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionRange {
    at_least: Option<ToolVersion>,
    below: Option<ToolVersion>,
}

impl VersionRange {
    /// All versions.
    pub fn any() -> Self {
        Self::default()
    }

    /// From this version on.
    pub fn at_least(version: &str) -> Result<Self, VersionError> {
        Ok(Self { at_least: Some(version.parse()?), below: None })
    }

    /// But none from this version on.
    pub fn below(mut self, version: &str) -> Result<Self, VersionError> {
        self.below = Some(version.parse()?);
        Ok(self)
    }

    /// Whether a version will do.
    pub fn contains(&self, version: &ToolVersion) -> bool {
        self.at_least.as_ref().is_none_or(|least| version >= least)
            && self.below.as_ref().is_none_or(|below| version < below)
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.at_least, &self.below) {
            (None, None) => f.write_str("any version"),
            (Some(least), None) => write!(f, "{least} or later"),
            (None, Some(below)) => write!(f, "before {below}"),
            (Some(least), Some(below)) => write!(f, "{least} or later, before {below}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_tools_say() {
        let found = |text| ToolVersion::find(text).map(|version| version.to_string());
        for (text, version) in [
            ("ruff 0.17.5", "0.17.5"),
            ("go version go1.21.3 linux/amd64", "1.21.3"),
            ("mypy 2.4.1 (compiled: yes)", "2.4.1"),
            ("Version: 7.0.2", "7.0.2"),
            ("tool of 2026, 3.1.", "3.1"),
            ("v8", "8"),
        ] {
            assert_eq!(found(text).as_deref(), Some(version), "{text}");
        }
        assert_eq!(found("no number at all"), None);
        assert_eq!(found("99999999999999999999999"), None);
    }

    #[test]
    fn a_range_holds_its_lower_end_and_not_its_upper_one() {
        let range = VersionRange::at_least("1.2").unwrap().below("2").unwrap();
        let holds = |text: &str| range.contains(&text.parse().unwrap());
        assert_eq!(
            [holds("1.1.9"), holds("1.2.0"), holds("1.99"), holds("2.0")],
            [false, true, true, false]
        );
        assert_eq!(range.to_string(), "1.2 or later, before 2");
    }
}
