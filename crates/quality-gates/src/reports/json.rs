use serde::Serialize;

use super::Presentation;
use crate::GateReport;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    #[serde(flatten)]
    report: &'a GateReport,
}

pub(super) fn render(presentation: &Presentation<'_>) -> String {
    let mut report = presentation.report.clone();
    if !presentation.timings {
        report.gates.iter_mut().for_each(|result| result.duration_us = 0);
    }
    pretty(&Document { version: 1, report: &report })
}

/// JSON as people read it, with a line feed at its end.
pub(super) fn pretty(value: &impl Serialize) -> String {
    // Only a map with keys that are no text, or a failing `Serialize`, could be refused.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text + "\n"
}
