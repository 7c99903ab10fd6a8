//! Counting what both slots answer, window by window, and comparing it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::try_join;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::automation::Site;
use super::parts::Target;
use crate::{
    Action, CompareSetting, Compared, Comparison, Plan, RouterError, Slot, Split, TrafficCounts,
    TrafficRouter, TrafficWindow, Verdict,
};

/// How long the router may take to tell its counts.
const LOOKING: Duration = Duration::from_secs(2);

/// How many windows from before the shift are kept.
const KEPT: usize = 200;

/// Counts the requests of both slots during one deployment.
///
/// Before the first shift the old slot's windows show how much its errors vary. While it
/// shares the traffic with the new slot, each window is a pair. When it has no traffic any
/// more, each new window is paired with one from before, and each of those only once: the same
/// old window in two pairs would count its luck twice.
pub(super) struct Meter {
    router: Arc<dyn TrafficRouter>,
    old: Slot,
    setting: CompareSetting,
    window: Duration,
    seen: Mutex<Seen>,
}

struct Seen {
    comparison: Comparison,
    /// What the old slot and the new one had answered when the window began.
    mark: Option<(TrafficCounts, TrafficCounts)>,
    began: Instant,
    before: VecDeque<TrafficCounts>,
    lost: u64,
    /// Why the latest window could not be counted.
    fault: Option<String>,
}

/// Who has the traffic in a window.
#[derive(Clone, Copy)]
enum Share {
    Old,
    Both,
    New,
}

impl Meter {
    /// A meter for a plan that compares; none for another.
    pub(super) fn of(site: &Site, plan: &Plan) -> Option<Arc<Self>> {
        let Target::Slots { router, .. } = &site.parts.target else { return None };
        let old = plan.live.as_ref()?.slot;
        let compares = |action: &Action| matches!(action, Action::Watch { compares: true, .. });
        plan.steps.iter().find(|step| compares(&step.action))?;
        let setting = site.settings.comparison.clone();
        // Settings were validated when they were read.
        let comparison = Comparison::new(setting.test).ok()?;
        let window = setting.window(site.settings.dwell_ms);
        let (began, before) = (Instant::now(), VecDeque::new());
        let seen = Seen { comparison, mark: None, began, before, lost: 0, fault: None };
        let seen = Mutex::new(seen);
        Some(Arc::new(Self { router: Arc::clone(router), old, setting, window, seen }))
    }

    /// Learns from the old slot for as long as it is polled. A window goes on where an
    /// earlier call was dropped.
    pub(super) async fn calibrate(&self) -> Infallible {
        loop {
            if let Some(began) = self.began() {
                sleep_until(began + self.window).await;
                self.close(Share::Old).await;
            } else {
                self.begin().await;
                sleep(self.window).await;
            }
        }
    }

    fn began(&self) -> Option<Instant> {
        let seen = self.seen();
        seen.mark.as_ref().map(|_| seen.began)
    }

    /// Begins a window, as after a shift: what came before it is not counted.
    pub(super) async fn begin(&self) {
        let mark = self.count().await;
        let mut seen = self.seen();
        seen.fault = mark.as_ref().err().cloned();
        (seen.mark, seen.began) = (mark.ok(), Instant::now());
    }

    /// Compares for `dwell`, or until the new slot is sure to be worse; where enough requests
    /// are required, until there were, at most until `deadline`.
    pub(super) async fn watch(
        &self,
        split: Split,
        dwell: Duration,
        deadline: Duration,
    ) -> Result<(), String> {
        let share = if split.sole().is_some() { Share::New } else { Share::Both };
        let start = Instant::now();
        let (enough, end) = (start + dwell, start + deadline);
        let mut next = start;
        loop {
            let bound = if next < enough { enough } else { end };
            next = (next + self.window).min(bound);
            sleep_until(next).await;
            self.close(share).await;
            let verdict = self.compared().verdict;
            match verdict {
                Verdict::Fail { why } | Verdict::Impossible { why } => return Err(why),
                _ if next < enough => {}
                Verdict::Pass => return Ok(()),
                Verdict::NoData { .. } if !self.setting.required => return Ok(()),
                Verdict::NoData { why } if next >= end => return Err(why),
                Verdict::NoData { .. } => {}
            }
        }
    }

    /// What was compared so far.
    pub(super) fn compared(&self) -> Compared {
        let seen = self.seen();
        let (old, new) = seen.comparison.counted();
        let windows = seen.comparison.standing().windows;
        let mut compared = Compared::new(seen.comparison.verdict());
        if let (Verdict::NoData { .. }, Some(fault)) = (&compared.verdict, &seen.fault) {
            compared.verdict = Verdict::no_data(fault);
        }
        (compared.windows, compared.lost) = (windows, seen.lost);
        (compared.old, compared.new) = (old.clone(), new.clone());
        compared
    }

    /// Ends a window, takes it in, and begins the next one.
    async fn close(&self, share: Share) {
        let counted = self.count().await;
        let mut seen = self.seen();
        match counted {
            Ok(counts) => seen.take(share, counts),
            Err(fault) => {
                tracing::warn!(fault, "a window was not counted");
                seen.lost += 1;
                (seen.fault, seen.mark) = (Some(fault), None);
            }
        }
    }

    async fn count(&self) -> Result<(TrafficCounts, TrafficCounts), String> {
        let both = try_join(self.router.counts(self.old), self.router.counts(self.old.other()));
        match timeout(LOOKING, both).await {
            Ok(Ok(counts)) => Ok(counts),
            Ok(Err(error)) => Err(in_words(&error)),
            Err(_) => Err("the router does not tell what it counts".to_owned()),
        }
    }

    /// A panic in between leaves a comparison as it was: each change is the last that is done.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn take(&mut self, share: Share, now: (TrafficCounts, TrafficCounts)) {
        let since = |mark: &(TrafficCounts, TrafficCounts)| {
            Some((now.0.since(&mark.0)?, now.1.since(&mark.1)?))
        };
        let window = self.mark.as_ref().and_then(since);
        if window.is_none() && self.mark.is_some() {
            self.lost += 1;
            self.fault = Some("the router began to count anew".to_owned());
        } else {
            self.fault = None;
        }
        if let Some((old, new)) = window {
            self.observe(share, old, new);
        }
        (self.mark, self.began) = (Some(now), Instant::now());
    }

    fn observe(&mut self, share: Share, old: TrafficCounts, new: TrafficCounts) {
        match share {
            Share::Old => {
                self.comparison.calibrate(&old);
                if self.before.len() == KEPT {
                    self.before.pop_front();
                }
                self.before.extend((old.requests > 0).then_some(old));
            }
            Share::Both => self.comparison.observe(&TrafficWindow::new(old, new)),
            Share::New if new.requests == 0 => {}
            Share::New => {
                // Latency changes with the load, and so from one time to another: only windows
                // of the same time are compared by it.
                let errors =
                    |counts: &TrafficCounts| TrafficCounts::new(counts.requests, counts.errors);
                if let Some(old) = self.before.pop_back() {
                    self.comparison.observe(&TrafficWindow::new(errors(&old), errors(&new)));
                }
            }
        }
    }
}

fn in_words(error: &RouterError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
