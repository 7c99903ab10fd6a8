//! Behaviour across crates, in one program.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod crash;
mod edits;
mod hostile;
mod killed;
mod notations;
mod replay;
mod sequences;
mod work;
