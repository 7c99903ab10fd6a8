//! What can be said on the command line.

mod gates;

use std::path::PathBuf;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};

pub(crate) use self::gates::{GateChoice, Gates, GatesHistory, GatesPart, Heal, ReportForm};

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 the answer is no (drift, refused artifacts, failed thresholds); \
2 usage or configuration; 3 model, query or template error; 4 input/output or internal.";

/// Generates code from knowledge graphs, and keeps it true to them.
#[derive(Debug, Parser)]
#[command(name = "evergen", version, after_help = EXIT_CODES)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    /// What concerns all verbs.
    #[command(flatten)]
    pub(crate) manner: Manner,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// How evergen talks.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Manner {
    /// Print one JSON object on standard output.
    #[arg(long, global = true, help_heading = "Manner")]
    pub(crate) json: bool,
    /// Say nothing but errors.
    #[arg(short, long, global = true, help_heading = "Manner", conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more; twice for what goes on inside.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Manner")]
    pub(crate) verbose: u8,
    /// Whether to use colours.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Manner"
    )]
    pub(crate) color: ColorChoice,
}

/// What evergen can do.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Verb {
    /// Bring the output folder up to date with the model and the templates.
    Run(Run),
    /// Keep the output folder up to date while you edit, until you end it.
    Watch(Watch),
    /// Show what `run` would change, and why; write nothing.
    Plan(Asked),
    /// Tell by the exit code whether all generated files are true to the model.
    Check(Check),
    /// Show what `run` would change, line by line.
    Diff(Asked),
    /// Tell which triples, query and template lines a file or a line comes from.
    Explain(Explain),
    /// Prove that the incremental result equals a generation from scratch.
    Verify(Asked),
    /// Draw what depends on what.
    Graph(Graph),
    /// Tell how the loop of `watch` is, and what is live in the environments.
    Status(Selection),
    /// List the last cycles of the loop.
    History(History),
    /// List and replay the events of the loop.
    #[command(subcommand)]
    Events(Events),
    /// Show where the time of the last cycles went.
    Profile(ProfileArguments),
    /// Judge files, generated or not, by the quality gates.
    Gates(Gates),
    /// Mend what the gates find, where that weakens nothing.
    Heal(Heal),
    /// Bring the generated files into use in an environment.
    Deploy(Deploy),
    /// Go back to the release that was live before, or to a version.
    Rollback(Rollback),
    /// Bring into use what is live in the environment before this one.
    Promote(Promote),
    /// Take a deployment back that is in progress.
    Abort(InEnvironment),
    /// Let a deployment wait before its next step.
    Pause(InEnvironment),
    /// Let a deployment go on that waits.
    Resume(InEnvironment),
    /// Compare what really runs with what the ledger says.
    Drift(InEnvironment),
    /// Tell how well deployments went.
    Analytics(Analytics),
    /// Share requests between the slots of an environment, until it is ended.
    Router(RouterArguments),
    /// Start a project: a configuration, a small model and templates.
    Init(Init),
    /// Look for what could keep evergen from working here.
    Doctor(Asked),
    /// List the language packs, or copy one into the project to change it.
    #[command(subcommand)]
    Pack(PackPart),
    /// Show the settings in force, or the schema of the configuration.
    #[command(subcommand)]
    Config(Config),
    /// Wait for the end of the process at the other end of standard input, and end its tools.
    #[command(hide = true)]
    GuardTools {
        /// The process, as its tools know it.
        owner: String,
    },
    /// Print a completion script for a shell.
    Completions(Completions),
    /// Print the manual page.
    Man(Man),
}

/// Which project, and what to set in it.
#[derive(Clone, Debug, Default, Args)]
pub struct Selection {
    /// The project's folder, where the state is kept too [default: the next folder
    /// upwards with an `evergen.toml`, or the current one]
    #[arg(long, value_name = "DIR", help_heading = "Project")]
    pub(crate) root: Option<PathBuf>,
    /// Languages for which to generate with the built-in packs.
    #[arg(long, value_name = "LANGUAGES", value_delimiter = ',', help_heading = "Project")]
    pub(crate) lang: Vec<String>,
    /// The output folder.
    #[arg(long, value_name = "DIR", help_heading = "Project")]
    pub(crate) out: Option<PathBuf>,
    /// A folder with templates; can be given more than once.
    #[arg(long, value_name = "DIR", help_heading = "Project")]
    pub(crate) templates: Vec<PathBuf>,
    /// How many threads render; 0 is one for each CPU.
    #[arg(long, value_name = "N", help_heading = "Project")]
    pub(crate) workers: Option<u32>,
    /// Do all the work, also where nothing has changed.
    #[arg(long, help_heading = "Project")]
    pub(crate) full: bool,
    /// Set any key of `evergen.toml`, like `limits.fuel=100000`.
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Project")]
    pub(crate) set: Vec<String>,
}

/// A verb that asks about a project.
#[derive(Clone, Debug, Args)]
pub struct Asked {
    /// A project's folder, or files, folders and patterns that hold the model.
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// `evergen run`.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// Print a line of JSON for each artifact when it is ready; the report comes last.
    #[arg(long, conflicts_with = "json")]
    pub(crate) events: bool,
    /// How long to wait when another evergen works on this project.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) wait: u64,
}

/// `evergen watch`.
#[derive(Debug, Args)]
pub struct Watch {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// Print lines, also on a terminal.
    #[arg(long)]
    pub(crate) plain: bool,
    /// How long to wait when another evergen works on this project.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) wait: u64,
    /// How long one piece of work may take before it is given up and tried again.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) task_timeout: Option<i64>,
}

