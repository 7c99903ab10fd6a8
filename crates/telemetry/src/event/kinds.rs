//! The closed sets that events are counted by.

use crate::named::named;

named! {
    /// How something ended.
    pub enum Outcome {
        /// It did what it was asked to do.
        Succeeded = "succeeded",
        /// It did not.
        Failed = "failed",
        /// It was ended because it took too long.
        TimedOut = "timed_out",
        /// It was not let in: a full queue, an open breaker, a gate.
        Rejected = "rejected",
        /// Somebody called it off; counts neither as success nor as failure.
        Cancelled = "cancelled",
        /// There was nothing to do; counts neither as success nor as failure.
        Skipped = "skipped",
        /// Nothing ended: a beginning, a sample, a message.
        Observed = "observed",
    }
}

impl Outcome {
    /// Whether it counts against the success rate.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut | Self::Rejected)
    }
}

named! {
    /// Why something failed, coarsely: what the error rate is divided by.
    pub enum ErrorKind {
        /// A source could not be understood.
        Parse = "parse",
        /// A query failed or ran out of its limits.
        Query = "query",
        /// A template failed.
        Render = "render",
        /// A file system or a network failed.
        Io = "io",
        /// A quality gate refused.
        Gate = "gate",
        /// A deployment failed.
        Deployment = "deployment",
        /// A language model failed.
        Model = "model",
        /// A time limit was reached.
        Timeout = "timeout",
        /// A handler panicked.
        Panic = "panic",
        /// There was no room: a queue, a limit, a quota.
        Overload = "overload",
        /// Something that is needed cannot be reached, or its breaker is open.
        Unavailable = "unavailable",
        /// Somebody else was first.
        Conflict = "conflict",
        /// A setting is wrong.
        Configuration = "configuration",
        /// None of these.
        Other = "other",
    }
}

named! {
    /// What an event tells of; each kind has its own counters and its own histogram.
    pub enum EventKind {
        /// A change came in from a source.
        ChangeReceived = "change_received",
        /// A cycle began.
        CycleStarted = "cycle_started",
        /// A cycle ended.
        CycleCompleted = "cycle_completed",
        /// The regeneration of one key began.
        RegenerationStarted = "regeneration_started",
        /// The regeneration of one key ended: the unit of work of the headline figures.
        RegenerationCompleted = "regeneration_completed",
        /// Sources were parsed.
        Parse = "parse",
        /// What has changed was worked out.
        Diff = "diff",
        /// What is stale was worked out.
        Invalidate = "invalidate",
        /// A query was evaluated.
        Query = "query",
        /// A template was rendered.
        Render = "render",
        /// Files were staged.
        Stage = "stage",
        /// What was staged became visible.
        Commit = "commit",
        /// All gates have judged a change set.
        GatesJudged = "gates_judged",
        /// One gate has judged.
        GateChecked = "gate_checked",
        /// Something that a gate refused was mended.
        Healed = "healed",
        /// A deployment began.
        DeploymentStarted = "deployment_started",
        /// A deployment ended.
        DeploymentCompleted = "deployment_completed",
        /// A release was asked for its health.
        HealthChecked = "health_checked",
        /// Traffic went over to a release.
        TrafficShifted = "traffic_shifted",
        /// A release was taken back.
        RolledBack = "rolled_back",
        /// Something is tried again.
        Retried = "retried",
        /// A circuit breaker changed its state.
        BreakerChanged = "breaker_changed",
        /// How much waits in a queue.
        QueueSampled = "queue_sampled",
        /// How much of a limit is in use.
        SaturationSampled = "saturation_sampled",
        /// A cache was looked into.
        CacheLookedUp = "cache_looked_up",
        /// A setting was changed.
        SettingChanged = "setting_changed",
        /// An event was given up.
        DeadLettered = "dead_lettered",
        /// A language model was asked.
        ModelCalled = "model_called",
        /// The health of the loop.
        PerformanceMetric = "performance_metric",
        /// A target was missed.
        PerformanceWarning = "performance_warning",
        /// Too much fails.
        PerformanceAlert = "performance_alert",
    }
}

impl EventKind {
    /// What the histogram of this kind holds.
    pub const fn unit(self) -> Unit {
        match self {
            Self::QueueSampled => Unit::Items,
            Self::SaturationSampled => Unit::Permille,
            _ => Unit::Nanoseconds,
        }
    }
}

/// The unit of the values of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// A time.
    Nanoseconds,
    /// A number of things.
    Items,
    /// A share, in thousandths.
    Permille,
}

named! {
    /// How the loop does.
    pub enum Health {
        /// All targets are met.
        Healthy = "healthy",
        /// Some target is missed.
        Degraded = "degraded",
        /// Too much fails, or nothing goes on.
        Unhealthy = "unhealthy",
    }
}

named! {
    /// What a loop is held to.
    pub enum Target {
        /// How much succeeds; a share.
        SuccessRate = "success_rate",
        /// How long a regeneration takes; milliseconds.
        ResponseTime = "response_time",
        /// Regenerations in a second.
        Throughput = "throughput",
        /// How much waits; items.
        QueueDepth = "queue_depth",
        /// How much of the processors is in use; a share.
        Cpu = "cpu",
        /// How much of the memory is in use; a share.
        Memory = "memory",
        /// How much fails; a share.
        ErrorRate = "error_rate",
        /// How much of a limit is in use; a share.
        Saturation = "saturation",
    }
}

named! {
    /// The state of a circuit breaker.
    pub enum BreakerState {
        /// Calls go through.
        Closed = "closed",
        /// Calls are refused.
        Open = "open",
        /// A few calls are let through to try.
        HalfOpen = "half_open",
    }
}
