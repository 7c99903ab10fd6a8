//! Is what we write true to what is there?
//!
//! The API documentation builds without a warning, every link between the pages
//! of the repository has an end, every path that a page names exists, the
//! architecture page names every crate, and the page of dependencies says of each
//! package from outside why it is there.

mod links;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};

use crate::layering::{House, unnamed};
use crate::shell::{self, Shell};

/// Builds the API documentation, then checks the pages.
pub(crate) fn run(shell: &Shell, open: bool) -> Result<()> {
    check_pages(shell)?;
    let mut arguments = vec!["doc", "--workspace", "--all-features", "--no-deps"];
    if open {
        arguments.push("--open");
    }
    shell::run(shell.cargo(&arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

fn check_pages(shell: &Shell) -> Result<()> {
    let mut pages = BTreeMap::new();
    for file in shell.files("*.md")? {
        let text = fs::read_to_string(shell.root().join(&file))
            .with_context(|| format!("cannot read {file}"))?;
        pages.insert(file, text);
    }
    let mut problems = links::problems(&pages, &|path| shell.root().join(path).exists());
    let house = House::read(shell)?;
    problems.extend(
        unnamed(&house).iter().map(|name| format!("docs/architecture.md does not name {name}")),
    );
    let known = pages.get("docs/dependencies.md").map_or("", String::as_str);
    let outside: BTreeSet<&str> =
        house.members.iter().flat_map(|member| &member.outside).map(String::as_str).collect();
    problems.extend(undocumented(&outside, known));
    for problem in &problems {
        eprintln!("docs: {problem}");
    }
    if !problems.is_empty() {
        bail!("the pages have {} problem(s)", problems.len());
    }
    println!("docs: {} pages, all links and paths lead somewhere", pages.len());
    Ok(())
}

/// The packages from outside that have no row of their own in the page of dependencies.
fn undocumented(outside: &BTreeSet<&str>, page: &str) -> Vec<String> {
    let rows: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    let has_row = |name: &str| rows.iter().any(|row| row.split('`').next() == Some(name));
    let lacking = outside.iter().filter(|name| !has_row(name));
    lacking.map(|name| format!("docs/dependencies.md has no row for `{name}`")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::undocumented;

    #[test]
    fn a_package_from_outside_needs_a_row_of_its_own() {
        let outside = BTreeSet::from(["serde", "serde_json"]);
        let page = "| package | why |\n| `serde_json` | reports, not `serde` |\n";
        assert_eq!(undocumented(&outside, page), ["docs/dependencies.md has no row for `serde`"]);
    }
}
