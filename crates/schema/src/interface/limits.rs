//! What limits literals, and what a change of it means to whoever writes them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ChangeKind;
use crate::facets::compare_surely;

/// Limits of literals, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Limits {
    /// Regular expressions with flags, `^…$` where the whole value has to match.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) patterns: BTreeSet<String>,
    /// The smallest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_inclusive: Option<String>,
    /// The largest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_inclusive: Option<String>,
    /// A bound below all values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_exclusive: Option<String>,
    /// A bound above all values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_exclusive: Option<String>,
    /// The fewest characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_length: Option<u32>,
    /// The most characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_length: Option<u32>,
    /// The most digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total_digits: Option<u32>,
    /// The most digits behind the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fraction_digits: Option<u32>,
    /// The languages that a value may have; none for any.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) languages: BTreeSet<String>,
}

/// A regular expression as one text.
pub(super) fn written(text: &str, flags: &str, is_whole: bool) -> String {
    if is_whole { format!("^({text})$") } else { format!("/{text}/{flags}") }
}

/// How one limit came to be another one.
pub(super) struct LimitChange {
    pub(super) kind: ChangeKind,
    /// As in ‹takes at most 7, and took at most 9›.
    pub(super) words: String,
}

impl Limits {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Every limit that is another in `new`: breaking where values that were taken no longer
    /// may be, additive where all still are.
    pub(super) fn changes(&self, new: &Self) -> Vec<LimitChange> {
        let mut changes = Vec::new();
        for pattern in new.patterns.difference(&self.patterns) {
            changes.push(stricter(format!("must match {} now", code(pattern))));
        }
        for pattern in self.patterns.difference(&new.patterns) {
            changes.push(looser(format!("need not match {} any more", code(pattern))));
        }
        let bounds = [
            ("at least", true, &self.min_inclusive, &new.min_inclusive),
            ("more than", true, &self.min_exclusive, &new.min_exclusive),
            ("at most", false, &self.max_inclusive, &new.max_inclusive),
            ("less than", false, &self.max_exclusive, &new.max_exclusive),
        ];
        for (words, is_lower, old, new) in bounds {
            changes.extend(bound(words, is_lower, old.as_deref(), new.as_deref()));
        }
        let counts = [
            ("at least", "characters", true, self.min_length, new.min_length),
            ("at most", "characters", false, self.max_length, new.max_length),
            ("at most", "digits", false, self.total_digits, new.total_digits),
            (
                "at most",
                "digits behind the point",
                false,
                self.fraction_digits,
                new.fraction_digits,
            ),
        ];
        for (words, unit, is_lower, old, new) in counts {
            changes.extend(count(words, unit, is_lower, old, new));
        }
        changes.extend(self.language_changes(new));
        changes
    }

    fn language_changes(&self, new: &Self) -> Option<LimitChange> {
        if self.languages == new.languages {
            return None;
        }
        let list = |languages: &BTreeSet<String>| {
            languages.iter().map(|tag| code(tag)).collect::<Vec<_>>().join(", ")
        };
        let widens = new.languages.is_empty()
            || !self.languages.is_empty() && self.languages.is_subset(&new.languages);
        Some(match (widens, new.languages.is_empty()) {
            (true, true) => looser("takes texts of any language now".to_owned()),
            (true, false) => looser(format!("takes texts in {} now", list(&new.languages))),
            (false, _) => stricter(format!("takes texts in {} only", list(&new.languages))),
        })
    }
}

fn stricter(words: String) -> LimitChange {
    LimitChange { kind: ChangeKind::Breaking, words }
}

fn looser(words: String) -> LimitChange {
    LimitChange { kind: ChangeKind::Additive, words }
}

/// A bound that is another: looser only where that is certain.
fn bound(words: &str, is_lower: bool, old: Option<&str>, new: Option<&str>) -> Option<LimitChange> {
    use std::cmp::Ordering;
    match (old, new) {
        (old, new) if old == new => None,
        (None, Some(new)) => Some(stricter(format!("must be {words} {} now", code(new)))),
        (Some(old), None) => Some(looser(format!("need not be {words} {} any more", code(old)))),
        (Some(old), Some(new)) => {
            let widens = if is_lower { Ordering::Less } else { Ordering::Greater };
            let is_looser = compare_surely(new, old) == Some(widens)
                || compare_surely(new, old) == Some(Ordering::Equal);
            let said =
                format!("must be {words} {} now, and had to be {words} {}", code(new), code(old));
            Some(if is_looser { looser(said) } else { stricter(said) })
        }
        (None, None) => None,
    }
}

fn count(
    words: &str,
    unit: &str,
    is_lower: bool,
    old: Option<u32>,
    new: Option<u32>,
) -> Option<LimitChange> {
    if old == new {
        return None;
    }
    // No bound is the loosest one.
    let free = if is_lower { 0 } else { u32::MAX };
    let (before, after) = (old.unwrap_or(free), new.unwrap_or(free));
    let is_looser = if is_lower { after <= before } else { after >= before };
    let said = match (old, new) {
        (_, Some(new)) => format!("has {words} {new} {unit} now"),
        (_, None) => format!("has any number of {unit} now"),
    };
    Some(if is_looser { looser(said) } else { stricter(said) })
}

/// A text as code in Markdown, on one line, whatever it holds.
pub(super) fn code(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c }).collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let room = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{room}{text}{room}{fence}")
}
