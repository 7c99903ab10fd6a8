//! The scheduler in a world that goes wrong: virtual time, seeded, every invariant held at
//! every step.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod starvation;
mod world;

use std::collections::BTreeMap;

use crate::world::{Faults, World};

/// Seeds that once showed a mistake.
const ONCE_FAILED: &[u64] = &[];

const SEEDS: u64 = 48;
const STEPS: u64 = 22_000;

fn live(seed: u64, steps: u64) -> World {
    eprintln!("seed {seed}");
    let mut world = World::new(seed, Faults::all());
    for _ in 0..steps {
        world.turn();
    }
    world.come_to_rest();
    world
}

/// More than a million steps, with every fault; each fault must have struck.
#[test]
fn nothing_is_lost_doubled_or_stuck() {
    let mut struck: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut steps = 0;
    for seed in 0..SEEDS {
        let world = live(seed, STEPS);
        steps += world.steps;
        for (fault, count) in &world.struck {
            *struck.entry(fault).or_default() += count;
        }
    }
    eprintln!("{steps} steps, {struck:#?}");
    assert!(steps >= 1_000_000, "{steps}");
    for fault in world::FAULTS {
        assert!(struck.get(fault).is_some_and(|count| *count > 0), "{fault} never struck");
    }
}

#[test]
fn seeds_that_once_failed_stay_good() {
    for seed in ONCE_FAILED {
        live(*seed, STEPS);
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let traces: Vec<u64> = [7, 7, 8].map(|seed| live(seed, 5_000).trace).to_vec();
    assert_eq!(traces[0], traces[1]);
    assert_ne!(traces[0], traces[2]);
}

/// The process dies after each step of a run in turn; what the log and the output hold is
/// enough to go on.
#[test]
fn a_restart_after_any_step_loses_and_doubles_nothing() {
    for seed in [1, 2, 3] {
        for step in 0..250 {
            let mut world = World::new(seed, Faults::of_handlers());
            for _ in 0..step {
                world.turn();
            }
            world.crash();
            world.come_to_rest();
            assert!(world.struck["crash"] > 0);
        }
    }
}
