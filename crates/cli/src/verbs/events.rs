//! `evergen events`.

use std::ops::Range;
use std::path::Path;

use evergen_events::{
    ChangeEvent, DeadLetter, DeadLetters, EventLog as _, GraphChangeNotifier, LogEntry, Position,
    SegmentReader,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::watch::{consumer, open_logs, unusable};
use crate::arguments::{Events, EventsAct, EventsList, Selection};
use crate::console::{Console, Ink};
use crate::diary::{Diary, Request};
use crate::excerpt::shown;
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;
use crate::words;

/// How many events are read at once.
const BATCH: usize = 512;

/// What `evergen events list --json` prints.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct EventsReport {
    /// The offset of the oldest event that is kept.
    first: u64,
    /// The offset that the next event gets.
    end: u64,
    /// Every event before this offset is done with.
    done_before: u64,
    /// The events, oldest first.
    events: Vec<EventLine>,
}

/// An event of the log.
#[derive(Serialize, Deserialize, JsonSchema)]
struct EventLine {
    /// Its place in the log.
    offset: u64,
    /// When the log took it (RFC 3339).
    appended_at: String,
    /// Whether the loop is done with it.
    done: bool,
    /// The event in its documented form.
    event: serde_json::Value,
}

/// What `evergen events dead --json` prints.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct DeadReport {
    /// Events that failed for good, oldest first.
    dead_letters: Vec<DeadLine>,
}

/// An event that failed for good.
#[derive(Serialize, Deserialize, JsonSchema)]
struct DeadLine {
    /// What `replay` and `drop` name it by.
    id: String,
    /// Its place in the log.
    offset: Option<u64>,
    /// When it was given up (RFC 3339).
    buried_at: String,
    /// Its failed tries, oldest first.
    attempts: Vec<AttemptLine>,
    /// The event in its documented form.
    event: serde_json::Value,
}

/// A failed try.
#[derive(Serialize, Deserialize, JsonSchema)]
struct AttemptLine {
    /// When it ended (RFC 3339).
    at: String,
    /// Where it failed.
    component: String,
    /// Why.
    error: String,
}

/// What `evergen events replay --json` and `drop --json` print.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct ActReport {
    /// Whether the running loop was asked to do it; else it is done.
    asked: bool,
    /// What was done or asked for.
    done: Vec<String>,
}

pub(super) fn events(arguments: &Events, console: &mut Console) -> Result<Verdict, Failure> {
    match arguments {
        Events::List(arguments) => list(arguments, console),
        Events::Dead(selection) => dead(selection, console),
        Events::Replay(act) => acts(act, console, |id| Request::Replay { id }),
        Events::Drop(act) => acts(act, console, |id| Request::Drop { id }),
    }
}

fn diary(
    selection: &Selection,
    console: &mut Console,
) -> Result<(Diary, std::path::PathBuf), Failure> {
    let chosen = Chosen::find_here(selection, console)?;
    let state = chosen.project().state_dir();
    let diary = Diary::of(&state);
    if diary.events().is_dir() {
        Ok((diary, state))
    } else {
        Err(Failure::usage("no loop has run in this project", "`evergen watch` starts one"))
    }
}

