use serde::{Deserialize, Serialize};

use super::bets::Bets;
use super::dispersion::{Pair, Prior, fitted_ratio};
use super::latency::{slower, threshold};
use crate::commands::setting;
use crate::{LATENCY_BOUNDS, SettingError, TrafficCounts, Verdict};

/// How sure a [`Comparison`] has to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ComparisonSettings {
    /// The probability that a release which is as good is ever called worse, 0.0001 to 0.1.
    pub false_alarms: f64,
    /// The part of it that is spent on latency, 0 (not compared) to 0.9.
    pub latency_part: f64,
    /// How many windows it takes at least, 1 to 20; four if errors are not known to come alone.
    pub least_windows: u32,
    /// How many requests the new slot must have got before anything is said, from 1.
    pub least_requests: u64,
}

impl Default for ComparisonSettings {
    /// 1 % of false alarms, a tenth of them for latency; at least two windows and 200 requests.
    fn default() -> Self {
        Self { false_alarms: 0.01, latency_part: 0.1, least_windows: 2, least_requests: 200 }
    }
}

impl ComparisonSettings {
    /// Says how many requests the new slot must have got before anything is said.
    #[must_use]
    pub fn with_least_requests(mut self, requests: u64) -> Self {
        self.least_requests = requests;
        self
    }

    /// Says how likely a release that is as good may ever be called worse.
    #[must_use]
    pub fn with_false_alarms(mut self, probability: f64) -> Self {
        self.false_alarms = probability;
        self
    }

    /// Refuses what nobody can have meant.
    ///
    /// # Errors
    /// Names the field, its value and what is allowed.
    pub fn validate(&self) -> Result<(), SettingError> {
        let good = (0.0001..=0.1).contains(&self.false_alarms);
        setting("false_alarms", self.false_alarms, good, "allowed is 0.0001 to 0.1")?;
        let good = (0.0..=0.9).contains(&self.latency_part);
        setting("latency_part", self.latency_part, good, "allowed is 0 to 0.9")?;
        let good = (1..=20).contains(&self.least_windows);
        setting("least_windows", self.least_windows, good, "allowed is 1 to 20")?;
        setting("least_requests", self.least_requests, self.least_requests > 0, "at least 1")
    }

    /// The logarithm of what one window may multiply the capital by: after one window less
    /// than the least, `threshold` is not reached.
    fn most(&self, threshold: f64, calm: bool) -> f64 {
        let least = f64::from(self.least_windows);
        let least = if calm { least } else { least.max(4.0) };
        threshold / (least - 0.5)
    }
}

/// What both slots answered in the same stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrafficWindow {
    /// The slot that was live.
    pub old: TrafficCounts,
    /// The slot with the new release.
    pub new: TrafficCounts,
}

impl TrafficWindow {
    /// What both slots answered: the differences of what a router counted.
    pub fn new(old: TrafficCounts, new: TrafficCounts) -> Self {
        Self { old, new }
    }
}

/// In what the new slot is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// More of its requests fail.
    Errors,
    /// More of its requests are slow.
    Latency,
}

/// How a comparison stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Standing {
    /// How many windows were compared.
    pub windows: u64,
    /// How many requests the new slot had in them.
    pub requests: u64,
    /// How many times as frequent errors are in the new slot; drawn towards 1 by few errors.
    pub error_ratio: f64,
    /// How many times as frequent slow requests are in the new slot.
    pub slow_ratio: f64,
    /// How much of the evidence that is needed is there, by errors: 1 is enough. Below 0, what
    /// is seen speaks for the release.
    pub error_evidence: f64,
    /// The same by latency.
    pub latency_evidence: f64,
    /// How much more errors vary from window to window than independent ones would.
    pub dispersion: f64,
    /// In what the new slot is worse, once that is sure. It stays so.
    pub worse: Option<Finding>,
}

