//! A vulnerable dependency gets another version: in the lock file, and nowhere else.

use std::sync::LazyLock;

use regex::Regex;

use super::{Reach, ToolHealer, healer};
use crate::{Finding, FixClass, Invocation, Job, Scope, ToolAdapter, ToolVersion};

/// What a finding says of a vulnerable package. The gate writes it and the healer reads it, so
/// both stand here.
pub(crate) fn advisory(package: &str, version: &str, title: &str, patched: &[String]) -> String {
    let mended = match target(version, patched) {
        Some(to) => format!("mended in {to}"),
        None => "no version mends it".to_owned(),
    };
    format!("`{package}` {version}: {title} ({mended})")
}

/// The lowest version that is named as mended and is above this one; of the same major number
/// if there is one.
fn target(version: &str, patched: &[String]) -> Option<String> {
    let current: ToolVersion = plain(version)?.parse().ok()?;
    let mut above: Vec<(bool, ToolVersion, String)> = Vec::new();
    for part in patched.iter().flat_map(|range| range.split(',')) {
        // Of bounds only those name a version that holds it.
        let part = part.trim();
        let Some(text) = [">=", "^", "=", "~"].iter().find_map(|it| part.strip_prefix(it)) else {
            continue;
        };
        let text = text.trim();
        let Some(parsed) = plain(text).and_then(|it| it.parse::<ToolVersion>().ok()) else {
            continue;
        };
        if parsed > current {
            above.push((!is_compatible(version, text), parsed, text.to_owned()));
        }
    }
    above
        .into_iter()
        .min_by(|left, right| (left.0, &left.1).cmp(&(right.0, &right.1)))
        .map(|it| it.2)
}

fn plain(version: &str) -> Option<&str> {
    version.split(['-', '+']).next().filter(|text| !text.is_empty())
}

/// As cargo takes it: the first number that is not zero stays.
fn is_compatible(left: &str, right: &str) -> bool {
    let significant = |text: &str| {
        let numbers: Vec<u64> = text.split('.').map_while(|it| it.parse().ok()).collect();
        let first = numbers.iter().position(|it| *it != 0).unwrap_or(numbers.len());
        numbers.into_iter().take(first + 1).collect::<Vec<_>>()
    };
    significant(left) == significant(right)
}

struct Bump {
    package: String,
    from: String,
    to: String,
}

impl Bump {
    fn of(finding: &Finding) -> Option<Self> {
        static SHAPE: LazyLock<Option<Regex>> = LazyLock::new(|| {
            Regex::new(r"^`([\w-]+)` ([\w.+-]+): .*\(mended in ([\w.+-]+)\)$").ok()
        });
        let found = SHAPE.as_ref()?.captures(&finding.message)?;
        let part = |index: usize| found.get(index).map(|it| it.as_str().to_owned());
        Some(Self { package: part(1)?, from: part(2)?, to: part(3)? })
    }

    /// Whether the lock file still has the vulnerable version.
    fn is_due(&self, lock: &str) -> bool {
        lock.contains(&format!("name = \"{}\"\nversion = \"{}\"\n", self.package, self.from))
    }
}

pub(super) fn cargo_update(adapter: &impl ToolAdapter) -> ToolHealer {
    let tool = crate::adapters::cargo_tool();
    let name = "cargo update";
    let healer = healer(name, FixClass::Dependency, &adapter.info().name, &[], tool);
    let mut info = healer.info.clone();
    info.scope = Scope::globs(["Cargo.lock"]).unwrap_or_default();
    ToolHealer {
        info,
        takes: |it| Bump::of(it).is_some(),
        reach: Reach::Files,
        run: update,
        ..healer
    }
}

fn update(job: &Job<'_>, findings: &[Finding]) -> Vec<Invocation> {
    let lock = std::fs::read_to_string(job.folder.join("Cargo.lock")).unwrap_or_default();
    let due = findings.iter().filter_map(Bump::of).filter(|bump| bump.is_due(&lock));
    due.map(|bump| {
        Invocation::new(["update", "--color", "never", "--package"]).with([
            format!("{}@{}", bump.package, bump.from),
            "--precise".to_owned(),
            bump.to,
        ])
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mended_version_is_taken() {
        let check = |version: &str, patched: &[&str]| {
            let patched: Vec<String> = patched.iter().map(|it| (*it).to_owned()).collect();
            target(version, &patched).unwrap_or_default()
        };
        assert_eq!(check("1.2.0", &[">=1.2.3"]), "1.2.3");
        assert_eq!(check("1.2.0", &[">=2.0.0", "^1.4.1"]), "1.4.1");
        assert_eq!(check("0.3.1", &[">=0.4.0", ">=0.3.7, <0.4.0"]), "0.3.7");
        assert_eq!(check("0.3.1", &["^0.2.9", ">=0.5.0"]), "0.5.0");
        assert_eq!(check("1.2.0", &[">1.2.0"]), "");
        assert_eq!(check("1.2.0", &[]), "");
    }

    #[test]
    fn what_the_gate_says_is_what_the_healer_reads() {
        let said = advisory("a-b", "1.0.0", "Use (after) free", &[">=1.0.1".to_owned()]);
        assert_eq!(said, "`a-b` 1.0.0: Use (after) free (mended in 1.0.1)");
        let bump = Bump::of(&Finding::error("RUSTSEC-2026-0001", said)).unwrap();
        assert_eq!((&*bump.package, &*bump.from, &*bump.to), ("a-b", "1.0.0", "1.0.1"));
        assert!(bump.is_due("[[package]]\nname = \"a-b\"\nversion = \"1.0.0\"\n"));
        let none = advisory("a", "1.0.0", "b", &[]);
        assert!(Bump::of(&Finding::error("r", none)).is_none());
    }
}