/// `evergen history`.
#[derive(Debug, Args)]
pub struct History {
    /// How many cycles to list at most.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Only those that failed.
    #[arg(long)]
    pub(crate) failed: bool,
    /// The deployments of an environment in place of the cycles.
    #[arg(long, value_name = "ENVIRONMENT", conflicts_with = "failed")]
    pub(crate) environment: Option<String>,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// `evergen events`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Events {
    /// List the last events of the log, and whether the loop is done with them.
    List(EventsList),
    /// List the events that failed for good, and why.
    Dead(Selection),
    /// Publish dead letters, or events by their offsets, anew.
    Replay(EventsAct),
    /// Throw dead letters away.
    Drop(EventsAct),
}

/// `evergen events list`.
#[derive(Debug, Args)]
pub struct EventsList {
    /// How many events to list at most.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    /// The offset to begin at [default: so that the last ones are listed]
    #[arg(long, value_name = "OFFSET", conflicts_with = "since")]
    pub(crate) from: Option<u64>,
    /// The time to begin at, like `2026-01-31T12:00:00Z`.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// `evergen events replay` and `drop`.
#[derive(Debug, Args)]
pub struct EventsAct {
    /// Ids of dead letters, or beginnings of them; `replay` takes offsets too, like `17`
    /// or `17..20`.
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// `evergen profile`.
#[derive(Debug, Args)]
pub struct ProfileArguments {
    /// From how many of the last cycles.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) cycles: usize,
    /// Write a trace that Perfetto and speedscope open; stacks for flame graphs where the
    /// name ends in `.folded`.
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// A verb about one environment.
#[derive(Debug, Args)]
pub struct InEnvironment {
    /// The environment, as the settings name it.
    #[arg(value_name = "ENVIRONMENT")]
    pub(crate) environment: String,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// What may be done with a plan before it is applied.
#[derive(Debug, Args)]
pub(crate) struct LookFirst {
    /// Show the plan and its digest; write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The digest of the plan that was looked at: another one is refused.
    #[arg(long, value_name = "DIGEST")]
    pub(crate) expect: Option<String>,
    /// Who approves the plan that `--expect` names.
    #[arg(long, value_name = "NAME", requires = "expect")]
    pub(crate) approve: Option<String>,
}

/// `evergen deploy`.
#[derive(Debug, Args)]
pub struct Deploy {
    #[command(flatten)]
    pub(crate) asked: InEnvironment,
    /// How the release is called.
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: String,
    /// The folder with the release [default: the output folder of the project]
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,
    /// Deploy it though it is live already, as to bring changed secrets into use.
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) look: LookFirst,
}

/// `evergen rollback`.
#[derive(Debug, Args)]
pub struct Rollback {
    #[command(flatten)]
    pub(crate) asked: InEnvironment,
    /// The version to go back to [default: the one before]
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: Option<String>,
}

/// `evergen promote`.
#[derive(Debug, Args)]
pub struct Promote {
    #[command(flatten)]
    pub(crate) asked: InEnvironment,
    /// Deploy it though it is live already, as to bring changed secrets into use.
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) look: LookFirst,
}

/// `evergen analytics`.
#[derive(Debug, Args)]
pub struct Analytics {
    /// One environment [default: all]
    #[arg(value_name = "ENVIRONMENT")]
    pub(crate) environment: Option<String>,
    /// Only the last days.
    #[arg(long, value_name = "N")]
    pub(crate) days: Option<u16>,
    /// In the text format of Prometheus.
    #[arg(long, conflicts_with = "json")]
    pub(crate) prometheus: bool,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// `evergen router`.
#[derive(Debug, Args)]
pub struct RouterArguments {
    #[command(flatten)]
    pub(crate) asked: InEnvironment,
}

/// `evergen check`.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// How to list what is wrong.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: CheckFormat,
}

/// The forms of the list that `check` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people.
    Text,
    /// One JSON object, like `--json`.
    Json,
    /// Annotations of a GitHub workflow.
    Github,
}

/// `evergen explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A generated file, with `:LINE` for one line of it.
    #[arg(value_name = "FILE[:LINE]")]
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// `evergen graph`.
#[derive(Debug, Args)]
pub struct Graph {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// The notation.
    #[arg(long, value_enum, default_value = "dot")]
    pub(crate) format: GraphFormat,
    /// The file to write to [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How many nodes an SVG shows at most: those with the most edges.
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub(crate) limit: usize,
}

/// Notations for a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// For Graphviz.
    Dot,
    /// Nodes and edges.
    Json,
    /// A picture.
    Svg,
}

/// `evergen init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The project's folder.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
}

/// `evergen pack`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum PackPart {
    /// List the packs, and which of them are the project's own.
    List(Selection),
    /// Copy a built-in pack's templates into the project, where they can be changed.
    Eject(PackEject),
}

/// `evergen pack eject`.
#[derive(Debug, Args)]
pub struct PackEject {
    /// The pack's name, like `rust`.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// `evergen config`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Config {
    /// Show every setting in force and where it comes from.
    Show(Asked),
    /// Print the JSON Schema of `evergen.toml`, or of what a verb prints.
    Schema(Schema),
}

/// `evergen config schema`.
#[derive(Debug, Args)]
pub struct Schema {
    /// Whose schema, like `run` or `error`.
    #[arg(value_name = "NAME", default_value = "evergen.toml")]
    pub(crate) name: String,
}

/// `evergen completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// `evergen man`.
#[derive(Debug, Args)]
pub struct Man {
    /// Write a page for evergen and one for each verb to this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
