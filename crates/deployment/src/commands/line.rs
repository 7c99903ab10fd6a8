use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::SecretRef;

/// A program with its arguments, as settings have it. No shell looks at it.
///
/// The program is given a clean environment: `PATH`, `HOME`, `LANG`, `LC_ALL`, `TZ` and
/// `TMPDIR` of this process, the variables of the [invocation](crate::Invocation), and those
/// declared here. A secret is named by a reference, and handed over as a variable
/// ([`secrets`](Self::secrets)) or as a file that only its owner may read
/// ([`secret_files`](Self::secret_files)); arguments are visible to everybody on the machine,
/// so there is no way to put one there.
///
/// ```
/// use evergen_deployment::{CommandLine, SecretRef};
///
/// let migrate = CommandLine::new(["./migrate", "--check"])
///     .with_secret("DATABASE_PASSWORD", SecretRef::File("/etc/app/password".into()));
/// migrate.validate()?;
/// assert_eq!(migrate.to_string(), "./migrate --check");
/// # Ok::<(), evergen_deployment::SettingError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub struct CommandLine {
    /// The program and its arguments; `command` is another word for it. A relative program with a slash is sought in `folder`.
    #[serde(alias = "command")]
    pub argv: Vec<String>,
    /// Variables whose values everybody may see.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Variables whose values are secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretRef>,
    /// Variables that name a file with a secret in it, mode 0600, for as long as it runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret_files: BTreeMap<String, SecretRef>,
    /// Where it runs; in the release's folder, or else that of this process, by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// How long it may take, 1 ms to 24 h; a shorter deadline of the step goes before it.
    #[serde(
        default = "minute",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required"
    )]
    pub timeout: Duration,
    /// How many bytes of each of its two outputs are kept, 1 to 64 MiB.
    #[serde(default = "kept")]
    pub output_limit: usize,
}

fn minute() -> Duration {
    Duration::from_mins(1)
}

fn kept() -> usize {
    64 * 1024
}

impl CommandLine {
    /// A program with its arguments; a minute, 64 KiB of output.
    pub fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            secret_files: BTreeMap::new(),
            folder: None,
            timeout: minute(),
            output_limit: kept(),
        }
    }

    /// Declares a variable.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Declares a variable whose value is a secret.
    #[must_use]
    pub fn with_secret(mut self, name: impl Into<String>, secret: SecretRef) -> Self {
        self.secrets.insert(name.into(), secret);
        self
    }

    /// Declares a variable that names a file with a secret in it.
    #[must_use]
    pub fn with_secret_file(mut self, name: impl Into<String>, secret: SecretRef) -> Self {
        self.secret_files.insert(name.into(), secret);
        self
    }

    /// Says where it runs.
    #[must_use]
    pub fn with_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// Says how long it may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Says how many bytes of each output are kept.
    #[must_use]
    pub fn with_output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    /// Refuses what can't be run.
    ///
    /// # Errors
    /// Names the field, its value and what is wrong with it.
    pub fn validate(&self) -> Result<(), SettingError> {
        let program = self.argv.first().map_or("", String::as_str);
        setting("argv", program, !program.is_empty(), "the program is missing")?;
        for argument in &self.argv {
            let shown = argument.replace('\0', "\\0");
            setting("argv", shown, !argument.contains('\0'), "no argument can hold a zero byte")?;
        }
        let names = self.env.keys().chain(self.secrets.keys()).chain(self.secret_files.keys());
        for name in names {
            let good = !name.is_empty() && !name.contains(['=', '\0']);
            setting("env", name, good, "a name is not empty and has no `=`")?;
        }
        for (name, value) in &self.env {
            setting("env", name, !value.contains('\0'), "no value can hold a zero byte")?;
        }
        let day = Duration::from_hours(24);
        let good = (Duration::from_millis(1)..=day).contains(&self.timeout);
        setting("timeout", format_args!("{:?}", self.timeout), good, "allowed is 1ms to 24h")?;
        let good = (1..=64 << 20).contains(&self.output_limit);
        setting("output_limit", self.output_limit, good, "allowed is 1 to 67108864")
    }
}

/// As a person would type it; arguments with blanks are quoted.
impl fmt::Display for CommandLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, argument) in self.argv.iter().enumerate() {
            let gap = if place == 0 { "" } else { " " };
            let plain = !argument.is_empty() && !argument.contains([' ', '\'', '"', '\n', '\t']);
            if plain {
                write!(formatter, "{gap}{argument}")?;
            } else {
                write!(formatter, "{gap}{argument:?}")?;
            }
        }
        Ok(())
    }
}

/// A setting that can't be meant like this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is `{value}`: {why}")]
#[non_exhaustive]
pub struct SettingError {
    /// The field, as it is written in settings.
    pub field: &'static str,
    /// What was given.
    pub value: String,
    /// What is wrong with it, or what may be given.
    pub why: String,
}

impl SettingError {
    /// Says what is wrong with the value of a field.
    pub fn new(field: &'static str, value: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self { field, value: value.to_string(), why: why.to_string() }
    }
}

/// Refuses `value` unless it is `good`.
pub(crate) fn setting(
    field: &'static str,
    value: impl fmt::Display,
    good: bool,
    why: &'static str,
) -> Result<(), SettingError> {
    if good { Ok(()) } else { Err(SettingError::new(field, value, why)) }
}
