use std::collections::BTreeMap;

use super::xml::{self, Element};
use super::{Parsed, line_coverage};
use crate::Fault;

/// Reads Cobertura's report. Lines are counted once for each file, however many classes and
/// methods name them.
pub(super) fn read(what: &str, bytes: &[u8]) -> Result<Parsed, Fault> {
    let root = xml::parse(what, bytes)?;
    if root.name != "coverage" {
        return Err(Fault::unparsable(what, format!("<{}> is no coverage", root.name)));
    }
    let mut files: BTreeMap<&str, BTreeMap<u32, bool>> = BTreeMap::new();
    for class in root.all("class") {
        let Some(file) = class.attribute("filename") else {
            return Err(Fault::unparsable(what, "a class has no file"));
        };
        let lines = files.entry(file).or_default();
        for line in class.all("line") {
            let (number, hits) = hits(line).ok_or_else(|| {
                Fault::unparsable(what, format!("a line of {file} has no number or no hits"))
            })?;
            *lines.entry(number).or_default() |= hits > 0;
        }
    }
    if files.is_empty() {
        return Err(Fault::EmptyScope { what: format!("{what} names no file") });
    }
    let found: usize = files.values().map(BTreeMap::len).sum();
    let hit = files.values().flat_map(BTreeMap::values).filter(|hit| **hit).count();
    line_coverage(what, files.len() as u64, hit as u64, found as u64)
}

fn hits(line: &Element) -> Option<(u32, i128)> {
    Some((line.number("number")?, line.number("hits")?))
}
