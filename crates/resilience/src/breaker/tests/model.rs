//! Random sequences, against a model that keeps the whole history and recomputes everything from it.

use std::time::Duration;

use proptest::prelude::*;

use super::super::*;

#[derive(Clone, Copy, Debug)]
enum Action {
    Pass(u64),
    Ask,
    /// Gives one of the tickets that are out back.
    Done(prop::sample::Index, Outcome),
    /// Loses one: it never comes back.
    Lose(prop::sample::Index),
    Tick,
    Trip,
    Reset,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let outcome = prop_oneof![
        3 => Just(Outcome::Failure),
        2 => Just(Outcome::Success),
        1 => Just(Outcome::Abandoned)
    ];
    let action = prop_oneof![
        4 => (0_u64..40).prop_map(Action::Pass),
        8 => Just(Action::Ask),
        8 => (any::<prop::sample::Index>(), outcome).prop_map(|(which, outcome)| Action::Done(which, outcome)),
        1 => any::<prop::sample::Index>().prop_map(Action::Lose),
        1 => Just(Action::Tick),
        1 => prop_oneof![20 => Just(Action::Tick), 1 => Just(Action::Trip), 1 => Just(Action::Reset)],
    ];
    prop::collection::vec(action, 1..300)
}

fn settings() -> impl Strategy<Value = BreakerSettings> {
    (1_u32..4, 1_u64..60, 1_u64..60, 1_u32..4, 1_u32..4).prop_map(
        |(threshold, recovery, probe, probes, successes)| {
            BreakerSettings::consecutive(threshold)
                .with_recovery_timeout(Duration::from_secs(recovery))
                .with_probe_timeout(Duration::from_secs(probe))
                .with_probes(probes, successes)
        },
    )
}

/// The plain breaker: all that happened since the last change of state, and nothing else.
struct Model {
    settings: BreakerSettings,
    state: BreakerState,
    since: Duration,
    epoch: u64,
    ended: Vec<Outcome>,
    /// Tickets of this epoch that are out: their number and when they were given.
    out: Vec<(u64, Duration)>,
}

impl Model {
    fn enter(&mut self, state: BreakerState, now: Duration) {
        self.state = state;
        self.since = now;
        self.epoch += 1;
        self.ended.clear();
        self.out.clear();
    }

    fn notice_lost(&mut self, now: Duration) {
        let overdue = |&(_, given): &(u64, Duration)| given + self.settings.probe_timeout <= now;
        if self.state == BreakerState::HalfOpen && self.out.iter().any(overdue) {
            self.enter(BreakerState::Open, now);
        }
    }

    fn ask(&mut self, ticket: u64, now: Duration) -> bool {
        self.notice_lost(now);
        if self.state == BreakerState::Open && now >= self.since + self.settings.recovery_timeout {
            self.enter(BreakerState::HalfOpen, now);
        }
        let admitted = match self.state {
            BreakerState::Closed => true,
            BreakerState::Open => false,
            BreakerState::HalfOpen => self.out.len() < self.settings.probes as usize,
        };
        if admitted {
            self.out.push((ticket, now));
        }
        admitted
    }

