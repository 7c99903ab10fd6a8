use super::Parsed;
use super::xml::{self, Element};
use crate::{Coverage, Fault, Finding};

/// Reads suites of tests. What a suite claims is held against the cases that it names.
pub(super) fn read(what: &str, bytes: &[u8]) -> Result<Parsed, Fault> {
    let root = xml::parse(what, bytes)?;
    if !["testsuites", "testsuite"].contains(&root.name.as_str()) {
        return Err(Fault::unparsable(what, format!("<{}> is no suite of tests", root.name)));
    }
    for name in ["testsuites", "testsuite"] {
        for suite in root.all(name) {
            hold(what, suite)?;
        }
    }
    let mut findings = Vec::new();
    let mut ran = 0;
    for case in root.all("testcase") {
        let failure = failures(case).next();
        if failure.is_some() || case.children("skipped").next().is_none() {
            ran += 1;
        }
        findings.extend(failure.map(|failure| finding(case, failure)));
    }
    // A suite that broke down outside its cases, as while it was set up.
    for suite in root.all("testsuite") {
        findings.extend(failures(suite).map(|failure| finding(suite, failure)));
    }
    let coverage = Coverage::default().with_tests(ran);
    Ok(Parsed { findings, coverage, says_files: false })
}

fn failures(element: &Element) -> impl Iterator<Item = &Element> {
    element.children.iter().filter(|child| ["failure", "error"].contains(&child.name.as_str()))
}

fn hold(what: &str, suite: &Element) -> Result<(), Fault> {
    let cases = suite.all("testcase");
    let looked = cases.len() as u64;
    if let Some(asked) = suite.number::<u64>("tests").filter(|claimed| *claimed > looked) {
        return Err(Fault::Partial { what: "tests".to_owned(), looked, asked });
    }
    let claimed = |name: &str| suite.number::<u64>(name).unwrap_or(0);
    let claimed = claimed("failures").saturating_add(claimed("errors"));
    let broken = suite.all("testsuite").into_iter().map(|suite| failures(suite).count());
    let failed = cases.iter().filter(|case| failures(case).next().is_some()).count();
    if claimed > 0 && failed + broken.sum::<usize>() == 0 {
        let said = format!("a suite claims {claimed} failure(s) and names none");
        return Err(Fault::unparsable(what, said));
    }
    Ok(())
}

fn finding(element: &Element, failure: &Element) -> Finding {
    let test = match (element.attribute("classname"), element.attribute("name")) {
        (Some(class), Some(name)) if !class.is_empty() => format!("{class}::{name}"),
        (_, name) => name.unwrap_or("a test without a name").to_owned(),
    };
    let said = failure.attribute("message").filter(|message| !message.trim().is_empty());
    let first = || failure.text.trim().lines().next();
    let said = said.or_else(first).unwrap_or("failed").trim();
    let finding = Finding::error(format!("test_{}", failure.name), format!("{test}: {said}"));
    let finding = match element.attribute("file") {
        Some(file) if !file.is_empty() => finding.in_file(file),
        _ => return finding,
    };
    match element.number("line") {
        Some(line) => finding.at_line(line),
        None => finding,
    }
}
