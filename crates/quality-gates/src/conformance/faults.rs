use crate::{ExitContract, Outcome};

/// One fault, and under which names it may come out.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FaultCase {
    /// What happens.
    pub name: &'static str,
    /// On which canaries it shows: red, green.
    on: (bool, bool),
    /// The kinds of [`Fault`](crate::Fault) that say it.
    kinds: &'static [&'static str],
    /// Whether the tool's own settings bring it about.
    pub(super) needs_exclusion: bool,
}

/// The twelve faults; the empty scope in two ways: nothing to look at, and a tool whose own
/// settings let it look at nothing.
pub const FAULTS: &[FaultCase] = &[
    fault("tool missing", (true, true), &["tool_missing"]),
    fault("wrong version", (true, true), &["wrong_version"]),
    fault("crash by signal", (true, true), &["crash"]),
    fault("hang", (false, true), &["timeout"]),
    fault("output flood", (false, true), &["flood"]),
    fault("non-zero exit with no findings", (false, true), &["non_zero_no_findings", "crash"]),
    fault("zero exit with findings", (true, false), &["findings_with_zero_exit"]),
    fault("unreadable output", (true, true), SILENT),
    fault("half output", (true, false), SILENT),
    fault("empty scope", (true, true), &["empty_scope", "partial"]),
    FaultCase {
        needs_exclusion: true,
        ..fault(
            "empty scope",
            (true, true),
            &[
                "empty_scope",
                "partial",
                "non_zero_no_findings",
                "crash",
                "unparsable",
                "canary_missed",
            ],
        )
    },
    fault("disk full", (true, false), SILENT),
    fault("killed child with orphans", (true, true), &["crash"]),
];

/// How it may come out that what a tool said was lost.
const SILENT: &[&str] = &[
    "unparsable",
    "non_zero_no_findings",
    "crash",
    "empty_scope",
    "partial",
    "infra",
    "canary_missed",
];

const fn fault(name: &'static str, on: (bool, bool), kinds: &'static [&'static str]) -> FaultCase {
    FaultCase { name, on, kinds, needs_exclusion: false }
}

impl FaultCase {
    pub(super) fn concerns(&self, red: bool) -> bool {
        if red { self.on.0 } else { self.on.1 }
    }

    /// Whether it is for the adapter to see, and not for whoever runs the tool.
    pub(super) fn depends_on_adapter(&self) -> bool {
        !["tool missing", "wrong version", "hang", "output flood", "killed child with orphans"]
            .contains(&self.name)
    }

    /// Panics unless the fault came out under its name, with what to do.
    pub(super) fn judge(&self, outcome: &Outcome, contract: &ExitContract, red: bool) {
        let name = self.name;
        let fault = match outcome {
            Outcome::Error(fault) => fault,
            // A true finding that was read before the end came, or that stands in a report of its
            // own while the rest had no room, holds the changes back, too; and where one code may
            // mean both, no code contradicts a finding.
            Outcome::Fail(_) if red && matches!(name, "half output" | "disk full") => return,
            Outcome::Fail(_) if red && name == "zero exit with findings" && is_mute(contract) => {
                return;
            }
            other => panic!("{name}: came out as {other:?}"),
        };
        assert!(
            self.kinds.contains(&fault.kind()),
            "{name}: came out as {}: {fault}",
            fault.kind()
        );
        assert!(fault.advice().len() > 10, "{name}: says not what to do: {fault:?}");
        assert!(!fault.to_string().is_empty(), "{name}: says not what happened");
    }
}

/// Whether the exit code says nothing of findings.
fn is_mute(contract: &ExitContract) -> bool {
    contract.clean.first().is_some_and(|code| contract.findings.contains(code))
        || contract.tolerated.is_some()
}
