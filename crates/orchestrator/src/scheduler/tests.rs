use std::time::Duration;

use super::{
    Arrival, Component, CycleEnd, CycleId, Effect, Ending, Failure, FailureKind, Input, Lane,
    Notice, Outcome, Scheduler, TaskId, Urgency,
};
use crate::config::{OrchestratorConfig, OrchestratorConfigBuilder, RateLimit};

/// A scheduler with a clock that a test turns; orders are carried out at once.
struct Desk {
    scheduler: Scheduler<&'static str>,
    now: Duration,
    next: u64,
    told: Vec<Effect<&'static str>>,
}

fn settings() -> OrchestratorConfigBuilder {
    OrchestratorConfig::builder()
        .max_concurrent(2)
        .debounce_ms(0)
        .max_tries(3)
        .task_timeout_ms(1_000)
        .commit_timeout_ms(500)
        .adaptive_optimization(false)
}

fn desk(builder: OrchestratorConfigBuilder) -> Desk {
    let scheduler = Scheduler::new(&builder.build().unwrap(), true, 7).unwrap();
    Desk { scheduler, now: Duration::ZERO, next: 0, told: Vec::new() }
}

fn failure(component: Component, kind: FailureKind) -> Outcome {
    Outcome::Failed(Failure { component, kind, error: "no".into() })
}

impl Desk {
    fn say(&mut self, input: Input<&'static str>) {
        let mut effects = Vec::new();
        self.scheduler.step([input], self.now, &mut effects);
        for effect in effects {
            match &effect {
                Effect::Acknowledge { errand, .. } | Effect::Bury { errand, .. } => {
                    let errand = *errand;
                    self.told.push(effect);
                    self.say(Input::ErrandDone { errand, result: Ok(()) });
                }
                _ => self.told.push(effect),
            }
        }
    }

    fn arrive(&mut self, key: &'static str, urgency: Urgency, cycle: Option<CycleId>) -> u64 {
        self.next += 1;
        let (offset, lane) = (self.next, Lane::of("api"));
        self.say(Input::Arrived(Arrival { offset, key, urgency, lane, cost: 1, cycle }));
        offset
    }

    fn come(&mut self, key: &'static str) -> u64 {
        self.arrive(key, Urgency::Normal, None)
    }

    fn end(&mut self, task: TaskId, outcome: Outcome) {
        self.say(Input::Ended { task, outcome });
    }

    fn done(&mut self, task: TaskId) {
        self.end(task, Outcome::Done { deploy: false });
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.say(Input::Tick);
    }

    /// Lets time pass to the next deadline.
    fn wake(&mut self) {
        self.now = self.scheduler.next_wake().expect("a deadline");
        self.say(Input::Tick);
    }

    /// Tasks that were started since it was asked last: id, key, events, try.
    fn starts(&mut self) -> Vec<(TaskId, &'static str, Vec<u64>, u32)> {
        let told = std::mem::take(&mut self.told);
        let mut starts = Vec::new();
        for effect in told {
            match effect {
                Effect::Start { task, key, offsets, attempt, .. } => {
                    starts.push((task, key, offsets, attempt));
                }
                other => self.told.push(other),
            }
        }
        starts
    }

    fn start(&mut self) -> (TaskId, &'static str, Vec<u64>, u32) {
        let mut starts = self.starts();
        assert_eq!(starts.len(), 1, "{starts:?}");
        starts.remove(0)
    }

    fn notices(&self) -> Vec<Notice> {
        let notice = |effect: &Effect<_>| match effect {
            Effect::Notice(notice) => Some(notice.clone()),
            _ => None,
        };
        self.told.iter().filter_map(notice).collect()
    }

    fn cycles(&self) -> Vec<CycleEnd> {
        let end = |effect: &Effect<_>| match effect {
            Effect::CycleEnded(end) => Some(*end),
            _ => None,
        };
        self.told.iter().filter_map(end).collect()
    }
}

#[test]
fn what_comes_in_for_a_busy_key_waits_and_is_handed_over_together() {
    let mut desk = desk(settings());
    desk.come("a");
    let (task, ..) = desk.start();
    desk.come("a");
    desk.come("a");
    assert!(desk.starts().is_empty(), "a key has one task at a time");
    desk.done(task);
    let (_, key, offsets, attempt) = desk.start();
    assert_eq!((key, offsets, attempt), ("a", vec![2, 3], 1));
}

