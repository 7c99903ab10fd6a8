//! How fast the engine is, and how much memory it takes: `cargo xtask bench engine`.
//!
//! Each group of rows runs its baseline in the same run, in turns with our work, and
//! compares the medians. A bar that is missed is said, and is no failure: a loaded
//! machine says little about a program. What each row means stands in
//! `docs/benchmarks.md`.

mod allocator;
mod fixture;
mod generation;
mod loading;
mod measure;
mod memory;
mod process;
mod table;
mod warm;

use anyhow::{Result, bail};

use crate::table::Row;

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

/// How much is measured.
pub(crate) struct Scale {
    quick: bool,
    /// Whether a million artifacts are made, for which the disk needs room.
    pub(crate) million: bool,
}

impl Scale {
    /// One value for a quick look, another for figures that mean something.
    pub(crate) fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }
}

type Group = fn(&Scale) -> Result<Vec<Row>>;

const GROUPS: [(&str, Group); 5] = [
    ("process", process::rows),
    ("warm", warm::rows),
    ("generation", generation::rows),
    ("loading", loading::rows),
    ("memory", memory::rows),
];

fn main() -> Result<()> {
    let mut scale = Scale { quick: false, million: false };
    let mut wanted = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quick" => scale.quick = true,
            "--million" => scale.million = true,
            // What cargo says to every benchmark.
            "--bench" => {}
            name if GROUPS.iter().any(|(known, _)| *known == name) => wanted.push(argument),
            unknown => {
                let names = GROUPS.map(|(name, _)| name).join(", ");
                bail!(
                    "there is no group `{unknown}`; there are {names}, and --quick and --million"
                );
            }
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{threads} processors; medians of times on the wall, ours and the baseline's in turns"
    );
    table::print_head();
    for (name, rows) in GROUPS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            rows(&scale)?.iter().for_each(Row::print);
        }
    }
    Ok(())
}
