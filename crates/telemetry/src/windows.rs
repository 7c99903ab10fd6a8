//! What happened lately: windows that move with the time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::cells::{CELLS, Cell, PEAKS, Shard, Totals};
use crate::named::named;

named! {
    /// How far back figures reach.
    pub enum Window {
        /// The last minute.
        Minute = "1m",
        /// The last five minutes.
        FiveMinutes = "5m",
        /// The last hour.
        Hour = "1h",
        /// The last day.
        Day = "24h",
        /// Since the start.
        Total = "total",
    }
}

impl Window {
    /// How long it is; nothing for the whole time.
    pub const fn length(self) -> Option<Duration> {
        match self {
            Self::Minute => Some(Duration::from_mins(1)),
            Self::FiveMinutes => Some(Duration::from_mins(5)),
            Self::Hour => Some(Duration::from_hours(1)),
            Self::Day => Some(Duration::from_hours(24)),
            Self::Total => None,
        }
    }

    /// Into how many slots it is divided: the window may reach back one slot too far.
    const fn slots(self) -> u32 {
        match self {
            Self::Minute => 12,
            Self::FiveMinutes => 20,
            Self::Hour => 30,
            Self::Day | Self::Total => 48,
        }
    }
}

/// The counters of a window, added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WindowTotals {
    pub(crate) cells: Vec<u64>,
    pub(crate) peaks: [u64; PEAKS],
    /// The time that it covers.
    pub(crate) covers: Duration,
}

/// A pure core: it is told the time and looks at counters that only grow.
///
/// What a look finds new is put down to the time of the look. So looks should come more
/// often than a slot of the shortest window is long (5 seconds).
#[derive(Debug)]
pub(crate) struct Windows {
    started: Duration,
    looked: Duration,
    totals: Totals,
    peaks: [u64; PEAKS],
    rings: Vec<Ring>,
}

#[derive(Debug)]
struct Ring {
    window: Window,
    slot: Duration,
    slots: VecDeque<Slot>,
}

/// What was new in one stretch of time: few of the cells, so they are listed.
#[derive(Debug)]
struct Slot {
    number: u128,
    grown: Vec<(u32, u64)>,
    peaks: [u64; PEAKS],
}

impl Windows {
    pub(crate) fn new(now: Duration) -> Self {
        let rings = Window::ALL.into_iter().filter_map(|window| {
            let slot = window.length()? / window.slots();
            Some(Ring { window, slot, slots: VecDeque::new() })
        });
        Self {
            started: now,
            looked: now,
            totals: Totals::zero(),
            peaks: [0; PEAKS],
            rings: rings.collect(),
        }
    }

    /// Takes in what was counted since the last look. A time before the last one is
    /// taken as the last one.
    pub(crate) fn look<A: Cell>(&mut self, now: Duration, shards: &[Shard<A>]) {
        self.looked = self.looked.max(now);
        let mut grown = Vec::new();
        self.totals.look(shards, |cell, by| {
            // There are far fewer cells than 2³².
            grown.push((u32::try_from(cell).unwrap_or(u32::MAX), by));
        });
        raise(&mut self.peaks, self.totals.peaks);
        let since_start = self.looked.saturating_sub(self.started);
        for ring in &mut self.rings {
            ring.take_in(since_start, &grown, self.totals.peaks);
        }
    }

    /// The counters of a window, as of the last look.
    pub(crate) fn window(&self, window: Window) -> WindowTotals {
        let since_start = self.looked.saturating_sub(self.started);
        match self.rings.iter().find(|ring| ring.window == window) {
            Some(ring) => ring.sum(since_start),
            None => WindowTotals {
                cells: self.totals.cells.clone(),
                peaks: self.peaks,
                covers: since_start,
            },
        }
    }
}

impl Ring {
    fn take_in(&mut self, now: Duration, grown: &[(u32, u64)], peaks: [u64; PEAKS]) {
        let number = now.as_nanos() / self.slot.as_nanos();
        let oldest = number.saturating_sub(self.window.slots().into());
        while self.slots.front().is_some_and(|slot| slot.number < oldest) {
            self.slots.pop_front();
        }
        if grown.is_empty() && peaks == [0; PEAKS] {
            return;
        }
        match self.slots.back_mut().filter(|slot| slot.number == number) {
            Some(slot) => {
                slot.grown = merged(&slot.grown, grown);
                raise(&mut slot.peaks, peaks);
            }
            None => self.slots.push_back(Slot { number, grown: grown.to_vec(), peaks }),
        }
    }

    fn sum(&self, now: Duration) -> WindowTotals {
        let mut cells = vec![0_u64; CELLS];
        let mut peaks = [0; PEAKS];
        for slot in &self.slots {
            for &(cell, by) in &slot.grown {
                let cell = &mut cells[cell as usize];
                *cell = cell.wrapping_add(by);
            }
            raise(&mut peaks, slot.peaks);
        }
        WindowTotals { cells, peaks, covers: self.covers(now) }
    }

    /// All full slots, and as much of the present one as has gone by.
    fn covers(&self, now: Duration) -> Duration {
        let past = now.as_nanos() % self.slot.as_nanos();
        let full = self.slot * self.window.slots();
        now.min(full + Duration::from_nanos(u64::try_from(past).unwrap_or(u64::MAX)))
    }
}

fn raise(peaks: &mut [u64; PEAKS], by: [u64; PEAKS]) {
    for (peak, value) in peaks.iter_mut().zip(by) {
        *peak = (*peak).max(value);
    }
}

/// Two lists in the order of cells, added up into one.
fn merged(left: &[(u32, u64)], right: &[(u32, u64)]) -> Vec<(u32, u64)> {
    let mut both: Vec<(u32, u64)> = left.iter().chain(right).copied().collect();
    both.sort_by_key(|(cell, _)| *cell);
    both.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1.wrapping_add(next.1);
        }
        same
    });
    both
}

#[cfg(test)]
mod tests;
