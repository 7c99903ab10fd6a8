use std::collections::BTreeSet;

use serde::Serialize;

use super::state::EnvironmentState;
use crate::BackupRef;

/// A backup that was made, and not discarded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeptBackup {
    /// The deployment before whose changes it was made.
    pub deployment: u64,
    /// Whether that deployment came into use.
    pub succeeded: bool,
    /// It.
    pub backup: BackupRef,
}

impl EnvironmentState {
    /// The backups that no way back needs any more, the oldest first.
    ///
    /// Releases that are gone back to are the live one and `keep` before it. What was kept
    /// before the oldest of them came, by that deployment or a later one, stays; of
    /// deployments that did not come into use, only what the latest `keep` of them kept.
    pub fn surplus_backups(&self, keep: usize) -> Vec<BackupRef> {
        let Some(live) = &self.live else { return Vec::new() };
        let (mut releases, mut oldest) = (BTreeSet::from([live.release]), live.deployment);
        for past in self.past.iter().rev() {
            if releases.len() > keep {
                break;
            }
            releases.insert(past.release);
            oldest = past.deployment;
        }
        let failed: BTreeSet<u64> =
            self.backups.iter().filter(|it| !it.succeeded).map(|it| it.deployment).collect();
        let latest: BTreeSet<u64> = failed.into_iter().rev().take(keep).collect();
        let needed = |kept: &&KeptBackup| {
            kept.deployment >= oldest && (kept.succeeded || latest.contains(&kept.deployment))
        };
        let surplus = self.backups.iter().filter(|kept| !needed(kept));
        surplus.map(|kept| kept.backup.clone()).collect()
    }
}
