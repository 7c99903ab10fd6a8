use std::time::Duration;

use super::Completion;

const LEAST_TIME: Duration = Duration::from_millis(300);
const LEAST_COMPLETIONS: u32 = 48;
/// What is clearly too little shows sooner.
const SHORT_TIME: Duration = Duration::from_millis(250);
const FEW_COMPLETIONS: u32 = 8;

/// What was seen since the last decision.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    began: Duration,
    /// Completions that are passed over, because their tasks began under another limit.
    skip: usize,
    successes: u32,
    failures: u32,
    timeouts: u32,
    neutral: u32,
    /// How long the load filled the limit.
    filled: Duration,
    is_filled: bool,
    last: Duration,
}

/// What a window says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    /// Tasks that were done in a second.
    pub(super) throughput: f64,
    /// Whether the load filled the limit for at least nine tenths of the time.
    pub(super) filled: bool,
    pub(super) successes: u32,
    pub(super) failures: u32,
    pub(super) timeouts: u32,
    pub(super) all: u32,
}

impl Window {
    pub(super) fn load(&mut self, filled: bool, now: Duration) {
        self.pass(now);
        self.is_filled = filled;
    }

    pub(super) fn restart(&mut self, skip: usize, now: Duration) {
        *self = Self { began: now, last: now, is_filled: self.is_filled, skip, ..Self::default() };
    }

    /// Counts a task; the measurement, if there is enough for one now, or for seeing that it is
    /// less than `least`.
    pub(super) fn complete(
        &mut self,
        completion: Completion,
        least: Option<f64>,
        now: Duration,
    ) -> Option<Measured> {
        self.pass(now);
        if self.skip > 0 && completion != Completion::Timeout {
            self.skip -= 1;
            if self.skip == 0 {
                self.restart(0, now);
            }
            return None;
        }
        match completion {
            Completion::Success => self.successes += 1,
            Completion::Failure => self.failures += 1,
            Completion::Timeout => self.timeouts += 1,
            Completion::Neutral => self.neutral += 1,
        }
        let done = self.successes + self.failures + self.neutral;
        let all = done + self.timeouts;
        let elapsed = now.saturating_sub(self.began);
        let overdue = self.timeouts > 0 && self.timeouts * 20 >= LEAST_COMPLETIONS;
        let enough = elapsed >= LEAST_TIME && (all >= LEAST_COMPLETIONS || overdue);
        let too_little = least.is_some_and(|least| {
            let shows = elapsed >= SHORT_TIME && all >= FEW_COMPLETIONS;
            shows && f64::from(done) < least * elapsed.as_secs_f64()
        });
        (enough || too_little).then(|| {
            let measured = Measured {
                throughput: f64::from(done) / elapsed.as_secs_f64(),
                filled: self.filled.as_secs_f64() >= elapsed.as_secs_f64() * 0.9,
                successes: self.successes,
                failures: self.failures,
                timeouts: self.timeouts,
                all,
            };
            self.restart(0, now);
            measured
        })
    }

    fn pass(&mut self, now: Duration) {
        if self.is_filled {
            self.filled += now.saturating_sub(self.last);
        }
        self.last = self.last.max(now);
    }
}
