use std::fmt::Write as _;

use super::Presentation;
use crate::{Finding, GateResult, Outcome, Standing};

/// One case of a suite.
struct Case {
    name: String,
    file: Option<String>,
    line: Option<u32>,
    verdict: Verdict,
}

enum Verdict {
    Passed,
    Failed { kind: String, message: String, text: String },
    Broken { kind: String, message: String, text: String },
    Skipped { message: String },
}

pub(super) fn render(presentation: &Presentation<'_>) -> String {
    let mut suites: Vec<(String, Vec<Case>, u64)> = presentation
        .report
        .gates
        .iter()
        .map(|result| (result.gate.clone(), cases(result), result.duration_us))
        .collect();
    let problems = presentation.report.problems.iter().map(|problem| Case {
        name: problem.kind().to_owned(),
        file: None,
        line: None,
        verdict: failed(problem.kind(), &problem.to_string(), &problem.advice()),
    });
    suites.extend(presentation.report.left_out.iter().map(|left| {
        let verdict = Verdict::Skipped { message: format!("not asked: {}", left.why) };
        let case = Case { name: "verdict".to_owned(), file: None, line: None, verdict };
        (left.gate.clone(), vec![case], 0)
    }));
    let problems: Vec<Case> = problems.collect();
    if !problems.is_empty() {
        suites.push(("policy".to_owned(), problems, 0));
    }
    let all = || suites.iter().flat_map(|(_, cases, _)| cases);
    let time: u64 = suites.iter().map(|(_, _, time)| time).sum();
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let counts = counts(all());
    let _ = writeln!(
        text,
        "<testsuites name=\"evergen gates\"{counts}{}>",
        seconds(presentation, time)
    );
    for (name, cases, time) in &suites {
        suite(&mut text, presentation, name, cases, *time);
    }
    text.push_str("</testsuites>\n");
    text
}

fn suite(
    text: &mut String,
    presentation: &Presentation<'_>,
    name: &str,
    cases: &[Case],
    time: u64,
) {
    let (counts, seconds) = (counts(cases.iter()), seconds(presentation, time));
    let _ = writeln!(text, "  <testsuite name=\"{}\"{counts}{seconds}>", escaped(name));
    for case in cases {
        let place = case.file.as_ref().map_or(String::new(), |file| {
            let line = case.line.map_or(String::new(), |line| format!(" line=\"{line}\""));
            format!(" file=\"{}\"{line}", escaped(file))
        });
        let (case_name, suite_name) = (escaped(&case.name), escaped(name));
        let head = format!("    <testcase classname=\"{suite_name}\" name=\"{case_name}\"{place}");
        let inner = match &case.verdict {
            Verdict::Passed => {
                let _ = writeln!(text, "{head}/>");
                continue;
            }
            Verdict::Failed { kind, message, text } => element("failure", kind, message, text),
            Verdict::Broken { kind, message, text } => element("error", kind, message, text),
            Verdict::Skipped { message } => format!("<skipped message=\"{}\"/>", escaped(message)),
        };
        let _ = writeln!(text, "{head}>\n      {inner}\n    </testcase>");
    }
    text.push_str("  </testsuite>\n");
}

/// The gate's own verdict, then a case for each finding.
fn cases(result: &GateResult) -> Vec<Case> {
    let reasons = result.reasons.join("; ");
    let verdict = match &result.outcome {
        Outcome::NotApplicable => Verdict::Skipped { message: "not applicable".to_owned() },
        Outcome::Error(fault) => Verdict::Broken {
            kind: fault.kind().to_owned(),
            message: fault.to_string(),
            text: fault.advice(),
        },
        _ if result.passed => Verdict::Passed,
        _ => failed("verdict", &reasons, ""),
    };
    let name = "verdict".to_owned();
    let mut cases = vec![Case { name, file: None, line: None, verdict }];
    cases.extend(result.judged().map(|(finding, standing)| case(result, finding, standing)));
    cases
}

fn case(result: &GateResult, finding: &Finding, standing: &Standing) -> Case {
    let place = match (&finding.file, finding.line()) {
        (Some(file), Some(line)) => format!(" {file}:{line}"),
        (Some(file), None) => format!(" {file}"),
        (None, _) => String::new(),
    };
    let verdict = match standing {
        Standing::Waived { owner, reason, expires } => {
            Verdict::Skipped { message: format!("waived by {owner} until {expires}: {reason}") }
        }
        Standing::Known => Verdict::Skipped { message: "in the baseline".to_owned() },
        Standing::Counts if result.passed => {
            Verdict::Skipped { message: format!("borne: {}", finding.message) }
        }
        Standing::Counts => {
            failed(finding.severity.as_str(), &finding.message, &finding.to_string())
        }
    };
    let name = format!("{}{place}", finding.rule);
    Case { name, file: finding.file.clone(), line: finding.line(), verdict }
}

fn failed(kind: &str, message: &str, text: &str) -> Verdict {
    let [kind, message, text] = [kind, message, text].map(str::to_owned);
    Verdict::Failed { kind, message, text }
}

fn element(name: &str, kind: &str, message: &str, text: &str) -> String {
    let head = format!("<{name} type=\"{}\" message=\"{}\"", escaped(kind), escaped(message));
    if text.is_empty() { format!("{head}/>") } else { format!("{head}>{}</{name}>", escaped(text)) }
}

fn counts<'a>(cases: impl Iterator<Item = &'a Case>) -> String {
    let [mut tests, mut failures, mut errors, mut skipped] = [0u64; 4];
    for case in cases {
        tests += 1;
        match case.verdict {
            Verdict::Passed => {}
            Verdict::Failed { .. } => failures += 1,
            Verdict::Broken { .. } => errors += 1,
            Verdict::Skipped { .. } => skipped += 1,
        }
    }
    format!(" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
}

fn seconds(presentation: &Presentation<'_>, us: u64) -> String {
    if presentation.timings {
        format!(" time=\"{}.{:06}\"", us / 1_000_000, us % 1_000_000)
    } else {
        String::new()
    }
}

/// Text as XML 1.0 can hold it, in an element or in an attribute.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(shown, "&#{};", u32::from(character));
            }
            // No XML document has these, not even as references.
            '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => shown.push('\u{fffd}'),
            _ => shown.push(character),
        }
    }
    shown
}
