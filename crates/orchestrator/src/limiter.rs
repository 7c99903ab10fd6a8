use std::time::Duration;

use serde::{Deserialize, Serialize};

mod window;

#[cfg(test)]
mod tests;

use self::window::{Measured, Window};

/// How many tasks run at once, following what was measured: a hill-climber that looks for the
/// limit with the most *power*, X¹⁰ / L (X the throughput, L the limit).
///
/// The tenth power makes throughput worth much more than a low limit, and still ends the climb
/// where more tasks bring next to nothing. Latency is not looked at on purpose: limiters with a
/// latency baseline drift upward while a queue is full, as the baseline learns the queue.
///
/// It measures in windows of at least 300 ms and 48 completions, and only while the load fills
/// the limit; else it learns nothing about the limit and leaves it alone. From where it stands
/// (*home*) it tries a step up or down, stays if that was better and goes on with longer steps,
/// or comes back and waits longer before it tries that way again. A try that is clearly worse is
/// given up before its window is full. A throughput that leaps by itself ends the waiting; then,
/// and at the beginning, the first tries double or halve the limit. Where at least one in twenty tasks runs into its timeout,
/// the limit is cut to 7/10.
///
/// A value without a clock: every method takes the time since some origin.
#[derive(Clone, Debug)]
pub struct AdaptiveLimiter {
    most: usize,
    limit: usize,
    window: Window,
    home: Home,
    stage: Stage,
    up: Patience,
    down: Patience,
    streak: u32,
    next_failure_cut: Duration,
    over_target: bool,
    /// Whether so little is known that tries double or halve the limit.
    is_bold: bool,
}

/// The limit that is known best, and what it gave.
#[derive(Clone, Copy, Debug)]
struct Home {
    limit: usize,
    /// Completions in a second; none before the first window.
    throughput: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    AtHome,
    Trying { way: Way, step: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// How many windows to stay at home before a step is tried again.
#[derive(Clone, Copy, Debug)]
struct Patience {
    left: u32,
    next: u32,
    most: u32,
}

impl Patience {
    const fn new(left: u32, most: u32) -> Self {
        Self { left, next: 2, most }
    }

    fn tick(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// A try was for nothing: wait twice as long as the last time.
    fn lose(&mut self) {
        self.left = self.next;
        self.next = (self.next * 2).min(self.most);
    }

    fn hurry(&mut self) {
        self.left = 0;
        self.next = 2;
    }
}

/// Another number of tasks may run at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LimitChange {
    /// The limit before.
    pub from: usize,
    /// The limit from now on.
    pub to: usize,
    /// Why.
    pub reason: LimitReason,
    /// Completions in a second that were measured under the old limit, where they played a part.
    pub throughput: Option<f64>,
}

/// Why a limit was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LimitReason {
    /// To see whether another limit is better.
    Trying,
    /// The last step was better, so one more the same way.
    Better,
    /// More tasks brought nothing: they stand in each other's way.
    Contention,
    /// Fewer tasks brought less throughput.
    ThroughputLost,
    /// Cycles took longer than their target while work waited.
    CycleOverTarget,
    /// At least one task in twenty was not done in its time.
    Timeouts,
    /// Fewer than nine in ten tasks succeeded.
    SuccessLow,
}

/// How a task ended, for a limiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// It succeeded.
    Success,
    /// It failed in a way that can come from overload.
    Failure,
    /// It was not done in its time.
    Timeout,
    /// It says nothing of the load: its input was refused, say.
    Neutral,
}

/// A step that is better by less than this is none: measured values scatter.
const MARGIN: f64 = 1.1;
/// A try below this share of the throughput at home is given up early.
const HOPELESS: f64 = 0.85;
/// A throughput at home outside of these bounds, compared to before, is another load.
const LEAP: (f64, f64) = (0.7, 1.4);
const FAILURE_CUT_PAUSE: Duration = Duration::from_secs(5);

impl AdaptiveLimiter {
    /// Starts at `initial`, and never exceeds `most`; both are at least 1.
    pub fn new(initial: usize, most: usize) -> Self {
        let most = most.max(1);
        let limit = initial.clamp(1, most);
        Self {
            most,
            limit,
            window: Window::default(),
            home: Home { limit, throughput: None },
            stage: Stage::AtHome,
            up: Patience::new(1, 8),
            down: Patience::new(2, 64),
            streak: 0,
            next_failure_cut: Duration::ZERO,
            over_target: false,
            is_bold: true,
        }
    }

    /// How many tasks may run at once.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Says how many tasks run from now on, and whether more would start if they might.
    pub fn load(&mut self, running: usize, more_wait: bool, now: Duration) {
        self.window.load(running >= self.limit && more_wait, now);
    }

    /// A cycle took longer than its target. If work waits, another limit is tried soon.
    pub fn cycle_over_target(&mut self) {
        self.over_target = true;
    }

