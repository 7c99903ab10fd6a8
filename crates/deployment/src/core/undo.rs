use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plan::Action;
use super::state::OpenDeployment;
use crate::{BackupRef, Slot};

/// One part of taking a deployment back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "undo")]
#[non_exhaustive]
pub enum Undo {
    /// Gives all traffic to the slot that had it; at the first deployment, to nobody.
    Traffic {
        /// The slot.
        to: Option<Slot>,
    },
    /// Waits until the new slot has no request in flight, as long as that may take.
    Drain {
        /// The slot.
        slot: Slot,
    },
    /// Ends the new slot.
    Stop {
        /// The slot.
        slot: Slot,
    },
    /// Brings data back as it was.
    Restore {
        /// From here.
        backup: BackupRef,
    },
}

impl Undo {
    /// How long a part may take.
    pub const DEADLINE: Duration = Duration::from_mins(2);
}

impl fmt::Display for Undo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Traffic { to: Some(slot) } => write!(formatter, "give all traffic to {slot}"),
            Self::Traffic { to: None } => formatter.write_str("give the traffic to nobody"),
            Self::Drain { slot } => write!(formatter, "wait until slot {slot} is idle"),
            Self::Stop { slot } => write!(formatter, "stop slot {slot}"),
            Self::Restore { backup } => {
                write!(formatter, "restore `{}` from {}", backup.provider, backup.location)
            }
        }
    }
}

/// All that has to be taken back, in order. Traffic first: what follows must touch
/// nothing that serves. What was only begun counts as done.
pub(super) fn all(open: &OpenDeployment) -> Vec<Undo> {
    let entered = |wanted: fn(&Action) -> bool| {
        let begun = open.plan.steps.iter().take(open.entered);
        begun.into_iter().any(|step| wanted(&step.action))
    };
    let slot = open.plan.slot;
    let mut parts = Vec::new();
    let traffic = entered(|action| matches!(action, Action::Shift { .. }));
    if traffic {
        parts.push(Undo::Traffic { to: open.plan.live.as_ref().map(|live| live.slot) });
    }
    if entered(|action| matches!(action, Action::Start)) {
        if traffic && open.plan.live.is_some() {
            parts.push(Undo::Drain { slot });
        }
        parts.push(Undo::Stop { slot });
    }
    let spoilt = traffic || entered(|action| matches!(action, Action::Expand { .. }));
    if open.plan.restores_data && spoilt {
        let backups = open.backups.iter().rev().cloned();
        parts.extend(backups.map(|backup| Undo::Restore { backup }));
    }
    parts
}
