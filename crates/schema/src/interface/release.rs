//! What was released, as text: a version that is a statement, and an interface beside it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr as _;

use evergen_knowledge::{Format, Limits, parse};
use serde::{Deserialize, Serialize};

use super::{ChangeKind, Interface, InterfaceChange, Part, Place, Version};
use crate::vocabulary::EVERGEN;

/// A version, and the interface that it stands for.
///
/// Its text is Turtle. The version is a statement, `ev:package ev:version "0.1.0"`, which
/// templates read as they read everything else. The interface stands in comments, a line for
/// each part, sorted: nobody but the next comparison reads it, and two branches that change
/// it meet in a merge.
///
/// # Laws
/// - Printed and parsed again, it is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Release {
    /// The version.
    pub version: Version,
    /// What was there in this version.
    pub interface: Interface,
}

/// A text of a release that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ReleaseError {
    /// What is wrong with it, and what to do.
    pub message: String,
    /// In which line, counted from 1.
    pub line: Option<u32>,
}

/// What stands before each line of the interface.
const MARK: &str = "#: ";

/// A line of the interface.
#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(rename = "of")]
    owner: String,
    #[serde(flatten)]
    place: Where,
    #[serde(flatten)]
    part: Part,
}

/// The place as a line has it.
#[derive(Default, Serialize, Deserialize)]
struct Where {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iri: Option<String>,
    #[serde(default, skip_serializing_if = "super::is_false")]
    reversed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is: Option<String>,
}

impl Release {
    /// The first release of an interface.
    #[must_use]
    pub fn first(interface: Interface) -> Self {
        Self { version: Version::FIRST, interface }
    }

    /// The release of another interface after this one, and what changed; none where
    /// nothing did. Where it is not known what there was, the version stays.
    #[must_use]
    pub fn next(&self, interface: Interface) -> Option<(Self, ChangeKind, Vec<InterfaceChange>)> {
        if !self.interface.is_known() {
            let same = Self { version: self.version, interface };
            return Some((same, ChangeKind::Internal, Vec::new()));
        }
        let kind = self.interface.kind_of_change(&interface)?;
        let changes = self.interface.changes(&interface);
        Some((Self { version: self.version.after(kind), interface }, kind, changes))
    }

    /// The release in a text that was printed, and perhaps edited.
    ///
    /// # Errors
    /// It is no Turtle, says no or several versions, or has a line of the interface that
    /// evergen did not write.
    pub fn parse(text: &str) -> Result<Self, ReleaseError> {
        let version = version(text)?;
        let mut interface = Interface::default();
        for (number, line) in (1..).zip(text.lines()) {
            let Some(line) = line.strip_prefix(MARK) else { continue };
            let wrong = |error: serde_json::Error| ReleaseError {
                message: format!(
                    "this line of the interface can't be read ({error}); restore it, or delete all lines that begin with `{}` to begin anew with this version",
                    MARK.trim_end()
                ),
                line: Some(number),
            };
            if let Some(inner) = line.strip_prefix("{\"inner\":") {
                let inner = inner.strip_suffix('}').unwrap_or(inner);
                interface.inner = Some(serde_json::from_str(inner).map_err(wrong)?);
                continue;
            }
            let Line { owner, place, part } = serde_json::from_str(line).map_err(wrong)?;
            interface.parts.insert((owner, place.into()), part);
        }
        Ok(Self { version, interface })
    }
}

/// The one version that is stated.
fn version(text: &str) -> Result<Version, ReleaseError> {
    let limits = Limits::default();
    let source = parse(text.as_bytes(), Format::Turtle, "https://evergen.dev/version", &limits)
        .map_err(|errors| ReleaseError {
            message: errors
                .first()
                .map_or_else(String::new, |error| format!("this is no Turtle: {}", error.message)),
            line: errors.first().map(|error| error.line),
        })?;
    let stated = |subject: &str, predicate: &str| {
        subject.strip_prefix(EVERGEN) == Some("package")
            && predicate.strip_prefix(EVERGEN) == Some("version")
    };
    let mut versions = Vec::new();
    for quad in &source.ground {
        let terms = [quad.subject, quad.predicate, quad.object].map(|id| source.terms.get(id));
        let [Some(subject), Some(predicate), Some(object)] = terms else { continue };
        if stated(subject.text(), predicate.text()) {
            versions.push(object.text().to_owned());
        }
    }
    let [version] = &versions[..] else {
        let message = format!("it needs one `ev:package ev:version`, and has {}", versions.len());
        return Err(ReleaseError { message, line: None });
    };
    Version::from_str(version).map_err(|error| ReleaseError {
        message: format!("`{version}` is not what packages in all languages take: {error}"),
        line: (1..)
            .zip(text.lines())
            .find(|(_, line)| line.contains(version.as_str()))
            .map(|(line, _)| line),
    })
}

impl From<Where> for Place {
    fn from(place: Where) -> Self {
        match (place.iri, place.is) {
            (Some(iri), _) => Self::Property { iri, reversed: place.reversed },
            (None, Some(value)) => Self::Value(value),
            (None, None) => Self::Itself,
        }
    }
}

impl From<&Place> for Where {
    fn from(place: &Place) -> Self {
        match place {
            Place::Itself => Self::default(),
            Place::Property { iri, reversed } => {
                Self { iri: Some(iri.clone()), reversed: *reversed, is: None }
            }
            Place::Value(value) => Self { is: Some(value.clone()), ..Self::default() },
        }
    }
}

/// Writes the release as Turtle.
impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# The version of what is generated. It may be raised by hand; the lines below are evergen's own."
        )?;
        writeln!(f, "@prefix ev: <{EVERGEN}> .\n")?;
        writeln!(f, "ev:package ev:version \"{}\" .\n", self.version)?;
        if let Some(inner) = &self.interface.inner {
            writeln!(f, "{MARK}{{\"inner\":\"{inner}\"}}")?;
        }
        let lines: BTreeMap<_, _> = self.interface.parts.iter().collect();
        for ((owner, place), part) in lines {
            let line = Line { owner: owner.clone(), place: place.into(), part: part.clone() };
            let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
            writeln!(f, "{MARK}{line}")?;
        }
        Ok(())
    }
}
