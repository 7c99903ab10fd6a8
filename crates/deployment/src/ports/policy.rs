use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::forward::forward;
use crate::Cause;

/// Says what becomes of a release that has got traffic and does not do well.
///
/// # Laws
///
/// - It is not asked before there is traffic: such a release is always taken back. Nor is it
///   asked when a person aborts, or when a deployer that ended in the middle starts anew.
/// - It answers at once, from its arguments.
pub trait RollbackPolicy: Send + Sync {
    /// What to do about this cause.
    fn answer(&self, cause: &Cause) -> Answer;
}

forward!(RollbackPolicy {
    fn answer(cause: &Cause) -> Answer;
});

/// What a policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Take it back at once.
    GoBack,
    /// Leave the traffic as it is and wait for a person.
    Hold {
        /// Whether it is not taken back when nobody decides in time: then it is stuck.
        for_good: bool,
    },
}

/// The policies that settings can name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RollbackStrategy {
    /// A release that does not do well is taken back at once.
    #[default]
    Automatic,
    /// A person decides; if nobody does in time, it is taken back.
    Manual,
    /// It stays as it is until a person acts.
    None,
    /// It is taken back at once, and then this version is brought into use.
    ToVersion(crate::Version),
}

impl RollbackPolicy for RollbackStrategy {
    fn answer(&self, _cause: &Cause) -> Answer {
        match self {
            Self::Automatic | Self::ToVersion(_) => Answer::GoBack,
            Self::Manual => Answer::Hold { for_good: false },
            Self::None => Answer::Hold { for_good: true },
        }
    }
}