#[test]
fn a_key_is_taken_when_it_is_quiet_or_when_it_never_is() {
    let mut desk = desk(settings().debounce_ms(50));
    desk.come("a");
    desk.pass(40);
    desk.come("a");
    desk.pass(40);
    assert!(desk.starts().is_empty());
    desk.pass(10);
    assert_eq!(desk.start().2, [1, 2]);
    let began = desk.now;
    let taken = (0..100).find(|_| {
        desk.come("b");
        desk.pass(20);
        !desk.starts().is_empty()
    });
    assert!(
        taken.is_some() && desk.now.checked_sub(began).unwrap() <= Duration::from_millis(520),
        "{:?}",
        desk.now
    );
}

#[test]
fn an_older_event_gives_up_before_a_newer_one_that_joined_it() {
    let mut desk = desk(settings());
    desk.come("a");
    for attempt in 1..=2 {
        let (task, _, _, which) = desk.start();
        assert_eq!(which, attempt);
        desk.end(task, failure(Component::Regeneration, FailureKind::Passing));
        if attempt == 1 {
            desk.wake();
        }
    }
    // A new event ends the pause: it may be what mends the failure.
    desk.come("a");
    let (task, _, offsets, attempt) = desk.start();
    assert_eq!((offsets, attempt), (vec![1, 2], 3));
    desk.end(task, failure(Component::Regeneration, FailureKind::Passing));
    let burials: Vec<_> = desk
        .told
        .iter()
        .filter_map(|effect| match effect {
            Effect::Bury { burial, .. } => Some((burial.offsets.clone(), burial.history.len())),
            _ => None,
        })
        .collect();
    assert_eq!(burials, [(vec![1], 3)]);
    desk.wake();
    let (task, _, offsets, attempt) = desk.start();
    assert_eq!((offsets, attempt), (vec![2], 2));
    desk.done(task);
    assert_eq!(desk.scheduler.view().in_hand, 0);
}

#[test]
fn an_urgent_event_takes_its_key_along() {
    let mut desk = desk(settings().max_concurrent(1));
    desk.come("running");
    let (task, ..) = desk.start();
    desk.arrive("a", Urgency::Low, None);
    desk.arrive("b", Urgency::Normal, None);
    desk.arrive("a", Urgency::Critical, None);
    desk.done(task);
    let (_, key, offsets, _) = desk.start();
    assert_eq!((key, offsets), ("a", vec![2, 4]));
}

#[test]
fn starts_keep_to_the_rate() {
    let mut desk = desk(settings().max_concurrent(100).rate_limit(RateLimit::new(10, 3)));
    for key in ["a", "b", "c", "d", "e"] {
        desk.come(key);
    }
    assert_eq!(desk.starts().len(), 3, "the burst");
    desk.wake();
    assert_eq!((desk.starts().len(), desk.now), (1, Duration::from_millis(100)));
    desk.wake();
    assert_eq!((desk.starts().len(), desk.now), (1, Duration::from_millis(200)));
}

#[test]
fn a_failing_component_is_left_alone_until_a_probe_succeeds() {
    let mut desk = desk(settings().breaker_threshold(2).breaker_recovery_ms(700).max_tries(10));
    desk.come("a");
    desk.come("b");
    for (task, ..) in desk.starts() {
        desk.end(task, failure(Component::Gates, FailureKind::Passing));
    }
    assert_eq!(desk.scheduler.view().open_breakers, [Component::Gates]);
    desk.come("c");
    desk.pass(650);
    assert!(desk.starts().is_empty());
    desk.pass(50);
    let probe = desk.start();
    assert_eq!(desk.scheduler.view().open_breakers, [Component::Gates], "one probe at a time");
    // It ends before it reaches the gates, so it says nothing of them: another one probes.
    desk.end(probe.0, failure(Component::Regeneration, FailureKind::Passing));
    let probe = desk.start();
    desk.done(probe.0);
    assert_eq!(desk.scheduler.view().open_breakers, []);
    assert!(!desk.starts().is_empty());
}

#[test]
fn a_cycle_that_somebody_waits_for_ends_with_the_last_of_its_events() {
    let mut desk = desk(settings().max_tries(1).debounce_ms(1_000));
    let cycle = desk.scheduler.next_cycle();
    desk.say(Input::OpenCycle { cycle, events: 3 });
    for key in ["a", "b", "b"] {
        desk.arrive(key, Urgency::Normal, Some(cycle));
    }
    let starts = desk.starts();
    assert_eq!(starts.len(), 2, "without debounce");
    desk.end(starts[0].0, failure(Component::Regeneration, FailureKind::Passing));
    desk.done(starts[1].0);
    let (task, ..) = desk.start();
    assert!(desk.cycles().is_empty());
    desk.pass(5);
    desk.done(task);
    let [end] = desk.cycles()[..] else { panic!("{:?}", desk.cycles()) };
    assert_eq!((end.cycle, end.executed, end.succeeded, end.failed), (cycle, 3, 2, 1));
    assert_eq!(
        (end.parallelism, end.ended.checked_sub(end.opened).unwrap()),
        (2, Duration::from_millis(5))
    );
    let empty = desk.scheduler.next_cycle();
    desk.say(Input::OpenCycle { cycle: empty, events: 0 });
    assert_eq!(desk.cycles().last().unwrap().executed, 0);
}

