//! Opening a log that may have been left at any instant.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::cursors::{self, Consumers, Cursors};
use super::files::{Segment, list};
use super::{SegmentSettings, read};
use crate::disk::{Disk, wipe};
use crate::journal::{self, check_tail};
use crate::record::{End, FILE_HEAD, FileHead, Kind, Place, Window, scan};
use crate::{Bounds, Damage, LogEntry, OpenError, ReadError, TornTail};

/// A log as it was found, and mended.
pub(super) struct Found {
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) bounds: Bounds,
    pub(super) place: Place,
    pub(super) room: u64,
    pub(super) newest: i64,
    pub(super) consumers: Consumers,
    pub(super) cursors: Cursors,
    pub(super) recent: Vec<LogEntry>,
    pub(super) torn: Vec<TornTail>,
}

/// Takes the right to write, in a folder that is made if need be. It ends with the file, and so
/// with the process.
pub(crate) fn lock(disk: &dyn Disk, folder: &Path) -> Result<File, OpenError> {
    make(disk, folder)?;
    let path = folder.join("lock");
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(OpenError::at(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::Error(source)) => return Err(OpenError::System { path, source }),
        Err(fs::TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder = holder.trim().parse::<u32>().ok().map(|pid| format!("process {pid}"));
            return Err(OpenError::Locked { path, holder });
        }
    }
    // For people; that it can't be written is no reason not to work.
    let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(file)
}

/// Makes a folder and those above it, and flushes the name of each: else the power could take a
/// whole log whose every event was flushed.
fn make(disk: &dyn Disk, folder: &Path) -> Result<(), OpenError> {
    let missing = folder.ancestors().take_while(|above| {
        let named = !above.as_os_str().is_empty();
        named && !above.exists()
    });
    let missing: Vec<&Path> = missing.collect();
    fs::create_dir_all(folder).map_err(OpenError::at(folder))?;
    for made in missing.into_iter().rev() {
        let above = made.parent().filter(|above| !above.as_os_str().is_empty());
        let above = above.unwrap_or(Path::new("."));
        disk.sync_folder(above).map_err(OpenError::at(above))?;
    }
    Ok(())
}

/// Finds out where the log begins and ends, and cuts off what was torn.
pub(super) fn open(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    settings: &SegmentSettings,
) -> Result<Found, OpenError> {
    clear(folder)?;
    let mut segments = segments(folder, true)?;
    if segments.is_empty() {
        let created = Timestamp::now().as_microsecond();
        let head = FileHead { kind: Kind::Events, base: 0, created };
        let made = Segment::create(&**disk, folder, head, settings.segment_bytes);
        segments.push(Arc::new(made.map_err(|failure| failure.into_open_error(folder))?));
    }
    let cursor_path = folder.join(cursors::FILE);
    let contents = journal::read(&cursor_path, Kind::Cursors)?;
    let (end, room) = mend(&**disk, &segments)?;
    let active = segments.last().map(|segment| &segment.path);
    let torn_events = active.map_or(Ok(None), |path| check_tail(path, &end))?;
    let bounds = bounds(&segments, &end);
    let consumers = cursors::replay(&cursor_path, &contents)?;
    check_cursors(&cursor_path, &consumers, bounds)?;
    let torn: Vec<_> = torn_events.into_iter().chain(contents.torn).collect();
    torn.iter().for_each(TornTail::warn);
    let opened = Cursors::create(Arc::clone(disk), folder, &consumers);
    let cursors = opened.map_err(|failure| failure.into_open_error(&cursor_path))?;
    let begun = segments.last().map_or(0, |segment| segment.head.created);
    Ok(Found {
        recent: recent(&segments, bounds, settings.cache_events)?,
        segments,
        bounds,
        place: end.place,
        room,
        newest: end.newest.unwrap_or(begun).max(begun),
        consumers,
        cursors,
        torn,
    })
}

