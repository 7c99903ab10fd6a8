//! The shipped binary, run in folders of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "where a test can't be set up, it has failed"
)]

mod automatic;
mod cluster;
mod configuration;
mod contract;
mod deploy;
mod environments;
mod errors;
mod first_steps;
mod gates;
mod gates_baseline;
mod gates_idle;
mod gates_named;
mod gates_odd;
mod gates_processes;
mod packs;
mod passes;
mod published;
mod support;
mod watch;

/// The API server of the cluster's own tests.
#[path = "../../../kubernetes/tests/behaviour/server/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the cluster's own tests want more of it")]
mod server;

/// The program of the guide, which has to go on working.
#[path = "../../examples/autonomous.rs"]
mod autonomous;

#[test]
fn the_autonomous_example_runs() {
    autonomous::main().unwrap();
}
