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
//! # What it does not do
//! It writes nothing and heals nothing, and it brings no tools of its own: the gates are the
//! caller's. It knows nothing of models or of what comes after the verdict.
//!
//! ```
//! use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};
//! use evergen_quality_gates::{Coverage, Finding, FnGate, GateKeeper, Outcome, QualityGateEngine};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let no_tabs = FnGate::new("no tabs", |proposed: &ProposedChanges| {
//!     let tabs = proposed.iter().filter(|change| change.bytes().is_some_and(|text| text.contains(&b'\t')));
//!     let findings: Vec<Finding> =
//!         tabs.map(|change| Finding::error("tab", "a tab").in_file(change.path.as_str())).collect();
//!     match findings.is_empty() {
//!         true => Outcome::Pass(Coverage::of_files(proposed.len() as u64)),
//!         false => Outcome::Fail(findings),
//!     }
//! });
//! let engine = QualityGateEngine::new().with_gate(no_tabs);
//!
//! let path = ArtifactPath::parse("order.rs")?;
//! let proposed = ProposedChanges::new(vec![ProposedChange::write(path, "rust", *b"fn f() {\t}", false)]);
//! let report = engine.judge(&proposed).await?;
//! assert!(!report.overall_passed);
//! assert_eq!(report.to_string(), "no tabs: 1 finding: error[tab] order.rs: a tab");
//! # Ok(())
//! # }
//! ```

mod outcome;
mod report;

mod gate;

mod engine;

pub use crate::engine::QualityGateEngine;
pub use crate::gate::{FnGate, Gate, GateError, GateKeeper};
pub use crate::outcome::{Coverage, Fault, Finding, Outcome, Severity};
pub use crate::report::{GateReport, GateResult};
