//! How well deployments go, folded from what became of them.

mod fold;
mod show;

#[cfg(test)]
mod tests;

pub use fold::{DeploymentAnalytics, DurationFigures};
