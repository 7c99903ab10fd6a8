use serde::{Deserialize, Serialize};

/// How many bad requests both slots had in a window, of how many.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) new_bad: f64,
    pub(super) old_bad: f64,
    pub(super) new: f64,
    pub(super) old: f64,
}

impl Pair {
    pub(super) fn bad(&self) -> f64 {
        self.new_bad + self.old_bad
    }

    /// The share of bad requests that the new slot has if it is `ratio` times as bad.
    fn share(&self, ratio: f64) -> f64 {
        self.new * ratio / (self.new * ratio + self.old)
    }
}

/// What is known of the dispersion before the slots are compared: a value, and how many
/// windows it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Prior {
    pub(super) phi: f64,
    pub(super) windows: f64,
}

impl Prior {
    /// What who knows nothing assumes.
    pub(super) const UNKNOWN: Self = Self { phi: 2.2, windows: 6.0 };
    /// What calibration starts from.
    const POISSON: Self = Self { phi: 1.0, windows: 3.0 };
    /// Dispersion may change with the release, so that old windows are worth only so much.
    const MOST: f64 = 16.0;
    /// Fewer windows say nothing.
    const LEAST: usize = 5;

    /// Whether errors are known to come alone.
    pub(super) fn is_calm(self) -> bool {
        self.phi < 1.5
    }

    /// Learns from windows of one slot: of so many requests (second) so many were bad (first).
    pub(super) fn learned(windows: &[(f64, f64)]) -> Self {
        if windows.len() < Self::LEAST {
            return Self::UNKNOWN;
        }
        let (bad, all) =
            windows.iter().fold((0.5, 0.0), |sum, window| (sum.0 + window.0, sum.1 + window.1));
        let rate = (bad / all).clamp(1e-9, 1.0 - 1e-9);
        let squares: f64 = windows
            .iter()
            .map(|(bad, all)| (bad - all * rate).powi(2) / (all * rate * (1.0 - rate)))
            .sum();
        #[expect(clippy::cast_precision_loss, reason = "there are at most some hundreds")]
        let freedom = windows.len() as f64 - 1.0;
        let worth = freedom.min(Self::MOST);
        let total = Self::POISSON.windows + worth;
        let phi = (Self::POISSON.phi * Self::POISSON.windows + worth * squares / freedom) / total;
        Self { phi: phi.max(1.0), windows: total }
    }
}

/// The ratio of rates that fits all windows best, by iterated expectation; drawn a little
/// towards 1, so that it is a number where one slot had no bad request.
pub(super) fn fitted_ratio(pairs: &[Pair]) -> f64 {
    const STEPS: usize = 20;
    let new_bad: f64 = pairs.iter().map(|pair| pair.new_bad).sum();
    let mut ratio = 1.0_f64;
    for _ in 0..STEPS {
        let expected: f64 = pairs.iter().map(|pair| pair.bad() * pair.share(ratio)).sum();
        ratio = (ratio * (new_bad + 0.5) / (expected + 0.5)).clamp(0.01, 1000.0);
    }
    ratio
}

/// What lies above 1 is taken for more than it was found to be: few windows show too little of
/// rare bursts more often than too much.
const CAUTION: f64 = 1.2;

/// By how much the variance between windows is above that of independent requests; at
/// least 1.
pub(super) fn estimate(pairs: &[Pair], prior: Prior) -> f64 {
    let ratio = fitted_ratio(pairs);
    let (mut squares, mut windows) = (0.0, 0.0);
    for pair in pairs.iter().filter(|pair| pair.bad() > 0.0) {
        let (bad, share) = (pair.bad(), pair.share(ratio));
        squares += (pair.new_bad - bad * share).powi(2) / (bad * share * (1.0 - share));
        windows += 1.0;
    }
    let freedom = f64::max(windows - 1.0, 0.0);
    let squares = if freedom > 0.0 { squares } else { 0.0 };
    let found = (prior.phi * prior.windows + squares) / (prior.windows + freedom);
    (1.0 + (found - 1.0) * CAUTION).max(1.0)
}