fn list(arguments: &EventsList, console: &mut Console) -> Result<Verdict, Failure> {
    let (diary, _) = diary(&arguments.selection, console)?;
    let reader = SegmentReader::open(&diary.events()).map_err(|error| unusable(&error))?;
    let bounds = reader.bounds().map_err(|error| unusable(&error))?;
    let limit = arguments.limit.max(1);
    let start = match (arguments.from, arguments.since.as_deref()) {
        (Some(offset), _) => Position::Offset(offset.max(bounds.first)),
        (None, Some(time)) => Position::Time(time.parse::<Timestamp>().map_err(|error| {
            Failure::usage(
                format!("`{time}` is no time: {error}"),
                "write it like `2026-01-31T12:00:00Z`",
            )
        })?),
        (None, None) => Position::Offset(bounds.end.saturating_sub(limit as u64).max(bounds.first)),
    };
    let entries = read(&reader, start, limit)?;
    let consumers = reader.consumers().map_err(|error| unusable(&error))?;
    let ours = consumers.iter().find(|(name, _)| name.as_str() == consumer());
    let is_done = |offset| ours.is_some_and(|(_, done)| done.contains(offset));
    if console.is_json() {
        let events = entries.iter().map(|entry| EventLine {
            offset: entry.offset,
            appended_at: entry.appended_at.to_string(),
            done: is_done(entry.offset),
            event: json(&entry.event),
        });
        console.object(&EventsReport {
            first: bounds.first,
            end: bounds.end,
            done_before: ours.map_or(bounds.first, |(_, done)| done.low()),
            events: events.collect(),
        });
        return Ok(Verdict::Yes);
    }
    if entries.is_empty() {
        console.line("no events");
    }
    for entry in &entries {
        let done = if is_done(entry.offset) {
            console.ink(Ink::Dim, "done")
        } else {
            console.ink(Ink::Yellow, "open")
        };
        let event = &entry.event;
        let at = console.ink(Ink::Dim, format!("{:.19}", entry.appended_at.to_string()));
        console.line(format!(
            "{:>8}  {at}  {done}  {}  {}  {} from {}",
            entry.offset,
            event.priority,
            event.change,
            shown(&event.subject),
            shown(event.source.as_str())
        ));
    }
    Ok(Verdict::Yes)
}

fn read(reader: &SegmentReader, start: Position, limit: usize) -> Result<Vec<LogEntry>, Failure> {
    let mut entries = Vec::new();
    let mut position = start;
    while entries.len() < limit {
        let wanted = BATCH.min(limit - entries.len());
        let batch = reader
            .read(position, wanted)
            .map_err(|error| Failure::storage("reading the log of events", &error))?;
        let Some(last) = batch.last() else { break };
        position = Position::Offset(last.offset + 1);
        entries.extend(batch);
    }
    Ok(entries)
}

fn json(event: &ChangeEvent) -> serde_json::Value {
    // An event that could be kept has a JSON form.
    serde_json::to_value(event).unwrap_or_default()
}

fn dead(selection: &Selection, console: &mut Console) -> Result<Verdict, Failure> {
    let (diary, _) = diary(selection, console)?;
    let letters = DeadLetters::peek(&diary.dead_letters()).map_err(|error| unusable(&error))?;
    if console.is_json() {
        let lines = letters.iter().map(|letter| DeadLine {
            id: letter.id().to_string(),
            offset: letter.offset,
            buried_at: letter.buried_at.to_string(),
            attempts: letter
                .attempts
                .iter()
                .map(|attempt| AttemptLine {
                    at: attempt.at.to_string(),
                    component: attempt.component.clone(),
                    error: attempt.error.clone(),
                })
                .collect(),
            event: json(&letter.event),
        });
        console.object(&DeadReport { dead_letters: lines.collect() });
        return Ok(Verdict::Yes);
    }
    if letters.is_empty() {
        console.line("no dead letters");
    }
    for letter in &letters {
        letter_lines(letter, console);
    }
    Ok(Verdict::Yes)
}

fn letter_lines(letter: &DeadLetter, console: &mut Console) {
    let event = &letter.event;
    console.line(format!("{}  {}  {}", letter.id(), event.change, shown(&event.subject)));
    let failed = words::count(letter.attempts.len() as u64, "attempt");
    let last = letter.attempts.last();
    let why = last.map_or_else(String::new, |last| {
        format!(", at last in {}: {}", last.component, last.error)
    });
    console.line(format!("    {failed}{}", shown(&why)));
}

/// Asks the running loop, or does it where none runs.
fn acts(
    act: &EventsAct,
    console: &mut Console,
    request: impl Fn(Uuid) -> Request,
) -> Result<Verdict, Failure> {
    let (diary, state) = diary(&act.selection, console)?;
    let known = DeadLetters::peek(&diary.dead_letters()).map_err(|error| unusable(&error))?;
    let mut requests = Vec::new();
    for id in &act.ids {
        requests.push(meant(id, &known, &request)?);
    }
    let status = super::status::read(&state);
    let runs = status.is_ok_and(|status| super::status::is_held_by(&state, status.pid));
    let done = if runs { ask(&diary, &requests)? } else { do_it(&diary, &state, &requests)? };
    if console.is_json() {
        console.object(&ActReport { asked: runs, done });
    } else {
        for line in &done {
            console.line(line);
        }
    }
    Ok(Verdict::Yes)
}

