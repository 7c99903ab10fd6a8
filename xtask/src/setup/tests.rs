use std::cell::RefCell;

use anyhow::{Result, ensure};

use super::install_together;

/// Installs `wanted` from a source without `unknown`, and expects these calls and these failures.
fn check(wanted: &'static str, unknown: &str, calls: &[&str], lacking: &[&str]) {
    let made = RefCell::new(Vec::new());
    let installed = RefCell::new(Vec::new());
    let install = |names: &[&'static str]| -> Result<()> {
        made.borrow_mut().push(names.join(" "));
        for name in names {
            ensure!(!unknown.split(' ').any(|word| word == *name), "nobody knows {name}");
        }
        installed.borrow_mut().extend(names.iter().filter(|name| !name.starts_with("empty")));
        Ok(())
    };
    let wanted: Vec<&str> = wanted.split(' ').collect();
    let found = install_together(&wanted, |name| installed.borrow().contains(&name), install);
    let found: Vec<String> = found.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    assert_eq!(made.into_inner(), calls);
    assert_eq!(found, lacking);
}

#[test]
fn what_can_be_had_takes_one_call() {
    check("mypy ruff black", "", &["mypy ruff black"], &[]);
}

#[test]
fn what_cannot_be_had_keeps_nothing_else_away() {
    check(
        "mypy ruff black",
        "ruff",
        &["mypy ruff black", "mypy", "ruff", "black"],
        &["ruff: nobody knows ruff"],
    );
}

#[test]
fn a_single_failure_is_not_tried_again() {
    check("mypy", "mypy", &["mypy"], &["mypy: nobody knows mypy"]);
}

#[test]
fn what_is_not_found_afterwards_lacks() {
    check("mypy empty", "", &["mypy empty"], &["empty: installed, but not found afterwards"]);
}
