//! Reading a model: against the bare parser, and from stored state.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use evergen_knowledge::{Format, Limits, Model, parse};
use evergen_regeneration::Access;
use evergen_tests::synthetic::Ontology;
use oxttl::{NTriplesParser, TurtleParser};

use crate::Scale;
use crate::fixture::Fixture;
use crate::measure::{Pair, Timing, in_turns, spell, time, wall};
use crate::table::{Goal, Row};

pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>> {
    let model = Ontology::of_triples(scale.pick(50_000, 1_000_000), 6);
    let rounds = scale.pick(3, 7);
    let turtle = model.turtle(0..model.classes);
    let n_triples = model.n_triples(0..model.classes);
    let mut rows = Vec::new();
    for (format, text) in [(Format::NTriples, &n_triples), (Format::Turtle, &turtle)] {
        let ours = || timed(|| load(text, format, model.triples()));
        let pair = in_turns(rounds, ours, || timed(|| bare(text, format, model.triples())))?;
        rows.push(loading(&pair, format, model.triples()));
    }
    rows.push(restart(model, &turtle, rounds)?);
    Ok(rows)
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Timing> {
    Ok(time(work)?.1)
}

fn loading(pair: &Pair, format: Format, triples: usize) -> Row {
    Row {
        name: format!("loading {triples} triples, {format:?}"),
        ours: spell(wall(&pair.ours)),
        baseline: format!("oxttl {}", spell(wall(&pair.baseline))),
        measured: 1.0 / pair.ratio(),
        goal: Goal::at_least(0.4, 0.7, "×"),
        note: format!(
            "as speed; by processor time, as oxttl has one thread: {:.2} ×",
            1.0 / pair.cpu_ratio()
        ),
    }
}

/// From bytes to a model that can be asked.
pub(crate) fn build(text: &str, format: Format) -> Result<Model> {
    let parsed = parse(text.as_bytes(), format, "http://example.org/", &Limits::default());
    let parsed = parsed.map_err(|errors| anyhow!("{} syntax errors", errors.len()))?;
    Ok(Model::build([("model".to_owned(), parsed)])?)
}

fn load(text: &str, format: Format, triples: usize) -> Result<()> {
    let model = build(text, format)?;
    ensure!(model.snapshot().len() == triples, "the model has {}", model.snapshot().len());
    black_box(model);
    Ok(())
}

fn bare(text: &str, format: Format, triples: usize) -> Result<()> {
    let mut count = 0;
    if format == Format::NTriples {
        for triple in NTriplesParser::new().for_slice(text.as_bytes()) {
            black_box(triple?);
            count += 1;
        }
    } else {
        for triple in TurtleParser::new().for_slice(text.as_bytes()) {
            black_box(triple?);
            count += 1;
        }
    }
    ensure!(count == triples, "the parser saw {count} triples");
    Ok(())
}

/// One artifact that reads next to nothing, so that opening the model is all the work.
const TINY: &str = "+++\nto = \"one.txt\"\n[queries]\nfew = \"SELECT ?label WHERE { <http://example.org/few> rdfs:label ?label }\"\n+++\n{% for row in few %}{{ row.label }}\n{% endfor %}";

/// A new engine on stored state that has to look into the model, because a small
/// source beside the large one has changed.
fn restart(model: Ontology, turtle: &str, rounds: usize) -> Result<Row> {
    let fixture = Fixture::empty()?;
    fixture.write("templates/tiny.txt.j2", TINY)?;
    fixture.write("model/large.ttl", turtle)?;
    let few = |label: &str| {
        format!(
            "<http://example.org/few> <http://www.w3.org/2000/01/rdf-schema#label> \"{label}\" .\n"
        )
    };
    fixture.write("model/few.ttl", &few("before"))?;
    fixture.run()?;
    thread::sleep(Duration::from_millis(60));
    fixture.run()?;
    fixture.write("model/few.ttl", &few("after"))?;
    let ours = || {
        let (report, timing) = time(|| Ok(fixture.engine(Access::Read)?.plan()?))?;
        ensure!(report.artifacts.rendered == 1, "the artifact was not rendered");
        Ok(timing)
    };
    let pair = in_turns(rounds, ours, || timed(|| bare(turtle, Format::Turtle, model.triples())))?;
    Ok(Row {
        name: format!("restart on stored state, {} triples", model.triples()),
        ours: spell(wall(&pair.ours)),
        baseline: format!("oxttl {}", spell(wall(&pair.baseline))),
        measured: 1.0 / pair.ratio(),
        goal: Goal::at_least(10.0, 10.0, "×"),
        note: "opening the engine, a delta of two quads, and one artifact rendered".to_owned(),
    })
}
