use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};

use super::{Declared, FixClass, Healer, HealerInfo, Proposal};
use crate::{Edit, Fault, Finding, Fix, Region, Subject};

/// Applies the fixes that findings bring with them.
#[derive(Debug)]
pub struct FindingFixes {
    info: HealerInfo,
}

impl FindingFixes {
    /// Only fixes that their tools call safe.
    pub fn safe() -> Self {
        Self { info: HealerInfo::new("fixes of findings", FixClass::Lint) }
    }

    /// Fixes that may change what the code does, too.
    pub fn all() -> Self {
        let info = HealerInfo::new("fixes of findings, unsafe ones too", FixClass::Lint);
        Self { info: info.unsafely() }
    }
}

impl Healer for FindingFixes {
    fn info(&self) -> &HealerInfo {
        &self.info
    }

    fn heals(&self, _: &str, finding: &Finding) -> bool {
        let usable = |fix: &Fix| !fix.edits.is_empty() && (fix.safe || !self.info.safe);
        finding.fix.as_ref().is_some_and(usable)
    }

    fn propose<'a>(
        &'a self,
        subject: &'a Subject,
        findings: &'a [Finding],
    ) -> BoxFuture<'a, Result<Proposal, Fault>> {
        async move { apply(subject, findings.iter().filter(|it| self.heals("", it))) }.boxed()
    }
}

#[derive(Default)]
struct File {
    /// Whether it begins with a byte order mark, of which no tool's columns know.
    is_marked: bool,
    text: String,
    edits: Vec<(Range<usize>, String)>,
}

/// Applies what can be applied together; a fix that overlaps an earlier one waits for the next
/// round.
fn apply<'a>(
    subject: &Subject,
    findings: impl Iterator<Item = &'a Finding>,
) -> Result<Proposal, Fault> {
    let mut files: BTreeMap<&str, File> = BTreeMap::new();
    let mut proposal = Proposal::default();
    for finding in findings {
        let Some(fix) = &finding.fix else { continue };
        for edit in &fix.edits {
            if !files.contains_key(edit.file.as_str()) {
                files.insert(&edit.file, File::of(text_of(subject, &edit.file)?));
            }
        }
        let Some(ranges) = ranges(&files, &fix.edits) else { continue };
        for (edit, range) in fix.edits.iter().zip(ranges) {
            if let Some(file) = files.get_mut(edit.file.as_str()) {
                file.edits.push((range, edit.text.clone()));
            }
            let region = Region::between(edit.start, edit.end);
            proposal.declared.push(Declared::Lines(edit.file.clone(), region));
        }
        proposal.heals.push(finding.fingerprint.clone());
    }
    for (path, file) in files {
        proposal.files.push((path.to_owned(), Arc::from(file.edited().into_bytes())));
    }
    Ok(proposal)
}

fn text_of(subject: &Subject, path: &str) -> Result<String, Fault> {
    let wrong = |why: &str| Fault::unparsable(format!("the fix of {path}"), why);
    let file = subject.get(path)?.ok_or_else(|| wrong("there is no such file"))?;
    file.text()?.ok_or_else(|| wrong("the file is no text"))
}

/// Where all edits of one fix go; nothing where one of them goes nowhere, or where another edit
/// is there already.
fn ranges(files: &BTreeMap<&str, File>, edits: &[Edit]) -> Option<Vec<Range<usize>>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (index, edit) in edits.iter().enumerate() {
        let file = files.get(edit.file.as_str())?;
        let range = edit.start.offset_in(&file.text)?..edit.end.offset_in(&file.text)?;
        let own = edits[..index].iter().zip(&ranges).filter(|(it, _)| it.file == edit.file);
        let mut others = file.edits.iter().map(|(range, _)| range);
        let is_taken = others.any(|other| overlap(other, &range))
            || own.map(|(_, it)| it).any(|other| overlap(other, &range) && !adjoin(other, &range));
        if range.start > range.end || is_taken {
            return None;
        }
        ranges.push(range);
    }
    Some(ranges)
}

/// Ranges that touch count too, since their order would not be known.
fn overlap(left: &Range<usize>, right: &Range<usize>) -> bool {
    left.start <= right.end && right.start <= left.end
}

/// Two replacements, of which one begins where the other ends: in one fix they have an order.
fn adjoin(left: &Range<usize>, right: &Range<usize>) -> bool {
    let touch = left.end == right.start || right.end == left.start;
    touch && !left.is_empty() && !right.is_empty()
}

/// The byte order mark.
const MARK: char = '\u{feff}';

impl File {
    fn of(text: String) -> Self {
        match text.strip_prefix(MARK) {
            Some(rest) => Self { is_marked: true, text: rest.to_owned(), edits: Vec::new() },
            None => Self { is_marked: false, text, edits: Vec::new() },
        }
    }

    fn edited(mut self) -> String {
        self.edits.sort_by_key(|(range, _)| range.start);
        for (range, text) in self.edits.iter().rev() {
            self.text.replace_range(range.clone(), text);
        }
        if self.is_marked {
            self.text.insert(0, MARK);
        }
        self.text
    }
}
