use std::time::Duration;

use crate::SettingError;
use crate::disk::Durability;

/// How a [`SegmentLog`](crate::SegmentLog) works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentSettings {
    /// What an acknowledged event survives.
    pub durability: Durability,
    /// How large a segment is, in bytes: 4 KiB to 4 GiB. Events are removed by whole segments.
    pub segment_bytes: u64,
    /// How many bytes an event may take as JSON: 1 KiB to 64 MiB. A batch may take 64 MiB.
    pub max_event_bytes: usize,
    /// How many events may wait for the committer: 1 to 1,048,576. One counts once for each
    /// 8 KiB that it has begun.
    pub queue: usize,
    /// How long `append` waits for a place in that queue: 1 ms to a day.
    pub patience: Duration,
    /// How many events are committed together at most: 1 to 65,536, counted as those that
    /// wait. A batch that is larger is committed by itself.
    pub group: usize,
    /// How long the committer waits for the publishers that it has just answered, so that their
    /// next events share a flush: at most 100 ms.
    pub linger: Duration,
    /// How many of the newest events are kept in memory: at most 1,048,576.
    pub cache_events: usize,
    /// How many bytes these may take as JSON.
    pub cache_bytes: usize,
    /// How many gaps there may be in what a consumer has acknowledged: 1 to 1,048,576.
    pub max_gaps: usize,
}

impl Default for SegmentSettings {
    fn default() -> Self {
        Self {
            durability: Durability::Power,
            segment_bytes: 64 << 20,
            max_event_bytes: 4 << 20,
            queue: 4096,
            patience: Duration::from_secs(10),
            group: 512,
            linger: Duration::from_micros(250),
            cache_events: 8192,
            cache_bytes: 64 << 20,
            max_gaps: 65_536,
        }
    }
}

macro_rules! setters {
    ($($name:ident, $field:ident: $type:ty, $doc:literal;)*) => {
        impl SegmentSettings {$(
            #[doc = $doc]
            #[must_use]
            pub fn $name(mut self, $field: $type) -> Self {
                self.$field = $field;
                self
            }
        )*}
    };
}

setters! {
    with_durability, durability: Durability, "Sets what an acknowledged event survives.";
    with_segment_bytes, segment_bytes: u64, "Sets how large a segment is.";
    with_max_event_bytes, max_event_bytes: usize, "Sets how large an event may be.";
    with_queue, queue: usize, "Sets how many events may wait for the committer.";
    with_patience, patience: Duration, "Sets how long `append` waits for a place in the queue.";
    with_group, group: usize, "Sets how many events are committed together.";
    with_linger, linger: Duration, "Sets how long the committer waits for more.";
    with_cache_events, cache_events: usize, "Sets how many events are kept in memory.";
    with_cache_bytes, cache_bytes: usize, "Sets how many bytes of events are kept in memory.";
    with_max_gaps, max_gaps: usize, "Sets how many gaps a consumer may have.";
}

impl SegmentSettings {
    /// Checks every field.
    pub fn validate(&self) -> Result<(), SettingError> {
        const MILLION: usize = 1 << 20;
        if !(4096..=1 << 32).contains(&self.segment_bytes) {
            let value = self.segment_bytes.to_string();
            return Err(SettingError::new("segment_bytes", value, "4096 to 4294967296"));
        }
        SettingError::check_count("max_event_bytes", self.max_event_bytes, 1024, 64 << 20)?;
        SettingError::check_count("queue", self.queue, 1, MILLION)?;
        SettingError::check_count("group", self.group, 1, 65_536)?;
        SettingError::check_count("cache_events", self.cache_events, 0, MILLION)?;
        SettingError::check_count("max_gaps", self.max_gaps, 1, MILLION)?;
        let (least, most) = (Duration::from_millis(1), Duration::from_hours(24));
        SettingError::check_time("patience", self.patience, least, most)?;
        SettingError::check_time("linger", self.linger, Duration::ZERO, Duration::from_millis(100))
    }
}
