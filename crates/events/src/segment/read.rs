//! Reading events from segments.

use std::sync::Arc;

use jiff::Timestamp;

use super::files::{Segment, medium};
use crate::record::payload;
use crate::{Bounds, ChangeEvent, Damage, LogEntry, ReadError};

/// No more bytes are read at once, unless a single event has more.
const MOST_BYTES: u64 = 8 << 20;

/// Reads at most `max` events from `from` on. `segments` are all that hold events of
/// `bounds`, in order.
pub(super) fn read(
    segments: &[Arc<Segment>],
    bounds: Bounds,
    from: u64,
    max: usize,
) -> Result<Vec<LogEntry>, ReadError> {
    let mut entries = Vec::new();
    let mut bytes = 0;
    for (index, segment) in segments.iter().enumerate() {
        let until = segments.get(index + 1).map_or(bounds.end, |next| next.head.base);
        let begin = from.max(segment.head.base);
        if begin >= until || entries.len() >= max || bytes >= MOST_BYTES {
            continue;
        }
        segment.walk(begin, until, |window, position, record| {
            let json = payload(window, position, record).map_err(medium)?;
            let event = ChangeEvent::from_json(json).map_err(|error| {
                let fault = format!("the event can't be read: {error}");
                let path = segment.path.clone();
                Box::new(Damage::new(path, position, record.offset, fault))
            })?;
            let appended_at = Timestamp::from_microsecond(record.at).unwrap_or(Timestamp::MAX);
            entries.push(LogEntry::new(record.offset, appended_at, Arc::new(event)));
            bytes += record.size();
            Ok(entries.len() < max && bytes < MOST_BYTES)
        })?;
    }
    Ok(entries)
}

/// The first offset whose event was taken at `at` or later.
pub(super) fn find_time(
    segments: &[Arc<Segment>],
    bounds: Bounds,
    at: Timestamp,
) -> Result<u64, ReadError> {
    let at = at.as_nanosecond();
    // Rounded up: a record's time has no finer parts, and must not lie before.
    let wanted = i64::try_from(-(-at).div_euclid(1000)).unwrap_or(i64::MAX);
    // A segment is begun no later than its first event, and no earlier than the one before it.
    let after = segments.partition_point(|segment| segment.head.created < wanted);
    let begun = after.saturating_sub(1);
    let mut found = None;
    for (index, segment) in segments.iter().enumerate().skip(begun).take(2) {
        let until = segments.get(index + 1).map_or(bounds.end, |next| next.head.base);
        segment.walk(segment.head.base, until, |_, _, record| {
            if record.at >= wanted {
                found = Some(record.offset);
            }
            Ok(found.is_none())
        })?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    Ok(bounds.end)
}
