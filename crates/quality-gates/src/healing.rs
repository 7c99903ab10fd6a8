use futures::future::BoxFuture;
use std::sync::Arc;

use crate::{Fault, Finding, GateReport, Region, Scope, Subject};

mod accept;
mod claims;
mod directives;
mod engine;
mod fixes;
mod guard;
mod layout;
mod limits;
mod lines;
mod marks;
mod rounds;
mod subtle;
mod tokens;
mod tree;

#[cfg(test)]
mod tests;

pub use self::accept::{FileChange, Refusal, Repair, judge_repair};
pub use self::fixes::FindingFixes;
pub use self::rounds::{HealOptions, HealReport, Receipt, Refused, Stop, heal};

/// Mends one class of findings.
///
/// Laws for implementors:
/// - It only proposes: it changes nothing but files in memory or in a scratch folder of its own.
/// - What it declares is known before it edits: from the findings or from what the class is, and
///   not from what it happened to change.
/// - Asked again after its own proposal was taken, about the same findings but without their
///   [`fix`](Finding::fix), it proposes nothing new.
/// - The future may be dropped at any time; what it started then ends too.
///
/// Nothing that it proposes is believed: [`judge_repair`] decides.
pub trait Healer: Send + Sync {
    /// What it is.
    fn info(&self) -> &HealerInfo;

    /// Whether it may know how to mend this finding of that gate.
    fn heals(&self, gate: &str, finding: &Finding) -> bool;

    /// Proposes new contents for files, so that these findings of one gate and one rule go away.
    fn propose<'a>(
        &'a self,
        subject: &'a Subject,
        findings: &'a [Finding],
    ) -> BoxFuture<'a, Result<Proposal, Fault>>;
}

impl<H: Healer + ?Sized> Healer for Arc<H> {
    fn info(&self) -> &HealerInfo {
        (**self).info()
    }

    fn heals(&self, gate: &str, finding: &Finding) -> bool {
        (**self).heals(gate, finding)
    }

    fn propose<'a>(
        &'a self,
        subject: &'a Subject,
        findings: &'a [Finding],
    ) -> BoxFuture<'a, Result<Proposal, Fault>> {
        (**self).propose(subject, findings)
    }
}

impl<H: Healer + ?Sized> Healer for Box<H> {
    fn info(&self) -> &HealerInfo {
        (**self).info()
    }

    fn heals(&self, gate: &str, finding: &Finding) -> bool {
        (**self).heals(gate, finding)
    }

    fn propose<'a>(
        &'a self,
        subject: &'a Subject,
        findings: &'a [Finding],
    ) -> BoxFuture<'a, Result<Proposal, Fault>> {
        (**self).propose(subject, findings)
    }
}

/// What a healer is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HealerInfo {
    /// Its name in receipts.
    pub name: String,
    /// What it mends.
    pub class: FixClass,
    /// Whether it keeps the meaning of the code. What does not is asked only by choice.
    pub safe: bool,
    /// Which files it may edit.
    pub scope: Scope,
}

impl HealerInfo {
    /// A safe healer of a class, for all files.
    pub fn new(name: impl Into<String>, class: FixClass) -> Self {
        Self { name: name.into(), class, safe: true, scope: Scope::all() }
    }

    /// It may change what the code does.
    #[must_use]
    pub fn unsafely(mut self) -> Self {
        self.safe = false;
        self
    }

    /// Which files it may edit.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }
}

/// What is mended. Classes are tried in this order, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FixClass {
    /// What nobody uses is taken out.
    Unused,
    /// Fixes of a linter.
    Lint,
    /// Imports are sorted.
    Imports,
    /// The layout.
    Format,
    /// A vulnerable dependency gets another version.
    Dependency,
}

/// What a healer proposes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proposal {
    /// New contents by path. A file that stays as it is may be among them.
    pub files: Vec<(String, Arc<[u8]>)>,
    /// Where it says it edits.
    pub declared: Vec<Declared>,
    /// The fingerprints of the findings that go away.
    pub heals: Vec<String>,
}

impl Proposal {
    /// New contents, where they are declared to differ, and what goes away by that.
    pub fn new(
        files: Vec<(String, Arc<[u8]>)>,
        declared: Vec<Declared>,
        heals: Vec<String>,
    ) -> Self {
        Self { files, declared, heals }
    }
}

/// A place in which a healer edits, as the file is before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Declared {
    /// Any line of this file.
    File(String),
    /// These lines of it.
    Lines(String, Region),
}

/// Whoever judges a tree: the engine.
pub trait Judge: Send + Sync {
    /// Asks every gate about a tree, under one and the same policy each time.
    fn judge<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, GateReport>;
}

impl<F> Judge for F
where
    F: for<'a> Fn(&'a Subject) -> BoxFuture<'a, GateReport> + Send + Sync,
{
    fn judge<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, GateReport> {
        self(subject)
    }
}
