//! Working out what may be stale, and why.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use evergen_artifact::Digest;
use evergen_delta::{Delta, EncodedQuad, Fingerprint, QuadPattern};
use evergen_knowledge::{
    Answer, EvaluateError, Key, Query, Rewound, Snapshot, Touched, TrackedReader, Tracker,
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::catalogue::{Catalogue, stale_template};
use super::evaluate::{Job, query_failure};
use super::memory::{Fresh, Memory};
use super::scan::Deviation;
use crate::artifacts::Slot;
use crate::generator::Generator;
use crate::records::{Cause, Row, RowKey};
use crate::report::Diagnostic;
use crate::rows::RowSource;
use crate::state::{KnownGenerator, Reads};
use crate::template::asked::Answers;

/// Deltas up to this size are traced quad by quad, so that each artifact can say which
/// quads concern it.
const TRACED: usize = 2_000;
/// So many quads are named as a reason.
const NAMED: usize = 3;

/// What a cycle has to do.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) jobs: BTreeMap<Slot, Job>,
    /// Artifacts whose row, or whose generator, is gone.
    pub(super) gone: Vec<Slot>,
    /// What lists read, by generator number; `None` for a generator that is gone.
    pub(super) list_reads: Vec<(u32, Option<Vec<Fingerprint>>)>,
    pub(super) problems: Vec<Diagnostic>,
}

/// Everything that staleness follows from.
pub(super) struct Change<'a> {
    pub(super) delta: &'a Delta,
    pub(super) after: &'a Snapshot,
    /// What views have answered about `after`.
    pub(super) answers: &'a Answers,
    /// The facts that `delta` can have changed.
    pub(super) facts: &'a FxHashSet<Fingerprint>,
    /// Why everything is stale, if it is.
    pub(super) everything: Option<Cause>,
    pub(super) digests: &'a BTreeMap<String, Digest>,
    pub(super) deviations: &'a HashMap<Slot, Deviation>,
}

/// The facts that a change can have changed, or all of them.
pub(super) fn stale_facts(memory: &Memory, all: bool, delta: &Delta) -> FxHashSet<Fingerprint> {
    let known = memory.reads.as_ref().map(|reads| &reads.facts);
    known.map_or_else(FxHashSet::default, |facts| {
        if all { facts.all() } else { facts.affected(delta.quads()) }
    })
}

/// Gives every generator its number, and finds those that are other than before.
pub(super) fn number_generators(
    known: &mut Vec<KnownGenerator>,
    catalogue: &Catalogue,
    change: &Change<'_>,
) -> Vec<(u32, Option<Cause>)> {
    let mut numbered = Vec::new();
    for generator in &catalogue.generators {
        let digest = change.digests.get(&*generator.name).copied().unwrap_or(generator.digest);
        let position = known.iter().position(|entry| *entry.name == *generator.name);
        let cause = match position {
            None => Some(Cause::NewRow),
            // Its artifacts were removed when it went.
            Some(index) if known[index].gone => Some(Cause::NewRow),
            Some(index) => stale_template(&known[index], generator, digest).map(Cause::Template),
        };
        let number = position.unwrap_or_else(|| {
            known.push(KnownGenerator {
                name: generator.name.to_string(),
                digest: digest.into(),
                loaded: Vec::new(),
                gone: false,
                critical: generator.critical,
            });
            known.len() - 1
        });
        if cause.is_some() {
            known[number].digest = digest.into();
            known[number].loaded.clear();
            known[number].critical = generator.critical;
            known[number].gone = false;
        }
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        numbered.push((number, change.everything.clone().or(cause)));
    }
    for entry in known.iter_mut() {
        entry.gone = !catalogue.generators.iter().any(|generator| *generator.name == *entry.name);
    }
    numbered
}

