use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::environment::{CommandSetting, Deadlines, DeploymentEnvironment};
use crate::RollbackStrategy;

/// All settings of deployments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DeploymentConfig {
    /// Whether anything is deployed at all.
    pub enabled: bool,
    /// What becomes of a release that does not do well.
    pub rollback_strategy: RollbackStrategy,
    /// Whether a release is judged before it is staged. If nothing is said, by the validators
    /// that there are; if it is asked for, there has to be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_before_deploy: Option<bool>,
    /// Whether tests run against a release before it gets traffic.
    pub run_integration_tests: bool,
    /// The longest that any step may take, in seconds, whatever its own deadline says.
    pub timeout_seconds: u64,
    /// The environments, in the order in which they are shown.
    pub environments: Vec<DeploymentEnvironment>,
    /// Commands that run before anything in use is touched, in every environment.
    pub pre_deploy_commands: Vec<CommandSetting>,
    /// Commands that run when a release is live, in every environment.
    pub post_deploy_commands: Vec<CommandSetting>,
}

impl Default for DeploymentConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            rollback_strategy: RollbackStrategy::Automatic,
            validate_before_deploy: None,
            run_integration_tests: true,
            timeout_seconds: 3600,
            environments: Vec::new(),
            pre_deploy_commands: Vec::new(),
            post_deploy_commands: Vec::new(),
        }
    }
}

/// Settings that can't be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The text is no TOML, or has a field that there isn't or of another type.
    #[error("the settings can't be read: {why}{}", hint(suggestion.as_deref()))]
    Syntax {
        /// Where, and what is wrong.
        why: String,
        /// What was probably meant.
        suggestion: Option<String>,
    },
    /// A field has a value that it can't have.
    #[error("`{field}` is `{value}`; {allowed}")]
    Value {
        /// The field, with the environment it belongs to.
        field: String,
        /// Its value.
        value: String,
        /// What it may be.
        allowed: String,
    },
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

impl From<toml::de::Error> for ConfigError {
    fn from(error: toml::de::Error) -> Self {
        syntax(&error)
    }
}

impl DeploymentConfig {
    /// Settings with these environments.
    ///
    /// # Errors
    /// A value is out of its range.
    pub fn new(environments: Vec<DeploymentEnvironment>) -> Result<Self, ConfigError> {
        let config = Self { environments, ..Self::default() };
        config.validate()?;
        Ok(config)
    }

