//! The rules of layering, over plain values.

use std::fmt;

use super::house::{House, Member};

/// What the table says of one crate.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) rank: u8,
    pub(super) kind: Kind,
    pub(super) names: Names,
}

/// What part a crate plays in the house.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Library,
    Adapter,
    /// The composition root: the one place that chooses implementations.
    Root,
    /// Behaviour across crates.
    Tests,
}

/// Which of our crates a crate may depend on.
pub(super) enum Names {
    /// All of lower rank, each of them or not.
    Any,
    /// These, and all of them.
    Only(&'static [&'static str]),
}

/// A way in which the house differs from the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Breach {
    CrateWithoutRow { name: String },
    RowWithoutCrate { name: String },
    EdgeWithoutRow { from: String, to: String },
    RowWithoutEdge { from: String, to: String },
    EdgeNotDown { from: String, to: String },
    AdapterNamed { from: String, to: String },
    NoCharter { name: String, lack: &'static str },
    NotInArchitecture { name: String },
    NoWorkspaceLints { name: String },
    HomelessName { name: String },
}

impl fmt::Display for Breach {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CrateWithoutRow { name } => write!(formatter, "{name} has no row in the table"),
            Self::RowWithoutCrate { name } => write!(formatter, "the row {name} has no crate"),
            Self::EdgeWithoutRow { from, to } => {
                write!(formatter, "{from} depends on {to}, which its row does not permit")
            }
            Self::RowWithoutEdge { from, to } => {
                write!(formatter, "the row of {from} permits {to}, which it does not depend on")
            }
            Self::EdgeNotDown { from, to } => {
                write!(formatter, "{from} depends on {to}, which is not of a lower rank")
            }
            Self::AdapterNamed { from, to } => write!(
                formatter,
                "{from} depends on the adapter {to}, which only the root and the tests may name"
            ),
            Self::NoCharter { name, lack } => write!(formatter, "{name} has no charter: {lack}"),
            Self::NotInArchitecture { name } => {
                write!(formatter, "{name} is not named in docs/architecture.md")
            }
            Self::NoWorkspaceLints { name } => {
                write!(formatter, "{name} lacks `[lints] workspace = true`")
            }
            Self::HomelessName { name } => write!(
                formatter,
                "{name} ends in types, common, core or util: name it after the question it answers"
            ),
        }
    }
}

/// Every breach of the rules, in the order of the members.
pub(super) fn check(rows: &[Row], house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for member in &house.members {
        match rows.iter().find(|row| row.name == member.name) {
            Some(row) => check_edges(rows, row, member, &mut breaches),
            None => breaches.push(Breach::CrateWithoutRow { name: member.name.clone() }),
        }
        check_form(member, &mut breaches);
    }
    let gone =
        rows.iter().filter(|row| !house.members.iter().any(|member| member.name == row.name));
    breaches.extend(gone.map(|row| Breach::RowWithoutCrate { name: row.name.to_owned() }));
    breaches.extend(
        unnamed(house).into_iter().map(|name| Breach::NotInArchitecture { name: name.to_owned() }),
    );
    breaches
}

/// The crates that `docs/architecture.md` does not name.
pub(crate) fn unnamed(house: &House) -> Vec<&str> {
    let words: Vec<&str> = house
        .architecture
        .split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'))
        .collect();
    let names = house.members.iter().map(|member| member.name.as_str());
    names.filter(|name| !words.contains(name)).collect()
}

fn check_edges(rows: &[Row], row: &Row, member: &Member, breaches: &mut Vec<Breach>) {
    let from = || member.name.clone();
    for to in &member.edges {
        if let Names::Only(permitted) = row.names
            && !permitted.contains(&to.as_str())
        {
            breaches.push(Breach::EdgeWithoutRow { from: from(), to: to.clone() });
        }
        let Some(target) = rows.iter().find(|row| row.name == to) else { continue };
        if target.rank >= row.rank {
            breaches.push(Breach::EdgeNotDown { from: from(), to: to.clone() });
        }
        if target.kind == Kind::Adapter && !matches!(row.kind, Kind::Root | Kind::Tests) {
            breaches.push(Breach::AdapterNamed { from: from(), to: to.clone() });
        }
    }
    if let Names::Only(permitted) = row.names {
        let unused = permitted.iter().filter(|to| !member.edges.contains(**to));
        breaches
            .extend(unused.map(|to| Breach::RowWithoutEdge { from: from(), to: (*to).to_owned() }));
    }
}

fn check_form(member: &Member, breaches: &mut Vec<Breach>) {
    let name = || member.name.clone();
    if member.first_line.strip_prefix("//!").is_none_or(|text| text.trim().is_empty()) {
        let lack = "its root file does not begin with `//!` and a sentence";
        breaches.push(Breach::NoCharter { name: name(), lack });
    }
    if member.description.trim().is_empty() || member.description.contains("TODO") {
        let lack = "its manifest has no description";
        breaches.push(Breach::NoCharter { name: name(), lack });
    }
    if !inherits_lints(&member.manifest) {
        breaches.push(Breach::NoWorkspaceLints { name: name() });
    }
    let ending = member.name.rsplit(['-', '_']).next().unwrap_or_default();
    if ["types", "common", "core", "util", "utils"].contains(&ending) {
        breaches.push(Breach::HomelessName { name: name() });
    }
}

fn inherits_lints(manifest: &str) -> bool {
    let mut section = "";
    manifest.lines().map(str::trim).any(|line| {
        if line.starts_with('[') {
            section = line;
        }
        section == "[lints]" && line.replace(' ', "") == "workspace=true"
    })
}
