//! Fresh processes against build tools: nothing changed, and one thing changed.

use std::fmt::Write as _;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use evergen_tests::synthetic::Ontology;

use crate::Scale;
use crate::fixture::{Fixture, is_installed, source_name, time_process, time_run};
use crate::measure::{Pair, Timing, best, in_turns, spell, wall};
use crate::table::{Goal, Row};

/// A file's clock has ticked after this long, so that its stamp can be trusted.
const SETTLING: Duration = Duration::from_millis(60);

pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>> {
    let classes = scale.pick(500, 10_000);
    let rounds = scale.pick(3, 15);
    let model = Ontology { classes, properties: 6 };
    let ninja = is_installed("ninja").then(|| Tool::prepare("ninja", classes)).transpose()?;
    let Some(ninja) = ninja else {
        println!("    skipped: ninja is not installed (cargo xtask setup)");
        return Ok(Vec::new());
    };
    let samurai = is_installed("samu").then(|| Tool::prepare("samu", classes)).transpose()?;
    let mut rows = Vec::new();
    for (sources, cut) in [(classes.min(100), "100 sources"), (1, "1 source")] {
        let fixture = Fixture::of(model, sources)?;
        settle(&fixture)?;
        let subject = Subject { fixture: &fixture, model, rounds };
        if sources > 1 {
            rows.push(subject.nothing(&ninja, Goal::at_most(1.5, 1.0, "×"))?);
            if let Some(samurai) = &samurai {
                rows.push(subject.nothing(samurai, Goal::at_most(1.5, 1.0, "×"))?);
            }
        }
        rows.push(subject.one_triple(&ninja, cut)?);
    }
    Ok(rows)
}

/// Runs until the state is at rest.
fn settle(fixture: &Fixture) -> Result<()> {
    for _ in 0..3 {
        time_run(fixture)?;
        thread::sleep(SETTLING);
    }
    Ok(())
}

struct Subject<'a> {
    fixture: &'a Fixture,
    model: Ontology,
    rounds: usize,
}

impl Subject<'_> {
    fn nothing(&self, tool: &Tool, goal: Goal) -> Result<Row> {
        let ours = || time_run(self.fixture);
        let pair = in_turns(self.rounds, ours, || tool.build())?;
        let name = format!("no-op, fresh process, {} artifacts", self.model.classes);
        Ok(row(name, &pair, tool, goal))
    }

    fn one_triple(&self, tool: &Tool, cut: &str) -> Result<Row> {
        let source = source_name(0);
        let label = self.model.property(3, 0).label;
        let text = self.fixture.read(&source)?;
        let other = text.replace(&format!("\"{label}\""), "\"another label\"");
        let texts = [other, text];
        let mut turn = 0;
        let ours = || {
            self.fixture.write(&source, &texts[turn % 2])?;
            thread::sleep(SETTLING);
            let timing = time_run(self.fixture)?;
            let file = self.fixture.read("gen/C00000/C0000003.rs")?;
            ensure!(
                file.contains("another label") == (turn % 2 == 0),
                "the file is not up to date"
            );
            turn += 1;
            Ok(timing)
        };
        let pair = in_turns(self.rounds, ours, || {
            tool.change()?;
            thread::sleep(SETTLING);
            tool.build()
        })?;
        let name = format!("one triple, fresh process, {} artifacts, {cut}", self.model.classes);
        Ok(row(name, &pair, tool, Goal::at_most(2.0, 1.0, "×")))
    }
}

fn row(name: String, pair: &Pair, tool: &Tool, goal: Goal) -> Row {
    let note = format!(
        "best of {}: {} against {}, {:.2} ×",
        pair.ours.len(),
        spell(best(&pair.ours)),
        spell(best(&pair.baseline)),
        pair.best_ratio()
    );
    Row {
        name,
        ours: spell(wall(&pair.ours)),
        baseline: format!("{} {}", tool.program, spell(wall(&pair.baseline))),
        measured: pair.ratio(),
        goal,
        note,
    }
}

/// A build tool with as many outputs, each copied from an input of its own.
struct Tool {
    program: &'static str,
    fixture: Fixture,
}

impl Tool {
    fn prepare(program: &'static str, outputs: usize) -> Result<Self> {
        let fixture = Fixture::empty()?;
        let mut rules = String::from("rule copy\n  command = cp $in $out\n");
        for number in 0..outputs {
            let name = format!("C{:05}/C{number:07}.rs", number / 100);
            fixture.write(&format!("in/{name}"), &format!("pub struct C{number};\n"))?;
            // Writing to a string can't fail.
            let _ = writeln!(rules, "build out/{name}: copy in/{name}");
        }
        fixture.write("build.ninja", &rules)?;
        let tool = Self { program, fixture };
        tool.build()?;
        thread::sleep(SETTLING);
        tool.build()?;
        Ok(tool)
    }

    fn build(&self) -> Result<Timing> {
        time_process(Command::new(self.program).current_dir(self.fixture.path()))
    }

    fn change(&self) -> Result<()> {
        let name = "in/C00000/C0000003.rs";
        let text = self.fixture.read(name)?;
        self.fixture.write(name, &format!("{text}// changed\n"))
    }
}
