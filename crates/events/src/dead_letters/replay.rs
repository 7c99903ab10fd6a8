//! Publishing the event of a letter anew, once.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Change, DeadLetterError, DeadLetters};
use crate::{AppendError, EventLog, GraphChangeNotifier, Position, PublishError, ReadError};

/// How many events are read at once while one is looked for.
const BATCH: usize = 1024;

/// A replay that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    /// The id of the new event.
    event: Uuid,
    /// Where the log ended before it was published.
    from: u64,
}

pub(super) async fn run(
    letters: &DeadLetters,
    id: Uuid,
    notifier: &GraphChangeNotifier,
) -> Result<u64, DeadLetterError> {
    let _way = Way::enter(letters, id)?;
    let log = &**notifier.log();
    let end = log.bounds().end;
    let (replay, is_new) = letters.change(move |store| store.begin(id, end)).await?;
    let published = if is_new { None } else { find(log, replay).await? };
    let offset = match published {
        Some(offset) => offset,
        None => publish(letters, id, replay, notifier).await?,
    };
    letters.change(move |store| store.forget(id)).await?;
    Ok(offset)
}

async fn publish(
    letters: &DeadLetters,
    id: Uuid,
    replay: Replay,
    notifier: &GraphChangeNotifier,
) -> Result<u64, DeadLetterError> {
    let letter = letters.get(id).ok_or(DeadLetterError::Unknown { id })?;
    let correlation = letter.event.correlation_id.unwrap_or(id);
    let event = letter.event.with_id(replay.event).with_correlation(correlation);
    Ok(notifier.publish(event).await?.offset)
}

/// The offset of the event of an earlier try, if that has come into the log.
async fn find(log: &dyn EventLog, replay: Replay) -> Result<Option<u64>, DeadLetterError> {
    // A try whose future was dropped may be on its way still.
    let settled: Result<_, AppendError> = log.append(Vec::new()).await;
    settled.map_err(PublishError::from)?;
    let mut next = replay.from;
    loop {
        let entries = match log.read(Position::Offset(next), BATCH).await {
            Err(ReadError::Trimmed { first, .. }) => {
                next = first;
                continue;
            }
            read => read?,
        };
        let found = entries.iter().find(|entry| entry.event.id == replay.event);
        if let Some(entry) = found {
            return Ok(Some(entry.offset));
        }
        match entries.last() {
            Some(last) => next = last.offset + 1,
            None => return Ok(None),
        }
    }
}

impl super::Store {
    /// The replay that was begun for a letter, or a new one, which is kept; whether it is new.
    fn begin(&mut self, letter: Uuid, end: u64) -> Result<(Replay, bool), DeadLetterError> {
        if !self.letters.contains_key(&letter) {
            return Err(DeadLetterError::Unknown { id: letter });
        }
        if let Some(known) = self.replays.get(&letter) {
            return Ok((*known, false));
        }
        let replay = Replay { event: Uuid::now_v7(), from: end };
        self.keep(&Change::Replays { letter, replay })?;
        self.replays.insert(letter, replay);
        Ok((replay, true))
    }
}

/// Whoever has it is the only one who replays a letter.
struct Way<'a> {
    letters: &'a DeadLetters,
    id: Uuid,
}

impl<'a> Way<'a> {
    fn enter(letters: &'a DeadLetters, id: Uuid) -> Result<Self, DeadLetterError> {
        if !letters.lock().under_way.insert(id) {
            return Err(DeadLetterError::UnderWay { id });
        }
        Ok(Self { letters, id })
    }
}

impl Drop for Way<'_> {
    fn drop(&mut self) {
        self.letters.lock().under_way.remove(&self.id);
    }
}
