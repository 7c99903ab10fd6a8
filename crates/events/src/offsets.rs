use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// A set of offsets, kept as ranges: a million neighbours take as much room as one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<(u64, u64)>", from = "Vec<(u64, u64)>")]
pub struct OffsetSet {
    /// Begin and end of each range; no two touch, and none is empty.
    ranges: BTreeMap<u64, u64>,
}

impl OffsetSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one offset.
    pub fn insert(&mut self, offset: u64) {
        self.insert_range(offset..offset.saturating_add(1));
    }

    /// Adds all offsets of a range.
    pub fn insert_range(&mut self, range: Range<u64>) {
        let Range { mut start, mut end } = range;
        if start >= end {
            return;
        }
        if let Some((&before, &until)) = self.ranges.range(..start).next_back()
            && until >= start
        {
            start = before;
            end = end.max(until);
        }
        while let Some((&next, &until)) = self.ranges.range(start..=end).next() {
            self.ranges.remove(&next);
            end = end.max(until);
        }
        self.ranges.insert(start, end);
    }

    /// Takes out all offsets of a range.
    pub fn remove_range(&mut self, range: Range<u64>) {
        let Range { start, end } = range;
        if start >= end {
            return;
        }
        let mut touched: Vec<_> =
            self.ranges.range(start..end).map(|(&from, &until)| (from, until)).collect();
        touched.extend(self.ranges.range(..start).next_back().map(|(&from, &until)| (from, until)));
        for (from, until) in touched {
            self.ranges.remove(&from);
            if from < start {
                self.ranges.insert(from, until.min(start));
            }
            if until > end {
                self.ranges.insert(end, until);
            }
        }
    }

    /// Whether the offset is in the set.
    pub fn contains(&self, offset: u64) -> bool {
        self.ranges.range(..=offset).next_back().is_some_and(|(_, &until)| offset < until)
    }

    /// The ranges, in order.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = Range<u64>> + '_ {
        self.ranges.iter().map(|(&start, &end)| start..end)
    }

    /// How many ranges there are, which is what the set costs.
    pub fn range_count(&self) -> usize {
        self.ranges.len()
    }

    /// How many offsets there are.
    pub fn len(&self) -> u64 {
        self.ranges().map(|range| range.end - range.start).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The end of the last range; `None` of an empty set.
    pub fn end(&self) -> Option<u64> {
        self.ranges.last_key_value().map(|(_, &end)| end)
    }
}

impl FromIterator<u64> for OffsetSet {
    fn from_iter<I: IntoIterator<Item = u64>>(offsets: I) -> Self {
        let mut set = Self::new();
        for offset in offsets {
            set.insert(offset);
        }
        set
    }
}

impl From<Range<u64>> for OffsetSet {
    fn from(range: Range<u64>) -> Self {
        let mut set = Self::new();
        set.insert_range(range);
        set
    }
}

impl From<Vec<(u64, u64)>> for OffsetSet {
    fn from(ranges: Vec<(u64, u64)>) -> Self {
        let mut set = Self::new();
        for (start, end) in ranges {
            set.insert_range(start..end);
        }
        set
    }
}

impl From<OffsetSet> for Vec<(u64, u64)> {
    fn from(set: OffsetSet) -> Self {
        set.ranges.into_iter().collect()
    }
}

/// What a consumer has acknowledged: everything below a watermark, and a set above it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledged {
    low: u64,
    above: OffsetSet,
}

impl Acknowledged {
    /// Nothing from `offset` on, everything before.
    pub fn below(offset: u64) -> Self {
        Self { low: offset, above: OffsetSet::new() }
    }

    /// The first offset that is not acknowledged.
    pub fn low(&self) -> u64 {
        self.low
    }

    /// What is acknowledged above [`low`](Self::low).
    pub fn above(&self) -> &OffsetSet {
        &self.above
    }

    /// Whether the offset is acknowledged.
    pub fn contains(&self, offset: u64) -> bool {
        offset < self.low || self.above.contains(offset)
    }

    /// Adds offsets. Doing it again changes nothing.
    pub fn add(&mut self, offsets: &OffsetSet) {
        for range in offsets.ranges() {
            if range.end > self.low {
                self.above.insert_range(range.start.max(self.low)..range.end);
            }
        }
        let first = self.above.ranges().next();
        if let Some(range) = first.filter(|range| range.start == self.low) {
            self.above.remove_range(range.clone());
            self.low = range.end;
        }
    }

    /// How many offsets of the range are not acknowledged.
    pub fn missing(&self, range: Range<u64>) -> u64 {
        let mut missing = OffsetSet::from(range.start.max(self.low)..range.end);
        for known in self.above.ranges() {
            missing.remove_range(known);
        }
        missing.len()
    }
}
