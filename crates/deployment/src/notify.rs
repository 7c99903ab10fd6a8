//! Telling others how a deployment goes.

mod command;
mod delivery;
mod github;
mod signature;
mod webhook;

#[cfg(test)]
mod tests;

pub use command::CommandNotifier;
pub use delivery::{Undelivered, deliver};
pub use github::{GithubNotifier, GithubSettings};
pub use signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER, signature};
pub use webhook::{WebhookNotifier, WebhookSettings};
