use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ComparisonSettings, RollbackStrategy, SecretRef, Version};

/// An environment, by its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DeploymentEnvironment {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// The folder with its releases, its ledger and the link to what is current.
    pub target_dir: PathBuf,
    /// Whether every successful cycle is deployed to it.
    #[serde(default)]
    pub auto_deploy: bool,
    /// The environment in which a release has to be live before it comes here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotes_from: Option<String>,
    /// Whether a person has to approve each plan, by its digest.
    #[serde(default)]
    pub approval: bool,
    /// What becomes of a release that does not do well; the settings' own if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_strategy: Option<RollbackStrategy>,
    /// Whether a release is judged before it is staged; as the settings say if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate_before_deploy: Option<bool>,
    /// Whether going back brings back the data of the backups too.
    #[serde(default)]
    pub restore_data: bool,
    /// The shares of traffic, in per cent, by which a release gets all of it; the last is 100.
    #[serde(default = "steps")]
    pub traffic_steps: Vec<u16>,
    /// How long each share is watched before the next, in milliseconds.
    #[serde(default)]
    pub dwell_ms: u64,
    /// How a release is compared with the one before it while it is watched.
    #[serde(default)]
    pub comparison: CompareSetting,
    /// How many earlier releases are kept to go back to.
    #[serde(default = "kept")]
    pub keep: usize,
    /// Versions that are kept for good.
    #[serde(default)]
    pub pinned: Vec<Version>,
    /// How many instances of a release run, where the target has such.
    #[serde(default = "one")]
    pub replicas: u16,
    /// What each of them may use, in the target's own words.
    #[serde(default)]
    pub resources: BTreeMap<String, String>,
    /// How long things may take.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// Variables of the environment.
    #[serde(default)]
    pub variables: BTreeMap<String, VariableSetting>,
    /// How a release is asked how it does.
    #[serde(default)]
    pub health_checks: Vec<CheckSetting>,
    /// Commands that run before anything in use is touched; after those of the settings.
    #[serde(default)]
    pub pre_deploy_commands: Vec<CommandSetting>,
    /// Commands that run when the release is live; after those of the settings.
    #[serde(default)]
    pub post_deploy_commands: Vec<CommandSetting>,
    /// Commands that test a release before it gets traffic.
    #[serde(default)]
    pub test_commands: Vec<CommandSetting>,
}

fn steps() -> Vec<u16> {
    vec![100]
}

fn kept() -> usize {
    5
}

fn one() -> u16 {
    1
}

impl DeploymentEnvironment {
    /// An environment in a folder, to which nothing is deployed by itself.
    pub fn new(name: impl Into<String>, target_dir: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            target_dir: target_dir.into(),
            auto_deploy: false,
            promotes_from: None,
            approval: false,
            rollback_strategy: None,
            validate_before_deploy: None,
            restore_data: false,
            traffic_steps: steps(),
            dwell_ms: 0,
            comparison: CompareSetting::default(),
            keep: kept(),
            pinned: Vec::new(),
            replicas: one(),
            resources: BTreeMap::new(),
            deadlines: Deadlines::default(),
            variables: BTreeMap::new(),
            health_checks: Vec::new(),
            pre_deploy_commands: Vec::new(),
            post_deploy_commands: Vec::new(),
            test_commands: Vec::new(),
        }
    }

    /// Says whether every successful cycle is deployed to it.
    #[must_use]
    pub fn with_auto_deploy(mut self, auto_deploy: bool) -> Self {
        self.auto_deploy = auto_deploy;
        self
    }

    /// Sets the shares of traffic, in per cent, and how long each is watched.
    #[must_use]
    pub fn with_traffic_steps(mut self, percents: Vec<u16>, dwell: Duration) -> Self {
        self.traffic_steps = percents;
        self.dwell_ms = u64::try_from(dwell.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// Says how a release is compared with the one before it while it is watched.
    #[must_use]
    pub fn with_comparison(mut self, comparison: CompareSetting) -> Self {
        self.comparison = comparison;
        self
    }

    /// Says how many earlier releases are kept.
    #[must_use]
    pub fn with_kept_releases(mut self, keep: usize) -> Self {
        self.keep = keep;
        self
    }

    /// Names the environment in which a release has to be live before.
    #[must_use]
    pub fn with_promotion_from(mut self, name: impl Into<String>) -> Self {
        self.promotes_from = Some(name.into());
        self
    }

    /// Says whether a person has to approve each plan.
    #[must_use]
    pub fn with_approval(mut self, approval: bool) -> Self {
        self.approval = approval;
        self
    }

    /// Says whether a release is judged before it is staged.
    #[must_use]
    pub fn with_validation(mut self, validates: bool) -> Self {
        self.validate_before_deploy = Some(validates);
        self
    }

    /// Says what becomes of a release that does not do well.
    #[must_use]
    pub fn with_rollback_strategy(mut self, strategy: RollbackStrategy) -> Self {
        self.rollback_strategy = Some(strategy);
        self
    }
}

/// How a release is compared with the one that was live, under traffic.
///
/// Where a router stands before two slots, it counts what each of them answers, in windows. A
/// [`Comparison`](crate::Comparison) looks at each window, and a release that it calls worse
/// does not do well. A release that had too few requests to be compared passes, unless
/// `required` says that it does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CompareSetting {
    /// Whether it is compared; a folder never is.
    pub enabled: bool,
    /// How long a window is, in milliseconds; at most a fifth of the dwell.
    pub window_ms: u64,
    /// Whether a release needs enough requests to be compared: then it is watched, beyond
    /// the dwell and for as long as health checks may take, until it had them.
    pub required: bool,
    /// How sure the comparison has to be.
    pub test: ComparisonSettings,
}

