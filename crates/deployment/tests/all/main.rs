//! Behaviour of deployments through the public interface, on real folders.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod comparison;
mod data;
mod faults;
mod flows;
mod ledger;
mod parts;
mod revival;
mod slots;
mod store;
mod validation;
mod world;
