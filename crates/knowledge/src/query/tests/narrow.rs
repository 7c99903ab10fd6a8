//! Bound reads stay bound, and the interpreter follows what generators ask.

use std::collections::BTreeSet;

use evergen_delta::{Quad, Term, TermId};

use super::equivalence::prefixes;
use super::generate::{iri, snapshot};
use crate::{Query, TrackedReader, Tracker, Value};

fn model() -> BTreeSet<Quad> {
    let rdfs = |local| Term::iri(format!("http://www.w3.org/2000/01/rdf-schema#{local}"));
    let mut model = BTreeSet::new();
    let mut say = |subject: &str, predicate: Term, object: Term| {
        model.insert(Quad { subject: iri(subject), predicate, object, graph: None });
    };
    for class in 0..5 {
        for property in 0..3 {
            let name = format!("p{class}{property}");
            say(&name, rdfs("domain"), iri(&format!("C{class}")));
            say(&name, rdfs("range"), iri("R"));
            say(&name, rdfs("comment"), Term::tagged("words", "en"));
        }
    }
    say("C1", rdfs("subClassOf"), iri("C0"));
    say("C0", rdfs("label"), Term::literal("zero"));
    model
}

/// Evaluates with `?class` bound to C1, and writes the reads with the model's names.
fn reads(text: &str, bound: &[&str]) -> String {
    let snapshot = snapshot(&model());
    let query = Query::compile(text, &prefixes(), bound).unwrap();
    let tracker = Tracker::new(snapshot.clone());
    let values: Vec<Value> = bound.iter().map(|_| Value::computed(iri("C1"))).collect();
    query.compiled.slow_rows(&tracker, &values).unwrap();
    let slow = tracker.take_reads().into_patterns();
    if query.compiled.is_fast() {
        query.evaluate(&tracker, &values).unwrap();
        let fast = tracker.take_reads().into_patterns();
        assert_eq!(fast, slow, "both ways read the same for {text}");
    }
    let name = |id| match id {
        TermId::ANY => "?".to_owned(),
        id => match snapshot.term(id) {
            Some(term) => term.text().rsplit(['/', '#']).next().unwrap_or_default().to_owned(),
            None => "unknown".to_owned(),
        },
    };
    let mut lines: Vec<String> = slow
        .iter()
        .map(|read| {
            format!("{} {} {}", name(read.subject), name(read.predicate), name(read.object))
        })
        .collect();
    lines.sort();
    format!("{} {}", if query.compiled.is_fast() { "fast:" } else { "slow:" }, lines.join(", "))
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(reads(text, &["class"]), expected);
}

#[test]
fn properties_of_a_class_with_comments() {
    check(
        "SELECT ?p ?c WHERE { ?p rdfs:domain ?class OPTIONAL { ?p rdfs:comment ?c } }",
        "fast: ? domain C1, p10 comment ?, p11 comment ?, p12 comment ?",
    );
}

#[test]
fn the_order_of_patterns_in_the_text_does_not_matter() {
    check(
        "SELECT ?p ?r WHERE { ?p rdfs:range ?r . ?r rdfs:label ?l . ?p rdfs:domain ?class }",
        "fast: ? domain C1, R label ?, p10 range ?, p11 range ?, p12 range ?",
    );
}

#[test]
fn negation_of_two_patterns() {
    check(
        "SELECT ?p WHERE { ?p rdfs:domain ?class FILTER NOT EXISTS { ?s rdfs:label ?l . ?p rdfs:range ?s } }",
        "fast: ? domain C1, R label ?, p10 range ?, p11 range ?, p12 range ?",
    );
}

#[test]
fn minus() {
    check(
        "SELECT ?p WHERE { ?p rdfs:domain ?class MINUS { ?p rdfs:range ex:R } }",
        "fast: ? domain C1, p10 range R, p11 range R, p12 range R",
    );
}

#[test]
fn union_and_inherited_properties() {
    check(
        "SELECT ?p WHERE { { ?p rdfs:domain ?class } UNION { ?class rdfs:subClassOf ?s . ?p rdfs:domain ?s } }",
        "fast: ? domain C0, ? domain C1, C1 subClassOf ?",
    );
}

#[test]
fn transitive_paths_start_at_the_bound_end() {
    check(
        "SELECT ?p ?s WHERE { ?class rdfs:subClassOf+ ?s . ?p rdfs:domain ?s }",
        "slow: ? domain C0, C0 subClassOf ?, C1 subClassOf ?",
    );
}

#[test]
fn aggregates() {
    check(
        "SELECT (COUNT(?p) AS ?n) WHERE { ?p rdfs:domain ?class . ?p rdfs:range ?r }",
        "slow: ? domain C1, p10 range ?, p11 range ?, p12 range ?",
    );
}

#[test]
fn sub_selects_take_the_row_in_where_they_hand_it_out() {
    check(
        "SELECT ?s ?n WHERE { ?class rdfs:subClassOf ?s \
         { SELECT ?s (COUNT(?p) AS ?n) WHERE { ?p rdfs:domain ?s } GROUP BY ?s } }",
        "slow: ? domain C0, C1 subClassOf ?",
    );
}

#[test]
fn filters_that_the_library_must_evaluate() {
    check(
        "SELECT ?p WHERE { ?p rdfs:domain ?class . ?p rdfs:comment ?c FILTER(STRLEN(?c) > 3) }",
        "slow: ? domain C1, p10 comment ?, p11 comment ?, p12 comment ?",
    );
    check(
        "SELECT ?p WHERE { ?p rdfs:domain ?class . ?p rdfs:comment ?c FILTER(LANG(?c) = \"en\") }",
        "fast: ? domain C1, p10 comment ?, p11 comment ?, p12 comment ?",
    );
}

#[test]
fn a_list_reads_what_it_lists() {
    assert_eq!(
        reads("SELECT ?c ?l WHERE { ?c rdfs:subClassOf ?s OPTIONAL { ?c rdfs:label ?l } }", &[]),
        "fast: ? subClassOf ?, C1 label ?"
    );
}

#[test]
fn a_constant_that_the_model_lacks_is_read_by_its_own_id() {
    let snapshot = snapshot(&model());
    let tracker = Tracker::new(snapshot);
    let query = Query::compile("SELECT ?c { ?c a ex:Nowhere }", &prefixes(), &[]).unwrap();
    assert!(query.evaluate(&tracker, &[]).unwrap().into_rows().is_empty());
    let reads = tracker.take_reads().into_patterns();
    assert_eq!(reads.len(), 1);
    assert_eq!(reads[0].object, iri("Nowhere").id());
}
