//! Reading files: notations, errors, limits, places.

#![expect(clippy::unwrap_used, reason = "helpers of a test")]

#[path = "ingest/errors.rs"]
mod errors;
#[path = "ingest/hostile.rs"]
mod hostile;
#[path = "ingest/notations.rs"]
mod notations;
#[path = "ingest/places.rs"]
mod places;

use evergen_knowledge::{Format, Limits, ParsedSource, SyntaxError, parse};

const BASE: &str = "http://example.org/base/";

fn read(text: &str, format: Format) -> Result<ParsedSource, Vec<SyntaxError>> {
    parse(text.as_bytes(), format, BASE, &Limits::default())
}

/// The quads in N-Quads, with canonical labels.
fn quads(source: &ParsedSource) -> Vec<String> {
    let mut terms = source.terms.clone();
    let mut quads = source.ground.clone();
    let mut copies = std::collections::HashMap::new();
    for component in &source.components {
        let ordinal = copies.entry(component.digest()).or_insert(0);
        quads.extend(component.instantiate(*ordinal, &mut terms).unwrap());
        *ordinal += 1;
    }
    let text = |id| terms.get(id).map(|term| term.to_string()).unwrap_or_default();
    let mut lines: Vec<String> = quads
        .iter()
        .map(|quad| {
            let ids = [quad.subject, quad.predicate, quad.object, quad.graph];
            ids.map(text).join(" ").trim_end().to_owned()
        })
        .collect();
    lines.sort();
    lines
}