impl Work {
    /// Finds all work of a cycle.
    pub(super) fn find(
        memory: &mut Memory,
        catalogue: &Catalogue,
        numbered: &[(u32, Option<Cause>)],
        change: &Change<'_>,
    ) -> Self {
        let mut work = Self::default();
        let touched = trace(memory.reads.as_ref(), change);
        let lists = memory.reads.as_ref().map(|reads| &reads.lists);
        let lists = lists.map(|lists| Reads::affected(lists, change.delta.quads(), change.facts));
        for (generator, (number, cause)) in catalogue.generators.iter().zip(numbered) {
            work.lists(memory, (generator, *number), cause.as_ref(), lists.as_deref(), change);
        }
        for (slot, (cause, must_render)) in touched {
            work.add(memory, slot, cause, must_render);
        }
        for (slot, deviation) in change.deviations {
            match deviation {
                Deviation::Touched(_) => {}
                Deviation::Missing => work.add(memory, *slot, Cause::Missing, true),
                Deviation::Edited(..) | Deviation::Returned(_) | Deviation::Blocked(_) => {
                    work.add(memory, *slot, Cause::Edited, true);
                }
            }
        }
        work.declared(memory, catalogue, numbered);
        let known = &memory.meta.generators;
        for (number, _) in known.iter().enumerate().filter(|(_, known)| known.gone) {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            work.gone.extend(memory.artifacts.slots_of(number));
            work.list_reads.push((number, None));
        }
        for slot in &work.gone {
            work.jobs.remove(slot);
        }
        work
    }

    fn add(&mut self, memory: &Memory, slot: Slot, cause: Cause, must_render: bool) {
        if let Some(job) = self.jobs.get_mut(&slot) {
            job.must_render |= must_render;
            return;
        }
        // A computation without a record is one that was forgotten.
        let Some(record) = memory.artifacts.get(slot) else { return };
        let job = Job {
            slot,
            generator: record.generator,
            row: record.row.clone(),
            previous: Some(record),
            must_render,
            cause,
        };
        self.jobs.insert(slot, job);
    }

    /// Brings a generator's rows up to date. `lists` are those whose reads were touched.
    fn lists(
        &mut self,
        memory: &mut Memory,
        (generator, number): (&Arc<Generator>, u32),
        cause: Option<&Cause>,
        lists: Option<&[u32]>,
        change: &Change<'_>,
    ) {
        if let Some(cause) = cause {
            for slot in memory.artifacts.slots_of(number) {
                self.add(memory, slot, cause.clone(), true);
            }
            self.whole_list(memory, generator, number, cause, change);
            return;
        }
        let Some(list) = &generator.list else { return };
        if change.delta.is_empty() {
            return;
        }
        let before = Rewound::new(change.after, change.delta);
        let touched = match list {
            RowSource::Query(query) => query.touched(change.delta, &before, change.after),
            RowSource::View(_) => Touched::Everything,
        };
        match (touched, list) {
            (Touched::Nothing, _) => {}
            (Touched::Keys(keys), RowSource::Query(query)) => {
                match (rows_of(query, &keys, &before), rows_of(query, &keys, change.after)) {
                    (Ok(before), Ok(after)) => self.replace_rows(memory, number, before, after),
                    _ => self.whole_list(memory, generator, number, &Cause::NewRow, change),
                }
            }
            (Touched::Keys(_) | Touched::Everything, _) => {
                // What rows that came by their keys read was not recorded for the list.
                let stale = matches!(list, RowSource::Query(query) if query.has_key())
                    || lists.is_none_or(|lists| lists.contains(&number));
                if stale {
                    self.whole_list(memory, generator, number, &Cause::NewRow, change);
                }
            }
        }
    }

