//! No event waits longer than the bound, whatever floods in beside it.

use std::collections::HashMap;
use std::time::Duration;

use evergen_orchestrator::{
    Arrival, Effect, Input, Lane, OrchestratorConfig, Outcome, Scheduler, TaskId, Urgency,
};

const SERVICE: Duration = Duration::from_millis(10);
const AGING: Duration = Duration::from_millis(200);

struct Service {
    scheduler: Scheduler<u64>,
    now: Duration,
    running: Vec<(Duration, TaskId)>,
    next: u64,
    started: HashMap<u64, Duration>,
}

impl Service {
    fn new() -> Self {
        let config = OrchestratorConfig::builder()
            .max_concurrent(2)
            .queue_capacity(500)
            .debounce_ms(0)
            .aging_ms(200)
            .adaptive_optimization(false)
            .build()
            .unwrap();
        let scheduler = Scheduler::new(&config, false, 1).unwrap();
        Self {
            scheduler,
            now: Duration::ZERO,
            running: Vec::new(),
            next: 0,
            started: HashMap::new(),
        }
    }

    fn arrive(&mut self, source: &str, urgency: Urgency) -> Option<u64> {
        if self.scheduler.room() == 0 {
            return None;
        }
        self.next += 1;
        let offset = self.next;
        let lane = Lane::of(source);
        let arrival = Arrival { offset, key: offset, urgency, lane, cost: 1, cycle: None };
        self.step(vec![Input::Arrived(arrival)]);
        Some(offset)
    }

    fn tick(&mut self) {
        self.now += Duration::from_millis(1);
        let (over, running) = self.running.iter().partition(|(at, _)| *at <= self.now);
        self.running = running;
        let over: Vec<(Duration, TaskId)> = over;
        let done = Outcome::Done { deploy: false };
        let ends = over.iter().map(|(_, task)| Input::Ended { task: *task, outcome: done.clone() });
        self.step(ends.collect());
    }

    fn step(&mut self, inputs: Vec<Input<u64>>) {
        let mut effects = Vec::new();
        self.scheduler.step(inputs, self.now, &mut effects);
        let mut answers = Vec::new();
        for effect in effects {
            match effect {
                Effect::Start { task, key, .. } => {
                    self.started.insert(key, self.now);
                    self.running.push((self.now + SERVICE, task));
                }
                Effect::Acknowledge { errand, .. } => {
                    answers.push(Input::ErrandDone { errand, result: Ok(()) });
                }
                _ => {}
            }
        }
        if !answers.is_empty() {
            self.step(answers);
        }
    }
}

#[test]
fn the_lowest_priority_is_served_within_its_bound_under_a_flood_of_the_highest() {
    let mut service = Service::new();
    let mut low = Vec::new();
    for millisecond in 0..20_000_u64 {
        // Five times as much as can be served, from three sources.
        for source in ["api", "git", "webhook"] {
            if service.scheduler.room() > 10 {
                service.arrive(source, Urgency::Critical);
            }
        }
        if millisecond % 500 == 0 && millisecond < 15_000 {
            let came = service.now;
            low.push((service.arrive("file", Urgency::Low).unwrap(), came));
        }
        service.tick();
    }
    // It counts as critical after three agings. It is the only one of its source then, so
    // each of the three others has at most two turns before it, with two tasks at once.
    let bound = AGING * 3 + SERVICE * 4;
    for (offset, came) in low {
        let waited = service.started[&offset].checked_sub(came).unwrap();
        assert!(waited <= bound, "{offset} waited {waited:?}");
        assert!(waited >= AGING, "the flood was no flood: {waited:?}");
    }
}

#[test]
fn a_source_that_floods_leaves_the_others_their_share() {
    let mut service = Service::new();
    for _ in 0..400 {
        service.arrive("webhook", Urgency::Normal);
    }
    let came = service.now;
    let mine: Vec<u64> = (0..20).filter_map(|_| service.arrive("file", Urgency::Normal)).collect();
    (0..2_500).for_each(|_| service.tick());
    let last =
        mine.iter().map(|offset| service.started[offset].checked_sub(came).unwrap()).max().unwrap();
    // 20 of mine in turns with 20 of theirs, two at once.
    assert!(last <= SERVICE * 22, "{last:?}");
}
