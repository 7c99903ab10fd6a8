//! A project that changes at random.

use std::collections::BTreeMap;

use evergen_regeneration::{OnEdit, Settings};

use super::Tally;
use super::model::{Fact, Source};
use super::pool::{self, Generator, POOL};
use crate::notation::EX;
use crate::random::Random;

/// All that a generation depends on.
#[derive(Clone, Debug)]
pub(super) struct World {
    sources: Vec<Source>,
    generators: Vec<Generator>,
    partials: [u32; 3],
    workers: u32,
    is_alternative: bool,
    tight: Option<Tight>,
    on_edit: OnEdit,
    is_tracked: bool,
}

/// A limit that some artifact may break.
#[derive(Clone, Copy, Debug)]
enum Tight {
    Bytes,
    Fuel,
}

impl World {
    pub(super) fn new(random: &mut Random) -> Self {
        let facts = 4 + random.below(14);
        let mut sources = vec![Source::new("main", facts, random)];
        for (stem, percent) in [("more", 25), ("named", 25)] {
            if random.percent(percent) {
                let facts = 1 + random.below(6);
                sources.push(Source::new(stem, facts, random));
            }
        }
        let mut world = Self {
            sources,
            generators: Vec::new(),
            partials: [0; 3],
            workers: 1,
            is_alternative: false,
            tight: None,
            on_edit: if random.percent(15) { OnEdit::Overwrite } else { OnEdit::Refuse },
            is_tracked: true,
        };
        for _ in 0..2 + random.below(3) {
            world.add_generator(random);
        }
        world
    }

    /// Whether edits of generated files are lost.
    pub(super) fn overwrites(&self) -> bool {
        self.on_edit == OnEdit::Overwrite
    }