#[test]
fn a_result_after_the_time_is_up_changes_nothing() {
    let mut desk = desk(settings());
    desk.come("a");
    let (task, ..) = desk.start();
    desk.pass(1_000);
    assert!(desk.told.contains(&Effect::Revoke { task }));
    desk.say(Input::Revoked { task });
    assert_eq!(desk.scheduler.view().working, 1, "it keeps its place until it ends");
    desk.wake();
    let (second, _, _, attempt) = desk.start();
    assert_eq!(attempt, 2);
    desk.done(task);
    assert!(desk.notices().contains(&Notice::Late { task }));
    assert_eq!((desk.scheduler.view().in_hand, desk.scheduler.view().working), (1, 1));
    desk.done(second);
    assert_eq!(desk.scheduler.view().in_hand, 0);
    let settled =
        desk.told.iter().filter(|it| matches!(it, Effect::Settled { ending: Ending::Done, .. }));
    assert_eq!(settled.count(), 1);
}

#[test]
fn a_driver_that_does_not_answer_is_taken_for_a_commit() {
    let mut desk = desk(settings());
    desk.come("a");
    let (task, ..) = desk.start();
    desk.pass(1_000);
    for _ in 0..2 {
        desk.wake();
    }
    assert!(desk.notices().contains(&Notice::Lost { task }), "{:?}", desk.notices());
    let view = desk.scheduler.view();
    assert_eq!((view.in_hand, view.working), (0, 0), "buried, and its place is free");
    // Its key waits until the task has ended after all.
    desk.come("a");
    assert!(desk.starts().is_empty());
    desk.done(task);
    assert_eq!(desk.start().1, "a");
}

#[test]
fn an_order_that_fails_is_given_again() {
    let mut desk = desk(settings());
    let mut effects = Vec::new();
    let arrival = Arrival {
        offset: 1,
        key: "a",
        urgency: Urgency::Normal,
        lane: Lane::of("api"),
        cost: 0,
        cycle: None,
    };
    desk.scheduler.step([Input::Arrived(arrival.clone())], desk.now, &mut effects);
    let Some(Effect::Start { task, .. }) = effects.pop() else { panic!("{effects:?}") };
    let ended = Input::Ended { task, outcome: Outcome::Done { deploy: false } };
    desk.scheduler.step([ended, Input::Arrived(arrival)], desk.now, &mut effects);
    assert!(effects.contains(&Effect::Notice(Notice::Duplicate { offset: 1 })), "{effects:?}");
    let order = effects.iter().find_map(|effect| match effect {
        Effect::Acknowledge { errand, .. } => Some(*errand),
        _ => None,
    });
    let errand = order.unwrap();
    let failed = Input::ErrandDone { errand, result: Err("the disk is full".into()) };
    effects.clear();
    desk.scheduler.step([failed.clone(), failed], desk.now, &mut effects);
    assert_eq!(effects.len(), 1, "the second answer says nothing new: {effects:?}");
    assert_eq!(desk.scheduler.view().in_hand, 1);
    let again = desk.scheduler.next_wake().unwrap();
    assert_eq!(again, Duration::from_millis(100));
    effects.clear();
    desk.scheduler.step([Input::Tick], again, &mut effects);
    assert_eq!(effects, [Effect::Acknowledge { errand, offsets: vec![1] }]);
    // Nobody answers, either.
    desk.scheduler.step([Input::Tick], again + Duration::from_secs(30), &mut effects);
    assert!(matches!(effects.last(), Some(Effect::Notice(Notice::ErrandFailed { tries: 2, .. }))));
    desk.scheduler.step([Input::ErrandDone { errand, result: Ok(()) }], again, &mut effects);
    assert_eq!(desk.scheduler.view().in_hand, 0);
}

#[test]
fn without_room_nothing_is_taken() {
    let mut desk = desk(settings().queue_capacity(1));
    desk.come("a");
    assert_eq!(desk.scheduler.room(), 0);
    let offset = desk.come("b");
    assert_eq!(desk.notices(), [Notice::Overflow { offset }]);
    desk.say(Input::Stop { grace: Duration::from_secs(1) });
    assert!(desk.scheduler.view().stopping);
}
