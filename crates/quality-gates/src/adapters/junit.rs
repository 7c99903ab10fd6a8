//! The `JUnit` files of test runners.

use std::collections::HashSet;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::{Fault, Finding, Job, SubjectFile};

/// What ran, and what failed.
pub(super) struct Report {
    /// Tests that ran to their end: skipped ones do not count.
    pub(super) ran: u64,
    pub(super) findings: Vec<Finding>,
}

/// A failed test is placed in its file, where its case names one that is judged.
pub(super) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Report, Fault> {
    let wrong = |why: &dyn std::fmt::Display| Fault::unparsable("its JUnit file", why);
    let mut reader = Reader::from_reader(bytes);
    reader.config_mut().check_end_names = true;
    let mut report = Report { ran: 0, findings: Vec::new() };
    let (mut case, mut depth, mut is_skipped, mut buffer) =
        (String::new(), 0_usize, false, Vec::new());
    let judged: HashSet<&str> = job.files.iter().map(SubjectFile::path).collect();
    let (mut seen_root, mut file) = (false, None);
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(|error| wrong(&error))?;
        match event {
            Event::Start(ref tag) | Event::Empty(ref tag) => {
                let is_empty = matches!(event, Event::Empty(_));
                match tag.name().as_ref() {
                    b"testsuites" | b"testsuite" => seen_root = true,
                    b"testcase" => {
                        case = format!(
                            "{}::{}",
                            attribute(tag, b"classname"),
                            attribute(tag, b"name")
                        );
                        file = [b"file".as_slice(), b"classname"]
                            .into_iter()
                            .find_map(|name| judged.get(&*attribute(tag, name)).copied());
                        is_skipped = false;
                        report.ran += u64::from(is_empty);
                    }
                    b"skipped" => is_skipped = true,
                    b"failure" | b"error" => {
                        let message = format!("{case}: {}", attribute(tag, b"message"));
                        let finding = Finding::error("test", message);
                        report.findings.push(match file {
                            Some(file) => finding.in_file(file),
                            None => finding,
                        });
                    }
                    _ => {}
                }
                depth += usize::from(!is_empty);
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                if tag.name().as_ref() == b"testcase" && !is_skipped {
                    report.ran += 1;
                }
            }
            Event::Eof if depth == 0 && seen_root => return Ok(report),
            Event::Eof => return Err(wrong(&"it breaks off")),
            _ => {}
        }
    }
}

fn attribute(tag: &BytesStart<'_>, name: &[u8]) -> String {
    let found = tag.attributes().flatten().find(|one| one.key.as_ref() == name);
    found
        .and_then(|one| one.unescape_value().ok().map(std::borrow::Cow::into_owned))
        .unwrap_or_default()
}
