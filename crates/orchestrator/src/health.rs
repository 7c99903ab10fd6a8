use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scheduler::Component;

mod resources;
#[cfg(test)]
mod tests;

pub(crate) use self::resources::memory_used;
pub use self::resources::{ResourceProbe, Resources, SystemResources};

/// How the loop is, with all that speaks against it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HealthReport {
    /// The worst of the findings.
    pub status: HealthStatus,
    /// What was found, worst first.
    pub findings: Vec<HealthFinding>,
}

/// How bad something is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum HealthStatus {
    /// Nothing is wrong.
    #[default]
    Healthy,
    /// It works, less well than it should.
    Warning,
    /// It does not do its work.
    Alert,
    /// It is about to fail.
    Critical,
}

/// Something that speaks against the health of the loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HealthFinding {
    /// How bad it is.
    pub status: HealthStatus,
    /// What it is.
    pub kind: HealthProblem,
    /// It in words, with the figures.
    pub text: String,
    /// Components that it is about.
    pub components: Vec<Component>,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HealthProblem {
    /// Fewer than nine in ten tasks succeeded.
    SuccessLow,
    /// Cycles took longer than their target on average.
    CyclesSlow,
    /// There was work, and no cycle ended.
    Stalled,
    /// A component is left alone because it keeps failing.
    BreakerOpen,
    /// Little memory is left.
    MemoryLow,
    /// Little room is left on the disk.
    DiskLow,
    /// Events can't be read, acknowledged or kept as dead letters.
    LogFailing,
}

/// What is known of an interval.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct HealthInput {
    /// How long it was.
    pub interval: Duration,
    /// Cycles that ended in it.
    pub cycles: u64,
    /// How long they took on average.
    pub average_cycle: Duration,
    /// How long they should take at most.
    pub target: Duration,
    /// Whether there was work all the time: tasks ran, or events waited that might have started.
    pub had_work: bool,
    /// Tries that succeeded.
    pub succeeded: u64,
    /// Tries that failed.
    pub failed: u64,
    /// Components that are left alone.
    pub open_breakers: Vec<Component>,
    /// Orders to acknowledge or bury that failed.
    pub failed_errands: u64,
    /// How often events could not be read from the log, or were missed there.
    pub failed_reads: u64,
    /// What the system has left, where that is known.
    pub resources: Resources,
}

/// Judges the health of an interval. A value without a clock.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HealthRules {
    /// The least share of tries that must succeed; 0.9 by default.
    pub least_success: f64,
    /// The least share of memory that must be free; 0.05 by default.
    pub least_memory: f64,
    /// The least share of the disk that must be free; 0.02 by default.
    pub least_disk: f64,
}

impl Default for HealthRules {
    fn default() -> Self {
        Self { least_success: 0.9, least_memory: 0.05, least_disk: 0.02 }
    }
}

impl HealthRules {
    /// What speaks against the health of the loop in an interval.
    pub fn judge(&self, input: &HealthInput) -> HealthReport {
        let mut findings: Vec<HealthFinding> = [
            self.success(input),
            slow(input),
            stalled(input),
            breakers(input),
            log(input),
            self.memory(input),
            self.disk(input),
        ]
        .into_iter()
        .flatten()
        .collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.status));
        let status = findings.first().map_or(HealthStatus::Healthy, |finding| finding.status);
        HealthReport { status, findings }
    }

    fn success(&self, input: &HealthInput) -> Option<HealthFinding> {
        let all = input.succeeded + input.failed;
        let rate = ratio(input.succeeded, all)?;
        (rate < self.least_success).then(|| {
            let text =
                format!("{} of {all} tasks succeeded ({:.0} %)", input.succeeded, rate * 1e2);
            finding(HealthStatus::Warning, HealthProblem::SuccessLow, text, &input.open_breakers)
        })
    }

    fn memory(&self, input: &HealthInput) -> Option<HealthFinding> {
        let Resources { memory_free, memory_total, .. } = input.resources;
        let free = ratio(memory_free?, memory_total?)?;
        (free < self.least_memory).then(|| {
            let text = format!("{:.1} % of memory is free", free * 1e2);
            finding(HealthStatus::Critical, HealthProblem::MemoryLow, text, &[])
        })
    }

    fn disk(&self, input: &HealthInput) -> Option<HealthFinding> {
        let Resources { disk_free, disk_total, .. } = input.resources;
        let free = ratio(disk_free?, disk_total?)?;
        (free < self.least_disk).then(|| {
            let text = format!("{:.1} % of the disk is free", free * 1e2);
            finding(HealthStatus::Critical, HealthProblem::DiskLow, text, &[])
        })
    }
}

fn slow(input: &HealthInput) -> Option<HealthFinding> {
    (input.cycles > 0 && input.average_cycle > input.target).then(|| {
        let text = format!(
            "cycles took {:?} on average, and should take {:?} at most",
            input.average_cycle, input.target
        );
        finding(HealthStatus::Warning, HealthProblem::CyclesSlow, text, &[])
    })
}

fn stalled(input: &HealthInput) -> Option<HealthFinding> {
    (input.had_work && input.cycles == 0).then(|| {
        let text = format!("no cycle ended in {:?}, though there was work", input.interval);
        finding(HealthStatus::Alert, HealthProblem::Stalled, text, &input.open_breakers)
    })
}

fn breakers(input: &HealthInput) -> Option<HealthFinding> {
    let open = &input.open_breakers;
    (!open.is_empty()).then(|| {
        let names: Vec<&str> = open.iter().map(|component| component.name()).collect();
        let text = format!("left alone because it keeps failing: {}", names.join(", "));
        finding(HealthStatus::Warning, HealthProblem::BreakerOpen, text, open)
    })
}

fn log(input: &HealthInput) -> Option<HealthFinding> {
    let HealthInput { failed_errands, failed_reads, .. } = *input;
    (failed_errands + failed_reads > 0).then(|| {
        let text = format!(
            "events could not be read {failed_reads} times, and not be acknowledged {failed_errands} times"
        );
        finding(HealthStatus::Alert, HealthProblem::LogFailing, text, &[])
    })
}

fn finding(
    status: HealthStatus,
    kind: HealthProblem,
    text: String,
    components: &[Component],
) -> HealthFinding {
    HealthFinding { status, kind, text, components: components.to_vec() }
}

#[expect(clippy::cast_precision_loss, reason = "a share does not need the last byte")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
