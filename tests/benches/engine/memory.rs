//! How many bytes an artifact and a triple cost.

use std::fs;

use anyhow::Result;
use evergen_knowledge::Format;
use evergen_tests::synthetic::Ontology;

use crate::Scale;
use crate::allocator;
use crate::fixture::{self, Fixture, source_name};
use crate::loading;
use crate::table::{Goal, Row};

pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>> {
    allocator::start();
    let rows = tracking(scale.pick(1_000, 10_000))
        .and_then(|tracking| Ok(vec![tracking, triple(scale.pick(50_000, 1_000_000))?]));
    allocator::stop();
    rows
}

/// Bytes that were allocated since, as a number that can be divided.
#[expect(clippy::cast_precision_loss, reason = "a ratio of three digits is printed")]
fn since(start: isize) -> f64 {
    (allocator::live() - start) as f64
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of three digits is printed")]
fn share(bytes: f64, count: usize) -> f64 {
    bytes / count as f64
}

/// Everything that a warm engine has of its artifacts: what it allocated, and the
/// whole of the mapped files but for the model.
fn tracking(artifacts: usize) -> Result<Row> {
    let model = Ontology { classes: artifacts, properties: 6 };
    let fixture = Fixture::of(model, 100)?;
    fixture.run()?;
    let label = format!("\"{}\"", model.property(0, 0).label);
    let source = source_name(0);
    let changed = fixture.read(&source)?.replace(&label, "\"another label\"");
    fixture.write(&source, &changed)?;
    let start = allocator::live();
    let mut engine = fixture.writer()?;
    drop(fixture::run(&mut engine)?);
    let heap = since(start);
    let mapped = state_bytes(&fixture, &["artifacts-", "index-"])?;
    drop(engine);
    // A path, two digests, a stamp, and eight bytes for each of about 9 patterns.
    let raw = 23.0 + 64.0 + 24.0 + 8.0 * 9.0;
    Ok(Row {
        name: format!("tracking an artifact, of {artifacts}"),
        ours: format!("{:.0} B", share(heap + mapped, artifacts)),
        baseline: format!("raw {raw:.0} B"),
        measured: share(heap + mapped, artifacts),
        goal: Goal::at_most(2_000.0, 1_200.0, "B"),
        note: format!(
            "allocated {:.0} B, in mapped files {:.0} B; the warm engine after one change",
            share(heap, artifacts),
            share(mapped, artifacts)
        ),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of three digits is printed")]
fn state_bytes(fixture: &Fixture, starts: &[&str]) -> Result<f64> {
    let mut bytes = 0;
    for entry in fs::read_dir(fixture.path().join(".evergen"))? {
        let entry = entry?;
        let name = entry.file_name();
        if starts.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes as f64)
}

fn triple(triples: usize) -> Result<Row> {
    let model = Ontology::of_triples(triples, 6);
    let text = model.turtle(0..model.classes);
    let start = allocator::live();
    let built = loading::build(&text, Format::Turtle)?;
    let heap = since(start);
    drop(built);
    #[expect(clippy::cast_precision_loss, reason = "a ratio of three digits is printed")]
    let plain = model.n_triples(0..model.classes).len() as f64;
    Ok(Row {
        name: format!("a triple in memory, of {}", model.triples()),
        ours: format!("{:.0} B", share(heap, model.triples())),
        baseline: format!("as N-Triples {:.0} B", share(plain, model.triples())),
        measured: share(heap, model.triples()),
        goal: Goal::at_most(400.0, 250.0, "B"),
        note: "dictionary, three sorted orders, and what each source says".to_owned(),
    })
}
