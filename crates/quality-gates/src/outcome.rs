use std::fmt;

use serde::{Deserialize, Serialize};

/// What a gate says of a change set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "detail", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing is wrong with what was looked at.
    Pass(Coverage),
    /// Something is wrong.
    Fail(Vec<Finding>),
    /// The gate could not look, or not at all of it. Never a pass.
    Error(Fault),
    /// The changes mean nothing to this gate.
    NotApplicable,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Coverage {
    /// How many files.
    pub files: u64,
    /// How many tests.
    pub tests: u64,
}

impl Coverage {
    /// So many files were looked at.
    pub fn of_files(files: u64) -> Self {
        Self { files, ..Self::default() }
    }
}

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The file concerned, in the output folder.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// How bad it is.
    pub severity: Severity,
    /// The rule that was broken.
    pub rule: String,
    /// What is wrong.
    pub message: String,
}

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Good to know.
    Note,
    /// Likely to be a mistake.
    Warning,
    /// A mistake.
    Error,
}

impl Finding {
    /// A finding of severity error.
    pub fn error(rule: impl Into<String>, message: impl Into<String>) -> Self {
        let (rule, message) = (rule.into(), message.into());
        Self { file: None, line: None, severity: Severity::Error, rule, message }
    }

    /// Says which file it is about.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Says which line it is about, from 1.
    #[must_use]
    pub fn at_line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}[{}]", self.rule)?;
        if let Some(file) = &self.file {
            write!(f, " {file}")?;
        }
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Why a gate could not look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// It did not answer in time.
    #[error("no answer within {limit_ms} ms")]
    Timeout {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// It panicked.
    #[error("it panicked")]
    Crash,
    /// It found nothing to look at where there should have been something.
    #[error("there was nothing to look at")]
    EmptyScope,
    /// Anything else from outside.
    #[error("{why}")]
    Infra {
        /// What went wrong.
        why: String,
    },
}
