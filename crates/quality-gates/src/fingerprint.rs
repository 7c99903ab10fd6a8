use std::collections::HashMap;

use evergen_artifact::Digest;

use crate::{Finding, Region, Subject};

/// How many lines of a long region count.
const LINES: usize = 5;

/// How many hexadecimal digits a fingerprint has: 128 bits.
const DIGITS: usize = 32;

/// Sorts findings and gives each its fingerprint.
///
/// The fingerprint is made of the rule, the file as [`Subject::named`] has it, and the text of the lines concerned, without
/// their blanks, and counts occurrences of the same. So it stays when lines above are added,
/// removed or indented, and no two findings of a gate have the same. Blocks where the subject is
/// a folder on disk.
pub fn seal(findings: &mut [Finding], subject: &Subject) {
    arrange(findings);
    let mut texts: HashMap<String, Option<String>> = HashMap::new();
    let mut occurrences: HashMap<String, u32> = HashMap::new();
    for finding in findings {
        let text = finding.file.as_ref().and_then(|file| {
            texts.entry(file.clone()).or_insert_with(|| text_of(subject, file)).as_deref()
        });
        let context = match (text, finding.region) {
            (Some(text), Some(region)) => lines_of(text, region),
            // Without a place, the message is all that tells findings apart.
            _ => finding.message.clone(),
        };
        // What is no file's is the whole tree's: of two trees it is not the same.
        let file = subject.named(finding.file.as_deref().unwrap_or_default());
        let base = format!("{}\0{file}\0{context}", finding.rule);
        let counter = occurrences.entry(base.clone()).or_default();
        let mut digest = Digest::of(format!("{base}\0{counter}").as_bytes()).to_string();
        digest.truncate(DIGITS);
        *counter += 1;
        finding.fingerprint = digest;
    }
}

/// Sorts findings by their places.
pub(crate) fn arrange(findings: &mut [Finding]) {
    findings.sort_by(|left, right| {
        let places = left.file.cmp(&right.file).then_with(|| left.region.cmp(&right.region));
        places.then_with(|| left.cmp(right))
    });
}

fn text_of(subject: &Subject, file: &str) -> Option<String> {
    let bytes = subject.get(file).ok()??.bytes().ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn lines_of(text: &str, region: Region) -> String {
    let first = usize::try_from(region.line).unwrap_or(usize::MAX).saturating_sub(1);
    let last = region.end_line.unwrap_or(region.line);
    let count = usize::try_from(last.saturating_sub(region.line)).unwrap_or(0) + 1;
    let lines = text.lines().skip(first).take(count.min(LINES));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fingerprints(text: &str, lines: &[u32]) -> Vec<String> {
        let subject = Subject::of_files([("a.py", text.as_bytes())]);
        let found = |line: &u32| Finding::error("F401", "unused").in_file("a.py").at_line(*line);
        let mut findings: Vec<Finding> = lines.iter().map(found).collect();
        seal(&mut findings, &subject);
        findings.into_iter().map(|finding| finding.fingerprint).collect()
    }

    proptest! {
        #[test]
        fn lines_elsewhere_and_indents_do_not_matter(
            above in proptest::collection::vec("[a-z ]{0,9}", 0..6),
            indent in "[ \t]{0,8}",
        ) {
            let before = fingerprints("one\nimport os\ntwo\nimport os\n", &[2, 4]);
            prop_assert_ne!(&before[0], &before[1]);
            let top: String = above.iter().flat_map(|line| [line, "\n"]).collect();
            let text = format!("{top}one\n{indent}import os\ntwo\nnew\nimport  os\n");
            let shift = u32::try_from(above.len()).unwrap();
            prop_assert_eq!(before, fingerprints(&text, &[2 + shift, 5 + shift]));
        }
    }

    #[test]
    fn a_finding_has_one_fingerprint_wherever_somebody_stands() {
        let print = |place: &str, file: &str| {
            let subject = Subject::of_files([(file, b"import os\n".to_vec())]).placed(place);
            let mut found = [Finding::error("F401", "unused").in_file(file).at_line(1)];
            seal(&mut found, &subject);
            found[0].fingerprint.clone()
        };
        assert_eq!(print("src/a", "b.py"), print("", "src/a/b.py"));
        assert_eq!(print("/src/", "a/b.py"), print("", "src/a/b.py"));
        assert_ne!(print("", "b.py"), print("", "src/a/b.py"));
        let whole = |place: &str| {
            let mut found = [Finding::error("test", "`t` failed")];
            seal(&mut found, &Subject::of_files([("b.py", b"".to_vec())]).placed(place));
            found[0].fingerprint.clone()
        };
        assert_ne!(whole("src/a"), whole("src/b"), "a test of another tree");
    }

    #[test]
    fn another_text_rule_or_file_is_another_finding() {
        let one = fingerprints("import os\n", &[1]);
        assert_ne!(one, fingerprints("import re\n", &[1]));
        assert_eq!(one[0].len(), DIGITS);
        assert_eq!(fingerprints("", &[9, 9]).len(), 2, "a line that is not there does no harm");
    }
}