    fn done(&mut self, epoch: u64, ticket: u64, outcome: Outcome, now: Duration) {
        self.notice_lost(now);
        if epoch != self.epoch {
            return;
        }
        self.out.retain(|&(number, _)| number != ticket);
        self.ended.push(outcome);
        let told = || self.ended.iter().filter(|&&outcome| outcome != Outcome::Abandoned);
        let failing = told().rev().take_while(|&&outcome| outcome == Outcome::Failure).count();
        let succeeded = told().filter(|&&outcome| outcome == Outcome::Success).count();
        let Trip::Consecutive { failure_threshold } = self.settings.trip else {
            unreachable!("the model knows failures in a row")
        };
        match self.state {
            BreakerState::Closed if failing >= failure_threshold as usize => {
                self.enter(BreakerState::Open, now);
            }
            BreakerState::HalfOpen if failing > 0 => self.enter(BreakerState::Open, now),
            BreakerState::HalfOpen if succeeded >= self.settings.successes_to_close as usize => {
                self.enter(BreakerState::Closed, now);
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn it_does_what_the_plain_breaker_does(settings in settings(), actions in actions()) {
        let mut breaker = Breaker::new(settings).unwrap();
        let mut model = Model {
            settings,
            state: BreakerState::Closed,
            since: Duration::ZERO,
            epoch: 0,
            ended: Vec::new(),
            out: Vec::new(),
        };
        let mut out: Vec<(u64, u64, Ticket)> = Vec::new();
        let mut now = Duration::ZERO;
        for (number, action) in (0_u64..).zip(actions) {
            let pick = |which: prop::sample::Index| (!out.is_empty()).then(|| which.index(out.len()));
            match action {
                Action::Pass(secs) => now += Duration::from_secs(secs),
                Action::Ask => {
                    let step = breaker.step(BreakerEvent::Ask, now);
                    let admitted = model.ask(number, now);
                    prop_assert_eq!(matches!(step.answer, BreakerAnswer::Admitted(_)), admitted);
                    if let BreakerAnswer::Admitted(ticket) = step.answer {
                        out.push((model.epoch, number, ticket));
                    }
                }
                Action::Done(which, outcome) => {
                    let Some(index) = pick(which) else { continue };
                    let (epoch, ticket, real) = out.swap_remove(index);
                    breaker.step(BreakerEvent::Done(real, outcome), now);
                    model.done(epoch, ticket, outcome, now);
                }
                Action::Lose(which) => {
                    if let Some(index) = pick(which) {
                        drop(out.swap_remove(index));
                    }
                }
                Action::Tick => {
                    breaker.step(BreakerEvent::Tick, now);
                    model.notice_lost(now);
                }
                Action::Trip => {
                    breaker.step(BreakerEvent::Trip, now);
                    model.enter(BreakerState::Open, now);
                }
                Action::Reset => {
                    breaker.step(BreakerEvent::Reset, now);
                    model.enter(BreakerState::Closed, now);
                }
            }
            prop_assert_eq!(breaker.state(), model.state);
            prop_assert_eq!(breaker.view().transitions, model.epoch);
        }
        is_never_refused_for_long(&mut breaker, settings, now)?;
    }

    /// The same for the rate: wherever it is left, and whatever was lost, it lets calls through again.
    #[test]
    fn it_never_sticks(rate in 0.1..1.0_f64, window in 1_u64..60, actions in actions()) {
        let settings = BreakerSettings::rate(rate, Duration::from_secs(window), 3);
        let mut breaker = Breaker::new(settings).unwrap();
        let mut out = Vec::new();
        let mut now = Duration::ZERO;
        for action in actions {
            match action {
                Action::Pass(secs) => now += Duration::from_secs(secs),
                Action::Done(which, outcome) if !out.is_empty() => {
                    let ticket = out.swap_remove(which.index(out.len()));
                    breaker.step(BreakerEvent::Done(ticket, outcome), now);
                }
                _ => {
                    if let BreakerAnswer::Admitted(ticket) = breaker.step(BreakerEvent::Ask, now).answer {
                        prop_assert_ne!(breaker.state(), BreakerState::Open);
                        out.push(ticket);
                    }
                }
            }
        }
        is_never_refused_for_long(&mut breaker, settings, now)?;
    }
}

/// Asking again and again, with nothing else happening, is answered by yes within the promised time.
fn is_never_refused_for_long(
    breaker: &mut Breaker,
    settings: BreakerSettings,
    from: Duration,
) -> Result<(), TestCaseError> {
    let longest = settings.probe_timeout + settings.recovery_timeout;
    let mut now = from;
    loop {
        match breaker.step(BreakerEvent::Ask, now).answer {
            BreakerAnswer::Refused { retry_after } => {
                prop_assert!(retry_after > Duration::ZERO, "waiting gets on");
                now += retry_after;
                prop_assert!(
                    now <= from + longest,
                    "refused until {now:?}, asked from {from:?} on"
                );
            }
            answer => {
                prop_assert!(matches!(answer, BreakerAnswer::Admitted(_)));
                return Ok(());
            }
        }
    }
}
