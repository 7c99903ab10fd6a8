//! What a schema says of small models, one for each rule, and of real ones.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod classes;
mod data;
mod enumerations;
mod interface;
mod laws;
mod names;
mod problems;
mod properties;
mod reads;
mod restrictions;
mod shapes;
mod slots;
mod support;
