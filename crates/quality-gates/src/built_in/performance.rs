use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};

use crate::process::{self, Home, Request, clean_environment};
use crate::{
    Cost, Coverage, Crash, Examination, Fault, Finding, Gate, GateInfo, GateKind, Limits, Looker,
    Needs, Outcome,
};

mod http;
mod load;
mod settings;
mod statistics;

pub use self::settings::{LoadTarget, PerformanceError, PerformanceSettings, ServerSettings};
pub use self::statistics::{QuantileBounds, quantile_bounds};

use self::load::{Load, Measured};

/// How quickly something answers under load, and how much of it.
///
/// A number of askers, each with its next question as soon as it has an answer, run a command or
/// call an address until enough questions were asked or enough time went by. A question
/// without a good answer counts as one that took for ever.
///
/// The response time that is judged is not the sample's percentile but the upper end of its
/// confidence interval: with the stated confidence, at least the stated share of all questions is
/// answered in this time, whatever the distribution (the bound is an order statistic, by the
/// binomial distribution). Too few questions for such a statement are an error, and no data is
/// one. The throughput is the number of good answers over the time from the first question to
/// the last answer.
///
/// Askers wait for answers, so a server that stalls is asked less: the figures are those of so
/// many patient users, not of a stream of requests that nobody holds back.
#[derive(Debug)]
pub struct PerformanceGate {
    info: GateInfo,
    settings: Arc<PerformanceSettings>,
}

impl PerformanceGate {
    /// A gate with these settings.
    ///
    /// # Errors
    /// A setting that nobody can have meant; it is named, with what is allowed.
    pub fn new(settings: PerformanceSettings) -> Result<Self, PerformanceError> {
        settings.validate()?;
        let info = GateInfo::new(settings.name.clone(), GateKind::Performance)
            .needing(Needs::Tree)
            .with_cost(Cost::Expensive)
            .with_settings(&format!("{settings:?}"))
            .uncached();
        Ok(Self { info, settings: Arc::new(settings) })
    }

    async fn measure(&self, examination: &Examination) -> Result<Measured, Fault> {
        let folder = examination.workspace().folder().await?.to_path_buf();
        let load = Load::new(self.settings.clone(), folder.clone());
        let Some(server) = &self.settings.server else { return load.run().await };
        let running = process::run(server_request(server, folder));
        let asking = async {
            load.until_ready(server.ready_within).await?;
            load.run().await
        };
        // When the questions are done, dropping the other future ends the server.
        tokio::select! {
            ended = running => Err(server_ended(ended)),
            measured = asking => measured,
        }
    }
}

fn server_request(server: &ServerSettings, folder: PathBuf) -> Request {
    let mut environment = clean_environment(&[], Home::User);
    let own = server.environment.iter();
    environment.extend(own.map(|(name, value)| (name.into(), value.into())));
    Request {
        program: server.program.clone(),
        arguments: server.arguments.iter().map(Into::into).collect(),
        folder,
        private: true,
        environment,
        input: None,
        limits: Limits::default().with_time(server.at_most).with_memory(server.memory),
    }
}

fn server_ended(ended: Result<process::Finished, Fault>) -> Fault {
    match ended {
        Ok(finished) => Fault::Crash {
            how: Crash::Exit { code: finished.code },
            said: process::last_words(&finished.stdout, &finished.stderr),
        },
        Err(fault) => fault,
    }
}

/// Judges what was measured. Pure.
fn judge(settings: &PerformanceSettings, measured: &Measured) -> Outcome {
    let asked = measured.answers.len();
    let good = measured.good();
    if good == 0 {
        let why = match measured.first_failure() {
            Some(why) => format!("none of {asked} questions was answered: {why}"),
            None => "no question was asked".to_owned(),
        };
        return Outcome::Error(Fault::infra(why, "Check that the target is there and answers."));
    }
    let times = measured.sorted_times();
    let share = settings.percentile / 100.0;
    let Some(bounds) = quantile_bounds(&times, share, settings.confidence) else {
        let wanted = statistics::least_samples(share, settings.confidence);
        return Outcome::Error(Fault::Partial {
            what: format!("questions that the {} needs", settings.statistic()),
            looked: asked as u64,
            asked: wanted,
        });
    };
    let rate = measured.throughput();
    let looker = Looker::new("load", env!("CARGO_PKG_VERSION")).blind_to(settings.statistic());
    let mut coverage = Coverage::of_files(measured.files)
        .by(looker)
        .measured(PerformanceGate::QUESTIONS, as_number(asked))
        .measured(Coverage::THROUGHPUT, rate);
    if let Some(upper) = bounds.upper {
        coverage = coverage.measured(Coverage::RESPONSE_TIME, milliseconds(upper));
    }
    Outcome::of(findings(settings, measured, &bounds, rate), coverage)
}

fn findings(
    settings: &PerformanceSettings,
    measured: &Measured,
    bounds: &QuantileBounds,
    rate: f64,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let asked = measured.answers.len();
    let failed = asked - measured.good();
    if as_number(failed) > settings.max_failed_share * as_number(asked) {
        let why = measured.first_failure().unwrap_or_default();
        let message = format!("{failed} of {asked} questions had no good answer: {why}");
        findings.push(Finding::error("failed-questions", message));
    }
    let shown = |time: Option<Duration>| {
        time.map_or("for ever".to_owned(), |time| format!("{:.1} ms", milliseconds(time)))
    };
    let limit = settings.max_response_time;
    // Without a limit of its own, the policy's counts; what took for ever is beyond any.
    if bounds.upper.is_none_or(|upper| limit.is_some_and(|limit| upper > limit)) {
        let (statistic, upper) = (settings.statistic(), shown(bounds.upper));
        let sample = shown(bounds.sample);
        let limit = limit.map_or("what can be borne".to_owned(), |limit| shown(Some(limit)));
        let is_certain = bounds
            .lower
            .is_none_or(|lower| settings.max_response_time.is_some_and(|limit| lower > limit));
        let hint = if is_certain { "" } else { "; more questions may show that it is not" };
        let message =
            format!("{statistic} is {upper}, more than {limit} (in the sample: {sample}){hint}");
        findings.push(Finding::error("response-time", message));
    }
    if let Some(wanted) = settings.min_throughput.filter(|wanted| rate < *wanted) {
        let message = format!("{rate:.1} answers in a second, less than {wanted:.1}");
        findings.push(Finding::error("throughput", message));
    }
    findings
}

impl PerformanceGate {
    /// The measure for how many questions were asked.
    pub const QUESTIONS: &'static str = "questions";
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn as_number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// What a gate says whose work on another thread panicked or was cancelled.
pub(super) fn broke_down(error: &tokio::task::JoinError) -> Outcome {
    let said = if error.is_panic() { String::new() } else { error.to_string() };
    Outcome::Error(Fault::Crash { how: Crash::Panic, said })
}

impl Gate for PerformanceGate {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn examine(&self, examination: Examination) -> BoxFuture<'_, Outcome> {
        async move {
            match self.measure(&examination).await {
                Ok(mut measured) => {
                    measured.files = examination.files().len() as u64;
                    judge(&self.settings, &measured)
                }
                Err(fault) => Outcome::Error(fault),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
