//! What an event tells, by kind.

use serde::{Deserialize, Deserializer, Serialize};

use crate::event::kinds::{BreakerState, EventKind, Health, Target};

/// What is told, with the figures of its kind. Copied, never allocated; texts belong
/// into the event's [`Detail`](crate::Detail).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Body {
    /// A change came in; its subject is in the detail.
    ChangeReceived,
    /// A cycle began.
    CycleStarted {
        /// Changes taken from the queue.
        events: u32,
        /// Keys to be regenerated.
        tasks: u32,
    },
    /// A cycle ended.
    CycleCompleted {
        /// Changes taken from the queue.
        events: u32,
        /// Keys that were regenerated.
        succeeded: u32,
        /// Keys that were not.
        failed: u32,
    },
    /// The regeneration of one key began.
    RegenerationStarted {
        /// Changes that it stands for.
        events: u32,
        /// Which try this is, from 1.
        attempt: u32,
    },
    /// The regeneration of one key ended.
    RegenerationCompleted {
        /// Artifacts whose rows were evaluated.
        evaluated: u32,
        /// Artifacts that were rendered.
        rendered: u32,
        /// Files written.
        written: u32,
        /// Files deleted.
        deleted: u32,
        /// Artifacts that a gate refused.
        refused: u32,
    },
    /// Sources were parsed; the subject is the source.
    Parse,
    /// What has changed was worked out.
    Diff,
    /// What is stale was worked out.
    Invalidate,
    /// A query was evaluated; the subject is the query.
    Query,
    /// A template was rendered; the subject is the template.
    Render,
    /// Files were staged.
    Stage,
    /// What was staged became visible.
    Commit,
    /// All gates have judged.
    GatesJudged {
        /// How many judged.
        gates: u32,
        /// How many refused.
        refused: u32,
    },
    /// One gate has judged; the subject is the gate.
    GateChecked,
    /// Something that a gate refused was mended; the subject is the healer.
    Healed,
    /// A deployment began; the subject is the release.
    DeploymentStarted,
    /// A deployment ended; the subject is the release.
    DeploymentCompleted,
    /// A release was asked for its health.
    HealthChecked,
    /// Traffic went over.
    TrafficShifted {
        /// The share that the new release has now, in percent.
        percent: u8,
    },
    /// A release was taken back.
    RolledBack,
    /// Something is tried again.
    Retried {
        /// Which try comes, from 2.
        attempt: u32,
        /// The wait before it, in milliseconds.
        delay_ms: u32,
    },
    /// A breaker changed; the subject is what it protects.
    BreakerChanged {
        /// What it was.
        from: BreakerState,
        /// What it is.
        to: BreakerState,
    },
    /// How much waits in a queue.
    QueueSampled {
        /// What waits.
        depth: u64,
        /// What could wait; 0 if there is no bound.
        capacity: u64,
    },
    /// How much of a limit is in use.
    SaturationSampled {
        /// What is in use.
        busy: u64,
        /// What could be.
        limit: u64,
    },
    /// A cache was looked into.
    CacheLookedUp {
        /// How often it had the answer.
        hits: u32,
        /// How often it had not.
        misses: u32,
    },
    /// A setting was changed; the subject is its name, the message the reason.
    SettingChanged {
        /// The value before.
        #[serde(deserialize_with = "number_or_nan")]
        from: f64,
        /// The value now.
        #[serde(deserialize_with = "number_or_nan")]
        to: f64,
    },
    /// An event was given up.
    DeadLettered {
        /// How often it was tried.
        attempts: u32,
    },
    /// A language model was asked; the subject is the model.
    ModelCalled,
    /// The health of the loop.
    PerformanceMetric {
        /// The verdict.
        health: Health,
        /// What succeeded of what ended, from 0 to 1.
        #[serde(deserialize_with = "number_or_nan")]
        success_rate: f64,
        /// The mean time of a regeneration, in milliseconds.
        #[serde(deserialize_with = "number_or_nan")]
        average_ms: f64,
        /// Regenerations in a second.
        #[serde(deserialize_with = "number_or_nan")]
        throughput: f64,
        /// What waits.
        queue_depth: u64,
    },
    /// A target was missed; the detail has suggestions.
    PerformanceWarning {
        /// Which.
        target: Target,
        /// What was wanted, in the target's unit.
        #[serde(deserialize_with = "number_or_nan")]
        wanted: f64,
        /// What was measured, in the target's unit.
        #[serde(deserialize_with = "number_or_nan")]
        measured: f64,
    },
    /// Too much fails; the detail has the patterns and the components.
    PerformanceAlert {
        /// What succeeded of what ended, from 0 to 1.
        #[serde(deserialize_with = "number_or_nan")]
        success_rate: f64,
        /// Of how many.
        of: u64,
    },
}

impl Body {
    /// The kind that this is counted as.
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::ChangeReceived => EventKind::ChangeReceived,
            Self::CycleStarted { .. } => EventKind::CycleStarted,
            Self::CycleCompleted { .. } => EventKind::CycleCompleted,
            Self::RegenerationStarted { .. } => EventKind::RegenerationStarted,
            Self::RegenerationCompleted { .. } => EventKind::RegenerationCompleted,
            Self::Parse => EventKind::Parse,
            Self::Diff => EventKind::Diff,
            Self::Invalidate => EventKind::Invalidate,
            Self::Query => EventKind::Query,
            Self::Render => EventKind::Render,
            Self::Stage => EventKind::Stage,
            Self::Commit => EventKind::Commit,
            Self::GatesJudged { .. } => EventKind::GatesJudged,
            Self::GateChecked => EventKind::GateChecked,
            Self::Healed => EventKind::Healed,
            Self::DeploymentStarted => EventKind::DeploymentStarted,
            Self::DeploymentCompleted => EventKind::DeploymentCompleted,
            Self::HealthChecked => EventKind::HealthChecked,
            Self::TrafficShifted { .. } => EventKind::TrafficShifted,
            Self::RolledBack => EventKind::RolledBack,
            Self::Retried { .. } => EventKind::Retried,
            Self::BreakerChanged { .. } => EventKind::BreakerChanged,
            Self::QueueSampled { .. } => EventKind::QueueSampled,
            Self::SaturationSampled { .. } => EventKind::SaturationSampled,
            Self::CacheLookedUp { .. } => EventKind::CacheLookedUp,
            Self::SettingChanged { .. } => EventKind::SettingChanged,
            Self::DeadLettered { .. } => EventKind::DeadLettered,
            Self::ModelCalled => EventKind::ModelCalled,
            Self::PerformanceMetric { .. } => EventKind::PerformanceMetric,
            Self::PerformanceWarning { .. } => EventKind::PerformanceWarning,
            Self::PerformanceAlert { .. } => EventKind::PerformanceAlert,
        }
    }
}

/// JSON has no word for what is not a number, and `null` is written in its place.
fn number_or_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}