    /// A task is over. Gives the change that follows, if there is one.
    pub fn complete(&mut self, completion: Completion, now: Duration) -> Option<LimitChange> {
        let tries = matches!(self.stage, Stage::Trying { .. });
        let least = self.home.throughput.filter(|_| tries).map(|known| known * HOPELESS);
        let measured = self.window.complete(completion, least, now)?;
        if measured.timeouts > 0 && measured.timeouts * 20 >= measured.all {
            return self.cut(0.7, LimitReason::Timeouts, now);
        }
        let judged = measured.successes + measured.failures;
        let success_low = measured.failures > 0 && measured.successes * 10 < judged * 9;
        if success_low && now >= self.next_failure_cut {
            self.next_failure_cut = now.saturating_add(FAILURE_CUT_PAUSE);
            return self.cut(0.85, LimitReason::SuccessLow, now);
        }
        if !measured.filled {
            // It says nothing about the limit, and a try that was under way neither.
            return None;
        }
        match self.stage {
            Stage::AtHome => self.at_home(measured, now),
            Stage::Trying { way, step } => self.judge(way, step, measured, now),
        }
    }

    fn at_home(&mut self, measured: Measured, now: Duration) -> Option<LimitChange> {
        let throughput = measured.throughput;
        let known = self.home.throughput;
        let leapt =
            known.is_some_and(|known| throughput < known * LEAP.0 || throughput > known * LEAP.1);
        self.home.throughput = Some(match known {
            Some(known) if !leapt => known * 0.7 + throughput * 0.3,
            _ => throughput,
        });
        self.up.tick();
        self.down.tick();
        let mut reason = LimitReason::Trying;
        if leapt {
            self.is_bold = true;
            self.up.hurry();
            self.down.hurry();
        }
        if std::mem::take(&mut self.over_target) && self.limit < self.most {
            self.up.left = 0;
            reason = LimitReason::CycleOverTarget;
        }
        if self.up.left == 0 && self.limit < self.most {
            self.attempt(Way::Up, self.step(Way::Up), reason, Some(throughput), now)
        } else if self.down.left == 0 && self.limit > 1 {
            let (step, reason) = (self.step(Way::Down), LimitReason::Trying);
            self.attempt(Way::Down, step, reason, Some(throughput), now)
        } else {
            None
        }
    }

    fn judge(
        &mut self,
        way: Way,
        step: usize,
        measured: Measured,
        now: Duration,
    ) -> Option<LimitChange> {
        let throughput = measured.throughput;
        let at_home = power(self.home.throughput.unwrap_or(0.0), self.home.limit);
        if power(throughput, self.limit) > at_home * MARGIN {
            self.home = Home { limit: self.limit, throughput: Some(throughput) };
            self.streak = (self.streak + 1).min(4);
            self.up.hurry();
            self.down.hurry();
            let step = self.step(way) << if self.is_bold { 0 } else { self.streak };
            let change = self.attempt(way, step, LimitReason::Better, Some(throughput), now);
            if change.is_none() {
                self.settle();
            }
            return change;
        }
        let was_bold = std::mem::take(&mut self.is_bold);
        if step > 1 && self.streak > 0 && !was_bold {
            // The long step went too far: try a shorter one from the same home.
            self.streak = 0;
            return self.attempt(way, step / 2, LimitReason::Trying, Some(throughput), now);
        }
        let reason = match way {
            Way::Up => LimitReason::Contention,
            Way::Down => LimitReason::ThroughputLost,
        };
        match way {
            // So long a step says little of a short one: home is measured again, and then that.
            Way::Down if was_bold && step > 1 => self.down.left = 1,
            Way::Up => self.up.lose(),
            Way::Down => self.down.lose(),
        }
        self.settle();
        self.change(self.home.limit, reason, Some(throughput), now)
    }

    fn settle(&mut self) {
        self.stage = Stage::AtHome;
        self.streak = 0;
    }

    fn step(&self, way: Way) -> usize {
        let home = self.home.limit;
        let step = match way {
            _ if !self.is_bold => home * 8 / 100,
            Way::Up => home,
            Way::Down => home / 2,
        };
        step.max(1)
    }

    /// Goes a step from home.
    fn attempt(
        &mut self,
        way: Way,
        step: usize,
        reason: LimitReason,
        throughput: Option<f64>,
        now: Duration,
    ) -> Option<LimitChange> {
        let to = match way {
            Way::Up => self.home.limit.saturating_add(step).min(self.most),
            Way::Down => self.home.limit.saturating_sub(step).max(1),
        };
        let change = self.change(to, reason, throughput, now)?;
        self.stage = Stage::Trying { way, step };
        Some(change)
    }

    fn cut(&mut self, by: f64, reason: LimitReason, now: Duration) -> Option<LimitChange> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a limit is at most some thousands"
        )]
        let to = ((self.limit as f64 * by) as usize).max(1);
        self.home = Home { limit: to, throughput: None };
        self.up.lose();
        self.settle();
        self.change(to, reason, None, now)
    }

    fn change(
        &mut self,
        to: usize,
        reason: LimitReason,
        throughput: Option<f64>,
        now: Duration,
    ) -> Option<LimitChange> {
        let from = self.limit;
        if to == from {
            return None;
        }
        self.limit = to;
        // What runs by now was started under the old limit.
        self.window.restart(from, now);
        Some(LimitChange { from, to, reason, throughput })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a limit is at most some thousands")]
fn power(throughput: f64, limit: usize) -> f64 {
    throughput.powi(10) / limit as f64
}