/// Tells whether a new slot is worse than the old one, by a test that may be looked at after
/// every window.
///
/// # The question
///
/// During a shift both slots serve at the same time, the old one mostly with many more
/// requests. In each window, of `n` requests to the new slot `a` went wrong, and of `m` to
/// the old slot `b`. If the new release is as good, then each of the `t = a + b` bad
/// requests went to the new slot with the probability `s = n / (n + m)`, whatever the rate
/// of errors is and however it changes from window to window: what hits both slots cancels
/// out. If errors are `r` times as frequent in the new slot, it is `sr / (1 - s + sr)`.
///
/// # The bet
///
/// For each `r` the likelihood ratio of a window, `r^a / (1 - s + sr)^t`, has at most the
/// mean 1 if the new release is no worse. (For large rates the true law is hypergeometric,
/// of which Hoeffding showed in 1963 that it is below the binomial for convex functions.) A
/// product of such factors is capital won by betting against the release; by Ville's
/// inequality it ever reaches `1/α` with a probability of at most `α`, no matter how often
/// one looks or when one stops. We mix `r` = 1.5, 2.5, 5 and 12, and leave a part of the
/// capital for bets that begin later, so that a leak which shows after an hour is found as
/// well. Grünwald, de Heide and Koolen, *Safe testing* (2019); Turner, Ly and Grünwald,
/// *Generic E-variables for exact sequential k-sample tests* (2021); Lindon and Malek,
/// *Anytime-valid inference for multinomial count data* (2020), where canaries are the example.
///
/// # Errors come in bursts
///
/// Real errors are over-dispersed: retries, one bad client, a slow disk. Then the factors
/// have a mean above 1, and a test that believes in independent errors rolls back good
/// releases. Three things are done about it, each of which can only lower the capital, so
/// that Ville's bound stays exact where errors are independent:
///
/// - The dispersion `φ` is estimated by Pearson's statistic from what both slots show, given
///   the ratio that fits best, and from windows of the old slot before the shift
///   ([`Comparison::calibrate`]). Logarithms of factors are divided by `φ`, at least 1: were
///   errors to come in independent clumps of `φ`, this would be exact.
/// - Who was not calibrated has to assume `φ` = 2.2 at first.
/// - No window multiplies the capital by more than a bound, so that none decides alone: it takes
///   two where errors were seen to come alone, and four otherwise.
///
/// # How fast it can be
///
/// Wald's bound for tests with these two error rates: if 0.1 % become 0.5 % and both slots
/// get 500 requests in a window, 1 % of false alarms costs at least 5.7 windows on average. With
/// the 4,500 requests that the old slot gets at a split of 10 to 90 it is 2.5. So compare while
/// the old slot still has most of the traffic. The figures that are reached stand in the tests.
///
/// # Latency
///
/// A request is *slow* if it took longer than 95 % of the old slot's requests before this
/// window; the threshold is known before the window begins, so that slow requests can be
/// counted and compared like errors. Only thresholds at bounds of the histogram are used.
///
/// # Use
///
/// It is a value: it can be stored between two windows and goes on where it was.
///
/// ```
/// use evergen_deployment::{Comparison, ComparisonSettings, TrafficCounts, TrafficWindow};
///
/// let mut comparison = Comparison::new(ComparisonSettings::default())?;
/// for window in 0..20 {
///     comparison.calibrate(&TrafficCounts::new(4_500, 4 + window % 2));
/// }
/// assert!(!comparison.verdict().passes(), "nothing was compared yet");
/// for _ in 0..3 {
///     comparison.observe(&TrafficWindow::new(TrafficCounts::new(4_500, 4), TrafficCounts::new(500, 25)));
/// }
/// assert_eq!(comparison.verdict().to_string(), "fails: 75 of 1500 requests to the new slot failed, and 12 of 13500 to the old one");
/// # Ok::<(), evergen_deployment::SettingError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    settings: ComparisonSettings,
    /// Errors and requests of the old slot in windows before the shift.
    calibration: Vec<(f64, f64)>,
    errors: Bets,
    slow: Bets,
    /// Which bound of the latencies counts as slow in the next window.
    slow_above: Option<usize>,
    old: TrafficCounts,
    new: TrafficCounts,
    windows: u64,
    worse: Option<Finding>,
}

impl Comparison {
    /// How many windows of calibration are kept.
    const CALIBRATION: usize = 200;

    /// A comparison that has seen nothing.
    ///
    /// # Errors
    /// A setting is out of its range.
    pub fn new(settings: ComparisonSettings) -> Result<Self, SettingError> {
        settings.validate()?;
        Ok(Self {
            settings,
            calibration: Vec::new(),
            errors: Bets::new(Prior::UNKNOWN),
            slow: Bets::new(Prior::UNKNOWN),
            slow_above: None,
            old: TrafficCounts::default(),
            new: TrafficCounts::default(),
            windows: 0,
            worse: None,
        })
    }

    /// Learns from a window before the shift, when the old slot had all the traffic, how
    /// much its errors vary. Ten or twenty windows, each as long as those that will be
    /// compared, make the comparison both faster and safer.
    pub fn calibrate(&mut self, old: &TrafficCounts) {
        if old.requests == 0 {
            return;
        }
        if self.calibration.len() == Self::CALIBRATION {
            self.calibration.remove(0);
        }
        self.calibration.push((number(old.errors.min(old.requests)), number(old.requests)));
        self.errors.assume(Prior::learned(&self.calibration));
        self.slow_above = threshold(&old.latencies).or(self.slow_above);
    }

