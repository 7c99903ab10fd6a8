mod auto;
mod driver;
mod ledger;
mod plan;

#[cfg(test)]
mod tests;

pub use self::auto::{AutoRecovery, RecoverError, Recovered};
pub use self::driver::{RecoveryDriver, RecoveryFailure, RecoveryHandlers};
pub use self::ledger::{RecoveryDecision, RecoveryLedger};
pub use self::plan::{ActionKind, FailureClass, Playbook, RecoveryAction, RecoveryPlan};