    /// Takes rows out and others in, where the query could tell them from the delta.
    fn replace_rows(
        &mut self,
        memory: &mut Memory,
        number: u32,
        before: Vec<Row>,
        after: Vec<Row>,
    ) {
        let after: FxHashMap<RowKey, Row> = after.into_iter().map(|row| (row.key(), row)).collect();
        for row in before {
            let key = row.key();
            if !after.contains_key(&key) {
                self.gone.extend(memory.artifacts.rows(number).get(&key).copied());
            }
        }
        let mut added: Vec<(RowKey, Row)> = after.into_iter().collect();
        added.sort_unstable_by_key(|(key, _)| *key);
        for (key, row) in added {
            if !memory.artifacts.rows(number).contains_key(&key) {
                self.add_row(memory, number, row, Cause::NewRow);
            }
        }
    }

    /// Evaluates a list as a whole, and compares it with the rows that there were.
    fn whole_list(
        &mut self,
        memory: &mut Memory,
        generator: &Arc<Generator>,
        number: u32,
        cause: &Cause,
        change: &Change<'_>,
    ) {
        let rows = match evaluate_list(generator, change) {
            Ok((rows, reads)) => {
                self.list_reads.push((number, Some(reads)));
                rows
            }
            Err(problem) => {
                self.problems.push(problem);
                return;
            }
        };
        let mut missing: FxHashMap<RowKey, Slot> = memory.artifacts.rows(number).clone();
        for (key, row) in rows {
            if missing.remove(&key).is_none() {
                let remade = change.everything.is_some() && memory.fresh != Some(Fresh::First);
                let cause = if remade { cause.clone() } else { Cause::NewRow };
                self.add_row(memory, number, row, cause);
            }
        }
        self.gone.extend(missing.into_values());
    }

    fn add_row(&mut self, memory: &mut Memory, generator: u32, row: Row, cause: Cause) {
        let slot = memory.artifacts.allocate();
        let job = Job { slot, generator, row, previous: None, must_render: true, cause };
        self.jobs.insert(slot, job);
    }

    /// Adds what depends, as its author declared, on a generator that has work.
    fn declared(
        &mut self,
        memory: &Memory,
        catalogue: &Catalogue,
        numbered: &[(u32, Option<Cause>)],
    ) {
        if catalogue.declared.edge_count() == 0 {
            return;
        }
        let numbers: BTreeMap<&str, u32> = catalogue
            .generators
            .iter()
            .zip(numbered)
            .map(|(generator, (number, _))| (&*generator.name, *number))
            .collect();
        let gone = self.gone.iter().filter_map(|slot| Some(memory.artifacts.get(*slot)?.generator));
        let busy: BTreeSet<u32> = self.jobs.values().map(|job| job.generator).chain(gone).collect();
        let names = numbers.iter().filter(|(_, number)| busy.contains(number));
        let changed: Vec<String> = names.map(|(name, _)| (*name).to_owned()).collect();
        for name in catalogue.declared.affected(&changed) {
            let Some(number) = numbers.get(name.as_str()) else { continue };
            let dependencies = catalogue.declared.dependencies(&name);
            let Some(cause) = dependencies.into_iter().find(|name| {
                numbers.get(name.as_str()).is_some_and(|number| busy.contains(number))
                    || changed.contains(name)
            }) else {
                continue;
            };
            for slot in memory.artifacts.slots_of(*number) {
                self.add(memory, slot, Cause::Template(cause.clone()), true);
            }
        }
    }
}

/// The rows of a list that have one of the keys.
fn rows_of(
    list: &Query,
    keys: &[Key],
    reader: &dyn TrackedReader,
) -> Result<Vec<Row>, EvaluateError> {
    let mut rows = Vec::new();
    for key in keys {
        let found = list.evaluate_for(reader, *key)?;
        rows.extend(found.into_iter().map(|row| Row(row.into_iter().collect())));
    }
    Ok(rows)
}

/// The rows of a list by their keys, and the patterns that it read.
type List = (Vec<(RowKey, Row)>, Vec<Fingerprint>);