    /// Takes a window in which both slots served. One in which a slot had no request says
    /// nothing, and is passed over.
    pub fn observe(&mut self, window: &TrafficWindow) {
        let TrafficWindow { old, new } = window;
        if old.requests == 0 || new.requests == 0 {
            return;
        }
        self.windows += 1;
        let errors = pair((new.errors, new.requests), (old.errors, old.requests));
        self.errors.observe(errors, self.most(Finding::Errors));
        if let Some(place) = self.slow_above {
            let count = |counts: &TrafficCounts| {
                (slower(&counts.latencies, place), counts.latencies.iter().sum())
            };
            let (new, old) = (count(new), count(old));
            if new.1 > 0 && old.1 > 0 {
                self.slow.observe(pair(new, old), self.most(Finding::Latency));
            }
        }
        self.slow_above = threshold(&old.latencies).or(self.slow_above);
        add(&mut self.old, old);
        add(&mut self.new, new);
        self.decide();
    }

    fn decide(&mut self) {
        if self.worse.is_some() || self.new.requests < self.settings.least_requests {
            return;
        }
        let found = [Finding::Errors, Finding::Latency].into_iter();
        self.worse = found.into_iter().find(|finding| self.evidence(*finding) >= 1.0);
    }

    /// The logarithm of the capital at which a finding is sure; none if it is not looked for.
    fn threshold(&self, finding: Finding) -> Option<f64> {
        let part = self.settings.latency_part;
        let part = if finding == Finding::Latency { part } else { 1.0 - part };
        (part > 0.0).then(|| -(self.settings.false_alarms * part).ln())
    }

    fn most(&self, finding: Finding) -> f64 {
        let calm = self.errors.prior().is_calm() && finding == Finding::Errors;
        let threshold = self.threshold(finding).unwrap_or(1.0);
        self.settings.most(threshold, calm)
    }

    fn evidence(&self, finding: Finding) -> f64 {
        let bets = if finding == Finding::Errors { &self.errors } else { &self.slow };
        let Some(threshold) = self.threshold(finding) else { return 0.0 };
        bets.evidence(self.most(finding)) / threshold
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        Standing {
            windows: self.windows,
            requests: self.new.requests,
            error_ratio: fitted_ratio(self.errors.pairs()),
            slow_ratio: fitted_ratio(self.slow.pairs()),
            error_evidence: self.evidence(Finding::Errors),
            latency_evidence: self.evidence(Finding::Latency),
            dispersion: self.errors.dispersion(),
            worse: self.worse,
        }
    }

    /// What a [probe](crate::HealthProbe) would say: no data while the new slot has had too
    /// few requests, and a failure once it is sure to be worse.
    pub fn verdict(&self) -> Verdict {
        let (old, new) = (&self.old, &self.new);
        match self.worse {
            Some(Finding::Errors) => Verdict::fail(format!(
                "{} of {} requests to the new slot failed, and {} of {} to the old one",
                new.errors, new.requests, old.errors, old.requests
            )),
            Some(Finding::Latency) => Verdict::fail(format!(
                "requests that take longer than {} are {:.1} times as frequent in the new slot",
                self.slow_bound(),
                fitted_ratio(self.slow.pairs())
            )),
            None if new.requests < self.settings.least_requests => Verdict::no_data(format!(
                "the new slot has had {} of the {} requests that a comparison needs",
                new.requests, self.settings.least_requests
            )),
            None => Verdict::Pass,
        }
    }

    /// What both slots answered in all windows: the old one, and the new one.
    pub fn counted(&self) -> (&TrafficCounts, &TrafficCounts) {
        (&self.old, &self.new)
    }

    fn slow_bound(&self) -> String {
        let bound = self.slow_above.and_then(|place| LATENCY_BOUNDS.get(place));
        bound.map_or_else(|| "usual".to_owned(), |micros| format!("{} ms", number(*micros) / 1e3))
    }
}

fn pair(new: (u64, u64), old: (u64, u64)) -> Pair {
    let bad = |(bad, all): (u64, u64)| number(bad.min(all));
    Pair { new_bad: bad(new), old_bad: bad(old), new: number(new.1), old: number(old.1) }
}

fn add(sum: &mut TrafficCounts, counts: &TrafficCounts) {
    sum.requests += counts.requests;
    sum.errors += counts.errors;
}

/// Counts of a window are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "a rounding beyond 2^52 requests changes nothing")]
fn number(count: u64) -> f64 {
    count as f64
}