    /// Reads settings in TOML.
    ///
    /// # Errors
    /// The text can't be read, or a value is out of its range.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| syntax(&error))?;
        config.validate()?;
        Ok(config)
    }

    /// Adds an environment that stands in a file of its own.
    ///
    /// # Errors
    /// The text can't be read, or a value is out of its range.
    pub fn with_environment_toml(mut self, text: &str) -> Result<Self, ConfigError> {
        self.environments.push(toml::from_str(text).map_err(|error| syntax(&error))?);
        self.validate()?;
        Ok(self)
    }

    /// Makes sure that the values make sense together.
    ///
    /// # Errors
    /// The first value that doesn't.
    pub fn validate(&self) -> Result<(), ConfigError> {
        range("timeout_seconds", self.timeout_seconds, 1, 7 * 86_400)?;
        commands("", self.pre_deploy_commands.iter().chain(&self.post_deploy_commands))?;
        let mut seen = BTreeSet::new();
        let mut folders = BTreeSet::new();
        for (index, environment) in self.environments.iter().enumerate() {
            self.validate_one(index, environment)?;
            if !seen.insert(environment.name.as_str()) {
                return bad("environments.name", &environment.name, "each name stands once");
            }
            if !folders.insert(&environment.target_dir) {
                let field = format!("{}.target_dir", environment.name);
                let value = environment.target_dir.display().to_string();
                return bad(&field, &value, "each environment has a folder of its own");
            }
        }
        Ok(())
    }

    fn validate_one(&self, index: usize, it: &DeploymentEnvironment) -> Result<(), ConfigError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if it.name.is_empty() || it.name.len() > 64 || !it.name.bytes().all(fits) {
            let field = format!("environments[{index}].name");
            return bad(&field, &it.name, "1 to 64 letters, digits, `-` or `_`");
        }
        let field = |name: &str| format!("{}.{name}", it.name);
        if it.target_dir.as_os_str().is_empty() {
            return bad(&field("target_dir"), "", "a folder is needed");
        }
        self.validate_promotion(it)?;
        let rising = it.traffic_steps.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || it.traffic_steps.last() != Some(&100) || it.traffic_steps[0] == 0 {
            let value = format!("{:?}", it.traffic_steps);
            let allowed = "rising whole per cents from 1 on, of which the last is 100";
            return bad(&field("traffic_steps"), &value, allowed);
        }
        range(&field("dwell_ms"), it.dwell_ms, 0, 86_400_000)?;
        range(&field("comparison.window_ms"), it.comparison.window_ms, 50, 600_000)?;
        it.comparison.test.validate().map_err(|error| ConfigError::Value {
            field: field(&format!("comparison.test.{}", error.field)),
            value: error.value,
            allowed: error.why,
        })?;
        range(&field("keep"), it.keep as u64, 1, 1000)?;
        range(&field("replicas"), u64::from(it.replicas), 1, 1000)?;
        for (name, seconds) in it.deadlines.named() {
            range(&field(&format!("deadlines.{name}")), seconds, 1, 86_400)?;
        }
        for check in &it.health_checks {
            let field = |name: &str| field(&format!("health_checks.{}.{name}", check.name));
            range(&field("interval_ms"), check.interval_ms, 10, 600_000)?;
            range(&field("timeout_ms"), check.timeout_ms, 10, 600_000)?;
            range(&field("successes"), u64::from(check.successes), 1, 1000)?;
            range(&field("failures"), u64::from(check.failures), 1, 1000)?;
        }
        let own = it.pre_deploy_commands.iter().chain(&it.post_deploy_commands);
        commands(&format!("{}.", it.name), own.chain(&it.test_commands))
    }

    /// A promotion begins at an environment that stands before; so there is no circle.
    fn validate_promotion(&self, it: &DeploymentEnvironment) -> Result<(), ConfigError> {
        let Some(from) = &it.promotes_from else { return Ok(()) };
        let before = self.environments.iter().take_while(|other| other.name != it.name);
        let names: Vec<&str> = before.map(|other| other.name.as_str()).collect();
        if names.contains(&from.as_str()) {
            return Ok(());
        }
        let allowed = match nearest(from, &names) {
            Some(name) => format!("an environment that stands before it; did you mean `{name}`?"),
            None if names.is_empty() => {
                "an environment that stands before it, and none does".into()
            }
            None => format!("an environment that stands before it: {}", names.join(", ")),
        };
        bad(&format!("{}.promotes_from", it.name), from, &allowed)
    }
}

impl Deadlines {
    fn named(&self) -> [(&'static str, u64); 6] {
        [
            ("start_seconds", self.start_seconds),
            ("health_seconds", self.health_seconds),
            ("command_seconds", self.command_seconds),
            ("data_seconds", self.data_seconds),
            ("drain_seconds", self.drain_seconds),
            ("stop_seconds", self.stop_seconds),
        ]
    }
}

fn commands<'a>(
    prefix: &str,
    all: impl Iterator<Item = &'a CommandSetting>,
) -> Result<(), ConfigError> {
    for command in all {
        if command.command.first().is_none_or(String::is_empty) {
            let field = format!("{prefix}{}.command", command.name);
            return bad(&field, "[]", "a program is needed, and its arguments after it");
        }
    }
    Ok(())
}

fn range(field: &str, value: u64, least: u64, most: u64) -> Result<(), ConfigError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    bad(field, &value.to_string(), &format!("it may be {least} to {most}"))
}

fn bad<T>(field: &str, value: &str, allowed: &str) -> Result<T, ConfigError> {
    let (field, value, allowed) = (field.to_owned(), value.to_owned(), allowed.to_owned());
    Err(ConfigError::Value { field, value, allowed })
}

/// The name that is most like another, if it is like it at all.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let scored = known.iter().map(|other| (strsim::jaro_winkler(name, other), *other));
    let best = scored.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 > 0.8).then_some(best.1)
}

fn syntax(error: &toml::de::Error) -> ConfigError {
    let suggestion = suggestion(error.message());
    ConfigError::Syntax { why: error.to_string().trim_end().to_owned(), suggestion }
}

/// Out of "unknown field `a`, expected one of `b`, `c`": the one that is most like `a`.
fn suggestion(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = message.contains("unknown").then(|| quoted.next()).flatten()?;
    nearest(unknown, &quoted.collect::<Vec<_>>()).map(str::to_owned)
}
