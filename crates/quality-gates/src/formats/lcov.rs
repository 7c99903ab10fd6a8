use std::collections::BTreeMap;

use super::{Parsed, line_coverage, utf8};
use crate::Fault;

/// A file's lines: those that are named, and what is claimed in sum.
#[derive(Default)]
struct Record {
    lines: BTreeMap<u32, bool>,
    claimed: (u64, u64),
}

/// Reads tracefiles of lcov. Records of one file, as of several tests, are taken together.
pub(super) fn read(what: &str, bytes: &[u8]) -> Result<Parsed, Fault> {
    let mut records: BTreeMap<&str, Record> = BTreeMap::new();
    let mut current: Option<&str> = None;
    for (index, line) in utf8(what, bytes)?.lines().enumerate() {
        let line = line.trim();
        let wrong =
            |why: &str| Fault::unparsable(what, format!("line {}: {why}: {line:?}", index + 1));
        match (line.split_once(':'), current) {
            (None, _) if line.is_empty() || line.starts_with('#') => {}
            (None, Some(_)) if line == "end_of_record" => current = None,
            (Some(("SF", file)), None) => {
                records.entry(file).or_default();
                current = Some(file);
            }
            (Some(("TN", _)), None) => {}
            (Some((tag, value)), Some(file)) if is_tag(tag) && tag != "SF" => {
                let record = records.entry(file).or_default();
                note(record, tag, value).ok_or_else(|| wrong("a number is wrong"))?;
            }
            _ => return Err(wrong("this does not belong here")),
        }
    }
    if let Some(file) = current {
        return Err(Fault::unparsable(what, format!("it ends inside the record of {file}")));
    }
    if records.is_empty() {
        return Err(Fault::EmptyScope { what: format!("{what} names no file") });
    }
    let (mut hit, mut found) = (0u64, 0u64);
    for record in records.values() {
        let (record_hit, record_found) = record.sum();
        hit = hit.saturating_add(record_hit);
        found = found.saturating_add(record_found);
    }
    line_coverage(what, records.len() as u64, hit, found)
}

fn is_tag(tag: &str) -> bool {
    !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn note(record: &mut Record, tag: &str, value: &str) -> Option<()> {
    match tag {
        "DA" => {
            let mut parts = value.split(',');
            let line: u32 = parts.next()?.trim().parse().ok()?;
            // Some compilers count below zero when counters overflow.
            let count: i128 = parts.next()?.trim().parse().ok()?;
            *record.lines.entry(line).or_default() |= count > 0;
        }
        "LF" => record.claimed.1 = value.trim().parse().ok()?,
        "LH" => record.claimed.0 = value.trim().parse().ok()?,
        _ => {}
    }
    Some(())
}

impl Record {
    /// Lines hit and lines found. Single lines are believed rather than sums.
    fn sum(&self) -> (u64, u64) {
        if self.lines.is_empty() {
            return self.claimed;
        }
        let hit = self.lines.values().filter(|hit| **hit).count();
        (hit as u64, self.lines.len() as u64)
    }
}
