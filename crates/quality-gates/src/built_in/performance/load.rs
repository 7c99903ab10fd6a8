use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::as_number;
use super::http::Address;
use super::settings::{LoadTarget, PerformanceSettings};
use crate::process::{self, Home, Request, clean_environment, last_words};
use crate::{Fault, Limits};

/// What one question came to: how long the good answer took, or why there was none.
pub(super) type Answer = Result<Duration, String>;

/// All answers of a load.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) answers: Vec<Answer>,
    pub(super) took: Duration,
    pub(super) files: u64,
}

impl Measured {
    pub(super) fn good(&self) -> usize {
        self.answers.iter().filter(|answer| answer.is_ok()).count()
    }

    pub(super) fn first_failure(&self) -> Option<String> {
        self.answers.iter().find_map(|answer| answer.as_ref().err().cloned())
    }

    /// All times, sorted; what failed took for ever and comes last.
    pub(super) fn sorted_times(&self) -> Vec<Option<Duration>> {
        let mut good: Vec<Duration> =
            self.answers.iter().filter_map(|answer| answer.as_ref().ok().copied()).collect();
        good.sort_unstable();
        let failed = self.answers.len() - good.len();
        good.into_iter().map(Some).chain(std::iter::repeat_n(None, failed)).collect()
    }

    pub(super) fn throughput(&self) -> f64 {
        as_number(self.good()) / self.took.as_secs_f64().max(1e-9)
    }
}

/// Asks. Cloning is cheap.
#[derive(Clone, Debug)]
pub(super) struct Load {
    settings: Arc<PerformanceSettings>,
    folder: Arc<PathBuf>,
}

impl Load {
    pub(super) fn new(settings: Arc<PerformanceSettings>, folder: PathBuf) -> Self {
        Self { settings, folder: Arc::new(folder) }
    }

    /// Asks until there is a first good answer.
    pub(super) async fn until_ready(&self, patience: Duration) -> Result<(), Fault> {
        const PAUSE: Duration = Duration::from_millis(20);
        let started = Instant::now();
        loop {
            let Err(last) = self.ask().await? else { return Ok(()) };
            if started.elapsed() >= patience {
                let why = format!("the server was not ready within {patience:?}: {last}");
                return Err(Fault::infra(why, "Check what the server says when started by hand."));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Asks all questions. The askers end with this future.
    pub(super) async fn run(&self) -> Result<Measured, Fault> {
        self.ask_many(self.settings.warm_up).await?;
        let started = Instant::now();
        let answers = self.ask_many(self.settings.questions).await?;
        Ok(Measured { answers, took: started.elapsed(), files: 0 })
    }

    async fn ask_many(&self, questions: u32) -> Result<Vec<Answer>, Fault> {
        let left = Arc::new(AtomicU32::new(questions));
        let until = Instant::now() + self.settings.at_most;
        let mut askers = JoinSet::new();
        for _ in 0..self.settings.concurrency.min(questions) {
            let (load, left) = (self.clone(), left.clone());
            askers.spawn(async move { load.ask_on(&left, until).await });
        }
        let mut answers = Vec::new();
        while let Some(joined) = askers.join_next().await {
            let joined = joined.map_err(|error| {
                Fault::infra(format!("an asker broke down: {error}"), "Report this.")
            })?;
            answers.extend(joined?);
        }
        Ok(answers)
    }

    async fn ask_on(&self, left: &AtomicU32, until: Instant) -> Result<Vec<Answer>, Fault> {
        let mut answers = Vec::new();
        let take = |count: u32| count.checked_sub(1);
        while Instant::now() < until
            && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
        {
            answers.push(self.ask().await?);
        }
        Ok(answers)
    }

    /// Asks once. A program that is not there is a fault of the gate, and no slow answer.
    async fn ask(&self) -> Result<Answer, Fault> {
        let started = Instant::now();
        match &self.settings.target {
            LoadTarget::Url(url) => {
                let Some(address) = Address::parse(url) else {
                    return Err(Fault::infra(format!("{url:?} is no address"), "Correct it."));
                };
                let answer = address.ask(self.settings.patience).await;
                Ok(answer.map(|()| started.elapsed()))
            }
            LoadTarget::Command { program, arguments } => {
                let finished = process::run(Request {
                    program: program.clone(),
                    arguments: arguments.iter().map(OsString::from).collect(),
                    folder: self.folder.to_path_buf(),
                    private: true,
                    environment: clean_environment(&[], Home::User),
                    input: None,
                    limits: Limits::default().with_time(self.settings.patience),
                })
                .await;
                match finished {
                    Ok(finished) if finished.code == 0 => Ok(Ok(finished.duration)),
                    Ok(finished) => {
                        let said = last_words(&finished.stdout, &finished.stderr);
                        Ok(Err(format!("code {}: {said}", finished.code)))
                    }
                    Err(
                        fault @ (Fault::Timeout { .. } | Fault::Crash { .. } | Fault::Flood { .. }),
                    ) => Ok(Err(fault.to_string())),
                    Err(fault) => Err(fault),
                }
            }
        }
    }
}