    /// The features that its templates use.
    pub(super) fn features(&self) -> impl Iterator<Item = &'static str> {
        self.generators.iter().flat_map(|generator| generator.sample().features).copied()
    }

    /// All files by their paths.
    pub(super) fn files(&self) -> BTreeMap<String, String> {
        let sources = self.sources.iter().map(|source| (source.path(), source.text()));
        let generators =
            self.generators.iter().map(|generator| (generator.path(), generator.text()));
        let partials = self.partials.iter().enumerate();
        let partials = partials.map(|(number, version)| pool::partial(number, *version));
        sources.chain(generators).chain(partials).collect()
    }

    pub(super) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.model.sources = vec!["model".to_owned()];
        let alternative = if self.is_alternative { "http://other.example/" } else { EX };
        let prefixes = [("ex", EX), ("alt", alternative)];
        settings.model.prefixes =
            prefixes.map(|(name, iri)| (name.to_owned(), iri.to_owned())).into();
        settings.regeneration.parallel_workers = self.workers;
        settings.regeneration.on_edit = self.on_edit;
        settings.regeneration.incremental = self.is_tracked;
        match self.tight {
            Some(Tight::Bytes) => settings.limits.max_artifact_bytes = 60,
            Some(Tight::Fuel) => settings.limits.fuel = 150,
            None => {}
        }
        settings
    }

    /// Changes something; says what in the tally and in the log.
    pub(super) fn change(&mut self, random: &mut Random, tally: &mut Tally) -> String {
        let is_broken = self.sources.iter().any(|source| source.is_broken)
            || self.generators.iter().any(|generator| generator.broken > 0)
            || self.tight.is_some();
        if is_broken && random.percent(65) {
            return self.heal(tally);
        }
        match random.below(100) {
            0..52 => self.change_facts(random, tally),
            52..66 => self.change_form(random, tally),
            66..72 => self.change_sources(random, tally),
            72..88 => self.change_templates(random, tally),
            88..93 => self.change_settings(random, tally),
            _ => self.break_something(random, tally),
        }
    }

    fn source(&mut self, random: &mut Random) -> &mut Source {
        let number = random.below(self.sources.len());
        &mut self.sources[number]
    }

    fn change_facts(&mut self, random: &mut Random, tally: &mut Tally) -> String {
        let choice = random.below(10);
        let source = self.source(random);
        if choice == 0 {
            let gone = source.remove_class(random);
            return tally.note("class removed", &format!("{gone} facts of {}", source.stem));
        }
        if choice < 5 && !source.facts.is_empty() {
            let fact = source.facts.swap_remove(random.below(source.facts.len()));
            let feature = if fact.is_structure() { "structure removed" } else { "triple removed" };
            return tally.note(feature, &format!("{fact:?} of {}", source.stem));
        }
        let again = source.facts.first().filter(|_| choice == 5).cloned();
        let fact = again.unwrap_or_else(|| Fact::any(random));
        let feature = if fact.is_structure() { "structure inserted" } else { "triple inserted" };
        source.facts.push(fact.clone());
        tally.note(feature, &format!("{fact:?} of {}", source.stem))
    }

    fn change_form(&mut self, random: &mut Random, tally: &mut Tally) -> String {
        let choice = random.below(3);
        let source = self.source(random);
        match choice {
            0 => {
                source.style.order = random.number();
                tally.note("reordered", source.stem)
            }
            1 => {
                source.style.prefix = random.pick(&["ex", "renamed", ""]);
                tally.note("prefix renamed", source.stem)
            }
            _ => {
                source.restyle(random);
                tally.note(source.style.notation.name(), source.stem)
            }
        }
    }

    fn change_sources(&mut self, random: &mut Random, tally: &mut Tally) -> String {
        let (stem, added, removed) = random.pick(&[
            ("more", "source added", "source removed"),
            ("named", "named graphs added", "named graphs removed"),
        ]);
        let before = self.sources.len();
        self.sources.retain(|source| source.stem != stem);
        if self.sources.len() < before {
            return tally.note(removed, stem);
        }
        let facts = 1 + random.below(6);
        self.sources.push(Source::new(stem, facts, random));
        tally.note(added, stem)
    }

    fn add_generator(&mut self, random: &mut Random) -> Option<String> {
        let sample = random.below(POOL.len());
        let is_known = self.generators.iter().any(|generator| generator.sample == sample);
        if is_known || (POOL[sample].is_delicate && random.percent(70)) {
            return None;
        }
        self.generators.push(Generator::new(sample));
        Some(POOL[sample].name.to_owned())
    }

    fn change_templates(&mut self, random: &mut Random, tally: &mut Tally) -> String {
        let choice = random.below(10);
        if choice < 2 {
            let number = random.below(self.partials.len());
            self.partials[number] += 1;
            return tally.note("partial edited", &number.to_string());
        }
        if choice < 5
            && let Some(name) = self.add_generator(random)
        {
            return tally.note("template added", &name);
        }
        let number = random.below(self.generators.len());
        if choice < 7 && self.generators.len() > 1 {
            let gone = self.generators.swap_remove(number);
            return tally.note("template removed", &gone.path());
        }
        let Some(generator) = self.generators.get_mut(number) else { return String::new() };
        let feature = generator.edit(random);
        tally.note(feature, &generator.path())
    }

    fn change_settings(&mut self, random: &mut Random, tally: &mut Tally) -> String {
        match random.below(8) {
            0..3 => {
                self.workers = random.pick(&[0, 1, 2, 3]);
                tally.note("workers changed", &self.workers.to_string())
            }
            3..6 => {
                self.is_alternative = !self.is_alternative;
                tally.note("prefix changed", &self.is_alternative.to_string())
            }
            6 => {
                self.is_tracked = !self.is_tracked;
                tally.note("incremental switched", &self.is_tracked.to_string())
            }
            _ => {
                self.tight = Some(random.pick(&[Tight::Bytes, Tight::Fuel]));
                tally.note("limit tightened", &format!("{:?}", self.tight))
            }
        }
    }

    fn break_something(&mut self, random: &mut Random, tally: &mut Tally) -> String {
        if random.percent(50) {
            let source = self.source(random);
            source.is_broken = true;
            return tally.note("model broken", &source.path());
        }
        let number = random.below(self.generators.len());
        let Some(generator) = self.generators.get_mut(number) else { return String::new() };
        generator.broken = 1 + random.digit(3);
        tally.note("template broken", &format!("{} {}", generator.path(), generator.broken))
    }

    fn heal(&mut self, tally: &mut Tally) -> String {
        self.sources.iter_mut().for_each(|source| source.is_broken = false);
        self.generators.iter_mut().for_each(|generator| generator.broken = 0);
        self.tight = None;
        tally.note("healed", "")
    }
}
