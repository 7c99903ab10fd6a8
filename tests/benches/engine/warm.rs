//! An engine that keeps its model in memory: one triple, and one class.

use anyhow::{Result, ensure};
use evergen_regeneration::{PhaseTimes, RegenerationEngine};
use evergen_tests::synthetic::Ontology;

use crate::Scale;
use crate::fixture::{self, Fixture};
use crate::measure::{median, spell};
use crate::table::{Goal, Row};

const EXTRA: &str = "model/extra.ttl";

pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>> {
    let mut sizes = scale.pick(vec![1_000, 10_000], vec![10_000, 100_000]);
    if scale.million {
        sizes.push(1_000_000);
    }
    let mut rows = Vec::new();
    let mut times = Vec::new();
    for classes in sizes {
        let warm = Warm::new(classes)?;
        let (triple, class) = warm.measure(scale.pick(5, 25))?;
        times.push(triple.microseconds());
        rows.push(Row {
            name: format!("one triple, warm, {classes} classes"),
            ours: spell(triple.made),
            baseline: String::new(),
            measured: triple.microseconds(),
            goal: Goal::at_most(200.0, 100.0, "µs"),
            note: triple.note,
        });
        rows.push(Row {
            name: format!("one class added or removed, warm, {classes} classes"),
            ours: spell(class.made),
            baseline: String::new(),
            measured: class.made * 1e3,
            goal: Goal::at_most(if classes > 10_000 { 100.0 } else { 20.0 }, 1.0, "ms"),
            note: class.note,
        });
    }
    let slowest = times.iter().copied().fold(0.0, f64::max);
    let fastest = times.iter().copied().fold(f64::INFINITY, f64::min);
    rows.push(Row {
        name: "one triple, warm: slowest size by fastest".to_owned(),
        ours: spell(slowest * 1e-6),
        baseline: format!("fastest {}", spell(fastest * 1e-6)),
        measured: slowest / fastest,
        goal: Goal::at_most(3.0, 2.0, "×"),
        note: String::new(),
    });
    Ok(rows)
}

struct Warm {
    fixture: Fixture,
    engine: RegenerationEngine,
    model: Ontology,
}

/// What one kind of change took.
struct Seen {
    /// From known quads to final bytes, in seconds.
    made: f64,
    note: String,
}

impl Seen {
    fn microseconds(&self) -> f64 {
        self.made * 1e6
    }

    fn of(phases: &[PhaseTimes]) -> Self {
        let middle = |part: fn(&PhaseTimes) -> f64| median(phases.iter().map(part)) * 1e-3;
        let made = middle(|p| p.invalidate + p.query + p.render);
        let note = format!(
            "phases of the cycle: load {}, diff {}, invalidate {}, query {}, render {}, commit {}",
            spell(middle(|p| p.load)),
            spell(middle(|p| p.diff)),
            spell(middle(|p| p.invalidate)),
            spell(middle(|p| p.query)),
            spell(middle(|p| p.render)),
            spell(middle(|p| p.commit)),
        );
        Self { made, note }
    }
}

impl Warm {
    /// A project with small classes, and one more source for what changes.
    fn new(classes: usize) -> Result<Self> {
        let model = Ontology { classes, properties: 1 };
        let fixture = Fixture::of(model, 1)?;
        fixture.write(EXTRA, &model.turtle(classes..classes + 1))?;
        let mut engine = fixture.writer()?;
        fixture::run(&mut engine)?;
        Ok(Self { fixture, engine, model })
    }

    fn measure(mut self, rounds: usize) -> Result<(Seen, Seen)> {
        let new = self.model.classes;
        let there = self.model.turtle(new..new + 1);
        let label = self.model.property(new, 0).label;
        let (mut triples, mut classes) = (Vec::new(), Vec::new());
        for round in 0..rounds + 2 {
            let gone = self.change(&self.model.turtle(0..0))?;
            let come = self.change(&there)?;
            // The first cycles open files and fill caches.
            if round >= 2 {
                classes.extend([gone, come]);
            }
        }
        for round in 0..rounds + 2 {
            let text = there.replace(&format!("\"{label}\""), &format!("\"label {round}\""));
            let triple = self.preview(&text)?;
            self.change(&text)?;
            if round >= 2 {
                triples.push(triple);
            }
        }
        Ok((Seen::of(&triples), Seen::of(&classes)))
    }

    /// Changes the source and has the result written.
    fn change(&mut self, text: &str) -> Result<PhaseTimes> {
        self.fixture.write(EXTRA, text)?;
        let report = fixture::run(&mut self.engine)?;
        let counts = report.artifacts;
        let done = counts.written + counts.deleted;
        ensure!(done == 1, "{done} files changed, not 1");
        Ok(report.phases_ms)
    }

    /// Changes the source and goes as far as the final bytes: no file is staged.
    fn preview(&mut self, text: &str) -> Result<PhaseTimes> {
        self.fixture.write(EXTRA, text)?;
        let report = self.engine.plan()?;
        ensure!(report.artifacts.rendered == 1, "not one artifact was rendered");
        Ok(report.phases_ms)
    }
}