/// The distinct rows of a list, in the order in which its source gives them, and what it read.
fn evaluate_list(generator: &Generator, change: &Change<'_>) -> Result<List, Diagnostic> {
    let (rows, reads) = match &generator.list {
        None => (vec![Row::default()], Vec::new()),
        Some(RowSource::Query(query)) => query_rows(generator, query, change.after)?,
        Some(RowSource::View(view)) => {
            let (things, reads) = view.list(change.after, change.answers).map_err(|message| {
                let span = generator.query_span("for_each");
                generator.file.diagnose("query::view", format!("for_each: {message}"), span)
            })?;
            (things.into_iter().map(|thing| Row([Some(thing)].into())).collect(), reads)
        }
    };
    let mut seen = FxHashSet::default();
    let keyed = rows.into_iter().map(|row| (row.key(), row));
    Ok((keyed.filter(|(key, _)| seen.insert(*key)).collect(), reads))
}

fn query_rows(
    generator: &Generator,
    query: &Query,
    snapshot: &Snapshot,
) -> Result<(Vec<Row>, Vec<Fingerprint>), Diagnostic> {
    let tracker = Tracker::new(snapshot.clone());
    let answer = query.evaluate(&tracker, &[]);
    let mut prints: Vec<Fingerprint> =
        tracker.take_reads().into_patterns().iter().map(QuadPattern::fingerprint).collect();
    prints.sort_unstable();
    let answer = answer.map_err(|error| query_failure(generator, "for_each", &error))?;
    let Answer::Rows(rows) = answer else {
        let message = "for_each must be a SELECT query: its rows are what is generated for";
        let span = generator.query_span("for_each");
        return Err(generator.file.diagnose("query::form", message.to_owned(), span));
    };
    let rows = rows.rows.into_iter().map(|row| Row(row.iter().cloned().collect()));
    Ok((rows.collect(), prints))
}

/// Which artifacts read what changed, with the quads that concern each, and whether
/// the rendering (and not the queries alone) read it.
fn trace(reads: Option<&Reads>, change: &Change<'_>) -> BTreeMap<Slot, (Cause, bool)> {
    let Some(reads) = reads else { return BTreeMap::new() };
    let mut found: BTreeMap<Slot, (Vec<String>, u64, bool)> = BTreeMap::new();
    if change.everything.is_some() {
        return BTreeMap::new();
    }
    if change.delta.len() > TRACED {
        for computation in Reads::affected(&reads.artifacts, change.delta.quads(), change.facts) {
            let entry = found.entry(computation / 2).or_default();
            entry.1 = change.delta.len() as u64;
            entry.2 |= computation % 2 == 1;
        }
    } else {
        let removed = change.delta.removed.iter().map(|quad| (quad, '-'));
        let inserted = change.delta.inserted.iter().map(|quad| (quad, '+'));
        for (quad, sign) in removed.chain(inserted) {
            note(reads, quad, sign, change, &mut found);
        }
    }
    found
        .into_iter()
        .map(|(slot, (quads, count, render))| (slot, (Cause::Model(quads, count), render)))
        .collect()
}

fn note(
    reads: &Reads,
    quad: &EncodedQuad,
    sign: char,
    change: &Change<'_>,
    found: &mut BTreeMap<Slot, (Vec<String>, u64, bool)>,
) {
    let mut last = None;
    let mut spelled = None;
    let facts =
        if change.facts.is_empty() { FxHashSet::default() } else { reads.facts.affected([quad]) };
    for computation in Reads::affected(&reads.artifacts, [quad], &facts) {
        let entry = found.entry(computation / 2).or_default();
        entry.2 |= computation % 2 == 1;
        if last == Some(computation / 2) {
            continue;
        }
        last = Some(computation / 2);
        entry.1 += 1;
        if entry.0.len() < NAMED {
            let text = spelled.get_or_insert_with(|| {
                let decoded = change.after.decode(quad);
                decoded.map_or_else(|| sign.to_string(), |quad| format!("{sign} {quad}"))
            });
            entry.0.push(text.clone());
        }
    }
}
