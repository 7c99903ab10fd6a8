use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::commands::setting;
use crate::{CommandLine, SettingError};

/// The two halves of a migration, and how to find out whether a release works with the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub struct MigrationSettings {
    /// What it is called; what was done is recorded under this name.
    pub name: String,
    /// What the new release needs; it only adds.
    #[serde(default)]
    pub expand: Vec<MigrationStep>,
    /// What removes that which only the old release needed.
    #[serde(default)]
    pub contract: Vec<MigrationStep>,
    /// Tells by its status whether the release in whose folder it runs works with the schema.
    /// It runs for the old and for the new release, told which by `EVERGEN_CHECK`.
    pub check: CommandLine,
    /// How long a statement may wait for a lock that the running release has, 1 ms to 1 h:
    /// whoever waits longer blocks all that come after.
    #[serde(
        default = "some_seconds",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required"
    )]
    pub lock_timeout: Duration,
}

fn some_seconds() -> Duration {
    Duration::from_secs(5)
}

/// One step of a half. Each is recorded when it is done, and not done again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MigrationStep {
    /// A file of SQL statements, below the folder of the new release or absolute. It runs in
    /// one transaction with its record, unless its first line is `-- evergen: no transaction`,
    /// as `CREATE INDEX CONCURRENTLY` needs; such a file must bear to run twice.
    Sql(PathBuf),
    /// A command, in the folder of the new release. It must bear to run twice, in case that
    /// its record could not be written.
    Command(CommandLine),
}

impl MigrationSettings {
    /// A migration without steps.
    pub fn new(name: impl Into<String>, check: CommandLine) -> Self {
        let (expand, contract) = (Vec::new(), Vec::new());
        Self { name: name.into(), expand, contract, check, lock_timeout: some_seconds() }
    }

    /// Adds steps to the first half.
    #[must_use]
    pub fn with_expand(mut self, steps: impl IntoIterator<Item = MigrationStep>) -> Self {
        self.expand.extend(steps);
        self
    }

    /// Adds steps to the second half.
    #[must_use]
    pub fn with_contract(mut self, steps: impl IntoIterator<Item = MigrationStep>) -> Self {
        self.contract.extend(steps);
        self
    }

    /// Refuses what nobody can have meant.
    ///
    /// # Errors
    /// Names the field, its value and what is wrong with it.
    pub fn validate(&self) -> Result<(), SettingError> {
        let good = !self.name.trim().is_empty() && !self.name.contains(['\0', '\n']);
        setting("name", &self.name, good, "it is empty or has more than a line")?;
        let good =
            (Duration::from_millis(1)..=Duration::from_hours(1)).contains(&self.lock_timeout);
        let shown = format_args!("{:?}", self.lock_timeout);
        setting("lock_timeout", shown, good, "allowed is 1ms to 1h")?;
        self.check.validate()?;
        for step in self.expand.iter().chain(&self.contract) {
            if let MigrationStep::Command(command) = step {
                command.validate()?;
            }
        }
        Ok(())
    }
}