/// A dead letter by its id or the only beginning of it, or, to be replayed, events of the
/// log by their offsets, like `17` or `17..20`.
fn meant(
    text: &str,
    known: &[DeadLetter],
    request: &impl Fn(Uuid) -> Request,
) -> Result<Request, Failure> {
    let matching: Vec<Uuid> = known
        .iter()
        .map(DeadLetter::id)
        .filter(|id| text.len() >= 4 && id.to_string().starts_with(&text.to_ascii_lowercase()))
        .collect();
    match matching.as_slice() {
        [id] => return Ok(request(*id)),
        [_, _, ..] => {
            return Err(Failure::usage(
                format!("`{text}` is the beginning of {} dead letters", matching.len()),
                "give more of the id",
            ));
        }
        [] => {}
    }
    let offsets = match text.split_once("..") {
        Some((from, until)) => from.parse::<u64>().ok().zip(until.parse::<u64>().ok()),
        None => text.parse::<u64>().ok().map(|offset| (offset, offset.saturating_add(1))),
    };
    let is_replay = matches!(request(Uuid::nil()), Request::Replay { .. });
    match offsets {
        Some((from, until)) if is_replay && from < until => Ok(Request::Repeat { from, until }),
        _ => Err(Failure::usage(
            format!("there is no dead letter `{text}`"),
            "`evergen events dead` lists them with their ids",
        )),
    }
}

fn ask(diary: &Diary, requests: &[Request]) -> Result<Vec<String>, Failure> {
    for request in requests {
        let left = diary.requests().leave(request);
        left.map_err(|error| Failure::storage("asking the running loop", &error))?;
    }
    Ok(vec![format!(
        "the running loop was asked for {}",
        words::count(requests.len() as u64, "thing")
    )])
}

fn do_it(diary: &Diary, state: &Path, requests: &[Request]) -> Result<Vec<String>, Failure> {
    let lock =
        evergen_artifact::WriterLock::acquire(state, Some(std::time::Duration::from_secs(10)));
    let _lock = lock.map_err(|error| Failure::storage("locking the project", &error))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::storage("opening the log of events", &error))?;
    runtime.block_on(async {
        let (notifier, dead) = open_logs(diary, &mut Vec::new())?;
        let failed =
            |error: &dyn std::error::Error| Failure::storage("changing dead letters", error);
        let mut done = Vec::new();
        for request in requests {
            done.push(match request {
                Request::Replay { id } => {
                    let offset =
                        dead.replay(*id, &notifier).await.map_err(|error| failed(&error))?;
                    format!("dead letter {id} is event {offset} now")
                }
                Request::Drop { id } => {
                    dead.discard(*id).await.map_err(|error| failed(&error))?;
                    format!("dead letter {id} is dropped")
                }
                Request::Repeat { from, until } => {
                    repeat(&notifier, *from..*until).await.map_err(|why| {
                        Failure::usage(why, "`evergen events list` shows the offsets")
                    })?
                }
            });
        }
        Ok(done)
    })
}

/// Publishes events of the log anew.
pub(super) async fn repeat(
    notifier: &GraphChangeNotifier,
    offsets: Range<u64>,
) -> Result<String, String> {
    let mut events = Vec::new();
    let log = notifier.log();
    let mut next = offsets.start;
    while next < offsets.end {
        let room = usize::try_from(offsets.end - next).unwrap_or(BATCH).min(BATCH);
        let batch =
            log.read(Position::Offset(next), room).await.map_err(|error| error.to_string())?;
        let Some(last) = batch.last() else { break };
        next = last.offset + 1;
        // What is published anew is an event of its own.
        let again = batch.iter().map(|entry| {
            ChangeEvent::clone(&entry.event).with_id(Uuid::now_v7()).with_time(Timestamp::now())
        });
        events.extend(again);
    }
    if events.is_empty() {
        return Err(format!("there are no events from {} to {}", offsets.start, offsets.end));
    }
    let count = events.len() as u64;
    let published = notifier.publish_batch(events).await.map_err(|error| error.to_string())?;
    Ok(format!(
        "{} published anew as {}..{}",
        words::count(count, "event"),
        published.start,
        published.end
    ))
}
