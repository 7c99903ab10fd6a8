//! Is the new slot worse than the old one? The mathematics stands at [`Comparison`].

mod bets;
mod dispersion;
mod latency;
mod state;

#[cfg(test)]
mod tests;

pub use state::{Comparison, ComparisonSettings, Finding, Standing, TrafficWindow};
