//! The packs with the real engine and, where they are installed, the real compilers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod example;
mod grammar;
mod laws;
mod names;
mod real;
mod support;
mod touch;
mod version;
mod warm;
