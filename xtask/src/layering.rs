//! Do our crates know only whom they may know?
//!
//! The rule is a table of permitted edges ([`table`]); the house is what cargo
//! says of the workspace; [`check()`] compares the two and knows no third thing.

mod check;
mod house;
mod table;

#[cfg(test)]
mod tests;

use anyhow::{Result, bail};

pub(crate) use self::check::unnamed;
pub(crate) use self::house::House;

use self::check::check;
use crate::shell::Shell;

/// Prints every breach of the layering rules, and fails if there is one.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    let house = House::read(shell)?;
    let breaches = check(table::ROWS, &house);
    for breach in &breaches {
        eprintln!("layering: {breach}");
    }
    if !breaches.is_empty() {
        bail!("the layering has {} breach(es)", breaches.len());
    }
    println!("layering: {} crates, {} edges, all permitted", house.members.len(), house.edges());
    Ok(())
}