impl Default for CompareSetting {
    fn default() -> Self {
        let test = ComparisonSettings::default();
        Self { enabled: true, window_ms: 1000, required: false, test }
    }
}

impl CompareSetting {
    /// The shortest window, in milliseconds.
    const SHORTEST: u64 = 50;

    /// No comparison.
    #[must_use]
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }

    /// Says how long a window is.
    #[must_use]
    pub fn with_window(mut self, window: Duration) -> Self {
        self.window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// Says whether a release needs enough requests to be compared.
    #[must_use]
    pub fn with_required(mut self, required: bool) -> Self {
        self.required = required;
        self
    }

    /// Says how sure the comparison has to be.
    #[must_use]
    pub fn with_test(mut self, test: ComparisonSettings) -> Self {
        self.test = test;
        self
    }

    /// How long a window is where a share is watched for `dwell_ms`: short enough that there
    /// are five of them.
    pub(crate) fn window(&self, dwell_ms: u64) -> Duration {
        let most = if dwell_ms == 0 { u64::MAX } else { dwell_ms / 5 };
        Duration::from_millis(self.window_ms.min(most).max(Self::SHORTEST))
    }
}

/// How long things may take, in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Deadlines {
    /// A start, until the release takes requests.
    pub start_seconds: u64,
    /// The health checks before the first traffic.
    pub health_seconds: u64,
    /// One command or test.
    pub command_seconds: u64,
    /// A backup, its proof, and each half of a migration.
    pub data_seconds: u64,
    /// Until the old slot is idle.
    pub drain_seconds: u64,
    /// Until a slot that was asked to end is ended by force.
    pub stop_seconds: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            start_seconds: 60,
            health_seconds: 60,
            command_seconds: 300,
            data_seconds: 900,
            drain_seconds: 30,
            stop_seconds: 10,
        }
    }
}

/// The value of a variable, or where it is to be found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a variable is a text, or a secret as `{ env = \"NAME\" }` or `{ file = \"PATH\" }`"
)]
#[non_exhaustive]
pub enum VariableSetting {
    /// A value that anybody may see.
    Plain(String),
    /// A secret, as `{ env = "DB_PASSWORD" }` or `{ file = "/run/secrets/db" }`.
    Secret(SecretRef),
}

/// A command of the user's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CommandSetting {
    /// What it is called in messages.
    pub name: String,
    /// The program and its arguments; no shell reads them.
    pub command: Vec<String>,
    /// How long it may take; the environment's deadline if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
}

/// A health check, and how often it has to pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CheckSetting {
    /// What it is called in messages.
    pub name: String,
    /// How long between two looks, in milliseconds.
    #[serde(default = "interval")]
    pub interval_ms: u64,
    /// How long one look may take, in milliseconds.
    #[serde(default = "timeout")]
    pub timeout_ms: u64,
    /// How often in a row it has to pass before there is traffic.
    #[serde(default = "one_time")]
    pub successes: u32,
    /// How often in a row it may fail under traffic before the release does not do well.
    #[serde(default = "one_time")]
    pub failures: u32,
    /// The rest, which says what is looked at: for the probe that is made from it.
    #[serde(flatten)]
    pub probe: toml::Table,
}

impl CheckSetting {
    /// Whether it looks at the files of a release, wherever they are: a command, which runs in
    /// their folder.
    pub fn looks_at_files(&self) -> bool {
        self.probe.get("kind").and_then(toml::Value::as_str) == Some("command")
    }

    /// A check that has to pass once, and may not fail.
    pub fn new(name: impl Into<String>, probe: toml::Table) -> Self {
        Self {
            name: name.into(),
            interval_ms: interval(),
            timeout_ms: timeout(),
            successes: one_time(),
            failures: one_time(),
            probe,
        }
    }
}

fn interval() -> u64 {
    1000
}

fn timeout() -> u64 {
    5000
}

fn one_time() -> u32 {
    1
}
