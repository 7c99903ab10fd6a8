//! Planned, interpreted and plain evaluation give the same rows.

use std::collections::{BTreeMap, BTreeSet};

use evergen_delta::{Quad, TermRef};
use proptest::prelude::*;
use spareval::{QueryEvaluator, QueryResults};
use spargebra::algebra::GraphPattern;
use spargebra::term::Variable;

use super::generate::{ALL, Author, Dice, Features, model, node, snapshot};
use crate::query::compiled::hand_in;
use crate::query::{Normal, dataset};
use crate::{Prefixes, Query, Row, Snapshot, Value};

pub(super) fn prefixes() -> Prefixes {
    Prefixes::new().with("ex", "http://example.org/").unwrap()
}

/// How often each row comes.
pub(super) type Bag = BTreeMap<Vec<String>, usize>;

fn bag(rows: impl Iterator<Item = Vec<String>>) -> Bag {
    let mut bag = Bag::new();
    rows.for_each(|row| *bag.entry(row).or_default() += 1);
    bag
}

fn cell(term: Option<TermRef<'_>>) -> String {
    term.map_or_else(|| "-".to_owned(), |term| term.to_string())
}

pub(super) fn spelled(snapshot: &Snapshot, rows: &[Row]) -> Vec<Vec<String>> {
    let row = |row: &Row| {
        let cells = row.iter();
        cells.map(|value| cell(value.as_ref().and_then(|value| value.term(snapshot)))).collect()
    };
    rows.iter().map(row).collect()
}

fn oxrdf_dataset(model: &BTreeSet<Quad>) -> oxrdf::Dataset {
    let snapshot = snapshot(model);
    let term = |term: &evergen_delta::Term| {
        dataset::spelled(&snapshot, &Value::computed(term.clone())).unwrap()
    };
    let mut dataset = oxrdf::Dataset::new();
    for quad in model {
        let graph = match quad.graph.as_ref().map(term) {
            Some(oxrdf::Term::NamedNode(node)) => node.into(),
            _ => oxrdf::GraphName::DefaultGraph,
        };
        let subject = oxrdf::NamedOrBlankNode::try_from(term(&quad.subject)).unwrap();
        let predicate = oxrdf::NamedNode::try_from(term(&quad.predicate)).unwrap();
        dataset.insert(oxrdf::QuadRef::new(
            &subject,
            &predicate,
            &term(&quad.object),
            graph.as_ref(),
        ));
    }
    dataset
}

/// What the library gives without any help of ours.
fn plain(
    evaluator: &QueryEvaluator,
    pattern: GraphPattern,
    columns: &[String],
    bound: &[(Variable, oxrdf::Term)],
    model: &BTreeSet<Quad>,
) -> Bag {
    let query = spargebra::Query::Select { dataset: None, pattern, base_iri: None };
    let mut prepared = evaluator.prepare(&query);
    for (variable, value) in bound {
        prepared = prepared.substitute_variable(variable.clone(), value.clone());
    }
    let dataset = oxrdf_dataset(model);
    let QueryResults::Solutions(solutions) = prepared.execute(&dataset).unwrap() else {
        panic!("a SELECT gives solutions")
    };
    bag(solutions.map(|solution| {
        let solution = solution.unwrap();
        let cells = columns.iter().map(|name| {
            let term = solution.get(name.as_str()).map(|term| dataset::term(term.clone()));
            cell(term.as_ref().map(evergen_delta::Term::as_ref))
        });
        cells.collect()
    }))
}

fn plain_normal(
    normal: &Normal,
    columns: &[String],
    bound: &[(Variable, oxrdf::Term)],
    model: &BTreeSet<Quad>,
) -> Bag {
    let mut pattern = normal.pattern.clone();
    let names: Vec<Variable> = bound.iter().map(|(name, _)| name.clone()).collect();
    hand_in(&mut pattern, &names);
    let evaluator = QueryEvaluator::new().without_optimizations();
    plain(&evaluator, pattern, columns, bound, model)
}

/// Compares all ways of evaluating a random query; tells whether the query was valid.
fn check(seed: u64, with_bound: bool) -> bool {
    let mut dice = Dice::new(seed);
    let mut model = model(&mut dice);
    let value = node(&mut dice);
    let text = Author::new(&mut dice, ALL).select();
    if ["LIMIT", "SAMPLE", "MIN", "MAX"].iter().any(|word| text.contains(word)) {
        // Nothing in SPARQL tells the spellings of one number apart, so that which of them
        // comes first is a matter of the plan.
        model.retain(|quad| quad.object.as_ref().text() != "01");
    }
    let bound: &[&str] = if with_bound { &["a"] } else { &[] };
    let Ok(query) = Query::compile(&text, &prefixes(), bound) else { return false };
    let snapshot = snapshot(&model);
    let values: Vec<Value> = bound.iter().map(|_| Value::computed(value.clone())).collect();
    let substituted: Vec<_> = bound
        .iter()
        .zip(&values)
        .map(|(name, value)| {
            (Variable::new_unchecked(*name), dataset::spelled(&snapshot, value).unwrap())
        })
        .collect();
    let expected = plain_normal(&query.normal, query.variables(), &substituted, &model);
    let context = || format!("seed {seed}\n{text}\nplan {:?}\nmodel {model:#?}", query.compiled);
    let slow = query.compiled.slow_rows(&snapshot, &values).unwrap();
    assert_eq!(bag(spelled(&snapshot, &slow).into_iter()), expected, "planned: {}", context());
    let rows = query.evaluate(&snapshot, &values).unwrap().into_rows();
    assert_eq!(bag(spelled(&snapshot, &rows).into_iter()), expected, "fast: {}", context());
    if query.compiled.is_fast() {
        CASES.with(|cases| cases.set(cases.get() + 1));
    }
    true
}

thread_local! {
    static CASES: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

pub(super) fn cases(default: u32) -> ProptestConfig {
    let factor = std::env::var("EVERGEN_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: factor.unwrap_or(default),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn plans_change_no_result() {
    let mut valid = 0;
    let config = cases(6000);
    for seed in 0..u64::from(config.cases) {
        valid += u32::from(check(seed, seed % 3 == 0));
    }
    eprintln!("{valid} valid, {} fast", CASES.with(std::cell::Cell::get));
    assert!(valid > config.cases / 2, "most random queries are valid");
}

/// The normal form itself, against the library with its own optimiser.
fn check_normal(seed: u64) {
    let mut dice = Dice::new(seed);
    let model = model(&mut dice);
    let features = Features { order: false, paths: false, odd_bodies: false, ..ALL };
    let text = Author::new(&mut dice, features).select();
    let Ok(query) = Query::compile(&text, &prefixes(), &[]) else { return };
    if text.contains("DISTINCT *)") {
        // The library counts blank nodes of the query as if they were variables of it.
        return;
    }
    let mut parser = spargebra::SparqlParser::new();
    for (name, iri) in prefixes().iter() {
        parser = parser.with_prefix(name, iri).unwrap();
    }
    let spargebra::Query::Select { pattern, .. } = parser.parse_query(&text).unwrap() else {
        panic!("the author writes SELECT only")
    };
    let evaluator = QueryEvaluator::new().without_optimizations();
    let expected = plain(&evaluator, pattern, query.variables(), &[], &model);
    let found = plain_normal(&query.normal, query.variables(), &[], &model);
    assert_eq!(found, expected, "seed {seed}\n{text}\n{:?}\n{model:#?}", query.normal.pattern);
}

#[test]
fn the_normal_form_changes_no_result() {
    for seed in 0..u64::from(cases(6000).cases) {
        check_normal(seed);
    }
}
