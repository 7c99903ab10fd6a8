//! Slots of a release as Deployments.

mod settings;

mod rollout;

mod pods;

mod record;

mod writes;

mod start;

mod runtime;

#[cfg(test)]
mod tests;

pub use runtime::KubernetesSlots;
pub use settings::KubernetesSettings;
pub(crate) use settings::check_service;
