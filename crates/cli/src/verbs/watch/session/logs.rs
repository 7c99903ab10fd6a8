//! The logs that a loop works with.

use std::sync::Arc;

use evergen_events::{
    DeadLetters, GraphChangeNotifier, OpenError, SegmentLog, SegmentSettings, TornTail,
};

use crate::diary::Diary;
use crate::failure::Failure;

/// How large a segment of the log is.
const SEGMENT: u64 = 1 << 20;
/// How many dead letters may wait for a person.
const MOST_DEAD: usize = 10_000;

/// The log of events and the dead letters; says what had to be cut off.
pub(in crate::verbs) fn open_logs(
    diary: &Diary,
    remarks: &mut Vec<String>,
) -> Result<(GraphChangeNotifier, Arc<DeadLetters>), Failure> {
    let settings = SegmentSettings::default().with_segment_bytes(SEGMENT);
    let log = SegmentLog::open(&diary.events(), settings).map_err(|error| unusable(&error))?;
    remarks.extend(log.torn_tails().iter().map(torn));
    let dead = DeadLetters::open(&diary.dead_letters(), MOST_DEAD, settings.durability);
    let dead = dead.map_err(|error| unusable(&error))?;
    remarks.extend(dead.torn_tail().into_iter().map(torn));
    let notifier = GraphChangeNotifier::builder().with_log(Arc::new(log)).build();
    let notifier =
        notifier.map_err(|error| Failure::storage("opening the log of events", &error))?;
    Ok((notifier, Arc::new(dead)))
}

/// A log that can't be opened stops the loop: what is in it is not thrown away in silence.
pub(in crate::verbs) fn unusable(error: &OpenError) -> Failure {
    Failure::storage("opening the log of events", error).with_help(
        "the files of the loop lie in `.evergen/loop`; moved away as a whole, the loop begins anew, \
         without the events that wait there",
    )
}

fn torn(tail: &TornTail) -> String {
    format!(
        "a crash left half a record in {}; {} bytes of it were cut off",
        tail.file.display(),
        tail.bytes
    )
}