/// Removes what was being made when the process ended.
fn clear(folder: &Path) -> Result<(), OpenError> {
    for entry in fs::read_dir(folder).map_err(OpenError::at(folder))? {
        let path = entry.map_err(OpenError::at(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "new") {
            fs::remove_file(&path).map_err(OpenError::at(&path))?;
        }
    }
    Ok(())
}

/// Opens all segments.
pub(super) fn segments(folder: &Path, write: bool) -> Result<Vec<Arc<Segment>>, OpenError> {
    let open = |(base, path): (u64, PathBuf)| Segment::open(path, base, write).map(Arc::new);
    list(folder)?.into_iter().map(open).collect()
}

/// Where the log begins and ends.
pub(super) fn bounds(segments: &[Arc<Segment>], end: &End) -> Bounds {
    let first = segments.first().map_or(end.place.offset, |segment| segment.head.base);
    Bounds { first, end: end.place.offset }
}

/// Goes through the last segment, the only one that can have been left unfinished.
pub(super) fn find_end(segment: &Segment) -> Result<End, OpenError> {
    let mut window = Window::new(&segment.file);
    scan(&mut window, Place::first(&segment.head), |place, _| segment.mark(place))
        .map_err(OpenError::at(&segment.path))
}

/// Cuts off a torn tail, and makes sure that what is before it is on the medium. Gives the end
/// of the log, and how many bytes the last segment has room for.
fn mend(disk: &dyn Disk, segments: &[Arc<Segment>]) -> Result<(End, u64), OpenError> {
    let Some(segment) = segments.last() else {
        let place = Place { position: FILE_HEAD as u64, offset: 0, previous: 0 };
        let tail = crate::record::Tail::Clean;
        return Ok((End { place, last_group: place, newest: None, tail }, 0));
    };
    let end = find_end(segment)?;
    let failed = || OpenError::at(&segment.path);
    if let Some(torn) = check_tail(&segment.path, &end)? {
        wipe(disk, &segment.file, torn.position, torn.position + torn.bytes).map_err(failed())?;
    }
    // The group may have been written, and its flush have failed: then it is only in the
    // memory of the system, which takes it for flushed. Writing it again makes it new.
    let (from, until) = (end.last_group.position, end.place.position);
    let size = usize::try_from(until - from).unwrap_or(0);
    let mut window = Window::new(&segment.file);
    let group = window.at(from, size).map_err(failed())?;
    let group = group.get(..size).unwrap_or_default();
    disk.write_at(&segment.file, group, from).map_err(failed())?;
    disk.sync(&segment.file).map_err(failed())?;
    let room = segment.file.metadata().map_err(failed())?.len();
    Ok((end, room.max(until)))
}

/// A consumer can't have acknowledged what was never there.
fn check_cursors(path: &Path, consumers: &Consumers, bounds: Bounds) -> Result<(), Box<Damage>> {
    for (name, known) in consumers {
        let last = known.above().end().unwrap_or(0).max(known.low());
        if last > bounds.end {
            let end = bounds.end;
            let fault = format!("consumer `{name}` has come to {last}, and the log to {end} only");
            return Err(Box::new(Damage::new(path.to_owned(), 0, end, fault)));
        }
    }
    Ok(())
}

/// The newest events of the last segment, for those who ask for the history.
fn recent(
    segments: &[Arc<Segment>],
    bounds: Bounds,
    wanted: usize,
) -> Result<Vec<LogEntry>, OpenError> {
    let Some(active) = segments.last() else { return Ok(Vec::new()) };
    let wanted = wanted.min(1024);
    let from = bounds.end.saturating_sub(wanted as u64).max(active.head.base);
    let mut entries = Vec::new();
    while from + (entries.len() as u64) < bounds.end {
        let next = from + entries.len() as u64;
        let read = read::read(segments, bounds, next, wanted).map_err(|error| match error {
            ReadError::Damaged(damage) => OpenError::Damaged(damage),
            other => OpenError::at(&active.path)(std::io::Error::other(other)),
        })?;
        entries.extend(read);
    }
    Ok(entries)
}
