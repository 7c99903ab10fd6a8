use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::state::EnvironmentState;

/// How the live release was started again where it had ended by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Revivals {
    /// When it was tried, the latest last, since the release came or a person let it go on.
    pub tries: Vec<Timestamp>,
    /// How many of all tries since the release came succeeded.
    pub succeeded: u64,
    /// Why the latest try failed; nothing if it succeeded, or is not over.
    pub failed: Option<String>,
}

/// Whether a live release that ended may be started again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MayRevive {
    /// Yes.
    Now,
    /// Not before this time: a release that ends again and again is started ever more rarely.
    NotBefore(Timestamp),
    /// Not before this time, or a person lets it go on: it was tried too often.
    GivenUp {
        /// When the oldest try does not count any more.
        until: Timestamp,
    },
}

impl Revivals {
    /// How often it is tried within [`PERIOD`](Self::PERIOD).
    pub const TRIES: usize = 5;

    /// How long a try counts.
    pub const PERIOD: Duration = Duration::from_hours(1);

    /// How long it waits after the first try; twice as long after each other.
    const PAUSE: SignedDuration = SignedDuration::from_secs(1);

    /// Whether it may be tried at this time.
    pub fn at(&self, now: Timestamp) -> MayRevive {
        let period = SignedDuration::from_secs(Self::PERIOD.as_secs().cast_signed());
        let recent: Vec<Timestamp> =
            self.tries.iter().copied().filter(|tried| *tried + period > now).collect();
        let Some(latest) = recent.last() else { return MayRevive::Now };
        if recent.len() >= Self::TRIES {
            return MayRevive::GivenUp { until: recent[recent.len() - Self::TRIES] + period };
        }
        let doubled = i32::try_from(recent.len()).map_or(i32::MAX, |tries| 1 << (tries - 1));
        let next = *latest + Self::PAUSE * doubled;
        if next > now { MayRevive::NotBefore(next) } else { MayRevive::Now }
    }

    pub(super) fn begin(&mut self, at: Timestamp) {
        if self.tries.len() == Self::TRIES {
            self.tries.remove(0);
        }
        self.tries.push(at);
        self.failed = None;
    }

    pub(super) fn succeed(&mut self) {
        self.succeeded += 1;
        self.failed = None;
    }

    pub(super) fn fail(&mut self, why: &str) {
        self.failed = Some(why.to_owned());
    }

    /// A person lets it go on.
    pub(super) fn forgive(&mut self) {
        self.tries.clear();
        self.failed = None;
    }
}

impl EnvironmentState {
    /// Whether the live release, if it has ended by itself, may be started again now. Not
    /// while a deployment is in progress, nor where nothing is live.
    pub fn may_revive(&self, now: Timestamp) -> Option<MayRevive> {
        (self.open.is_none() && self.live.is_some()).then(|| self.revivals.at(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: i64) -> Timestamp {
        Timestamp::from_second(number).unwrap()
    }

    /// Tries whenever it may, looking every second; gives the seconds in which it did.
    fn tried(until: i64) -> Vec<i64> {
        let mut revivals = Revivals::default();
        let mut tried = Vec::new();
        for now in 0..until {
            if revivals.at(second(now)) == MayRevive::Now {
                revivals.begin(second(now));
                tried.push(now);
            }
        }
        tried
    }

    #[test]
    fn it_is_tried_ever_more_rarely_and_five_times_an_hour() {
        assert_eq!(tried(3600), [0, 1, 3, 7, 15]);
        assert_eq!(tried(10 * 3600).len(), 50);
    }

    #[test]
    fn a_person_lets_it_be_tried_again_at_once() {
        let mut revivals = Revivals::default();
        (0..5).for_each(|now| revivals.begin(second(now)));
        assert_eq!(revivals.at(second(10)), MayRevive::GivenUp { until: second(3600) });
        revivals.forgive();
        assert_eq!(revivals.at(second(10)), MayRevive::Now);
    }
}
