use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use super::lanes::Rank;
use super::vocabulary::{Arrival, Attempt, CycleId, Lane, TaskId, Urgency};

/// An event in hand.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) offset: u64,
    pub(super) urgency: Urgency,
    pub(super) lane: Lane,
    pub(super) cost: u32,
    pub(super) cycle: Option<CycleId>,
    pub(super) came: Duration,
    pub(super) tries: u32,
}

impl Held {
    pub(super) fn of<K>(arrival: &Arrival<K>, came: Duration) -> Self {
        Self {
            offset: arrival.offset,
            urgency: arrival.urgency,
            lane: arrival.lane,
            cost: arrival.cost.clamp(1, Arrival::<K>::MAX_COST),
            cycle: arrival.cycle,
            came,
            tries: 0,
        }
    }

    /// When it counts as critical.
    pub(super) fn due(&self, aging: Duration) -> Duration {
        self.came.saturating_add(aging.saturating_mul(self.urgency as u32))
    }
}

/// Work that is committed, and waits for another try of its deployment.
#[derive(Clone, Debug)]
pub(super) struct Parked {
    pub(super) task: TaskId,
    /// The cycle in which it was committed, until its first try of the deployment ends.
    pub(super) cycle: Option<CycleId>,
    pub(super) events: Vec<Held>,
    /// Tries of the deployment so far.
    pub(super) tries: u32,
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// Nothing to do before a time.
    Delayed { until: Duration },
    /// In its lane.
    Ready { lane: Lane, rank: Rank },
    /// Something of it runs.
    Busy,
    /// Its commit never answered: nothing else of it may run; what waits is given up at a time.
    Blocked { until: Option<Duration> },
    /// Its deployment waits.
    Parked { until: Option<Duration> },
}

/// All that is in hand of one key.
#[derive(Clone, Debug)]
pub(super) struct Slot<K> {
    pub(super) key: K,
    pub(super) stand: Stand,
    /// Not taken yet, oldest first.
    waiting: VecDeque<Held>,
    /// How many of these somebody waits for.
    awaited: usize,
    /// The earliest time at which one of them counts as critical.
    due: Duration,
    pub(super) parked: Option<Parked>,
    /// When the last event came in.
    pub(super) last_came: Duration,
    /// The end of a pause after a failure, which a new event ends.
    pub(super) not_before: Option<Duration>,
    /// The last failed tries, oldest first; as many as an event can have.
    pub(super) history: VecDeque<Attempt>,
}

impl<K> Slot<K> {
    fn new(key: K, now: Duration) -> Self {
        Self {
            key,
            stand: Stand::Delayed { until: now },
            waiting: VecDeque::new(),
            awaited: 0,
            due: Duration::MAX,
            parked: None,
            last_came: now,
            not_before: None,
            history: VecDeque::new(),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.parked.is_none()
    }

    /// Whether events wait that were not taken yet.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether somebody waits for an event that was not taken yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited > 0
    }

    pub(super) fn due(&self) -> Duration {
        self.due
    }

    pub(super) fn first(&self) -> Option<&Held> {
        self.waiting.front()
    }

    pub(super) fn push(&mut self, held: Held, aging: Duration) {
        self.awaited += usize::from(held.cycle.is_some());
        self.due = self.due.min(held.due(aging));
        self.waiting.push_back(held);
    }

    /// Puts back what was taken first.
    pub(super) fn put_back(&mut self, events: Vec<Held>, aging: Duration) {
        for held in events.into_iter().rev() {
            self.awaited += usize::from(held.cycle.is_some());
            self.due = self.due.min(held.due(aging));
            self.waiting.push_front(held);
        }
    }

    /// Takes the oldest ones.
    pub(super) fn take(&mut self, most: usize, aging: Duration) -> Vec<Held> {
        let taken: Vec<Held> = self.waiting.drain(..most.min(self.waiting.len())).collect();
        self.awaited = self.waiting.iter().filter(|held| held.cycle.is_some()).count();
        let dues = self.waiting.iter().map(|held| held.due(aging));
        self.due = dues.min().unwrap_or(Duration::MAX);
        taken
    }

    pub(super) fn remember(&mut self, attempt: Attempt, most: u32) {
        self.history.push_back(attempt);
        while self.history.len() > most as usize {
            self.history.pop_front();
        }
    }

    pub(super) fn last_tries(&self, count: u32) -> Vec<Attempt> {
        let skipped = self.history.len().saturating_sub(count as usize);
        self.history.iter().skip(skipped).cloned().collect()
    }
}

/// The slots, each at a place that stays while something of its key is in hand.
#[derive(Clone, Debug)]
pub(super) struct Slots<K> {
    places: HashMap<K, u32>,
    taken: Vec<Option<Slot<K>>>,
    free: Vec<u32>,
}

impl<K: Clone + Eq + Hash> Slots<K> {
    pub(super) fn new() -> Self {
        Self { places: HashMap::new(), taken: Vec::new(), free: Vec::new() }
    }

    /// The place of a key.
    pub(super) fn place(&mut self, key: &K, now: Duration) -> u32 {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        let slot = Slot::new(key.clone(), now);
        let place = if let Some(place) = self.free.pop() {
            self.taken[place as usize] = Some(slot);
            place
        } else {
            self.taken.push(Some(slot));
            // A place for each event in hand, of which there are a million at most.
            u32::try_from(self.taken.len() - 1).unwrap_or(u32::MAX)
        };
        self.places.insert(key.clone(), place);
        place
    }

    pub(super) fn get(&self, place: u32) -> Option<&Slot<K>> {
        self.taken.get(place as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Slot<K>> {
        self.taken.get_mut(place as usize)?.as_mut()
    }

    pub(super) fn remove(&mut self, place: u32) {
        if let Some(slot) = self.taken.get_mut(place as usize).and_then(Option::take) {
            self.places.remove(&slot.key);
            self.free.push(place);
        }
    }

    pub(super) fn places(&self) -> Vec<u32> {
        let taken = self.taken.iter().enumerate().filter(|(_, slot)| slot.is_some());
        taken.filter_map(|(place, _)| u32::try_from(place).ok()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}
