use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::{ChangeEvent, LogEntry, OffsetSet, SettingError};

mod merge;
#[cfg(test)]
mod tests;

use self::merge::Merge;

/// How long changes are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoalescerSettings {
    /// A subject is given out when it has been quiet for so long. At most an hour.
    pub debounce: Duration,
    /// It is given out after so long, however unquiet. At least `debounce`, at most a day.
    pub max_wait: Duration,
    /// How many events are held at most: 1 to 16,777,216.
    pub capacity: usize,
}

impl Default for CoalescerSettings {
    fn default() -> Self {
        Self {
            debounce: Duration::from_millis(50),
            max_wait: Duration::from_millis(500),
            capacity: 65_536,
        }
    }
}

impl CoalescerSettings {
    /// Sets how long a subject has to be quiet.
    #[must_use]
    pub fn with_debounce(mut self, debounce: Duration) -> Self {
        self.debounce = debounce;
        self
    }

    /// Sets how long a subject is held at most.
    #[must_use]
    pub fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Sets how many events are held at most.
    #[must_use]
    pub fn with_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Checks every field.
    pub fn validate(&self) -> Result<(), SettingError> {
        let (hour, day) = (Duration::from_hours(1), Duration::from_hours(24));
        SettingError::check_time("debounce", self.debounce, Duration::ZERO, hour)?;
        SettingError::check_time("max_wait", self.max_wait, self.debounce, day)?;
        SettingError::check_count("capacity", self.capacity, 1, 1 << 24)
    }
}

/// Several events of one subject as one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Coalesced {
    /// The event that stands for all. It has the id of the first, the time, the source
    /// and the property values of the last, and the highest priority of any.
    pub event: ChangeEvent,
    /// The offsets of all of them.
    pub offsets: OffsetSet,
    /// How many there were.
    pub events: usize,
    /// How long the first of them was held.
    pub held: Duration,
}

impl Coalesced {
    /// Whether everything that came went again, so that there is nothing to do but to
    /// acknowledge the offsets. Only true where every event told its exact quads.
    pub fn is_void(&self) -> bool {
        self.events > 1 && self.event.delta.as_ref().is_some_and(evergen_delta::Delta::is_empty)
    }
}

/// Gathers the changes to each subject for a while. A pure value: times are durations
/// since an origin that the caller owns, and never go back.
///
/// Events of one subject come out in the order in which they were pushed, some merged with
/// those before them; the subjects come out in the order in which they became due.
#[derive(Clone, Debug)]
pub struct Coalescer {
    settings: CoalescerSettings,
    pending: HashMap<String, Pending>,
    /// When each subject is due; ties in the order of their first events.
    due: BTreeSet<(Duration, u64)>,
    /// Which subject an arrival began.
    subjects: HashMap<u64, String>,
    arrivals: u64,
    events: usize,
}

#[derive(Clone, Debug)]
struct Pending {
    merge: Merge,
    offsets: OffsetSet,
    events: usize,
    since: Duration,
    due: (Duration, u64),
}

impl Coalescer {
    /// An empty one.
    pub fn new(settings: CoalescerSettings) -> Result<Self, SettingError> {
        settings.validate()?;
        Ok(Self {
            settings,
            pending: HashMap::new(),
            due: BTreeSet::new(),
            subjects: HashMap::new(),
            arrivals: 0,
            events: 0,
        })
    }

    /// Takes an event, or gives it back when it is full: take out what is there with
    /// [`flush`](Self::flush) first.
    pub fn push(&mut self, entry: LogEntry, now: Duration) -> Result<(), Box<LogEntry>> {
        if self.events >= self.settings.capacity {
            return Err(Box::new(entry));
        }
        self.events += 1;
        let quiet = now.saturating_add(self.settings.debounce);
        if let Some(pending) = self.pending.get_mut(&entry.event.subject) {
            let latest = pending.since.saturating_add(self.settings.max_wait);
            self.due.remove(&pending.due);
            pending.due.0 = quiet.min(latest);
            self.due.insert(pending.due);
            pending.merge.add(&entry.event);
            pending.offsets.insert(entry.offset);
            pending.events += 1;
            return Ok(());
        }
        self.begin(entry, quiet, now);
        Ok(())
    }

    fn begin(&mut self, entry: LogEntry, quiet: Duration, now: Duration) {
        let due = (quiet, self.arrivals);
        self.arrivals += 1;
        self.due.insert(due);
        let subject = entry.event.subject.clone();
        self.subjects.insert(due.1, subject.clone());
        let offsets = OffsetSet::from_iter([entry.offset]);
        let merge = Merge::of(entry.event);
        self.pending.insert(subject, Pending { merge, offsets, events: 1, since: now, due });
    }

    /// Takes out what is due at this time.
    pub fn take_due(&mut self, now: Duration) -> Vec<Coalesced> {
        let mut taken = Vec::new();
        while self.next_due().is_some_and(|due| due <= now) {
            taken.extend(self.take_first(now));
        }
        taken
    }

    /// Takes out everything, due or not.
    pub fn flush(&mut self, now: Duration) -> Vec<Coalesced> {
        let mut taken = Vec::new();
        while !self.due.is_empty() {
            taken.extend(self.take_first(now));
        }
        taken
    }

    fn take_first(&mut self, now: Duration) -> Option<Coalesced> {
        let (_, arrival) = self.due.pop_first()?;
        let subject = self.subjects.remove(&arrival)?;
        let pending = self.pending.remove(&subject)?;
        self.events -= pending.events;
        Some(Coalesced {
            event: pending.merge.finish(),
            offsets: pending.offsets,
            events: pending.events,
            held: now.saturating_sub(pending.since),
        })
    }

    /// When the next subject is due.
    pub fn next_due(&self) -> Option<Duration> {
        self.due.first().map(|(due, _)| *due)
    }

    /// How many events are held.
    pub fn len(&self) -> usize {
        self.events
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// How many subjects they are of.
    pub fn subject_count(&self) -> usize {
        self.pending.len()
    }
}
