//! Healers of files as programs that rewrite one text: what keeps generated code mended.

use std::collections::BTreeSet;

use super::ready::SCRIPTS;

/// A program that does to one text, from standard input to standard output, what a healer does to
/// files. See [`TextFilter`](crate::TextFilter).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilterRecipe {
    /// What it is called.
    pub name: String,
    /// The program.
    pub program: String,
    /// Its arguments, in which `{file}` stands for the path.
    pub arguments: Vec<String>,
    /// What it is for, as globs.
    pub files: Vec<String>,
}

/// The filters that do what these healers did for a gate, each with a rule that it mended, in the
/// order in which the healers were first of use. Edits that the findings of a tool brought with
/// them are those that the tool makes itself. `None` if one of them mends what no filter can.
pub fn filters_for<'a>(
    healers: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> Option<Vec<FilterRecipe>> {
    let mut uses: Vec<(Kind, BTreeSet<&str>)> = Vec::new();
    for (healer, gate, rule) in healers {
        let kind = Kind::of(healer, gate)?;
        match uses.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, rules)) => drop(rules.insert(rule)),
            None => uses.push((kind, BTreeSet::from([rule]))),
        }
    }
    Some(uses.iter().map(|(kind, rules)| kind.recipe(rules)).collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ruff,
    RuffFormat,
    Black,
    Rustfmt,
    Biome,
    BiomeFormat,
}

impl Kind {
    fn of(healer: &str, gate: &str) -> Option<Self> {
        Some(match (healer, gate) {
            ("ruff: unused" | "ruff: fixes" | "ruff: imports", _)
            | ("fixes of findings", "ruff check") => Self::Ruff,
            ("ruff format", _) | ("fixes of findings", "ruff format") => Self::RuffFormat,
            ("black", _) => Self::Black,
            ("rustfmt", _) => Self::Rustfmt,
            ("biome: fixes", _) => Self::Biome,
            ("biome format", _) => Self::BiomeFormat,
            _ => return None,
        })
    }

    fn recipe(self, rules: &BTreeSet<&str>) -> FilterRecipe {
        let joined = |rules: &mut dyn Iterator<Item = String>| rules.collect::<Vec<_>>().join(",");
        let selected = joined(&mut rules.iter().map(|rule| (*rule).to_owned()));
        let only = rules.iter().filter_map(|rule| rule.strip_prefix("lint/"));
        let only: Vec<String> = only.map(|rule| format!("--only={rule}")).collect();
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let (name, program, arguments): (_, _, Vec<String>) = match self {
            Self::Ruff => {
                let fix = ["check", "--fix", "--exit-zero", "--quiet", "--no-cache", "--isolated"];
                let rest = ["--select", &selected, "--stdin-filename", "{file}", "-"];
                ("ruff check", "ruff", owned(&[&fix[..], &rest].concat()))
            }
            Self::RuffFormat => {
                let words =
                    ["format", "--quiet", "--no-cache", "--isolated", "--stdin-filename", "{file}"];
                ("ruff format", "ruff", owned(&[&words[..], &["-"]].concat()))
            }
            Self::Black => {
                ("black", "black", owned(&["--quiet", "--stdin-filename", "{file}", "-"]))
            }
            Self::Rustfmt => ("rustfmt", "rustfmt", owned(&["--edition", "2024"])),
            Self::Biome => {
                let words = ["lint", "--write", "--colors=off", "--stdin-file-path={file}"];
                ("biome lint", "biome", [owned(&words), only].concat())
            }
            Self::BiomeFormat => {
                let words = ["format", "--colors=off", "--stdin-file-path={file}"];
                ("biome format", "biome", owned(&words))
            }
        };
        let endings: &[&str] = match self {
            Self::Ruff | Self::RuffFormat | Self::Black => &["py", "pyi"],
            Self::Rustfmt => &["rs"],
            Self::Biome | Self::BiomeFormat => SCRIPTS,
        };
        FilterRecipe {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments,
            files: endings.iter().map(|ending| format!("**/*.{ending}")).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::filters_for;

    #[test]
    fn rules_of_one_tool_are_mended_by_one_filter() {
        let used = [
            ("ruff: unused", "ruff check", "F401"),
            ("fixes of findings", "ruff format", "unformatted"),
            ("ruff: imports", "ruff check", "I001"),
        ];
        let filters = filters_for(used).unwrap();
        let names: Vec<&str> = filters.iter().map(|filter| filter.name.as_str()).collect();
        assert_eq!(names, ["ruff check", "ruff format"]);
        assert!(filters[0].arguments.contains(&"F401,I001".to_owned()), "{filters:?}");
    }

    #[test]
    fn what_no_filter_can_do_has_none() {
        let format = ("ruff format", "ruff format", "unformatted");
        assert_eq!(filters_for([format, ("fixes of findings", "clippy", "x")]), None);
        assert_eq!(filters_for([("ruff: fixes, unsafe ones too", "ruff check", "x")]), None);
    }

    #[test]
    fn every_kind_is_that_of_a_ready_healer() {
        let healers = super::super::ready::all();
        for name in ["ruff: unused", "ruff format", "black", "rustfmt", "biome: fixes"] {
            assert!(healers.iter().any(|healer| healer.info.name == name), "{name}");
            assert!(filters_for([(name, "any", "x")]).is_some(), "{name}");
        }
    }
}
