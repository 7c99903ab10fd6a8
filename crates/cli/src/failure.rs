//! What stopped a verb, with the exit code and the words for it.

use std::error::Error;

use evergen_regeneration::{CycleError, Diagnostic, ExplainError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::count;

/// Why a verb could not answer.
#[derive(Debug)]
pub struct Failure {
    kind: FailureKind,
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) help: Option<String>,
}

/// The sorts of failure; each has its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The command line or the configuration; exit code 2.
    Usage,
    /// The model, a query or a template; exit code 3.
    Rejected,
    /// The quality gates do not let the changes pass; exit code 1.
    Refused,
    /// Somebody ended it; exit code 130.
    Interrupted,
    /// Another process works on the project; exit code 4.
    Locked,
    /// The disk, or what is on it; exit code 4.
    Storage,
}

/// The JSON form of a failure, as `--json` prints it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ErrorReport {
    /// What happened.
    pub error: ErrorBody,
}

/// What happened.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ErrorBody {
    /// The sort of failure.
    pub kind: FailureKind,
    /// The exit code of the process.
    pub exit_code: u8,
    /// What happened, in one sentence.
    pub message: String,
    /// Why, the nearest cause first.
    pub causes: Vec<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Everything that was found, with its place.
    pub diagnostics: Vec<Diagnostic>,
}

/// The answer of a verb that could give one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Yes,
    No,
}

impl Verdict {
    pub(crate) fn of(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
        }
    }
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..Self::new(FailureKind::Usage, message) }
    }

    /// The settings are wrong: all that was found.
    pub(crate) fn settings(diagnostics: Vec<Diagnostic>) -> Self {
        let message = format!("{} in the configuration", count(diagnostics.len() as u64, "error"));
        Self { diagnostics, ..Self::new(FailureKind::Usage, message) }
    }

    pub(crate) fn storage(doing: impl Into<String>, error: &dyn Error) -> Self {
        Self { causes: chain(Some(error)), ..Self::new(FailureKind::Storage, doing) }
    }

    /// The gates do not let the changes pass: why.
    pub(crate) fn refused(diagnostics: Vec<Diagnostic>) -> Self {
        let message = "the gates refuse the changes; the output folder is as it was";
        let help = "mend the model or the template: `evergen plan` names what changes, and \
                    `evergen gates` judges what is there";
        Self { diagnostics, ..Self::new(FailureKind::Refused, message) }.with_help(help)
    }

    /// A signal asked for the end.
    pub(crate) fn interrupted() -> Self {
        Self::new(FailureKind::Interrupted, "interrupted; what was running is ended")
    }

    /// Says what to do.
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self.kind {
            FailureKind::Refused => 1,
            FailureKind::Usage => 2,
            FailureKind::Interrupted => 130,
            FailureKind::Rejected => 3,
            FailureKind::Locked | FailureKind::Storage => 4,
        }
    }

    /// Whether another process works on the project.
    pub(crate) fn is_locked(&self) -> bool {
        self.kind == FailureKind::Locked
    }

    /// The form for programs.
    pub(crate) fn report(&self) -> ErrorReport {
        ErrorReport {
            error: ErrorBody {
                kind: self.kind,
                exit_code: self.exit_code(),
                message: self.message.clone(),
                causes: self.causes.clone(),
                help: self.help.clone(),
                diagnostics: self.diagnostics.clone(),
            },
        }
    }

    fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message, causes: Vec::new(), diagnostics: Vec::new(), help: None }
    }
}

impl From<CycleError> for Failure {
    fn from(error: CycleError) -> Self {
        let message = error.to_string();
        let causes = chain(error.source());
        match error {
            CycleError::Settings(diagnostics) => Self::settings(diagnostics),
            CycleError::Rejected(diagnostics) if all_of("config::", &diagnostics) => {
                Self::settings(diagnostics)
            }
            CycleError::Rejected(diagnostics) if all_of("io::", &diagnostics) => {
                Self { diagnostics, ..Self::new(FailureKind::Storage, message) }
            }
            CycleError::Rejected(diagnostics) => {
                let diagnostics = diagnostics.into_iter().map(with_help).collect();
                Self { diagnostics, ..Self::new(FailureKind::Rejected, message) }
            }
            CycleError::Locked(_) => Self {
                causes,
                help: Some("let it finish, or wait longer with `--wait SECONDS`".to_owned()),
                ..Self::new(FailureKind::Locked, message)
            },
            _ => Self { causes, ..Self::new(FailureKind::Storage, message) },
        }
    }
}

impl From<ExplainError> for Failure {
    fn from(error: ExplainError) -> Self {
        let message = error.to_string();
        match error {
            ExplainError::Cycle(error) => error.into(),
            ExplainError::Unknown { similar, .. } if similar.is_empty() => {
                Self::usage(message, "`evergen plan -v` lists what is generated")
            }
            ExplainError::Unknown { similar, .. } => {
                let similar: Vec<_> = similar.iter().map(|path| format!("`{path}`")).collect();
                Self::usage(message, format!("did you mean {}?", similar.join(" or ")))
            }
            _ => Self::usage(message, "leave the line away to explain the whole file"),
        }
    }
}

/// The diagnostic with what helps for all of its code, where nothing better is known.
fn with_help(mut diagnostic: Diagnostic) -> Diagnostic {
    let help = match diagnostic.code.as_str() {
        "model::syntax" => "mend the file; nothing is generated from a model with errors",
        "query::syntax" => {
            "queries are SPARQL 1.1; prefixes of your own are declared under `[model]` in evergen.toml"
        }
        "template::syntax" => {
            "templates are written like Jinja2: `{{ value }}`, `{% if x %}…{% endif %}`"
        }
        _ => return diagnostic,
    };
    diagnostic.help.get_or_insert_with(|| help.to_owned());
    diagnostic
}

/// Whether all diagnostics are of one family.
fn all_of(family: &str, diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().all(|diagnostic| diagnostic.code.starts_with(family))
}

fn chain(error: Option<&dyn Error>) -> Vec<String> {
    std::iter::successors(error, |&error| error.source()).map(ToString::to_string).collect()
}
