//! A world that does what effects say, or fails, or forgets; and what holds in it always.

use std::time::Duration;

use evergen_artifact::Digest;
use proptest::prelude::*;

use super::machine::Effect;
use super::*;
use crate::{Answer, ReleaseId, Running, Slot, Split, Undo, Version};

/// What really runs, and who gets the traffic.
#[derive(Clone, Debug, Default)]
struct World {
    running: [bool; 2],
    split: Option<Split>,
    current: Option<ReleaseId>,
}

impl World {
    fn runs(&mut self, slot: Slot) -> &mut bool {
        &mut self.running[usize::from(slot == Slot::Green)]
    }

    /// Does an effect; half of it is not possible, since each is one change here.
    fn act(&mut self, effect: &Effect, plan: &Plan) {
        match effect {
            Effect::Do { action, .. } => match action {
                Action::Start => *self.runs(plan.slot) = true,
                Action::Shift { split } => self.split = Some(*split),
                Action::Publish => self.current = Some(plan.release),
                Action::Stop => {
                    if let Some(live) = &plan.live {
                        *self.runs(live.slot) = false;
                    }
                }
                _ => {}
            },
            Effect::Undo { undo, .. } => match undo {
                Undo::Traffic { to } => self.split = to.map(Split::all),
                Undo::Stop { slot } => *self.runs(*slot) = false,
                _ => {}
            },
            _ => {}
        }
    }

    /// Every slot that gets traffic runs.
    fn serves(&self) -> bool {
        let Some(split) = self.split else { return false };
        Slot::BOTH.iter().zip(self.running).all(|(slot, runs)| runs || split.of(*slot) == 0)
    }
}

fn plan(state: &EnvironmentState, name: &str) -> Plan {
    let (slot, live) = (state.next_slot(), state.live.clone());
    let share = |permille| Split::giving(slot, permille).unwrap();
    let probes = vec!["http".to_owned()];
    let mut actions = vec![
        Action::Validate { hook: "gate".into() },
        Action::Stage,
        Action::BackUp { provider: "db".into() },
        Action::Expand { migration: "db".into() },
        Action::Start,
        Action::Check { probes: probes.clone() },
    ];
    for permille in [100, 500, 1000] {
        let split = share(permille);
        if permille == 1000 || live.is_some() {
            actions.push(Action::Shift { split });
            actions.push(Action::Watch {
                split,
                dwell_ms: 10,
                probes: probes.clone(),
                compares: false,
            });
        }
    }
    actions.extend([Action::Commit, Action::Publish]);
    if live.is_some() {
        actions.extend([Action::Drain, Action::Stop]);
    }
    actions.push(Action::Collect { keep: 3 });
    let steps = actions.into_iter().map(|action| PlannedStep::new(action, Duration::from_secs(1)));
    Plan {
        runs_with: None,
        environment: "staging".into(),
        kind: PlanKind::Deploy,
        release: ReleaseId::new(Digest::of(name.as_bytes())),
        version: Version::parse(name).unwrap(),
        slot,
        live,
        after: state.deployments,
        settings: Digest::of(b""),
        restores_data: false,
        steps: steps.collect(),
    }
}

/// A run of the machine over a world.
struct Run {
    world: World,
    entries: Vec<Entry>,
    state: EnvironmentState,
    done: Vec<Action>,
    undone: Vec<Undo>,
}

impl Run {
    fn new() -> Self {
        let state = EnvironmentState::default();
        let (world, entries) = (World::default(), Vec::new());
        Self { world, entries, state, done: Vec::new(), undone: Vec::new() }
    }

    fn happen(&mut self, event: &Event) -> Result<Effect, StepError> {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let decision = step(&self.state, event, at)?;
        for record in decision.records {
            let entry = Entry::new(1, at, record);
            self.state.apply(&entry);
            self.entries.push(entry);
        }
        assert_eq!(self.state, EnvironmentState::fold(&self.entries), "the ledger tells it all");
        Ok(decision.effect)
    }

    /// Runs a deployment to its end; `faults` says what happens at each effect.
    fn deploy(&mut self, name: &str, faults: &[Fault]) -> usize {
        let plan = plan(&self.state, name);
        let had_live = self.state.live.is_some();
        let mut effect = self.happen(&Event::Begin(Box::new(Opening::new(plan.clone())))).unwrap();
        let mut faults = faults.iter().copied().chain(std::iter::repeat(Fault::None));
        let mut turns = 0;
        while effect != Effect::Over {
            turns += 1;
            assert!(turns < 500, "it does not end: {:?}", self.state.open);
            let fault = faults.next().unwrap_or(Fault::None);
            let event = self.turn(&effect, fault, &plan);
            assert!(!had_live || self.world.serves(), "nobody serves after {effect:?} {fault:?}");
            effect = match self.happen(&event) {
                // A person asked for what can't be now; the effect is done as ever.
                Ok(Effect::Continue) | Err(_) => effect,
                Ok(next) => next,
            };
        }
        turns
    }

