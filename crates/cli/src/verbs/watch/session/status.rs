//! How the loop is, for whoever asks.

use evergen_orchestrator::{Advice, HealthStatus, Recommendation};
use jiff::Timestamp;

use super::Session;
use crate::diary::{
    CycleRecord, HealthLine, LoopStatus, QueueStatus, TotalsStatus, WatchingStatus,
};
use crate::watching::WatchMode;

impl Session {
    /// How the loop is now.
    pub(super) fn status(&self) -> LoopStatus {
        let view = self.orchestrator.view();
        let health = self.orchestrator.health();
        let findings = health.findings.iter().map(|finding| HealthLine {
            status: name(finding.status).to_owned(),
            text: finding.text.clone(),
        });
        let advice = self.orchestrator.recommendations();
        LoopStatus {
            state: self.state,
            pid: std::process::id(),
            since: self.since.clone(),
            updated_at: Timestamp::now().to_string(),
            watching: match self.watcher.mode() {
                WatchMode::Events => WatchingStatus { mode: "events".to_owned(), why: None },
                WatchMode::Polling { why } => {
                    WatchingStatus { mode: "polling".to_owned(), why: Some(why) }
                }
            },
            health: name(health.status).to_owned(),
            findings: findings.collect(),
            queue: QueueStatus {
                in_hand: view.in_hand as u64,
                ready: view.ready as u64,
                working: view.working as u64,
                limit: view.limit as u64,
                open_breakers: view
                    .open_breakers
                    .iter()
                    .map(|component| component.name().to_owned())
                    .collect(),
            },
            totals: self.totals(),
            failing: self.last.iter().flat_map(CycleRecord::to_mend).cloned().collect(),
            last_cycle: self.last.clone(),
            recommendations: advice.iter().map(words).collect(),
        }
    }

    fn totals(&self) -> TotalsStatus {
        let stats = self.orchestrator.get_stats();
        TotalsStatus {
            cycles: stats.total_cycles,
            avg_cycle_time_ms: stats.avg_cycle_time_ms,
            p95_cycle_time_ms: stats.cycle_time.p95_ms,
            events: stats.events_processed,
            regenerations: stats.regenerations_triggered,
            regenerations_failed: stats.regenerations_failed,
            deployments: stats.deployments_completed,
            dead_letters: self.dead.len() as u64,
        }
    }
}

fn name(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Healthy => "healthy",
        HealthStatus::Warning => "warning",
        HealthStatus::Alert => "alert",
        HealthStatus::Critical => "critical",
    }
}

/// A recommendation as a sentence, with the figures that speak for it.
fn words(recommendation: &Recommendation) -> String {
    let advice = match &recommendation.advice {
        Advice::MoreWorkers { from, to } => format!("raise `max_concurrent` from {from} to {to}"),
        Advice::SimplerTemplate { generator } => format!("make the template `{generator}` do less"),
        Advice::Cache => "keep results: most came out as they were".to_owned(),
        Advice::LongerTimeout { from_ms, to_ms } => {
            format!("give work {to_ms} ms instead of {from_ms} ms")
        }
        _ => "share the work with another machine".to_owned(),
    };
    format!("{advice} ({})", recommendation.evidence)
}
