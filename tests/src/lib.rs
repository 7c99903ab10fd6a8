//! Behaviour across crates: what the tests and benchmarks beside this library share.

pub mod data;
pub mod notation;
pub mod project;
pub mod random;
pub mod sequences;
pub mod synthetic;
