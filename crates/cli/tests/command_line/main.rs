//! The shipped binary, run in folders of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "where a test can't be set up, it has failed"
)]

mod configuration;
mod contract;
mod errors;
mod first_steps;
mod published;
mod support;
