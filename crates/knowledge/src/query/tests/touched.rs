//! Replacing the rows of the touched keys gives the rows from scratch.

use std::collections::BTreeSet;

use evergen_delta::{Delta, Quad, Term};

use super::equivalence::{cases, prefixes};
use super::generate::{ALL, Author, Dice, Features, iri, model, snapshot};
use super::soundness::changed;
use crate::{Query, Row, Snapshot, Touched};

fn rows(query: &Query, snapshot: &Snapshot) -> BTreeSet<Vec<u64>> {
    ids(&query.evaluate(snapshot, &[]).unwrap().into_rows())
}

fn ids(rows: &[Row]) -> BTreeSet<Vec<u64>> {
    let id = |cell: &Option<crate::Value>| cell.as_ref().map_or(0, |value| value.id().to_raw());
    rows.iter().map(|row| row.iter().map(id).collect()).collect()
}

fn difference(before: &BTreeSet<Quad>, after: &BTreeSet<Quad>) -> Delta {
    Delta {
        inserted: after.difference(before).map(Quad::encode).collect(),
        removed: before.difference(after).map(Quad::encode).collect(),
    }
}

/// A random query, or one that begins as lists do.
fn list(dice: &mut Dice) -> String {
    let features = Features { aggregates: false, order: false, ..ALL };
    if dice.once_in(4) {
        return Author::new(dice, features).select();
    }
    let first =
        dice.pick(&["?a ex:p ?b", "?a ex:q ex:n2", "?a ex:p [] . ?b ex:q ?a", "?c ex:r ?a"]);
    let distinct = dice.pick(&["", "DISTINCT "]);
    let depth = u32::try_from(dice.below(3)).unwrap();
    let rest = Author::new(dice, features).group(depth);
    format!("SELECT {distinct}?a ?b ?c WHERE {{ {first} . {}", rest.trim_start_matches('{'))
}

/// Tells whether the change led to keys.
fn check(seed: u64) -> bool {
    let mut dice = Dice::new(seed);
    let before = model(&mut dice);
    let after = changed(&mut dice, &before);
    let text = list(&mut dice);
    let Ok(query) = Query::compile(&text, &prefixes(), &[]) else { return false };
    let (old, new) = (snapshot(&before), snapshot(&after));
    let context = || format!("seed {seed}\n{text}\n{before:#?}\n{after:#?}\n{:#?}", query.keyed());
    let keys = match query.touched(&difference(&before, &after), &old, &new) {
        Touched::Everything => return false,
        Touched::Nothing => {
            assert_eq!(rows(&query, &old), rows(&query, &new), "{}", context());
            return false;
        }
        Touched::Keys(keys) => keys,
    };
    let mut kept = query.evaluate(&old, &[]).unwrap().into_rows();
    kept.retain(|row| !keys.contains(&query.key(row).unwrap()));
    for key in keys {
        let portion = query.evaluate_for(&new, key).unwrap();
        assert!(portion.iter().all(|row| query.key(row) == Some(key)), "{}", context());
        kept.extend(portion);
    }
    assert_eq!(ids(&kept), rows(&query, &new), "{}", context());
    true
}

#[test]
fn replacing_touched_rows_is_evaluating_from_scratch() {
    let config = cases(12_000);
    let keyed = (0..u64::from(config.cases)).filter(|seed| check(*seed)).count();
    eprintln!("{keyed} changes led to keys");
    assert!(keyed > config.cases as usize / 10, "only {keyed} changes led to keys");
}

const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

fn classes(count: usize) -> BTreeSet<Quad> {
    (0..count).map(|number| is_class(&format!("C{number}"))).collect()
}

fn is_class(name: &str) -> Quad {
    Quad {
        subject: iri(name),
        predicate: Term::iri(TYPE),
        object: Term::iri("http://www.w3.org/2002/07/owl#Class"),
        graph: None,
    }
}

