//! What can be said to `gates` and `heal`.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum};
use evergen_quality_gates::ReportFormat;

use super::Selection;

/// `evergen gates`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Gates {
    #[command(subcommand)]
    pub(crate) part: Option<GatesPart>,
    /// Folders and files [default: the output folder of the project, or the current
    /// folder where there is no project]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) choice: GateChoice,
    /// The form of the report.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ReportForm,
    /// A file for the report, in place of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Leave out how long each gate took, so that equal answers are equal texts.
    #[arg(long)]
    pub(crate) no_timings: bool,
    /// Take all that is found as known, by writing the baseline; what is known of other folders
    /// and gates stays.
    #[arg(long)]
    pub(crate) write_baseline: bool,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// Which gates are asked.
#[derive(Debug, Args)]
pub(crate) struct GateChoice {
    /// Ask only this gate; can be given more than once.
    #[arg(long = "gate", value_name = "NAME", value_delimiter = ',')]
    pub(crate) gates: Vec<String>,
    /// Ask every gate that knows what to do with the files that are there.
    #[arg(long, conflicts_with = "gates")]
    pub(crate) all: bool,
    /// Leave this gate out, and say so; can be given more than once.
    #[arg(long = "skip", value_name = "NAME", value_delimiter = ',')]
    pub(crate) skipped: Vec<String>,
    /// Leave out the gates whose tools are not installed, and say so.
    #[arg(long)]
    pub(crate) installed: bool,
    /// Ask anew, also what was answered before.
    #[arg(long)]
    pub(crate) no_cache: bool,
}

/// `evergen gates` with a word behind it.
#[derive(Debug, Subcommand)]
pub(crate) enum GatesPart {
    /// List the gates that there are, who asks them, and which tools are installed.
    List(Selection),
    /// Show scores and durations over time, and which gates are flaky.
    History(GatesHistory),
}

/// `evergen gates history`.
#[derive(Debug, Args)]
pub(crate) struct GatesHistory {
    /// The folder that was judged [default: as for `evergen gates`]
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,
    /// From how many of the last runs.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100, value_parser = at_least_one())]
    pub(crate) runs: usize,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// `evergen heal`.
#[derive(Debug, Args)]
pub struct Heal {
    /// Folders and files [default: as for `evergen gates`]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) choice: GateChoice,
    /// Show what would change; write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Also make changes after which the code may do something else.
    #[arg(long = "unsafe")]
    pub(crate) allow_unsafe: bool,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// The forms of a report of the gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportForm {
    /// For people, with excerpts.
    Text,
    /// One JSON object, like `--json`.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// `JUnit` XML.
    Junit,
    /// Annotations of a GitHub workflow.
    Github,
}

impl ReportForm {
    pub(crate) fn format(self) -> ReportFormat {
        match self {
            Self::Text => ReportFormat::Text,
            Self::Json => ReportFormat::Json,
            Self::Sarif => ReportFormat::Sarif,
            Self::Junit => ReportFormat::Junit,
            Self::Github => ReportFormat::Github,
        }
    }
}

/// Of no run at all there is nothing to show.
fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}
