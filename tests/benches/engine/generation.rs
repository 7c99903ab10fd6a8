//! Making everything: against a bare loop, and with two workers against one.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use evergen_regeneration::{PhaseTimes, RunReport};
use evergen_tests::synthetic::{Ontology, Property};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, context};

use crate::Scale;
use crate::fixture::{self, BODY, Fixture};
use crate::measure::{Pair, Timing, cpu, free_processors, in_turns, spell, time, wall};
use crate::table::{Goal, Row};

pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>> {
    let classes = scale.pick(300, 10_000);
    Ok(vec![full(classes, scale.pick(3, 7))?, workers(scale)?])
}

fn full(classes: usize, rounds: usize) -> Result<Row> {
    let model = Ontology { classes, properties: 6 };
    let bare = Bare::new(model)?;
    let mut phases = PhaseTimes::default();
    let ours = || {
        let fixture = Fixture::of(model, classes.min(100))?;
        let (report, timing) = time(|| fixture.run())?;
        phases = report.phases_ms;
        compare(&fixture, &bare, &report)?;
        Ok(timing)
    };
    let pair = in_turns(rounds, ours, || {
        let folder = fixture::scratch()?;
        let ((), timing) = time(|| bare.write(folder.path()))?;
        Ok(timing)
    })?;
    Ok(Row {
        name: format!("full generation, {classes} files of {} lines", bare.lines()?),
        ours: spell(wall(&pair.ours)),
        baseline: format!("bare loop {}", spell(wall(&pair.baseline))),
        measured: pair.ratio(),
        goal: Goal::at_most(2.0, 1.3, "×"),
        note: format!("{}; {}", processors(&pair), spell_phases(&phases)),
    })
}

/// The files must be the same, or the times say nothing.
fn compare(fixture: &Fixture, bare: &Bare, report: &RunReport) -> Result<()> {
    ensure!(report.artifacts.written == bare.rows.len() as u64, "not every file was written");
    let last = bare.rows.last().context("there are no rows")?;
    let ours = fixture.read(&format!("gen/{}", last.path))?;
    ensure!(ours == bare.render(last)?, "the bare loop renders something else");
    Ok(())
}

fn processors(pair: &Pair) -> String {
    format!(
        "processor time {} against {}, {:.2} ×",
        spell(cpu(&pair.ours)),
        spell(cpu(&pair.baseline)),
        pair.cpu_ratio()
    )
}

fn spell_phases(phases: &PhaseTimes) -> String {
    let part = |milliseconds: f64| spell(milliseconds * 1e-3);
    format!(
        "last: load {}, diff {}, query {}, render and stage {}, commit {}",
        part(phases.load),
        part(phases.diff),
        part(phases.query),
        part(phases.render),
        part(phases.commit)
    )
}

/// The rows as plain values, and a loop over them.
struct Bare {
    environment: Environment<'static>,
    rows: Vec<BareRow>,
}

struct BareRow {
    path: String,
    class: String,
    label: String,
    comment: String,
    properties: Vec<Property>,
}

impl Bare {
    fn new(model: Ontology) -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build()?);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.add_filter("local_name", |iri: &str| {
            iri.rfind(['#', '/']).map_or(iri, |position| &iri[position + 1..]).to_owned()
        });
        environment.add_template("class", BODY)?;
        let rows = (0..model.classes).map(|class| BareRow::new(model, class)).collect();
        Ok(Self { environment, rows })
    }

    fn render(&self, row: &BareRow) -> Result<String> {
        let properties: Value = row.properties.iter().map(value).collect();
        let (class, label, comment) = (&*row.class, &*row.label, &*row.comment);
        let template = self.environment.get_template("class")?;
        Ok(template.render(context! { class, label, comment, properties })?)
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let mut last = "";
        for row in &self.rows {
            let inner = row.path.split('/').next().unwrap_or_default();
            if inner != last {
                fs::create_dir_all(folder.join(inner))?;
                last = inner;
            }
            fs::write(folder.join(&row.path), self.render(row)?)?;
        }
        Ok(())
    }

    fn lines(&self) -> Result<usize> {
        let row = self.rows.first().context("there are no rows")?;
        Ok(self.render(row)?.lines().count())
    }
}

impl BareRow {
    fn new(model: Ontology, class: usize) -> Self {
        let properties = (0..model.properties).map(|number| model.property(class, number));
        Self {
            path: format!("C{:05}/C{class:07}.rs", class / 100),
            class: model.class(class),
            label: model.label(class),
            comment: model.comment(class),
            properties: properties.collect(),
        }
    }
}

fn value(property: &Property) -> Value {
    let Property { iri, label, range } = property;
    context! { iri => iri.as_str(), name => label.as_str(), range => range.as_str() }
}

/// Much work for the template engine, and a small file.
const HEAVY: &str = r#"+++
for_each = "SELECT ?class WHERE { ?class a owl:Class }"
to = "{{ class | local_name }}.txt"
+++
{% for number in range(6000) -%}
{% if (number * 7 + loop.index) % 1997 == 0 %}{{ class | local_name }} {{ number }}
{% endif -%}
{% endfor -%}
"#;

fn workers(scale: &Scale) -> Result<Row> {
    // Few files and much to render in each: how fast a disk takes files is another question.
    let model = Ontology { classes: scale.pick(50, 500), properties: 0 };
    let generate = |workers: u32| -> Result<Timing> {
        let mut fixture = Fixture::empty()?;
        fixture.settings.regeneration.parallel_workers = workers;
        fixture.write("templates/heavy.txt.j2", HEAVY)?;
        fixture.write("model/all.ttl", &model.turtle(0..model.classes))?;
        let mut engine = fixture.writer()?;
        let (_, timing) = time(|| fixture::run(&mut engine))?;
        Ok(timing)
    };
    let free = free_processors()?;
    let pair = in_turns(scale.pick(3, 7), || generate(2), || generate(1))?;
    let free = free.min(free_processors()?);
    Ok(Row {
        name: format!("two workers, {} artifacts, render-bound", model.classes),
        ours: spell(wall(&pair.ours)),
        baseline: format!("one worker {}", spell(wall(&pair.baseline))),
        measured: 1.0 / pair.ratio(),
        goal: Goal::at_least(1.7, 1.9, "×"),
        note: format!(
            "two busy threads get {free:.1} processors here; best times {:.2} ×; {}",
            1.0 / pair.best_ratio(),
            processors(&pair)
        ),
    })
}
