//! Entry points for fuzzing: whatever they are given, they must not panic.

use std::path::Path;

use crate::journal;
use crate::record::{FileHead, Kind, Place, Window, payload, scan};
use crate::{ChangeEvent, dead_letters, segment};

/// Reads a segment: each event of it, or where it is torn or damaged.
pub fn segment(bytes: &[u8]) {
    let Ok(head) = FileHead::decode(bytes) else { return };
    let mut window = Window::new(bytes);
    let mut records = Vec::new();
    let scanned = scan(&mut window, Place::first(&head), |place, record| {
        records.push((place.position, *record));
    });
    let end = scanned.ok().map(|end| end.place.position);
    for (position, record) in records {
        assert!(end.is_some_and(|end| position + record.size() <= end));
        if let Ok(json) = payload(&mut window, position, &record) {
            let _ = ChangeEvent::from_json(json);
        }
    }
}

/// Reads the journal of consumers, and that of dead letters.
pub fn journals(bytes: &[u8]) {
    let path = Path::new("fuzz");
    if let Ok(contents) = journal::parse(path, Kind::Cursors, bytes) {
        segment::parse_cursors(path, &contents);
    }
    dead_letters::parse(bytes);
}

/// Reads an event; one that is read is written and read again as the same.
pub fn event(json: &[u8]) {
    if let Ok(event) = ChangeEvent::from_json(json) {
        let again = ChangeEvent::from_json(&event.to_json());
        assert!(again.is_ok_and(|again| again == event));
    }
}
