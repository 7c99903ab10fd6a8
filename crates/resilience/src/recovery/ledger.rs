use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::plan::{FailureClass, Playbook, RecoveryPlan};

/// Which runs of a plan may begin, as a value: it remembers those that did.
///
/// # Laws
/// - For a class and a target one run goes on at a time.
/// - Two runs begin at least `cooldown` apart, and no more than `max_runs` begin within any
///   stretch of `within`.
#[derive(Clone, Debug)]
pub struct RecoveryLedger {
    plan: RecoveryPlan,
    targets: BTreeMap<(FailureClass, String), Runs>,
}

#[derive(Clone, Debug, Default)]
struct Runs {
    running: bool,
    begun: VecDeque<Duration>,
}

/// Whether a run may begin.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RecoveryDecision {
    /// It begins now; say so when it has [ended](RecoveryLedger::ended).
    Run {
        /// What to do, and within which bounds.
        playbook: Playbook,
        /// The number of this run among those that count, from 1 on.
        run: u32,
    },
    /// One goes on already.
    Running,
    /// The last one was just now.
    CoolingDown {
        /// When to ask again.
        retry_after: Duration,
    },
    /// There were as many as there may be: somebody has to look.
    Exhausted {
        /// When to ask again.
        retry_after: Duration,
    },
    /// The plan has nothing for the class.
    Unplanned,
}

impl RecoveryLedger {
    /// A ledger without runs.
    #[must_use]
    pub fn new(plan: RecoveryPlan) -> Self {
        Self { plan, targets: BTreeMap::new() }
    }

    /// Decides about a failure of `class` at `target`.
    pub fn begin(&mut self, class: FailureClass, target: &str, now: Duration) -> RecoveryDecision {
        self.forget(now);
        let Some(playbook) = self.plan.playbook(class) else {
            return RecoveryDecision::Unplanned;
        };
        let runs = self.targets.entry((class, target.to_owned())).or_default();
        if runs.running {
            return RecoveryDecision::Running;
        }
        let wait =
            |from: Duration, length: Duration| from.saturating_add(length).saturating_sub(now);
        let most = usize::try_from(playbook.max_runs).unwrap_or(usize::MAX);
        let used_up = runs.begun.len() >= most;
        let first = runs.begun.front().filter(|_| used_up);
        let exhausted = first.map_or(Duration::ZERO, |first| wait(*first, playbook.within));
        let last = runs.begun.back();
        let cooling = last.map_or(Duration::ZERO, |last| wait(*last, playbook.cooldown));
        if exhausted > Duration::ZERO {
            return RecoveryDecision::Exhausted { retry_after: exhausted.max(cooling) };
        }
        if cooling > Duration::ZERO {
            return RecoveryDecision::CoolingDown { retry_after: cooling };
        }
        runs.running = true;
        runs.begun.push_back(now);
        let run = u32::try_from(runs.begun.len()).unwrap_or(u32::MAX);
        RecoveryDecision::Run { playbook: playbook.clone(), run }
    }

    /// Notes that the run for `class` at `target` has ended.
    pub fn ended(&mut self, class: FailureClass, target: &str) {
        if let Some(runs) = self.targets.get_mut(&(class, target.to_owned())) {
            runs.running = false;
        }
    }

    /// How many runs go on.
    #[must_use]
    pub fn running(&self) -> usize {
        self.targets.values().filter(|runs| runs.running).count()
    }

    /// Forgets what no longer counts, so that targets which are gone take no memory.
    fn forget(&mut self, now: Duration) {
        let plan = &self.plan;
        self.targets.retain(|(class, _), runs| {
            let Some(playbook) = plan.playbook(*class) else { return runs.running };
            let counts = |begun: Duration, span| begun.saturating_add(span) > now;
            while let Some(&first) = runs.begun.front()
                && !counts(first, playbook.within)
                && (runs.begun.len() > 1 || !counts(first, playbook.cooldown))
            {
                runs.begun.pop_front();
            }
            runs.running || !runs.begun.is_empty()
        });
    }
}
