//! The packs with the real engine and, where they are installed, the real compilers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod compile;
mod example;
mod grammar;
mod hostile;
mod laws;
mod meaning;
mod names;
mod real;
mod support;
mod touch;
