use std::collections::BTreeSet;

use super::check::{Kind, Names, Row, check};
use super::house::{House, Member};
use super::table;

const fn row(name: &'static str, rank: u8, kind: Kind, names: Names) -> Row {
    Row { name, rank, kind, names }
}

/// A house in the smallest notation: `name: edges` separated by `;`.
fn house(notation: &str) -> House {
    let members = notation.split(';').map(|member| {
        let (name, edges) = member.split_once(':').unwrap_or((member, ""));
        Member {
            name: name.trim().to_owned(),
            description: "What it is for".to_owned(),
            first_line: "//! What does it answer?".to_owned(),
            manifest: "[lints]\nworkspace = true\n".to_owned(),
            edges: edges.split_whitespace().map(str::to_owned).collect(),
            outside: BTreeSet::new(),
        }
    });
    House { members: members.collect(), architecture: format!("`{notation}`") }
}

/// Checks `house` against a table of four crates: two libraries, an adapter, a root.
#[track_caller]
fn check_house(house: &House, expected: &str) {
    let rows = [
        row("low", 0, Kind::Library, Names::Only(&[])),
        row("high", 1, Kind::Library, Names::Only(&["low"])),
        row("wire", 1, Kind::Adapter, Names::Only(&["low"])),
        row("root", 6, Kind::Root, Names::Any),
    ];
    let breaches: Vec<String> = check(&rows, house).iter().map(ToString::to_string).collect();
    assert_eq!(breaches.join("\n"), expected);
}

#[test]
fn a_house_that_follows_its_table_has_no_breach() {
    check_house(&house("low; high: low; wire: low; root: low wire"), "");
}

#[test]
fn an_edge_without_a_row_is_a_breach() {
    check_house(
        &house("low: high; high: low; wire: low; root"),
        "low depends on high, which its row does not permit\n\
         low depends on high, which is not of a lower rank",
    );
}

#[test]
fn a_row_without_an_edge_is_a_breach() {
    check_house(
        &house("low; high; wire: low; root"),
        "the row of high permits low, which it does not depend on",
    );
}

#[test]
fn an_edge_points_strictly_down_even_where_its_row_permits_it() {
    let rows = [
        row("left", 1, Kind::Library, Names::Only(&["right"])),
        row("right", 1, Kind::Library, Names::Only(&[])),
    ];
    let breaches = check(&rows, &house("left: right; right"));
    assert_eq!(breaches.len(), 1);
    assert_eq!(breaches[0].to_string(), "left depends on right, which is not of a lower rank");
}

#[test]
fn an_adapter_is_named_by_the_root_and_the_tests_only() {
    let rows = [
        row("wire", 4, Kind::Adapter, Names::Only(&[])),
        row("panel", 5, Kind::Adapter, Names::Only(&["wire"])),
        row("root", 6, Kind::Root, Names::Any),
        row("tests", 7, Kind::Tests, Names::Any),
    ];
    let breaches = check(&rows, &house("wire; panel: wire; root: wire; tests: wire root"));
    assert_eq!(breaches.len(), 1);
    assert_eq!(
        breaches[0].to_string(),
        "panel depends on the adapter wire, which only the root and the tests may name"
    );
}

#[test]
fn a_crate_and_a_row_need_each_other() {
    check_house(
        &house("low; high: low; root; stray"),
        "stray has no row in the table\nthe row wire has no crate",
    );
}

#[test]
fn a_crate_needs_a_charter() {
    let mut silent = house("low; high: low; wire: low; root");
    silent.members[0].first_line = "mod things;".to_owned();
    silent.members[1].description = "TODO".to_owned();
    check_house(
        &silent,
        "low has no charter: its root file does not begin with `//!` and a sentence\n\
         high has no charter: its manifest has no description",
    );
}

#[test]
fn the_architecture_page_names_every_crate_as_a_whole_word() {
    let mut forgotten = house("low; high: low; wire: low; root");
    forgotten.architecture = "`low`, `wire` and `root` are below-high".to_owned();
    check_house(&forgotten, "high is not named in docs/architecture.md");
}

#[test]
fn a_crate_inherits_the_lints_of_the_workspace() {
    let mut lax = house("low; high: low; wire: low; root");
    lax.members[0].manifest = "[package]\nworkspace = true\n[lints.rust]\n".to_owned();
    check_house(&lax, "low lacks `[lints] workspace = true`");
}

#[test]
fn a_crate_is_not_named_after_having_no_home() {
    let rows = [row("low-core", 0, Kind::Library, Names::Only(&[]))];
    let breaches = check(&rows, &house("low-core"));
    assert_eq!(
        breaches[0].to_string(),
        "low-core ends in types, common, core or util: name it after the question it answers"
    );
}

#[test]
fn the_table_itself_points_down_and_names_each_crate_once() {
    let mut seen = BTreeSet::new();
    for row in table::ROWS {
        assert!(seen.insert(row.name), "{} has two rows", row.name);
        let Names::Only(names) = row.names else { continue };
        for name in names {
            let below =
                table::ROWS.iter().any(|other| other.name == *name && other.rank < row.rank);
            assert!(below, "{} may not name {name}", row.name);
        }
    }
}
