use std::fmt::Write as _;

use super::excerpt::excerpt;
use super::{Presentation, counted, plain};
use crate::{Coverage, Finding, GateReport, GateResult, Looker, Outcome, PolicyProblem, Standing};

pub(super) fn render(presentation: &Presentation<'_>) -> String {
    let report = presentation.report;
    let mut text = String::new();
    for result in &report.gates {
        gate(&mut text, presentation, result);
    }
    for left in &report.left_out {
        line(&mut text, "", &format!("{}: not asked: {}", left.gate, left.why));
    }
    let problems: Vec<&PolicyProblem> =
        report.problems.iter().filter(|problem| !is_idle(problem)).collect();
    for problem in &problems {
        line(&mut text, "", &format!("policy: {problem}"));
        line(&mut text, "  ", &format!("to do: {}", problem.advice()));
    }
    line(&mut text, "", &closing(report, problems.len() as u64));
    text
}

/// Whether somebody is missed who would have looked.
fn is_idle(problem: &PolicyProblem) -> bool {
    matches!(problem, PolicyProblem::NothingJudged { .. })
}

/// The verdict, or that there is none: where nobody looked, nothing passed.
fn closing(report: &GateReport, problems: u64) -> String {
    let idle = report.problems.iter().find(|problem| is_idle(problem)).map(ToString::to_string);
    let is_judged = report.is_judged();
    let is_business = |result: &&GateResult| result.outcome != Outcome::NotApplicable;
    let judged = report.gates.iter().filter(is_business).count() as u64;
    let mut closing = match (is_judged, &idle) {
        (true, _) => {
            let verdict = if report.overall_passed { "passed" } else { "failed" };
            format!("{verdict}: {}", counted(judged, "gate"))
        }
        (false, Some(why)) => format!("nothing was judged: {why}"),
        (false, None) if report.gates.is_empty() => {
            "nothing was judged: no gate was asked".to_owned()
        }
        (false, None) => "nothing was judged: this means nothing to the gates".to_owned(),
    };
    let failed = report.gates.iter().filter(|result| !result.passed).count() as u64;
    if failed > 0 {
        let _ = write!(closing, ", {failed} of them failed");
    }
    let others = report.gates.len() as u64 - judged;
    if is_judged && others > 0 {
        let _ = write!(closing, ", {others} not applicable");
    }
    if is_judged && !report.left_out.is_empty() {
        let _ = write!(closing, ", {} not asked", report.left_out.len());
    }
    if problems > 0 {
        let _ = write!(closing, ", {} with the policy", counted(problems, "problem"));
    }
    if is_judged {
        let _ = write!(closing, ", score {:.2}", floor(report.overall_score));
        closing.extend(idle.map(|why| format!("; {why}")));
    }
    closing
}

fn gate(text: &mut String, presentation: &Presentation<'_>, result: &GateResult) {
    let mut head = format!("{}: {}", result.gate, verdict(result));
    let coverage = result.outcome.coverage();
    let mut facts: Vec<String> = coverage.map(counts).unwrap_or_default();
    if let Some(score) = result.score {
        facts.push(format!("score {:.2}", floor(score)));
    }
    if presentation.timings && result.outcome != Outcome::NotApplicable {
        facts.push(duration(result.duration_us));
    }
    if !facts.is_empty() {
        let _ = write!(head, " ({})", facts.join(", "));
    }
    line(text, "", &head);
    if let Outcome::Error(fault) = &result.outcome {
        line(text, "  ", &format!("to do: {}", fault.advice()));
    }
    if let Some(coverage) = coverage.filter(|_| presentation.details) {
        line(text, "  ", &looked_at(coverage));
    }
    for note in &result.notes {
        line(text, "  ", &format!("note: {note}"));
    }
    let mut silent = [0u64; 2];
    for (found, standing) in result.judged() {
        match standing {
            Standing::Known => silent[0] += 1,
            Standing::Waived { .. } => silent[1] += 1,
            Standing::Counts => finding(text, presentation, found),
        }
    }
    for (count, why) in silent.into_iter().zip(["in the baseline", "waived"]) {
        if count > 0 {
            line(text, "  ", &format!("{} {why}", counted(count, "finding")));
        }
    }
}

fn verdict(result: &GateResult) -> String {
    match &result.outcome {
        Outcome::NotApplicable => "not applicable".to_owned(),
        _ if result.passed => "passed".to_owned(),
        _ => format!("failed: {}", result.reasons.join("; ")),
    }
}

/// How many files and tests were looked at.
fn counts(coverage: &Coverage) -> Vec<String> {
    let counts = [(coverage.files, "file"), (coverage.tests, "test")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, thing)| counted(count, thing)).collect()
}

fn looked_at(coverage: &Coverage) -> String {
    let mut parts = counts(coverage);
    parts.extend(Some(coverage.lines).filter(|it| *it > 0).map(|it| counted(it, "line")));
    let measures = coverage.measures.iter();
    parts.extend(measures.map(|(name, value)| format!("{name} {value:.2}")));
    let mut text = format!("looked at {}", parts.join(", "));
    if parts.is_empty() {
        "nobody said what was looked at".clone_into(&mut text);
    }
    if !coverage.by.is_empty() {
        let by: Vec<String> = coverage.by.iter().map(looker).collect();
        let _ = write!(text, ", by {}", by.join(", "));
    }
    text
}

fn looker(looker: &Looker) -> String {
    let mut text = looker.name.clone();
    if !looker.version.is_empty() {
        let _ = write!(text, " {}", looker.version);
    }
    if !looker.blind_to.is_empty() {
        let _ = write!(text, " ({})", looker.blind_to);
    }
    text
}

fn finding(text: &mut String, presentation: &Presentation<'_>, finding: &Finding) {
    line(text, "  ", &finding.to_string());
    let source = presentation.sources.zip(finding.file.as_deref()).and_then(|(sources, file)| {
        let file = file.strip_prefix(sources.place())?;
        let bytes = sources.get(file).ok()??.bytes().ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    });
    if let Some(shown) =
        source.zip(finding.region).and_then(|(source, region)| excerpt(&source, region, "    "))
    {
        text.push_str(&shown);
    }
    if let Some(fix) = &finding.fix {
        let safe = if fix.safe { "" } else { " (may change what the code does)" };
        line(text, "    ", &format!("= fix: {}{safe}", fix.description));
    }
    if let Some(url) = &finding.help_url {
        line(text, "    ", &format!("= help: {url}"));
    }
    if presentation.details && !finding.fingerprint.is_empty() {
        line(text, "    ", &format!("= fingerprint: {}", finding.fingerprint));
    }
}

/// Adds a line, or as many as the text has, each with its indent.
fn line(text: &mut String, indent: &str, said: &str) {
    for (index, part) in plain(said).trim_end().split('\n').enumerate() {
        let deeper = if index == 0 { "" } else { "  " };
        let _ = writeln!(text, "{}", format!("{indent}{deeper}{part}").trim_end());
    }
}

/// Two digits, never better than it is.
fn floor(score: f64) -> f64 {
    (score * 100.0).floor() / 100.0
}

fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}