    fn turn(&mut self, effect: &Effect, fault: Fault, plan: &Plan) -> Event {
        let by = || "someone".to_owned();
        let done = matches!(fault, Fault::None | Fault::FailedLate(_) | Fault::KilledLate);
        if done {
            self.world.act(effect, plan);
            match effect {
                Effect::Do { action, .. } => self.done.push(action.clone()),
                Effect::Undo { undo, .. } => self.undone.push(undo.clone()),
                _ => {}
            }
        }
        match (effect, fault) {
            (_, Fault::Killed | Fault::KilledLate) => Event::Restarted,
            (_, Fault::Abort) => Event::Abort { by: by() },
            (_, Fault::Pause) => Event::Pause { by: by() },
            (_, Fault::Resume) => Event::Resume { by: by() },
            (Effect::Wait { .. }, _) => Event::Expired,
            (Effect::Stuck, _) => Event::Restarted,
            (_, Fault::Failed(answer) | Fault::FailedLate(answer)) => {
                Event::Failed(Cause::new(CauseKind::Health, "it was told to"), answer)
            }
            (Effect::Do { action: Action::Start, .. }, _) => {
                let running = Running::new(plan.release, Vec::new());
                Event::Succeeded(Some(StepNote::Running { running }))
            }
            _ => Event::Succeeded(None),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    Failed(Answer),
    /// The effect was done, and then said to have failed.
    FailedLate(Answer),
    Killed,
    KilledLate,
    Abort,
    Pause,
    Resume,
}

fn fault() -> impl Strategy<Value = Fault> {
    let answer = prop_oneof![
        Just(Answer::GoBack),
        Just(Answer::Hold { for_good: false }),
        Just(Answer::Hold { for_good: true }),
    ];
    prop_oneof![
        24 => Just(Fault::None),
        2 => answer.clone().prop_map(Fault::Failed),
        2 => answer.prop_map(Fault::FailedLate),
        1 => Just(Fault::Killed),
        1 => Just(Fault::KilledLate),
        1 => Just(Fault::Abort),
        1 => Just(Fault::Pause),
        1 => Just(Fault::Resume),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_deployment_ends_and_something_serves_all_along(
        runs in prop::collection::vec(prop::collection::vec(fault(), 0..40), 1..5),
    ) {
        let mut run = Run::new();
        for (number, faults) in runs.iter().enumerate() {
            run.deploy(&format!("1.{number}"), faults);
            prop_assert!(run.state.open.is_none());
            // What the ledger calls live is what has all the traffic, and what is current.
            let live = run.state.live.as_ref();
            prop_assert_eq!(live.map(|live| Split::all(live.slot)), run.world.split);
            prop_assert_eq!(live.map(|live| live.release), run.world.current);
            let committed = run.entries.iter().filter(|entry| entry.record == Record::Committed);
            let succeeded = run.entries.iter().filter(|entry| {
                matches!(&entry.record, Record::Ended { summary } if summary.outcome == Outcome::Succeeded)
            });
            prop_assert_eq!(committed.count(), succeeded.count());
        }
    }
}

#[test]
fn what_is_applied_has_the_digest_of_what_was_planned() {
    let mut run = Run::new();
    for name in ["1", "2", "3"] {
        let mut planned = plan(&run.state, name);
        let digest = planned.digest();
        run.done.clear();
        run.deploy(name, &[]);
        let mut steps = std::mem::take(&mut planned.steps).into_iter();
        let mut done = run.done.drain(..);
        // The commit has no effect; all others were done, each once and in this order.
        let applied = steps.by_ref().map(|step| match step.action {
            Action::Commit => step,
            _ => PlannedStep { action: done.next().unwrap(), ..step },
        });
        planned.steps = applied.collect();
        assert_eq!((planned.digest(), done.next()), (digest, None));
    }
}

#[test]
fn what_fails_is_undone_in_the_order_that_keeps_serving() {
    let mut run = Run::new();
    run.deploy("1", &[]);
    let faults = [[Fault::None; 9].as_slice(), &[Fault::Failed(Answer::GoBack)]].concat();
    run.deploy("2", &faults);
    let slot = Slot::Green;
    let parts = [Undo::Traffic { to: Some(Slot::Blue) }, Undo::Drain { slot }, Undo::Stop { slot }];
    assert_eq!(run.undone, parts);
    let last = run.state.last.unwrap();
    assert_eq!((last.outcome, run.state.live.unwrap().deployment), (Outcome::RolledBack, 1));
}

#[test]
fn a_plan_holds_only_for_the_state_it_was_made_for() {
    let mut run = Run::new();
    let early = plan(&run.state, "1");
    run.deploy("2", &[]);
    let refused = run.happen(&Event::Begin(Box::new(Opening::new(early)))).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the plan does not hold any more: there was another deployment since it was made"
    );
}

#[test]
fn after_the_commit_there_is_no_abort() {
    let mut run = Run::new();
    let made = plan(&run.state, "1");
    let commit = made.commit().unwrap();
    let mut effect = run.happen(&Event::Begin(Box::new(Opening::new(made)))).unwrap();
    while !matches!(&effect, Effect::Do { step, .. } if *step > commit) {
        effect = run.happen(&Event::Succeeded(None)).unwrap();
    }
    let refused = run.happen(&Event::Abort { by: "someone".into() }).unwrap_err();
    assert_eq!(refused, StepError::Committed { number: 1 });
}