#[track_caller]
fn check_keys(text: &str, change: &[Quad], expected: &str) {
    let before = classes(100);
    let mut after = before.clone();
    for quad in change {
        if !after.remove(quad) {
            after.insert(quad.clone());
        }
    }
    let query = Query::compile(text, &prefixes(), &[]).unwrap();
    let (old, new) = (snapshot(&before), snapshot(&after));
    let found = match query.touched(&difference(&before, &after), &old, &new) {
        Touched::Keys(keys) => {
            let name = |key: &crate::Key| {
                let state =
                    if crate::TrackedReader::term(&new, key.id()).is_some() { &new } else { &old };
                let term = crate::TrackedReader::term(state, key.id()).unwrap();
                term.text().rsplit('/').next().unwrap().to_owned()
            };
            let mut names: Vec<String> = keys.iter().map(name).collect();
            names.sort();
            names.join(" ")
        }
        other => format!("{other:?}"),
    };
    assert_eq!(found, expected);
}

fn says(subject: &str, predicate: &str, object: &str) -> Quad {
    let predicate = match predicate.split_once(':') {
        Some(("rdfs", local)) => Term::iri(format!("http://www.w3.org/2000/01/rdf-schema#{local}")),
        _ => iri(predicate),
    };
    Quad { subject: iri(subject), predicate, object: iri(object), graph: None }
}

const STAR: &str = "SELECT ?class ?label WHERE { ?class a owl:Class OPTIONAL { ?class rdfs:label ?label } \
     FILTER NOT EXISTS { ?class owl:deprecated true } }";

#[test]
fn a_class_that_comes_or_goes_is_one_key() {
    check_keys(STAR, &[is_class("New")], "New");
    check_keys(STAR, &[is_class("C7")], "C7");
}

#[test]
fn what_no_pattern_matches_touches_nothing() {
    check_keys(STAR, &[says("C7", "rdfs:comment", "x")], "Nothing");
}

#[test]
fn patterns_away_from_the_key_are_followed_back_to_it() {
    let text =
        "SELECT ?class WHERE { ?class a owl:Class . ?p rdfs:domain ?class . ?p rdfs:range ?range }";
    check_keys(text, &[says("p", "rdfs:range", "r")], "Nothing");
    let text = "SELECT ?class WHERE { ?class a owl:Class FILTER EXISTS { ?p rdfs:domain ?class . ?p rdfs:range ?r } }";
    let change = [says("p", "rdfs:domain", "C3"), says("p", "rdfs:range", "r")];
    check_keys(text, &change, "C3");
}

#[test]
fn transitive_paths_touch_everything_where_their_predicate_changes() {
    let text = "SELECT ?class WHERE { ?class a/rdfs:subClassOf* owl:Class }";
    check_keys(text, &[is_class("New")], "New");
    check_keys(text, &[says("C1", "rdfs:subClassOf", "C2")], "Everything");
}

#[test]
fn lists_that_have_no_key_are_evaluated_again() {
    check_keys(
        "SELECT (COUNT(?class) AS ?count) WHERE { ?class a owl:Class }",
        &[is_class("New")],
        "Everything",
    );
    check_keys(
        "SELECT ?class WHERE { ?class a owl:Class } LIMIT 5",
        &[is_class("New")],
        "Everything",
    );
    check_keys(
        "SELECT ?x WHERE { ?class a owl:Class BIND(STR(?class) AS ?x) }",
        &[is_class("New")],
        "Everything",
    );
}

#[test]
fn adding_one_class_to_ten_thousand_evaluates_one_key() {
    let before = classes(10_000);
    let mut after = before.clone();
    after.insert(is_class("New"));
    let query = Query::compile(STAR, &prefixes(), &[]).unwrap();
    let (old, new) = (snapshot(&before), snapshot(&after));
    let Touched::Keys(keys) = query.touched(&difference(&before, &after), &old, &new) else {
        panic!("a class leads to its key")
    };
    assert_eq!(keys.len(), 1);
    let tracker = crate::Tracker::new(new);
    assert_eq!(query.evaluate_for(&tracker, keys[0]).unwrap().len(), 1);
    let reads = tracker.take_reads().into_patterns();
    assert_eq!(reads.len(), 3, "{reads:?}");
    assert!(reads.iter().all(|read| read.subject == keys[0].id()));
}
