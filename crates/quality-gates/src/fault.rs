use serde::{Deserialize, Serialize};

/// Why a gate could not look, or not at all of it.
///
/// The text says what happened; [`advice`](Self::advice) says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// The program is not installed, or can't be executed.
    #[error("`{tool}` was not found: {why}")]
    ToolMissing {
        /// The program.
        tool: String,
        /// Where it was looked for, and what was there.
        why: String,
        /// How it is installed.
        install: String,
    },
    /// Another version than the gate was written for.
    #[error("`{tool}` has version {found}, and {wanted} is wanted")]
    WrongVersion {
        /// The program.
        tool: String,
        /// Its version.
        found: String,
        /// The versions that will do.
        wanted: String,
        /// How such a version is installed.
        install: String,
    },
    /// It broke down.
    #[error("{how}{}", told(.said))]
    Crash {
        /// How.
        how: Crash,
        /// The last it said, shortened.
        said: String,
    },
    /// It did not answer in time.
    #[error("no answer within {limit_ms} ms")]
    Timeout {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// It said by its exit code that something is wrong, and not what.
    #[error("it ended with code {code} and named no finding{}", told(.said))]
    NonZeroNoFindings {
        /// The exit code.
        code: i32,
        /// The last it said, shortened.
        said: String,
    },
    /// It named findings, and said by its exit code that there are none.
    #[error("it named {findings} finding(s) and ended with code {code}, which means none")]
    FindingsWithZeroExit {
        /// The exit code.
        code: i32,
        /// How many findings.
        findings: u64,
    },
    /// What it wrote is not in the format that it promised.
    #[error("{what} could not be read: {why}")]
    Unparsable {
        /// Which output.
        what: String,
        /// Where and why.
        why: String,
    },
    /// It wrote more than anybody reads.
    #[error("it wrote more than {limit_bytes} bytes to {what}")]
    Flood {
        /// Which output.
        what: String,
        /// The limit.
        limit_bytes: u64,
    },
    /// It did not look at everything.
    #[error("it looked at {looked} of {asked} {what}")]
    Partial {
        /// What is counted: files, tests.
        what: String,
        /// How many it looked at.
        looked: u64,
        /// How many it should have.
        asked: u64,
    },
    /// It found nothing to look at where there should have been something.
    #[error("there was nothing to look at: {what}")]
    EmptyScope {
        /// What should have been there.
        what: String,
    },
    /// What makes a project of the files is not there, as a manifest.
    #[error("there is no {wanted} among the files, and without it there is nothing to look at")]
    NoProject {
        /// What should have been there.
        wanted: String,
    },
    /// It did not see a planted mistake, or saw one in what is right: its verdicts are worth
    /// nothing.
    #[error("it failed its own proof: {what}")]
    CanaryMissed {
        /// Which canary, and what was said.
        what: String,
    },
    /// It was not asked, since a gate that comes before it did not pass.
    #[error("not asked, since `{by}` did not pass")]
    Blocked {
        /// The gate before it.
        by: String,
    },
    /// Anything else from outside: a full disk, a folder that can't be read.
    #[error("{why}")]
    Infra {
        /// What went wrong.
        why: String,
        /// What to do.
        advice: String,
    },
}

/// How a tool or a gate broke down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Crash {
    /// The gate itself panicked.
    #[error("it panicked")]
    Panic,
    /// A signal ended it.
    #[error("signal {number} ended it")]
    Signal {
        /// The signal's number.
        number: i32,
    },
    /// It ended with a code that means neither "clean" nor "findings".
    #[error("it ended with code {code}, which its contract does not know")]
    Exit {
        /// The code.
        code: i32,
    },
    /// It needed more memory than it may have.
    #[error("it needed more than {limit_bytes} bytes of memory")]
    Memory {
        /// The limit.
        limit_bytes: u64,
    },
}

impl Fault {
    /// A fault of the surroundings, and what to do.
    pub fn infra(why: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Infra { why: why.into(), advice: advice.into() }
    }

    /// Output that could not be read.
    pub fn unparsable(what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Unparsable { what: what.into(), why: why.to_string() }
    }

    /// A word for the kind of fault, as in SARIF and `JUnit` reports.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ToolMissing { .. } => "tool_missing",
            Self::WrongVersion { .. } => "wrong_version",
            Self::Crash { .. } => "crash",
            Self::Timeout { .. } => "timeout",
            Self::NonZeroNoFindings { .. } => "non_zero_no_findings",
            Self::FindingsWithZeroExit { .. } => "findings_with_zero_exit",
            Self::Unparsable { .. } => "unparsable",
            Self::Flood { .. } => "flood",
            Self::Partial { .. } => "partial",
            Self::EmptyScope { .. } => "empty_scope",
            Self::NoProject { .. } => "no_project",
            Self::CanaryMissed { .. } => "canary_missed",
            Self::Blocked { .. } => "blocked",
            Self::Infra { .. } => "infra",
        }
    }

    /// What to do about it, as a sentence.
    pub fn advice(&self) -> String {
        match self {
            Self::ToolMissing { install, .. } | Self::WrongVersion { install, .. } => {
                install.clone()
            }
            Self::Crash { how: Crash::Memory { .. }, .. } => {
                "Raise the gate's memory limit, or let it look at fewer files at once.".to_owned()
            }
            Self::Crash { how: Crash::Panic, .. } => {
                "This is a mistake in the gate; report it with the input that shows it.".to_owned()
            }
            Self::Crash { .. } => "Run the tool by hand on the same files to see why.".to_owned(),
            Self::Timeout { .. } => {
                "Raise the gate's time limit, or find out why the tool hangs.".to_owned()
            }
            Self::NonZeroNoFindings { .. } => {
                "Run the tool by hand; if the code means something else, correct the exit-code contract."
                    .to_owned()
            }
            Self::FindingsWithZeroExit { .. } => {
                "Let the tool exit with a code of its own for findings, or correct the exit-code contract."
                    .to_owned()
            }
            Self::Unparsable { .. } => {
                "Check that the tool is asked for the format that the gate reads.".to_owned()
            }
            Self::Flood { .. } => "Ask the tool for less output, or raise the limit.".to_owned(),
            Self::Partial { .. } => {
                "Check what the tool's own settings exclude from being looked at.".to_owned()
            }
            Self::EmptyScope { .. } => {
                "Check the gate's scope and what the tool's own settings exclude, or leave the gate out."
                    .to_owned()
            }
            Self::NoProject { .. } => {
                "Judge the folder in which it lies, write one, exclude such files, or leave the gate out."
                    .to_owned()
            }
            Self::CanaryMissed { .. } => {
                "Check the tool's settings and version: it does not find what it is there for."
                    .to_owned()
            }
            Self::Blocked { by } => format!("Mend what `{by}` says first."),
            Self::Infra { advice, .. } => advice.clone(),
        }
    }
}

fn told(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}
