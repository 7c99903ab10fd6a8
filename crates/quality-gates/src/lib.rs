//! May this change set pass?
//!
//! Generated code that does not compile, or that lost half of its files, must not replace
//! code that works. A *gate* looks at what is about to become visible and says what it found;
//! this crate runs the gates and draws one verdict from what they say.
//!
//! # What a verdict is worth
//! A gate answers with an [`Outcome`]. [`Pass`](Outcome::Pass) says *how much was looked at*; a
//! gate that could not look says [`Error`](Outcome::Error), and that is never a pass: one gate
//! that panics, hangs or fails to start holds the changes back just as a finding does. A gate
//! to which the changes mean nothing says so, and does not count.
//!
//! # Who decides
//! A gate says what it found; a [`Policy`] says what that is worth. It is a function of outcomes,
//! thresholds, [`Waivers`] (each with an owner, a reason and a last day), a [`Baseline`] of what
//! was there before, and the day. [`Presentation`] writes its [`GateReport`] as text with
//! excerpts, JSON, SARIF, `JUnit` or GitHub's annotations; [`History`] keeps it, and [`Trends`]
//! names the gates that are flaky.
//!
//! # Tools by settings alone
//! A [`ConfiguredTool`] is a command, the [`OutputFormat`] of what it writes, what its exit codes
//! mean, and two canaries: [`AdapterGate`] makes a gate of it.
//!
//! # Healing
//! [`heal`] lets [`Healer`]s propose edits in memory and has each judged by
//! [`judge_repair`]: a repair that silences, loosens, skips or empties anything is refused,
//! whatever the gates say of it.
//!
//! A [`TextFilter`] is a program that rewrites one text, for those whose texts go through one.
//!
//! # What it does not do
//! It writes no file of the user's, and it brings no tools of its own: the gates are the caller's.
//! It knows nothing of models or of what comes after the verdict.
//!
//! ```
//! use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};
//! use evergen_quality_gates::{
//!     Coverage, Examination, Finding, FnGate, GateKeeper, Outcome, Policy, QualityGateEngine,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let no_tabs = FnGate::new("no tabs", |examination: &Examination| {
//!     let mut findings = Vec::new();
//!     for file in examination.files() {
//!         match file.bytes() {
//!             Ok(bytes) if bytes.contains(&b'\t') => {
//!                 findings.push(Finding::error("tab", "a tab").in_file(file.path()));
//!             }
//!             Ok(_) => {}
//!             Err(fault) => return Outcome::Error(fault.into()),
//!         }
//!     }
//!     Outcome::of(findings, Coverage::of_files(examination.files().len() as u64))
//! });
//! let engine = QualityGateEngine::new(Policy::default()).with_gate(no_tabs);
//!
//! let path = ArtifactPath::parse("order.rs")?;
//! let proposed = ProposedChanges::new(vec![ProposedChange::write(path, "rust", *b"fn f() {\t}", false)]);
//! let report = engine.judge(&proposed).await?;
//! assert!(!report.overall_passed);
//! assert_eq!(report.to_string(), "no tabs: 1 finding: error[tab] order.rs: a tab");
//! # Ok(())
//! # }
//! ```

mod fault;
mod finding;
mod outcome;

mod scope;
mod subject;

mod scratch;

mod gate;
mod tool;

mod filter;
mod fingerprint;
mod process;

mod adapter;
pub mod adapters;
mod built_in;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

mod formats;

mod servers;

mod policy;
#[cfg(any(test, feature = "conformance"))]
pub mod policy_conformance;
mod report;

mod reports;

mod trends;

mod healing;

mod cache;
mod engine;

pub use crate::adapter::{AdapterGate, judge_exit};
pub use crate::built_in::{
    CompletenessGate, CompletenessSettings, ImportGate, LoadTarget, Module, PatternGate,
    PerformanceError, PerformanceGate, PerformanceSettings, QuantileBounds, Reference,
    ServerSettings, SyntaxGate, quantile_bounds,
};
pub use crate::cache::{CacheError, VerdictCache};
pub use crate::engine::QualityGateEngine;
pub use crate::fault::{Crash, Fault};
pub use crate::filter::TextFilter;
pub use crate::finding::{Edit, Finding, Fix, Position, Region, Severity};
pub use crate::fingerprint::seal;
pub use crate::formats::{
    CanarySettings, ConfiguredTool, ExitSettings, Expectation, FormatSettings, LimitSettings,
    LineSettings, Lines, OutputFormat, Parsed, ReportSettings, Stream, ToolSettings,
    VersionSettings,
};
pub use crate::gate::{
    Cost, Examination, FnGate, Gate, GateError, GateInfo, GateKeeper, GateKind, Identity, Needs,
};
pub use crate::healing::{
    Declared, FileChange, FindingFixes, FixClass, HealOptions, HealReport, Healer, HealerInfo,
    Judge, Proposal, Receipt, Refusal, Refused, Repair, Stop, heal, judge_repair,
};
pub use crate::outcome::{Coverage, Findings, Flakiness, Looker, Outcome};
pub use crate::policy::{
    Baseline, BaselineEntry, BaselineError, Circumstances, Extent, GatePolicy, Policy,
    PolicyProblem, SettingsError, Standing, Thresholds, Waiver, Waivers, WaiversError,
    code_quality,
};
pub use crate::process::{appoint_guardian, guard_tools};
pub use crate::report::{GateReport, GateResult, LeftOut};
pub use crate::reports::{Presentation, ReportFormat, UnknownFormat};
pub use crate::scope::{Scope, ScopeError};
pub use crate::scratch::{Scratch, ScratchError, Workspace};
pub use crate::servers::{Form as WarmForm, ServerGate, warm_form};
pub use crate::subject::{FileMemory, Folder, ReadFault, Subject, SubjectError, SubjectFile};
pub use crate::tool::{
    Canary, ExitContract, Expected, FoundTool, Invocation, Job, Limits, Reading, ToolAdapter,
    ToolOutput, ToolSpec, ToolVersion, VersionError, VersionRange,
};
pub use crate::trends::{
    FlakyContent, GateRecord, GateTrend, History, HistoryError, Kept, RunRecord, Trends,
};
