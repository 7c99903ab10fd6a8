use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::timers::{Alarm, Timers};
use super::vocabulary::{Burial, Effect, ErrandId, Notice};

/// How long an order may go without an answer before it is given again. All orders may be
/// carried out twice.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What has to become durable. Nothing is given up here: an order that fails is given again
/// until it succeeds or the loop stops, and what it is about counts as in hand until then.
#[derive(Clone, Debug)]
pub(super) enum Order<K> {
    Acknowledge(Vec<u64>),
    Bury(Burial<K>),
}

#[derive(Clone, Debug)]
struct Errand<K> {
    order: Order<K>,
    tries: u32,
    alarm: Duration,
    /// Whether an answer is awaited, and not the end of a pause.
    given: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Errands<K> {
    open: BTreeMap<ErrandId, Errand<K>>,
    next: u64,
}

impl<K: Clone> Errands<K> {
    pub(super) fn new() -> Self {
        Self { open: BTreeMap::new(), next: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn give(
        &mut self,
        order: Order<K>,
        now: Duration,
        timers: &mut Timers,
        effects: &mut Vec<Effect<K>>,
    ) {
        let id = ErrandId(self.next);
        self.next += 1;
        let mut errand = Errand { order, tries: 0, alarm: Duration::ZERO, given: false };
        issue(id, &mut errand, now, timers, effects);
        self.open.insert(id, errand);
    }

    /// Takes an answer in; the order if it is carried out.
    pub(super) fn answer(
        &mut self,
        id: ErrandId,
        result: Result<(), Arc<str>>,
        now: Duration,
        timers: &mut Timers,
        effects: &mut Vec<Effect<K>>,
    ) -> Option<Order<K>> {
        let errand = self.open.get_mut(&id)?;
        match result {
            Ok(()) => {
                timers.clear(errand.alarm, Alarm::Errand(id));
                self.open.remove(&id).map(|errand| errand.order)
            }
            // A second answer to one order changes nothing.
            Err(_) if !errand.given => None,
            Err(error) => {
                pause(id, errand, error, now, timers, effects);
                None
            }
        }
    }

    /// A pause is over, or an answer overdue.
    pub(super) fn alarm(
        &mut self,
        id: ErrandId,
        now: Duration,
        timers: &mut Timers,
        effects: &mut Vec<Effect<K>>,
    ) {
        let Some(errand) = self.open.get_mut(&id) else { return };
        if errand.given {
            pause(id, errand, "no answer in time".into(), now, timers, effects);
        } else {
            issue(id, errand, now, timers, effects);
        }
    }
}

fn issue<K: Clone>(
    id: ErrandId,
    errand: &mut Errand<K>,
    now: Duration,
    timers: &mut Timers,
    effects: &mut Vec<Effect<K>>,
) {
    errand.given = true;
    errand.tries = errand.tries.saturating_add(1);
    errand.alarm = now.saturating_add(ANSWER_TIMEOUT);
    timers.set(errand.alarm, Alarm::Errand(id));
    effects.push(match &errand.order {
        Order::Acknowledge(offsets) => Effect::Acknowledge { errand: id, offsets: offsets.clone() },
        Order::Bury(burial) => Effect::Bury { errand: id, burial: burial.clone() },
    });
}

fn pause<K>(
    id: ErrandId,
    errand: &mut Errand<K>,
    error: Arc<str>,
    now: Duration,
    timers: &mut Timers,
    effects: &mut Vec<Effect<K>>,
) {
    timers.clear(errand.alarm, Alarm::Errand(id));
    errand.given = false;
    let doublings = errand.tries.saturating_sub(1).min(16);
    let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    errand.alarm = now.saturating_add(pause);
    timers.set(errand.alarm, Alarm::Errand(id));
    effects.push(Effect::Notice(Notice::ErrandFailed { errand: id, tries: errand.tries, error }));
}
