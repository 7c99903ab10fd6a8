use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::settings::{require, require_count, require_duration};
use crate::{RetryPolicy, SettingsError};

/// The failures that are mended without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureClass {
    /// A connection broke.
    ConnectionLost,
    /// Memory runs out.
    MemoryPressure,
    /// A target answers too slowly.
    SlowTarget,
    /// A deployment did not come up.
    FailedDeployment,
}

/// What is done about a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
#[non_exhaustive]
pub enum RecoveryAction {
    /// Connect anew, with pauses that grow.
    Reconnect {
        /// How often and when.
        #[serde(default)]
        retry: RetryPolicy,
    },
    /// Let caches keep only this share of what they hold, 0 to below 1.
    ShrinkCaches {
        /// The share that stays.
        keep: f64,
    },
    /// Let fewer operations run at once.
    LowerConcurrency {
        /// What the limit is multiplied by, above 0 and below 1.
        factor: f64,
        /// The limit does not go below this, 1 to 1,000,000.
        floor: u32,
    },
    /// Refuse a share of the work for a while.
    Shed {
        /// The share that is refused, above 0 and up to 1.
        share: f64,
        /// For how long, 1 ms to 24 h.
        #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
        lasting: Duration,
    },
    /// Go back to the release before.
    RollBack,
}

/// The kinds of [`RecoveryAction`], to register handlers by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ActionKind {
    /// Connect anew.
    Reconnect,
    /// Let caches keep less.
    ShrinkCaches,
    /// Let fewer operations run at once.
    LowerConcurrency,
    /// Refuse a share of the work.
    Shed,
    /// Go back to the release before.
    RollBack,
}

/// What is done about one class of failures, and how often at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct Playbook {
    /// The actions, in this order; the first that fails ends the run. 1 to 16.
    pub actions: Vec<RecoveryAction>,
    /// How many runs may begin `within` a time, for each target. 1 to 1,000,000.
    pub max_runs: u32,
    /// The time in which runs are counted, 1 ms to 24 h.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub within: Duration,
    /// The least time between two runs for a target, 1 ms to 24 h.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub cooldown: Duration,
    /// How long an action may take, 1 ms to 24 h; for a reconnection, each try.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub action_timeout: Duration,
}

/// What is done about each class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecoveryPlan {
    playbooks: BTreeMap<FailureClass, Playbook>,
}

impl Playbook {
    /// These actions, at most 5 times in 10 minutes and 10 s apart, each within 30 s.
    #[must_use]
    pub fn new(actions: Vec<RecoveryAction>) -> Self {
        Self {
            actions,
            max_runs: 5,
            within: Duration::from_mins(10),
            cooldown: Duration::from_secs(10),
            action_timeout: Duration::from_secs(30),
        }
    }

    /// Changes how often it may run within a time, and how far apart.
    #[must_use]
    pub fn with_bounds(self, max_runs: u32, within: Duration, cooldown: Duration) -> Self {
        Self { max_runs, within, cooldown, ..self }
    }

    /// Changes how long an action may take.
    #[must_use]
    pub fn with_action_timeout(self, action_timeout: Duration) -> Self {
        Self { action_timeout, ..self }
    }

    /// Refuses values that nobody can have meant.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let count = self.actions.len();
        require((1..=16).contains(&count), "actions", count, "1 to 16 actions")?;
        self.actions.iter().try_for_each(RecoveryAction::validate)?;
        require_count(self.max_runs, "max-runs")?;
        require_duration(self.within, "within")?;
        require_duration(self.cooldown, "cooldown")?;
        require_duration(self.action_timeout, "action-timeout")
    }
}

impl RecoveryAction {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Reconnect { .. } => ActionKind::Reconnect,
            Self::ShrinkCaches { .. } => ActionKind::ShrinkCaches,
            Self::LowerConcurrency { .. } => ActionKind::LowerConcurrency,
            Self::Shed { .. } => ActionKind::Shed,
            Self::RollBack => ActionKind::RollBack,
        }
    }

    /// Refuses values that nobody can have meant.
    pub fn validate(&self) -> Result<(), SettingsError> {
        match *self {
            Self::Reconnect { retry } => retry.validate(),
            Self::ShrinkCaches { keep } => {
                require((0.0..1.0).contains(&keep), "keep", keep, "0 to below 1")
            }
            Self::LowerConcurrency { factor, floor } => {
                let good = factor > 0.0 && factor < 1.0;
                require(good, "factor", factor, "above 0 and below 1")?;
                require_count(floor, "floor")
            }
            Self::Shed { share, lasting } => {
                let good = share > 0.0 && share <= 1.0;
                require(good, "share", share, "above 0 and up to 1")?;
                require_duration(lasting, "lasting")
            }
            Self::RollBack => Ok(()),
        }
    }
}

impl RecoveryPlan {
    /// A plan that does nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self { playbooks: BTreeMap::new() }
    }

    /// Says what is done about a class.
    #[must_use]
    pub fn with(mut self, class: FailureClass, playbook: Playbook) -> Self {
        self.playbooks.insert(class, playbook);
        self
    }

    /// What is done about a class; none if nothing is.
    #[must_use]
    pub fn playbook(&self, class: FailureClass) -> Option<&Playbook> {
        self.playbooks.get(&class)
    }

    /// Refuses values that nobody can have meant.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.playbooks.values().try_for_each(Playbook::validate)
    }
}

impl Default for RecoveryPlan {
    /// Lost connections are made anew; under memory pressure caches keep half, then
    /// half as many operations run; of what goes to a slow target a quarter is refused for 30 s; a failed
    /// deployment is rolled back, once in an hour.
    fn default() -> Self {
        let (minute, hour) = (Duration::from_mins(1), Duration::from_hours(1));
        let reconnect = RecoveryAction::Reconnect { retry: RetryPolicy::default() };
        let shrink = RecoveryAction::ShrinkCaches { keep: 0.5 };
        let lower = RecoveryAction::LowerConcurrency { factor: 0.5, floor: 1 };
        let shed = RecoveryAction::Shed { share: 0.25, lasting: Duration::from_secs(30) };
        let roll_back = Playbook::new(vec![RecoveryAction::RollBack])
            .with_bounds(1, hour, minute)
            .with_action_timeout(Duration::from_mins(5));
        Self::empty()
            .with(FailureClass::ConnectionLost, Playbook::new(vec![reconnect]))
            .with(FailureClass::MemoryPressure, Playbook::new(vec![shrink, lower]))
            .with(FailureClass::SlowTarget, Playbook::new(vec![shed]))
            .with(FailureClass::FailedDeployment, roll_back)
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ConnectionLost => "lost connection",
            Self::MemoryPressure => "memory pressure",
            Self::SlowTarget => "slow target",
            Self::FailedDeployment => "failed deployment",
        })
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Reconnect => "reconnect",
            Self::ShrinkCaches => "shrink caches",
            Self::LowerConcurrency => "lower concurrency",
            Self::Shed => "shed",
            Self::RollBack => "roll back",
        })
    }
}
