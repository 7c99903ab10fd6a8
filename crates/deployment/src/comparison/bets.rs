use serde::{Deserialize, Serialize};

use super::dispersion::{Pair, Prior, estimate};

/// How many times as bad the new slot may be, and the part of the capital that is bet on it.
/// Below 1.22 times, all bets lose on average: such a difference is no reason to roll back.
const BETS: [(f64, f64); 4] = [(1.5, 0.10), (2.5, 0.20), (5.0, 0.55), (12.0, 0.15)];
/// The part of what was kept back that is bet from the first window on.
const AT_FIRST: f64 = 0.9;
/// The part of what was kept back that is bet anew in each later window.
const LATER: f64 = 0.02;
/// How many windows are kept one by one; the capital of older ones is settled.
const KEPT: usize = 240;

/// Capital beyond this is not counted.
const LARGEST: f64 = 1e200;

/// Capital won by betting that the new slot has more bad requests than the old one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Bets {
    pairs: Vec<Pair>,
    /// Before the first of `pairs`.
    settled: Capital,
    prior: Prior,
}

/// What is on each bet, and what was kept back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Capital {
    on: [f64; BETS.len()],
    kept_back: f64,
    begun: bool,
}

impl Bets {
    pub(super) fn new(prior: Prior) -> Self {
        let settled = Capital { on: [0.0; BETS.len()], kept_back: 1.0, begun: false };
        Self { pairs: Vec::new(), settled, prior }
    }

    pub(super) fn assume(&mut self, prior: Prior) {
        self.prior = prior;
    }

    pub(super) fn prior(&self) -> Prior {
        self.prior
    }

    pub(super) fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    pub(super) fn dispersion(&self) -> f64 {
        estimate(&self.pairs, self.prior)
    }

    /// Takes a window; `most` is the logarithm of what one window may multiply the capital by.
    pub(super) fn observe(&mut self, pair: Pair, most: f64) {
        if self.pairs.len() == KEPT {
            let phi = self.dispersion();
            let first = self.pairs.remove(0);
            self.settled = self.settled.after(&first, phi, most);
        }
        self.pairs.push(pair);
    }

    /// The natural logarithm of the capital, of which the beginning was 1.
    pub(super) fn evidence(&self, most: f64) -> f64 {
        let phi = self.dispersion();
        let capital =
            self.pairs.iter().fold(self.settled, |capital, pair| capital.after(pair, phi, most));
        capital.sum().ln()
    }
}

impl Capital {
    fn sum(&self) -> f64 {
        self.on.iter().sum::<f64>() + self.kept_back
    }

    fn after(mut self, pair: &Pair, phi: f64, most: f64) -> Self {
        let part = if self.begun { LATER } else { AT_FIRST };
        let before = self.sum();
        let fresh = self.kept_back * part;
        self.kept_back -= fresh;
        self.begun = true;
        let share = pair.new / (pair.new + pair.old);
        for (on, (ratio, weight)) in self.on.iter_mut().zip(BETS) {
            let factor =
                pair.new_bad * ratio.ln() - pair.bad() * (1.0 - share + share * ratio).ln();
            // A bound far above `most`, so that no window overflows.
            *on = (*on + fresh * weight) * (factor / phi).min(50.0).exp();
        }
        let excess = (self.sum() / before) / most.exp();
        if excess > 1.0 {
            self.on.iter_mut().for_each(|on| *on /= excess);
            self.kept_back /= excess;
        }
        // Far beyond any decision the capital stays what numbers can hold.
        let large = self.sum() / LARGEST;
        if large > 1.0 {
            self.on.iter_mut().for_each(|on| *on /= large);
        }
        self.kept_back = self.kept_back.max(1.0 / LARGEST);
        self
    }
}
