use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::http::Address;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadTarget {
    /// A program: each question is one run, and a good answer is the exit code 0.
    Command {
        /// Where it is.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// An address, `http://host:port/path`: a good answer has a status of 200 to 299.
    Url(String),
}

/// A program that answers the questions, started before and ended after them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerSettings {
    /// Where it is.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables that it gets.
    pub environment: BTreeMap<String, String>,
    /// How long it may take until the first good answer: 30 s.
    pub ready_within: Duration,
    /// How long it may run in all: 10 minutes.
    pub at_most: Duration,
    /// How much memory it may hold, in bytes: 4 GiB.
    pub memory: u64,
}

impl ServerSettings {
    /// A program with these arguments.
    pub fn new<A: Into<String>>(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: BTreeMap::new(),
            ready_within: Duration::from_secs(30),
            at_most: Duration::from_mins(10),
            memory: 4 << 30,
        }
    }

    /// How long it may take until the first good answer.
    #[must_use]
    pub fn ready_within(mut self, time: Duration) -> Self {
        self.ready_within = time;
        self
    }

    /// A variable that it gets.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }
}

/// What a [`PerformanceGate`](crate::PerformanceGate) asks, and what it bears.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PerformanceSettings {
    /// The gate's name: `performance`.
    pub name: String,
    /// What is asked.
    pub target: LoadTarget,
    /// What answers, if it has to be started.
    pub server: Option<ServerSettings>,
    /// How many ask at the same time: 4.
    pub concurrency: u32,
    /// How many questions are asked at most: 200.
    pub questions: u32,
    /// How long is asked at most: 30 s. Whatever ends first ends it.
    pub at_most: Duration,
    /// How many questions are asked before those that count: 10.
    pub warm_up: u32,
    /// How long one question may take: 10 s. Later answers are none.
    pub patience: Duration,
    /// Which percentile is judged: 95.
    pub percentile: f64,
    /// With which confidence: 0.95.
    pub confidence: f64,
    /// How long that percentile may be; without it the policy's threshold counts.
    pub max_response_time: Option<Duration>,
    /// How many good answers a second there must be.
    pub min_throughput: Option<f64>,
    /// Which share of questions may have no good answer, from 0 to 1: 0.
    pub max_failed_share: f64,
}

/// A setting that nobody can have meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is {value}; allowed is {allowed}")]
#[non_exhaustive]
pub struct PerformanceError {
    /// The field.
    pub field: &'static str,
    /// What was given.
    pub value: String,
    /// What may be given.
    pub allowed: &'static str,
}

impl PerformanceSettings {
    /// The defaults, for this target.
    pub fn new(target: LoadTarget) -> Self {
        Self {
            name: "performance".to_owned(),
            target,
            server: None,
            concurrency: 4,
            questions: 200,
            at_most: Duration::from_secs(30),
            warm_up: 10,
            patience: Duration::from_secs(10),
            percentile: 95.0,
            confidence: 0.95,
            max_response_time: None,
            min_throughput: None,
            max_failed_share: 0.0,
        }
    }

    /// Calls an address.
    pub fn of_url(url: impl Into<String>) -> Self {
        Self::new(LoadTarget::Url(url.into()))
    }

    /// Runs a command.
    pub fn of_command<A: Into<String>>(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self::new(LoadTarget::Command { program: program.into(), arguments })
    }

    /// Starts this program before, and ends it afterwards.
    #[must_use]
    pub fn with_server(mut self, server: ServerSettings) -> Self {
        self.server = Some(server);
        self
    }

    /// So many askers, and so many questions of all of them together.
    #[must_use]
    pub fn with_load(mut self, concurrency: u32, questions: u32) -> Self {
        self.concurrency = concurrency;
        self.questions = questions;
        self
    }

    /// How long is asked at most.
    #[must_use]
    pub fn at_most(mut self, time: Duration) -> Self {
        self.at_most = time;
        self
    }

    /// How long one question may take.
    #[must_use]
    pub fn with_patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }

    /// How many questions come before those that count.
    #[must_use]
    pub fn with_warm_up(mut self, questions: u32) -> Self {
        self.warm_up = questions;
        self
    }

    /// Which percentile is judged, and with which confidence from 0 to 1.
    #[must_use]
    pub fn judging(mut self, percentile: f64, confidence: f64) -> Self {
        self.percentile = percentile;
        self.confidence = confidence;
        self
    }

    /// How long the percentile may be.
    #[must_use]
    pub fn with_max_response_time(mut self, time: Duration) -> Self {
        self.max_response_time = Some(time);
        self
    }

    /// How many good answers a second there must be.
    #[must_use]
    pub fn with_min_throughput(mut self, rate: f64) -> Self {
        self.min_throughput = Some(rate);
        self
    }

    /// Which share of questions may have no good answer.
    #[must_use]
    pub fn with_max_failed_share(mut self, share: f64) -> Self {
        self.max_failed_share = share;
        self
    }

    /// Refuses what nobody can have meant.
    pub fn validate(&self) -> Result<(), PerformanceError> {
        let require = |good: bool, field, value: String, allowed| {
            if good { Ok(()) } else { Err(PerformanceError { field, value, allowed }) }
        };
        let shown = |time: Duration| format!("{time:?}");
        let within =
            |time: Duration| (Duration::from_millis(1)..=Duration::from_hours(1)).contains(&time);
        require(
            (1..=256).contains(&self.concurrency),
            "concurrency",
            self.concurrency.to_string(),
            "1 to 256",
        )?;
        require(
            (1..=1_000_000).contains(&self.questions),
            "questions",
            self.questions.to_string(),
            "1 to 1000000",
        )?;
        require(self.warm_up <= 100_000, "warm_up", self.warm_up.to_string(), "0 to 100000")?;
        require(within(self.at_most), "at_most", shown(self.at_most), "1ms to 1h")?;
        require(within(self.patience), "patience", shown(self.patience), "1ms to 1h")?;
        require(
            (1.0..=99.99).contains(&self.percentile),
            "percentile",
            self.percentile.to_string(),
            "1 to 99.99",
        )?;
        require(
            (0.5..=0.9999).contains(&self.confidence),
            "confidence",
            self.confidence.to_string(),
            "0.5 to 0.9999",
        )?;
        require(
            (0.0..1.0).contains(&self.max_failed_share),
            "max_failed_share",
            self.max_failed_share.to_string(),
            "0 to below 1",
        )?;
        let rate = self.min_throughput.unwrap_or(1.0);
        require(rate > 0.0 && rate.is_finite(), "min_throughput", rate.to_string(), "above 0")?;
        if let LoadTarget::Url(url) = &self.target {
            let allowed = "http://host:port/path, without a user and without TLS";
            require(Address::parse(url).is_some(), "url", url.clone(), allowed)?;
        }
        Ok(())
    }

    /// What is judged, in words.
    pub(super) fn statistic(&self) -> String {
        let confidence = self.confidence * 100.0;
        format!("upper bound of p{} with {confidence} % confidence", self.percentile)
    }
}
