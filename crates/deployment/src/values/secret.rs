use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize, Serializer};

/// A text that is never shown: not by `Debug`, not by serde, and it has no `Display`.
///
/// ```
/// use evergen_deployment::Secret;
///
/// let password = Secret::new("hunter2");
/// assert_eq!(format!("{password:?}"), "Secret(redacted)");
/// assert_eq!(password.expose(), "hunter2");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// What is shown instead.
    pub const REDACTED: &str = "redacted";

    /// Keeps a text secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that hands it over.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secret({})", Self::REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Self::REDACTED)
    }
}

/// Where a secret is to be found: this is what settings, plans and ledgers hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecretRef {
    /// A variable of the environment of this process.
    Env(String),
    /// A file; one line break at its end does not belong to the secret.
    File(PathBuf),
}

impl SecretRef {
    /// The longest secret, in bytes: more is a file that was meant for something else.
    pub const LONGEST: u64 = 64 * 1024;

    /// Reads the secret. Blocks for as long as the file system does.
    ///
    /// # Errors
    /// There is no such variable or file, or it is empty, too long or not UTF-8. No error
    /// shows any of the secret.
    pub fn resolve(&self) -> Result<Secret, SecretError> {
        let text = match self {
            Self::Env(name) => std::env::var(name).map_err(|error| self.fault(&error))?,
            Self::File(path) => {
                let file = std::fs::File::open(path).map_err(|error| self.fault(&error))?;
                let mut text = String::new();
                let read = file.take(Self::LONGEST + 1).read_to_string(&mut text);
                read.map_err(|error| self.fault(&error))?;
                text
            }
        };
        let text = text
            .strip_suffix('\n')
            .map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        if text.is_empty() {
            return Err(self.fault(&"it is empty"));
        }
        if text.len() as u64 > Self::LONGEST {
            return Err(self.fault(&"it is longer than 64 KiB"));
        }
        Ok(Secret::new(text))
    }

    fn fault(&self, why: &dyn fmt::Display) -> SecretError {
        // An error of a variable that is not UTF-8 would show its bytes.
        let why = match self {
            Self::Env(_) => "it is not set, empty, or not UTF-8".to_owned(),
            Self::File(_) => why.to_string(),
        };
        SecretError { from: self.clone(), why }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(formatter, "the variable `{name}`"),
            Self::File(path) => write!(formatter, "the file `{}`", path.display()),
        }
    }
}

/// A secret can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("can't take a secret from {from}: {why}")]
pub struct SecretError {
    /// Where it was looked for.
    pub from: SecretRef,
    why: String,
}
