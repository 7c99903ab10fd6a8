//! The version of all that is generated, and the changelog that tells of it.

use std::fmt;
use std::sync::Arc;

use evergen_knowledge::TrackedReader;

use crate::names::KeepError;
use crate::report::VersionChange;

/// Gives what is generated a version that follows from how its interface changed.
///
/// The version stands in a file beside `evergen.lock`, in Turtle, which belongs under version
/// control and is a source of the model like any other: templates read it, and what shows it
/// is made again when it changes. Beside it the file holds whatever the keeper needs to tell
/// what changed since. The engine asks for its new text when the file is not as it was left,
/// something changed that was read when it asked last, or templates did, and commits it
/// together with the artifacts and an entry in the changelog.
///
/// # Laws
/// - The answer is a function of the text before, of what was read by `reader`, and of
///   `made_with`.
/// - Asked again with the text that it gave, and nothing else changed, it gives that text
///   byte for byte and no change.
/// - A version never goes down.
pub trait VersionKeeper: Send + Sync {
    /// The file's name.
    fn file_name(&self) -> &'static str;

    /// The new text of the file, and how the version came to change; `previous` is empty where
    /// there is no file yet. `made_with` is a digest of the templates.
    ///
    /// # Errors
    /// The text before can't be understood.
    fn keep(
        &self,
        reader: &dyn TrackedReader,
        previous: &str,
        made_with: &str,
    ) -> Result<KeptVersion, KeepError>;
}

/// What a [`VersionKeeper`] says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptVersion {
    /// The new text of the file.
    pub text: String,
    /// How the version changed; none where it did not.
    pub change: Option<VersionChange>,
}

/// The keeper of a project, if it has one.
#[derive(Clone, Default)]
pub(crate) struct Versions(pub(crate) Option<Arc<dyn VersionKeeper>>);

impl fmt::Debug for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Versions").field(&self.0.as_ref().map(|keeper| keeper.file_name())).finish()
    }
}

/// The changelog's name in the output folder.
pub(crate) const CHANGELOG: &str = "CHANGELOG.md";

/// What a changelog begins with.
const HEAD: &str = "# Changelog

What changed in the code that is generated from the model, in the form of
[Keep a Changelog](https://keepachangelog.com/en/1.1.0/). Versions follow
[Semantic Versioning](https://semver.org/spec/v2.0.0.html), before 1.0 as Cargo reads it. An entry is added for each
version; what is written by hand stays.
";

/// A changelog with one more entry, in front of those of other versions and behind what is
/// unreleased. Everything else stays as it is, byte for byte. Where there is an entry for the
/// version already, written by hand, its text is put below that heading.
pub(crate) fn with_entry(text: &str, version: &str, entry: &str) -> String {
    let text = if text.trim().is_empty() { HEAD } else { text };
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let entry = entry.trim().replace('\n', newline);
    let headings = headings(text);
    if let Some((start, _)) = headings.iter().find(|(_, named)| *named == version) {
        let end = text[*start..].find('\n').map_or(text.len(), |length| start + length + 1);
        let (before, after) = text.split_at(end);
        let gap = if before.ends_with('\n') { newline.to_owned() } else { newline.repeat(2) };
        let rest = after.trim_start_matches(['\r', '\n']);
        return format!("{before}{gap}{entry}{newline}{newline}{rest}");
    }
    let is_other = |(_, named): &&(usize, &str)| !named.eq_ignore_ascii_case("unreleased");
    let place = headings.iter().find(is_other).map_or_else(|| links(text), |(start, _)| *start);
    let (before, after) = text.split_at(place);
    let before = before.trim_end_matches(['\r', '\n']);
    let after = if after.is_empty() { String::new() } else { format!("{newline}{after}") };
    format!("{before}{newline}{newline}## [{version}]{newline}{newline}{entry}{newline}{after}")
}

/// Where headings of the second level begin, and which version they name.
fn headings(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let marks = ["```", "~~~"].into_iter().find(|marks| line.trim_start().starts_with(marks));
        match (fence, marks) {
            (None, Some(marks)) => fence = Some(marks),
            (Some(open), Some(marks)) if open == marks => fence = None,
            (None, None) => {
                let named =
                    line.strip_prefix("## ").and_then(|rest| rest.split_whitespace().next());
                let bare = |named: &'_ str| named.len() - named.trim_start_matches('[').len();
                if let Some(named) = named {
                    let named = &named[bare(named)..];
                    let named = named.split(']').next().unwrap_or(named);
                    found.push((start, named.strip_prefix('v').unwrap_or(named)));
                }
            }
            _ => {}
        }
        start += line.len();
    }
    found
}

/// Where the definitions of links at the end of a text begin; its end where there are none.
fn links(text: &str) -> usize {
    let mut place = text.len();
    let mut end = text.len();
    for line in text.split_inclusive('\n').rev() {
        end -= line.len();
        let line = line.trim();
        if line.starts_with('[') && line.contains("]: ") {
            place = end;
        } else if !line.is_empty() {
            break;
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::with_entry;

    fn check(before: &str, after: &str) {
        assert_eq!(with_entry(before, "0.2.0", "### Added\n\n- A.\n"), after);
    }

    #[test]
    fn the_first_entry_makes_the_file() {
        let text = with_entry("", "0.1.0", "### Added\n\n- A.\n");
        assert!(text.starts_with("# Changelog\n"));
        assert!(text.ends_with("stays.\n\n## [0.1.0]\n\n### Added\n\n- A.\n"), "{text}");
    }

    #[test]
    fn a_new_entry_stands_before_older_ones_and_behind_what_is_unreleased() {
        check(
            "# C\n\n## [Unreleased]\n\n- By hand.\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n",
            "# C\n\n## [Unreleased]\n\n- By hand.\n\n## [0.2.0]\n\n### Added\n\n- A.\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n",
        );
    }

    #[test]
    fn links_stay_at_the_end() {
        check(
            "# C\n\n## Unreleased\n\n[0.1.0]: http://x/\n\n[b]: http://y/\n",
            "# C\n\n## Unreleased\n\n## [0.2.0]\n\n### Added\n\n- A.\n\n[0.1.0]: http://x/\n\n[b]: http://y/\n",
        );
    }

    #[test]
    fn an_entry_by_hand_is_kept() {
        check(
            "# C\n\n## v0.2.0 - soon\n\n- By hand.\n",
            "# C\n\n## v0.2.0 - soon\n\n### Added\n\n- A.\n\n- By hand.\n",
        );
        check("## [0.2.0]", "## [0.2.0]\n\n### Added\n\n- A.\n\n");
    }

    #[test]
    fn what_stands_in_code_is_no_heading() {
        check(
            "# C\n\n```md\n## [0.1.0]\n```\n",
            "# C\n\n```md\n## [0.1.0]\n```\n\n## [0.2.0]\n\n### Added\n\n- A.\n",
        );
    }

    #[test]
    fn line_ends_are_those_of_the_file() {
        check(
            "# C\r\n\r\n## [0.1.0]\r\n",
            "# C\r\n\r\n## [0.2.0]\r\n\r\n### Added\r\n\r\n- A.\r\n\r\n## [0.1.0]\r\n",
        );
    }
}
